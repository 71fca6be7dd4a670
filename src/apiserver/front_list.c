/* Lists over HTTP: what list_run chose, in the form that was asked for. */
#include "api/meta.h"
#include "api/status.h"
#include "api/types/meta.h"
#include "apiserver/cache.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond.h"
#include "apiserver/selection.h"
#include "apiserver/server_priv.h"
#include "base/err.h"

struct listing {
    struct cache_snapshot snapshot;
    VEC(const struct object *) items;
};

static void drop_snapshot(void *snapshot) {
    cache_snapshot_fini(snapshot);
}

void front_list(struct front_call *f) {
    struct call *c = &f->call;
    struct selection s;
    struct err err = ERR_INIT;
    if (selection_make(&f->arena, c->info.kind, c->options.label_selector, c->options.field_selector, &s,
                       &err) < 0) {
        respond_status(f, status_bad_request(&f->arena, "%s", err.msg));
        return;
    }
    struct listing *l = arena_new(&f->arena, struct listing);
    cache_snapshot(cache_of(f->front->server->cache, c->info.kind), &l->snapshot);
    arena_hold(&f->arena, drop_snapshot, &l->snapshot);
    struct cow_iter it;
    struct str prefix = c->info.access.ns.n
                            ? arena_join(&f->arena, (struct str[]){c->info.access.ns, S("")}, 2, S("/"))
                            : S("");
    cow_foreach (item, &it, cow_prefix(&it, &l->snapshot.tree, prefix))
        if (selection_matches(&s, item->value, &f->arena))
            vec_push_in(&f->arena, &l->items, item->value);
    struct respond_list r = {
        .kind = c->info.kind,
        .items = l->items.v,
        .n = l->items.n,
        .revision = l->snapshot.revision,
        .continue_token = S(""),
    };
    respond_list(f, &r);
}
