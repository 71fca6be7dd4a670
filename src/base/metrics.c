/* Metrics. See metrics.h.
 *
 * A family keeps its series in a map from the label values, each followed by a byte that no text has (0xff).
 * Doubles are added with compare-and-swap on their bits. A histogram's count is the sum of its buckets, so
 * that count and buckets always agree; its sum may be a little ahead or behind.
 */
#include "base/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"

struct counter {
    _Atomic(uint64_t) n;
    _Atomic(uint64_t) f64_bits;
};

struct gauge {
    _Atomic(uint64_t) f64_bits;
};

struct histogram {
    const double *bounds; /* the family's */
    size_t n_bounds;
    _Atomic(uint64_t) sum_bits;
    _Atomic(uint64_t) buckets[]; /* n_bounds + 1, not cumulative */
};

/* One set of label values. */
struct series {
    struct str *values; /* owned, as their texts are */
    const struct family *family;
    union {
        struct counter *counter;
        struct gauge *gauge;
        struct histogram *histogram;
        void *data; /* owned */
    };
};

struct family {
    struct metrics *metrics;
    enum metric_type type;
    struct metric_desc desc;
    size_t n_labels;
    double *bounds; /* owned copy */
    struct mutex lock;
    struct map by_values; /* to struct series, owned */
    struct series *other; /* NULL until there are too many */
    double (*fn)(void *arg);
    void *fn_arg;
};

struct collector {
    void (*fn)(struct buf *out, void *arg);
    void *arg;
};

struct metrics {
    struct mutex lock;
    VEC(struct family *) families; /* owned, in the order of their names */
    VEC(struct collector) collectors;
    struct counter *dropped;
};

static void *alloc(size_t n) {
    void *p = calloc(1, n);
    if (!p)
        panic("out of memory (%zu bytes)", n);
    return p;
}

/* -- doubles in atomics -- */

