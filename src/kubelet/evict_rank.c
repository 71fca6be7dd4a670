/* One comparison. */
#include "kubelet/evict_rank.h"

#include <stdlib.h>

static uint64_t excess(const struct evict_candidate *c) {
    return c->usage > c->request ? c->usage - c->request : 0;
}

static int first_to_go(const void *a, const void *b) {
    const struct evict_candidate *x = a, *y = b;
    bool over_x = excess(x) > 0, over_y = excess(y) > 0;
    if (over_x != over_y)
        return over_x ? -1 : 1;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    if (excess(x) != excess(y))
        return excess(x) > excess(y) ? -1 : 1;
    return str_cmp(x->uid, y->uid);
}

void evict_rank(struct evict_candidate *v, uint32_t n) {
    if (n)
        qsort(v, n, sizeof *v, first_to_go);
}
