/* Sums and maxima over sorted maps. */
#include "api/pod_requests.h"

#include "api/quantity.h"
#include "api/types/core.h"
#include "base/arena.h"

static struct quantity both(const struct quantity *x, const struct quantity *y, bool larger) {
    struct quantity q = *x;
    if (!larger)
        quantity_add(&q, y);
    else if (quantity_cmp(y, x) > 0)
        q = *y;
    return q;
}

static struct quantity_map merge(struct quantity_map x, struct quantity_map y, bool larger, struct arena *a) {
    if (!x.n || !y.n)
        return x.n ? x : y;
    struct quantity_entry *v = arena_new_n(a, x.n + y.n, struct quantity_entry);
    uint32_t n = 0, i = 0, j = 0;
    while (i < x.n || j < y.n) {
        int c = i == x.n ? 1 : j == y.n ? -1 : str_cmp(x.v[i].key, y.v[j].key);
        if (c < 0)
            v[n++] = x.v[i++];
        else if (c > 0)
            v[n++] = y.v[j++];
        else {
            v[n++] = (struct quantity_entry){x.v[i].key, both(&x.v[i].value, &y.v[j].value, larger)};
            i++;
            j++;
        }
    }
    return (struct quantity_map){v, n};
}

struct quantity_map quantity_map_add(struct quantity_map x, struct quantity_map y, struct arena *a) {
    return merge(x, y, false, a);
}

struct quantity_map quantity_map_max(struct quantity_map x, struct quantity_map y, struct arena *a) {
    return merge(x, y, true, a);
}

/* Entries of `over` replace those of `under`. */
static struct quantity_map override(struct quantity_map under, struct quantity_map over, struct arena *a) {
    struct quantity_map kept = {arena_new_n(a, under.n, struct quantity_entry), 0};
    for (uint32_t i = 0; i < under.n; i++)
        if (!quantity_map_get(over, under.v[i].key))
            kept.v[kept.n++] = under.v[i];
    return merge(kept, over, false, a);
}

static struct quantity_map of(const struct core_resource_requirements *r, bool limits) {
    return limits ? r->limits : r->requests;
}

static struct quantity_map total(const struct core_pod_spec *spec, bool limits, struct arena *a) {
    struct quantity_map sum = {0}, sidecars = {0}, largest_init = {0};
    for (uint32_t i = 0; i < spec->containers.n; i++)
        sum = quantity_map_add(sum, of(&spec->containers.v[i].resources, limits), a);
    for (uint32_t i = 0; i < spec->init_containers.n; i++) {
        const struct core_container *c = &spec->init_containers.v[i];
        struct quantity_map beside = quantity_map_add(sidecars, of(&c->resources, limits), a);
        if (str_eq(c->restart_policy, S("Always"))) {
            sum = quantity_map_add(sum, of(&c->resources, limits), a);
            sidecars = beside;
        }
        largest_init = quantity_map_max(largest_init, beside, a);
    }
    struct quantity_map all = quantity_map_max(sum, largest_init, a);
    if (spec->resources)
        all = override(all, of(spec->resources, limits), a);
    return all;
}

struct quantity_map pod_requests(const struct core_pod_spec *spec, struct arena *a) {
    return quantity_map_add(total(spec, false, a), spec->overhead, a);
}

/* CONFORMS: overhead counts for limits that are there. */
struct quantity_map pod_limits(const struct core_pod_spec *spec, struct arena *a) {
    struct quantity_map limits = total(spec, true, a),
                        extra = {arena_new_n(a, spec->overhead.n, struct quantity_entry), 0};
    for (uint32_t i = 0; i < spec->overhead.n; i++)
        if (quantity_map_get(limits, spec->overhead.v[i].key))
            extra.v[extra.n++] = spec->overhead.v[i];
    return quantity_map_add(limits, extra, a);
}
