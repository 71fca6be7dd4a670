/* The strategy of services: addresses, ports, and fields that come and go with the type. See strategy.h.
 * CONFORMS: strategy.tsv, KEP-563 (families), KEP-3070. */
#include "api/equal.h"
#include "api/field_error.h"
#include "api/ip.h"
#include "api/types/core.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/cache.h"
#include "apiserver/strategy_priv.h"
#include "base/buf.h"
#include "base/err.h"

typedef struct core_service_spec spec;

/* -- what a service of some type needs -- */

static bool is_type(const spec *s, const char *type) {
    return str_eq(s->type, str_from(type));
}

static bool needs_cluster_ip(const spec *s) {
    return !is_type(s, "ExternalName");
}

static bool is_headless(const spec *s) {
    return str_eq(s->cluster_ip, S("None")) || (s->cluster_ips.n && str_eq(s->cluster_ips.v[0], S("None")));
}

static bool needs_node_ports(const spec *s) {
    if (is_type(s, "NodePort"))
        return true;
    return is_type(s, "LoadBalancer") &&
           !(s->allocate_load_balancer_node_ports.set && !s->allocate_load_balancer_node_ports.v);
}

static bool needs_health_port(const spec *s) {
    return is_type(s, "LoadBalancer") && str_eq(s->external_traffic_policy, S("Local"));
}

static bool needs_external_policy(const spec *s) {
    return is_type(s, "NodePort") || is_type(s, "LoadBalancer") || s->external_ips.n > 0;
}

static bool same_list(struct str_array a, struct str_array b) {
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n; i++)
        if (!str_eq(a.v[i], b.v[i]))
            return false;
    return true;
}

static struct str_array list_of(struct call *c, struct str one) {
    struct str *v = arena_new(c->arena, struct str);
    *v = one;
    return (struct str_array){v, 1};
}

/* -- the singular and the plural field -- */

static void normalise_create(struct call *c, spec *s) {
    if (!str_empty(s->cluster_ip) && s->cluster_ips.n == 0)
        s->cluster_ips = list_of(c, s->cluster_ip);
}

/* Clients that know one of the fields only change or clear that one. */
static void normalise_update(struct call *c, spec *s, const spec *old) {
    bool same_ip = str_eq(s->cluster_ip, old->cluster_ip),
         same_ips = same_list(s->cluster_ips, old->cluster_ips);
    if (str_empty(old->cluster_ip) && old->cluster_ips.n == 0) {
        normalise_create(c, s);
        return;
    }
    if (!same_ip && same_ips) {
        if (str_empty(s->cluster_ip))
            s->cluster_ips = (struct str_array){0};
        else if (s->cluster_ips.n) {
            struct str *v = arena_new_n(c->arena, s->cluster_ips.n, struct str);
            memcpy(v, s->cluster_ips.v, s->cluster_ips.n * sizeof *v);
            v[0] = s->cluster_ip;
            s->cluster_ips.v = v;
        }
    } else if (same_ip && !same_ips && s->cluster_ips.n == 0) {
        s->cluster_ip = STR_NONE;
    }
}

/* -- updates that leave out what was allocated -- */

static bool uses_node_port(const spec *s, int32_t port) {
    for (uint32_t i = 0; i < s->ports.n; i++)
        if (s->ports.v[i].node_port == port)
            return true;
    return false;
}

static int32_t port_by_name(const spec *s, struct str name) {
    for (uint32_t i = 0; i < s->ports.n; i++)
        if (str_eq(s->ports.v[i].name, name))
            return s->ports.v[i].node_port;
    return 0;
}

static void keep_node_ports(spec *s, const spec *old) {
    for (uint32_t i = 0; i < s->ports.n; i++) {
        if (s->ports.v[i].node_port)
            continue;
        int32_t had = port_by_name(old, s->ports.v[i].name);
        if (had && !uses_node_port(s, had))
            s->ports.v[i].node_port = had;
    }
}

static void keep_allocated(spec *s, const spec *old) {
    if (needs_cluster_ip(s) && needs_cluster_ip(old)) {
        if (str_empty(s->cluster_ip) && s->cluster_ips.n == 0)
            s->cluster_ip = old->cluster_ip;
        if (s->cluster_ips.n == 0 && str_eq(s->cluster_ip, old->cluster_ip))
            s->cluster_ips = old->cluster_ips;
        if (!s->ip_family_policy.p)
            s->ip_family_policy = old->ip_family_policy;
        if (s->ip_families.n == 0)
            s->ip_families = old->ip_families;
    }
    if (needs_node_ports(s) && needs_node_ports(old))
        keep_node_ports(s, old);
    if (needs_health_port(s) && needs_health_port(old) && !s->health_check_node_port)
        s->health_check_node_port = old->health_check_node_port;
}

