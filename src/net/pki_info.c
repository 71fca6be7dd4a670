/* Reading certificates and signing requests. */
#include <arpa/inet.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "net/pki.h"
#include "net/pki_priv.h"

X509 *pki_read_cert(struct str pem) {
    if (pem.n == 0 || pem.n > PKI_PEM_BYTES_MAX)
        return NULL;
    _scoped_bio *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    return bio ? PEM_read_bio_X509(bio, NULL, crypto_no_password, NULL) : NULL;
}

X509_REQ *pki_read_request(struct str pem) {
    if (pem.n == 0 || pem.n > PKI_PEM_BYTES_MAX)
        return NULL;
    _scoped_bio *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    return bio ? PEM_read_bio_X509_REQ(bio, NULL, crypto_no_password, NULL) : NULL;
}

bool pki_time(const ASN1_TIME *t, int64_t *ret_sec) {
    struct tm tm;
    if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    struct civil c = {.year = tm.tm_year + 1900ll,
                      .month = tm.tm_mon + 1,
                      .day = tm.tm_mday,
                      .hour = tm.tm_hour,
                      .minute = tm.tm_min,
                      .second = tm.tm_sec};
    *ret_sec = time_from_civil(&c);
    return true;
}

/* The text of an entry; a NUL within would let two readers see different names. */
static bool entry_text(const X509_NAME *name, int at, struct arena *a, struct str *ret_text) {
    unsigned char *utf8 = NULL;
    int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (n < 0)
        return false;
    struct str text = str_make((const char *)utf8, (size_t)n);
    bool ok = str_find_byte(text, '\0') < 0;
    *ret_text = arena_str(a, text);
    OPENSSL_free(utf8);
    return ok;
}

/* CN and O. Of several CN the last counts, as upstream reads them. */
static bool read_subject(const X509_NAME *name, struct arena *a, struct pki_names *n) {
    int at, last = -1;
    n->cn = S("");
    for (at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
        last = at;
    if (last >= 0 && !entry_text(name, last, a, &n->cn))
        return false;
    uint32_t count = 0;
    for (at = -1; (at = X509_NAME_get_index_by_NID(name, NID_organizationName, at)) >= 0;)
        count++;
    if (count > PKI_NAMES_MAX)
        return false;
    n->orgs = (struct str_array){arena_new_n(a, count + 1, struct str), 0};
    for (at = -1; (at = X509_NAME_get_index_by_NID(name, NID_organizationName, at)) >= 0;)
        if (!entry_text(name, at, a, &n->orgs.v[n->orgs.n++]))
            return false;
    return true;
}

static bool read_ip(const ASN1_OCTET_STRING *s, struct arena *a, struct str *ret_text) {
    char text[INET6_ADDRSTRLEN];
    int n = ASN1_STRING_length(s);
    if (n != 4 && n != 16)
        return false;
    if (!inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof text))
        return false;
    *ret_text = arena_str(a, str_from(text));
    return true;
}

/* strict: other sorts of names are refused, else left out. */
static bool read_names(const GENERAL_NAMES *all, bool strict, struct arena *a, struct pki_names *n) {
    int count = all ? sk_GENERAL_NAME_num(all) : 0;
    if (count > (int)PKI_NAMES_MAX)
        return false;
    n->dns = (struct str_array){arena_new_n(a, (size_t)count + 1, struct str), 0};
    n->ips = (struct str_array){arena_new_n(a, (size_t)count + 1, struct str), 0};
    for (int i = 0; i < count; i++) {
        int type;
        const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);
        struct str text;
        if (type == GEN_DNS) {
            text = str_make((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
            if (str_find_byte(text, '\0') >= 0)
                return false;
            n->dns.v[n->dns.n++] = arena_str(a, text);
        } else if (type == GEN_IPADD) {
            if (!read_ip(s, a, &text))
                return false;
            n->ips.v[n->ips.n++] = text;
        } else if (strict) {
            return false;
        }
    }
    return true;
}

static struct str hex(struct arena *a, const unsigned char *bytes, size_t n) {
    char *to = arena_bytes(a, 2 * n);
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    return str_make(to, 2 * n);
}

int pki_cert_info(const void *x509, struct arena *a, struct pki_info *ret_info, struct err *err) {
    const X509 *x = x509;
    struct pki_info info = {0};
    _scoped_names *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    if (!read_subject(X509_get_subject_name(x), a, &info.names) ||
        !read_names(names, false, a, &info.names) ||
        !pki_time(X509_get0_notBefore(x), &info.not_before_sec) ||
        !pki_time(X509_get0_notAfter(x), &info.not_after_sec))
        return crypto_fail(err, ERR_INVALID, "the certificate's names or times cannot be read");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_n;
    if (X509_digest(x, EVP_sha256(), digest, &digest_n) != 1)
        return crypto_fail(err, ERR_INTERNAL, "the certificate has no digest");
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    info.sha256 = hex(a, digest, digest_n);
    info.serial = hex(a, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    info.is_ca = X509_check_ca((X509 *)(uintptr_t)x) == 1;
    ERR_clear_error();
    *ret_info = info;
    return 0;
}

int pki_cert_parse(struct str cert_pem, struct arena *a, struct pki_info *ret_info, struct err *err) {
    _scoped_x509 *x = pki_read_cert(cert_pem);
    if (!x)
        return crypto_fail(err, ERR_INVALID, "this is no certificate in PEM");
    return pki_cert_info(x, a, ret_info, err);
}

int pki_request_parse(struct str csr_pem, struct arena *a, struct pki_names *ret_names, struct err *err) {
    _scoped_req *request = pki_read_request(csr_pem);
    if (!request)
        return crypto_fail(err, ERR_INVALID, "this is no certificate request in PEM");
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (!key || X509_REQ_verify(request, key) != 1)
        return crypto_fail(err, ERR_INVALID, "the request's signature is not by its key");
    struct pki_names names = {0};
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    _scoped_names *all = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    if (!read_subject(X509_REQ_get_subject_name(request), a, &names) || !read_names(all, true, a, &names))
        return crypto_fail(err, ERR_INVALID, "the request's names cannot be taken");
    ERR_clear_error();
    *ret_names = names;
    return 0;
}

bool pki_renew_due(const struct pki_info *info, const struct clock *clock) {
    int64_t life = info->not_after_sec - info->not_before_sec;
    return clock_wall_sec(clock) >= info->not_before_sec + life / 3 * 2 + life % 3 * 2 / 3;
}
