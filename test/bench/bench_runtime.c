/* What a real container runtime takes by itself: a call, a sandbox, a container. Runs inside
 * test/e2e/private.sh. */
#include <stdlib.h>

#include "bench/bench.h"
#include "e2e/runtime/node.h"

#define CALLS 2000
#define PODS 20

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, double *seconds, size_t n, double scale, const char *unit) {
    char label[64];
    qsort(seconds, n, sizeof *seconds, by_value);
    snprintf(label, sizeof label, "%s_p50", name);
    bench_figure(label, seconds[n / 2] * scale, unit);
    snprintf(label, sizeof label, "%s_p99", name);
    bench_figure(label, seconds[n - 1 - n / 100] * scale, unit);
}

static void bench_calls(struct node *n) {
    static double took[CALLS];
    double sum = 0;
    for (int i = 0; i < CALLS; i++) {
        struct arena a = ARENA_INIT;
        double start = bench_now();
        struct runtime_call call = {.arena = &a};
        check(runtime_version(n->runtime, &call, &(struct cri_version_request){0}, NULL, &n->err) == 0);
        took[i] = bench_now() - start;
        sum += took[i];
        arena_fini(&a);
    }
    bench_at_most("runtime_call", sum / CALLS * 1e6, "us", "-", 300);
    print("runtime_call", took, CALLS, 1e6, "us");
}

static void bench_pods(struct node *n) {
    double sandbox[PODS], container[PODS], both[PODS];
    for (int i = 0; i < PODS; i++) {
        char name[16];
        struct cri_pod_sandbox_config *config;
        snprintf(name, sizeof name, "p%d", i);
        double start = bench_now();
        struct str id = node_run_sandbox(n, name, &config);
        double between = bench_now();
        node_run_container(n, id, config, name, "exec sleep 1000");
        both[i] = bench_now() - start;
        sandbox[i] = between - start;
        container[i] = both[i] - sandbox[i];
        node_remove_sandbox(n, id);
    }
    print("runtime_sandbox_start", sandbox, PODS, 1e3, "ms");
    print("runtime_container_start", container, PODS, 1e3, "ms");
    print("runtime_pod_start", both, PODS, 1e3, "ms");
}

int main(void) {
    struct node n;
    double start = bench_now();
    node_start(&n, "bench");
    bench_figure("runtime_containerd_start", (bench_now() - start) * 1e3, "ms");
    bench_calls(&n);
    bench_pods(&n);
    node_stop(&n);
    return 0;
}
