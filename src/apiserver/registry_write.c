/* The way of every write.
 *
 *     write_start → attempt: old state, make, metadata, managed fields
 *                     → mutating admission → prepared: strategy, allocate, validate
 *                     → validating admission → commit
 *                     → done: answer, or on a conflict attempt again
 *
 * Each step may end the write with a status (write_fail). Admission and the store may go on later, on the
 * call's loop. CONFORMS: the order of upstream's create and update handlers.
 */
#include "apiserver/registry_priv.h"

#include "api/convert.h"
#include "api/equal.h"
#include "api/field_error.h"
#include "api/json.h"
#include "api/managed.h"
#include "api/meta.h"
#include "api/name_generate.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "apiserver/authz.h"
#include "apiserver/cache.h"
#include "apiserver/door.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

static void attempt(struct write *w);

/* -- the ends -- */

struct status_target write_target(const struct write *w) {
    struct status_target t = status_of(w->asked, w->name);
    return t;
}

int write_refuse(struct write *w, struct status *failure) {
    w->failure = failure;
    return ERR_INVALID;
}

/* What strategy->allocate took is given back or kept. */
static void settle(struct write *w, bool stored) {
    bool gone = stored && w->removes;
    if (!w->strategy || !w->strategy->settle || (!w->allocated && !gone))
        return;
    w->allocated = false;
    w->strategy->settle(w->call, stored, stored && !gone ? w->object : NULL, w->old ? w->old->body : NULL);
}

static void drop_old(struct write *w) {
    object_unref(w->old);
    w->old = NULL;
}

void write_fail(struct write *w, struct status *failure) {
    settle(w, false);
    drop_old(w);
    w->after(w, failure->body.code, NULL, failure);
}

static void succeed(struct write *w, const struct object *object) {
    int code = w->old ? 200 : 201;
    struct object *keep = object_ref(object);
    drop_old(w);
    w->after(w, code, keep, NULL);
    object_unref(keep);
}

static void answer_call(struct write *w, int http_code, struct object *object, struct status *failure) {
    if (failure)
        call_answer_status(w->call, failure);
    else
        call_answer_object(w->call, http_code, object_ref(object));
}

struct write *write_new(struct call *c) {
    struct write *w = arena_new(c->arena, struct write);
    const struct access *x = &c->info.access;
    *w = (struct write){
        .call = c,
        .asked = c->info.kind,
        .kind = c->info.kind->hub,
        .body = body_type_of(c->info.kind, NULL),
        .strategy = strategy_of(c->info.kind->hub),
        .resource = cache_of(c->server->cache, c->info.kind),
        .ns = c->info.kind->namespaced ? x->ns : S(""),
        .name = x->name,
        .subresource = x->subresource.n ? x->subresource : S(""),
        .dry_run = c->options.dry_run,
        .track = true,
        .after = answer_call,
    };
    return w;
}

/* -- making the new state -- */

void *write_copy_old(struct write *w) {
    return api_copy(w->call->arena, w->kind->set, w->kind->type, w->old->body);
}

const void *write_old_asked(struct write *w) {
    if (w->asked == w->kind)
        return w->old->body;
    struct err err = ERR_INIT;
    void *asked;
    if (api_convert(w->call->arena, w->kind->set, w->kind->type, w->old->body, w->asked->type, &asked, &err) <
        0) {
        w->failure = status_internal_error(w->call->arena, str_from(err.msg));
        return NULL;
    }
    return asked;
}

int write_to_hub(struct write *w, void *asked, void **ret_hub) {
    struct err err = ERR_INIT;
    *ret_hub = asked;
    if (w->asked != w->kind &&
        api_convert(w->call->arena, w->kind->set, w->asked->type, asked, w->kind->type, ret_hub, &err) < 0)
        return write_refuse(w, status_bad_request(w->call->arena, "%s", err.msg));
    door_normalise(w->call->arena, w->kind, *ret_hub);
    return 0;
}

