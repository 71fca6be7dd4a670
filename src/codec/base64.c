/* Base64. See base64.h. */
#include "codec/base64.h"

#include "base/err.h"

static const char alphabets[2][65] = {
    [BASE64_STD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

size_t base64_encoded_len(size_t n, enum base64_form form) {
    return form == BASE64_STD ? (n + 2) / 3 * 4 : n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

size_t base64_encode(enum base64_form form, struct str bytes, char *to) {
    const unsigned char *p = (const unsigned char *)bytes.p;
    const char *alphabet = alphabets[form], *start = to;
    size_t n = bytes.n;
    for (; n >= 3; n -= 3, p += 3, to += 4) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        to[0] = alphabet[v >> 18];
        to[1] = alphabet[v >> 12 & 63];
        to[2] = alphabet[v >> 6 & 63];
        to[3] = alphabet[v & 63];
    }
    if (n) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        if (n == 2)
            *to++ = alphabet[v >> 6 & 63];
        for (size_t i = n; form == BASE64_STD && i < 3; i++)
            *to++ = '=';
    }
    return (size_t)(to - start);
}

/* The six bits of a character, 64 when it has none. */
static uint32_t bits_of(enum base64_form form, char c) {
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == alphabets[form][62])
        return 62;
    return c == alphabets[form][63] ? 63 : 64;
}

static int fail(struct err *err, size_t at) {
    return err_set(err, ERR_INVALID, "illegal base64 data at input byte %zu", at);
}

static size_t skip_breaks(struct str text, size_t i) {
    while (i < text.n && (text.p[i] == '\n' || text.p[i] == '\r'))
        i++;
    return i;
}

/* The end of padded text: behind the digits of a group that has 2 or 3 of them, at text[i]. */
static int check_padding(struct str text, size_t i, unsigned digits, struct err *err) {
    for (unsigned k = digits; k < 4; k++) {
        i = skip_breaks(text, i);
        if (i >= text.n || text.p[i] != '=')
            return fail(err, i);
        i++;
    }
    i = skip_breaks(text, i);
    return i < text.n ? fail(err, i) : 0;
}

int base64_decode(enum base64_form form, struct str text, char *to, size_t *ret_n, struct err *err) {
    const char *start = to;
    uint32_t group = 0;
    unsigned digits = 0;
    size_t i;
    for (i = skip_breaks(text, 0); i < text.n; i = skip_breaks(text, i + 1)) {
        uint32_t bits = bits_of(form, text.p[i]);
        if (bits == 64)
            break;
        group = group << 6 | bits;
        if (++digits < 4)
            continue;
        *to++ = (char)(group >> 16);
        *to++ = (char)(group >> 8);
        *to++ = (char)group;
        group = digits = 0;
    }
    bool padded = form == BASE64_STD && digits;
    if (digits == 1 || (i < text.n && !padded))
        return fail(err, i);
    int rc = padded ? check_padding(text, i, digits, err) : 0;
    if (rc)
        return rc;
    if (digits >= 2)
        *to++ = (char)(group >> (digits == 2 ? 4 : 10));
    if (digits == 3)
        *to++ = (char)(group >> 2);
    *ret_n = (size_t)(to - start);
    return 0;
}
