/* Paths in messages, and the sink of strict reading. See json_path.h, json.h. */
#include "codec/json_path.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "codec/json.h"

static void append(struct json_path *path, struct str s) {
    static const char ellipsis[] = "…";
    if (path->cut)
        return;
    if (s.n <= JSON_PATH_MAX - path->n) {
        if (s.n)
            memcpy(path->text + path->n, s.p, s.n);
        path->n += s.n;
        return;
    }
    size_t n = utf8_valid_prefix(str_cut(s, JSON_PATH_MAX - path->n));
    memcpy(path->text + path->n, s.p, n);
    memcpy(path->text + path->n + n, ellipsis, 3);
    path->n += n + 3;
    path->cut = true;
}

void json_path_key(struct json_path *path, struct str key) {
    if (path->n)
        append(path, S("."));
    append(path, key);
}

void json_path_index(struct json_path *path, size_t i) {
    char text[24];
    append(path, (struct str){text, (size_t)snprintf(text, sizeof text, "[%zu]", i)});
}

/* The path behind the prefix; made in `whole` when there is one. */
static struct str strict_path(const struct strict_errors *s, struct str path, struct buf *whole) {
    if (s->prefix.n == 0)
        return path;
    buf_str(whole, s->prefix);
    if (path.n && path.p[0] != '[')
        buf_byte(whole, '.');
    buf_str(whole, path);
    return buf_view(whole);
}

void strict_add(struct strict_errors *s, const char *what, struct str path) {
    if (s->n >= STRICT_MAX)
        return;
    _cleanup_buf struct buf b = BUF_INIT, whole = BUF_INIT;
    buf_printf(&b, "%s ", what);
    json_write_string(&b, strict_path(s, path, &whole));
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->v[i], buf_view(&b)))
            return;
    struct str text = buf_to_arena(&b, s->arena);
    vec_push_in(s->arena, s, text);
}
