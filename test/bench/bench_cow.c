/* Benchmarks of base/cow and base/map at a million keys of some forty bytes, as a busy cluster's cache holds
 * them.
 *
 *   build/release/test/bench/bench_cow [keys]
 */
#include <stdlib.h>

#include "base/cow.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/rand.h"
#include "bench/bench.h"

/* A value as the cache has it: counted, its key inside. */
struct object {
    _Atomic(int) refs;
    uint32_t key_len;
    char key[56];
    char body[192];
};

static void retain(void *value) {
    (void)__atomic_fetch_add((int *)&((struct object *)value)->refs, 1, __ATOMIC_RELAXED);
}

static void release(void *value) {
    (void)__atomic_fetch_sub((int *)&((struct object *)value)->refs, 1, __ATOMIC_ACQ_REL);
}

static const struct cow_ops ops = {.retain = retain, .release = release};

/* Objects lie in memory in the order in which they are inserted, as they do when each is made for its write.
 * The keys they get are in random order. Queries are keys in another random order, beside each other, as in
 * the requests that ask for them. */
static struct object *objects;
static struct query {
    uint32_t key_len;
    uint32_t object;
    char key[56];
} * queries;
static size_t n = 1000000;
static struct rand_seeded seeded;
static volatile uint64_t sink;

static struct str key_of(const struct object *o) {
    return str_make(o->key, o->key_len);
}

static struct str query_key(size_t i) {
    return str_make(queries[i].key, queries[i].key_len);
}

static void make_objects(void) {
    struct rand *r = rand_seeded_init(&seeded, 1);
    objects = calloc(n, sizeof *objects);
    queries = calloc(n, sizeof *queries);
    unsigned *order = calloc(n, sizeof *order);
    check(objects && queries && order);
    for (size_t i = 0; i < n; i++)
        order[i] = (unsigned)i;
    rand_shuffle(r, order, n, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        struct object *o = &objects[i];
        unsigned k = order[i];
        o->refs = 1;
        o->key_len = (uint32_t)snprintf(o->key, sizeof o->key, "/registry/pods/ns-%u/name-%06u", k % 100, k);
    }
    rand_shuffle(r, order, n, sizeof *order);
    for (size_t i = 0; i < n; i++) {
        queries[i].object = order[i];
        queries[i].key_len = objects[order[i]].key_len;
        memcpy(queries[i].key, objects[order[i]].key, sizeof queries[i].key);
    }
    free(order);
}

static double millions(double seconds) {
    return (double)n / seconds / 1e6;
}

static void bench_changes(struct cow *c) {
    double start = bench_now();
    for (size_t i = 0; i < n; i++)
        (void)cow_put(c, key_of(&objects[i]), &objects[i]);
    bench_at_least("cow_insert", millions(bench_now() - start), "M/s", "-", 1.5);
    check(cow_count(c) == n);
    start = bench_now();
    for (size_t i = 0; i < n; i++)
        (void)cow_put(c, key_of(&objects[i]), &objects[i]);
    bench_at_least("cow_replace", millions(bench_now() - start), "M/s", "-", 1.5);
}

static void bench_reads(const struct cow *c) {
    double start = bench_now();
    uint64_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += cow_get(c, query_key(i)) == &objects[queries[i].object];
    bench_at_least("cow_lookup", millions(bench_now() - start), "M/s", "-", 2);
    check(found == n);
    start = bench_now();
    uint64_t sum = 0, seen = 0;
    struct cow_iter it;
    for (int round = 0; round < 10; round++)
        cow_foreach (item, &it, cow_all(&it, c)) {
            sum += item->key.n + (uintptr_t)item->value;
            seen++;
        }
    bench_at_least("cow_scan", (double)seen / (bench_now() - start) / 1e6, "M/s", "-", 50);
    check(seen == 10 * n);
    start = bench_now();
    for (size_t i = 0; i < n / 10; i++)
        sum += cow_rank(c, query_key(i));
    bench_at_least("cow_rank", millions(bench_now() - start) / 10, "M/s", "-", 1);
    sink = sum;
}

