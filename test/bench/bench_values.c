/* Benchmarks of the values of the API that hot paths read, print and match: a figure each, in nanoseconds per
 * call.
 *
 *   build/release/test/bench/bench_values
 */
#include "api/ip.h"
#include "api/label_selector.h"
#include "api/name.h"
#include "api/quantity.h"
#include "api/types/meta.h"
#include "base/arena.h"
#include "base/err.h"
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

static void bench_quantity(void) {
    static const struct str texts[] = {STR_INIT("250m"), STR_INIT("64Mi"), STR_INIT("2"), STR_INIT("1.5Gi")};
    struct quantity q[4], sum = {0};
    char out[QUANTITY_TEXT_MAX];
    MEASURE("quantity_parse", 60, sink += (uint64_t)quantity_parse(texts[i_ % 4], &q[i_ % 4], NULL));
    MEASURE("quantity_format", 60, sink += quantity_format(&q[i_ % 4], out));
    MEASURE("quantity_add", 20, quantity_add(&sum, &q[1]));
    MEASURE("quantity_cmp", 5, sink += (uint64_t)quantity_cmp(&q[i_ % 4], &sum));
}

static struct str_entry pod_labels[] = {
    {STR_INIT("app"), STR_INIT("web")},
    {STR_INIT("app.kubernetes.io/component"), STR_INIT("frontend")},
    {STR_INIT("app.kubernetes.io/managed-by"), STR_INIT("helm")},
    {STR_INIT("app.kubernetes.io/name"), STR_INIT("shop")},
    {STR_INIT("pod-template-hash"), STR_INIT("5c9f7d8b6d")},
    {STR_INIT("tier"), STR_INIT("a")},
};
static const struct str_map labels = {pod_labels, sizeof pod_labels / sizeof *pod_labels};

static void bench_selectors(void) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector one, three;
    check(label_selector_parse(&a, S("app=web"), &one, NULL) == 0);
    check(label_selector_parse(&a, S("app=web,tier in (a,b,c),!canary"), &three, NULL) == 0);
    struct str_map map = {pod_labels, 2};
    struct meta_label_selector from = {.match_labels = map};
    MEASURE("label_match_equals", 15, sink += label_selector_matches(&one, labels));
    MEASURE("label_match_three", 60, sink += label_selector_matches(&three, labels));
    MEASURE("label_match_struct", 40, sink += label_selector_struct_matches(&from, labels));
    MEASURE("label_match_map", 40, sink += label_map_matches(map, labels));
    _cleanup_arena struct arena scratch = ARENA_INIT;
    MEASURE("label_parse_three", 1500, {
        struct label_selector s;
        sink += (uint64_t)label_selector_parse(&scratch, S("app=web,tier in (a,b,c),!canary"), &s, NULL);
        arena_reset(&scratch);
    });
}

static void bench_names(void) {
    char out[IP_TEXT_MAX];
    struct ip ip;
    MEASURE("name_check_label", 60,
            sink += (uint64_t)name_check_dns1123_label(S("web-5c9f7d8b6d-x7k2p"), NULL));
    MEASURE("name_check_key", 120,
            sink += (uint64_t)name_check_qualified(S("app.kubernetes.io/managed-by"), NULL));
    MEASURE("ip_parse", 60, sink += ip_parse(S("10.244.17.203"), IP_STRICT, &ip));
    MEASURE("ip_format", 60, sink += ip_format(ip, out));
}

int main(void) {
    bench_quantity();
    bench_selectors();
    bench_names();
    return 0;
}
