/* coxswain simulate: nodes without machines, for rehearsing at scale: how a cluster of thousands of nodes
 * schedules, rolls out and fails over, on one machine.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/signals.h"
#include "main/version.h"
#include "simulate/nodes.h"

#define NODES_MAX 15000
#define THREADS 64u /* each waits for one answer at a time */
#define QUEUE_MAX 1024u

struct settings {
    struct simnodes_options o;
    struct client *client;
    struct simnodes *nodes;
    /* flags */
    const char *kubeconfig;
    struct flag_list labels, taints;
    int64_t n, zones;
    bool remove, version;
};

static int start(struct settings *s, struct err *err) {
    struct client_config config;
    if (s->n < 1 || s->n > NODES_MAX || s->zones < 0 || s->zones > NODES_MAX)
        return err_set(err, ERR_INVALID, "--nodes and --zones: numbers up to %d", NODES_MAX);
    int rc = client_config_load(s->kubeconfig, NULL, &config, err);
    if (!rc)
        rc = client_remote_new(&config, S("coxswain-simulate"), &s->client, err);
    s->o.client = s->client;
    s->o.n = (unsigned)s->n;
    s->o.zones = (unsigned)s->zones;
    s->o.labels = s->labels.v;
    s->o.taints = s->taints.v;
    s->o.leases = true;
    if (!rc)
        rc = loop_start(&(struct loop_options){.name = "simulate"}, &s->o.loop, err);
    if (!rc)
        rc = workers_start(&(struct workers_options){.threads = THREADS, .queue_max = QUEUE_MAX},
                           &s->o.workers, err);
    return rc ? rc : simnodes_start(&s->o, &s->nodes, err);
}

static void stop(struct settings *s) {
    struct err err = ERR_INIT;
    if (s->remove && s->nodes && simnodes_remove(s->nodes, &err))
        log_warn("simulated nodes are left behind", kv("err", &err));
    simnodes_stop(s->nodes);
    if (s->o.workers)
        workers_stop(s->o.workers);
    if (s->o.loop)
        loop_stop(s->o.loop);
    client_free(s->client);
}

static int serve(struct settings *s) {
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    int rc = start(s, &err);
    if (rc) {
        fprintf(stderr, "coxswain simulate: %s\n", err.msg);
    } else {
        printf("%u nodes, %s0 to %s%u, are simulated. End with Ctrl-C.\n", s->o.n, s->o.prefix, s->o.prefix,
               s->o.n - 1);
        (void)fflush(stdout);
        (void)signals_wait(&signals);
    }
    stop(s);
    return rc ? 1 : 0;
}

int applet_simulate(int argc, char **argv) {
    struct settings s = {.o.prefix = "node-", .o.cpu = "4", .o.memory = "8Gi", .o.pods = "110", .n = 10};
    const struct flag table[] = {
        {"nodes", 0, FLAG_INT, &s.n, "how many"},
        {"kubeconfig", 0, FLAG_STRING, &s.kubeconfig, "how to reach the API server"},
        {"name-prefix", 0, FLAG_STRING, &s.o.prefix, "of their names, before a number from 0"},
        {"cpu", 0, FLAG_STRING, &s.o.cpu, "processors of each"},
        {"memory", 0, FLAG_STRING, &s.o.memory, "memory of each"},
        {"pods", 0, FLAG_STRING, &s.o.pods, "pods that each takes"},
        {"zones", 0, FLAG_INT, &s.zones, "zones that they are spread over; 0: none"},
        {"node-labels", 0, FLAG_LIST, &s.labels, "labels of all, key=value"},
        {"register-with-taints", 0, FLAG_LIST, &s.taints, "taints of all, key=value:NoSchedule"},
        {"remove-nodes", 0, FLAG_BOOL, &s.remove, "delete the Node objects at the end"},
        {"version", 0, FLAG_BOOL, &s.version, "print the version and end"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {
        .program = "coxswain simulate",
        .about = "Plays the kubelets of many nodes: pods start, become ready, end and go as their\n"
                 "annotations say: sim/ready-after: 2s (or never), sim/runs-for: 30s with\n"
                 "sim/exit-code: 1, sim/stops-after: 3s. A node with sim/silent: \"true\" does nothing.",
        .v = table,
        .n = sizeof table / sizeof *table,
        .arena = &arena};
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (!s.version)
        return serve(&s);
    puts("Kubernetes " KUBERNETES_VERSION);
    return 0;
}
