/* Names that the system makes up. See name_generate.h. */
#include "api/name_generate.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/rand.h"

#define REVISION_PARENT_MAX 223

struct str name_generate(struct arena *a, struct rand *r, struct str base) {
    char suffix[RAND_SUFFIX_LEN + 1];
    rand_suffix(r, suffix);
    base = str_cut(base, NAME_GENERATE_BASE_MAX);
    char *p = arena_bytes(a, base.n + RAND_SUFFIX_LEN + 1);
    if (base.n)
        memcpy(p, base.p, base.n);
    memcpy(p + base.n, suffix, sizeof suffix);
    return str_make(p, base.n + RAND_SUFFIX_LEN);
}

struct str uid_generate(struct arena *a, struct rand *r) {
    char *p = arena_bytes(a, RAND_UUID_SIZE);
    rand_uuid(r, p);
    return str_make(p, RAND_UUID_SIZE - 1);
}

static struct str safe_text(struct arena *a, uint32_t hash) {
    char text[HASH_SAFE_TEXT_SIZE];
    size_t n = hash_safe_encode_u32(hash, text);
    return arena_str(a, str_make(text, n));
}

/* CONFORMS: the count is hashed as eight bytes, low byte first, the upper four always zero. */
struct str name_template_hash(struct arena *a, struct str encoding, struct opt_i32 collision_count) {
    uint32_t hash = hash_fnv1a_32(encoding);
    if (collision_count.set) {
        char bytes[8] = {0};
        for (unsigned i = 0; i < 4; i++)
            bytes[i] = (char)((uint32_t)collision_count.v >> 8 * i & 0xff);
        hash = hash_fnv1a_32_add(hash, str_make(bytes, sizeof bytes));
    }
    return safe_text(a, hash);
}

/* CONFORMS: the count is hashed as decimal text. */
struct str name_revision_hash(struct arena *a, struct str data, struct opt_i32 collision_count) {
    uint32_t hash = hash_fnv1a_32(data);
    if (collision_count.set)
        hash = hash_fnv1a_32_add(hash, arena_printf(a, "%d", (int)collision_count.v));
    return safe_text(a, hash);
}

struct str name_controller_revision(struct arena *a, struct str parent, struct str hash) {
    return arena_printf(a, "%.*s-%.*s", STR_ARG(str_cut(parent, REVISION_PARENT_MAX)), STR_ARG(hash));
}
