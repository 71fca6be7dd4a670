/* client/kubeconfig: kubeconfig files: read, merged, turned into what a client needs, and changed.
 *
 * Several files (KUBECONFIG=a:b) are one: of values that are in more than one, the first file's count. Files
 * that are not there are empty. Blocks; one thread at a time.
 *
 * CONFORMS: upstream's loading rules: order, merging, paths relative to the file, where changes go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "codec/jval.h"

struct arena;
struct client_config;
struct err;
struct kubeconfig;

#define KUBECONFIG_BYTES_MAX ((size_t)4 << 20)

/* path: that file alone, which must be there; NULL: those of KUBECONFIG, or ~/.kube/config. */
int kubeconfig_load(const char *path, struct kubeconfig **ret, struct err *err);
void kubeconfig_free(struct kubeconfig *k);

/* Whether no file said anything. */
bool kubeconfig_empty(const struct kubeconfig *k);

/* All files as one: apiVersion, kind, clusters, contexts, users, current-context, preferences; paths are
 * absolute. Borrowed. */
const struct jval *kubeconfig_tree(const struct kubeconfig *k);

enum kubeconfig_section { KUBECONFIG_CLUSTER, KUBECONFIG_USER, KUBECONFIG_CONTEXT };

/* The body of an entry ({"server":…}), or NULL. Borrowed. */
const struct jval *kubeconfig_get(const struct kubeconfig *k, enum kubeconfig_section s, struct str name);
struct str kubeconfig_current(const struct kubeconfig *k); /* "": none */
/* Names of a section's entries, sorted, in the arena. */
size_t kubeconfig_names(const struct kubeconfig *k, enum kubeconfig_section s, struct arena *a,
                        struct str **ret);

/* What flags say instead of the files; "" (or absent): what the files say. */
struct kubeconfig_flags {
    struct str context, cluster, user, ns;
    struct str server, tls_server_name, ca_path, cert_path, key_path, token, username, password;
    struct str as_user, as_uid;
    const struct str *as_groups;
    size_t n_as_groups;
    bool insecure;
};

/* Everything a client needs, for the current context or the one of the flags (may be NULL). *ret is one of
 * the caller's own. ERR_NOT_FOUND: a name that no file has; ERR_INVALID: values that make no sense. */
int kubeconfig_client_config(const struct kubeconfig *k, const struct kubeconfig_flags *flags,
                             struct client_config *ret, struct err *err);

/* The usual way in: the file or files, and where there are none, a pod's own account. */
int client_config_load(const char *path, const struct kubeconfig_flags *flags, struct client_config *ret,
                       struct err *err);

/* -- changes: written at once, into the file that has the entry, or the first one -- */

/* body NULL: the entry goes. *ret_was_there may be NULL. */
int kubeconfig_put(struct kubeconfig *k, enum kubeconfig_section s, struct str name, const struct jval *body,
                   bool *ret_was_there, struct err *err);
/* "" for none. */
int kubeconfig_set_current(struct kubeconfig *k, struct str name, struct err *err);
/* Where an entry that is new would go. */
struct str kubeconfig_default_path(const struct kubeconfig *k);
