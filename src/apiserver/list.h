/* apiserver/list: which objects a list answers with: selectors, pages, resource versions.
 *
 * Lists are taken from snapshots; pages that follow come from the state of the first one, as long as it is
 * known (cache_snapshot_at). Nothing waits; any thread.
 *
 * CONFORMS: upstream's lists with the watch cache: resourceVersion and resourceVersionMatch, limit, continue,
 * remainingItemCount, 410 with a token to go on with, field labels.
 */
#pragma once

#include "apiserver/call.h"

struct object;

struct list_result {
    const struct kind *kind; /* asked for */
    const struct object *const
        *items; /* of the hub, in order; borrowed from a snapshot that the call's arena holds */
    size_t n;
    uint64_t revision;
    struct str continue_token; /* "": complete */
    int64_t remaining;         /* 0: none or not known */
};

/* What an authorised list call asks for. 0, or ERR_* and the status to answer with. */
int list_run(struct call *c, struct list_result *ret_result, struct status **ret_status);
