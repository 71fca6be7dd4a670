/* The engine. See engine.h.
 *
 * State belongs to the engine's thread ("owner") unless the comment says otherwise. Between two groups:
 *   index      every key's newest row, as of `revision`
 *   published  a snapshot of index that readers copy (lock)
 *   soft       commits acknowledged but not yet in the log, oldest first
 * Invariants: what is in the log is a prefix of what is in index; revision >= every id ever given out.
 */
#include "store/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/cow.h"
#include "base/err.h"
#include "base/vec.h"
#include "store/ack_mark.h"

#define GROUP_ROWS_MAX 4096
#define GROUP_BYTES_MAX (8u << 20)
#define SOFT_BYTES_MAX (8u << 20) /* soft values waiting in memory before they are appended early */
#define RESERVE_AHEAD 10000       /* revisions promised at once for soft commits */
#define COMPACT_STEP_ROWS 512
#define SOFT_INTERVAL_MS_DEFAULT 10000

/* A key's newest row. Counted by the trees it is in; the key follows the struct. */
struct entry {
    atomic_uint refs;
    uint64_t id, create_rev;
    bool deleted;
    struct str key;
};

static void entry_retain(void *p) {
    atomic_fetch_add_explicit(&((struct entry *)p)->refs, 1, memory_order_relaxed);
}

static void entry_release(void *p) {
    struct entry *e = p;
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        free(e);
}

static const struct cow_ops entry_ops = {entry_retain, entry_release};

static struct entry *entry_new(const struct log_row *row) {
    struct entry *e = malloc(sizeof *e + row->key.n);
    if (!e)
        panic("out of memory");
    char *key = (char *)(e + 1);
    memcpy(key, row->key.p, row->key.n);
    *e = (struct entry){.refs = 1, .id = row->id, .create_rev = row->create_rev, .deleted = !row->value.p};
    e->key = (struct str){key, row->key.n};
    return e;
}

static bool entry_alive(const struct entry *e) {
    return e && !e->deleted;
}

/* A commit on its way. Owns copies of its operations in the arena unless they are borrowed. */
struct pending {
    struct pending *next;
    struct store_commit c;
    struct arena arena;
    size_t bytes;
    /* filled in while it is worked on */
    uint64_t revision;
    struct store_kv *previous; /* what each operation replaced */
    struct store_result result;
    struct err err;
};

/* How to take back one change of the index: put `old` back, or, when NULL, take the key out. */
struct undo {
    struct str key;
    struct entry *old;
};

struct engine;

/* Work other than commits that must run on the owner's thread, for a caller who waits. */
struct request {
    void (*run)(struct engine *g, struct request *q);
    bool done;
    int code;
    struct err *err;
    uint64_t after; /* observe, compact */
    store_event_fn fn;
    void *arg;
};

struct engine {
    struct store store;
    struct log *log;
    struct ack_mark *mark;
    struct engine_options options;

    pthread_mutex_t lock; /* queue, request, closing, published, state for stat */
    pthread_cond_t wake;  /* the owner waits */
    pthread_cond_t idle;  /* callers of requests wait */
    struct pending *head, **tail;
    size_t queued;
    struct request *request;
    bool closing;
    struct cow published;
    uint64_t published_revision, key_count, commits;
    bool read_only;
    char reason[256];

    atomic_ullong revision_now, compacted_now;

    pthread_t thread;
    bool thread_started;
    struct cow index;
    uint64_t revision;
    uint64_t live_keys;
    struct pending *soft_head, **soft_tail;
    size_t soft_bytes;
    uint64_t soft_since_ms; /* when the oldest soft commit came */
    uint64_t compact_to;
    store_event_fn observer;
    void *observer_arg;
    VEC(struct log_row) rows; /* to append: first those of soft commits, then those of the group */
    size_t soft_rows;
    VEC(struct undo) undos;
};

static uint64_t now_ms(void) {
    return (uint64_t)clock_mono_ns(clock_system()) / 1000000;
}

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

