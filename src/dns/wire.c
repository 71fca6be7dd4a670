/* See wire.h. */
#include "dns/wire.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define OPT_BYTES 11u

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* -- queries -- */

/* The question's name. Pointers have no place there: nothing stands before it. */
static size_t read_name(const uint8_t *p, size_t n, struct dns_query *q) {
    size_t at = DNS_HEADER_BYTES, out = 0;
    q->labels = 0;
    for (;;) {
        if (at >= n)
            return 0;
        uint8_t len = p[at];
        if (len > 63 || at + 1 + len > n || out + 1 + len > DNS_NAME_MAX || q->labels >= DNS_LABELS_MAX)
            return 0;
        if (len)
            q->label_at[q->labels++] = (uint8_t)out;
        q->name[out++] = len;
        for (unsigned i = 0; i < len; i++)
            q->name[out++] = lower(p[at + 1 + i]);
        at += 1u + len;
        if (!len) {
            q->name_bytes = out;
            return at;
        }
    }
}

/* An OPT record among the additional ones. */
static enum dns_rcode read_additional(const uint8_t *p, size_t n, size_t at, unsigned count,
                                      struct dns_query *q) {
    for (unsigned i = 0; i < count; i++) {
        struct dns_record_view r;
        if (!dns_read_record(p, n, at, &r))
            return DNS_FORMERR;
        at = r.end;
        if (r.type != DNS_OPT)
            continue;
        if (q->edns || p[r.at] != 0)
            return DNS_FORMERR; // CONFORMS: RFC 6891, 6.1.1: one, of the root
        q->edns = true;
        q->udp_bytes = r.class < DNS_UDP_BYTES ? (uint16_t)DNS_UDP_BYTES : r.class;
        q->dnssec_ok = (r.ttl & 0x8000) != 0;
        if (r.ttl >> 16 & 0xff)
            return DNS_BADVERS;
    }
    return DNS_NOERROR;
}

enum dns_rcode dns_read_query(const uint8_t *p, size_t n, struct dns_query *ret) {
    if (n < DNS_HEADER_BYTES)
        return DNS_IGNORE;
    ret->id = dns_u16(p);
    ret->flags = dns_u16(p + 2);
    ret->edns = ret->dnssec_ok = false;
    ret->udp_bytes = DNS_UDP_BYTES;
    ret->question_bytes = 0;
    if (ret->flags & DNS_QR)
        return DNS_IGNORE; // or two servers would answer each other for ever
    if (ret->flags & DNS_OPCODE)
        return DNS_NOTIMP;
    if (dns_u16(p + 4) != 1 || dns_u16(p + 6) != 0 || dns_u16(p + 8) != 0)
        return DNS_FORMERR;
    size_t at = read_name(p, n, ret);
    if (!at || at + 4 > n)
        return DNS_FORMERR;
    ret->type = dns_u16(p + at);
    ret->class = dns_u16(p + at + 2);
    ret->question = p + DNS_HEADER_BYTES;
    ret->question_bytes = at + 4 - DNS_HEADER_BYTES;
    enum dns_rcode rc = read_additional(p, n, at + 4, dns_u16(p + 10), ret);
    if (rc == DNS_FORMERR)
        ret->question_bytes = 0;
    return rc;
}

/* -- writing -- */

