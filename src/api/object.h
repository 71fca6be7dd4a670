/* api/object: a frozen, shared API object.
 *
 * Decoded once, then never changed; reference counted; any thread may read it without a lock. Whoever wants a
 * change copies the body into an arena of its own, edits, and makes a new object. The object owns its arena,
 * in which the body, its strings and its encodings live.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/kind.h"
#include "api/types/meta.h"
#include "base/arena.h"

/* Bytes the object is sent as; made at most once per form and kept. */
enum object_form { FORM_JSON, FORM_PROTO, FORM_COUNT };

struct object {
    atomic_uint refs;
    const struct kind *kind;
    const void *body; /* packed struct of kind->type; struct jval when kind->set has none */
    const struct meta_object_meta *meta;   /* inside body, or made from it (custom resources) */
    uint64_t rv;                           /* resource version, 0: not stored */
    struct str *_Atomic forms[FORM_COUNT]; /* NULL: not made yet */
    struct arena arena;                    /* owned; only object.c allocates from it after freezing */
};

/* Freezes: takes over the arena (the caller's is empty afterwards) with body in it. One reference, the
 * caller's. */
struct object *object_freeze(const struct kind *kind, const void *body, struct arena *arena);

struct object *object_ref(const struct object *o);
void object_unref(const struct object *o);

/* The encoding, made on first use. Any thread. Borrowed from the object. */
struct str object_form(const struct object *o, enum object_form form);
