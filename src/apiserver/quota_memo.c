/* Sums that follow changes. See quota_memo.h. */
#include "apiserver/quota_memo.h"

#include <stdlib.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/object.h"
#include "api/quantity.h"
#include "api/quota_usage.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

/* One resource of one quota. */
struct sum {
    struct core_resource_quota *quota; /* a copy: name and spec count */
    struct str resource;
    struct quantity used;
};

/* One kind in one namespace. */
struct memo {
    struct arena arena; /* prefix, quotas */
    const struct kind *kind;
    struct str prefix; /* "ns/" */
    struct cow tree;   /* the state that the sums are of */
    int64_t counted_sec, used_sec;
    VEC(struct sum) sums;
};

struct quota_memos {
    VEC(struct memo *) all;
};

struct quota_memos *quota_memos_new(void) {
    struct quota_memos *m = calloc(1, sizeof *m);
    if (!m)
        panic("out of memory");
    return m;
}

static void memo_free(struct memo *m) {
    cow_fini(&m->tree);
    vec_fini(&m->sums);
    arena_fini(&m->arena);
    free(m);
}

void quota_memos_free(struct quota_memos *m) {
    if (!m)
        return;
    vec_foreach (one, &m->all)
        memo_free(*one);
    vec_fini(&m->all);
    free(m);
}

void quota_memos_trim(struct quota_memos *m, int64_t now_sec) {
    for (size_t i = m->all.n; i-- > 0;)
        if (now_sec - m->all.v[i]->used_sec > QUOTA_MEMO_UNUSED_SEC) {
            memo_free(m->all.v[i]);
            vec_remove(&m->all, i);
        }
}

/* -- counting -- */

static struct quantity zero(void) {
    struct quantity q = quantity_from_int(0, QUANTITY_DECIMAL_SI);
    q.set = true;
    return q;
}

static struct quantity usage_of(const struct core_resource_quota *quota, const struct kind *kind,
                                const struct object *o, struct str resource, int64_t now_sec) {
    if (!o || !quota_scopes_match(&quota->spec, kind, o->body))
        return zero();
    return quota_usage_of(kind, o->body, resource, now_sec);
}

static struct quantity count_all(const struct core_resource_quota *quota, const struct kind *kind,
                                 const struct cow *tree, struct str prefix, struct str resource,
                                 int64_t now_sec) {
    struct quantity sum = zero();
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, tree, prefix)) {
        struct quantity used = usage_of(quota, kind, item->value, resource, now_sec);
        quantity_add(&sum, &used);
    }
    return sum;
}

/* The same clock for what goes as for what came, so that sums fit. */
static void apply_change(void *arg, void *old, void *now) {
    struct memo *m = arg;
    vec_foreach (s, &m->sums) {
        struct quantity less = usage_of(s->quota, m->kind, old, s->resource, m->counted_sec);
        struct quantity more = usage_of(s->quota, m->kind, now, s->resource, m->counted_sec);
        quantity_sub(&s->used, &less);
        quantity_add(&s->used, &more);
    }
}

static void follow(struct memo *m, const struct cow *tree) {
    if (cow_same(&m->tree, tree))
        return;
    cow_diff(&m->tree, tree, m->prefix, apply_change, m);
    cow_fini(&m->tree);
    cow_snapshot(tree, &m->tree);
}

/* -- memos -- */

static struct memo *memo_find(struct quota_memos *m, const struct kind *kind, struct str prefix) {
    vec_foreach (one, &m->all)
        if ((*one)->kind == kind && str_eq((*one)->prefix, prefix))
            return *one;
    return NULL;
}

static void memo_drop(struct quota_memos *m, const struct memo *which) {
    for (size_t i = m->all.n; i-- > 0;)
        if (m->all.v[i] == which) {
            memo_free(m->all.v[i]);
            vec_remove(&m->all, i);
        }
}

static struct memo *memo_new(struct quota_memos *m, const struct kind *kind, struct str prefix,
                             const struct cow *tree, int64_t now_sec) {
    struct memo *one = calloc(1, sizeof *one);
    if (!one)
        panic("out of memory");
    arena_init(&one->arena);
    one->kind = kind;
    one->prefix = arena_str(&one->arena, prefix);
    one->counted_sec = now_sec;
    cow_snapshot(tree, &one->tree);
    vec_push(&m->all, one);
    return one;
}

/* A quota that was changed counts anew; its status alone does not matter. */
static struct sum *sum_find(struct memo *m, const struct core_resource_quota *quota, struct str resource) {
    vec_foreach (s, &m->sums)
        if (str_eq(s->resource, resource) && str_eq(s->quota->metadata.name, quota->metadata.name))
            return api_equal(&builtin, TY_CORE_RESOURCE_QUOTA_SPEC, &s->quota->spec, &quota->spec) ? s : NULL;
    return NULL;
}

static bool is_stale(const struct memo *m, const struct core_resource_quota *quota, struct str resource,
                     int64_t now_sec) {
    if (now_sec - m->counted_sec > QUOTA_MEMO_FRESH_SEC || now_sec < m->counted_sec)
        return true;
    vec_foreach (s, &m->sums)
        if (str_eq(s->resource, resource) && str_eq(s->quota->metadata.name, quota->metadata.name))
            return !sum_find((struct memo *)m, quota, resource);
    return false;
}

static struct sum *sum_new(struct memo *m, const struct core_resource_quota *quota, struct str resource) {
    struct sum s = {
        .quota = api_copy(&m->arena, &builtin, TY_CORE_RESOURCE_QUOTA, quota),
        .resource = arena_str(&m->arena, resource),
        .used = count_all(quota, m->kind, &m->tree, m->prefix, resource, m->counted_sec),
    };
    vec_push(&m->sums, s);
    return &m->sums.v[m->sums.n - 1];
}

struct quantity quota_memo_usage(struct quota_memos *m, const struct core_resource_quota *quota,
                                 const struct kind *kind, const struct cow *tree, struct str resource,
                                 int64_t now_sec) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(quota->metadata.namespace));
    if (cow_count_prefix(tree, prefix) < QUOTA_MEMO_OBJECTS_MIN)
        return count_all(quota, kind, tree, prefix, resource, now_sec);
    struct memo *one = memo_find(m, kind, prefix);
    if (one && is_stale(one, quota, resource, now_sec)) {
        memo_drop(m, one);
        one = NULL;
    }
    if (!one)
        one = memo_new(m, kind, prefix, tree, now_sec);
    one->used_sec = now_sec;
    follow(one, tree);
    struct sum *s = sum_find(one, quota, resource);
    return (s ? s : sum_new(one, quota, resource))->used;
}
