/* controller/orphans: the objects of a kind that no controller owns.
 *
 * The tree is written on the loop only and published through a cell after each change. Its keys are copies
 * that live beside the object, in an entry that the tree counts.
 */
#include "controller/orphans.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/object.h"
#include "base/cell.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/informer.h"

struct published {
    struct shared shared;
    struct cow tree;
};

/* Value of the writer's tree: the object and its key. */
struct orphan {
    _Atomic(uint32_t) refs;
    const struct object *object;
    size_t n;
    char key[];
};

struct orphans {
    struct informer_listener listener;
    struct informer *informer;
    struct loop *loop;
    struct cow tree; /* the loop's */
    struct cell current;
    struct loop_msg leave;
    struct waiter left;
};

static void orphan_retain(void *value) {
    ((struct orphan *)value)->refs++;
}

static void orphan_release(void *value) {
    struct orphan *o = value;
    if (--o->refs)
        return;
    object_unref(o->object);
    free(o);
}

static const struct cow_ops orphan_ops = {.retain = orphan_retain, .release = orphan_release};

const struct object *orphan_object(const struct cow_item *item) {
    return ((const struct orphan *)item->value)->object;
}

static struct orphan *orphan_new(const struct object *object) {
    const struct meta_object_meta *m = object->meta;
    struct orphan *o = calloc(1, sizeof *o + m->namespace.n + 1 + m->name.n);
    if (!o)
        panic("out of memory");
    o->refs = 1;
    o->object = object_ref(object);
    if (m->namespace.n) {
        memcpy(o->key, m->namespace.p, m->namespace.n);
        o->key[m->namespace.n] = '/';
        o->n = m->namespace.n + 1;
    }
    memcpy(o->key + o->n, m->name.p, m->name.n);
    o->n += m->name.n;
    return o;
}

static void published_release(struct shared *s) {
    struct published *p = (struct published *)((char *)s - offsetof(struct published, shared));
    cow_fini(&p->tree);
    free(p);
}

static void publish(struct orphans *o) {
    struct published *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    shared_init(&p->shared, published_release);
    cow_snapshot(&o->tree, &p->tree);
    cell_set(&o->current, &p->shared);
}

static bool is_orphan(const struct object *object) {
    return object && !meta_controller(object->meta);
}

static void drop(void *value) {
    if (value)
        orphan_release(value);
}

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct orphans *o = (struct orphans *)((char *)l - offsetof(struct orphans, listener));
    bool now = e->type != INFORMER_DELETED && is_orphan(e->object);
    if (!now && !is_orphan(e->previous) && e->type != INFORMER_DELETED)
        return;
    struct orphan *entry = orphan_new(e->object);
    struct str key = str_make(entry->key, entry->n);
    if (now) {
        drop(cow_put(&o->tree, key, entry));
    } else {
        void *taken = cow_take(&o->tree, key);
        drop(entry);
        if (!taken)
            return;
        drop(taken);
    }
    publish(o);
}

int orphans_new(struct client *c, struct loop *loop, const struct kind *kind, struct orphans **ret,
                struct err *err) {
    struct orphans *o = calloc(1, sizeof *o);
    if (!o)
        panic("out of memory");
    o->loop = loop;
    o->listener = (struct informer_listener){.loop = loop, .on_event = on_event};
    cow_init(&o->tree, &orphan_ops);
    cell_init(&o->current, NULL);
    int rc = informer_get(c, &(struct informer_options){.kind = kind}, &o->informer, err);
    if (rc) {
        cell_fini(&o->current);
        free(o);
        return rc;
    }
    publish(o);
    informer_listen(o->informer, &o->listener);
    *ret = o;
    return 0;
}

static void leave(struct loop_msg *msg) {
    struct orphans *o = (struct orphans *)((char *)msg - offsetof(struct orphans, leave));
    informer_unlisten(o->informer, &o->listener);
    waiter_signal(&o->left);
}

void orphans_free(struct orphans *o) {
    if (!o)
        return;
    waiter_init(&o->left, loop_sim(o->loop));
    o->leave.run = leave;
    if (!loop_post(o->loop, &o->leave))
        waiter_wait(&o->left);
    waiter_fini(&o->left);
    informer_unref(o->informer);
    cell_fini(&o->current);
    cow_fini(&o->tree);
    free(o);
}

void orphans_snapshot(struct orphans *o, struct cow *ret) {
    struct shared *s = cell_get(&o->current);
    cow_snapshot(&((struct published *)((char *)s - offsetof(struct published, shared)))->tree, ret);
    shared_unref(s);
}
