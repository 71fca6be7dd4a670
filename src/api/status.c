/* Status objects, one constructor per reason. See status.h. */
#include "api/status.h"

#include <stdarg.h>

#include "api/field_error.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define MODIFIED "the object has been modified; please apply your changes to the latest version and try again"

static struct status *make(struct arena *a, int32_t code, struct str reason, struct str message) {
    struct status *st = arena_new(a, struct status);
    st->body.type_meta = (struct meta_type_meta){.kind = S("Status"), .api_version = S("v1")};
    st->body.status = S("Failure");
    st->body.message = message;
    st->body.reason = reason;
    st->body.code = code;
    return st;
}

struct meta_status_details *status_details(struct status *st) {
    st->body.details = &st->details;
    return &st->details;
}

/* Details of a status that is about a resource. */
static struct status *about_resource(struct arena *a, struct status *st, struct status_target about) {
    struct meta_status_details *details = status_details(st);
    details->name = arena_str(a, about.name);
    details->group = arena_str(a, about.group);
    details->kind = arena_str(a, about.resource);
    return st;
}

/* "deployments.apps"; "pods" in the core group. */
static struct str qualified(struct arena *a, struct str what, struct str group) {
    return str_empty(group) ? arena_str(a, what)
                            : arena_printf(a, "%.*s.%.*s", STR_ARG(what), STR_ARG(group));
}

static struct str quoted(struct arena *a, struct str s) {
    _cleanup_buf struct buf b = BUF_INIT;
    field_quote(&b, s);
    return buf_to_arena(&b, a);
}

/* `pods "x"<rest>` */
static struct str named(struct arena *a, struct status_target about, const char *rest) {
    struct str what = qualified(a, about.resource, about.group);
    return arena_printf(a, "%.*s %.*s%s", STR_ARG(what), STR_ARG(quoted(a, about.name)), rest);
}

struct status *status_success(struct arena *a, struct status_target about, struct str uid) {
    struct status *st = about_resource(a, make(a, 200, STR_NONE, STR_NONE), about);
    st->body.status = S("Success");
    st->body.code = 0; /* left out of the body, as upstream does */
    status_details(st)->uid = arena_str(a, uid);
    return st;
}

struct status *status_not_found(struct arena *a, struct status_target about) {
    return about_resource(a, make(a, 404, S("NotFound"), named(a, about, " not found")), about);
}

struct status *status_no_such_path(struct arena *a) {
    struct status *st = make(a, 404, S("NotFound"), S("the server could not find the requested resource"));
    (void)status_details(st); /* there, and empty */
    return st;
}

struct status *status_already_exists(struct arena *a, struct status_target about) {
    return about_resource(a, make(a, 409, S("AlreadyExists"), named(a, about, " already exists")), about);
}

struct status *status_generate_name_conflict(struct arena *a, struct status_target about,
                                             int32_t retry_after_seconds) {
    struct str message =
        named(a, about, " already exists, the server could not make a unique name for the object");
    struct status *st = about_resource(a, make(a, 409, S("AlreadyExists"), message), about);
    status_details(st)->retry_after_seconds = retry_after_seconds;
    return st;
}

struct status *status_conflict(struct arena *a, struct status_target about, struct str why) {
    struct str message = arena_printf(a, "Operation cannot be fulfilled on %.*s: %.*s",
                                      STR_ARG(named(a, about, "")), STR_ARG(why));
    return about_resource(a, make(a, 409, S("Conflict"), message), about);
}

struct status *status_modified(struct arena *a, struct status_target about) {
    return status_conflict(a, about, S(MODIFIED));
}

/* One conflict reads `conflict with "a" using v1: .spec.x`; several are a list per manager. */
static void put_conflict(struct buf *out, const struct status_apply_conflict *conflicts, size_t n, size_t i) {
    if (n == 1) {
        buf_printf(out, " conflict with %.*s: %.*s", STR_ARG(conflicts[i].manager),
                   STR_ARG(conflicts[i].field));
        return;
    }
    if (i == 0 || !str_eq(conflicts[i].manager, conflicts[i - 1].manager))
        buf_printf(out, "%sconflicts with %.*s:", i ? "\n" : " ", STR_ARG(conflicts[i].manager));
    buf_printf(out, "\n- %.*s", STR_ARG(conflicts[i].field));
}

