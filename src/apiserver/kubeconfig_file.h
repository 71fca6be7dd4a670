/* apiserver/kubeconfig_file: kubeconfig files for the administrator and the components.
 *
 * One cluster, one user, one context; what is secret is in the file itself. Any thread.
 *
 * CONFORMS: kubeconfig, apiVersion v1, kind Config.
 */
#pragma once

#include "base/str.h"

struct buf;
struct err;

struct kubeconfig_file {
    struct str server;            /* https://host:port */
    struct str cluster, user;     /* names within the file */
    struct str ca_pem;            /* absent: the system's authorities */
    struct str cert_pem, key_pem; /* absent: none */
    struct str token;             /* absent: none */
};

/* Appends the YAML text. */
void kubeconfig_file_print(const struct kubeconfig_file *k, struct buf *out);

/* Replaces the file as a whole, mode 0600. Blocks. */
int kubeconfig_file_write(const struct kubeconfig_file *k, const char *path, struct err *err);