/* The part of the object that a request is about; the rest stays as it was. */
static void keep_parts(struct write *w) {
    if (str_eq(w->subresource, S("status")))
        subresource_keep_but(w->kind, w->object, w->old->body, "status");
}

static struct timestamp now_of(const struct call *c) {
    return (struct timestamp){.sec = clock_wall_sec(c->server->clock), .set = true};
}

static void on_mutated(struct admission_request *r, struct status *failure);
static void on_validated(struct admission_request *r, struct status *failure);

static void walk(struct write *w, bool mutating) {
    w->admit = (struct admission_request){
        .call = w->call,
        .operation = w->old ? ADMIT_UPDATE : ADMIT_CREATE,
        .kind = w->kind,
        .ns = w->kind->index == KIND_CORE_NAMESPACE ? w->name : w->ns,
        .name = w->name,
        .subresource = w->subresource,
        .object = w->object,
        .object_type = w->kind->type,
        .old = w->old ? w->old->body : NULL,
        .dry_run = w->dry_run,
        .done = mutating ? on_mutated : on_validated,
        .arg = w,
    };
    struct admission *a = w->call->server->admission;
    if (!a || w->skip_admission)
        w->admit.done(&w->admit, NULL);
    else if (mutating)
        admission_mutate(a, &w->admit);
    else
        admission_validate(a, &w->admit);
}

/* Who changes an object into being must be allowed to create it. */
static int may_create(struct write *w) {
    struct call *c = w->call;
    if (w->create || !c->server->authz)
        return 0;
    struct access x = c->info.access;
    struct str reason = S("");
    x.user = &c->user;
    x.verb = S("create");
    if (authz_check(c->server->authz, &x, c->arena, &reason) == AUTHZ_ALLOW)
        return 0;
    return write_refuse(w, status_forbidden(c->arena, write_target(w), access_denial(&x, reason, c->arena)));
}

static int find_old(struct write *w) {
    drop_old(w);
    if (!w->create)
        w->old = cache_get(w->resource, w->ns, w->name);
    if (w->old || w->create)
        return 0;
    if (!w->may_create)
        return write_refuse(w, status_not_found(w->call->arena, write_target(w)));
    return may_create(w);
}

static int make_object(struct write *w) {
    w->managed_done = false;
    int code = find_old(w);
    if (code == 0)
        code = w->make(w);
    if (code < 0)
        return code;
    w->meta = object_meta_in(w->kind, w->object);
    w->sent_rv = w->meta->resource_version;
    w->sent_uid = w->meta->uid;
    code = meta_check_preconditions(w);
    if (code < 0)
        return code;
    if (w->old) {
        keep_parts(w);
        meta_prepare_update(w);
        if (w->track && w->strategy && w->strategy->prepare_subresource && w->subresource.n)
            w->strategy->prepare_subresource(w->call, w->subresource, w->object, w->old->body);
    } else {
        meta_prepare_create(w);
        w->name = w->meta->name;
    }
    meta_drop_equal_owners(w);
    return 0;
}

static void attempt(struct write *w) {
    w->now = now_of(w->call);
    w->tries++;
    w->call->warnings.n = w->warnings;
    if (make_object(w) < 0) {
        write_fail(w, w->failure);
        return;
    }
    if (w->track && !w->managed_done)
        managed_track(w);
    walk(w, true);
}

void write_start(struct write *w) {
    w->tries = 0;
    w->warnings = w->call->warnings.n;
    attempt(w);
}

/* -- after mutating admission -- */

/* Whether anything but metadata and status differs. */
static bool spec_differs(const struct write *w) {
    static const struct str apart[] = {STR_INIT("metadata"), STR_INIT("status"), STR_INIT("kind"),
                                       STR_INIT("apiVersion")};
    return !api_equal_but(w->kind->set, w->kind->type, w->object, w->old->body, apart,
                          sizeof apart / sizeof *apart);
}

