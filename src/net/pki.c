/* Making and signing certificates; reading them is pki_info.c. */
#include "net/pki.h"

#include <stdlib.h>

#include <openssl/pem.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "net/pki_priv.h"

struct pki_ca {
    X509 *cert;
    EVP_PKEY *key;
};

EVP_PKEY *pki_read_key(struct str pem) {
    if (pem.n == 0 || pem.n > PKI_PEM_BYTES_MAX)
        return NULL;
    _scoped_bio *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    return bio ? PEM_read_bio_PrivateKey(bio, NULL, crypto_no_password, NULL) : NULL;
}

static int write_pair(X509 *cert, EVP_PKEY *key, struct arena *a, struct pki_pair *ret_pair,
                      struct err *err) {
    _scoped_bio *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    if (!text || !secret || PEM_write_bio_X509(text, cert) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_fail(err, ERR_INTERNAL, "cannot write the certificate");
    *ret_pair = (struct pki_pair){crypto_bio_text(a, text), crypto_bio_text(a, secret)};
    return 0;
}

static bool add_entry(X509_NAME *name, const char *field, struct str text) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)text.p, (int)text.n,
                                      -1, 0) == 1;
}

bool pki_set_name(X509_NAME *name, const struct pki_names *names) {
    for (uint32_t i = 0; i < names->orgs.n; i++)
        if (!add_entry(name, "O", names->orgs.v[i]))
            return false;
    return names->cn.n == 0 || add_entry(name, "CN", names->cn);
}

/* CONFORMS: RFC 5280 4.1.2.2: a positive serial number of at most twenty bytes. */
static bool set_serial(X509 *x) {
    unsigned char bytes[20];
    rand_fill(rand_system(), bytes, sizeof bytes);
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
    _scoped_bn *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    return n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    _scoped_ext *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    return e && X509_add_ext(x, e, -1) == 1;
}

static GENERAL_NAME *dns_name(struct str text) {
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    if (g && s && ASN1_STRING_set(s, text.p, (int)text.n) == 1) {
        GENERAL_NAME_set0_value(g, GEN_DNS, s);
        return g;
    }
    GENERAL_NAME_free(g);
    ASN1_IA5STRING_free(s);
    return NULL;
}

static GENERAL_NAME *ip_name(struct arena *a, struct str text) {
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_OCTET_STRING *s = a2i_IPADDRESS(arena_strz(a, text));
    if (g && s) {
        GENERAL_NAME_set0_value(g, GEN_IPADD, s);
        return g;
    }
    GENERAL_NAME_free(g);
    ASN1_OCTET_STRING_free(s);
    return NULL;
}

static bool push_name(GENERAL_NAMES *all, GENERAL_NAME *g) {
    if (g && sk_GENERAL_NAME_push(all, g) > 0)
        return true;
    GENERAL_NAME_free(g);
    return false;
}

GENERAL_NAMES *pki_alternative_names(const struct pki_names *names, struct arena *a) {
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;
    for (uint32_t i = 0; ok && i < names->dns.n; i++)
        ok = push_name(all, dns_name(names->dns.v[i]));
    for (uint32_t i = 0; ok && i < names->ips.n; i++)
        ok = push_name(all, ip_name(a, names->ips.v[i]));
    if (ok)
        return all;
    GENERAL_NAMES_free(all);
    return NULL;
}

static bool add_alternative_names(X509 *x, const struct pki_names *names, struct arena *a) {
    if (names->dns.n + names->ips.n == 0)
        return true;
    _scoped_names *all = pki_alternative_names(names, a);
    return all && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_usages(X509 *x, X509 *issuer, unsigned usages) {
    static const char *const key_usage[] = {"critical,digitalSignature", "critical,keyEncipherment",
                                            "critical,digitalSignature,keyEncipherment"};
    static const char *const extended[] = {"serverAuth", "clientAuth", "serverAuth,clientAuth"};
    unsigned k = (usages & PKI_DIGITAL_SIGNATURE ? 1u : 0) | (usages & PKI_KEY_ENCIPHERMENT ? 2u : 0);
    unsigned e = usages & (PKI_SERVER_AUTH | PKI_CLIENT_AUTH);
    return (k == 0 || add_extension(x, issuer, NID_key_usage, key_usage[k - 1])) &&
           (e == 0 || add_extension(x, issuer, NID_ext_key_usage, extended[e - 1]));
}

/* Version, serial number, key and times. not_after_max: of the issuer. */
static bool start_cert(X509 *x, EVP_PKEY *key, int64_t now, int64_t lifetime_sec, int64_t not_after_max) {
    int64_t end = lifetime_sec < not_after_max - now ? now + lifetime_sec : not_after_max;
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) && X509_set_pubkey(x, key) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(x), now - PKI_BACKDATE_SEC) &&
           ASN1_TIME_set(X509_getm_notAfter(x), end);
}

