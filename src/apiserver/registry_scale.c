/* The scale subresource: the number of replicas of a workload, read and written as a Scale.
 *
 * A write is one of the workload: what the client sends or patches is the Scale of its present state, and the
 * workload gets the replicas that come out. Who set them is tracked on the Scale (api/managed.h).
 */
#include "apiserver/registry_priv.h"

#include "api/convert_scale.h"
#include "api/default.h"
#include "api/field_error.h"
#include "api/json.h"
#include "api/managed.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/err.h"

/* -- reading -- */

static int scale_from(struct call *c, const struct object *o, struct autoscaling_scale **ret,
                      struct status **ret_status) {
    struct err err = ERR_INIT;
    struct autoscaling_scale *s = arena_new(c->arena, struct autoscaling_scale);
    int code = scale_of(c->arena, o->kind->type, o->body, s, &err);
    if (code < 0) {
        *ret_status = code == ERR_UNSUPPORTED ? status_no_such_path(c->arena)
                                              : status_internal_error(c->arena, str_from(err.msg));
        return code;
    }
    s->type_meta = (struct meta_type_meta){.kind = S("Scale"), .api_version = S("autoscaling/v1")};
    *ret = s;
    return 0;
}

/* The answer borrows from the object. */
static void answer(struct call *c, int http_code, struct object *o) {
    struct autoscaling_scale *scale;
    struct status *failure;
    arena_hold(c->arena, object_release_any, object_ref(o));
    if (scale_from(c, o, &scale, &failure) < 0)
        call_answer_status(c, failure);
    else
        call_answer_body(c, http_code, TY_AUTOSCALING_SCALE, scale);
}

static void get(struct call *c) {
    const struct access *x = &c->info.access;
    struct object *o = cache_get(cache_of(c->server->cache, c->info.kind), x->ns, x->name);
    if (!o) {
        call_answer_status(c, status_not_found(c->arena, call_target(c)));
        return;
    }
    answer(c, 200, o);
    object_unref(o);
}

/* -- writing -- */

struct scaling {
    struct patch *patch;
    bool apply;
};

static const struct managed_scale *replicas_of(struct write *w, struct managed_scale *map) {
    struct fieldset *set = arena_new(w->call->arena, struct fieldset);
    fieldset_insert_names(w->call->arena, set, "spec.replicas");
    *map = (struct managed_scale){.api_version = w->asked->api_version, .replicas = set};
    return map;
}

static int read_scale(struct write *w, const struct autoscaling_scale *old, struct autoscaling_scale **ret) {
    const struct scaling *s = w->make_arg;
    struct status *failure;
    void *made;
    int code;
    if (s->apply)
        code = apply_object(w, old, &made);
    else if (s->patch)
        code = patch_object(w, s->patch, old, &made);
    else if (body_read(w->call, &w->body, &made, &failure) < 0)
        code = write_refuse(w, failure);
    else
        code = 0;
    if (code == 0)
        *ret = made;
    return code;
}

static int check_scale(struct write *w, struct autoscaling_scale *scale) {
    struct field_errors errors = FIELD_ERRORS_INIT(w->call->arena);
    if (meta_check_name(w, &scale->metadata) < 0 || meta_check_namespace(w, &scale->metadata) < 0)
        return ERR_INVALID;
    if (scale->spec.replicas >= 0)
        return 0;
    field_invalid(&errors, at_field(NULL, "spec.replicas"), bad(scale->spec.replicas),
                  "must be greater than or equal to 0");
    struct status_target t = {.group = S("autoscaling"), .kind = S("Scale"), .name = w->name};
    return write_refuse(w, status_invalid(w->call->arena, t, &errors));
}

/* managedFields of the workload after the write of the Scale. */
static void track(struct write *w, const struct autoscaling_scale *before, struct autoscaling_scale *after) {
    const struct scaling *s = w->make_arg;
    struct arena *a = w->call->arena;
    struct err err = ERR_INIT;
    struct managed_scale map;
    struct managed_result result = {.entries = after->metadata.managed_fields};
    int code = 0;
    if (!s->apply) {
        struct managed_request req;
        managed_prepare_request(w, &req);
        req.before = ref_packed(&builtin, TY_AUTOSCALING_SCALE, before);
        req.after = ref_packed(&builtin, TY_AUTOSCALING_SCALE, after);
        code = managed_update(a, &req, &result, &err);
    }
    if (code == 0)
        code = managed_scale_back(a, w->old->meta->managed_fields, result.entries, replicas_of(w, &map), 1,
                                  w->asked->api_version, &result.entries, &err);
    if (code == 0)
        object_meta_in(w->kind, w->object)->managed_fields = result.entries;
}

static int make(struct write *w) {
    struct arena *a = w->call->arena;
    struct autoscaling_scale *before, *after = NULL;
    struct managed_scale map;
    struct status *failure;
    struct err err = ERR_INIT;
    void *scaled;
    if (scale_from(w->call, w->old, &before, &failure) < 0)
        return write_refuse(w, failure);
    arena_hold(a, object_release_any, object_ref(w->old));
    before->metadata.managed_fields =
        managed_scale_view(a, w->old->meta->managed_fields, replicas_of(w, &map), 1);
    if (read_scale(w, before, &after) < 0 || check_scale(w, after) < 0)
        return ERR_INVALID;
    w->managed_done = true;
    if (scale_apply(a, w->kind->type, write_copy_old(w), after->spec.replicas, &scaled, &err) < 0)
        return write_refuse(w, status_bad_request(a, "%s", err.msg));
    w->object = scaled;
    object_meta_in(w->kind, scaled)->resource_version = after->metadata.resource_version;
    object_meta_in(w->kind, scaled)->uid = after->metadata.uid;
    track(w, before, after);
    return 0;
}

static void after_write(struct write *w, int http_code, struct object *object, struct status *failure) {
    if (failure)
        call_answer_status(w->call, failure);
    else
        answer(w->call, http_code, object);
}

void registry_scale(struct call *c) {
    if (str_eq(c->info.access.verb, S("get"))) {
        get(c);
        return;
    }
    struct write *w = write_new(c);
    struct scaling *s = arena_new(c->arena, struct scaling);
    w->body = body_type_of(c->info.kind, c->info.subresource);
    w->make = make;
    w->make_arg = s;
    w->after = after_write;
    if (str_eq(c->info.access.verb, S("patch"))) {
        s->apply = c->media == MEDIA_PATCH_APPLY;
        if (patch_read(w, &s->patch) < 0) {
            write_fail(w, w->failure);
            return;
        }
    }
    write_start(w);
}
