/* Counts of requests, as upstream names them.
 *
 * Series are looked up once for each combination of labels and then kept in a table that is read without a
 * lock: a request costs two atomic additions. Entries are never removed; when all places of a combination are
 * taken it is looked up each time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "apiserver/cache.h"
#include "apiserver/front_priv.h"
#include "apiserver/server_priv.h"
#include "apiserver/watch.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/metrics.h"

#define PLACES 2048u
#define PROBES 8u

struct series_key {
    const struct kind *kind;
    const struct kind_subresource *sub;
    uint8_t verb, scope;
    uint16_t code;
    bool dry_run;
};

struct series {
    struct series_key key;
    struct counter *total;
    struct histogram *duration; /* NULL: long-running */
};

struct front_metrics {
    struct counter_vec *total;
    struct histogram_vec *duration;
    struct gauge_vec *inflight;
    struct series *_Atomic places[PLACES];
};

static const struct str verbs[] = {
    STR_INIT("GET"),   STR_INIT("LIST"),    STR_INIT("WATCH"),  STR_INIT("POST"),
    STR_INIT("PUT"),   STR_INIT("PATCH"),   STR_INIT("DELETE"), STR_INIT("DELETECOLLECTION"),
    STR_INIT("APPLY"), STR_INIT("CONNECT"), STR_INIT("OTHER"),
};
static const struct str scopes[] = {STR_INIT(""), STR_INIT("resource"), STR_INIT("namespace"),
                                    STR_INIT("cluster")};

static const double buckets[] = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2,
                                 3,     4,     5,    6,   8,   10,  15,  20,  30,  45,   60};

static double inflight_of(const struct front *f, int mutating) {
    return atomic_load_explicit(&f->inflight[mutating], memory_order_relaxed);
}

static void write_inflight(struct buf *out, void *arg) {
    static const char *const labels[] = {"request_kind"};
    const struct front *f = arg;
    struct str kinds_of[] = {S("readOnly"), S("mutating")};
    metrics_write_family(out, "apiserver_current_inflight_requests", METRIC_GAUGE,
                         "Requests that are being answered now, without those that last.");
    for (int i = 0; i < 2; i++)
        metrics_write_sample(out, "apiserver_current_inflight_requests", labels, &kinds_of[i], 1,
                             inflight_of(f, i));
}

/* Watches are told apart from what is answered at once. */
static void write_watches(struct buf *out, const struct front *f) {
    static const char *const labels[] = {"verb", "component"};
    struct str values[] = {S("WATCH"), S("apiserver")};
    metrics_write_family(out, "apiserver_longrunning_requests", METRIC_GAUGE, "Watches that are open now.");
    metrics_write_sample(out, "apiserver_longrunning_requests", labels, values, 2,
                         f->server->watches ? watches_count(f->server->watches) : 0);
}

static void write_objects(struct buf *out, void *arg) {
    static const char *const labels[] = {"resource"};
    const struct front *f = arg;
    write_watches(out, f);
    metrics_write_family(out, "apiserver_storage_objects", METRIC_GAUGE,
                         "Objects that are stored, by resource.");
    for (uint32_t i = 0; i < n_kinds; i++) {
        const struct kind *k = &kinds[i];
        if (k->virtual_ || !k->served || k->hub != k)
            continue;
        char name[256];
        struct cache_snapshot s;
        int n = snprintf(name, sizeof name, "%.*s%s%.*s", STR_ARG(k->plural), k->group.n ? "." : "",
                         STR_ARG(k->group));
        struct str value = str_make(name, (size_t)n);
        cache_snapshot(cache_of(f->server->cache, k), &s);
        metrics_write_sample(out, "apiserver_storage_objects", labels, &value, 1, (double)cow_count(&s.tree));
        cache_snapshot_fini(&s);
    }
}

struct front_metrics *front_metrics_new(struct front *f) {
    struct metrics *m = f->server->metrics;
    struct front_metrics *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    x->total =
        metrics_counter(m, &(struct metric_desc){.name = "apiserver_request_total",
                                                 .help = "Requests by verb, resource and code.",
                                                 .labels = {"verb", "dry_run", "group", "version", "resource",
                                                            "subresource", "scope", "component", "code"}});
    x->duration = metrics_histogram(
        m, &(struct metric_desc){.name = "apiserver_request_duration_seconds",
                                 .help = "How long requests took, by verb and resource.",
                                 .labels = {"verb", "dry_run", "group", "version", "resource", "subresource",
                                            "scope", "component"},
                                 .buckets = buckets,
                                 .n_buckets = sizeof buckets / sizeof *buckets});
    metrics_collect(m, write_inflight, f);
    metrics_collect(m, write_objects, f);
    return x;
}

