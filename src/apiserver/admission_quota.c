/* ResourceQuota: a namespace uses no more than it may. See admission.h.
 *
 * What is used is counted from the stored objects at the moment of the decision, so it does not depend on how
 * fresh a quota's status is. Objects that were admitted but are not stored yet count by reservations: one per
 * call, from the decision to the end of the call. Decisions are made under one lock; so however many calls
 * run at once, together they stay within the quota.
 *
 * The status says what was counted: a call waits until it is written (compare and swap), so whoever reads the
 * quota after his object was made sees it there. One write per quota is under way at a time; all calls that
 * come meanwhile share the next one.
 */
#include "apiserver/admission_quota.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/quantity.h"
#include "api/quota_usage.h"
#include "api/types/core.h"
#include "apiserver/admission_priv.h"
#include "apiserver/quota_memo.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"

/* One resource of one quota. */
struct taken {
    struct str quota, resource;
    struct quantity amount;
};

/* What a call takes. Lives in the call's arena, which removes it from the ledger when it ends. */
struct reservation {
    struct reservation *next, *prev;
    struct quota_ledger *ledger;
    const struct call *call;
    const struct kind *kind;
    struct str ns, key; /* "ns/name" */
    uint64_t old_rv;    /* of the object that is changed; 0: it is created */
    VEC(struct taken) taken;
};

/* A call that waits until the quotas it has taken from say so. In the call's arena. */
struct waiter {
    struct loop_msg msg; /* the first member: to the call's loop */
    struct admission_request *request;
    uint32_t pending; /* quotas */
};

/* A quota whose status is being written. */
struct writing {
    struct quota_ledger *ledger;
    char *key; /* "ns/name" */
    unsigned tries;
    VEC(struct waiter *) now, next; /* for this write; for the one after it */
};

struct quota_ledger {
    struct apiserver *server;
    struct mutex lock;
    struct quota_memos *memos;
    struct reservation list; /* a ring with this head */
    struct map writing;      /* "ns/name" → struct writing */
};

struct quota_ledger *quota_ledger_new(struct apiserver *server) {
    struct quota_ledger *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    *l = (struct quota_ledger){.server = server, .writing = MAP_INIT_OWNING};
    l->memos = quota_memos_new();
    l->list.next = l->list.prev = &l->list;
    mutex_init(&l->lock);
    return l;
}

static void writing_free(struct writing *w) {
    vec_fini(&w->now);
    vec_fini(&w->next);
    free(w->key);
    free(w);
}

void quota_ledger_free(struct quota_ledger *l) {
    if (!l)
        return;
    check(l->list.next == &l->list);
    map_foreach(e, &l->writing) writing_free(e->value);
    map_fini(&l->writing);
    quota_memos_free(l->memos);
    mutex_fini(&l->lock);
    free(l);
}

void quota_ledger_trim(struct quota_ledger *l) {
    _cleanup_unlock struct mutex *held = mutex_hold(&l->lock);
    quota_memos_trim(l->memos, clock_wall_sec(l->server->clock));
}

/* -- reservations -- */

static void unlink_reservation(struct reservation *r) {
    if (!r->next)
        return;
    r->next->prev = r->prev;
    r->prev->next = r->next;
    r->next = r->prev = NULL;
}

static void end_reservation(void *thing) {
    struct reservation *r = thing;
    _cleanup_unlock struct mutex *held = mutex_hold(&r->ledger->lock);
    unlink_reservation(r);
}

/* Whether what it was made for is among the stored objects already. */
static bool is_stored(const struct reservation *r, const struct cow *tree) {
    const struct object *o = cow_get(tree, r->key);
    return r->old_rv ? !o || o->rv != r->old_rv : o != NULL;
}

/* A call that tries once more counts once. */
static void forget_earlier(struct quota_ledger *l, const struct admission_request *req, struct str key) {
    for (struct reservation *r = l->list.next, *next; r != &l->list; r = next) {
        next = r->next;
        if (r->call == req->call && r->kind == req->kind && str_eq(r->key, key))
            unlink_reservation(r);
    }
}

/* -- counting -- */

/* Snapshots of the kinds that one decision looks at. */
struct counting {
    struct quota_ledger *ledger;
    const struct kind *kind;
    struct cow *tree;
    struct str ns;
    struct str prefix; /* "ns/" */
    int64_t now_sec;
};

