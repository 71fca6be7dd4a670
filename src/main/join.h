/* main/join: how a machine becomes a node: a token that pins the cluster's authority, certificates by signing
 * requests.
 *
 *     token:  <pin of the authority's key, 64 hexadecimal digits>:<id>.<secret>
 *
 * The joining machine asks the server for its chain of certificates without trusting it, and trusts the
 * authority in it whose key has the pin; from then on everything is verified. With the bootstrap token it
 * asks for a client certificate as system:node:<name>, which a controller approves and signs; as that node it
 * asks for its serving certificate.
 *
 * Blocks; the process's first thread, and the thread that renews. CONFORMS: TLS bootstrapping: signers
 * kubernetes.io/kube-apiserver-client-kubelet and kubernetes.io/kubelet-serving.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct client;
struct err;

#define JOIN_TIMEOUT_MS 120000

struct join_token {
    struct str pin;    /* 64 hexadecimal digits; "": none, the authority must be known otherwise */
    struct str bearer; /* id.secret */
};

/* ERR_INVALID says what a token looks like. Borrows. */
int join_token_read(struct str text, struct join_token *ret, struct err *err);

/* The PEM of the authority with that pin, out of what the server (https://host:port) presents. */
int join_fetch_ca(struct str server, struct str pin, struct arena *a, struct str *ret_ca_pem,
                  struct err *err);

struct join_request {
    struct str signer;
    struct str node_name;
    struct str_array ips, dns; /* of serving certificates */
    bool serving;
    struct str key_pem; /* absent: a new key */
};

/* Asks for a certificate and waits until it is signed. ERR_FORBIDDEN when it is denied, ERR_TIMEOUT. */
int join_certificate(struct client *c, const struct join_request *r, struct arena *a,
                     struct str *ret_cert_pem, struct str *ret_key_pem, struct err *err);
