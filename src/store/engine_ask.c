/* What runs on the engine's thread besides commits: compaction in small steps, replaying history to an
 * observer, appending what is soft. See engine.h.
 */
#include <stdlib.h>

#include "store/engine_priv.h"

#define COMPACT_STEP_ROWS 512

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
        engine_publish(g);
}

/* One step; failures (a full disk) are tried again with the next one. */
void engine_compact_step(struct engine *g) {
    struct err err = ERR_INIT;
    struct compaction c = {.g = g, .to = g->compact_to, .arena = ARENA_INIT};
    uint64_t done = g->log->marks.compacted;
    int r = engine_append_rows(g, &err);
    if (r == 0)
        r = g->log->ops->scan(g->log, row_id(done + 1, 0) - 1, false, compact_row, &c, &err);
    if (r == 0) {
        /* Before rows go: a range that misses one must be able to tell why. */
        atomic_store(&g->compacted_now, c.more ? c.last : c.to);
        r = g->log->ops->drop(g->log, c.ids.v, c.ids.n, c.more ? c.last : c.to, &err);
        atomic_store(&g->compacted_now, g->log->marks.compacted);
    }
    if (r == 0)
        drop_tombstones(g, &c);
    if (r < 0 || !c.more)
        g->compact_to = 0;
    vec_fini(&c.ids);
    vec_fini(&c.tombstones);
    vec_fini(&c.keys);
    arena_fini(&c.arena);
}

void engine_compact_by_itself(struct engine *g) {
    uint64_t keep = g->options.history_keep, base = g->log->marks.compacted;
    if (base < g->revision_at_load)
        base = g->revision_at_load;
    if (keep && g->compact_to == 0 && g->revision - base > 2 * keep)
        g->compact_to = g->revision - keep;
}

/* -- requests -- */

void engine_run_flush(struct engine *g, struct request *q) {
    q->code = engine_append_rows(g, q->err);
}

/* Flush and snapshot are one step: a soft commit in between would put entries into the snapshot whose rows
 * the log does not have yet. When the log takes nothing (a full disk), the reader gets copies of these rows:
 * reads go on. */
void engine_run_snapshot(struct engine *g, struct request *q) {
    struct err err = ERR_INIT;
    if (engine_append_rows(g, &err) < 0) {
        q->n_soft = g->rows.n;
        q->soft = arena_new_n(&q->arena, q->n_soft, struct log_row);
        for (size_t i = 0; i < q->n_soft; i++) {
            q->soft[i] = g->rows.v[i];
            q->soft[i].key = arena_str(&q->arena, g->rows.v[i].key);
            q->soft[i].value = arena_str(&q->arena, g->rows.v[i].value);
        }
    }
    cow_snapshot(&g->index, q->snapshot);
    q->revision = g->revision;
}

void engine_run_compact(struct engine *g, struct request *q) {
    if (q->after > g->revision)
        q->code = err_set(q->err, ERR_INVALID, "revision %llu is in the future, the store is at %llu",
                          (unsigned long long)q->after, (unsigned long long)g->revision);
    else if (q->after > g->log->marks.compacted)
        g->compact_to = q->after;
}

void engine_run_back(struct engine *g, struct request *q) {
    uint64_t n = q->after, known = g->n_recent < STORE_BACK_MAX ? g->n_recent : STORE_BACK_MAX;
    uint64_t after = n < known ? g->recent[(g->n_recent - n - 1) % STORE_BACK_MAX] : 0;
    if (n >= known && known == STORE_BACK_MAX)
        after = g->recent[g->n_recent % STORE_BACK_MAX];
    q->after = after > g->log->marks.compacted ? after : g->log->marks.compacted;
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

void engine_run_observe(struct engine *g, struct request *q) {
    if (q->after < g->log->marks.compacted) {
        q->code = err_set(q->err, ERR_EXPIRED, "history begins after revision %llu, %llu was asked for",
                          (unsigned long long)g->log->marks.compacted, (unsigned long long)q->after);
        return;
    }
    struct replay p = {.g = g, .q = q, .arena = ARENA_INIT};
    q->code = engine_append_rows(g, q->err);
    if (q->code == 0)
        q->code = g->log->ops->scan(g->log, row_id(q->after + 1, 0) - 1, true, replay_row, &p, q->err);
    if (q->code == 0) {
        replay_hand_on(&p);
        g->observer = q->fn;
        g->observer_arg = q->arg;
    }
    arena_fini(&p.arena);
}
