/* coxswain agent: a node as a process. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/node.h"
#include "main/signals.h"
#include "main/version.h"

#define TOKEN_WAIT_NS (60ll * 1000000000)
#define LOOK_NS 20000000ll

struct settings {
    struct node_options o;
    const char *config, *token_file, *logging_format;
    struct flag_list labels;
    int64_t verbosity, max_pods, kubelet_port, healthz_port;
    bool version;
};

static int complain(const char *text) {
    fprintf(stderr, "coxswain agent: %s\n", text);
    return 1;
}

/* The control plane of this machine may be about to write it. */
static void await_file(const char *path) {
    for (int64_t waited = 0; waited < TOKEN_WAIT_NS && !file_exists(path); waited += LOOK_NS)
        clock_sleep_ns(clock_system(), LOOK_NS);
}

static int finish(struct settings *s, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    if (!s->o.data_dir || s->o.data_dir[0] != '/')
        return complain("--data-dir is wanted, an absolute path: where the node keeps what it has");
    if (!s->o.server)
        return complain("--server is wanted: https://host:6443");
    if (s->token_file) {
        await_file(s->token_file);
        if (file_read(s->token_file, 4096, &b, &err) < 0)
            return complain(err.msg);
        s->o.token = arena_strz(a, str_trim(buf_view(&b)));
    }
    if (s->kubelet_port < 0 || s->kubelet_port > 65535 || s->healthz_port < 0 || s->healthz_port > 65535)
        return complain("a port is a number up to 65535");
    s->o.labels = s->labels.v;
    s->o.max_pods = (uint32_t)s->max_pods;
    s->o.kubelet_port = (uint16_t)s->kubelet_port;
    s->o.healthz_port = (uint16_t)s->healthz_port;
    log_setup(&(struct log_options){.format = strcmp(s->logging_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                    .verbosity = (int)s->verbosity});
    return 0;
}

static int run(const struct settings *s) {
    struct node *node;
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    if (node_start(&s->o, &node, &err) < 0) {
        log_error("the node cannot start", kv("err", &err));
        return 1;
    }
    log_info("the node runs");
    int number = signals_wait(&signals);
    log_info("the node ends", kv("signal", number));
    if (number != SIGUSR1) {
        node_stop(node);
        return 0;
    }
    int rc = node_remove(node, &err);
    if (rc < 0)
        log_error("not everything of the node could be removed", kv("err", &err));
    return rc < 0;
}

int applet_agent(int argc, char **argv) {
    struct settings s = {.logging_format = "text", .max_pods = 110};
    const struct flag table[] = {
        {"config", 0, FLAG_STRING, &s.config, "YAML file with flags as keys; the command line wins"},
        {"data-dir", 0, FLAG_STRING, &s.o.data_dir, "certificates, images, containers, volumes"},
        {"server", 0, FLAG_STRING, &s.o.server, "the API server: https://host:6443"},
        {"token", 0, FLAG_STRING, &s.o.token, "join token; on the server: coxswain token create"},
        {"token-file", 0, FLAG_STRING, &s.token_file, "file with the join token"},
        {"ca-file", 0, FLAG_STRING, &s.o.ca_file, "the cluster's authority, for tokens that do not pin it"},
        {"node-name", 0, FLAG_STRING, &s.o.node_name, "name of the node instead of the host's"},
        {"node-ip", 0, FLAG_STRING, &s.o.node_ip,
         "address of the node instead of that of the route to the server"},
        {"node-labels", 0, FLAG_LIST, &s.labels, "labels of the node: key=value,…"},
        {"container-runtime-endpoint", 0, FLAG_STRING, &s.o.runtime_endpoint,
         "socket of a CRI runtime instead of a containerd of our own"},
        {"cluster-dns", 0, FLAG_STRING, &s.o.cluster_dns, "address of the cluster's DNS"},
        {"cluster-domain", 0, FLAG_STRING, &s.o.cluster_domain, "domain of the cluster's names"},
        {"cluster-cidr", 0, FLAG_STRING, &s.o.cluster_cidr, "network of pods"},
        {"service-cluster-ip-range", 0, FLAG_STRING, &s.o.service_cidr, "network of service addresses"},
        {"resolv-conf", 0, FLAG_STRING, &s.o.resolv_conf, "the host's resolvers"},
        {"pod-manifest-path", 0, FLAG_STRING, &s.o.static_pod_dir, "folder of static pods"},
        {"max-pods", 0, FLAG_INT, &s.max_pods, "pods on this node at most"},
        {"port", 0, FLAG_INT, &s.kubelet_port, "port of the kubelet; 0: 10250"},
        {"healthz-port", 0, FLAG_INT, &s.healthz_port, "port of its health; 0: 10248"},
        {"no-network", 0, FLAG_BOOL, &s.o.no_network,
         "another program connects pods and serves services and DNS"},
        {"logging-format", 0, FLAG_STRING, &s.logging_format, "text or json"},
        {"v", 'v', FLAG_INT, &s.verbosity, "how much is logged"},
        {"version", 0, FLAG_BOOL, &s.version, "print the version and end"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {.program = "coxswain agent",
                      .about = "Runs a node: containers, their network, services and DNS.",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &arena};
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (s.version) {
        puts("Kubernetes " KUBERNETES_VERSION);
        return 0;
    }
    status = finish(&s, &arena);
    return status ? status : run(&s);
}
