/* Edits of sorted maps for the rules. See defaults_priv.h. */
#include "api/defaults/defaults_priv.h"
#include "api/quantity.h"

struct str_map default_map_copy(struct arena *a, struct str_map m) {
    if (!m.v)
        return m;
    struct str_map out = {arena_new_n(a, m.n, struct str_entry), m.n};
    if (m.n)
        memcpy(out.v, m.v, m.n * sizeof *m.v);
    return out;
}

void default_map_set(struct arena *a, struct str_map *m, struct str key, struct str value) {
    uint32_t at = 0;
    while (at < m->n && str_cmp(m->v[at].key, key) < 0)
        at++;
    bool there = at < m->n && str_eq(m->v[at].key, key);
    if (there && str_eq(m->v[at].value, value))
        return;
    uint32_t n = m->n + !there;
    struct str_entry *v = arena_new_n(a, n, struct str_entry);
    for (uint32_t i = 0; i < at; i++)
        v[i] = m->v[i];
    v[at] = (struct str_entry){key, value};
    for (uint32_t i = at + 1; i < n; i++)
        v[i] = m->v[there ? i : i - 1];
    *m = (struct str_map){v, n};
}

struct str_array default_list_of(struct arena *a, struct str item) {
    struct str_array out = {arena_new(a, struct str), 1};
    out.v[0] = item;
    return out;
}

enum combine { COMBINE_ADD, COMBINE_MAX, COMBINE_MISSING };

static bool lacks(struct quantity_map m, struct quantity_map other) {
    for (uint32_t i = 0; i < other.n; i++)
        if (!quantity_map_get(m, other.v[i].key))
            return true;
    return false;
}

static struct quantity combined(struct quantity a, const struct quantity *b, enum combine how) {
    if (how == COMBINE_ADD)
        quantity_add(&a, b);
    else if (how == COMBINE_MAX && quantity_cmp(b, &a) > 0)
        a = *b;
    return a;
}

static void combine(struct arena *a, struct quantity_map *to, struct quantity_map from, enum combine how) {
    if (!from.n || (how == COMBINE_MISSING && !lacks(*to, from)))
        return;
    struct quantity_entry *out = arena_new_n(a, (size_t)to->n + from.n, struct quantity_entry);
    uint32_t n = 0;
    for (uint32_t i = 0, j = 0; i < to->n || j < from.n; n++) {
        int c = i == to->n ? 1 : j == from.n ? -1 : str_cmp(to->v[i].key, from.v[j].key);
        if (c == 0)
            out[n] = (struct quantity_entry){to->v[i].key, combined(to->v[i].value, &from.v[j].value, how)};
        else
            out[n] = c < 0 ? to->v[i] : from.v[j];
        i += c <= 0;
        j += c >= 0;
    }
    *to = (struct quantity_map){out, n};
}

void resources_add(struct arena *a, struct quantity_map *to, struct quantity_map from) {
    combine(a, to, from, COMBINE_ADD);
}

void resources_max(struct arena *a, struct quantity_map *to, struct quantity_map from) {
    combine(a, to, from, COMBINE_MAX);
}

void resources_missing(struct arena *a, struct quantity_map *to, struct quantity_map from) {
    combine(a, to, from, COMBINE_MISSING);
}
