/* What accounts give to pods. */
#include "apiserver/registry.h"
#include "base/sim.h"
#include "full_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define POD(spec_)                                                                                           \
    "{\"metadata\":{\"name\":\"p\"},\"spec\":{" spec_ "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}"

TEST(test_admission_service_account__mounts_a_token) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, PODS, POD("\"initContainers\":[{\"name\":\"i\",\"image\":\"i\"}],"));
    assert_field(r, "spec.serviceAccountName", "default");
    assert_field(r, "spec.serviceAccount", "default");
    struct str name = server_field(&w, &r, "spec.volumes.0.name");
    assert_true(str_has_prefix(name, S("kube-api-access-")));
    assert_int_equal(name.n, 21);
    assert_field(r, "spec.volumes.0.projected.defaultMode", "420");
    assert_field(r, "spec.volumes.0.projected.sources.0.serviceAccountToken",
                 "{\"expirationSeconds\":3607,\"path\":\"token\"}");
    assert_field(r, "spec.volumes.0.projected.sources.1.configMap.name", "kube-root-ca.crt");
    assert_field(r, "spec.volumes.0.projected.sources.2.downwardAPI.items.0.fieldRef",
                 "{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"}");
    assert_field(r, "spec.containers.0.volumeMounts.0.mountPath",
                 "/var/run/secrets/kubernetes.io/serviceaccount");
    assert_field(r, "spec.containers.0.volumeMounts.0.readOnly", "true");
    assert_str_equal(server_field(&w, &r, "spec.initContainers.0.volumeMounts.0.name"), name);
    full_world_fini(&w);
}

TEST(test_admission_service_account__pod_decides_about_the_token_before_the_account) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, ACCOUNTS,
                    "{\"metadata\":{\"name\":\"a\"},\"automountServiceAccountToken\":false,"
                    "\"imagePullSecrets\":[{\"name\":\"pull\"}]}");
    struct server_answer r = full_world_make(&w, PODS, POD("\"serviceAccountName\":\"a\","));
    assert_true(!server_field(&w, &r, "spec.volumes").p);
    assert_field(r, "spec.imagePullSecrets", "[{\"name\":\"pull\"}]");
    assert_answer(server_delete(&w, PODS "/p", NULL), 200);
    r = full_world_make(&w, PODS,
                        POD("\"serviceAccountName\":\"a\",\"automountServiceAccountToken\":true,"
                            "\"imagePullSecrets\":[{\"name\":\"mine\"}],"));
    assert_true(server_field(&w, &r, "spec.volumes.0.name").p);
    assert_field(r, "spec.imagePullSecrets", "[{\"name\":\"mine\"}]");
    full_world_fini(&w);
}

TEST(test_admission_service_account__leaves_what_is_mounted_there) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, PODS,
                        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{"
                        "}}],\"containers\":[{"
                        "\"name\":\"c\",\"image\":\"i\",\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":"
                        "\"/var/run/secrets/kubernetes.io/serviceaccount\"}]}]}}");
    assert_true(!server_field(&w, &r, "spec.volumes.1").p);
    full_world_fini(&w);
}

TEST(test_admission_service_account__refuses_accounts_that_are_not_there) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = server_post(&w, PODS, POD("\"serviceAccountName\":\"none\","));
    assert_answer(r, 403);
    assert_str(r.message,
               "pods \"p\" is forbidden: error looking up service account default/none: serviceaccount "
               "\"none\" not found");
    full_world_fini(&w);
}

TEST(test_admission_service_account__waits_a_moment_for_an_account) {
    struct server_world w;
    full_world_init(&w);
    struct call *c = server_call(&w, "POST", PODS);
    c->body = S(POD("\"serviceAccountName\":\"late\","));
    registry_run(c);
    sim_run_ns(w.sim, 300000000);
    assert_false(*(bool *)c->door);
    full_world_make(&w, ACCOUNTS, "{\"metadata\":{\"name\":\"late\"}}");
    sim_run_ns(w.sim, 300000000);
    assert_true(*(bool *)c->door);
    assert_int_equal(c->http_code, 201);
    call_fini(c);
    full_world_fini(&w);
}

TEST(test_admission_service_account__may_limit_secrets) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, ACCOUNTS,
                    "{\"metadata\":{\"name\":\"a\",\"annotations\":{"
                    "\"kubernetes.io/enforce-mountable-secrets\":\"true\"}},\"secrets\":[{\"name\":\"s\"}]}");
    struct server_answer r = server_post(&w, PODS,
                                         POD("\"serviceAccountName\":\"a\",\"volumes\":[{\"name\":\"v\","
                                             "\"secret\":{\"secretName\":\"t\"}}],"));
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("because service account a does not reference that secret")) > 0);
    assert_answer(server_post(&w, PODS,
                              POD("\"serviceAccountName\":\"a\",\"volumes\":[{\"name\":\"v\",\"secret\":{"
                                  "\"secretName\":\"s\"}}],")),
                  201);
    full_world_fini(&w);
}

TEST(test_admission_service_account__mirror_pods_use_none) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = server_post(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\",\"annotations\":{\"kubernetes.io/"
        "config.mirror\":\"x\"}},\"spec\":{\"nodeName\":"
        "\"n\",\"serviceAccountName\":\"default\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("a mirror pod may not reference service accounts")) > 0);
    full_world_fini(&w);
}
