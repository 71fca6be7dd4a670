/* apiserver/authz: the authorisers together, on trees that change */
#include "apiserver/authz.h"

#include <stdatomic.h>

#include "api/object.h"
#include "api/types/core.h"
#include "api/types/rbac.h"
#include "api/types/resource.h"
#include "api/types/storage.h"
#include "apiserver/authz_priv.h"
#include "base/arena.h"
#include "base/thread.h"
#include "unit/unit.h"

static const struct cow_ops object_ops = {.retain = object_retain_any, .release = object_release_any};

struct fixture {
    struct cow trees[AUTHZ_TREES];
    struct arena arena; /* outlives the objects, whose bodies borrow from it */
    struct authz *authz;
    struct str reason;
};

static void snapshot(void *arg, enum authz_tree tree, struct cow *ret_tree) {
    struct fixture *f = arg;
    cow_snapshot(&f->trees[tree], ret_tree);
}

static const struct authz_source_ops source_ops = {.snapshot = snapshot};

static void begin(struct fixture *f) {
    *f = (struct fixture){.arena = ARENA_INIT};
    for (int i = 0; i < AUTHZ_TREES; i++)
        cow_init(&f->trees[i], &object_ops);
    f->authz = authz_new_of(&source_ops, f);
}

static void end(struct fixture *f) {
    authz_free(f->authz);
    for (int i = 0; i < AUTHZ_TREES; i++)
        cow_fini(&f->trees[i]);
    arena_fini(&f->arena);
}

static void put(struct fixture *f, enum authz_tree tree, const char *key, struct str group, const char *kind,
                const void *body, size_t size) {
    const struct kind *k = kind_find(group, S("v1"), str_from(kind));
    assert_non_null(k);
    struct arena arena = ARENA_INIT;
    void *copy = arena_alloc(&arena, size);
    memcpy(copy, body, size);
    struct str kept = arena_str(&f->arena, str_from(key));
    object_unref(cow_put(&f->trees[tree], kept, object_freeze(k, copy, &arena)));
}

#define PUT(f, tree, key, group, kind, body) put((f), (tree), (key), S(group), (kind), (body), sizeof *(body))
#define RBAC_GROUP "rbac.authorization.k8s.io"

static struct str_array words(struct fixture *f, const char *text) {
    struct str_array out = {.v = arena_new_n(&f->arena, 8, struct str)};
    struct str rest = str_from(text);
    bool more = !str_empty(rest);
    while (more) {
        more = str_split(rest, ',', &out.v[out.n], &rest);
        out.n++;
    }
    return out;
}

static void put_cluster_role(struct fixture *f, const char *name, const char *verbs, const char *resources) {
    struct rbac_policy_rule *rule = arena_new(&f->arena, struct rbac_policy_rule);
    *rule = (struct rbac_policy_rule){
        .verbs = words(f, verbs), .api_groups = words(f, "*"), .resources = words(f, resources)};
    struct rbac_cluster_role r = {.metadata = {.name = str_from(name)}, .rules = {.v = rule, .n = 1}};
    PUT(f, AUTHZ_CLUSTER_ROLES, name, RBAC_GROUP, "ClusterRole", &r);
}

static void put_binding(struct fixture *f, const char *name, const char *role, const char *user) {
    struct rbac_subject *s = arena_new(&f->arena, struct rbac_subject);
    *s = (struct rbac_subject){.kind = S("User"), .name = str_from(user)};
    struct rbac_cluster_role_binding b = {.metadata = {.name = str_from(name)},
                                          .subjects = {.v = s, .n = 1},
                                          .role_ref = {.kind = S("ClusterRole"), .name = str_from(role)}};
    PUT(f, AUTHZ_CLUSTER_ROLE_BINDINGS, name, RBAC_GROUP, "ClusterRoleBinding", &b);
}

/* resource: "pods" or "group/plural". */
static enum decision ask(struct fixture *f, const char *user, const char *groups, const char *verb,
                         const char *resource, const char *ns, const char *name) {
    struct user u = {.name = str_from(user), .groups = words(f, groups)};
    struct access what = {.user = &u,
                          .verb = str_from(verb),
                          .is_resource = true,
                          .group = S(""),
                          .resource = str_from(resource),
                          .ns = str_from(ns),
                          .name = str_from(name)};
    struct str group, plural;
    if (str_split(what.resource, '/', &group, &plural)) {
        what.group = group;
        what.resource = plural;
    }
    return authz_check(f->authz, &what, &f->arena, &f->reason);
}

