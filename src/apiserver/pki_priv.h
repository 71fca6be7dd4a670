/* apiserver/pki_priv: what pki.c and pki_info.c share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/crypto_priv.h"
#include "base/str.h"

/* The first of a PEM text; NULL when it cannot be read. The caller's. */
X509 *pki_read_cert(struct str pem);
X509_REQ *pki_read_request(struct str pem);

/* Seconds since 1970; false for a time that is none. */
bool pki_time(const ASN1_TIME *t, int64_t *ret_sec);
