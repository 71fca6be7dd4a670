/* Look-ups over kinds. See kind.h; the rows are in the generated kinds.c. */
#include "api/kind.h"

#include "base/err.h"

static int cmp_gv(const struct kind *k, struct str group, struct str version) {
    int c = str_cmp(group, k->group);
    return c ? c : str_cmp(version, k->version);
}

/* kinds[] is sorted within [low, high). */
static const struct kind *find_between(uint32_t low, uint32_t high, struct str group, struct str version,
                                       struct str name) {
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = cmp_gv(&kinds[mid], group, version);
        if (c == 0)
            c = str_cmp(name, kinds[mid].name);
        if (c == 0)
            return &kinds[mid];
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct kind *kind_find(struct str group, struct str version, struct str name) {
    const struct kind *k = find_between(0, n_kinds, group, version, name);
    return k ? k : find_between(n_kinds, n_kinds_all, group, version, name);
}

const struct kind *kind_find_resource(struct str group, struct str version, struct str plural) {
    uint32_t low = 0, high = n_kinds;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const struct kind *k = &kinds[kinds_by_plural[mid]];
        int c = cmp_gv(k, group, version);
        if (c == 0)
            c = str_cmp(plural, k->plural);
        if (c == 0)
            return k;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

struct str kind_api_version(const struct kind *k) {
    return k->api_version;
}

bool api_version_split(struct str api_version, struct str *ret_group, struct str *ret_version) {
    struct str group, version;
    if (!str_split(api_version, '/', &group, &version)) {
        version = group;
        group = S("");
    }
    if (str_find_byte(version, '/') >= 0)
        return false;
    *ret_group = group;
    *ret_version = version;
    return true;
}
