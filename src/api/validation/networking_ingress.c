/* Rules of networking.k8s.io/v1 Ingress and IngressClass. */
#include "api/types/networking.h"

#include "api/ip.h"
#include "api/types/core.h"
#include "api/validation/validation.h"

#define CONTROLLER_BYTES_MAX 250
#define CLASS_ANNOTATION S("kubernetes.io/ingress.class")

/* ---- backends ---- */

static void check_service_backend(struct field_errors *e, const struct field_path *p,
                                  const struct networking_ingress_service_backend *s) {
    const struct field_path *port = at_field(p, "port");
    check_required_format(e, at_field(p, "name"), s->name, name_check_dns1123_label);
    bool named = !str_empty(s->port.name), numbered = s->port.number != 0;
    if (named && numbered)
        field_invalid(e, p, bad_object(e, TY_NETWORKING_INGRESS_SERVICE_BACKEND, s),
                      "cannot set both port name & port number");
    else if (named)
        check_format(e, at_field(port, "name"), s->port.name, name_check_port_name);
    else if (numbered)
        check_port(e, at_field(port, "number"), s->port.number);
    else
        field_required_because(e, p, "port name or number is required");
}

static void check_resource_backend(struct field_errors *e, const struct field_path *p,
                                   const struct core_typed_local_object_reference *r) {
    const struct field_path *group = at_field(p, "apiGroup"), *kind = at_field(p, "kind"),
                            *name = at_field(p, "name");
    if (!r->api_group.p)
        field_required(e, group);
    else
        check_optional_format(e, group, r->api_group, name_check_dns1123_subdomain);
    check_required_format(e, kind, r->kind, name_check_path_segment);
    check_required_format(e, name, r->name, name_check_path_segment);
}

static void check_backend(struct field_errors *e, const struct field_path *p,
                          const struct networking_ingress_backend *b) {
    if (b->service && b->resource)
        field_invalid(e, p, bad_object(e, TY_NETWORKING_INGRESS_BACKEND, b),
                      "cannot set both resource and service backends");
    else if (b->resource)
        check_resource_backend(e, at_field(p, "resource"), b->resource);
    else if (b->service)
        check_service_backend(e, at_field(p, "service"), b->service);
    else
        field_required_because(e, p, "a service or a resource");
}

/* ---- rules ---- */

static void check_host(struct field_errors *e, const struct field_path *p, struct str host) {
    if (str_find_byte(host, '*') >= 0)
        check_format(e, p, host, name_check_wildcard_dns1123_subdomain);
    else
        check_format(e, p, host, name_check_dns1123_subdomain);
}

static void check_plain_path(struct field_errors *e, const struct field_path *p, struct str path) {
    static const struct str inside[] = {STR_INIT("//"), STR_INIT("/./"), STR_INIT("/../"), STR_INIT("%2f"),
                                        STR_INIT("%2F")};
    static const struct str at_end[] = {STR_INIT("/.."), STR_INIT("/.")};
    if (!str_has_prefix(path, S("/")))
        field_invalid(e, p, bad(path), "must be an absolute path");
    if (str_empty(path))
        return;
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        if (str_find(path, inside[i]) >= 0)
            field_invalid(e, p, bad(path), "must not contain '%.*s'", STR_ARG(inside[i]));
    for (size_t i = 0; i < sizeof at_end / sizeof at_end[0]; i++)
        if (str_has_suffix(path, at_end[i]))
            field_invalid(e, p, bad(path), "cannot end with '%.*s'", STR_ARG(at_end[i]));
}

