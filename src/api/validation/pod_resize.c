/* What a resize of a pod may change: amounts of cpu and memory. See pod.h. */
#include "api/pod_qos.h"
#include "api/quantity.h"
#include "api/validation/pod.h"

static bool is_resizable(struct str name) {
    return str_eq(name, S("cpu")) || str_eq(name, S("memory"));
}

/* ---- the same containers ---- */

static bool check_order(struct field_errors *e, const struct field_path *p,
                        const struct core_container_array *list, const struct core_container_array *old) {
    if (list->n != old->n) {
        field_forbidden(e, p, "containers may not be added or removed on resize");
        return false;
    }
    bool fine = true;
    for (uint32_t i = 0; i < list->n; i++) {
        if (str_eq(list->v[i].name, old->v[i].name))
            continue;
        field_forbidden(e, at_field(at_index(p, i), "name"),
                        "containers may not be renamed or reordered on resize");
        fine = false;
    }
    return fine;
}

/* ---- amounts ---- */

/* Whether cpu or memory of the old amounts is not there any more. */
static bool something_removed(const struct quantity_map *amounts, const struct quantity_map *old) {
    for (uint32_t i = 0; i < old->n; i++)
        if (is_resizable(old->v[i].key) && !quantity_map_get(*amounts, old->v[i].key))
            return true;
    return false;
}

static void check_nothing_removed(struct field_errors *e, const struct field_path *p,
                                  const struct core_resource_requirements *r,
                                  const struct core_resource_requirements *old) {
    if (something_removed(&r->limits, &old->limits))
        field_forbidden(e, at_field(p, "limits"), "resource limits cannot be removed");
    if (something_removed(&r->requests, &old->requests))
        field_forbidden(e, at_field(p, "requests"), "resource requests cannot be removed");
}

/* Equal but for cpu and memory. */
static bool same_other_amounts(const struct quantity_map *a, const struct quantity_map *b) {
    uint32_t i = 0, k = 0;
    for (;;) {
        while (i < a->n && is_resizable(a->v[i].key))
            i++;
        while (k < b->n && is_resizable(b->v[k].key))
            k++;
        if (i == a->n || k == b->n)
            return i == a->n && k == b->n;
        if (!str_eq(a->v[i].key, b->v[k].key) || !quantity_equal(&a->v[i].value, &b->v[k].value))
            return false;
        i++;
        k++;
    }
}

static bool only_amounts_differ(const struct core_resource_requirements *a,
                                const struct core_resource_requirements *b) {
    return same_other_amounts(&a->limits, &b->limits) && same_other_amounts(&a->requests, &b->requests) &&
           api_equal_field(&builtin, TY_CORE_RESOURCE_REQUIREMENTS, a, b, S("claims"));
}

/* ---- everything else ---- */

static bool containers_are_alike(const struct core_container_array *list,
                                 const struct core_container_array *old) {
    static const struct str resized[] = {STR_INIT("resources"), STR_INIT("resizePolicy")};
    for (uint32_t i = 0; i < list->n; i++)
        if (!api_equal_but(&builtin, TY_CORE_CONTAINER, &list->v[i], &old->v[i], resized, 2) ||
            !only_amounts_differ(&list->v[i].resources, &old->v[i].resources))
            return false;
    return true;
}

static bool pods_are_alike(const struct core_pod_spec *spec, const struct core_pod_spec *old) {
    static const struct str resized[] = {STR_INIT("containers"), STR_INIT("initContainers"),
                                         STR_INIT("resources")};
    static const struct core_resource_requirements none;
    return containers_are_alike(&spec->containers, &old->containers) &&
           containers_are_alike(&spec->init_containers, &old->init_containers) &&
           only_amounts_differ(spec->resources ? spec->resources : &none,
                               old->resources ? old->resources : &none) &&
           api_equal_but(&builtin, TY_CORE_POD_SPEC, spec, old, resized, 3);
}

/* Whether a running container says nothing of its resources: its node cannot resize. */
static bool runs_without_resources(const struct core_container_status_array *list) {
    for (uint32_t i = 0; i < list->n; i++)
        if (list->v[i].state.running && !list->v[i].resources)
            return true;
    return false;
}

static void check_pod_level(struct field_errors *e, const struct field_path *p,
                            const struct core_pod_spec *spec, const struct core_pod_spec *old) {
    if (!spec->resources != !old->resources)
        field_forbidden(e, p, "pod-level resources cannot be added or removed on resize");
    else if (spec->resources)
        check_nothing_removed(e, p, spec->resources, old->resources);
}

static void check_amounts(struct field_errors *e, const struct field_path *p,
                          const struct core_container_array *list, const struct core_container_array *old) {
    for (uint32_t i = 0; i < list->n; i++)
        check_nothing_removed(e, at_field(at_index(p, i), "resources"), &list->v[i].resources,
                              &old->v[i].resources);
}

void resize_pod(struct validation *v, const void *object, const void *old_object) {
    const struct core_pod *pod = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_pod(v, pod, old);
    if (pod_is_mirror(&old->metadata)) {
        field_forbidden(e, NULL, "static pods cannot be resized");
        return;
    }
    if (pod_is_windows(&old->spec)) {
        field_forbidden(e, NULL, "windows pods cannot be resized");
        return;
    }
    if (runs_without_resources(&old->status.container_statuses)) {
        field_forbidden(e, p, "the pod runs on a node without support for resize");
        return;
    }
    bool ordered = check_order(e, at_field(p, "containers"), &pod->spec.containers, &old->spec.containers);
    if (!check_order(e, at_field(p, "initContainers"), &pod->spec.init_containers,
                     &old->spec.init_containers) ||
        !ordered)
        return;
    check_amounts(e, at_field(p, "containers"), &pod->spec.containers, &old->spec.containers);
    check_amounts(e, at_field(p, "initContainers"), &pod->spec.init_containers, &old->spec.init_containers);
    check_pod_level(e, at_field(p, "resources"), &pod->spec, &old->spec);
    struct str qos = pod_qos_class(&pod->spec);
    if (!str_eq(qos, pod_qos_class(&old->spec)))
        field_invalid(e, p, bad(qos), "the pod's QoS class may not change as a result of resizing");
    if (!pods_are_alike(&pod->spec, &old->spec))
        field_forbidden(e, p, "only cpu and memory resources are mutable");
}
