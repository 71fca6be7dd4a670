/* base/metrics */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "unit/unit.h"

/* The text of one family. */
static void expect_family(struct metrics *m, const char *name, const char *text) {
    _cleanup_buf struct buf b = BUF_INIT;
    metrics_write(m, &b);
    char help[128];
    snprintf(help, sizeof help, "# HELP %s ", name);
    struct str all = buf_view(&b);
    ptrdiff_t from = str_find(all, str_from(help));
    assert_true(from >= 0);
    struct str rest = str_from_byte(all, (size_t)from);
    ptrdiff_t to = str_find(str_from_byte(rest, 1), S("# HELP "));
    assert_str(to < 0 ? rest : str_cut(rest, (size_t)to + 1), text);
}

TEST(test_metrics__counter_text) {
    struct metrics *m = metrics_new();
    struct counter_vec *v = metrics_counter(
        m, &(struct metric_desc){.name = "requests_total", .help = "Help.", .labels = {"verb", "code"}});
    struct counter *get = counter_with(v, S("GET"), S("200"));
    counter_inc(get);
    counter_add(get, 2);
    counter_inc(counter_with(v, S("GET"), S("404")));
    counter_inc(counter_with(v, S("DELETE"), S("200")));
    assert_ptr_equal(counter_with(v, S("GET"), S("200")), get);
    assert_true(counter_value(get) == 3);
    expect_family(m, "requests_total",
                  "# HELP requests_total Help.\n"
                  "# TYPE requests_total counter\n"
                  "requests_total{verb=\"DELETE\",code=\"200\"} 1\n"
                  "requests_total{verb=\"GET\",code=\"200\"} 3\n"
                  "requests_total{verb=\"GET\",code=\"404\"} 1\n");
    metrics_free(m);
}

TEST(test_metrics__counter_of_fractions) {
    struct metrics *m = metrics_new();
    struct counter *c =
        counter_only(metrics_counter(m, &(struct metric_desc){.name = "seconds_total", .help = "h"}));
    counter_add_f64(c, 0.1);
    counter_add_f64(c, 0.2);
    counter_add(c, 1);
    expect_family(m, "seconds_total",
                  "# HELP seconds_total h\n# TYPE seconds_total counter\nseconds_total 1.3\n");
    assert_aborts(counter_add_f64(c, -1));
    metrics_free(m);
}

TEST(test_metrics__counts_beyond_doubles_are_exact) {
    struct metrics *m = metrics_new();
    struct counter *c = counter_only(metrics_counter(m, &(struct metric_desc){.name = "n", .help = "h"}));
    counter_add(c, ((uint64_t)1 << 53) + 1);
    expect_family(m, "n", "# HELP n h\n# TYPE n counter\nn 9007199254740993\n");
    metrics_free(m);
}

TEST(test_metrics__gauge_values) {
    struct metrics *m = metrics_new();
    struct gauge_vec *v = metrics_gauge(m, &(struct metric_desc){.name = "g", .help = "h", .labels = {"l"}});
    gauge_set(gauge_with(v, S("a")), 1e21);
    gauge_set(gauge_with(v, S("b")), INFINITY);
    gauge_set(gauge_with(v, S("c")), -INFINITY);
    gauge_set(gauge_with(v, S("d")), NAN);
    gauge_set(gauge_with(v, S("e")), 0.1 + 0.2);
    gauge_set(gauge_with(v, S("f")), 5);
    gauge_add(gauge_with(v, S("f")), -7);
    assert_true(gauge_value(gauge_with(v, S("f"))) == -2);
    expect_family(m, "g",
                  "# HELP g h\n# TYPE g gauge\n"
                  "g{l=\"a\"} 1e+21\n"
                  "g{l=\"b\"} +Inf\n"
                  "g{l=\"c\"} -Inf\n"
                  "g{l=\"d\"} NaN\n"
                  "g{l=\"e\"} 0.30000000000000004\n"
                  "g{l=\"f\"} -2\n");
    metrics_free(m);
}

TEST(test_metrics__histogram_text_is_cumulative) {
    struct metrics *m = metrics_new();
    static const double buckets[] = {0.5, 1, 2.5};
    struct histogram_vec *v = metrics_histogram(
        m, &(struct metric_desc){
               .name = "d", .help = "h", .labels = {"verb"}, .buckets = buckets, .n_buckets = 3});
    struct histogram *h = histogram_with(v, S("GET"));
    static const double seen[] = {0.5, 0.50001, 1, 2, 2.5, 3, 100};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        histogram_observe(h, seen[i]);
    assert_int_equal(histogram_count(h), 7);
    assert_true(fabs(histogram_sum(h) - 109.50001) < 1e-9);
    expect_family(m, "d",
                  "# HELP d h\n# TYPE d histogram\n"
                  "d_bucket{verb=\"GET\",le=\"0.5\"} 1\n"
                  "d_bucket{verb=\"GET\",le=\"1\"} 3\n"
                  "d_bucket{verb=\"GET\",le=\"2.5\"} 5\n"
                  "d_bucket{verb=\"GET\",le=\"+Inf\"} 7\n"
                  "d_sum{verb=\"GET\"} 109.50001\n"
                  "d_count{verb=\"GET\"} 7\n");
    metrics_free(m);
}

