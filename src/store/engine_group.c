/* A group of commits: each is checked against the index with those before it applied; all rows are appended
 * in one transaction; then the callbacks run in order. See engine.h.
 *
 * Invariants: what is in the log is a prefix of what is in the index; revision >= every one ever given out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "store/ack_mark.h"
#include "store/engine_priv.h"

#define SOFT_BYTES_MAX (8u << 20) /* soft values waiting in memory before they are appended early */
#define RESERVE_AHEAD 10000       /* revisions promised at once for soft commits */

static void entry_retain(void *p) {
    atomic_fetch_add_explicit(&((struct entry *)p)->refs, 1, memory_order_relaxed);
}

void entry_release(void *p) {
    struct entry *e = p;
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        free(e);
}

const struct cow_ops entry_ops = {entry_retain, entry_release};

struct entry *entry_new(const struct log_row *row) {
    struct entry *e = malloc(sizeof *e + row->key.n);
    if (!e)
        panic("out of memory");
    char *key = (char *)(e + 1);
    memcpy(key, row->key.p, row->key.n);
    *e = (struct entry){.refs = 1, .id = row->id, .create_rev = row->create_rev, .deleted = !row->value.p};
    e->key = (struct str){key, row->key.n};
    return e;
}

uint64_t engine_now_ms(void) {
    return (uint64_t)clock_mono_ns(clock_system()) / 1000000;
}

void pending_free(struct pending *p) {
    if (p->c.release)
        p->c.release(p->c.release_arg);
    arena_fini(&p->arena);
    free(p);
}

/* -- applying to the index -- */

static int expectation_failed(struct pending *p, size_t i, const struct entry *e) {
    const struct store_op *op = &p->c.ops[i];
    int code = 0;
    if (op->expect == EXPECT_ABSENT && entry_alive(e))
        code = ERR_EXISTS;
    else if (op->expect == EXPECT_MOD_REV && !entry_alive(e))
        code = ERR_NOT_FOUND;
    else if (op->expect == EXPECT_MOD_REV && row_revision(e->id) != op->mod_rev)
        code = ERR_CONFLICT;
    else if (op->delete_ && !entry_alive(e))
        code = ERR_NOT_FOUND;
    if (code == 0)
        return 0;
    p->result.failed_op = i;
    p->result.current = (struct store_kv){.key = op->key};
    if (entry_alive(e)) {
        p->result.current.create_rev = e->create_rev;
        p->result.current.mod_rev = row_revision(e->id);
    }
    return err_set(&p->err, code, "%.*s", STR_ARG(op->key));
}

static int check_expectations(struct engine *g, struct pending *p) {
    for (size_t i = 0; i < p->c.n; i++) {
        int r = expectation_failed(p, i, cow_get(&g->index, p->c.ops[i].key));
        if (r < 0)
            return r;
    }
    return 0;
}

/* Puts an entry into the index and notes how to take it back. */
static void index_put(struct engine *g, const struct log_row *row) {
    struct entry *e = entry_new(row);
    struct entry *old = cow_put(&g->index, e->key, e);
    g->live_keys += entry_alive(e);
    g->live_keys -= entry_alive(old);
    vec_push(&g->undos, ((struct undo){e->key, old}));
}

static void apply(struct engine *g, struct pending *p) {
    p->revision = ++g->revision;
    p->previous = arena_new_n(&p->arena, p->c.n, struct store_kv);
    for (size_t i = 0; i < p->c.n; i++) {
        const struct store_op *op = &p->c.ops[i];
        const struct entry *e = cow_get(&g->index, op->key);
        p->previous[i] = (struct store_kv){.key = op->key};
        if (entry_alive(e)) {
            p->previous[i].create_rev = e->create_rev;
            p->previous[i].mod_rev = row_revision(e->id);
        }
        struct log_row row = {
            .id = row_id(p->revision, i),
            .prev_id = e ? e->id : 0,
            .create_rev = op->delete_      ? 0
                          : entry_alive(e) ? e->create_rev
                                           : p->revision,
            .key = op->key,
            .value = op->delete_ ? STR_NONE : op->value,
        };
        vec_push(&g->rows, row);
        index_put(g, &row);
    }
}

/* The revisions that were given stay used: of an append that failed, rows may yet turn up after a crash. */
static void undo_all(struct engine *g) {
    while (g->undos.n) {
        struct undo u = g->undos.v[--g->undos.n];
        struct entry *mine = cow_get(&g->index, u.key);
        g->live_keys -= entry_alive(mine);
        g->live_keys += entry_alive(u.old);
        mine = u.old ? cow_put(&g->index, u.old->key, u.old) : cow_take(&g->index, u.key);
        entry_release(mine);
    }
}

void engine_forget_undos(struct engine *g) {
    for (size_t i = 0; i < g->undos.n; i++)
        if (g->undos.v[i].old)
            entry_release(g->undos.v[i].old);
    g->undos.n = 0;
}

