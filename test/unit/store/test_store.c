/* The store's contract, on every backend: each test runs on sqlite, on memory with a thread, and on memory
 * inline. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"
#include "unit/unit.h"

enum backend { SQLITE, MEMORY, MEMORY_INLINE, BACKENDS };

static const char *db_path(void) {
    static char path[512];
    snprintf(path, sizeof path, "%s/store.db", unit_tmpdir());
    return path;
}

static struct store *open_sqlite(uint64_t history_keep) {
    struct store_sqlite_options o = {
        .path = db_path(), .history_keep = history_keep, .soft_interval_ms = 3600000};
    struct store *s = NULL;
    struct err err = ERR_INIT;
    assert_ok(store_sqlite_open(&o, &s, &err), &err);
    return s;
}

static struct store *open_backend(enum backend b) {
    if (b == SQLITE) {
        unlink(db_path());
        return open_sqlite(0);
    }
    return store_memory_new(b == MEMORY_INLINE);
}

/* A test body that runs once for each backend. */
#define STORE_TEST(name)                                                                                     \
    static void name##_on(struct store *s);                                                                  \
    TEST(name) {                                                                                             \
        for (enum backend b = SQLITE; b < BACKENDS; b++) {                                                   \
            struct store *s = open_backend(b);                                                               \
            name##_on(s);                                                                                    \
            store_close(s);                                                                                  \
        }                                                                                                    \
    }                                                                                                        \
    static void name##_on(struct store *s)

static struct store_op put(const char *key, const char *value) {
    return (struct store_op){.key = str_from(key), .value = str_from(value)};
}

static struct store_op del(const char *key) {
    return (struct store_op){.key = str_from(key), .delete_ = true};
}

static uint64_t commit1(struct store *s, struct store_op op) {
    struct err err = ERR_INIT;
    uint64_t rev = 0;
    assert_ok(store_commit_wait(s, &op, 1, &rev, &err), &err);
    return rev;
}

static int try1(struct store *s, struct store_op op) {
    struct err err = ERR_INIT;
    return store_commit_wait(s, &op, 1, NULL, &err);
}

static bool print_kv(void *arg, const struct store_kv *kv) {
    buf_printf(arg, "%.*s=%.*s@%llu/%llu ", STR_ARG(kv->key), STR_ARG(kv->value),
               (unsigned long long)kv->create_rev, (unsigned long long)kv->mod_rev);
    return true;
}

/* "key=value@create/mod " of each key, as text. */
static void assert_range(struct store *s, uint64_t revision, const char *expected) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    assert_ok(s->ops->range(s, S(""), STR_NONE, revision, 0, print_kv, &out, NULL, &err), &err);
    assert_str(buf_view(&out), expected);
}

STORE_TEST(test_store__revisions_rise_by_one_a_batch) {
    assert_int_equal(commit1(s, put("a", "1")), 1);
    struct store_op two[] = {put("b", "2"), put("c", "3")};
    uint64_t rev = 0;
    struct err err = ERR_INIT;
    assert_ok(store_commit_wait(s, two, 2, &rev, &err), &err);
    assert_int_equal(rev, 2);
    assert_int_equal(s->ops->revision(s), 2);
    assert_range(s, 0, "a=1@1/1 b=2@2/2 c=3@2/2 ");
}

STORE_TEST(test_store__update_keeps_create_revision_and_recreate_does_not) {
    commit1(s, put("a", "1"));
    commit1(s, put("a", "2"));
    assert_range(s, 0, "a=2@1/2 ");
    commit1(s, del("a"));
    assert_range(s, 0, "");
    commit1(s, put("a", "3"));
    assert_range(s, 0, "a=3@4/4 ");
}

STORE_TEST(test_store__range_shows_an_old_revision) {
    commit1(s, put("a", "1"));
    commit1(s, put("b", "1"));
    commit1(s, put("a", "2"));
    commit1(s, del("b"));
    commit1(s, put("b", "2"));
    assert_range(s, 1, "a=1@1/1 ");
    assert_range(s, 2, "a=1@1/1 b=1@2/2 ");
    assert_range(s, 3, "a=2@1/3 b=1@2/2 ");
    assert_range(s, 4, "a=2@1/3 ");
    assert_range(s, 5, "a=2@1/3 b=2@5/5 ");
}

