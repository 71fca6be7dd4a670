/* apiserver/quota_memo: sums over the objects of a namespace that follow its changes, for quotas.
 *
 * Counting thousands of pods for each new one would cost milliseconds. So the sums are kept, with the state
 * of the tree they were made from, and brought up to date by what differs since then. Sums are made anew from
 * time to time, because pods end by the clock alone, too; memos that nobody asks for are dropped, because
 * they keep an old state in memory.
 *
 * Not thread-safe: the ledger's lock guards it.
 */
#pragma once

#include "api/kind.h"
#include "base/cow.h"

struct core_resource_quota;
struct object;
struct quota_memos;

/* Smaller namespaces are counted each time. */
#define QUOTA_MEMO_OBJECTS_MIN 128u
#define QUOTA_MEMO_FRESH_SEC 30
#define QUOTA_MEMO_UNUSED_SEC 120

struct quota_memos *quota_memos_new(void);
void quota_memos_free(struct quota_memos *m);

/* What the objects under "ns/" use of one of a quota's resources. tree: of the kind's objects, as of now. */
struct quantity quota_memo_usage(struct quota_memos *m, const struct core_resource_quota *quota,
                                 const struct kind *kind, const struct cow *tree, struct str resource,
                                 int64_t now_sec);

/* Drops what was not used for a while. */
void quota_memos_trim(struct quota_memos *m, int64_t now_sec);
