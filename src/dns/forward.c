/* See forward.h.
 *
 *     question: asking(UDP) ──answer──▶ told
 *                 │   ▲  └─cut──▶ asking(TCP) ──answer──▶ told
 *                 └time-out, refusal: next server, until tries are used up ──▶ told that there is none
 */
#include "dns/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/rand.h"
#include "dns/cache.h"
#include "dns/sockaddr.h"

#define MS 1000000ll

struct question;

/* One socket; lives until its handle is closed, which may be after its question. */
struct try {
    uv_poll_t poll;
    int fd;
    struct question *question; /* NULL: nobody waits any more */
    uint16_t id;
    bool tcp, sent;
    uint8_t *in; /* of TCP: length and message */
    size_t in_bytes;
};

struct question {
    struct dns_forward *forward;
    struct dns_query query;
    uint8_t bytes[DNS_NAME_MAX + 4]; /* the query's question */
    struct str key;                  /* in query.name … see make_key */
    uint8_t key_bytes[DNS_NAME_MAX + 5];
    struct dns_waiter *waiters;
    unsigned n_waiters, tries;
    size_t server;
    struct try *try;
    struct timer timer;
};

struct server {
    struct ip ip;
    int64_t down_until_ns;
};

struct dns_forward {
    struct dns_forward_options options;
    struct server servers[RESOLV_SERVERS_MAX];
    size_t n_servers;
    struct map questions; /* key → struct question */
};

struct dns_forward *dns_forward_new(const struct dns_forward_options *o) {
    struct dns_forward *f = calloc(1, sizeof *f);
    check(f != NULL);
    f->options = *o;
    if (!f->options.rand)
        f->options.rand = rand_system();
    if (!f->options.port)
        f->options.port = 53;
    if (!f->options.try_ms)
        f->options.try_ms = DNS_FORWARD_TRY_MS;
    return f;
}

void dns_forward_set(struct dns_forward *f, const struct resolv *servers) {
    f->n_servers = servers->n;
    for (size_t i = 0; i < servers->n; i++)
        f->servers[i] = (struct server){.ip = servers->servers[i]};
}

size_t dns_forward_pending(const struct dns_forward *f) {
    return map_count(&f->questions);
}

/* -- sockets -- */

static void on_closed(uv_handle_t *h) {
    struct try *t = h->data;
    (void)close(t->fd);
    free(t->in);
    free(t);
}

static void end_try(struct question *q) {
    struct try *t = q->try;
    if (!t)
        return;
    q->try = NULL;
    t->question = NULL;
    uv_close((uv_handle_t *)&t->poll, on_closed);
}

/* -- telling -- */

static void finish(struct question *q, const uint8_t *p, size_t n) {
    struct dns_forward *f = q->forward;
    struct dns_waiter *w = q->waiters;
    end_try(q);
    loop_timer_stop(f->options.loop, &q->timer);
    (void)map_remove(&f->questions, q->key);
    while (w) {
        struct dns_waiter *next = w->next;
        w->done(w, p, n);
        w = next;
    }
    free(q);
}

void dns_forward_free(struct dns_forward *f) {
    if (!f)
        return;
    map_foreach(e, &f->questions) {
        struct question *q = e->value;
        end_try(q);
        loop_timer_stop(f->options.loop, &q->timer);
        free(q);
    }
    map_fini(&f->questions);
    free(f);
}

/* -- trying -- */

static void next_try(struct question *q);
static void start_try(struct question *q, bool tcp);

static int64_t now_of(const struct dns_forward *f) {
    return clock_mono_ns(loop_clock(f->options.loop));
}

/* The n-th of those that answer, then the others. */
static size_t choose(const struct dns_forward *f, unsigned n) {
    int64_t now = now_of(f);
    for (int down = 0; down < 2; down++)
        for (size_t i = 0; i < f->n_servers; i++)
            if ((f->servers[i].down_until_ns > now) == (down == 1) && n-- == 0)
                return i;
    return 0;
}

/* Our own header, the question, and OPT. Returns the length. */
static size_t write_query(const struct question *q, uint16_t id, uint8_t *out) {
    struct dns_query copy = q->query;
    struct dns_out o;
    copy.id = id;
    copy.edns = true;
    dns_begin(&o, out, DNS_UDP_BYTES, &copy);
    size_t n = dns_finish(&o, &copy, DNS_NOERROR, 0);
    uint16_t flags = (uint16_t)(DNS_RD | (q->query.flags & (DNS_CD | DNS_AD)));
    out[2] = (uint8_t)(flags >> 8);
    out[3] = (uint8_t)flags;
    return n;
}

static bool send_query(struct try *t) {
    uint8_t out[2 + DNS_UDP_BYTES];
    size_t n = write_query(t->question, t->id, out + 2);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    size_t skip = t->tcp ? 0 : 2, want = n + 2 - skip;
    t->sent = true; // a few bytes: they fit any empty socket buffer
    return send(t->fd, out + skip, want, MSG_NOSIGNAL) == (ssize_t)want;
}

static void on_answer(struct try *t, const uint8_t *p, size_t n) {
    struct question *q = t->question;
    if (n < DNS_HEADER_BYTES || dns_u16(p) != t->id || !dns_answer_check(&q->query, p, n))
        return; // not ours: who answers for real comes yet
    unsigned rcode = dns_u16(p + 2) & 15u;
    if (!t->tcp && (dns_u16(p + 2) & DNS_TC)) {
        start_try(q, true);
        return;
    }
    bool refused =
        rcode == DNS_SERVFAIL || rcode == DNS_REFUSED || rcode == DNS_NOTIMP || rcode == DNS_FORMERR;
    if (refused && q->tries < DNS_FORWARD_TRIES && q->tries < q->forward->n_servers) {
        next_try(q); // perhaps another one knows
        return;
    }
    q->forward->servers[q->server].down_until_ns = 0;
    finish(q, p, n);
}

