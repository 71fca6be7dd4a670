/* What makes pods: generations, selectors of jobs, templates. */
#include "full_world.h"
#include "unit/unit.h"

#define APPS "/apis/apps/v1/namespaces/default"
#define BATCH "/apis/batch/v1/namespaces/default"
#define TEMPLATE                                                                                             \
    "\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"    \
    "\"spec\":{\"containers\":["                                                                             \
    "{\"name\":\"c\",\"image\":\"i\"}]}}"
#define IMAGE(image_)                                                                                        \
    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" image_ "\"}]}}}}"

TEST(test_strategy_deployment__spec_and_annotations_are_generations) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, APPS "/deployments",
                                             "{\"metadata\":{\"name\":\"d\"},\"spec\":{" TEMPLATE
                                             "},\"status\":{\"replicas\":9}}");
    assert_field(r, "metadata.generation", "1");
    assert_field(r, "status", "{}");
    r = server_patch(&w, APPS "/deployments/d", "merge", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}");
    assert_field(r, "metadata.generation", "1");
    r = server_patch(&w, APPS "/deployments/d", "merge", "{\"metadata\":{\"annotations\":{\"x\":\"y\"}}}");
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, APPS "/deployments/d", "merge",
                     "{\"metadata\":{\"annotations\":{\"x\":\"z\"}},\"spec\":{\"replicas\":3}}");
    assert_field(r, "metadata.generation", "3");
    r = server_patch(
        &w, APPS "/deployments/d/status", "merge",
        "{\"metadata\":{\"labels\":{\"x\":\"no\"}},\"spec\":{\"replicas\":9},\"status\":{\"replicas\":3}}");
    assert_answer(r, 200);
    assert_field(r, "metadata.generation", "3");
    assert_field(r, "spec.replicas", "3");
    assert_field(r, "metadata.labels", "{\"x\":\"y\"}");
    assert_field(r, "status.replicas", "3");
    full_world_fini(&w);
}

TEST(test_strategy_daemon_set__counts_its_templates) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, APPS "/daemonsets", "{\"metadata\":{\"name\":\"d\"},\"spec\":{" TEMPLATE "}}");
    assert_field(r, "metadata.annotations", "{\"deprecated.daemonset.template.generation\":\"1\"}");
    r = server_patch(&w, APPS "/daemonsets/d", "strategic", IMAGE("j"));
    assert_answer(r, 200);
    assert_field(r, "metadata.annotations", "{\"deprecated.daemonset.template.generation\":\"2\"}");
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, APPS "/daemonsets/d", "merge", "{\"spec\":{\"minReadySeconds\":3}}");
    assert_field(r, "metadata.annotations", "{\"deprecated.daemonset.template.generation\":\"2\"}");
    assert_field(r, "metadata.generation", "3");
    full_world_fini(&w);
}

TEST(test_strategy_job__selects_its_own_pods) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, BATCH "/jobs",
                                             "{\"metadata\":{\"name\":\"j\"},\"spec\":{\"template\":{"
                                             "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{"
                                             "\"name\":\"c\",\"image\":\"i\"}]}}}}");
    const struct jval *labels =
        jval_get(jval_get(jval_get(jval_get(&r.tree, S("spec")), S("template")), S("metadata")), S("labels"));
    struct str uid = server_field(&w, &r, "metadata.uid");
    assert_str(jval_as_str(jval_get(labels, S("job-name"))), "j");
    assert_str(jval_as_str(jval_get(labels, S("batch.kubernetes.io/job-name"))), "j");
    assert_str_equal(jval_as_str(jval_get(labels, S("controller-uid"))), uid);
    assert_str_equal(jval_as_str(jval_get(labels, S("batch.kubernetes.io/controller-uid"))), uid);
    const struct jval *selector =
        jval_get(jval_get(jval_get(&r.tree, S("spec")), S("selector")), S("matchLabels"));
    assert_str_equal(jval_as_str(jval_get(selector, S("batch.kubernetes.io/controller-uid"))), uid);
    full_world_fini(&w);
}

TEST(test_strategy_job__leaves_manual_selectors) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, BATCH "/jobs",
                                             "{\"metadata\":{\"name\":\"j\"},\"spec\":{\"manualSelector\":"
                                             "true,\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
                                             "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":"
                                             "{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":"
                                             "\"c\",\"image\":\"i\"}]}}}}");
    assert_field(r, "spec.template.metadata.labels", "{\"a\":\"b\"}");
    full_world_fini(&w);
}

TEST(test_strategy_job__orphans_its_pods_by_default) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, BATCH "/jobs",
                    "{\"metadata\":{\"name\":\"j\"},\"spec\":{\"template\":{\"spec\":{\"restartPolicy\":"
                    "\"Never\",\"containers\":[{"
                    "\"name\":\"c\",\"image\":\"i\"}]}}}}");
    struct server_answer r = server_delete(&w, BATCH "/jobs/j", NULL);
    assert_answer(r, 200);
    assert_field(r, "metadata.finalizers", "[\"orphan\"]");
    full_world_fini(&w);
}

TEST(test_strategy_stateful_set__hides_what_a_gate_hides) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, APPS "/statefulsets",
                        "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"serviceName\":\"s\",\"updateStrategy\":{"
                        "\"type\":\"RollingUpdate\","
                        "\"rollingUpdate\":{\"partition\":1,\"maxUnavailable\":2}}," TEMPLATE "}}");
    assert_field(r, "spec.updateStrategy.rollingUpdate", "{\"partition\":1}");
    full_world_fini(&w);
}

TEST(test_strategy_autoscaler__has_no_generation) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
                        "{\"metadata\":{\"name\":\"h\"},\"spec\":{\"maxReplicas\":3,\"scaleTargetRef\":{"
                        "\"kind\":\"Deployment\",\"name\":\"d\","
                        "\"apiVersion\":\"apps/v1\"}}}");
    assert_true(!server_field(&w, &r, "metadata.generation").p);
    full_world_fini(&w);
}

TEST(test_strategy_template__warns_where_the_template_is) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r =
        full_world_make(&w, APPS "/deployments",
                        "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}"
                        "},\"template\":{\"metadata\":{\"labels\":{"
                        "\"a\":\"b\"}},\"spec\":{\"terminationGracePeriodSeconds\":-1,\"containers\":[{"
                        "\"name\":\"c\",\"image\":\"i\"}]}}}}");
    assert_int_equal(r.n_warnings, 1);
    assert_str(r.warnings[0],
               "spec.template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are "
               "invalid and will be treated as 1");
    r = server_patch(&w, APPS "/deployments/d", "merge", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}");
    assert_int_equal(r.n_warnings, 0);
    full_world_fini(&w);
}