STORE_TEST(test_store__range_is_bounded_by_keys_and_limit) {
    struct store_op ops[] = {put("/p/a", "1"), put("/p/b", "1"), put("/p/c", "1"), put("/q/a", "1")};
    struct err err = ERR_INIT;
    assert_ok(store_commit_wait(s, ops, 4, NULL, &err), &err);
    _cleanup_buf struct buf out = BUF_INIT;
    assert_ok(s->ops->range(s, S("/p/b"), S("/p0"), 0, 0, print_kv, &out, NULL, &err), &err);
    assert_str(buf_view(&out), "/p/b=1@1/1 /p/c=1@1/1 ");
    buf_clear(&out);
    assert_ok(s->ops->range(s, S("/p/"), S("/p0"), 0, 2, print_kv, &out, NULL, &err), &err);
    assert_str(buf_view(&out), "/p/a=1@1/1 /p/b=1@1/1 ");
}

STORE_TEST(test_store__expect_absent_refuses_an_existing_key) {
    struct store_op op = put("a", "1");
    op.expect = EXPECT_ABSENT;
    assert_int_equal(try1(s, op), 0);
    assert_int_equal(try1(s, op), ERR_EXISTS);
    commit1(s, del("a"));
    assert_int_equal(try1(s, op), 0);
}

STORE_TEST(test_store__expect_revision_refuses_another_one) {
    commit1(s, put("a", "1"));
    struct store_op op = put("a", "2");
    op.expect = EXPECT_MOD_REV;
    op.mod_rev = 1;
    assert_int_equal(try1(s, op), 0);
    assert_int_equal(try1(s, op), ERR_CONFLICT);
    commit1(s, del("a"));
    assert_int_equal(try1(s, op), ERR_NOT_FOUND);
}

STORE_TEST(test_store__deleting_an_absent_key_is_not_found) {
    assert_int_equal(try1(s, del("a")), ERR_NOT_FOUND);
    assert_int_equal(s->ops->revision(s), 0);
}

STORE_TEST(test_store__batch_is_all_or_nothing) {
    commit1(s, put("b", "1"));
    struct store_op ops[] = {put("a", "1"), put("b", "2")};
    ops[1].expect = EXPECT_ABSENT;
    struct err err = ERR_INIT;
    assert_int_equal(store_commit_wait(s, ops, 2, NULL, &err), ERR_EXISTS);
    assert_range(s, 0, "b=1@1/1 ");
    assert_int_equal(commit1(s, put("c", "1")), 2);
}

STORE_TEST(test_store__batch_that_names_a_key_twice_is_invalid) {
    struct store_op ops[] = {put("a", "1"), put("a", "2")};
    struct err err = ERR_INIT;
    assert_int_equal(store_commit_wait(s, ops, 2, NULL, &err), ERR_INVALID);
}

STORE_TEST(test_store__sizes_are_bounded) {
    static char big[STORE_VALUE_MAX + 1];
    struct store_op op = {.key = S("a"), .value = {big, sizeof big}};
    assert_int_equal(try1(s, op), ERR_TOO_LARGE);
    op.value.n = STORE_VALUE_MAX;
    assert_int_equal(try1(s, op), 0);
    op.key = str_make(big, STORE_KEY_MAX + 1);
    assert_int_equal(try1(s, op), ERR_TOO_LARGE);
    op.key = S("");
    assert_int_equal(try1(s, op), ERR_TOO_LARGE);
}

/* -- events -- */

struct seen {
    pthread_mutex_t lock;
    struct buf text;
};

static void on_event(void *arg, uint64_t revision, const struct store_kv *kvs,
                     const struct store_kv *previous, size_t n, void *const *tags) {
    struct seen *w = arg;
    (void)tags;
    pthread_mutex_lock(&w->lock);
    buf_printf(&w->text, "%llu:", (unsigned long long)revision);
    for (size_t i = 0; i < n; i++)
        buf_printf(&w->text, "%s%.*s%s%.*s", i ? "," : "", STR_ARG(kvs[i].key),
                   !kvs[i].value.p            ? "-"
                   : previous[i].mod_rev == 0 ? "+"
                                              : "=",
                   STR_ARG(kvs[i].value));
    buf_byte(&w->text, ' ');
    pthread_mutex_unlock(&w->lock);
}

