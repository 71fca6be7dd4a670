/* Storage keys: where upstream puts each resource. See cache.h.
 *
 * CONFORMS: upstream's layout: /registry/, the plural name (without the group) or one of the names below, the
 * namespace if any, and the name; the groups of extensions stand before the plural.
 */
#include "apiserver/cache_priv.h"

static const struct {
    struct str group, plural, place;
} special[] = {
    {STR_INIT(""), STR_INIT("replicationcontrollers"), STR_INIT("controllers/")},
    {STR_INIT(""), STR_INIT("endpoints"), STR_INIT("services/endpoints/")},
    {STR_INIT(""), STR_INIT("nodes"), STR_INIT("minions/")},
    {STR_INIT(""), STR_INIT("services"), STR_INIT("services/specs/")},
    {STR_INIT("networking.k8s.io"), STR_INIT("ingresses"), STR_INIT("ingress/")},
};

/* Built-in groups whose resources are kept as those of custom resources are. */
static const struct str with_group[] = {
    STR_INIT("apiextensions.k8s.io"),
    STR_INIT("apiregistration.k8s.io"),
};

struct str cache_prefix(struct arena *a, const struct kind *k) {
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (str_eq(special[i].group, k->group) && str_eq(special[i].plural, k->plural))
            return special[i].place;
    for (size_t i = 0; i < sizeof with_group / sizeof *with_group; i++)
        if (str_eq(with_group[i], k->group))
            return arena_printf(a, "%.*s/%.*s/", STR_ARG(k->group), STR_ARG(k->plural));
    return arena_printf(a, "%.*s/", STR_ARG(k->plural));
}

struct str cache_storage_key(struct arena *a, const struct kind *k, struct str ns, struct str name) {
    struct str prefix = cache_prefix(a, k->hub);
    return arena_printf(a, REGISTRY "%.*s%.*s%s%.*s", STR_ARG(prefix), STR_ARG(ns), ns.n ? "/" : "",
                        STR_ARG(name));
}

/* No prefix begins with another one, so the last that is not greater is the only candidate. */
bool cache_key_split(const struct cache *c, struct str storage_key, struct cached **ret_resource,
                     struct str *ret_key) {
    if (!str_has_prefix(storage_key, S(REGISTRY)))
        return false;
    struct str rest = str_from_byte(storage_key, sizeof REGISTRY - 1);
    uint32_t low = 0, high = c->n_by_prefix;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (str_cmp(c->by_prefix[mid]->prefix, rest) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || !str_has_prefix(rest, c->by_prefix[low - 1]->prefix))
        return false;
    *ret_resource = c->by_prefix[low - 1];
    *ret_key = str_from_byte(rest, (*ret_resource)->prefix.n);
    return true;
}
