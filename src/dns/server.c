/* See server.h. */
#include "dns/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "dns/server_priv.h"
#include "dns/zone.h"

/* -- metrics, by the names that dashboards for cluster DNS know -- */

static void make_metrics(struct server_metrics *m, struct metrics *registry) {
    static const char *const rcodes[16] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    if (!registry)
        return;
    struct counter_vec *requests = metrics_counter(
        registry, &(struct metric_desc){
                      .name = "coredns_dns_requests_total", .help = "DNS queries.", .labels = {"proto"}});
    struct counter_vec *responses = metrics_counter(
        registry, &(struct metric_desc){
                      .name = "coredns_dns_responses_total", .help = "DNS answers.", .labels = {"rcode"}});
    m->udp = counter_with(requests, S("udp"));
    m->tcp = counter_with(requests, S("tcp"));
    for (unsigned i = 0; i < 16; i++)
        m->rcode[i] = counter_with(responses, str_from(rcodes[i] ? rcodes[i] : "OTHER"));
    m->hits = counter_only(
        metrics_counter(registry, &(struct metric_desc){.name = "coredns_cache_hits_total",
                                                        .help = "Answers that were still known."}));
    m->misses = counter_only(
        metrics_counter(registry, &(struct metric_desc){.name = "coredns_cache_misses_total",
                                                        .help = "Answers that were not known."}));
    m->forwarded =
        counter_only(metrics_counter(registry, &(struct metric_desc){.name = "coredns_forward_requests_total",
                                                                     .help = "Queries asked of others."}));
    m->failed = counter_only(
        metrics_counter(registry, &(struct metric_desc){.name = "coredns_forward_failures_total",
                                                        .help = "Queries that nobody answered."}));
}

static void count(struct counter *c) {
    if (c)
        counter_inc(c);
}

void server_count_rcode(struct dns_server *s, const uint8_t *answer) {
    count(s->metrics.rcode[answer[3] & 15]);
}

/* -- questions that wait -- */

static int64_t now_of(const struct dns_server *s) {
    return clock_mono_ns(loop_clock(s->options.loop));
}

static void unlink_ask(struct ask *a) {
    *(a->previous ? &a->previous->next : &a->server->asks) = a->next;
    if (a->next)
        a->next->previous = a->previous;
}

static void ask_free(struct ask *a) {
    if (a->tcp)
        tcp_answered(a->tcp);
    unlink_ask(a);
    free(a);
}

static struct ask *ask_new(struct dns_server *s, const struct origin *from, const struct dns_query *q) {
    struct ask *a = calloc(1, sizeof *a);
    check(a != NULL);
    a->server = s;
    a->query = *q;
    memcpy(a->question, q->question, q->question_bytes);
    a->query.question = a->question;
    a->udp = from->udp;
    a->tcp = from->tcp;
    if (from->udp) {
        a->peer = *from->peer;
        a->peer_bytes = from->peer_bytes;
    } else {
        a->tcp->n_asks++;
    }
    a->next = s->asks;
    if (a->next)
        a->next->previous = a;
    s->asks = a;
    return a;
}

static size_t limit_of(const struct dns_query *q, bool tcp, size_t room) {
    size_t udp = q->udp_bytes < DNS_UDP_BYTES_MAX ? q->udp_bytes : DNS_UDP_BYTES_MAX;
    return tcp || udp > room ? room : udp;
}

static void reply(struct ask *a, const uint8_t *p, size_t n) {
    server_count_rcode(a->server, p);
    if (a->tcp)
        tcp_write(a->tcp, p, n);
    else if (a->udp && a->udp->open)
        (void)sendto(a->udp->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a->peer,
                     a->peer_bytes);
}

/* -- aliases: a CNAME of ours, then what the name it leads to has -- */

/* A name with its pointers followed; 0 when it is malformed. */
static size_t expand_name(const uint8_t *p, size_t n, size_t at, uint8_t out[DNS_NAME_MAX]) {
    size_t w = 0;
    for (unsigned steps = 0; at < n && steps < DNS_LABELS_MAX; steps++) {
        uint8_t len = p[at];
        if ((len & 0xc0) == 0xc0) {
            size_t to = at + 1 < n ? (size_t)((len & 0x3f) << 8 | p[at + 1]) : n;
            if (to >= at)
                return 0; // only backwards, so that it ends
            at = to;
            continue;
        }
        if (len > 63 || at + 1 + len > n || w + 1 + len > DNS_NAME_MAX)
            return 0;
        memcpy(out + w, p + at, 1u + len);
        w += 1u + len;
        at += 1u + len;
        if (!len)
            return w;
    }
    return 0;
}

