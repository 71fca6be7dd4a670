/* Benchmarks of the client library: keys through a reconciler, latency from a change to a listener, and
 * memory of watched objects.
 *
 *   build/release/test/bench/bench_client [pods]
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/proto.h"
#include "api/types/core.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/workers.h"
#include "bench/bench.h"
#include "bench/pods.h"
#include "client/mirror.h"
#include "client/reconciler.h"
#include "client/remote_priv.h"
#include "unit/client/fake_client.h"

static void must(int rc, const struct err *err) {
    if (rc)
        panic("%s", err->msg);
}

/* -- reconciler -- */

#define KEYS 200000

static atomic_int runs;

static int count_run(struct reconcile *r, struct str key, struct err *err) {
    (void)r;
    (void)key;
    (void)err;
    atomic_fetch_add_explicit(&runs, 1, memory_order_relaxed);
    return 0;
}

static void bench_reconciler(struct fake *f, struct loop *loop) {
    struct workers *workers;
    struct reconciler *rc;
    struct err err = ERR_INIT;
    char key[32];
    must(workers_start(&(struct workers_options){.threads = 2, .queue_max = 64}, &workers, &err), &err);
    struct reconciler_options o = {.name = "bench",
                                   .client = fake_client(f),
                                   .loop = loop,
                                   .workers = workers,
                                   .concurrency = 2,
                                   .reconcile = count_run};
    must(reconciler_start(&o, &rc, &err), &err);
    double from = bench_now();
    for (int i = 0; i < KEYS; i++) {
        int n = snprintf(key, sizeof key, "default/web-%d", i);
        reconciler_enqueue(rc, str_make(key, (size_t)n));
    }
    while (atomic_load(&runs) < KEYS)
        (void)usleep(100);
    (void)bench_at_least("client.reconciler", KEYS / (bench_now() - from), "keys/s", "-", 200000);
    reconciler_stop(rc);
    workers_stop(workers);
}

/* -- informer -- */

#define EVENTS 2000

struct ear {
    struct informer_listener listener;
    struct informer *informer;
    struct waiter heard;
};

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    (void)e;
    waiter_signal(&((struct ear *)l)->heard);
}

static void listen_there(void *arg) {
    struct ear *e = arg;
    informer_listen(e->informer, &e->listener);
}

static void unlisten_there(void *arg) {
    struct ear *e = arg;
    informer_unlisten(e->informer, &e->listener);
    waiter_signal(&e->heard);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From before the change until the listener has run: two threads between. */
static void bench_latency(struct fake *f, struct loop *loop) {
    static double took[EVENTS];
    struct ear e = {.listener = {.loop = loop, .on_event = on_event}};
    struct err err = ERR_INIT;
    must(informer_get(fake_client(f), &(struct informer_options){.kind = KIND(CORE_CONFIG_MAP)}, &e.informer,
                      &err),
         &err);
    must(informer_wait_synced(e.informer, INT64_C(10000000000), &err), &err);
    waiter_init(&e.heard, NULL);
    must(loop_call(loop, listen_there, &e), &err);
    for (int i = 0; i < EVENTS; i++) {
        char json[128];
        (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"m%d\",\"namespace\":\"default\"}}", i);
        double from = bench_now();
        fake_put(f, KIND(CORE_CONFIG_MAP), json);
        waiter_wait(&e.heard);
        took[i] = bench_now() - from;
        waiter_fini(&e.heard);
        waiter_init(&e.heard, NULL);
    }
    must(loop_call(loop, unlisten_there, &e), &err);
    waiter_wait(&e.heard);
    waiter_fini(&e.heard);
    informer_unref(e.informer);
    qsort(took, EVENTS, sizeof *took, by_value);
    bench_figure("client.event_latency_p50", took[EVENTS / 2] * 1e6, "us");
    (void)bench_at_most("client.event_latency_p99", took[EVENTS * 99 / 100] * 1e6, "us", "-", 1000);
}

/* -- memory -- */

static double resident_bytes(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        panic("no /proc/self/statm");
    (void)fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* A mirror of pods as a watch brings them: protobuf, one after the other. */
static void bench_memory(int pods) {
    const struct kind *k = KIND(CORE_POD);
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf bytes = BUF_INIT;
    void *body;
    _cleanup_buf struct buf text = BUF_INIT;
    pods_write_one(&text, 0);
    must(api_read_json(&a, k->set, k->type, buf_view(&text), NULL, &body, &err), &err);
    struct core_pod *p = body;
    struct mirror *m = mirror_new(k, 0);
    double from = bench_now(), before = resident_bytes();
    size_t total = 0;
    for (int i = 0; i < pods; i++) {
        char name[32], rv[32];
        struct mirror_item item;
        p->metadata.name = str_make(name, (size_t)snprintf(name, sizeof name, "web-%d", i));
        p->metadata.resource_version = str_make(rv, (size_t)snprintf(rv, sizeof rv, "%d", i + 1));
        buf_clear(&bytes);
        api_write_envelope(&bytes, k->set, k->type, p, S("v1"), S("Pod"));
        total += bytes.n;
        must(remote_read_object(k, true, true, buf_view(&bytes), &item, &err), &err);
        mirror_put(m, &item);
    }
    double seconds = bench_now() - from, grown = resident_bytes() - before;
    bench_figure("client.pod_on_the_wire", (double)total / pods, "B");
    (void)bench_at_most("client.pod_in_memory", grown / pods, "B", "-", 2.5 * (double)total / pods);
    bench_figure("client.pods_taken_in", pods / seconds, "pods/s");
    mirror_free(m);
    buf_fini(&bytes);
    arena_fini(&a);
}

int main(int argc, char **argv) {
    int64_t pods = 20000;
    if (argc > 1 && !str_to_i64(str_from(argv[1]), &pods))
        return 2;
    bench_memory((int)pods);
    struct fake *f = fake_new(NULL);
    struct loop *loop;
    struct err err = ERR_INIT;
    must(loop_start(&(struct loop_options){.name = "bench"}, &loop, &err), &err);
    bench_reconciler(f, loop);
    bench_latency(f, loop);
    loop_stop(loop);
    fake_free(f);
    return 0;
}
