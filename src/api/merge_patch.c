/* JSON Merge Patch. See merge_patch.h.
 *
 * Objects keep their members sorted, so everything here is a walk over two sorted lists.
 */
#include "api/merge_patch.h"

#include "api/jpairs.h"
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

static int too_deep(struct err *err) {
    return err_set(err, ERR_TOO_LARGE, "the patch is nested deeper than %u levels", JSON_DEPTH_MAX);
}

static int apply(struct arena *a, const struct jval *target, const struct jval *patch, uint32_t depth,
                 struct jval *ret_result, struct err *err) {
    if (patch->kind != J_OBJECT) {
        *ret_result = *patch;
        return 0;
    }
    if (depth == JSON_DEPTH_MAX)
        return too_deep(err);
    struct jpairs p = jpairs(target, patch);
    struct jmember *out = arena_new_n(a, jpairs_max(&p), struct jmember);
    uint32_t n = 0;
    while (jpairs_next(&p)) {
        if (p.r && p.r->kind == J_NULL)
            continue;
        out[n].key = p.key;
        if (!p.r)
            out[n].value = *p.l;
        int rc = p.r ? apply(a, p.l, p.r, depth + 1, &out[n].value, err) : 0;
        if (rc)
            return rc;
        n++;
    }
    *ret_result = jval_object(out, n);
    return 0;
}

int merge_patch_apply(struct arena *a, const struct jval *target, const struct jval *patch,
                      struct jval *ret_result, struct err *err) {
    struct jval result;
    int rc = apply(a, target, patch, 0, &result, err);
    if (rc == 0)
        *ret_result = result;
    return rc;
}

/* What a three-way patch wants of each of its two halves. */
enum part { PART_ALL, PART_CHANGES, PART_DELETIONS };

/* Differences of two objects. A member stays out of the patch when there is nothing to say about it. */
static int create(struct arena *a, const struct jval *from, const struct jval *to, enum part part,
                  uint32_t depth, struct jval *ret_patch, struct err *err);

/* What the patch says of one member; *ret_any is false when that is nothing. */
static int create_member(struct arena *a, const struct jval *from, const struct jval *to, enum part part,
                         uint32_t depth, struct jval *ret_patch, bool *ret_any, struct err *err) {
    *ret_any = false;
    bool deletion = !to || (to->kind == J_NULL && !(from && from->kind == J_NULL));
    if (deletion) {
        *ret_patch = jval_null();
        *ret_any = part != PART_CHANGES;
        return 0;
    }
    bool both = from && from->kind == J_OBJECT && to->kind == J_OBJECT;
    bool halves = part != PART_ALL && to->kind == J_OBJECT && to->n; /* a new object has nulls and others */
    if (both || halves) {
        int rc = create(a, from, to, part, depth + 1, ret_patch, err);
        *ret_any = rc == 0 && ret_patch->n > 0;
        return rc;
    }
    *ret_patch = *to;
    *ret_any = part != PART_DELETIONS && !(from && jval_equal(from, to));
    return 0;
}

static int create(struct arena *a, const struct jval *from, const struct jval *to, enum part part,
                  uint32_t depth, struct jval *ret_patch, struct err *err) {
    if (depth == JSON_DEPTH_MAX)
        return too_deep(err);
    struct jpairs p = jpairs(from, to);
    struct jmember *out = arena_new_n(a, jpairs_max(&p), struct jmember);
    uint32_t n = 0;
    while (jpairs_next(&p)) {
        bool any;
        out[n].key = p.key;
        int rc = create_member(a, p.l, p.r, part, depth, &out[n].value, &any, err);
        if (rc)
            return rc;
        n += any;
    }
    *ret_patch = jval_object(out, n);
    return 0;
}

int merge_patch_create(struct arena *a, const struct jval *from, const struct jval *to,
                       struct jval *ret_patch, struct err *err) {
    if (to->kind != J_OBJECT) {
        *ret_patch = *to;
        return 0;
    }
    struct jval patch;
    int rc = create(a, from, to, PART_ALL, 0, &patch, err);
    if (rc == 0)
        *ret_patch = patch;
    return rc;
}

/* Lays the changes over the deletions. Nulls on either side stay: the result is a patch, not a document. */
static struct jval overlay(struct arena *a, const struct jval *deletions, const struct jval *changes) {
    struct jpairs p = jpairs(deletions, changes);
    struct jmember *out = arena_new_n(a, jpairs_max(&p), struct jmember);
    uint32_t n = 0;
    while (jpairs_next(&p)) {
        bool both = p.l && p.r && p.l->kind == J_OBJECT && p.r->kind == J_OBJECT;
        out[n++] = (struct jmember){p.key, both ? overlay(a, p.l, p.r) : p.r ? *p.r : *p.l};
    }
    return jval_object(out, n);
}

int merge_patch_create_three_way(struct arena *a, const struct jval *original, const struct jval *modified,
                                 const struct jval *current, struct jval *ret_patch, struct err *err) {
    struct jval changes, deletions;
    int rc = create(a, current, modified, PART_CHANGES, 0, &changes, err);
    if (rc == 0)
        rc = create(a, original, modified, PART_DELETIONS, 0, &deletions, err);
    if (rc == 0)
        *ret_patch = overlay(a, &deletions, &changes); /* as deep as the two halves, which were checked */
    return rc;
}
