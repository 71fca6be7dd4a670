/* Frozen objects. See object.h. */
#include "api/object.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/proto.h"
#include "api/types/meta.h"
#include "base/buf.h"
#include "base/err.h"

struct object_encoding {
    const char *p; /* what is sent: n bytes, all of these or a part */
    size_t n;
    size_t size;   /* of bytes */
    bool in_arena; /* not to be freed by itself */
    char bytes[];
};

/* metadata is the first member behind apiVersion and kind of every root kind; the schema says where. */
struct meta_object_meta *object_meta_in(const struct kind *k, void *body) {
    const struct ty_field *f = ty_find(k->set, k->type, S("metadata"));
    check(f && f->shape == SHAPE_ONE && k->set->types[k->type].flags & TYPE_OBJECT_META);
    return (struct meta_object_meta *)((char *)body + f->offset);
}

struct object *object_freeze(const struct kind *kind, const void *body, struct arena *arena) {
    struct object *o = calloc(1, sizeof *o);
    if (!o)
        panic("out of memory");
    atomic_init(&o->refs, 1);
    o->kind = kind;
    o->body = body;
    o->meta = object_meta_in(kind, (void *)body); /* read only from here on */
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
    for (int i = 0; i < FORM_COUNT; i++) {
        struct object_encoding *e = atomic_load_explicit(&mine->forms[i], memory_order_relaxed);
        if (e && !e->in_arena)
            free(e);
    }
    arena_fini(&mine->arena);
    free(mine);
}

void object_retain_any(void *object) {
    (void)object_ref(object);
}

void object_release_any(void *object) {
    object_unref(object);
}

_Static_assert(sizeof(struct object_encoding) <= OBJECT_ENCODING_EXTRA, "");

struct object_encoding *object_encoding_in(struct arena *a, size_t n) {
    struct object_encoding *e = arena_alloc(a, sizeof *e + n);
    e->p = e->bytes;
    e->n = e->size = n;
    e->in_arena = true;
    return e;
}

char *object_encoding_bytes(struct object_encoding *e) {
    return e->bytes;
}

static struct object_encoding *encoding_of(struct str bytes) {
    struct object_encoding *e = malloc(sizeof *e + bytes.n);
    if (!e)
        panic("out of memory");
    *e = (struct object_encoding){.p = e->bytes, .n = bytes.n, .size = bytes.n};
    if (bytes.n)
        memcpy(e->bytes, bytes.p, bytes.n);
    return e;
}

/* Two threads may both make one; the first keeps it, and both use that. */
static const struct object_encoding *publish(const struct object *o, enum object_form form,
                                             struct str bytes) {
    struct object *mine = (struct object *)o;
    struct object_encoding *e = encoding_of(bytes), *there = NULL;
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
    return (struct str){e->p, e->n};
}

/* Length of the JSON object that begins at the first byte. */
static size_t span_of(struct str s) {
    size_t depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '"':
            for (i++; i < s.n && s.p[i] != '"'; i++)
                i += s.p[i] == '\\';
            break;
        case '{': depth++; break;
        case '}':
            if (--depth == 0)
                return i + 1;
            break;
        default: break;
        }
    }
    panic("an encoding without an end");
}

/* The form begins with kind, apiVersion and metadata, in this order. */
struct str object_metadata_json(const struct object *o) {
    struct object *mine = (struct object *)o;
    struct str json = object_form(o, FORM_JSON);
    size_t from = sizeof "{\"kind\":\"\",\"apiVersion\":\"\",\"metadata\":" - 1 + o->kind->name.n +
                  o->kind->api_version.n;
    size_t end = atomic_load_explicit(&mine->metadata_end, memory_order_relaxed);
    check(json.n > from && json.p[from] == '{' && json.p[from - 1] == ':');
    if (end == 0) {
        end = from + span_of(str_from_byte(json, from));
        atomic_store_explicit(&mine->metadata_end, (unsigned)end, memory_order_relaxed);
    }
    return str_make(json.p + from, end - from);
}

void object_set_form(const struct object *o, enum object_form form, struct str bytes) {
    if (!atomic_load_explicit(&o->forms[form], memory_order_acquire))
        (void)publish(o, form, bytes);
}

void object_adopt_form(struct object *o, enum object_form form, struct object_encoding *e, struct str bytes) {
    check(bytes.p >= e->bytes && bytes.p + bytes.n <= e->bytes + e->size);
    e->p = bytes.p;
    e->n = bytes.n;
    check(!atomic_exchange_explicit(&o->forms[form], e, memory_order_acq_rel));
}

size_t object_memory_bytes(const struct object *o) {
    size_t n = sizeof *o + arena_total_bytes(&o->arena);
    for (int i = 0; i < FORM_COUNT; i++) {
        const struct object_encoding *e = atomic_load_explicit(&o->forms[i], memory_order_acquire);
        n += e && !e->in_arena ? sizeof *e + e->size : 0;
    }
    return n;
}
