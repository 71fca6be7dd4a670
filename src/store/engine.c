/* The engine. See engine.h.
 *
 * State belongs to the engine's thread ("owner") unless the comment says otherwise. Between two groups:
 *   index      every key's newest row, as of `revision`
 *   published  a snapshot of index that readers copy (lock)
 *   soft       commits acknowledged but not yet in the log, oldest first
 * Invariants: what is in the log is a prefix of what is in index; revision >= every id ever given out.
 */
#include "store/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/ack_mark.h"
#include "store/engine_priv.h"

#define GROUP_ROWS_MAX 4096
#define GROUP_BYTES_MAX (8u << 20)
#define SOFT_INTERVAL_MS_DEFAULT 10000

/* -- taking commits in -- */

static int check_commit(const struct store_commit *c, struct err *err) {
    if (c->n == 0 || c->n > STORE_BATCH_OPS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a batch of %zu changes (1 to %u are possible)", c->n,
                       STORE_BATCH_OPS_MAX);
    for (size_t i = 0; i < c->n; i++) {
        const struct store_op *op = &c->ops[i];
        if (op->key.n == 0 || op->key.n > STORE_KEY_MAX)
            return err_set(err, ERR_TOO_LARGE, "a key of %zu bytes (1 to %u are possible)", op->key.n,
                           STORE_KEY_MAX);
        if (op->value.n > STORE_VALUE_MAX)
            return err_set(err, ERR_TOO_LARGE, "a value of %zu bytes (at most %u)", op->value.n,
                           STORE_VALUE_MAX);
        for (size_t k = 0; k < i; k++)
            if (str_eq(op->key, c->ops[k].key))
                return err_set(err, ERR_INVALID, "a batch changes %.*s twice", STR_ARG(op->key));
    }
    return 0;
}

static struct pending *pending_new(const struct store_commit *c) {
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    p->c = *c;
    arena_init(&p->arena);
    struct store_op *ops = arena_new_n(&p->arena, c->n, struct store_op);
    memcpy(ops, c->ops, c->n * sizeof *ops);
    for (size_t i = 0; i < c->n; i++) {
        if (!c->release) {
            ops[i].key = arena_str(&p->arena, ops[i].key);
            ops[i].value = arena_str(&p->arena, ops[i].value);
        }
        if (!ops[i].value.p)
            ops[i].value = S("");
        p->bytes += ops[i].key.n + ops[i].value.n;
    }
    p->c.ops = ops;
    if (c->tags) {
        void **tags = arena_new_n(&p->arena, c->n, void *);
        memcpy(tags, c->tags, c->n * sizeof *tags);
        p->c.tags = tags;
    }
    return p;
}

static void run_compactions_inline(struct engine *g) {
    while (g->compact_to)
        engine_compact_step(g);
}

/* Ends ask(); lock is held. */
static void leave(struct engine *g) {
    g->asking--;
    pthread_cond_broadcast(&g->idle);
    pthread_mutex_unlock(&g->lock);
}

/* Runs q on the owner's thread and waits for it. */
static int ask(struct engine *g, struct request *q) {
    if (g->options.inline_) {
        q->run(g, q);
        run_compactions_inline(g);
        return q->code;
    }
    pthread_mutex_lock(&g->lock);
    g->asking++;
    while (g->request && !g->closing)
        pthread_cond_wait(&g->idle, &g->lock);
    if (g->closing) {
        leave(g);
        return err_set(q->err, ERR_CLOSED, "the store is closed");
    }
    g->request = q;
    pthread_cond_signal(&g->wake);
    while (!q->done)
        pthread_cond_wait(&g->idle, &g->lock);
    leave(g);
    return q->code;
}

/* -- the thread -- */

/* Waits for work; true unless the store closes and nothing is left. lock is held. */
static bool wait_for_work(struct engine *g) {
    while (!g->head && !g->request && !g->compact_to) {
        if (g->closing)
            return false;
        if (!g->soft_head) {
            pthread_cond_wait(&g->wake, &g->lock);
            continue;
        }
        uint64_t due = g->soft_since_ms + g->options.soft_interval_ms, now = engine_now_ms();
        if (now >= due)
            return true;
        struct timespec t = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000};
        (void)pthread_cond_timedwait(&g->wake, &g->lock, &t);
    }
    return true;
}

