/* base/metrics: counters, gauges and histograms, and their text for Prometheus.
 *
 *     struct counter_vec *requests = metrics_counter(m, &(struct metric_desc){
 *         .name = "apiserver_request_total", .help = "Requests.", .labels = {"verb", "code"}});
 *     struct counter *gets = counter_with(requests, S("GET"), S("200"));   // once, and kept
 *     counter_inc(gets);                                                   // an atomic addition
 *
 * A registry owns its families, a family its series; they live as long as the registry, so handles never
 * dangle. A family has at most series_max series: further label values share one series whose labels all read
 * "other", and metrics_series_dropped_total counts how often that was asked for.
 *
 * Everything may be called by any thread. Updates take no lock; looking a series up takes its family's; the
 * output takes them in turn.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct metrics;
struct counter;
struct counter_vec;
struct gauge;
struct gauge_vec;
struct histogram;
struct histogram_vec;

#define METRIC_LABELS_MAX 12
#define METRIC_BUCKETS_MAX 64
#define METRIC_SERIES_MAX 1000
#define METRIC_LABEL_VALUE_MAX 256 /* bytes; longer values are cut */

struct metric_desc {
    const char *name; /* [a-zA-Z_:][a-zA-Z0-9_:]*; like all here, lives as long as the registry */
    const char *help;
    const char *labels[METRIC_LABELS_MAX + 1]; /* up to the first NULL */
    const double *buckets;                     /* of histograms: ascending upper bounds, without +Inf */
    size_t n_buckets;
    uint32_t series_max; /* 0: METRIC_SERIES_MAX */
    bool shared;         /* who registers it again in the same form gets the family that is there */
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* Registers a family. A bad name, or one that is taken, aborts. */
struct counter_vec *metrics_counter(struct metrics *m, const struct metric_desc *desc);
struct gauge_vec *metrics_gauge(struct metrics *m, const struct metric_desc *desc);
struct histogram_vec *metrics_histogram(struct metrics *m, const struct metric_desc *desc);

/* A gauge without labels that is asked for its value when the text is made, on that thread. */
void metrics_gauge_fn(struct metrics *m, const struct metric_desc *desc, double (*fn)(void *arg), void *arg);

/* The series of these label values, in the order of desc->labels; made when new. */
struct counter *counter_series(struct counter_vec *v, const struct str *values, size_t n);
struct gauge *gauge_series(struct gauge_vec *v, const struct str *values, size_t n);
struct histogram *histogram_series(struct histogram_vec *v, const struct str *values, size_t n);

#define METRIC_VALUES_(...)                                                                                  \
    ((const struct str[]){__VA_ARGS__}), sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)
#define counter_with(v, ...) counter_series((v), METRIC_VALUES_(__VA_ARGS__))
#define gauge_with(v, ...) gauge_series((v), METRIC_VALUES_(__VA_ARGS__))
#define histogram_with(v, ...) histogram_series((v), METRIC_VALUES_(__VA_ARGS__))

/* The only series of a family without labels. */
static inline struct counter *counter_only(struct counter_vec *v) {
    return counter_series(v, NULL, 0);
}
static inline struct gauge *gauge_only(struct gauge_vec *v) {
    return gauge_series(v, NULL, 0);
}
static inline struct histogram *histogram_only(struct histogram_vec *v) {
    return histogram_series(v, NULL, 0);
}

void counter_add(struct counter *c, uint64_t n);
void counter_add_f64(struct counter *c, double v); /* v >= 0: seconds, bytes as doubles */
double counter_value(const struct counter *c);
static inline void counter_inc(struct counter *c) {
    counter_add(c, 1);
}

void gauge_set(struct gauge *g, double v);
void gauge_add(struct gauge *g, double v); /* may be negative */
double gauge_value(const struct gauge *g);

void histogram_observe(struct histogram *h, double v);
uint64_t histogram_count(const struct histogram *h);
double histogram_sum(const struct histogram *h);

/* Ascending bounds into out: start, start × factor, … / start, start + width, … */
void metric_buckets_exponential(double *out, size_t n, double start, double factor);
void metric_buckets_linear(double *out, size_t n, double start, double width);

/* -- output -- */

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends all families, in the order of their names, their series in the order of their label values. */
void metrics_write(struct metrics *m, struct buf *out);

/* Adds families that are made up when the text is asked for, such as those of containers that come and go: fn
 * writes them with the calls below, after the others. */
void metrics_collect(struct metrics *m, void (*fn)(struct buf *out, void *arg), void *arg);

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_UNTYPED };
void metrics_write_family(struct buf *out, const char *name, enum metric_type type, const char *help);
void metrics_write_sample(struct buf *out, const char *name, const char *const *labels,
                          const struct str *values, size_t n, double value);
