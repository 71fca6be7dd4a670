/* Statuses of containers: what the runtime says, and where it says nothing, what must have been. */
#include "api/time.h"
#include "base/arena.h"
#include "kubelet/pod_status_priv.h"

static struct timestamp seconds_of(int64_t ns) {
    return ns ? (struct timestamp){.sec = ns / 1000000000, .set = true} : (struct timestamp){0};
}

/* CONFORMS: the runtime's name and the container's: containerd://<id>. */
static struct str full_id(struct arena *a, struct str id) {
    return id.n ? arena_printf(a, "containerd://%.*s", STR_ARG(id)) : STR_NONE;
}

static struct core_container_state waiting_state(struct arena *a, struct str reason, struct str message) {
    struct core_container_state_waiting *w = arena_new(a, struct core_container_state_waiting);
    *w = (struct core_container_state_waiting){.reason = reason, .message = message};
    return (struct core_container_state){.waiting = w};
}

static struct core_container_state terminated_state(struct arena *a, const struct container_view *v) {
    struct core_container_state_terminated *t = arena_new(a, struct core_container_state_terminated);
    *t = (struct core_container_state_terminated){
        .exit_code = v->exit_code,
        .reason = v->reason,
        .message = v->message,
        .started_at = seconds_of(v->started_ns),
        .finished_at = seconds_of(v->finished_ns),
        .container_id = full_id(a, v->id),
    };
    if (!t->reason.n)
        t->reason = v->exit_code ? S("Error") : S("Completed");
    return (struct core_container_state){.terminated = t};
}

static struct core_container_state lost_state(struct arena *a, struct str container_id, struct str message) {
    struct core_container_state_terminated *t = arena_new(a, struct core_container_state_terminated);
    *t = (struct core_container_state_terminated){.exit_code = 137,
                                                  .reason = S("ContainerStatusUnknown"),
                                                  .message = message,
                                                  .container_id = container_id};
    return (struct core_container_state){.terminated = t};
}

static struct core_container_state state_of(struct arena *a, const struct container_view *v) {
    switch (v->state) {
    case CONTAINER_RUNNING: {
        struct core_container_state_running *r = arena_new(a, struct core_container_state_running);
        r->started_at = seconds_of(v->started_ns);
        return (struct core_container_state){.running = r};
    }
    case CONTAINER_EXITED: return terminated_state(a, v);
    case CONTAINER_UNKNOWN: return lost_state(a, full_id(a, v->id), S("The container could not be located"));
    case CONTAINER_CREATED: break;
    }
    return waiting_state(a, S("ContainerCreating"), STR_NONE);
}

/* -- one container -- */

struct builder {
    const struct pod_status_inputs *in;
    struct arena *a;
    bool initialised; /* app containers were created */
};

static const struct waiting_reason *waiting_for(const struct builder *b, struct str name) {
    for (uint32_t i = 0; i < b->in->n_waiting; i++)
        if (str_eq(b->in->waiting[i].container, name))
            return &b->in->waiting[i];
    return NULL;
}

static struct str default_reason(const struct builder *b, const struct container_ref *c) {
    bool behind_init = c->list == LIST_APP && b->in->pod->spec.init_containers.n > 0;
    return behind_init ? S("PodInitializing") : S("ContainerCreating");
}

static const struct core_container_status *told_before(const struct builder *b,
                                                       const struct container_ref *c) {
    const struct core_pod_status *st = &b->in->pod->status;
    return status_find(c->list == LIST_INIT  ? &st->init_container_statuses
                       : c->list == LIST_APP ? &st->container_statuses
                                             : &st->ephemeral_container_statuses,
                       c->spec->name);
}

/* The runtime knows nothing of it. */
static void without_container(const struct builder *b, const struct container_ref *c,
                              struct core_container_status *s) {
    const struct core_container_status *before = told_before(b, c);
    const struct waiting_reason *w = waiting_for(b, c->spec->name);
    if (before && (before->state.terminated || before->restart_count)) {
        s->restart_count = before->restart_count;
        s->last_state = before->last_state;
        s->image_id = before->image_id;
        s->container_id = before->container_id;
    }
    if (before && before->state.terminated) {
        s->state = before->state;
    } else if (before && before->state.running) {
        s->container_id = before->container_id;
        s->state = lost_state(b->a, before->container_id,
                              S("The container could not be located when the pod was terminated"));
    } else if (c->list == LIST_INIT && b->initialised && !container_is_sidecar(c)) {
        /* It must have succeeded, and its record is gone. CONFORMS: reason Completed. */
        struct core_container_state_terminated *t = arena_new(b->a, struct core_container_state_terminated);
        t->reason = S("Completed");
        t->message =
            S("Unable to get init container status from container runtime and pod has been initialized");
        s->state = (struct core_container_state){.terminated = t};
    }
    bool shown = s->state.terminated || s->state.running;
    if (shown && (b->in->ending || !w))
        return;
    if (shown)
        s->last_state = s->state;
    s->state = waiting_state(b->a, w ? w->reason : default_reason(b, c), w ? w->message : STR_NONE);
}

/* It has ended and shall run again: it waits, and how it ended is its last state. */
static void maybe_waits_again(const struct builder *b, const struct container_ref *c,
                              const struct container_view *v, struct core_container_status *s) {
    const struct waiting_reason *w = waiting_for(b, c->spec->name);
    if (b->in->ending || v->state != CONTAINER_EXITED || !w ||
        container_restart(b->in->pod, c, v->exit_code) == RESTART_NO)
        return;
    s->last_state = s->state;
    s->state = waiting_state(b->a, w->reason, w->message);
}

