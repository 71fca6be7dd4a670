/* Rules of core/v1 Service. */
#include "api/ip.h"
#include "api/types/core.h"
#include "api/validation/addresses.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"
#include "base/arena.h"

#define AFFINITY_SECONDS_MAX 86400
#define CLUSTER_IPS_MAX 2
#define KUBELET_PORT 10250
#define TOPOLOGY_HINTS S("service.kubernetes.io/topology-aware-hints")
#define TOPOLOGY_MODE S("service.kubernetes.io/topology-mode")
#define SOURCE_RANGES S("service.beta.kubernetes.io/load-balancer-source-ranges")
#define ONLY_LOAD_BALANCER "may only be used when `type` is 'LoadBalancer'"

static bool has_type(const struct core_service_spec *s, const char *type) {
    return str_eq(s->type, str_from(type));
}

static bool is_headless(const struct core_service_spec *s) {
    return s->cluster_ips.n == 1 && str_eq(s->cluster_ips.v[0], S("None"));
}

static bool is_reachable_from_outside(const struct core_service_spec *s) {
    return has_type(s, "LoadBalancer") || has_type(s, "NodePort") ||
           (has_type(s, "ClusterIP") && s->external_ips.n > 0);
}

static bool needs_health_check(const struct core_service_spec *s) {
    return has_type(s, "LoadBalancer") && str_eq(s->external_traffic_policy, S("Local"));
}

/* ---- what each type has and has not ---- */

static void check_external_name(struct field_errors *e, const struct field_path *p,
                                const struct core_service_spec *s) {
    static const char *const why = "may not be set for ExternalName services";
    struct str name = s->external_name;
    if (s->cluster_ips.n)
        field_forbidden(e, at_field(p, "clusterIPs"), "%s", why);
    if (s->ip_families.n)
        field_forbidden(e, at_field(p, "ipFamilies"), "%s", why);
    if (s->ip_family_policy.p)
        field_forbidden(e, at_field(p, "ipFamilyPolicy"), "%s", why);
    if (str_has_suffix(name, S(".")))
        name = str_cut(name, name.n - 1);
    check_required_format(e, at_field(p, "externalName"), name, name_check_dns1123_subdomain);
}

static void check_by_type(struct field_errors *e, const struct field_path *p,
                          const struct core_service_spec *s) {
    const struct field_path *ports = at_field(p, "ports"), *first = at_index(at_field(p, "clusterIPs"), 0);
    if (has_type(s, "ExternalName")) {
        check_external_name(e, p, s);
    } else if (has_type(s, "LoadBalancer")) {
        for (uint32_t i = 0; i < s->ports.n; i++)
            if (s->ports.v[i].port == KUBELET_PORT)
                field_invalid(e, at_index(ports, i), bad(s->ports.v[i].port),
                              "may not expose the port of the kubelet externally");
        if (is_headless(s))
            field_invalid(e, first, bad(S("None")), "may not be set to 'None' for LoadBalancer services");
    } else if (has_type(s, "NodePort") && is_headless(s)) {
        field_invalid(e, first, bad(S("None")), "may not be set to 'None' for NodePort services");
    }
}

/* ---- ports ---- */

static void check_service_port(struct field_errors *e, const struct field_path *p,
                               const struct core_service_port *port, bool require_name, struct seen *names) {
    static const struct str protocols[] = {STR_INIT("SCTP"), STR_INIT("TCP"), STR_INIT("UDP")};
    const struct field_path *name = at_field(p, "name");
    if (!str_empty(port->name)) {
        check_dns_label(e, name, port->name);
        if (seen_before(names, port->name))
            field_duplicate(e, name, bad(port->name));
    } else if (require_name) {
        field_required(e, name);
    }
    check_port(e, at_field(p, "port"), port->port);
    check_enum(e, at_field(p, "protocol"), port->protocol, STR_SET(protocols));
    check_port_or_name(e, at_field(p, "targetPort"), port->target_port);
    if (port->app_protocol.p)
        check_label_key(e, at_field(p, "appProtocol"), port->app_protocol);
}

