/* Conditions: what the kubelet says of a pod as a whole. Those of others stay as they are. */
#include "api/quantity.h"
#include "base/arena.h"
#include "base/buf.h"
#include "kubelet/pod_status_priv.h"

#define DISRUPTION S("DisruptionTarget")

struct conditions {
    const struct pod_status_inputs *in;
    struct arena *a;
    struct core_pod_status *st;
    struct core_pod_condition *v;
    uint32_t n;
};

static struct core_pod_condition *find(struct core_pod_condition *v, uint32_t n, struct str type) {
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(v[i].type, type))
            return &v[i];
    return NULL;
}

/* CONFORMS: lastTransitionTime moves when the status does. */
static void set(struct conditions *c, struct str type, bool status, struct str reason, struct str message) {
    struct core_pod_condition *to = find(c->v, c->n, type);
    struct str text = status ? S("True") : S("False");
    struct timestamp since = {.sec = c->in->now_sec, .set = true};
    if (to && str_eq(to->status, text))
        since = to->last_transition_time;
    if (!to)
        to = &c->v[c->n++];
    *to = (struct core_pod_condition){.type = type,
                                      .status = text,
                                      .reason = reason,
                                      .message = message,
                                      .observed_generation = c->in->pod->metadata.generation,
                                      .last_transition_time = since};
}

/* "containers with unready status: [a b]" */
static struct str names_message(struct arena *a, const char *what, const struct str *names, uint32_t n) {
    return arena_printf(a, "containers with %s status: [%.*s]", what,
                        STR_ARG(arena_join(a, names, n, S(" "))));
}

static void initialised(struct conditions *c) {
    const struct core_pod_spec *spec = &c->in->pod->spec;
    struct str *bad = arena_new_n(c->a, spec->init_containers.n + 1, struct str);
    uint32_t n = 0;
    bool apps_ran = false;
    for (uint32_t i = 0; i < c->st->container_statuses.n; i++)
        apps_ran |= !c->st->container_statuses.v[i].state.waiting ||
                    c->st->container_statuses.v[i].last_state.terminated;
    for (uint32_t i = 0; i < spec->init_containers.n; i++) {
        struct container_ref ref = {.spec = &spec->init_containers.v[i], .list = LIST_INIT, .index = i};
        const struct core_container_status *s = status_find(&c->st->init_container_statuses, ref.spec->name);
        bool done =
            s && (container_is_sidecar(&ref) ? apps_ran || (s->started.set && s->started.v) : s->ready);
        if (!done)
            bad[n++] = ref.spec->name;
    }
    if (str_eq(c->st->phase, CORE_POD_PHASE_SUCCEEDED))
        set(c, S("Initialized"), true, S("PodCompleted"), STR_NONE);
    else if (n && !apps_ran)
        set(c, S("Initialized"), false, S("ContainersNotInitialized"),
            names_message(c->a, "incomplete", bad, n));
    else
        set(c, S("Initialized"), true, STR_NONE, STR_NONE);
}

/* Names of containers that are not ready, or of which nothing is known. */
static void unready(const struct conditions *c, struct str *ret_unready, uint32_t *ret_n_unready,
                    struct str *ret_unknown, uint32_t *ret_n_unknown) {
    struct container_ref *refs;
    uint32_t n = container_refs(c->in->pod, c->a, &refs);
    for (uint32_t i = 0; i < n; i++) {
        if (refs[i].list != LIST_APP && !container_is_sidecar(&refs[i]))
            continue;
        const struct core_container_status_array *list =
            refs[i].list == LIST_APP ? &c->st->container_statuses : &c->st->init_container_statuses;
        const struct core_container_status *s = status_find(list, refs[i].spec->name);
        if (!s)
            ret_unknown[(*ret_n_unknown)++] = refs[i].spec->name;
        else if (!s->ready)
            ret_unready[(*ret_n_unready)++] = refs[i].spec->name;
    }
}

struct readiness {
    bool ready;
    struct str reason, message;
};

static struct readiness containers_ready(struct conditions *c) {
    if (str_eq(c->st->phase, CORE_POD_PHASE_SUCCEEDED))
        return (struct readiness){.reason = S("PodCompleted")};
    if (str_eq(c->st->phase, CORE_POD_PHASE_FAILED))
        return (struct readiness){.reason = S("PodFailed")};
    const struct core_pod_spec *spec = &c->in->pod->spec;
    uint32_t max = spec->containers.n + spec->init_containers.n + 1, n_unready = 0, n_unknown = 0;
    struct str *bad = arena_new_n(c->a, max, struct str), *unknown = arena_new_n(c->a, max, struct str);
    unready(c, bad, &n_unready, unknown, &n_unknown);
    struct str parts[2];
    uint32_t n = 0;
    if (n_unknown)
        parts[n++] = names_message(c->a, "unknown", unknown, n_unknown);
    if (n_unready)
        parts[n++] = names_message(c->a, "unready", bad, n_unready);
    if (n)
        return (struct readiness){.reason = S("ContainersNotReady"),
                                  .message = arena_join(c->a, parts, n, S(", "))};
    return (struct readiness){.ready = true};
}

