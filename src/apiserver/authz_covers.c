/* apiserver/authz: whether rules cover others: nobody may hand out rights that he does not have.
 *
 * The rules that are wanted are taken apart into single rights (one group, resource, name and verb, or one
 * path and verb); each must be covered by one owned rule alone. A rule can stand for as many rights as the
 * product of its lists, so the work has a limit; past it the answer is no.
 */
#include <stdlib.h>

#include "api/types/rbac.h"
#include "apiserver/authz.h"
#include "apiserver/user.h"
#include "base/arena.h"
#include "base/buf.h"

#define COVERS_COMPARED_MAX                                                                                  \
    (16u << 20)               /* texts compared in one question: a fifth of a second at the most             \
                               */
#define COVERS_NAMED_MAX 256u /* rights that are missing and named */
#define COVERS_NAMED_BYTES_MAX (64u << 10)

struct covers {
    const struct rbac_policy_rule_array *owned;
    struct arena *arena;
    uint64_t work_left;
    struct str missing[COVERS_NAMED_MAX];
    uint32_t n_missing;
    size_t missing_bytes;
    bool covered, exhausted;
};

static bool spend(struct covers *c, uint64_t n) {
    if (c->work_left < n) {
        c->exhausted = true;
        c->covered = false;
        return false;
    }
    c->work_left -= n;
    return true;
}

static bool has(struct covers *c, const struct str_array *list, struct str s) {
    if (!spend(c, list->n + 1u))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], s))
            return true;
    return false;
}

static bool has_or_all(struct covers *c, const struct str_array *list, struct str s) {
    return has(c, list, S("*")) || has(c, list, s);
}

/* CONFORMS: all resources, the same one, or its subresource of all. */
static bool owns_resource(struct covers *c, const struct rbac_policy_rule *owner, struct str resource) {
    if (has_or_all(c, &owner->resources, resource))
        return true;
    struct str before, sub;
    if (!str_split(resource, '/', &before, &sub) || !spend(c, owner->resources.n))
        return false;
    for (uint32_t i = 0; i < owner->resources.n; i++)
        if (str_has_prefix(owner->resources.v[i], S("*/")) &&
            str_eq(str_from_byte(owner->resources.v[i], 2), sub))
            return true;
    return false;
}

static bool owns_path(struct covers *c, const struct rbac_policy_rule *owner, struct str path) {
    if (!spend(c, owner->non_resource_urls.n))
        return false;
    for (uint32_t i = 0; i < owner->non_resource_urls.n; i++) {
        struct str own = owner->non_resource_urls.v[i];
        if (str_eq(own, path))
            return true;
        if (!str_has_suffix(own, S("*")))
            continue;
        while (str_has_suffix(own, S("*")))
            own.n--;
        if (str_has_prefix(path, own))
            return true;
    }
    return false;
}

/* One thing that verbs are wanted for: a resource, a named object, or a path. Absent texts do not count. */
struct target {
    struct str group, resource, name, path;
};

/* An owner's rule without names covers any; one with names only these. */
static bool owns_name(struct covers *c, const struct rbac_policy_rule *owner, struct str name) {
    return owner->resource_names.n == 0 || (name.p && has(c, &owner->resource_names, name));
}

static bool owns_target(struct covers *c, const struct rbac_policy_rule *owner, const struct target *t) {
    if (!spend(c, 1))
        return false;
    if (t->path.p)
        return owns_path(c, owner, t->path) && owner->resource_names.n == 0;
    return owns_resource(c, owner, t->resource) && has_or_all(c, &owner->api_groups, t->group) &&
           owns_name(c, owner, t->name);
}

static void put_list(struct buf *out, struct arena *a, const char *label, const struct str *v, uint32_t n) {
    if (out->n > 1)
        buf_lit(out, ", ");
    buf_printf(out, "%s:[", label);
    for (uint32_t i = 0; i < n && !out->overflow; i++) {
        if (i)
            buf_byte(out, ' ');
        buf_str(out, user_quote(a, v[i]));
    }
    buf_byte(out, ']');
}

