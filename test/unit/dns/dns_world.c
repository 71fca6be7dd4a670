/* See dns_world.h. */
#include "dns_world.h"

#include "api/json.h"
#include "api/object.h"
#include "api/types/ids.h"
#include "unit/unit.h"

size_t world_query(uint8_t *out, uint16_t id, const char *name, uint16_t type, uint16_t edns) {
    uint8_t wire[DNS_NAME_MAX];
    size_t n = dns_name_from_text(str_from(name), wire);
    assert_true(n > 0);
    for (size_t i = 0, at = 1; name[i]; i++, at++) // as it was written, in either case
        if (name[i] != '.')
            wire[at] = (uint8_t)name[i];
    uint8_t head[DNS_HEADER_BYTES] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns != 0};
    memcpy(out, head, sizeof head);
    memcpy(out + 12, wire, n);
    uint8_t rest[] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 1};
    memcpy(out + 12 + n, rest, sizeof rest);
    uint8_t opt[] = {0, 0, 41, (uint8_t)(edns >> 8), (uint8_t)edns, 0, 0, 0, 0, 0, 0};
    if (edns)
        memcpy(out + 16 + n, opt, sizeof opt);
    return 16 + n + (edns ? sizeof opt : 0);
}

struct dns_query world_read(const uint8_t *p, size_t n) {
    struct dns_query q;
    assert_int_equal(dns_read_query(p, n, &q), DNS_NOERROR);
    return q;
}

/* Follows pointers; the messages are ours. */
static void print_name(const uint8_t *p, size_t at, struct buf *out) {
    while (p[at]) {
        if ((p[at] & 0xc0) == 0xc0) {
            at = (size_t)((p[at] & 0x3f) << 8 | p[at + 1]);
            continue;
        }
        buf_put(out, p + at + 1, p[at]);
        buf_byte(out, '.');
        at += 1u + p[at];
    }
}

static void print_data(const uint8_t *p, const struct dns_record_view *r, struct buf *out) {
    char text[IP_TEXT_MAX];
    switch (r->type) {
    case DNS_A:
    case DNS_AAAA: buf_put(out, text, ip_format(ip_from_bytes(p + r->data_at, r->data_bytes), text)); break;
    case DNS_SRV:
        buf_printf(out, "%u %u %u ", dns_u16(p + r->data_at), dns_u16(p + r->data_at + 2),
                   dns_u16(p + r->data_at + 4));
        print_name(p, r->data_at + 6, out);
        break;
    case DNS_TXT: buf_put(out, p + r->data_at + 1, p[r->data_at]); break;
    default: print_name(p, r->data_at, out);
    }
}

static const char *type_text(uint16_t type) {
    switch (type) {
    case DNS_A: return "A";
    case DNS_AAAA: return "AAAA";
    case DNS_SRV: return "SRV";
    case DNS_TXT: return "TXT";
    case DNS_SOA: return "SOA";
    case DNS_NS: return "NS";
    case DNS_PTR: return "PTR";
    case DNS_CNAME: return "CNAME";
    default: return "?";
    }
}

void world_print(const uint8_t *p, size_t n, struct buf *out) {
    static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    uint16_t flags = dns_u16(p + 2);
    buf_printf(out, "%s", rcodes[flags & 7]);
    if (flags & DNS_TC)
        buf_lit(out, " tc");
    size_t at = dns_u16(p + 4) ? dns_skip_name(p, n, 12) + 4 : 12;
    for (unsigned section = 0; section < 3; section++)
        for (unsigned left = dns_u16(p + 6 + 2 * section); left; left--) {
            struct dns_record_view r;
            assert_true(dns_read_record(p, n, at, &r));
            at = r.end;
            if (r.type == DNS_OPT) {
                buf_lit(out, " opt");
                continue;
            }
            buf_printf(out, "%s", section == 0 ? "\n" : section == 1 ? "\n? " : "\n+ ");
            print_name(p, r.at, out);
            buf_printf(out, " %s ", type_text(r.type));
            print_data(p, &r, out);
        }
    assert_int_equal(at, n);
}

static struct object *object_of(const struct kind *kind, uint32_t type, const char *json) {
    struct arena a = ARENA_INIT;
    void *body;
    struct err err = ERR_INIT;
    assert_ok(api_read_json(&a, &builtin, type, str_from(json), NULL, &body, &err), &err);
    return object_freeze(kind, body, &a);
}

void world_put_service(struct dns_zone *z, const char *json) {
    struct object *o = object_of(&kinds[KIND_CORE_SERVICE], TY_CORE_SERVICE, json);
    dns_zone_put_service(z, o);
    object_unref(o);
}

void world_put_slice(struct dns_zone *z, const char *json) {
    struct object *o = object_of(&kinds[KIND_DISCOVERY_ENDPOINT_SLICE], TY_DISCOVERY_ENDPOINT_SLICE, json);
    dns_zone_put_slice(z, o);
    object_unref(o);
}

void world_ask(struct dns_zone *z, const char *name, uint16_t type, struct buf *out) {
    uint8_t in[DNS_UDP_BYTES], answer[DNS_MESSAGE_MAX];
    size_t n = world_query(in, 7, name, type, 4096);
    struct dns_query q = world_read(in, n);
    if (dns_zone_has(z, &q))
        n = dns_zone_answer(z, &q, answer, sizeof answer);
    else
        n = dns_zone_answer_reverse(z, &q, answer, sizeof answer);
    if (n)
        world_print(answer, n, out);
}
