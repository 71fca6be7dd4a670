/* main/tokens: join tokens: bootstrap tokens in secrets of kube-system, written together with the pin of the
 * cluster's authority, and the grants that let their bearers ask for certificates. Blocks.
 *
 * CONFORMS: bootstrap tokens; the roles system:node-bootstrapper and system:certificates.k8s.io:…:nodeclient.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct client;
struct err;

#define TOKEN_GROUP "system:bootstrappers:coxswain:nodes"

struct token_options {
    struct str description;
    int64_t ttl_sec; /* 0: for ever */
};

/* Makes one; *ret_text is what a machine joins with. ca_pem: the cluster's authority. */
int token_create(struct client *c, const struct token_options *o, struct str ca_pem, struct arena *a,
                 struct str *ret_text, struct err *err);

/* By its id, or by its whole text. */
int token_delete(struct client *c, struct str id_or_text, struct err *err);

struct token_info {
    struct str id, description;
    int64_t expires_sec; /* 0: never */
};
int token_list(struct client *c, struct arena *a, struct token_info **ret, uint32_t *ret_n, struct err *err);

/* The bindings that bearers of tokens, and nodes that renew, need. Fine when they are there. */
int token_grants(struct client *c, struct err *err);