static void assert_seen(struct seen *w, const char *expected) {
    pthread_mutex_lock(&w->lock);
    assert_str(buf_view(&w->text), expected);
    pthread_mutex_unlock(&w->lock);
}

STORE_TEST(test_store__observer_sees_history_then_live_without_gap) {
    struct seen w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct err err = ERR_INIT;
    commit1(s, put("a", "1"));
    commit1(s, put("b", "1"));
    commit1(s, put("a", "2"));
    assert_ok(s->ops->observe(s, 1, on_event, &w, &err), &err);
    commit1(s, del("a"));
    struct store_op ops[] = {put("c", "1"), put("b", "2")};
    assert_ok(store_commit_wait(s, ops, 2, NULL, &err), &err);
    assert_seen(&w, "2:b+1 3:a=2 4:a- 5:c+1,b=2 ");
    buf_fini(&w.text);
}

STORE_TEST(test_store__observer_past_compaction_is_told_so) {
    struct seen w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct err err = ERR_INIT;
    for (int i = 0; i < 5; i++)
        commit1(s, put("a", "1"));
    assert_ok(s->ops->compact(s, 3, &err), &err);
    while (s->ops->compacted(s) < 3)
        usleep(1000);
    assert_int_equal(s->ops->observe(s, 2, on_event, &w, &err), ERR_EXPIRED);
    assert_ok(s->ops->observe(s, 3, on_event, &w, &err), &err);
    assert_seen(&w, "4:a=1 5:a=1 ");
    buf_fini(&w.text);
}

/* -- compaction -- */

static void compact_and_wait(struct store *s, uint64_t revision) {
    struct err err = ERR_INIT;
    assert_ok(s->ops->compact(s, revision, &err), &err);
    while (s->ops->compacted(s) < revision)
        usleep(1000);
}

STORE_TEST(test_store__compaction_keeps_what_is_newest) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    commit1(s, put("a", "1"));
    commit1(s, put("gone", "1"));
    commit1(s, put("a", "2"));
    commit1(s, del("gone"));
    commit1(s, put("b", "1"));
    compact_and_wait(s, 4);
    assert_range(s, 0, "a=2@1/3 b=1@5/5 ");
    assert_range(s, 4, "a=2@1/3 ");
    assert_int_equal(s->ops->range(s, S(""), STR_NONE, 3, 0, print_kv, &out, NULL, &err), ERR_EXPIRED);
    commit1(s, put("gone", "again"));
    assert_range(s, 0, "a=2@1/3 b=1@5/5 gone=again@6/6 ");
}

STORE_TEST(test_store__compaction_of_the_future_is_invalid) {
    struct err err = ERR_INIT;
    commit1(s, put("a", "1"));
    assert_int_equal(s->ops->compact(s, 2, &err), ERR_INVALID);
}

STORE_TEST(test_store__compaction_of_many_rows_goes_in_steps) {
    char key[32];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 500; i++) {
            snprintf(key, sizeof key, "k%03d", i);
            commit1(s, put(key, "v"));
        }
    compact_and_wait(s, 1400);
    struct store_stat st;
    s->ops->stat(s, &st);
    assert_int_equal(st.key_count, 500);
    assert_int_equal(st.history_count, 100);
    commit1(s, put("k000", "w"));
}

/* -- group commit -- */

struct counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done, ok, conflicts;
    uint64_t last_rev;
    bool ordered;
};