static void prepare_update(struct write *w) {
    const struct strategy *s = w->strategy;
    bool status = str_eq(w->subresource, S("status"));
    if (s && status && s->prepare_status)
        s->prepare_status(w->call, w->object, w->old->body);
    if (s && !status && s->prepare_update && w->subresource.n == 0)
        s->prepare_update(w->call, w->object, w->old->body);
    if (s && s->spec_generation && !status && spec_differs(w))
        w->meta->generation = w->old->meta->generation + 1;
}

static void prepare(struct write *w) {
    const struct strategy *s = w->strategy;
    if (w->old) {
        prepare_update(w);
        return;
    }
    if (s && s->spec_generation)
        w->meta->generation = 1;
    if (s && s->prepare_create)
        s->prepare_create(w->call, w->object);
    w->name = w->meta->name; /* limit ranges get one now */
}

static int allocate(struct write *w) {
    const struct strategy *s = w->strategy;
    if (!s || !s->allocate || w->subresource.n)
        return 0;
    struct status *failure = NULL;
    int code = s->allocate(w->call, w->object, w->old ? w->old->body : NULL, &failure);
    if (code < 0)
        return write_refuse(w, failure);
    w->allocated = true;
    return 0;
}

static int validate(struct write *w) {
    struct field_errors errors = FIELD_ERRORS_INIT(w->call->arena);
    if (!w->old)
        validate_create(NULL, w->asked, w->object, &errors);
    else if (w->subresource.n)
        validate_subresource_update(NULL, w->asked, w->subresource, w->object, w->old->body, &errors);
    else
        validate_update(NULL, w->asked, w->object, w->old->body, &errors);
    if (field_errors_count(&errors) == 0)
        return 0;
    return write_refuse(w, status_invalid(w->call->arena, write_target(w), &errors));
}

static void on_mutated(struct admission_request *r, struct status *failure) {
    struct write *w = r->arg;
    if (failure) {
        write_fail(w, failure);
        return;
    }
    prepare(w);
    if (!w->subresource.n) /* else parts are those of the old state */
        door_normalise(w->call->arena, w->kind, w->object);
    if (allocate(w) < 0 || validate(w) < 0) {
        write_fail(w, w->failure);
        return;
    }
    if (w->strategy && w->strategy->warn && !w->skip_admission && w->tries == 1)
        w->strategy->warn(w->call, w->object, w->old ? w->old->body : NULL);
    walk(w, false);
}

/* -- the commit -- */

/* Whether it is what is there already, times of managers aside. */
static bool changes_nothing(struct write *w) {
    if (!w->old || w->removes)
        return false;
    const struct meta_object_meta *old = w->old->meta;
    *(struct meta_type_meta *)w->object = *(const struct meta_type_meta *)w->old->body;
    w->meta->resource_version = old->resource_version;
    if (managed_same(w->meta->managed_fields, old->managed_fields))
        w->meta->managed_fields = old->managed_fields;
    return api_equal(w->kind->set, w->kind->type, w->object, w->old->body);
}

/* What would have been stored. */
static struct object *as_if_stored(struct write *w) {
    struct arena a = ARENA_INIT;
    *(struct meta_type_meta *)w->object =
        (struct meta_type_meta){.kind = w->kind->name, .api_version = kind_api_version(w->kind)};
    w->meta->resource_version = w->old ? w->old->meta->resource_version : STR_NONE;
    return object_freeze(w->kind, api_copy(&a, w->kind->set, w->kind->type, w->object), &a);
}

static struct status *commit_failure(struct write *w, int code, const struct err *err) {
    struct arena *a = w->call->arena;
    switch (code) {
    case ERR_CONFLICT: return status_modified(a, write_target(w));
    case ERR_NOT_FOUND: return status_not_found(a, write_target(w));
    case ERR_EXISTS: return status_already_exists(a, write_target(w));
    default: return status_from_err(a, write_target(w), err);
    }
}

