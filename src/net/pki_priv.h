/* net/pki_priv: what pki.c and pki_info.c share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/crypto.h"

/* The first of a PEM text; NULL when it cannot be read. The caller's. */
X509 *pki_read_cert(struct str pem);
X509_REQ *pki_read_request(struct str pem);

EVP_PKEY *pki_read_key(struct str pem);

/* Puts organisations and common name into a subject. */
struct pki_names;
bool pki_set_name(X509_NAME *name, const struct pki_names *names);

/* DNS names and addresses; NULL: they do not fit. The caller's. */
GENERAL_NAMES *pki_alternative_names(const struct pki_names *names, struct arena *a);

/* Seconds since 1970; false for a time that is none. */
bool pki_time(const ASN1_TIME *t, int64_t *ret_sec);
