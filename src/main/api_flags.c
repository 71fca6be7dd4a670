/* The API server's flags, under upstream's names. */
#include "main/api_flags.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"

size_t api_flags_add(struct api_flags *s, struct flag *v, size_t n) {
    *s = (struct api_flags){.store = "sqlite",
                            .logging_format = "text",
                            .authorization_mode = "Node,RBAC",
                            .port = 6443,
                            .drain_ns = 10 * NS_PER_SEC};
    const struct flag rows[] = {
        {"config", 0, FLAG_STRING, &s->config, "YAML file with flags as keys; the command line wins"},
        {"data-dir", 0, FLAG_STRING, &s->o.data_dir, "keys, certificates, kubeconfigs and the database"},
        {"store", 0, FLAG_STRING, &s->store, "sqlite, or memory: nothing outlives the process"},
        {"bind-address", 0, FLAG_STRING, &s->o.bind_address, "address to listen on"},
        {"secure-port", 0, FLAG_INT, &s->port, "port to listen on; 0: any free one"},
        {"advertise-address", 0, FLAG_STRING, &s->o.advertise_address, "address others reach the server at"},
        {"tls-san", 0, FLAG_LIST, &s->tls_names, "more names and addresses of the serving certificate"},
        {"tls-cert-file", 0, FLAG_STRING, &s->o.tls_cert_file, "serving certificate instead of an own one"},
        {"tls-private-key-file", 0, FLAG_STRING, &s->o.tls_private_key_file, "its key"},
        {"client-ca-file", 0, FLAG_STRING, &s->o.client_ca_file, "authorities of clients besides our own"},
        {"kubelet-certificate-authority", 0, FLAG_STRING, &s->o.kubelet_certificate_authority,
         "authorities of kubelets' certificates"},
        {"token-auth-file", 0, FLAG_STRING, &s->o.token_auth_file, "CSV file of bearer tokens"},
        {"service-cluster-ip-range", 0, FLAG_STRING, &s->o.service_cluster_ip_range,
         "network of service addresses"},
        {"service-node-port-range", 0, FLAG_STRING, &s->o.service_node_port_range,
         "ports for services on nodes"},
        {"service-account-issuer", 0, FLAG_STRING, &s->o.service_account_issuer,
         "issuer of service account tokens"},
        {"cluster-domain", 0, FLAG_STRING, &s->o.cluster_domain, "domain of the cluster's names"},
        {"authorization-mode", 0, FLAG_STRING, &s->authorization_mode, "Node,RBAC: the only mode there is"},
        {"loops", 0, FLAG_INT, &s->loops, "threads that serve connections; 0: one a core, at most 8"},
        {"shutdown-grace-period", 0, FLAG_DURATION, &s->drain_ns, "time for requests in flight at the end"},
        {"logging-format", 0, FLAG_STRING, &s->logging_format, "text or json"},
        {"v", 'v', FLAG_INT, &s->verbosity, "how much is logged"},
        {"version", 0, FLAG_BOOL, &s->version, "print the version and end"},
    };
    size_t count = sizeof rows / sizeof *rows;
    check(n + count <= API_FLAGS_MAX);
    memcpy(v + n, rows, sizeof rows);
    return n + count;
}

static bool complain(const char *program, const char *text) {
    fprintf(stderr, "%s: %s\n", program, text);
    return false;
}

bool api_flags_finish(struct api_flags *s, const char *program) {
    if (!s->o.data_dir || !*s->o.data_dir)
        return complain(program, "--data-dir is wanted: where keys and the database are kept");
    if (strcmp(s->store, "sqlite") != 0 && strcmp(s->store, "memory") != 0)
        return complain(program, "--store: sqlite or memory");
    if (strcmp(s->authorization_mode, "Node,RBAC") != 0)
        return complain(program, "--authorization-mode: the server decides by Node,RBAC and by nothing else");
    if (s->port < 0 || s->port > 65535)
        return complain(program, "--secure-port: a number up to 65535");
    if (s->loops < 0 || s->loops > 64)
        return complain(program, "--loops: a number up to 64");
    if (!s->o.tls_cert_file != !s->o.tls_private_key_file)
        return complain(program, "--tls-cert-file and --tls-private-key-file belong together");
    s->o.memory_store = strcmp(s->store, "memory") == 0;
    s->o.port_any = s->port == 0;
    s->o.secure_port = (uint16_t)s->port;
    s->o.loops = (unsigned)s->loops;
    s->o.tls_names = s->tls_names.v;
    log_setup(&(struct log_options){.format = strcmp(s->logging_format, "json") == 0 ? LOG_JSON : LOG_TEXT,
                                    .verbosity = (int)s->verbosity});
    return true;
}
