/* Services, endpoints, ingresses, policies. See describe.h. */
#include "base/vec.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

#define ENDPOINTS_SHOWN 3

/* -- services -- */

static struct jval slices_of(struct describing *d, struct str service) {
    struct str label = arena_printf(&d->c->arena, "kubernetes.io/service-name=%.*s", STR_ARG(service));
    return d_list(d, "discovery.k8s.io", "endpointslices", object_namespace(d->o), label, S(""));
}

static bool is_ready(const struct jval *endpoint) {
    const struct jval *ready = jval_path(endpoint, "conditions.ready");
    return !ready || ready->kind != J_BOOL || ready->b;
}

struct addresses {
    struct buf text;
    unsigned n;
    bool more;
};

/* CONFORMS: the first address of each endpoint. */
static void add_addresses(struct addresses *all, const struct jval *slice, const struct jval *port) {
    const struct jval *endpoints = object_array(slice, "endpoints");
    bool v6 = str_eq(object_str(slice, "addressType"), S("IPv6"));
    for (uint32_t i = 0; endpoints && i < endpoints->n; i++) {
        const struct jval *list = object_array(&endpoints->items[i], "addresses");
        all->more |= all->n >= ENDPOINTS_SHOWN; /* CONFORMS: also when what comes is not ready */
        if (!is_ready(&endpoints->items[i]) || !list || list->n == 0)
            continue;
        if (all->n++ < ENDPOINTS_SHOWN)
            buf_printf(&all->text, "%s%s%.*s%s:%lld", all->text.n ? "," : "", v6 ? "[" : "",
                       STR_ARG(jval_as_str(&list->items[0])), v6 ? "]" : "",
                       (long long)object_int(port, "port", 0));
    }
}

/* "10.0.0.1:80,10.0.0.2:80 + 4 more..." of a port by name. */
static struct str endpoints_text(struct describing *d, const struct jval *slices, struct str port) {
    struct addresses all = {.text = BUF_INIT};
    if (slices->kind != J_ARRAY || slices->n == 0)
        return S("<none>");
    for (uint32_t i = 0; i < slices->n; i++) {
        const struct jval *ports = object_array(&slices->items[i], "ports");
        for (uint32_t k = 0; ports && k < ports->n; k++)
            if (str_eq(object_str(&ports->items[k], "name"), port))
                add_addresses(&all, &slices->items[i], &ports->items[k]);
    }
    if (all.more)
        buf_printf(&all.text, " + %u more...", all.n - ENDPOINTS_SHOWN);
    struct str text = buf_to_arena(&all.text, &d->c->arena);
    buf_fini(&all.text);
    return text;
}

static void put_port(struct describing *d, const struct jval *port, const struct jval *slices) {
    struct str name = object_str(port, "name"), protocol = object_str(port, "protocol");
    d_put(d, 0, "Port:\t%.*s\t%lld/%.*s\n", STR_ARG(or_unset(name)), (long long)object_int(port, "port", 0),
          STR_ARG(protocol));
    d_put(d, 0, "TargetPort:\t%.*s/%.*s\n", STR_ARG(d_number(d, port, "targetPort", "0")), STR_ARG(protocol));
    if (object_int(port, "nodePort", 0))
        d_put(d, 0, "NodePort:\t%.*s\t%lld/%.*s\n", STR_ARG(or_unset(name)),
              (long long)object_int(port, "nodePort", 0), STR_ARG(protocol));
    d_put(d, 0, "Endpoints:\t%.*s\n", STR_ARG(endpoints_text(d, slices, name)));
}

static void put_balancer(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.loadBalancer.ingress");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "LoadBalancer Ingress:\t");
    for (uint32_t i = 0; i < all->n; i++) {
        struct str ip = object_str(&all->items[i], "ip"), mode = object_str(&all->items[i], "ipMode");
        d_put(d, 0, "%s%.*s", i ? ", " : "", STR_ARG(ip.n ? ip : object_str(&all->items[i], "hostname")));
        if (ip.n && mode.n)
            d_put(d, 0, " (%.*s)", STR_ARG(mode));
    }
    d_put(d, 0, "\n");
}

static void put_optional(struct describing *d, const char *title, const char *dotted) {
    struct str s = object_str(d->o, dotted);
    if (s.n)
        d_put(d, 0, "%s:\t%.*s\n", title, STR_ARG(s));
}

