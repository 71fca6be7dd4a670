/* Informers of the in-process client: the cache's trees and rings themselves. See client/informer.h.
 *
 * A source of a whole kind gives the cache's snapshots as they are. One of a part (a namespace, a selector)
 * makes trees of that part when it is asked and something has changed since; they share the objects and their
 * keys.
 */
#include "apiserver/client_local_priv.h"

#include <stdlib.h>

#include "api/meta.h"
#include "apiserver/authz.h"
#include "apiserver/cache.h"
#include "apiserver/selection.h"
#include "base/err.h"
#include "client/informer.h"

#define READ_MAX 32

struct source {
    struct informer_source base; /* first */
    struct cached *resource;
    const struct kind *kind;
    struct str ns;
    struct selection selection;
    bool whole;
    struct arena arena;

    struct mutex lock; /* all that follows: the part, as last made */
    struct cow made_of;
    struct informer_snapshot part;
};

/* -- what belongs to it -- */

static bool belongs(const struct source *s, const struct object *o, struct arena *scratch) {
    return (!s->ns.n || str_eq(o->meta->namespace, s->ns)) && selection_matches(&s->selection, o, scratch);
}

/* Puts an object into a tree under the key that it has in another one. */
static void put_from(struct cow *to, const struct cow *from, struct str key, const struct object *o) {
    struct cow_iter it;
    const struct cow_item *item = cow_next(cow_range(&it, from, key, STR_NONE));
    if (item && str_eq(item->key, key))
        object_release_any(cow_put(to, item->key, object_ref(o)));
}

static struct str joined(struct arena *a, struct str by, struct str key) {
    return arena_printf(a, "%.*s/%.*s", STR_ARG(by), STR_ARG(key));
}

static void add(struct informer_snapshot *to, const struct cache_snapshot *from, struct str key,
                struct object *o, struct arena *scratch) {
    const struct meta_owner_reference *owner = meta_controller(o->meta);
    object_release_any(cow_put(&to->tree, key, object_ref(o)));
    if (owner)
        put_from(&to->by_owner, &from->by_owner, joined(scratch, owner->uid, key), o);
    if (cow_count(&from->by_node))
        put_from(&to->by_node, &from->by_node, joined(scratch, cache_node_of(o), key), o);
}

static void make_part(struct source *s, const struct cache_snapshot *from, struct informer_snapshot *to) {
    struct arena scratch = ARENA_INIT, held = ARENA_INIT;
    struct str node = s->selection.node, prefix = s->ns.n ? joined(&held, s->ns, S("")) : S("");
    const struct cow *tree = node.p ? &from->by_node : &from->tree;
    size_t skip = node.p ? node.n + 1 : 0;
    struct cow_iter it;
    cow_init(&to->tree, &cache_objects);
    cow_init(&to->by_node, &cache_objects);
    cow_init(&to->by_owner, &cache_objects);
    if (node.p)
        prefix = joined(&held, node, prefix);
    cow_foreach (item, &it, cow_prefix(&it, tree, prefix)) {
        if (belongs(s, item->value, &scratch))
            add(to, from, str_from_byte(item->key, skip), item->value, &scratch);
        if (arena_total_bytes(&scratch) > (64u << 10))
            arena_reset(&scratch);
    }
    arena_fini(&held);
    arena_fini(&scratch);
}

static void share(const struct informer_snapshot *from, struct informer_snapshot *to) {
    cow_snapshot(&from->tree, &to->tree);
    cow_snapshot(&from->by_node, &to->by_node);
    cow_snapshot(&from->by_owner, &to->by_owner);
}

static void snapshot_of(struct source *s, const struct cache_snapshot *now, struct informer_snapshot *ret) {
    ret->revision = now->revision;
    if (s->whole) {
        cow_snapshot(&now->tree, &ret->tree);
        cow_snapshot(&now->by_node, &ret->by_node);
        cow_snapshot(&now->by_owner, &ret->by_owner);
        return;
    }
    mutex_lock(&s->lock);
    if (!cow_same(&s->made_of, &now->tree)) {
        informer_snapshot_fini(&s->part);
        cow_fini(&s->made_of);
        cow_snapshot(&now->tree, &s->made_of);
        make_part(s, now, &s->part);
    }
    share(&s->part, ret);
    mutex_unlock(&s->lock);
}

static void source_snapshot(struct informer_source *base, struct informer_snapshot *ret) {
    struct source *s = (struct source *)base;
    struct cache_snapshot now;
    cache_snapshot(s->resource, &now);
    snapshot_of(s, &now, ret);
    cache_snapshot_fini(&now);
}

/* -- cursors -- */

struct cursor {
    struct cache_watcher watcher; /* first */
    struct source *source;
    void (*wake)(void *arg);
    void *arg;
};

static void on_wake(struct cache_watcher *w) {
    struct cursor *c = (struct cursor *)w;
    c->wake(c->arg);
}

