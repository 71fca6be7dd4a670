/* api/jpairs: walks the members of two JSON objects side by side, in the order of their keys.
 *
 *     for (struct jpairs p = jpairs(left, right); jpairs_next(&p);) use(p.key, p.l, p.r);
 *
 * An operand that is NULL or no object has no members. Borrows everything. Any thread.
 */
#pragma once

#include "codec/jval.h"

struct jpairs {
    const struct jval *left, *right;
    uint32_t i, j;
    struct str key;
    const struct jval *l, *r; /* the member's values; one of them may be NULL */
};

static inline struct jpairs jpairs(const struct jval *left, const struct jval *right) {
    return (struct jpairs){.left = left && left->kind == J_OBJECT ? left : NULL,
                           .right = right && right->kind == J_OBJECT ? right : NULL};
}

/* No more steps than this. */
static inline uint32_t jpairs_max(const struct jpairs *p) {
    return (p->left ? p->left->n : 0) + (p->right ? p->right->n : 0);
}

static inline bool jpairs_next(struct jpairs *p) {
    const struct jmember *l = p->left && p->i < p->left->n ? &p->left->members[p->i] : NULL;
    const struct jmember *r = p->right && p->j < p->right->n ? &p->right->members[p->j] : NULL;
    if (!l && !r)
        return false;
    int c = !l ? 1 : !r ? -1 : str_cmp(l->key, r->key);
    p->l = c <= 0 ? &l->value : NULL;
    p->r = c >= 0 ? &r->value : NULL;
    p->key = c <= 0 ? l->key : r->key;
    p->i += p->l != NULL;
    p->j += p->r != NULL;
    return true;
}
