/* scheduler/plugins/default_binder: POST pods/<name>/binding, without waiting for the answer. */
#include "api/types/ids.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "scheduler/scheduler_priv.h"

#define LOOKS_MAX 8u

static void look(struct binding *b, const char *why);

/* Whether the pod is bound to the node after all. Only then, or when it surely is not, its room is given
 * away: a binding that was done unheard must not be forgotten. */
static void on_looked(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct binding *b = arg;
    const struct object *o = code ? NULL : answer->object;
    if (code && code != ERR_NOT_FOUND && b->n_calls < LOOKS_MAX)
        return look(b, err->msg);
    bool ours = o && str_eq(o->meta->uid, b->object->meta->uid) &&
                str_eq(((const struct core_pod *)o->body)->spec.node_name, b->node);
    binding_continue(b, ours ? CODE_SUCCESS : CODE_ERROR, code ? err->msg : "the pod could not be bound");
}

static void look(struct binding *b, const char *why) {
    const struct client_call call = {.verb = CLIENT_GET,
                                     .kind = KIND(CORE_POD),
                                     .ns = b->object->meta->namespace,
                                     .name = b->object->meta->name};
    b->n_calls++;
    if (client_submit(b->s->client, &call, b->s->loop, on_looked, b, NULL))
        binding_continue(b, CODE_ERROR, why);
}

static bool may_be_done(int code) {
    return code == ERR_CLOSED || code == ERR_IO || code == ERR_TIMEOUT || code == ERR_CONFLICT;
}

static void on_answer(void *arg, int code, struct client_answer *answer, const struct err *err) {
    (void)answer;
    if (may_be_done(code))
        look(arg, err->msg);
    else
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
    b->n_calls = 0;
    return client_submit(s->client, &call, s->loop, on_answer, b, &err) ? CODE_ERROR : CODE_WAIT;
}

const struct plugin_ops plugin_default_binder = {.name = "DefaultBinder", .bind = binder_bind};
