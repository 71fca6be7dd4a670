/* Percent-encoding. See url.h. */
#include "codec/url.h"

#include "base/arena.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct arena *a, struct str s, bool plus_is_space, struct str *ret) {
    char *out = arena_bytes(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i] == '+' && plus_is_space ? ' ' : s.p[i];
        if (c == '%') {
            int high = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1,
                low = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = 0;
    *ret = (struct str){out, n};
    return true;
}

bool url_decode(struct arena *a, struct str text, struct str *ret) {
    return decode(a, text, false, ret);
}

bool url_decode_query(struct arena *a, struct str text, struct str *ret) {
    return decode(a, text, true, ret);
}

static bool is_plain(struct str s) {
    return str_find_byte(s, '%') < 0 && str_find_byte(s, '+') < 0;
}

struct str url_query(struct arena *a, struct str query, struct str name) {
    struct str pair, key, value;
    while (query.n) {
        str_split(query, '&', &pair, &query);
        str_split(pair, '=', &key, &value);
        if (!is_plain(key) && !decode(a, key, true, &key))
            continue;
        if (str_eq(key, name) && decode(a, value, true, &value))
            return value;
    }
    return STR_NONE;
}
