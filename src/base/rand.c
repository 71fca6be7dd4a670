/* Random numbers. See rand.h. */
#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/hash.h"

/* getrandom(2) never returns less than asked up to 256 bytes once the pool is ready. */
#define SYSTEM_BYTES 256

struct system_buffer {
    size_t left;
    unsigned char bytes[SYSTEM_BYTES];
};

static __thread struct system_buffer mine;

static void read_system(void *p, size_t n) {
    char *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR)
            panic("getrandom failed: errno %d", errno);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

/* Bytes leave the buffer when they are handed out, so that a secret is not left lying there. */
static void system_fill(struct rand *r, void *p, size_t n) {
    (void)r;
    if (n > SYSTEM_BYTES / 2) {
        read_system(p, n);
        return;
    }
    if (n > mine.left) {
        read_system(mine.bytes, SYSTEM_BYTES);
        mine.left = SYSTEM_BYTES;
    }
    mine.left -= n;
    memcpy(p, mine.bytes + mine.left, n);
    explicit_bzero(mine.bytes + mine.left, n);
}

static const struct rand_ops system_ops = {.fill = system_fill};
static struct rand system_rand = {.ops = &system_ops};

struct rand *rand_system(void) {
    return &system_rand;
}

static inline uint64_t rotate(uint64_t v, int by) {
    return v << by | v >> (64 - by);
}

/* xoshiro256** (Blackman and Vigna). */
static uint64_t seeded_next(struct rand_seeded *r) {
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void seeded_fill(struct rand *base, void *p, size_t n) {
    struct rand_seeded *r = (struct rand_seeded *)base;
    char *at = p;
    while (n) {
        uint64_t v = seeded_next(r);
        size_t part = n < sizeof v ? n : sizeof v;
        memcpy(at, &v, part);
        at += part;
        n -= part;
    }
}

static const struct rand_ops seeded_ops = {.fill = seeded_fill};

/* splitmix64, so that near seeds give unrelated states. */
struct rand *rand_seeded_init(struct rand_seeded *r, uint64_t seed) {
    r->rand.ops = &seeded_ops;
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        r->state[i] = z ^ z >> 31;
    }
    return &r->rand;
}

/* Multiply-shift with rejection (Lemire): the upper word of v × bound is uniform once the few lower words
 * that would count twice are rejected. */
uint64_t rand_below(struct rand *r, uint64_t bound) {
    check(bound > 0);
    unsigned __int128 m = (unsigned __int128)rand_u64(r) * bound;
    if ((uint64_t)m < bound) {
        uint64_t reject = (0 - bound) % bound;
        while ((uint64_t)m < reject)
            m = (unsigned __int128)rand_u64(r) * bound;
    }
    return (uint64_t)(m >> 64);
}

int64_t rand_range(struct rand *r, int64_t low, int64_t high) {
    check(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t v = span == UINT64_MAX ? rand_u64(r) : rand_below(r, span + 1);
    return (int64_t)((uint64_t)low + v);
}

double rand_unit(struct rand *r) {
    return (double)(rand_u64(r) >> 11) * 0x1p-53;
}

bool rand_chance(struct rand *r, double p) {
    return rand_unit(r) < p;
}

int64_t rand_jitter(struct rand *r, int64_t ns, double factor) {
    if (factor <= 0)
        factor = 1;
    return ns + (int64_t)(rand_unit(r) * factor * (double)ns);
}

static void swap_bytes(char *a, char *b, size_t n) {
    while (n) {
        char tmp[64];
        size_t part = n < sizeof tmp ? n : sizeof tmp;
        memcpy(tmp, a, part);
        memcpy(a, b, part);
        memcpy(b, tmp, part);
        a += part;
        b += part;
        n -= part;
    }
}

void rand_shuffle(struct rand *r, void *items, size_t n, size_t item_bytes) {
    char *base = items;
    for (size_t i = n; i > 1; i--) {
        size_t k = rand_below(r, i);
        if (k != i - 1)
            swap_bytes(base + k * item_bytes, base + (i - 1) * item_bytes, item_bytes);
    }
}

void rand_text(struct rand *r, char *out, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = HASH_SAFE_ALPHABET[rand_below(r, HASH_SAFE_ALPHABET_SIZE)];
    out[n] = 0;
}

void rand_uuid(struct rand *r, char out[RAND_UUID_SIZE]) {
    unsigned char b[16];
    rand_fill(r, b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    size_t from = 0;
    for (size_t g = 0; g < sizeof groups; g++) {
        hex_encode(b + from, groups[g], out);
        from += groups[g];
        out += 2 * groups[g];
        *out++ = '-';
    }
    out[-1] = 0;
}