static void check_service_ports(struct field_errors *e, const struct field_path *p,
                                const struct core_service_spec *s) {
    SEEN(names);
    SEEN(ports);
    SEEN(node_ports);
    if (s->ports.n == 0 && !is_headless(s) && !has_type(s, "ExternalName"))
        field_required(e, p);
    for (uint32_t i = 0; i < s->ports.n; i++)
        check_service_port(e, at_index(p, i), &s->ports.v[i], s->ports.n > 1, &names);
    for (uint32_t i = 0; i < s->ports.n; i++) {
        const struct core_service_port *port = &s->ports.v[i];
        const struct field_path *at = at_index(p, i), *node_port = at_field(at, "nodePort");
        if (port->node_port != 0 && has_type(s, "ClusterIP"))
            field_forbidden(e, node_port, "may not be used when `type` is 'ClusterIP'");
        if (port->node_port != 0 && seen_before2(&node_ports, port->protocol, seen_number(&port->node_port)))
            field_duplicate(e, node_port, bad(port->node_port));
        if (seen_before2(&ports, port->protocol, seen_number(&port->port)))
            field_duplicate(e, at,
                            bad(arena_printf(e->arena, "%.*s/%d", STR_ARG(port->protocol), port->port)));
    }
}

/* ---- session affinity ---- */

static void check_affinity(struct field_errors *e, const struct field_path *p,
                           const struct core_service_spec *s) {
    static const struct str affinities[] = {STR_INIT("ClientIP"), STR_INIT("None")};
    const struct field_path *config = at_field(p, "sessionAffinityConfig");
    const struct core_session_affinity_config *c = s->session_affinity_config;
    check_enum(e, at_field(p, "sessionAffinity"), s->session_affinity, STR_SET(affinities));
    if (str_eq(s->session_affinity, S("None")) && c)
        field_forbidden(e, config, "must not be set when session affinity is None");
    if (!str_eq(s->session_affinity, S("ClientIP")))
        return;
    const struct field_path *timeout = at_field(config, "clientIP.timeoutSeconds");
    if (!c)
        field_required_because(e, config, "when session affinity type is ClientIP");
    else if (!c->client_ip)
        field_required_because(e, at_field(config, "clientIP"), "when session affinity type is ClientIP");
    else if (!c->client_ip->timeout_seconds.set)
        field_required_because(e, timeout, "when session affinity type is ClientIP");
    else
        check_range(e, timeout, c->client_ip->timeout_seconds.v, 1, AFFINITY_SECONDS_MAX);
}

/* ---- cluster addresses and their families ---- */

static uint8_t family_of(struct str text) {
    struct ip ip;
    return ip_parse(text, IP_LEGACY, &ip) ? ip.family : 0;
}

static uint8_t family_number(struct str name) {
    return str_eq(name, S("IPv4")) ? 4 : str_eq(name, S("IPv6")) ? 6 : 0;
}

static void check_families(struct field_errors *e, const struct field_path *p,
                           const struct core_service_spec *s) {
    static const struct str policies[] = {STR_INIT("PreferDualStack"), STR_INIT("RequireDualStack"),
                                          STR_INIT("SingleStack")};
    static const struct str families[] = {STR_INIT("IPv4"), STR_INIT("IPv6")};
    const struct field_path *at = at_field(p, "ipFamilies");
    SEEN(known);
    if (s->ip_family_policy.p)
        check_supported(e, at_field(p, "ipFamilyPolicy"), s->ip_family_policy, STR_SET(policies));
    for (uint32_t i = 0; i < s->ip_families.n; i++) {
        check_supported(e, at_index(at, i), s->ip_families.v[i], STR_SET(families));
        if (seen_before(&known, s->ip_families.v[i]))
            field_duplicate(e, at_index(at, i), bad(s->ip_families.v[i]));
    }
}

/* The singular and the plural field agree. */
static void check_first_ip(struct field_errors *e, const struct field_path *p,
                           const struct core_service_spec *s) {
    if (str_empty(s->cluster_ip)) {
        if (s->cluster_ips.n)
            field_invalid(e, p, bad_field(e, TY_CORE_SERVICE_SPEC, S("clusterIPs"), s),
                          "must be empty when `clusterIP` is not specified");
    } else if (s->cluster_ips.n == 0) {
        field_required(e, p);
    } else if (!str_eq(s->cluster_ips.v[0], s->cluster_ip)) {
        field_invalid(e, p, bad_field(e, TY_CORE_SERVICE_SPEC, S("clusterIPs"), s),
                      "first value must match `clusterIP`");
    }
}

