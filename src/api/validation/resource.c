/* What claims and slices of devices share. See resource.h. */
#include "api/validation/resource.h"

#define DRIVER_BYTES_MAX 63
#define POOL_BYTES_MAX 253
#define DOMAIN_BYTES_MAX 63
#define IDENTIFIER_BYTES_MAX 32
#define JSON_BYTES_MAX 10240
#define BINDING_CONDITIONS_MAX 4

void check_device_driver(struct field_errors *e, const struct field_path *p, struct str driver) {
    check_csi_driver(e, p, driver);
}

void check_device_pool(struct field_errors *e, const struct field_path *p, struct str pool) {
    if (!check_required(e, p, pool))
        return;
    check_max_bytes(e, p, pool, POOL_BYTES_MAX);
    for (bool more = true; more;) {
        struct str part;
        more = str_split(pool, '/', &part, &pool);
        check_dns_subdomain(e, p, part);
    }
}

void check_device_qualified(struct field_errors *e, const struct field_path *p, struct str name, bool fully) {
    struct str domain, rest;
    bool two = str_split(name, '/', &domain, &rest);
    if (!check_required(e, p, name))
        return;
    if (fully && !two)
        field_invalid(e, p, bad(name), "must be a fully qualified name, with a domain and a slash");
    if (two) {
        if (str_empty(domain))
            field_invalid(e, p, bad(domain), "the domain must not be empty");
        else if (check_max_bytes(e, p, domain, DOMAIN_BYTES_MAX))
            check_dns_subdomain(e, p, domain);
    }
    struct str identifier = two ? rest : name;
    if (str_empty(identifier))
        field_invalid(e, p, bad(identifier), "the name must not be empty");
    else if (check_max_bytes(e, p, identifier, IDENTIFIER_BYTES_MAX))
        check_format(e, p, identifier, name_check_c_identifier);
}

void check_device_json(struct field_errors *e, const struct field_path *p, struct str json, bool stored) {
    struct str text = str_trim(json);
    if (str_empty(text))
        field_required(e, p);
    else if (!stored && json.n > JSON_BYTES_MAX)
        field_too_long(e, p, JSON_BYTES_MAX);
    else if (text.p[0] != '{')
        field_invalid(e, p, bad(S("<value omitted>")), "must be a JSON object");
}

static void check_conditions_of(struct field_errors *e, const struct field_path *p,
                                const struct str_array *list, struct seen *seen) {
    check_max_items(e, p, list->n, BINDING_CONDITIONS_MAX);
    for (uint32_t i = 0; i < list->n; i++) {
        check_label_key(e, at_index(p, i), list->v[i]);
        if (seen_before(seen, list->v[i]))
            field_duplicate(e, at_index(p, i), bad(list->v[i]));
    }
}

void check_binding_conditions(struct field_errors *e, const struct field_path *p,
                              const struct str_array *conditions, const struct str_array *failures) {
    const struct field_path *failed = at_field(p, "bindingFailureConditions");
    SEEN(seen);
    SEEN(seen_failed);
    check_conditions_of(e, at_field(p, "bindingConditions"), conditions, &seen);
    check_conditions_of(e, failed, failures, &seen_failed);
    for (uint32_t i = 0; i < failures->n; i++)
        if (seen_has(&seen, (struct seen_key){{failures->v[i]}}))
            field_invalid(e, at_index(failed, i), bad(failures->v[i]), "is in bindingConditions as well");
    if (conditions->n == 0 && failures->n > 0)
        field_invalid(e, at_field(p, "bindingConditions"), BAD_NULL,
                      "required with bindingFailureConditions");
    if (conditions->n > 0 && failures->n == 0)
        field_invalid(e, failed, BAD_NULL, "required with bindingConditions");
}