/* -- fields that another type does not have, when the client left them as they were -- */

static bool same_node_ports(const spec *a, const spec *b) {
    for (uint32_t i = 0; i < a->ports.n; i++)
        if (a->ports.v[i].node_port && !uses_node_port(b, a->ports.v[i].node_port))
            return false;
    return true;
}

static void drop_cluster_ips(spec *s, const spec *old) {
    if (same_list(s->cluster_ips, old->cluster_ips) && str_eq(s->cluster_ip, old->cluster_ip)) {
        s->cluster_ip = STR_NONE;
        s->cluster_ips = (struct str_array){0};
    }
    if (same_list(s->ip_families, old->ip_families))
        s->ip_families = (struct str_array){0};
    if (str_eq(s->ip_family_policy, old->ip_family_policy))
        s->ip_family_policy = STR_NONE;
}

static void drop_load_balancer(spec *s, const spec *old) {
    if (s->allocate_load_balancer_node_ports.v == old->allocate_load_balancer_node_ports.v)
        s->allocate_load_balancer_node_ports = (struct opt_bool){0};
    if (str_eq(s->load_balancer_class, old->load_balancer_class))
        s->load_balancer_class = STR_NONE;
}

static void drop_of_type(spec *s, const spec *old) {
    if (needs_cluster_ip(old) && !needs_cluster_ip(s))
        drop_cluster_ips(s, old);
    if (needs_node_ports(old) && !needs_node_ports(s) && same_node_ports(s, old))
        for (uint32_t i = 0; i < s->ports.n; i++)
            s->ports.v[i].node_port = 0;
    if (needs_health_port(old) && !needs_health_port(s) &&
        s->health_check_node_port == old->health_check_node_port)
        s->health_check_node_port = 0;
    if (is_type(old, "LoadBalancer") && !is_type(s, "LoadBalancer"))
        drop_load_balancer(s, old);
    if (needs_external_policy(old) && !needs_external_policy(s) &&
        str_eq(s->external_traffic_policy, old->external_traffic_policy))
        s->external_traffic_policy = STR_NONE;
    if (!needs_cluster_ip(s) && str_eq(s->internal_traffic_policy, old->internal_traffic_policy))
        s->internal_traffic_policy = STR_NONE;
}

/* From two families to one: the second address goes. */
static void trim_downgrade(spec *s, const spec *old) {
    if (!needs_cluster_ip(s) || !needs_cluster_ip(old) || !str_eq(s->ip_family_policy, S("SingleStack")) ||
        str_eq(old->ip_family_policy, S("SingleStack")))
        return;
    if (s->cluster_ips.n > 1 && same_list(s->cluster_ips, old->cluster_ips))
        s->cluster_ips.n = 1;
    if (s->ip_families.n > 1 && same_list(s->ip_families, old->ip_families))
        s->ip_families.n = 1;
}

static void service_create(struct call *c, void *object) {
    struct core_service *o = object;
    memset(&o->status, 0, sizeof o->status);
    normalise_create(c, &o->spec);
    if (!needs_cluster_ip(&o->spec))
        o->spec.internal_traffic_policy = STR_NONE;
}

static void service_update(struct call *c, void *object, const void *old) {
    struct core_service *o = object;
    const struct core_service *from = old;
    o->status = from->status;
    normalise_update(c, &o->spec, &from->spec);
    keep_allocated(&o->spec, &from->spec);
    drop_of_type(&o->spec, &from->spec);
    trim_downgrade(&o->spec, &from->spec);
    if (!is_type(&o->spec, "LoadBalancer"))
        memset(&o->status.load_balancer, 0, sizeof o->status.load_balancer);
}

/* -- families -- */

static struct str family_name(int family) {
    return family == 6 ? S("IPv6") : S("IPv4");
}

static int family_number(struct str name) {
    return str_eq(name, S("IPv6")) ? 6 : str_eq(name, S("IPv4")) ? 4 : 0;
}

static void append_family(struct call *c, spec *s, int family) {
    struct str *v = arena_new_n(c->arena, s->ip_families.n + 1u, struct str);
    if (s->ip_families.n)
        memcpy(v, s->ip_families.v, s->ip_families.n * sizeof *v);
    v[s->ip_families.n] = family_name(family);
    s->ip_families = (struct str_array){v, s->ip_families.n + 1};
}

