/* JSON trees. See jval.h. */
#include "codec/jval.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

const struct jval *jval_get(const struct jval *v, struct str key) {
    if (!v || v->kind != J_OBJECT)
        return NULL;
    uint32_t low = 0, high = v->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = str_cmp(key, v->members[mid].key);
        if (c == 0)
            return &v->members[mid].value;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

struct str jval_get_str(const struct jval *v, struct str key) {
    const struct jval *m = jval_get(v, key);
    return m && m->kind == J_STRING ? jval_as_str(m) : STR_NONE;
}

const struct jval *jval_path(const struct jval *v, const char *dotted) {
    struct str rest = str_from(dotted), head;
    while (v && rest.n) {
        str_split(rest, '.', &head, &rest);
        v = jval_get(v, head);
    }
    return v;
}

static bool number_equal(const struct jval *a, const struct jval *b) {
    if (a->kind == J_INT && b->kind == J_INT)
        return a->i == b->i;
    double x = a->kind == J_INT ? (double)a->i : a->d, y = b->kind == J_INT ? (double)b->i : b->d;
    return x == y;
}

bool jval_equal(const struct jval *a, const struct jval *b) {
    bool numbers = (a->kind == J_INT || a->kind == J_DOUBLE) && (b->kind == J_INT || b->kind == J_DOUBLE);
    if (numbers)
        return number_equal(a, b);
    if (a->kind != b->kind || a->n != b->n)
        return false;
    switch ((enum jkind)a->kind) {
    case J_NULL: return true;
    case J_BOOL: return a->b == b->b;
    case J_STRING: return str_eq(jval_as_str(a), jval_as_str(b));
    case J_ARRAY:
        for (uint32_t i = 0; i < a->n; i++)
            if (!jval_equal(&a->items[i], &b->items[i]))
                return false;
        return true;
    case J_OBJECT:
        for (uint32_t i = 0; i < a->n; i++)
            if (!str_eq(a->members[i].key, b->members[i].key) ||
                !jval_equal(&a->members[i].value, &b->members[i].value))
                return false;
        return true;
    case J_INT:
    case J_DOUBLE: break;
    }
    return false;
}

struct jval jval_copy(struct arena *a, const struct jval *v) {
    struct jval out = *v;
    if (v->kind == J_STRING) {
        out.s = arena_str(a, jval_as_str(v)).p;
    } else if (v->kind == J_ARRAY) {
        struct jval *items = arena_new_n(a, v->n, struct jval);
        for (uint32_t i = 0; i < v->n; i++)
            items[i] = jval_copy(a, &v->items[i]);
        out.items = items;
    } else if (v->kind == J_OBJECT) {
        struct jmember *members = arena_new_n(a, v->n, struct jmember);
        for (uint32_t i = 0; i < v->n; i++)
            members[i] =
                (struct jmember){arena_str(a, v->members[i].key), jval_copy(a, &v->members[i].value)};
        out.members = members;
    }
    return out;
}

struct jval jval_with(struct arena *a, const struct jval *v, struct str key, struct jval value) {
    uint32_t n = v && v->kind == J_OBJECT ? v->n : 0, at = 0;
    struct jmember *out = arena_new_n(a, n + 1, struct jmember);
    while (at < n && str_cmp(v->members[at].key, key) < 0)
        at++;
    bool there = at < n && str_eq(v->members[at].key, key);
    if (at)
        memcpy(out, v->members, at * sizeof *out);
    out[at] = (struct jmember){key, value};
    uint32_t rest = n - at - (there ? 1 : 0);
    if (rest)
        memcpy(out + at + 1, v->members + n - rest, rest * sizeof *out);
    return jval_object(out, at + 1 + rest);
}

struct jval jval_without(struct arena *a, const struct jval *v, struct str key) {
    if (!v || v->kind != J_OBJECT)
        return jval_object(NULL, 0);
    if (!jval_get(v, key))
        return *v;
    struct jmember *out = arena_new_n(a, v->n, struct jmember);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++)
        if (!str_eq(v->members[i].key, key))
            out[n++] = v->members[i];
    return jval_object(out, n);
}

void jobject_set(struct arena *a, struct jobject *o, struct str key, struct jval value) {
    struct jmember m = {key, value};
    vec_push_in(a, o, m);
}

#define SORT_BY_INSERTION 16

/* Merge sort keeps equal keys in order, which qsort does not promise; short inputs go by insertion. */
static void sort_members(struct jmember *v, struct jmember *tmp, size_t n) {
    if (n <= SORT_BY_INSERTION) {
        for (size_t i = 1; i < n; i++) {
            struct jmember m = v[i];
            size_t k = i;
            for (; k > 0 && str_cmp(v[k - 1].key, m.key) > 0; k--)
                v[k] = v[k - 1];
            v[k] = m;
        }
        return;
    }
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_members(v, tmp, half);
    sort_members(v + half, tmp, n - half);
    while (i < half && j < n)
        tmp[k++] = str_cmp(v[i].key, v[j].key) <= 0 ? v[i++] : v[j++];
    while (i < half)
        tmp[k++] = v[i++];
    memcpy(v, tmp, k * sizeof *v);
}

void jmember_sort(struct jmember *v, size_t n) {
    struct jmember *tmp = n > SORT_BY_INSERTION ? malloc(n * sizeof *tmp) : NULL;
    if (n > SORT_BY_INSERTION && !tmp)
        panic("out of memory (%zu members)", n);
    sort_members(v, tmp, n);
    free(tmp);
}

struct jval jobject_done(struct jobject *o) {
    bool sorted = true;
    for (size_t i = 1; i < o->n && sorted; i++)
        sorted = str_cmp(o->v[i - 1].key, o->v[i].key) < 0;
    if (sorted)
        return jval_object(o->v, o->n);
    jmember_sort(o->v, o->n);
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (n && str_eq(o->v[n - 1].key, o->v[i].key))
            n--;
        o->v[n++] = o->v[i];
    }
    o->n = n;
    return jval_object(o->v, n);
}