static bool node_can(struct fixture *f, const char *node, const char *verb, const char *resource,
                     const char *ns, const char *name) {
    struct str user = arena_printf(&f->arena, "system:node:%s", node);
    return ask(f, arena_strz(&f->arena, user), "system:nodes", verb, resource, ns, name) == AUTHZ_ALLOW;
}

TEST(test_authz__masters_may_do_everything) {
    struct fixture f;
    begin(&f);
    assert_int_equal(ask(&f, "root", "system:masters", "delete", "secrets", "kube-system", "x"), AUTHZ_ALLOW);
    assert_str(f.reason, "");
    assert_int_equal(ask(&f, "root", "masters", "delete", "secrets", "kube-system", "x"), AUTHZ_NO_OPINION);
    end(&f);
}

TEST(test_authz__follows_changes) {
    struct fixture f;
    begin(&f);
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    put_binding(&f, "b", "reader", "jane");
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    assert_str(f.reason, "RBAC: clusterrole.rbac.authorization.k8s.io \"reader\" not found");
    put_cluster_role(&f, "reader", "get", "pods");
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_ALLOW);
    assert_str(f.reason,
               "RBAC: allowed by ClusterRoleBinding \"b\" of ClusterRole \"reader\" to User \"jane\"");
    put_cluster_role(&f, "reader", "list", "pods");
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    put_binding(&f, "b", "reader", "joe");
    assert_int_equal(ask(&f, "jane", "", "list", "pods", "ns", ""), AUTHZ_NO_OPINION);
    assert_int_equal(ask(&f, "joe", "", "list", "pods", "ns", ""), AUTHZ_ALLOW);
    object_unref(cow_take(&f.trees[AUTHZ_CLUSTER_ROLE_BINDINGS], S("b")));
    assert_int_equal(ask(&f, "joe", "", "list", "pods", "ns", ""), AUTHZ_NO_OPINION);
    end(&f);
}

TEST(test_authz__role_bindings_find_roles_of_their_namespace) {
    struct fixture f;
    begin(&f);
    struct str core = S(""), pods = S("pods"), get = S("get");
    struct rbac_policy_rule rule = {
        .verbs = {.v = &get, .n = 1}, .api_groups = {.v = &core, .n = 1}, .resources = {.v = &pods, .n = 1}};
    struct rbac_role role = {.metadata = {.name = S("r"), .namespace = S("ns")},
                             .rules = {.v = &rule, .n = 1}};
    struct rbac_subject jane = {.kind = S("User"), .name = S("jane")};
    struct rbac_role_binding b = {.metadata = {.name = S("b"), .namespace = S("ns")},
                                  .subjects = {.v = &jane, .n = 1},
                                  .role_ref = {.kind = S("Role"), .name = S("r")}};
    PUT(&f, AUTHZ_ROLES, "ns/r", RBAC_GROUP, "Role", &role);
    PUT(&f, AUTHZ_ROLE_BINDINGS, "ns/b", RBAC_GROUP, "RoleBinding", &b);
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_ALLOW);
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "other", "x"), AUTHZ_NO_OPINION);
    end(&f);
}

