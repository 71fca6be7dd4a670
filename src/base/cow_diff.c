/* What differs between two states of a tree. See cow.h. */
#include "base/cow.h"

/* Both stand behind the same entry of a node that they share: the rest of it is the same, too. */
static void skip_shared(struct cow_iter *a, struct cow_iter *b) {
    if (a->at == b->at && a->end == b->end) {
        a->at = a->end;
        b->at = b->end;
    }
}

void cow_diff(const struct cow *old, const struct cow *now, struct str prefix, cow_diff_fn fn, void *arg) {
    struct cow_iter a, b;
    const struct cow_item *x = cow_next(cow_prefix(&a, old, prefix));
    const struct cow_item *y = cow_next(cow_prefix(&b, now, prefix));
    while (x || y) {
        if (x == y) {
            skip_shared(&a, &b);
            x = cow_next(&a);
            y = cow_next(&b);
            continue;
        }
        int c = !x ? 1 : !y ? -1 : str_cmp(x->key, y->key);
        if (c != 0 || x->value != y->value)
            fn(arg, c <= 0 ? x->value : NULL, c >= 0 ? y->value : NULL);
        if (c <= 0)
            x = cow_next(&a);
        if (c >= 0)
            y = cow_next(&b);
    }
}
