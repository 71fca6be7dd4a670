/* Table cells of pods: readiness, the status text and restarts, which read the statuses in the same order. */
#include <stdio.h>

#include "api/table_priv.h"
#include "api/types/core.h"
#include "base/timefmt.h"

/* What one pass over a pod's statuses finds. */
struct pod_summary {
    char status[256];
    uint32_t ready, total;
    int64_t restarts;
    struct timestamp last_restart;
};

static bool restarts_always(const struct core_container *c) {
    return str_eq(c->restart_policy, S("Always"));
}

static const struct core_container *find_container(const struct core_container_array *a, struct str name) {
    for (uint32_t i = 0; i < a->n; i++)
        if (str_eq(a->v[i].name, name))
            return &a->v[i];
    return NULL;
}

static const struct core_pod_condition *find_condition(const struct core_pod *p, struct str type) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, type))
            return &p->status.conditions.v[i];
    return NULL;
}

static bool condition_true(const struct core_pod *p, struct str type) {
    const struct core_pod_condition *c = find_condition(p, type);
    return c && str_eq(c->status, S("True"));
}

static void set_status(struct pod_summary *s, struct str text) {
    snprintf(s->status, sizeof s->status, "%.*s", STR_ARG(text));
}

static bool later(struct timestamp a, struct timestamp b) {
    return a.set && (!b.set || a.sec > b.sec || (a.sec == b.sec && a.nsec > b.nsec));
}

static void count_restarts(struct pod_summary *s, const struct core_container_status *st) {
    const struct core_container_state_terminated *last = st->last_state.terminated;
    s->restarts += st->restart_count;
    if (last && later(last->finished_at, s->last_restart))
        s->last_restart = last->finished_at;
}

static bool started(const struct core_container_status *st) {
    return st->started.set && st->started.v;
}

static void ended_text(struct pod_summary *s, const char *prefix,
                       const struct core_container_state_terminated *t) {
    if (t->reason.n)
        snprintf(s->status, sizeof s->status, "%s%.*s", prefix, STR_ARG(t->reason));
    else if (t->signal)
        snprintf(s->status, sizeof s->status, "%sSignal:%d", prefix, t->signal);
    else
        snprintf(s->status, sizeof s->status, "%sExitCode:%d", prefix, t->exit_code);
}

/* An init container that is not over yet decides the status. */
static void unfinished_init(struct pod_summary *s, const struct core_pod *p, uint32_t i) {
    const struct core_container_status *st = &p->status.init_container_statuses.v[i];
    const struct core_container_state_waiting *w = st->state.waiting;
    if (st->state.terminated)
        ended_text(s, "Init:", st->state.terminated);
    else if (w && w->reason.n && !str_eq(w->reason, S("PodInitializing")))
        snprintf(s->status, sizeof s->status, "Init:%.*s", STR_ARG(w->reason));
    else
        snprintf(s->status, sizeof s->status, "Init:%u/%u", i, p->spec.init_containers.n);
}

/* Goes through init containers; true when one is not over. */
static bool scan_init(struct pod_summary *s, const struct core_pod *p) {
    for (uint32_t i = 0; i < p->status.init_container_statuses.n; i++) {
        const struct core_container_status *st = &p->status.init_container_statuses.v[i];
        const struct core_container *c = find_container(&p->spec.init_containers, st->name);
        bool sidecar = c && restarts_always(c);
        count_restarts(s, st);
        if (st->state.terminated && st->state.terminated->exit_code == 0)
            continue;
        if (sidecar && started(st)) {
            s->ready += st->ready;
            continue;
        }
        unfinished_init(s, p, i);
        return true;
    }
    return false;
}

/* Once init is over only sidecars and regular containers count. */
static void count_sidecar_restarts(struct pod_summary *s, const struct core_pod *p) {
    s->restarts = 0;
    s->last_restart = (struct timestamp){0};
    for (uint32_t i = 0; i < p->status.init_container_statuses.n; i++) {
        const struct core_container_status *st = &p->status.init_container_statuses.v[i];
        const struct core_container *c = find_container(&p->spec.init_containers, st->name);
        if (c && restarts_always(c))
            count_restarts(s, st);
    }
}

