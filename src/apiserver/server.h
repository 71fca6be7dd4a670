/* apiserver/server: puts the API server together: store, cache, keys and certificates, first objects, doors.
 *
 * The HTTP doors run on loops of their own (net/http.h); in-process clients (client_local.h) need none. In a
 * simulation there are no doors, and everything runs on the simulation's thread over an inline memory store.
 *
 * Start and stop: the owner's thread, which is no loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct apiserver;
struct err;
struct metrics;
struct sim;

/* Flags of the same names as upstream's where it has them. Texts are copied. Zero is a default. */
struct apiserver_options {
    const char *data_dir;     /* keys, certificates, kubeconfigs, the database; made with mode 0700 */
    bool memory_store;        /* --store=memory: nothing outlives the process */
    const char *bind_address; /* 0.0.0.0 */
    uint16_t secure_port;     /* 0: 6443; with port_any: any free one */
    bool port_any;
    const char *advertise_address; /* NULL: the address of the default route, else 127.0.0.1 */
    const char *const *tls_names;  /* more names and addresses in the serving certificate; NULL-terminated */
    const char *tls_cert_file, *tls_private_key_file,
        *client_ca_file;                       /* NULL: made and renewed in data_dir/pki */
    const char *kubelet_certificate_authority; /* file; NULL: kubelets are verified if own_kubelets says so */
    bool own_kubelets;                         /* they all have certificates of our own authority */
    const char *service_cluster_ip_range;      /* 10.96.0.0/12 */
    const char *service_node_port_range;       /* 30000-32767 */
    const char *service_account_issuer;        /* https://kubernetes.default.svc.cluster.local */
    const char *token_auth_file;
    const char *cluster_domain; /* cluster.local */
    unsigned loops;             /* 0: cores, at most 8 */
    bool no_door;               /* no HTTP at all: simulations, tests */
    struct sim *sim;
    struct metrics *metrics; /* NULL: its own */
};

int apiserver_start(const struct apiserver_options *o, struct apiserver **ret, struct err *err);

/* Drains: readyz fails first, watches end, requests in flight finish (at most drain_ms), then the store
 * closes. NULL is fine. */
void apiserver_stop(struct apiserver *s, unsigned drain_ms);

uint16_t apiserver_port(const struct apiserver *s);
/* The kubeconfig of the administrator, made at start (mode 0600). Borrowed. */
const char *apiserver_admin_kubeconfig(const struct apiserver *s);
/* PEM of the cluster's authority. */
struct str apiserver_ca_pem(const struct apiserver *s);
bool apiserver_ready(const struct apiserver *s);
