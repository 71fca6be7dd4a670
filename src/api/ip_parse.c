/* The texts of IP addresses and networks. See ip.h.
 *
 * There is one lenient reader; it notes what a stricter form refuses. So a text is malformed in all forms, or
 * the stricter ones can say what they do not like. CONFORMS: net.ParseIP as it was before Go 1.17, and
 * netip.ParseAddr for the strict forms. Zones ("%eth0") are not accepted.
 */
#include "api/ip.h"

#include "api/name.h"
#include "base/err.h"

struct reading {
    struct ip ip;
    bool leading_zeros;
    bool mapped; /* an IPv4-mapped IPv6 address */
};

static int decimal_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

static int hex_digit(char c) {
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return decimal_digit(c);
}

/* Takes a decimal number up to max off the front. */
static bool take_decimal(struct str *text, unsigned max, unsigned *ret, bool *leading_zeros) {
    unsigned v = 0;
    size_t n = 0;
    for (; n < text->n && decimal_digit(text->p[n]) >= 0; n++) {
        v = v * 10 + (unsigned)decimal_digit(text->p[n]);
        if (v > max)
            return false;
    }
    if (n == 0)
        return false;
    *leading_zeros |= n > 1 && text->p[0] == '0';
    *text = str_from_byte(*text, n);
    *ret = v;
    return true;
}

static bool take_byte(struct str *text, char c) {
    if (!text->n || text->p[0] != c)
        return false;
    *text = str_from_byte(*text, 1);
    return true;
}

/* All of the text. */
static bool read_ipv4(struct str text, uint32_t *ret, bool *leading_zeros) {
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        unsigned octet;
        if ((i && !take_byte(&text, '.')) || !take_decimal(&text, 255, &octet, leading_zeros))
            return false;
        v = v << 8 | octet;
    }
    *ret = v;
    return text.n == 0;
}

/* Takes a hexadecimal number of 16 bits off the front; more than four digits are leading zeros. */
static bool take_group(struct str *text, uint16_t *ret, bool *leading_zeros) {
    unsigned v = 0;
    size_t n = 0;
    for (; n < text->n && hex_digit(text->p[n]) >= 0; n++) {
        v = v << 4 | (unsigned)hex_digit(text->p[n]);
        if (v > 0xffff)
            return false;
    }
    *leading_zeros |= n > 4;
    *text = str_from_byte(*text, n);
    *ret = (uint16_t)v;
    return n > 0;
}

/* Groups separated by colons, up to the end of the text or a double colon, which is taken. An IPv4 address
 * may stand for the last two. */
static bool take_groups(struct str *text, uint16_t groups[8], int *n, int *gap, bool *leading_zeros) {
    while (text->n) {
        struct str rest = *text;
        uint32_t v4;
        uint16_t group;
        if (*n == 8)
            return false;
        if (str_find_byte(rest, ':') < 0 && str_find_byte(rest, '.') >= 0) {
            if (*n > 6 || !read_ipv4(rest, &v4, leading_zeros))
                return false;
            groups[(*n)++] = (uint16_t)(v4 >> 16);
            groups[(*n)++] = (uint16_t)v4;
            *text = str_from_byte(rest, rest.n);
            return true;
        }
        if (!take_group(text, &group, leading_zeros))
            return false;
        groups[(*n)++] = group;
        if (!text->n)
            return true;
        if (!take_byte(text, ':') || !text->n)
            return false;
        if (text->p[0] == ':') {
            if (*gap >= 0)
                return false;
            *gap = *n;
            (void)take_byte(text, ':');
        }
    }
    return true;
}

/* CONFORMS: a double colon stands for one group at least. */
static bool read_ipv6(struct str text, struct reading *ret) {
    uint16_t groups[8] = {0};
    int n = 0, gap = -1;
    if (str_has_prefix(text, S("::"))) {
        gap = 0;
        text = str_from_byte(text, 2);
    }
    if (!take_groups(&text, groups, &n, &gap, &ret->leading_zeros) || (gap < 0 ? n != 8 : n == 8))
        return false;
    ret->ip = (struct ip){.family = 6};
    for (int i = 0; i < 8; i++) {
        int from = gap < 0 || i < gap ? i : i - (8 - n); /* what the gap stands for is zero */
        uint64_t group = gap >= 0 && i >= gap && from < gap ? 0 : groups[from];
        if (i < 4)
            ret->ip.hi |= group << 16 * (3 - i);
        else
            ret->ip.lo |= group << 16 * (7 - i);
    }
    ret->mapped = ret->ip.hi == 0 && ret->ip.lo >> 32 == 0xffff;
    return true;
}

