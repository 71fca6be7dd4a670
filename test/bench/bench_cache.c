/* Benchmarks of the API server's cache: memory of pods, writes through it, snapshots, fan-out to watchers.
 *
 *   build/release/test/bench/bench_cache [pods]
 *
 * Pods are what a client sends in 1 KB, with the defaults, metadata and managed fields that the server adds.
 * The figure of memory is what the process grew by, sqlite store included.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/default.h"
#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/thread.h"
#include "bench/bench.h"
#include "store/store.h"

#define IN_FLIGHT 100
#define WATCHERS 1000
#define LOOPS 2

static const char pod_json[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\","
    "\"uid\":\"8f1b2a52-63cf-4a3e-9e59-0d8f6f7b21aa\",\"generation\":1,"
    "\"creationTimestamp\":\"2026-01-02T03:04:05Z\",\"labels\":{\"app\":\"web\",\"tier\":\"front\","
    "\"release\":\"stable\",\"pod-template-hash\":\"6d4cf56db6\"},\"annotations\":{\"example.com/checksum\":"
    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"},\"managedFields\":[{\"manager\":"
    "\"kubectl-create\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":\"2026-01-02T03:04:05Z\","
    "\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"
    "\"f:example.com/checksum\":{}},\"f:labels\":{\".\":{},\"f:app\":{},\"f:pod-template-hash\":{},"
    "\"f:release\":{},\"f:tier\":{}}},\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"web\\\"}\":{\".\":{"
    "},"
    "\"f:args\":{},\"f:env\":{\".\":{},\"k:{\\\"name\\\":\\\"MODE\\\"}\":{\".\":{},\"f:name\":{},\"f:value\":"
    "{}}},"
    "\"f:image\":{},\"f:imagePullPolicy\":{},\"f:name\":{},\"f:ports\":{\".\":{},"
    "\"k:{\\\"containerPort\\\":8080,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{},"
    "\"f:name\":{},\"f:protocol\":{}}},\"f:resources\":{}}},\"f:restartPolicy\":{}}}}]},\"spec\":{"
    "\"containers\":[{\"name\":\"web\",\"image\":\"localhost/web:1.2.3\",\"args\":[\"--listen=:8080\","
    "\"--log-level=info\",\"--root=/srv/www\"],\"env\":[{\"name\":\"MODE\",\"value\":\"production\"}],"
    "\"ports\":[{\"name\":\"http\",\"containerPort\":8080}],\"resources\":{\"requests\":{\"cpu\":\"100m\","
    "\"memory\":\"64Mi\"},\"limits\":{\"memory\":\"128Mi\"}},\"readinessProbe\":{\"httpGet\":{\"path\":"
    "\"/ready\",\"port\":\"http\"},\"periodSeconds\":5},\"volumeMounts\":[{\"name\":\"data\",\"mountPath\":"
    "\"/data\"}]}],\"volumes\":[{\"name\":\"data\",\"emptyDir\":{}}],\"tolerations\":[{\"key\":"
    "\"node.kubernetes.io/"
    "not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}"
    ",{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
    "\"tolerationSeconds\":300}]},\"status\":{\"phase\":\"Pending\",\"qosClass\":\"Burstable\"}}";

static const struct kind *pod_kind(void) {
    return &kinds[KIND_CORE_POD];
}

static double cpu_seconds(int who) {
    struct rusage u;
    check(getrusage(who, &u) == 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static double resident_mib(void) {
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long total, resident;
    check(f && fscanf(f, "%lu %lu", &total, &resident) == 2);
    (void)fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* -- writing -- */

static sem_t slots;

static void on_done(void *arg, int code, const struct object *object, const struct err *err) {
    (void)arg, (void)object;
    if (code)
        panic("%s", err->msg);
    (void)sem_post(&slots);
}

