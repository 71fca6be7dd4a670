/* Hash functions. See hash.h.
 *
 * The table hash folds 128-bit products of input words and key words. Every input word meets a secret word
 * before it is multiplied, so that nobody outside can choose inputs that zero a product; with public
 * constants, as the fast hashes of this family have them, flooding a table would be easy. SipHash was
 * considered: three times slower on our 40-byte keys.
 */
#include "base/hash.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/err.h"

void hash_safe_encode(struct str in, char *out) {
    for (size_t i = 0; i < in.n; i++)
        out[i] = HASH_SAFE_ALPHABET[(unsigned char)in.p[i] % HASH_SAFE_ALPHABET_SIZE];
}

size_t hash_safe_encode_u32(uint32_t hash, char out[HASH_SAFE_TEXT_SIZE]) {
    int n = snprintf(out, HASH_SAFE_TEXT_SIZE, "%u", hash);
    check(n > 0 && n < HASH_SAFE_TEXT_SIZE);
    hash_safe_encode(str_make(out, (size_t)n), out);
    return (size_t)n;
}

static struct hash_key process_key;
const struct hash_key *const hash_process_key = &process_key;

/* Before main, so that the hot path needs no test whether it is set. */
__attribute__((constructor)) static void draw_process_key(void) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    memset(&process_key, 0x5a, sizeof process_key); /* what a run covers must not depend on it */
#else
    if (getrandom(&process_key, sizeof process_key, 0) != (ssize_t)sizeof process_key)
        panic("getrandom failed");
#endif
}

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load8(const char *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint64_t load4(const char *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

uint64_t hash_bytes_keyed(const struct hash_key *key, struct str s) {
    const uint64_t *k = key->word;
    const char *p = s.p;
    size_t n = s.n;
    uint64_t h = k[0] ^ n;
    uint64_t a = 0, b = 0;
    for (; n > 16; n -= 16, p += 16)
        h = fold(load8(p) ^ k[1] ^ h, load8(p + 8) ^ k[2]);
    if (n >= 8) {
        a = load8(p);
        b = load8(p + n - 8);
    } else if (n >= 4) {
        a = load4(p);
        b = load4(p + n - 4);
    } else if (n > 0) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
            (unsigned char)p[n - 1];
    }
    h = fold(a ^ k[1] ^ h, b ^ k[3]);
    return fold(h ^ k[2], k[0] ^ 0x9e3779b97f4a7c15u);
}

uint64_t hash_u64_keyed(const struct hash_key *key, uint64_t v) {
    uint64_t h = fold(v ^ key->word[0], key->word[1] | 1);
    return fold(h ^ key->word[2], key->word[3] | 1);
}

void hex_encode(const void *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_decode(struct str text, uint8_t *out) {
    if (text.n % 2)
        return false;
    for (size_t i = 0; i < text.n; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}
