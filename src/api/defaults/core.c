/* Defaults of the core group but for pods and volumes. See defaults_priv.h. */
#include "api/types/core.h"
#include "api/defaults/defaults_priv.h"
#include "api/meta.h"

DEFAULTER(config_map, core_config_map, m) {
    if (!m->data.v)
        m->data.v = arena_new_n(a, 0, struct str_entry);
}

/* CONFORMS: stringData is only a way to write data; it wins over what stands there, and is never stored. */
DEFAULTER(secret, core_secret, s) {
    default_empty(&s->type, CORE_SECRET_TYPE_OPAQUE);
    if (s->string_data.n)
        s->data = str_map_merge(a, s->data, s->string_data);
    s->string_data = (struct str_map){.v = NULL};
}

DEFAULTER(endpoint_port, core_endpoint_port, p) {
    default_empty(&p->protocol, CORE_PROTOCOL_TCP);
}

/* CONFORMS: every named namespace can be selected by its name. */
DEFAULTER(namespace, core_namespace, n) {
    if (n->metadata.name.n)
        default_map_set(a, &n->metadata.labels, CORE_LABEL_METADATA_NAME, n->metadata.name);
}

DEFAULTER(namespace_status, core_namespace_status, s) {
    default_empty(&s->phase, CORE_NAMESPACE_ACTIVE);
}

DEFAULTER(node_status, core_node_status, s) {
    if (!s->allocatable.v && s->capacity.v)
        resources_missing(a, &s->allocatable, s->capacity);
}

/* A container's default limit is the maximum; its default request is the default limit, else the minimum. */
DEFAULTER(limit_range_item, core_limit_range_item, i) {
    if (!str_eq(i->type, CORE_LIMIT_TYPE_CONTAINER))
        return;
    resources_missing(a, &i->default_, i->max);
    resources_missing(a, &i->default_request, i->default_);
    resources_missing(a, &i->default_request, i->min);
}

DEFAULTER(replication_controller, core_replication_controller, rc) {
    default_i32(&rc->spec.replicas, 1);
    if (!rc->spec.template || !rc->spec.template->metadata.labels.v)
        return;
    struct str_map labels = rc->spec.template->metadata.labels;
    if (!rc->spec.selector.n)
        rc->spec.selector = default_map_copy(a, labels);
    if (!rc->metadata.labels.n)
        rc->metadata.labels = default_map_copy(a, labels);
}

/* Services. */

static bool is_type(const struct core_service_spec *s, struct str type) {
    return str_eq(s->type, type);
}

static void session_affinity(struct arena *a, struct core_service_spec *s) {
    default_empty(&s->session_affinity, CORE_SERVICE_AFFINITY_NONE);
    if (str_eq(s->session_affinity, CORE_SERVICE_AFFINITY_NONE))
        s->session_affinity_config = NULL;
    if (!str_eq(s->session_affinity, CORE_SERVICE_AFFINITY_CLIENT_IP))
        return;
    default_new(a, s->session_affinity_config);
    default_new(a, s->session_affinity_config->client_ip);
    default_i32(&s->session_affinity_config->client_ip->timeout_seconds,
                CORE_DEFAULT_CLIENT_IP_SERVICE_AFFINITY_SECONDS);
}

static void service_ports(struct core_service_port_array ports) {
    for (uint32_t i = 0; i < ports.n; i++) {
        struct core_service_port *p = &ports.v[i];
        bool none = p->target_port.is_str ? !p->target_port.s.n : !p->target_port.i;
        default_empty(&p->protocol, CORE_PROTOCOL_TCP);
        if (none)
            p->target_port = int_value(p->port);
    }
}

static void traffic_policies(struct core_service_spec *s) {
    bool cluster_ip = is_type(s, CORE_SERVICE_TYPE_CLUSTER_IP);
    bool outside = is_type(s, CORE_SERVICE_TYPE_NODE_PORT) || is_type(s, CORE_SERVICE_TYPE_LOAD_BALANCER);
    if (outside || (cluster_ip && s->external_ips.n))
        default_empty(&s->external_traffic_policy, CORE_SERVICE_EXTERNAL_TRAFFIC_POLICY_CLUSTER);
    if (outside || cluster_ip)
        default_absent(&s->internal_traffic_policy, CORE_SERVICE_INTERNAL_TRAFFIC_POLICY_CLUSTER);
}

DEFAULTER(service, core_service, v) {
    struct core_service_spec *s = &v->spec;
    session_affinity(a, s);
    default_empty(&s->type, CORE_SERVICE_TYPE_CLUSTER_IP);
    service_ports(s->ports);
    traffic_policies(s);
    if (!is_type(s, CORE_SERVICE_TYPE_LOAD_BALANCER))
        return;
    default_bool(&s->allocate_load_balancer_node_ports, true);
    struct core_load_balancer_ingress_array ingress = v->status.load_balancer.ingress;
    for (uint32_t i = 0; i < ingress.n; i++)
        if (ingress.v[i].ip.n)
            default_absent(&ingress.v[i].ip_mode, CORE_LOAD_BALANCER_IP_MODE_VIP);
}

static const struct default_rule table[] = {
    {TY_CORE_CONFIG_MAP, config_map},
    {TY_CORE_ENDPOINT_PORT, endpoint_port},
    {TY_CORE_LIMIT_RANGE_ITEM, limit_range_item},
    {TY_CORE_NAMESPACE, namespace},
    {TY_CORE_NAMESPACE_STATUS, namespace_status},
    {TY_CORE_NODE_STATUS, node_status},
    {TY_CORE_REPLICATION_CONTROLLER, replication_controller},
    {TY_CORE_SECRET, secret},
    {TY_CORE_SERVICE, service},
};
DEFAULT_RULES(core_defaults, table);
