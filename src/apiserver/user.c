/* apiserver/user */
#include "apiserver/user.h"

#include "base/arena.h"
#include "base/buf.h"

bool user_in_group(const struct user *u, struct str group) {
    for (uint32_t i = 0; i < u->groups.n; i++)
        if (str_eq(u->groups.v[i], group))
            return true;
    return false;
}

static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

/* One byte below 0x20 or 0x7f. */
static void put_control(struct buf *out, unsigned char c) {
    static const char names[] = "abtnvfr"; /* from 7 on */
    if (c >= 7 && c <= 13) {
        buf_byte(out, '\\');
        buf_byte(out, names[c - 7]);
    } else {
        buf_printf(out, "\\x%02x", c);
    }
}

struct str user_quote(struct arena *a, struct str s) {
    if (is_plain(s))
        return arena_join(a, (struct str[]){S("\""), s, S("\"")}, 3, S(""));
    _cleanup_buf struct buf out = BUF_INIT;
    buf_byte(&out, '"');
    while (s.n) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = 1;
        if (c == '"' || c == '\\') {
            buf_byte(&out, '\\');
            buf_byte(&out, (char)c);
        } else if (c < ' ' || c == 0x7f) {
            put_control(&out, c);
        } else if (c < 0x80) {
            buf_byte(&out, (char)c);
        } else {
            /* the length of one valid character, found in at most four bytes */
            size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            if (utf8_valid_prefix(str_cut(s, want)) == want) {
                buf_put(&out, s.p, want);
                n = want;
            } else {
                buf_printf(&out, "\\x%02x", c);
            }
        }
        s = str_from_byte(s, n);
    }
    buf_byte(&out, '"');
    return buf_to_arena(&out, a);
}

struct str access_denial(const struct access *what, struct str reason, struct arena *a) {
    struct str part[14];
    size_t n = 0;
    part[n++] = S("User ");
    part[n++] = user_quote(a, what->user->name);
    part[n++] = S(" cannot ");
    part[n++] = what->verb;
    if (what->is_resource) {
        struct str resource = what->resource;
        if (!str_empty(what->subresource))
            resource = arena_join(a, (struct str[]){what->resource, what->subresource}, 2, S("/"));
        part[n++] = S(" resource ");
        part[n++] = user_quote(a, resource);
        part[n++] = S(" in API group ");
        part[n++] = user_quote(a, what->group);
        if (str_empty(what->ns)) {
            part[n++] = S(" at the cluster scope");
        } else {
            part[n++] = S(" in the namespace ");
            part[n++] = user_quote(a, what->ns);
        }
    } else {
        part[n++] = S(" path ");
        part[n++] = user_quote(a, what->path);
    }
    if (!str_empty(reason)) {
        part[n++] = S(": ");
        part[n++] = reason;
    }
    return arena_join(a, part, n, S(""));
}
