/* base/rand: random numbers, from the system or from a seed.
 *
 * Code takes a `struct rand *`; what runs in production gets rand_system(), the simulator and the tests a
 * struct rand_seeded, whose sequence a seed decides.
 *
 *   rand_system()        bytes of getrandom(2), fit for secrets. Any thread (each has a small buffer of its
 * own). struct rand_seeded   xoshiro256**, never for secrets. Its owner's thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rand;

struct rand_ops {
    /* Fills n bytes, n > 0. Never NULL, cannot fail. */
    void (*fill)(struct rand *r, void *p, size_t n);
};

struct rand {
    const struct rand_ops *ops;
};

struct rand_seeded {
    struct rand rand; /* what is handed out */
    uint64_t state[4];
};

/* Borrowed, lives as long as the process. */
struct rand *rand_system(void);

/* Returns &r->rand. */
struct rand *rand_seeded_init(struct rand_seeded *r, uint64_t seed);

static inline void rand_fill(struct rand *r, void *p, size_t n) {
    if (n)
        r->ops->fill(r, p, n);
}

static inline uint64_t rand_u64(struct rand *r) {
    uint64_t v;
    r->ops->fill(r, &v, sizeof v);
    return v;
}

/* Uniform in [0, bound), bound > 0. */
uint64_t rand_below(struct rand *r, uint64_t bound);

/* Uniform in [low, high], both included. */
int64_t rand_range(struct rand *r, int64_t low, int64_t high);

/* Uniform in [0, 1). */
double rand_unit(struct rand *r);

/* True with the probability p; never for 0, always for 1. */
bool rand_chance(struct rand *r, double p);

/* A duration lengthened by up to `factor` of itself. CONFORMS: wait.Jitter (factor <= 0 counts as 1). */
int64_t rand_jitter(struct rand *r, int64_t ns, double factor);

/* Uniformly random order of n items of item_bytes each. */
void rand_shuffle(struct rand *r, void *items, size_t n, size_t item_bytes);

/* n characters of HASH_SAFE_ALPHABET and a NUL. */
void rand_text(struct rand *r, char *out, size_t n);

/* What generateName appends. */
#define RAND_SUFFIX_LEN 5
static inline void rand_suffix(struct rand *r, char out[RAND_SUFFIX_LEN + 1]) {
    rand_text(r, out, RAND_SUFFIX_LEN);
}

/* The text of a random UUID and a NUL. CONFORMS: RFC 4122, version 4. */
#define RAND_UUID_SIZE 37
void rand_uuid(struct rand *r, char out[RAND_UUID_SIZE]);