static bool check_each_ip(struct field_errors *e, const struct field_path *p,
                          const struct core_service_spec *s, const struct core_service_spec *old) {
    uint32_t errors = field_errors_count(e);
    bool none = false;
    for (uint32_t i = 0; i < s->cluster_ips.n; i++)
        none |= str_eq(s->cluster_ips.v[i], S("None"));
    if (none && s->cluster_ips.n > 1)
        field_invalid(e, p, bad_field(e, TY_CORE_SERVICE_SPEC, S("clusterIPs"), s),
                      "'None' must be the first and only value");
    else if (!none)
        check_ips(e, p, &s->cluster_ips, old ? &old->cluster_ips : NULL);
    if (s->cluster_ips.n > CLUSTER_IPS_MAX)
        field_invalid(e, p, bad_field(e, TY_CORE_SERVICE_SPEC, S("clusterIPs"), s),
                      "may only hold up to %d values", CLUSTER_IPS_MAX);
    return field_errors_count(e) == errors;
}

static void check_cluster_ips(struct field_errors *e, const struct field_path *spec,
                              const struct core_service_spec *s, const struct core_service_spec *old) {
    const struct field_path *p = at_field(spec, "clusterIPs");
    if (has_type(s, "ExternalName"))
        return;
    check_families(e, spec, s);
    check_first_ip(e, p, s);
    if (!check_each_ip(e, p, s, old) || is_headless(s))
        return;
    if (s->cluster_ips.n == 2 && family_of(s->cluster_ips.v[0]) == family_of(s->cluster_ips.v[1]))
        field_invalid(e, p, bad_field(e, TY_CORE_SERVICE_SPEC, S("clusterIPs"), s),
                      "may specify no more than one IP for each IP family");
    for (uint32_t i = 0; i < s->cluster_ips.n && i < s->ip_families.n; i++) {
        uint8_t want = family_number(s->ip_families.v[i]);
        if (want && want != family_of(s->cluster_ips.v[i]))
            field_invalid(e, at_index(p, i), bad(s->cluster_ips.v[i]),
                          "expected an IPv%d value as indicated by `ipFamilies[%u]`", want, i);
    }
}

/* ---- from outside ---- */

static void check_load_balancer(struct field_errors *e, const struct field_path *p,
                                const struct meta_object_meta *meta, const struct core_service_spec *s,
                                const struct core_service_spec *old) {
    bool balanced = has_type(s, "LoadBalancer");
    const struct field_path *ranges = at_field(p, "loadBalancerSourceRanges");
    if (s->load_balancer_source_ranges.n) {
        if (!balanced)
            field_forbidden(e, ranges, ONLY_LOAD_BALANCER);
        check_cidrs(e, ranges, &s->load_balancer_source_ranges,
                    old ? &old->load_balancer_source_ranges : NULL);
    } else if (!balanced && str_map_get(meta->annotations, SOURCE_RANGES).p) {
        field_forbidden(e, at_key(at_field(NULL, "metadata.annotations"), SOURCE_RANGES), ONLY_LOAD_BALANCER);
    }
    const struct field_path *allocate = at_field(p, "allocateLoadBalancerNodePorts");
    if (s->allocate_load_balancer_node_ports.set && !balanced)
        field_forbidden(e, allocate, ONLY_LOAD_BALANCER);
    if (!s->allocate_load_balancer_node_ports.set && balanced)
        field_required(e, allocate);
    const struct field_path *class = at_field(p, "loadBalancerClass");
    if (s->load_balancer_class.p && balanced)
        check_label_key(e, class, s->load_balancer_class);
    else if (s->load_balancer_class.p)
        field_forbidden(e, class, ONLY_LOAD_BALANCER);
}