/* Whether the failed commit may be tried again with what is there now. */
static bool try_again(struct write *w, int code) {
    if (w->tries >= WRITE_TRIES_MAX)
        return false;
    if (w->create)
        return code == ERR_EXISTS && !w->sent_name && w->tries < NAME_GENERATE_TRIES;
    return (code == ERR_CONFLICT || code == ERR_NOT_FOUND || code == ERR_EXISTS) && w->sent_rv.n == 0;
}

static void on_committed(void *arg, int code, const struct object *object, const struct err *err) {
    struct write *w = arg;
    if (code == 0) {
        settle(w, true);
        succeed(w, object);
        return;
    }
    if (try_again(w, code)) {
        settle(w, false);
        attempt(w);
        return;
    }
    if (code == ERR_EXISTS && w->create && !w->sent_name)
        write_fail(w, status_generate_name_conflict(w->call->arena, write_target(w), 1));
    else
        write_fail(w, commit_failure(w, code, err));
}

static void commit(struct write *w) {
    struct err err = ERR_INIT;
    struct cache_write cw = {
        .op = w->removes ? CACHE_DELETE
              : w->old   ? CACHE_UPDATE
                         : CACHE_CREATE,
        .kind = w->kind,
        .ns = w->ns,
        .name = w->name,
        .body = w->object,
        .expect_rv = w->old ? w->old->rv : 0,
        .soft = w->strategy && w->strategy->soft,
        .loop = w->call->loop,
        .done = on_committed,
        .arg = w,
    };
    int code = cache_submit(w->call->server->cache, &cw, &err);
    if (code < 0)
        write_fail(w, status_from_err(w->call->arena, write_target(w), &err));
}

static void on_validated(struct admission_request *r, struct status *failure) {
    struct write *w = r->arg;
    if (failure) {
        write_fail(w, failure);
        return;
    }
    w->removes = w->old && meta_is_removed(w);
    if (changes_nothing(w)) {
        settle(w, true);
        succeed(w, w->old);
    } else if (w->dry_run) {
        struct object *o = as_if_stored(w);
        settle(w, false);
        succeed(w, o);
        object_unref(o);
    } else {
        commit(w);
    }
}

/* -- for others -- */

static int change_make(struct write *w) {
    const struct registry_change *change = w->make_arg;
    const struct meta_object_meta *m = w->old->meta;
    if (change->expect_uid.n && !str_eq(change->expect_uid, m->uid))
        return write_refuse(w, status_conflict(w->call->arena, write_target(w),
                                               S("it was deleted and created again since it was read")));
    if (change->expect_rv && change->expect_rv != w->old->rv)
        return write_refuse(w, status_modified(w->call->arena, write_target(w)));
    w->object = write_copy_old(w);
    w->failure = NULL;
    return change->change(w->call, change->arg, w->object, w->call->arena, &w->failure) < 0 || w->failure
               ? ERR_INVALID
               : 0;
}

static void change_after(struct write *w, int http_code, struct object *object, struct status *failure) {
    const struct registry_change *change = w->make_arg;
    (void)http_code;
    change->after(w->call, change->arg, object, failure);
}

void registry_update(struct call *c, const struct registry_change *change) {
    struct write *w = arena_new(c->arena, struct write);
    struct registry_change *kept = arena_new(c->arena, struct registry_change);
    *kept = *change;
    *w = (struct write){
        .call = c,
        .asked = change->kind,
        .kind = change->kind->hub,
        .strategy = strategy_of(change->kind->hub),
        .resource = cache_of(c->server->cache, change->kind),
        .ns = change->ns,
        .name = change->name,
        .subresource = change->subresource.n ? change->subresource : S(""),
        .skip_admission = change->skip_admission,
        .is_patch = true, /* of what there is: version and uid are no preconditions */
        .dry_run = c->options.dry_run,
        .make = change_make,
        .make_arg = kept,
        .after = change_after,
    };
    write_start(w);
}
