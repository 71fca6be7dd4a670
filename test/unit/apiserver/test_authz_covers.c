/* apiserver/authz: rule covering */
#include "unit/apiserver/authz_world.h"
#include "unit/unit.h"

static struct authz_world *w;

static struct str missing;

static bool covers(const struct rbac_policy_rule_array *owned, const struct rbac_policy_rule_array *wanted) {
    missing = STR_NONE;
    bool yes = authz_covers(owned, wanted, &w->arena, &missing);
    assert_true(yes == !missing.p);
    return yes;
}

/* A list of n rules. */
static struct rbac_policy_rule_array rules_of(uint32_t n, ...) {
    struct rbac_policy_rule_array out = {.v = arena_new_n(&w->arena, n, struct rbac_policy_rule)};
    va_list ap;
    va_start(ap, n);
    while (out.n < n)
        out.v[out.n++] = va_arg(ap, struct rbac_policy_rule);
    va_end(ap);
    return out;
}

static bool covers_one(const struct rbac_policy_rule_array *owned, struct rbac_policy_rule wanted) {
    struct rbac_policy_rule_array list = rules_of(1, wanted);
    return covers(owned, &list);
}

/* One rule against one. */
static bool one(struct rbac_policy_rule owned, struct rbac_policy_rule wanted) {
    struct rbac_policy_rule_array list = rules_of(1, owned);
    return covers_one(&list, wanted);
}

TEST(test_authz_covers__equal_and_smaller_rules) {
    w = world_new();
    struct rbac_policy_rule owned = world_rule(w, "get,list", "-,apps", "pods,deployments", "");
    assert_true(one(owned, owned));
    assert_true(one(owned, world_rule(w, "list", "apps", "pods", "")));
    assert_false(one(owned, world_rule(w, "watch", "apps", "pods", "")));
    assert_str(missing, "{APIGroups:[\"apps\"], Resources:[\"pods\"], Verbs:[\"watch\"]}");
    assert_false(one(owned, world_rule(w, "get", "batch", "pods", "")));
    assert_false(one(owned, world_rule(w, "get", "-", "pods/log", "")));
    world_free(w);
}

TEST(test_authz_covers__wildcards_are_covered_by_wildcards_only) {
    w = world_new();
    struct rbac_policy_rule all = world_rule(w, "*", "*", "*", "");
    assert_true(one(all, all));
    assert_true(one(all, world_rule(w, "get,x", "a,b", "pods/log,y", "n")));
    assert_false(one(world_rule(w, "get,list,watch,create,update,patch,delete", "*", "*", ""), all));
    assert_str(missing, "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}");
    assert_false(one(world_rule(w, "*", "-,apps", "*", ""), all));
    assert_false(one(world_rule(w, "*", "*", "pods", ""), all));
    assert_false(one(all, world_paths(w, "get", "/healthz")));
    world_free(w);
}

TEST(test_authz_covers__subresources) {
    w = world_new();
    struct rbac_policy_rule scale = world_rule(w, "update", "apps", "*/scale", "");
    assert_true(one(scale, world_rule(w, "update", "apps", "deployments/scale,*/scale", "")));
    assert_false(one(scale, world_rule(w, "update", "apps", "deployments/status", "")));
    assert_false(one(scale, world_rule(w, "update", "apps", "deployments", "")));
    assert_false(one(scale, world_rule(w, "update", "apps", "scale", "")));
    assert_false(one(world_rule(w, "update", "apps", "deployments/scale", ""), scale));
    assert_false(
        one(world_rule(w, "update", "apps", "pods", ""), world_rule(w, "update", "apps", "pods/log", "")));
    world_free(w);
}

TEST(test_authz_covers__names) {
    w = world_new();
    struct rbac_policy_rule any = world_rule(w, "get", "-", "secrets", "");
    struct rbac_policy_rule two = world_rule(w, "get", "-", "secrets", "a,b");
    assert_true(one(any, two));
    assert_true(one(two, two));
    assert_true(one(two, world_rule(w, "get", "-", "secrets", "b")));
    assert_false(one(two, any));
    assert_str(missing, "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}");
    assert_false(one(two, world_rule(w, "get", "-", "secrets", "b,c")));
    assert_str(missing,
               "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"c\"], Verbs:[\"get\"]}");
    world_free(w);
}

