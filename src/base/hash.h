/* base/hash: the hash functions, each for its purpose.
 *
 *   hash_bytes, hash_u64   fast, keyed with random words of this process: for tables fed by peers. Never
 * stored and never sent: another process gets other values. hash_fnv1a_*           FNV-1a, what upstream
 * builds names from (pod-template-hash, controller-revision-hash). sha256_*               SHA-256 (OpenSSL),
 * for digests that are stored or compared.
 *
 * Any thread; a struct sha256 belongs to one caller at a time. Nothing is kept but what the caller passes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* FNV-1a over more input: h starts as the matching offset basis. */
#define HASH_FNV1A_32_INIT 0x811c9dc5u
#define HASH_FNV1A_64_INIT 0xcbf29ce484222325u

static inline uint32_t hash_fnv1a_32_add(uint32_t h, struct str s) {
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x01000193u;
    return h;
}

static inline uint64_t hash_fnv1a_64_add(uint64_t h, struct str s) {
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x00000100000001b3u;
    return h;
}

static inline uint32_t hash_fnv1a_32(struct str s) {
    return hash_fnv1a_32_add(HASH_FNV1A_32_INIT, s);
}

static inline uint64_t hash_fnv1a_64(struct str s) {
    return hash_fnv1a_64_add(HASH_FNV1A_64_INIT, s);
}

/* The 27 characters that names are made of: no vowels and nothing that looks like one, so that no words
 * arise. */
#define HASH_SAFE_ALPHABET "bcdfghjklmnpqrstvwxz2456789"
#define HASH_SAFE_ALPHABET_SIZE 27u

/* Maps each byte of `in` to a character of the alphabet; out gets in.n bytes and no NUL. in and out may be
 * the same. CONFORMS: rand.SafeEncodeString. */
void hash_safe_encode(struct str in, char *out);

/* The decimal text of a 32-bit hash, safe-encoded: the value of pod-template-hash. Returns its length (at
 * most 10); a NUL follows. */
#define HASH_SAFE_TEXT_SIZE 11
size_t hash_safe_encode_u32(uint32_t hash, char out[HASH_SAFE_TEXT_SIZE]);

/* Words that key the table hash. The process's own are random; tests pass theirs. */
struct hash_key {
    uint64_t word[4];
};

uint64_t hash_bytes_keyed(const struct hash_key *key, struct str s);
uint64_t hash_u64_keyed(const struct hash_key *key, uint64_t v);
extern const struct hash_key *const hash_process_key;

static inline uint64_t hash_bytes(struct str s) {
    return hash_bytes_keyed(hash_process_key, s);
}

static inline uint64_t hash_u64(uint64_t v) {
    return hash_u64_keyed(hash_process_key, v);
}

#define SHA256_BYTES 32
#define SHA256_HEX_SIZE 65 /* with the NUL */

void sha256(struct str data, uint8_t ret_digest[SHA256_BYTES]);

/* Lower-case hex and a NUL. */
void sha256_hex(struct str data, char ret_hex[SHA256_HEX_SIZE]);

/* Piece by piece: sha256_init, sha256_add…, then sha256_final or sha256_fini (which accepts a finished one).
 */
struct sha256 {
    void *ctx; /* EVP_MD_CTX, owned */
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct str data);
void sha256_final(struct sha256 *h, uint8_t ret_digest[SHA256_BYTES]);
void sha256_fini(struct sha256 *h);
#define _cleanup_sha256 __attribute__((cleanup(sha256_fini)))

/* n bytes as 2n lower-case hex characters and a NUL. */
void hex_encode(const void *bytes, size_t n, char *out);

/* Hex text of either case into text.n / 2 bytes. False, with out undefined, when it is no hex of even length.
 */
bool hex_decode(struct str text, uint8_t *out);