void front_metrics_free(struct front_metrics *m) {
    if (!m)
        return;
    for (unsigned i = 0; i < PLACES; i++)
        free(atomic_load(&m->places[i]));
    free(m);
}

/* -- labels -- */

static uint8_t verb_of(const struct front_call *f) {
    const struct access *x = &f->call.info.access;
    static const struct str names[] = {
        STR_INIT("get"),    STR_INIT("list"),  STR_INIT("watch"),  STR_INIT("create"),
        STR_INIT("update"), STR_INIT("patch"), STR_INIT("delete"), STR_INIT("deletecollection")};
    if (f->long_running && !f->watch && x->is_resource)
        return 9;
    if (!x->is_resource)
        return f->method == HTTP_VERB_POST ? 3 : f->method == HTTP_VERB_GET ? 0 : 10;
    for (uint8_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(x->verb, names[i]))
            return i == 5 && f->call.media == MEDIA_PATCH_APPLY ? 8 : i;
    return 10;
}

static uint8_t scope_of(const struct access *x) {
    if (!x->is_resource)
        return 0;
    return x->name.n ? 1 : x->ns.n ? 2 : 3;
}

static struct series_key key_of(const struct front_call *f) {
    const struct call *c = &f->call;
    return (struct series_key){
        .kind = c->info.kind,
        .sub = c->info.kind ? c->info.subresource : NULL,
        .verb = verb_of(f),
        .scope = scope_of(&c->info.access),
        .code = (uint16_t)f->code,
        .dry_run = c->options.dry_run,
    };
}

static bool same(const struct series_key *a, const struct series_key *b) {
    return a->kind == b->kind && a->sub == b->sub && a->verb == b->verb && a->scope == b->scope &&
           a->code == b->code && a->dry_run == b->dry_run;
}

static uint64_t hash_key(const struct series_key *k) {
    uint64_t h = hash_u64((uint64_t)(uintptr_t)k->kind ^ (uint64_t)(uintptr_t)k->sub << 7);
    return hash_u64(h ^ (uint64_t)k->code << 16 ^ (uint64_t)k->verb << 8 ^ (uint64_t)k->scope << 1 ^
                    k->dry_run);
}

static struct series look_up(struct front_metrics *m, const struct series_key *k, bool long_running) {
    char code[8];
    snprintf(code, sizeof code, "%u", k->code);
    struct str values[] = {
        verbs[k->verb],
        k->dry_run ? S("All") : S(""),
        k->kind ? k->kind->group : S(""),
        k->kind ? k->kind->version : S(""),
        k->kind ? k->kind->plural : S(""),
        k->sub ? k->sub->name : S(""),
        scopes[k->scope],
        S("apiserver"),
        str_from(code),
    };
    return (struct series){
        .key = *k,
        .total = counter_series(m->total, values, 9),
        .duration = long_running ? NULL : histogram_series(m->duration, values, 8),
    };
}

static struct series find(struct front_metrics *m, const struct series_key *k, bool long_running) {
    uint64_t h = hash_key(k);
    for (unsigned i = 0; i < PROBES; i++) {
        struct series *_Atomic *place = &m->places[(h + i) % PLACES];
        struct series *s = atomic_load_explicit(place, memory_order_acquire);
        if (s && same(&s->key, k))
            return *s;
        if (s)
            continue;
        struct series *fresh = malloc(sizeof *fresh);
        if (!fresh)
            panic("out of memory");
        *fresh = look_up(m, k, long_running);
        if (atomic_compare_exchange_strong(place, &s, fresh))
            return *fresh;
        struct series found = *fresh; /* somebody else took the place meanwhile */
        free(fresh);
        return found;
    }
    return look_up(m, k, long_running);
}

void front_metrics_count(struct front_metrics *m, const struct front_call *f, int64_t took_ns) {
    struct series_key k = key_of(f);
    struct series s = find(m, &k, f->long_running);
    counter_inc(s.total);
    if (s.duration)
        histogram_observe(s.duration, (double)took_ns / 1e9);
}
