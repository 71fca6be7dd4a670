/* apiserver/authz_rbac */
#include "apiserver/authz_rbac.h"

#include <stdio.h>

#include "unit/apiserver/authz_world.h"
#include "unit/unit.h"

static struct authz_world *w;
static struct rbac_index *x;

static void begin(void) {
    w = world_new();
}

static void build(void) {
    struct rbac_view v = world_view(w);
    x = rbac_index_new(&v);
}

static void end(void) {
    rbac_index_free(x);
    x = NULL;
    world_free(w);
}

/* "get pods" in a namespace, "get /healthz", "list apps deployments/scale", with "=name" behind a resource.
 */
static struct access access_of(const struct user *u, const char *ns, const char *text) {
    struct access what = {.user = u, .ns = str_from(ns)};
    struct str rest;
    assert_true(str_split(str_from(text), ' ', &what.verb, &rest));
    if (str_has_prefix(rest, S("/"))) {
        what.path = rest;
        return what;
    }
    what.is_resource = true;
    struct str group, resource;
    if (str_split(rest, ' ', &group, &resource))
        what.group = group;
    else
        resource = rest;
    (void)str_split(resource, '=', &resource, &what.name);
    (void)str_split(resource, '/', &what.resource, &what.subresource);
    return what;
}

static bool rule_allows(struct rbac_policy_rule rule, const char *text) {
    struct user u = {.name = S("u")};
    struct access what = access_of(&u, "ns", text);
    return rbac_rule_allows(&rule, &what);
}

static bool can(const char *name, const char *groups, const char *ns, const char *text) {
    struct user u = world_user(w, name, groups);
    struct access what = access_of(&u, ns, text);
    return rbac_check(x, &what, &w->arena, NULL) == AUTHZ_ALLOW;
}

static struct str why(const char *name, const char *groups, const char *ns, const char *text) {
    struct user u = world_user(w, name, groups);
    struct access what = access_of(&u, ns, text);
    struct str reason;
    (void)rbac_check(x, &what, &w->arena, &reason);
    return reason;
}

TEST(test_rbac_rule__matches_verbs_groups_and_resources) {
    begin();
    struct rbac_policy_rule r = world_rule(w, "get,list", "-,apps", "pods,deployments/scale", "");
    assert_true(rule_allows(r, "get pods"));
    assert_true(rule_allows(r, "list pods=x"));
    assert_true(rule_allows(r, "get apps pods"));
    assert_true(rule_allows(r, "get apps deployments/scale"));
    assert_false(rule_allows(r, "get apps deployments"));
    assert_false(rule_allows(r, "watch pods"));
    assert_false(rule_allows(r, "get batch pods"));
    assert_false(rule_allows(r, "get pods/log"));
    assert_false(rule_allows(r, "get pod"));
    assert_false(rule_allows(r, "get /pods"));
    end();
}

TEST(test_rbac_rule__wildcards) {
    begin();
    struct rbac_policy_rule all = world_rule(w, "*", "*", "*", "");
    assert_true(rule_allows(all, "anything any.group things/sub=x"));
    assert_false(rule_allows(all, "get /healthz"));
    struct rbac_policy_rule scale = world_rule(w, "update", "*", "*/scale", "");
    assert_true(rule_allows(scale, "update apps deployments/scale"));
    assert_true(rule_allows(scale, "update x.io things/scale"));
    assert_false(rule_allows(scale, "update apps deployments/status"));
    assert_false(rule_allows(scale, "update apps deployments/upscale"));
    assert_false(rule_allows(scale, "update apps scale"));
    end();
}

TEST(test_rbac_rule__has_no_wildcard_behind_the_slash) {
    begin();
    struct rbac_policy_rule r = world_rule(w, "*", "-", "pods/*", "");
    assert_false(rule_allows(r, "get pods/log"));
    assert_false(rule_allows(r, "get pods"));
    assert_false(rule_allows(world_rule(w, "*", "-", "*/*", ""), "get pods/log"));
    end();
}

