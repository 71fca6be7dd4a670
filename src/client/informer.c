/* Shared informers: one for each kind and selection of a client, counted. See informer.h. */
#include "client/informer.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/workers.h"
#include "client/informer_priv.h"

/* -- the informers of a client -- */

static struct informers *new_informers(void) {
    struct informers *all = calloc(1, sizeof *all);
    if (!all)
        panic("out of memory");
    mutex_init(&all->lock);
    return all;
}

void informers_free(struct informers *all) {
    if (!all)
        return;
    check(all->all.n == 0); /* who took an informer gives it back before the client goes */
    vec_fini(&all->all);
    mutex_fini(&all->lock);
    free(all);
}

/* Two threads may both make it; one wins. */
static struct informers *informers_of(struct client *c) {
    struct informers *all = __atomic_load_n(&c->informers, __ATOMIC_ACQUIRE);
    if (all)
        return all;
    struct informers *made = new_informers();
    if (__atomic_compare_exchange_n(&c->informers, &all, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return made;
    informers_free(made);
    return all;
}

static bool same_options(const struct informer_options *a, const struct informer_options *b) {
    return a->kind->hub == b->kind->hub && str_eq(a->ns, b->ns) &&
           str_eq(a->label_selector, b->label_selector) && str_eq(a->field_selector, b->field_selector);
}

static struct informer *find(struct informers *all, const struct informer_options *o) {
    vec_foreach (i, &all->all)
        if (same_options(&(*i)->options, o))
            return *i;
    return NULL;
}

static void free_informer(struct informer *i) {
    if (i->source)
        i->source->ops->free(i->source);
    check(!i->notes);
    mutex_fini(&i->lock);
    arena_fini(&i->arena);
    free(i);
}

/* Any thread. */
static void on_source_news(void *arg) {
    struct informer *i = arg;
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    if (!i->notes || !i->source->ops->synced(i->source))
        return;
    struct sync_note *n = i->notes;
    i->notes = NULL;
    while (n) {
        struct sync_note *next = n->next; /* the note may go with the call */
        n->synced(n);
        n = next;
    }
}

static int start_informer(struct client *c, const struct informer_options *o, struct informer **ret,
                          struct err *err) {
    struct informer *i = calloc(1, sizeof *i);
    if (!i)
        panic("out of memory");
    i->client = c;
    i->refs = 1;
    mutex_init(&i->lock);
    arena_init(&i->arena);
    i->options = (struct informer_options){
        .kind = o->kind->hub,
        .ns = arena_str(&i->arena, o->ns),
        .label_selector = arena_str(&i->arena, o->label_selector),
        .field_selector = arena_str(&i->arena, o->field_selector),
    };
    int rc = c->ops->open_source(c, &i->options, &i->source, err);
    if (rc == 0)
        rc = i->source->ops->start(i->source, on_source_news, i, err);
    if (rc)
        free_informer(i);
    else
        *ret = i;
    return rc;
}

int informer_get(struct client *c, const struct informer_options *o, struct informer **ret, struct err *err) {
    struct informers *all = informers_of(c);
    _cleanup_unlock struct mutex *held = mutex_hold(&all->lock);
    struct informer *i = find(all, o);
    if (i) {
        i->refs++;
        *ret = i;
        return 0;
    }
    int rc = start_informer(c, o, &i, err);
    if (rc)
        return rc;
    i->home = all;
    vec_push(&all->all, i);
    *ret = i;
    return 0;
}

struct informer *informer_ref(struct informer *i) {
    _cleanup_unlock struct mutex *held = mutex_hold(&i->home->lock);
    i->refs++;
    return i;
}

void informer_unref(struct informer *i) {
    if (!i)
        return;
    struct informers *all = i->home;
    mutex_lock(&all->lock);
    check(i->refs > 0);
    bool last = --i->refs == 0;
    for (size_t at = 0; last && at < all->all.n; at++)
        if (all->all.v[at] == i) {
            vec_remove(&all->all, at);
            break;
        }
    mutex_unlock(&all->lock);
    if (last)
        free_informer(i);
}

/* -- reading -- */

const struct kind *informer_kind(const struct informer *i) {
    return i->options.kind;
}

bool informer_is_whole(const struct informer *i) {
    const struct informer_options *o = &i->options;
    return !o->ns.n && !o->label_selector.n && !o->field_selector.n;
}

bool informer_synced(const struct informer *i) {
    return i->source->ops->synced(i->source);
}

void informer_snapshot(struct informer *i, struct informer_snapshot *ret) {
    i->source->ops->snapshot(i->source, ret);
}

void informer_snapshot_fini(struct informer_snapshot *s) {
    cow_fini(&s->tree);
    cow_fini(&s->by_node);
    cow_fini(&s->by_owner);
}

struct object *informer_find(struct informer *i, struct str ns, struct str name) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    informer_snapshot(i, &s);
    struct str key = ns.n ? arena_printf(&a, "%.*s/%.*s", STR_ARG(ns), STR_ARG(name)) : name;
    struct object *o = object_ref(cow_get(&s.tree, key));
    informer_snapshot_fini(&s);
    return o;
}

/* -- waiting for the first list -- */

void informer_note(struct informer *i, struct sync_note *note) {
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    if (informer_synced(i)) {
        note->synced(note);
        return;
    }
    note->next = i->notes;
    i->notes = note;
}

bool informer_unnote(struct informer *i, struct sync_note *note) {
    _cleanup_unlock struct mutex *held = mutex_hold(&i->lock);
    for (struct sync_note **at = &i->notes; *at; at = &(*at)->next)
        if (*at == note) {
            *at = note->next;
            return true;
        }
    return false;
}

struct wait_note {
    struct sync_note note;
    struct waiter waiter;
};

static void on_waited(struct sync_note *n) {
    waiter_signal(&((struct wait_note *)n)->waiter);
}

int informer_wait_synced(struct informer *i, int64_t timeout_ns, struct err *err) {
    if (informer_synced(i))
        return 0;
    struct wait_note w = {.note = {.synced = on_waited}};
    waiter_init(&w.waiter, i->client->sim);
    informer_note(i, &w.note);
    bool in_time = waiter_wait_ns(&w.waiter, timeout_ns);
    if (!in_time && !informer_unnote(i, &w.note))
        in_time = true; /* it came just now */
    waiter_fini(&w.waiter);
    if (in_time)
        return 0;
    return err_set(err, ERR_TIMEOUT, "the list of %.*s is not complete yet",
                   STR_ARG(i->options.kind->plural));
}
