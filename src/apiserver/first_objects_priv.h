/* What the files of the first objects share. */
#pragma once

#include <stdatomic.h>

#include "api/object.h"
#include "apiserver/first_objects.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/workers.h"

/* Writes that are on their way together. */
struct first_batch {
    struct apiserver *server;
    struct waiter done;
    atomic_uint pending; /* one more while they are being queued */
    struct mutex lock;
    struct err err; /* the first failure; guarded by lock */
};

/* The object of that name, or NULL; one reference. */
struct object *first_find(struct apiserver *s, const struct kind *k, struct str ns, struct str name);

/* Queues a creation, or an update of `old`. Takes the arena over, in which body lies. */
void first_write(struct first_batch *b, const struct kind *k, void *body, struct arena *arena,
                 const struct object *old);

/* The parts. */
void first_static(struct first_batch *b);
void first_roles(struct first_batch *b);
void first_kubernetes(struct first_batch *b, const struct first_objects *o);
void first_endpoints(struct first_batch *b, const struct first_objects *o);