static void count_done(void *arg, const struct store_result *r) {
    struct counter *c = arg;
    pthread_mutex_lock(&c->lock);
    c->done++;
    c->ok += r->code == 0;
    c->conflicts += r->code == ERR_CONFLICT;
    if (r->code == 0) {
        c->ordered = c->ordered && r->revision > c->last_rev;
        c->last_rev = r->revision;
    }
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void wait_done(struct counter *c, unsigned n) {
    pthread_mutex_lock(&c->lock);
    while (c->done < n)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

#define COUNTER_INIT                                                                                         \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .ordered = true }

STORE_TEST(test_store__waiting_commits_share_an_fsync) {
    struct counter c = COUNTER_INIT;
    struct err err = ERR_INIT;
    char key[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        struct store_op op = put(key, "v");
        struct store_commit sc = {.ops = &op, .n = 1, .done = count_done, .arg = &c};
        assert_ok(store_commit(s, &sc, &err), &err);
    }
    wait_done(&c, 1000);
    assert_int_equal(c.ok, 1000);
    assert_true(c.ordered);
    struct store_stat st;
    s->ops->stat(s, &st);
    assert_true(st.fsyncs < 500);
    assert_int_equal(st.key_count, 1000);
}

STORE_TEST(test_store__of_two_writers_in_one_group_the_second_conflicts) {
    struct counter c = COUNTER_INIT;
    struct err err = ERR_INIT;
    commit1(s, put("a", "0"));
    for (int i = 0; i < 20; i++) {
        struct store_op op = put("a", "1");
        op.expect = EXPECT_MOD_REV;
        op.mod_rev = 1;
        struct store_commit sc = {.ops = &op, .n = 1, .done = count_done, .arg = &c};
        assert_ok(store_commit(s, &sc, &err), &err);
    }
    wait_done(&c, 20);
    assert_int_equal(c.ok, 1);
    assert_int_equal(c.conflicts, 19);
}

static void count_release(void *arg) {
    ++*(unsigned *)arg;
}

STORE_TEST(test_store__borrowed_bytes_are_released_once) {
    unsigned released = 0;
    struct counter c = COUNTER_INIT;
    struct err err = ERR_INIT;
    for (int i = 0; i < 2; i++) {
        struct store_op op = put("a", "1");
        op.expect = EXPECT_ABSENT; /* the second one fails */
        struct store_commit sc = {.ops = &op,
                                  .n = 1,
                                  .done = count_done,
                                  .arg = &c,
                                  .release = count_release,
                                  .release_arg = &released};
        assert_ok(store_commit(s, &sc, &err), &err);
    }
    wait_done(&c, 2);
    struct store_stat st;
    assert_range(s, 0, "a=1@1/1 "); /* behind the callbacks of the group */
    s->ops->stat(s, &st);
    assert_int_equal(released, 2);
}

/* -- soft durability -- */

static void commit_soft(struct store *s, const char *key, const char *value) {
    struct counter c = COUNTER_INIT;
    struct err err = ERR_INIT;
    struct store_op op = put(key, value);
    struct store_commit sc = {.ops = &op, .n = 1, .done = count_done, .arg = &c, .durability = STORE_SOFT};
    assert_ok(store_commit(s, &sc, &err), &err);
    wait_done(&c, 1);
    assert_int_equal(c.ok, 1);
}

STORE_TEST(test_store__soft_writes_are_seen_at_once_and_in_order) {
    commit_soft(s, "lease", "1");
    commit1(s, put("a", "1"));
    commit_soft(s, "lease", "2");
    assert_range(s, 0, "a=1@2/2 lease=2@1/3 ");
}

TEST(test_store__soft_writes_cost_no_fsync_each) {
    struct store *s = open_sqlite(0);
    struct store_stat before, after;
    commit_soft(s, "lease", "0"); /* promises revisions ahead */
    s->ops->stat(s, &before);
    for (int i = 0; i < 200; i++)
        commit_soft(s, "lease", "x");
    s->ops->stat(s, &after);
    assert_int_equal(after.fsyncs, before.fsyncs);
    store_close(s);
}

TEST(test_store__closing_keeps_soft_writes) {
    struct store *s = open_sqlite(0);
    commit_soft(s, "lease", "1");
    store_close(s);
    s = open_sqlite(0);
    assert_range(s, 0, "lease=1@1/1 ");
    store_close(s);
}

/* -- durability -- */

TEST(test_store__reopening_shows_everything_with_its_revisions) {
    struct store *s = open_sqlite(0);
    commit1(s, put("a", "1"));
    commit1(s, put("a", "2"));
    commit1(s, put("b", ""));
    commit1(s, del("a"));
    store_close(s);
    s = open_sqlite(0);
    assert_int_equal(s->ops->revision(s), 4);
    assert_range(s, 0, "b=@3/3 ");
    assert_range(s, 2, "a=2@1/2 ");
    assert_int_equal(commit1(s, put("c", "1")), 5);
    store_close(s);
}

/* Shared with the child: the last revision acknowledged to it. */
struct shared {
    _Atomic uint64_t acked_hard, acked_any;
};

static void child_done(void *arg, const struct store_result *r) {
    struct shared *sh = arg;
    if (r->code == 0)
        atomic_store(&sh->acked_any, r->revision);
}

static _Noreturn void child_writes(struct shared *sh) {
    struct store_sqlite_options o = {.path = db_path(), .soft_interval_ms = 3600000};
    struct store *s;
    struct err err = ERR_INIT;
    if (store_sqlite_open(&o, &s, &err) < 0)
        _exit(1);
    char key[32];
    for (unsigned i = 0;; i++) {
        snprintf(key, sizeof key, "k%u", i % 50);
        struct store_op op = put(key, "value");
        struct store_commit soft = {
            .ops = &op, .n = 1, .done = child_done, .arg = sh, .durability = STORE_SOFT};
        uint64_t rev;
        if (i % 3 && store_commit(s, &soft, &err) < 0)
            _exit(2);
        if (i % 3 == 0) {
            if (store_commit_wait(s, &op, 1, &rev, &err) < 0)
                _exit(3);
            atomic_store(&sh->acked_hard, rev);
        }
    }
}

static bool find_max(void *arg, const struct store_kv *kv) {
    uint64_t *max = arg;
    if (kv->mod_rev > *max)
        *max = kv->mod_rev;
    return true;
}

TEST(test_store__killed_process_loses_no_acknowledged_write_and_reuses_no_revision) {
    struct shared *sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(sh != MAP_FAILED);
    uint64_t floor = 0;
    (void)db_path(); /* before forking, so that both mean the same folder */
    for (int round = 0; round < 8; round++) {
        uint64_t before = atomic_load(&sh->acked_hard);
        pid_t pid = fork();
        if (pid == 0)
            child_writes(sh);
        while (atomic_load(&sh->acked_hard) < before + 20 + 7 * (uint64_t)round)
            usleep(200);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct store *s = open_sqlite(0);
        struct err err = ERR_INIT;
        uint64_t max = 0;
        assert_ok(s->ops->range(s, S(""), STR_NONE, 0, 0, find_max, &max, NULL, &err), &err);
        assert_true(max >= atomic_load(&sh->acked_hard));
        uint64_t next = commit1(s, put("probe", "1"));
        assert_true(next > atomic_load(&sh->acked_any) && next > floor);
        floor = next;
        atomic_store(&sh->acked_hard, next);
        store_close(s);
    }
    munmap(sh, sizeof *sh);
}

TEST(test_store__second_process_is_kept_out) {
    struct store *s = open_sqlite(0), *second;
    struct store_sqlite_options o = {.path = db_path()};
    struct err err = ERR_INIT;
    assert_int_equal(store_sqlite_open(&o, &second, &err), ERR_AGAIN);
    assert_non_null(strstr(err.msg, "in use"));
    store_close(s);
}

static void damage(const char *path, long offset, const char *bytes, size_t n) {
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, offset, offset < 0 ? SEEK_END : SEEK_SET);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

TEST(test_store__file_that_is_no_database_is_refused) {
    FILE *f = fopen(db_path(), "w");
    fputs("this is no database, just some text that is long enough to have a header\n", f);
    fclose(f);
    struct store_sqlite_options o = {.path = db_path()};
    struct store *s;
    struct err err = ERR_INIT;
    assert_int_equal(store_sqlite_open(&o, &s, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "store.db"));
}

TEST(test_store__flipped_bit_in_a_value_is_found) {
    struct store *s = open_sqlite(0);
    static char value[2000];
    memset(value, 'x', sizeof value - 1);
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        commit1(s, put(key, value));
    }
    store_close(s);
    damage(db_path(), -6000, "y", 1);
    s = open_sqlite(0);
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    assert_int_equal(s->ops->range(s, S(""), STR_NONE, 0, 0, print_kv, &out, NULL, &err), ERR_CORRUPT);
    store_close(s);
}

/* A copy of the files of a running store is what a power loss leaves; then its log is cut short. */
TEST(test_store__cut_write_ahead_log_is_found) {
    struct store *s = open_sqlite(0);
    for (int i = 0; i < 50; i++)
        commit1(s, put("a", "1"));
    char cmd[2048], wal[600];
    const char *suffixes[] = {"", "-wal", ".acked"};
    for (int i = 0; i < 3; i++) {
        char from[600], to[600];
        snprintf(from, sizeof from, "%s%s", db_path(), suffixes[i]);
        snprintf(to, sizeof to, "%s/copy.db%s", unit_tmpdir(), suffixes[i]);
        snprintf(cmd, sizeof cmd, "%s", to);
        FILE *in = fopen(from, "r"), *out = fopen(to, "w");
        assert_true(in && out);
        for (int c; (c = fgetc(in)) != EOF;)
            fputc(c, out);
        fclose(in);
        fclose(out);
    }
    store_close(s);
    char copy[600];
    snprintf(copy, sizeof copy, "%s/copy.db", unit_tmpdir());
    snprintf(wal, sizeof wal, "%s-wal", copy);
    assert_int_equal(truncate(wal, 40000), 0);
    struct store_sqlite_options o = {.path = copy};
    struct err err = ERR_INIT;
    assert_int_equal(store_sqlite_open(&o, &s, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "acknowledged"));
}

/* -- backup -- */

TEST(test_store__backup_restores_and_goes_on_above) {
    struct store *s = open_sqlite(0);
    struct err err = ERR_INIT;
    char backup[600], restored[600];
    snprintf(backup, sizeof backup, "%s/backup.db", unit_tmpdir());
    snprintf(restored, sizeof restored, "%s/restored.db", unit_tmpdir());
    commit1(s, put("a", "1"));
    commit_soft(s, "lease", "1");
    assert_ok(s->ops->backup(s, backup, &err), &err);
    assert_int_equal(s->ops->backup(s, backup, &err), ERR_EXISTS);
    commit1(s, put("later", "1"));
    store_close(s);
    assert_ok(store_sqlite_restore(backup, restored, &err), &err);
    struct store_sqlite_options o = {.path = restored};
    assert_ok(store_sqlite_open(&o, &s, &err), &err);
    assert_range(s, 0, "a=1@1/1 lease=1@2/2 ");
    assert_true(commit1(s, put("b", "1")) > 1000000);
    store_close(s);
    assert_int_equal(store_sqlite_restore(backup, restored, &err), ERR_EXISTS);
}

/* -- history -- */

TEST(test_store__revisions_that_were_skipped_are_no_history) {
    struct err err = ERR_INIT;
    struct seen w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char backup[600], restored[600];
    snprintf(backup, sizeof backup, "%s/history.db", unit_tmpdir());
    snprintf(restored, sizeof restored, "%s/history-restored.db", unit_tmpdir());
    unlink(db_path());
    struct store *s = open_sqlite(0);
    for (int i = 0; i < 3; i++)
        commit1(s, put("a", "1"));
    assert_ok(s->ops->backup(s, backup, &err), &err);
    store_close(s);
    assert_ok(store_sqlite_restore(backup, restored, &err), &err);
    struct store_sqlite_options o = {.path = restored, .history_keep = 100};
    assert_ok(store_sqlite_open(&o, &s, &err), &err);
    commit1(s, put("a", "2")); /* a million revisions later */
    commit1(s, put("a", "3"));
    assert_int_equal(s->ops->compacted(s), 0);
    assert_ok(s->ops->observe(s, 2, on_event, &w, &err), &err);
    assert_true(str_has_prefix(buf_view(&w.text), S("3:a=1 ")));
    assert_int_equal(s->ops->back(s, 3), 2); /* commits are counted, not numbers */
    assert_int_equal(s->ops->back(s, 4), 1);
    assert_int_equal(s->ops->back(s, 100), 0);
    store_close(s);
    buf_fini(&w.text);
}

TEST(test_store__long_history_is_cut_after_opening) {
    unlink(db_path());
    struct store *s = open_sqlite(0);
    for (int i = 0; i < 50; i++)
        commit1(s, put("a", "1"));
    store_close(s);
    s = open_sqlite(10);
    while (s->ops->compacted(s) < 41)
        usleep(1000);
    assert_int_equal(s->ops->compacted(s), 41);
    assert_range(s, 0, "a=1@1/50 ");
    store_close(s);
}
