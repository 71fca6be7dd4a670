/* Rules on the resources of a pod as a whole, and on its resource claims. See pod.h. */
#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/validation/pod.h"
#include "api/validation/resources.h"

/* ---- claims ---- */

void check_container_claims(struct pod_check *pc, const struct field_path *p,
                            const struct core_resource_claim_array *claims) {
    SEEN(names);
    for (uint32_t i = 0; i < claims->n; i++) {
        const struct core_resource_claim *c = &claims->v[i];
        const struct field_path *at = at_index(p, i);
        check_optional_format(pc->e, at_field(at, "request"), c->request, name_check_dns1123_label);
        if (!check_required(pc->e, at, c->name))
            continue;
        if (seen_before2(&names, c->name, c->request))
            field_duplicate(pc->e, at, bad(c->name));
        if (!seen_has(&pc->claims, (struct seen_key){{c->name}}))
            field_not_found_because(pc->e, at, bad(c->name),
                                    "must be one of the names in pod.spec.resourceClaims");
    }
}

void check_pod_resource_claims(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_resource_claim_array *list = &pc->spec->resource_claims;
    seen_init(&pc->claims);
    if (list->n && pc->is_pod && pod_is_mirror(pc->meta))
        field_forbidden(pc->e, p, "static pods do not support resourceClaims");
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_pod_resource_claim *c = &list->v[i];
        const struct field_path *at = at_index(p, i), *name = at_field(at, "name");
        if (check_required(pc->e, name, c->name)) {
            if (seen_before(&pc->claims, c->name))
                field_duplicate(pc->e, name, bad(c->name));
            else
                check_dns_label(pc->e, name, c->name);
        }
        if (!c->resource_claim_name.p == !c->resource_claim_template_name.p)
            field_invalid(
                pc->e, at, bad_object(pc->e, TY_CORE_POD_RESOURCE_CLAIM, c),
                c->resource_claim_name.p
                    ? "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
                    : "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
        if (c->resource_claim_name.p)
            check_dns_subdomain(pc->e, at_field(at, "resourceClaimName"), c->resource_claim_name);
        if (c->resource_claim_template_name.p)
            check_dns_subdomain(pc->e, at_field(at, "resourceClaimTemplateName"),
                                c->resource_claim_template_name);
    }
}

/* ---- the pod's own requests and limits ---- */

static bool check_pod_resource_name(struct field_errors *e, const struct field_path *p, struct str name) {
    static const struct str names[] = {STR_INIT("cpu"), STR_INIT("memory")};
    if (!check_container_resource_name(e, p, name))
        return false;
    return resource_name_is_hugepages(name) || check_supported(e, p, name, STR_SET(names));
}

static const struct quantity_map *amounts(const struct core_container *c, bool limits) {
    return limits ? &c->resources.limits : &c->resources.requests;
}

static void add(struct quantity *sum, const struct quantity_map *map, struct str name) {
    const struct quantity *q = quantity_map_get(*map, name);
    if (q)
        quantity_add(sum, q);
}

/* What all containers need together: those that run beside each other are added, an init container counts
 * with the sidecars that were started before it. */
static struct quantity aggregate(const struct core_pod_spec *spec, struct str name, bool limits) {
    struct quantity sidecars = {0}, most = {0}, sum = {0};
    for (uint32_t i = 0; i < spec->init_containers.n; i++) {
        const struct core_container *c = &spec->init_containers.v[i];
        struct quantity at_once = sidecars;
        add(&at_once, amounts(c, limits), name);
        if (container_is_sidecar(c))
            sidecars = at_once;
        if (quantity_cmp(&at_once, &most) > 0)
            most = at_once;
    }
    for (uint32_t i = 0; i < spec->containers.n; i++)
        add(&sum, amounts(&spec->containers.v[i], limits), name);
    quantity_add(&sum, &sidecars);
    return quantity_cmp(&sum, &most) > 0 ? sum : most;
}

static void check_not_below(struct field_errors *e, const struct field_path *p, const struct quantity *have,
                            const struct quantity *need, const char *what) {
    if (quantity_cmp(have, need) >= 0)
        return;
    char text[QUANTITY_TEXT_MAX];
    quantity_format(need, text);
    field_invalid(e, p, bad_quantity(e, have),
                  "must be greater than or equal to aggregate container %s of %s", what, text);
}

static void check_container_limits(struct field_errors *e, const struct field_path *p,
                                   const struct core_container_array *list,
                                   const struct quantity_entry *pod) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct quantity *limit = quantity_map_get(list->v[i].resources.limits, pod->key);
        if (!limit || quantity_cmp(limit, &pod->value) <= 0)
            continue;
        char text[QUANTITY_TEXT_MAX];
        quantity_format(&pod->value, text);
        field_invalid(e, at_key(at_field(at_index(p, i), "resources.limits"), pod->key),
                      bad_quantity(e, limit), "must be less than or equal to pod limits of %s", text);
    }
}

/* Each name costs a walk over the containers. There is cpu, memory, and one per size of huge pages. */
#define POD_RESOURCES_MAX 32

void check_pod_resources(struct pod_check *pc, const struct field_path *p) {
    const struct core_resource_requirements *r = pc->spec->resources;
    const struct field_path *at = at_field(p, "resources");
    struct field_errors *e = pc->e;
    if (!r)
        return;
    if (pod_is_windows(pc->spec))
        field_forbidden(e, at, "may not be set for a windows pod");
    if (r->claims.n)
        field_forbidden(e, at_field(at, "claims"), "may not be set for the resources of a pod");
    if (!check_max_items(e, at_field(at, "requests"), r->requests.n, POD_RESOURCES_MAX) ||
        !check_max_items(e, at_field(at, "limits"), r->limits.n, POD_RESOURCES_MAX))
        return;
    uint32_t errors = field_errors_count(e);
    check_resource_requirements(e, at, r, check_pod_resource_name);
    if (field_errors_count(e) != errors)
        return;
    for (uint32_t i = 0; i < r->requests.n; i++) {
        const struct quantity_entry *q = &r->requests.v[i];
        struct quantity need = aggregate(pc->spec, q->key, false);
        check_not_below(e, at_key(at_field(at, "requests"), q->key), &q->value, &need, "requests");
    }
    for (uint32_t i = 0; i < r->limits.n; i++) {
        const struct quantity_entry *q = &r->limits.v[i];
        check_container_limits(e, at_field(p, "containers"), &pc->spec->containers, q);
        check_container_limits(e, at_field(p, "initContainers"), &pc->spec->init_containers, q);
        struct quantity need = aggregate(pc->spec, q->key, true);
        if (resource_name_is_hugepages(q->key))
            check_not_below(e, at_key(at_field(at, "limits"), q->key), &q->value, &need, "limits");
    }
}