static void check_path(struct field_errors *e, const struct field_path *p,
                       const struct networking_http_ingress_path *path) {
    static const struct str types[] = {STR_INIT("Exact"), STR_INIT("ImplementationSpecific"),
                                       STR_INIT("Prefix")};
    const struct field_path *type = at_field(p, "pathType");
    if (!path->path_type.p) {
        field_required_because(e, type, "pathType must be specified");
    } else if (str_eq(path->path_type, types[1])) {
        if (!str_empty(path->path) && path->path.p[0] != '/')
            field_invalid(e, at_field(p, "path"), bad(path->path), "must be an absolute path");
    } else if (check_supported(e, type, path->path_type, STR_SET(types))) {
        check_plain_path(e, at_field(p, "path"), path->path);
    }
    check_backend(e, at_field(p, "backend"), &path->backend);
}

static void check_rule(struct field_errors *e, const struct field_path *p,
                       const struct networking_ingress_rule *r) {
    struct ip ip;
    const struct field_path *host = at_field(p, "host"), *paths = at_field(p, "http.paths");
    if (!str_empty(r->host)) {
        if (ip_parse(r->host, IP_LEGACY, &ip))
            field_invalid(e, host, bad(r->host), "must be a DNS name, not an IP address");
        check_host(e, host, r->host);
    }
    const struct networking_http_ingress_rule_value *http = r->ingress_rule_value.http;
    if (!http)
        return;
    if (http->paths.n == 0)
        field_required(e, paths);
    for (uint32_t i = 0; i < http->paths.n; i++)
        check_path(e, at_index(paths, i), &http->paths.v[i]);
}

/* ---- Ingress ---- */

static void check_tls(struct field_errors *e, const struct field_path *p,
                      const struct networking_ingress_tls *tls, bool check_name) {
    for (uint32_t i = 0; i < tls->hosts.n; i++)
        check_host(e, at_index(at_field(p, "hosts"), i), tls->hosts.v[i]);
    if (check_name)
        check_optional_format(e, at_field(p, "secretName"), tls->secret_name, name_check_dns1123_subdomain);
}

/* Names of secrets that are wrong stay accepted once they are stored. */
static bool has_odd_secret(const struct networking_ingress_spec *s) {
    for (uint32_t i = 0; i < s->tls.n; i++)
        if (!str_empty(s->tls.v[i].secret_name) &&
            name_check_dns1123_subdomain(s->tls.v[i].secret_name, NULL) != 0)
            return true;
    return false;
}

static void check_ingress(struct validation *v, const struct networking_ingress_spec *s,
                          const struct networking_ingress_spec *old) {
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    bool check_names = !old || !has_odd_secret(old);
    if (s->rules.n == 0 && !s->default_backend)
        field_invalid(e, p, bad_field(e, TY_NETWORKING_INGRESS_SPEC, S("rules"), s),
                      "either `defaultBackend` or `rules` must be specified");
    if (s->default_backend)
        check_backend(e, at_field(p, "defaultBackend"), s->default_backend);
    for (uint32_t i = 0; i < s->rules.n; i++)
        check_rule(e, at_index(at_field(p, "rules"), i), &s->rules.v[i]);
    for (uint32_t i = 0; i < s->tls.n; i++)
        check_tls(e, at_index(at_field(p, "tls"), i), &s->tls.v[i], check_names);
    if (s->ingress_class_name.p)
        check_format(e, at_field(p, "ingressClassName"), s->ingress_class_name, name_check_dns1123_subdomain);
}

static void create_ingress(struct validation *v, const void *object) {
    const struct networking_ingress *i = object;
    struct str annotation = str_map_get(i->metadata.annotations, CLASS_ANNOTATION);
    if (annotation.p && i->spec.ingress_class_name.p && !str_eq(annotation, i->spec.ingress_class_name))
        field_invalid(v->errors, at_key(at_field(NULL, "metadata.annotations"), CLASS_ANNOTATION),
                      bad(annotation), "must match `ingressClassName` when both are specified");
    check_ingress(v, &i->spec, NULL);
}

static void update_ingress(struct validation *v, const void *object, const void *old) {
    check_ingress(v, &((const struct networking_ingress *)object)->spec,
                  &((const struct networking_ingress *)old)->spec);
}

