/* client/config: how to reach an API server, and as whom. From a kubeconfig file (kubeconfig.h), from what a
 * pod finds in its file system, or filled in by hand.
 *
 * Everything lies in the config's arena; texts are copied by who fills it in. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/arena.h"
#include "base/str.h"

struct err;

/* A program that gives credentials (client.authentication.k8s.io). */
struct config_exec {
    struct str command; /* relative paths: to the kubeconfig file's directory */
    struct str_array args;
    struct str_array env; /* "NAME=value", besides our own */
    struct str api_version;
    struct str install_hint;
    bool provide_cluster_info;
};

struct config_extra {
    struct str key;
    struct str_array values;
};

struct client_config {
    struct arena arena;
    struct str_array servers;   /* https://host:port[/prefix]; the next is tried when one cannot be reached */
    struct str ca_pem, ca_path; /* neither: the system's authorities */
    bool insecure;              /* the server's certificate is not checked */
    struct str server_name;     /* that it must have; "": the URL's host */
    struct str proxy_url;
    bool no_compression;

    struct str cert_pem, cert_path, key_pem, key_path; /* files are read again when they change */
    struct str token, token_path;
    struct str username, password;
    struct config_exec *exec; /* NULL: none */

    struct str as_user, as_uid; /* impersonation; "": none */
    struct str_array as_groups;
    struct config_extra *as_extra;
    uint32_t n_as_extra;

    struct str ns; /* where commands look; "": default */
};

#define CLIENT_CONFIG_INIT                                                                                   \
    { .arena = ARENA_INIT }
void client_config_fini(struct client_config *c);
#define _cleanup_client_config __attribute__((cleanup(client_config_fini)))

/* What a pod has: KUBERNETES_SERVICE_HOST and _PORT, and the service account's files. ERR_NOT_FOUND outside
 * of a pod. dir: where the files are, NULL: /var/run/secrets/kubernetes.io/serviceaccount. */
int client_config_in_cluster(struct client_config *ret, const char *dir, struct err *err);
