/* Who set which field: the registry's use of managed.h. */
#include "apiserver/registry_priv.h"

#include "api/convert.h"
#include "api/json.h"
#include "api/managed.h"
#include "base/arena.h"
#include "base/err.h"

/* Another version of a built-in kind. */
static int convert(void *ctx, struct arena *a, struct ref object, struct str api_version,
                   struct ref *ret_object, struct err *err) {
    const struct write *w = ctx;
    struct str group, version;
    const struct kind *to = NULL;
    if (api_version_split(api_version, &group, &version))
        to = kind_find(group, version, w->kind->name);
    if (!to || to->hub != w->kind)
        return err_set(err, ERR_NOT_FOUND, "no version %.*s of %.*s", STR_ARG(api_version),
                       STR_ARG(w->kind->name));
    const void *packed = object.p;
    void *made;
    int code = 0;
    if (object.rep == REP_TREE) {
        code = api_from_tree(a, &builtin, object.pos.type, object.p, NULL, &made, err);
        packed = made;
    }
    if (code == 0)
        code = api_convert(a, &builtin, object.pos.type, packed, to->type, &made, err);
    if (code == 0)
        *ret_object = ref_packed(&builtin, to->type, made);
    return code;
}

static bool has_status(const struct kind *k) {
    for (unsigned i = 0; i < k->n_subresources; i++)
        if (str_eq(k->subresources[i].name, S("status")))
            return true;
    return false;
}

/* Fields that a write to this (sub)resource does not set. NULL: none. */
static const struct fieldset *not_set(struct write *w) {
    struct arena *a = w->call->arena;
    bool status = str_eq(w->subresource, S("status"));
    if (!status && (w->subresource.n || !has_status(w->kind)))
        return NULL;
    struct fieldset *set = arena_new(a, struct fieldset);
    if (!status) {
        fieldset_insert_names(a, set, "status");
        return set;
    }
    const struct ty_set *types = w->asked->set;
    const struct ty_field *f = ty_fields(types, w->asked->type), *end = f + types->types[w->asked->type].n;
    for (; f < end; f++) {
        struct str name = ty_field_name(types, f);
        struct path_el el = path_field(name);
        if (!(f->flags & FIELD_INLINE) && !str_eq(name, S("metadata")) && !str_eq(name, S("status")))
            fieldset_insert(a, set, &el, 1);
    }
    return set;
}

void managed_prepare_request(struct write *w, struct managed_request *ret_request) {
    struct call *c = w->call;
    const struct fieldset *except = not_set(w);
    struct managed_filter *filter = NULL;
    if (except) {
        filter = arena_new(c->arena, struct managed_filter);
        *filter = (struct managed_filter){.api_version = w->asked->api_version, .except = except};
    }
    *ret_request = (struct managed_request){
        .manager = managed_name(c->arena, c->options.field_manager, c->user_agent),
        .api_version = w->body.api_version,
        .subresource = w->subresource,
        .now = w->now,
        .filters = filter,
        .n_filters = filter != NULL,
        .convert = convert,
        .convert_ctx = w,
    };
}

/* An object of the hub's as the request's version sees it. */
static int as_asked(struct write *w, const void *hub, struct ref *ret_ref, struct err *err) {
    void *asked = (void *)hub;
    int code = 0;
    if (w->asked != w->kind)
        code = api_convert(w->call->arena, &builtin, w->kind->type, hub, w->asked->type, &asked, err);
    if (code == 0)
        *ret_ref = ref_packed(&builtin, w->asked->type, asked);
    return code;
}

void managed_track(struct write *w) {
    struct err err = ERR_INIT;
    struct managed_request req;
    struct managed_result result;
    managed_prepare_request(w, &req);
    int code = as_asked(w, w->object, &req.after, &err);
    if (code == 0 && w->old)
        code = as_asked(w, w->old->body, &req.before, &err);
    if (code == 0)
        code = managed_update(w->call->arena, &req, &result, &err);
    /* CONFORMS: what cannot be tracked is stored all the same. */
    w->meta->managed_fields = code == 0 ? result.entries : (struct meta_managed_fields_entry_array){0};
}
