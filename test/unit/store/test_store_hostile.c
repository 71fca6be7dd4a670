/* The store under races, and restores into places that are not clean. */
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "store/engine_priv.h"
#include "store/store.h"
#include "unit/unit.h"

static const char *path_of(const char *name) {
    static char path[4][600];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", unit_tmpdir(), name);
    return p;
}

static struct store *open_store(const char *path) {
    struct store_sqlite_options o = {.path = path, .soft_interval_ms = 3600000};
    struct store *s = NULL;
    struct err err = ERR_INIT;
    assert_ok(store_sqlite_open(&o, &s, &err), &err);
    return s;
}

static void commit_one(struct store *s, const char *key) {
    struct store_op op = {.key = str_from(key), .value = S("v")};
    struct err err = ERR_INIT;
    assert_ok(store_commit_wait(s, &op, 1, NULL, &err), &err);
}

struct writer {
    struct store *store;
    atomic_bool stop;
    atomic_int waiting;
};

static void soft_done(void *arg, const struct store_result *result) {
    (void)result;
    atomic_fetch_sub(&((struct writer *)arg)->waiting, 1);
}

static void *write_softly(void *arg) {
    struct writer *w = arg;
    struct store_op op = {.key = S("lease"), .value = S("v")};
    struct store_commit c = {.ops = &op, .n = 1, .durability = STORE_SOFT, .done = soft_done, .arg = w};
    while (!atomic_load(&w->stop)) {
        if (atomic_load(&w->waiting) > 100)
            continue;
        atomic_fetch_add(&w->waiting, 1);
        check(store_commit(w->store, &c, NULL) == 0);
    }
    return NULL;
}

static bool count(void *arg, const struct store_kv *kv) {
    (void)kv;
    ++*(int *)arg;
    return true;
}

TEST(test_store__range_misses_no_key_while_soft_writes_come_in) {
    struct writer w = {.store = open_store(path_of("soft.db"))};
    struct err err = ERR_INIT;
    pthread_t thread;
    commit_one(w.store, "lease");
    assert_int_equal(pthread_create(&thread, NULL, write_softly, &w), 0);
    int missed = 0;
    for (int i = 0; i < 300; i++) {
        int n = 0;
        assert_ok(w.store->ops->range(w.store, S(""), STR_NONE, 0, 0, count, &n, NULL, &err), &err);
        missed += n != 1;
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    store_close(w.store);
    assert_int_equal(missed, 0);
}

static void make_backup(const char *backup) {
    struct store *s = open_store(path_of("from.db"));
    struct err err = ERR_INIT;
    commit_one(s, "a");
    assert_ok(s->ops->backup(s, backup, &err), &err);
    for (int i = 0; i < 3; i++)
        commit_one(s, "b");
    store_close(s);
}

TEST(test_store__restore_refuses_a_stale_write_ahead_log) {
    const char *backup = path_of("b1.db"), *path = path_of("r1.db"), *wal = path_of("r1.db-wal");
    struct err err = ERR_INIT;
    make_backup(backup);
    int fd = open(wal, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "left over", 9), 9);
    close(fd);
    assert_int_equal(store_sqlite_restore(backup, path, &err), ERR_EXISTS);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(wal, F_OK), 0);
}

/* The mark of the database that was lost does not hold for the one that takes its place. */
TEST(test_store__restore_forgets_what_the_lost_database_acknowledged) {
    const char *path = path_of("r2.db");
    struct err err = ERR_INIT;
    struct store *s = open_store(path);
    for (int i = 0; i < 3; i++)
        commit_one(s, "b");
    store_close(s);
    unlink(path);
    const char *backup = path_of("b2.db");
    make_backup(backup);
    path = path_of("r2.db");
    assert_ok(store_sqlite_restore(backup, path, &err), &err);
    s = open_store(path);
    store_close(s);
}

struct gate {
    pthread_mutex_t lock;
    atomic_bool blocked;
};

static void block(void *arg, const struct store_result *result) {
    struct gate *g = arg;
    (void)result;
    atomic_store(&g->blocked, true);
    pthread_mutex_lock(&g->lock);
    pthread_mutex_unlock(&g->lock);
}

TEST(test_store__bytes_that_wait_are_bounded) {
    static char value[STORE_VALUE_MAX];
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct store *s = store_memory_new(false);
    struct store_op op = {.key = S("a"), .value = {value, 1}};
    struct store_commit c = {.ops = &op, .n = 1, .done = block, .arg = &gate};
    pthread_mutex_lock(&gate.lock);
    assert_int_equal(store_commit(s, &c, NULL), 0);
    while (!atomic_load(&gate.blocked))
        usleep(100);
    op.value.n = sizeof value;
    c.done = NULL;
    size_t taken = 0;
    int r = 0;
    while (taken <= STORE_QUEUE_BYTES_MAX / STORE_VALUE_MAX + 1 && (r = store_commit(s, &c, NULL)) == 0)
        taken++;
    pthread_mutex_unlock(&gate.lock);
    store_close(s);
    assert_int_equal(r, ERR_AGAIN);
    assert_true(taken * STORE_VALUE_MAX <= STORE_QUEUE_BYTES_MAX + STORE_VALUE_MAX);
}

static unsigned asking(struct store *s) {
    struct engine *g = (struct engine *)s;
    pthread_mutex_lock(&g->lock);
    unsigned n = g->asking;
    pthread_mutex_unlock(&g->lock);
    return n;
}

static void *ask_to_compact(void *arg) {
    struct store *s = arg;
    struct err err = ERR_INIT;
    int r = s->ops->compact(s, 1, &err);
    check(r == 0 || r == ERR_CLOSED);
    return NULL;
}

TEST(test_store__closing_waits_for_callers_within) {
    for (int round = 0; round < 20; round++) {
        struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER};
        struct store *s = store_memory_new(false);
        struct store_op op = {.key = S("a"), .value = S("v")};
        struct store_commit c = {.ops = &op, .n = 1, .done = block, .arg = &gate};
        pthread_t threads[8];
        pthread_mutex_lock(&gate.lock);
        assert_int_equal(store_commit(s, &c, NULL), 0);
        while (!atomic_load(&gate.blocked))
            usleep(100);
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_to_compact, s), 0);
        while (asking(s) < 8)
            usleep(100);
        pthread_mutex_unlock(&gate.lock);
        store_close(s);
        for (int i = 0; i < 8; i++)
            pthread_join(threads[i], NULL);
    }
}

/* 32 transactions of 3 MiB pass the limit of the log while a reader keeps it from being taken back. */
TEST(test_store__long_reader_does_not_stop_writes) {
    static char value[STORE_VALUE_MAX];
    const char *path = path_of("long.db");
    struct store *s = open_store(path);
    struct store_op op = {.key = S("a"), .value = {value, sizeof value}};
    struct err err = ERR_INIT;
    sqlite3 *reader;
    assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM log", NULL, NULL, NULL), SQLITE_OK);
    int64_t start = clock_mono_ns(clock_system());
    for (int i = 0; i < 32; i++)
        assert_ok(store_commit_wait(s, &op, 1, NULL, &err), &err);
    assert_true(clock_mono_ns(clock_system()) - start < 9 * NS_PER_SEC);
    sqlite3_close(reader);
    store_close(s);
}