TEST(test_rbac_rule__names_limit_it) {
    begin();
    struct rbac_policy_rule r = world_rule(w, "get,list", "-", "secrets", "a,b");
    assert_true(rule_allows(r, "get secrets=a"));
    assert_true(rule_allows(r, "get secrets=b"));
    assert_false(rule_allows(r, "get secrets=c"));
    assert_false(rule_allows(r, "list secrets"));
    end();
}

TEST(test_rbac_rule__paths) {
    begin();
    struct rbac_policy_rule r = world_paths(w, "get", "/healthz,/api/*,/x**");
    assert_true(rule_allows(r, "get /healthz"));
    assert_true(rule_allows(r, "get /api/"));
    assert_true(rule_allows(r, "get /api/v1"));
    assert_true(rule_allows(r, "get /xyz"));
    assert_false(rule_allows(r, "get /api"));
    assert_false(rule_allows(r, "get /healthz/ping"));
    assert_false(rule_allows(r, "post /healthz"));
    assert_false(rule_allows(r, "get healthz"));
    assert_true(rule_allows(world_paths(w, "*", "*"), "post /anything"));
    end();
}

TEST(test_rbac_rule__empty_allows_nothing) {
    assert_false(rule_allows((struct rbac_policy_rule){0}, "get pods"));
    assert_false(rule_allows((struct rbac_policy_rule){0}, "get /healthz"));
}

TEST(test_rbac__binds_users_groups_and_service_accounts) {
    begin();
    world_role(w, "", "reader", world_rule(w, "get", "-", "pods", ""));
    world_bind(w, "", "b", "ClusterRole/reader", "User:jane,Group:devs,ServiceAccount:ci/bot,Robot:x");
    build();
    assert_true(can("jane", "", "any", "get pods"));
    assert_true(can("jane", "", "", "get pods"));
    assert_true(can("joe", "staff,devs", "any", "get pods"));
    assert_true(can("system:serviceaccount:ci:bot", "", "any", "get pods"));
    assert_false(can("system:serviceaccount:other:bot", "", "any", "get pods"));
    assert_false(can("devs", "jane", "any", "get pods"));
    assert_false(can("joe", "staff", "any", "get pods"));
    assert_false(can("bot", "", "any", "get pods"));
    assert_false(can("x", "x", "any", "get pods"));
    assert_false(can("jane", "", "any", "list pods"));
    end();
}

TEST(test_rbac__role_bindings_hold_in_their_namespace) {
    begin();
    world_role(w, "a", "role", world_rule(w, "get", "-", "pods", ""));
    world_role(w, "", "role", world_rule(w, "get", "-", "nodes,services", ""));
    world_role(w, "", "paths", world_paths(w, "get", "/healthz"));
    world_bind(w, "a", "b1", "Role/role", "User:jane,ServiceAccount:/bot");
    world_bind(w, "b", "b2", "Role/role", "User:jane");
    world_bind(w, "c", "b3", "ClusterRole/role", "User:jane");
    world_bind(w, "c", "b4", "ClusterRole/paths", "User:jane");
    build();
    assert_true(can("jane", "", "a", "get pods"));
    assert_true(can("system:serviceaccount:a:bot", "", "a", "get pods"));
    assert_false(can("jane", "", "a", "get services"));
    assert_false(can("jane", "", "b", "get pods"));
    assert_false(can("jane", "", "", "get pods"));
    assert_true(can("jane", "", "c", "get services"));
    assert_false(can("jane", "", "", "get nodes"));
    assert_false(can("jane", "", "", "get /healthz"));
    assert_false(can("jane", "", "c", "get /healthz"));
    end();
}

