/* kubelet/backoff */
#include "kubelet/backoff.h"
#include "unit/unit.h"

#define S_NS 1000000000ll

TEST(test_backoff__first_restart_is_immediate_then_delays_double) {
    struct backoffs b;
    backoffs_init(&b, 10 * S_NS, 40 * S_NS);
    int64_t now = 1000 * S_NS;
    assert_int_equal(backoff_remaining(&b, S("a"), now, now), 0);
    static const int64_t delays[] = {10, 20, 40, 40};
    for (int i = 0; i < 4; i++) {
        backoff_next(&b, S("a"), now, now);
        assert_int_equal(backoff_remaining(&b, S("a"), now, now), delays[i] * S_NS);
        assert_int_equal(backoff_remaining(&b, S("b"), now, now), 0);
        now += delays[i] * S_NS;
        assert_int_equal(backoff_remaining(&b, S("a"), now - delays[i] * S_NS, now), 0);
    }
    backoffs_fini(&b);
}

TEST(test_backoff__is_forgotten_after_a_long_good_time) {
    struct backoffs b;
    backoffs_init(&b, 10 * S_NS, 40 * S_NS);
    backoff_next(&b, S("a"), 0, 0);
    backoff_next(&b, S("a"), 0, 0);
    int64_t later = 81 * S_NS;
    assert_int_equal(backoff_remaining(&b, S("a"), later, later), 0);
    backoff_next(&b, S("a"), later, later);
    assert_int_equal(backoff_delay(&b, S("a")), 10 * S_NS);
    backoff_collect(&b, later + 81 * S_NS);
    assert_int_equal(backoff_delay(&b, S("a")), 0);
    backoffs_fini(&b);
}
