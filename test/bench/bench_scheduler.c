/* Benchmarks of the scheduler: pods bound per second, and how long a pod waits for its node. API server and
 * memory store are in the same process.
 *
 *   build/release/test/bench/bench_scheduler [pods [part of a figure's name]]
 *
 * For rates the pods wait already when the scheduler starts; the time runs from its start to the last
 * binding. For the wait they come at a steady rate, and each one's time runs from before the call that makes
 * it until a watch shows its node.
 */
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/meta.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/scheduling.h"
#include "apiserver/client_local.h"
#include "apiserver/server.h"
#include "apiserver/user.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/timefmt.h"
#include "bench/bench.h"
#include "client/reconciler.h"
#include "scheduler/scheduler.h"

#define ZONES 3u
#define APPS 10u
#define MOST_SECONDS 60
#define OFFERED_PER_SECOND 1000u
#define OFFERED_PODS 5000u

enum pattern { PLAIN, SPREAD, PREEMPTING };

struct place {
    char dir[40];
    struct apiserver *server;
    struct loop *loop;
    struct client *client;
};

static void must(int rc, const struct err *err) {
    if (rc)
        panic("%s", err->msg);
}

static void create(struct client *c, const struct kind *k, const char *ns, const void *body) {
    struct err err = ERR_INIT;
    must(client_create(c, k, str_from(ns), body, NULL, &err), &err);
}

static void create_node(struct client *c, unsigned i) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct quantity_entry v[] = {
        {S("cpu"), quantity_from_int(32, QUANTITY_DECIMAL_SI)},
        {S("memory"), quantity_from_int(INT64_C(64) << 30, QUANTITY_BINARY_SI)},
        {S("pods"), quantity_from_int(110, QUANTITY_DECIMAL_SI)},
    };
    struct str name = arena_printf(&a, "node-%u", i);
    struct str_entry labels[] = {{S("kubernetes.io/hostname"), name},
                                 {S("topology.kubernetes.io/zone"), arena_printf(&a, "z%u", i % ZONES)}};
    struct core_node n = {.metadata = {.name = name, .labels = {labels, 2}},
                          .status = {.capacity = {v, 3}, .allocatable = {v, 3}}};
    create(c, KIND(CORE_NODE), "", &n);
}

/* -- pods -- */

static struct core_pod *new_pod(struct arena *a, struct str name, int64_t milli_cpu) {
    struct core_pod *p = arena_new(a, struct core_pod);
    struct core_container *container = arena_new(a, struct core_container);
    struct quantity_entry *cpu = arena_new(a, struct quantity_entry);
    struct core_toleration *any = arena_new(a, struct core_toleration); /* new nodes are not ready */
    *cpu = (struct quantity_entry){S("cpu"), quantity_from_milli(milli_cpu, QUANTITY_DECIMAL_SI)};
    *container = (struct core_container){
        .name = S("c"), .image = S("localhost/web:1"), .resources = {.requests = {cpu, 1}}};
    any->operator= S("Exists");
    *p = (struct core_pod){.metadata = {.name = name, .namespace = S("default")},
                           .spec = {.containers = {container, 1}, .tolerations = {any, 1}}};
    p->spec.termination_grace_period_seconds = (struct opt_i64){0, true};
    return p;
}

/* Even over zones as a must, apart on nodes as a wish. */
static void spread(struct arena *a, struct core_pod *p, unsigned i) {
    struct str_entry *label = arena_new(a, struct str_entry);
    struct meta_label_selector *selector = arena_new(a, struct meta_label_selector);
    struct core_topology_spread_constraint *zones = arena_new(a, struct core_topology_spread_constraint);
    struct core_weighted_pod_affinity_term *apart = arena_new(a, struct core_weighted_pod_affinity_term);
    struct core_affinity *affinity = arena_new(a, struct core_affinity);
    *label = (struct str_entry){S("app"), arena_printf(a, "app-%u", i % APPS)};
    selector->match_labels = (struct str_map){label, 1};
    p->metadata.labels = (struct str_map){label, 1};
    *zones = (struct core_topology_spread_constraint){.max_skew = 1,
                                                      .topology_key = S("topology.kubernetes.io/zone"),
                                                      .when_unsatisfiable = S("DoNotSchedule"),
                                                      .label_selector = selector};
    *apart = (struct core_weighted_pod_affinity_term){
        .weight = 100,
        .pod_affinity_term = {.label_selector = selector, .topology_key = S("kubernetes.io/hostname")}};
    affinity->pod_anti_affinity = arena_new(a, struct core_pod_anti_affinity);
    affinity->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution =
        (struct core_weighted_pod_affinity_term_array){apart, 1};
    p->spec.topology_spread_constraints = (struct core_topology_spread_constraint_array){zones, 1};
    p->spec.affinity = affinity;
}

