/* api/status: what the API answers when there is no object to return: the Status kind.
 *
 * One constructor per reason; each gives the HTTP code, the reason, the message and the details that clients
 * of upstream know. The body is the packed meta.v1.Status, which the codecs print like any object:
 *
 *     struct status *st = status_not_found(arena, status_of(kind, name));
 *     api_write_json(out, &builtin, TY_META_STATUS, &st->body);
 *
 * Everything lives in the given arena; texts passed in are copied. Statuses are made here and nowhere else.
 * Any thread; one status belongs to one request.
 *
 * CONFORMS: meta.v1.Status and upstream's API errors: reasons, codes, message shapes, details.
 */
#pragma once

#include <stdint.h>

#include "api/kind.h"
#include "api/types/meta.h"
#include "base/str.h"

struct arena;
struct err;
struct field_errors;

/* body.details points at details, or is NULL when a status of that reason has none; status_details() gives it
 * some. Never copied by value. */
struct status {
    struct meta_status body;
    struct meta_status_details details;
};

/* What a status is about. name may be empty (the collection), resource too (no resource at all). */
struct status_target {
    struct str group;
    struct str resource; /* plural: "pods" */
    struct str kind;     /* "Pod"; for status_invalid */
    struct str name;
};

static inline struct status_target status_of(const struct kind *k, struct str name) {
    return (struct status_target){.group = k->group, .resource = k->plural, .kind = k->name, .name = name};
}

/* 200: the answer to a deletion. uid may be absent. */
struct status *status_success(struct arena *a, struct status_target about, struct str uid);

/* 404 */
struct status *status_not_found(struct arena *a, struct status_target about);
/* 404 for a path that no resource serves. */
struct status *status_no_such_path(struct arena *a);
/* 409 AlreadyExists */
struct status *status_already_exists(struct arena *a, struct status_target about);
/* 409 AlreadyExists: no free name for a generateName was found. */
struct status *status_generate_name_conflict(struct arena *a, struct status_target about,
                                             int32_t retry_after_seconds);

/* 409 Conflict: "Operation cannot be fulfilled on pods "x": <why>". */
struct status *status_conflict(struct arena *a, struct status_target about, struct str why);
/* The usual conflict: somebody else changed the object since it was read. */
struct status *status_modified(struct arena *a, struct status_target about);

/* One field that an apply would take from another manager. */
struct status_apply_conflict {
    struct str field;   /* ".spec.replicas" */
    struct str manager; /* how the owner is called: "kubectl" using apps/v1 (quotes included) */
};
/* 409 Conflict with one cause per field; the message is made from them. Conflicts of one manager stand
 * together.
 */
struct status *status_apply_conflicts(struct arena *a, const struct status_apply_conflict *conflicts,
                                      size_t n);

/* 422: the object's field errors, as message and as causes. about.kind is used, not about.resource. */
struct status *status_invalid(struct arena *a, struct status_target about, const struct field_errors *errors);

/* 400 */
struct status *status_bad_request(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* 401; why empty: "Unauthorized". */
struct status *status_unauthorized(struct arena *a, struct str why);
/* 403: "pods "x" is forbidden: <why>". */
struct status *status_forbidden(struct arena *a, struct status_target about, struct str why);
/* 405; action: "create", "patch", … */
struct status *status_method_not_supported(struct arena *a, struct status_target about, struct str action);
/* 406; accepted: media types the server can answer with. */
struct status *status_not_acceptable(struct arena *a, const struct str *accepted, size_t n);
/* 415; accepted: media types the server reads. */
struct status *status_unsupported_media_type(struct arena *a, const struct str *accepted, size_t n);
/* 410 Expired: a resource version or continue token that is too old. */
struct status *status_expired(struct arena *a, struct str message);
/* 410 Gone: what was asked for is gone for good. */
struct status *status_gone(struct arena *a, struct str message);
/* 413 */
struct status *status_too_large(struct arena *a, struct str why);
/* 429; retry_after_seconds also becomes the Retry-After header. */
struct status *status_too_many_requests(struct arena *a, struct str message, int32_t retry_after_seconds);
/* 500 InternalError: a bug of ours or a broken dependency. */
struct status *status_internal_error(struct arena *a, struct str why);
/* 500 ServerTimeout: the operation was not done in time and may be tried again. */
struct status *status_server_timeout(struct arena *a, struct status_target about, struct str operation,
                                     int32_t retry_after_seconds);
/* 503 */
struct status *status_unavailable(struct arena *a, struct str why);
/* 504 Timeout: the request's own time is over. */
struct status *status_timeout(struct arena *a, struct str why, int32_t retry_after_seconds);

/* The status of a failed call, by its code; about says of what (for not found, conflict, …). */
struct status *status_from_err(struct arena *a, struct status_target about, const struct err *err);

/* The details, to be filled in further. */
struct meta_status_details *status_details(struct status *st);

/* Adds a cause to the details. */
void status_add_cause(struct arena *a, struct status *st, struct str reason, struct str field,
                      struct str message);
