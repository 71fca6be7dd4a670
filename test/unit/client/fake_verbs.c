/* What the calls of the fake do. See fake_client.h. */
#include <stdio.h>
#include <stdlib.h>

#include "api/default.h"
#include "api/equal.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/meta.h"
#include "api/name_generate.h"
#include "api/strategic.h"
#include "api/time.h"
#include "api/types/core.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "fake_priv.h"

/* A body on its way into the state. */
struct draft {
    struct arena arena;
    void *body;
    struct meta_object_meta *meta;
};

static void draft_of(struct draft *d, const struct kind *k, const void *body) {
    arena_init(&d->arena);
    d->body = api_copy(&d->arena, k->set, k->type, body);
    d->meta = object_meta_in(k, d->body);
}

static void fail(struct client_answer *answer, struct status *st) {
    answer->http_code = st->body.code;
    answer->status = &st->body;
    answer->retry_after_seconds = st->body.details ? st->body.details->retry_after_seconds : 0;
}

static void succeed(struct client_answer *answer, int http_code, struct object *o) {
    answer->http_code = http_code;
    answer->object = o;
}

static struct status_target about(const struct client_call *c) {
    return status_of(c->kind, c->name);
}

static void stamp(struct fake *f, struct timestamp *t) {
    *t = timestamp_from_ns_in_seconds(clock_wall_ns(f->clock));
}

/* -- parts of bodies -- */

static bool has_status(const struct kind *k) {
    for (unsigned i = 0; i < k->n_subresources; i++)
        if (str_eq(k->subresources[i].name, S("status")))
            return true;
    return false;
}

/* Takes the status over from another body of the kind. */
static void take_status(const struct kind *k, void *to, const void *from) {
    const struct ty_field *f = ty_find(k->set, k->type, S("status"));
    if (!f || f->shape != SHAPE_ONE || f->leaf != LEAF_MESSAGE)
        return;
    memcpy((char *)to + f->offset, (const char *)from + f->offset, k->set->types[f->type].size);
}

static bool same_besides(const struct kind *k, const void *a, const void *b, bool meta_counts) {
    const struct str ignored[] = {S("status"), S("metadata")};
    return api_equal_but(k->set, k->type, a, b, ignored, meta_counts ? 1 : 2);
}

/* -- writing -- */

/* What becomes of an object that changes: kept parts, generation, the end of one without finalizers. `d` is
 * consumed. */
static void replace(struct fake *f, const struct client_call *c, const struct object *old, struct draft *d,
                    struct client_answer *answer) {
    const struct kind *k = old->kind;
    const struct meta_object_meta *m = old->meta;
    d->meta->resource_version = m->resource_version;
    d->meta->uid = m->uid;
    d->meta->generation = m->generation;
    d->meta->creation_timestamp = m->creation_timestamp;
    d->meta->deletion_timestamp = m->deletion_timestamp;
    d->meta->deletion_grace_period_seconds = m->deletion_grace_period_seconds;
    if (has_status(k) && !str_eq(c->subresource, S("status")))
        take_status(k, d->body, old->body);
    if (api_equal(k->set, k->type, old->body, d->body)) {
        arena_fini(&d->arena);
        succeed(answer, 200, object_ref(old));
        return;
    }
    if (!same_besides(k, old->body, d->body, false))
        d->meta->generation++;
    if (d->meta->deletion_timestamp.set && d->meta->finalizers.n == 0 && m->finalizers.n > 0) {
        arena_fini(&d->arena);
        succeed(answer, 200, fake_drop(f, old));
        return;
    }
    /* texts of the old one are copied with all the rest */
    struct draft own;
    draft_of(&own, k, d->body);
    arena_fini(&d->arena);
    succeed(answer, 200, fake_store(f, k, own.body, &own.arena));
}