TEST(test_authz_rules__outlive_the_roles) {
    struct fixture f;
    begin(&f);
    put_cluster_role(&f, "reader", "get", "pods");
    put_binding(&f, "b", "reader", "jane");
    struct user u = {.name = S("jane")};
    struct arena a = ARENA_INIT;
    struct rbac_policy_rule_array rules;
    bool incomplete = true;
    authz_rules(f.authz, &u, S("ns"), &a, &rules, &incomplete);
    object_unref(cow_take(&f.trees[AUTHZ_CLUSTER_ROLES], S("reader")));
    assert_int_equal(ask(&f, "jane", "", "get", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    assert_false(incomplete);
    assert_int_equal(rules.n, 1);
    assert_str(rules.v[0].resources.v[0], "pods");
    authz_rules(f.authz, &u, S("ns"), &a, &rules, &incomplete);
    assert_true(incomplete);
    arena_fini(&a);
    end(&f);
}

TEST(test_authz_rules__of_masters_and_nodes) {
    struct fixture f;
    begin(&f);
    struct rbac_policy_rule_array rules;
    bool incomplete = true;
    struct user root = {.name = S("root"), .groups = words(&f, "system:masters")};
    authz_rules(f.authz, &root, S(""), &f.arena, &rules, &incomplete);
    assert_false(incomplete);
    struct rbac_policy_rule all[] = {
        {.verbs = words(&f, "*"), .api_groups = words(&f, "*"), .resources = words(&f, "*")},
        {.verbs = words(&f, "*"), .non_resource_urls = words(&f, "*")}};
    struct str missing;
    assert_true(authz_covers(&rules, &(struct rbac_policy_rule_array){.v = all, .n = 2}, &f.arena, &missing));
    struct user node = {.name = S("system:node:n1"), .groups = words(&f, "system:nodes")};
    authz_rules(f.authz, &node, S(""), &f.arena, &rules, &incomplete);
    assert_true(incomplete);
    end(&f);
}

static void put_pod(struct fixture *f, const char *key, const char *node) {
    struct core_secret_volume_source *secret = arena_new(&f->arena, struct core_secret_volume_source);
    secret->secret_name = S("key");
    struct core_persistent_volume_claim_volume_source *claim =
        arena_new(&f->arena, struct core_persistent_volume_claim_volume_source);
    claim->claim_name = S("data");
    struct core_volume *volumes = arena_new_n(&f->arena, 2, struct core_volume);
    volumes[0].volume_source.secret = secret;
    volumes[1].volume_source.persistent_volume_claim = claim;
    struct core_pod pod = {.metadata = {.name = S("web"), .namespace = S("ns")},
                           .spec = {.node_name = str_from(node),
                                    .service_account_name = S("bot"),
                                    .volumes = {.v = volumes, .n = 2}}};
    PUT(f, AUTHZ_PODS, key, "", "Pod", &pod);
}

TEST(test_authz__nodes_reach_what_their_pods_use) {
    struct fixture f;
    begin(&f);
    assert_false(node_can(&f, "n1", "get", "secrets", "ns", "key"));
    assert_str(f.reason, "no relationship found between node 'n1' and this object");
    put_pod(&f, "n1/ns/web", "n1");
    assert_true(node_can(&f, "n1", "get", "secrets", "ns", "key"));
    assert_str(f.reason, "");
    assert_true(node_can(&f, "n1", "get", "pods", "ns", "web"));
    assert_true(node_can(&f, "n1", "get", "persistentvolumeclaims", "ns", "data"));
    assert_true(node_can(&f, "n1", "get", "serviceaccounts", "ns", "bot"));
    assert_false(node_can(&f, "n1", "get", "secrets", "other", "key"));
    assert_false(node_can(&f, "n1", "get", "configmaps", "ns", "key"));
    assert_false(node_can(&f, "n1", "get", "pods", "ns", "db"));
    assert_false(node_can(&f, "n2", "get", "secrets", "ns", "key"));
    assert_false(node_can(&f, "n2", "get", "pods", "ns", "web"));
    assert_false(node_can(&f, "n", "get", "secrets", "ns", "key"));
    assert_false(node_can(&f, "", "get", "secrets", "ns", "key"));
    end(&f);
}

TEST(test_authz__nodes_reach_volumes_of_their_claims) {
    struct fixture f;
    begin(&f);
    struct core_object_reference claim = {.namespace = S("ns"), .name = S("data")};
    struct core_secret_reference stage = {.namespace = S("csi"), .name = S("stage")};
    struct core_csi_persistent_volume_source csi = {.node_stage_secret_ref = &stage};
    struct core_persistent_volume pv = {
        .metadata = {.name = S("pv")},
        .spec = {.claim_ref = &claim, .persistent_volume_source = {.csi = &csi}}};
    struct core_persistent_volume free_pv = {.metadata = {.name = S("free")}};
    PUT(&f, AUTHZ_VOLUMES, "pv", "", "PersistentVolume", &pv);
    PUT(&f, AUTHZ_VOLUMES, "free", "", "PersistentVolume", &free_pv);
    put_pod(&f, "n1/ns/web", "n1");
    assert_true(node_can(&f, "n1", "get", "persistentvolumes", "", "pv"));
    assert_false(node_can(&f, "n2", "get", "persistentvolumes", "", "pv"));
    assert_false(node_can(&f, "n1", "get", "persistentvolumes", "", "free"));
    assert_false(node_can(&f, "n1", "get", "persistentvolumes", "", "gone"));
    assert_true(node_can(&f, "n1", "get", "secrets", "csi", "stage"));
    assert_false(node_can(&f, "n2", "get", "secrets", "csi", "stage"));
    end(&f);
}

TEST(test_authz__nodes_reach_what_names_them) {
    struct fixture f;
    begin(&f);
    struct storage_volume_attachment va = {.metadata = {.name = S("va")}, .spec = {.node_name = S("n1")}};
    struct resource_resource_slice slice = {.metadata = {.name = S("slice")}, .spec = {.node_name = S("n1")}};
    PUT(&f, AUTHZ_ATTACHMENTS, "va", "storage.k8s.io", "VolumeAttachment", &va);
    PUT(&f, AUTHZ_SLICES, "slice", "resource.k8s.io", "ResourceSlice", &slice);
    assert_true(node_can(&f, "n1", "get", "storage.k8s.io/volumeattachments", "", "va"));
    assert_false(node_can(&f, "n2", "get", "storage.k8s.io/volumeattachments", "", "va"));
    assert_true(node_can(&f, "n1", "delete", "resource.k8s.io/resourceslices", "", "slice"));
    assert_false(node_can(&f, "n2", "delete", "resource.k8s.io/resourceslices", "", "slice"));
    assert_false(node_can(&f, "n1", "get", "certificates.k8s.io/podcertificaterequests", "ns", "gone"));
    end(&f);
}

TEST(test_authz__rbac_may_add_to_what_nodes_have) {
    struct fixture f;
    begin(&f);
    put_cluster_role(&f, "secrets", "get", "secrets");
    put_binding(&f, "b", "secrets", "system:node:n1");
    assert_true(node_can(&f, "n1", "get", "secrets", "ns", "any"));
    put_binding(&f, "b", "gone", "system:node:n1");
    assert_false(node_can(&f, "n1", "get", "secrets", "ns", "any"));
    assert_str(f.reason, "no relationship found between node 'n1' and this object\n"
                         "RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found");
    end(&f);
}

/* -- threads -- */

/* The trees of a writer, handed out under a lock. */
struct shared_world {
    struct fixture f;
    struct mutex lock;
    atomic_bool stop;
    atomic_uint wrong;
};

static void locked_snapshot(void *arg, enum authz_tree tree, struct cow *ret_tree) {
    struct shared_world *w = arg;
    mutex_lock(&w->lock);
    cow_snapshot(&w->f.trees[tree], ret_tree);
    mutex_unlock(&w->lock);
}

static const struct authz_source_ops locked_ops = {.snapshot = locked_snapshot};

static void asker(void *arg) {
    struct shared_world *w = arg;
    struct user u = {.name = S("jane")};
    struct access get = {
        .user = &u, .verb = S("get"), .is_resource = true, .group = S(""), .resource = S("pods")};
    struct access never = {
        .user = &u, .verb = S("x"), .is_resource = true, .group = S(""), .resource = S("pods")};
    struct arena a = ARENA_INIT;
    struct str reason;
    while (!atomic_load(&w->stop)) {
        if (authz_check(w->f.authz, &get, &a, &reason) != AUTHZ_ALLOW ||
            authz_check(w->f.authz, &never, &a, &reason) == AUTHZ_ALLOW)
            atomic_fetch_add(&w->wrong, 1);
        arena_reset(&a);
    }
    arena_fini(&a);
}

TEST(test_authz__is_asked_by_threads_while_roles_change) {
    struct shared_world w = {0};
    begin(&w.f);
    authz_free(w.f.authz);
    mutex_init(&w.lock);
    w.f.authz = authz_new_of(&locked_ops, &w);
    put_cluster_role(&w.f, "reader", "get,list", "pods");
    put_binding(&w.f, "b", "reader", "jane");
    struct thread threads[3] = {0};
    for (int i = 0; i < 3; i++)
        assert_ok(thread_start(&threads[i], &(struct thread_options){.name = "asker"}, asker, &w, NULL),
                  NULL);
    for (int i = 0; i < 300; i++) {
        mutex_lock(&w.lock);
        put_cluster_role(&w.f, "reader", i % 2 ? "get,list" : "get", "pods");
        put_binding(&w.f, i % 3 ? "c" : "d", "gone", "jane");
        mutex_unlock(&w.lock);
    }
    atomic_store(&w.stop, true);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    assert_int_equal(atomic_load(&w.wrong), 0);
    mutex_fini(&w.lock);
    end(&w.f);
}