struct status *status_apply_conflicts(struct arena *a, const struct status_apply_conflict *conflicts,
                                      size_t n) {
    _cleanup_buf struct buf text = BUF_INIT;
    buf_printf(&text, "Apply failed with %zu conflict%s:", n, n == 1 ? "" : "s");
    struct status *st = make(a, 409, S("Conflict"), STR_NONE);
    struct meta_status_cause_array *causes = &status_details(st)->causes;
    causes->v = arena_new_n(a, n, struct meta_status_cause);
    causes->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        put_conflict(&text, conflicts, n, i);
        causes->v[i] = (struct meta_status_cause){
            .reason = S("FieldManagerConflict"),
            .message = arena_printf(a, "conflict with %.*s", STR_ARG(conflicts[i].manager)),
            .field = arena_str(a, conflicts[i].field)};
    }
    st->body.message = buf_to_arena(&text, a);
    return st;
}

struct status *status_invalid(struct arena *a, struct status_target about,
                              const struct field_errors *errors) {
    _cleanup_buf struct buf text = BUF_INIT;
    buf_str(&text, qualified(a, about.kind, about.group));
    buf_byte(&text, ' ');
    field_quote(&text, about.name);
    buf_lit(&text, " is invalid: ");
    field_errors_text(&text, errors);

    struct status *st = make(a, 422, S("Invalid"), buf_to_arena(&text, a));
    struct meta_status_details *details = status_details(st);
    details->group = arena_str(a, about.group);
    details->kind = arena_str(a, about.kind);
    details->name = arena_str(a, about.name);
    details->causes.v = arena_new_n(a, errors->n, struct meta_status_cause);
    details->causes.n = errors->n;
    for (uint32_t i = 0; i < errors->n; i++)
        details->causes.v[i] = (struct meta_status_cause){.reason = field_error_reason(errors->v[i].type),
                                                          .message = arena_str(a, errors->v[i].body),
                                                          .field = arena_str(a, errors->v[i].field)};
    return st;
}

struct status *status_bad_request(struct arena *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return make(a, 400, S("BadRequest"), message);
}

struct status *status_unauthorized(struct arena *a, struct str why) {
    return make(a, 401, S("Unauthorized"), str_empty(why) ? S("Unauthorized") : arena_str(a, why));
}

struct status *status_forbidden(struct arena *a, struct status_target about, struct str why) {
    struct str message;
    if (str_empty(about.resource))
        message = arena_printf(a, "forbidden: %.*s", STR_ARG(why));
    else if (str_empty(about.name))
        message = arena_printf(a, "%.*s is forbidden: %.*s",
                               STR_ARG(qualified(a, about.resource, about.group)), STR_ARG(why));
    else
        message = arena_printf(a, "%.*s is forbidden: %.*s", STR_ARG(named(a, about, "")), STR_ARG(why));
    return about_resource(a, make(a, 403, S("Forbidden"), message), about);
}

struct status *status_method_not_supported(struct arena *a, struct status_target about, struct str action) {
    struct str message = arena_printf(a, "%.*s is not supported on resources of kind %.*s", STR_ARG(action),
                                      STR_ARG(quoted(a, qualified(a, about.resource, about.group))));
    about.name = STR_NONE;
    return about_resource(a, make(a, 405, S("MethodNotAllowed"), message), about);
}

struct status *status_not_acceptable(struct arena *a, const struct str *accepted, size_t n) {
    struct str list = arena_join(a, accepted, n, S(", "));
    return make(a, 406, S("NotAcceptable"),
                arena_printf(a, "only the following media types are accepted: %.*s", STR_ARG(list)));
}

