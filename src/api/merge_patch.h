/* api/merge_patch: JSON Merge Patch: a document that looks like the change it makes; null deletes.
 *
 * CONFORMS: RFC 7386. Results share memory with their inputs, which must outlive them. Depth is bounded by
 * JSON_DEPTH_MAX (ERR_TOO_LARGE); cost is linear in the objects that target and patch have in common. Any
 * thread.
 */
#pragma once

#include "codec/jval.h"

struct arena;
struct err;

int merge_patch_apply(struct arena *a, const struct jval *target, const struct jval *patch,
                      struct jval *ret_result, struct err *err);

/* The patch that turns `from` into `to`; {} when they are equal objects. A null in `to` cannot be said and
 * becomes a deletion. */
int merge_patch_create(struct arena *a, const struct jval *from, const struct jval *to,
                       struct jval *ret_patch, struct err *err);

/* The patch that brings `current` to `modified` and deletes what `original` had and `modified` has not, so
 * that what others added to `current` stays. For client-side apply of custom resources. */
int merge_patch_create_three_way(struct arena *a, const struct jval *original, const struct jval *modified,
                                 const struct jval *current, struct jval *ret_patch, struct err *err);
