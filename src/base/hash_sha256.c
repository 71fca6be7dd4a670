/* See hash.h: SHA-256, of OpenSSL. Apart from the rest, so that small programs do without that library. */
#include <openssl/evp.h>
#include <pthread.h>

#include "base/err.h"
#include "base/hash.h"

/* Fetching the algorithm costs more than hashing a short text, so it is fetched once. */
static EVP_MD *sha256_algorithm;

static void fetch_sha256(void) {
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256_algorithm)
        panic("OpenSSL has no SHA-256");
}

static const EVP_MD *algorithm(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, fetch_sha256);
    return sha256_algorithm;
}

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES]) {
    unsigned n = 0;
    if (EVP_Digest(data.n ? data.p : "", data.n, ret_digest, &n, algorithm(), NULL) != 1 || n != SHA256_BYTES)
        panic("SHA-256 failed");
}

void sha256_hex(struct str data, char ret_hex[SHA256_HEX_SIZE]) {
    uint8_t digest[SHA256_BYTES];
    sha256(data, digest);
    hex_encode(digest, sizeof digest, ret_hex);
}

void sha256_init(struct sha256 *h) {
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || EVP_DigestInit_ex(h->ctx, algorithm(), NULL) != 1)
        panic("SHA-256 failed");
}

void sha256_add(struct sha256 *h, struct str data) {
    check(h->ctx);
    if (data.n && EVP_DigestUpdate(h->ctx, data.p, data.n) != 1)
        panic("SHA-256 failed");
}

void sha256_final(struct sha256 *h, uint8_t ret_digest[SHA256_BYTES]) {
    unsigned n = 0;
    check(h->ctx);
    if (EVP_DigestFinal_ex(h->ctx, ret_digest, &n) != 1 || n != SHA256_BYTES)
        panic("SHA-256 failed");
    sha256_fini(h);
}

void sha256_fini(struct sha256 *h) {
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}