static struct pending *take_group(struct engine *g) {
    struct pending *first = g->head, **at = &g->head;
    size_t rows = 0, bytes = 0;
    while (*at && rows < GROUP_ROWS_MAX && bytes < GROUP_BYTES_MAX) {
        rows += (*at)->c.n;
        bytes += (*at)->bytes;
        g->queued--;
        g->queued_bytes -= (*at)->bytes;
        at = &(*at)->next;
    }
    g->head = *at;
    *at = NULL;
    if (!g->head)
        g->tail = &g->head;
    return first;
}

static void append_overdue(struct engine *g) {
    struct err err = ERR_INIT;
    if (g->soft_head && engine_now_ms() >= g->soft_since_ms + g->options.soft_interval_ms) {
        g->soft_since_ms = engine_now_ms(); /* when it fails, not again at once */
        (void)engine_append_rows(g, &err);
    }
}

static void *engine_thread(void *arg) {
    struct engine *g = arg;
    pthread_mutex_lock(&g->lock);
    while (wait_for_work(g)) {
        struct pending *group = g->head ? take_group(g) : NULL;
        struct request *q = g->request;
        g->commits += group != NULL;
        pthread_mutex_unlock(&g->lock);
        if (group)
            engine_run_group(g, group);
        if (q)
            q->run(g, q);
        append_overdue(g);
        engine_compact_by_itself(g);
        if (g->compact_to)
            engine_compact_step(g);
        pthread_mutex_lock(&g->lock);
        if (q) {
            g->request = NULL;
            q->done = true;
            pthread_cond_broadcast(&g->idle);
        }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

/* -- the interface -- */

static int engine_commit(struct store *s, const struct store_commit *c, struct err *err) {
    struct engine *g = (struct engine *)s;
    int r = check_commit(c, err);
    if (r < 0)
        return r;
    struct pending *p = pending_new(c);
    if (g->options.inline_) {
        engine_run_group(g, p);
        engine_compact_by_itself(g);
        run_compactions_inline(g);
        return 0;
    }
    pthread_mutex_lock(&g->lock);
    if (g->closing)
        r = err_set(err, ERR_CLOSED, "the store is closed");
    else if (g->queued >= STORE_QUEUE_MAX || g->queued_bytes >= STORE_QUEUE_BYTES_MAX)
        r = err_set(err, ERR_AGAIN, "%zu writes of %zu bytes wait for the store already", g->queued,
                    g->queued_bytes);
    if (r == 0) {
        *g->tail = p;
        g->tail = &p->next;
        g->queued++;
        g->queued_bytes += p->bytes;
        pthread_cond_signal(&g->wake);
    }
    pthread_mutex_unlock(&g->lock);
    if (r < 0) {
        p->c.release = NULL; /* the caller keeps what it lent */
        pending_free(p);
    }
    return r;
}

static const struct log_row *find_soft(const struct request *q, uint64_t id) {
    size_t low = 0, high = q->n_soft;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (q->soft[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < q->n_soft && q->soft[low].id == id ? &q->soft[low] : NULL;
}

static int read_row(struct engine *g, const struct request *q, uint64_t id, struct arena *a,
                    struct log_row *ret, struct err *err) {
    const struct log_row *soft = find_soft(q, id);
    if (!soft)
        return g->log->ops->read(g->log, id, a, ret, err);
    *ret = *soft;
    return 0;
}

/* The row of a key as of a revision: the newest at or before it. ERR_NOT_FOUND: the key was not there. Of
 * what is not compacted only a deletion may be gone, so a row that follows something else and has no
 * predecessor is damage. */
static int row_at(struct engine *g, const struct request *q, const struct entry *e, uint64_t revision,
                  struct arena *a, struct log_row *ret, struct err *err) {
    bool may_be_gone = false;
    for (uint64_t id = e->id; id; id = ret->prev_id) {
        int r = read_row(g, q, id, a, ret, err);
        if (r == ERR_NOT_FOUND && !may_be_gone && revision >= atomic_load(&g->compacted_now))
            return err_set(err, ERR_CORRUPT, "the row of revision %llu is missing",
                           (unsigned long long)row_revision(id));
        if (r < 0)
            return r;
        if (row_revision(id) <= revision)
            return ret->value.p ? 0 : ERR_NOT_FOUND;
        may_be_gone = ret->create_rev == row_revision(id);
    }
    return ERR_NOT_FOUND;
}

static int range_error(struct engine *g, int r, uint64_t revision, struct err *err) {
    if (r == ERR_NOT_FOUND && revision < atomic_load(&g->compacted_now))
        return err_set(err, ERR_EXPIRED, "revision %llu was compacted", (unsigned long long)revision);
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int engine_range(struct store *s, struct str from, struct str to, uint64_t revision, size_t limit,
                        bool (*fn)(void *arg, const struct store_kv *kv), void *arg, uint64_t *ret_revision,
                        struct err *err) {
    struct engine *g = (struct engine *)s;
    struct cow snapshot;
    struct request q = {.run = engine_run_snapshot, .snapshot = &snapshot, .err = err, .arena = ARENA_INIT};
    int r = ask(g, &q);
    if (r < 0)
        return r;
    uint64_t now = q.revision;
    if (revision == 0)
        revision = now;
    if (revision > now)
        r = err_set(err, ERR_INVALID, "revision %llu is in the future", (unsigned long long)revision);
    else if (revision < atomic_load(&g->compacted_now))
        r = err_set(err, ERR_EXPIRED, "revision %llu was compacted", (unsigned long long)revision);
    struct cow_iter it;
    struct arena a = ARENA_INIT;
    size_t n = 0;
    bool more = r == 0;
    cow_range(&it, &snapshot, from, to);
    for (const struct cow_item *item; more && (item = cow_next(&it)) && (limit == 0 || n < limit);) {
        struct log_row row;
        const struct entry *e = item->value;
        arena_reset(&a);
        r = e->deleted && row_revision(e->id) <= revision ? ERR_NOT_FOUND
                                                          : row_at(g, &q, e, revision, &a, &row, err);
        if (r == 0) {
            struct store_kv kv = {row.key, row.value, row.create_rev, row_revision(row.id)};
            more = fn(arg, &kv);
            n++;
        } else {
            r = range_error(g, r, revision, err);
            more = r == 0;
        }
    }
    arena_fini(&a);
    arena_fini(&q.arena);
    cow_fini(&snapshot);
    if (r == 0 && ret_revision)
        *ret_revision = revision;
    return r;
}

static int engine_observe(struct store *s, uint64_t after, store_event_fn fn, void *arg, struct err *err) {
    struct request q = {.run = engine_run_observe, .after = after, .fn = fn, .arg = arg, .err = err};
    return ask((struct engine *)s, &q);
}

static uint64_t engine_revision(struct store *s) {
    return atomic_load(&((struct engine *)s)->revision_now);
}

static uint64_t engine_compacted(struct store *s) {
    return atomic_load(&((struct engine *)s)->compacted_now);
}

static uint64_t engine_back(struct store *s, size_t n) {
    struct err err = ERR_INIT;
    struct request q = {.run = engine_run_back, .after = n, .err = &err};
    return ask((struct engine *)s, &q) < 0 ? engine_compacted(s) : q.after;
}

static int engine_compact(struct store *s, uint64_t revision, struct err *err) {
    struct request q = {.run = engine_run_compact, .after = revision, .err = err};
    return ask((struct engine *)s, &q);
}

static int engine_backup(struct store *s, const char *path, struct err *err) {
    struct engine *g = (struct engine *)s;
    struct request q = {.run = engine_run_flush, .err = err};
    int r = ask(g, &q);
    return r < 0 ? r : g->log->ops->backup(g->log, path, err);
}

static void engine_stat(struct store *s, struct store_stat *ret_stat) {
    struct engine *g = (struct engine *)s;
    struct store_stat st = {.size_bytes = g->log->ops->size_bytes(g->log),
                            .fsyncs = g->log->ops->fsyncs(g->log)};
    pthread_mutex_lock(&g->lock);
    st.history_count = g->published_revision - atomic_load(&g->compacted_now);
    st.key_count = g->key_count;
    st.read_only = g->read_only;
    memcpy(st.reason, g->reason, sizeof st.reason);
    st.commits = g->commits;
    pthread_mutex_unlock(&g->lock);
    *ret_stat = st;
}

static void engine_free(struct engine *g) {
    engine_free_soft(g);
    engine_forget_undos(g);
    vec_fini(&g->rows);
    vec_fini(&g->undos);
    cow_fini(&g->published);
    cow_fini(&g->index);
    g->log->ops->close(g->log);
    ack_mark_close(g->mark);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->wake);
    pthread_cond_destroy(&g->idle);
    free(g);
}

static void engine_close(struct store *s) {
    struct engine *g = (struct engine *)s;
    if (g->thread_started) {
        pthread_mutex_lock(&g->lock);
        g->closing = true;
        pthread_cond_broadcast(&g->wake);
        pthread_cond_broadcast(&g->idle);
        pthread_mutex_unlock(&g->lock);
        pthread_join(g->thread, NULL);
        pthread_mutex_lock(&g->lock);
        while (g->asking)
            pthread_cond_wait(&g->idle, &g->lock);
        pthread_mutex_unlock(&g->lock);
    }
    struct err err = ERR_INIT;
    (void)engine_append_rows(g, &err);
    engine_free(g);
}

static const struct store_ops engine_ops = {
    .commit = engine_commit,
    .range = engine_range,
    .observe = engine_observe,
    .revision = engine_revision,
    .compacted = engine_compacted,
    .back = engine_back,
    .compact = engine_compact,
    .backup = engine_backup,
    .stat = engine_stat,
    .close = engine_close,
};

/* -- opening -- */

/* The revisions of history, as they are found: numbers that a run reserved and did not use are no history. */
struct loading {
    struct engine *g;
    VEC(uint64_t) history;
};

static bool load_row(void *arg, const struct log_row *row) {
    struct loading *l = arg;
    struct engine *g = l->g;
    uint64_t revision = row_revision(row->id);
    if (revision > g->log->marks.compacted && revision != g->revision)
        vec_push(&l->history, revision);
    if (revision != g->revision)
        engine_note_revision(g, revision);
    struct entry *e = entry_new(row), *old = cow_put(&g->index, e->key, e);
    g->live_keys += entry_alive(e);
    g->live_keys -= entry_alive(old);
    if (old)
        entry_release(old);
    g->revision = revision;
    return true;
}

static int load(struct engine *g, uint64_t acked, struct err *err) {
    struct loading l = {.g = g};
    uint64_t keep = g->options.history_keep;
    int r = g->log->ops->scan(g->log, 0, false, load_row, &l, err);
    if (keep && l.history.n > 2 * keep)
        g->compact_to = l.history.v[l.history.n - keep];
    vec_fini(&l.history);
    if (r < 0)
        return r;
    uint64_t last = g->revision > g->log->marks.compacted ? g->revision : g->log->marks.compacted;
    if (last < acked)
        return err_set(
            err, ERR_CORRUPT,
            "the store ends at revision %llu, but revision %llu was acknowledged: data is missing; "
            "restore a backup, or remove the .acked file beside it to go on without what is lost",
            (unsigned long long)last, (unsigned long long)acked);
    g->revision = last > g->log->marks.reserved ? last : g->log->marks.reserved;
    g->revision_at_load = g->revision;
    atomic_store(&g->compacted_now, g->log->marks.compacted);
    engine_publish(g);
    return 0;
}

static int start_thread(struct engine *g, struct err *err) {
    int e = pthread_create(&g->thread, NULL, engine_thread, g);
    if (e)
        return err_errno(err, e, "start the store's thread");
    g->thread_started = true;
    return 0;
}

int engine_open(struct log *log, struct ack_mark *mark, uint64_t acked, const struct engine_options *options,
                struct store **ret_store, struct err *err) {
    struct engine *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    g->store.ops = &engine_ops;
    g->log = log;
    g->mark = mark;
    g->options = *options;
    if (!g->options.soft_interval_ms)
        g->options.soft_interval_ms = SOFT_INTERVAL_MS_DEFAULT;
    g->tail = &g->head;
    g->soft_tail = &g->soft_head;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, &monotonic);
    pthread_cond_init(&g->idle, NULL);
    pthread_condattr_destroy(&monotonic);
    cow_init(&g->index, &entry_ops);
    cow_init(&g->published, &entry_ops);
    int r = load(g, acked, err);
    if (r == 0 && !g->options.inline_)
        r = start_thread(g, err);
    if (r < 0) {
        engine_free(g);
        return r;
    }
    *ret_store = &g->store;
    return 0;
}
