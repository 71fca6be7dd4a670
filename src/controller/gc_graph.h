/* gc_graph: who names whom as an owner: an index of all owner references of all kinds.
 *
 * The garbage collector's loop writes it as events come in; workers read snapshots. Entries are
 * "<owner uid>/<kind index>/<ns>/<name>" of the dependent (cluster scope: an empty namespace).
 */
#pragma once

#include "api/object.h"
#include "base/cell.h"
#include "base/cow.h"

struct gc_graph {
    struct cow tree; /* the loop's */
    struct cell current;
};

/* A reference as the dependent has it. */
struct gc_edge {
    _Atomic(uint32_t) refs;
    bool blocks;             /* blockOwnerDeletion */
    const struct kind *kind; /* of the dependent */
    struct str ns, name;     /* of the dependent; lie in key */
    size_t n;
    char key[];
};

void gc_graph_init(struct gc_graph *g);
void gc_graph_fini(struct gc_graph *g);

/* The dependent is there now (was, when now is NULL): its references before and after. On the loop. */
void gc_graph_update(struct gc_graph *g, const struct object *before, const struct object *now);

/* Any thread; ends with cow_fini. Values are struct gc_edge. */
void gc_graph_snapshot(struct gc_graph *g, struct cow *ret);

/* The dependents of an owner in a snapshot; the prefix lies in the arena. */
struct cow_iter *gc_dependents(struct cow_iter *it, const struct cow *snapshot, struct str owner_uid,
                               struct arena *a);