static void failed(struct question *q) {
    struct dns_forward *f = q->forward;
    if (q->server < f->n_servers)
        f->servers[q->server].down_until_ns = now_of(f) + DNS_FORWARD_DOWN_MS * MS;
    next_try(q);
}

static void read_udp(struct try *t) {
    uint8_t in[DNS_UDP_BYTES_MAX];
    for (int i = 0; i < 16 && t->question; i++) {
        ssize_t n = recv(t->fd, in, sizeof in, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            failed(t->question); // nobody listens there
            return;
        }
        on_answer(t, in, (size_t)n);
    }
}

static void read_tcp(struct try *t) {
    size_t room = 2u + DNS_MESSAGE_MAX;
    if (!t->in)
        t->in = malloc(room);
    check(t->in != NULL);
    ssize_t n = recv(t->fd, t->in + t->in_bytes, room - t->in_bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        failed(t->question);
        return;
    }
    t->in_bytes += (size_t)n;
    if (t->in_bytes < 2 || t->in_bytes < 2u + dns_u16(t->in))
        return;
    struct question *q = t->question;
    on_answer(t, t->in + 2, dns_u16(t->in));
    if (t->question == q && q->try == t)
        failed(q); // one answer there was, and it is not ours
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct try *t = poll->data;
    if (!t->question)
        return;
    if (status < 0) {
        failed(t->question);
        return;
    }
    if (!t->sent && (events & UV_WRITABLE)) {
        if (!send_query(t)) {
            failed(t->question);
            return;
        }
        (void)uv_poll_start(poll, UV_READABLE, on_poll);
    }
    if (events & UV_READABLE) {
        if (t->tcp)
            read_tcp(t);
        else
            read_udp(t);
    }
}

static void on_timeout(struct timer *timer) {
    failed((struct question *)((char *)timer - offsetof(struct question, timer)));
}

/* A socket that is connected, or about to be; -1. */
static int open_socket(struct ip ip, uint16_t port, bool tcp) {
    struct sockaddr_storage a;
    socklen_t n = dns_sockaddr(ip, port, &a);
    int fd = socket(a.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void start_try(struct question *q, bool tcp) {
    struct dns_forward *f = q->forward;
    end_try(q);
    loop_timer_start(f->options.loop, &q->timer, f->options.try_ms * MS);
    int fd = open_socket(f->servers[q->server].ip, f->options.port, tcp);
    if (fd < 0)
        return; // the timer goes on to the next
    struct try *t = calloc(1, sizeof *t);
    check(t != NULL);
    *t = (struct try){.fd = fd, .question = q, .tcp = tcp, .id = (uint16_t)rand_u64(f->options.rand)};
    t->poll.data = t;
    if (uv_poll_init(loop_uv(f->options.loop), &t->poll, fd)) {
        (void)close(fd);
        free(t);
        return;
    }
    q->try = t;
    if (!tcp)
        (void)send_query(t); // what fails shows as an error on the socket, or as silence
    (void)uv_poll_start(&t->poll, tcp ? UV_WRITABLE : UV_READABLE, on_poll);
}

static void next_try(struct question *q) {
    struct dns_forward *f = q->forward;
    if (q->tries >= DNS_FORWARD_TRIES || !f->n_servers) {
        finish(q, NULL, 0);
        return;
    }
    q->server = choose(f, q->tries % (unsigned)f->n_servers);
    q->tries++;
    start_try(q, false);
}

/* -- asking -- */

static struct str make_key(const struct dns_query *q, uint8_t *out) {
    memcpy(out, q->name, q->name_bytes);
    uint8_t rest[5] = {(uint8_t)(q->type >> 8), (uint8_t)q->type, (uint8_t)(q->class >> 8), (uint8_t)q->class,
                       (uint8_t)(q->dnssec_ok | (q->flags & DNS_CD ? 2 : 0))};
    memcpy(out + q->name_bytes, rest, sizeof rest);
    return str_make((const char *)out, q->name_bytes + sizeof rest);
}

static struct question *new_question(struct dns_forward *f, const struct dns_query *query) {
    struct question *q = calloc(1, sizeof *q);
    check(q != NULL);
    q->forward = f;
    q->query = *query;
    memcpy(q->bytes, query->question, query->question_bytes);
    q->query.question = q->bytes;
    q->key = make_key(query, q->key_bytes);
    q->timer.fire = on_timeout;
    (void)map_put(&f->questions, q->key, q);
    return q;
}

int dns_forward_ask(struct dns_forward *f, const struct dns_query *query, struct dns_waiter *w) {
    uint8_t key[DNS_NAME_MAX + 5];
    if (!f->n_servers)
        return ERR_NOT_FOUND;
    struct question *q = map_get(&f->questions, make_key(query, key));
    if (q ? q->n_waiters >= DNS_FORWARD_WAITERS : map_count(&f->questions) >= DNS_FORWARD_MAX)
        return ERR_AGAIN;
    bool first = !q;
    if (first)
        q = new_question(f, query);
    w->next = q->waiters;
    q->waiters = w;
    q->n_waiters++;
    if (first)
        next_try(q); // whatever goes wrong now is noticed later, on the loop
    return 0;
}
