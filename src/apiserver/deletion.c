/* Deleting one object. See deletion.h.
 *
 *     deletion_start → attempt: find, preconditions → admission → decide
 *         → remove      (nobody waits for anything)
 *         → mark        (grace period, finalizers: the object stays with its deletionTimestamp)
 *         → nothing     (it is marked already)
 *
 * CONFORMS: where upstream first marks and then removes in two writes, one write does both.
 */
#include "apiserver/deletion.h"

#include "api/equal.h"
#include "api/field_error.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "apiserver/body.h"
#include "apiserver/cache.h"
#include "apiserver/registry_priv.h"
#include "apiserver/server_priv.h"
#include "apiserver/strategy.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

#define ORPHAN S("orphan")
#define FOREGROUND S("foregroundDeletion")

static void attempt(struct deletion *d);

static struct status_target target(const struct deletion *d) {
    return status_of(d->asked, d->name);
}

static void end(struct deletion *d, const struct object *object, bool removed, struct status *failure) {
    struct object *keep = object_ref(object);
    object_unref(d->old);
    d->old = NULL;
    d->after(d, keep, removed, failure);
    object_unref(keep);
}

/* -- options -- */

static void options_of_query(const struct request_options *q, struct meta_delete_options *o) {
    o->grace_period_seconds = q->grace_period_seconds;
    o->orphan_dependents = q->orphan_dependents;
    o->propagation_policy = q->propagation_policy.n ? q->propagation_policy : STR_NONE;
}

int deletion_options(struct call *c, struct meta_delete_options **ret_options, struct status **ret_status) {
    struct body_type want = {.api_version = S("v1"),
                             .kind = S("DeleteOptions"),
                             .type = TY_META_DELETE_OPTIONS,
                             .any_version = true};
    struct meta_delete_options *o;
    if (c->packed || c->body.n) {
        void *read;
        if (body_read(c, &want, &read, ret_status) < 0)
            return ERR_INVALID;
        o = read;
    } else {
        o = arena_new(c->arena, struct meta_delete_options);
        options_of_query(&c->options, o);
    }
    struct field_errors errors = FIELD_ERRORS_INIT(c->arena);
    validate_delete_options(o, &errors);
    if (field_errors_count(&errors)) {
        struct status_target t = {.group = S("meta.k8s.io"), .kind = S("DeleteOptions")};
        *ret_status = status_invalid(c->arena, t, &errors);
        return ERR_INVALID;
    }
    normalise_delete_options(o);
    *ret_options = o;
    return 0;
}

static struct status *check_preconditions(const struct deletion *d) {
    const struct meta_preconditions *p = d->options->preconditions;
    const struct meta_object_meta *m = d->old->meta;
    struct arena *a = d->call->arena;
    if (p && p->uid.p && !str_eq(p->uid, m->uid))
        return status_conflict(
            a, target(d),
            arena_printf(a,
                         "the UID in the precondition (%.*s) does not match the UID in record "
                         "(%.*s). The object might have been deleted and then recreated",
                         STR_ARG(p->uid), STR_ARG(m->uid)));
    if (p && p->resource_version.p && !str_eq(p->resource_version, m->resource_version))
        return status_conflict(
            a, target(d),
            arena_printf(
                a,
                "the ResourceVersion in the precondition (%.*s) does not match the ResourceVersion in "
                "record (%.*s). The object might have been modified",
                STR_ARG(p->resource_version), STR_ARG(m->resource_version)));
    return NULL;
}

/* -- what becomes of dependents -- */

/* "orphan", "foregroundDeletion", or "" for the finalizer that the deletion needs. */
static struct str wanted_finalizer(const struct deletion *d) {
    const struct meta_delete_options *o = d->options;
    if (o->orphan_dependents.set)
        return o->orphan_dependents.v ? ORPHAN : S("");
    if (o->propagation_policy.n)
        return str_eq(o->propagation_policy, S("Orphan"))       ? ORPHAN
               : str_eq(o->propagation_policy, S("Foreground")) ? FOREGROUND
                                                                : S("");
    if (meta_has_finalizer(d->old->meta, ORPHAN))
        return ORPHAN;
    if (meta_has_finalizer(d->old->meta, FOREGROUND))
        return FOREGROUND;
    bool orphans = d->strategy && d->strategy->propagation_default &&
                   strcmp(d->strategy->propagation_default, "orphan") == 0;
    return orphans ? ORPHAN : S("");
}

