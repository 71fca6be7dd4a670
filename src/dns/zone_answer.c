/* See zone.h: answers. What is left of a name without the domain decides, from its last label on:
 *
 *     (nothing)                      SOA, NS
 *     dns-version                    TXT "1.1.0"
 *     svc, <ns>.svc, pod, <ns>.pod   exist without records
 *     <service>.<ns>.svc             A, AAAA, or CNAME
 *     <host>.<service>.<ns>.svc      A, AAAA of endpoints
 *     _<port>._<proto>.<service>…    SRV
 *     <ip with dashes>.<ns>.pod      A, AAAA
 *
 * A name that exists without records of the type is NODATA (no error, SOA), one that does not is NXDOMAIN.
 */
#include <string.h>

#include "base/err.h"
#include "dns/zone_priv.h"

#define TARGETS_MAX 32u

/* What a query comes to. */
struct answer {
    struct dns_zone *zone;
    const struct dns_query *query;
    struct dns_out out;
    bool exists;
    struct {
        uint16_t at; /* of the name in the message */
        struct ip ip;
    } targets[TARGETS_MAX]; /* of SRV records, whose addresses come along */
    unsigned n_targets;
};

static struct str label(const struct dns_query *q, unsigned i) {
    const uint8_t *p = q->name + q->label_at[i];
    return str_make((const char *)p + 1, p[0]);
}

bool dns_zone_has(const struct dns_zone *z, const struct dns_query *q) {
    return q->labels >= z->domain_labels &&
           memcmp(q->name + q->name_bytes - z->domain_bytes, z->domain, z->domain_bytes) == 0 &&
           (q->labels == z->domain_labels ||
            q->label_at[q->labels - z->domain_labels] == q->name_bytes - z->domain_bytes);
}

static bool asks(const struct dns_query *q, enum dns_type type) {
    return q->type == type || q->type == DNS_ANY;
}

static bool asks_ip(const struct dns_query *q, struct ip ip) {
    return asks(q, ip.family == 4 ? DNS_A : DNS_AAAA);
}

/* -- records -- */

static void put_soa(struct answer *a, uint16_t *count) {
    static const uint8_t primary[] = "\2ns\3dns", contact[] = "\12hostmaster";
    const struct dns_zone *z = a->zone;
    // the domain is the end of the question's name
    size_t owner = DNS_HEADER_BYTES + a->query->name_bytes - z->domain_bytes;
    size_t r = dns_record(&a->out, owner, DNS_SOA, z->ttl);
    dns_put(&a->out, primary, sizeof primary - 1);
    dns_put(&a->out, z->domain, z->domain_bytes);
    dns_put(&a->out, contact, sizeof contact - 1);
    dns_put(&a->out, z->domain, z->domain_bytes);
    dns_put_u32(&a->out, 1);
    dns_put_u32(&a->out, 7200);
    dns_put_u32(&a->out, 1800);
    dns_put_u32(&a->out, 86400);
    dns_put_u32(&a->out, z->ttl);
    (void)dns_record_end(&a->out, r, count);
}

static void put_ip(struct answer *a, struct ip ip) {
    a->exists = true;
    if (asks_ip(a->query, ip))
        (void)dns_put_address(&a->out, DNS_HEADER_BYTES, ip, a->zone->ttl, &a->out.answers);
}

/* [host.]service.ns.svc.domain */
static void put_name(struct answer *a, const struct zone_service *s, struct str host) {
    if (host.p)
        dns_put_label(&a->out, host);
    dns_put_label(&a->out, s->name);
    dns_put_label(&a->out, s->ns);
    dns_put_label(&a->out, S("svc"));
    dns_put(&a->out, a->zone->domain, a->zone->domain_bytes);
}

/* -- services -- */

static void answer_alias(struct answer *a, const struct zone_service *s) {
    a->exists = true;
    if (!s->alias_bytes)
        return;
    size_t r = dns_record(&a->out, DNS_HEADER_BYTES, DNS_CNAME, a->zone->ttl);
    dns_put(&a->out, s->alias, s->alias_bytes);
    (void)dns_record_end(&a->out, r, &a->out.answers);
}

/* Every answer begins with another address, so that clients that take the first share the load. */
static void answer_endpoints(struct answer *a, const struct zone_service *s, uint32_t first, uint32_t n) {
    uint32_t turn = n ? a->zone->turn++ % n : 0;
    for (uint32_t i = 0; i < n && !a->out.full; i++)
        put_ip(a, s->endpoints[first + (turn + i) % n].ip);
}

struct wanted {
    struct str port; /* STR_NONE: all */
    uint8_t protocol;
};

static bool wants(const struct wanted *w, const struct zone_port *p) {
    return !w->port.p || (w->protocol == p->protocol && str_eq(w->port, p->name));
}

