/* Amounts of resources of whole pods. See pod_amounts.h. */
#include "api/pod_amounts.h"

#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"

/* How much one container has. `pod`: NULL, or the pod whose status counts too. */
struct asking {
    const struct core_pod_spec *spec;
    const struct core_pod *pod;
    enum pod_amount what;
    struct str resource;
};

static void raise_to(struct quantity *q, const struct quantity *other) {
    if (other && (!q->set || quantity_cmp(other, q) > 0)) {
        *q = *other;
        q->set = true;
    }
}

static const struct core_container_status *status_of_container(const struct core_container_status_array *list,
                                                               struct str name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

static struct quantity of_container(const struct asking *a, const struct core_container *c, bool is_init) {
    const struct core_resource_requirements *r = &c->resources;
    const struct quantity *named =
        quantity_map_get(a->what == POD_REQUEST ? r->requests : r->limits, a->resource);
    struct quantity q = {0};
    raise_to(&q, named);
    if (!a->pod)
        return q;
    const struct core_pod_status *s = &a->pod->status;
    const struct core_container_status *status =
        status_of_container(is_init ? &s->init_container_statuses : &s->container_statuses, c->name);
    if (!status)
        return q;
    raise_to(&q, quantity_map_get(status->allocated_resources, a->resource));
    if (status->resources)
        raise_to(&q, quantity_map_get(status->resources->requests, a->resource));
    return q;
}

static void add(struct quantity *sum, const struct quantity *q) {
    if (!q->set)
        return;
    quantity_add(sum, q);
    sum->set = true;
}

static struct quantity of_containers(const struct asking *a) {
    struct quantity sum = {0}, sidecars = {0}, most = {0};
    for (uint32_t i = 0; i < a->spec->containers.n; i++) {
        struct quantity q = of_container(a, &a->spec->containers.v[i], false);
        add(&sum, &q);
    }
    for (uint32_t i = 0; i < a->spec->init_containers.n; i++) {
        const struct core_container *c = &a->spec->init_containers.v[i];
        struct quantity q = of_container(a, c, true), at_once = sidecars;
        add(&at_once, &q);
        if (str_eq(c->restart_policy, S("Always"))) {
            add(&sidecars, &q);
            add(&sum, &q);
        }
        if (at_once.set)
            raise_to(&most, &at_once);
    }
    if (most.set)
        raise_to(&sum, &most);
    return sum;
}

/* Resources that a pod can name as a whole. */
static const struct quantity *of_pod(const struct asking *a) {
    const struct core_resource_requirements *r = a->spec->resources;
    if (!r || !(str_eq(a->resource, S("cpu")) || str_eq(a->resource, S("memory")) ||
                resource_name_is_hugepages(a->resource)))
        return NULL;
    return quantity_map_get(a->what == POD_REQUEST ? r->requests : r->limits, a->resource);
}

static struct quantity total(const struct asking *a) {
    struct quantity q = of_containers(a);
    const struct quantity *whole = of_pod(a);
    const struct quantity *overhead = quantity_map_get(a->spec->overhead, a->resource);
    if (whole) {
        q = *whole;
        q.set = true;
    }
    /* A pod without a limit stays without one. */
    if (overhead && (a->what == POD_REQUEST || (q.set && !quantity_is_zero(&q)))) {
        quantity_add(&q, overhead);
        q.set = true;
    }
    return q;
}

struct quantity pod_spec_amount(const struct core_pod_spec *spec, enum pod_amount what, struct str resource) {
    struct asking a = {.spec = spec, .what = what, .resource = resource};
    return total(&a);
}

struct quantity pod_request(const struct core_pod *pod, struct str resource) {
    struct asking a = {.spec = &pod->spec, .pod = pod, .what = POD_REQUEST, .resource = resource};
    return total(&a);
}