static void create_pod(struct client *c, enum pattern pattern, unsigned i) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod *p = new_pod(&a, arena_printf(&a, "pod-%u", i), pattern == PREEMPTING ? 16000 : 100);
    if (pattern == SPREAD)
        spread(&a, p, i);
    if (pattern == PREEMPTING)
        p->spec.priority_class_name = S("high");
    create(c, KIND(CORE_POD), "default", p);
}

/* Two pods fill a node. */
static void fill_node(struct client *c, unsigned i) {
    for (unsigned k = 0; k < 2; k++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct core_pod *p = new_pod(&a, arena_printf(&a, "low-%u-%u", i, k), 16000);
        p->spec.node_name = arena_printf(&a, "node-%u", i);
        create(c, KIND(CORE_POD), "default", p);
    }
}

/* -- the place -- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void open_place(struct place *p, unsigned nodes) {
    struct err err = ERR_INIT;
    struct str group = S("system:masters");
    struct user admin = {.name = S("admin"), .groups = {&group, 1}};
    *p = (struct place){.dir = "/tmp/bench_scheduler.XXXXXX"};
    if (!mkdtemp(p->dir))
        panic("no directory");
    struct apiserver_options so = {.data_dir = p->dir, .memory_store = true, .no_door = true};
    must(apiserver_start(&so, &p->server, &err), &err);
    must(loop_start(&(struct loop_options){.name = "bench"}, &p->loop, &err), &err);
    must(client_local_new(p->server, &admin, p->loop, &p->client, &err), &err);
    create(p->client, KIND(CORE_SERVICE_ACCOUNT), "default",
           &(struct core_service_account){.metadata = {.name = S("default"), .namespace = S("default")}});
    create(p->client, KIND(SCHEDULING_PRIORITY_CLASS), "",
           &(struct scheduling_priority_class){.metadata = {.name = S("high")}, .value = 1000});
    for (unsigned i = 0; i < nodes; i++)
        create_node(p->client, i);
}

static void close_place(struct place *p) {
    client_free(p->client);
    apiserver_stop(p->server, 0);
    loop_stop(p->loop);
    (void)nftw(p->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* -- rates -- */

static double measure_rate(unsigned nodes, unsigned pods, enum pattern pattern) {
    struct place p;
    struct scheduler *s;
    struct err err = ERR_INIT;
    open_place(&p, nodes);
    for (unsigned i = 0; pattern == PREEMPTING && i < nodes; i++)
        fill_node(p.client, i);
    for (unsigned i = 0; i < pods; i++)
        create_pod(p.client, pattern, i);
    double start = bench_now();
    must(scheduler_start(&(struct scheduler_options){.client = p.client}, &s, &err), &err);
    while (scheduler_bound(s) < pods && bench_now() - start < MOST_SECONDS)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    double rate = (double)scheduler_bound(s) / (bench_now() - start);
    scheduler_stop(s);
    close_place(&p);
    return rate;
}

/* -- how long one waits -- */

struct waits {
    struct informer_listener listener;
    struct informer *pods;
    atomic_uint n_bound;
    double made[OFFERED_PODS], took[OFFERED_PODS];
};

