/* Rules on pods: the walk over the spec, its small parts, annotations. See pod.h. */
#include "api/validation/pod.h"

#include "api/json.h"
#include "api/validation/meta.h"
#include "api/validation/resources.h"
#include "base/arena.h"

#define APP_ARMOR_PREFIX S("container.apparmor.security.beta.kubernetes.io/")
#define SECCOMP_POD S("seccomp.security.alpha.kubernetes.io/pod")
#define SECCOMP_PREFIX S("container.seccomp.security.alpha.kubernetes.io/")
#define HOSTNAME_OVERRIDE_BYTES_MAX 64
#define DNS_NAMESERVERS_MAX 3
#define DNS_SEARCHES_MAX 32
#define DNS_SEARCHES_BYTES_MAX 2048

/* ---- small parts of the spec ---- */

static void check_restart_policy(struct field_errors *e, const struct field_path *p, struct str policy) {
    static const struct str policies[] = {STR_INIT("Always"), STR_INIT("OnFailure"), STR_INIT("Never")};
    check_enum(e, p, policy, STR_SET(policies));
}

static void check_dns_policy(struct field_errors *e, const struct field_path *p, struct str policy) {
    static const struct str policies[] = {STR_INIT("ClusterFirstWithHostNet"), STR_INIT("ClusterFirst"),
                                          STR_INIT("Default"), STR_INIT("None")};
    check_enum(e, p, policy, STR_SET(policies));
}

static void check_searches(struct field_errors *e, const struct field_path *p,
                           const struct str_array *searches) {
    size_t bytes = searches->n ? searches->n - 1 : 0;
    for (uint32_t i = 0; i < searches->n; i++)
        bytes += searches->v[i].n;
    if (searches->n > DNS_SEARCHES_MAX)
        field_invalid(e, p, bad(searches->n), "must not have more than %d search paths", DNS_SEARCHES_MAX);
    if (bytes > DNS_SEARCHES_BYTES_MAX)
        field_invalid(e, p, bad((int64_t)bytes),
                      "must not have more than %d characters, spaces between included",
                      DNS_SEARCHES_BYTES_MAX);
    for (uint32_t i = 0; i < searches->n; i++) {
        struct str s = searches->v[i];
        if (str_eq(s, S(".")))
            continue;
        if (str_has_suffix(s, S(".")))
            s = str_cut(s, s.n - 1);
        check_format(e, at_index(p, i), s, name_check_dns1123_subdomain_underscore);
    }
}

static void check_dns_config(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_dns_config *dns = pc->spec->dns_config;
    const struct field_path *servers = at_field(p, "nameservers");
    if (str_eq(pc->spec->dns_policy, S("None"))) {
        if (!dns)
            field_required_because(pc->e, p, "must be set when `dnsPolicy` is None");
        else if (dns->nameservers.n == 0)
            field_required_because(pc->e, servers, "must have at least one when `dnsPolicy` is None");
    }
    if (!dns)
        return;
    if (dns->nameservers.n > DNS_NAMESERVERS_MAX)
        field_invalid(pc->e, servers, bad(dns->nameservers.n), "must not have more than %d nameservers",
                      DNS_NAMESERVERS_MAX);
    const struct core_pod_dns_config *old = pc->old ? pc->old->dns_config : NULL;
    check_ips(pc->e, servers, &dns->nameservers, old ? &old->nameservers : NULL);
    check_searches(pc->e, at_field(p, "searches"), &dns->searches);
    for (uint32_t i = 0; i < dns->options.n; i++)
        if (str_empty(dns->options.v[i].name))
            field_required_because(pc->e, at_index(at_field(p, "options"), i), "must not be empty");
}

static bool old_has_alias(const struct core_pod_spec *old, struct str ip, uint32_t i) {
    return old && i < old->host_aliases.n && str_eq(old->host_aliases.v[i].ip, ip);
}

static void check_host_aliases(struct pod_check *pc, const struct field_path *p) {
    const struct core_host_alias_array *list = &pc->spec->host_aliases;
    for (uint32_t i = 0; i < list->n; i++) {
        const struct field_path *at = at_index(p, i);
        if (!old_has_alias(pc->old, list->v[i].ip, i))
            check_ip(pc->e, at_field(at, "ip"), list->v[i].ip);
        for (uint32_t k = 0; k < list->v[i].hostnames.n; k++)
            check_dns_subdomain(pc->e, at_index(at_field(at, "hostnames"), k), list->v[i].hostnames.v[k]);
    }
}

