/* Drafts: see cache_priv.h.
 *
 * An object in the cache takes one piece of memory, an arena of just the right size, with the JSON it is sent
 * as and the packed body, whose texts point into that JSON. So nothing is kept twice, and what is left over
 * from reading the request or from filling in defaults is not kept at all.
 *
 * The JSON is written before its revision is known, with a mark of twenty digits in its place. When the
 * revision comes, it is written over the end of the mark, and the few bytes before the mark move up to it:
 * kind, apiVersion and the texts of metadata that stand before resourceVersion; these alone move with them.
 * What follows stays. Stored bytes keep the mark, so that they are loaded in the same way.
 */
#include "apiserver/cache_priv.h"

#include <stdlib.h>

#include "api/convert.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/proto.h"
#include "api/types/meta.h"

#define MARK "00000000000000000000"
#define MARK_N (sizeof MARK - 1)
#define MARKED "\"resourceVersion\":\"" MARK "\""
#define MARK_OFFSET (sizeof "\"resourceVersion\":\"" - 1)
#define HEAD_MAX 8192 /* bytes before the mark; names are limited to far less */

static struct meta_type_meta *type_meta(const struct cached *r, void *body) {
    const struct kind *k = r->kind;
    check(k->set == &builtin && k->set->types[k->type].flags & TYPE_ROOT);
    return body; /* the first member of every root type */
}

/* In JSON no text holds a bare quote, so what is found is a member; the first of that name is metadata's, as
 * only kind and apiVersion stand before metadata. */
static bool find_mark(struct str text, size_t *ret_at) {
    ptrdiff_t at = str_find(str_cut(text, HEAD_MAX), S(MARKED));
    if (at < 0)
        return false;
    *ret_at = (size_t)at + MARK_OFFSET;
    return true;
}

static int check_names(const struct cached *r, struct str key, const struct meta_object_meta *m,
                       struct err *err) {
    struct str ns = S(""), name = key;
    bool ok = !r->kind->namespaced || str_split(key, '/', &ns, &name);
    if (!ok || name.n == 0 || (r->kind->namespaced && ns.n == 0) || str_find_byte(name, '/') >= 0)
        return err_set(err, ERR_INVALID, "%.*s is no key of %.*s", STR_ARG(key), STR_ARG(r->kind->plural));
    if (!str_eq(m->name, name) || !str_eq(m->namespace, ns))
        return err_set(err, ERR_INVALID, "%.*s holds %.*s/%.*s", STR_ARG(key), STR_ARG(m->namespace),
                       STR_ARG(m->name));
    return 0;
}

/* Bytes given out since the arena was new, at most. */
static size_t arena_used_bytes(const struct arena *a) {
    return a->total_bytes - (size_t)(a->end - a->next);
}

/* Texts longer than this get a piece of memory of their own. */
#define TEXT_APART_BYTES 65536u

/* Copies the body, which takes so many bytes and lies over the text, into an arena that it fills, with text
 * and keys. */
static void pack(struct cache_draft *d, struct str text, size_t bytes, const void *body, struct str key) {
    const struct kind *k = d->resource->kind;
    struct object o = {.body = body};
    struct str node = d->resource->node ? d->resource->node(&o) : STR_NONE;
    struct str owner = cache_owner_uid(object_meta_in(k, (void *)body));
    size_t size = bytes + node.n + key.n + OBJECT_ENCODING_EXTRA + 64 + (owner.p ? owner.n + key.n + 2 : 0);
    arena_init_sized(&d->arena, text.n > TEXT_APART_BYTES ? size : size + text.n);
    d->text = object_encoding_in(&d->arena, text.n);
    memcpy(object_encoding_bytes(d->text), text.p, text.n);
    d->body = api_copy_onto(&d->arena, k->set, k->type, body, text, object_encoding_bytes(d->text));
    if (d->resource->node) {
        d->node_key = arena_printf(&d->arena, "%.*s/%.*s", STR_ARG(node), STR_ARG(key));
        d->key = str_from_byte(d->node_key, node.n + 1);
    } else {
        d->key = arena_str(&d->arena, key);
    }
    if (owner.p)
        d->owner_key = arena_printf(&d->arena, "%.*s/%.*s", STR_ARG(owner), STR_ARG(key));
}

/* The draft of a text with a mark at mark_at. */
static int from_marked(struct cached *r, struct str key, struct str text, size_t mark_at, struct scratch *s,
                       struct cache_draft *ret_draft, struct err *err) {
    struct json_read_options options = {.borrow = true};
    size_t used = arena_used_bytes(&s->arena);
    void *body;
    int code = api_read_json(&s->arena, r->kind->set, r->kind->type, text, &options, &body, err);
    if (code == 0)
        code = check_names(r, key, object_meta_in(r->kind, body), err);
    if (code < 0)
        return code;
    struct cache_draft d = {.resource = r, .text_n = text.n, .mark_at = mark_at};
    pack(&d, text, arena_used_bytes(&s->arena) - used, body, key);
    *ret_draft = d;
    return 0;
}

int draft_from_body(struct cached *r, struct str key, void *body, struct scratch *s,
                    struct cache_draft *ret_draft, struct err *err) {
    const struct kind *k = r->kind;
    *type_meta(r, body) = (struct meta_type_meta){.kind = k->name, .api_version = kind_api_version(k)};
    object_meta_in(k, body)->resource_version = S(MARK);
    buf_clear(&s->text);
    api_write_json(&s->text, k->set, k->type, body);
    size_t mark_at;
    if (s->text.overflow)
        return err_set(err, ERR_TOO_LARGE, "an object of more than %u bytes", STORE_VALUE_MAX);
    if (!find_mark(buf_view(&s->text), &mark_at))
        return err_set(err, ERR_TOO_LARGE, "names of more than %u bytes", HEAD_MAX);
    return from_marked(r, key, buf_view(&s->text), mark_at, s, ret_draft, err);
}

