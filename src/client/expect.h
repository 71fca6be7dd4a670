/* expect: what a controller has done and not yet seen, so that it does not do it twice on a stale cache.
 *
 * Per key: a number of creations awaited, and the uids of deletions awaited. Raise before the calls, lower
 * when the event comes in (from a map function) or when the call failed. While something is awaited (and no
 * longer than five minutes), the controller only looks. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct clock;
struct expectations;
struct reconcile;

struct expectations *expectations_new(struct clock *clock);
void expectations_free(struct expectations *x);

void expect_creations(struct expectations *x, struct str key, uint32_t n); /* replaces what was awaited */
void expect_deletions(struct expectations *x, struct str key, const struct str *uids, uint32_t n);
void expect_creation_seen(struct expectations *x, struct str key); /* or failed */
void expect_deletion_seen(struct expectations *x, struct str key, struct str uid);

/* Nothing is awaited, or it was awaited for too long. */
bool expectations_met(struct expectations *x, struct str key);
/* The same in a reconcile: when something is awaited, the key comes back by itself once that has taken too
 * long. What was made and deleted while a watch was down, nobody will ever hear of. */
bool expectations_met_in(struct expectations *x, struct str key, struct reconcile *r);
void expectations_forget(struct expectations *x, struct str key);
