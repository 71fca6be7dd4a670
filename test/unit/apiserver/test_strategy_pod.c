/* What the server makes of pods. */
#include "full_world.h"
#include "unit/unit.h"

#define PODS "/api/v1/namespaces/default/pods"
#define CONTAINER "{\"name\":\"c\",\"image\":\"i\"}"

static const char simple[] = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[" CONTAINER "]}}";
static const char bound[] =
    "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\",\"containers\":[" CONTAINER "]}}";

TEST(test_strategy_pod__starts_pending_with_its_class) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\","
        "\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"}}}]},\"status\":{\"phase\":\"Running\","
        "\"podIP\":\"1.2.3.4\"}}");
    assert_field(r, "status.phase", "Pending");
    assert_field(r, "status.qosClass", "Guaranteed");
    assert_true(!server_field(&w, &r, "status.podIP").p);
    assert_field(r, "metadata.generation", "1");
    full_world_fini(&w);
}

TEST(test_strategy_pod__says_that_it_is_gated) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"schedulingGates\":[{\"name\":\"x.io/g\"}],"
        "\"containers\":[" CONTAINER "]}}");
    assert_field(r, "status.conditions.0.type", "PodScheduled");
    assert_field(r, "status.conditions.0.status", "False");
    assert_field(r, "status.conditions.0.reason", "SchedulingGated");
    full_world_fini(&w);
}

TEST(test_strategy_pod__completes_selectors_with_its_own_labels) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\",\"labels\":{\"app\":\"a\",\"rev\":\"7\"}},\"spec\":{\"affinity\":{"
        "\"podAntiAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"zone\","
        "\"labelSelector\":{\"matchLabels\":{\"app\":\"a\"}},\"matchLabelKeys\":[\"rev\"]}]}},"
        "\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":"
        "\"DoNotSchedule\",\"labelSelector\":{\"matchLabels\":{\"app\":\"a\"}},\"matchLabelKeys\":[\"rev\","
        "\"no\"]}],"
        "\"containers\":[" CONTAINER "]}}");
    const char *term =
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.labelSelector.";
    struct str key = arena_printf(&w.arena, "%smatchExpressions", term);
    assert_field(r, key.p, "[{\"key\":\"rev\",\"operator\":\"In\",\"values\":[\"7\"]}]");
    assert_field(r, "spec.topologySpreadConstraints.0.labelSelector.matchExpressions",
                 "[{\"key\":\"rev\",\"operator\":\"In\",\"values\":[\"7\"]}]");
    full_world_fini(&w);
}

TEST(test_strategy_pod__drops_what_gates_hide) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(&w, PODS,
                                             "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{"
                                             "\"name\":\"c\",\"image\":\"i\",\"lifecycle\":"
                                             "{\"stopSignal\":\"SIGTERM\"}}]}}");
    assert_true(!server_field(&w, &r, "spec.containers.0.lifecycle").p);
    full_world_fini(&w);
}

TEST(test_strategy_pod__takes_profiles_from_old_annotations) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\",\"annotations\":{\"container.apparmor.security.beta.kubernetes.io/c\":"
        "\"localhost/mine\"}},\"spec\":{\"containers\":[" CONTAINER "]}}");
    assert_field(r, "spec.containers.0.securityContext.appArmorProfile",
                 "{\"localhostProfile\":\"mine\",\"type\":\"Localhost\"}");
    assert_int_equal(r.n_warnings, 1);
    assert_true(str_find(r.warnings[0], S("deprecated since v1.30")) > 0);
    full_world_fini(&w);
}

TEST(test_strategy_pod__status_updates_change_the_status_only) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, simple);
    struct server_answer r =
        server_patch(&w, PODS "/p/status", "merge",
                     "{\"spec\":{\"containers\":[]},\"metadata\":{\"ownerReferences\":[{"
                     "\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n\",\"uid\":\"u\"}]},"
                     "\"status\":{\"phase\":\"Running\"}}");
    assert_answer(r, 200);
    assert_field(r, "status.phase", "Running");
    assert_field(r, "status.qosClass", "BestEffort");
    assert_field(r, "spec.containers.0.name", "c");
    assert_true(!server_field(&w, &r, "metadata.ownerReferences").p);
    assert_field(r, "metadata.generation", "1");
    r = server_patch(&w, PODS "/p", "merge", "{\"status\":{\"phase\":\"Failed\"}}");
    assert_answer(r, 200);
    assert_field(r, "status.phase", "Running");
    full_world_fini(&w);
}