static void check_gates(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    for (uint32_t i = 0; i < spec->readiness_gates.n; i++)
        check_label_key(pc->e, at_field(at_index(at_field(p, "readinessGates"), i), "conditionType"),
                        spec->readiness_gates.v[i].condition_type);
    SEEN(names);
    for (uint32_t i = 0; i < spec->scheduling_gates.n; i++) {
        const struct field_path *at = at_index(at_field(p, "schedulingGates"), i);
        check_label_key(pc->e, at, spec->scheduling_gates.v[i].name);
        if (seen_before(&names, spec->scheduling_gates.v[i].name))
            field_duplicate(pc->e, at, bad(spec->scheduling_gates.v[i].name));
    }
}

/* CONFORMS: with the host's network a container's ports are the host's. A template may leave that to the pod.
 */
static void check_host_network_ports(struct pod_check *pc, const struct field_path *p,
                                     const struct core_container_array *list) {
    for (uint32_t c = 0; c < list->n; c++) {
        const struct core_container_port_array *ports = &list->v[c].ports;
        for (uint32_t i = 0; i < ports->n; i++) {
            int32_t host = ports->v[i].host_port;
            if ((pc->is_pod || host != 0) && host != ports->v[i].container_port)
                field_invalid(pc->e, at_field(at_index(at_field(at_index(p, c), "ports"), i), "hostPort"),
                              bad(host), "must match `containerPort` when `hostNetwork` is true");
        }
    }
}

static void check_host_names(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    const struct field_path *override = at_field(p, "hostnameOverride");
    check_optional_format(pc->e, at_field(p, "hostname"), spec->hostname, name_check_dns1123_label);
    check_optional_format(pc->e, at_field(p, "subdomain"), spec->subdomain, name_check_dns1123_label);
    if (!spec->hostname_override.p)
        return;
    if (spec->set_hostname_as_fqdn.set && spec->set_hostname_as_fqdn.v)
        field_forbidden(pc->e, override, "may not be set together with setHostnameAsFQDN");
    if (spec->host_network)
        field_forbidden(pc->e, override, "may not be set together with hostNetwork");
    check_max_bytes(pc->e, override, spec->hostname_override, HOSTNAME_OVERRIDE_BYTES_MAX);
    check_dns_subdomain(pc->e, override, spec->hostname_override);
}

static void check_references(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    check_optional_format(pc->e, at_field(p, "serviceAccountName"), spec->service_account_name,
                          name_check_dns1123_subdomain);
    check_optional_format(pc->e, at_field(p, "nodeName"), spec->node_name, name_check_dns1123_subdomain);
    if (spec->active_deadline_seconds.set)
        check_range(pc->e, at_field(p, "activeDeadlineSeconds"), spec->active_deadline_seconds.v, 1,
                    INT32_MAX);
    if (!spec->termination_grace_period_seconds.set)
        field_required(pc->e, at_field(p, "terminationGracePeriodSeconds"));
    check_host_names(pc, p);
}

static void check_classes(struct pod_check *pc, const struct field_path *p) {
    static const struct str preemption[] = {STR_INIT("PreemptLowerPriority"), STR_INIT("Never")};
    const struct core_pod_spec *spec = pc->spec;
    check_optional_format(pc->e, at_field(p, "priorityClassName"), spec->priority_class_name,
                          name_check_dns1123_subdomain);
    if (spec->runtime_class_name.p)
        check_dns_subdomain(pc->e, at_field(p, "runtimeClassName"), spec->runtime_class_name);
    if (spec->preemption_policy.p)
        check_enum(pc->e, at_field(p, "preemptionPolicy"), spec->preemption_policy, STR_SET(preemption));
    check_container_resources(pc->e, at_field(p, "overhead"), &spec->overhead);
    if (spec->scheduling_group && spec->scheduling_group->pod_group_name.p)
        check_dns_subdomain(pc->e, at_field(p, "schedulingGroup.podGroupName"),
                            spec->scheduling_group->pod_group_name);
}

/* ---- the spec ---- */

