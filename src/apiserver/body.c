/* Request bodies. See body.h. */
#include "apiserver/body.h"

#include "api/convert.h"
#include "api/default.h"
#include "api/json.h"
#include "api/proto.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/yaml.h"

#define SHOWN_BYTES 30 /* of a body that nobody can make sense of */

struct body_type body_type_of(const struct kind *k, const struct kind_subresource *sub) {
    if (!sub || !sub->type || sub->type == k->type)
        return (struct body_type){.api_version = k->api_version, .kind = k->name, .type = k->type};
    const struct kind *body = kind_find(sub->kind_group, sub->kind_version, sub->kind);
    return (struct body_type){
        .api_version = body ? body->api_version : sub->kind_version, .kind = sub->kind, .type = sub->type};
}

bool body_wants_strict(const struct call *c) {
    return !str_eq(c->options.field_validation, S("Ignore"));
}

int body_complaints(struct call *c, const struct strict_errors *strict, struct str *ret_text) {
    if (!strict->n || !body_wants_strict(c))
        return 0;
    if (str_eq(c->options.field_validation, S("Strict"))) {
        struct str all = arena_join(c->arena, strict->v, strict->n, S(", "));
        *ret_text = arena_printf(c->arena, "strict decoding error: %.*s", STR_ARG(all));
        return ERR_INVALID;
    }
    for (size_t i = 0; i < strict->n; i++)
        call_warn(c, "%.*s", STR_ARG(strict->v[i]));
    return 0;
}

/* The body cannot be read as what it is to be. said_*: what it says it is. */
static struct status *cannot_be_read(struct call *c, const struct body_type *want, struct str said_version,
                                     struct str said_kind, const char *why) {
    struct str group = S(""), version = said_version;
    if (said_version.n)
        (void)api_version_split(said_version, &group, &version);
    else
        (void)api_version_split(want->api_version, &group, &version);
    if (c->media == MEDIA_JSON && !said_kind.n && !said_version.n)
        return status_bad_request(c->arena,
                                  "the object provided is unrecognized (must be of type %.*s): %s (%.*s)",
                                  STR_ARG(want->kind), why, STR_ARG(str_cut(c->body, SHOWN_BYTES)));
    if (!said_kind.n)
        said_kind = want->kind;
    return status_bad_request(c->arena, "%.*s in version \"%.*s\" cannot be handled as a %.*s: %s",
                              STR_ARG(said_kind), STR_ARG(version), STR_ARG(want->kind), why);
}

static const char *no_such_kind(struct call *c, struct str api_version, struct str kind) {
    return arena_printf(c->arena, "no kind \"%.*s\" is registered for version \"%.*s\"", STR_ARG(kind),
                        STR_ARG(api_version))
        .p;
}

/* Whether the body is what it should be by its own words; both may be left out. */
static int check_type(struct call *c, const struct body_type *want, struct str said_version,
                      struct str said_kind, struct status **ret_status) {
    bool version_fits = !said_version.n || want->any_version || str_eq(said_version, want->api_version);
    bool kind_fits = !said_kind.n || str_eq(said_kind, want->kind);
    if (version_fits && kind_fits)
        return 0;
    struct str group, version, kind = said_kind.n ? said_kind : want->kind;
    struct str in = said_version.n ? said_version : want->api_version;
    const struct kind *known =
        api_version_split(in, &group, &version) ? kind_find(group, version, kind) : NULL;
    if (!known)
        *ret_status = cannot_be_read(c, want, in, kind, no_such_kind(c, in, kind));
    else if (!version_fits)
        *ret_status = status_bad_request(
            c->arena, "the API version in the data (%.*s) does not match the expected API version (%.*s)",
            STR_ARG(said_version), STR_ARG(want->api_version));
    else
        *ret_status = cannot_be_read(c, want, in, kind, "it is of another kind");
    return ERR_INVALID;
}

static int read_json(struct call *c, const struct body_type *want, struct str text,
                     struct strict_errors *strict, void **ret_object, struct status **ret_status) {
    struct err err = ERR_INIT, peek_err = ERR_INIT;
    struct json_read_options options = {.borrow = true, .strict = body_wants_strict(c) ? strict : NULL};
    void *object;
    int code = api_read_json(c->arena, &builtin, want->type, text, &options, &object, &err);
    const struct meta_type_meta *t = object;
    struct str version = STR_NONE, kind = STR_NONE;
    if (code == 0) {
        version = t->api_version;
        kind = t->kind;
    } else {
        (void)api_peek_json(text, &version, &kind, &peek_err);
    }
    int fits = check_type(c, want, version, kind, ret_status);
    if (fits < 0)
        return fits;
    if (code == ERR_TOO_LARGE)
        *ret_status = status_too_large(c->arena, str_from(err.msg));
    else if (code < 0)
        *ret_status = cannot_be_read(c, want, version, kind, err.msg);
    else
        *ret_object = object;
    return code;
}

