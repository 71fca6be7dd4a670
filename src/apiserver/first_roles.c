/* Roles and bindings that every cluster starts with: made when they are missing, completed when somebody took
 * rules or subjects away, unless rbac.authorization.kubernetes.io/autoupdate says false. What was added
 * stays.
 *
 * CONFORMS: upstream's reconciliation of its bootstrap policy.
 */
#include "api/bootstrap.h"
#include "api/equal.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/ids.h"
#include "api/types/rbac.h"
#include "apiserver/authz.h"
#include "apiserver/first_objects_priv.h"

#define AUTO_UPDATE S("rbac.authorization.kubernetes.io/autoupdate")

static const uint16_t kind_ids[] = {
    [BOOTSTRAP_CLUSTER_ROLE] = KIND_RBAC_CLUSTER_ROLE,
    [BOOTSTRAP_ROLE] = KIND_RBAC_ROLE,
    [BOOTSTRAP_CLUSTER_ROLE_BINDING] = KIND_RBAC_CLUSTER_ROLE_BINDING,
    [BOOTSTRAP_ROLE_BINDING] = KIND_RBAC_ROLE_BINDING,
};

/* -- parts that may be missing; each returns whether it added something -- */

static bool add_rules(struct arena *a, struct rbac_policy_rule_array *have,
                      const struct rbac_policy_rule_array *want) {
    struct str missing;
    if (authz_covers(have, want, a, &missing))
        return false;
    struct rbac_policy_rule *v = arena_new_n(a, (size_t)have->n + want->n, struct rbac_policy_rule);
    uint32_t n = have->n;
    if (n)
        memcpy(v, have->v, n * sizeof *v);
    for (uint32_t i = 0; i < want->n; i++) {
        struct rbac_policy_rule_array one = {&want->v[i], 1};
        if (!authz_covers(have, &one, a, &missing))
            v[n++] = want->v[i];
    }
    *have = (struct rbac_policy_rule_array){v, n};
    return true;
}

static bool same_subject(const struct rbac_subject *a, const struct rbac_subject *b) {
    return str_eq(a->kind, b->kind) && str_eq(a->name, b->name) && str_eq(a->namespace, b->namespace);
}

static bool add_subjects(struct arena *a, struct rbac_subject_array *have,
                         const struct rbac_subject_array *want) {
    struct rbac_subject *v = arena_new_n(a, (size_t)have->n + want->n + 1, struct rbac_subject);
    uint32_t n = have->n;
    if (n)
        memcpy(v, have->v, n * sizeof *v);
    for (uint32_t i = 0; i < want->n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < have->n && !found; k++)
            found = same_subject(&have->v[k], &want->v[i]);
        if (!found)
            v[n++] = want->v[i];
    }
    if (n == have->n)
        return false;
    *have = (struct rbac_subject_array){v, n};
    return true;
}

static bool add_map(struct arena *a, struct str_map *have, struct str_map want) {
    struct str_map both = str_map_merge(a, *have, want);
    if (str_map_equal(both, *have))
        return false;
    *have = both;
    return true;
}

static bool add_meta(struct arena *a, struct meta_object_meta *have, const struct meta_object_meta *want) {
    bool labels = add_map(a, &have->labels, want->labels);
    return add_map(a, &have->annotations, want->annotations) || labels;
}

/* The rules of an aggregating role are a controller's. */
static bool complete_cluster_role(struct arena *a, struct rbac_cluster_role *have,
                                  const struct rbac_cluster_role *want) {
    bool changed = add_meta(a, &have->metadata, &want->metadata);
    if (!want->aggregation_rule)
        return add_rules(a, &have->rules, &want->rules) || changed;
    if (have->aggregation_rule)
        return changed;
    have->aggregation_rule = want->aggregation_rule;
    return true;
}

static bool complete(struct arena *a, enum bootstrap_kind kind, void *have, const void *want) {
    switch (kind) {
    case BOOTSTRAP_CLUSTER_ROLE: return complete_cluster_role(a, have, want);
    case BOOTSTRAP_ROLE: {
        struct rbac_role *r = have;
        const struct rbac_role *w = want;
        bool changed = add_meta(a, &r->metadata, &w->metadata);
        return add_rules(a, &r->rules, &w->rules) || changed;
    }
    case BOOTSTRAP_CLUSTER_ROLE_BINDING: {
        struct rbac_cluster_role_binding *r = have;
        const struct rbac_cluster_role_binding *w = want;
        bool changed = add_meta(a, &r->metadata, &w->metadata);
        return add_subjects(a, &r->subjects, &w->subjects) || changed;
    }
    case BOOTSTRAP_ROLE_BINDING: {
        struct rbac_role_binding *r = have;
        const struct rbac_role_binding *w = want;
        bool changed = add_meta(a, &r->metadata, &w->metadata);
        return add_subjects(a, &r->subjects, &w->subjects) || changed;
    }
    }
    return false;
}

static void reconcile(struct first_batch *b, const struct bootstrap_object *o, const struct kind *k,
                      struct arena *a) {
    struct object *there = first_find(b->server, k, o->namespace, o->name);
    if (!there) {
        first_write(b, k, o->body, a, NULL);
        return;
    }
    struct str update = str_map_get(there->meta->annotations, AUTO_UPDATE);
    void *have = api_copy(a, k->set, k->type, there->body);
    if (!str_eq(update, S("false")) && complete(a, o->kind, have, o->body))
        first_write(b, k, have, a, there);
    else
        arena_fini(a);
    object_unref(there);
}

void first_roles(struct first_batch *b) {
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct arena a = ARENA_INIT;
        struct bootstrap_object o = bootstrap_make(&a, i, NULL, NULL);
        if (o.body)
            reconcile(b, &o, &kinds[kind_ids[o.kind]], &a);
        else
            arena_fini(&a);
    }
}
