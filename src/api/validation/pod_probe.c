/* Rules on probes and lifecycle hooks of containers. See pod.h. */
#include "api/validation/pod.h"

/* What probes and hooks can do. Probes have no sleep, hooks no gRPC. */
struct handler {
    const struct core_exec_action *exec;
    const struct core_http_get_action *http_get;
    const struct core_tcp_socket_action *tcp_socket;
    const struct core_grpc_action *grpc;
    const struct core_sleep_action *sleep;
};

static void check_http_get(struct field_errors *e, const struct field_path *p,
                           const struct core_http_get_action *http) {
    static const struct str schemes[] = {STR_INIT("HTTP"), STR_INIT("HTTPS")};
    check_required(e, at_field(p, "path"), http->path);
    check_port_or_name(e, at_field(p, "port"), http->port);
    check_supported(e, at_field(p, "scheme"), http->scheme, STR_SET(schemes));
    for (uint32_t i = 0; i < http->http_headers.n; i++)
        check_format(e, at_field(p, "httpHeaders"), http->http_headers.v[i].name, name_check_http_header);
}

static void check_sleep(struct pod_check *pc, const struct field_path *p,
                        const struct core_sleep_action *sleep) {
    struct opt_i64 grace = pc->spec->termination_grace_period_seconds;
    if (sleep->seconds < 0 || (grace.set && sleep->seconds > grace.v))
        field_invalid(pc->e, at_field(p, "seconds"), bad(sleep->seconds),
                      "must not be negative nor greater than terminationGracePeriodSeconds (%lld)",
                      (long long)grace.v);
}

/* Counts a handler; false, with an error, when there was one already. */
static bool take(struct pod_check *pc, const struct field_path *p, int *n) {
    if ((*n)++ == 0)
        return true;
    field_forbidden(pc->e, p, "may not specify more than 1 handler type");
    return false;
}

static void check_handler(struct pod_check *pc, const struct field_path *p, const struct handler *h) {
    int n = 0;
    if (h->exec && take(pc, at_field(p, "exec"), &n) && h->exec->command.n == 0)
        field_required(pc->e, at_field(p, "exec.command"));
    if (h->http_get && take(pc, at_field(p, "httpGet"), &n))
        check_http_get(pc->e, at_field(p, "httpGet"), h->http_get);
    if (h->tcp_socket && take(pc, at_field(p, "tcpSocket"), &n))
        check_port_or_name(pc->e, at_field(p, "tcpSocket.port"), h->tcp_socket->port);
    if (h->grpc && take(pc, at_field(p, "grpc"), &n))
        check_port(pc->e, at_field(p, "grpc.port"), h->grpc->port);
    if (h->sleep && take(pc, at_field(p, "sleep"), &n))
        check_sleep(pc, at_field(p, "sleep"), h->sleep);
    if (n == 0)
        field_required_because(pc->e, p, "must specify a handler type");
}

/* ---- probes ---- */

static void check_probe(struct pod_check *pc, const struct field_path *p, const struct core_probe *probe) {
    const struct handler h = {.exec = probe->handler.exec,
                              .http_get = probe->handler.http_get,
                              .tcp_socket = probe->handler.tcp_socket,
                              .grpc = probe->handler.grpc};
    check_handler(pc, p, &h);
    check_non_negative(pc->e, at_field(p, "initialDelaySeconds"), probe->initial_delay_seconds);
    check_non_negative(pc->e, at_field(p, "timeoutSeconds"), probe->timeout_seconds);
    check_non_negative(pc->e, at_field(p, "periodSeconds"), probe->period_seconds);
    check_non_negative(pc->e, at_field(p, "successThreshold"), probe->success_threshold);
    check_non_negative(pc->e, at_field(p, "failureThreshold"), probe->failure_threshold);
    if (probe->termination_grace_period_seconds.set)
        check_positive(pc->e, at_field(p, "terminationGracePeriodSeconds"),
                       probe->termination_grace_period_seconds.v);
}

/* Probes whose failure has a container restarted succeed at once. */
static void check_restarting_probe(struct pod_check *pc, const struct field_path *p,
                                   const struct core_probe *probe) {
    check_probe(pc, p, probe);
    if (probe->success_threshold != 1)
        field_invalid(pc->e, at_field(p, "successThreshold"), bad(probe->success_threshold), "must be 1");
}

void check_probes(struct pod_check *pc, const struct field_path *p, const struct core_container *c) {
    if (c->liveness_probe)
        check_restarting_probe(pc, at_field(p, "livenessProbe"), c->liveness_probe);
    if (c->readiness_probe) {
        const struct field_path *at = at_field(p, "readinessProbe");
        check_probe(pc, at, c->readiness_probe);
        if (c->readiness_probe->termination_grace_period_seconds.set)
            field_invalid(pc->e, at_field(at, "terminationGracePeriodSeconds"),
                          bad(c->readiness_probe->termination_grace_period_seconds),
                          "must not be set for readinessProbes");
    }
    if (c->startup_probe)
        check_restarting_probe(pc, at_field(p, "startupProbe"), c->startup_probe);
}

