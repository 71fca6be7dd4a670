/* Tests of expectations: what is awaited, what lowers it, when it is over. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "client/expect.h"
#include "unit/unit.h"

TEST(test_expect__nothing_is_awaited_at_first) {
    struct clock_sim clock;
    struct expectations *x = expectations_new(clock_sim_init(&clock, 0));
    assert_true(expectations_met(x, S("default/web")));
    expect_creation_seen(x, S("default/web"));
    expect_deletion_seen(x, S("default/web"), S("u1"));
    assert_true(expectations_met(x, S("default/web")));
    expectations_free(x);
}

TEST(test_expect__creations_are_counted_down) {
    struct clock_sim clock;
    struct expectations *x = expectations_new(clock_sim_init(&clock, 0));
    expect_creations(x, S("default/web"), 2);
    assert_false(expectations_met(x, S("default/web")));
    assert_true(expectations_met(x, S("default/other")));
    expect_creation_seen(x, S("default/web"));
    assert_false(expectations_met(x, S("default/web")));
    expect_creation_seen(x, S("default/web"));
    assert_true(expectations_met(x, S("default/web")));
    expect_creation_seen(x, S("default/web")); /* one of somebody else's is not counted below zero */
    expect_creations(x, S("default/web"), 1);
    assert_false(expectations_met(x, S("default/web")));
    expectations_free(x);
}

TEST(test_expect__deletions_are_told_apart_by_uid) {
    struct clock_sim clock;
    struct expectations *x = expectations_new(clock_sim_init(&clock, 0));
    const struct str uids[] = {S("u1"), S("u2")};
    expect_deletions(x, S("a/b"), uids, 2);
    expect_deletion_seen(x, S("a/b"), S("u1"));
    expect_deletion_seen(x, S("a/b"), S("u1"));
    expect_deletion_seen(x, S("a/b"), S("u3"));
    assert_false(expectations_met(x, S("a/b")));
    expect_deletion_seen(x, S("a/b"), S("u2"));
    assert_true(expectations_met(x, S("a/b")));
    expectations_free(x);
}

TEST(test_expect__nobody_waits_longer_than_five_minutes) {
    struct clock_sim clock;
    struct expectations *x = expectations_new(clock_sim_init(&clock, 0));
    expect_creations(x, S("a/b"), 1);
    clock_sim_advance(&clock, 5 * NS_PER_MIN);
    assert_false(expectations_met(x, S("a/b")));
    clock_sim_advance(&clock, 1);
    assert_true(expectations_met(x, S("a/b")));
    expectations_free(x);
}

TEST(test_expect__forgotten_keys_await_nothing) {
    struct clock_sim clock;
    struct expectations *x = expectations_new(clock_sim_init(&clock, 0));
    expect_creations(x, S("a/b"), 1);
    expectations_forget(x, S("a/b"));
    assert_true(expectations_met(x, S("a/b")));
    expectations_forget(x, S("a/b"));
    expectations_free(x);
}