static void on_pod(struct informer_listener *l, const struct informer_event *e) {
    struct waits *w = (struct waits *)l;
    const struct core_pod *p = e->object->body;
    uint64_t i;
    if (!p->spec.node_name.n || !str_to_u64(str_from_byte(p->metadata.name, strlen("pod-")), &i) ||
        i >= OFFERED_PODS || w->took[i] > 0)
        return;
    w->took[i] = bench_now() - w->made[i];
    atomic_fetch_add(&w->n_bound, 1);
}

static void listen_to_pods(void *arg) {
    struct waits *w = arg;
    informer_listen(w->pods, &w->listener);
}

static void unlisten(void *arg) {
    struct waits *w = arg;
    informer_unlisten(w->pods, &w->listener);
}

struct visit {
    struct loop_msg msg;
    atomic_bool done;
    void (*fn)(void *arg);
    void *arg;
};

static void on_visit(struct loop_msg *msg) {
    struct visit *v = (struct visit *)msg;
    v->fn(v->arg);
    v->done = true;
}

static void on_loop(struct loop *loop, void (*fn)(void *arg), void *arg) {
    struct visit v = {.msg = {.run = on_visit}, .fn = fn, .arg = arg};
    must(loop_post(loop, &v.msg), &(struct err){.msg = "the loop has ended"});
    while (!v.done)
        clock_sleep_ns(clock_system(), NS_PER_MS);
}

static int cmp_double(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Milliseconds that all but one pod of a hundred have waited at most. */
static double measure_wait(unsigned nodes) {
    static struct waits w;
    struct place p;
    struct scheduler *s;
    struct err err = ERR_INIT;
    open_place(&p, nodes);
    w = (struct waits){.listener = {.loop = p.loop, .on_event = on_pod}};
    must(informer_get(p.client, &(struct informer_options){.kind = KIND(CORE_POD)}, &w.pods, &err), &err);
    on_loop(p.loop, listen_to_pods, &w);
    must(scheduler_start(&(struct scheduler_options){.client = p.client}, &s, &err), &err);
    double start = bench_now();
    for (unsigned i = 0; i < OFFERED_PODS; i++) {
        double due = start + i / (double)OFFERED_PER_SECOND;
        while ((w.made[i] = bench_now()) < due)
            clock_sleep_ns(clock_system(), NS_PER_MS / 10);
        create_pod(p.client, PLAIN, i);
    }
    while (atomic_load(&w.n_bound) < OFFERED_PODS && bench_now() - start < MOST_SECONDS)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    bool all = atomic_load(&w.n_bound) == OFFERED_PODS;
    on_loop(p.loop, unlisten, &w);
    informer_unref(w.pods);
    scheduler_stop(s);
    close_place(&p);
    qsort(w.took, OFFERED_PODS, sizeof *w.took, cmp_double);
    return all ? w.took[OFFERED_PODS * 99 / 100] * 1e3 : MOST_SECONDS * 1e3;
}

int main(int argc, char **argv) {
    /* Upstream on a machine with two cores; of 5,000 nodes its own gate on large ones. */
    static const struct {
        unsigned nodes;
        const char *peer;
        double goal;
    } sizes[] = {{100, "405", 4050}, {1000, "245", 2450}, {5000, "680", 680}};
    static const char *const patterns[] = {"plain", "spread", "preemption"};
    unsigned pods = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
    const char *only = argc > 2 ? argv[2] : "";
    bool ok = true;
    log_setup(&(struct log_options){.least = LOG_FATAL});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (enum pattern k = PLAIN; k <= PREEMPTING; k++) {
            char name[64];
            unsigned n = k == PREEMPTING && pods > sizes[i].nodes ? sizes[i].nodes : pods;
            (void)snprintf(name, sizeof name, "scheduler_%s_%u_nodes", patterns[k], sizes[i].nodes);
            if (!strstr(name, only))
                continue;
            ok &= bench_at_least(name, measure_rate(sizes[i].nodes, n, k), "pods/s", sizes[i].peer,
                                 sizes[i].goal);
            (void)fflush(stdout);
        }
    if (strstr("scheduler_wait_p99", only))
        ok &= bench_at_most("scheduler_wait_p99", measure_wait(1000), "ms", "-", 50);
    return ok ? 0 : 1;
}
