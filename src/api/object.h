/* api/object: a frozen, shared API object.
 *
 * Decoded once, then never changed; reference counted; any thread may read it without a lock. Whoever wants a
 * change copies the body into an arena of his own, edits, and freezes a new object. The object owns its
 * arena, in which the body and its strings live; encodings are made on first use, at most one of each form is
 * kept, and they live as long as the object.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "api/kind.h"
#include "base/arena.h"

struct meta_object_meta;

/* Bytes the object is sent as. */
enum object_form {
    FORM_JSON,
    FORM_PROTO, /* with the k8s\0 envelope */
    FORM_COUNT,
};

struct object_encoding;

struct object {
    atomic_uint refs;
    atomic_uint metadata_end; /* in the JSON form; 0: not looked for yet */
    const struct kind *kind;
    const void *body;                                  /* packed struct of kind->type */
    const struct meta_object_meta *meta;               /* inside body */
    uint64_t rv;                                       /* resource version, 0: not stored */
    struct arena arena;                                /* frozen */
    struct object_encoding *_Atomic forms[FORM_COUNT]; /* NULL: not made yet */
};

/* Takes over the arena (the caller's is empty afterwards) with body in it. One reference, the caller's. rv is
 * read from metadata.resourceVersion. kind must have object metadata. */
struct object *object_freeze(const struct kind *kind, const void *body, struct arena *arena);

/* Both accept NULL. */
struct object *object_ref(const struct object *o);
void object_unref(const struct object *o);

/* For cow.h and arena_hold. */
void object_retain_any(void *object);
void object_release_any(void *object);

/* The encoding; borrowed from the object. Any thread. */
struct str object_form(const struct object *o, enum object_form form);

/* The JSON of metadata ({…}), a part of the JSON form. Any thread. */
struct str object_metadata_json(const struct object *o);

/* Puts an encoding in place that the caller has already (what came from the store); copies the bytes. Nothing
 * happens when there is one. */
void object_set_form(const struct object *o, enum object_form form, struct str bytes);

/* Room for an encoding in the arena that will be the object's. The caller fills in its bytes, and texts of
 * the body may point into them. */
struct object_encoding *object_encoding_in(struct arena *a, size_t n);
char *object_encoding_bytes(struct object_encoding *e);
#define OBJECT_ENCODING_EXTRA 32u /* bytes of the arena that it takes besides, at most */

/* Puts it in place; `bytes`, a part of it, is what the object is sent as. For an object that nobody else sees
 * yet and that does not have this form. */
void object_adopt_form(struct object *o, enum object_form form, struct object_encoding *e, struct str bytes);

/* metadata inside a body of a kind that has object metadata. */
struct meta_object_meta *object_meta_in(const struct kind *kind, void *body);

/* Bytes of memory held: arena and encodings. */
size_t object_memory_bytes(const struct object *o);
