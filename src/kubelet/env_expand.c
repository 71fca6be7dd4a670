/* $(NAME) in texts. See env.h. CONFORMS: upstream's expansion package. */
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/buf.h"
#include "kubelet/env.h"

struct lookup {
    const struct map *map;
    const struct cri_key_value_array *list;
    struct str missing;
};

/* Absent when it is not defined. */
static struct str look_up(struct lookup *l, struct str name) {
    if (l->map) {
        const struct str *value = map_get(l->map, name);
        return value ? *value : STR_NONE;
    }
    for (uint32_t i = 0; i < l->list->n; i++)
        if (str_eq(l->list->v[i].key, name))
            return l->list->v[i].value.p ? l->list->v[i].value : S("");
    return STR_NONE;
}

/* Behind a dollar sign: appends what it stands for, returns how many bytes that were. */
static size_t put_reference(struct buf *out, struct str rest, struct lookup *l) {
    if (rest.n && rest.p[0] == '$') {
        buf_byte(out, '$');
        return 1;
    }
    ptrdiff_t end = rest.n && rest.p[0] == '(' ? str_find_byte(rest, ')') : -1;
    if (end < 0) { /* no reference: as it is */
        buf_byte(out, '$');
        if (rest.n)
            buf_byte(out, rest.p[0]);
        return rest.n ? 1 : 0;
    }
    struct str name = str_make(rest.p + 1, (size_t)end - 1), value = look_up(l, name);
    if (value.p) {
        buf_str(out, value);
    } else {
        buf_byte(out, '$');
        buf_str(out, str_cut(rest, (size_t)end + 1)); /* as it is */
        if (!l->missing.p)
            l->missing = name;
    }
    return (size_t)end + 1;
}

static struct str expand(struct str text, struct lookup *l, struct arena *a) {
    if (str_find_byte(text, '$') < 0)
        return text;
    _cleanup_buf struct buf out = BUF_INIT;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '$')
            i += put_reference(&out, str_from_byte(text, i + 1), l);
        else
            buf_byte(&out, text.p[i]);
    }
    return buf_to_arena(&out, a);
}

struct str env_expand(struct str text, const struct map *vars, struct arena *a) {
    return expand(text, &(struct lookup){.map = vars}, a);
}

struct str env_expand_with(struct str text, const struct cri_key_value_array *env, struct arena *a,
                           struct str *ret_missing) {
    struct lookup l = {.list = env};
    struct str out = expand(text, &l, a);
    if (ret_missing)
        *ret_missing = l.missing.p ? arena_str(a, l.missing) : STR_NONE;
    return out;
}
