/* coxswain apiserver, also called kube-apiserver: the API server as a process. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/server.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/version.h"

struct settings {
    struct apiserver_options o;
    const char *config, *store, *logging_format, *authorization_mode;
    int64_t port, loops, verbosity, drain_ns;
    struct flag_list tls_names;
    bool version;
};

#define TABLE(s)                                                                                             \
    {                                                                                                        \
        {"config", 0, FLAG_STRING, &(s)->config, "YAML file with flags as keys; the command line wins"},     \
            {"data-dir", 0, FLAG_STRING, &(s)->o.data_dir,                                                   \
             "keys, certificates, kubeconfigs and the database"},                                            \
            {"store", 0, FLAG_STRING, &(s)->store, "sqlite, or memory: nothing outlives the process"},       \
            {"bind-address", 0, FLAG_STRING, &(s)->o.bind_address, "address to listen on"},                  \
            {"secure-port", 0, FLAG_INT, &(s)->port, "port to listen on; 0: any free one"},                  \
            {"advertise-address", 0, FLAG_STRING, &(s)->o.advertise_address,                                 \
             "address others reach the server at"},                                                          \
            {"tls-san", 0, FLAG_LIST, &(s)->tls_names,                                                       \
             "more names and addresses of the serving certificate"},                                         \
            {"tls-cert-file", 0, FLAG_STRING, &(s)->o.tls_cert_file,                                         \
             "serving certificate instead of an own one"},                                                   \
            {"tls-private-key-file", 0, FLAG_STRING, &(s)->o.tls_private_key_file, "its key"},               \
            {"client-ca-file", 0, FLAG_STRING, &(s)->o.client_ca_file,                                       \
             "authorities of clients besides our own"},                                                      \
            {"token-auth-file", 0, FLAG_STRING, &(s)->o.token_auth_file, "CSV file of bearer tokens"},       \
            {"service-cluster-ip-range", 0, FLAG_STRING, &(s)->o.service_cluster_ip_range,                   \
             "network of service addresses"},                                                                \
            {"service-node-port-range", 0, FLAG_STRING, &(s)->o.service_node_port_range,                     \
             "ports for services on nodes"},                                                                 \
            {"service-account-issuer", 0, FLAG_STRING, &(s)->o.service_account_issuer,                       \
             "issuer of service account tokens"},                                                            \
            {"cluster-domain", 0, FLAG_STRING, &(s)->o.cluster_domain, "domain of the cluster's names"},     \
            {"authorization-mode", 0, FLAG_STRING, &(s)->authorization_mode,                                 \
             "Node,RBAC: the only mode there is"},                                                           \
            {"loops", 0, FLAG_INT, &(s)->loops, "threads that serve connections; 0: one a core, at most 8"}, \
            {"shutdown-grace-period", 0, FLAG_DURATION, &(s)->drain_ns,                                      \
             "time for requests in flight at the end"},                                                      \
            {"logging-format", 0, FLAG_STRING, &(s)->logging_format, "text or json"},                        \
            {"v", 'v', FLAG_INT, &(s)->verbosity, "how much is logged"},                                     \
            {"version", 0, FLAG_BOOL, &(s)->version, "print the version and end"},                           \
    }

static int complain(const char *text) {
    fprintf(stderr, "kube-apiserver: %s\n", text);
    return 1;
}

static int check_settings(struct settings *s) {
    if (!s->o.data_dir || !*s->o.data_dir)
        return complain("--data-dir is wanted: where keys and the database are kept");
    if (strcmp(s->store, "sqlite") != 0 && strcmp(s->store, "memory") != 0)
        return complain("--store: sqlite or memory");
    if (strcmp(s->authorization_mode, "Node,RBAC") != 0)
        return complain("--authorization-mode: the server decides by Node,RBAC and by nothing else");
    if (s->port < 0 || s->port > 65535)
        return complain("--secure-port: a number up to 65535");
    if (s->loops < 0 || s->loops > 64)
        return complain("--loops: a number up to 64");
    if (!s->o.tls_cert_file != !s->o.tls_private_key_file)
        return complain("--tls-cert-file and --tls-private-key-file belong together");
    s->o.memory_store = strcmp(s->store, "memory") == 0;
    s->o.port_any = s->port == 0;
    s->o.secure_port = (uint16_t)s->port;
    s->o.loops = (unsigned)s->loops;
    s->o.tls_names = s->tls_names.v;
    return 0;
}

/* Signals are taken by this thread alone, which waits for them. */
static void block_signals(sigset_t *ret) {
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
}

static int serve(const struct settings *s) {
    struct apiserver *server;
    struct err err = ERR_INIT;
    sigset_t signals;
    int signal_number = 0;
    block_signals(&signals);
    if (apiserver_start(&s->o, &server, &err) < 0) {
        log_error("the API server cannot start", kv("err", &err));
        return 1;
    }
    log_info("the API server is ready", kv("port", (unsigned)apiserver_port(server)),
             kv("kubeconfig", apiserver_admin_kubeconfig(server)));
    (void)sigwait(&signals, &signal_number);
    log_info("the API server ends", kv("signal", signal_number));
    apiserver_stop(server, (unsigned)(s->drain_ns / NS_PER_MS));
    return 0;
}

int applet_apiserver(int argc, char **argv) {
    struct settings s = {.store = "sqlite",
                         .logging_format = "text",
                         .authorization_mode = "Node,RBAC",
                         .port = 6443,
                         .drain_ns = 10 * NS_PER_SEC};
    const struct flag table[] = TABLE(&s);
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {
        .program = "kube-apiserver",
        .about = "Serves the Kubernetes API from an embedded store.",
        .v = table,
        .n = sizeof table / sizeof *table,
        .arena = &arena,
    };
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (s.version) {
        puts("Kubernetes " KUBERNETES_VERSION);
        return 0;
    }
    log_setup(&(struct log_options){.format = strcmp(s.logging_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                    .verbosity = (int)s.verbosity});
    status = check_settings(&s);
    return status ? status : serve(&s);
}
