/* orphans: the objects of a kind that no controller owns, so that adopting them costs no walk over all.
 *
 * Follows an informer on the controllers' loop and publishes a tree of them. Orphans are few; the informer's
 * own index (by_owner) has the others. snapshot: any thread.
 */
#pragma once

#include "base/cow.h"
#include "base/str.h"

struct client;
struct err;
struct kind;
struct loop;
struct object;
struct orphans;

int orphans_new(struct client *c, struct loop *loop, const struct kind *kind, struct orphans **ret,
                struct err *err);
/* Not on the loop. NULL is fine. */
void orphans_free(struct orphans *o);

/* By "ns/name"; ends with cow_fini. What an entry holds is asked of orphan_object. */
void orphans_snapshot(struct orphans *o, struct cow *ret);
const struct object *orphan_object(const struct cow_item *item);
