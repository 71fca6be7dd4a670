/* What an update of a pod's status may say. See pod.h. */
#include "api/ip.h"
#include "api/resource_name.h"
#include "api/validation/by_name.h"
#include "api/validation/pod.h"

#define HEALTH_MESSAGE_BYTES_MAX 1024
#define IMAGE_REF_BYTES_MAX 256

/* ---- states of containers ---- */

static bool rule_matches(const struct core_container_restart_rule *r, int32_t exit_code) {
    if (!r->exit_codes)
        return false;
    bool found = false;
    for (uint32_t i = 0; i < r->exit_codes->values.n; i++)
        found |= r->exit_codes->values.v[i] == exit_code;
    return str_eq(r->exit_codes->operator, S("NotIn")) ? !found : found;
}

/* Whether some container has all others restarted with it. */
static bool may_restart_all(const struct core_container_array *list) {
    for (uint32_t i = 0; i < list->n; i++)
        for (uint32_t k = 0; k < list->v[i].restart_policy_rules.n; k++)
            if (str_eq(list->v[i].restart_policy_rules.v[k].action, S("RestartAllContainers")))
                return true;
    return false;
}

/* CONFORMS: restart rules first, then the container's own policy, then the pod's. */
static bool may_restart(const struct core_pod_spec *spec, const struct core_container *c, int32_t exit_code) {
    struct str policy = spec->restart_policy;
    for (uint32_t i = 0; c && i < c->restart_policy_rules.n; i++)
        if (rule_matches(&c->restart_policy_rules.v[i], exit_code))
            return true;
    if (c && c->restart_policy.p)
        policy = c->restart_policy;
    return str_eq(policy, S("Always")) || (str_eq(policy, S("OnFailure")) && exit_code != 0);
}

static void collect_alive(const struct core_container_status_array *list, struct seen *ret_names) {
    for (uint32_t i = 0; i < list->n; i++)
        if (!list->v[i].state.terminated)
            (void)seen_before(ret_names, list->v[i].name);
}

/* containers NULL: none of them ever restarts. */
static void check_transitions(struct field_errors *e, const struct field_path *p,
                              const struct core_pod_spec *spec, const struct core_container_array *containers,
                              const struct core_container_status_array *list,
                              const struct core_container_status_array *old) {
    if (containers && (str_eq(spec->restart_policy, S("Always")) || may_restart_all(&spec->containers)))
        return;
    static const struct core_container_array no_containers;
    SEEN(alive);
    BY_NAME(by_name, containers ? containers : &no_containers);
    collect_alive(list, &alive);
    for (uint32_t i = 0; i < old->n; i++) {
        const struct core_container_status *was = &old->v[i];
        if (!was->state.terminated || !seen_has(&alive, (struct seen_key){{was->name}}))
            continue;
        if (containers &&
            may_restart(spec, by_name_find(&by_name, was->name), was->state.terminated->exit_code))
            continue;
        field_forbidden(e, at_field(at_index(p, i), "state"),
                        "may not be transitioned to non-terminated state");
    }
}

/* ---- what statuses say of a container ---- */

static void check_health(struct field_errors *e, const struct field_path *p,
                         const struct core_resource_status *r) {
    static const struct str states[] = {STR_INIT("Healthy"), STR_INIT("Unhealthy"), STR_INIT("Unknown")};
    SEEN(ids);
    for (uint32_t i = 0; i < r->resources.n; i++) {
        const struct core_resource_health *h = &r->resources.v[i];
        const struct field_path *at = at_index(at_field(p, "resources"), i);
        if (seen_before(&ids, h->resource_id))
            field_duplicate(e, at_field(at, "resourceID"), bad(h->resource_id));
        check_optional_enum(e, at_field(at, "health"), h->health, STR_SET(states));
        check_max_bytes(e, at_field(at, "message"), h->message, HEALTH_MESSAGE_BYTES_MAX);
    }
}