static void create(struct fake *f, const struct client_call *c, const void *body,
                   struct client_answer *answer) {
    const struct kind *k = c->kind->hub;
    struct draft d;
    draft_of(&d, k, body);
    if (c->ns.n)
        d.meta->namespace = arena_str(&d.arena, c->ns);
    if (!d.meta->name.n && d.meta->generate_name.n)
        d.meta->name = name_generate(&d.arena, f->rand, d.meta->generate_name);
    if (!d.meta->name.n) {
        arena_fini(&d.arena);
        fail(answer, status_bad_request(&answer->arena, "name is required"));
        return;
    }
    if (fake_find(f, k, d.meta->namespace, d.meta->name)) {
        fail(answer, status_already_exists(&answer->arena, status_of(k, d.meta->name)));
        arena_fini(&d.arena);
        return;
    }
    d.meta->uid = uid_generate(&d.arena, f->rand);
    d.meta->generation = 1;
    stamp(f, &d.meta->creation_timestamp);
    d.meta->deletion_timestamp.set = false;
    api_default(&d.arena, k->set, k->type, d.body, f->clock);
    succeed(answer, 201, fake_store(f, k, d.body, &d.arena));
}

/* The object the call names; NULL: the answer is 404, or 409 when it is told to conflict. */
static const struct object *target(struct fake *f, const struct client_call *c,
                                   struct client_answer *answer) {
    const struct object *old = fake_find(f, c->kind, c->ns, c->name);
    if (!old)
        fail(answer, status_not_found(&answer->arena, about(c)));
    else if (c->verb != CLIENT_DELETE && rand_chance(f->rand, f->faults.conflict))
        fail(answer, status_modified(&answer->arena, about(c)));
    else
        return old;
    return NULL;
}

static bool version_fits(const struct meta_object_meta *wanted, const struct object *old) {
    return !wanted->resource_version.n || str_eq(wanted->resource_version, old->meta->resource_version);
}

static void update(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct object *old = target(f, c, answer);
    if (!old)
        return;
    const struct kind *k = old->kind;
    const struct meta_object_meta *wanted = object_meta_in(k, (void *)(uintptr_t)c->body);
    if (!version_fits(wanted, old) || (wanted->uid.n && !str_eq(wanted->uid, old->meta->uid))) {
        fail(answer, status_modified(&answer->arena, about(c)));
        return;
    }
    struct draft d;
    bool status = str_eq(c->subresource, S("status"));
    draft_of(&d, k, status ? old->body : c->body);
    if (status && k == KIND(APPS_DEPLOYMENT)) /* as the server: only spec and labels are kept there */
        d.meta->annotations = wanted->annotations;
    if (status)
        take_status(k, d.body, c->body);
    else
        api_default(&d.arena, k->set, k->type, d.body, f->clock);
    replace(f, c, old, &d, answer);
}

static int apply_patch(struct arena *a, const struct kind *k, enum client_patch type, const struct jval *old,
                       const struct jval *patch, struct jval *ret, struct err *err) {
    struct json_patch operations;
    switch (type) {
    case CLIENT_PATCH_JSON: {
        int rc = json_patch_read(a, patch, &operations, err);
        return rc ? rc : json_patch_apply(a, &operations, old, ret, err);
    }
    case CLIENT_PATCH_STRATEGIC: return strategic_apply(a, pos_type(k->set, k->type), old, patch, ret, err);
    default: return merge_patch_apply(a, old, patch, ret, err);
    }
}

static int patched(struct arena *a, const struct object *old, enum client_patch type, struct str text,
                   void **ret_body, struct err *err) {
    const struct kind *k = old->kind;
    struct jval patch, result, before = api_to_tree(a, k->set, k->type, old->body);
    int rc = json_parse(a, text, NULL, NULL, &patch, err);
    if (rc == 0)
        rc = apply_patch(a, k, type, &before, &patch, &result, err);
    return rc ? rc : api_from_tree(a, k->set, k->type, &result, NULL, ret_body, err);
}

struct object *fake_merge_into(struct fake *f, const struct object *old, struct str patch, struct arena *a) {
    struct err err = ERR_INIT;
    void *body;
    if (patched(a, old, CLIENT_PATCH_MERGE, patch, &body, &err))
        panic("fake: %s", err.msg);
    struct draft d;
    draft_of(&d, old->kind, body);
    if (!same_besides(old->kind, old->body, d.body, false))
        d.meta->generation++;
    return fake_store(f, old->kind, d.body, &d.arena);
}