TEST(test_metrics__histogram_without_labels) {
    struct metrics *m = metrics_new();
    static const double buckets[] = {1};
    struct histogram_vec *v = metrics_histogram(
        m, &(struct metric_desc){.name = "d", .help = "h", .buckets = buckets, .n_buckets = 1});
    histogram_observe(histogram_only(v), NAN);
    expect_family(m, "d",
                  "# HELP d h\n# TYPE d histogram\n"
                  "d_bucket{le=\"1\"} 0\nd_bucket{le=\"+Inf\"} 1\nd_sum NaN\nd_count 1\n");
    metrics_free(m);
}

TEST(test_metrics__text_is_escaped) {
    struct metrics *m = metrics_new();
    struct counter_vec *v = metrics_counter(
        m, &(struct metric_desc){.name = "c", .help = "back\\slash \"quote\"\nline", .labels = {"l"}});
    counter_inc(counter_with(v, S("a\\b\"c\nd")));
    expect_family(m, "c",
                  "# HELP c back\\\\slash \"quote\"\\nline\n# TYPE c counter\n"
                  "c{l=\"a\\\\b\\\"c\\nd\"} 1\n");
    metrics_free(m);
}

/* Values whose concatenation is equal are different series; absent is empty; bad UTF-8 and excess are cut. */
TEST(test_metrics__label_values_do_not_run_together) {
    struct metrics *m = metrics_new();
    struct gauge_vec *v =
        metrics_gauge(m, &(struct metric_desc){.name = "g", .help = "h", .labels = {"a", "b"}});
    assert_ptr_not_equal(gauge_with(v, S("x"), S("yz")), gauge_with(v, S("xy"), S("z")));
    assert_ptr_equal(gauge_with(v, STR_NONE, S("z")), gauge_with(v, S(""), S("z")));
    assert_ptr_equal(gauge_with(v, S("x\xff\xff"), S("y")), gauge_with(v, S("x"), S("y")));
    char text[1000];
    memset(text, 'x', sizeof text);
    assert_ptr_equal(gauge_with(v, str_make(text, 1000), S("")),
                     gauge_with(v, str_make(text, METRIC_LABEL_VALUE_MAX), S("")));
    metrics_free(m);
}

TEST(test_metrics__series_beyond_the_limit_share_one) {
    struct metrics *m = metrics_new();
    struct counter_vec *v =
        metrics_counter(m, &(struct metric_desc){.name = "c", .help = "h", .labels = {"l"}, .series_max = 2});
    counter_inc(counter_with(v, S("a")));
    counter_inc(counter_with(v, S("b")));
    counter_inc(counter_with(v, S("c")));
    counter_inc(counter_with(v, S("d")));
    counter_inc(counter_with(v, S("a")));
    expect_family(m, "c", "# HELP c h\n# TYPE c counter\nc{l=\"a\"} 2\nc{l=\"b\"} 1\nc{l=\"other\"} 2\n");
    expect_family(m, "metrics_series_dropped_total",
                  "# HELP metrics_series_dropped_total Lookups of series beyond a family's limit.\n"
                  "# TYPE metrics_series_dropped_total counter\nmetrics_series_dropped_total 2\n");
    metrics_free(m);
}

static double answer(void *arg) {
    return *(double *)arg;
}

static void extra(struct buf *out, void *arg) {
    const char *labels[] = {"pod"};
    struct str values[] = {str_from(arg)};
    metrics_write_family(out, "zz_made_up", METRIC_UNTYPED, "h");
    metrics_write_sample(out, "zz_made_up", labels, values, 1, 1.5);
}

TEST(test_metrics__functions_are_asked_at_output) {
    struct metrics *m = metrics_new();
    double value = 1;
    metrics_gauge_fn(m, &(struct metric_desc){.name = "live", .help = "h"}, answer, &value);
    value = 42;
    expect_family(m, "live", "# HELP live h\n# TYPE live gauge\nlive 42\n");
    metrics_collect(m, extra, (void *)(uintptr_t) "p");
    expect_family(m, "zz_made_up",
                  "# HELP zz_made_up h\n# TYPE zz_made_up untyped\nzz_made_up{pod=\"p\"} 1.5\n");
    metrics_free(m);
}

