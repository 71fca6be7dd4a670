/* apiserver/authz on the cache */
#include "api/kind.h"
#include "api/types/ids.h"
#include "api/types/rbac.h"
#include "apiserver/authz.h"
#include "apiserver/cache.h"
#include "base/arena.h"
#include "unit/apiserver/cache_world.h"
#include "unit/unit.h"

static enum decision ask(struct authz *a, const char *user, const char *group, const char *resource,
                         const char *ns, const char *name) {
    struct arena arena = ARENA_INIT;
    struct str groups[] = {str_from(group)};
    struct user u = {.name = str_from(user), .groups = {.v = groups, .n = 1}};
    struct access what = {.user = &u,
                          .verb = S("get"),
                          .is_resource = true,
                          .group = S(""),
                          .resource = str_from(resource),
                          .ns = str_from(ns),
                          .name = str_from(name)};
    enum decision d = authz_check(a, &what, &arena, NULL);
    arena_fini(&arena);
    return d;
}

TEST(test_authz_cache__follows_writes) {
    struct cache_world w;
    struct authz *a = NULL;
    cache_world_init(&w);
    assert_ok(authz_new(w.cache, &a, NULL), NULL);
    assert_int_equal(ask(a, "jane", "devs", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    (void)cache_world_put(
        &w, CACHE_CREATE, &kinds[KIND_RBAC_ROLE], "ns", "reader",
        "{\"metadata\":{\"name\":\"reader\",\"namespace\":\"ns\"},\"rules\":[{\"verbs\":[\"get\"],"
        "\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}]}",
        0);
    (void)cache_world_put(
        &w, CACHE_CREATE, &kinds[KIND_RBAC_ROLE_BINDING], "ns", "devs",
        "{\"metadata\":{\"name\":\"devs\",\"namespace\":\"ns\"},\"subjects\":[{\"kind\":\"Group\","
        "\"name\":\"devs\"}],\"roleRef\":{\"kind\":\"Role\",\"name\":\"reader\"}}",
        0);
    assert_int_equal(ask(a, "jane", "devs", "pods", "ns", "x"), AUTHZ_ALLOW);
    assert_int_equal(ask(a, "jane", "devs", "pods", "other", "x"), AUTHZ_NO_OPINION);
    (void)cache_world_delete(&w, &kinds[KIND_RBAC_ROLE], "ns", "reader", 0);
    assert_int_equal(ask(a, "jane", "devs", "pods", "ns", "x"), AUTHZ_NO_OPINION);
    authz_free(a);
    cache_world_fini(&w);
}

TEST(test_authz_cache__cluster_roles_and_bindings) {
    struct cache_world w;
    struct authz *a = NULL;
    cache_world_init(&w);
    assert_ok(authz_new(w.cache, &a, NULL), NULL);
    (void)cache_world_put(
        &w, CACHE_CREATE, &kinds[KIND_RBAC_CLUSTER_ROLE], "", "reader",
        "{\"metadata\":{\"name\":\"reader\"},\"rules\":[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],"
        "\"resources\":[\"nodes\"]}]}",
        0);
    (void)cache_world_put(
        &w, CACHE_CREATE, &kinds[KIND_RBAC_CLUSTER_ROLE_BINDING], "", "all",
        "{\"metadata\":{\"name\":\"all\"},\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"bot\","
        "\"namespace\":\"ci\"}],\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"reader\"}}",
        0);
    assert_int_equal(ask(a, "system:serviceaccount:ci:bot", "", "nodes", "", "n1"), AUTHZ_ALLOW);
    assert_int_equal(ask(a, "system:serviceaccount:ci:other", "", "nodes", "", "n1"), AUTHZ_NO_OPINION);
    authz_free(a);
    cache_world_fini(&w);
}

TEST(test_authz_cache__nodes_read_their_pods) {
    struct cache_world w;
    struct authz *a = NULL;
    cache_world_init(&w);
    assert_ok(authz_new(w.cache, &a, NULL), NULL);
    (void)cache_world_put_pod(&w, CACHE_CREATE, "ns", "free", "", 0);
    (void)cache_world_put(
        &w, CACHE_CREATE, &kinds[KIND_CORE_POD], "ns", "web",
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"ns\"},\"spec\":{\"nodeName\":\"n1\","
        "\"serviceAccountName\":\"bot\",\"imagePullSecrets\":[{\"name\":\"pull\"}],"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
        0);
    assert_int_equal(ask(a, "system:node:n1", "system:nodes", "pods", "ns", "web"), AUTHZ_ALLOW);
    assert_int_equal(ask(a, "system:node:n1", "system:nodes", "secrets", "ns", "pull"), AUTHZ_ALLOW);
    assert_int_equal(ask(a, "system:node:n1", "system:nodes", "pods", "ns", "free"), AUTHZ_NO_OPINION);
    assert_int_equal(ask(a, "system:node:n2", "system:nodes", "secrets", "ns", "pull"), AUTHZ_NO_OPINION);
    (void)cache_world_delete(&w, &kinds[KIND_CORE_POD], "ns", "web", 0);
    assert_int_equal(ask(a, "system:node:n1", "system:nodes", "secrets", "ns", "pull"), AUTHZ_NO_OPINION);
    authz_free(a);
    cache_world_fini(&w);
}
