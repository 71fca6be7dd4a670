/* apiserver/server_files: the keys, certificates and kubeconfigs of the data directory.
 *
 *     pki/ca.crt, ca.key                       the cluster's authority
 *     pki/apiserver.crt, .key                  what the server shows
 *     pki/apiserver-kubelet-client.crt, .key   what it shows to kubelets
 *     pki/sa.key, sa.pub                       signs and verifies service account tokens
 *     admin.conf, controller-manager.conf, scheduler.conf
 *
 * Made when they are not there; certificates that the authority has issued are issued anew when two thirds of
 * their life have passed, or when they do not name what they must. Keys and kubeconfigs have mode 0600.
 * Without a directory all of it is kept in memory only.
 *
 * Start and renewal on one thread at a time; texts may be read by any thread and change by renewal only in
 * the files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "net/pki.h"

struct apiserver_options;
struct clock;
struct err;

struct server_files {
    struct arena arena;
    const char *dir; /* NULL: in memory */
    struct clock *clock;
    struct pki_ca *ca;
    struct str ca_pem, ca_key_pem;
    struct str sa_key_pem;
    /* paths */
    const char *cert, *key, *client_ca, *sa_key, *kubelet_cert, *kubelet_key, *admin_conf;
    const char *kubelet_ca; /* NULL: kubelets are not verified */
    bool own_cert;          /* cert and key are ours to renew */
    struct pki_names serving;
};

struct server_files_options {
    const struct apiserver_options *server;
    struct str advertise_address, service_address, cluster_domain;
    struct clock *clock;
};

int server_files_open(const struct server_files_options *o, struct server_files **ret, struct err *err);
void server_files_free(struct server_files *f);

/* Kubeconfigs, once the port is known; written when they say something else. url: https://127.0.0.1:6443. */
int server_files_kubeconfigs(struct server_files *f, struct str url, struct err *err);

/* Issues what is due anew. True: the serving certificate is another one. */
bool server_files_renew(struct server_files *f, struct str url);