static void put_list(struct describing *d, const char *title, const char *dotted) {
    const struct jval *all = object_array(d->o, dotted);
    if (all && all->n)
        d_put(d, 0, "%s:\t%.*s\n", title, STR_ARG(d_join(d, all, ",")));
}

void describe_service(struct describing *d) {
    const struct jval *o = d->o, *ports = object_array(o, "spec.ports");
    struct jval slices = slices_of(d, object_name(o));
    d_head(d);
    d_put(d, 0, "Selector:\t%.*s\n", STR_ARG(d_map_inline(d, jval_path(o, "spec.selector"))));
    d_put(d, 0, "Type:\t%.*s\n", D_STR(d, "spec.type"));
    put_optional(d, "IP Family Policy", "spec.ipFamilyPolicy");
    d_put(d, 0, "IP Families:\t%.*s\n", STR_ARG(d_join(d, object_array(o, "spec.ipFamilies"), ",")));
    d_put(d, 0, "IP:\t%.*s\n", D_STR(d, "spec.clusterIP"));
    d_put(d, 0, "IPs:\t%.*s\n", STR_ARG(d_join(d, object_array(o, "spec.clusterIPs"), ",")));
    put_list(d, "External IPs", "spec.externalIPs");
    put_optional(d, "Desired LoadBalancer IP", "spec.loadBalancerIP");
    put_optional(d, "External Name", "spec.externalName");
    put_balancer(d);
    for (uint32_t i = 0; ports && i < ports->n; i++)
        put_port(d, &ports->items[i], &slices);
    d_put(d, 0, "Session Affinity:\t%.*s\n", D_STR(d, "spec.sessionAffinity"));
    put_optional(d, "External Traffic Policy", "spec.externalTrafficPolicy");
    if (object_int(o, "spec.healthCheckNodePort", 0))
        d_put(d, 0, "HealthCheck NodePort:\t%lld\n", (long long)object_int(o, "spec.healthCheckNodePort", 0));
    put_optional(d, "Internal Traffic Policy", "spec.internalTrafficPolicy");
    put_optional(d, "Traffic Distribution", "spec.trafficDistribution");
    put_list(d, "LoadBalancer Source Ranges", "spec.loadBalancerSourceRanges");
    d_events(d);
}

/* -- endpoints -- */

static struct str ips_of(struct describing *d, const struct jval *list) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; list && i < list->n; i++)
        buf_printf(&b, "%s%.*s", i ? "," : "", STR_ARG(object_str(&list->items[i], "ip")));
    return or_none(buf_to_arena(&b, &d->c->arena));
}

static void put_ports(struct describing *d, unsigned level, const struct jval *ports) {
    d_put(d, level, "Name\tPort\tProtocol\n");
    d_put(d, level, "----\t----\t--------\n");
    for (uint32_t i = 0; i < ports->n; i++) {
        const struct jval *p = &ports->items[i];
        d_put(d, level, "%.*s\t%.*s\t%.*s\n", STR_ARG(or_unset(object_str(p, "name"))),
              STR_ARG(d_number(d, p, "port", "<unset>")), STR_ARG(object_str(p, "protocol")));
    }
}

void describe_endpoints(struct describing *d) {
    const struct jval *subsets = object_array(d->o, "subsets");
    d_head(d);
    d_put(d, 0, "Subsets:\n");
    for (uint32_t i = 0; subsets && i < subsets->n; i++) {
        const struct jval *s = &subsets->items[i], *ports = object_array(s, "ports");
        d_put(d, 1, "Addresses:\t%.*s\n", STR_ARG(ips_of(d, object_array(s, "addresses"))));
        d_put(d, 1, "NotReadyAddresses:\t%.*s\n", STR_ARG(ips_of(d, object_array(s, "notReadyAddresses"))));
        if (ports && ports->n) {
            d_put(d, 1, "Ports:\n");
            put_ports(d, 2, ports);
        }
        d_put(d, 0, "\n");
    }
    d_events(d);
}

static void put_endpoint(struct describing *d, const struct jval *e) {
    struct str target = object_str(e, "targetRef.name");
    d_put(d, 1, "- Addresses:\t%.*s\n", STR_ARG(d_join(d, object_array(e, "addresses"), ", ")));
    d_put(d, 2, "Conditions:\n");
    d_put(d, 3, "Ready:\t%.*s\n", STR_ARG(d_number(d, e, "conditions.ready", "<unset>")));
    d_put(d, 2, "Hostname:\t%.*s\n", STR_ARG(or_unset(object_str(e, "hostname"))));
    if (target.n)
        d_put(d, 2, "TargetRef:\t%.*s/%.*s\n", STR_ARG(object_str(e, "targetRef.kind")), STR_ARG(target));
    d_put(d, 2, "NodeName:\t%.*s\n", STR_ARG(or_unset(object_str(e, "nodeName"))));
    d_put(d, 2, "Zone:\t%.*s\n", STR_ARG(or_unset(object_str(e, "zone"))));
}