static void check_user(struct field_errors *e, const struct field_path *p,
                       const struct core_container_user *user, bool windows) {
    const struct field_path *at = at_field(p, "linux");
    const struct core_linux_container_user *u = user->linux_;
    if (!u)
        return;
    if (windows)
        field_forbidden(e, at, "cannot be set for a windows pod");
    check_user_id(e, at_field(at, "uid"), u->uid);
    check_user_id(e, at_field(at, "gid"), u->gid);
    for (uint32_t i = 0; i < u->supplemental_groups.n; i++)
        check_user_id(e, at_index(at_field(at, "supplementalGroups"), i), u->supplemental_groups.v[i]);
}

static void check_mount_status(struct field_errors *e, const struct field_path *p,
                               const struct by_name *volumes, const struct core_volume_mount_status *m) {
    const struct field_path *image = at_field(p, "volumeStatus.image"), *ref = at_field(image, "imageRef");
    if (!m->volume_status || !m->volume_status->image)
        return;
    const struct core_volume *volume = by_name_find(volumes, m->name);
    if (!volume || !volume->volume_source.image)
        field_forbidden(e, image, "the volume is no image");
    if (check_required(e, ref, m->volume_status->image->image_ref))
        check_max_bytes(e, ref, m->volume_status->image->image_ref, IMAGE_REF_BYTES_MAX);
}

/* CONFORMS: the name is that of a resource the container asks for, or "claim:" and that of one of its claims,
 * with the request behind a slash when there is one. */
static bool is_resource_of(const struct core_container *c, struct str name) {
    if (!c)
        return false;
    if (quantity_map_get(c->resources.limits, name) || quantity_map_get(c->resources.requests, name))
        return true;
    if (!str_has_prefix(name, S("claim:")))
        return false;
    struct str claim, request;
    str_split(str_from_byte(name, S("claim:").n), '/', &claim, &request);
    for (uint32_t i = 0; i < c->resources.claims.n; i++)
        if (str_eq(c->resources.claims.v[i].name, claim) && str_eq(c->resources.claims.v[i].request, request))
            return true;
    return false;
}

/* containers NULL: those that have no devices. */
static void check_devices(struct field_errors *e, const struct field_path *p,
                          const struct core_container_status *s, const struct by_name *containers) {
    if (s->allocated_resources_status.n == 0)
        return;
    if (!containers) {
        field_forbidden(e, p, "must not be specified in container status of this kind");
        return;
    }
    const struct core_container *c = by_name_find(containers, s->name);
    for (uint32_t i = 0; i < s->allocated_resources_status.n; i++) {
        const struct core_resource_status *r = &s->allocated_resources_status.v[i];
        if (!is_resource_of(c, r->name))
            field_invalid(e, at_field(at_index(p, i), "name"), bad(r->name),
                          "must match one of the container's resource requirements");
        check_health(e, at_index(p, i), r);
    }
}

static void check_statuses(struct field_errors *e, const struct field_path *p,
                           const struct core_pod_spec *spec, const struct core_container_status_array *list,
                           const struct by_name *containers) {
    BY_NAME(volumes, &spec->volumes);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container_status *s = &list->v[i];
        const struct field_path *at = at_index(p, i);
        check_devices(e, at_field(at, "allocatedResourcesStatus"), s, containers);
        if (s->user)
            check_user(e, at_field(at, "user"), s->user, pod_is_windows(spec));
        for (uint32_t k = 0; k < s->volume_mounts.n; k++)
            check_mount_status(e, at_index(at_field(at, "volumeMounts"), k), &volumes,
                               &s->volume_mounts.v[k]);
    }
}

/* ---- addresses ---- */

/* At most one address of each family. */
static void check_families(struct field_errors *e, const struct field_path *p, const struct str *ips,
                           uint32_t n) {
    uint32_t of_family[2] = {0};
    for (uint32_t i = 0; i < n; i++) {
        struct ip ip;
        if (ip_parse(ips[i], IP_LEGACY, &ip))
            of_family[ip.family == 6]++;
    }
    if (of_family[0] > 1 || of_family[1] > 1)
        field_invalid(e, p, bad(n), "may specify no more than one IP for each IP family");
}

#define STATUS_IPS_MAX 2

