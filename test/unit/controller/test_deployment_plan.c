/* Deployments' arithmetic: limits, rolling steps, proportional scaling. */
#include "controller/deployment_plan.h"

#include "api/intstr.h"
#include "base/rand.h"
#include "unit/unit.h"

static struct deployment_limits limits(int32_t replicas, const char *surge, const char *unavailable) {
    struct deployment_limits l;
    struct err err = ERR_INIT;
    assert_ok(deployment_limits(replicas, true, intstr_parse(str_from(surge)),
                                intstr_parse(str_from(unavailable)), &l, &err),
              &err);
    return l;
}

TEST(test_deployment_plan__percentages_round_surge_up_and_unavailable_down) {
    struct deployment_limits l = limits(10, "25%", "25%");
    assert_int_equal(l.surge, 3);
    assert_int_equal(l.unavailable, 2);
    l = limits(3, "0%", "10%");
    assert_int_equal(l.surge, 0);
    assert_int_equal(l.unavailable, 1); /* both would be zero: nothing could ever move */
    l = limits(2, "1", "5");
    assert_int_equal(l.unavailable, 2); /* no more than there are */
    l = limits(0, "25%", "25%");
    assert_int_equal(l.unavailable, 0);
}

TEST(test_deployment_plan__recreate_has_neither_surge_nor_unavailable) {
    struct deployment_limits l;
    assert_ok(deployment_limits(5, false, intstr_of_int(2), intstr_of_int(2), &l, NULL), NULL);
    assert_int_equal(l.surge, 0);
    assert_int_equal(l.unavailable, 0);
    assert_int_equal(deployment_plan_new_size(&l, NULL, 0, 0), 5);
}

static struct set_state set(const char *name, int64_t created, bool is_new, int32_t replicas,
                            int32_t available) {
    return (struct set_state){.name = str_from(name),
                              .created_sec = created,
                              .is_new = is_new,
                              .replicas = replicas,
                              .target = replicas,
                              .actual = replicas,
                              .available = available,
                              .desired_mark = -1,
                              .max_mark = -1};
}

static struct set_state marked(const char *name, int64_t created, bool is_new, int32_t replicas,
                               int32_t available, int32_t desired, int32_t max) {
    struct set_state s = set(name, created, is_new, replicas, available);
    s.desired_mark = desired;
    s.max_mark = max;
    return s;
}

TEST(test_deployment_plan__new_set_starts_within_the_surge) {
    struct deployment_limits l = limits(10, "3", "2");
    struct set_state old = set("old", 1, false, 10, 10);
    assert_int_equal(deployment_plan_new_size(&l, &old, 1, 0), 3);
    old = set("old", 1, false, 0, 0);
    assert_int_equal(deployment_plan_new_size(&l, &old, 1, 0), 10);
}

TEST(test_deployment_plan__grows_the_new_set_before_it_shrinks_old_ones) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(10, "3", "2");
    struct set_state s[] = {set("old", 1, false, 10, 10), set("new", 2, true, 1, 0)};
    deployment_plan_rolling(&l, s, 2, &a);
    assert_int_equal(s[1].target, 3);
    assert_int_equal(s[0].target, 10);
    struct set_state t[] = {set("old", 1, false, 10, 10), set("new", 2, true, 3, 0)};
    deployment_plan_rolling(&l, t, 2, &a);
    assert_int_equal(t[1].target, 3);
    assert_int_equal(t[0].target, 8);
}

TEST(test_deployment_plan__unhealthy_old_pods_go_first) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(10, "0", "2");
    struct set_state s[] = {set("older", 1, false, 7, 7), set("sick", 2, false, 3, 0),
                            set("new", 3, true, 0, 0)};
    deployment_plan_rolling(&l, s, 3, &a);
    assert_int_equal(s[0].target, 7); /* seven available: below the eight that must stay */
    assert_int_equal(s[1].target, 1);
}

/* The oldest was shrunk from two to one a moment ago and still counts both as available. */
TEST(test_deployment_plan__pods_that_are_going_are_no_surplus) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(5, "1", "1");
    struct set_state s[] = {set("oldest", 1, false, 1, 2), set("old", 2, false, 4, 4),
                            set("new", 3, true, 1, 0)};
    deployment_plan_rolling(&l, s, 3, &a);
    assert_int_equal(s[0].target, 0);
    assert_int_equal(s[1].target, 4); /* with it the four that must stay */
}

