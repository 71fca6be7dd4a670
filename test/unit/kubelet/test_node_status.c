/* kubelet/node_status and evict_rank */
#include "api/quantity.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "kubelet/evict_rank.h"
#include "kubelet/node_status.h"
#include "unit/unit.h"

static const struct node_facts facts = {
    .cpus = 4, .memory_bytes = 8ull << 30, .disk_bytes = 100ull << 30, .architecture = STR_INIT("amd64")};

static struct node_status_inputs inputs(void) {
    return (struct node_status_inputs){.facts = &facts, .name = S("n"), .max_pods = 110, .now_sec = 1000};
}

static const struct core_node_condition *find(const struct core_node_status *st, const char *type) {
    for (uint32_t i = 0; i < st->conditions.n; i++)
        if (str_eq(st->conditions.v[i].type, str_from(type)))
            return &st->conditions.v[i];
    fail_msg("no condition %s", type);
    return NULL;
}

TEST(test_node_status__allocatable_leaves_room_for_eviction) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct node_status_inputs in = inputs();
    struct core_node_status st;
    node_status_make(&in, &a, &st);
    assert_int_equal(quantity_value(quantity_map_get(st.capacity, S("memory"))), 8ll << 30);
    assert_int_equal(quantity_value(quantity_map_get(st.allocatable, S("memory"))),
                     (8ll << 30) - (100 << 20));
    assert_int_equal(quantity_milli_value(quantity_map_get(st.allocatable, S("cpu"))), 4000);
    assert_int_equal(quantity_value(quantity_map_get(st.allocatable, S("pods"))), 110);
}

TEST(test_node_status__readiness_says_what_is_wrong) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct node_status_inputs in = inputs();
    struct core_node_status ready, not_ready;
    node_status_make(&in, &a, &ready);
    assert_str(find(&ready, "Ready")->status, "True");
    assert_str(find(&ready, "Ready")->reason, "KubeletReady");
    struct str why[] = {S("no network"), S("no disk")};
    in.not_ready = (struct str_array){why, 2};
    in.before = &ready;
    in.now_sec = 2000;
    node_status_make(&in, &a, &not_ready);
    assert_str(find(&not_ready, "Ready")->message, "no network, no disk");
    assert_int_equal(find(&not_ready, "Ready")->last_transition_time.sec, 2000);
    assert_int_equal(find(&not_ready, "DiskPressure")->last_transition_time.sec, 1000);
}

TEST(test_node_status__heartbeats_alone_are_no_change) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct node_status_inputs in = inputs();
    struct core_node_status one, two;
    node_status_make(&in, &a, &one);
    in.before = &one;
    in.now_sec = 1010;
    node_status_make(&in, &a, &two);
    assert_true(node_status_same(&one, &two, &a));
    in.pressure.memory = true;
    node_status_make(&in, &a, &two);
    assert_false(node_status_same(&one, &two, &a));
    assert_str(find(&two, "MemoryPressure")->reason, "KubeletHasInsufficientMemory");
}

TEST(test_node_status__conditions_of_others_stay) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_node_condition theirs = {.type = S("NetworkUnavailable"), .status = S("False")};
    struct core_node_status before = {.conditions = {&theirs, 1}}, st;
    struct node_status_inputs in = inputs();
    in.before = &before;
    node_status_make(&in, &a, &st);
    assert_str(find(&st, "NetworkUnavailable")->status, "False");
    assert_int_equal(st.conditions.n, 5);
}

TEST(test_evict_rank__over_request_first_then_priority_then_excess) {
    struct evict_candidate v[] = {
        {.uid = S("within"), .priority = -10, .usage = 10, .request = 20},
        {.uid = S("little"), .priority = 0, .usage = 25, .request = 20},
        {.uid = S("important"), .priority = 100, .usage = 900, .request = 20},
        {.uid = S("much"), .priority = 0, .usage = 90, .request = 20},
    };
    evict_rank(v, 4);
    static const char *const order[] = {"much", "little", "important", "within"};
    for (int i = 0; i < 4; i++)
        assert_str(v[i].uid, order[i]);
}