static void check_addresses(struct field_errors *e, const struct field_path *p,
                            const struct core_pod_status *s, const struct core_pod_status *old) {
    const struct field_path *pod_ips = at_field(p, "podIPs"), *host_ips = at_field(p, "hostIPs");
    struct str ips[STATUS_IPS_MAX + 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->pod_ips.n; i++) {
        struct str was = i < old->pod_ips.n ? old->pod_ips.v[i].ip : STR_NONE;
        check_ip_or_old(e, at_field(at_index(pod_ips, i), "ip"), s->pod_ips.v[i].ip, was);
        if (n <= STATUS_IPS_MAX)
            ips[n++] = s->pod_ips.v[i].ip;
    }
    check_families(e, pod_ips, ips, n);
    if (s->host_ips.n && !str_eq(s->host_ips.v[0].ip, s->host_ip))
        field_invalid(e, at_field(at_index(host_ips, 0), "ip"), bad(s->host_ips.v[0].ip),
                      "must be equal to `hostIP`");
    n = 0;
    for (uint32_t i = 0; i < s->host_ips.n; i++) {
        struct str was = i < old->host_ips.n ? old->host_ips.v[i].ip : STR_NONE;
        check_ip_or_old(e, at_field(at_index(host_ips, i), "ip"), s->host_ips.v[i].ip, was);
        if (n <= STATUS_IPS_MAX)
            ips[n++] = s->host_ips.v[i].ip;
    }
    check_families(e, host_ips, ips, n);
}

/* ---- claims ---- */

static void check_claim_statuses(struct field_errors *e, const struct field_path *p,
                                 const struct core_pod_resource_claim_status_array *list,
                                 const struct core_pod_resource_claim_array *claims) {
    SEEN(known);
    SEEN(names);
    for (uint32_t i = 0; i < claims->n; i++)
        (void)seen_before(&known, claims->v[i].name);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_pod_resource_claim_status *c = &list->v[i];
        const struct field_path *at = at_index(p, i);
        if (!seen_has(&known, (struct seen_key){{c->name}}))
            field_invalid(e, at_field(at, "name"), bad(c->name),
                          "must match the name of an entry in `spec.resourceClaims`");
        if (seen_before(&names, c->name))
            field_duplicate(e, at_field(at, "name"), bad(c->name));
        if (c->resource_claim_name.p)
            check_dns_subdomain(e, at_field(at, "resourceClaimName"), c->resource_claim_name);
    }
}

static void check_extended_claim(struct field_errors *e, const struct field_path *p,
                                 const struct core_pod_spec *spec,
                                 const struct core_pod_extended_resource_claim_status *s) {
    const struct field_path *mappings = at_field(p, "requestMappings");
    SEEN(pairs);
    SEEN(requests);
    SEEN(containers);
    check_required_format(e, at_field(p, "resourceClaimName"), s->resource_claim_name,
                          name_check_dns1123_subdomain);
    if (s->request_mappings.n == 0)
        field_required(e, mappings);
    for (uint32_t i = 0; i < spec->init_containers.n; i++)
        (void)seen_before(&containers, spec->init_containers.v[i].name);
    for (uint32_t i = 0; i < spec->containers.n; i++)
        (void)seen_before(&containers, spec->containers.v[i].name);
    for (uint32_t i = 0; i < s->request_mappings.n; i++) {
        const struct core_container_extended_resource_request *r = &s->request_mappings.v[i];
        const struct field_path *at = at_index(mappings, i);
        if (!seen_has(&containers, (struct seen_key){{r->container_name}}))
            field_invalid(e, at_field(at, "containerName"), bad(r->container_name),
                          "must be a container of the pod");
        if (!resource_name_is_extended(r->resource_name) && !resource_name_is_native(r->resource_name))
            field_invalid(e, at_field(at, "resourceName"), bad(r->resource_name),
                          "must be an extended resource");
        check_dns_label(e, at_field(at, "requestName"), r->request_name);
        if (seen_before2(&pairs, r->container_name, r->resource_name))
            field_duplicate(e, at_field(at, "resourceName"), bad(r->resource_name));
        if (seen_before(&requests, r->request_name))
            field_duplicate(e, at_field(at, "requestName"), bad(r->request_name));
    }
}

