/* Lists. See list.h. */
#include "apiserver/list.h"

#include "api/field_error.h"
#include "api/meta.h"
#include "apiserver/cache.h"
#include "apiserver/list_token.h"
#include "apiserver/selection.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/err.h"

struct listing {
    struct call *call;
    const struct kind *kind; /* asked for */
    struct selection selection;
    struct str ns;     /* "": all */
    struct str after;  /* continues behind this key of the tree; STR_NONE: from the beginning */
    uint64_t revision; /* of the state; 0: the newest */
    bool exact;        /* this very state */
    int64_t limit;     /* 0: none */
    bool continues;
    struct cache_snapshot *snapshot;
    VEC(const struct object *) items;
    bool more;
    struct str last; /* key of the last item */
    struct status *failure;
};

static int refuse(struct listing *l, int code, struct status *failure) {
    l->failure = failure;
    return code;
}

/* -- options -- */

static void check_match(const struct request_options *o, struct field_errors *e) {
    const struct field_path *p = at_field(NULL, "resourceVersionMatch");
    static const struct str known[] = {STR_INIT("Exact"), STR_INIT("NotOlderThan"), STR_INIT("")};
    struct str m = o->resource_version_match;
    if (o->send_initial_events.set)
        field_forbidden(e, at_field(NULL, "sendInitialEvents"), "sendInitialEvents is forbidden for list");
    if (!m.n)
        return;
    if (!o->resource_version.n)
        field_forbidden(e, p, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (o->continue_token.n)
        field_forbidden(e, p, "resourceVersionMatch is forbidden when continue is provided");
    if (!str_eq(m, known[0]) && !str_eq(m, known[1]))
        field_not_supported(e, p, bad(m), known, 3);
    if (str_eq(m, known[0]) && str_eq(o->resource_version, S("0")))
        field_forbidden(e, p, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
}

static int check_options(struct listing *l) {
    struct arena *a = l->call->arena;
    struct field_errors errors = FIELD_ERRORS_INIT(a);
    check_match(&l->call->options, &errors);
    if (field_errors_count(&errors) == 0)
        return 0;
    struct status_target t = {.group = S("meta.k8s.io"), .kind = S("ListOptions")};
    return refuse(l, ERR_INVALID, status_invalid(a, t, &errors));
}

static int read_token(struct listing *l) {
    const struct request_options *o = &l->call->options;
    struct arena *a = l->call->arena;
    struct err err = ERR_INIT;
    struct list_token t;
    if (o->resource_version.n && !str_eq(o->resource_version, S("0")))
        return refuse(
            l, ERR_INVALID,
            status_bad_request(a, "specifying resource version is not allowed when using continue"));
    if (list_token_read(a, o->continue_token, &t, &err) < 0)
        return refuse(l, ERR_INVALID, status_bad_request(a, "continue key is not valid: %s", err.msg));
    l->continues = true;
    l->after = l->ns.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(l->ns), STR_ARG(t.after)) : t.after;
    l->exact = t.revision > 0;
    l->revision = t.revision > 0 ? (uint64_t)t.revision : 0;
    return 0;
}

static int read_version(struct listing *l) {
    const struct request_options *o = &l->call->options;
    struct err err = ERR_INIT;
    if (rv_parse(o->resource_version, &l->revision, &err) < 0)
        return refuse(l, ERR_INVALID, status_bad_request(l->call->arena, "%s", err.msg));
    bool pages = l->limit > 0 && l->revision > 0 && !o->resource_version_match.n;
    l->exact = pages || str_eq(o->resource_version_match, S("Exact"));
    if (str_eq(o->resource_version, S("0")))
        l->limit = 0; /* CONFORMS: what is at hand is given at once */
    return 0;
}

static int read_options(struct listing *l) {
    struct call *c = l->call;
    struct err err = ERR_INIT;
    l->limit = c->options.limit.set ? c->options.limit.v : 0;
    if (check_options(l) < 0)
        return ERR_INVALID;
    if (selection_make(c->arena, l->kind, c->options.label_selector, c->options.field_selector, &l->selection,
                       &err) < 0)
        return refuse(l, ERR_INVALID, status_bad_request(c->arena, "%s", err.msg));
    return c->options.continue_token.n ? read_token(l) : read_version(l);
}

/* -- the state -- */

static struct status *too_large(struct listing *l, uint64_t now) {
    struct arena *a = l->call->arena;
    struct str why = arena_printf(a, "Too large resource version: %llu, current: %llu",
                                  (unsigned long long)l->revision, (unsigned long long)now);
    struct status *st = status_timeout(a, why, 1);
    st->body.message = why;
    status_add_cause(a, st, S("ResourceVersionTooLarge"), STR_NONE, S("Too large resource version"));
    return st;
}

/* The state is forgotten; a continued list gets a token with which it can go on at the newest one. */
static struct status *expired(struct listing *l) {
    struct arena *a = l->call->arena;
    if (!l->continues) {
        return status_expired(a, arena_printf(a, "The resourceVersion for the provided list is too old."));
    }
    struct status *st = status_expired(
        a,
        S("The provided continue parameter is too old to display a consistent list result. You can start a "
          "new "
          "list without the continue parameter, or use the continue token in this response to retrieve the "
          "remainder of the results. Continuing with the provided token results in an inconsistent list - "
          "objects that were created, modified, or deleted between the time the first chunk was returned and "
          "now may show up in the list."));
    struct str after = l->ns.n ? str_from_byte(l->after, l->ns.n + 1) : l->after;
    st->body.metadata.continue_ = list_token_write(a, &(struct list_token){.revision = -1, .after = after});
    return st;
}

static void drop_snapshot(void *snapshot) {
    cache_snapshot_fini(snapshot);
}

static int take_state(struct listing *l) {
    struct call *c = l->call;
    struct cached *r = cache_of(c->server->cache, l->kind);
    struct err err = ERR_INIT;
    if (!cache_has_reached(r, l->revision))
        return refuse(l, ERR_TIMEOUT, too_large(l, cache_revision(c->server->cache)));
    struct cache_snapshot *s = arena_new(c->arena, struct cache_snapshot);
    int code = 0;
    if (l->exact)
        code = cache_snapshot_at(r, l->revision, s, &err);
    else
        cache_snapshot(r, s);
    if (code == ERR_EXPIRED)
        return refuse(l, code, expired(l));
    if (code < 0)
        return refuse(l, code, status_internal_error(c->arena, str_from(err.msg)));
    arena_hold(c->arena, drop_snapshot, s);
    l->snapshot = s;
    return 0;
}

/* -- choosing -- */

/* False: the page is full. */
static bool take(struct listing *l, struct str key, const struct object *o) {
    if (l->limit > 0 && (int64_t)l->items.n == l->limit) {
        l->more = true;
        return false;
    }
    vec_push_in(l->call->arena, &l->items, o);
    l->last = key;
    return true;
}

static void scan(struct listing *l, const struct cow *tree, struct str prefix, size_t skip) {
    struct arena scratch = ARENA_INIT, *a = l->call->arena;
    struct cow_iter it;
    struct str after = l->after;
    if (after.p && skip)
        after = arena_printf(a, "%.*s%.*s", (int)skip, prefix.p, STR_ARG(after));
    if (l->selection.everything && l->limit == 0)
        vec_grow_in(a, (void **)&l->items.v, &l->items.cap, 0, (size_t)cow_count_prefix(tree, prefix),
                    sizeof *l->items.v);
    cow_foreach (item, &it,
                 after.p ? cow_prefix_after(&it, tree, prefix, after) : cow_prefix(&it, tree, prefix)) {
        if (!selection_matches(&l->selection, item->value, &scratch))
            continue;
        if (!take(l, str_from_byte(item->key, skip), item->value))
            break;
    }
    arena_fini(&scratch);
}

/* One object, by its name. */
static void look_up(struct listing *l) {
    struct arena scratch = ARENA_INIT, *a = l->call->arena;
    struct str name = l->selection.name;
    struct str key = l->kind->namespaced ? arena_printf(a, "%.*s/%.*s", STR_ARG(l->ns), STR_ARG(name)) : name;
    const struct object *o = cow_get(&l->snapshot->tree, key);
    if (o && (!l->after.p || str_cmp(key, l->after) > 0) && selection_matches(&l->selection, o, &scratch))
        (void)take(l, key, o);
    arena_fini(&scratch);
}

static void choose(struct listing *l) {
    struct arena *a = l->call->arena;
    struct str prefix = l->ns.n ? arena_printf(a, "%.*s/", STR_ARG(l->ns)) : S("");
    if (l->selection.name.p && (l->ns.n || !l->kind->namespaced)) {
        look_up(l);
    } else if (l->selection.node.p && !l->snapshot->past) {
        struct str node = l->selection.node;
        struct str in = arena_printf(a, "%.*s/%.*s", STR_ARG(node), STR_ARG(prefix));
        scan(l, &l->snapshot->by_node, in, node.n + 1);
    } else {
        scan(l, &l->snapshot->tree, prefix, 0);
    }
}

/* -- the answer -- */

static void add_page(struct listing *l, struct list_result *r) {
    struct arena *a = l->call->arena;
    struct str prefix = l->ns.n ? arena_printf(a, "%.*s/", STR_ARG(l->ns)) : S("");
    struct list_token t = {.revision = (int64_t)l->snapshot->revision,
                           .after = str_from_byte(l->last, prefix.n)};
    r->continue_token = list_token_write(a, &t);
    if (l->selection.everything) { /* CONFORMS: with selectors it is not known */
        const struct cow *tree = &l->snapshot->tree;
        uint64_t before = cow_rank(tree, l->last) - cow_rank(tree, prefix) + 1;
        r->remaining = (int64_t)(cow_count_prefix(tree, prefix) - before);
    }
}

int list_run(struct call *c, struct list_result *ret_result, struct status **ret_status) {
    struct listing l = {.call = c, .kind = c->info.kind, .ns = S(""), .after = STR_NONE, .last = S("")};
    struct list_result r = {.kind = c->info.kind, .continue_token = S("")};
    if (c->info.kind->namespaced)
        l.ns = c->info.access.ns;
    call_warn_old(c);
    int code = read_options(&l);
    if (code == 0 && !c->info.kind->hub->virtual_)
        code = take_state(&l);
    if (code < 0) {
        *ret_status = l.failure;
        return code;
    }
    if (!l.snapshot) { /* of these nothing is stored */
        r.revision = cache_revision(c->server->cache);
        *ret_result = r;
        return 0;
    }
    choose(&l);
    r.items = l.items.v;
    r.n = l.items.n;
    r.revision = l.snapshot->revision;
    if (l.more)
        add_page(&l, &r);
    *ret_result = r;
    return 0;
}
