/* coxswain scheduler, also called kube-scheduler: the scheduler as a process of its own, against a remote API
 * server. Health and metrics are served on loopback.
 */
#include <stdio.h>
#include <string.h>

#include "api/types/scheduler_config.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/health.h"
#include "main/signals.h"
#include "main/version.h"
#include "scheduler/config_file.h"
#include "scheduler/scheduler.h"

struct settings {
    struct arena arena;
    struct scheduler_options o;
    struct client *client;
    struct scheduler *scheduler;
    struct health *health;
    /* flags */
    const char *config, *kubeconfig, *master, *bind_address, *logging_format, *lease_namespace, *lease_name;
    int64_t port, verbosity;
    bool leader_elect, version;
};

static size_t add_flags(struct settings *s, struct flag *v, size_t max) {
    const struct flag rows[] = {
        {"config", 0, FLAG_STRING, &s->config, "file with a KubeSchedulerConfiguration"},
        {"kubeconfig", 0, FLAG_STRING, &s->kubeconfig, "how to reach the API server"},
        {"master", 0, FLAG_STRING, &s->master, "its address instead of the one in the kubeconfig"},
        {"leader-elect", 0, FLAG_BOOL, &s->leader_elect, "act only while holding the lease"},
        {"leader-elect-lease-duration", 0, FLAG_DURATION, &s->o.lease_ns, "how long the lease is valid"},
        {"leader-elect-renew-deadline", 0, FLAG_DURATION, &s->o.renew_ns, "how long renewing is tried"},
        {"leader-elect-retry-period", 0, FLAG_DURATION, &s->o.retry_ns, "time between attempts"},
        {"leader-elect-resource-namespace", 0, FLAG_STRING, &s->lease_namespace, "namespace of the lease"},
        {"leader-elect-resource-name", 0, FLAG_STRING, &s->lease_name, "name of the lease"},
        {"bind-address", 0, FLAG_STRING, &s->bind_address, "address of health and metrics"},
        {"secure-port", 0, FLAG_INT, &s->port, "port of health and metrics; 0: none"},
        {"logging-format", 0, FLAG_STRING, &s->logging_format, "text or json"},
        {"v", 'v', FLAG_INT, &s->verbosity, "how much is logged"},
        {"version", 0, FLAG_BOOL, &s->version, "print the version and end"},
    };
    check(sizeof rows / sizeof *rows <= max);
    memcpy(v, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* The file's values in place of defaults; flags are read again afterwards, so that they win. */
static void take_config(struct settings *s) {
    const struct componentbase_leader_election_configuration *l = &s->o.config->leader_election;
    struct str kubeconfig = s->o.config->client_connection.kubeconfig;
    if (l->leader_elect.set)
        s->leader_elect = l->leader_elect.v;
    s->o.lease_ns = l->lease_duration.ns;
    s->o.renew_ns = l->renew_deadline.ns;
    s->o.retry_ns = l->retry_period.ns;
    if (l->resource_name.n)
        s->lease_name = arena_strz(&s->arena, l->resource_name);
    if (l->resource_namespace.n)
        s->lease_namespace = arena_strz(&s->arena, l->resource_namespace);
    if (kubeconfig.n)
        s->kubeconfig = arena_strz(&s->arena, kubeconfig);
}

static bool read_config(struct settings *s) {
    struct err err = ERR_INIT;
    if (scheduler_config_read(s->config, &s->arena, &s->o.config, &err) < 0) {
        log_error("the scheduler cannot start", kv("err", &err));
        return false;
    }
    take_config(s);
    return true;
}

static int start(struct settings *s, struct err *err) {
    struct client_config config;
    struct kubeconfig_flags flags = {.server = str_from(s->master)};
    int r = client_config_load(s->kubeconfig, &flags, &config, err);
    if (r == 0)
        r = client_remote_new(&config, S("kube-scheduler"), &s->client, err);
    s->o.client = s->client;
    s->o.leader_elect = s->leader_elect;
    s->o.lease_namespace = str_from(s->lease_namespace);
    s->o.lease_name = str_from(s->lease_name);
    if (r == 0)
        r = scheduler_start(&s->o, &s->scheduler, err);
    return r < 0 ? r : health_start(s->bind_address, s->port, s->o.metrics, &s->health, err);
}

static int serve(struct settings *s) {
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    s->o.metrics = metrics_new();
    int r = start(s, &err);
    if (r < 0)
        log_error("the scheduler cannot start", kv("err", &err));
    else
        log_info("the scheduler ends", kv("signal", signals_wait(&signals)));
    health_stop(s->health);
    scheduler_stop(s->scheduler);
    client_free(s->client);
    metrics_free(s->o.metrics);
    return r < 0 ? 1 : 0;
}

int applet_kube_scheduler(int argc, char **argv) {
    struct settings s = {
        .bind_address = "127.0.0.1", .logging_format = "text", .leader_elect = true, .port = 10259};
    struct flag table[32];
    arena_init(&s.arena);
    struct flags f = {.program = "kube-scheduler",
                      .about = "Gives every pod a node.",
                      .v = table,
                      .n = add_flags(&s, table, sizeof table / sizeof *table),
                      .arena = &s.arena,
                      .own_config = true};
    struct flag_list args;
    int status = 0;
    bool go_on = flags_parse_or_end(&f, argc, argv, &args, &status);
    if (go_on && s.version) {
        puts("Kubernetes " KUBERNETES_VERSION);
        go_on = false;
    }
    if (go_on && s.config) {
        status = read_config(&s) ? 0 : 1;
        go_on = status == 0 && flags_parse_or_end(&f, argc, argv, &args, &status);
    }
    if (go_on) {
        log_setup(&(struct log_options){.format = strcmp(s.logging_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                        .verbosity = (int)s.verbosity});
        status = serve(&s);
    }
    arena_fini(&s.arena);
    return status;
}
