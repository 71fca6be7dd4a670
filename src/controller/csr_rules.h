/* csr_rules: which certificate requests the built-in signers take.
 *
 * Pure but for reading the request; any thread. CONFORMS: the signers kubernetes.io/kube-apiserver-client,
 * kube-apiserver-client-kubelet, kubelet-serving and legacy-unknown.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/types/certificates.h"
#include "base/arena.h"
#include "net/pki.h"

struct err;

const struct certificates_certificate_signing_request_condition *
csr_condition(const struct certificates_certificate_signing_request *csr, const char *type);

/* The usages (enum pki_usage) that are asked for; false: some that we never give. */
bool csr_usages(const struct certificates_certificate_signing_request_spec *s, unsigned *ret);

/* Whether the signer takes the request; ERR_INVALID with the reason otherwise, ERR_UNSUPPORTED for other
 * signers. names: what pki_request_parse found in it. */
int csr_check(const struct certificates_certificate_signing_request_spec *s, const struct pki_names *names,
              struct err *err);

enum csr_client { CSR_NO_CLIENT, CSR_NODE_CLIENT, CSR_SELF_NODE_CLIENT };
/* A kubelet's client certificate: for another node, or for itself. */
enum csr_client csr_recognise(const struct certificates_certificate_signing_request_spec *s,
                              const struct pki_names *names);

/* When the request may be deleted, seconds since 1970; INT64_MAX: not by its conditions. */
int64_t csr_expires_sec(const struct certificates_certificate_signing_request *csr, struct arena *a);