/* -- stored bytes of others -- */

static int read_as(const struct cached *r, struct arena *a, const struct kind *k, bool proto,
                   struct str bytes, void **ret_body, struct err *err) {
    int code = proto ? api_read_proto(a, k->set, k->type, bytes, true, ret_body, err)
                     : api_read_json(a, k->set, k->type, bytes, NULL, ret_body, err);
    if (code == 0 && k != r->kind)
        code = api_convert(a, k->set, k->type, *ret_body, r->kind->type, ret_body, err);
    return code;
}

/* JSON or protobuf, in any version of the kind. */
static int read_foreign(const struct cached *r, struct arena *a, struct str bytes, void **ret_body,
                        struct err *err) {
    struct proto_envelope e = {.raw = bytes};
    struct str group, version;
    bool proto = str_has_prefix(bytes, S("k8s\0"));
    int code =
        proto ? proto_envelope_read(bytes, &e, err) : api_peek_json(bytes, &e.api_version, &e.kind, err);
    if (code < 0)
        return code;
    const struct kind *k = NULL;
    if (api_version_split(e.api_version, &group, &version))
        k = kind_find(group, version, e.kind);
    if (!k || k->hub != r->kind)
        return err_set(err, ERR_INVALID, "%.*s %.*s does not belong there", STR_ARG(e.api_version),
                       STR_ARG(e.kind));
    return read_as(r, a, k, proto, e.raw, ret_body, err);
}

int draft_from_bytes(struct cached *r, struct str key, struct str bytes, struct scratch *s,
                     struct cache_draft *ret_draft, struct err *err) {
    size_t mark_at;
    if (find_mark(bytes, &mark_at))
        return from_marked(r, key, bytes, mark_at, s, ret_draft, err);
    void *body;
    int code = read_foreign(r, &s->arena, bytes, &body, err);
    return code < 0 ? code : draft_from_body(r, key, body, s, ret_draft, err);
}

/* -- scratch -- */

#define SCRATCH_FIRST_BYTES 16384
#define SCRATCH_KEEP_BYTES (256u << 10)

static void scratch_free(struct scratch *s) {
    arena_fini(&s->arena);
    buf_fini(&s->text);
    free(s);
}

struct scratch *scratch_take(struct cache *c) {
    mutex_lock(&c->lock);
    struct scratch *s = c->scratch;
    if (s)
        c->scratch = s->next;
    mutex_unlock(&c->lock);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    arena_init_sized(&s->arena, SCRATCH_FIRST_BYTES);
    s->text.limit = STORE_VALUE_MAX;
    return s;
}

void scratch_give(struct cache *c, struct scratch *s) {
    arena_reset(&s->arena);
    if (arena_total_bytes(&s->arena) + s->text.cap > SCRATCH_KEEP_BYTES) {
        scratch_free(s);
        return;
    }
    mutex_lock(&c->lock);
    s->next = c->scratch;
    c->scratch = s;
    mutex_unlock(&c->lock);
}

void scratch_fini(struct cache *c) {
    while (c->scratch) {
        struct scratch *s = c->scratch;
        c->scratch = s->next;
        scratch_free(s);
    }
}

/* -- freezing -- */

static void move_up(struct str *s, const char *begin, const char *end, size_t by) {
    if (s->p && s->p >= begin && s->p < end)
        s->p += by;
}

struct object *draft_freeze(struct cache_draft *d, uint64_t revision) {
    char digits[RV_TEXT_MAX];
    size_t n = rv_format(revision, digits), by = MARK_N - n;
    char *text = object_encoding_bytes(d->text), *end = text + d->mark_at;
    struct meta_object_meta *m = object_meta_in(d->resource->kind, d->body);
    struct meta_type_meta *t = type_meta(d->resource, d->body);
    struct str *moving[] = {&t->kind,      &t->api_version, &m->name, &m->generate_name,
                            &m->namespace, &m->self_link,   &m->uid};
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        move_up(moving[i], text, end, by);
    memmove(text + by, text, d->mark_at);
    memcpy(end + by, digits, n);
    m->resource_version = str_make(end + by, n);

    struct object *o = object_freeze(d->resource->kind, d->body, &d->arena);
    check(o->rv == revision);
    object_adopt_form(o, FORM_JSON, d->text, str_make(text + by, d->text_n - by));
    d->text = NULL;
    d->body = NULL;
    return o;
}

void draft_fini(struct cache_draft *d) {
    arena_fini(&d->arena);
    d->text = NULL;
}

struct object *object_at_revision(const struct object *o, uint64_t revision) {
    const struct kind *k = o->kind;
    size_t size = k->set->types[k->type].size;
    char digits[RV_TEXT_MAX];
    struct str text = str_make(digits, rv_format(revision, digits));
    struct arena a;
    arena_init_sized(&a, size + 128);
    void *body = memcpy(arena_alloc(&a, size), o->body, size);
    object_meta_in(k, body)->resource_version = arena_str(&a, text);
    arena_hold(&a, object_release_any, object_ref(o));
    return object_freeze(k, body, &a);
}