static void put_alias_record(struct dns_out *o, const uint8_t *p, size_t n, const struct dns_record_view *r) {
    uint8_t name[DNS_NAME_MAX], data[DNS_NAME_MAX];
    size_t name_bytes = expand_name(p, n, r->at, name);
    size_t data_bytes = r->type == DNS_CNAME ? expand_name(p, n, r->data_at, data) : r->data_bytes;
    bool address = (r->type == DNS_A && data_bytes == 4) || (r->type == DNS_AAAA && data_bytes == 16);
    if (!name_bytes || !data_bytes || (!address && r->type != DNS_CNAME))
        return;
    size_t before = o->n;
    dns_put(o, name, name_bytes);
    dns_put_u16(o, r->type);
    dns_put_u16(o, DNS_IN);
    dns_put_u32(o, r->ttl < DNS_CACHE_TTL_MAX ? r->ttl : DNS_CACHE_TTL_MAX);
    dns_put_u16(o, (uint16_t)data_bytes);
    dns_put(o, r->type == DNS_CNAME ? data : p + r->data_at, data_bytes);
    if (o->full)
        o->n = before;
    else
        o->answers++;
}

/* p NULL: nobody knows the target. */
static size_t write_alias(const struct dns_query *q, const struct dns_query *target, const uint8_t *p,
                          size_t n, uint8_t *out, size_t limit) {
    struct dns_out o;
    dns_begin(&o, out, limit, q);
    size_t r = dns_record(&o, DNS_HEADER_BYTES, DNS_CNAME, DNS_ZONE_TTL);
    dns_put(&o, target->name, target->name_bytes);
    (void)dns_record_end(&o, r, &o.answers);
    size_t at = p ? DNS_HEADER_BYTES + target->question_bytes : 0;
    for (unsigned left = p ? dns_u16(p + 6) : 0; left; left--) {
        struct dns_record_view v;
        if (!dns_read_record(p, n, at, &v))
            break;
        put_alias_record(&o, p, n, &v);
        at = v.end;
    }
    enum dns_rcode rcode = p ? (enum dns_rcode)(p[3] & 15) : DNS_SERVFAIL;
    return dns_finish(&o, q, rcode, DNS_AA | DNS_RA);
}

/* The same question about another name; its bytes lie in `question`. */
static void make_target(const struct dns_query *q, const uint8_t *name, size_t n, struct dns_query *ret,
                        uint8_t question[DNS_NAME_MAX + 4]) {
    *ret = *q;
    memcpy(ret->name, name, n);
    ret->name_bytes = n;
    ret->labels = 0;
    for (size_t i = 0; name[i]; i += 1u + name[i])
        ret->label_at[ret->labels++] = (uint8_t)i;
    memcpy(question, name, n);
    memcpy(question + n, q->question + q->question_bytes - 4, 4);
    ret->question = question;
    ret->question_bytes = n + 4;
}

/* -- others' answers -- */

static size_t write_answer(struct ask *a, const uint8_t *p, size_t n, uint8_t *out, size_t limit) {
    if (a->alias)
        return write_alias(&a->query, &a->target, p, n, out, limit);
    if (p)
        return dns_answer_pass(&a->query, p, n, 0, out, limit);
    struct dns_out o;
    dns_begin(&o, out, limit, &a->query);
    return dns_finish(&o, &a->query, DNS_SERVFAIL, DNS_RA);
}

static void on_answer(struct dns_waiter *w, const uint8_t *p, size_t n) {
    struct ask *a = (struct ask *)((char *)w - offsetof(struct ask, waiter));
    struct dns_server *s = a->server;
    if (p)
        dns_cache_put(s->cache, a->alias ? &a->target : &a->query, p, n, now_of(s));
    else
        count(s->metrics.failed);
    size_t limit = limit_of(&a->query, a->tcp != NULL, sizeof s->answer);
    reply(a, s->answer, write_answer(a, p, n, s->answer, limit));
    ask_free(a);
}

static size_t fail(const struct dns_query *q, enum dns_rcode rcode, uint8_t *out, size_t limit) {
    struct dns_out o;
    dns_begin(&o, out, limit, q);
    return dns_finish(&o, q, rcode, DNS_RA);
}

static size_t forward(struct dns_server *s, const struct origin *from, const struct dns_query *q,
                      uint8_t *out, size_t limit) {
    size_t n = dns_cache_get(s->cache, q, now_of(s), out, limit);
    if (n) {
        count(s->metrics.hits);
        return n;
    }
    count(s->metrics.misses);
    struct ask *a = ask_new(s, from, q);
    a->waiter.done = on_answer;
    if (dns_forward_ask(s->forward, &a->query, &a->waiter) == 0) {
        count(s->metrics.forwarded);
        return 0;
    }
    ask_free(a);
    return fail(q, DNS_SERVFAIL, out, limit);
}

