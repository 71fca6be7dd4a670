/* Duplicate sets. See seen.h. */
#include "api/validation/seen.h"

#include "base/buf.h"

static bool same_key(const struct seen_key *a, const struct seen_key *b) {
    for (size_t i = 0; i < SEEN_PARTS; i++)
        if (!str_eq(a->part[i], b->part[i]))
            return false;
    return true;
}

/* The parts as one text; lengths in front keep ("a", "bc") and ("ab", "c") apart. */
static struct str joined(struct buf *text, const struct seen_key *key) {
    for (size_t i = 0; i < SEEN_PARTS; i++)
        buf_put(text, &key->part[i].n, sizeof key->part[i].n);
    for (size_t i = 0; i < SEEN_PARTS; i++)
        buf_str(text, key->part[i]);
    return buf_view(text);
}

static bool in_short(const struct seen *s, const struct seen_key *key) {
    for (uint32_t i = 0; i < s->n; i++)
        if (same_key(&s->keys[i], key))
            return true;
    return false;
}

bool seen_add(struct seen *s, struct seen_key key) {
    if (in_short(s, &key))
        return true;
    if (s->n < SEEN_SHORT) {
        s->keys[s->n++] = key;
        return false;
    }
    _cleanup_buf struct buf text = BUF_INIT;
    bool added;
    (void)map_upsert(&s->map, joined(&text, &key), &added);
    return !added;
}

bool seen_has(const struct seen *s, struct seen_key key) {
    if (in_short(s, &key))
        return true;
    if (s->map.n == 0)
        return false;
    _cleanup_buf struct buf text = BUF_INIT;
    return map_has(&s->map, joined(&text, &key));
}