static bool read_ip(struct str text, struct reading *ret) {
    *ret = (struct reading){.leading_zeros = false};
    if (str_find_byte(text, ':') >= 0)
        return read_ipv6(text, ret);
    uint32_t v4;
    if (!read_ipv4(text, &v4, &ret->leading_zeros))
        return false;
    ret->ip = (struct ip){.lo = v4, .family = 4};
    return true;
}

static struct ip unmapped(const struct reading *r) {
    return r->mapped ? (struct ip){.lo = (uint32_t)r->ip.lo, .family = 4} : r->ip;
}

/* What the form refuses; absent when nothing. */
static struct str problem_of_ip(struct str text, enum ip_form form, struct ip *ret) {
    struct reading r;
    if (!read_ip(text, &r))
        return S("must be a valid IP address (e.g. 10.9.8.7 or 2001:db8::ffff)");
    if (form != IP_LEGACY && r.leading_zeros)
        return S("must not have leading 0s");
    if (form != IP_LEGACY && r.mapped)
        return S("must not be an IPv4-mapped IPv6 address");
    *ret = unmapped(&r);
    char canonical[IP_TEXT_MAX];
    size_t n = form >= IP_CANONICAL ? ip_format(*ret, canonical) : 0;
    if (n && !str_eq(text, str_make(canonical, n)))
        return S("must be in canonical form: lower case, no leading 0s, the longest row of zeros as '::'");
    return STR_NONE;
}

static bool read_cidr(struct str text, struct reading *ret, unsigned *ret_bits, bool *leading_zeros) {
    struct str address, prefix;
    if (!str_split(text, '/', &address, &prefix) || !read_ip(address, ret))
        return false;
    *leading_zeros = ret->leading_zeros;
    return take_decimal(&prefix, ret->ip.family == 4 ? 32 : 128, ret_bits, leading_zeros) && !prefix.n;
}

/* A mapped network narrower than what is mapped is one of IPv4. */
static struct cidr unmapped_cidr(const struct reading *r, unsigned bits) {
    if (r->mapped && bits >= 96)
        return (struct cidr){.ip = unmapped(r), .bits = (uint8_t)(bits - 96)};
    return (struct cidr){.ip = r->ip, .bits = (uint8_t)bits};
}

static struct str problem_of_cidr(struct str text, enum ip_form form, struct cidr *ret) {
    struct reading r;
    unsigned bits;
    bool leading_zeros = false;
    if (!read_cidr(text, &r, &bits, &leading_zeros))
        return S("must be a valid CIDR value (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    if (form != IP_LEGACY && leading_zeros)
        return S("must not have leading 0s in IP or prefix length");
    if (form != IP_LEGACY && r.mapped)
        return S("must not have an IPv4-mapped IPv6 address");
    *ret = unmapped_cidr(&r, bits);
    if ((form == IP_STRICT || form == IP_CANONICAL) && !ip_equal(ret->ip, cidr_first(*ret)))
        return S("must not have bits set beyond the prefix length");
    char canonical[CIDR_TEXT_MAX];
    size_t n = form >= IP_CANONICAL ? cidr_format(*ret, canonical) : 0;
    if (n && !str_eq(text, str_make(canonical, n)))
        return S("must be in canonical form: lower case, no leading 0s, the longest row of zeros as '::'");
    return STR_NONE;
}

bool ip_parse(struct str text, enum ip_form form, struct ip *ret) {
    struct ip ip;
    if (problem_of_ip(text, form, &ip).p)
        return false;
    *ret = ip;
    return true;
}

bool cidr_parse(struct str text, enum ip_form form, struct cidr *ret) {
    struct cidr c;
    if (problem_of_cidr(text, form, &c).p)
        return false;
    *ret = c;
    return true;
}

static int report(struct str problem, struct name_errors *errors) {
    if (!problem.p)
        return 0;
    if (errors && errors->n < NAME_ERRORS_MAX)
        errors->v[errors->n++] = problem;
    return ERR_INVALID;
}

int ip_check(struct str text, enum ip_form form, struct name_errors *errors) {
    struct ip ip;
    return report(problem_of_ip(text, form, &ip), errors);
}

int cidr_check(struct str text, enum ip_form form, struct name_errors *errors) {
    struct cidr c;
    return report(problem_of_cidr(text, form, &c), errors);
}
