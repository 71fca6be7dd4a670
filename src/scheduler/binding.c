/* scheduler/binding: from a chosen node to a bound pod.
 *
 *     assume → Reserve → Permit → PreBind → Bind → PostBind
 *
 * The steps up to Permit belong to the cycle. PreBind and Bind may take calls; the pod is counted on its node
 * meanwhile, and many bindings are under way at the same time. A step that fails takes everything back, in
 * reverse, and the pod waits for its backoff.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/workers.h"
#include "client/events.h"
#include "scheduler/scheduler_priv.h"

static void assume(struct scheduler *s, struct sched_pod *pod, struct sched_node *node) {
    check(pod->state == POD_CYCLING && !pod->node);
    pod->state = POD_ASSUMED;
    pod->node = node;
    nodes_add_pod(&s->nodes, node, pod);
    nodes_nominate(&s->nodes, pod, STR_NONE);
}

void binding_forget(struct scheduler *s, struct sched_pod *pod) {
    struct sched_node *node = pod->node;
    if (!node)
        return;
    pod->node = NULL;
    pod->state = POD_FOREIGN;
    nodes_remove_pod(&s->nodes, node, pod);
}

static void unreserve(struct scheduler *s, const struct profile *profile, struct sched_pod *pod) {
    for (uint32_t i = profile->n_plugins; i-- > 0;)
        if (profile->plugins[i].ops->unreserve)
            profile->plugins[i].ops->unreserve(&profile->plugins[i], s, pod);
}

static void free_binding(struct binding *b) {
    struct scheduler *s = b->s;
    if (b->pod)
        b->pod->binding = NULL;
    object_unref(b->object);
    free((char *)b->node.p);
    free(b);
    s->n_bindings--;
    if (s->idle && !s->n_bindings)
        waiter_signal(s->idle);
}

/* -- ends -- */

static void take_back(struct scheduler *s, const struct profile *profile, struct sched_pod *pod) {
    const struct sched_event freed = {.type = EVENT_POD_DELETE, .pod = pod->facts, .pod_node = pod->node};
    unreserve(s, profile, pod);
    binding_forget(s, pod);
    pod_queue_move(&s->queue, &freed);
}

static void end_failed(struct binding *b, const char *why) {
    struct scheduler *s = b->s;
    struct sched_pod *pod = b->pod;
    if (pod && pod->state == POD_ASSUMED) {
        take_back(s, b->profile, pod);
        report_error(s, pod, why);
        pod->profile = b->profile;
        pod_queue_retry(&s->queue, pod);
    }
    free_binding(b);
    cycle_wake(s);
}

static void end_bound(struct binding *b) {
    struct scheduler *s = b->s;
    for (uint32_t i = 0; b->pod && i < b->profile->n_plugins; i++)
        if (b->profile->plugins[i].ops->post_bind)
            b->profile->plugins[i].ops->post_bind(&b->profile->plugins[i], s, b->pod);
    s->bound++;
    if (b->pod)
        sched_metrics_bound(s->metrics, b->pod->attempts);
    event_record(report_events(s, b->profile), b->object, "Normal", "Scheduled",
                 "Successfully assigned %.*s/%.*s to %.*s", STR_ARG(b->object->meta->namespace),
                 STR_ARG(b->object->meta->name), STR_ARG(b->node));
    free_binding(b);
    cycle_wake(s);
}

/* -- steps -- */

static enum code run_step(struct binding *b, const struct plugin *p) {
    if (!b->binds)
        return p->ops->pre_bind ? p->ops->pre_bind(p, b->s, b) : CODE_SUCCESS;
    return p->ops->bind ? p->ops->bind(p, b->s, b) : CODE_SKIP;
}

/* Runs plugins until one waits, or all is done. */
static void run_steps(struct binding *b) {
    while (b->pod) {
        if (b->step == b->profile->n_plugins && b->binds)
            return end_failed(b, "no plugin binds pods in this profile");
        if (b->step == b->profile->n_plugins) {
            b->binds = true;
            b->step = 0;
            continue;
        }
        bool binds = b->binds;
        enum code code = run_step(b, &b->profile->plugins[b->step]);
        if (code == CODE_WAIT)
            return;
        if (code == CODE_SUCCESS && binds)
            return end_bound(b);
        if (code != CODE_SUCCESS && code != CODE_SKIP)
            return end_failed(b, "a plugin refused to bind the pod");
        b->step++;
    }
    free_binding(b);
}

void binding_continue(struct binding *b, enum code code, const char *why) {
    if (code != CODE_SUCCESS)
        return end_failed(b, why);
    if (b->binds)
        return end_bound(b);
    b->step++;
    run_steps(b);
}

static struct binding *new_binding(struct scheduler *s, struct sched_pod *pod, struct sched_node *node) {
    struct binding *b = calloc(1, sizeof *b);
    char *name = malloc(node->name.n + 1);
    if (!b || !name)
        panic("out of memory");
    memcpy(name, node->name.p, node->name.n);
    *b = (struct binding){.s = s,
                          .pod = pod,
                          .object = object_ref(pod->object),
                          .node = str_make(name, node->name.n),
                          .profile = pod->profile};
    pod->binding = b;
    s->n_bindings++;
    return b;
}

/* -- the part that belongs to the cycle -- */

static enum code run_reserve(struct cycle *c, struct sched_node *node) {
    enum code code = CODE_SUCCESS;
    for (uint32_t i = 0; i < c->profile->n_plugins && code == CODE_SUCCESS; i++) {
        const struct plugin *p = &c->profile->plugins[i];
        if (p->ops->reserve)
            code = p->ops->reserve(p, c, node);
        if (code == CODE_SUCCESS && p->ops->permit)
            code = p->ops->permit(p, c, node);
        if (code != CODE_SUCCESS)
            c->rejected_by |= UINT64_C(1) << i;
    }
    return code;
}

void binding_start(struct scheduler *s, struct cycle *c, struct sched_node *node) {
    struct sched_pod *pod = c->pod;
    assume(s, pod, node);
    enum code code = run_reserve(c, node);
    if (code == CODE_SUCCESS) {
        run_steps(new_binding(s, pod, node));
        return;
    }
    unreserve(s, c->profile, pod);
    binding_forget(s, pod);
    report_failure(s, c, code);
    pod->rejected_by = c->rejected_by;
    if (code == CODE_ERROR)
        pod_queue_retry(&s->queue, pod);
    else
        pod_queue_park(&s->queue, pod);
}