TEST(test_authz_covers__paths) {
    w = world_new();
    struct rbac_policy_rule api = world_paths(w, "get", "/api/*,/healthz");
    assert_true(one(api, world_paths(w, "get", "/api/v1,/api/v1/*,/api/*,/healthz")));
    assert_false(one(api, world_paths(w, "get", "/api")));
    assert_false(one(api, world_paths(w, "get,post", "/healthz")));
    assert_str(missing, "{NonResourceURLs:[\"/healthz\"], Verbs:[\"post\"]}");
    assert_false(one(api, world_paths(w, "get", "*")));
    assert_true(one(world_paths(w, "*", "*"), api));
    assert_false(one(world_rule(w, "*", "*", "*", ""), api));
    world_free(w);
}

TEST(test_authz_covers__joins_rules_of_the_owner) {
    w = world_new();
    struct rbac_policy_rule_array owned =
        rules_of(5, world_rule(w, "get", "-", "pods", ""), world_rule(w, "list", "-", "pods,services", ""),
                 world_rule(w, "get", "-", "services", ""), world_rule(w, "get", "-", "secrets", "a"),
                 world_rule(w, "get", "-", "secrets", "b"));
    assert_true(covers_one(&owned, world_rule(w, "get,list", "-", "pods,services", "")));
    assert_true(covers_one(&owned, world_rule(w, "get", "-", "secrets", "a,b")));
    assert_false(covers_one(&owned, world_rule(w, "get,list,watch", "-", "services,secrets,pods", "")));
    assert_str(missing, "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"watch\"]}\n"
                        "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\" \"watch\"]}\n"
                        "{APIGroups:[\"\"], Resources:[\"services\"], Verbs:[\"watch\"]}");
    world_free(w);
}

TEST(test_authz_covers__empty_rules) {
    w = world_new();
    struct rbac_policy_rule_array none = {0};
    assert_true(covers(&none, &none));
    assert_true(covers_one(&none, (struct rbac_policy_rule){0}));
    assert_false(covers_one(&none, world_rule(w, "get", "-", "pods", "")));
    world_free(w);
}

TEST(test_authz_covers__cluster_admin_covers_the_bootstrap_roles) {
    w = world_new();
    world_bootstrap(w);
    const struct rbac_cluster_role *admin = NULL;
    for (uint32_t i = 0; i < w->n_cluster_roles; i++)
        if (str_eq(w->cluster_roles[i]->metadata.name, S("cluster-admin")))
            admin = w->cluster_roles[i];
    uint32_t others_cover = 0;
    for (uint32_t i = 0; i < w->n_cluster_roles; i++) {
        const struct rbac_policy_rule_array *rules = &w->cluster_roles[i]->rules;
        assert_true(covers(&admin->rules, rules));
        assert_true(covers(rules, rules));
        others_cover += w->cluster_roles[i] != admin && covers(rules, &admin->rules);
    }
    assert_int_equal(others_cover, 0);
    world_free(w);
}

TEST(test_authz_covers__refuses_what_would_take_too_long) {
    w = world_new();
    enum { N = 20000 };
    struct str *many = arena_new_n(&w->arena, N, struct str);
    for (uint32_t i = 0; i < N; i++)
        many[i] = arena_printf(&w->arena, "r%u", i);
    struct rbac_policy_rule huge = {.verbs = {.v = many, .n = N},
                                    .api_groups = {.v = many, .n = N},
                                    .resources = {.v = many, .n = N},
                                    .resource_names = {.v = many, .n = N}};
    assert_false(one(huge, huge));
    assert_true(str_has_suffix(missing, S("too many combinations to check")));
    assert_false(one(world_rule(w, "get", "-", "pods", ""), huge));
    assert_true(missing.n < 128u << 10);
    world_free(w);
}
