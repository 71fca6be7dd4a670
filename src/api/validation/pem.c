/* PEM texts. See pem.h. */
#include "api/validation/pem.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "api/validation/seen.h"
#include "base/vec.h"

struct block {
    char *name, *header;
    unsigned char *data;
    long n;
};

static bool next_block(BIO *in, struct block *ret) {
    *ret = (struct block){0};
    bool found = PEM_read_bio(in, &ret->name, &ret->header, &ret->data, &ret->n) == 1;
    ERR_clear_error();
    return found;
}

static void free_block(struct block *b) {
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    OPENSSL_free(b->data);
}

static BIO *open_text(struct str pem) {
    return pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p ? pem.p : "", (int)pem.n);
}

static const char *request_fault(const struct block *b) {
    const unsigned char *p = b->data;
    if (strcmp(b->name, "CERTIFICATE REQUEST") != 0)
        return "PEM block type must be CERTIFICATE REQUEST";
    X509_REQ *request = d2i_X509_REQ(NULL, &p, b->n);
    const char *fault = !request ? "the certificate request cannot be read" : NULL;
    if (request && p != b->data + b->n)
        fault = "there is something behind the certificate request";
    EVP_PKEY *key = fault ? NULL : X509_REQ_get0_pubkey(request);
    if (!fault && (!key || X509_REQ_verify(request, key) != 1))
        fault = "the signature of the certificate request is wrong";
    X509_REQ_free(request);
    ERR_clear_error();
    return fault;
}

bool pem_is_request(struct str pem, const char **ret_why) {
    BIO *in = open_text(pem);
    struct block b;
    *ret_why = "PEM block type must be CERTIFICATE REQUEST";
    if (in && next_block(in, &b)) {
        *ret_why = request_fault(&b);
        free_block(&b);
    }
    BIO_free(in);
    return !*ret_why;
}

static const char *certificate_fault(const struct block *b, bool ca_only) {
    const unsigned char *p = b->data;
    if (strcmp(b->name, "CERTIFICATE") != 0)
        return "only CERTIFICATE PEM blocks are allowed";
    if (b->header[0])
        return "no PEM block headers are permitted";
    X509 *certificate = d2i_X509(NULL, &p, b->n);
    const char *fault = !certificate || p != b->data + b->n ? "a certificate cannot be read" : NULL;
    if (!fault && ca_only && X509_check_ca(certificate) != 1)
        fault = "a certificate is not that of an authority";
    X509_free(certificate);
    ERR_clear_error();
    return fault;
}

/* The blocks of one text, kept for comparing them. */
struct blocks {
    struct block *v;
    size_t n, cap;
};

static bool add_block(struct blocks *blocks, struct seen *seen, struct block b) {
    vec_grow((void **)&blocks->v, &blocks->cap, blocks->n + 1, sizeof *blocks->v);
    blocks->v[blocks->n++] = b;
    return !seen_before(seen, str_make((const char *)b.data, (size_t)b.n));
}

bool pem_are_certificates(struct str pem, bool ca_only, const char **ret_why) {
    BIO *in = open_text(pem);
    struct blocks blocks = {0};
    struct block b;
    SEEN(seen);
    *ret_why = NULL;
    while (in && !*ret_why && next_block(in, &b)) {
        bool again = !add_block(&blocks, &seen, b);
        *ret_why = again && ca_only ? "a certificate is there twice" : certificate_fault(&b, ca_only);
    }
    if (!*ret_why && blocks.n == 0)
        *ret_why = "must contain at least one PEM block";
    for (size_t i = 0; i < blocks.n; i++)
        free_block(&blocks.v[i]);
    free(blocks.v);
    BIO_free(in);
    return !*ret_why;
}
