/* The formulas of scores, by number. */
#include "scheduler/plugins/plugins.h"
#include "unit/unit.h"

TEST(test_scores__least_allocated_is_what_stays_free) {
    struct fit_args a = {.strategy = FIT_LEAST_ALLOCATED};
    assert_int_equal(fit_score_one(&a, 0, 4000), 100);
    assert_int_equal(fit_score_one(&a, 1000, 4000), 75);
    assert_int_equal(fit_score_one(&a, 1, 3), 66);
    assert_int_equal(fit_score_one(&a, 4000, 4000), 0);
    assert_int_equal(fit_score_one(&a, 5000, 4000), 0);
    assert_int_equal(fit_score_one(&a, INT64_MAX / 2, INT64_MAX), 50);
}

TEST(test_scores__most_allocated_is_what_is_taken) {
    struct fit_args a = {.strategy = FIT_MOST_ALLOCATED};
    assert_int_equal(fit_score_one(&a, 0, 4000), 0);
    assert_int_equal(fit_score_one(&a, 1000, 4000), 25);
    assert_int_equal(fit_score_one(&a, 9000, 4000), 100);
}

TEST(test_scores__a_shape_is_followed_piece_by_piece) {
    struct fit_args a = {
        .strategy = FIT_REQUESTED_TO_CAPACITY_RATIO, .shape = {{0, 0}, {50, 100}, {100, 40}}, .n_shape = 3};
    assert_int_equal(fit_score_one(&a, 0, 100), 0);
    assert_int_equal(fit_score_one(&a, 25, 100), 50);
    assert_int_equal(fit_score_one(&a, 50, 100), 100);
    assert_int_equal(fit_score_one(&a, 75, 100), 70);
    assert_int_equal(fit_score_one(&a, 100, 100), 40);
    assert_int_equal(fit_score_one(&a, 500, 100), 40);
}

TEST(test_scores__balance_falls_with_the_difference) {
    assert_int_equal(balanced_score((double[]){0.5, 0.5}, 2), 100);
    assert_int_equal(balanced_score((double[]){1, 0}, 2), 50);
    assert_int_equal(balanced_score((double[]){0.75, 0.25}, 2), 75);
    assert_int_equal(balanced_score((double[]){0.9}, 1), 100);
    assert_int_equal(balanced_score((double[]){1, 1, 1}, 3), 100);
}