void dns_put(struct dns_out *o, const void *p, size_t n) {
    if (o->limit - o->n < n) {
        o->full = true;
        return;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

void dns_put_u16(struct dns_out *o, uint16_t v) {
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    dns_put(o, b, sizeof b);
}

void dns_put_u32(struct dns_out *o, uint32_t v) {
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    dns_put(o, b, sizeof b);
}

void dns_put_label(struct dns_out *o, struct str label) {
    uint8_t n = (uint8_t)(label.n < 63 ? label.n : 63);
    dns_put(o, &n, 1);
    dns_put(o, label.p, n);
}

void dns_begin(struct dns_out *o, uint8_t *p, size_t limit, const struct dns_query *q) {
    check(limit >= DNS_UDP_BYTES && q->question_bytes <= DNS_NAME_MAX + 4);
    *o = (struct dns_out){.p = p, .limit = limit - (q->edns ? OPT_BYTES : 0)};
    memset(p, 0, DNS_HEADER_BYTES);
    p[0] = (uint8_t)(q->id >> 8);
    p[1] = (uint8_t)q->id;
    o->n = DNS_HEADER_BYTES;
    dns_put(o, q->question, q->question_bytes);
}

static void put_at(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

size_t dns_finish(struct dns_out *o, const struct dns_query *q, enum dns_rcode rcode, uint16_t flags) {
    if (o->full && o->answers + o->authorities + o->additionals == 0)
        o->n = DNS_HEADER_BYTES + q->question_bytes;
    flags |= (uint16_t)(DNS_QR | (q->flags & (DNS_RD | DNS_CD)) | (rcode & 15));
    if (o->full)
        flags |= DNS_TC;
    if (q->edns) {
        o->limit += OPT_BYTES;
        uint8_t opt[OPT_BYTES] = {0,
                                  0,
                                  DNS_OPT,
                                  DNS_EDNS_BYTES >> 8,
                                  DNS_EDNS_BYTES & 0xff,
                                  (uint8_t)(rcode >> 4),
                                  0,
                                  q->dnssec_ok ? 0x80 : 0};
        dns_put(o, opt, sizeof opt);
        o->additionals++;
    }
    put_at(o->p + 2, flags);
    put_at(o->p + 4, q->question_bytes ? 1 : 0);
    put_at(o->p + 6, o->answers);
    put_at(o->p + 8, o->authorities);
    put_at(o->p + 10, o->additionals);
    return o->n;
}

size_t dns_write_error(uint8_t *p, uint16_t id, uint16_t flags, enum dns_rcode rcode) {
    memset(p, 0, DNS_HEADER_BYTES);
    put_at(p, id);
    put_at(p + 2, (uint16_t)(DNS_QR | (flags & (DNS_OPCODE | DNS_RD)) | (rcode & 15)));
    return DNS_HEADER_BYTES;
}

size_t dns_record(struct dns_out *o, size_t owner_at, uint16_t type, uint32_t ttl) {
    size_t record = o->n;
    dns_put_u16(o, (uint16_t)(0xc000 | owner_at));
    dns_put_u16(o, type);
    dns_put_u16(o, DNS_IN);
    dns_put_u32(o, ttl);
    dns_put_u16(o, 0); // length
    return record;
}

bool dns_record_end(struct dns_out *o, size_t record, uint16_t *count) {
    if (o->full) {
        o->n = record;
        return false;
    }
    put_at(o->p + record + 10, (uint16_t)(o->n - record - 12));
    (*count)++;
    return true;
}

bool dns_put_address(struct dns_out *o, size_t owner_at, struct ip ip, uint32_t ttl, uint16_t *count) {
    uint8_t bytes[16];
    size_t n = ip_to_bytes(ip, bytes);
    size_t record = dns_record(o, owner_at, n == 4 ? DNS_A : DNS_AAAA, ttl);
    dns_put(o, bytes, n);
    return dns_record_end(o, record, count);
}

/* -- names -- */

size_t dns_name_from_text(struct str text, uint8_t out[DNS_NAME_MAX]) {
    size_t n = 0;
    if (str_has_suffix(text, S(".")))
        text.n--;
    while (!str_empty(text)) {
        struct str label;
        bool more = str_split(text, '.', &label, &text);
        if (label.n == 0 || label.n > 63 || n + 1 + label.n + 1 > DNS_NAME_MAX || (more && str_empty(text)))
            return 0;
        out[n++] = (uint8_t)label.n;
        for (size_t i = 0; i < label.n; i++)
            out[n++] = lower((uint8_t)label.p[i]);
    }
    out[n++] = 0;
    return n;
}

size_t dns_name_to_text(const uint8_t *name, size_t n, char out[DNS_NAME_TEXT_MAX]) {
    size_t at = 0, w = 0;
    while (at < n && name[at]) {
        unsigned len = name[at++];
        for (unsigned i = 0; i < len && at < n; i++, at++) {
            uint8_t c = name[at];
            if (c <= ' ' || c >= 0x7f || c == '.' || c == '\\')
                w += (size_t)snprintf(out + w, 5, "\\%03u", c);
            else
                out[w++] = (char)c;
        }
        out[w++] = '.';
    }
    if (!w)
        out[w++] = '.';
    out[w] = '\0';
    return w;
}

static bool ends_with(const struct dns_query *q, const char *suffix, size_t n) {
    return q->name_bytes >= n && memcmp(q->name + q->name_bytes - n, suffix, n) == 0;
}

#define IN_ADDR "\7in-addr\4arpa"
#define IP6 "\3ip6\4arpa"

static bool label_is(const struct dns_query *q, unsigned i, const char *text) {
    const uint8_t *p = q->name + q->label_at[i];
    return p[0] == strlen(text) && memcmp(p + 1, text, p[0]) == 0;
}

bool dns_is_reverse(const struct dns_query *q) {
    return q->labels >= 2 && label_is(q, q->labels - 1, "arpa") &&
           (label_is(q, q->labels - 2, "in-addr") || label_is(q, q->labels - 2, "ip6"));
}

static bool reverse_v4(const struct dns_query *q, struct ip *ret) {
    uint64_t ip = 0;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *p = q->name + q->label_at[3 - i];
        uint64_t v;
        struct str text = {(const char *)p + 1, p[0]};
        if (text.n > 3 || !str_to_u64(text, &v) || v > 255 || (text.n > 1 && text.p[0] == '0'))
            return false;
        ip = ip << 8 | v;
    }
    *ret = (struct ip){.family = 4, .lo = ip};
    return true;
}

static bool reverse_v6(const struct dns_query *q, struct ip *ret) {
    uint64_t half[2] = {0, 0};
    for (unsigned i = 0; i < 32; i++) {
        const uint8_t *p = q->name + q->label_at[31 - i];
        int digit = p[0] != 1                    ? -1
                    : p[1] >= '0' && p[1] <= '9' ? p[1] - '0'
                    : p[1] >= 'a' && p[1] <= 'f' ? p[1] - 'a' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        half[i / 16] = half[i / 16] << 4 | (uint64_t)digit;
    }
    *ret = (struct ip){.family = 6, .hi = half[0], .lo = half[1]};
    return true;
}

bool dns_reverse_address(const struct dns_query *q, struct ip *ret) {
    if (q->labels == 6 && ends_with(q, IN_ADDR, sizeof IN_ADDR))
        return reverse_v4(q, ret);
    return q->labels == 34 && ends_with(q, IP6, sizeof IP6) && reverse_v6(q, ret);
}

/* -- answers of others -- */

size_t dns_skip_name(const uint8_t *p, size_t n, size_t at) {
    for (size_t bytes = 0; at < n && bytes < DNS_NAME_MAX;) {
        uint8_t len = p[at];
        if (!len)
            return at + 1;
        if ((len & 0xc0) == 0xc0) // a pointer ends the name; where it leads to does not matter here
            return at + 2 <= n ? at + 2 : 0;
        if (len > 63)
            return 0;
        at += 1u + len;
        bytes += 1u + len;
    }
    return 0;
}

bool dns_read_record(const uint8_t *p, size_t n, size_t at, struct dns_record_view *ret) {
    size_t head = dns_skip_name(p, n, at);
    if (!head || n - head < 10)
        return false;
    size_t data = dns_u16(p + head + 8);
    if (n - head - 10 < data)
        return false;
    *ret = (struct dns_record_view){.type = dns_u16(p + head),
                                    .class = dns_u16(p + head + 2),
                                    .ttl = dns_u32(p + head + 4),
                                    .at = at,
                                    .ttl_at = head + 4,
                                    .data_at = head + 10,
                                    .data_bytes = data,
                                    .end = head + 10 + data};
    return true;
}
