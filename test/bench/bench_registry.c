/* Benchmarks of the registry: requests as the door hands them over, without HTTP: JSON in, a frozen object
 * out.
 *
 *   build/release/test/bench/bench_registry [pods]
 *
 * 100 requests are in flight. Figures per request are of the whole process: the store's part is in them.
 */
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apiserver/admission.h"
#include "apiserver/cache.h"
#include "apiserver/list.h"
#include "apiserver/registry.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/rand.h"
#include "bench/bench.h"
#include "store/store.h"

#define IN_FLIGHT 100
#define NAMES "web-6d4cf56db6-%06u"
#define MAPS "/api/v1/namespaces/default/configmaps"
#define PODS "/api/v1/namespaces/default/pods"

static const char pod_json[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" NAMES
    "\",\"namespace\":\"default\",\"labels\":"
    "{\"app\":\"web\",\"tier\":\"front\",\"release\":\"stable\",\"pod-template-hash\":\"6d4cf56db6\"},"
    "\"annotations\":"
    "{\"example.com/"
    "checksum\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}},\"spec\":{"
    "\"containers\":[{\"name\":\"web\",\"image\":\"localhost/web:1.2.3\",\"args\":[\"--listen=:8080\","
    "\"--log-level=info\",\"--root=/srv/"
    "www\"],\"env\":[{\"name\":\"MODE\",\"value\":\"production\"}],\"ports\":[{"
    "\"name\":\"http\",\"containerPort\":8080}],\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":"
    "\"64Mi\"},"
    "\"limits\":{\"memory\":\"128Mi\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/"
    "ready\",\"port\":\"http\"},"
    "\"periodSeconds\":5},\"volumeMounts\":[{\"name\":\"data\",\"mountPath\":\"/"
    "data\"}]}],\"volumes\":[{\"name\":"
    "\"data\",\"emptyDir\":{}}]}}";
static const char map_json[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" NAMES
                               "\",\"namespace\":\"default\",\"labels\":"
                               "{\"app\":\"web\"}},\"data\":{\"config\":"
                               "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                               "0123456789abcdef0123456789abcdef%u\"}}";
static const char changed_json[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" NAMES
    "\",\"namespace\":\"default\",\"labels\":{\"app\":\"web\"}},\"data\":{\"config\":\"changed %u\"}}";
static const char status_json[] =
    "{\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\",\"hostIP\":\"10.1.0.%u\","
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":"
    "\"2026-01-01T00:00:00Z\"}]}}";

static struct apiserver server;
static struct loop *loop;
static sem_t slots;

static double cpu_seconds(void) {
    struct rusage u;
    check(getrusage(RUSAGE_SELF, &u) == 0);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

/* -- one request -- */

struct request {
    struct arena arena;
    struct call call;
};

static void on_done(struct call *c) {
    struct request *q = c->door;
    if (c->http_code >= 400)
        panic("%.*s", STR_ARG(c->status->body.message));
    call_fini(c);
    arena_fini(&q->arena);
    free(q);
    (void)sem_post(&slots);
}

static struct request *request_new(enum http_verb method, const char *path, const char *query) {
    static struct str masters[] = {STR_INIT("system:masters")};
    struct request *q = calloc(1, sizeof *q);
    struct err err = ERR_INIT;
    if (!q)
        panic("out of memory");
    arena_init_sized(&q->arena, 16384);
    q->call = (struct call){
        .server = &server,
        .arena = &q->arena,
        .loop = loop,
        .user = {.name = S("admin"), .groups = {masters, 1}},
        .user_agent = S("bench/1"),
        .done = on_done,
        .door = q,
    };
    request_info_parse(&q->arena, method, arena_str(&q->arena, str_from(path)), str_from(query),
                       &q->call.info);
    q->call.info.access.user = &q->call.user;
    check(request_options_parse(&q->arena, str_from(query), &q->call.options, &err) == 0);
    return q;
}

/* -- many -- */

struct load {
    const char *what;
    enum http_verb method;
    enum media_type media;
    const char *path;   /* with the number, or without */
    const char *format; /* of the body; takes the number twice */
    unsigned n;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void send(const struct load *l, unsigned i) {
    char path[256];
    (void)snprintf(path, sizeof path, l->path, i);
    struct request *q = request_new(l->method, path, "");
    q->call.media = l->media;
    if (l->format)
        q->call.body = arena_printf(&q->arena, l->format, i, i);
    registry_run(&q->call);
}
#pragma GCC diagnostic pop

static void wait_slot(void) {
    while (sem_wait(&slots) < 0)
        continue;
}

static void run(const char *store, const struct load *l, unsigned names) {
    char name[64];
    double start = bench_now(), cpu = cpu_seconds();
    for (unsigned i = 0; i < l->n; i++) {
        wait_slot();
        send(l, i % names);
    }
    for (int i = 0; i < IN_FLIGHT; i++)
        wait_slot();
    double seconds = bench_now() - start;
    cpu = cpu_seconds() - cpu;
    for (int i = 0; i < IN_FLIGHT; i++)
        (void)sem_post(&slots);
    (void)snprintf(name, sizeof name, "registry_%s_%s", l->what, store);
    bench_figure(name, l->n / seconds, "requests/s");
    (void)snprintf(name, sizeof name, "registry_%s_%s_cpu", l->what, store);
    bench_figure(name, cpu / l->n * 1e6, "us/request");
}

static void run_lists(const char *store, unsigned n) {
    char name[64];
    size_t items = 0;
    double start = bench_now();
    for (unsigned i = 0; i < n; i++) {
        struct request *q = request_new(HTTP_VERB_GET, PODS, "");
        struct list_result r;
        struct status *failure;
        check(list_run(&q->call, &r, &failure) == 0);
        items += r.n;
        arena_fini(&q->arena);
        free(q);
    }
    (void)snprintf(name, sizeof name, "registry_list_%s", store);
    bench_figure(name, (bench_now() - start) / (double)items * 1e9, "ns/item");
}

static void run_all(const char *store, unsigned n) {
    const struct load loads[] = {
        {"create_map", HTTP_VERB_POST, MEDIA_JSON, MAPS, map_json, n},
        {"create_pod", HTTP_VERB_POST, MEDIA_JSON, PODS, pod_json, n},
        {"get_pod", HTTP_VERB_GET, MEDIA_JSON, PODS "/" NAMES, NULL, n * 10},
        {"update_map", HTTP_VERB_PUT, MEDIA_JSON, MAPS "/" NAMES, changed_json, n},
        {"update_map_noop", HTTP_VERB_PUT, MEDIA_JSON, MAPS "/" NAMES, changed_json, n},
        {"patch_map", HTTP_VERB_PATCH, MEDIA_PATCH_MERGE, MAPS "/" NAMES, "{\"data\":{\"more\":\"%u\"}}", n},
        {"patch_pod_status", HTTP_VERB_PATCH, MEDIA_PATCH_STRATEGIC, PODS "/" NAMES "/status", status_json,
         n},
        {"delete_map", HTTP_VERB_DELETE, MEDIA_JSON, MAPS "/" NAMES, NULL, n},
    };
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        run(store, &loads[i], n);
        if (i == 2)
            run_lists(store, 20);
    }
}

static void with_store(const char *name, struct store *store, unsigned n) {
    struct err err = ERR_INIT;
    server = (struct apiserver){.store = store, .clock = clock_system(), .rand = rand_system()};
    if (cache_open(store, &server.cache, &err) < 0 ||
        loop_start(&(struct loop_options){.name = "calls"}, &loop, &err) < 0)
        panic("%s", err.msg);
    run_all(name, n);
    loop_stop(loop);
    cache_close(server.cache);
    store_close(store);
}

static void remove_files(const char *folder) {
    static const char *const names[] = {"db", "db-wal", "db-shm", "db.acked"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(int argc, char **argv) {
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    char folder[] = "bench_registry.XXXXXX", path[64];
    struct store *sqlite;
    struct err err = ERR_INIT;
    check(sem_init(&slots, 0, IN_FLIGHT) == 0);
    with_store("memory", store_memory_new(false), n);
    check(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/db", folder);
    if (store_sqlite_open(&(struct store_sqlite_options){.path = path}, &sqlite, &err) < 0)
        panic("%s", err.msg);
    with_store("sqlite", sqlite, n);
    remove_files(folder);
    return 0;
}