TEST(test_rbac__cluster_bindings_cannot_name_roles_or_subjects_without_namespace) {
    begin();
    world_role(w, "a", "role", world_rule(w, "get", "-", "pods", ""));
    world_role(w, "", "all", world_rule(w, "*", "*", "*", ""));
    world_bind(w, "", "b1", "Role/role", "User:jane");
    world_bind(w, "", "b2", "ClusterRole/all", "ServiceAccount:/bot");
    build();
    assert_false(can("jane", "", "a", "get pods"));
    assert_false(can("system:serviceaccount::bot", "", "a", "get pods"));
    end();
}

TEST(test_rbac__says_why_it_allows) {
    begin();
    world_role(w, "", "reader", world_rule(w, "get", "-", "pods", ""));
    world_role(w, "ns", "writer", world_rule(w, "create", "-", "pods", ""));
    world_bind(w, "", "all", "ClusterRole/reader", "User:jane,ServiceAccount:ci/bot");
    world_bind(w, "ns", "some", "Role/writer", "Group:devs,ServiceAccount:/bot");
    build();
    assert_str(why("jane", "", "ns", "get pods"),
               "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"reader\" to User \"jane\"");
    assert_str(why("joe", "devs", "ns", "create pods"),
               "RBAC: allowed by RoleBinding \"some/ns\" of Role \"writer\" to Group \"devs\"");
    assert_str(
        why("system:serviceaccount:ci:bot", "", "ns", "get pods"),
        "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"reader\" to ServiceAccount \"bot/ci\"");
    assert_str(why("system:serviceaccount:ns:bot", "", "ns", "create pods"),
               "RBAC: allowed by RoleBinding \"some/ns\" of Role \"writer\" to ServiceAccount \"bot/ns\"");
    assert_str(why("joe", "", "ns", "create pods"), "");
    end();
}

TEST(test_rbac__missing_roles_give_no_rights) {
    begin();
    world_role(w, "", "reader", world_rule(w, "get", "-", "pods", ""));
    world_bind(w, "", "b1", "ClusterRole/gone", "User:jane");
    world_bind(w, "", "b2", "ClusterRole/gone", "User:jane");
    world_bind(w, "ns", "b3", "Role/reader", "User:jane");
    world_bind(w, "other", "b4", "ClusterRole/reader", "User:jane");
    build();
    assert_false(can("jane", "", "ns", "get pods"));
    assert_str(why("jane", "", "", "get pods"),
               "RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found");
    assert_str(why("jane", "", "ns", "get pods"),
               "RBAC: [clusterrole.rbac.authorization.k8s.io \"gone\" not found, "
               "role.rbac.authorization.k8s.io \"reader\" not found]");
    assert_true(can("jane", "", "other", "get pods"));
    end();
}

TEST(test_rbac__names_few_of_many_missing_roles) {
    begin();
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "ClusterRole/gone%d", i);
        world_bind(w, "", name + 12, name, "User:jane");
    }
    build();
    struct str reason = why("jane", "", "", "get pods");
    assert_true(str_find(reason, S("\"gone15\"")) > 0);
    assert_true(str_find(reason, S("\"gone16\"")) < 0);
    end();
}

TEST(test_rbac__rules_of_a_user) {
    begin();
    world_role(w, "", "c", world_rule(w, "get", "-", "nodes", ""));
    world_role(w, "ns", "r", world_rule(w, "get", "-", "pods", ""));
    world_bind(w, "", "b1", "ClusterRole/c", "User:jane");
    world_bind(w, "ns", "b2", "Role/r", "Group:devs");
    world_bind(w, "broken", "b3", "Role/gone", "Group:devs");
    build();
    struct user u = world_user(w, "jane", "devs");
    struct rbac_policy_rule_array rules;
    bool incomplete = true;
    rbac_rules(x, &u, S("ns"), &w->arena, &rules, &incomplete);
    assert_false(incomplete);
    assert_int_equal(rules.n, 2);
    assert_str(rules.v[0].resources.v[0], "nodes");
    assert_str(rules.v[1].resources.v[0], "pods");
    rbac_rules(x, &u, S(""), &w->arena, &rules, &incomplete);
    assert_int_equal(rules.n, 1);
    rbac_rules(x, &u, S("broken"), &w->arena, &rules, &incomplete);
    assert_true(incomplete);
    assert_int_equal(rules.n, 1);
    u = world_user(w, "nobody", "");
    rbac_rules(x, &u, S("ns"), &w->arena, &rules, &incomplete);
    assert_int_equal(rules.n, 0);
    assert_false(incomplete);
    end();
}

