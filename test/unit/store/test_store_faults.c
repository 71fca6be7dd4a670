/* The engine over a log that refuses: what a full or broken disk does. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/engine.h"
#include "unit/unit.h"

/* A log in memory whose appends fail while `broken`. */
struct flaky {
    struct log log;
    struct log *inner;
    bool broken;
};

static struct log *inner(struct log *l) {
    return ((struct flaky *)l)->inner;
}

static int flaky_append(struct log *l, const struct log_row *rows, size_t n, struct err *err) {
    if (((struct flaky *)l)->broken)
        return err_set(err, ERR_NO_SPACE, "the disk is full");
    return inner(l)->ops->append(inner(l), rows, n, err);
}

static int flaky_read(struct log *l, uint64_t id, struct arena *a, struct log_row *ret, struct err *err) {
    return inner(l)->ops->read(inner(l), id, a, ret, err);
}

static int flaky_scan(struct log *l, uint64_t after, bool values, log_row_fn fn, void *arg, struct err *err) {
    return inner(l)->ops->scan(inner(l), after, values, fn, arg, err);
}

static int flaky_drop(struct log *l, const uint64_t *ids, size_t n, uint64_t compacted, struct err *err) {
    l->marks.compacted = compacted;
    return inner(l)->ops->drop(inner(l), ids, n, compacted, err);
}

static int flaky_reserve(struct log *l, uint64_t revision, struct err *err) {
    l->marks.reserved = revision;
    return inner(l)->ops->reserve(inner(l), revision, err);
}

static uint64_t flaky_number(struct log *l) {
    (void)l;
    return 0;
}

static void flaky_close(struct log *l) {
    inner(l)->ops->close(inner(l));
    free(l);
}

static const struct log_ops flaky_ops = {
    .append = flaky_append,
    .read = flaky_read,
    .scan = flaky_scan,
    .drop = flaky_drop,
    .reserve = flaky_reserve,
    .size_bytes = flaky_number,
    .fsyncs = flaky_number,
    .close = flaky_close,
};

static struct flaky *log_of;

/* With a thread, so that soft commits wait in memory. */
static struct store *open_flaky(void) {
    struct store *s = NULL;
    struct err err = ERR_INIT;
    log_of = calloc(1, sizeof *log_of);
    assert_non_null(log_of);
    log_of->log.ops = &flaky_ops;
    log_of->inner = log_memory_new();
    struct engine_options o = {.soft_interval_ms = 3600000};
    assert_ok(engine_open(&log_of->log, NULL, 0, &o, &s, &err), &err);
    return s;
}

static int put(struct store *s, const char *key, const char *value, uint64_t *ret_revision) {
    struct store_op op = {.key = str_from(key), .value = str_from(value)};
    struct err err = ERR_INIT;
    return store_commit_wait(s, &op, 1, ret_revision, &err);
}

static void put_soft(struct store *s, const char *key, const char *value) {
    struct store_op op = {.key = str_from(key), .value = str_from(value)};
    struct store_commit c = {.ops = &op, .n = 1, .durability = STORE_SOFT};
    struct err err = ERR_INIT;
    assert_ok(store_commit(s, &c, &err), &err);
}

static bool print_kv(void *arg, const struct store_kv *kv) {
    buf_printf(arg, "%.*s=%.*s ", STR_ARG(kv->key), STR_ARG(kv->value));
    return true;
}

static void assert_range(struct store *s, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    assert_ok(s->ops->range(s, S(""), STR_NONE, 0, 0, print_kv, &out, NULL, &err), &err);
    assert_str(buf_view(&out), expected);
}

TEST(test_store_faults__refused_write_leaves_no_trace_and_the_store_recovers) {
    struct store *s = open_flaky();
    struct store_stat st;
    assert_int_equal(put(s, "a", "1", NULL), 0);
    log_of->broken = true;
    assert_int_equal(put(s, "a", "2", NULL), ERR_NO_SPACE);
    assert_int_equal(put(s, "b", "1", NULL), ERR_NO_SPACE);
    s->ops->stat(s, &st);
    assert_true(st.read_only);
    assert_non_null(strstr(st.reason, "full"));
    assert_range(s, "a=1 ");
    log_of->broken = false;
    assert_int_equal(put(s, "b", "2", NULL), 0);
    s->ops->stat(s, &st);
    assert_false(st.read_only);
    assert_range(s, "a=1 b=2 ");
    store_close(s);
}

TEST(test_store_faults__revision_of_a_refused_write_is_not_given_again) {
    struct store *s = open_flaky();
    uint64_t before = 0, after = 0;
    assert_int_equal(put(s, "a", "1", &before), 0);
    log_of->broken = true;
    assert_int_equal(put(s, "a", "2", NULL), ERR_NO_SPACE);
    log_of->broken = false;
    assert_int_equal(put(s, "a", "3", &after), 0);
    assert_true(after > before + 1);
    store_close(s);
}

TEST(test_store_faults__soft_writes_are_read_while_the_disk_is_full) {
    struct store *s = open_flaky();
    assert_int_equal(put(s, "a", "1", NULL), 0);
    put_soft(s, "lease", "1");
    put_soft(s, "lease", "2");
    log_of->broken = true;
    assert_range(s, "a=1 lease=2 ");
    assert_int_equal(put(s, "a", "2", NULL), ERR_NO_SPACE);
    assert_range(s, "a=1 lease=2 ");
    log_of->broken = false;
    assert_int_equal(put(s, "a", "3", NULL), 0);
    assert_range(s, "a=3 lease=2 ");
    store_close(s);
}

TEST(test_store_faults__missing_row_is_corruption_not_absence) {
    struct store *s = open_flaky();
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    uint64_t revision = 0;
    assert_int_equal(put(s, "a", "1", &revision), 0);
    const uint64_t id = row_id(revision, 0);
    assert_ok(log_of->inner->ops->drop(log_of->inner, &id, 1, 0, &err), &err);
    assert_int_equal(s->ops->range(s, S(""), STR_NONE, 0, 0, print_kv, &out, NULL, &err), ERR_CORRUPT);
    store_close(s);
}
