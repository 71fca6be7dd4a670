/* api/bootstrap */
#include "api/bootstrap.h"

#include "api/types/rbac.h"
#include "base/arena.h"
#include "unit/unit.h"

static struct bootstrap_object find(struct arena *a, enum bootstrap_kind kind, struct str namespace,
                                    struct str name, bootstrap_served_fn served) {
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct bootstrap_object o = bootstrap_make(a, i, served, NULL);
        if (o.kind == kind && str_eq(o.name, name) && str_eq(o.namespace, namespace))
            return o;
    }
    fail_msg("no %.*s", STR_ARG(name));
    return (struct bootstrap_object){0};
}

static bool all_served(struct str group, struct str resource, void *arg) {
    (void)arg;
    assert_true(str_find_byte(resource, '/') < 0);
    return !str_empty(group);
}

TEST(test_bootstrap__makes_roles) {
    struct arena a = {0};
    struct rbac_cluster_role *admin = find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), S("cluster-admin"), NULL).body;
    assert_str(admin->type_meta.kind, "ClusterRole");
    assert_str(admin->metadata.name, "cluster-admin");
    assert_str(str_map_get(admin->metadata.labels, S("kubernetes.io/bootstrapping")), "rbac-defaults");
    assert_str(str_map_get(admin->metadata.annotations, S("rbac.authorization.kubernetes.io/autoupdate")),
               "true");
    assert_null(admin->aggregation_rule);
    assert_int_equal(admin->rules.n, 2);
    assert_str(admin->rules.v[0].api_groups.v[0], "*");
    assert_null(admin->rules.v[0].non_resource_urls.v);
    assert_str(admin->rules.v[1].non_resource_urls.v[0], "*");
    assert_null(admin->rules.v[1].api_groups.v);

    struct rbac_role *signer =
        find(&a, BOOTSTRAP_ROLE, S("kube-public"), S("system:controller:bootstrap-signer"), NULL).body;
    assert_str(signer->metadata.namespace, "kube-public");
    assert_str(signer->rules.v[1].resource_names.v[0], "cluster-info");
    assert_str(signer->rules.v[1].api_groups.v[0], "");
    arena_fini(&a);
}

TEST(test_bootstrap__aggregates_roles) {
    struct arena a = {0};
    struct rbac_cluster_role *edit = find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), S("edit"), NULL).body;
    assert_int_equal(edit->rules.n, 0);
    assert_str(str_map_get(edit->metadata.labels, S("rbac.authorization.k8s.io/aggregate-to-admin")), "true");
    assert_int_equal(edit->aggregation_rule->cluster_role_selectors.n, 1);
    struct str_map want = edit->aggregation_rule->cluster_role_selectors.v[0].match_labels;
    assert_str(str_map_get(want, S("rbac.authorization.k8s.io/aggregate-to-edit")), "true");
    arena_fini(&a);
}

TEST(test_bootstrap__makes_bindings) {
    struct arena a = {0};
    struct rbac_cluster_role_binding *job =
        find(&a, BOOTSTRAP_CLUSTER_ROLE_BINDING, S(""), S("system:controller:job-controller"), NULL).body;
    assert_str(job->role_ref.kind, "ClusterRole");
    assert_str(job->role_ref.name, "system:controller:job-controller");
    assert_str(job->subjects.v[0].kind, "ServiceAccount");
    assert_str(job->subjects.v[0].namespace, "kube-system");
    assert_str(job->subjects.v[0].api_group, "");

    struct rbac_role_binding *reader = find(&a, BOOTSTRAP_ROLE_BINDING, S("kube-system"),
                                            S("system::extension-apiserver-authentication-reader"), NULL)
                                           .body;
    assert_str(reader->role_ref.name, "extension-apiserver-authentication-reader");
    assert_int_equal(reader->subjects.n, 2);
    assert_str(reader->subjects.v[1].kind, "User");
    assert_str(reader->subjects.v[1].api_group, "rbac.authorization.k8s.io");
    assert_str(reader->subjects.v[1].namespace, NULL);

    struct rbac_cluster_role_binding *node =
        find(&a, BOOTSTRAP_CLUSTER_ROLE_BINDING, S(""), S("system:node"), NULL).body;
    assert_int_equal(node->subjects.n, 0);
    arena_fini(&a);
}

TEST(test_bootstrap__leaves_out_rules_of_resources_that_are_off) {
    struct arena a = {0};
    struct str bundles = S("system:cluster-trust-bundle-discovery");
    assert_null(find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), bundles, NULL).body);
    struct rbac_cluster_role *on = find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), bundles, all_served).body;
    assert_str(on->rules.v[0].resources.v[0], "clustertrustbundles");

    struct rbac_cluster_role *less = find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), S("system:node"), NULL).body;
    struct rbac_cluster_role *more =
        find(&a, BOOTSTRAP_CLUSTER_ROLE, S(""), S("system:node"), all_served).body;
    assert_int_equal(more->rules.n, less->rules.n + 2);
    arena_fini(&a);
}

TEST(test_bootstrap__every_rule_allows_something) {
    struct arena a = {0};
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct bootstrap_object o = bootstrap_make(&a, i, all_served, NULL);
        assert_non_null(o.body);
        if (o.kind != BOOTSTRAP_CLUSTER_ROLE)
            continue;
        const struct rbac_cluster_role *r = o.body;
        assert_true(r->rules.n > 0 || r->aggregation_rule);
        for (uint32_t j = 0; j < r->rules.n; j++) {
            assert_true(r->rules.v[j].verbs.n > 0);
            assert_int_equal(r->rules.v[j].resources.n > 0, r->rules.v[j].non_resource_urls.n == 0);
            assert_int_equal(r->rules.v[j].resources.n > 0, r->rules.v[j].api_groups.n > 0);
        }
    }
    arena_fini(&a);
}