static void pending_free(struct pending *p) {
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

static void undo_all(struct engine *g, uint64_t revision) {
    while (g->undos.n) {
        struct undo u = g->undos.v[--g->undos.n];
        struct entry *mine = cow_get(&g->index, u.key);
        g->live_keys -= entry_alive(mine);
        g->live_keys += entry_alive(u.old);
        mine = u.old ? cow_put(&g->index, u.old->key, u.old) : cow_take(&g->index, u.key);
        entry_release(mine);
    }
    g->revision = revision;
}

static void forget_undos(struct engine *g) {
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

static void free_soft(struct engine *g) {
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
static int append_rows(struct engine *g, struct err *err) {
    if (g->rows.n == 0)
        return 0;
    int r = g->log->ops->append(g->log, g->rows.v, g->rows.n, err);
    note_health(g, r, err);
    if (r < 0)
        return r;
    if (g->mark)
        ack_mark_set(g->mark, row_revision(g->rows.v[g->rows.n - 1].id));
    g->rows.n = 0;
    free_soft(g);
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

static void publish(struct engine *g) {
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
    if (p->err.code == 0)
        tell_observer(g, p);
    if (p->c.done)
        p->c.done(p->c.arg, &p->result);
}

/* -- a group of commits -- */

/* Hard groups are appended with what is soft; soft ones wait, unless there is too much of it. */
static int make_durable(struct engine *g, bool hard, struct err *err) {
    bool wait = !hard && !g->options.inline_ && g->soft_bytes < SOFT_BYTES_MAX;
    return wait ? reserve(g, err) : append_rows(g, err);
}

/* Acknowledged commits whose rows still wait in memory keep their bytes. */
static void keep_soft(struct engine *g, struct pending *p) {
    if (!g->soft_head)
        g->soft_since_ms = now_ms();
    p->next = NULL;
    *g->soft_tail = p;
    g->soft_tail = &p->next;
    g->soft_bytes += p->bytes;
}

static void run_group(struct engine *g, struct pending *first) {
    uint64_t revision = g->revision;
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
        undo_all(g, revision);
        g->rows.n = g->soft_rows;
    } else {
        forget_undos(g);
        publish(g);
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

/* -- compaction -- */

struct compaction {
    struct engine *g;
    uint64_t to;   /* revision */
    uint64_t last; /* revision of the last row seen; all its rows were */
    VEC(uint64_t) ids;
    VEC(uint64_t) tombstones;
    VEC(struct str) keys; /* of tombstones, in the arena */
    struct arena arena;
    size_t seen;
    bool more;
};

static bool compact_row(void *arg, const struct log_row *row) {
    struct compaction *c = arg;
    uint64_t revision = row_revision(row->id);
    if (revision > c->to)
        return false;
    if (c->seen >= COMPACT_STEP_ROWS && revision != c->last) {
        c->more = true;
        return false;
    }
    c->seen++;
    c->last = revision;
    if (row->prev_id)
        vec_push(&c->ids, row->prev_id);
    if (!row->value.p) {
        vec_push(&c->ids, row->id);
        vec_push(&c->tombstones, row->id);
        vec_push(&c->keys, arena_str(&c->arena, row->key));
    }
    return true;
}

/* Deleted keys whose last row went leave the index. */
static void drop_tombstones(struct engine *g, const struct compaction *c) {
    for (size_t i = 0; i < c->tombstones.n; i++) {
        struct entry *e = cow_get(&g->index, c->keys.v[i]);
        if (e && e->id == c->tombstones.v[i])
            entry_release(cow_take(&g->index, c->keys.v[i]));
    }
    if (c->tombstones.n)
        publish(g);
}

/* One step; failures (a full disk) are tried again with the next one. */
static void compact_step(struct engine *g) {
    struct err err = ERR_INIT;
    struct compaction c = {.g = g, .to = g->compact_to, .arena = ARENA_INIT};
    uint64_t done = g->log->marks.compacted;
    int r = append_rows(g, &err);
    if (r == 0)
        r = g->log->ops->scan(g->log, row_id(done + 1, 0) - 1, false, compact_row, &c, &err);
    if (r == 0)
        r = g->log->ops->drop(g->log, c.ids.v, c.ids.n, c.more ? c.last : c.to, &err);
    if (r == 0) {
        drop_tombstones(g, &c);
        atomic_store(&g->compacted_now, g->log->marks.compacted);
    }
    if (r < 0 || !c.more)
        g->compact_to = 0;
    vec_fini(&c.ids);
    vec_fini(&c.tombstones);
    vec_fini(&c.keys);
    arena_fini(&c.arena);
}

static void compact_by_itself(struct engine *g) {
    uint64_t keep = g->options.history_keep;
    if (keep && g->compact_to == 0 && g->revision - g->log->marks.compacted > 2 * keep)
        g->compact_to = g->revision - keep;
}

/* -- requests -- */

static void run_flush(struct engine *g, struct request *q) {
    q->code = append_rows(g, q->err);
}

static void run_compact(struct engine *g, struct request *q) {
    if (q->after > g->revision)
        q->code = err_set(q->err, ERR_INVALID, "revision %llu is in the future, the store is at %llu",
                          (unsigned long long)q->after, (unsigned long long)g->revision);
    else if (q->after > g->log->marks.compacted)
        g->compact_to = q->after;
}

/* Gathers the rows of one revision and hands them on when the next one begins. */
struct replay {
    struct engine *g;
    struct request *q;
    struct arena arena;
    uint64_t revision;
    size_t n;
    struct store_kv kvs[STORE_BATCH_OPS_MAX], previous[STORE_BATCH_OPS_MAX];
};

static void replay_hand_on(struct replay *p) {
    if (p->n)
        p->q->fn(p->q->arg, p->revision, p->kvs, p->previous, p->n, NULL);
    p->n = 0;
    arena_reset(&p->arena);
}

static bool replay_row(void *arg, const struct log_row *row) {
    struct replay *p = arg;
    uint64_t revision = row_revision(row->id);
    if (revision != p->revision)
        replay_hand_on(p);
    p->revision = revision;
    struct str key = arena_str(&p->arena, row->key);
    p->kvs[p->n] = (struct store_kv){
        .key = key,
        .value = arena_str(&p->arena, row->value),
        .create_rev = row->create_rev,
        .mod_rev = revision,
    };
    bool created = row->value.p && row->create_rev == revision;
    p->previous[p->n] = (struct store_kv){.key = key, .mod_rev = created ? 0 : row_revision(row->prev_id)};
    p->n++;
    return true;
}

static void run_observe(struct engine *g, struct request *q) {
    if (q->after < g->log->marks.compacted) {
        q->code = err_set(q->err, ERR_EXPIRED, "history begins after revision %llu, %llu was asked for",
                          (unsigned long long)g->log->marks.compacted, (unsigned long long)q->after);
        return;
    }
    struct replay p = {.g = g, .q = q, .arena = ARENA_INIT};
    q->code = append_rows(g, q->err);
    if (q->code == 0)
        q->code = g->log->ops->scan(g->log, row_id(q->after + 1, 0) - 1, true, replay_row, &p, q->err);
    if (q->code == 0) {
        replay_hand_on(&p);
        g->observer = q->fn;
        g->observer_arg = q->arg;
    }
    arena_fini(&p.arena);
}

static void run_compactions_inline(struct engine *g) {
    while (g->compact_to)
        compact_step(g);
}

/* Runs q on the owner's thread and waits for it. */
static int ask(struct engine *g, struct request *q) {
    if (g->options.inline_) {
        q->run(g, q);
        run_compactions_inline(g);
        return q->code;
    }
    pthread_mutex_lock(&g->lock);
    while (g->request && !g->closing)
        pthread_cond_wait(&g->idle, &g->lock);
    if (g->closing) {
        pthread_mutex_unlock(&g->lock);
        return err_set(q->err, ERR_CLOSED, "the store is closed");
    }
    g->request = q;
    pthread_cond_signal(&g->wake);
    while (!q->done)
        pthread_cond_wait(&g->idle, &g->lock);
    pthread_mutex_unlock(&g->lock);
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
        uint64_t due = g->soft_since_ms + g->options.soft_interval_ms, now = now_ms();
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
    if (g->soft_head && now_ms() >= g->soft_since_ms + g->options.soft_interval_ms) {
        g->soft_since_ms = now_ms(); /* when it fails, not again at once */
        (void)append_rows(g, &err);
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
            run_group(g, group);
        if (q)
            q->run(g, q);
        append_overdue(g);
        compact_by_itself(g);
        if (g->compact_to)
            compact_step(g);
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
        run_group(g, p);
        compact_by_itself(g);
        run_compactions_inline(g);
        return 0;
    }
    pthread_mutex_lock(&g->lock);
    if (g->closing)
        r = err_set(err, ERR_CLOSED, "the store is closed");
    else if (g->queued >= STORE_QUEUE_MAX)
        r = err_set(err, ERR_AGAIN, "%u writes wait for the store already", STORE_QUEUE_MAX);
    if (r == 0) {
        *g->tail = p;
        g->tail = &p->next;
        g->queued++;
        pthread_cond_signal(&g->wake);
    }
    pthread_mutex_unlock(&g->lock);
    if (r < 0) {
        p->c.release = NULL; /* the caller keeps what it lent */
        pending_free(p);
    }
    return r;
}

/* The row of a key as of a revision: newest id at or before it. Deleted or absent: ERR_NOT_FOUND without
 * message. */
static int row_at(struct engine *g, const struct entry *e, uint64_t revision, struct arena *a,
                  struct log_row *ret, struct err *err) {
    uint64_t id = e->id;
    while (id) {
        int r = g->log->ops->read(g->log, id, a, ret, err);
        if (r < 0)
            return r;
        if (row_revision(id) <= revision)
            return ret->value.p ? 0 : ERR_NOT_FOUND;
        id = ret->prev_id;
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
    struct request q = {.run = run_flush, .err = err};
    int r = ask(g, &q);
    if (r < 0)
        return r;
    struct cow snapshot;
    pthread_mutex_lock(&g->lock);
    cow_snapshot(&g->published, &snapshot);
    uint64_t now = g->published_revision;
    pthread_mutex_unlock(&g->lock);
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
                                                          : row_at(g, e, revision, &a, &row, err);
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
    cow_fini(&snapshot);
    if (r == 0 && ret_revision)
        *ret_revision = revision;
    return r;
}

static int engine_observe(struct store *s, uint64_t after, store_event_fn fn, void *arg, struct err *err) {
    struct request q = {.run = run_observe, .after = after, .fn = fn, .arg = arg, .err = err};
    return ask((struct engine *)s, &q);
}

static uint64_t engine_revision(struct store *s) {
    return atomic_load(&((struct engine *)s)->revision_now);
}

static uint64_t engine_compacted(struct store *s) {
    return atomic_load(&((struct engine *)s)->compacted_now);
}

static int engine_compact(struct store *s, uint64_t revision, struct err *err) {
    struct request q = {.run = run_compact, .after = revision, .err = err};
    return ask((struct engine *)s, &q);
}

static int engine_backup(struct store *s, const char *path, struct err *err) {
    struct engine *g = (struct engine *)s;
    struct request q = {.run = run_flush, .err = err};
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
    free_soft(g);
    forget_undos(g);
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
    }
    struct err err = ERR_INIT;
    (void)append_rows(g, &err);
    engine_free(g);
}

static const struct store_ops engine_ops = {
    .commit = engine_commit,
    .range = engine_range,
    .observe = engine_observe,
    .revision = engine_revision,
    .compacted = engine_compacted,
    .compact = engine_compact,
    .backup = engine_backup,
    .stat = engine_stat,
    .close = engine_close,
};

/* -- opening -- */

static bool load_row(void *arg, const struct log_row *row) {
    struct engine *g = arg;
    struct entry *e = entry_new(row), *old = cow_put(&g->index, e->key, e);
    g->live_keys += entry_alive(e);
    g->live_keys -= entry_alive(old);
    if (old)
        entry_release(old);
    g->revision = row_revision(row->id);
    return true;
}

static int load(struct engine *g, uint64_t acked, struct err *err) {
    int r = g->log->ops->scan(g->log, 0, false, load_row, g, err);
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
    atomic_store(&g->compacted_now, g->log->marks.compacted);
    publish(g);
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
