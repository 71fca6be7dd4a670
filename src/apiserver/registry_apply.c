/* Server-side apply. See api/managed.h. */
#include "apiserver/registry_priv.h"

#include "api/json.h"
#include "api/managed.h"
#include "apiserver/body.h"
#include "base/arena.h"
#include "base/err.h"
#include "codec/yaml.h"

static int read_config(struct write *w, struct jval *ret) {
    struct call *c = w->call;
    struct err err = ERR_INIT;
    struct str text;
    struct strict_errors strict = {.arena = c->arena};
    int code = yaml_parse(c->arena, c->body, NULL, body_wants_strict(c) ? &strict : NULL, ret, &err);
    if (code == ERR_TOO_LARGE)
        return write_refuse(w, status_too_large(c->arena, str_from(err.msg)));
    if (code < 0 || ret->kind != J_OBJECT)
        return write_refuse(w,
                            status_bad_request(c->arena, "error decoding YAML: %s",
                                               code < 0 ? err.msg : "the configuration must be an object"));
    if (body_complaints(c, &strict, &text) < 0)
        return write_refuse(w,
                            status_bad_request(c->arena, "error strict decoding YAML: %.*s", STR_ARG(text)));
    return 0;
}

/* The URL's name and namespace where the configuration leaves them out; others are refused later. */
static int check_config(struct write *w, struct jval *config) {
    struct arena *a = w->call->arena;
    struct str version = jval_get_str(config, S("apiVersion")), kind = jval_get_str(config, S("kind"));
    if (!str_eq(version, w->body.api_version))
        return write_refuse(w,
                            status_bad_request(a,
                                               "Incorrect version specified in apply patch. Specified patch "
                                               "version: %.*s, expected: %.*s",
                                               STR_ARG(version), STR_ARG(w->body.api_version)));
    if (!str_eq(kind, w->body.kind))
        return write_refuse(w, status_bad_request(a,
                                                  "the kind in the applied configuration (%.*s) is not the "
                                                  "resource's (%.*s)",
                                                  STR_ARG(kind), STR_ARG(w->body.kind)));
    const struct jval *meta = jval_get(config, S("metadata"));
    struct jval changed = meta ? *meta : jval_object(NULL, 0);
    if (changed.kind != J_OBJECT)
        return write_refuse(w,
                            status_bad_request(a, "metadata of the applied configuration must be an object"));
    if (!jval_get_str(&changed, S("name")).n)
        changed = jval_with(a, &changed, S("name"), jval_str(w->name));
    if (w->ns.n && !jval_get_str(&changed, S("namespace")).n)
        changed = jval_with(a, &changed, S("namespace"), jval_str(w->ns));
    *config = jval_with(a, config, S("metadata"), changed);
    return 0;
}

static int refuse_apply(struct write *w, int code, const struct managed_result *r, const struct err *err) {
    struct arena *a = w->call->arena;
    if (code == ERR_CONFLICT)
        return write_refuse(w, managed_conflict_status(a, r->conflicts, r->n_conflicts));
    if (code == ERR_TOO_LARGE)
        return write_refuse(w, status_too_large(a, str_from(err->msg)));
    if (code != ERR_INVALID)
        return write_refuse(w, status_internal_error(a, str_from(err->msg)));
    struct str problem = r->problem.n ? r->problem : str_from(err->msg);
    return write_refuse(
        w, status_bad_request(a, "failed to create typed patch object (%.*s/%.*s; %.*s, Kind=%.*s): %.*s",
                              STR_ARG(w->ns), STR_ARG(w->name), STR_ARG(w->body.api_version),
                              STR_ARG(w->body.kind), STR_ARG(problem)));
}

static int merge(struct write *w, const void *old, const struct jval *config, struct managed_result *ret) {
    struct err err = ERR_INIT;
    struct managed_request req;
    managed_prepare_request(w, &req);
    if (old)
        req.before = ref_packed(&builtin, w->body.type, old);
    req.config = ref_tree_at(pos_type(&builtin, w->body.type), config);
    req.force = w->call->options.force.set && w->call->options.force.v;
    *ret = (struct managed_result){0};
    int code = managed_apply(w->call->arena, &req, ret, &err);
    return code < 0 ? refuse_apply(w, code, ret, &err) : 0;
}

int apply_object(struct write *w, const void *old, void **ret_object) {
    struct arena *a = w->call->arena;
    struct jval *config = arena_new(a, struct jval);
    struct managed_result merged;
    if (read_config(w, config) < 0 || check_config(w, config) < 0 || merge(w, old, config, &merged) < 0)
        return ERR_INVALID;
    struct jval tree = jval_with(a, &merged.object, S("kind"), jval_str(w->body.kind));
    tree = jval_with(a, &tree, S("apiVersion"), jval_str(w->body.api_version));
    if (patch_to_object(w, &tree, NULL, ret_object) < 0)
        return ERR_INVALID;
    const struct ty_field *f = ty_find(&builtin, w->body.type, S("metadata"));
    struct meta_object_meta *m = (void *)((char *)*ret_object + f->offset);
    m->managed_fields = merged.entries;
    return 0;
}

int apply_make(struct write *w) {
    void *asked;
    const void *old = w->old ? write_old_asked(w) : NULL;
    if ((w->old && !old) || apply_object(w, old, &asked) < 0)
        return ERR_INVALID;
    struct meta_object_meta *sent = object_meta_in(w->asked, asked);
    if (meta_check_name(w, sent) < 0 || meta_check_namespace(w, sent) < 0)
        return ERR_INVALID;
    if (!w->old)
        meta_clear_status(w->asked, asked);
    w->managed_done = true;
    return write_to_hub(w, asked, &w->object);
}
