/* IP addresses and networks. See ip.h; texts are read in ip_parse.c. */
#include "api/ip.h"

#include "base/err.h"

__extension__ typedef unsigned __int128 u128;

static u128 number(struct ip ip) {
    return (u128)ip.hi << 64 | ip.lo;
}

static struct ip of_number(uint8_t family, u128 n) {
    return (struct ip){.hi = (uint64_t)(n >> 64), .lo = (uint64_t)n, .family = family};
}

static unsigned width(uint8_t family) {
    return family == 4 ? 32 : 128;
}

/* All bits below the prefix. */
static u128 host_mask(struct cidr c) {
    check(c.bits <= width(c.ip.family));
    unsigned host_bits = width(c.ip.family) - c.bits;
    return host_bits == 128 ? ~(u128)0 : ((u128)1 << host_bits) - 1;
}

static size_t put_decimal(char *out, unsigned v) {
    size_t n = 0;
    if (v >= 100)
        out[n++] = (char)('0' + v / 100);
    if (v >= 10)
        out[n++] = (char)('0' + v / 10 % 10);
    out[n++] = (char)('0' + v % 10);
    return n;
}

static size_t put_ipv4(char *out, uint32_t v) {
    size_t n = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        n += put_decimal(out + n, v >> shift & 0xff);
        if (shift)
            out[n++] = '.';
    }
    return n;
}

static size_t put_hex(char *out, unsigned v) {
    size_t n = 0;
    for (int shift = 12; shift >= 0; shift -= 4)
        if (v >> shift || shift == 0)
            out[n++] = "0123456789abcdef"[v >> shift & 0xf];
    return n;
}

/* The longest run of two zero groups or more, the first of several; *ret_len 0 when there is none. */
static int zero_run(const uint16_t groups[8], int *ret_len) {
    int best = 0, best_len = 0;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && groups[i + n] == 0)
            n++;
        if (n > best_len) {
            best = i;
            best_len = n;
        }
        i += n;
    }
    *ret_len = best_len >= 2 ? best_len : 0;
    return best;
}

static size_t put_ipv6(char *out, u128 v) {
    uint16_t groups[8];
    for (int i = 0; i < 8; i++)
        groups[i] = (uint16_t)(v >> 16 * (7 - i));
    int run_len, run = zero_run(groups, &run_len);
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        if (run_len && i == run) {
            out[n++] = ':';
            out[n++] = ':';
            i += run_len - 1;
            continue;
        }
        if (i && out[n - 1] != ':')
            out[n++] = ':';
        n += put_hex(out + n, groups[i]);
    }
    return n;
}

size_t ip_format(struct ip ip, char out[IP_TEXT_MAX]) {
    size_t n = 0;
    if (ip.family == 4)
        n = put_ipv4(out, (uint32_t)ip.lo);
    else if (ip.family == 6)
        n = put_ipv6(out, number(ip));
    out[n] = '\0';
    return n;
}

size_t cidr_format(struct cidr c, char out[CIDR_TEXT_MAX]) {
    size_t n = ip_format(c.ip, out);
    if (!n)
        return 0;
    out[n++] = '/';
    n += put_decimal(out + n, c.bits);
    out[n] = '\0';
    return n;
}

struct ip ip_from_bytes(const uint8_t *bytes, size_t n) {
    check(n == 4 || n == 16);
    u128 v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | bytes[i];
    return of_number(n == 4 ? 4 : 6, v);
}

