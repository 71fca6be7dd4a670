/* Reviews: who may do what, and who asks. */
#include "full_world.h"
#include "unit/unit.h"

#define AUTHZ "/apis/authorization.k8s.io/v1"
#define AUTHN "/apis/authentication.k8s.io/v1"

static void prepare(struct server_world *w) {
    full_world_init(w);
    full_world_make(w, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                    "{\"metadata\":{\"name\":\"r\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"]"
                    ",\"verbs\":[\"get\"]}]}");
    full_world_make(w, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
                    "{\"metadata\":{\"name\":\"r\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
                    "\"kind\":\"Role\","
                    "\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"eve\"}]}");
}

TEST(test_subresource_reviews__say_whether_somebody_may) {
    struct server_world w;
    prepare(&w);
    struct server_answer r =
        full_world_make(&w, AUTHZ "/subjectaccessreviews",
                        "{\"spec\":{\"user\":\"eve\",\"resourceAttributes\":{\"namespace\":\"default\","
                        "\"verb\":\"get\",\"resource\":\"pods\"}}}");
    assert_field(r, "status.allowed", "true");
    assert_true(str_find(server_field(&w, &r, "status.reason"), S("RBAC")) >= 0);
    r = full_world_make(&w, AUTHZ "/subjectaccessreviews",
                        "{\"spec\":{\"user\":\"eve\",\"resourceAttributes\":{\"namespace\":\"default\","
                        "\"verb\":\"list\",\"resource\":\"pods\"}}}");
    assert_field(r, "status.allowed", "false");
    r = full_world_make(&w, AUTHZ "/subjectaccessreviews",
                        "{\"spec\":{\"user\":\"x\",\"groups\":[\"system:masters\"],\"nonResourceAttributes\":"
                        "{\"path\":\"/x\","
                        "\"verb\":\"get\"}}}");
    assert_field(r, "status.allowed", "true");
    assert_answer(server_post(&w, AUTHZ "/subjectaccessreviews", "{\"spec\":{\"user\":\"x\"}}"), 422);
    full_world_fini(&w);
}

TEST(test_subresource_reviews__local_ones_stay_in_their_namespace) {
    struct server_world w;
    prepare(&w);
    const char *url = AUTHZ "/namespaces/default/localsubjectaccessreviews";
    struct server_answer r =
        full_world_make(&w, url,
                        "{\"spec\":{\"user\":\"eve\",\"resourceAttributes\":{\"namespace\":\"default\","
                        "\"verb\":\"get\",\"resource\":\"pods\"}}}");
    assert_field(r, "status.allowed", "true");
    r = server_post(
        &w, url,
        "{\"spec\":{\"user\":\"eve\",\"resourceAttributes\":{\"namespace\":\"other\",\"verb\":\"get\","
        "\"resource\":\"pods\"}}}");
    assert_answer(r, 422);
    full_world_fini(&w);
}

TEST(test_subresource_reviews__tell_the_caller_about_himself) {
    struct server_world w;
    prepare(&w);
    full_world_be(&w, "eve", "g");
    struct server_answer r = full_world_make(&w, AUTHZ "/selfsubjectaccessreviews",
                                             "{\"spec\":{\"resourceAttributes\":{\"namespace\":\"default\","
                                             "\"verb\":\"get\",\"resource\":\"pods\"}}}");
    assert_field(r, "status.allowed", "true");
    r = full_world_make(&w, AUTHZ "/selfsubjectrulesreviews", "{\"spec\":{\"namespace\":\"default\"}}");
    assert_field(r, "status.incomplete", "false");
    assert_field(r, "status.resourceRules",
                 "[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]}]");
    assert_field(r, "status.nonResourceRules", "[]");
    r = full_world_make(&w, AUTHN "/selfsubjectreviews", "{}");
    assert_field(r, "status.userInfo", "{\"groups\":[\"g\"],\"username\":\"eve\"}");
    full_world_fini(&w);
}

TEST(test_subresource_component_status__is_there_for_old_clients) {
    struct server_world w;
    prepare(&w);
    struct server_answer r = server_get(&w, "/api/v1/componentstatuses/scheduler");
    assert_answer(r, 200);
    assert_field(r, "conditions.0.type", "Healthy");
    assert_int_equal(r.n_warnings, 1);
    assert_str(r.warnings[0], "v1 ComponentStatus is deprecated in v1.19+");
    assert_answer(server_get(&w, "/api/v1/componentstatuses/none"), 404);
    full_world_fini(&w);
}