int pki_ca_new(struct str cn, struct str key_pem, int64_t lifetime_sec, const struct clock *clock,
               struct arena *a, struct pki_pair *ret_pair, struct err *err) {
    if (cn.n == 0 || lifetime_sec <= 0 || lifetime_sec > 100 * PKI_LEAF_LIFETIME_SEC)
        return err_set(err, ERR_INVALID, "an authority needs a name and a lifetime of at most a century");
    _scoped_pkey *key = key_pem.p ? pki_read_key(key_pem) : EVP_EC_gen("P-256");
    if (!key)
        return crypto_fail(err, ERR_INVALID, "there is no key");
    struct pki_names names = {.cn = cn};
    _scoped_x509 *x = X509_new();
    if (!x || !start_cert(x, key, clock_wall_sec(clock), lifetime_sec, INT64_MAX) ||
        !pki_set_name(X509_get_subject_name(x), &names) ||
        X509_set_issuer_name(x, X509_get_subject_name(x)) != 1 ||
        !add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE") ||
        !add_extension(x, x, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign") ||
        !add_extension(x, x, NID_subject_key_identifier, "hash") || X509_sign(x, key, EVP_sha256()) <= 0)
        return crypto_fail(err, ERR_INTERNAL, "cannot make the authority");
    return write_pair(x, key, a, ret_pair, err);
}

int pki_ca_load(struct str cert_pem, struct str key_pem, struct pki_ca **ret_ca, struct err *err) {
    _scoped_x509 *cert = pki_read_cert(cert_pem);
    if (!cert)
        return crypto_fail(err, ERR_INVALID, "the authority's certificate cannot be read");
    _scoped_pkey *key = pki_read_key(key_pem);
    if (!key)
        return crypto_fail(err, ERR_INVALID, "the authority's key cannot be read");
    if (X509_check_private_key(cert, key) != 1)
        return crypto_fail(err, ERR_INVALID, "the key does not belong to the authority's certificate");
    if (X509_check_ca(cert) != 1)
        return crypto_fail(err, ERR_INVALID, "the certificate is none of an authority");
    struct pki_ca *ca = calloc(1, sizeof *ca);
    if (!ca)
        panic("out of memory");
    *ca = (struct pki_ca){cert, key};
    cert = NULL;
    key = NULL;
    *ret_ca = ca;
    return 0;
}

void pki_ca_free(struct pki_ca *ca) {
    if (!ca)
        return;
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    free(ca);
}

/* Signs a certificate of `key`. *ret_cert belongs to the caller. */
static int sign(const struct pki_ca *ca, EVP_PKEY *key, const struct pki_names *names, unsigned usages,
                int64_t lifetime_sec, int64_t now, struct arena *a, X509 **ret_cert, struct err *err) {
    if (names->orgs.n > PKI_NAMES_MAX || names->dns.n > PKI_NAMES_MAX || names->ips.n > PKI_NAMES_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %u names in a certificate", PKI_NAMES_MAX);
    int64_t end;
    if (!pki_time(X509_get0_notAfter(ca->cert), &end) || now >= end)
        return err_set(err, ERR_EXPIRED, "the authority's certificate has expired");
    if (lifetime_sec <= 0)
        return err_set(err, ERR_INVALID, "a certificate needs a lifetime");
    _scoped_x509 *x = X509_new();
    if (!x || !start_cert(x, key, now, lifetime_sec, end) || !pki_set_name(X509_get_subject_name(x), names) ||
        X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) != 1)
        return crypto_fail(err, ERR_INVALID, "the subject does not fit a certificate");
    if (!add_alternative_names(x, names, a))
        return crypto_fail(err, ERR_INVALID, "the alternative names do not fit a certificate");
    if (!add_extension(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_usages(x, ca->cert, usages) ||
        !add_extension(x, ca->cert, NID_authority_key_identifier, "keyid") ||
        X509_sign(x, ca->key, EVP_sha256()) <= 0)
        return crypto_fail(err, ERR_INTERNAL, "cannot sign the certificate");
    *ret_cert = x;
    x = NULL;
    return 0;
}

int pki_issue(const struct pki_ca *ca, const struct pki_names *names, unsigned usages, int64_t lifetime_sec,
              const struct clock *clock, struct arena *a, struct pki_pair *ret_pair, struct err *err) {
    _scoped_pkey *key = EVP_EC_gen("P-256");
    if (!key)
        return crypto_fail(err, ERR_INTERNAL, "cannot make a key");
    _scoped_x509 *x = NULL;
    int r = sign(ca, key, names, usages, lifetime_sec, clock_wall_sec(clock), a, &x, err);
    return r < 0 ? r : write_pair(x, key, a, ret_pair, err);
}

static bool same_texts(struct str_array x, struct str_array y) {
    bool same = x.n == y.n;
    for (uint32_t i = 0; same && i < x.n; i++)
        same = str_eq(x.v[i], y.v[i]);
    return same;
}

int pki_request_sign(const struct pki_ca *ca, struct str csr_pem, const struct pki_names *expected,
                     unsigned usages, int64_t lifetime_sec, const struct clock *clock, struct arena *a,
                     struct str *ret_cert_pem, struct err *err) {
    struct pki_names names;
    int r = pki_request_parse(csr_pem, a, &names, err);
    if (r < 0)
        return r;
    if (!str_eq(names.cn, expected->cn) || !same_texts(names.orgs, expected->orgs) ||
        !same_texts(names.dns, expected->dns) || !same_texts(names.ips, expected->ips))
        return err_set(err, ERR_FORBIDDEN, "the request asks for other names than expected");
    _scoped_req *request = pki_read_request(csr_pem);
    check(request);
    _scoped_x509 *x = NULL;
    r = sign(ca, X509_REQ_get0_pubkey(request), &names, usages, lifetime_sec, clock_wall_sec(clock), a, &x,
             err);
    if (r < 0)
        return r;
    _scoped_bio *text = BIO_new(BIO_s_mem());
    if (!text || PEM_write_bio_X509(text, x) != 1)
        return crypto_fail(err, ERR_INTERNAL, "cannot write the certificate");
    *ret_cert_pem = crypto_bio_text(a, text);
    return 0;
}

bool pki_issued_by(const struct pki_ca *ca, struct str cert_pem) {
    _scoped_x509 *x = pki_read_cert(cert_pem);
    bool yes = x && X509_check_issued(ca->cert, x) == X509_V_OK && X509_verify(x, ca->key) == 1;
    ERR_clear_error();
    return yes;
}