static void apply_new(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct kind *k = c->kind->hub;
    struct err err = ERR_INIT;
    void *body;
    if (api_read_json(&answer->arena, k->set, k->type, c->patch_text, NULL, &body, &err))
        fail(answer, status_from_err(&answer->arena, about(c), &err));
    else
        create(f, c, body, answer);
}

static void patch(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    if (c->patch == CLIENT_PATCH_APPLY && !fake_find(f, c->kind, c->ns, c->name)) {
        apply_new(f, c, answer);
        return;
    }
    const struct object *old = target(f, c, answer);
    if (!old)
        return;
    const struct kind *k = old->kind;
    struct err err = ERR_INIT;
    void *body;
    if (patched(&answer->arena, old, c->patch, c->patch_text, &body, &err)) {
        fail(answer, status_from_err(&answer->arena, about(c), &err));
        return;
    }
    const struct meta_object_meta *wanted = object_meta_in(k, body);
    if (!version_fits(wanted, old) || !str_eq(wanted->uid, old->meta->uid)) {
        fail(answer, status_modified(&answer->arena, about(c)));
        return;
    }
    struct draft d;
    bool status = str_eq(c->subresource, S("status"));
    draft_of(&d, k, status ? old->body : body);
    if (status)
        take_status(k, d.body, body);
    replace(f, c, old, &d, answer);
}

/* Namespaces go when nobody holds them any more. */
static void finalize(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct object *old = target(f, c, answer);
    const struct core_namespace *ns = c->body;
    if (!old)
        return;
    if (old->meta->deletion_timestamp.set && !ns->spec.finalizers.n && !old->meta->finalizers.n)
        succeed(answer, 200, fake_drop(f, old));
    else
        update(f, c, answer);
}

/* -- deleting -- */

/* Spec finalizers hold a namespace like those of other objects. */
static bool outlives(const struct object *old) {
    return old->kind == KIND(CORE_NAMESPACE) && ((const struct core_namespace *)old->body)->spec.finalizers.n;
}

static int64_t grace_of(const struct client_call *c, const struct object *old) {
    if (old->kind != KIND(CORE_POD))
        return 0;
    const struct core_pod *p = old->body;
    if (!p->spec.node_name.n || str_eq(p->status.phase, S("Succeeded")) ||
        str_eq(p->status.phase, S("Failed")))
        return 0;
    if (c->delete_options && c->delete_options->grace_period_seconds.set)
        return c->delete_options->grace_period_seconds.v;
    return p->spec.termination_grace_period_seconds.set ? p->spec.termination_grace_period_seconds.v : 30;
}

static void delete_one(struct fake *f, const struct client_call *c, const struct object *old,
                       struct client_answer *answer) {
    const struct meta_delete_options *o = c->delete_options;
    const struct meta_preconditions *p = o ? o->preconditions : NULL;
    if (p && ((p->uid.n && !str_eq(p->uid, old->meta->uid)) ||
              (p->resource_version.n && !str_eq(p->resource_version, old->meta->resource_version)))) {
        fail(answer, status_conflict(&answer->arena, about(c), S("the preconditions do not hold")));
        return;
    }
    struct draft d;
    draft_of(&d, old->kind, old->body);
    if (o && str_eq(o->propagation_policy, S("Orphan")))
        (void)meta_add_finalizer(&d.arena, d.meta, S("orphan"));
    if (o && str_eq(o->propagation_policy, S("Foreground")))
        (void)meta_add_finalizer(&d.arena, d.meta, S("foregroundDeletion"));
    int64_t grace = grace_of(c, old);
    if (grace == 0 && d.meta->finalizers.n == 0 && !outlives(old)) {
        arena_fini(&d.arena);
        succeed(answer, 200, fake_drop(f, old));
    } else if (old->meta->deletion_timestamp.set && grace >= old->meta->deletion_grace_period_seconds.v) {
        arena_fini(&d.arena);
        succeed(answer, 200, object_ref(old));
    } else {
        stamp(f, &d.meta->deletion_timestamp);
        d.meta->deletion_timestamp.sec += grace;
        d.meta->deletion_grace_period_seconds = (struct opt_i64){grace, true};
        d.meta->generation++;
        succeed(answer, 200, fake_store(f, old->kind, d.body, &d.arena));
    }
}

