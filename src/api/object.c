/* Frozen objects. See object.h. */
#include "api/object.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/proto.h"
#include "api/types/meta.h"
#include "base/buf.h"
#include "base/err.h"

struct object_encoding {
    size_t n;
    char bytes[];
};

/* metadata is the first member behind apiVersion and kind of every root kind; the schema says where. */
static const struct meta_object_meta *find_meta(const struct kind *k, const void *body) {
    const struct ty_field *f = ty_find(k->set, k->type, S("metadata"));
    check(f && f->shape == SHAPE_ONE && k->set->types[k->type].flags & TYPE_OBJECT_META);
    return (const struct meta_object_meta *)((const char *)body + f->offset);
}

struct object *object_freeze(const struct kind *kind, const void *body, struct arena *arena) {
    struct object *o = calloc(1, sizeof *o);
    if (!o)
        panic("out of memory");
    atomic_init(&o->refs, 1);
    o->kind = kind;
    o->body = body;
    o->meta = find_meta(kind, body);
    if (!str_to_u64(o->meta->resource_version, &o->rv))
        o->rv = 0;
    o->arena = *arena;
    arena_init(arena);
    return o;
}

struct object *object_ref(const struct object *o) {
    struct object *mine = (struct object *)o; /* the count is the one part that changes */
    if (mine)
        atomic_fetch_add_explicit(&mine->refs, 1, memory_order_relaxed);
    return mine;
}

void object_unref(const struct object *o) {
    struct object *mine = (struct object *)o;
    if (!mine || atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < FORM_COUNT; i++)
        free(atomic_load_explicit(&mine->forms[i], memory_order_relaxed));
    arena_fini(&mine->arena);
    free(mine);
}

void object_retain_any(void *object) {
    (void)object_ref(object);
}

void object_release_any(void *object) {
    object_unref(object);
}

static struct object_encoding *encoding_new(struct str bytes) {
    struct object_encoding *e = malloc(sizeof *e + bytes.n);
    if (!e)
        panic("out of memory");
    e->n = bytes.n;
    if (bytes.n)
        memcpy(e->bytes, bytes.p, bytes.n);
    return e;
}

/* Two threads may both make one; the first keeps it, and both use that. */
static const struct object_encoding *publish(const struct object *o, enum object_form form,
                                             struct str bytes) {
    struct object *mine = (struct object *)o;
    struct object_encoding *e = encoding_new(bytes), *there = NULL;
    if (atomic_compare_exchange_strong(&mine->forms[form], &there, e))
        return e;
    free(e);
    return there;
}

static void encode(const struct object *o, enum object_form form, struct buf *out) {
    const struct kind *k = o->kind;
    if (form == FORM_JSON)
        api_write_json(out, k->set, k->type, o->body);
    else
        api_write_envelope(out, k->set, k->type, o->body, kind_api_version(k), k->name);
}

struct str object_form(const struct object *o, enum object_form form) {
    const struct object_encoding *e = atomic_load_explicit(&o->forms[form], memory_order_acquire);
    if (!e) {
        struct buf out = BUF_INIT;
        encode(o, form, &out);
        e = publish(o, form, buf_view(&out));
        buf_fini(&out);
    }
    return (struct str){e->bytes, e->n};
}

void object_set_form(const struct object *o, enum object_form form, struct str bytes) {
    if (!atomic_load_explicit(&o->forms[form], memory_order_acquire))
        (void)publish(o, form, bytes);
}

size_t object_memory_bytes(const struct object *o) {
    size_t n = sizeof *o + arena_total_bytes(&o->arena);
    for (int i = 0; i < FORM_COUNT; i++) {
        const struct object_encoding *e = atomic_load_explicit(&o->forms[i], memory_order_acquire);
        n += e ? sizeof *e + e->n : 0;
    }
    return n;
}
