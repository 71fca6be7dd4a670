/* See cache.h. An entry is one piece of memory: head, key, message; a map finds it, a list tells its age. */
#include "dns/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

#define KEY_MAX (DNS_NAME_MAX + 5)
#define SECOND 1000000000ll

struct entry {
    struct entry *newer, *older;
    int64_t born_ns, dies_ns;
    uint32_t key_bytes, message_bytes;
    uint8_t bytes[]; /* key, message */
};

struct dns_cache {
    struct map entries; /* key → struct entry */
    struct entry *newest, *oldest;
    size_t bytes, bytes_max, entries_max;
};

struct dns_cache *dns_cache_new(size_t entries_max, size_t bytes_max) {
    struct dns_cache *c = calloc(1, sizeof *c);
    check(c != NULL);
    c->entries_max = entries_max ? entries_max : DNS_CACHE_ENTRIES;
    c->bytes_max = bytes_max ? bytes_max : DNS_CACHE_BYTES;
    return c;
}

static void unlink_entry(struct dns_cache *c, struct entry *e) {
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct dns_cache *c, struct entry *e) {
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static struct str key_of(const struct entry *e) {
    return str_make((const char *)e->bytes, e->key_bytes);
}

static size_t size_of(const struct entry *e) {
    return sizeof *e + e->key_bytes + e->message_bytes;
}

static void drop(struct dns_cache *c, struct entry *e) {
    (void)map_remove(&c->entries, key_of(e));
    unlink_entry(c, e);
    c->bytes -= size_of(e);
    free(e);
}

void dns_cache_free(struct dns_cache *c) {
    if (!c)
        return;
    while (c->newest)
        drop(c, c->newest);
    map_fini(&c->entries);
    free(c);
}

size_t dns_cache_entries(const struct dns_cache *c) {
    return map_count(&c->entries);
}

size_t dns_cache_bytes(const struct dns_cache *c) {
    return c->bytes;
}

static struct str make_key(const struct dns_query *q, uint8_t out[KEY_MAX]) {
    memcpy(out, q->name, q->name_bytes);
    uint8_t rest[5] = {(uint8_t)(q->type >> 8), (uint8_t)q->type, (uint8_t)(q->class >> 8), (uint8_t)q->class,
                       (uint8_t)(q->dnssec_ok | (q->flags & DNS_CD ? 2 : 0))};
    memcpy(out + q->name_bytes, rest, sizeof rest);
    return str_make((const char *)out, q->name_bytes + sizeof rest);
}

size_t dns_cache_get(struct dns_cache *c, const struct dns_query *q, int64_t now_ns, uint8_t *out,
                     size_t limit) {
    uint8_t key[KEY_MAX];
    struct entry *e = map_get(&c->entries, make_key(q, key));
    if (!e)
        return 0;
    if (now_ns >= e->dies_ns) {
        drop(c, e);
        return 0;
    }
    unlink_entry(c, e);
    link_newest(c, e);
    uint32_t age = (uint32_t)((now_ns - e->born_ns) / SECOND);
    return dns_answer_pass(q, e->bytes + e->key_bytes, e->message_bytes, age, out, limit);
}

/* -- how long -- */

/* Of a denial: what its SOA says. CONFORMS: RFC 2308, 5. */
static uint32_t soa_ttl(const uint8_t *p, const struct dns_record_view *r) {
    if (r->data_bytes < 22)
        return 0;
    uint32_t minimum = dns_u32(p + r->end - 4);
    return minimum < r->ttl ? minimum : r->ttl;
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* 0: not to be kept. The message was checked. */
static uint32_t ttl_of(const uint8_t *p, size_t n) {
    uint16_t flags = dns_u16(p + 2), answers = dns_u16(p + 6);
    unsigned rcode = flags & 15u, records = answers + dns_u16(p + 8) + 0u;
    if (flags & DNS_TC)
        return 0;
    if (rcode == DNS_SERVFAIL)
        return DNS_CACHE_FAILURE;
    if (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
        return 0;
    bool denial = rcode == DNS_NXDOMAIN || answers == 0;
    uint32_t ttl = denial ? DNS_CACHE_DENIAL_MAX : DNS_CACHE_TTL_MAX;
    bool soa = false;
    size_t at = dns_skip_name(p, n, DNS_HEADER_BYTES) + 4;
    for (unsigned i = 0; i < records; i++) {
        struct dns_record_view r;
        if (!dns_read_record(p, n, at, &r))
            return 0;
        at = r.end;
        ttl = least(ttl, r.type == DNS_SOA && denial ? soa_ttl(p, &r) : r.ttl);
        soa |= r.type == DNS_SOA;
    }
    return denial && !soa ? 0 : ttl;
}

void dns_cache_put(struct dns_cache *c, const struct dns_query *q, const uint8_t *p, size_t n,
                   int64_t now_ns) {
    uint8_t bytes[KEY_MAX];
    struct str key = make_key(q, bytes);
    uint32_t ttl = ttl_of(p, n);
    if (!ttl || n > DNS_MESSAGE_MAX || sizeof(struct entry) + key.n + n > c->bytes_max)
        return;
    struct entry *old = map_get(&c->entries, key), *e = malloc(sizeof *e + key.n + n);
    check(e != NULL);
    if (old)
        drop(c, old);
    e->born_ns = now_ns;
    e->dies_ns = now_ns + ttl * SECOND;
    e->key_bytes = (uint32_t)key.n;
    e->message_bytes = (uint32_t)n;
    memcpy(e->bytes, key.p, key.n);
    memcpy(e->bytes + key.n, p, n);
    while (c->oldest && (c->bytes + size_of(e) > c->bytes_max || map_count(&c->entries) >= c->entries_max))
        drop(c, c->oldest);
    (void)map_put(&c->entries, key_of(e), e);
    link_newest(c, e);
    c->bytes += size_of(e);
}

/* -- messages of others -- */

/* The name of the question, which holds no pointers, without regard to case. */
static bool same_question(const struct dns_query *q, const uint8_t *p, size_t n) {
    if (n < DNS_HEADER_BYTES + q->question_bytes)
        return false;
    for (size_t i = 0; i < q->name_bytes; i++) {
        uint8_t c = p[DNS_HEADER_BYTES + i];
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != q->name[i])
            return false;
    }
    const uint8_t *rest = p + DNS_HEADER_BYTES + q->name_bytes;
    return dns_u16(rest) == q->type && dns_u16(rest + 2) == q->class;
}

bool dns_answer_check(const struct dns_query *q, const uint8_t *p, size_t n) {
    if (n < DNS_HEADER_BYTES || !(dns_u16(p + 2) & DNS_QR) || dns_u16(p + 4) != 1 || !same_question(q, p, n))
        return false;
    size_t at = DNS_HEADER_BYTES + q->question_bytes;
    unsigned records = dns_u16(p + 6) + dns_u16(p + 8) + (unsigned)dns_u16(p + 10);
    for (unsigned i = 0; i < records; i++) {
        struct dns_record_view r;
        if (!dns_read_record(p, n, at, &r))
            return (dns_u16(p + 2) & DNS_TC) != 0; // cut off: only that it was counts
        at = r.end;
    }
    return true;
}

/* Copies a record whole: pointers in it stay right, since all before it keeps its place. */
static bool pass_record(struct dns_out *o, const uint8_t *p, const struct dns_record_view *r, uint32_t age) {
    size_t at = o->n;
    dns_put(o, p + r->at, r->end - r->at);
    if (o->full)
        return false;
    uint32_t ttl = r->ttl > age ? r->ttl - age : 0;
    uint8_t bytes[4] = {(uint8_t)(ttl >> 24), (uint8_t)(ttl >> 16), (uint8_t)(ttl >> 8), (uint8_t)ttl};
    memcpy(o->p + at + (r->ttl_at - r->at), bytes, sizeof bytes);
    return true;
}

/* Records behind an OPT would move, and pointers to them break; OPT is the last in practice, else what
 * follows is left out. */
static void pass_records(struct dns_out *o, const uint8_t *p, size_t n, size_t at, uint32_t age) {
    uint16_t *counts[3] = {&o->answers, &o->authorities, &o->additionals};
    for (unsigned section = 0; section < 3; section++)
        for (unsigned left = dns_u16(p + 6 + 2 * section); left; left--) {
            struct dns_record_view r;
            if (!dns_read_record(p, n, at, &r) || r.type == DNS_OPT)
                return;
            if (!pass_record(o, p, &r, age)) {
                o->full = section < 2; // additional ones may be missing
                return;
            }
            (*counts[section])++;
            at = r.end;
        }
}

size_t dns_answer_pass(const struct dns_query *q, const uint8_t *p, size_t n, uint32_t age, uint8_t *out,
                       size_t limit) {
    struct dns_out o;
    uint16_t flags = dns_u16(p + 2);
    dns_begin(&o, out, limit, q);
    if (!(flags & DNS_TC))
        pass_records(&o, p, n, DNS_HEADER_BYTES + q->question_bytes, age);
    if (o.full) // a part of an answer is none
        o.n = DNS_HEADER_BYTES + q->question_bytes, o.answers = o.authorities = o.additionals = 0;
    return dns_finish(&o, q, (enum dns_rcode)(flags & 15), (uint16_t)((flags & (DNS_TC | DNS_AD)) | DNS_RA));
}
