/* client/exec_credential: programs that give credentials, as kubeconfig files name them.
 *
 * Blocks while the program runs. CONFORMS: client.authentication.k8s.io ExecCredential, v1 and v1beta1.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct arena;
struct client_config;
struct err;

struct exec_answer {
    struct str token, cert_pem, key_pem; /* in the arena; "": not given */
    int64_t expires_ns;                  /* wall; 0: not said */
};

/* Runs config->exec. ERR_NOT_FOUND when there is no such program: the message has the install hint. */
int exec_credential(const struct client_config *config, struct arena *a, struct exec_answer *ret,
                    struct err *err);
