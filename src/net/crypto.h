/* net/crypto: OpenSSL objects that end with their scope, and its errors as ours. For files that work with
 * keys and certificates. */
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/arena.h"
#include "base/err.h"

#define CRYPTO_SCOPED(name, type, release)                                                                   \
    static inline void name(type **p) {                                                                      \
        release(*p);                                                                                         \
    }

CRYPTO_SCOPED(crypto_end_bio, BIO, BIO_free)
CRYPTO_SCOPED(crypto_end_bn, BIGNUM, BN_free)
CRYPTO_SCOPED(crypto_end_sig, ECDSA_SIG, ECDSA_SIG_free)
CRYPTO_SCOPED(crypto_end_md, EVP_MD_CTX, EVP_MD_CTX_free)
CRYPTO_SCOPED(crypto_end_pkey, EVP_PKEY, EVP_PKEY_free)
CRYPTO_SCOPED(crypto_end_x509, X509, X509_free)
CRYPTO_SCOPED(crypto_end_req, X509_REQ, X509_REQ_free)
CRYPTO_SCOPED(crypto_end_ext, X509_EXTENSION, X509_EXTENSION_free)
CRYPTO_SCOPED(crypto_end_names, GENERAL_NAMES, GENERAL_NAMES_free)

#define _scoped_bio __attribute__((cleanup(crypto_end_bio))) BIO
#define _scoped_bn __attribute__((cleanup(crypto_end_bn))) BIGNUM
#define _scoped_sig __attribute__((cleanup(crypto_end_sig))) ECDSA_SIG
#define _scoped_md __attribute__((cleanup(crypto_end_md))) EVP_MD_CTX
#define _scoped_pkey __attribute__((cleanup(crypto_end_pkey))) EVP_PKEY
#define _scoped_x509 __attribute__((cleanup(crypto_end_x509))) X509
#define _scoped_req __attribute__((cleanup(crypto_end_req))) X509_REQ
#define _scoped_ext __attribute__((cleanup(crypto_end_ext))) X509_EXTENSION
#define _scoped_names __attribute__((cleanup(crypto_end_names))) GENERAL_NAMES

/* An error with the library's latest reason behind it; its queue is empty afterwards. */
static inline int crypto_fail(struct err *err, int code, const char *what) {
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    return err_set(err, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

/* What was written to a memory BIO. */
static inline struct str crypto_bio_text(struct arena *a, BIO *bio) {
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);
    return arena_str(a, str_make(n > 0 ? p : "", n > 0 ? (size_t)n : 0));
}

/* Reading an encrypted key must fail, not ask on the terminal. */
static inline int crypto_no_password(char *to, int size, int writing, void *arg) {
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}
