/* Benchmarks of the codecs over a list of pods as it goes over the wire.
 *
 *   build/release/test/bench/bench_codec [pods [rounds]]
 *
 * Speeds are in megabytes of the encoding per second, the best of some rounds. The peer for JSON is jansson,
 * which makes a tree of the same text, and text of the tree.
 */
#include <stdlib.h>

#include <jansson.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/pods.h"

static unsigned n_pods = 5000, rounds = 5;

/* Keeps the best of the rounds: starts with its time as infinity. */
static void best(double *seconds, double start) {
    double t = bench_now() - start;
    if (t < *seconds)
        *seconds = t;
}

static double speed(size_t bytes, double seconds) {
    return (double)bytes / 1e6 / seconds;
}

/* `goal` times the peer, rounded for print. */
static void against(const char *name, double value, double peer, double goal) {
    char text[32];
    snprintf(text, sizeof text, "%.0f", peer);
    bench_at_least(name, value, "MB/s", text, goal * peer);
}

/* --- JSON --- */

struct json_peer {
    double decode, encode; /* MB/s */
};

static struct json_peer bench_jansson(struct str text) {
    double loads = 1e9, dumps = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        double start = bench_now();
        json_t *tree = json_loadb(text.p, text.n, 0, NULL);
        best(&loads, start);
        check(tree);
        start = bench_now();
        char *out = json_dumps(tree, JSON_COMPACT);
        best(&dumps, start);
        check(out);
        free(out);
        json_decref(tree);
    }
    return (struct json_peer){speed(text.n, loads), speed(text.n, dumps)};
}

static void bench_read(const char *name, struct str text, bool borrow, double peer) {
    char figure[64];
    double seconds = 1e9, per_byte = 0;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct json_read_options options = {.borrow = borrow};
        void *list;
        double start = bench_now();
        check(api_read_json(&a, &builtin, TY_CORE_POD_LIST, text, &options, &list, NULL) == 0);
        best(&seconds, start);
        per_byte = (double)arena_total_bytes(&a) / (double)text.n;
    }
    against(name, speed(text.n, seconds), peer, 5);
    snprintf(figure, sizeof figure, "%s_memory", name);
    bench_at_most(figure, per_byte, "B/B", "-", 2.5);
}

static void bench_write(struct str text, double peer) {
    _cleanup_arena struct arena a = ARENA_INIT;
    void *list;
    check(api_read_json(&a, &builtin, TY_CORE_POD_LIST, text, NULL, &list, NULL) == 0);
    double seconds = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_buf struct buf out = BUF_INIT;
        double start = bench_now();
        api_write_json(&out, &builtin, TY_CORE_POD_LIST, list);
        best(&seconds, start);
        check(str_eq(buf_view(&out), text));
    }
    against("json_write", speed(text.n, seconds), peer, 5);
}

/* One pod at a time, as requests bring them: an arena and a buffer each. */
static void bench_singles(void) {
    double reads = 1e9, writes = 1e9, per_byte = 0;
    size_t bytes = 0;
    for (unsigned round = 0; round < rounds; round++) {
        double read = 0, write = 0, memory = 0;
        bytes = 0;
        for (unsigned i = 0; i < n_pods; i++) {
            _cleanup_arena struct arena a = ARENA_INIT;
            _cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT;
            void *pod;
            pods_write_one(&text, i);
            double start = bench_now();
            arena_init_sized(&a, text.n * 3 / 2);
            check(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&text), NULL, &pod, NULL) == 0);
            read += bench_now() - start;
            start = bench_now();
            api_write_json(&out, &builtin, TY_CORE_POD, pod);
            write += bench_now() - start;
            check(str_eq(buf_view(&out), buf_view(&text)));
            bytes += text.n;
            memory += (double)arena_total_bytes(&a);
        }
        reads = read < reads ? read : reads;
        writes = write < writes ? write : writes;
        per_byte = memory / (double)bytes;
    }
    bench_figure("json_read_single", speed(bytes, reads), "MB/s");
    bench_figure("json_read_single_memory", per_byte, "B/B");
    bench_figure("json_write_single", speed(bytes, writes), "MB/s");
}

static void bench_tree(struct str text, const struct json_peer *peer) {
    double parse = 1e9, print = 1e9, per_byte = 0;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf out = BUF_INIT;
        struct jval tree;
        double start = bench_now();
        check(json_parse(&a, text, NULL, NULL, &tree, NULL) == 0);
        best(&parse, start);
        start = bench_now();
        json_write(&out, &tree);
        best(&print, start);
        check(out.n == text.n);
        per_byte = (double)arena_total_bytes(&a) / (double)text.n;
    }
    against("json_tree_parse", speed(text.n, parse), peer->decode, 3);
    bench_at_most("json_tree_memory", per_byte, "B/B", "-", 4);
    against("json_tree_write", speed(text.n, print), peer->encode, 3);
}

