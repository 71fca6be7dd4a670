/* See placer.h. */
#include "placer.h"

#include <stdlib.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "client/reconciler.h"

struct placer {
    struct reconciler *reconciler;
};

static const struct object *emptiest(struct reconcile *r) {
    const struct object *best = NULL;
    uint64_t least = 0;
    struct cow_iter it, on;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S(""))) {
        const struct object *node = item->value;
        uint64_t n = 0;
        cow_foreach (pod, &on, world_on_node(&r->world, &on, node->meta->name))
            n++;
        if (!best || n < least) {
            best = node;
            least = n;
        }
    }
    return best;
}

static int place(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CORE_POD), key), *node;
    if (!o || o->meta->deletion_timestamp.set || ((const struct core_pod *)o->body)->spec.node_name.n ||
        !(node = emptiest(r)))
        return 0;
    struct core_binding b = {
        .metadata = {.name = o->meta->name, .namespace = o->meta->namespace, .uid = o->meta->uid},
        .target = {.kind = S("Node"), .name = node->meta->name},
    };
    struct client_call call = {
        .verb = CLIENT_CREATE,
        .kind = o->kind,
        .ns = o->meta->namespace,
        .name = o->meta->name,
        .subresource = S("binding"),
        .body = &b,
        .body_type = TY_CORE_BINDING,
    };
    int rc = client_do(r->client, &call, NULL, err);
    return rc == ERR_NOT_FOUND || rc == ERR_CONFLICT ? 0 : rc;
}

struct placer *placer_start(struct client *client, struct loop *loop, struct workers *workers) {
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(CORE_POD)}, .map = map_self},
        {.of = {.kind = KIND(CORE_NODE)}},
    };
    struct placer *p = calloc(1, sizeof *p);
    struct err err = ERR_INIT;
    if (!p)
        panic("out of memory");
    struct reconciler_options o = {
        .name = "sim-placer",
        .client = client,
        .loop = loop,
        .workers = workers,
        .watches = watches,
        .n_watches = 2,
        .reconcile = place,
    };
    if (reconciler_start(&o, &p->reconciler, &err))
        panic("placer: %s", err.msg);
    return p;
}

void placer_stop(struct placer *p) {
    if (p)
        reconciler_stop(p->reconciler);
    free(p);
}