static bool has_scopes(const struct core_resource_quota_spec *s) {
    return s->scopes.n || (s->scope_selector && s->scope_selector->match_expressions.n);
}

static struct quantity stored_usage(const struct counting *c, const struct core_resource_quota *q,
                                    struct str resource) {
    if (quota_resource_is_count(resource) && !has_scopes(&q->spec)) {
        struct quantity n =
            quantity_from_int((int64_t)cow_count_prefix(c->tree, c->prefix), QUANTITY_DECIMAL_SI);
        n.set = true;
        return n;
    }
    return quota_memo_usage(c->ledger->memos, q, c->kind, c->tree, resource, c->now_sec);
}

static struct quantity usage(const struct counting *c, const struct core_resource_quota *q,
                             struct str resource) {
    struct quantity sum = stored_usage(c, q, resource);
    const struct reservation *head = &c->ledger->list;
    for (const struct reservation *r = head->next; r != head; r = r->next) {
        if (r->kind != c->kind || !str_eq(r->ns, c->ns) || is_stored(r, c->tree))
            continue;
        vec_foreach (t, &r->taken)
            if (str_eq(t->quota, q->metadata.name) && str_eq(t->resource, resource))
                quantity_add(&sum, &t->amount);
    }
    sum.set = true;
    return sum;
}

/* -- the status of a quota -- */

#define TRIES_MAX 5u

static void submit_status(struct quota_ledger *l, struct writing *w);

static void go_on(struct loop_msg *msg) {
    admission_resume(((struct waiter *)msg)->request, NULL);
}

/* With the lock held, as all below. */
static void release_waiters(struct writing *w) {
    vec_foreach (waiter, &w->now)
        if (--(*waiter)->pending == 0)
            (void)loop_post((*waiter)->request->call->loop, &(*waiter)->msg);
    w->now.n = 0;
}

/* The calls that came meanwhile are next. */
static void finish_writing(struct quota_ledger *l, struct writing *w) {
    release_waiters(w);
    if (w->next.n == 0) {
        (void)map_take(&l->writing, str_from(w->key));
        writing_free(w);
        return;
    }
    vec_foreach (waiter, &w->next)
        vec_push(&w->now, *waiter);
    w->next.n = 0;
    w->tries = 0;
    submit_status(l, w);
}

/* After a conflict everything is counted again. What fails otherwise is left to the controller: reservations
 * keep the limit. */
static void status_written(void *arg, int code, const struct object *object, const struct err *err) {
    struct writing *w = arg;
    struct quota_ledger *l = w->ledger;
    (void)object, (void)err;
    _cleanup_unlock struct mutex *held = mutex_hold(&l->lock);
    if (code == ERR_CONFLICT && ++w->tries < TRIES_MAX)
        submit_status(l, w);
    else
        finish_writing(l, w);
}

static struct quantity count_one(struct quota_ledger *l, const struct core_resource_quota *q,
                                 const struct kind *kind, struct str resource) {
    struct cache_snapshot s;
    cache_snapshot(cache_of(l->server->cache, kind), &s);
    char prefix[300];
    int n = snprintf(prefix, sizeof prefix, "%.*s/", STR_ARG(q->metadata.namespace));
    struct counting c = {
        .ledger = l,
        .kind = kind,
        .tree = &s.tree,
        .ns = q->metadata.namespace,
        .prefix = str_make(prefix, (size_t)n),
        .now_sec = clock_wall_sec(l->server->clock),
    };
    struct quantity used = usage(&c, q, resource);
    cache_snapshot_fini(&s);
    return used;
}

/* Everything that it limits, counted. */
static void fill_status(struct quota_ledger *l, struct arena *a, struct core_resource_quota *q) {
    uint32_t n = q->spec.hard.n, k = 0;
    struct quantity_entry *v = arena_new_n(a, n + 1u, struct quantity_entry);
    for (uint32_t i = 0; i < n; i++) {
        const struct kind *kind = quota_resource_kind(q->spec.hard.v[i].key);
        if (!kind || kind->virtual_)
            continue;
        v[k].key = q->spec.hard.v[i].key;
        v[k++].value = count_one(l, q, kind, q->spec.hard.v[i].key);
    }
    q->status.hard = q->spec.hard;
    q->status.used = (struct quantity_map){v, k};
}