static void set_finalizers(const struct deletion *d, struct meta_object_meta *m) {
    if (d->kind->index == KIND_CORE_EVENT)
        return; /* events own nothing */
    struct str wanted = wanted_finalizer(d);
    if (!str_eq(wanted, ORPHAN))
        meta_remove_finalizer(d->call->arena, m, ORPHAN);
    if (!str_eq(wanted, FOREGROUND))
        meta_remove_finalizer(d->call->arena, m, FOREGROUND);
    if (wanted.n)
        meta_add_finalizer(d->call->arena, m, wanted);
}

/* -- deciding -- */

enum plan { PLAN_REMOVE, PLAN_MARK, PLAN_NOTHING };

static struct timestamp in_seconds(const struct deletion *d, int64_t seconds) {
    return (struct timestamp){.sec = clock_wall_sec(d->call->server->clock) + seconds, .set = true};
}

static void set_grace(struct meta_object_meta *m, struct timestamp when, int64_t grace) {
    m->deletion_timestamp = when;
    m->deletion_grace_period_seconds = (struct opt_i64){.set = true, .v = grace};
}

/* Marked at once, for finalizers alone. */
static void mark_now(const struct deletion *d, struct meta_object_meta *m) {
    struct timestamp now = in_seconds(d, 0);
    if (!m->deletion_timestamp.set && m->generation > 0)
        m->generation++;
    if (!m->deletion_timestamp.set || m->deletion_timestamp.sec > now.sec)
        m->deletion_timestamp = now;
    m->deletion_grace_period_seconds = (struct opt_i64){.set = true};
}

/* The grace period of a kind that has one: *ret_graceful and *ret_seconds. False: it waits already. */
static bool begin_grace(const struct deletion *d, struct meta_object_meta *m, bool *ret_graceful,
                        int64_t *ret_seconds) {
    const struct opt_i64 asked = d->options->grace_period_seconds, running = m->deletion_grace_period_seconds;
    if (!d->strategy || !d->strategy->grace)
        return true;
    if (!m->deletion_timestamp.set) {
        int64_t g = d->strategy->grace(d->call, d->body, asked.set ? asked.v : -1);
        if (g < 0)
            return true;
        set_grace(m, in_seconds(d, g), g);
        if (m->generation > 0)
            m->generation++;
        *ret_graceful = true;
        *ret_seconds = g;
        return true;
    }
    if (!running.set || running.v == 0)
        return true;
    if (!asked.set || asked.v >= running.v)
        return false;
    struct timestamp when = m->deletion_timestamp;
    when.sec += asked.v - running.v; /* may only become shorter */
    set_grace(m, when, asked.v);
    *ret_graceful = true;
    *ret_seconds = asked.v;
    return true;
}

static enum plan decide(struct deletion *d) {
    size_t size = d->kind->set->types[d->kind->type].size;
    d->body = memcpy(arena_alloc(d->call->arena, size), d->old->body, size); /* only its top is edited */
    struct meta_object_meta *m = object_meta_in(d->kind, d->body);
    bool graceful = false;
    int64_t seconds = 0;
    if (!begin_grace(d, m, &graceful, &seconds))
        return PLAN_NOTHING;
    set_finalizers(d, m);
    bool stays = m->finalizers.n > 0;
    if (d->strategy && d->strategy->outlives_delete) {
        if (!m->deletion_timestamp.set)
            m->deletion_timestamp = in_seconds(d, 0);
        stays |= d->strategy->outlives_delete(d->call, d->body);
    } else if (stays && !graceful) {
        mark_now(d, m);
    }
    return stays || seconds > 0 ? PLAN_MARK : PLAN_REMOVE;
}