/* Reads a body as a request does, and queues it. Returns the seconds that cache_submit took. */
static double put_pod(struct cache *c, enum cache_op op, unsigned i) {
    char name[32], text[4096];
    int name_n = snprintf(name, sizeof name, "web-6d4cf56db6-%06u", i);
    int n = snprintf(text, sizeof text, pod_json, name);
    check(n > 0 && n < (int)sizeof text);
    struct arena a;
    arena_init_sized(&a, 8192);
    void *body = NULL;
    check(api_read_json(&a, &builtin, TY_CORE_POD, str_make(text, (size_t)n), NULL, &body, NULL) == 0);
    api_default(&a, &builtin, TY_CORE_POD, body, clock_system());
    struct cache_write w = {
        .op = op,
        .kind = pod_kind(),
        .ns = S("default"),
        .name = str_make(name, (size_t)name_n),
        .body = body,
        .arena = &a,
        .done = on_done,
    };
    while (sem_wait(&slots) < 0)
        continue;
    double start = bench_now();
    check(cache_submit(c, &w, NULL) == 0);
    return bench_now() - start;
}

static void put_pods(struct cache *c, enum cache_op op, unsigned n, const char *what) {
    char name[64];
    double submit = 0, start = bench_now(), cpu = cpu_seconds(RUSAGE_SELF);
    for (unsigned i = 0; i < n; i++)
        submit += put_pod(c, op, i);
    for (int i = 0; i < IN_FLIGHT; i++)
        while (sem_wait(&slots) < 0)
            continue;
    double seconds = bench_now() - start;
    cpu = cpu_seconds(RUSAGE_SELF) - cpu;
    for (int i = 0; i < IN_FLIGHT; i++)
        (void)sem_post(&slots);
    (void)snprintf(name, sizeof name, "cache_%s", what);
    bench_figure(name, n / seconds, "writes/s");
    (void)snprintf(name, sizeof name, "cache_%s_cpu", what);
    bench_figure(name, cpu / n * 1e6, "us/write");
    (void)snprintf(name, sizeof name, "cache_%s_submit", what);
    bench_figure(name, submit / n * 1e6, "us");
}

/* -- memory, and writes through sqlite -- */

