/* Phase, addresses, and the status as a whole. */
#include "api/pod_qos.h"
#include "base/arena.h"
#include "kubelet/pod_status_priv.h"

const struct core_container_status *status_find(const struct core_container_status_array *all,
                                                struct str name) {
    for (uint32_t i = 0; i < all->n; i++)
        if (str_eq(all->v[i].name, name))
            return &all->v[i];
    return NULL;
}

bool pod_phase_is_final(struct str phase) {
    return str_eq(phase, CORE_POD_PHASE_SUCCEEDED) || str_eq(phase, CORE_POD_PHASE_FAILED);
}

/* -- phase -- */

struct tally {
    uint32_t running, waiting, stopped, succeeded, unknown;
    bool will_restart; /* some stopped container is started again */
};

static bool has_ended_before(const struct core_container_status *s) {
    return s->last_state.terminated != NULL;
}

static void tally_app(struct tally *t, const struct core_pod *pod, const struct core_container *c,
                      uint32_t index, const struct core_container_status *s) {
    if (!s) {
        t->unknown++;
        return;
    }
    const struct core_container_state_terminated *ended = s->state.terminated;
    if (s->state.running) {
        t->running++;
        return;
    }
    if (!ended && !has_ended_before(s)) {
        t->waiting++;
        return;
    }
    if (!ended) /* waits to be started again */
        t->will_restart = true;
    else {
        struct container_ref ref = {.spec = c, .list = LIST_APP, .index = index};
        t->will_restart |= container_restart(pod, &ref, ended->exit_code) != RESTART_NO;
    }
    t->stopped++;
    t->succeeded += (ended ? ended : s->last_state.terminated)->exit_code == 0;
}

enum init_state { INIT_DONE, INIT_PENDING, INIT_FAILED };

static enum init_state init_one(const struct core_pod *pod, const struct container_ref *ref,
                                const struct core_container_status *s, bool apps_ran) {
    if (container_is_sidecar(ref))
        return apps_ran || (s && s->state.running && s->started.set && s->started.v) ? INIT_DONE
                                                                                     : INIT_PENDING;
    if (!s)
        return INIT_PENDING;
    const struct core_container_state_terminated *ended = s->state.terminated;
    if (!ended && !s->state.running)
        ended = s->last_state.terminated;
    if (!ended)
        return INIT_PENDING;
    if (ended->exit_code == 0)
        return INIT_DONE;
    return container_restart(pod, ref, ended->exit_code) == RESTART_NO ? INIT_FAILED : INIT_PENDING;
}

static bool any_app_ran(const struct core_pod_status *st) {
    for (uint32_t i = 0; i < st->container_statuses.n; i++) {
        const struct core_container_status *s = &st->container_statuses.v[i];
        if (s->state.running || s->state.terminated || has_ended_before(s))
            return true;
    }
    return false;
}

static enum init_state init_state_of(const struct core_pod *pod, const struct core_pod_status *st) {
    bool ran = any_app_ran(st);
    for (uint32_t i = 0; i < pod->spec.init_containers.n; i++) {
        struct container_ref ref = {.spec = &pod->spec.init_containers.v[i], .list = LIST_INIT, .index = i};
        enum init_state one =
            init_one(pod, &ref, status_find(&st->init_container_statuses, ref.spec->name), ran);
        if (one != INIT_DONE && !(ran && one == INIT_PENDING))
            return one;
    }
    return INIT_DONE;
}

/* CONFORMS: kubelet.tsv, phase 1 to 7. */
struct str pod_phase(const struct core_pod *pod, const struct core_pod_status *st) {
    enum init_state init = init_state_of(pod, st);
    if (init == INIT_FAILED)
        return CORE_POD_PHASE_FAILED;
    if (init == INIT_PENDING)
        return CORE_POD_PHASE_PENDING;
    struct tally t = {0};
    for (uint32_t i = 0; i < pod->spec.containers.n; i++) {
        const struct core_container *c = &pod->spec.containers.v[i];
        tally_app(&t, pod, c, i, status_find(&st->container_statuses, c->name));
    }
    if (t.waiting)
        return CORE_POD_PHASE_PENDING;
    if (t.running && !t.unknown)
        return CORE_POD_PHASE_RUNNING;
    if (!t.running && !t.unknown && t.stopped) {
        if (t.will_restart)
            return CORE_POD_PHASE_RUNNING;
        return t.succeeded == t.stopped ? CORE_POD_PHASE_SUCCEEDED : CORE_POD_PHASE_FAILED;
    }
    return CORE_POD_PHASE_PENDING;
}

