/* References to container images. See image_ref.h. */
#include "api/image_ref.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_letter(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}
static bool is_hex_lower(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static size_t count_hex(struct str s) {
    size_t n = 0;
    while (n < s.n && is_hex_lower(s.p[n]))
        n++;
    return n;
}

/* Letters and digits, joined by single dots, one or two underscores, or any number of dashes. */
static bool is_path_component(struct str s) {
    size_t i = 0;
    for (;;) {
        size_t start = i;
        while (i < s.n && (is_lower(s.p[i]) || is_digit(s.p[i])))
            i++;
        if (i == start)
            return false;
        if (i == s.n)
            return true;
        char c = s.p[i];
        start = i;
        while (i < s.n && s.p[i] == c)
            i++;
        size_t run = i - start;
        if (!(c == '-' || (c == '.' && run == 1) || (c == '_' && run <= 2)))
            return false;
    }
}

static bool is_path(struct str s) {
    struct str head;
    if (s.n > IMAGE_PATH_MAX)
        return false;
    for (bool more = true; more;) {
        more = str_split(s, '/', &head, &s);
        if (!is_path_component(head))
            return false;
    }
    return true;
}

static bool is_host(struct str host) {
    struct str label;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        for (size_t i = 1; i + 1 < host.n; i++)
            if (host.p[i] != ':' && !is_digit(host.p[i]) &&
                !(is_letter(host.p[i]) && (host.p[i] | 32) <= 'f'))
                return false;
        return true;
    }
    for (bool more = true; more;) {
        more = str_split(host, '.', &label, &host);
        if (!label.n || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
                return false;
    }
    return true;
}

static bool is_domain(struct str s) {
    ptrdiff_t colon = str_rfind_byte(s, ':');
    if (colon < 0 || s.p[s.n - 1] == ']')
        return is_host(s);
    struct str port = str_from_byte(s, (size_t)colon + 1);
    for (size_t i = 0; i < port.n; i++)
        if (!is_digit(port.p[i]))
            return false;
    return port.n && is_host(str_cut(s, (size_t)colon));
}

static bool is_tag(struct str s) {
    if (!s.n || s.n > 128 || s.p[0] == '.' || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_' && s.p[i] != '.' && s.p[i] != '-')
            return false;
    return true;
}

static bool is_digest(struct str s) {
    static const struct {
        struct str prefix;
        size_t digits;
    } algorithms[] = {{STR_INIT("sha256:"), 64}, {STR_INIT("sha384:"), 96}, {STR_INIT("sha512:"), 128}};
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        struct str prefix = algorithms[i].prefix;
        if (str_has_prefix(s, prefix))
            return s.n == prefix.n + algorithms[i].digits &&
                   count_hex(str_from_byte(s, prefix.n)) == s.n - prefix.n;
    }
    return false;
}

static bool has_upper(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            return true;
    return false;
}

/* The first component is a domain when it looks like one: a dot, a colon, a capital, or localhost. */
static bool looks_like_domain(struct str s) {
    return str_find_byte(s, '.') >= 0 || str_find_byte(s, ':') >= 0 || str_eq(s, S("localhost")) ||
           has_upper(s);
}

bool image_ref_parse(struct str text, struct image_ref *ret_ref) {
    struct image_ref r = {.domain = S(""), .path = text, .tag = S(""), .digest = S("")};
    struct str head, tail;
    if (text.n == 64 && count_hex(text) == 64)
        return false; /* an image ID */
    if (str_split(text, '/', &head, &tail) && looks_like_domain(head)) {
        r.domain = head;
        r.path = tail;
        if (!is_domain(head) && !is_path_component(head))
            return false;
    }
    if (str_split(r.path, '@', &head, &tail)) {
        r.path = head;
        r.digest = tail;
        if (!is_digest(r.digest))
            return false;
    }
    if (str_split(r.path, ':', &head, &tail)) {
        r.path = head;
        r.tag = tail;
        if (!is_tag(r.tag))
            return false;
    }
    if (!is_path(r.path))
        return false;
    *ret_ref = r;
    return true;
}

bool image_ref_is_latest(const struct image_ref *ref) {
    return ref->tag.n ? str_eq(ref->tag, S("latest")) : !ref->digest.n;
}
