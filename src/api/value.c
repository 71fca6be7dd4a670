/* Look-ups in the sorted maps of API objects. See value.h. */
#include "api/value.h"

/* Index of the key among n entries of `step` bytes that begin with their key; n when there is none. */
static uint32_t find(const void *entries, uint32_t n, size_t step, struct str key) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        struct str at;
        memcpy(&at, (const char *)entries + mid * step, sizeof at);
        int c = str_cmp(at, key);
        if (c == 0)
            return mid;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return n;
}

struct str str_map_get(struct str_map m, struct str key) {
    uint32_t i = find(m.v, m.n, sizeof *m.v, key);
    if (i == m.n)
        return STR_NONE;
    return m.v[i].value.p ? m.v[i].value : S("");
}

const struct quantity *quantity_map_get(struct quantity_map m, struct str key) {
    uint32_t i = find(m.v, m.n, sizeof *m.v, key);
    return i < m.n ? &m.v[i].value : NULL;
}
