/* test/unit: a small world of roles and bindings */
#include "unit/apiserver/authz_world.h"

#include <stdlib.h>

#include "api/bootstrap.h"
#include "base/err.h"

struct authz_world *world_new(void) {
    struct authz_world *w = calloc(1, sizeof *w);
    check(w);
    arena_init(&w->arena);
    return w;
}

void world_free(struct authz_world *w) {
    arena_fini(&w->arena);
    free(w);
}

void world_bootstrap(struct authz_world *w) {
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct bootstrap_object o = bootstrap_make(&w->arena, i, NULL, NULL);
        if (!o.body)
            continue;
        switch (o.kind) {
        case BOOTSTRAP_CLUSTER_ROLE: w->cluster_roles[w->n_cluster_roles++] = o.body; break;
        case BOOTSTRAP_ROLE: w->roles[w->n_roles++] = o.body; break;
        case BOOTSTRAP_CLUSTER_ROLE_BINDING: w->cluster_bindings[w->n_cluster_bindings++] = o.body; break;
        case BOOTSTRAP_ROLE_BINDING: w->bindings[w->n_bindings++] = o.body; break;
        }
    }
}

struct str_array world_words(struct authz_world *w, const char *text) {
    struct str rest = arena_str(&w->arena, str_from(text)), word;
    struct str_array out = {0};
    if (str_empty(rest))
        return out;
    out.v = arena_new_n(&w->arena, rest.n + 1, struct str);
    bool more = true;
    while (more) {
        more = str_split(rest, ',', &word, &rest);
        out.v[out.n++] = str_eq(word, S("-")) ? S("") : word;
    }
    return out;
}

struct rbac_policy_rule world_rule(struct authz_world *w, const char *verbs, const char *groups,
                                   const char *resources, const char *names) {
    return (struct rbac_policy_rule){.verbs = world_words(w, verbs),
                                     .api_groups = world_words(w, groups),
                                     .resources = world_words(w, resources),
                                     .resource_names = world_words(w, names)};
}

struct rbac_policy_rule world_paths(struct authz_world *w, const char *verbs, const char *paths) {
    return (struct rbac_policy_rule){.verbs = world_words(w, verbs),
                                     .non_resource_urls = world_words(w, paths)};
}

void world_role(struct authz_world *w, const char *ns, const char *name, struct rbac_policy_rule rule) {
    struct rbac_policy_rule *kept = arena_new(&w->arena, struct rbac_policy_rule);
    *kept = rule;
    struct rbac_policy_rule_array rules = {.v = kept, .n = 1};
    if (*ns) {
        struct rbac_role *r = arena_new(&w->arena, struct rbac_role);
        r->metadata.name = arena_str(&w->arena, str_from(name));
        r->metadata.namespace = arena_str(&w->arena, str_from(ns));
        r->rules = rules;
        check(w->n_roles < WORLD_MAX);
        w->roles[w->n_roles++] = r;
    } else {
        struct rbac_cluster_role *r = arena_new(&w->arena, struct rbac_cluster_role);
        r->metadata.name = arena_str(&w->arena, str_from(name));
        r->rules = rules;
        check(w->n_cluster_roles < WORLD_MAX);
        w->cluster_roles[w->n_cluster_roles++] = r;
    }
}

static struct rbac_subject_array subjects_of(struct authz_world *w, const char *text) {
    struct str_array words = world_words(w, text);
    struct rbac_subject *v = arena_new_n(&w->arena, words.n + 1u, struct rbac_subject);
    for (uint32_t i = 0; i < words.n; i++) {
        struct str copy = arena_str(&w->arena, words.v[i]), name;
        check(str_split(copy, ':', &v[i].kind, &name));
        v[i].name = name;
        if (str_eq(v[i].kind, S("ServiceAccount")))
            check(str_split(name, '/', &v[i].namespace, &v[i].name));
    }
    return (struct rbac_subject_array){.v = v, .n = words.n};
}

void world_bind(struct authz_world *w, const char *ns, const char *name, const char *role,
                const char *subjects) {
    struct rbac_role_ref ref = {.api_group = S("rbac.authorization.k8s.io")};
    check(str_split(arena_str(&w->arena, str_from(role)), '/', &ref.kind, &ref.name));
    if (*ns) {
        struct rbac_role_binding *b = arena_new(&w->arena, struct rbac_role_binding);
        b->metadata.name = arena_str(&w->arena, str_from(name));
        b->metadata.namespace = arena_str(&w->arena, str_from(ns));
        b->role_ref = ref;
        b->subjects = subjects_of(w, subjects);
        check(w->n_bindings < WORLD_MAX);
        w->bindings[w->n_bindings++] = b;
    } else {
        struct rbac_cluster_role_binding *b = arena_new(&w->arena, struct rbac_cluster_role_binding);
        b->metadata.name = arena_str(&w->arena, str_from(name));
        b->role_ref = ref;
        b->subjects = subjects_of(w, subjects);
        check(w->n_cluster_bindings < WORLD_MAX);
        w->cluster_bindings[w->n_cluster_bindings++] = b;
    }
}

static const struct rbac_role *find_role(void *arg, struct str ns, struct str name) {
    struct authz_world *w = arg;
    for (uint32_t i = 0; i < w->n_roles; i++)
        if (str_eq(w->roles[i]->metadata.name, name) && str_eq(w->roles[i]->metadata.namespace, ns))
            return w->roles[i];
    return NULL;
}

static const struct rbac_cluster_role *find_cluster_role(void *arg, struct str name) {
    struct authz_world *w = arg;
    for (uint32_t i = 0; i < w->n_cluster_roles; i++)
        if (str_eq(w->cluster_roles[i]->metadata.name, name))
            return w->cluster_roles[i];
    return NULL;
}

static void each_role_binding(void *arg, void (*fn)(void *, const struct rbac_role_binding *), void *fn_arg) {
    struct authz_world *w = arg;
    for (uint32_t i = 0; i < w->n_bindings; i++)
        fn(fn_arg, w->bindings[i]);
}

static void each_cluster_role_binding(void *arg, void (*fn)(void *, const struct rbac_cluster_role_binding *),
                                      void *fn_arg) {
    struct authz_world *w = arg;
    for (uint32_t i = 0; i < w->n_cluster_bindings; i++)
        fn(fn_arg, w->cluster_bindings[i]);
}

static const struct rbac_view_ops ops = {
    .find_role = find_role,
    .find_cluster_role = find_cluster_role,
    .each_role_binding = each_role_binding,
    .each_cluster_role_binding = each_cluster_role_binding,
};

struct rbac_view world_view(struct authz_world *w) {
    return (struct rbac_view){.ops = &ops, .arg = w};
}

struct user world_user(struct authz_world *w, const char *name, const char *groups) {
    return (struct user){.name = arena_str(&w->arena, str_from(name)), .groups = world_words(w, groups)};
}