static int cursor_open(struct informer_source *base, struct loop *loop, void (*wake)(void *arg), void *arg,
                       struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err) {
    struct source *s = (struct source *)base;
    struct cursor *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct cursor){
        .watcher =
            {.resource = s->resource, .loop = loop, .wake = on_wake, .ns = s->ns, .node = s->selection.node},
        .source = s,
        .wake = wake,
        .arg = arg,
    };
    if (s->selection.node.p)
        c->watcher.ns = S(""); /* one of them wakes it */
    struct cache_snapshot now;
    cache_snapshot(s->resource, &now);
    int code = cache_watch(s->resource, &c->watcher, now.revision, err);
    if (code == 0 && ret_snapshot)
        snapshot_of(s, &now, ret_snapshot);
    cache_snapshot_fini(&now);
    if (code == 0)
        *ret_cursor = c;
    else
        free(c);
    return code;
}

/* What an event of the kind is for the part; false: nothing. Takes over the references, or drops them. */
static bool translate(const struct source *s, struct cache_event *e, struct arena *scratch,
                      struct source_event *ret) {
    bool was = e->previous && (s->whole || belongs(s, e->previous, scratch));
    bool is = e->type != CACHE_DELETED && (s->whole || belongs(s, e->object, scratch));
    if (!was && !is) {
        cache_event_fini(e);
        return false;
    }
    *ret = (struct source_event){
        .type = !was ? INFORMER_ADDED
                : is ? INFORMER_MODIFIED
                     : INFORMER_DELETED,
        .object = e->object,
        .previous = e->previous,
    };
    if (!was) {
        object_unref(ret->previous);
        ret->previous = NULL;
    }
    return true;
}

static int cursor_next(void *cursor, struct source_event *ret_events, unsigned max) {
    struct cursor *c = cursor;
    struct cache_event events[READ_MAX];
    struct arena scratch = ARENA_INIT;
    uint64_t revision;
    int n = 0, got;
    do {
        got = cache_next(&c->watcher, events, max < READ_MAX ? max : READ_MAX, &revision);
        for (int i = 0; i < got; i++)
            n += translate(c->source, &events[i], &scratch, &ret_events[n]);
    } while (got > 0 && n == 0);
    arena_fini(&scratch);
    return n ? n : got;
}

static void cursor_close(void *cursor) {
    struct cursor *c = cursor;
    cache_unwatch(&c->watcher);
    free(c);
}

/* -- the source -- */

static int source_start(struct informer_source *base, void (*wake)(void *arg), void *arg, struct err *err) {
    (void)base, (void)wake, (void)arg, (void)err; /* the cache is complete since it was opened */
    return 0;
}

static bool source_synced(const struct informer_source *base) {
    (void)base;
    return true;
}

static void source_free(struct informer_source *base) {
    struct source *s = (struct source *)base;
    informer_snapshot_fini(&s->part);
    cow_fini(&s->made_of);
    mutex_fini(&s->lock);
    arena_fini(&s->arena);
    free(s);
}

static const struct informer_source_ops source_ops = {
    .start = source_start,
    .synced = source_synced,
    .snapshot = source_snapshot,
    .cursor_open = cursor_open,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
    .free = source_free,
};

/* What it may see is asked once, for both verbs that a remote informer would need. */
static int check_access(struct local *l, const struct informer_options *o, struct err *err) {
    static const struct str verbs[] = {STR_INIT("list"), STR_INIT("watch")};
    struct arena a = ARENA_INIT;
    struct field_selector fields;
    struct access x = {
        .user = &l->user,
        .is_resource = true,
        .group = o->kind->group,
        .version = o->kind->version,
        .resource = o->kind->plural,
        .subresource = S(""),
        .ns = o->ns.n ? o->ns : S(""),
        .name = S(""),
    };
    if (field_selector_parse(&a, o->field_selector, &fields, NULL) == 0)
        x.fields = &fields;
    int code = 0;
    for (size_t i = 0; i < 2 && code == 0 && l->server->authz; i++) {
        struct str reason = S("");
        x.verb = verbs[i];
        if (authz_check(l->server->authz, &x, &a, &reason) != AUTHZ_ALLOW)
            code = err_set(err, ERR_FORBIDDEN, "%.*s is forbidden: %.*s", STR_ARG(o->kind->plural),
                           STR_ARG(access_denial(&x, reason, &a)));
    }
    arena_fini(&a);
    return code;
}

int local_open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                      struct err *err) {
    struct local *l = (struct local *)c;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->base.ops = &source_ops;
    s->kind = o->kind;
    s->resource = cache_of(l->server->cache, o->kind);
    arena_init(&s->arena);
    mutex_init(&s->lock);
    s->ns = o->ns.n ? arena_str(&s->arena, o->ns) : S("");
    cow_init(&s->made_of, &cache_objects);
    cow_init(&s->part.tree, &cache_objects);
    cow_init(&s->part.by_node, &cache_objects);
    cow_init(&s->part.by_owner, &cache_objects);
    int code = s->resource ? selection_make(&s->arena, o->kind, o->label_selector, o->field_selector,
                                            &s->selection, err)
                           : err_set(err, ERR_UNSUPPORTED, "%.*s are not stored", STR_ARG(o->kind->plural));
    s->whole = !s->ns.n && s->selection.everything;
    if (code == 0)
        code = check_access(l, o, err);
    if (code < 0)
        source_free(&s->base);
    else
        *ret = &s->base;
    return code;
}
