/* Signing requests, and the pins by which authorities are known before they are trusted. */
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "net/crypto.h"
#include "net/pki.h"
#include "net/pki_priv.h"

static bool ask_for_names(X509_REQ *r, const struct pki_names *names, struct arena *a) {
    if (names->dns.n + names->ips.n == 0)
        return true;
    _scoped_names *all = pki_alternative_names(names, a);
    _scoped_ext *e = all ? X509V3_EXT_i2d(NID_subject_alt_name, 0, all) : NULL;
    if (!e)
        return false;
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    bool ok = list && sk_X509_EXTENSION_push(list, e) > 0 && X509_REQ_add_extensions(r, list) == 1;
    sk_X509_EXTENSION_free(list);
    return ok;
}

static int write_request(X509_REQ *r, EVP_PKEY *key, struct arena *a, struct str *ret_csr_pem,
                         struct str *ret_key_pem, struct err *err) {
    _scoped_bio *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    if (!text || !secret || PEM_write_bio_X509_REQ(text, r) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_fail(err, ERR_INTERNAL, "cannot write the signing request");
    *ret_csr_pem = crypto_bio_text(a, text);
    *ret_key_pem = crypto_bio_text(a, secret);
    return 0;
}

int pki_request_new(const struct pki_names *names, struct str key_pem, struct arena *a,
                    struct str *ret_csr_pem, struct str *ret_key_pem, struct err *err) {
    if (names->orgs.n > PKI_NAMES_MAX || names->dns.n > PKI_NAMES_MAX || names->ips.n > PKI_NAMES_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %u names in a signing request", PKI_NAMES_MAX);
    _scoped_pkey *key = key_pem.p ? pki_read_key(key_pem) : EVP_EC_gen("P-256");
    if (!key)
        return crypto_fail(err, ERR_INVALID, "cannot read or make the key");
    _scoped_req *r = X509_REQ_new();
    if (!r || X509_REQ_set_version(r, 0) != 1 || !pki_set_name(X509_REQ_get_subject_name(r), names) ||
        !ask_for_names(r, names, a) || X509_REQ_set_pubkey(r, key) != 1 ||
        X509_REQ_sign(r, key, EVP_sha256()) <= 0)
        return crypto_fail(err, ERR_INVALID, "the names do not fit a signing request");
    return write_request(r, key, a, ret_csr_pem, ret_key_pem, err);
}

int pki_key_pin(struct str cert_pem, struct arena *a, struct str *ret_hex, struct err *err) {
    _scoped_x509 *x = pki_read_cert(cert_pem);
    unsigned char *der = NULL;
    int n = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : -1;
    if (n <= 0)
        return crypto_fail(err, ERR_INVALID, "cannot read the certificate");
    unsigned char digest[SHA256_DIGEST_LENGTH];
    (void)SHA256(der, (size_t)n, digest);
    OPENSSL_free(der);
    _cleanup_buf struct buf hex = BUF_INIT;
    for (size_t i = 0; i < sizeof digest; i++)
        buf_printf(&hex, "%02x", digest[i]);
    *ret_hex = buf_to_arena(&hex, a);
    return 0;
}