struct status *status_unsupported_media_type(struct arena *a, const struct str *accepted, size_t n) {
    struct str list = arena_join(a, accepted, n, S(", "));
    return make(a, 415, S("UnsupportedMediaType"),
                arena_printf(a, "the body of the request is in no known format; accepted media types: %.*s",
                             STR_ARG(list)));
}

struct status *status_expired(struct arena *a, struct str message) {
    return make(a, 410, S("Expired"), arena_str(a, message));
}

struct status *status_gone(struct arena *a, struct str message) {
    return make(a, 410, S("Gone"), arena_str(a, message));
}

struct status *status_too_large(struct arena *a, struct str why) {
    return make(a, 413, S("RequestEntityTooLarge"),
                arena_printf(a, "Request entity too large: %.*s", STR_ARG(why)));
}

struct status *status_too_many_requests(struct arena *a, struct str message, int32_t retry_after_seconds) {
    struct status *st = make(a, 429, S("TooManyRequests"), arena_str(a, message));
    status_details(st)->retry_after_seconds = retry_after_seconds;
    return st;
}

struct status *status_internal_error(struct arena *a, struct str why) {
    struct status *st =
        make(a, 500, S("InternalError"), arena_printf(a, "Internal error occurred: %.*s", STR_ARG(why)));
    status_add_cause(a, st, STR_NONE, STR_NONE, why);
    return st;
}

struct status *status_server_timeout(struct arena *a, struct status_target about, struct str operation,
                                     int32_t retry_after_seconds) {
    struct str message = arena_printf(
        a, "The %.*s operation against %.*s could not be completed at this time, please try again.",
        STR_ARG(operation), STR_ARG(qualified(a, about.resource, about.group)));
    about.name = operation;
    struct status *st = about_resource(a, make(a, 500, S("ServerTimeout"), message), about);
    status_details(st)->retry_after_seconds = retry_after_seconds;
    return st;
}

struct status *status_unavailable(struct arena *a, struct str why) {
    return make(a, 503, S("ServiceUnavailable"), arena_str(a, why));
}

struct status *status_timeout(struct arena *a, struct str why, int32_t retry_after_seconds) {
    struct status *st = make(a, 504, S("Timeout"), arena_printf(a, "Timeout: %.*s", STR_ARG(why)));
    status_details(st)->retry_after_seconds = retry_after_seconds;
    return st;
}

struct status *status_from_err(struct arena *a, struct status_target about, const struct err *err) {
    struct str why = str_from(err->msg);
    switch ((enum err_code)err->code) {
    case ERR_INVALID: return status_bad_request(a, "%s", err->msg);
    case ERR_TOO_LARGE: return status_too_large(a, why);
    case ERR_NOT_FOUND: return status_not_found(a, about);
    case ERR_EXISTS: return status_already_exists(a, about);
    case ERR_CONFLICT: return status_conflict(a, about, str_empty(why) ? S(MODIFIED) : why);
    case ERR_EXPIRED: return status_expired(a, why);
    case ERR_FORBIDDEN: return status_forbidden(a, about, why);
    case ERR_UNAUTHORIZED: return status_unauthorized(a, why);
    case ERR_UNSUPPORTED: return status_bad_request(a, "%s", err->msg);
    case ERR_TIMEOUT:
    case ERR_CANCELLED: return status_timeout(a, why, 0);
    case ERR_AGAIN: return status_too_many_requests(a, why, 1);
    case ERR_NO_SPACE:
    case ERR_CLOSED: return status_unavailable(a, why);
    case ERR_OK:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_INTERNAL: break;
    }
    return status_internal_error(a, why);
}

void status_add_cause(struct arena *a, struct status *st, struct str reason, struct str field,
                      struct str message) {
    struct meta_status_cause_array *causes = &status_details(st)->causes;
    struct meta_status_cause *grown = arena_new_n(a, causes->n + 1, struct meta_status_cause);
    if (causes->n)
        memcpy(grown, causes->v, causes->n * sizeof *grown);
    grown[causes->n] = (struct meta_status_cause){
        .reason = arena_str(a, reason), .message = arena_str(a, message), .field = arena_str(a, field)};
    causes->v = grown;
    causes->n++;
}