size_t ip_to_bytes(struct ip ip, uint8_t out[16]) {
    size_t n = ip.family ? width(ip.family) / 8 : 0;
    u128 v = number(ip);
    for (size_t i = n; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
    return n;
}

int ip_cmp(struct ip a, struct ip b) {
    if (a.family != b.family)
        return a.family < b.family ? -1 : 1;
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return (a.lo > b.lo) - (a.lo < b.lo);
}

/* Whether the first `bits` of the address are those of the pattern: of IPv4 `v4`, of IPv6 `v6` in the upper
 * half. */
static bool begins(struct ip ip, uint32_t v4, unsigned v4_bits, uint64_t v6, unsigned v6_bits) {
    if (ip.family == 4)
        return ((uint32_t)ip.lo ^ v4) >> (32 - v4_bits) == 0;
    return ip.family == 6 && (ip.hi ^ v6) >> (64 - v6_bits) == 0;
}

bool ip_is_unspecified(struct ip ip) {
    return ip.family && ip.hi == 0 && ip.lo == 0;
}

bool ip_is_loopback(struct ip ip) {
    return ip.family == 6 ? ip.hi == 0 && ip.lo == 1 : begins(ip, 0x7f000000, 8, 0, 1);
}

bool ip_is_link_local(struct ip ip) {
    return begins(ip, 0xa9fe0000, 16, UINT64_C(0xfe80) << 48, 10);
}

bool ip_is_link_local_multicast(struct ip ip) {
    if (ip.family == 6) /* any flags, scope 2 */
        return ip.hi >> 56 == 0xff && (ip.hi >> 48 & 0xf) == 2;
    return begins(ip, 0xe0000000, 24, 0, 1);
}

bool ip_is_multicast(struct ip ip) {
    return begins(ip, 0xe0000000, 4, UINT64_C(0xff) << 56, 8);
}

bool ip_is_private(struct ip ip) {
    return begins(ip, 0x0a000000, 8, UINT64_C(0xfc) << 56, 7) ||
           (ip.family == 4 && (begins(ip, 0xac100000, 12, 0, 1) || begins(ip, 0xc0a80000, 16, 0, 1)));
}

bool ip_add(struct ip ip, uint64_t n, struct ip *ret) {
    u128 v = number(ip) + n;
    if (v < n || (ip.family == 4 && v > UINT32_MAX))
        return false;
    *ret = of_number(ip.family, v);
    return true;
}

struct ip cidr_first(struct cidr c) {
    return of_number(c.ip.family, number(c.ip) & ~host_mask(c));
}

struct ip cidr_last(struct cidr c) {
    return of_number(c.ip.family, number(c.ip) | host_mask(c));
}

bool cidr_hosts(struct cidr c, struct ip_range *ret) {
    struct ip_range all = cidr_range(c), hosts = all;
    if (!ip_add(all.first, 1, &hosts.first))
        return false;
    if (c.ip.family == 4)
        hosts.last.lo--; /* of a network that is only 0.0.0.0 this is past its first address below */
    if (ip_cmp(hosts.first, hosts.last) > 0 || hosts.last.lo > all.last.lo)
        return false;
    *ret = hosts;
    return true;
}

bool cidr_contains(struct cidr c, struct ip ip) {
    return c.ip.family == ip.family && ((number(c.ip) ^ number(ip)) & ~host_mask(c)) == 0;
}

bool cidr_contains_cidr(struct cidr outer, struct cidr inner) {
    return outer.bits <= inner.bits && cidr_contains(outer, inner.ip);
}

bool cidr_overlaps(struct cidr a, struct cidr b) {
    return a.bits <= b.bits ? cidr_contains(a, b.ip) : cidr_contains(b, a.ip);
}

int cidr_cmp(struct cidr a, struct cidr b) {
    int c = ip_cmp(cidr_first(a), cidr_first(b));
    return c ? c : (a.bits > b.bits) - (a.bits < b.bits);
}

bool cidr_subnet(struct cidr c, unsigned bits, uint64_t n, struct cidr *ret) {
    if (bits < c.bits || bits > width(c.ip.family))
        return false;
    unsigned n_bits = bits - c.bits; /* that number the subnets */
    if (n_bits < 64 && n >> n_bits)
        return false;
    u128 offset = n ? (u128)n << (width(c.ip.family) - bits) : 0;
    *ret = (struct cidr){.ip = of_number(c.ip.family, number(cidr_first(c)) + offset), .bits = (uint8_t)bits};
    return true;
}

bool ip_range_contains(struct ip_range r, struct ip ip) {
    return r.first.family == ip.family && ip_cmp(r.first, ip) <= 0 && ip_cmp(ip, r.last) <= 0;
}

static uint64_t clamp(u128 n) {
    return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

uint64_t ip_range_size(struct ip_range r) {
    u128 distance = number(r.last) - number(r.first);
    return distance >= UINT64_MAX ? UINT64_MAX : (uint64_t)distance + 1;
}

uint64_t ip_range_index(struct ip_range r, struct ip ip) {
    check(ip_range_contains(r, ip));
    return clamp(number(ip) - number(r.first));
}