void describe_endpoint_slice(struct describing *d) {
    const struct jval *o = d->o, *ports = object_array(o, "ports"), *endpoints = object_array(o, "endpoints");
    d_head(d);
    d_put(d, 0, "AddressType:\t%.*s\n", D_STR(d, "addressType"));
    if (ports && ports->n) {
        d_put(d, 0, "Ports:\n");
        put_ports(d, 1, ports);
    } else {
        d_put(d, 0, "Ports: <unset>\n");
    }
    d_put(d, 0, "Endpoints:%s\n", endpoints && endpoints->n ? "" : " <none>");
    for (uint32_t i = 0; endpoints && i < endpoints->n; i++)
        put_endpoint(d, &endpoints->items[i]);
    d_events(d);
}

/* -- ingresses -- */

static struct str backend_text(struct describing *d, const struct jval *backend) {
    struct arena *a = &d->c->arena;
    const struct jval *service = jval_get(backend, S("service")), *r = jval_get(backend, S("resource"));
    struct str group = object_str(r, "apiGroup"), port = object_str(service, "port.name");
    if (service)
        return arena_printf(a, "%.*s:%.*s", STR_ARG(object_str(service, "name")),
                            STR_ARG(port.n ? port : d_number(d, service, "port.number", "0")));
    if (r)
        return arena_printf(a, "APIGroup: %.*s, Kind: %.*s, Name: %.*s",
                            STR_ARG(group.n ? group : S("<none>")), STR_ARG(object_str(r, "kind")),
                            STR_ARG(object_str(r, "name")));
    return S("");
}

/* The name of the service's port that a backend means. */
static struct str port_name(const struct jval *service, const struct jval *backend) {
    const struct jval *ports = object_array(service, "spec.ports");
    struct str name = object_str(backend, "service.port.name");
    int64_t number = object_int(backend, "service.port.number", 0);
    for (uint32_t i = 0; ports && i < ports->n; i++) {
        struct str its = object_str(&ports->items[i], "name");
        if (name.n ? str_eq(its, name) : object_int(&ports->items[i], "port", 0) == number)
            return its;
    }
    return S("");
}

static struct str behind(struct describing *d, const struct jval *backend) {
    struct str why = S(""), name = object_str(backend, "service.name");
    struct jval service = d_get(d, "", "services", object_namespace(d->o), name, &why);
    if (service.kind != J_OBJECT)
        return arena_printf(&d->c->arena, "<error: %.*s>", STR_ARG(why));
    struct jval slices = slices_of(d, name);
    return endpoints_text(d, &slices, port_name(&service, backend));
}

static void put_path(struct describing *d, const struct jval *path) {
    const struct jval *backend = jval_get(path, S("backend"));
    d_put(d, 2, "\t%.*s \t%.*s", STR_ARG(object_str(path, "path")), STR_ARG(backend_text(d, backend)));
    if (jval_get(backend, S("service")))
        d_put(d, 0, " (%.*s)", STR_ARG(behind(d, backend)));
    d_put(d, 0, "\n");
}

static void put_rules(struct describing *d, struct str by_default) {
    const struct jval *rules = object_array(d->o, "spec.rules");
    unsigned shown = 0;
    d_put(d, 0, "Rules:\n  Host\tPath\tBackends\n");
    d_put(d, 1, "----\t----\t--------\n");
    for (uint32_t i = 0; rules && i < rules->n; i++) {
        const struct jval *paths = object_array(&rules->items[i], "http.paths");
        struct str host = object_str(&rules->items[i], "host");
        if (!paths)
            continue;
        shown++;
        d_put(d, 1, "%.*s \t\n", STR_ARG(host.n ? host : S("*")));
        for (uint32_t k = 0; k < paths->n; k++)
            put_path(d, &paths->items[k]);
    }
    if (shown == 0)
        d_put(d, 1, "*\t*\t%.*s\n", STR_ARG(by_default));
}