static void scan_containers(struct pod_summary *s, const struct core_pod *p) {
    bool running = false;
    char error[sizeof s->status] = "";
    for (uint32_t i = p->status.container_statuses.n; i-- > 0;) {
        const struct core_container_status *st = &p->status.container_statuses.v[i];
        count_restarts(s, st);
        if (st->state.waiting && st->state.waiting->reason.n) {
            set_status(s, st->state.waiting->reason);
        } else if (st->state.terminated) {
            ended_text(s, "", st->state.terminated);
            if (st->state.terminated->exit_code != 0)
                memcpy(error, s->status, sizeof error);
        } else if (st->ready && st->state.running) {
            running = true;
            s->ready++;
        }
    }
    if (strcmp(s->status, "Completed") != 0)
        return;
    if (running && condition_true(p, S("Ready")))
        set_status(s, S("Running"));
    else if (error[0])
        memcpy(s->status, error, sizeof error);
    else if (running)
        set_status(s, S("NotReady"));
}

static struct pod_summary summarise(const struct core_pod *p) {
    struct pod_summary s = {.total = p->spec.containers.n};
    for (uint32_t i = 0; i < p->spec.init_containers.n; i++)
        s.total += restarts_always(&p->spec.init_containers.v[i]);
    set_status(&s, p->status.reason.n ? p->status.reason : p->status.phase);
    const struct core_pod_condition *scheduled = find_condition(p, S("PodScheduled"));
    if (scheduled && str_eq(scheduled->reason, S("SchedulingGated")))
        set_status(&s, S("SchedulingGated"));
    bool initialising = scan_init(&s, p);
    if (!initialising || condition_true(p, S("Initialized"))) {
        count_sidecar_restarts(&s, p);
        scan_containers(&s, p);
    }
    bool over = str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed"));
    if (p->metadata.deletion_timestamp.set && str_eq(p->status.reason, S("NodeLost")))
        set_status(&s, S("Unknown"));
    else if (p->metadata.deletion_timestamp.set && !over)
        set_status(&s, S("Terminating"));
    return s;
}

static void cell_ready(struct cell *c) {
    struct pod_summary s = summarise(c->object);
    buf_printf(c->text, "%u/%u", s.ready, s.total);
}

static void cell_status(struct cell *c) {
    struct pod_summary s = summarise(c->object);
    cell_text(c, s.status);
}

static void cell_restarts(struct cell *c) {
    struct pod_summary s = summarise(c->object);
    buf_i64(c->text, s.restarts);
    if (s.restarts && s.last_restart.set) {
        cell_text(c, " (");
        cell_since(c, s.last_restart, "");
        cell_text(c, " ago)");
    }
}

static void cell_ip(struct cell *c) {
    const struct core_pod *p = c->object;
    cell_or(c, p->status.pod_ips.n ? p->status.pod_ips.v[0].ip : STR_NONE, "<none>");
}

static void cell_readiness_gates(struct cell *c) {
    const struct core_pod *p = c->object;
    uint32_t open = 0;
    for (uint32_t i = 0; i < p->spec.readiness_gates.n; i++)
        open += condition_true(p, p->spec.readiness_gates.v[i].condition_type);
    if (p->spec.readiness_gates.n)
        buf_printf(c->text, "%u/%u", open, p->spec.readiness_gates.n);
    else
        cell_text(c, "<none>");
}

const struct cell_row cells_pod[] = {
    {TY_CORE_POD, "Ready", cell_ready},
    {TY_CORE_POD, "Status", cell_status},
    {TY_CORE_POD, "Restarts", cell_restarts},
    {TY_CORE_POD, "IP", cell_ip},
    {TY_CORE_POD, "Readiness Gates", cell_readiness_gates},
    {0, NULL, NULL},
};