/* -- writing -- */

static void removed(struct deletion *d, const struct object *last) {
    if (d->strategy && d->strategy->settle && !d->dry_run)
        d->strategy->settle(d->call, true, NULL, d->old->body);
    end(d, last, true, NULL);
}

static void on_done(void *arg, int code, const struct object *object, const struct err *err) {
    struct deletion *d = arg;
    if (code == 0 && d->removes) {
        removed(d, object ? object : d->old);
    } else if (code == 0) {
        end(d, object, false, NULL);
    } else if ((code == ERR_CONFLICT || code == ERR_NOT_FOUND) && d->tries < WRITE_TRIES_MAX) {
        object_unref(d->old);
        d->old = NULL;
        attempt(d);
    } else {
        end(d, NULL, false, status_from_err(d->call->arena, target(d), err));
    }
}

static void commit(struct deletion *d) {
    struct err err = ERR_INIT;
    struct cache_write w = {
        .op = d->removes ? CACHE_DELETE : CACHE_UPDATE,
        .kind = d->kind,
        .ns = d->ns,
        .name = d->name,
        .body = d->body,
        .expect_rv = d->old->rv,
        .soft = d->strategy && d->strategy->soft,
        .loop = d->call->loop,
        .done = on_done,
        .arg = d,
    };
    if (cache_submit(d->call->server->cache, &w, &err) < 0)
        end(d, NULL, false, status_from_err(d->call->arena, target(d), &err));
}

static struct object *as_if_marked(const struct deletion *d) {
    struct arena a = ARENA_INIT;
    return object_freeze(d->kind, api_copy(&a, d->kind->set, d->kind->type, d->body), &a);
}

static void on_validated(struct admission_request *r, struct status *failure) {
    struct deletion *d = r->arg;
    if (failure) {
        end(d, NULL, false, failure);
        return;
    }
    enum plan plan = decide(d);
    d->removes = plan == PLAN_REMOVE;
    if (plan == PLAN_NOTHING ||
        (plan == PLAN_MARK && api_equal(d->kind->set, d->kind->type, d->body, d->old->body))) {
        end(d, d->old, false, NULL);
    } else if (d->dry_run) {
        struct object *o = as_if_marked(d);
        if (d->removes)
            removed(d, o);
        else
            end(d, o, false, NULL);
        object_unref(o);
    } else {
        commit(d);
    }
}

static void on_mutated(struct admission_request *r, struct status *failure);

static void walk(struct deletion *d, bool mutating) {
    d->admit = (struct admission_request){
        .call = d->call,
        .operation = ADMIT_DELETE,
        .kind = d->kind,
        .ns = d->kind->index == KIND_CORE_NAMESPACE ? d->name : d->ns,
        .name = d->name,
        .subresource = S(""),
        .object_type = d->kind->type,
        .old = d->old->body,
        .dry_run = d->dry_run,
        .done = mutating ? on_mutated : on_validated,
        .arg = d,
    };
    struct admission *a = d->call->server->admission;
    if (!a)
        d->admit.done(&d->admit, NULL);
    else if (mutating)
        admission_mutate(a, &d->admit);
    else
        admission_validate(a, &d->admit);
}

static void on_mutated(struct admission_request *r, struct status *failure) {
    struct deletion *d = r->arg;
    if (failure)
        end(d, NULL, false, failure);
    else
        walk(d, false);
}

static void attempt(struct deletion *d) {
    d->tries++;
    d->old = cache_get(d->resource, d->ns, d->name);
    struct status *failure = d->old ? check_preconditions(d) : status_not_found(d->call->arena, target(d));
    if (failure)
        end(d, NULL, false, failure);
    else
        walk(d, true);
}

void deletion_start(struct deletion *d) {
    d->kind = d->asked->hub;
    d->strategy = strategy_of(d->kind);
    d->resource = cache_of(d->call->server->cache, d->kind);
    d->tries = 0;
    attempt(d);
}