/* What was told of the same container before holds until its probe has found something: a kubelet that was
 * started again does not make its pods unready. */
static bool told(const struct builder *b, const struct container_ref *c, const struct container_view *v,
                 enum probe_kind kind) {
    const struct core_container_status *before = told_before(b, c);
    if (!before || !str_has_suffix(before->container_id, v->id) ||
        probe_result_of(b->in->probes, v->id, kind) != PROBE_UNKNOWN)
        return false;
    return kind == PROBE_READINESS ? before->ready : before->started.set && before->started.v;
}

static bool has_started(const struct builder *b, const struct container_ref *c,
                        const struct container_view *v) {
    return probe_started(b->in->probes, c->spec, v->id) || told(b, c, v, PROBE_STARTUP);
}

static void with_container(const struct builder *b, const struct container_ref *c,
                           const struct container_view *v, struct core_container_status *s) {
    s->restart_count = (int32_t)v->attempt;
    s->container_id = full_id(b->a, v->id);
    s->image_id = v->image_id;
    s->state = state_of(b->a, v);
    const struct waiting_reason *w = waiting_for(b, c->spec->name);
    if (v->state == CONTAINER_CREATED && w)
        s->state = waiting_state(b->a, w->reason, w->message);
    const struct container_view *previous = pod_view_previous(b->in->view, v);
    if (previous)
        s->last_state = terminated_state(b->a, previous);
    else if (v->attempt > 0 && told_before(b, c)) /* its record was collected */
        s->last_state = told_before(b, c)->last_state;
    if (s->state.running)
        s->started.v = has_started(b, c, v);
    maybe_waits_again(b, c, v, s);
}

/* CONFORMS: init containers are ready when they succeeded, sidecars and app containers when their probes say
 * so. */
static bool is_ready(const struct builder *b, const struct container_ref *c, const struct container_view *v,
                     const struct core_container_status *s) {
    if (c->list == LIST_INIT && !container_is_sidecar(c))
        return s->state.terminated && s->state.terminated->exit_code == 0;
    if (c->list == LIST_EPHEMERAL || !s->state.running || !v || !has_started(b, c, v))
        return false;
    return probe_ready(b->in->probes, c->spec, v->id) || told(b, c, v, PROBE_READINESS);
}

static const struct core_container *allocated_to(const struct builder *b, const struct container_ref *c) {
    const struct core_container_array *lists[] = {&b->in->allocated->spec.containers,
                                                  &b->in->allocated->spec.init_containers};
    for (size_t l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++)
            if (str_eq(lists[l]->v[i].name, c->spec->name))
                return &lists[l]->v[i];
    return NULL;
}

/* CONFORMS: KEP-1287: what was allocated, and what a container that runs was given. */
static void tell_resources(const struct builder *b, const struct container_ref *c,
                           const struct container_view *v, struct core_container_status *s) {
    const struct core_container *allocated = allocated_to(b, c);
    if (!allocated)
        return;
    s->allocated_resources = allocated->resources.requests;
    if (!v || v->state == CONTAINER_EXITED)
        return;
    const struct core_resource_requirements *given =
        b->in->actuated(b->in->actuated_arg, v->id, c->spec->name);
    s->resources = arena_new(b->a, struct core_resource_requirements);
    *s->resources = *(given ? given : &allocated->resources);
}

static void one(const struct builder *b, const struct container_ref *c, struct core_container_status *s) {
    const struct container_view *v = pod_view_container(b->in->view, c->spec->name);
    const struct core_container_status *before = told_before(b, c);
    *s = (struct core_container_status){.name = c->spec->name,
                                        .image = v && v->image.n ? v->image : c->spec->image};
    s->started = (struct opt_bool){.v = false, .set = true};
    if (before) {
        s->allocated_resources = before->allocated_resources;
        s->resources = before->resources;
        s->volume_mounts = before->volume_mounts;
        s->user = before->user;
    }
    if (c->list != LIST_EPHEMERAL && b->in->allocated)
        tell_resources(b, c, v, s);
    if (v)
        with_container(b, c, v, s);
    else
        without_container(b, c, s);
    s->ready = is_ready(b, c, v, s);
    if (c->list == LIST_EPHEMERAL)
        s->started.set = false;
}

void status_containers(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret) {
    struct container_ref *refs;
    uint32_t n = container_refs(in->pod, a, &refs);
    struct builder b = {.in = in, .a = a};
    for (uint32_t i = 0; i < n; i++)
        b.initialised |= refs[i].list == LIST_APP && pod_view_container(in->view, refs[i].spec->name);
    struct core_container_status_array *lists[] = {
        [LIST_INIT] = &ret->init_container_statuses,
        [LIST_APP] = &ret->container_statuses,
        [LIST_EPHEMERAL] = &ret->ephemeral_container_statuses,
    };
    struct core_container_status *all = arena_new_n(a, n, struct core_container_status);
    for (uint32_t i = 0; i < n; i++) {
        struct core_container_status_array *list = lists[refs[i].list];
        if (!list->n)
            list->v = &all[i];
        list->n++;
        one(&b, &refs[i], &all[i]);
    }
}
