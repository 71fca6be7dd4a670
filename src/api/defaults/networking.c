/* Defaults of networking and discovery. See defaults_priv.h. */
#include "api/types/networking.h"
#include "api/defaults/defaults_priv.h"
#include "api/types/discovery.h"

DEFAULTER(network_policy, networking_network_policy, p) {
    if (p->spec.policy_types.n)
        return;
    struct str_array types = {arena_new_n(a, 2, struct str), 1};
    types.v[0] = NETWORKING_POLICY_TYPE_INGRESS;
    if (p->spec.egress.n)
        types.v[types.n++] = NETWORKING_POLICY_TYPE_EGRESS;
    p->spec.policy_types = types;
}

DEFAULTER(network_policy_port, networking_network_policy_port, p) {
    default_absent(&p->protocol, CORE_PROTOCOL_TCP);
}

DEFAULTER(ingress_class_parameters, networking_ingress_class_parameters_reference, r) {
    default_absent(&r->scope, NETWORKING_INGRESS_CLASS_PARAMETERS_REFERENCE_SCOPE_CLUSTER);
}

DEFAULTER(ingress_class_parameters_v1beta1, networking_v1beta1_ingress_class_parameters_reference, r) {
    default_absent(&r->scope, NETWORKING_INGRESS_CLASS_PARAMETERS_REFERENCE_SCOPE_CLUSTER);
}

DEFAULTER(ingress_path_v1beta1, networking_v1beta1_http_ingress_path, p) {
    default_absent(&p->path_type, NETWORKING_PATH_TYPE_IMPLEMENTATION_SPECIFIC);
}

DEFAULTER(endpoint_port, discovery_endpoint_port, p) {
    default_absent(&p->name, S(""));
    default_absent(&p->protocol, CORE_PROTOCOL_TCP);
}

static const struct default_rule table[] = {
    {TY_DISCOVERY_ENDPOINT_PORT, endpoint_port},
    {TY_NETWORKING_INGRESS_CLASS_PARAMETERS_REFERENCE, ingress_class_parameters},
    {TY_NETWORKING_NETWORK_POLICY, network_policy},
    {TY_NETWORKING_NETWORK_POLICY_PORT, network_policy_port},
    {TY_NETWORKING_V1BETA1_HTTP_INGRESS_PATH, ingress_path_v1beta1},
    {TY_NETWORKING_V1BETA1_INGRESS_CLASS_PARAMETERS_REFERENCE, ingress_class_parameters_v1beta1},
};
DEFAULT_RULES(networking_defaults, table);
