/* store/log: what a backend of the engine stores: an append-only sequence of rows. Inside store/ only.
 *
 * A row is one change of one key; its id is the revision and the place within its batch (row_id), so ids
 * increase. `prev_id` is the key's row before this one (0: none), which lets compaction and reads of old
 * revisions go from row to row without an index by key. Appending, dropping and reserving happen on the
 * engine's thread; reading and backup on any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "store/store.h"

struct log;

#define ROW_OP_BITS 7 /* STORE_BATCH_OPS_MAX rows a revision */

static inline uint64_t row_id(uint64_t revision, size_t op) {
    return revision << ROW_OP_BITS | op;
}
static inline uint64_t row_revision(uint64_t id) {
    return id >> ROW_OP_BITS;
}

struct log_row {
    uint64_t id;
    uint64_t prev_id;
    uint64_t create_rev; /* 0 in rows that delete */
    struct str key;
    struct str value; /* p == NULL: the key was deleted */
};

/* What is known of a log besides its rows. */
struct log_marks {
    uint64_t reserved;  /* no revision up to this one may be given out again */
    uint64_t compacted; /* history up to here is forgotten */
};

typedef bool (*log_row_fn)(void *arg, const struct log_row *row);

struct log_ops {
    /* Appends rows in one transaction that is on disk on return. All or none. */
    int (*append)(struct log *l, const struct log_row *rows, size_t n, struct err *err);

    /* The row of that id; strings live in the arena. ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO. */
    int (*read)(struct log *l, uint64_t id, struct arena *a, struct log_row *ret_row, struct err *err);

    /* Rows with id > after_id in order, until fn says false; borrowed for the call. */
    int (*scan)(struct log *l, uint64_t after_id, bool with_values, log_row_fn fn, void *arg,
                struct err *err);

    /* Removes rows and notes how far history is compacted now (in the same transaction). */
    int (*drop)(struct log *l, const uint64_t *ids, size_t n, uint64_t compacted, struct err *err);

    /* Durably promises that no revision up to this one is given out again after a restart. */
    int (*reserve)(struct log *l, uint64_t revision, struct err *err);

    int (*backup)(struct log *l, const char *path, struct err *err);
    uint64_t (*size_bytes)(struct log *l);
    uint64_t (*fsyncs)(struct log *l);
    void (*close)(struct log *l);
};

struct log {
    const struct log_ops *ops;
    struct log_marks marks;
};

int log_sqlite_open(const char *path, struct log **ret_log, struct err *err);
struct log *log_memory_new(void);
