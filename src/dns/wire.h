/* dns/wire: DNS messages as bytes: reading queries and answers, writing answers.
 *
 * CONFORMS: RFC 1035, RFC 6891 (EDNS0), RFC 2782 (SRV). Own code, since answering is this folder's subject
 * (docs/decisions): nothing is allocated, a query is read once and an answer written once, into the caller's
 * buffer. Everything that is read is hostile: all offsets are checked, names have bounds, pointers only lead
 * backwards. Any thread; values only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"

#define DNS_NAME_MAX 255u
#define DNS_LABELS_MAX 128u
#define DNS_HEADER_BYTES 12u
#define DNS_UDP_BYTES 512u      /* without EDNS */
#define DNS_EDNS_BYTES 1232u    /* what we offer: fits any path without fragments */
#define DNS_UDP_BYTES_MAX 4096u /* what we send to those who ask for more */
#define DNS_MESSAGE_MAX 65535u

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_OPT = 41,
    DNS_ANY = 255,
};
#define DNS_IN 1u

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16,
    DNS_IGNORE = 255, /* no query at all: no answer */
};

/* Flags of the header. */
#define DNS_QR 0x8000u
#define DNS_OPCODE 0x7800u
#define DNS_AA 0x0400u
#define DNS_TC 0x0200u
#define DNS_RD 0x0100u
#define DNS_RA 0x0080u
#define DNS_AD 0x0020u
#define DNS_CD 0x0010u

struct dns_query {
    uint16_t id, flags;
    uint16_t type, class;
    uint8_t name[DNS_NAME_MAX]; /* as on the wire, lower case */
    size_t name_bytes;
    uint8_t label_at[DNS_LABELS_MAX]; /* where each label begins */
    unsigned labels;                  /* without the root */
    const uint8_t *question;          /* as it came, name, type and class; borrowed */
    size_t question_bytes;
    bool edns, dnssec_ok;
    uint16_t udp_bytes; /* what the sender takes over UDP */
};

/* DNS_NOERROR, or what to answer with; of DNS_FORMERR only id and flags are filled in. */
enum dns_rcode dns_read_query(const uint8_t *p, size_t n, struct dns_query *ret);

/* -- answers -- */

struct dns_out {
    uint8_t *p;
    size_t n, limit;
    bool full; /* something did not fit */
    uint16_t answers, authorities, additionals;
};

/* Header and question. limit: of the whole message; room for an OPT record is kept. */
void dns_begin(struct dns_out *o, uint8_t *p, size_t limit, const struct dns_query *q);
/* Adds OPT when the query had one, sets flags and counts; cut to the question with TC when something did not
 * fit. Returns the length. */
size_t dns_finish(struct dns_out *o, const struct dns_query *q, enum dns_rcode rcode, uint16_t flags);
/* The least answer, to something that was no proper query. Returns its length. */
size_t dns_write_error(uint8_t *p, uint16_t id, uint16_t flags, enum dns_rcode rcode);

/* A record's owner: the name at that offset of the message (the question's: DNS_HEADER_BYTES). */
size_t dns_record(struct dns_out *o, size_t owner_at, uint16_t type, uint32_t ttl);
/* Closes the record that began at this offset and counts it, or takes it back when it did not fit. False
 * then.
 */
bool dns_record_end(struct dns_out *o, size_t record, uint16_t *count);

void dns_put(struct dns_out *o, const void *p, size_t n);
void dns_put_u16(struct dns_out *o, uint16_t v);
void dns_put_u32(struct dns_out *o, uint32_t v);
void dns_put_label(struct dns_out *o, struct str label);

bool dns_put_address(struct dns_out *o, size_t owner_at, struct ip ip, uint32_t ttl, uint16_t *count);

/* -- names -- */

/* "a.b.c" or "a.b.c." as wire bytes in lower case; 0 when it is no name. */
size_t dns_name_from_text(struct str text, uint8_t out[DNS_NAME_MAX]);
/* Back, with a dot at the end; the buffer takes any name with escapes. Returns the length. */
#define DNS_NAME_TEXT_MAX 1024u
size_t dns_name_to_text(const uint8_t *name, size_t n, char out[DNS_NAME_TEXT_MAX]);

/* The address in a name below in-addr.arpa or ip6.arpa. False when it is none, or only a part of one. */
bool dns_reverse_address(const struct dns_query *q, struct ip *ret);
bool dns_is_reverse(const struct dns_query *q);

/* -- answers of others -- */

struct dns_record_view {
    uint16_t type, class;
    uint32_t ttl;
    size_t at, ttl_at, data_at, data_bytes, end;
};
/* The record at this offset; false when the message is malformed there. */
bool dns_read_record(const uint8_t *p, size_t n, size_t at, struct dns_record_view *ret);
/* Skips a name; 0 when it is malformed. Returns the offset behind. */
size_t dns_skip_name(const uint8_t *p, size_t n, size_t at);

static inline uint16_t dns_u16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t dns_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
