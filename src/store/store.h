/* store: the versioned key-value store under the API server, the smallest thing every backend can do.
 *
 * Keys are byte strings as upstream lays them out (/registry/pods/default/a); values are opaque bytes.
 * Revisions are one increasing 64-bit sequence for the whole store; a committed batch takes one revision, and
 * each key in it remembers the revision that created it and the last that changed it.
 *
 * Used by apiserver/ only (and by backup and restore). Threads: any thread may call; each store has one
 * thread of its own which alone changes it and on which all callbacks run, in revision order. Callbacks must
 * not block; they post to where they belong (base/loop.h). In the simulator the memory backend answers
 * inline.
 *
 * Order of callbacks for one commit: the observer sees its events first (so that a cache built on it is
 * current), then the commit's own callback runs. Both only after the commit is as durable as it was asked to
 * be.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct arena;
struct store;
struct store_stat;

#define STORE_KEY_MAX 2048u                /* bytes of a key */
#define STORE_VALUE_MAX (3u * 1024 * 1024) /* bytes of a value; upstream's request limit */
#define STORE_BATCH_OPS_MAX 128u
#define STORE_BACK_MAX 4096u
#define STORE_QUEUE_MAX 16384u            /* commits waiting; more get ERR_AGAIN at once */
#define STORE_QUEUE_BYTES_MAX (64u << 20) /* their keys and values; the same */

enum store_durability {
    STORE_HARD, /* on disk (fsync) before the callback says so */
    STORE_SOFT, /* written behind: may be lost by a crash, never out of order, revisions never reused */
};

enum store_expect {
    EXPECT_ANY,     /* whatever is there */
    EXPECT_ABSENT,  /* the key must not exist */
    EXPECT_MOD_REV, /* the key's last revision must be .mod_rev */
};

/* One change of one key. */
struct store_op {
    struct str key;
    struct str value; /* ignored when deleting */
    bool delete_;
    enum store_expect expect;
    uint64_t mod_rev;
};

/* A key as it is (or, in an event, as it became). value.p == NULL: deleted. Borrowed for the call. */
struct store_kv {
    struct str key, value;
    uint64_t create_rev, mod_rev;
};

/* What a commit did. On ERR_CONFLICT, ERR_EXISTS or ERR_NOT_FOUND, `failed_op` names the first operation
 * whose expectation did not hold and `current` what is there (value empty). */
struct store_result {
    int code; /* 0 or an error code; ERR_NO_SPACE, ERR_IO and ERR_CORRUPT leave the store readable */
    uint64_t revision;
    size_t failed_op;
    struct store_kv current;
    const struct err *err;
};

typedef void (*store_done_fn)(void *arg, const struct store_result *result);

/* Called on the store's thread for each committed batch, in revision order, each revision once. `tag` is the
 * one the committer gave (NULL for changes of other servers): it lets a cache take the object it already has
 * instead of decoding the bytes. */
typedef void (*store_event_fn)(void *arg, uint64_t revision, const struct store_kv *kvs,
                               const struct store_kv *previous, size_t n, void *const *tags);

/* One atomic batch: all operations or none. Keys and values are copied or consumed before the call returns
 * unless `release` is given: then they stay borrowed until release(release_arg) is called (on the store's
 * thread). */
struct store_commit {
    const struct store_op *ops;
    void *const *tags; /* one an operation, or NULL */
    size_t n;
    enum store_durability durability;
    store_done_fn done;
    void *arg;
    void (*release)(void *release_arg);
    void *release_arg;
};

struct store_ops {
    /* Queues a commit. 0, or ERR_AGAIN (queue full), ERR_TOO_LARGE, ERR_CLOSED: then done is not called. */
    int (*commit)(struct store *s, const struct store_commit *c, struct err *err);

    /* Calls fn for each key in [from, to) as of `revision` (0: now), in key order, at most `limit` (0: all);
     * fn returns false to stop. Blocks the caller, not the store. ERR_EXPIRED when the revision was
     * compacted. *ret_revision is the revision the answer holds for. */
    int (*range)(struct store *s, struct str from, struct str to, uint64_t revision, size_t limit,
                 bool (*fn)(void *arg, const struct store_kv *kv), void *arg, uint64_t *ret_revision,
                 struct err *err);

    /* Makes fn see every batch after revision `after`: first the kept history, then live ones, without a gap.
     * One observer a store. ERR_EXPIRED when history does not reach back that far. */
    int (*observe)(struct store *s, uint64_t after, store_event_fn fn, void *arg, struct err *err);

    /* The last committed revision, and the oldest whose successors are all kept. */
    uint64_t (*revision)(struct store *s);
    uint64_t (*compacted)(struct store *s);

    /* The revision that the last n commits came after, or compacted() when history has fewer; at most
     * STORE_BACK_MAX commits back. Numbers may be skipped between commits, so this is no subtraction. */
    uint64_t (*back)(struct store *s, size_t n);

    /* Forgets history up to and including `revision`. ERR_INVALID for a revision in the future. Runs in small
     * steps. */
    int (*compact)(struct store *s, uint64_t revision, struct err *err);

    /* Writes a consistent copy of the whole store to a new file while writes go on. Blocks the caller. */
    int (*backup)(struct store *s, const char *path, struct err *err);

    /* Bytes the store takes on disk, and whether it refuses writes now (and why). */
    void (*stat)(struct store *s, struct store_stat *ret_stat);

    /* Finishes queued commits, writes behind what is soft, and frees. Blocks. */
    void (*close)(struct store *s);
};

/* First member of every backend. */
struct store {
    const struct store_ops *ops;
};

struct store_stat {
    uint64_t size_bytes, history_count, key_count;
    bool read_only;   /* writes are refused until the cause is gone; the store retries by itself */
    char reason[256]; /* of read_only */
    uint64_t commits, fsyncs;
};

struct store_sqlite_options {
    const char *path;      /* of the database file; its folder must exist, files are made with mode 0600 */
    uint64_t history_keep; /* revisions of history kept for watchers, at least; 0: 10,000 */
    uint32_t soft_interval_ms; /* longest wait of soft writes; 0: 10,000 */
};

/* Opens or creates. ERR_CORRUPT with a message that names file and place when the file is damaged; it is
 * never repaired by guessing. */
int store_sqlite_open(const struct store_sqlite_options *options, struct store **ret_store, struct err *err);

/* A consistent copy of a database that another process may be using, in a new file. Blocks. */
int store_sqlite_copy(const char *path, const char *to, struct err *err);

/* Puts a backup in place of a database that must not exist yet. The restored store continues at a higher
 * revision. */
int store_sqlite_restore(const char *backup_path, const char *path, struct err *err);

/* For tests and throw-away clusters. inline_: callbacks run inside commit, on the caller's thread (the
 * simulator). */
struct store *store_memory_new(bool inline_);

static inline int store_commit(struct store *s, const struct store_commit *c, struct err *err) {
    return s->ops->commit(s, c, err);
}
static inline void store_close(struct store *s) {
    if (s)
        s->ops->close(s);
}

/* Blocking commit of one batch, for set-up code and tests. Not on the store's thread. */
int store_commit_wait(struct store *s, const struct store_op *ops, size_t n, uint64_t *ret_revision,
                      struct err *err);