/* Where an ExternalName leads to may be a name of the cluster, known, or to be asked for. */
static size_t answer_alias(struct dns_server *s, const struct origin *from, const struct dns_query *q,
                           const uint8_t *name, size_t n, uint8_t *out, size_t limit) {
    struct ask *a = ask_new(s, from, q);
    a->alias = true;
    a->waiter.done = on_answer;
    make_target(&a->query, name, n, &a->target, a->target_question);
    size_t got = dns_zone_has(s->options.zone, &a->target)
                     ? dns_zone_answer(s->options.zone, &a->target, s->answer, sizeof s->answer)
                     : dns_cache_get(s->cache, &a->target, now_of(s), s->answer, sizeof s->answer);
    if (!got && dns_forward_ask(s->forward, &a->target, &a->waiter) == 0) {
        count(s->metrics.forwarded);
        return 0;
    }
    uint8_t *copy = got ? malloc(got) : NULL; // out may be the server's own buffer
    check(!got || copy != NULL);
    if (got)
        memcpy(copy, s->answer, got);
    size_t written = write_alias(&a->query, &a->target, copy, got, out, limit);
    free(copy);
    ask_free(a);
    return written;
}

/* -- queries -- */

static size_t answer_domain(struct dns_server *s, const struct origin *from, const struct dns_query *q,
                            uint8_t *out, size_t limit) {
    uint8_t name[DNS_NAME_MAX];
    if (!s->synced)
        return fail(q, DNS_SERVFAIL, out, limit);
    size_t n = dns_zone_alias(s->options.zone, q, name);
    return n ? answer_alias(s, from, q, name, n, out, limit)
             : dns_zone_answer(s->options.zone, q, out, limit);
}

static size_t answer(struct dns_server *s, const struct origin *from, const struct dns_query *q, uint8_t *out,
                     size_t limit) {
    if (dns_zone_has(s->options.zone, q))
        return answer_domain(s, from, q, out, limit);
    size_t n = dns_is_reverse(q) ? dns_zone_answer_reverse(s->options.zone, q, out, limit) : 0;
    if (n)
        return n;
    if (!(q->flags & DNS_RD))
        return fail(q, DNS_REFUSED, out, limit);
    return forward(s, from, q, out, limit);
}

size_t server_handle(struct dns_server *s, const struct origin *from, const uint8_t *p, size_t n,
                     uint8_t *out, size_t limit) {
    struct dns_query q;
    count(from->tcp ? s->metrics.tcp : s->metrics.udp);
    enum dns_rcode rc = dns_read_query(p, n, &q);
    if (rc == DNS_IGNORE)
        return 0;
    size_t written;
    if (rc != DNS_NOERROR && !q.question_bytes)
        written = dns_write_error(out, q.id, q.flags, rc);
    else if (rc != DNS_NOERROR)
        written = fail(&q, rc, out, limit_of(&q, from->tcp != NULL, limit));
    else
        written = answer(s, from, &q, out, limit_of(&q, from->tcp != NULL, limit));
    if (written)
        server_count_rcode(s, out);
    return written;
}

/* -- life -- */

void server_unref(struct dns_server *s) {
    if (--s->handles)
        return;
    dns_cache_free(s->cache);
    free(s->batch);
    free(s);
}

void dns_server_close(struct dns_server *s) {
    s->closing = true;
    dns_forward_free(s->forward);
    s->forward = NULL;
    while (s->connections)
        tcp_close_connection(s->connections);
    while (s->asks)
        ask_free(s->asks);
    for (size_t i = 0; i < s->options.n_addresses; i++) {
        udp_close(&s->udp[i]);
        tcp_close(&s->tcp[i]);
    }
    server_unref(s); // the owner's
}

static int open_all(struct dns_server *s, struct err *err) {
    for (size_t i = 0; i < s->options.n_addresses; i++) {
        int rc = udp_open(&s->udp[i], s, s->options.addresses[i], &s->port, err);
        if (!rc)
            rc = tcp_open(&s->tcp[i], s, s->options.addresses[i], s->port, err);
        if (rc)
            return rc;
    }
    return 0;
}

int dns_server_start(const struct dns_server_options *o, struct dns_server **ret, struct err *err) {
    check(o->n_addresses <= DNS_ADDRESSES_MAX);
    struct dns_server *s = calloc(1, sizeof *s);
    check(s != NULL);
    s->options = *o;
    s->port = o->port;
    s->handles = 1;
    s->cache = dns_cache_new(0, 0);
    s->forward = dns_forward_new(&(struct dns_forward_options){
        .loop = o->loop, .port = o->upstream_port, .try_ms = o->upstream_try_ms});
    dns_forward_set(s->forward, &o->upstream);
    make_metrics(&s->metrics, o->metrics);
    int rc = open_all(s, err);
    s->options.addresses = NULL; // the caller's
    if (rc) {
        dns_server_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

uint16_t dns_server_port(const struct dns_server *s) {
    return s->port;
}

void dns_server_set_upstream(struct dns_server *s, const struct resolv *upstream) {
    dns_forward_set(s->forward, upstream);
}

void dns_server_set_synced(struct dns_server *s) {
    s->synced = true;
}