static void families_of_ips(struct call *c, spec *s) {
    for (uint32_t i = s->ip_families.n; i < s->cluster_ips.n; i++) {
        struct ip ip;
        if (!ip_parse(s->cluster_ips.v[i], IP_LEGACY, &ip))
            return;
        append_family(c, s, ip.family);
    }
}

/* Whatever the cluster has: nobody but the client gives these services addresses. */
static void default_without_selector(struct call *c, spec *s, int primary) {
    if (!s->ip_family_policy.p)
        s->ip_family_policy = S("RequireDualStack");
    if (s->ip_families.n == 0)
        append_family(c, s, primary);
    if (s->ip_families.n == 1 && !str_eq(s->ip_family_policy, S("SingleStack")))
        append_family(c, s, family_number(s->ip_families.v[0]) == 4 ? 6 : 4);
}

static void check_configured(struct call *c, const spec *s, struct field_errors *e) {
    const struct service_ips *ips = c->server->service_ips;
    const struct field_path *p = at_field(NULL, "spec");
    if (str_eq(s->ip_family_policy, S("RequireDualStack")) && !service_ips_family(ips, 1))
        field_invalid(e, at_field(p, "ipFamilyPolicy"), bad(s->ip_family_policy),
                      "this cluster is not configured for dual-stack services");
    for (uint32_t i = 0; i < s->ip_families.n && i < 2; i++) {
        int family = family_number(s->ip_families.v[i]);
        if (family && !service_ips_has_family(ips, family))
            field_invalid(e, at_index(at_field(p, "ipFamilies"), i), bad(s->ip_families.v[i]),
                          "not configured on this cluster");
    }
    if (str_eq(s->ip_family_policy, S("SingleStack")) && (s->ip_families.n > 1 || s->cluster_ips.n > 1))
        field_invalid(e, at_field(p, "ipFamilyPolicy"), bad(s->ip_family_policy),
                      "must be \"RequireDualStack\" or \"PreferDualStack\" when multiple %s are specified",
                      s->cluster_ips.n > 1 ? "clusterIPs" : "ipFamilies");
}

static void default_families(struct call *c, spec *s, struct field_errors *e) {
    const struct service_ips *ips = c->server->service_ips;
    if (!is_headless(s))
        families_of_ips(c, s);
    if (is_headless(s) && s->selector.n == 0) {
        default_without_selector(c, s, service_ips_family(ips, 0));
        return;
    }
    if (!s->ip_family_policy.p)
        s->ip_family_policy =
            s->ip_families.n > 1 || s->cluster_ips.n > 1 ? S("RequireDualStack") : S("SingleStack");
    if (s->ip_families.n == 0)
        append_family(c, s, service_ips_family(ips, 0));
    int other = family_number(s->ip_families.v[0]) == 4 ? 6 : 4;
    if (s->ip_families.n == 1 && !str_eq(s->ip_family_policy, S("SingleStack")) &&
        service_ips_has_family(ips, other))
        append_family(c, s, other);
    check_configured(c, s, e);
}

/* -- addresses -- */

static bool had_ip(const spec *old, struct str text) {
    for (uint32_t i = 0; old && i < old->cluster_ips.n; i++)
        if (str_eq(old->cluster_ips.v[i], text))
            return true;
    return false;
}

static struct str shown_ips(struct call *c, const spec *s) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_byte(&b, '[');
    for (uint32_t i = 0; i < s->cluster_ips.n && i < 2; i++) {
        buf_str(&b, i ? S(",") : S(""));
        field_quote(&b, s->cluster_ips.v[i]);
    }
    buf_byte(&b, ']');
    return buf_to_arena(&b, c->arena);
}

static struct status *full(struct call *c, const char *what, const struct err *err) {
    return status_internal_error(c->arena,
                                 arena_printf(c->arena, "failed to allocate a %s: %s", what, err->msg));
}

/* The client's address, unless the service has it already or validation will refuse it anyhow. */
static void take_ip(struct call *c, const spec *s, const spec *old, struct str text, struct field_errors *e) {
    struct ip ip;
    struct err err = ERR_INIT;
    if (had_ip(old, text) || !ip_parse(text, IP_LEGACY, &ip))
        return;
    if (service_ips_take(c->server->service_ips, ip, c, &err) < 0)
        field_invalid(e, at_field(NULL, "spec.clusterIPs"), bad_json(shown_ips(c, s)),
                      "failed to allocate IP %.*s: %s", STR_ARG(text), err.msg);
}

