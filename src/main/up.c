/* coxswain up: everything on this machine, with one command; says what it does, step by step, and how to go
 * on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/process.h"
#include "base/vec.h"
#include "client/client.h"
#include "client/raw.h"
#include "client/reconciler.h"
#include "main/admin.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/layout.h"

#define MS 1000000ll
#define LOOK_NS (50 * MS)
#define CONTROL_USER "65532"

struct up {
    struct layout l;
    struct arena arena;
    const char *config, *data_dir, *cluster_cidr, *service_cidr, *bind_address, *advertise, *node_name,
        *node_ip, *runtime;
    struct flag_list tls_names, labels;
    int64_t port, wait_ns, node_grace_ns;
    bool ephemeral, foreground, server_only, no_network;
    int64_t started_ns;
    VEC(const char *) argv;
};

static double seconds(const struct up *u) {
    return (double)(clock_mono_ns(clock_system()) - u->started_ns) / 1e9;
}

static void say(const struct up *u, const char *what) {
    printf("%6.2f s  %s\n", seconds(u), what);
    fflush(stdout);
}

/* -- arguments of the two processes -- */

static void add(struct up *u, const char *flag, const char *value) {
    if (value)
        vec_push(&u->argv, arena_printf(&u->arena, "--%s=%s", flag, value).p);
}

static void add_list(struct up *u, const char *flag, const struct flag_list *values) {
    for (size_t i = 0; i < values->n; i++)
        add(u, flag, values->v[i]);
}

static void build_argv(struct up *u) {
    const char *port = arena_printf(&u->arena, "%lld", (long long)u->port).p;
    vec_push(&u->argv, "/proc/self/exe");
    vec_push(&u->argv, "supervise");
    vec_push(&u->argv, u->l.dir);
    add(u, "data-dir", u->l.server_dir);
    add(u, "store", u->ephemeral ? "memory" : "sqlite");
    add(u, "secure-port", port);
    add(u, "bind-address", u->bind_address);
    add(u, "advertise-address", u->advertise);
    add(u, "cluster-cidr", u->cluster_cidr);
    add(u, "service-cluster-ip-range", u->service_cidr);
    add_list(u, "tls-san", &u->tls_names);
    add(u, "node-token-file", u->l.node_token);
    if (u->node_grace_ns)
        add(u, "node-monitor-grace-period",
            arena_printf(&u->arena, "%lldms", (long long)(u->node_grace_ns / MS)).p);
    add(u, "run-as", geteuid() == 0 ? CONTROL_USER : NULL);
    vec_push(&u->argv, "--");
    if (!u->server_only) {
        add(u, "data-dir", u->l.node_dir);
        add(u, "server", arena_printf(&u->arena, "https://127.0.0.1:%s", port).p);
        add(u, "token-file", u->l.node_token);
        add(u, "node-name", u->node_name);
        add(u, "node-ip", u->node_ip);
        add_list(u, "node-labels", &u->labels);
        add(u, "container-runtime-endpoint", u->runtime);
        add(u, "cluster-cidr", u->cluster_cidr);
        add(u, "service-cluster-ip-range", u->service_cidr);
        if (u->no_network)
            vec_push(&u->argv, "--no-network");
    }
    vec_push(&u->argv, NULL);
}

/* -- waiting -- */

static bool ready(struct client *c) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct raw_answer answer;
    struct raw_call call = {.method = "GET", .path = S("/readyz"), .timeout_ms = 2000};
    return client_raw(c, &call, &a, &answer, NULL) == 0 && answer.http_code == 200;
}

static bool node_ready(struct client *c) {
    struct client_call call = {.verb = CLIENT_LIST, .kind = KIND(CORE_NODE), .timeout_ms = 2000};
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    if (client_do(c, &call, &answer, NULL) < 0)
        return false;
    for (uint32_t i = 0; i < answer.n_items; i++) {
        const struct core_node *n = answer.items[i]->body;
        for (uint32_t k = 0; k < n->status.conditions.n; k++)
            if (str_eq(n->status.conditions.v[k].type, S("Ready")) &&
                str_eq(n->status.conditions.v[k].status, S("True")))
                return true;
    }
    return false;
}

static struct client *connect_admin(struct up *u) {
    struct client *c = NULL;
    return file_exists(u->l.kubeconfig) && admin_client(&u->l, &c, NULL) == 0 ? c : NULL;
}

/* False when it did not come in time, or the supervisor ended. */
static bool wait_for(struct up *u, struct client **c, bool (*there)(struct client *c)) {
    int64_t until = u->started_ns + u->wait_ns;
    while (clock_mono_ns(clock_system()) < until) {
        if (!*c)
            *c = connect_admin(u);
        if (*c && there(*c))
            return true;
        clock_sleep_ns(clock_system(), LOOK_NS);
    }
    return false;
}

static int give_up(const struct up *u, const char *what) {
    fprintf(stderr, "%s did not become ready within %lld s. What happened is written in %s.\n", what,
            (long long)(u->wait_ns / (1000 * MS)), u->l.log_dir);
    return 1;
}

