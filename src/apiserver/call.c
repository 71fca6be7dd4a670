/* Answers of calls. See call.h. */
#include "apiserver/call.h"

#include <stdarg.h>

#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"

void call_fini(struct call *c) {
    object_unref(c->object);
    c->object = NULL;
}

void call_answer_object(struct call *c, int http_code, struct object *object) {
    check(object && !c->object);
    c->http_code = http_code;
    c->object = object;
    c->done(c);
}

void call_answer_body(struct call *c, int http_code, uint16_t type, const void *body) {
    c->http_code = http_code;
    c->answer = body;
    c->answer_type = type;
    c->done(c);
}

void call_answer_status(struct call *c, struct status *status) {
    c->http_code = status->body.code ? status->body.code : 200;
    c->status = status;
    c->done(c);
}

void call_fail(struct call *c, const struct err *err) {
    call_answer_status(c, status_from_err(c->arena, call_target(c), err));
}

void call_warn(struct call *c, const char *fmt, ...) {
    if (c->warnings.n >= CALL_WARNINGS_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    struct str text = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    vec_push_in(c->arena, &c->warnings, text);
}

void call_warn_old(struct call *c) {
    if (c->info.kind && c->info.kind->index == KIND_CORE_COMPONENT_STATUS)
        call_warn(c, "v1 ComponentStatus is deprecated in v1.19+");
    if (c->info.kind && c->info.kind->index == KIND_CORE_ENDPOINTS)
        call_warn(c, "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
}

struct status_target call_target(const struct call *c) {
    const struct access *x = &c->info.access;
    return (struct status_target){
        .group = x->group,
        .resource = x->resource,
        .kind = c->info.kind ? c->info.kind->name : STR_NONE,
        .name = x->name,
    };
}