TEST(test_rbac__finds_one_namespace_among_many) {
    begin();
    world_role(w, "", "edit", world_rule(w, "*", "*", "*", ""));
    for (int i = 0; i < 500; i++) {
        char ns[32];
        snprintf(ns, sizeof ns, "ns-%d", i * 7919 % 500); /* not sorted */
        world_bind(w, ns, "b", "ClusterRole/edit", i % 2 ? "User:odd" : "User:even,User:both");
        world_bind(w, ns, "c", "ClusterRole/edit", "Group:all");
    }
    build();
    int found = 0;
    for (int i = 0; i < 510; i++) {
        char ns[32];
        snprintf(ns, sizeof ns, "ns-%d", i);
        bool odd = can("odd", "", ns, "get pods"), even = can("even", "", ns, "get pods");
        assert_true(odd != even || i >= 500);
        assert_true(even == can("both", "", ns, "get pods"));
        assert_true(can("none", "a,b,c,all", ns, "get pods") == (i < 500));
        found += odd;
    }
    assert_int_equal(found, 250);
    end();
}

TEST(test_rbac__bindings_in_any_order) {
    begin();
    const char *resources[] = {"pods", "services", "secrets"};
    for (int i = 0; i < 3; i++) {
        world_role(w, "", resources[i], world_rule(w, "get", "-", resources[i], ""));
        char role[32];
        snprintf(role, sizeof role, "ClusterRole/%s", resources[i]);
        world_bind(w, "a", resources[i], role, "User:jane");
        world_bind(w, "a-b", resources[i], role, "User:jane");
    }
    build();
    assert_true(can("jane", "", "a", "get pods") && can("jane", "", "a-b", "get pods"));
    assert_true(can("jane", "", "a", "get services") && can("jane", "", "a-b", "get services"));
    assert_true(can("jane", "", "a", "get secrets") && can("jane", "", "a-b", "get secrets"));
    end();
}

TEST(test_rbac__users_in_many_groups) {
    begin();
    world_role(w, "ns", "r", world_rule(w, "get", "-", "pods", ""));
    world_bind(w, "ns", "b", "Role/r", "Group:last");
    build();
    char groups[1024] = "";
    size_t n = 0;
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(groups + n, sizeof groups - n, "g%d,", i);
    snprintf(groups + n, sizeof groups - n, "last");
    assert_true(can("jane", groups, "ns", "get pods"));
    assert_false(can("jane", groups, "", "get pods"));
    end();
}

TEST(test_rbac__bootstrap_policy) {
    begin();
    world_bootstrap(w);
    build();
    assert_true(can("x", "system:masters", "any", "delete secrets"));
    assert_true(can("x", "system:masters", "", "post /anything"));
    assert_true(can("x", "system:authenticated", "", "get /api/v1"));
    assert_true(can("x", "system:unauthenticated", "", "get /livez"));
    assert_false(can("x", "system:unauthenticated", "", "get /api/v1"));
    assert_true(can("x", "system:authenticated", "", "create authorization.k8s.io selfsubjectaccessreviews"));
    assert_false(can("x", "system:authenticated", "default", "get pods"));
    assert_true(can("system:kube-scheduler", "", "default", "create pods/binding"));
    assert_false(can("system:kube-scheduler", "", "default", "create pods"));
    assert_true(can("system:serviceaccount:kube-system:job-controller", "", "default", "create pods"));
    assert_false(can("system:serviceaccount:kube-system:job-controller", "", "default", "get secrets"));
    assert_true(can("system:kube-controller-manager", "", "kube-system",
                    "update coordination.k8s.io leases=kube-controller-manager"));
    end();
}