static double f64_of(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static void f64_add(_Atomic(uint64_t) *at, double v) {
    uint64_t bits = atomic_load_explicit(at, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(at, &bits, bits_of(f64_of(bits) + v), memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

static double f64_load(const _Atomic(uint64_t) *at) {
    return f64_of(atomic_load_explicit(at, memory_order_relaxed));
}

void counter_add(struct counter *c, uint64_t n) {
    (void)atomic_fetch_add_explicit(&c->n, n, memory_order_relaxed);
}

void counter_add_f64(struct counter *c, double v) {
    check(v >= 0);
    f64_add(&c->f64_bits, v);
}

double counter_value(const struct counter *c) {
    return (double)atomic_load_explicit(&c->n, memory_order_relaxed) + f64_load(&c->f64_bits);
}

void gauge_set(struct gauge *g, double v) {
    atomic_store_explicit(&g->f64_bits, bits_of(v), memory_order_relaxed);
}

void gauge_add(struct gauge *g, double v) {
    f64_add(&g->f64_bits, v);
}

double gauge_value(const struct gauge *g) {
    return f64_load(&g->f64_bits);
}

/* Index of the first bound that is not below v; n_bounds for more, and for NaN. */
static size_t bucket_of(const struct histogram *h, double v) {
    size_t low = 0, high = h->n_bounds;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (v <= h->bounds[mid])
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void histogram_observe(struct histogram *h, double v) {
    (void)atomic_fetch_add_explicit(&h->buckets[bucket_of(h, v)], 1, memory_order_relaxed);
    f64_add(&h->sum_bits, v);
}

uint64_t histogram_count(const struct histogram *h) {
    uint64_t n = 0;
    for (size_t i = 0; i <= h->n_bounds; i++)
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    return n;
}

double histogram_sum(const struct histogram *h) {
    return f64_load(&h->sum_bits);
}

void metric_buckets_exponential(double *out, size_t n, double start, double factor) {
    check(start > 0 && factor > 1);
    for (size_t i = 0; i < n; i++, start *= factor)
        out[i] = start;
}

void metric_buckets_linear(double *out, size_t n, double start, double width) {
    check(width > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = start + (double)i * width;
}

/* -- families -- */

static bool is_name(const char *name, bool colons) {
    if (!name || !name[0] || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (; *name; name++) {
        char c = *name, lower = (char)(c | 0x20);
        bool ok =
            (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || (colons && c == ':');
        if (!ok)
            return false;
    }
    return true;
}

static void check_desc(const struct metric_desc *d, enum metric_type type, size_t n_labels) {
    if (!is_name(d->name, true) || !d->help)
        panic("metric %s has no proper name or help", d->name ? d->name : "(null)");
    for (size_t i = 0; i < n_labels; i++)
        if (!is_name(d->labels[i], false) || (type == METRIC_HISTOGRAM && strcmp(d->labels[i], "le") == 0))
            panic("metric %s: label %s", d->name, d->labels[i]);
    if ((type == METRIC_HISTOGRAM) != (d->n_buckets > 0) || d->n_buckets > METRIC_BUCKETS_MAX)
        panic("metric %s: %zu buckets", d->name, d->n_buckets);
    for (size_t i = 1; i < d->n_buckets; i++)
        if (!(d->buckets[i - 1] < d->buckets[i]))
            panic("metric %s: buckets are not ascending", d->name);
}

static struct family *family_new(struct metrics *m, const struct metric_desc *desc, enum metric_type type) {
    struct family *f = alloc(sizeof *f);
    f->metrics = m;
    f->type = type;
    f->desc = *desc;
    while (f->n_labels < METRIC_LABELS_MAX && desc->labels[f->n_labels])
        f->n_labels++;
    check_desc(desc, type, f->n_labels);
    if (!f->desc.series_max)
        f->desc.series_max = METRIC_SERIES_MAX;
    if (desc->n_buckets) {
        f->bounds = alloc(desc->n_buckets * sizeof *f->bounds);
        memcpy(f->bounds, desc->buckets, desc->n_buckets * sizeof *f->bounds);
    }
    mutex_init(&f->lock);
    f->by_values.owns_keys = true;
    return f;
}

static void family_free(struct family *f);

/* The family of that name if both sides share it; the lock is held. */
static struct family *find_shared(struct metrics *m, const struct family *like) {
    vec_foreach (f, &m->families)
        if (strcmp((*f)->desc.name, like->desc.name) == 0)
            return (*f)->desc.shared && like->desc.shared && (*f)->type == like->type &&
                           (*f)->n_labels == like->n_labels
                       ? *f
                       : NULL;
    return NULL;
}

static struct family *metrics_add(struct metrics *m, const struct metric_desc *desc, enum metric_type type) {
    struct family *f = family_new(m, desc, type);
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    struct family *there = desc->shared ? find_shared(m, f) : NULL;
    if (there) {
        family_free(f);
        return there;
    }
    vec_push(&m->families, f);
    size_t i = m->families.n - 1;
    for (; i > 0 && strcmp(m->families.v[i - 1]->desc.name, desc->name) >= 0; i--) {
        if (strcmp(m->families.v[i - 1]->desc.name, desc->name) == 0)
            panic("metric %s is registered twice", desc->name);
        m->families.v[i] = m->families.v[i - 1];
    }
    m->families.v[i] = f;
    return f;
}

struct counter_vec *metrics_counter(struct metrics *m, const struct metric_desc *desc) {
    return (struct counter_vec *)metrics_add(m, desc, METRIC_COUNTER);
}

struct gauge_vec *metrics_gauge(struct metrics *m, const struct metric_desc *desc) {
    return (struct gauge_vec *)metrics_add(m, desc, METRIC_GAUGE);
}

struct histogram_vec *metrics_histogram(struct metrics *m, const struct metric_desc *desc) {
    return (struct histogram_vec *)metrics_add(m, desc, METRIC_HISTOGRAM);
}

void metrics_gauge_fn(struct metrics *m, const struct metric_desc *desc, double (*fn)(void *arg), void *arg) {
    struct family *f = metrics_add(m, desc, METRIC_GAUGE);
    check(f->n_labels == 0);
    mutex_lock(&f->lock);
    f->fn = fn;
    f->fn_arg = arg;
    mutex_unlock(&f->lock);
}

struct metrics *metrics_new(void) {
    struct metrics *m = alloc(sizeof *m);
    mutex_init(&m->lock);
    m->dropped = counter_only(metrics_counter(m, &(struct metric_desc){
                                                     .name = "metrics_series_dropped_total",
                                                     .help = "Lookups of series beyond a family's limit.",
                                                 }));
    return m;
}

static void series_free(struct series *s) {
    if (!s)
        return;
    for (size_t i = 0; i < s->family->n_labels; i++)
        free((char *)s->values[i].p);
    free(s->values);
    free(s->data);
    free(s);
}

static void family_free(struct family *f) {
    map_foreach(e, &f->by_values) series_free(e->value);
    map_fini(&f->by_values);
    series_free(f->other);
    mutex_fini(&f->lock);
    free(f->bounds);
    free(f);
}

void metrics_free(struct metrics *m) {
    if (!m)
        return;
    vec_foreach (f, &m->families)
        family_free(*f);
    vec_fini(&m->families);
    vec_fini(&m->collectors);
    mutex_fini(&m->lock);
    free(m);
}

/* -- series -- */

static void *data_new(const struct family *f) {
    if (f->type == METRIC_COUNTER)
        return alloc(sizeof(struct counter));
    if (f->type == METRIC_GAUGE)
        return alloc(sizeof(struct gauge));
    size_t n = f->desc.n_buckets;
    struct histogram *h = alloc(sizeof *h + (n + 1) * sizeof *h->buckets);
    h->bounds = f->bounds;
    h->n_bounds = n;
    return h;
}

static struct series *series_new(const struct family *f, const struct str *values) {
    struct series *s = alloc(sizeof *s);
    s->family = f;
    s->values = alloc((f->n_labels + 1) * sizeof *s->values);
    for (size_t i = 0; i < f->n_labels; i++) {
        char *p = alloc(values[i].n + 1);
        if (values[i].n)
            memcpy(p, values[i].p, values[i].n);
        s->values[i] = str_make(p, values[i].n);
    }
    s->data = data_new(f);
    return s;
}

static struct series *series_other(struct family *f) {
    struct str values[METRIC_LABELS_MAX];
    for (size_t i = 0; i < f->n_labels; i++)
        values[i] = S("other");
    if (!f->other)
        f->other = series_new(f, values);
    counter_inc(f->metrics->dropped);
    return f->other;
}

/* At most METRIC_LABEL_VALUE_MAX bytes and valid UTF-8. */
static struct str clean_value(struct str v) {
    v = str_cut(v, METRIC_LABEL_VALUE_MAX);
    return str_cut(v, utf8_valid_prefix(v));
}

static struct series *series_get(struct family *f, enum metric_type type, const struct str *given, size_t n) {
    if (f->type != type || f->n_labels != n || f->fn)
        panic("metric %s: asked for with %zu labels", f->desc.name, n);
    struct str values[METRIC_LABELS_MAX];
    char text[METRIC_LABELS_MAX * (METRIC_LABEL_VALUE_MAX + 1)];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        values[i] = clean_value(given[i]);
        if (values[i].n)
            memcpy(text + used, values[i].p, values[i].n);
        used += values[i].n;
        text[used++] = (char)0xff;
    }
    struct str key = str_make(text, used);
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    struct series *s = map_get(&f->by_values, key);
    if (s)
        return s;
    if (map_count(&f->by_values) >= f->desc.series_max)
        return series_other(f);
    s = series_new(f, values);
    (void)map_put(&f->by_values, key, s);
    return s;
}

struct counter *counter_series(struct counter_vec *v, const struct str *values, size_t n) {
    return series_get((struct family *)v, METRIC_COUNTER, values, n)->counter;
}

struct gauge *gauge_series(struct gauge_vec *v, const struct str *values, size_t n) {
    return series_get((struct family *)v, METRIC_GAUGE, values, n)->gauge;
}

struct histogram *histogram_series(struct histogram_vec *v, const struct str *values, size_t n) {
    return series_get((struct family *)v, METRIC_HISTOGRAM, values, n)->histogram;
}

/* -- output. CONFORMS: Prometheus text exposition format 0.0.4 -- */

/* The shortest of 15 to 17 digits that reads back the same. */
static void put_f64(struct buf *out, double v) {
    if (isnan(v)) {
        buf_lit(out, "NaN");
        return;
    }
    if (isinf(v)) {
        buf_str(out, v > 0 ? S("+Inf") : S("-Inf"));
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_str(out, str_from(text));
}

static void put_escaped(struct buf *out, struct str s, bool quotes) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            buf_lit(out, "\\\\");
        else if (s.p[i] == '\n')
            buf_lit(out, "\\n");
        else if (s.p[i] == '"' && quotes)
            buf_lit(out, "\\\"");
        else
            buf_byte(out, s.p[i]);
    }
}

void metrics_write_family(struct buf *out, const char *name, enum metric_type type, const char *help) {
    static const char *const types[] = {"counter", "gauge", "histogram", "untyped"};
    buf_lit(out, "# HELP ");
    buf_str(out, str_from(name));
    buf_byte(out, ' ');
    put_escaped(out, str_from(help), false);
    buf_printf(out, "\n# TYPE %s %s\n", name, types[type]);
}

/* `le`: one more label, NULL: none. */
static void put_labels(struct buf *out, const char *const *labels, const struct str *values, size_t n,
                       const double *le) {
    if (n == 0 && !le)
        return;
    for (size_t i = 0; i < n; i++) {
        buf_byte(out, i ? ',' : '{');
        buf_str(out, str_from(labels[i]));
        buf_lit(out, "=\"");
        put_escaped(out, values[i], true);
        buf_byte(out, '"');
    }
    if (le) {
        buf_byte(out, n ? ',' : '{');
        buf_lit(out, "le=\"");
        put_f64(out, *le);
        buf_byte(out, '"');
    }
    buf_byte(out, '}');
}

void metrics_write_sample(struct buf *out, const char *name, const char *const *labels,
                          const struct str *values, size_t n, double value) {
    buf_str(out, str_from(name));
    put_labels(out, labels, values, n, NULL);
    buf_byte(out, ' ');
    put_f64(out, value);
    buf_byte(out, '\n');
}

/* Counters that only count are exact beyond 2^53. */
static void write_counter(const struct series *s, struct buf *out) {
    const struct metric_desc *d = &s->family->desc;
    double fraction = f64_load(&s->counter->f64_bits);
    buf_str(out, str_from(d->name));
    put_labels(out, d->labels, s->values, s->family->n_labels, NULL);
    buf_byte(out, ' ');
    if (fraction != 0)
        put_f64(out, counter_value(s->counter));
    else
        buf_u64(out, atomic_load_explicit(&s->counter->n, memory_order_relaxed));
    buf_byte(out, '\n');
}

static void put_bucket(const struct series *s, struct buf *out, double le, uint64_t n) {
    const struct metric_desc *d = &s->family->desc;
    buf_printf(out, "%s_bucket", d->name);
    put_labels(out, d->labels, s->values, s->family->n_labels, &le);
    buf_printf(out, " %llu\n", (unsigned long long)n);
}

static void write_histogram(const struct series *s, struct buf *out) {
    const struct metric_desc *d = &s->family->desc;
    const struct histogram *h = s->histogram;
    uint64_t n = 0;
    for (size_t i = 0; i <= h->n_bounds; i++) {
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        put_bucket(s, out, i < h->n_bounds ? h->bounds[i] : INFINITY, n);
    }
    buf_printf(out, "%s_sum", d->name);
    put_labels(out, d->labels, s->values, s->family->n_labels, NULL);
    buf_byte(out, ' ');
    put_f64(out, histogram_sum(h));
    buf_printf(out, "\n%s_count", d->name);
    put_labels(out, d->labels, s->values, s->family->n_labels, NULL);
    buf_printf(out, " %llu\n", (unsigned long long)n);
}

static void write_series(const struct series *s, struct buf *out) {
    const struct family *f = s->family;
    if (f->type == METRIC_COUNTER)
        write_counter(s, out);
    else if (f->type == METRIC_HISTOGRAM)
        write_histogram(s, out);
    else
        metrics_write_sample(out, f->desc.name, f->desc.labels, s->values, f->n_labels,
                             gauge_value(s->gauge));
}

static int by_values(const void *a, const void *b) {
    const struct series *x = *(const struct series *const *)a, *y = *(const struct series *const *)b;
    for (size_t i = 0; i < x->family->n_labels; i++) {
        int c = str_cmp(x->values[i], y->values[i]);
        if (c)
            return c;
    }
    return 0;
}

/* Series never go, so the list may be used after the lock. */
static void write_family(struct family *f, struct buf *out) {
    VEC(struct series *) all = {0};
    mutex_lock(&f->lock);
    map_foreach(e, &f->by_values) vec_push(&all, e->value);
    if (f->other)
        vec_push(&all, f->other);
    double (*fn)(void *arg) = f->fn;
    mutex_unlock(&f->lock);
    if (all.n || fn)
        metrics_write_family(out, f->desc.name, f->type, f->desc.help);
    if (fn)
        metrics_write_sample(out, f->desc.name, NULL, NULL, 0, fn(f->fn_arg));
    if (all.n)
        qsort(all.v, all.n, sizeof(*all.v), by_values);
    vec_foreach (s, &all)
        write_series(*s, out);
    vec_fini(&all);
}

void metrics_write(struct metrics *m, struct buf *out) {
    VEC(struct family *) families = {0};
    VEC(struct collector) collectors = {0};
    mutex_lock(&m->lock);
    vec_foreach (f, &m->families)
        vec_push(&families, *f);
    vec_foreach (c, &m->collectors)
        vec_push(&collectors, *c);
    mutex_unlock(&m->lock);
    vec_foreach (f, &families)
        write_family(*f, out);
    vec_foreach (c, &collectors)
        c->fn(out, c->arg);
    vec_fini(&families);
    vec_fini(&collectors);
}

void metrics_collect(struct metrics *m, void (*fn)(struct buf *out, void *arg), void *arg) {
    _cleanup_unlock struct mutex *held = mutex_hold(&m->lock);
    vec_push(&m->collectors, ((struct collector){fn, arg}));
}
