/* Quality-of-service classes. See pod_qos.h. */
#include "api/pod_qos.h"

#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"

enum { CPU, MEMORY, RESOURCES };
static const struct str names[RESOURCES] = {STR_INIT("cpu"), STR_INIT("memory")};

struct sums {
    struct quantity requests[RESOURCES], limits[RESOURCES];
    bool limited; /* everything so far has limits of both */
};

/* Adds the amounts that are more than nothing; true when both are. */
static bool add(struct quantity sums[RESOURCES], const struct quantity_map *amounts) {
    int n = 0;
    for (int i = 0; i < RESOURCES; i++) {
        const struct quantity *q = quantity_map_get(*amounts, names[i]);
        if (!q || quantity_sign(q) <= 0)
            continue;
        quantity_add(&sums[i], q);
        n++;
    }
    return n == RESOURCES;
}

static void add_containers(struct sums *s, const struct core_container_array *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        (void)add(s->requests, &list->v[i].resources.requests);
        s->limited &= add(s->limits, &list->v[i].resources.limits);
    }
}

static bool any_pod_level(const struct quantity_map *amounts) {
    for (uint32_t i = 0; i < amounts->n; i++)
        if (str_eq(amounts->v[i].key, names[CPU]) || str_eq(amounts->v[i].key, names[MEMORY]) ||
            resource_name_is_hugepages(amounts->v[i].key))
            return true;
    return false;
}

struct str pod_qos_class(const struct core_pod_spec *spec) {
    struct sums s = {.limited = true};
    const struct core_resource_requirements *pod = spec->resources;
    if (pod && (any_pod_level(&pod->requests) || any_pod_level(&pod->limits))) {
        (void)add(s.requests, &pod->requests);
        s.limited = add(s.limits, &pod->limits);
    } else {
        add_containers(&s, &spec->containers);
        add_containers(&s, &spec->init_containers);
    }
    bool any = false, equal = true;
    for (int i = 0; i < RESOURCES; i++) {
        any |= quantity_sign(&s.requests[i]) > 0 || quantity_sign(&s.limits[i]) > 0;
        equal &= quantity_equal(&s.requests[i], &s.limits[i]);
    }
    if (!any)
        return S("BestEffort");
    return s.limited && equal ? S("Guaranteed") : S("Burstable");
}