static void bench_snapshots(struct cow *c) {
    enum { ROUNDS = 1000000, CHANGES = 200000 };
    double start = bench_now();
    for (int i = 0; i < ROUNDS; i++) {
        struct cow snap;
        cow_snapshot(c, &snap);
        sink = snap.n;
        cow_fini(&snap);
    }
    bench_at_most("cow_snapshot_and_drop", (bench_now() - start) / ROUNDS * 1e9, "ns", "-", 100);
    start = bench_now();
    struct cow snap;
    cow_snapshot(c, &snap);
    for (size_t i = 0; i < CHANGES && i < n; i++) {
        struct object *o = &objects[i];
        (void)cow_put(c, key_of(o), o);
        cow_fini(&snap);
        cow_snapshot(c, &snap);
    }
    bench_at_least("cow_replace_with_snapshot_each", CHANGES / (bench_now() - start) / 1e6, "M/s", "-", 0.1);
    cow_fini(&snap);
}

static void bench_cow(void) {
    struct cow c;
    cow_init(&c, &ops);
    bench_changes(&c);
    bench_reads(&c);
    bench_at_most("cow_memory", (double)cow_memory_bytes(&c) / (double)n, "bytes/key", "-", 64);
    bench_snapshots(&c);
    double start = bench_now();
    for (size_t i = 0; i < n; i++)
        check(cow_take(&c, query_key(i)));
    bench_at_least("cow_remove", millions(bench_now() - start), "M/s", "-", 1);
    check(cow_count(&c) == 0);
    cow_fini(&c);
}

/* Ascending keys in each of many namespaces, as events come. */
static void bench_ascending(void) {
    struct cow c;
    cow_init(&c, NULL);
    for (size_t i = 0; i < n; i++)
        objects[i].key_len = (uint32_t)snprintf(objects[i].key, sizeof objects[i].key,
                                                "/registry/events/ns-%zu/name-%06zu", i % 100, i);
    double start = bench_now();
    for (size_t i = 0; i < n; i++)
        (void)cow_put(&c, key_of(&objects[i]), &objects[i]);
    bench_at_least("cow_insert_ascending", millions(bench_now() - start), "M/s", "-", 3);
    bench_at_most("cow_memory_ascending", (double)cow_memory_bytes(&c) / (double)n, "bytes/key", "-", 48);
    cow_fini(&c);
}

static void bench_map(void) {
    struct map m = MAP_INIT;
    double start = bench_now();
    for (size_t i = 0; i < n; i++)
        (void)map_put(&m, key_of(&objects[i]), &objects[i]);
    bench_at_least("map_insert", millions(bench_now() - start), "M/s", "-", 3);
    start = bench_now();
    uint64_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += map_get(&m, query_key(i)) == &objects[queries[i].object];
    bench_at_least("map_lookup", millions(bench_now() - start), "M/s", "-", 4);
    check(found == n);
    start = bench_now();
    for (size_t i = 0; i < n; i++)
        check(map_take(&m, query_key(i)));
    bench_at_least("map_remove", millions(bench_now() - start), "M/s", "-", 2);
    map_fini(&m);
}

static void bench_map64(void) {
    struct map64 numbers = MAP_INIT;
    uint64_t found = 0;
    double start = bench_now();
    for (size_t i = 0; i < n; i++)
        map64_put_u64(&numbers, queries[i].object, i);
    bench_at_least("map64_insert", millions(bench_now() - start), "M/s", "-", 5);
    start = bench_now();
    for (size_t i = 0; i < n; i++)
        found += map64_has(&numbers, i);
    bench_at_least("map64_lookup", millions(bench_now() - start), "M/s", "-", 10);
    sink = found;
    map64_fini(&numbers);
}

static void bench_hash(void) {
    double start = bench_now();
    uint64_t sum = 0;
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < 1000 && i < n; i++)
            sum += hash_bytes(key_of(&objects[i]));
    bench_at_most("hash_40_bytes", (bench_now() - start) / 20000 * 1e9, "ns", "-", 10);
    sink = sum;
}

int main(int argc, char **argv) {
    if (argc > 1)
        n = strtoul(argv[1], NULL, 10);
    check(n > 0);
    make_objects();
    bench_cow();
    bench_map();
    bench_map64();
    bench_ascending();
    bench_hash();
    free(objects);
    free(queries);
    return 0;
}