static int any_ip(struct call *c, int family, struct str *ret_text, struct status **ret_status) {
    struct ip ip;
    struct err err = ERR_INIT;
    char text[IP_TEXT_MAX];
    int r = service_ips_take_any(c->server->service_ips, family, c, &ip, &err);
    if (r < 0) {
        *ret_status = full(c, "serviceIP", &err);
        return r;
    }
    *ret_text = arena_str(c->arena, str_make(text, ip_format(ip, text)));
    return 0;
}

static int allocate_ips(struct call *c, spec *s, const spec *old, struct field_errors *e,
                        struct status **ret_status) {
    if (is_headless(s))
        return 0;
    uint32_t n = s->ip_families.n > s->cluster_ips.n ? s->ip_families.n : s->cluster_ips.n;
    struct str *v = arena_new_n(c->arena, n + 1u, struct str);
    for (uint32_t i = 0; i < n && i < 4; i++) {
        if (i < s->cluster_ips.n) {
            v[i] = s->cluster_ips.v[i];
            take_ip(c, s, old, v[i], e);
            continue;
        }
        int family = family_number(s->ip_families.v[i]);
        if (!family || !service_ips_has_family(c->server->service_ips, family))
            return 0; /* refused already, or by validation */
        int r = any_ip(c, family, &v[i], ret_status);
        if (r < 0)
            return r;
    }
    s->cluster_ips = (struct str_array){v, n > 4 ? s->cluster_ips.n : n};
    s->cluster_ip = n ? v[0] : STR_NONE;
    return 0;
}

/* -- ports -- */

/* Another port of the same number, for another protocol, that has a node port already. */
static int32_t shared_node_port(const spec *s, uint32_t i) {
    for (uint32_t k = 0; k < s->ports.n; k++)
        if (k != i && s->ports.v[k].port == s->ports.v[i].port && s->ports.v[k].node_port &&
            !str_eq(s->ports.v[k].protocol, s->ports.v[i].protocol))
            return s->ports.v[k].node_port;
    return 0;
}

static int allocate_port(struct call *c, spec *s, const spec *old, uint32_t i, struct field_errors *e,
                         struct status **ret_status) {
    struct core_service_port *p = &s->ports.v[i];
    struct err err = ERR_INIT;
    if (p->node_port == 0)
        p->node_port = shared_node_port(s, i);
    if (p->node_port == 0) {
        int port = 0, r = service_ports_take_any(c->server->service_ports, c, &port, &err);
        if (r < 0) {
            *ret_status = full(c, "nodePort", &err);
            return r;
        }
        p->node_port = port;
    } else if (!(old && uses_node_port(old, p->node_port)) &&
               service_ports_take(c->server->service_ports, p->node_port, c, &err) < 0) {
        field_invalid(e, at_field(at_index(at_field(NULL, "spec.ports"), i), "nodePort"), bad(p->node_port),
                      "%s", err.msg);
    }
    return 0;
}

static int allocate_health_port(struct call *c, spec *s, const spec *old, struct field_errors *e,
                                struct status **ret_status) {
    struct err err = ERR_INIT;
    int port = s->health_check_node_port, r;
    if (port == 0) {
        r = service_ports_take_any(c->server->service_ports, c, &port, &err);
        if (r < 0) {
            *ret_status = full(c, "HealthCheck NodePort", &err);
            return r;
        }
        s->health_check_node_port = port;
        return 0;
    }
    if (old && old->health_check_node_port == port)
        return 0;
    if (service_ports_take(c->server->service_ports, port, c, &err) < 0)
        field_invalid(e, at_field(NULL, "spec.healthCheckNodePort"), bad(port),
                      "failed to allocate requested HealthCheck NodePort %d: %s", port, err.msg);
    return 0;
}

static int allocate_ports(struct call *c, spec *s, const spec *old, struct field_errors *e,
                          struct status **ret_status) {
    int r = 0;
    for (uint32_t i = 0; r == 0 && needs_node_ports(s) && i < s->ports.n; i++)
        r = allocate_port(c, s, old, i, e, ret_status);
    if (r == 0 && needs_health_port(s))
        r = allocate_health_port(c, s, old, e, ret_status);
    return r;
}

/* -- allocation as a whole -- */

static void give_back(struct call *c) {
    service_ips_drop(c->server->service_ips, c);
    service_ports_drop(c->server->service_ports, c);
}