static void check_spec(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    check_volumes(pc, at_field(p, "volumes"));
    check_pod_resource_claims(pc, at_field(p, "resourceClaims"));
    check_containers(pc, at_field(p, "containers"));
    check_init_containers(pc, at_field(p, "initContainers"));
    check_ephemeral_containers(pc, at_field(p, "ephemeralContainers"));
    check_pod_resources(pc, p);
    if (spec->host_network) {
        check_host_network_ports(pc, at_field(p, "containers"), &spec->containers);
        check_host_network_ports(pc, at_field(p, "initContainers"), &spec->init_containers);
    }
    check_restart_policy(pc->e, at_field(p, "restartPolicy"), spec->restart_policy);
    check_dns_policy(pc->e, at_field(p, "dnsPolicy"), spec->dns_policy);
    check_labels(pc->e, at_field(p, "nodeSelector"), &spec->node_selector);
    check_pod_security(pc, at_field(p, "securityContext"));
    check_affinity(pc, at_field(p, "affinity"));
    check_dns_config(pc, at_field(p, "dnsConfig"));
    check_gates(pc, p);
    check_topology_spread(pc, at_field(p, "topologySpreadConstraints"));
    check_host_process(pc, p);
    check_host_users(pc, p);
    check_references(pc, p);
    check_tolerations(pc->e, at_field(p, "tolerations"), &spec->tolerations);
    check_host_aliases(pc, at_field(p, "hostAliases"));
    check_classes(pc, p);
    check_os(pc, p);
    volume_table_fini(&pc->volumes);
    seen_fini(&pc->claims);
}

void check_pod_spec(struct validation *v, const struct field_path *p, const struct core_pod_spec *spec,
                    const struct core_pod_spec *old, const struct meta_object_meta *meta, bool is_pod) {
    struct pod_check pc;
    pc.e = v->errors;
    pc.options = v->options;
    pc.spec = spec;
    pc.old = old;
    pc.meta = meta;
    pc.is_pod = is_pod;
    check_spec(&pc, p);
}

/* ---- annotations ---- */

/* CONFORMS: a 32-bit number, without '+' and leading zeros. */
static bool is_deletion_cost(struct str s) {
    int64_t cost;
    if (!str_to_i64(s, &cost) || cost != (int32_t)cost)
        return false;
    return s.p[0] != '0' || s.n == 1;
}

static void check_annotated_tolerations(struct field_errors *e, const struct field_path *p, struct str text) {
    struct arena a = ARENA_INIT;
    struct str json = arena_printf(&a, "{\"tolerations\":%.*s}", STR_ARG(text));
    void *spec;
    if (api_read_json(&a, &builtin, TY_CORE_POD_SPEC, json, NULL, &spec, NULL) != 0)
        field_invalid(e, p, bad(text), "must be a list of tolerations as JSON");
    else
        check_tolerations(e, p, &((const struct core_pod_spec *)spec)->tolerations);
    arena_fini(&a);
}

static bool has_container(const struct core_pod_spec *spec, struct str name) {
    for (uint32_t i = 0; i < spec->init_containers.n; i++)
        if (str_eq(spec->init_containers.v[i].name, name))
            return true;
    for (uint32_t i = 0; i < spec->containers.n; i++)
        if (str_eq(spec->containers.v[i].name, name))
            return true;
    for (uint32_t i = 0; i < spec->ephemeral_containers.n; i++)
        if (str_eq(spec->ephemeral_containers.v[i].ephemeral_container_common.name, name))
            return true;
    return false;
}

/* Annotations that name a container are at most as many as can be of use; more are looked at in vain. */
#define CONTAINER_ANNOTATIONS_MAX 1024

static void check_app_armor_annotations(struct field_errors *e, const struct field_path *p,
                                        const struct str_map *annotations, const struct core_pod_spec *spec) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < annotations->n; i++) {
        struct str key = annotations->v[i].key, profile = annotations->v[i].value;
        if (!str_has_prefix(key, APP_ARMOR_PREFIX))
            continue;
        struct str name = str_from_byte(key, APP_ARMOR_PREFIX.n);
        if (n++ >= CONTAINER_ANNOTATIONS_MAX || !has_container(spec, name))
            field_invalid(e, at_key(p, key), bad(name), "container not found");
        if (!str_empty(profile) && !str_eq(profile, S("runtime/default")) &&
            !str_eq(profile, S("unconfined")) && !str_has_prefix(profile, S("localhost/")))
            field_invalid(e, at_key(p, key), bad(profile), "invalid AppArmor profile name");
    }
}