static void check_allocatable_claims(struct field_errors *e, const struct field_path *p,
                                     const struct core_node_allocatable_resource_claim_status_array *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct field_path *at = at_index(p, i);
        check_required_format(e, at_field(at, "resourceClaimName"), list->v[i].resource_claim_name,
                              name_check_dns1123_subdomain);
        if (list->v[i].containers.n == 0)
            field_required(e, at_field(at, "containers"));
    }
}

/* ---- the status ---- */

static void check_pod_conditions(struct field_errors *e, const struct field_path *p,
                                 const struct core_pod_condition_array *list) {
    static const struct str of_system[] = {STR_INIT("PodScheduled"), STR_INIT("Ready"),
                                           STR_INIT("Initialized")};
    for (uint32_t i = 0; i < list->n; i++) {
        const struct field_path *at = at_index(p, i);
        if (!str_set_has(STR_SET(of_system), list->v[i].type))
            check_label_key(e, at_field(at, "type"), list->v[i].type);
        check_non_negative(e, at_field(at, "observedGeneration"), list->v[i].observed_generation);
    }
}

static void check_nomination(struct field_errors *e, const struct field_path *p, const struct core_pod *pod,
                             const struct core_pod *old) {
    struct str node = pod->status.nominated_node_name;
    if (str_empty(node) || str_eq(node, old->status.nominated_node_name))
        return;
    check_dns_subdomain(e, p, node);
    if (!str_empty(old->spec.node_name))
        field_forbidden(e, p, "may not be set once the pod is bound to a node");
}

void update_pod_status(struct validation *v, const void *object, const void *old_object) {
    const struct core_pod *pod = object, *old = old_object;
    const struct core_pod_status *s = &pod->status, *was = &old->status;
    const struct field_path *p = at_field(NULL, "status");
    struct field_errors *e = v->errors;
    BY_NAME(containers, &pod->spec.containers);
    check_pod_annotation_update(e, &pod->metadata, &old->metadata);
    check_pod_conditions(e, at_field(p, "conditions"), &s->conditions);
    if (!str_eq(pod->spec.node_name, old->spec.node_name))
        field_forbidden(e, at_field(p, "nodeName"), "may not be changed directly");
    check_non_negative(e, at_field(p, "observedGeneration"), s->observed_generation);
    check_nomination(e, at_field(p, "nominatedNodeName"), pod, old);
    check_immutable(e, at_field(p, "qosClass"), TY_CORE_POD_STATUS, S("qosClass"), s, was);
    check_transitions(e, at_field(p, "containerStatuses"), &old->spec, &old->spec.containers,
                      &s->container_statuses, &was->container_statuses);
    check_transitions(e, at_field(p, "initContainerStatuses"), &old->spec, &old->spec.init_containers,
                      &s->init_container_statuses, &was->init_container_statuses);
    check_transitions(e, at_field(p, "ephemeralContainerStatuses"), &old->spec, NULL,
                      &s->ephemeral_container_statuses, &was->ephemeral_container_statuses);
    check_statuses(e, at_field(p, "containerStatuses"), &pod->spec, &s->container_statuses, &containers);
    check_statuses(e, at_field(p, "initContainerStatuses"), &pod->spec, &s->init_container_statuses, NULL);
    check_statuses(e, at_field(p, "ephemeralContainerStatuses"), &pod->spec, &s->ephemeral_container_statuses,
                   NULL);
    check_claim_statuses(e, at_field(p, "resourceClaimStatuses"), &s->resource_claim_statuses,
                         &pod->spec.resource_claims);
    if (s->extended_resource_claim_status)
        check_extended_claim(e, at_field(p, "extendedResourceClaimStatus"), &pod->spec,
                             s->extended_resource_claim_status);
    check_allocatable_claims(e, at_field(p, "nodeAllocatableResourceClaimStatuses"),
                             &s->node_allocatable_resource_claim_statuses);
    check_addresses(e, p, s, was);
}