/* CONFORMS: KEP-580, readiness gates. */
static struct readiness pod_ready(struct conditions *c, struct readiness containers) {
    if (!containers.ready)
        return containers;
    const struct core_pod_readiness_gate_array *gates = &c->in->pod->spec.readiness_gates;
    struct str *missing = arena_new_n(c->a, gates->n + 1, struct str);
    uint32_t n = 0;
    for (uint32_t i = 0; i < gates->n; i++) {
        struct str type = gates->v[i].condition_type;
        const struct core_pod_condition *have = find(c->v, c->n, type);
        if (!have)
            missing[n++] =
                arena_printf(c->a, "corresponding condition of pod readiness gate \"%.*s\" does not exist.",
                             STR_ARG(type));
        else if (!str_eq(have->status, S("True")))
            missing[n++] =
                arena_printf(c->a, "the status of pod readiness gate \"%.*s\" is not \"True\", but %.*s",
                             STR_ARG(type), STR_ARG(have->status));
    }
    if (n)
        return (struct readiness){.reason = S("ReadinessGatesNotReady"),
                                  .message = arena_join(c->a, missing, n, S(", "))};
    return containers;
}

static void drop(struct conditions *c, struct str type) {
    struct core_pod_condition *at = find(c->v, c->n, type);
    if (!at)
        return;
    memmove(at, at + 1, (size_t)(c->v + c->n - at - 1) * sizeof *at);
    c->n--;
}

static bool same_amounts(struct quantity_map x, struct quantity_map y) {
    for (uint32_t i = 0; i < x.n; i++) {
        const struct quantity *other = quantity_map_get(y, x.v[i].key);
        if (!other || quantity_cmp(&x.v[i].value, other) != 0)
            return false;
    }
    return x.n == y.n;
}

static bool resources_differ(const struct conditions *c) {
    const struct core_container_status_array *lists[] = {&c->st->container_statuses,
                                                         &c->st->init_container_statuses};
    for (size_t l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            const struct core_container_status *s = &lists[l]->v[i];
            if (s->state.running && s->resources &&
                !same_amounts(s->resources->requests, s->allocated_resources))
                return true;
        }
    return false;
}

/* CONFORMS: KEP-1287. */
static void resized(struct conditions *c) {
    static const struct str pending = STR_INIT("PodResizePending"),
                            under_way = STR_INIT("PodResizeInProgress");
    enum resize_state state = c->in->resize;
    bool differ = resources_differ(c);
    if (state == RESIZE_DEFERRED || state == RESIZE_INFEASIBLE)
        set(c, pending, true, state == RESIZE_DEFERRED ? S("Deferred") : S("Infeasible"),
            c->in->resize_message);
    else
        drop(c, pending);
    if (state == RESIZE_FAILED || differ)
        set(c, under_way, true, state == RESIZE_FAILED ? S("Error") : STR_NONE,
            state == RESIZE_FAILED ? c->in->resize_message : STR_NONE);
    else
        drop(c, under_way);
}

void status_conditions(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret) {
    const struct core_pod_condition_array *before = &in->pod->status.conditions;
    struct conditions c = {.in = in, .a = a, .st = ret};
    c.v = arena_new_n(a, before->n + 10, struct core_pod_condition);
    if (before->n)
        memcpy(c.v, before->v, before->n * sizeof *c.v);
    c.n = before->n;
    const struct sandbox_view *s = pod_view_sandbox(in->view);
    bool sandbox = s && s->ready && (s->host_network || s->ips.n);
    set(&c, S("PodReadyToStartContainers"), sandbox, STR_NONE, STR_NONE);
    initialised(&c);
    struct readiness containers = containers_ready(&c), pod = pod_ready(&c, containers);
    set(&c, S("Ready"), pod.ready, pod.reason, pod.message);
    set(&c, S("ContainersReady"), containers.ready, containers.reason, containers.message);
    if (!find(c.v, c.n, S("PodScheduled")) || in->is_static)
        set(&c, S("PodScheduled"), true, STR_NONE, STR_NONE);
    if (in->disrupted)
        set(&c, DISRUPTION, true, S("TerminationByKubelet"), in->disruption_message);
    if (in->allocated)
        resized(&c);
    ret->conditions = (struct core_pod_condition_array){c.v, c.n};
}