/* ---- lifecycle ---- */

static void check_hook(struct pod_check *pc, const struct field_path *p,
                       const struct core_lifecycle_handler *hook) {
    const struct handler h = {
        .exec = hook->exec, .http_get = hook->http_get, .tcp_socket = hook->tcp_socket, .sleep = hook->sleep};
    check_handler(pc, p, &h);
}

/* Sorted, as errors show them. */
static const struct str linux_signals[] = {
    STR_INIT("SIGABRT"),     STR_INIT("SIGALRM"),     STR_INIT("SIGBUS"),      STR_INIT("SIGCHLD"),
    STR_INIT("SIGCLD"),      STR_INIT("SIGCONT"),     STR_INIT("SIGFPE"),      STR_INIT("SIGHUP"),
    STR_INIT("SIGILL"),      STR_INIT("SIGINT"),      STR_INIT("SIGIO"),       STR_INIT("SIGIOT"),
    STR_INIT("SIGKILL"),     STR_INIT("SIGPIPE"),     STR_INIT("SIGPOLL"),     STR_INIT("SIGPROF"),
    STR_INIT("SIGPWR"),      STR_INIT("SIGQUIT"),     STR_INIT("SIGRTMAX"),    STR_INIT("SIGRTMAX-1"),
    STR_INIT("SIGRTMAX-10"), STR_INIT("SIGRTMAX-11"), STR_INIT("SIGRTMAX-12"), STR_INIT("SIGRTMAX-13"),
    STR_INIT("SIGRTMAX-14"), STR_INIT("SIGRTMAX-2"),  STR_INIT("SIGRTMAX-3"),  STR_INIT("SIGRTMAX-4"),
    STR_INIT("SIGRTMAX-5"),  STR_INIT("SIGRTMAX-6"),  STR_INIT("SIGRTMAX-7"),  STR_INIT("SIGRTMAX-8"),
    STR_INIT("SIGRTMAX-9"),  STR_INIT("SIGRTMIN"),    STR_INIT("SIGRTMIN+1"),  STR_INIT("SIGRTMIN+10"),
    STR_INIT("SIGRTMIN+11"), STR_INIT("SIGRTMIN+12"), STR_INIT("SIGRTMIN+13"), STR_INIT("SIGRTMIN+14"),
    STR_INIT("SIGRTMIN+15"), STR_INIT("SIGRTMIN+2"),  STR_INIT("SIGRTMIN+3"),  STR_INIT("SIGRTMIN+4"),
    STR_INIT("SIGRTMIN+5"),  STR_INIT("SIGRTMIN+6"),  STR_INIT("SIGRTMIN+7"),  STR_INIT("SIGRTMIN+8"),
    STR_INIT("SIGRTMIN+9"),  STR_INIT("SIGSEGV"),     STR_INIT("SIGSTKFLT"),   STR_INIT("SIGSTOP"),
    STR_INIT("SIGSYS"),      STR_INIT("SIGTERM"),     STR_INIT("SIGTRAP"),     STR_INIT("SIGTSTP"),
    STR_INIT("SIGTTIN"),     STR_INIT("SIGTTOU"),     STR_INIT("SIGURG"),      STR_INIT("SIGUSR1"),
    STR_INIT("SIGUSR2"),     STR_INIT("SIGVTALRM"),   STR_INIT("SIGWINCH"),    STR_INIT("SIGXCPU"),
    STR_INIT("SIGXFSZ"),
};

static void check_stop_signal(struct pod_check *pc, const struct field_path *p, struct str signal) {
    static const struct str windows_signals[] = {STR_INIT("SIGKILL"), STR_INIT("SIGTERM")};
    if (!pc->spec->os || str_empty(pc->spec->os->name))
        field_forbidden(pc->e, p, "may not be set for containers with empty `spec.os.name`");
    else if (pod_is_windows(pc->spec))
        check_supported(pc->e, p, signal, STR_SET(windows_signals));
    else
        check_supported(pc->e, p, signal, STR_SET(linux_signals));
}

void check_lifecycle(struct pod_check *pc, const struct field_path *p,
                     const struct core_lifecycle *lifecycle) {
    if (lifecycle->post_start)
        check_hook(pc, at_field(p, "postStart"), lifecycle->post_start);
    if (lifecycle->pre_stop)
        check_hook(pc, at_field(p, "preStop"), lifecycle->pre_stop);
    if (lifecycle->stop_signal.p)
        check_stop_signal(pc, at_field(p, "stopSignal"), lifecycle->stop_signal);
}