static int read_yaml(struct call *c, const struct body_type *want, struct strict_errors *strict,
                     void **ret_object, struct status **ret_status) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    int code = yaml_to_json(&text, c->body, NULL, body_wants_strict(c) ? strict : NULL, &err);
    if (code < 0) {
        *ret_status = code == ERR_TOO_LARGE ? status_too_large(c->arena, str_from(err.msg))
                                            : cannot_be_read(c, want, STR_NONE, STR_NONE, err.msg);
        return code;
    }
    return read_json(c, want, buf_to_arena(&text, c->arena), strict, ret_object, ret_status);
}

static int read_proto(struct call *c, const struct body_type *want, void **ret_object,
                      struct status **ret_status) {
    struct err err = ERR_INIT;
    struct proto_envelope e;
    int code = proto_envelope_read(c->body, &e, &err);
    if (code == 0 &&
        (e.content_encoding.n || (e.content_type.n && !str_eq(e.content_type, media_text(MEDIA_PROTO)))))
        code = err_set(&err, ERR_INVALID, "the protobuf envelope holds something other than plain protobuf");
    if (code < 0) {
        *ret_status = cannot_be_read(c, want, STR_NONE, STR_NONE, err.msg);
        return code;
    }
    code = check_type(c, want, e.api_version, e.kind, ret_status);
    if (code < 0)
        return code;
    code = api_read_proto(c->arena, &builtin, want->type, e.raw, true, ret_object, &err);
    if (code < 0)
        *ret_status = cannot_be_read(c, want, e.api_version, e.kind, err.msg);
    return code;
}

static int read_packed(struct call *c, const struct body_type *want, void **ret_object,
                       struct status **ret_status) {
    struct err err = ERR_INIT;
    uint16_t type = c->packed_type ? c->packed_type : want->type;
    void *copy = api_copy(c->arena, &builtin, type, c->packed);
    int code = 0;
    if (type != want->type)
        code = api_convert(c->arena, &builtin, type, copy, want->type, &copy, &err);
    if (code < 0)
        *ret_status = cannot_be_read(c, want, STR_NONE, STR_NONE, err.msg);
    else
        *ret_object = copy;
    return code;
}

static int read_any(struct call *c, const struct body_type *want, struct strict_errors *strict,
                    void **ret_object, struct status **ret_status) {
    static const struct str accepted[] = {STR_INIT("application/json"), STR_INIT("application/yaml"),
                                          STR_INIT("application/vnd.kubernetes.protobuf")};
    if (c->packed)
        return read_packed(c, want, ret_object, ret_status);
    switch (c->media) {
    case MEDIA_JSON: return read_json(c, want, c->body, strict, ret_object, ret_status);
    case MEDIA_YAML: return read_yaml(c, want, strict, ret_object, ret_status);
    case MEDIA_PROTO: return read_proto(c, want, ret_object, ret_status);
    default: break;
    }
    *ret_status = status_unsupported_media_type(c->arena, accepted, sizeof accepted / sizeof *accepted);
    return ERR_UNSUPPORTED;
}

int body_decode(struct call *c, const struct body_type *want, void **ret_object, struct status **ret_status) {
    struct strict_errors strict = {.arena = c->arena};
    struct str text;
    int code = read_any(c, want, &strict, ret_object, ret_status);
    if (code < 0)
        return code;
    code = body_complaints(c, &strict, &text);
    if (code < 0) {
        const struct meta_type_meta *t = *ret_object;
        struct str version = t->api_version.n ? t->api_version : want->api_version;
        *ret_status = cannot_be_read(c, want, version, want->kind, text.p);
        return code;
    }
    return 0;
}

int body_read(struct call *c, const struct body_type *want, void **ret_object, struct status **ret_status) {
    int code = body_decode(c, want, ret_object, ret_status);
    if (code == 0)
        api_default(c->arena, &builtin, want->type, *ret_object, c->server->clock);
    return code;
}