static void how_to_go_on(const struct up *u) {
    printf("\nThe cluster runs. Go on with:\n\n"
           "    export KUBECONFIG=%s\n"
           "    kubectl get pods -A\n"
           "    coxswain token create --data-dir %s     # lets another machine join\n"
           "    coxswain down --data-dir %s             # stops everything; --purge removes the data, too\n",
           u->l.kubeconfig, u->l.dir, u->l.dir);
}

static int await(struct up *u) {
    struct client *c = NULL;
    int status = 0;
    if (!wait_for(u, &c, ready))
        status = give_up(u, "The control plane");
    else
        say(u, "the control plane is ready");
    if (!status && !u->server_only) {
        if (!wait_for(u, &c, node_ready))
            status = give_up(u, "The node");
        else
            say(u, "the node is ready");
    }
    client_free(c);
    if (!status)
        how_to_go_on(u);
    return status;
}

/* -- starting -- */

static int start_supervisor(struct up *u, struct err *err) {
    const char *path = arena_printf(&u->arena, "%s/supervisor.log", u->l.log_dir).p;
    _cleanup_fd int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return err_errno(err, errno, "%s", path);
    struct process_options o = {.argv = u->argv.v, .out = log, .err = log, .session = true};
    struct process *p = NULL;
    int rc = process_start(&o, &p, err);
    process_release(p);
    return rc;
}

static int run(struct up *u) {
    struct err err = ERR_INIT;
    pid_t running = layout_running(&u->l);
    if (running) {
        printf("A cluster runs here already (%s, pid %d).\n", u->l.dir, (int)running);
        return await(u);
    }
    if (!u->server_only && geteuid() != 0) {
        fputs("coxswain up: a node needs root; without it, run the control plane alone: coxswain up "
              "--server-only\n",
              stderr);
        return 1;
    }
    say(u, "preparing folders");
    if (layout_create(&u->l, &err) < 0) {
        fprintf(stderr, "coxswain up: %s\n", err.msg);
        return 1;
    }
    build_argv(u);
    if (u->foreground) {
        execv("/proc/self/exe", (char *const *)u->argv.v);
        fprintf(stderr, "coxswain up: %s\n", strerror(errno));
        return 1;
    }
    say(u, u->server_only ? "starting the control plane" : "starting the control plane and the node");
    if (start_supervisor(u, &err) < 0) {
        fprintf(stderr, "coxswain up: %s\n", err.msg);
        return 1;
    }
    return await(u);
}

int applet_up(int argc, char **argv) {
    struct up u = {.arena = ARENA_INIT,
                   .data_dir = LAYOUT_DATA_DIR,
                   .port = 6443,
                   .wait_ns = 120000 * MS,
                   .started_ns = clock_mono_ns(clock_system())};
    const struct flag table[] = {
        {"config", 0, FLAG_STRING, &u.config, "YAML file with flags as keys; the command line wins"},
        {"data-dir", 0, FLAG_STRING, &u.data_dir, "where everything is kept"},
        {"ephemeral", 0, FLAG_BOOL, &u.ephemeral, "a throw-away cluster: the store is in memory"},
        {"foreground", 0, FLAG_BOOL, &u.foreground,
         "stay here and end with the cluster: for service managers"},
        {"server-only", 0, FLAG_BOOL, &u.server_only, "no node on this machine"},
        {"secure-port", 0, FLAG_INT, &u.port, "port of the API server"},
        {"bind-address", 0, FLAG_STRING, &u.bind_address, "address of the API server"},
        {"advertise-address", 0, FLAG_STRING, &u.advertise, "address others reach this machine at"},
        {"tls-san", 0, FLAG_LIST, &u.tls_names, "more names and addresses of the API server"},
        {"cluster-cidr", 0, FLAG_STRING, &u.cluster_cidr, "network of pods"},
        {"service-cluster-ip-range", 0, FLAG_STRING, &u.service_cidr, "network of service addresses"},
        {"node-monitor-grace-period", 0, FLAG_DURATION, &u.node_grace_ns,
         "a node that says nothing for so long is not ready; 0: 50s"},
        {"node-name", 0, FLAG_STRING, &u.node_name, "name of this node instead of the host's"},
        {"node-ip", 0, FLAG_STRING, &u.node_ip, "address of this node"},
        {"node-labels", 0, FLAG_LIST, &u.labels, "labels of this node: key=value,…"},
        {"container-runtime-endpoint", 0, FLAG_STRING, &u.runtime,
         "a CRI runtime instead of a containerd of our own"},
        {"no-network", 0, FLAG_BOOL, &u.no_network, "another program connects pods"},
        {"wait", 0, FLAG_DURATION, &u.wait_ns, "how long to wait until it is ready"},
    };
    struct flags f = {.program = "coxswain up",
                      .about = "Starts a cluster on this machine.",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &u.arena};
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (u.data_dir[0] != '/' || u.port < 1 || u.port > 65535) {
        fputs("coxswain up: --data-dir is an absolute path, --secure-port a number from 1 to 65535\n",
              stderr);
        return 1;
    }
    layout_make(u.data_dir, &u.arena, &u.l);
    status = run(&u);
    vec_fini(&u.argv);
    arena_fini(&u.arena);
    return status;
}