/* A pod whose containers are being stopped ends by what they ended with, whatever its restart policy says;
 * before that it keeps the phase it had. */
static struct str ending_phase(const struct pod_status_inputs *in, const struct core_pod_status *st) {
    struct tally t = {0};
    for (uint32_t i = 0; i < in->pod->spec.containers.n; i++) {
        const struct core_container *c = &in->pod->spec.containers.v[i];
        tally_app(&t, in->pod, c, i, status_find(&st->container_statuses, c->name));
    }
    if (t.running || pod_view_running(in->view))
        return in->pod->status.phase.n ? in->pod->status.phase : CORE_POD_PHASE_PENDING;
    bool all_succeeded = t.stopped == in->pod->spec.containers.n && t.succeeded == t.stopped;
    return all_succeeded && init_state_of(in->pod, st) != INIT_FAILED ? CORE_POD_PHASE_SUCCEEDED
                                                                      : CORE_POD_PHASE_FAILED;
}

/* CONFORMS: a phase is final only when nothing of the pod runs any more, sidecars and sandbox included. */
static struct str phase_of(const struct pod_status_inputs *in, const struct core_pod_status *st) {
    struct str before = in->pod->status.phase;
    if (pod_phase_is_final(before)) /* CONFORMS: a final phase never changes */
        return before;
    if (in->end_phase.n) /* published when nothing runs any more */
        return pod_view_running(in->view) && before.n ? before : in->end_phase;
    if (in->ending)
        return ending_phase(in, st);
    struct str phase = pod_phase(in->pod, st);
    bool early = pod_phase_is_final(phase) && pod_view_running(in->view);
    return !early ? phase : before.n ? before : CORE_POD_PHASE_PENDING;
}

/* -- addresses -- */

static void status_addresses(const struct pod_status_inputs *in, struct arena *a,
                             struct core_pod_status *ret) {
    ret->host_ips.n = in->host_ips.n;
    ret->host_ips.v = arena_new_n(a, in->host_ips.n, struct core_host_ip);
    for (uint32_t i = 0; i < in->host_ips.n; i++)
        ret->host_ips.v[i].ip = in->host_ips.v[i];
    if (in->host_ips.n)
        ret->host_ip = in->host_ips.v[0];
    const struct sandbox_view *s = pod_view_sandbox(in->view);
    struct str_array ips = {0};
    if (s && s->ready)
        ips = in->pod->spec.host_network ? in->host_ips : s->ips;
    if (!ips.n) { /* an ended pod keeps its addresses */
        ret->pod_ip = in->pod->status.pod_ip;
        ret->pod_ips = in->pod->status.pod_ips;
        return;
    }
    ret->pod_ip = ips.v[0];
    ret->pod_ips.n = ips.n;
    ret->pod_ips.v = arena_new_n(a, ips.n, struct core_pod_ip);
    for (uint32_t i = 0; i < ips.n; i++)
        ret->pod_ips.v[i].ip = ips.v[i];
}

void pod_status_make(const struct pod_status_inputs *in, struct arena *a, struct core_pod_status *ret) {
    const struct core_pod_status *before = &in->pod->status;
    struct core_pod_status st = {
        .observed_generation = in->pod->metadata.generation,
        .nominated_node_name = before->nominated_node_name,
        .start_time = before->start_time,
        .qos_class = before->qos_class.n ? before->qos_class : pod_qos_class(&in->pod->spec),
        .resize = before->resize,
        .resource_claim_statuses = before->resource_claim_statuses,
        .extended_resource_claim_status = before->extended_resource_claim_status,
        .allocated_resources = before->allocated_resources,
        .resources = before->resources,
        .node_allocatable_resource_claim_statuses = before->node_allocatable_resource_claim_statuses,
    };
    if (!st.start_time.set)
        st.start_time = (struct timestamp){.sec = in->now_sec, .set = true};
    if (in->never_ran) {
        st.init_container_statuses = before->init_container_statuses;
        st.container_statuses = before->container_statuses;
        st.ephemeral_container_statuses = before->ephemeral_container_statuses;
    } else {
        status_containers(in, a, &st);
        status_addresses(in, a, &st);
    }
    st.phase = phase_of(in, &st);
    bool decided = in->end_phase.n > 0;
    st.reason = decided ? in->end_reason : before->reason;
    st.message = decided ? in->end_message : before->message;
    status_conditions(in, a, &st);
    *ret = st;
}
