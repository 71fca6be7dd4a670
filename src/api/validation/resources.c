/* Rules on amounts of resources. See resources.h. */
#include "api/validation/resources.h"

#include "api/name.h"
#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/validation/checks.h"
#include "api/validation/formats.h"

static bool has_domain(struct str name) {
    return str_find_byte(name, '/') >= 0;
}

bool check_resource_name(struct field_errors *e, const struct field_path *p, struct str name) {
    if (!check_label_key(e, p, name))
        return false;
    if (has_domain(name) || resource_name_is_standard(name))
        return true;
    field_invalid(e, p, bad(name), "must be a standard resource type or fully qualified");
    return false;
}

bool check_container_resource_name(struct field_errors *e, const struct field_path *p, struct str name) {
    if (!check_label_key(e, p, name))
        return false;
    if (!has_domain(name)) {
        if (resource_name_is_container_standard(name))
            return true;
        field_invalid(e, p, bad(name), "must be a standard resource for containers");
        return false;
    }
    if (resource_name_is_native(name) || resource_name_is_extended(name))
        return true;
    field_invalid(e, p, bad(name), "does not follow the standard of extended resource names");
    return false;
}

bool check_quota_resource_name(struct field_errors *e, const struct field_path *p, struct str name) {
    if (!check_label_key(e, p, name))
        return false;
    if (has_domain(name) || resource_name_is_quota_standard(name))
        return true;
    field_invalid(e, p, bad(name), "must be a standard resource for quota");
    return false;
}

bool check_resource_amount(struct field_errors *e, const struct field_path *p, struct str name,
                           const struct quantity *amount) {
    bool fine = check_non_negative_quantity(e, p, amount);
    int64_t whole;
    if (resource_name_is_integer(name) && !quantity_as_int(amount, &whole)) {
        field_invalid(e, p, bad_quantity(e, amount), "must be an integer");
        fine = false;
    }
    return fine;
}

static void check_hugepages_amount(struct field_errors *e, const struct field_path *p, struct str name,
                                   const struct quantity *amount) {
    if (resource_name_is_hugepages(name) && !resource_name_fits_hugepages(name, amount))
        field_invalid(e, p, bad_quantity(e, amount),
                      "must be a positive integer multiple of the page size of %.*s", STR_ARG(name));
}

static bool is_cpu_or_memory(struct str name) {
    return str_eq(name, S("cpu")) || str_eq(name, S("memory"));
}

/* What is asked for against what is the most. */
static void check_request(struct field_errors *e, const struct field_path *p,
                          const struct core_resource_requirements *r, const struct quantity_entry *request) {
    const struct quantity *limit = quantity_map_get(r->limits, request->key);
    bool overcommit = resource_name_can_overcommit(request->key);
    if (!limit) {
        if (!overcommit)
            field_required_because(e, at_field(p, "limits"),
                                   "limit must be set for non overcommitable resources");
        return;
    }
    int c = quantity_cmp(&request->value, limit);
    if (overcommit ? c <= 0 : c == 0)
        return;
    char text[QUANTITY_TEXT_MAX];
    quantity_format(limit, text);
    field_invalid(e, at_field(p, "requests"), bad_quantity(e, &request->value), "must be %s %.*s limit of %s",
                  overcommit ? "less than or equal to" : "equal to", STR_ARG(request->key), text);
}

void check_resource_requirements(struct field_errors *e, const struct field_path *p,
                                 const struct core_resource_requirements *r,
                                 bool (*check_name)(struct field_errors *e, const struct field_path *p,
                                                    struct str name)) {
    bool hugepages = false, cpu_or_memory = false;
    const struct quantity_map *const maps[] = {&r->limits, &r->requests};
    for (size_t m = 0; m < 2; m++) {
        const struct field_path *at = m ? at_field(p, "requests") : at_field(p, "limits");
        for (uint32_t i = 0; i < maps[m]->n; i++) {
            const struct quantity_entry *q = &maps[m]->v[i];
            const struct field_path *key = at_key(at, q->key);
            check_name(e, key, q->key);
            check_resource_amount(e, key, q->key, &q->value);
            if (m)
                check_request(e, p, r, q);
            check_hugepages_amount(e, key, q->key, &q->value);
            hugepages |= resource_name_is_hugepages(q->key);
            cpu_or_memory |= is_cpu_or_memory(q->key);
        }
    }
    if (hugepages && !cpu_or_memory)
        field_forbidden(e, p, "hugepages require cpu or memory");
}

void check_container_resources(struct field_errors *e, const struct field_path *p,
                               const struct quantity_map *amounts) {
    const struct core_resource_requirements limits = {.limits = *amounts};
    check_resource_requirements(e, p, &limits, check_container_resource_name);
}