static void put_srv(struct answer *a, const struct zone_service *s, struct str host, uint16_t port,
                    uint16_t weight, const struct ip *ips, uint32_t n_ips) {
    a->exists = true;
    if (!asks(a->query, DNS_SRV))
        return;
    size_t r = dns_record(&a->out, DNS_HEADER_BYTES, DNS_SRV, a->zone->ttl);
    dns_put_u16(&a->out, 0);
    dns_put_u16(&a->out, weight);
    dns_put_u16(&a->out, port);
    size_t target = a->out.n;
    put_name(a, s, host);
    if (!dns_record_end(&a->out, r, &a->out.answers) || target > 0x3fff)
        return;
    for (uint32_t i = 0; i < n_ips && a->n_targets < TARGETS_MAX; i++) {
        a->targets[a->n_targets].at = (uint16_t)target;
        a->targets[a->n_targets++].ip = ips[i];
    }
}

/* Behind all answers; what does not fit is left out, the client can ask. */
static void put_targets(struct answer *a) {
    for (unsigned i = 0; i < a->n_targets && !a->out.full; i++) {
        if (dns_put_address(&a->out, a->targets[i].at, a->targets[i].ip, a->zone->ttl, &a->out.additionals))
            continue;
        a->out.full = false;
        return;
    }
}

static uint16_t weight_of(uint32_t n) {
    return (uint16_t)(n && n < 100 ? 100 / n : 1);
}

static void answer_srv_headless(struct answer *a, const struct zone_service *s, const struct wanted *w) {
    uint32_t turn = s->n_endpoints ? a->zone->turn++ % s->n_endpoints : 0;
    for (uint32_t i = 0; i < s->n_endpoints && !a->out.full; i++) {
        const struct zone_endpoint *e = &s->endpoints[(turn + i) % s->n_endpoints];
        for (uint32_t k = 0; k < e->ports_n; k++) {
            const struct zone_port *p = &s->ports[e->ports_from + k];
            if (wants(w, p))
                put_srv(a, s, e->host, p->port, weight_of(s->n_endpoints), &e->ip, 1);
        }
    }
}

static void answer_srv(struct answer *a, const struct zone_service *s, const struct wanted *w) {
    if (s->kind == ZONE_HEADLESS) {
        answer_srv_headless(a, s, w);
        return;
    }
    for (uint32_t i = 0; i < s->n_ports; i++)
        if (wants(w, &s->ports[i]))
            put_srv(a, s, STR_NONE, s->ports[i].port, 100, s->ips, s->n_ips);
}

static void answer_service(struct answer *a, const struct zone_service *s) {
    if (s->kind == ZONE_ALIAS) {
        answer_alias(a, s);
        return;
    }
    for (uint32_t i = 0; i < s->n_ips; i++)
        put_ip(a, s->ips[i]);
    answer_endpoints(a, s, 0, s->n_endpoints);
    if (a->query->type == DNS_SRV)
        answer_srv(a, s, &(struct wanted){.port = STR_NONE});
}

static uint8_t protocol_label(struct str l) {
    return str_eq(l, S("_tcp")) ? 't' : str_eq(l, S("_udp")) ? 'u' : str_eq(l, S("_sctp")) ? 's' : 0;
}

/* _tcp.service…: there is nothing, but something below. */
static void answer_protocol(struct answer *a, const struct zone_service *s, uint8_t protocol) {
    for (uint32_t i = 0; i < s->n_ports; i++)
        a->exists |= s->ports[i].protocol == protocol;
}

static void answer_below(struct answer *a, const struct zone_service *s, unsigned n) {
    const struct dns_query *q = a->query;
    struct str first = label(q, 0);
    if (n == 1 && protocol_label(first)) {
        answer_protocol(a, s, protocol_label(first));
    } else if (n == 1) {
        uint32_t at, count = zone_host(s, first, &at);
        answer_endpoints(a, s, at, count);
    } else if (n == 2 && first.n > 1 && first.p[0] == '_') {
        struct wanted w = {.port = str_from_byte(first, 1), .protocol = protocol_label(label(q, 1))};
        if (w.protocol)
            answer_srv(a, s, &w);
    }
}

static bool namespace_exists(const struct answer *a, struct str ns) {
    return !a->zone->namespaces_known || map_has(&a->zone->namespaces, ns);
}

static void answer_svc(struct answer *a, unsigned n) {
    const struct dns_query *q = a->query;
    if (n == 1 || (n == 2 && namespace_exists(a, label(q, 0)))) {
        a->exists = true;
        return;
    }
    const struct zone_service *s = n < 3 ? NULL : zone_find(a->zone, label(q, n - 3), label(q, n - 2));
    if (!s || s->kind == ZONE_NONE)
        return;
    if (n == 3)
        answer_service(a, s);
    else if (s->kind != ZONE_ALIAS)
        answer_below(a, s, n - 3);
}

