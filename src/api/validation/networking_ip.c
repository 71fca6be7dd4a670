/* Rules of networking.k8s.io/v1 IPAddress and ServiceCIDR. */
#include "api/types/networking.h"

#include "api/ip.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define CIDRS_MAX 2

/* ---- IPAddress ---- */

static int check_ip_name(struct str s, struct name_errors *errors) {
    return ip_check(s, IP_CANONICAL, errors);
}

static void create_ip(struct validation *v, const void *object) {
    const struct networking_ip_address *a = object;
    struct field_errors *e = v->errors;
    const struct networking_parent_reference *r = a->spec.parent_ref;
    const struct field_path *p = at_field(NULL, "spec.parentRef");
    if (!r) {
        field_required(e, p);
        return;
    }
    check_optional_format(e, at_field(p, "group"), r->group, name_check_dns1123_subdomain);
    check_required_format(e, at_field(p, "resource"), r->resource, name_check_path_segment);
    check_required_format(e, at_field(p, "name"), r->name, name_check_path_segment);
    check_optional_format(e, at_field(p, "namespace"), r->namespace, name_check_path_segment);
}

static void update_ip(struct validation *v, const void *object, const void *old) {
    create_ip(v, object);
    check_immutable(v->errors, at_field(NULL, "spec.parentRef"), TY_NETWORKING_IP_ADDRESS_SPEC,
                    S("parentRef"), &((const struct networking_ip_address *)object)->spec,
                    &((const struct networking_ip_address *)old)->spec);
}

const struct validator validator_networking_ip_address = {
    .type = TY_NETWORKING_IP_ADDRESS, .name = check_ip_name, .create = create_ip, .update = update_ip};

/* ---- ServiceCIDR ---- */

static int check_canonical_cidr(struct str s, struct name_errors *errors) {
    return cidr_check(s, IP_CANONICAL, errors);
}

static void check_families(struct field_errors *e, const struct field_path *p,
                           const struct str_array *cidrs) {
    struct cidr a, b;
    if (cidrs->n == 2 && cidr_parse(cidrs->v[0], IP_LEGACY, &a) && cidr_parse(cidrs->v[1], IP_LEGACY, &b) &&
        a.ip.family == b.ip.family)
        field_invalid(e, p, bad(cidrs->v[1]), "may specify no more than one IP for each IP family");
}

static void create_cidr(struct validation *v, const void *object) {
    const struct networking_service_cidr_spec *s = &((const struct networking_service_cidr *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec.cidrs");
    if (s->cidrs.n == 0) {
        field_required_because(e, p, "at least one CIDR required");
        return;
    }
    if (s->cidrs.n > CIDRS_MAX) {
        field_invalid(e, p, bad_field(e, TY_NETWORKING_SERVICE_CIDR_SPEC, S("cidrs"), s),
                      "may hold up to 2 values");
        return;
    }
    check_families(e, p, &s->cidrs);
    for (uint32_t i = 0; i < s->cidrs.n; i++)
        check_format(e, at_index(p, i), s->cidrs.v[i], check_canonical_cidr);
}

/* CONFORMS: cidrs stay, but a second one, of the other family, may join the first. */
static void update_cidr(struct validation *v, const void *object, const void *old_object) {
    const struct networking_service_cidr *s = object, *old = old_object;
    const struct str_array *now = &s->spec.cidrs, *then = &old->spec.cidrs;
    const struct field_path *p = at_field(NULL, "spec.cidrs");
    if (then->n == 1 && now->n == 2) {
        check_families(v->errors, p, now);
        check_format(v->errors, at_index(p, 1), now->v[1], check_canonical_cidr);
        if (!str_eq(then->v[0], now->v[0]))
            field_invalid(v->errors, at_index(p, 0), bad(now->v[0]), IMMUTABLE_TEXT);
        return;
    }
    check_immutable(v->errors, p, TY_NETWORKING_SERVICE_CIDR_SPEC, S("cidrs"), &s->spec, &old->spec);
}

static void status_cidr(struct validation *v, const void *object, const void *old) {
    (void)old;
    check_conditions(v->errors, at_field(NULL, "status.conditions"),
                     &((const struct networking_service_cidr *)object)->status.conditions);
}

const struct validator validator_networking_service_cidr = {.type = TY_NETWORKING_SERVICE_CIDR,
                                                            .name = name_check_dns1123_subdomain,
                                                            .create = create_cidr,
                                                            .update = update_cidr,
                                                            .status = status_cidr};