/* What an annotation like "localhost/a" means as a profile of type and name. */
static bool read_profile(struct str text, struct str *ret_type, struct str *ret_name) {
    *ret_name = STR_NONE;
    if (str_eq(text, S("runtime/default")) || str_eq(text, S("docker/default"))) {
        *ret_type = S("RuntimeDefault");
    } else if (str_eq(text, S("unconfined"))) {
        *ret_type = S("Unconfined");
    } else if (str_has_prefix(text, S("localhost/"))) {
        *ret_type = S("Localhost");
        *ret_name = str_from_byte(text, S("localhost/").n);
    } else {
        return false;
    }
    return true;
}

static void check_seccomp_annotations(struct field_errors *e, const struct field_path *p,
                                      const struct str_map *annotations) {
    for (uint32_t i = 0; i < annotations->n; i++) {
        struct str key = annotations->v[i].key, type, profile;
        if (!str_eq(key, SECCOMP_POD) && !str_has_prefix(key, SECCOMP_PREFIX))
            continue;
        if (!read_profile(annotations->v[i].value, &type, &profile))
            field_invalid(e, at_key(p, key), bad(annotations->v[i].value), "must be a valid seccomp profile");
        else if (profile.p)
            check_local_path(e, at_key(p, key), profile);
    }
}

static void check_pod_annotations(struct field_errors *e, const struct field_path *p,
                                  const struct meta_object_meta *meta, const struct core_pod_spec *spec) {
    static const struct str tolerations = STR_INIT("scheduler.alpha.kubernetes.io/tolerations");
    static const struct str deletion_cost = STR_INIT("controller.kubernetes.io/pod-deletion-cost");
    struct str mirror = str_map_get(meta->annotations, ANNOTATION_MIRROR_POD);
    if (mirror.p && str_empty(spec->node_name))
        field_invalid(e, at_key(p, ANNOTATION_MIRROR_POD), bad(mirror),
                      "must set spec.nodeName if mirror pod annotation is set");
    struct str text = str_map_get(meta->annotations, tolerations);
    if (!str_empty(text))
        check_annotated_tolerations(e, at_key(p, tolerations), text);
    struct str cost = str_map_get(meta->annotations, deletion_cost);
    if (cost.p && !is_deletion_cost(cost))
        field_invalid(e, at_key(p, deletion_cost), bad(cost), "must be a 32bit integer");
    check_seccomp_annotations(e, p, &meta->annotations);
    check_app_armor_annotations(e, p, &meta->annotations, spec);
}

/* ---- old annotations and the fields that took their place ---- */

static void check_profile_match(struct field_errors *e, const struct field_path *p, struct str annotation,
                                struct str type, struct str name) {
    struct str want_type, want_name;
    if (str_empty(annotation) || !read_profile(annotation, &want_type, &want_name))
        return;
    if (!str_eq(type, want_type))
        field_forbidden(e, at_field(p, "type"), "type in annotation and field must match");
    else if (!str_eq(name, want_name))
        field_forbidden(e, at_field(p, "localhostProfile"), "profile in annotation and field must match");
}

/* The annotation of a container: the prefix, then its name. */
static struct str container_annotation(const struct meta_object_meta *meta, struct str prefix,
                                       struct str container) {
    char key[128 + NAME_DNS_LABEL_MAX];
    if (prefix.n + container.n > sizeof key)
        return STR_NONE;
    memcpy(key, prefix.p, prefix.n);
    if (container.n)
        memcpy(key + prefix.n, container.p, container.n);
    return str_map_get(meta->annotations, str_make(key, prefix.n + container.n));
}

static void check_container_profiles(struct field_errors *e, const struct field_path *p,
                                     const struct meta_object_meta *meta, const struct core_container *c) {
    const struct core_security_context *sc = c->security_context;
    if (!sc)
        return;
    const struct field_path *at = at_field(p, "securityContext");
    if (sc->seccomp_profile)
        check_profile_match(e, at_field(at, "seccompProfile"),
                            container_annotation(meta, SECCOMP_PREFIX, c->name), sc->seccomp_profile->type,
                            sc->seccomp_profile->localhost_profile);
    if (sc->app_armor_profile)
        check_profile_match(e, at_field(at, "appArmorProfile"),
                            container_annotation(meta, APP_ARMOR_PREFIX, c->name),
                            sc->app_armor_profile->type, sc->app_armor_profile->localhost_profile);
}

