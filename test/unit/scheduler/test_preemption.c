/* Room for important pods. */
#include <stdlib.h>
#include <string.h>

#include "unit/scheduler/world.h"

/* Ends what is being deleted, as a kubelet would. Returns how many. */
static size_t end_deleted(struct world *w) {
    struct object **pods;
    size_t n = fake_all(w->fake, KIND(CORE_POD), &pods), ended = 0;
    for (size_t i = 0; i < n; i++) {
        const struct core_pod *p = pods[i]->body;
        char name[64] = "";
        memcpy(name, p->metadata.name.p, p->metadata.name.n);
        if (p->metadata.deletion_timestamp.set && ++ended)
            fake_remove(w->fake, KIND(CORE_POD), "default", name);
        object_unref(pods[i]);
    }
    free(pods);
    return ended;
}

static bool is_gone(struct world *w, const char *name) {
    struct object *o = fake_get(w->fake, KIND(CORE_POD), "default", name);
    bool gone = !o || ((const struct core_pod *)o->body)->metadata.deletion_timestamp.set;
    object_unref(o);
    return gone;
}

TEST(test_preemption__ends_the_least_important_and_takes_the_room) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "2", "8Gi", "", "");
    world_pod(&w, "low", "", "\"cpu\":\"1\"", "\"priority\":1");
    world_pod(&w, "middle", "", "\"cpu\":\"1\"", "\"priority\":5");
    world_pod(&w, "high", "", "\"cpu\":\"1\"", "\"priority\":9");
    assert_true(is_gone(&w, "low"));
    assert_false(is_gone(&w, "middle"));
    world_pass(&w, 1);
    (void)end_deleted(&w);
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "high"), "a");
    assert_string_equal(world_where(&w, "middle"), "a");
    assert_int_equal(world_events(&w, "Preempted"), 1);
}

TEST(test_preemption__equal_priority_is_left_alone) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"1\"", "\"priority\":5");
    world_pod(&w, "q", "", "\"cpu\":\"1\"", "\"priority\":5");
    assert_false(is_gone(&w, "p"));
    assert_string_equal(world_why(&w, "q"),
                        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 "
                        "No preemption victims found for incoming pod.");
}

TEST(test_preemption__never_means_never) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"1\"", "\"priority\":1");
    world_pod(&w, "q", "", "\"cpu\":\"1\"", "\"priority\":5,\"preemptionPolicy\":\"Never\"");
    assert_false(is_gone(&w, "p"));
    assert_string_equal(world_why(&w, "q"), "0/1 nodes are available: 1 Insufficient cpu. preemption: not "
                                            "eligible due to preemptionPolicy=Never.");
}

TEST(test_preemption__spares_pods_of_a_spent_budget) {
    _cleanup_world struct world w;
    world_open(&w);
    fake_put(
        w.fake, KIND(POLICY_POD_DISRUPTION_BUDGET),
        "{\"metadata\":{\"name\":\"b\",\"namespace\":\"default\"},\"spec\":{\"selector\":{\"matchLabels\":{"
        "\"app\":\"x\"}}},\"status\":{\"disruptionsAllowed\":0}}");
    world_node(&w, "a", "2", "8Gi", "", "");
    world_pod(&w, "guarded", "\"app\":\"x\"", "\"cpu\":\"1\"", "\"priority\":1");
    world_pod(&w, "free", "", "\"cpu\":\"1\"", "\"priority\":2");
    world_pod(&w, "high", "", "\"cpu\":\"1\"", "\"priority\":9");
    assert_false(is_gone(&w, "guarded"));
    assert_true(is_gone(&w, "free"));
}

TEST(test_preemption__takes_the_node_whose_victims_matter_least) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "1", "8Gi", "", "");
    world_pod(&w, "p", "", "\"cpu\":\"1\"", "\"priority\":3");
    world_node(&w, "b", "1", "8Gi", "", "");
    world_pod(&w, "q", "", "\"cpu\":\"1\"", "\"priority\":2");
    world_pod(&w, "high", "", "\"cpu\":\"1\"", "\"priority\":9");
    assert_false(is_gone(&w, "p"));
    assert_true(is_gone(&w, "q"));
    world_pass(&w, 1);
    (void)end_deleted(&w);
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "high"), "b");
}

TEST(test_preemption__the_room_is_kept_from_less_important_pods) {
    _cleanup_world struct world w;
    world_open(&w);
    world_node(&w, "a", "2", "8Gi", "", "");
    world_pod(&w, "low", "", "\"cpu\":\"1\"", "\"priority\":1");
    world_pod(&w, "high", "", "\"cpu\":\"2\"", "\"priority\":9");
    world_pod(&w, "late", "", "\"cpu\":\"1\"", "\"priority\":2");
    assert_string_equal(world_where(&w, "late"), "");
    (void)end_deleted(&w);
    world_pass(&w, 3);
    assert_string_equal(world_where(&w, "high"), "a");
    assert_string_equal(world_where(&w, "late"), "");
}
