/* Rules of discovery.k8s.io/v1 EndpointSlice. */
#include "api/types/discovery.h"

#include "api/ip.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define ENDPOINTS_MAX 1000
#define ADDRESSES_MAX 100
#define PORTS_MAX 20000
#define TOPOLOGY_MAX 16
#define HINTS_MAX 8

/* ---- addresses ---- */

static void check_endpoint_ip(struct field_errors *e, const struct field_path *p, struct str text,
                              struct ip ip) {
    if (ip_is_unspecified(ip))
        field_invalid(e, p, bad(text), "may not be unspecified");
    if (ip_is_loopback(ip))
        field_invalid(e, p, bad(text), "may not be in the loopback range");
    if (ip_is_link_local(ip))
        field_invalid(e, p, bad(text), "may not be in the link-local range");
    if (ip_is_link_local_multicast(ip))
        field_invalid(e, p, bad(text), "may not be in the link-local multicast range");
}

static void check_address(struct field_errors *e, const struct field_path *p, struct str text,
                          struct str type, bool stored) {
    struct ip ip;
    struct name_errors found = NAME_ERRORS_INIT;
    if (str_eq(type, S("FQDN"))) {
        check_format(e, p, text, name_check_fully_qualified_domain);
        return;
    }
    bool six = str_eq(type, S("IPv6"));
    if (!six && !str_eq(type, S("IPv4")))
        return;
    enum ip_form form = stored ? IP_LEGACY : six ? IP_CANONICAL : IP_STRICT;
    if (ip_check(text, form, &found) != 0 || !ip_parse(text, IP_LEGACY, &ip)) {
        for (uint32_t i = 0; i < found.n; i++)
            field_invalid(e, p, bad(text), "%.*s", STR_ARG(found.v[i]));
        return;
    }
    if (ip.family != (six ? 6 : 4))
        field_invalid(e, p, bad(text), "must be an %s address", six ? "IPv6" : "IPv4");
    check_endpoint_ip(e, p, text, ip);
}

/* ---- endpoints ---- */

static void check_topology(struct field_errors *e, const struct field_path *p,
                           const struct str_map *topology) {
    static const struct str host = STR_INIT("kubernetes.io/hostname");
    if (!check_max_items(e, p, topology->n, TOPOLOGY_MAX))
        return;
    check_labels(e, p, topology);
    if (str_map_get(*topology, host).p)
        field_invalid(e, at_key(p, host), bad(str_map_get(*topology, host)), "set nodeName instead");
}

static void check_hints(struct field_errors *e, const struct field_path *p,
                        const struct discovery_endpoint_hints *h) {
    const struct field_path *zones = at_field(p, "forZones"), *nodes = at_field(p, "forNodes");
    SEEN(seen_zones);
    SEEN(seen_nodes);
    if (check_max_items(e, zones, h->for_zones.n, HINTS_MAX))
        for (uint32_t i = 0; i < h->for_zones.n; i++) {
            const struct field_path *at = at_field(at_index(zones, i), "name");
            if (seen_before(&seen_zones, h->for_zones.v[i].name))
                field_duplicate(e, at, bad(h->for_zones.v[i].name));
            check_label_value(e, at, h->for_zones.v[i].name);
        }
    if (check_max_items(e, nodes, h->for_nodes.n, HINTS_MAX))
        for (uint32_t i = 0; i < h->for_nodes.n; i++) {
            const struct field_path *at = at_field(at_index(nodes, i), "name");
            if (seen_before(&seen_nodes, h->for_nodes.v[i].name))
                field_duplicate(e, at, bad(h->for_nodes.v[i].name));
            check_dns_subdomain(e, at, h->for_nodes.v[i].name);
        }
}

static void check_endpoint(struct field_errors *e, const struct field_path *p,
                           const struct discovery_endpoint *endpoint, struct str type, bool stored) {
    const struct field_path *list = at_field(p, "addresses");
    if (endpoint->addresses.n == 0)
        field_required_because(e, list, "must contain at least 1 address");
    else if (check_max_items(e, list, endpoint->addresses.n, ADDRESSES_MAX))
        for (uint32_t i = 0; i < endpoint->addresses.n; i++)
            check_address(e, at_index(list, i), endpoint->addresses.v[i], type, stored);
    if (endpoint->node_name.p)
        check_dns_subdomain(e, at_field(p, "nodeName"), endpoint->node_name);
    check_topology(e, at_field(p, "deprecatedTopology"), &endpoint->deprecated_topology);
    if (endpoint->hostname.p)
        check_dns_label(e, at_field(p, "hostname"), endpoint->hostname);
    if (endpoint->hints)
        check_hints(e, at_field(p, "hints"), endpoint->hints);
}

/* ---- ports ---- */

static void check_endpoint_port(struct field_errors *e, const struct field_path *p,
                                const struct discovery_endpoint_port *port, struct seen *names) {
    static const struct str protocols[] = {STR_INIT("SCTP"), STR_INIT("TCP"), STR_INIT("UDP")};
    check_optional_format(e, at_field(p, "name"), port->name, name_check_dns1123_label);
    if (seen_before(names, port->name))
        field_duplicate(e, at_field(p, "name"), bad(port->name));
    if (!port->protocol.p)
        field_required(e, at_field(p, "protocol"));
    else
        check_supported(e, at_field(p, "protocol"), port->protocol, STR_SET(protocols));
    if (port->app_protocol.p)
        check_label_key(e, at_field(p, "appProtocol"), port->app_protocol);
}

/* ---- EndpointSlice ---- */

static void check_slice(struct validation *v, const struct discovery_endpoint_slice *s, bool stored) {
    static const struct str types[] = {STR_INIT("FQDN"), STR_INIT("IPv4"), STR_INIT("IPv6")};
    const struct field_path *endpoints = at_field(NULL, "endpoints"), *ports = at_field(NULL, "ports");
    struct field_errors *e = v->errors;
    SEEN(names);
    check_enum(e, at_field(NULL, "addressType"), s->address_type, STR_SET(types));
    if (check_max_items(e, endpoints, s->endpoints.n, ENDPOINTS_MAX))
        for (uint32_t i = 0; i < s->endpoints.n; i++)
            check_endpoint(e, at_index(endpoints, i), &s->endpoints.v[i], s->address_type, stored);
    if (check_max_items(e, ports, s->ports.n, PORTS_MAX))
        for (uint32_t i = 0; i < s->ports.n; i++)
            check_endpoint_port(e, at_index(ports, i), &s->ports.v[i], &names);
}

static void create(struct validation *v, const void *object) {
    check_slice(v, object, false);
}

/* Addresses that are stored already stay accepted as they are. */
static void update(struct validation *v, const void *object, const void *old_object) {
    const struct discovery_endpoint_slice *s = object, *old = old_object;
    check_slice(v, s, api_equal_field(&builtin, TY_DISCOVERY_ENDPOINT_SLICE, s, old, S("endpoints")));
    check_immutable(v->errors, at_field(NULL, "addressType"), TY_DISCOVERY_ENDPOINT_SLICE, S("addressType"),
                    s, old);
}

const struct validator validator_discovery_endpoint_slice = {.type = TY_DISCOVERY_ENDPOINT_SLICE,
                                                             .name = name_check_dns1123_subdomain,
                                                             .create = create,
                                                             .update = update};