static struct str default_backend(struct describing *d) {
    const struct jval *backend = jval_path(d->o, "spec.defaultBackend");
    if (!backend)
        return S("<default>");
    struct str text = backend_text(d, backend);
    if (!jval_get(backend, S("service")))
        return text;
    return arena_printf(&d->c->arena, "%.*s (%.*s)", STR_ARG(text), STR_ARG(behind(d, backend)));
}

void describe_ingress(struct describing *d) {
    const struct jval *o = d->o, *tls = object_array(o, "spec.tls"),
                      *at = object_array(o, "status.loadBalancer.ingress");
    struct str class = object_str(o, "spec.ingressClassName"), by_default = default_backend(d);
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(o)));
    d_labels(d, "", "Labels", jval_path(o, "metadata.labels"));
    d_put(d, 0, "Namespace:\t%.*s\n", STR_ARG(object_namespace(o)));
    d_put(d, 0, "Address:\t");
    for (uint32_t i = 0; at && i < at->n; i++) {
        struct str ip = object_str(&at->items[i], "ip");
        d_put(d, 0, "%s%.*s", i ? "," : "", STR_ARG(ip.n ? ip : object_str(&at->items[i], "hostname")));
    }
    d_put(d, 0, "\nIngress Class:\t%.*s\n", STR_ARG(or_none(class)));
    d_put(d, 0, "Default backend:\t%.*s\n", STR_ARG(by_default));
    if (tls && tls->n)
        d_put(d, 0, "TLS:\n");
    for (uint32_t i = 0; tls && i < tls->n; i++) {
        struct str secret = object_str(&tls->items[i], "secretName");
        const struct jval *hosts = object_array(&tls->items[i], "hosts");
        struct str names = hosts && hosts->n ? d_join(d, hosts, ",") : S("");
        if (secret.n)
            d_put(d, 1, "%.*s terminates %.*s\n", STR_ARG(secret), STR_ARG(names));
        else
            d_put(d, 1, "SNI routes %.*s\n", STR_ARG(names));
    }
    put_rules(d, by_default);
    d_annotations(d, "", jval_path(o, "metadata.annotations"));
    d_events(d);
}

void describe_ingress_class(struct describing *d) {
    const struct jval *o = d->o, *p = jval_path(o, "spec.parameters");
    d_head(d);
    d_put(d, 0, "Controller:\t%.*s\n", D_STR(d, "spec.controller"));
    if (p) {
        d_put(d, 0, "Parameters:\n");
        if (object_str(p, "apiGroup").n)
            d_put(d, 1, "APIGroup:\t%.*s\n", STR_ARG(object_str(p, "apiGroup")));
        d_put(d, 1, "Kind:\t%.*s\n", STR_ARG(object_str(p, "kind")));
        d_put(d, 1, "Name:\t%.*s\n", STR_ARG(object_str(p, "name")));
    }
    d_events(d);
}

/* -- policies -- */

static void put_policy_ports(struct describing *d, const struct jval *ports) {
    if (!ports || ports->n == 0)
        d_put(d, 2, "To Port: <any> (traffic allowed to all ports)\n");
    for (uint32_t i = 0; ports && i < ports->n; i++) {
        const struct jval *p = &ports->items[i];
        struct str protocol = object_str(p, "protocol"), end = d_number(d, p, "endPort", "");
        protocol = protocol.n ? protocol : S("TCP");
        if (end.n)
            d_put(d, 2, "To Port Range: %.*s-%.*s/%.*s\n", STR_ARG(d_number(d, p, "port", "")), STR_ARG(end),
                  STR_ARG(protocol));
        else
            d_put(d, 2, "To Port: %.*s/%.*s\n", STR_ARG(d_number(d, p, "port", "<any>")), STR_ARG(protocol));
    }
}

static void put_peer(struct describing *d, const struct jval *peer, const char *title) {
    const struct jval *pods = jval_get(peer, S("podSelector")), *ns = jval_get(peer, S("namespaceSelector")),
                      *block = jval_get(peer, S("ipBlock")), *except = object_array(block, "except");
    d_put(d, 2, "%s:\n", title);
    if (ns)
        d_put(d, 3, "NamespaceSelector: %.*s\n", STR_ARG(d_selector(d, ns, "<none>")));
    if (pods)
        d_put(d, 3, "PodSelector: %.*s\n", STR_ARG(d_selector(d, pods, "<none>")));
    if (!block)
        return;
    d_put(d, 3, "IPBlock:\n");
    d_put(d, 4, "CIDR: %.*s\n", STR_ARG(object_str(block, "cidr")));
    d_put(d, 4, "Except: %.*s\n", STR_ARG(except && except->n ? d_join(d, except, ", ") : S("")));
}

