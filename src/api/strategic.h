/* api/strategic: strategic merge patch: a merge patch that knows the schema.
 *
 * Lists that the schema gives the merge strategy are merged, lists of maps by their merge key, and directives
 * inside the patch say what plain values cannot:
 *     "$patch": "replace" | "delete"        in a map, or in an item of a merged list
 *     "$retainKeys": [names]                the map keeps only these members (unions)
 *     "$deleteFromPrimitiveList/x": [..]    removes values from list x
 *     "$setElementOrder/x": [..]            order of the items of list x
 * CONFORMS: upstream's strategic merge patch, including the order that merged lists come out in. Where
 * nothing was there to merge into, a directive does what it would do to an empty value, and is never kept.
 *
 * Positions come from api/ref.h; names that the schema does not know are kept, their maps merged and their
 * lists replaced. Results share memory with their inputs, which must outlive them. Depth is bounded by
 * JSON_DEPTH_MAX and work by STRATEGIC_WORK_MAX (ERR_TOO_LARGE). Any thread.
 */
#pragma once

#include "api/ref.h"

struct arena;
struct err;

#define STRATEGIC_WORK_MAX (1024u * 1024) /* members and items looked at in one call */

/* ERR_INVALID when the patch is malformed or a list item lacks its merge key. */
int strategic_apply(struct arena *a, struct pos schema, const struct jval *original, const struct jval *patch,
                    struct jval *ret_result, struct err *err);

/* The patch that turns `original` into `modified`; {} when they are equal. */
int strategic_create(struct arena *a, struct pos schema, const struct jval *original,
                     const struct jval *modified, struct jval *ret_patch, struct err *err);

/* The patch of a client-side apply: what brings `current` to `modified`, and deletions of what `original`
 * (last applied) had and `modified` has not; what others added to `current` stays. Without overwrite,
 * ERR_CONFLICT when `current` has since been changed in a field that the patch sets differently. */
int strategic_create_three_way(struct arena *a, struct pos schema, const struct jval *original,
                               const struct jval *modified, const struct jval *current, bool overwrite,
                               struct jval *ret_patch, struct err *err);