static void check_profiles(struct field_errors *e, const struct field_path *p,
                           const struct meta_object_meta *meta, const struct core_pod_spec *spec) {
    if (meta->annotations.n == 0)
        return;
    const struct core_seccomp_profile *pod =
        spec->security_context ? spec->security_context->seccomp_profile : NULL;
    if (pod)
        check_profile_match(e, at_field(p, "securityContext.seccompProfile"),
                            str_map_get(meta->annotations, SECCOMP_POD), pod->type, pod->localhost_profile);
    for (uint32_t i = 0; i < spec->init_containers.n; i++)
        check_container_profiles(e, at_index(at_field(p, "initContainers"), i), meta,
                                 &spec->init_containers.v[i]);
    for (uint32_t i = 0; i < spec->containers.n; i++)
        check_container_profiles(e, at_index(at_field(p, "containers"), i), meta, &spec->containers.v[i]);
}

/* ---- pods ---- */

void check_pod(struct validation *v, const struct core_pod *pod, const struct core_pod *old) {
    check_pod_annotations(v->errors, at_field(NULL, "metadata.annotations"), &pod->metadata, &pod->spec);
    check_pod_spec(v, at_field(NULL, "spec"), &pod->spec, old ? &old->spec : NULL, &pod->metadata, true);
}

static void create_pod(struct validation *v, const void *object) {
    const struct core_pod *pod = object;
    const struct field_path *p = at_field(NULL, "spec");
    check_pod(v, pod, NULL);
    if (pod->spec.ephemeral_containers.n)
        field_forbidden(v->errors, at_field(p, "ephemeralContainers"), "cannot be set on create");
    if (!str_empty(pod->spec.node_name) && pod->spec.scheduling_gates.n)
        field_forbidden(v->errors, at_field(p, "nodeName"),
                        "cannot be set until all schedulingGates have been cleared");
    check_profiles(v->errors, p, &pod->metadata, &pod->spec);
}

static const struct subresource_validator pod_subresources[] = {
    {STR_INIT("ephemeralcontainers"), update_pod_ephemeral_containers},
    {STR_INIT("resize"), resize_pod},
    {STR_INIT(""), NULL},
};

const struct validator validator_core_pod = {.type = TY_CORE_POD,
                                             .name = name_check_dns1123_subdomain,
                                             .create = create_pod,
                                             .update = update_pod,
                                             .status = update_pod_status,
                                             .subresources = pod_subresources};

/* ---- templates ---- */

void check_pod_template(struct validation *v, const struct field_path *p,
                        const struct core_pod_template_spec *template,
                        const struct core_pod_template_spec *old) {
    const struct field_path *meta = at_field(p, "metadata"), *spec = at_field(p, "spec");
    check_labels(v->errors, at_field(meta, "labels"), &template->metadata.labels);
    check_annotations(v->errors, at_field(meta, "annotations"), &template->metadata.annotations);
    check_pod_annotations(v->errors, at_field(meta, "annotations"), &template->metadata, &template->spec);
    check_pod_spec(v, spec, &template->spec, old ? &old->spec : NULL, &template->metadata, false);
    check_profiles(v->errors, spec, &template->metadata, &template->spec);
    if (template->spec.ephemeral_containers.n)
        field_forbidden(v->errors, at_field(spec, "ephemeralContainers"), "not allowed in pod template");
}

static void create_template(struct validation *v, const void *object) {
    check_pod_template(v, at_field(NULL, "template"), &((const struct core_pod_template *)object)->template,
                       NULL);
}

static void update_template(struct validation *v, const void *object, const void *old) {
    check_pod_template(v, at_field(NULL, "template"), &((const struct core_pod_template *)object)->template,
                       &((const struct core_pod_template *)old)->template);
}

const struct validator validator_core_pod_template = {.type = TY_CORE_POD_TEMPLATE,
                                                      .name = name_check_dns1123_subdomain,
                                                      .create = create_template,
                                                      .update = update_template};