TEST(test_strategy_pod__both_forms_of_its_addresses_agree) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, simple);
    struct server_answer r =
        server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"podIP\":\"10.0.0.1\"}}");
    assert_answer(r, 200);
    assert_field(r, "status.podIPs", "[{\"ip\":\"10.0.0.1\"}]");
    r = server_patch(&w, PODS "/p/status", "merge",
                     "{\"status\":{\"podIP\":null,\"podIPs\":[{\"ip\":\"10.0.0.2\"},{\"ip\":\"fd00::2\"}]}}");
    assert_field(r, "status.podIP", "10.0.0.2");
    r = server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"podIP\":\"10.0.0.3\"}}");
    assert_field(r, "status.podIPs", "[{\"ip\":\"10.0.0.3\"}]");
    full_world_fini(&w);
}

TEST(test_strategy_pod__image_changes_count_as_a_generation) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, simple);
    struct server_answer r = server_patch(&w, PODS "/p", "strategic",
                                          "{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"j\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "metadata.generation", "2");
    r = server_patch(&w, PODS "/p", "merge", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
    assert_field(r, "metadata.generation", "2");
    full_world_fini(&w);
}

TEST(test_strategy_pod__resize_changes_resources_only) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\","
        "\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]}}");
    struct server_answer r = server_patch(&w, PODS "/p/resize", "strategic",
                                          "{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"priority\":7,"
                                          "\"containers\":[{\"name\":\"c\",\"image\":"
                                          "\"other\",\"resources\":{\"requests\":{\"cpu\":\"2\"}}}]}}");
    assert_answer(r, 200);
    assert_field(r, "spec.containers.0.resources.requests.cpu", "2");
    assert_field(r, "spec.containers.0.image", "i");
    assert_field(r, "metadata.generation", "2");
    assert_true(!server_field(&w, &r, "metadata.labels").p);
    full_world_fini(&w);
}

TEST(test_strategy_pod__takes_ephemeral_containers) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, simple);
    struct server_answer r = server_patch(
        &w, PODS "/p/ephemeralcontainers", "strategic",
        "{\"spec\":{\"nodeName\":\"x\",\"ephemeralContainers\":[{\"name\":\"debug\",\"image\":\"d\"}]}}");
    assert_answer(r, 200);
    assert_field(r, "spec.ephemeralContainers.0.name", "debug");
    assert_true(!server_field(&w, &r, "spec.nodeName").p);
    assert_field(r, "metadata.generation", "2");
    full_world_fini(&w);
}

TEST(test_strategy_pod__unbound_ones_go_at_once) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, simple);
    assert_answer(server_delete(&w, PODS "/p", NULL), 200);
    assert_answer(server_get(&w, PODS "/p"), 404);
    full_world_fini(&w);
}

TEST(test_strategy_pod__bound_ones_have_time_to_end) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, bound);
    struct server_answer r = server_delete(&w, PODS "/p", NULL);
    assert_answer(r, 200);
    assert_field(r, "metadata.deletionGracePeriodSeconds", "30");
    r = server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":5}");
    assert_field(r, "metadata.deletionGracePeriodSeconds", "5");
    assert_answer(server_delete(&w, PODS "/p", "{\"gracePeriodSeconds\":0}"), 200);
    assert_answer(server_get(&w, PODS "/p"), 404);
    full_world_fini(&w);
}

TEST(test_strategy_pod__ended_ones_go_at_once) {
    struct server_world w;
    full_world_init(&w);
    full_world_make(&w, PODS, bound);
    assert_answer(server_patch(&w, PODS "/p/status", "merge", "{\"status\":{\"phase\":\"Succeeded\"}}"), 200);
    assert_answer(server_delete(&w, PODS "/p", NULL), 200);
    assert_answer(server_get(&w, PODS "/p"), 404);
    full_world_fini(&w);
}

TEST(test_strategy_pod__warns_of_what_hides_and_what_is_old) {
    struct server_world w;
    full_world_init(&w);
    struct server_answer r = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeSelector\":{\"beta.kubernetes.io/os\":\"linux\"},"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":"
        "\"A\","
        "\"value\":\"2\"}],\"resources\":{\"requests\":{\"memory\":\"100m\"}}}]}}");
    assert_int_equal(r.n_warnings, 3);
    assert_str(r.warnings[0], "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
                              "\"kubernetes.io/os\" instead");
    assert_str(r.warnings[1],
               "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped "
               "when using apply");
    assert_str(r.warnings[2],
               "spec.containers[0].resources.requests[memory]: fractional byte value \"100m\" is "
               "invalid, must be an integer");
    full_world_fini(&w);
}