static void check_external_traffic(struct field_errors *e, const struct field_path *p,
                                   const struct core_service_spec *s) {
    static const struct str policies[] = {STR_INIT("Cluster"), STR_INIT("Local")};
    const struct field_path *policy = at_field(p, "externalTrafficPolicy");
    const struct field_path *port = at_field(p, "healthCheckNodePort");
    if (is_reachable_from_outside(s))
        check_enum(e, policy, s->external_traffic_policy, STR_SET(policies));
    else if (!str_empty(s->external_traffic_policy))
        field_invalid(e, policy, bad(s->external_traffic_policy),
                      "may only be set for externally-accessible services");
    if (!needs_health_check(s)) {
        if (s->health_check_node_port != 0)
            field_invalid(
                e, port, bad(s->health_check_node_port),
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    } else if (s->health_check_node_port == 0) {
        field_required(e, port);
    } else {
        check_port(e, port, s->health_check_node_port);
    }
}

static void check_internal_traffic(struct field_errors *e, const struct field_path *p,
                                   const struct core_service_spec *s) {
    static const struct str policies[] = {STR_INIT("Cluster"), STR_INIT("Local")};
    static const struct str distributions[] = {STR_INIT("PreferClose"), STR_INIT("PreferSameNode"),
                                               STR_INIT("PreferSameZone")};
    const struct field_path *policy = at_field(p, "internalTrafficPolicy");
    if (s->internal_traffic_policy.p)
        check_supported(e, policy, s->internal_traffic_policy, STR_SET(policies));
    else if (!has_type(s, "ExternalName"))
        field_required(e, policy);
    if (s->traffic_distribution.p)
        check_supported(e, at_field(p, "trafficDistribution"), s->traffic_distribution,
                        STR_SET(distributions));
}

static void check_external_ips(struct field_errors *e, const struct field_path *p,
                               const struct str_array *ips, const struct str_array *old) {
    check_ips(e, p, ips, old);
    for (uint32_t i = 0; i < ips->n; i++)
        check_endpoint_ip(e, at_index(p, i), ips->v[i]);
}

/* ---- the service ---- */

static void check_annotations_agree(struct field_errors *e, const struct meta_object_meta *meta) {
    struct str hints = str_map_get(meta->annotations, TOPOLOGY_HINTS);
    struct str mode = str_map_get(meta->annotations, TOPOLOGY_MODE);
    if (hints.p && mode.p && !str_eq(hints, mode))
        field_invalid(
            e, at_key(at_field(NULL, "metadata.annotations"), TOPOLOGY_MODE), bad(mode),
            "must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified");
}

static void check_service(struct field_errors *e, const struct core_service *service,
                          const struct core_service_spec *old) {
    static const struct str types[] = {STR_INIT("ClusterIP"), STR_INIT("ExternalName"),
                                       STR_INIT("LoadBalancer"), STR_INIT("NodePort")};
    const struct core_service_spec *s = &service->spec;
    const struct field_path *p = at_field(NULL, "spec");
    check_annotations_agree(e, &service->metadata);
    check_by_type(e, p, s);
    check_service_ports(e, at_field(p, "ports"), s);
    check_labels(e, at_field(p, "selector"), &s->selector);
    check_affinity(e, p, s);
    check_cluster_ips(e, p, s, old);
    check_external_ips(e, at_field(p, "externalIPs"), &s->external_ips, old ? &old->external_ips : NULL);
    check_enum(e, at_field(p, "type"), s->type, STR_SET(types));
    check_load_balancer(e, p, &service->metadata, s, old);
    check_external_traffic(e, p, s);
    check_internal_traffic(e, p, s);
}

static void create(struct validation *v, const void *object) {
    check_service(v->errors, object, NULL);
}

/* ---- updates ---- */

/* A list of one or two may grow, or shrink to the first when the policy says so; else it stays. */
static void check_stable(struct field_errors *e, const struct field_path *p,
                         const struct core_service_spec *s, const struct str_array *list,
                         const struct str_array *old, struct str name, const char *what) {
    const struct field_path *at = at_name(p, name);
    if (old->n && list->n == 0) {
        field_invalid(e, at_index(at, 0), BAD_NULL, "primary %s can not be unset", what);
        return;
    }
    uint32_t both = list->n < old->n ? list->n : old->n;
    for (uint32_t i = 0; i < both; i++)
        if (!str_eq(list->v[i], old->v[i]))
            field_invalid(e, at_index(at, i), bad(list->v[i]), "may not change once set");
    if (list->n == 1 && old->n > 1 && !str_eq(s->ip_family_policy, S("SingleStack")))
        field_invalid(e, at_field(p, "ipFamilyPolicy"),
                      s->ip_family_policy.p ? bad(s->ip_family_policy) : BAD_NULL,
                      "must be set to 'SingleStack' when releasing the secondary %s", what);
}

static void check_addresses_stable(struct field_errors *e, const struct field_path *p,
                                   const struct core_service_spec *s, const struct core_service_spec *old) {
    if (has_type(s, "ExternalName") || has_type(old, "ExternalName"))
        return;
    bool headless = is_headless(s), was_headless = is_headless(old);
    if (!headless || !was_headless)
        check_stable(e, p, s, &s->cluster_ips, &old->cluster_ips, S("clusterIPs"), "clusterIP");
    if (!headless && !was_headless)
        check_stable(e, p, s, &s->ip_families, &old->ip_families, S("ipFamilies"), "ipFamily");
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct core_service *service = object, *old = old_object;
    const struct core_service_spec *s = &service->spec, *was = &old->spec;
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_addresses_stable(e, p, s, was);
    if (has_type(s, "LoadBalancer") && has_type(was, "LoadBalancer") &&
        !api_equal_field(&builtin, TY_CORE_SERVICE_SPEC, s, was, S("loadBalancerClass")))
        field_invalid(e, at_field(p, "loadBalancerClass"),
                      bad_field(e, TY_CORE_SERVICE_SPEC, S("loadBalancerClass"), s),
                      "may not change once set");
    check_service(e, service, was);
    if (needs_health_check(s) && needs_health_check(was) &&
        s->health_check_node_port != was->health_check_node_port)
        field_forbidden(e, at_field(p, "healthCheckNodePort"), IMMUTABLE_TEXT);
}

/* ---- status ---- */

static void check_ingress(struct field_errors *e, const struct field_path *p,
                          const struct core_load_balancer_ingress *i, struct str old_ip) {
    static const struct str modes[] = {STR_INIT("Proxy"), STR_INIT("VIP")};
    const struct field_path *mode = at_field(p, "ipMode"), *host = at_field(p, "hostname");
    bool has_ip = !str_empty(i->ip);
    if (has_ip)
        check_ip_or_old(e, at_field(p, "ip"), i->ip, old_ip);
    if (!i->ip_mode.p) {
        if (has_ip)
            field_required_because(e, mode, "must be specified when `ip` is set");
    } else if (!has_ip) {
        field_forbidden(e, mode, "may not be specified when `ip` is not set");
    } else {
        check_supported(e, mode, i->ip_mode, STR_SET(modes));
    }
    if (str_empty(i->hostname))
        return;
    check_dns_subdomain(e, host, i->hostname);
    if (family_of(i->hostname))
        field_invalid(e, host, bad(i->hostname), "must be a DNS name, not an IP address");
}

static void update_status(struct validation *v, const void *object, const void *old_object) {
    const struct core_service *service = object, *old = old_object;
    const struct core_load_balancer_ingress_array *list = &service->status.load_balancer.ingress;
    const struct core_load_balancer_ingress_array *was = &old->status.load_balancer.ingress;
    const struct field_path *p = at_field(NULL, "status.loadBalancer.ingress");
    if (list->n && !has_type(&service->spec, "LoadBalancer")) {
        field_forbidden(v->errors, p, "may only be used when `spec.type` is \"LoadBalancer\"");
        return;
    }
    for (uint32_t i = 0; i < list->n; i++)
        check_ingress(v->errors, at_index(p, i), &list->v[i], i < was->n ? was->v[i].ip : STR_NONE);
}

const struct validator validator_core_service = {.type = TY_CORE_SERVICE,
                                                 .name = name_check_dns1123_label,
                                                 .create = create,
                                                 .update = update,
                                                 .status = update_status};