static void put_policy_rules(struct describing *d, const struct jval *rules, const char *direction, bool in) {
    const char *title = in ? "From" : "To", *peers_field = in ? "from" : "to";
    if (!rules || rules->n == 0)
        d_put(d, 2, "<none> (Selected pods are isolated for %s connectivity)\n", direction);
    for (uint32_t i = 0; rules && i < rules->n; i++) {
        const struct jval *peers = object_array(&rules->items[i], peers_field);
        put_policy_ports(d, object_array(&rules->items[i], "ports"));
        if (!peers || peers->n == 0)
            d_put(d, 2, "%s: <any> (traffic not restricted by %s)\n", title, in ? "source" : "destination");
        for (uint32_t k = 0; peers && k < peers->n; k++)
            put_peer(d, &peers->items[k], title);
        if (i + 1 < rules->n)
            d_put(d, 2, "----------\n");
    }
}

static void put_direction(struct describing *d, const char *direction, const char *type, const char *field,
                          bool in) {
    const struct jval *types = object_array(d->o, "spec.policyTypes");
    for (uint32_t i = 0; types && i < types->n; i++)
        if (str_eq(d_value(d, &types->items[i]), str_from(type))) {
            d_put(d, 1, "Allowing %s traffic:\n", direction);
            put_policy_rules(d, object_array(d->o, field), direction, in);
            return;
        }
    d_put(d, 1, "Not affecting %s traffic\n", direction);
}

/* "2026-12-01T11:22:54Z" as "2026-12-01 11:22:54 +0000 UTC". */
static struct str go_time(struct describing *d, struct str t) {
    return t.n < 20 ? t : arena_printf(&d->c->arena, "%.10s %.8s +0000 UTC", t.p, t.p + 11);
}

void describe_network_policy(struct describing *d) {
    const struct jval *o = d->o, *types = object_array(o, "spec.policyTypes");
    d_name(d);
    d_put(d, 0, "Created on:\t%.*s\n", STR_ARG(go_time(d, object_str(o, "metadata.creationTimestamp"))));
    d_labels(d, "", "Labels", jval_path(o, "metadata.labels"));
    d_annotations(d, "", jval_path(o, "metadata.annotations"));
    d_put(d, 0, "Spec:\n");
    d_put(d, 1, "PodSelector:     %.*s\n",
          STR_ARG(d_selector(d, jval_path(o, "spec.podSelector"),
                             "<none> (Allowing the specific traffic to all pods in this namespace)")));
    put_direction(d, "ingress", "Ingress", "spec.ingress", true);
    put_direction(d, "egress", "Egress", "spec.egress", false);
    d_put(d, 1, "Policy Types: %.*s\n", STR_ARG(types && types->n ? d_join(d, types, ", ") : S("")));
}

/* -- addresses of services -- */

void describe_service_cidr(struct describing *d) {
    const struct jval *cidrs = object_array(d->o, "spec.cidrs"),
                      *all = object_array(d->o, "status.conditions");
    d_head(d);
    d_put(d, 0, "CIDRs:\t%.*s\n", STR_ARG(cidrs && cidrs->n ? d_join(d, cidrs, ", ") : S("")));
    if (all && all->n) {
        d_put(d, 0, "Status:\nConditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n");
        d_put(d, 1, "----\t------\t------------------\t------\t-------\n");
    }
    for (uint32_t i = 0; all && i < all->n; i++) {
        const struct jval *k = &all->items[i];
        d_put(d, 1, "%.*s\t%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(object_str(k, "type")),
              STR_ARG(object_str(k, "status")), STR_ARG(d_time(d, object_str(k, "lastTransitionTime"))),
              STR_ARG(object_str(k, "reason")), STR_ARG(object_str(k, "message")));
    }
    d_events(d);
}

void describe_ip_address(struct describing *d) {
    d_head(d);
    d_put(d, 0, "Parent Reference:\n");
    d_put(d, 1, "Group:\t%.*s\n", D_STR(d, "spec.parentRef.group"));
    d_put(d, 1, "Resource:\t%.*s\n", D_STR(d, "spec.parentRef.resource"));
    d_put(d, 1, "Namespace:\t%.*s\n", D_STR(d, "spec.parentRef.namespace"));
    d_put(d, 1, "Name:\t%.*s\n", D_STR(d, "spec.parentRef.name"));
    d_events(d);
}
