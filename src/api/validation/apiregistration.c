/* Rules of apiregistration.k8s.io/v1 APIService. */
#include "api/types/apiregistration.h"

#include "api/validation/validation.h"

#define GROUP_PRIORITY_MAX 20000
#define VERSION_PRIORITY_MAX 1000

static bool is_name_of(struct str name, struct str version, struct str group) {
    return name.n == version.n + 1 + group.n && str_has_prefix(name, version) && name.p[version.n] == '.' &&
           str_has_suffix(name, group);
}

static void check_tls(struct field_errors *e, const struct field_path *p,
                      const struct apiregistration_api_service_spec *s) {
    if (!s->service) {
        if (s->ca_bundle.n)
            field_invalid(e, at_field(p, "caBundle"), bad_int((int64_t)s->ca_bundle.n),
                          "local APIServices may not have a caBundle");
        if (s->insecure_skip_tls_verify)
            field_invalid(e, at_field(p, "insecureSkipTLSVerify"), bad(s->insecure_skip_tls_verify),
                          "local APIServices may not have insecureSkipTLSVerify");
        return;
    }
    check_required(e, at_field(p, "service.namespace"), s->service->namespace);
    check_required(e, at_field(p, "service.name"), s->service->name);
    if (s->service->port.set)
        check_port(e, at_field(p, "service.port"), s->service->port.v);
    if (s->insecure_skip_tls_verify && s->ca_bundle.n)
        field_invalid(e, at_field(p, "insecureSkipTLSVerify"), bad(s->insecure_skip_tls_verify),
                      "may not be true if caBundle is present");
}

static void create(struct validation *v, const void *object) {
    const struct apiregistration_api_service *a = object;
    const struct apiregistration_api_service_spec *s = &a->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    /* The core group's only version is named "v1.". */
    if (!is_name_of(a->metadata.name, s->version, s->group))
        field_invalid(e, at_field(NULL, "metadata.name"), bad(a->metadata.name),
                      "must be `spec.version+\".\"+spec.group`");
    if (str_empty(s->group)) {
        if (!str_eq(s->version, S("v1")))
            field_required_because(e, at_field(p, "group"), "only v1 may have an empty group");
    } else {
        check_dns_subdomain(e, at_field(p, "group"), s->group);
    }
    check_format(e, at_field(p, "version"), s->version, name_check_dns1035_label);
    check_range(e, at_field(p, "groupPriorityMinimum"), s->group_priority_minimum, 1, GROUP_PRIORITY_MAX);
    check_range(e, at_field(p, "versionPriority"), s->version_priority, 1, VERSION_PRIORITY_MAX);
    check_tls(e, p, s);
}

static void status(struct validation *v, const void *object, const void *old) {
    static const struct str statuses[] = {STR_INIT("True"), STR_INIT("False"), STR_INIT("Unknown")};
    const struct apiregistration_api_service_status *s =
        &((const struct apiregistration_api_service *)object)->status;
    (void)old;
    for (uint32_t i = 0; i < s->conditions.n; i++)
        check_supported(v->errors, at_field(at_index(at_field(NULL, "status.conditions"), i), "status"),
                        s->conditions.v[i].status, STR_SET(statuses));
}

const struct validator validator_apiregistration_api_service = {.type = TY_APIREGISTRATION_API_SERVICE,
                                                                .name = name_check_path_segment,
                                                                .create = create,
                                                                .status = status};
