/* Nobody grants more than he has. */
#include "full_world.h"
#include "unit/unit.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"
#define ROLES RBAC "/namespaces/default/roles"
#define BINDINGS RBAC "/namespaces/default/rolebindings"

static const char reader[] =
    "{\"metadata\":{\"name\":\"reader\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
    "\"verbs\":[\"get\",\"list\"]}]}";

static void prepare(struct server_world *w) {
    full_world_init(w);
    full_world_make(w, ROLES, reader);
    full_world_make(
        w, BINDINGS,
        "{\"metadata\":{\"name\":\"b\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"Role\",\"name\":\"reader\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"eve\"}]}");
    full_world_be(w, "eve", "g1,g2");
}

TEST(test_admission_rbac__roles_grant_what_is_held) {
    struct server_world w;
    prepare(&w);
    struct server_answer r = server_post(
        &w, ROLES,
        "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
        "\"verbs\":[\"get\"]}]}");
    assert_answer(r, 201);
    r = server_post(&w, ROLES,
                    "{\"metadata\":{\"name\":\"s\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":["
                    "\"secrets\"],\"verbs\":"
                    "[\"get\"]}]}");
    assert_answer(r, 403);
    assert_str(r.message,
               "roles.rbac.authorization.k8s.io \"s\" is forbidden: user \"eve\" (groups=[\"g1\" \"g2\"]) is "
               "attempting to "
               "grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"secrets\"], "
               "Verbs:[\"get\"]}");
    r = server_patch(&w, ROLES "/r", "merge",
                     "{\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"*\"]}]}");
    assert_answer(r, 403);
    full_world_fini(&w);
}

TEST(test_admission_rbac__bindings_grant_what_is_held) {
    struct server_world w;
    prepare(&w);
    assert_answer(
        server_post(
            &w, BINDINGS,
            "{\"metadata\":{\"name\":\"x\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
            "\"kind\":\"Role\",\"name\":\"reader\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"bob\"}]}"),
        201);
    struct server_answer r = server_post(
        &w, BINDINGS,
        "{\"metadata\":{\"name\":\"y\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"Role\",\"name\":\"none\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"bob\"}]}");
    assert_answer(r, 404);
    full_world_be(&w, "system:admin", "system:masters");
    full_world_make(
        &w, ROLES,
        "{\"metadata\":{\"name\":\"more\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],"
        "\"verbs\":[\"get\"]}]}");
    full_world_be(&w, "eve", "g1");
    r = server_post(
        &w, BINDINGS,
        "{\"metadata\":{\"name\":\"y\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"Role\",\"name\":\"more\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"bob\"}]}");
    assert_answer(r, 403);
    assert_true(str_has_prefix(r.message,
                               S("rolebindings.rbac.authorization.k8s.io \"y\" is forbidden: user \"eve\"")));
    full_world_fini(&w);
}

TEST(test_admission_rbac__bind_and_escalate_allow_more) {
    struct server_world w;
    prepare(&w);
    full_world_be(&w, "system:admin", "system:masters");
    full_world_make(
        &w, ROLES,
        "{\"metadata\":{\"name\":\"boss\"},\"rules\":[{\"apiGroups\":[\"rbac.authorization.k8s.io\"],"
        "\"resources\":[\"roles\"],\"verbs\":[\"escalate\",\"bind\"]}]}");
    full_world_make(
        &w, BINDINGS,
        "{\"metadata\":{\"name\":\"boss\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"Role\",\"name\":\"boss\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"eve\"}]}");
    full_world_be(&w, "eve", "g1");
    full_world_make(
        &w, ROLES,
        "{\"metadata\":{\"name\":\"all\"},\"rules\":[{\"apiGroups\":[\"*\"],\"resources\":[\"*\"],"
        "\"verbs\":[\"*\"]}]}");
    full_world_make(
        &w, BINDINGS,
        "{\"metadata\":{\"name\":\"all\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
        "\"Role\",\"name\":\"all\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"eve\"}]}");
    full_world_fini(&w);
}

TEST(test_admission_rbac__aggregation_needs_everything) {
    struct server_world w;
    prepare(&w);
    struct server_answer r = server_post(
        &w, RBAC "/clusterroles",
        "{\"metadata\":{\"name\":\"a\"},\"aggregationRule\":{\"clusterRoleSelectors\":[{\"matchLabels\":{"
        "\"x\":\"y\"}}]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}")) > 0);
    full_world_fini(&w);
}

TEST(test_admission_rbac__garbage_collection_goes_on) {
    struct server_world w;
    prepare(&w);
    full_world_be(&w, "system:admin", "system:masters");
    full_world_make(
        &w, ROLES,
        "{\"metadata\":{\"name\":\"f\",\"finalizers\":[\"x.io/f\"]},\"rules\":[{\"apiGroups\":[\"*\"],"
        "\"resources\":[\"*\"],\"verbs\":[\"*\"]}]}");
    full_world_be(&w, "eve", "g1");
    assert_answer(server_patch(&w, ROLES "/f", "merge", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"), 403);
    assert_answer(server_patch(&w, ROLES "/f", "merge", "{\"metadata\":{\"finalizers\":null}}"), 200);
    full_world_fini(&w);
}
