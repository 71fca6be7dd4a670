/* store/engine: the store over a log: queue, group commit, expectations, index, events, compaction. Inside
 * store/.
 *
 * One thread takes all commits that wait, checks each against the index with those before it applied, appends
 * their rows in one transaction, publishes the new index, and then tells the observer and the committers, in
 * revision order. If the append fails, the index is wound back and every commit of the group fails.
 *
 * Soft commits are acknowledged from memory and appended with the next hard one, or after soft_interval_ms;
 * revisions they take are promised ahead (log reserve), so that none is given out twice after a crash.
 *
 * The index maps each key to its newest row, deleted keys included until compaction passes them. It is a
 * copy-on-write tree: ranges read a published snapshot while the engine goes on.
 */
#pragma once

#include "store/log.h"

struct ack_mark;

struct engine_options {
    bool inline_;              /* no thread: commit does its work before it returns */
    uint64_t history_keep;     /* revisions; more than twice as many start a compaction. 0: never by itself */
    uint32_t soft_interval_ms; /* ignored when inline_: soft is appended at once */
};

/* Takes over log and mark (may be NULL), loads the index, starts the thread. On failure both are closed.
 * acked: the log must reach this revision, or ERR_CORRUPT. */
int engine_open(struct log *log, struct ack_mark *mark, uint64_t acked, const struct engine_options *options,
                struct store **ret_store, struct err *err);
