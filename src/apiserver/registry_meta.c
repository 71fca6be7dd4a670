/* Metadata that the server fills in or keeps. CONFORMS: strategy.tsv, the rows of all kinds. */
#include "apiserver/registry_priv.h"

#include "api/managed.h"
#include "api/meta.h"
#include "api/name_generate.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/err.h"

static bool has_subresource(const struct kind *k, struct str name) {
    for (unsigned i = 0; i < k->n_subresources; i++)
        if (str_eq(k->subresources[i].name, name))
            return true;
    return false;
}

/* The status inside an object of a kind that has the status subresource, and its size; NULL otherwise. */
static void *status_in(const struct kind *hub, const void *object, size_t *ret_size) {
    const struct ty_field *f = ty_find(hub->set, hub->type, S("status"));
    if (!f || f->leaf != LEAF_MESSAGE || !has_subresource(hub, S("status")))
        return NULL;
    *ret_size = f->shape == SHAPE_OPT ? sizeof(void *) : hub->set->types[f->type].size;
    return (char *)object + f->offset;
}

void meta_prepare_create(struct write *w) {
    struct call *c = w->call;
    struct meta_object_meta *m = w->meta;
    w->sent_name = m->name.n > 0;
    if (!w->sent_name && m->generate_name.n)
        m->name = name_generate(c->arena, c->server->rand, m->generate_name);
    m->namespace = w->ns.n ? w->ns : STR_NONE;
    m->uid = uid_generate(c->arena, c->server->rand);
    m->creation_timestamp = w->now;
    m->deletion_timestamp = (struct timestamp){0};
    m->deletion_grace_period_seconds = (struct opt_i64){0};
    m->self_link = STR_NONE;
    m->generation = 0;
}

void meta_clear_status(const struct kind *k, void *object) {
    size_t size;
    void *status = k->hub->index == KIND_CORE_NODE ? NULL : status_in(k, object, &size);
    if (status)
        memset(status, 0, size);
}

void meta_prepare_update(struct write *w) {
    struct meta_object_meta *m = w->meta;
    const struct meta_object_meta *old = w->old->meta;
    m->name = old->name;
    m->namespace = old->namespace;
    m->generate_name = m->generate_name.n ? m->generate_name : old->generate_name;
    m->uid = m->uid.n ? m->uid : old->uid;
    m->creation_timestamp = old->creation_timestamp;
    m->generation = old->generation;
    m->self_link = STR_NONE;
    if (old->deletion_timestamp.set) {
        m->deletion_timestamp = old->deletion_timestamp;
        m->deletion_grace_period_seconds = old->deletion_grace_period_seconds;
    } else {
        m->deletion_timestamp = (struct timestamp){0};
        m->deletion_grace_period_seconds = (struct opt_i64){0};
    }
    size_t size;
    void *status = w->subresource.n ? NULL : status_in(w->kind, w->object, &size);
    if (status)
        memcpy(status, status_in(w->kind, w->old->body, &size), size);
}

bool meta_is_removed(struct write *w) {
    const struct meta_object_meta *old = w->old->meta;
    if (w->meta->finalizers.n || !old->deletion_timestamp.set)
        return false;
    if (old->deletion_grace_period_seconds.set && old->deletion_grace_period_seconds.v != 0)
        return false;
    return !(w->strategy && w->strategy->outlives_delete && w->strategy->outlives_delete(w->call, w->object));
}

int meta_check_namespace(struct write *w, struct meta_object_meta *sent) {
    if (!w->ns.n) {
        sent->namespace = STR_NONE; /* cluster scope */
        return 0;
    }
    if (namespace_fits_request(sent, w->ns))
        return 0;
    return write_refuse(w, status_bad_request(w->call->arena,
                                              "the namespace of the provided object does not match "
                                              "the namespace sent on the request"));
}

int meta_check_name(struct write *w, const struct meta_object_meta *sent) {
    struct arena *a = w->call->arena;
    if (!sent->name.n)
        return write_refuse(w, status_bad_request(a,
                                                  "the name of the object (%.*s based on URL) was "
                                                  "undeterminable: name must be provided",
                                                  STR_ARG(w->name)));
    if (!str_eq(sent->name, w->name))
        return write_refuse(
            w,
            status_bad_request(a, "the name of the object (%.*s) does not match the name on the URL (%.*s)",
                               STR_ARG(sent->name), STR_ARG(w->name)));
    if (w->ns.n && sent->namespace.n && !str_eq(sent->namespace, w->ns))
        return write_refuse(w, status_bad_request(a,
                                                  "the namespace of the object (%.*s) does not match the "
                                                  "namespace on the request (%.*s)",
                                                  STR_ARG(sent->namespace), STR_ARG(w->ns)));
    return 0;
}

