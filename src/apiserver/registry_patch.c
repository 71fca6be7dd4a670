/* PATCH: JSON patch, merge patch and strategic merge patch; apply is in registry_apply.c.
 *
 * A patch works on the JSON of the object in the request's version, as clients see it. CONFORMS: upstream's
 * patch handler: content types, limits, which failure is 400 and which 422.
 */
#include "apiserver/registry_priv.h"

#include "api/convert.h"
#include "api/default.h"
#include "api/field_error.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/strategic.h"
#include "api/validate.h"
#include "apiserver/body.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

struct patch {
    enum media_type media;
    struct jval document;
    struct json_patch operations;
    struct strict_errors strict; /* of the document */
};

/* -- reading -- */

static int refuse_unread(struct write *w, int code, const struct err *err) {
    struct arena *a = w->call->arena;
    struct str message = str_from(err->msg);
    return write_refuse(w, code == ERR_TOO_LARGE
                               ? status_too_large(a, message)
                               : status_bad_request(a, "error decoding patch: %s", err->msg));
}

static int read_patch(struct write *w, struct patch *p) {
    struct call *c = w->call;
    struct err err = ERR_INIT;
    p->media = c->media;
    p->strict = (struct strict_errors){.arena = c->arena};
    int code =
        json_parse(c->arena, c->body, NULL, body_wants_strict(c) ? &p->strict : NULL, &p->document, &err);
    if (code == 0 && c->media == MEDIA_PATCH_JSON)
        code = json_patch_read(c->arena, &p->document, &p->operations, &err);
    else if (code == 0 && p->document.kind != J_OBJECT)
        code = err_set(&err, ERR_INVALID, "the patch must be a JSON object");
    return code < 0 ? refuse_unread(w, code, &err) : 0;
}

/* -- applying -- */

static int refuse_unapplied(struct write *w, enum media_type media, int code, const struct err *err) {
    struct arena *a = w->call->arena;
    if (code == ERR_TOO_LARGE)
        return write_refuse(w, status_too_large(a, str_from(err->msg)));
    if (media != MEDIA_PATCH_JSON)
        return write_refuse(w, status_bad_request(a, "%s", err->msg));
    struct field_errors none = FIELD_ERRORS_INIT(a);
    struct status *st = status_invalid(a, (struct status_target){.group = S("")}, &none);
    st->body.message =
        arena_printf(a, "the server rejected our request due to an error in our request: %s", err->msg);
    return write_refuse(w, st);
}

static int apply_patch(struct write *w, const struct patch *p, const struct jval *from, struct jval *ret) {
    struct arena *a = w->call->arena;
    struct err err = ERR_INIT;
    int code;
    if (p->media == MEDIA_PATCH_JSON)
        code = json_patch_apply(a, &p->operations, from, ret, &err);
    else if (p->media == MEDIA_PATCH_MERGE)
        code = merge_patch_apply(a, from, &p->document, ret, &err);
    else
        code = strategic_apply(a, pos_type(&builtin, w->body.type), from, &p->document, ret, &err);
    return code < 0 ? refuse_unapplied(w, p->media, code, &err) : 0;
}

/* 422 with the patched object as the bad value. */
static int refuse_result(struct write *w, const struct jval *tree, const char *why) {
    struct arena *a = w->call->arena;
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, tree);
    struct field_errors errors = FIELD_ERRORS_INIT(a);
    field_invalid(&errors, at_field(NULL, "patch"), bad(buf_view(&text)), "%s", why);
    return write_refuse(w, status_invalid(a, (struct status_target){.group = S("")}, &errors));
}

int patch_to_object(struct write *w, const struct jval *tree, const struct strict_errors *before,
                    void **ret_object) {
    struct call *c = w->call;
    struct err err = ERR_INIT;
    struct str text;
    struct strict_errors strict = {.arena = c->arena};
    bool wanted = body_wants_strict(c);
    if (api_from_tree(c->arena, &builtin, w->body.type, tree, wanted ? &strict : NULL, ret_object, &err) < 0)
        return refuse_result(w, tree, err.msg);
    if (before && before->n && body_complaints(c, before, &text) < 0)
        return refuse_result(w, tree, text.p);
    if (body_complaints(c, &strict, &text) < 0)
        return refuse_result(w, tree, text.p);
    const struct meta_type_meta *t = *ret_object;
    if (!str_eq(t->kind, w->body.kind) || !str_eq(t->api_version, w->body.api_version))
        return write_refuse(w, status_bad_request(c->arena,
                                                  "a patch cannot make a %.*s of %.*s into a %.*s of %.*s",
                                                  STR_ARG(w->body.kind), STR_ARG(w->body.api_version),
                                                  STR_ARG(t->kind), STR_ARG(t->api_version)));
    api_default(c->arena, &builtin, w->body.type, *ret_object, c->server->clock);
    return 0;
}

int patch_object(struct write *w, const struct patch *p, const void *old, void **ret_object) {
    struct jval patched, before = api_to_tree(w->call->arena, &builtin, w->body.type, old);
    if (apply_patch(w, p, &before, &patched) < 0)
        return ERR_INVALID;
    return patch_to_object(w, &patched, &p->strict, ret_object);
}

static int make(struct write *w) {
    void *asked;
    const void *old = write_old_asked(w);
    if (!old || patch_object(w, w->make_arg, old, &asked) < 0)
        return ERR_INVALID;
    struct meta_object_meta *sent = object_meta_in(w->asked, asked);
    if (meta_check_name(w, sent) < 0 || meta_check_namespace(w, sent) < 0)
        return ERR_INVALID;
    return write_to_hub(w, asked, &w->object);
}

/* -- options -- */

static int check_options(struct write *w) {
    struct call *c = w->call;
    bool apply = c->media == MEDIA_PATCH_APPLY;
    struct meta_patch_options o = {.force = c->options.force, .field_manager = c->options.field_manager};
    struct field_errors errors = FIELD_ERRORS_INIT(c->arena);
    validate_patch_options(&o, apply, &errors);
    if (field_errors_count(&errors) == 0)
        return 0;
    struct status_target t = {.group = S("meta.k8s.io"), .kind = S("PatchOptions")};
    return write_refuse(w, status_invalid(c->arena, t, &errors));
}

static bool is_patch(enum media_type m) {
    return m == MEDIA_PATCH_JSON || m == MEDIA_PATCH_MERGE || m == MEDIA_PATCH_STRATEGIC ||
           m == MEDIA_PATCH_APPLY;
}

int patch_read(struct write *w, struct patch **ret_patch) {
    static const struct str accepted[] = {
        STR_INIT("application/json-patch+json"), STR_INIT("application/merge-patch+json"),
        STR_INIT("application/strategic-merge-patch+json"), STR_INIT("application/apply-patch+yaml")};
    struct call *c = w->call;
    struct patch *p = arena_new(c->arena, struct patch);
    w->is_patch = true;
    if (!is_patch(c->media))
        return write_refuse(
            w, status_unsupported_media_type(c->arena, accepted, sizeof accepted / sizeof *accepted));
    if (check_options(w) < 0 || (c->media != MEDIA_PATCH_APPLY && read_patch(w, p) < 0))
        return ERR_INVALID;
    *ret_patch = p;
    return 0;
}

void registry_patch(struct call *c) {
    struct write *w = write_new(c);
    struct patch *p;
    if (patch_read(w, &p) < 0) {
        write_fail(w, w->failure);
        return;
    }
    bool apply = c->media == MEDIA_PATCH_APPLY;
    w->make = apply ? apply_make : make;
    w->make_arg = p;
    w->may_create = apply && !w->subresource.n;
    write_start(w);
}
