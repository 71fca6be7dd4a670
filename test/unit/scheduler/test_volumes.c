/* Pods go where their volumes are. */
#include <stdio.h>
#include <string.h>

#include "unit/scheduler/world.h"

#define USES_DATA "\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"data\"}}]"

static void put_class(struct world *w, const char *mode) {
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"local\"},\"provisioner\":\"kubernetes.io/no-provisioner\","
                   "\"volumeBindingMode\":\"%s\"}",
                   mode);
    fake_put(w->fake, KIND(STORAGE_STORAGE_CLASS), json);
}

static void put_volume(struct world *w, const char *name, const char *size, const char *node) {
    char json[900];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"storageClassName\":\"local\",\"accessModes\":["
        "\"ReadWriteOnce\"],\"capacity\":{\"storage\":\"%s\"},\"nodeAffinity\":{\"required\":{"
        "\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":\"kubernetes.io/hostname\","
        "\"operator\":\"In\",\"values\":[\"%s\"]}]}]}}},\"status\":{\"phase\":\"Available\"}}",
        name, size, node);
    fake_put(w->fake, KIND(CORE_PERSISTENT_VOLUME), json);
}

static void put_claim(struct world *w, const char *volume, const char *annotations) {
    char json[600];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"data\",\"namespace\":\"default\",\"annotations\":{%s}},\"spec\":{"
        "\"storageClassName\":\"local\",\"accessModes\":[\"ReadWriteOnce\"],\"volumeName\":\"%s\","
        "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}},\"status\":{\"phase\":\"Pending\"}}",
        annotations, volume);
    fake_put(w->fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), json);
    world_settle(w);
}

TEST(test_volumes__a_claim_that_is_not_there_is_waited_for) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_pod(&w, "p", "", "", USES_DATA);
    assert_non_null(
        strstr(world_why(&w, "p"), "0/1 nodes are available: persistentvolumeclaim \"data\" not found."));
    put_volume(&w, "v", "1Gi", "a");
    put_claim(&w, "v", "\"pv.kubernetes.io/bind-completed\":\"yes\"");
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "p"), "a");
}

TEST(test_volumes__a_bound_claim_ties_the_pod_to_its_volume) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    world_node(&w, "b", "1", "8Gi", "", "");
    put_volume(&w, "v", "1Gi", "b");
    put_claim(&w, "v", "\"pv.kubernetes.io/bind-completed\":\"yes\"");
    world_pod(&w, "p", "", "\"cpu\":\"1\"", USES_DATA);
    world_pod(&w, "q", "", "\"cpu\":\"1\"", USES_DATA);
    assert_string_equal(world_where(&w, "p"), "b");
    assert_non_null(strstr(world_why(&w, "q"), "1 node(s) had volume node affinity conflict"));
}

TEST(test_volumes__an_unbound_immediate_claim_keeps_the_pod_back) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "4", "8Gi", "", "");
    put_class(&w, "Immediate");
    put_claim(&w, "", "");
    world_pod(&w, "p", "", "", USES_DATA);
    assert_non_null(strstr(world_why(&w, "p"), "pod has unbound immediate PersistentVolumeClaims."));
}

TEST(test_volumes__a_waiting_claim_gets_the_smallest_volume_of_the_node) {
    _cleanup_world struct world w;
    world_open(&w);
    put_class(&w, "WaitForFirstConsumer");
    world_node(&w, "a", "4", "8Gi", "", "");
    world_node(&w, "b", "4", "8Gi", "", "");
    put_volume(&w, "large", "9Gi", "b");
    put_volume(&w, "right", "2Gi", "b");
    put_volume(&w, "small", "1Mi", "a");
    put_claim(&w, "", "");
    world_pod(&w, "p", "", "", USES_DATA);
    assert_string_equal(world_where(&w, "p"), "");
    struct object *o = fake_get(w.fake, KIND(CORE_PERSISTENT_VOLUME), "", "right");
    const struct core_persistent_volume *pv = o->body;
    assert_non_null(pv->spec.claim_ref);
    assert_str(pv->spec.claim_ref->name, "data");
    object_unref(o);
    fake_merge(w.fake, KIND(CORE_PERSISTENT_VOLUME_CLAIM), "default", "data",
               "{\"metadata\":{\"annotations\":{\"pv.kubernetes.io/bind-completed\":\"yes\"}},\"spec\":{"
               "\"volumeName\":\"right\"}}");
    world_pass(&w, 1);
    assert_string_equal(world_where(&w, "p"), "b");
}

TEST(test_volumes__a_pod_that_goes_while_its_volumes_are_bound_leaves_nothing) {
    _cleanup_world struct world w;
    world_open(&w);
    put_class(&w, "WaitForFirstConsumer");
    world_node(&w, "a", "4", "8Gi", "", "");
    put_volume(&w, "v", "2Gi", "a");
    put_claim(&w, "", "");
    world_pod(&w, "p", "", "", USES_DATA);
    fake_remove(w.fake, KIND(CORE_POD), "default", "p");
    world_pass(&w, 1);
    assert_int_equal(scheduler_waiting(w.scheduler), 0);
}