/* CONFORMS: {APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]} */
static void note_missing(struct covers *c, const struct target *t, const struct str *verbs, uint32_t n) {
    c->covered = false;
    if (c->n_missing == COVERS_NAMED_MAX || c->missing_bytes == COVERS_NAMED_BYTES_MAX)
        return;
    _cleanup_buf struct buf out = BUF_INIT;
    out.limit = COVERS_NAMED_BYTES_MAX - c->missing_bytes;
    buf_byte(&out, '{');
    if (t->group.p)
        put_list(&out, c->arena, "APIGroups", &t->group, 1);
    if (t->resource.p)
        put_list(&out, c->arena, "Resources", &t->resource, 1);
    if (t->path.p)
        put_list(&out, c->arena, "NonResourceURLs", &t->path, 1);
    if (t->name.p)
        put_list(&out, c->arena, "ResourceNames", &t->name, 1);
    put_list(&out, c->arena, "Verbs", verbs, n);
    buf_byte(&out, '}');
    if (out.overflow) {
        c->missing_bytes = COVERS_NAMED_BYTES_MAX; /* no more of them */
        return;
    }
    c->missing_bytes += out.n;
    c->missing[c->n_missing++] = buf_to_arena(&out, c->arena);
}

/* Strikes out the verbs that each owner of the target covers; what is left is missing. `left` has room. */
static void cover_target(struct covers *c, const struct target *t, const struct str_array *verbs,
                         struct str *left) {
    if (!spend(c, verbs->n))
        return;
    uint32_t n = verbs->n;
    if (n)
        memcpy(left, verbs->v, n * sizeof *left);
    for (uint32_t i = 0; i < c->owned->n && n; i++) {
        const struct rbac_policy_rule *owner = &c->owned->v[i];
        if (!owns_target(c, owner, t))
            continue;
        uint32_t kept = 0;
        bool all = has(c, &owner->verbs, S("*"));
        for (uint32_t k = 0; k < n && !all; k++)
            if (!has(c, &owner->verbs, left[k]))
                left[kept++] = left[k];
        n = kept;
    }
    if (n && !c->exhausted)
        note_missing(c, t, left, n);
}

static void cover_rule(struct covers *c, const struct rbac_policy_rule *rule) {
    struct str *left = arena_new_n(c->arena, rule->verbs.n + 1u, struct str);
    const struct str_array *names = &rule->resource_names;
    for (uint32_t g = 0; g < rule->api_groups.n; g++) {
        for (uint32_t r = 0; r < rule->resources.n; r++) {
            struct target t = {.group = rule->api_groups.v[g], .resource = rule->resources.v[r]};
            for (uint32_t i = 0; i < (names->n ? names->n : 1) && !c->exhausted; i++) {
                if (names->n)
                    t.name = names->v[i];
                cover_target(c, &t, &rule->verbs, left);
            }
            if (c->exhausted)
                return;
        }
    }
    for (uint32_t p = 0; p < rule->non_resource_urls.n && !c->exhausted; p++) {
        struct target t = {.path = rule->non_resource_urls.v[p]};
        cover_target(c, &t, &rule->verbs, left);
    }
}

bool authz_covers(const struct rbac_policy_rule_array *owned, const struct rbac_policy_rule_array *wanted,
                  struct arena *arena, struct str *ret_missing) {
    struct covers c = {.owned = owned, .arena = arena, .work_left = COVERS_COMPARED_MAX, .covered = true};
    for (uint32_t i = 0; i < wanted->n && !c.exhausted; i++)
        cover_rule(&c, &wanted->v[i]);
    qsort(c.missing, c.n_missing, sizeof *c.missing, str_cmp_qsort);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c.n_missing; i++)
        if (n == 0 || !str_eq(c.missing[n - 1], c.missing[i]))
            c.missing[n++] = c.missing[i];
    struct str text = n ? arena_join(arena, c.missing, n, S("\n")) : S("");
    if (!c.covered && n == 0 && !c.exhausted)
        text = S("rules too long to name");
    if (c.exhausted)
        text = arena_join(arena, (struct str[]){text, S("too many combinations to check")}, 2,
                          str_empty(text) ? S("") : S("\n"));
    if (!c.covered)
        *ret_missing = text;
    return c.covered;
}