static void bench_copy(struct str text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    void *list;
    check(api_read_json(&a, &builtin, TY_CORE_POD_LIST, text, NULL, &list, NULL) == 0);
    double copy = 1e9, to = 1e9, from = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_arena struct arena b = ARENA_INIT, c = ARENA_INIT;
        double start = bench_now();
        check(api_equal(&builtin, TY_CORE_POD_LIST, api_copy(&b, &builtin, TY_CORE_POD_LIST, list), list));
        best(&copy, start);
        start = bench_now();
        struct jval tree = api_to_tree(&c, &builtin, TY_CORE_POD_LIST, list);
        best(&to, start);
        void *back;
        start = bench_now();
        check(api_from_tree(&b, &builtin, TY_CORE_POD_LIST, &tree, NULL, &back, NULL) == 0);
        best(&from, start);
    }
    bench_figure("copy_and_compare", speed(text.n, copy), "MB/s");
    bench_figure("json_to_tree", speed(text.n, to), "MB/s");
    bench_figure("json_from_tree", speed(text.n, from), "MB/s");
}

static void bench_json(void) {
    _cleanup_buf struct buf text = BUF_INIT;
    pods_write_list(&text, n_pods);
    bench_figure("json_pod", (double)text.n / n_pods, "bytes");
    struct json_peer peer = bench_jansson(buf_view(&text));
    bench_read("json_read", buf_view(&text), false, peer.decode);
    bench_read("json_read_borrow", buf_view(&text), true, peer.decode);
    bench_write(buf_view(&text), peer.encode);
    bench_singles();
    bench_tree(buf_view(&text), &peer);
    bench_copy(buf_view(&text));
}

/* --- protobuf --- */

static double json_read_seconds(struct str text) {
    double seconds = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        void *list;
        double start = bench_now();
        check(api_read_json(&a, &builtin, TY_CORE_POD_LIST, text, NULL, &list, NULL) == 0);
        best(&seconds, start);
    }
    return seconds;
}

static double json_write_seconds(const void *list) {
    double seconds = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_buf struct buf out = BUF_INIT;
        double start = bench_now();
        api_write_json(&out, &builtin, TY_CORE_POD_LIST, list);
        best(&seconds, start);
    }
    return seconds;
}

/* Also how many times as fast as JSON the same objects are. */
static void bench_proto_read(const char *name, struct str bytes, bool borrow, double json_seconds) {
    char figure[64];
    double seconds = 1e9, per_byte = 0;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        void *list;
        double start = bench_now();
        check(api_read_proto(&a, &builtin, TY_CORE_POD_LIST, bytes, borrow, &list, NULL) == 0);
        best(&seconds, start);
        per_byte = (double)arena_total_bytes(&a) / (double)bytes.n;
    }
    bench_figure(name, speed(bytes.n, seconds), "MB/s");
    snprintf(figure, sizeof figure, "%s_memory", name);
    bench_figure(figure, per_byte, "B/B");
    snprintf(figure, sizeof figure, "%s_speedup", name);
    bench_at_least(figure, json_seconds / seconds, "x", "-", 2);
}

static void bench_proto_write(const void *list, struct str bytes) {
    double seconds = 1e9, sizes = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        _cleanup_buf struct buf out = BUF_INIT;
        double start = bench_now();
        api_write_proto(&out, &builtin, TY_CORE_POD_LIST, list);
        best(&seconds, start);
        check(str_eq(buf_view(&out), bytes));
        start = bench_now();
        check(api_proto_size(&builtin, TY_CORE_POD_LIST, list) == bytes.n);
        best(&sizes, start);
    }
    bench_figure("proto_write", speed(bytes.n, seconds), "MB/s");
    bench_at_least("proto_write_speedup", json_write_seconds(list) / seconds, "x", "-", 2);
    bench_figure("proto_size", speed(bytes.n, sizes), "MB/s");
}

static void bench_proto(void) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, bytes = BUF_INIT;
    void *list;
    pods_write_list(&text, n_pods);
    check(api_read_json(&a, &builtin, TY_CORE_POD_LIST, buf_view(&text), NULL, &list, NULL) == 0);
    api_write_proto(&bytes, &builtin, TY_CORE_POD_LIST, list);
    bench_figure("proto_pod", (double)bytes.n / n_pods, "bytes");
    double json_seconds = json_read_seconds(buf_view(&text));
    bench_proto_read("proto_read", buf_view(&bytes), false, json_seconds);
    bench_proto_read("proto_read_borrow", buf_view(&bytes), true, json_seconds);
    bench_proto_write(list, buf_view(&bytes));
}

int main(int argc, char **argv) {
    if (argc > 1)
        n_pods = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
    bench_json();
    bench_proto();
    return 0;
}