TEST(test_metrics__families_come_by_name_and_not_before_they_have_series) {
    struct metrics *m = metrics_new();
    struct gauge_vec *b = metrics_gauge(m, &(struct metric_desc){.name = "b", .help = "h"});
    struct gauge_vec *a = metrics_gauge(m, &(struct metric_desc){.name = "a", .help = "h"});
    (void)metrics_gauge(m, &(struct metric_desc){.name = "c", .help = "h"});
    gauge_set(gauge_only(b), 1);
    gauge_set(gauge_only(a), 2);
    _cleanup_buf struct buf out = BUF_INIT;
    metrics_write(m, &out);
    assert_true(
        str_has_prefix(buf_view(&out), S("# HELP a h\n# TYPE a gauge\na 2\n# HELP b h\n# TYPE b gauge\nb 1\n"
                                         "# HELP metrics_series")));
    assert_int_equal(str_find(buf_view(&out), S("# HELP c")), -1);
    metrics_free(m);
}

TEST(test_metrics__wrong_use_is_refused) {
    struct metrics *m = metrics_new();
    struct counter_vec *v =
        metrics_counter(m, &(struct metric_desc){.name = "c", .help = "h", .labels = {"l"}});
    static const double bad[] = {1, 1};
    assert_aborts((void)metrics_counter(m, &(struct metric_desc){.name = "c", .help = "h"}));
    assert_aborts((void)metrics_counter(m, &(struct metric_desc){.name = "1c", .help = "h"}));
    assert_aborts(
        (void)metrics_counter(m, &(struct metric_desc){.name = "d", .help = "h", .labels = {"a-b"}}));
    assert_aborts((void)metrics_histogram(m, &(struct metric_desc){.name = "d", .help = "h"}));
    assert_aborts((void)metrics_histogram(
        m, &(struct metric_desc){.name = "d", .help = "h", .buckets = bad, .n_buckets = 2}));
    assert_aborts((void)counter_only(v));
    metrics_free(m);
}

TEST(test_metrics__bucket_helpers) {
    double b[4];
    metric_buckets_exponential(b, 4, 0.001, 10);
    assert_true(b[0] == 0.001 && fabs(b[3] - 1) < 1e-12);
    metric_buckets_linear(b, 4, 1, 0.5);
    assert_true(b[0] == 1 && b[3] == 2.5);
}

/* Four threads update while one prints; in the end nothing is lost. */
struct shared {
    struct counter_vec *counters;
    struct histogram *histogram;
    struct gauge *gauge;
};

static void *update(void *arg) {
    struct shared *s = arg;
    struct counter *c = counter_with(s->counters, S("x"));
    for (int i = 0; i < 5000; i++) {
        counter_inc(c);
        counter_add_f64(c, 0.5);
        gauge_add(s->gauge, 1);
        histogram_observe(s->histogram, i % 3);
    }
    return NULL;
}

TEST(test_metrics__updates_of_threads_add_up) {
    struct metrics *m = metrics_new();
    static const double buckets[] = {0, 1};
    struct shared s = {
        .counters = metrics_counter(m, &(struct metric_desc){.name = "c", .help = "h", .labels = {"l"}}),
        .gauge = gauge_only(metrics_gauge(m, &(struct metric_desc){.name = "g", .help = "h"})),
        .histogram = histogram_only(metrics_histogram(
            m, &(struct metric_desc){.name = "d", .help = "h", .buckets = buckets, .n_buckets = 2})),
    };
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        check(pthread_create(&threads[i], NULL, update, &s) == 0);
    for (int i = 0; i < 20; i++) {
        _cleanup_buf struct buf out = BUF_INIT;
        metrics_write(m, &out);
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(counter_value(counter_with(s.counters, S("x"))) == 30000);
    assert_true(gauge_value(s.gauge) == 20000);
    assert_int_equal(histogram_count(s.histogram), 20000);
    metrics_free(m);
}

TEST(test_metrics__shared_families_are_registered_once) {
    struct metrics *m = metrics_new();
    struct metric_desc d = {.name = "adds_total", .help = "Adds.", .labels = {"name"}, .shared = true};
    struct counter_vec *one = metrics_counter(m, &d), *other = metrics_counter(m, &d);
    assert_ptr_equal(one, other);
    assert_aborts(metrics_gauge(m, &d));
    d.shared = false;
    assert_aborts(metrics_counter(m, &d));
    metrics_free(m);
}