/* A quota that has gone needs no status. */
static void submit_status(struct quota_ledger *l, struct writing *w) {
    struct str ns, name;
    (void)str_split(str_from(w->key), '/', &ns, &name);
    struct object *o = cache_get(cache_of(l->server->cache, &kinds[KIND_CORE_RESOURCE_QUOTA]), ns, name);
    if (!o) {
        finish_writing(l, w);
        return;
    }
    struct arena a = ARENA_INIT;
    struct core_resource_quota *q = api_copy(&a, &builtin, o->kind->type, o->body);
    fill_status(l, &a, q);
    int r = cache_submit(l->server->cache,
                         &(struct cache_write){
                             .op = CACHE_UPDATE,
                             .kind = &kinds[KIND_CORE_RESOURCE_QUOTA],
                             .ns = ns,
                             .name = name,
                             .body = q,
                             .arena = &a,
                             .expect_rv = o->rv,
                             .loop = w->now.v[0]->request->call->loop,
                             .done = status_written,
                             .arg = w,
                         },
                         NULL);
    object_unref(o);
    if (r < 0)
        finish_writing(l, w);
}

static void join(struct quota_ledger *l, const struct core_resource_quota *q, struct waiter *waiter) {
    char key[600];
    (void)snprintf(key, sizeof key, "%.*s/%.*s", STR_ARG(q->metadata.namespace), STR_ARG(q->metadata.name));
    bool is_new;
    struct map_entry *e = map_upsert(&l->writing, str_from(key), &is_new);
    if (!is_new) {
        struct writing *w = e->value;
        vec_push(&w->next, waiter);
        return;
    }
    struct writing *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->ledger = l;
    w->key = strdup(key);
    if (!w->key)
        panic("out of memory");
    e->value = w;
    vec_push(&w->now, waiter);
    submit_status(l, w);
}

/* -- decisions -- */

struct decision {
    struct counting counting;
    struct admission_request *request;
    struct reservation *reservation;
    VEC(const struct core_resource_quota *) quotas; /* that it takes from */
};

/* What the write adds; update: what is more than before. False: nothing. */
static bool demand(const struct decision *d, struct str resource, struct quantity *ret_more) {
    const struct admission_request *r = d->request;
    *ret_more = quota_usage_of(r->kind, r->object, resource, d->counting.now_sec);
    if (r->old) {
        struct quantity had = quota_usage_of(r->kind, r->old, resource, d->counting.now_sec);
        quantity_sub(ret_more, &had);
    }
    return quantity_sign(ret_more) > 0;
}

struct excess {
    struct buf requested, used, limited;
};

static void show(struct buf *out, struct str resource, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    quantity_format(q, text);
    buf_printf(out, "%s%.*s=%s", out->n ? "," : "", STR_ARG(resource), text);
}

static void look_at(struct decision *d, const struct core_resource_quota *q, struct excess *x, bool *takes) {
    for (uint32_t i = 0; i < q->spec.hard.n; i++) {
        struct str resource = q->spec.hard.v[i].key;
        const struct quantity *hard = &q->spec.hard.v[i].value;
        struct quantity more;
        if (quota_resource_kind(resource) != d->request->kind || !demand(d, resource, &more))
            continue;
        struct quantity used = usage(&d->counting, q, resource), sum = used;
        quantity_add(&sum, &more);
        if (quantity_cmp(&sum, hard) > 0) {
            show(&x->requested, resource, &more);
            show(&x->used, resource, &used);
            show(&x->limited, resource, hard);
            continue;
        }
        struct taken t = {.quota = q->metadata.name, .resource = resource, .amount = more};
        vec_push_in(admission_arena(d->request), &d->reservation->taken, t);
        *takes = true;
    }
}

static enum admission_verdict check_quota(struct decision *d, const struct core_resource_quota *q,
                                          struct status **ret_status) {
    struct admission_request *r = d->request;
    if (!quota_scopes_match(&q->spec, r->kind, r->object))
        return ADMIT_NEXT;
    if (admission_is(r, KIND_CORE_POD)) {
        struct str missing = quota_pod_omissions(admission_arena(r), q->spec.hard, r->object);
        if (!str_empty(missing))
            return admission_forbid(r, ret_status, "failed quota: %.*s: must specify %.*s",
                                    STR_ARG(q->metadata.name), STR_ARG(missing));
    }
    struct excess x = {BUF_INIT, BUF_INIT, BUF_INIT};
    bool takes = false;
    enum admission_verdict v = ADMIT_NEXT;
    look_at(d, q, &x, &takes);
    if (x.requested.n)
        v = admission_forbid(r, ret_status,
                             "exceeded quota: %.*s, requested: %.*s, used: %.*s, limited: %.*s",
                             STR_ARG(q->metadata.name), STR_ARG(buf_view(&x.requested)),
                             STR_ARG(buf_view(&x.used)), STR_ARG(buf_view(&x.limited)));
    else if (takes)
        vec_push_in(admission_arena(r), &d->quotas, q);
    buf_fini(&x.requested);
    buf_fini(&x.used);
    buf_fini(&x.limited);
    return v;
}