static const struct rbac_cluster_role *labelled(const char *name, const char *key,
                                                struct rbac_policy_rule *rules, uint32_t n) {
    struct rbac_cluster_role *r = arena_new(&w->arena, struct rbac_cluster_role);
    struct str_entry *labels = arena_new(&w->arena, struct str_entry);
    *labels = (struct str_entry){.key = str_from(key), .value = S("true")};
    r->metadata.name = str_from(name);
    r->metadata.labels = (struct str_map){.v = labels, .n = 1};
    r->rules = (struct rbac_policy_rule_array){.v = rules, .n = n};
    return r;
}

TEST(test_rbac_aggregate__joins_rules_once_in_order) {
    begin();
    struct rbac_policy_rule pods[] = {world_rule(w, "get", "-", "pods", ""),
                                      world_rule(w, "get", "-", "x", "")};
    struct rbac_policy_rule same[] = {world_rule(w, "get", "-", "pods", ""),
                                      world_rule(w, "get,list", "-", "pods", "")};
    struct rbac_policy_rule jobs[] = {world_rule(w, "get", "batch", "jobs", "")};
    struct str_entry to_view = {.key = S("view"), .value = S("true")};
    struct str_entry to_edit = {.key = S("edit"), .value = S("true")};
    struct meta_label_selector selectors[] = {{.match_labels = {.v = &to_view, .n = 1}},
                                              {.match_labels = {.v = &to_edit, .n = 1}}};
    struct rbac_aggregation_rule how = {.cluster_role_selectors = {.v = selectors, .n = 2}};
    struct rbac_cluster_role self = *labelled("self", "view", jobs, 1);
    self.aggregation_rule = &how;
    const struct rbac_cluster_role *all[] = {labelled("z", "view", same, 2), labelled("b", "edit", jobs, 1),
                                             &self, labelled("a", "view", pods, 2),
                                             labelled("n", "none", jobs, 1)};
    struct rbac_policy_rule_array out = rbac_aggregate(&self, all, 5, &w->arena);
    assert_int_equal(out.n, 4);
    assert_str(out.v[0].resources.v[0], "pods");
    assert_str(out.v[1].resources.v[0], "x");
    assert_int_equal(out.v[2].verbs.n, 2);
    assert_str(out.v[3].resources.v[0], "jobs");
    assert_ptr_equal(all[2], &self);
    self.aggregation_rule = NULL;
    out = rbac_aggregate(&self, all, 5, &w->arena);
    assert_int_equal(out.n, 1);
    assert_ptr_equal(out.v, jobs);
    end();
}

TEST(test_rbac_aggregate__bootstrap_edit_holds_view) {
    begin();
    world_bootstrap(w);
    const struct rbac_cluster_role *view = NULL, *edit = NULL;
    for (uint32_t i = 0; i < w->n_cluster_roles; i++) {
        if (str_eq(w->cluster_roles[i]->metadata.name, S("view")))
            view = w->cluster_roles[i];
        if (str_eq(w->cluster_roles[i]->metadata.name, S("edit")))
            edit = w->cluster_roles[i];
    }
    struct user u = {.name = S("u")};
    struct access get = access_of(&u, "ns", "get pods"), create = access_of(&u, "ns", "create pods"),
                  secrets = access_of(&u, "ns", "get secrets");
    struct rbac_policy_rule_array r = rbac_aggregate(view, w->cluster_roles, w->n_cluster_roles, &w->arena);
    assert_true(rbac_rules_allow(&r, &get));
    assert_false(rbac_rules_allow(&r, &create));
    assert_false(rbac_rules_allow(&r, &secrets));
    r = rbac_aggregate(edit, w->cluster_roles, w->n_cluster_roles, &w->arena);
    assert_true(rbac_rules_allow(&r, &create));
    assert_true(rbac_rules_allow(&r, &secrets));
    end();
}
