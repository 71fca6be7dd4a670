/* scheduler/plugins/default_binder: POST pods/<name>/binding, without waiting for the answer. */
#include "api/types/ids.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "scheduler/scheduler_priv.h"

static void on_answer(void *arg, int code, struct client_answer *answer, const struct err *err) {
    (void)answer;
    binding_continue(arg, code ? CODE_ERROR : CODE_SUCCESS, code ? err->msg : NULL);
}

static enum code binder_bind(const struct plugin *p, struct scheduler *s, struct binding *b) {
    (void)p;
    const struct meta_object_meta *m = b->object->meta;
    const struct core_binding body = {
        .metadata = {.name = m->name, .namespace = m->namespace, .uid = m->uid},
        .target = {.kind = S("Node"), .name = b->node},
    };
    const struct client_call call = {
        .verb = CLIENT_CREATE,
        .kind = KIND(CORE_POD),
        .ns = m->namespace,
        .name = m->name,
        .subresource = S("binding"),
        .body = &body,
        .body_type = TY_CORE_BINDING,
    };
    struct err err = ERR_INIT;
    return client_submit(s->client, &call, s->loop, on_answer, b, &err) ? CODE_ERROR : CODE_WAIT;
}

const struct plugin_ops plugin_default_binder = {.name = "DefaultBinder", .bind = binder_bind};