/* CONFORMS: upstream answers with 500 and no reason. */
static int refuse_rv_of_new(struct write *w) {
    struct status *st = status_internal_error(w->call->arena, S(""));
    st->body.message = S("resourceVersion should not be set on objects to be created");
    st->body.reason = STR_NONE;
    st->body.details = NULL;
    return write_refuse(w, st);
}

static struct status *uid_conflict(struct write *w, struct str there) {
    struct arena *a = w->call->arena;
    struct str why =
        arena_printf(a, "Precondition failed: UID in precondition: %.*s, UID in object meta: %.*s",
                     STR_ARG(w->sent_uid), STR_ARG(there));
    return status_conflict(a, write_target(w), why);
}

/* CONFORMS: the error names the resource where others name the kind. */
static int refuse_missing_rv(struct write *w) {
    struct field_errors errors = FIELD_ERRORS_INIT(w->call->arena);
    struct status_target t = write_target(w);
    t.kind = t.resource;
    field_invalid(&errors, at_field(NULL, "metadata.resourceVersion"), bad(0),
                  "must be specified for an update");
    return write_refuse(w, status_invalid(w->call->arena, t, &errors));
}

static int check_new(struct write *w, uint64_t rv) {
    if (!w->create && w->sent_uid.n)
        return write_refuse(w, uid_conflict(w, S("")));
    return rv && w->create ? refuse_rv_of_new(w) : 0; /* CONFORMS: PUT creates whatever version it says */
}

int meta_check_preconditions(struct write *w) {
    uint64_t rv = 0;
    struct err err = ERR_INIT;
    if (w->sent_rv.n && rv_parse(w->sent_rv, &rv, &err) < 0)
        return write_refuse(w, status_bad_request(w->call->arena, "%s", err.msg));
    if (!rv)
        w->sent_rv = STR_NONE;
    if (!w->old)
        return check_new(w, rv);
    if (w->sent_uid.n && !w->is_patch && !str_eq(w->sent_uid, w->old->meta->uid))
        return write_refuse(w, uid_conflict(w, w->old->meta->uid));
    if (!rv && !w->kind->update_without_version && !w->is_patch && w->track)
        return refuse_missing_rv(w);
    if (w->is_patch && rv == w->old->rv)
        w->sent_rv = STR_NONE; /* the patch says nothing of it, or what is true now */
    if (rv && rv != w->old->rv)
        return write_refuse(w, status_modified(w->call->arena, write_target(w)));
    return 0;
}

int meta_check_manager(struct write *w, const char *options_kind) {
    struct field_errors errors = FIELD_ERRORS_INIT(w->call->arena);
    managed_check_name(&errors, at_field(NULL, "fieldManager"), w->call->options.field_manager);
    if (field_errors_count(&errors) == 0)
        return 0;
    struct status_target t = {.group = S("meta.k8s.io"), .kind = str_from(options_kind)};
    return write_refuse(w, status_invalid(w->call->arena, t, &errors));
}

void meta_drop_equal_owners(struct write *w) {
    struct meta_owner_reference_array *o = &w->meta->owner_references;
    for (uint32_t i = 1; i < o->n; i++) {
        uint32_t k = 0;
        while (k < i &&
               !(str_eq(o->v[k].uid, o->v[i].uid) && str_eq(o->v[k].name, o->v[i].name) &&
                 str_eq(o->v[k].kind, o->v[i].kind) && str_eq(o->v[k].api_version, o->v[i].api_version)))
            k++;
        if (k == i)
            continue;
        call_warn(w->call,
                  "metadata.ownerReferences: the owner with uid %.*s is there twice; it was kept once",
                  STR_ARG(o->v[i].uid));
        struct meta_owner_reference *v = arena_new_n(w->call->arena, o->n, struct meta_owner_reference);
        memcpy(v, o->v, o->n * sizeof *v);
        memmove(&v[i], &v[i + 1], (o->n - i - 1) * sizeof *v);
        o->v = v;
        o->n--;
        i--;
    }
}
