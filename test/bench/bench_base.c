/* Benchmarks of the small things in base/ that hot paths call: a figure each, in nanoseconds per call.
 *
 *   build/release/test/bench/bench_base
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/cell.h"
#include "base/chan.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "base/thread.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "bench/bench.h"

#define ROUNDS 1000000

static volatile uint64_t sink;

/* Prints the time of one round of the statement. */
#define MEASURE(name, goal_ns, statement)                                                                    \
    do {                                                                                                     \
        double start_ = bench_now();                                                                         \
        for (size_t i_ = 0; i_ < ROUNDS; i_++) {                                                             \
            statement;                                                                                       \
        }                                                                                                    \
        bench_at_most((name), (bench_now() - start_) / ROUNDS * 1e9, "ns", "-", (goal_ns));                  \
    } while (0)

static void bench_metrics(void) {
    struct metrics *m = metrics_new();
    static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    struct counter_vec *v =
        metrics_counter(m, &(struct metric_desc){.name = "c", .help = "h", .labels = {"verb", "code"}});
    struct counter *c = counter_with(v, S("GET"), S("200"));
    struct histogram *h = histogram_only(metrics_histogram(
        m, &(struct metric_desc){.name = "h", .help = "h", .buckets = bounds, .n_buckets = 11}));
    MEASURE("metrics_counter_inc", 20, counter_inc(c));
    MEASURE("metrics_histogram_observe", 50, histogram_observe(h, (double)(i_ % 100) / 20));
    MEASURE("metrics_series_lookup", 200, counter_inc(counter_with(v, S("GET"), S("200"))));
    metrics_free(m);
}

static void thing_free(struct shared *s) {
    free(s);
}

static void bench_cell(void) {
    struct shared *s = malloc(sizeof *s);
    check(s);
    shared_init(s, thing_free);
    struct cell c;
    cell_init(&c, s);
    MEASURE("cell_get_and_drop", 60, shared_unref(cell_get(&c)));
    cell_fini(&c);
}

static void drop_line(void *arg, struct str line) {
    (void)arg;
    sink = line.n;
}

static void bench_log(void) {
    log_setup(&(struct log_options){.sink = drop_line});
    MEASURE("log_text_line", 2000,
            log_info("pod started", kv_ref("pod", S("default"), S("web-0")), kv("restarts", 3),
                     kv_duration("took", 1500000000)));
    log_setup(&(struct log_options){.sink = drop_line, .format = LOG_JSON});
    MEASURE("log_json_line", 2000,
            log_info("pod started", kv_ref("pod", S("default"), S("web-0")), kv("restarts", 3),
                     kv_duration("took", 1500000000)));
    MEASURE("log_disabled", 5, log_v(9, "detail", kv("n", 1)));
    log_setup(NULL);
}

static void bench_text(void) {
    char text[TIME_TEXT_SIZE], uuid[RAND_UUID_SIZE], hex[SHA256_HEX_SIZE];
    int64_t sec;
    int32_t nsec;
    MEASURE("time_format", 60, sink = time_format(text, (int64_t)(1700000000 + i_), 0, TIME_SECONDS));
    MEASURE("time_parse", 100, sink = time_parse(S("2006-01-02T15:04:05Z"), TIME_SECONDS, &sec, &nsec));
    MEASURE("duration_format", 60, sink = duration_format(text, (int64_t)i_ * 1234567));
    MEASURE("rand_uuid", 300, rand_uuid(rand_system(), uuid));
    MEASURE("sha256_hex_short", 600, sha256_hex(S("short text"), hex));
}

/* From one thread to a loop, as fast as it goes. */
struct burst {
    struct loop *loop;
    struct waiter done;
    uint64_t ran;
};

static void on_burst(void *arg) {
    struct burst *b = arg;
    if (++b->ran == ROUNDS)
        waiter_signal(&b->done);
}

static void bench_loop(void) {
    struct burst b = {.ran = 0};
    waiter_init(&b.done, NULL);
    check(loop_start(&(struct loop_options){.name = "bench"}, &b.loop, NULL) == 0);
    double start = bench_now();
    for (size_t i = 0; i < ROUNDS; i++)
        check(loop_call(b.loop, on_burst, &b) == 0);
    waiter_wait(&b.done);
    bench_at_most("loop_call", (bench_now() - start) / ROUNDS * 1e9, "ns", "-", 300);
    loop_stop(b.loop);
    waiter_fini(&b.done);
}

static void drain(void *arg) {
    uint64_t v[64];
    size_t n;
    while (chan_recv_many(arg, v, 64, &n) == 0)
        sink = v[0];
}

static void bench_chan(void) {
    struct chan c;
    struct thread t;
    chan_init(&c, sizeof(uint64_t), 1024);
    check(thread_start(&t, &(struct thread_options){.name = "drain"}, drain, &c, NULL) == 0);
    double start = bench_now();
    for (uint64_t i = 0; i < ROUNDS; i++)
        check(chan_send(&c, &i) == 0);
    chan_close(&c);
    thread_join(&t);
    bench_at_most("chan_send_and_receive", (bench_now() - start) / ROUNDS * 1e9, "ns", "-", 500);
    chan_fini(&c);
}

int main(void) {
    bench_metrics();
    bench_cell();
    bench_log();
    bench_text();
    bench_loop();
    bench_chan();
    return 0;
}
