/* Rules of networking.k8s.io/v1 NetworkPolicy. */
#include "api/types/networking.h"

#include "api/ip.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define POLICY_TYPES_MAX 2

static void check_policy_port(struct field_errors *e, const struct field_path *p,
                              const struct networking_network_policy_port *port) {
    static const struct str protocols[] = {STR_INIT("TCP"), STR_INIT("UDP"), STR_INIT("SCTP")};
    const struct field_path *end = at_field(p, "endPort");
    if (port->protocol.p)
        check_supported(e, at_field(p, "protocol"), port->protocol, STR_SET(protocols));
    if (port->port.set) {
        check_port_or_name(e, at_field(p, "port"), port->port);
        if (!port->end_port.set)
            return;
        if (port->port.is_str) {
            field_invalid(e, end, bad(port->end_port), "may not be specified when `port` is a name");
            return;
        }
        if (port->end_port.v < port->port.i)
            field_invalid(e, end, bad(port->end_port), "must be greater than or equal to `port`");
        check_port(e, end, port->end_port.v);
    } else if (port->end_port.set) {
        field_invalid(e, end, bad(port->end_port), "may not be specified when `port` is not specified");
    }
}

/* stored: the text is stored already, in whatever form was accepted then. */
static bool check_network(struct field_errors *e, const struct field_path *p, struct str text, bool stored,
                          struct cidr *ret) {
    struct name_errors found = NAME_ERRORS_INIT;
    if (cidr_check(text, stored ? IP_LEGACY : IP_STRICT, &found) == 0)
        return cidr_parse(text, IP_LEGACY, ret);
    for (uint32_t i = 0; i < found.n; i++)
        field_invalid(e, p, bad(text), "%.*s", STR_ARG(found.v[i]));
    return false;
}

static void check_ip_block(struct field_errors *e, const struct field_path *p,
                           const struct networking_ip_block *b, bool stored) {
    struct cidr outer, inner;
    if (str_empty(b->cidr)) {
        field_required(e, at_field(p, "cidr"));
        return;
    }
    if (!check_network(e, at_field(p, "cidr"), b->cidr, stored, &outer))
        return;
    for (uint32_t i = 0; i < b->except.n; i++) {
        const struct field_path *at = at_index(at_field(p, "except"), i);
        if (!check_network(e, at, b->except.v[i], stored, &inner))
            continue;
        if (!cidr_contains_cidr(outer, inner) || outer.bits >= inner.bits)
            field_invalid(e, at, bad(b->except.v[i]), "must be a strict subset of `cidr`");
    }
}

static void check_peer(struct field_errors *e, const struct field_path *p,
                       const struct networking_network_policy_peer *peer, bool stored) {
    if (!peer->pod_selector && !peer->namespace_selector && !peer->ip_block) {
        field_required_because(e, p, "must specify a peer");
        return;
    }
    if (peer->pod_selector)
        check_label_selector(e, at_field(p, "podSelector"), peer->pod_selector, stored);
    if (peer->namespace_selector)
        check_label_selector(e, at_field(p, "namespaceSelector"), peer->namespace_selector, stored);
    if (!peer->ip_block)
        return;
    check_ip_block(e, at_field(p, "ipBlock"), peer->ip_block, stored);
    if (peer->pod_selector || peer->namespace_selector)
        field_forbidden(e, p, "may not specify both ipBlock and another peer");
}

static void check_rule(struct field_errors *e, const struct field_path *p,
                       const struct networking_network_policy_port_array *ports, const char *peers_name,
                       const struct networking_network_policy_peer_array *peers, bool stored) {
    for (uint32_t i = 0; i < ports->n; i++)
        check_policy_port(e, at_index(at_field(p, "ports"), i), &ports->v[i]);
    for (uint32_t i = 0; i < peers->n; i++)
        check_peer(e, at_index(at_name(p, str_from(peers_name)), i), &peers->v[i], stored);
}

/* stored: the spec is stored as it is, so that what is odd in it stays accepted. */
static void check_spec(struct validation *v, const struct networking_network_policy_spec *s, bool stored) {
    static const struct str types[] = {STR_INIT("Egress"), STR_INIT("Ingress")};
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *policy_types = at_field(p, "policyTypes");
    check_label_selector(e, at_field(p, "podSelector"), &s->pod_selector, stored);
    for (uint32_t i = 0; i < s->ingress.n; i++)
        check_rule(e, at_index(at_field(p, "ingress"), i), &s->ingress.v[i].ports, "from",
                   &s->ingress.v[i].from, stored);
    for (uint32_t i = 0; i < s->egress.n; i++)
        check_rule(e, at_index(at_field(p, "egress"), i), &s->egress.v[i].ports, "to", &s->egress.v[i].to,
                   stored);
    if (s->policy_types.n > POLICY_TYPES_MAX) {
        field_invalid(e, policy_types, bad_field(e, TY_NETWORKING_NETWORK_POLICY_SPEC, S("policyTypes"), s),
                      "may not specify more than two policyTypes");
        return;
    }
    for (uint32_t i = 0; i < s->policy_types.n; i++)
        check_supported(e, at_index(policy_types, i), s->policy_types.v[i], STR_SET(types));
}

static void create(struct validation *v, const void *object) {
    check_spec(v, &((const struct networking_network_policy *)object)->spec, false);
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct networking_network_policy *n = object, *old = old_object;
    check_spec(v, &n->spec, api_equal(&builtin, TY_NETWORKING_NETWORK_POLICY_SPEC, &n->spec, &old->spec));
}

const struct validator validator_networking_network_policy = {.type = TY_NETWORKING_NETWORK_POLICY,
                                                              .name = name_check_dns1123_subdomain,
                                                              .create = create,
                                                              .update = update};
