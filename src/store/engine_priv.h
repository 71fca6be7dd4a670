/* What the files of the engine share: its state. Inside store/engine*.c only.
 *
 * engine.c        the interface, the thread, opening and closing
 * engine_group.c  a group of commits: expectations, index, log, callbacks
 * engine_ask.c    what else runs on the engine's thread: compaction, observers, flushes
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/cow.h"
#include "base/err.h"
#include "base/vec.h"
#include "store/engine.h"

/* A key's newest row. Counted by the trees it is in; the key follows the struct. */
struct entry {
    atomic_uint refs;
    uint64_t id, create_rev;
    bool deleted;
    struct str key;
};

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
    uint64_t after; /* observe, compact; back: how many commits, then their revision */
    store_event_fn fn;
    void *arg;
    struct cow *snapshot; /* range: the index */
    uint64_t revision;    /* of the snapshot */
    struct arena arena;   /* of soft */
    struct log_row *soft; /* range: copies of rows of the snapshot that the log does not have, by id */
    size_t n_soft;
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
    size_t queued, queued_bytes;
    struct request *request;
    bool closing;
    unsigned asking; /* callers within ask(); closing waits for them */
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
    uint64_t recent[STORE_BACK_MAX]; /* the last revisions that were committed, a ring */
    uint64_t n_recent;               /* ever noted */
    uint64_t revision_at_load; /* revisions before it may have gaps: those reserved by a run that ended */
    store_event_fn observer;
    void *observer_arg;
    VEC(struct log_row) rows; /* to append: first those of soft commits, then those of the group */
    size_t soft_rows;
    VEC(struct undo) undos;
};

/* Whether a key is there: an entry that is not deleted. e may be NULL. */
static inline bool entry_alive(const struct entry *e) {
    return e && !e->deleted;
}

/* engine_group.c; on the owner's thread. */
uint64_t engine_now_ms(void);
struct entry *entry_new(const struct log_row *row);
void entry_release(void *entry);
extern const struct cow_ops entry_ops;
void pending_free(struct pending *p);

/* Runs the commits of a list in order and frees them, or keeps them while they are soft. */
void engine_run_group(struct engine *g, struct pending *first);

/* Appends all rows there are. After success nothing is soft any more. */
int engine_append_rows(struct engine *g, struct err *err);
void engine_free_soft(struct engine *g);
void engine_forget_undos(struct engine *g);

static inline void engine_note_revision(struct engine *g, uint64_t revision) {
    g->recent[g->n_recent++ % STORE_BACK_MAX] = revision;
}

/* Makes the index visible to readers. */
void engine_publish(struct engine *g);

/* engine_ask.c; run on the owner's thread, as requests or between groups. */
void engine_run_flush(struct engine *g, struct request *q);
void engine_run_snapshot(struct engine *g, struct request *q);
void engine_run_compact(struct engine *g, struct request *q);
void engine_run_back(struct engine *g, struct request *q);
void engine_run_observe(struct engine *g, struct request *q);
void engine_compact_step(struct engine *g);
void engine_compact_by_itself(struct engine *g);
