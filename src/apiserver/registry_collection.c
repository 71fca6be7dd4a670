/* DELETE of a collection: all that a list with the same selectors would show, a few at a time.
 *
 * CONFORMS: what has gone meanwhile is no failure; the first other failure ends it and is the answer; the
 * answer to success is the list of what was deleted.
 */
#include "apiserver/deletion.h"
#include "apiserver/list.h"
#include "apiserver/registry_priv.h"

#include "api/convert.h"
#include "api/meta.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

#define AT_ONCE 16u

struct collection {
    struct call *call;
    struct meta_delete_options *options;
    struct list_result list;
    size_t next;    /* of the list */
    size_t running; /* deletions */
    bool starting;  /* pump is on the stack */
    struct status *failure;
    VEC(const struct object *) gone; /* or going; the arena holds them */
};

static void answer(struct collection *t);

/* -- one after the other -- */

static void pump(struct collection *t);

static void after_one(struct deletion *d, struct object *object, bool removed, struct status *failure) {
    struct collection *t = d->arg;
    (void)removed;
    t->running--;
    if (!failure) {
        arena_hold(t->call->arena, object_release_any, object_ref(object));
        vec_push_in(t->call->arena, &t->gone, object);
    } else if (failure->body.code != 404 && !t->failure) {
        t->failure = failure;
    }
    if (!t->starting)
        pump(t);
}

static void start_one(struct collection *t, const struct object *o) {
    struct call *c = t->call;
    struct deletion *d = arena_new(c->arena, struct deletion);
    *d = (struct deletion){
        .call = c,
        .asked = c->info.kind,
        .ns = o->meta->namespace.n ? o->meta->namespace : S(""),
        .name = o->meta->name,
        .options = t->options,
        .dry_run = deletion_is_dry(c, t->options->dry_run.n),
        .after = after_one,
        .arg = t,
    };
    t->running++;
    deletion_start(d);
}

static void pump(struct collection *t) {
    t->starting = true;
    while (!t->failure && t->next < t->list.n && t->running < AT_ONCE)
        start_one(t, t->list.items[t->next++]);
    t->starting = false;
    if (t->running == 0 && (t->failure || t->next == t->list.n))
        answer(t);
}

/* -- the answer -- */

/* The list struct of the kind: type and list metadata, then the items. */
static void *list_of(struct collection *t, const struct ty_field *items) {
    struct arena *a = t->call->arena;
    const struct kind *k = t->call->info.kind;
    const struct ty_field *meta = ty_find(k->set, k->list_type, S("metadata"));
    size_t size = k->set->types[k->type].size;
    char *list = arena_alloc(a, k->set->types[k->list_type].size), *v = arena_array(a, t->gone.n, size);
    char digits[RV_TEXT_MAX];
    struct err err = ERR_INIT;
    for (size_t i = 0; i < t->gone.n; i++) {
        const struct object *o = t->gone.v[i];
        void *body = (void *)o->body;
        if (o->kind != k && api_convert(a, k->set, o->kind->type, o->body, k->type, &body, &err) < 0)
            panic("%s", err.msg); /* what is stored converts */
        memcpy(v + i * size, body, size);
    }
    *(struct meta_type_meta *)list = (struct meta_type_meta){
        .kind = arena_printf(a, "%.*sList", STR_ARG(k->name)), .api_version = k->api_version};
    struct meta_list_meta *m = (void *)(list + meta->offset);
    m->resource_version = arena_str(a, str_make(digits, rv_format(t->list.revision, digits)));
    *(struct any_array *)(void *)(list + items->offset) = (struct any_array){v, (uint32_t)t->gone.n};
    return list;
}

static void answer(struct collection *t) {
    const struct kind *k = t->call->info.kind;
    const struct ty_field *items = k->list_type ? ty_find(k->set, k->list_type, S("items")) : NULL;
    if (t->failure)
        call_answer_status(t->call, t->failure);
    else if (items)
        call_answer_body(t->call, 200, k->list_type, list_of(t, items));
    else
        call_answer_status(t->call, status_success(t->call->arena, call_target(t->call), STR_NONE));
}

void registry_delete_collection(struct call *c) {
    struct collection *t = arena_new(c->arena, struct collection);
    struct status *failure;
    t->call = c;
    if (deletion_options(c, &t->options, &failure) < 0 || list_run(c, &t->list, &failure) < 0)
        call_answer_status(c, failure);
    else
        pump(t);
}