TEST(test_deployment_plan__an_oversized_new_set_shrinks) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(3, "1", "1");
    struct set_state s[] = {set("new", 1, true, 10, 10)};
    deployment_plan_rolling(&l, s, 1, &a);
    assert_int_equal(s[0].target, 3);
}

TEST(test_deployment_plan__scaling_is_noticed_by_the_marks) {
    struct deployment_limits l = limits(5, "1", "0");
    struct set_state s[] = {marked("a", 1, true, 3, 3, 3, 4)};
    assert_true(deployment_is_scaling(&l, s, 1));
    s[0].desired_mark = 5;
    assert_false(deployment_is_scaling(&l, s, 1));
    s[0] = marked("a", 1, true, 0, 0, 3, 4);
    assert_false(deployment_is_scaling(&l, s, 1)); /* nothing there to scale */
}

TEST(test_deployment_plan__a_single_set_takes_the_whole_change) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(7, "1", "0");
    struct set_state s[] = {set("old", 1, false, 0, 0), set("new", 2, true, 3, 3)};
    deployment_plan_scale(&l, s, 2, &a);
    assert_int_equal(s[0].target, 0);
    assert_int_equal(s[1].target, 7);
}

TEST(test_deployment_plan__scales_in_proportion_in_the_middle_of_a_rollout) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(15, "3", "2"); /* from 10 + 3 */
    struct set_state s[] = {marked("old", 1, false, 8, 8, 10, 13), marked("new", 2, true, 5, 5, 10, 13)};
    deployment_plan_scale(&l, s, 2, &a);
    assert_int_equal(s[0].target + s[1].target, 18);
    assert_int_equal(s[0].target, 11);
    assert_int_equal(s[1].target, 7);
}

TEST(test_deployment_plan__scaling_to_zero_empties_all_sets) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(0, "3", "2");
    struct set_state s[] = {marked("old", 1, false, 8, 8, 10, 13), marked("new", 2, true, 5, 5, 10, 13)};
    deployment_plan_scale(&l, s, 2, &a);
    assert_int_equal(s[0].target, 0);
    assert_int_equal(s[1].target, 0);
}

TEST(test_deployment_plan__old_sets_end_when_the_new_one_is_saturated) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct deployment_limits l = limits(4, "1", "0");
    struct set_state s[] = {marked("old", 1, false, 1, 1, 3, 4), marked("new", 2, true, 4, 4, 4, 5)};
    deployment_plan_scale(&l, s, 2, &a);
    assert_int_equal(s[0].target, 0);
    assert_int_equal(s[1].target, 4);
}

/* A small world: pods become available or die at random; whatever happens, a rollout keeps its limits and,
 * once pods stay healthy, ends with everything new. */
static void roll(struct rand *r, int32_t replicas, const char *surge, const char *unavailable) {
    struct deployment_limits l = limits(replicas, surge, unavailable);
    struct set_state s[3] = {set("a", 1, false, replicas, replicas), set("b", 2, false, 0, 0),
                             set("c", 3, true, 0, 0)};
    for (int step = 0; step < 4000; step++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        for (int i = 0; i < 3; i++)
            s[i].target = s[i].replicas;
        int64_t before = (int64_t)s[0].available + s[1].available + s[2].available;
        deployment_plan_rolling(&l, s, 3, &a);
        int64_t total = (int64_t)s[0].target + s[1].target + s[2].target, after = 0;
        assert_true(total <= replicas + l.surge);
        for (int i = 0; i < 3; i++) {
            assert_true(s[i].target >= 0);
            s[i].replicas = s[i].target;
            if (s[i].available > s[i].replicas)
                s[i].available = s[i].replicas; /* the worst: available pods are deleted first */
            after += s[i].available;
        }
        if (before >= replicas - l.unavailable)
            assert_true(after >= replicas - l.unavailable);
        if (s[2].replicas == replicas && s[0].replicas == 0 && s[1].replicas == 0)
            return;
        int i = (int)rand_below(r, 3);
        if (s[i].available < s[i].replicas && (step > 2000 || rand_chance(r, 0.8)))
            s[i].available++;
        else if (step < 2000 && s[i].available > 0 && rand_chance(r, 0.2))
            s[i].available--;
    }
    fail_msg("the rollout of %d with %s and %s does not end", replicas, surge, unavailable);
}

TEST(test_deployment_plan__rollouts_keep_their_limits_and_end) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    static const char *const values[] = {"0", "1", "3", "25%", "50%", "100%"};
    for (int i = 0; i < 400; i++)
        roll(r, (int32_t)rand_range(r, 1, 20), values[rand_below(r, 6)], values[rand_below(r, 6)]);
}