/* -- pods -- */

/* 10-0-0-7 is 10.0.0.7; fd00--7 is fd00::7. */
static bool dashed_ip(struct str text, struct ip *ret) {
    char copy[IP_TEXT_MAX];
    if (text.n >= sizeof copy)
        return false;
    unsigned dashes = 0;
    for (size_t i = 0; i < text.n; i++)
        dashes += text.p[i] == '-';
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < text.n; i++)
            copy[i] = text.p[i] == '-' ? (v6 ? ':' : '.') : text.p[i];
        if ((v6 || dashes == 3) && ip_parse(str_make(copy, text.n), IP_STRICT, ret))
            return ret->family == (v6 ? 6 : 4);
    }
    return false;
}

static void answer_pod(struct answer *a, unsigned n) {
    const struct dns_query *q = a->query;
    struct ip ip;
    if (n == 1 || (n == 2 && namespace_exists(a, label(q, 0))))
        a->exists = true;
    else if (n == 3 && namespace_exists(a, label(q, 1)) && dashed_ip(label(q, 0), &ip))
        put_ip(a, ip);
}

/* -- the domain itself -- */

static void answer_apex(struct answer *a) {
    a->exists = true;
    if (asks(a->query, DNS_SOA))
        put_soa(a, &a->out.answers);
    if (asks(a->query, DNS_NS)) {
        size_t r = dns_record(&a->out, DNS_HEADER_BYTES, DNS_NS, a->zone->ttl);
        dns_put(&a->out, "\2ns\3dns", 7);
        dns_put(&a->out, a->zone->domain, a->zone->domain_bytes);
        (void)dns_record_end(&a->out, r, &a->out.answers);
    }
}

static void answer_version(struct answer *a) {
    a->exists = true;
    if (!asks(a->query, DNS_TXT))
        return;
    size_t r = dns_record(&a->out, DNS_HEADER_BYTES, DNS_TXT, a->zone->ttl);
    dns_put(&a->out, "\0051.1.0", 6);
    (void)dns_record_end(&a->out, r, &a->out.answers);
}

static size_t finish(struct answer *a) {
    if (a->out.answers == 0 && !a->out.full)
        put_soa(a, &a->out.authorities);
    put_targets(a);
    return dns_finish(&a->out, a->query, a->exists ? DNS_NOERROR : DNS_NXDOMAIN, DNS_AA | DNS_RA);
}

size_t dns_zone_answer(struct dns_zone *z, const struct dns_query *q, uint8_t *out, size_t limit) {
    struct answer a = {.zone = z, .query = q};
    unsigned n = q->labels - z->domain_labels;
    dns_begin(&a.out, out, limit, q);
    if (q->class != DNS_IN && q->class != DNS_ANY)
        return dns_finish(&a.out, q, DNS_REFUSED, 0);
    struct str last = n ? label(q, n - 1) : STR_NONE;
    if (n == 0)
        answer_apex(&a);
    else if (str_eq(last, S("svc")))
        answer_svc(&a, n);
    else if (str_eq(last, S("pod")))
        answer_pod(&a, n);
    else if (n == 1 && str_eq(last, S("dns-version")))
        answer_version(&a);
    return finish(&a);
}

size_t dns_zone_alias(const struct dns_zone *z, const struct dns_query *q, uint8_t out[DNS_NAME_MAX]) {
    unsigned n = q->labels - z->domain_labels;
    if (n != 3 || !str_eq(label(q, 2), S("svc")) || q->type == DNS_CNAME)
        return 0;
    const struct zone_service *s = zone_find(z, label(q, 0), label(q, 1));
    if (!s || s->kind != ZONE_ALIAS || !s->alias_bytes)
        return 0;
    memcpy(out, s->alias, s->alias_bytes);
    return s->alias_bytes;
}

/* -- back from addresses -- */

size_t dns_zone_answer_reverse(struct dns_zone *z, const struct dns_query *q, uint8_t *out, size_t limit) {
    struct answer a = {.zone = z, .query = q, .exists = true};
    struct ip ip;
    const struct zone_owners *o = dns_reverse_address(q, &ip) ? zone_owners_of(z, ip) : NULL;
    if (!o)
        return 0;
    dns_begin(&a.out, out, limit, q);
    for (size_t i = 0; i < o->list.n && asks(q, DNS_PTR); i++) {
        size_t r = dns_record(&a.out, DNS_HEADER_BYTES, DNS_PTR, z->ttl);
        put_name(&a, o->list.v[i].service, o->list.v[i].host);
        (void)dns_record_end(&a.out, r, &a.out.answers);
    }
    return dns_finish(&a.out, q, DNS_NOERROR, DNS_AA | DNS_RA);
}
