/* calls: many API calls at once, waited for together.
 *
 * A reconcile that has hundreds of pods to make or delete must not wait for each answer in turn: here all are
 * under way at the same time, and the worker waits once. Workers only; in a simulation too.
 */
#pragma once

#include <stdint.h>

#include "client/client.h"

/* What became of one call. */
struct call_result {
    int code;                    /* 0 or an error code */
    const struct object *object; /* what was answered, one reference, or NULL */
};
void call_results_release(struct call_result *results, uint32_t n);

/* Makes all n calls, some hundred at a time, and waits for all. results may be NULL, else n of them, which
 * the caller releases. Returns how many failed; *first is the error of one of them. */
uint32_t calls_all(struct client *c, const struct client_call *calls, uint32_t n, struct call_result *results,
                   struct err *first);

/* Fills in the call number i; what it borrows must stay until calls_slow_start returns. */
typedef void (*call_make_fn)(void *arg, uint32_t i, struct client_call *call);

/* Makes up to n calls in batches of 1, 2, 4, 8 and so on, and stops after the first batch in which one
 * failed: when the server refuses (a quota, say), little is wasted. Returns how many succeeded; results has
 * the first *ret_tried filled in. CONFORMS: upstream's slow start. */
uint32_t calls_slow_start(struct client *c, uint32_t n, call_make_fn make, void *arg,
                          struct call_result *results, uint32_t *ret_tried, struct err *first);