/* -- the log -- */

static void note_health(struct engine *g, int code, const struct err *err) {
    pthread_mutex_lock(&g->lock);
    g->read_only = code < 0;
    (void)snprintf(g->reason, sizeof g->reason, "%s", code < 0 ? err->msg : "");
    pthread_mutex_unlock(&g->lock);
}

void engine_free_soft(struct engine *g) {
    while (g->soft_head) {
        struct pending *p = g->soft_head;
        g->soft_head = p->next;
        pending_free(p);
    }
    g->soft_tail = &g->soft_head;
    g->soft_bytes = 0;
    g->soft_rows = 0;
}

/* Appends all rows there are. After success nothing is soft any more. */
int engine_append_rows(struct engine *g, struct err *err) {
    if (g->rows.n == 0)
        return 0;
    int r = g->log->ops->append(g->log, g->rows.v, g->rows.n, err);
    note_health(g, r, err);
    if (r < 0)
        return r;
    if (g->mark)
        ack_mark_set(g->mark, row_revision(g->rows.v[g->rows.n - 1].id));
    g->rows.n = 0;
    engine_free_soft(g);
    return 0;
}

/* Soft revisions must be promised before they are given out. */
static int reserve(struct engine *g, struct err *err) {
    if (g->revision <= g->log->marks.reserved)
        return 0;
    int r = g->log->ops->reserve(g->log, g->revision + RESERVE_AHEAD, err);
    note_health(g, r, err);
    return r;
}

/* -- telling -- */

void engine_publish(struct engine *g) {
    struct cow snapshot, old;
    cow_snapshot(&g->index, &snapshot);
    pthread_mutex_lock(&g->lock);
    old = g->published;
    g->published = snapshot;
    g->published_revision = g->revision;
    g->key_count = g->live_keys;
    pthread_mutex_unlock(&g->lock);
    atomic_store(&g->revision_now, g->revision);
    cow_fini(&old);
}

static void tell_observer(struct engine *g, const struct pending *p) {
    if (!g->observer)
        return;
    struct store_kv kvs[STORE_BATCH_OPS_MAX];
    for (size_t i = 0; i < p->c.n; i++) {
        const struct store_op *op = &p->c.ops[i];
        bool replaced = p->previous[i].mod_rev != 0;
        kvs[i] = (struct store_kv){
            .key = op->key,
            .value = op->delete_ ? STR_NONE : op->value,
            .create_rev = op->delete_ ? 0
                          : replaced  ? p->previous[i].create_rev
                                      : p->revision,
            .mod_rev = p->revision,
        };
    }
    g->observer(g->observer_arg, p->revision, kvs, p->previous, p->c.n, p->c.tags);
}

static void finish(struct engine *g, struct pending *p) {
    p->result.code = p->err.code;
    p->result.err = &p->err;
    p->result.revision = p->err.code ? 0 : p->revision;
    if (p->err.code == 0) {
        engine_note_revision(g, p->revision);
        tell_observer(g, p);
    }
    if (p->c.done)
        p->c.done(p->c.arg, &p->result);
}

/* -- a group of commits -- */

/* Hard groups are appended with what is soft; soft ones wait, unless there is too much of it. */
static int make_durable(struct engine *g, bool hard, struct err *err) {
    bool wait = !hard && !g->options.inline_ && g->soft_bytes < SOFT_BYTES_MAX;
    return wait ? reserve(g, err) : engine_append_rows(g, err);
}

/* Acknowledged commits whose rows still wait in memory keep their bytes. */
static void keep_soft(struct engine *g, struct pending *p) {
    if (!g->soft_head)
        g->soft_since_ms = engine_now_ms();
    p->next = NULL;
    *g->soft_tail = p;
    g->soft_tail = &p->next;
    g->soft_bytes += p->bytes;
}

void engine_run_group(struct engine *g, struct pending *first) {
    bool hard = false;
    struct err err = ERR_INIT;
    for (struct pending *p = first; p; p = p->next) {
        if (check_expectations(g, p) < 0)
            continue;
        apply(g, p);
        hard |= p->c.durability == STORE_HARD;
    }
    int r = g->rows.n > g->soft_rows ? make_durable(g, hard, &err) : 0;
    if (r < 0) {
        undo_all(g);
        g->rows.n = g->soft_rows;
    } else {
        engine_forget_undos(g);
        engine_publish(g);
    }
    bool kept = g->rows.n > g->soft_rows;
    for (struct pending *p = first, *next; p; p = next) {
        next = p->next;
        if (r < 0 && p->err.code == 0)
            p->err = err;
        finish(g, p);
        if (kept && p->err.code == 0)
            keep_soft(g, p);
        else
            pending_free(p);
    }
    g->soft_rows = g->rows.n;
}