static int allocate_all(struct call *c, struct core_service *o, const spec *old, struct status **ret_status) {
    struct field_errors e = FIELD_ERRORS_INIT(c->arena);
    int r = 0;
    if (needs_cluster_ip(&o->spec)) {
        default_families(c, &o->spec, &e);
        if (field_errors_count(&e) == 0)
            r = allocate_ips(c, &o->spec, old, &e, ret_status);
    }
    if (r == 0 && field_errors_count(&e) == 0)
        r = allocate_ports(c, &o->spec, old, &e, ret_status);
    if (r == 0 && field_errors_count(&e)) {
        *ret_status = status_invalid(c->arena, status_of(&kinds[KIND_CORE_SERVICE], o->metadata.name), &e);
        r = ERR_INVALID;
    }
    return r;
}

static int service_allocate(struct call *c, void *object, const void *old, struct status **ret_status) {
    give_back(c); /* of a try before this one */
    const struct core_service *from = old;
    int r = allocate_all(c, object, from ? &from->spec : NULL, ret_status);
    if (r < 0 || c->options.dry_run)
        give_back(c);
    return r;
}

static void each_port(struct service_ports *ports, const spec *s, const spec *but,
                      void (*fn)(struct service_ports *ports, int port)) {
    for (uint32_t i = 0; i < s->ports.n; i++)
        if (s->ports.v[i].node_port && !(but && uses_node_port(but, s->ports.v[i].node_port)))
            fn(ports, s->ports.v[i].node_port);
    if (s->health_check_node_port && !(but && but->health_check_node_port == s->health_check_node_port))
        fn(ports, s->health_check_node_port);
}

static void each_ip(struct service_ips *ips, const struct core_service *o, const spec *but,
                    void (*fn)(struct service_ips *ips, struct ip ip, struct str ns, struct str name)) {
    struct ip ip;
    for (uint32_t i = 0; i < o->spec.cluster_ips.n; i++)
        if (!had_ip(but, o->spec.cluster_ips.v[i]) && ip_parse(o->spec.cluster_ips.v[i], IP_LEGACY, &ip))
            fn(ips, ip, o->metadata.namespace, o->metadata.name);
}

static void ignore_outcome(void *arg, int code, const struct object *object, const struct err *err) {
    (void)arg, (void)code, (void)object, (void)err; /* there may be none */
}

/* The endpoints of a service go with it, whoever made them. */
static void delete_endpoints(struct call *c, const struct core_service *s) {
    (void)cache_submit(c->server->cache,
                       &(struct cache_write){
                           .op = CACHE_DELETE,
                           .kind = &kinds[KIND_CORE_ENDPOINTS],
                           .ns = s->metadata.namespace,
                           .name = s->metadata.name,
                           .done = ignore_outcome,
                       },
                       NULL);
}

static void service_settle(struct call *c, bool stored, const void *object, const void *old) {
    const struct core_service *now = object, *from = old;
    if (stored && now) {
        each_port(c->server->service_ports, &now->spec, NULL, service_ports_stored);
        each_ip(c->server->service_ips, now, NULL, service_ips_stored);
    }
    if (stored && from) {
        each_port(c->server->service_ports, &from->spec, now ? &now->spec : NULL, service_ports_released);
        each_ip(c->server->service_ips, from, now ? &now->spec : NULL, service_ips_released);
    }
    if (stored && from && !now)
        delete_endpoints(c, from);
    give_back(c);
}

/* -- warnings -- */

static void service_warn(struct call *c, const void *object, const void *old) {
    const struct core_service *s = object, *from = old;
    if (from && api_equal(&builtin, TY_CORE_SERVICE_SPEC, &s->spec, &from->spec) &&
        s->metadata.annotations.v == from->metadata.annotations.v)
        return;
    if (str_map_get(s->metadata.annotations, S("service.alpha.kubernetes.io/tolerate-unready-endpoints")).p)
        call_warn(c,
                  "metadata.annotations[service.alpha.kubernetes.io/tolerate-unready-endpoints]: deprecated "
                  "in v1.13+; use spec.publishNotReadyAddresses instead");
    if (s->spec.load_balancer_ip.n)
        call_warn(c, "spec.loadBalancerIP: deprecated in v1.24+");
    if (is_headless(&s->spec) && s->spec.session_affinity.n && !str_eq(s->spec.session_affinity, S("None")))
        call_warn(c, "spec.SessionAffinity is ignored for headless services");
    if (s->spec.external_ips.n)
        call_warn(c, "spec.externalIPs: deprecated in v1.36+");
}

const struct strategy strategy_service = {
    .kind = KIND_CORE_SERVICE,
    .prepare_create = service_create,
    .prepare_update = service_update,
    .allocate = service_allocate,
    .settle = service_settle,
    .warn = service_warn,
};