static void status_ingress(struct validation *v, const void *object, const void *old_object) {
    const struct networking_ingress_load_balancer_status
        *s = &((const struct networking_ingress *)object)->status.load_balancer,
        *old = &((const struct networking_ingress *)old_object)->status.load_balancer;
    struct field_errors *e = v->errors;
    struct ip ip;
    for (uint32_t i = 0; i < s->ingress.n; i++) {
        const struct networking_ingress_load_balancer_ingress *in = &s->ingress.v[i];
        const struct field_path *p = at_index(at_field(NULL, "status.loadBalancer.ingress"), i);
        bool stored = i < old->ingress.n && str_eq(old->ingress.v[i].ip, in->ip);
        struct name_errors found = NAME_ERRORS_INIT;
        if (!str_empty(in->ip) && ip_check(in->ip, stored ? IP_LEGACY : IP_STRICT, &found) != 0)
            field_invalid(e, at_field(p, "ip"), bad(in->ip), "%.*s", STR_ARG(found.v[0]));
        if (str_empty(in->hostname))
            continue;
        check_format(e, at_field(p, "hostname"), in->hostname, name_check_dns1123_subdomain);
        if (ip_parse(in->hostname, IP_LEGACY, &ip))
            field_invalid(e, at_field(p, "hostname"), bad(in->hostname),
                          "must be a DNS name, not an IP address");
    }
}

const struct validator validator_networking_ingress = {.type = TY_NETWORKING_INGRESS,
                                                       .name = name_check_dns1123_subdomain,
                                                       .create = create_ingress,
                                                       .update = update_ingress,
                                                       .status = status_ingress};

/* ---- IngressClass ---- */

static void check_parameters(struct field_errors *e, const struct field_path *p,
                             const struct networking_ingress_class_parameters_reference *r) {
    static const struct str scopes[] = {STR_INIT("Cluster"), STR_INIT("Namespace")};
    const struct field_path *ns = at_field(p, "namespace");
    if (r->api_group.p)
        check_optional_format(e, at_field(p, "apiGroup"), r->api_group, name_check_dns1123_subdomain);
    check_required_format(e, at_field(p, "kind"), r->kind, name_check_path_segment);
    check_required_format(e, at_field(p, "name"), r->name, name_check_path_segment);
    if (!r->scope.p) {
        field_required(e, at_field(p, "scope"));
        return;
    }
    check_supported(e, at_field(p, "scope"), r->scope, STR_SET(scopes));
    if (str_eq(r->scope, scopes[1])) {
        if (!r->namespace.p)
            field_required_because(e, ns, "with scope 'Namespace'");
        else
            check_format(e, ns, r->namespace, name_check_dns1123_label);
    } else if (str_eq(r->scope, scopes[0]) && r->namespace.p) {
        field_forbidden(e, ns, "not with scope 'Cluster'");
    }
}

static void create_class(struct validation *v, const void *object) {
    const struct networking_ingress_class_spec *s = &((const struct networking_ingress_class *)object)->spec;
    const struct field_path *p = at_field(NULL, "spec"), *controller = at_field(p, "controller");
    check_max_bytes(v->errors, controller, s->controller, CONTROLLER_BYTES_MAX);
    check_required_format(v->errors, controller, s->controller, name_check_domain_prefixed_path);
    if (s->parameters)
        check_parameters(v->errors, at_field(p, "parameters"), s->parameters);
}

static void update_class(struct validation *v, const void *object, const void *old) {
    create_class(v, object);
    check_immutable(v->errors, at_field(NULL, "spec.controller"), TY_NETWORKING_INGRESS_CLASS_SPEC,
                    S("controller"), &((const struct networking_ingress_class *)object)->spec,
                    &((const struct networking_ingress_class *)old)->spec);
}

const struct validator validator_networking_ingress_class = {.type = TY_NETWORKING_INGRESS_CLASS,
                                                             .name = name_check_dns1123_subdomain,
                                                             .create = create_class,
                                                             .update = update_class};
