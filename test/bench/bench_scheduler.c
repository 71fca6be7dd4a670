/* Benchmarks of the scheduler: pods bound per second, API server and memory store in the same process.
 *
 *   build/release/test/bench/bench_scheduler [pods]
 *
 * The pods wait already when the scheduler starts; the time runs from its start to the last binding.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/ids.h"
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

static void must(int rc, const struct err *err) {
    if (rc)
        panic("%s", err->msg);
}

static void create(struct client *c, const struct kind *k, const char *ns, const void *body) {
    struct err err = ERR_INIT;
    must(client_create(c, k, str_from(ns), body, NULL, &err), &err);
}

static void create_node(struct client *c, struct arena *a, unsigned i) {
    struct quantity_entry v[] = {
        {S("cpu"), quantity_from_int(32, QUANTITY_DECIMAL_SI)},
        {S("memory"), quantity_from_int(INT64_C(64) << 30, QUANTITY_BINARY_SI)},
        {S("pods"), quantity_from_int(110, QUANTITY_DECIMAL_SI)},
    };
    struct core_node n = {.metadata = {.name = arena_printf(a, "node-%u", i)},
                          .status = {.capacity = {v, 3}, .allocatable = {v, 3}}};
    create(c, KIND(CORE_NODE), "", &n);
}

static void create_pod(struct client *c, struct arena *a, unsigned i) {
    struct quantity_entry v[] = {{S("cpu"), quantity_from_milli(100, QUANTITY_DECIMAL_SI)}};
    struct core_toleration any = {.operator= S("Exists")}; /* new nodes are not ready */
    struct core_container container = {
        .name = S("c"), .image = S("localhost/web:1"), .resources = {.requests = {v, 1}}};
    struct core_pod p = {.metadata = {.name = arena_printf(a, "pod-%u", i), .namespace = S("default")},
                         .spec = {.containers = {&container, 1}, .tolerations = {&any, 1}}};
    create(c, KIND(CORE_POD), "default", &p);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static double measure(unsigned nodes, unsigned pods) {
    char dir[] = "/tmp/bench_scheduler.XXXXXX";
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct apiserver *server;
    struct client *client;
    struct loop *loop;
    struct scheduler *s;
    struct str group = S("system:masters");
    struct user admin = {.name = S("admin"), .groups = {&group, 1}};
    if (!mkdtemp(dir))
        panic("no directory");
    struct apiserver_options so = {.data_dir = dir, .memory_store = true, .no_door = true};
    must(apiserver_start(&so, &server, &err), &err);
    must(loop_start(&(struct loop_options){.name = "bench"}, &loop, &err), &err);
    must(client_local_new(server, &admin, loop, &client, &err), &err);
    create(client, KIND(CORE_SERVICE_ACCOUNT), "default",
           &(struct core_service_account){.metadata = {.name = S("default"), .namespace = S("default")}});
    for (unsigned i = 0; i < nodes; i++)
        create_node(client, &a, i);
    for (unsigned i = 0; i < pods; i++)
        create_pod(client, &a, i);
    double start = bench_now();
    must(scheduler_start(&(struct scheduler_options){.client = client}, &s, &err), &err);
    while (scheduler_bound(s) < pods && bench_now() - start < 60)
        clock_sleep_ns(clock_system(), NS_PER_MS);
    double rate = (double)scheduler_bound(s) / (bench_now() - start);
    scheduler_stop(s);
    client_free(client);
    apiserver_stop(server, 0);
    loop_stop(loop);
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return rate;
}

int main(int argc, char **argv) {
    unsigned pods = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
    log_setup(&(struct log_options){.least = LOG_FATAL});
    bool ok = bench_at_least("scheduler_100_nodes", measure(100, pods), "pods/s", "405", 4050);
    ok &= bench_at_least("scheduler_1000_nodes", measure(1000, pods), "pods/s", "245", 2450);
    return ok ? 0 : 1;
}