static void delete_(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct object *old = target(f, c, answer);
    if (old)
        delete_one(f, c, old, answer);
}

/* -- reading -- */

static void list(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    struct informer_snapshot s;
    mirror_snapshot(fake_state(f, c->kind), &s);
    answer->items = arena_new_n(&answer->arena, cow_count(&s.tree) + 1, struct object *);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        if (fake_selects(c->kind->hub, item->value, c->ns, c->label_selector, c->field_selector))
            answer->items[answer->n_items++] = object_ref(item->value);
    answer->http_code = 200;
    answer->resource_version = arena_printf(&answer->arena, "%llu", (unsigned long long)f->revision);
    informer_snapshot_fini(&s);
}

static void delete_collection(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    _cleanup_client_answer struct client_answer all = CLIENT_ANSWER_INIT;
    list(f, c, &all);
    for (uint32_t i = 0; i < all.n_items; i++) {
        _cleanup_client_answer struct client_answer one = CLIENT_ANSWER_INIT;
        delete_one(f, c, all.items[i], &one);
    }
    answer->http_code = 200;
}

static void get(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct object *o = fake_find(f, c->kind, c->ns, c->name);
    if (o)
        succeed(answer, 200, object_ref(o));
    else
        fail(answer, status_not_found(&answer->arena, about(c)));
}

/* -- subresources of pods -- */

static void bind(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    const struct core_binding *b = c->body;
    const struct object *old = target(f, c, answer);
    if (!old)
        return;
    struct draft d;
    draft_of(&d, old->kind, old->body);
    struct core_pod *p = d.body;
    if (p->spec.node_name.n || old->meta->deletion_timestamp.set) {
        fail(answer,
             status_conflict(&answer->arena, about(c), S("pod is already assigned or being deleted")));
        arena_fini(&d.arena);
        return;
    }
    p->spec.node_name = arena_str(&d.arena, b->target.name);
    struct core_pod_condition *v =
        arena_new_n(&d.arena, p->status.conditions.n + 1, struct core_pod_condition);
    if (p->status.conditions.n)
        memcpy(v, p->status.conditions.v, p->status.conditions.n * sizeof *v);
    uint32_t n = 0, at;
    for (at = 0; at < p->status.conditions.n; at++)
        if (!str_eq(v[at].type, S("PodScheduled")))
            v[n++] = v[at];
    v[n] = (struct core_pod_condition){.type = S("PodScheduled"), .status = S("True")};
    stamp(f, &v[n].last_transition_time);
    p->status.conditions.v = v;
    p->status.conditions.n = n + 1;
    object_unref(fake_store(f, old->kind, d.body, &d.arena));
    answer->http_code = 201;
}

static void on_subresource(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    if (str_eq(c->subresource, S("binding")) && c->verb == CLIENT_CREATE)
        bind(f, c, answer);
    else if (str_eq(c->subresource, S("eviction")) && c->verb == CLIENT_CREATE)
        delete_(f, c, answer);
    else if (str_eq(c->subresource, S("finalize")) && c->kind == KIND(CORE_NAMESPACE))
        finalize(f, c, answer);
    else
        fail(answer, status_not_found(&answer->arena, about(c)));
}

void fake_run(struct fake *f, const struct client_call *c, struct client_answer *answer) {
    if (c->subresource.n && !str_eq(c->subresource, S("status"))) {
        on_subresource(f, c, answer);
        return;
    }
    switch (c->verb) {
    case CLIENT_GET: get(f, c, answer); break;
    case CLIENT_LIST: list(f, c, answer); break;
    case CLIENT_CREATE: create(f, c, c->body, answer); break;
    case CLIENT_UPDATE: update(f, c, answer); break;
    case CLIENT_PATCH: patch(f, c, answer); break;
    case CLIENT_DELETE: delete_(f, c, answer); break;
    case CLIENT_DELETE_COLLECTION: delete_collection(f, c, answer); break;
    }
}
