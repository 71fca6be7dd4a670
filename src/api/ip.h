/* api/ip: IP addresses and networks: text, order, and arithmetic on ranges.
 *
 * How strictly a text is taken depends on the field it stands in: old fields accept leading zeros and
 * IPv4-mapped IPv6 addresses in stored objects, new ones accept the canonical text only. An IPv4-mapped
 * address that is accepted is an IPv4 address from then on. Plain values, any thread, nothing is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct name_errors;

struct ip {
    uint64_t hi, lo; /* 128 bits; IPv4 addresses are in the lower 32 */
    uint8_t family;  /* 4, 6; 0: none */
};

/* A network, or with host bits set, the address of an interface. */
struct cidr {
    struct ip ip; /* as written */
    uint8_t bits; /* of the prefix: 0…32, 0…128 */
};

/* Both ends included, of one family. */
struct ip_range {
    struct ip first, last;
};

enum ip_form {
    IP_LEGACY,    /* whatever was accepted once */
    IP_STRICT,    /* no leading zeros, no IPv4-mapped IPv6 address; in a network no host bits */
    IP_CANONICAL, /* and written just as it is printed */
    IP_INTERFACE, /* as canonical; in a network, host bits are allowed */
};

/* False: not an IP of that form. */
bool ip_parse(struct str text, enum ip_form form, struct ip *ret);
bool cidr_parse(struct str text, enum ip_form form, struct cidr *ret);

/* The same as checks of a field, in the manner of api/name.h: 0, or ERR_INVALID and a message. */
int ip_check(struct str text, enum ip_form form, struct name_errors *errors);
int cidr_check(struct str text, enum ip_form form, struct name_errors *errors);

/* Room for any address and network, with the NUL. */
#define IP_TEXT_MAX 46
#define CIDR_TEXT_MAX 50

/* Prints; returns the length, a NUL follows. CONFORMS: RFC 5952. */
size_t ip_format(struct ip ip, char out[IP_TEXT_MAX]);
size_t cidr_format(struct cidr c, char out[CIDR_TEXT_MAX]);

/* n is 4 or 16; bytes are in network order. */
struct ip ip_from_bytes(const uint8_t *bytes, size_t n);
/* Returns 4 or 16, 0 for none. */
size_t ip_to_bytes(struct ip ip, uint8_t out[16]);

/* IPv4 before IPv6, then by number. */
int ip_cmp(struct ip a, struct ip b);

static inline bool ip_equal(struct ip a, struct ip b) {
    return a.family == b.family && a.hi == b.hi && a.lo == b.lo;
}

bool ip_is_unspecified(struct ip ip);
bool ip_is_loopback(struct ip ip);
bool ip_is_link_local(struct ip ip); /* unicast */
bool ip_is_link_local_multicast(struct ip ip);
bool ip_is_multicast(struct ip ip);
bool ip_is_private(struct ip ip); /* RFC 1918, RFC 4193 */

/* The address n further on; false past the last one of the family. */
bool ip_add(struct ip ip, uint64_t n, struct ip *ret);

/* The address without its host bits, and with all of them set. */
struct ip cidr_first(struct cidr c);
struct ip cidr_last(struct cidr c);

static inline struct ip_range cidr_range(struct cidr c) {
    return (struct ip_range){cidr_first(c), cidr_last(c)};
}

/* The addresses that services may get: all but the first and, of IPv4, the last. False when none are left. */
bool cidr_hosts(struct cidr c, struct ip_range *ret);

bool cidr_contains(struct cidr c, struct ip ip);
bool cidr_contains_cidr(struct cidr outer, struct cidr inner);
bool cidr_overlaps(struct cidr a, struct cidr b);

/* By the first address, then wider ones first. */
int cidr_cmp(struct cidr a, struct cidr b);

/* The n-th of the smaller networks of `bits` that c is made of; false when there is no such. */
bool cidr_subnet(struct cidr c, unsigned bits, uint64_t n, struct cidr *ret);

bool ip_range_contains(struct ip_range r, struct ip ip);

/* Number of addresses, UINT64_MAX when there are more. */
uint64_t ip_range_size(struct ip_range r);

/* How far the address is from the first; it must be in the range. UINT64_MAX when further than that. */
uint64_t ip_range_index(struct ip_range r, struct ip ip);