static void remove_files(const char *folder) {
    static const char *const names[] = {"db", "db-wal", "db-shm", "db.acked"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void bench_sqlite(unsigned pods) {
    char folder[] = "bench_cache.XXXXXX", path[64];
    check(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/db", folder);
    struct err err = ERR_INIT;
    struct store *store;
    struct cache *c;
    if (store_sqlite_open(&(struct store_sqlite_options){.path = path}, &store, &err) < 0 ||
        cache_open(store, &c, &err) < 0)
        panic("%s", err.msg);
    double before = resident_mib();
    put_pods(c, CACHE_CREATE, pods, "create_sqlite");
    double mib = resident_mib() - before;
    struct cache_snapshot s;
    cache_snapshot(cache_of(c, pod_kind()), &s);
    const struct object *o = cow_first(&s.tree)->value;
    bench_figure("cache_pod_json", (double)object_form(o, FORM_JSON).n, "B");
    bench_figure("cache_pod_object", (double)object_memory_bytes(o), "B");
    cache_snapshot_fini(&s);
    bench_at_most("cache_memory", mib, "MiB", "1758", 200);
    bench_figure("cache_memory_per_pod", mib * (1 << 20) / pods, "B");
    put_pods(c, CACHE_UPDATE, pods / 3, "update_sqlite");
    cache_close(c);
    store_close(store);

    double start = bench_now();
    if (store_sqlite_open(&(struct store_sqlite_options){.path = path}, &store, &err) < 0)
        panic("%s", err.msg);
    double opened = bench_now();
    if (cache_open(store, &c, &err) < 0)
        panic("%s", err.msg);
    bench_figure("cache_store_open", (opened - start) * 1e3, "ms");
    bench_figure("cache_load", (bench_now() - opened) / pods * 1e6, "us/pod");
    cache_close(c);
    store_close(store);
    remove_files(folder);
}

/* -- snapshots -- */

static void bench_snapshots(struct cache *c) {
    struct cached *r = cache_of(c, pod_kind());
    const unsigned n = 2000000;
    double start = bench_now();
    for (unsigned i = 0; i < n; i++) {
        struct cache_snapshot s;
        cache_snapshot(r, &s);
        cache_snapshot_fini(&s);
    }
    bench_figure("cache_snapshot", (bench_now() - start) / n * 1e9, "ns");
    start = bench_now();
    for (unsigned i = 0; i < n; i++)
        object_unref(cache_get(r, S("default"), S("web-6d4cf56db6-001234")));
    bench_figure("cache_get", (bench_now() - start) / n * 1e9, "ns");
}

/* -- watchers -- */

static struct cache_watcher watchers[LOOPS][WATCHERS / LOOPS];
static struct loop *loops[LOOPS];
static struct cached *watched;
static char nodes[LOOPS][WATCHERS / LOOPS][16];
static bool by_node;
static uint64_t watch_from;
static atomic_ulong received;
static sem_t on_loop_done;

static void on_wake(struct cache_watcher *w) {
    struct cache_event e[32];
    uint64_t revision;
    int n;
    unsigned long seen = 0;
    while ((n = cache_next(w, e, 32, &revision)) > 0)
        for (int i = 0; i < n; i++, seen++)
            cache_event_fini(&e[i]);
    check(n == 0);
    atomic_fetch_add_explicit(&received, seen, memory_order_relaxed);
}

static void start_on_loop(void *arg) {
    size_t l = (size_t)arg;
    for (size_t i = 0; i < WATCHERS / LOOPS; i++) {
        struct cache_watcher *w = &watchers[l][i];
        *w = (struct cache_watcher){.loop = loops[l], .wake = on_wake};
        (void)snprintf(nodes[l][i], sizeof nodes[l][i], "node-%zu-%zu", l, i);
        if (by_node)
            w->node = str_from(nodes[l][i]);
        check(cache_watch(watched, w, watch_from, NULL) == 0);
    }
    (void)sem_post(&on_loop_done);
}

static void end_on_loop(void *arg) {
    size_t l = (size_t)arg;
    for (size_t i = 0; i < WATCHERS / LOOPS; i++)
        cache_unwatch(&watchers[l][i]);
    (void)sem_post(&on_loop_done);
}

static void on_loops(void (*fn)(void *arg)) {
    for (size_t l = 0; l < LOOPS; l++) {
        check(loop_call(loops[l], fn, (void *)l) == 0);
        while (sem_wait(&on_loop_done) < 0)
            continue;
    }
}

static void bench_fan_out(struct cache *c, bool nodes_only, unsigned writes, const char *what) {
    char name[64];
    by_node = nodes_only;
    watch_from = cache_revision(c);
    watched = cache_of(c, pod_kind());
    atomic_store(&received, 0);
    on_loops(start_on_loop);
    put_pods(c, CACHE_UPDATE, writes, what);
    double start = bench_now(), cpu = cpu_seconds(RUSAGE_SELF);
    for (unsigned i = 0; i < writes; i++) /* spread out, so that each is an event of its own for a watcher */
        (void)put_pod(c, CACHE_UPDATE, i);
    while (!nodes_only && atomic_load(&received) < 2ul * writes * WATCHERS)
        (void)usleep(1000);
    double seconds = bench_now() - start;
    cpu = cpu_seconds(RUSAGE_SELF) - cpu;
    (void)snprintf(name, sizeof name, "cache_%s_deliveries", what);
    if (!nodes_only)
        bench_figure(name, (double)writes * WATCHERS / seconds, "events/s");
    (void)snprintf(name, sizeof name, "cache_%s_cpu_per_event", what);
    bench_figure(name, cpu / writes * 1e6, "us");
    on_loops(end_on_loop);
}

int main(int argc, char **argv) {
    unsigned pods = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 30000;
    check(pods >= 3000);
    check(sem_init(&slots, 0, IN_FLIGHT) == 0 && sem_init(&on_loop_done, 0, 0) == 0);
    bench_sqlite(pods);

    struct err err = ERR_INIT;
    struct store *store = store_memory_new(false);
    struct cache *c;
    if (cache_open(store, &c, &err) < 0)
        panic("%s", err.msg);
    put_pods(c, CACHE_CREATE, pods, "create_memory");
    bench_snapshots(c);
    for (size_t l = 0; l < LOOPS; l++)
        check(loop_start(&(struct loop_options){.name = "watch"}, &loops[l], &err) == 0);
    bench_fan_out(c, false, 2000, "fan_out");
    bench_fan_out(c, true, 2000, "other_nodes");
    for (size_t l = 0; l < LOOPS; l++)
        loop_stop(loops[l]);
    cache_close(c);
    store_close(store);
    return 0;
}