static enum admission_verdict decide(struct decision *d, const struct cow *quotas,
                                     struct status **ret_status) {
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, quotas, d->counting.prefix)) {
        enum admission_verdict v = check_quota(d, ((const struct object *)item->value)->body, ret_status);
        if (v != ADMIT_NEXT)
            return v;
    }
    return ADMIT_NEXT;
}

static enum admission_verdict keep(struct quota_ledger *l, struct decision *d) {
    struct reservation *r = d->reservation;
    r->next = &l->list;
    r->prev = l->list.prev;
    l->list.prev->next = r;
    l->list.prev = r;
    arena_hold(admission_arena(d->request), end_reservation, r);
    if (!d->request->call->loop)
        return ADMIT_NEXT; /* cannot wait */
    struct waiter *w = arena_new(admission_arena(d->request), struct waiter);
    *w = (struct waiter){.request = d->request, .pending = (uint32_t)d->quotas.n};
    w->msg.run = go_on;
    vec_foreach (q, &d->quotas)
        join(l, *q, w);
    return ADMIT_WAIT;
}

static struct reservation *reservation_for(struct quota_ledger *l, const struct admission_request *r) {
    struct arena *a = admission_arena(r);
    struct meta_object_meta *m = object_meta_in(r->kind, r->object);
    uint64_t old_rv = 0;
    if (r->old && !str_to_u64(object_meta_in(r->kind, (void *)r->old)->resource_version, &old_rv))
        old_rv = 0;
    struct reservation *v = arena_new(a, struct reservation);
    *v = (struct reservation){
        .ledger = l,
        .call = r->call,
        .kind = r->kind,
        .ns = r->ns,
        .key = arena_printf(a, "%.*s/%.*s", STR_ARG(r->ns), STR_ARG(m->name)),
        .old_rv = old_rv,
    };
    return v;
}

/* Updates that can use more: pods by resize only. */
static bool is_limited(const struct admission_request *r) {
    if (!r->kind->namespaced || str_empty(r->ns) || !r->object || r->object_type != r->kind->type ||
        r->kind->virtual_)
        return false;
    if (r->operation == ADMIT_CREATE)
        return str_empty(r->subresource);
    switch (r->kind->index) {
    case KIND_CORE_POD: return str_eq(r->subresource, S("resize"));
    case KIND_CORE_SERVICE:
    case KIND_CORE_PERSISTENT_VOLUME_CLAIM: return str_empty(r->subresource);
    default: return false;
    }
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    if (!is_limited(r))
        return ADMIT_NEXT;
    struct quota_ledger *l = admission_quota(a);
    struct str prefix = arena_printf(admission_arena(r), "%.*s/", STR_ARG(r->ns));
    const struct cache_snapshot *quotas = call_snapshot(r->call, KIND_CORE_RESOURCE_QUOTA);
    if (cow_count_prefix(&quotas->tree, prefix) == 0)
        return ADMIT_NEXT;
    struct cache_snapshot objects;
    _cleanup_unlock struct mutex *held = mutex_hold(&l->lock);
    cache_snapshot(cache_of(l->server->cache, r->kind), &objects);
    struct decision d = {
        .counting = {.ledger = l,
                     .kind = r->kind,
                     .tree = &objects.tree,
                     .ns = r->ns,
                     .prefix = prefix,
                     .now_sec = clock_wall_sec(l->server->clock)},
        .request = r,
        .reservation = reservation_for(l, r),
    };
    forget_earlier(l, r, d.reservation->key);
    enum admission_verdict v = decide(&d, &quotas->tree, ret_status);
    if (v == ADMIT_NEXT && d.quotas.n && !r->dry_run)
        v = keep(l, &d);
    cache_snapshot_fini(&objects);
    return v;
}

const struct admission_plugin admission_resource_quota = {
    .name = "ResourceQuota",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .validate = validate,
};
