/* Rules of resource.k8s.io/v1: ResourceClaim, ResourceClaimTemplate, DeviceClass. CEL selectors must be
 * there; compiling them is for those who run them. */
#include "api/resource_name.h"
#include "api/validation/meta.h"
#include "api/validation/resource.h"

#define SUB_REQUESTS_MAX 8
#define EXPRESSION_BYTES_MAX 10240

/* ---- parts ---- */

void check_device_selectors(struct field_errors *e, const struct field_path *p,
                            const struct resource_device_selector_array *selectors) {
    check_max_items(e, p, selectors->n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < selectors->n; i++) {
        const struct field_path *cel = at_field(at_index(p, i), "cel"),
                                *expression = at_field(cel, "expression");
        if (!selectors->v[i].cel)
            field_required(e, cel);
        else if (str_empty(str_trim(selectors->v[i].cel->expression)))
            field_required(e, expression);
        else
            check_max_bytes(e, expression, selectors->v[i].cel->expression, EXPRESSION_BYTES_MAX);
    }
}

void check_device_configuration(struct field_errors *e, const struct field_path *p,
                                const struct resource_device_configuration *c, bool stored) {
    const struct field_path *opaque = at_field(p, "opaque");
    if (!c->opaque) {
        field_required(e, opaque);
        return;
    }
    check_device_driver(e, at_field(opaque, "driver"), c->opaque->driver);
    check_device_json(e, at_field(opaque, "parameters"), c->opaque->parameters, stored);
}

static void check_toleration(struct field_errors *e, const struct field_path *p,
                             const struct resource_device_toleration *t) {
    static const struct str operators[] = {STR_INIT("Equal"), STR_INIT("Exists")};
    static const struct str effects[] = {STR_INIT("NoExecute"), STR_INIT("NoSchedule"), STR_INIT("None")};
    check_optional_format(e, at_field(p, "key"), t->key, name_check_qualified);
    if (check_enum(e, at_field(p, "operator"), t->operator, STR_SET(operators))) {
        if (str_eq(t->operator, operators[0]))
            check_label_value(e, at_field(p, "value"), t->value);
        else if (!str_empty(t->value))
            field_invalid(e, at_field(p, "value"), bad(t->value), "must be empty with operator Exists");
    }
    if (str_empty(t->key) && str_eq(t->operator, operators[0]))
        field_required_because(e, at_field(p, "key"), "with operator Equal");
    check_optional_enum(e, at_field(p, "effect"), t->effect, STR_SET(effects));
}

/* What whole requests and their alternatives have in common. */
struct wish {
    struct str class_name, mode;
    const struct resource_device_selector_array *selectors;
    const struct resource_device_toleration_array *tolerations;
    int64_t count;
};

static void check_wish(struct field_errors *e, const struct field_path *p, const struct wish *w) {
    static const struct str modes[] = {STR_INIT("All"), STR_INIT("ExactCount")};
    const struct field_path *count = at_field(p, "count");
    check_required_format(e, at_field(p, "deviceClassName"), w->class_name, name_check_dns1123_subdomain);
    check_device_selectors(e, at_field(p, "selectors"), w->selectors);
    if (str_eq(w->mode, modes[0])) {
        if (w->count != 0)
            field_invalid(e, count, bad(w->count), "must not be specified when allocationMode is 'All'");
    } else if (str_eq(w->mode, modes[1])) {
        if (w->count <= 0)
            field_invalid(e, count, bad(w->count), "must be greater than zero");
    } else {
        field_not_supported(e, at_field(p, "allocationMode"), bad(w->mode), modes, 2);
    }
    for (uint32_t i = 0; i < w->tolerations->n; i++)
        check_toleration(e, at_index(at_field(p, "tolerations"), i), &w->tolerations->v[i]);
}

/* ---- claims ---- */

/* Names of requests, and of alternatives within requests. */
static void check_request(struct field_errors *e, const struct field_path *p,
                          const struct resource_device_request *r, struct seen *names) {
    const struct field_path *list = at_field(p, "firstAvailable");
    check_required_format(e, at_field(p, "name"), r->name, name_check_dns1123_label);
    if (r->exactly && r->first_available.n)
        field_invalid(e, p, bad(r->name),
                      "exactly one of `exactly` or `firstAvailable` is required, not both");
    else if (!r->exactly && r->first_available.n == 0)
        field_required_because(e, p, "exactly one of `exactly` or `firstAvailable` is required");
    if (r->exactly)
        check_wish(e, at_field(p, "exactly"),
                   &(struct wish){r->exactly->device_class_name, r->exactly->allocation_mode,
                                  &r->exactly->selectors, &r->exactly->tolerations, r->exactly->count});
    check_max_items(e, list, r->first_available.n, SUB_REQUESTS_MAX);
    for (uint32_t i = 0; i < r->first_available.n; i++) {
        const struct resource_device_sub_request *s = &r->first_available.v[i];
        const struct field_path *at = at_index(list, i);
        if (check_required_format(e, at_field(at, "name"), s->name, name_check_dns1123_label) &&
            seen_before2(names, r->name, s->name))
            field_duplicate(e, at_field(at, "name"), bad(s->name));
        check_wish(e, at,
                   &(struct wish){s->device_class_name, s->allocation_mode, &s->selectors, &s->tolerations,
                                  s->count});
    }
}

bool request_names_has(const struct seen *names, struct str ref) {
    struct str request, sub;
    if (!str_split(ref, '/', &request, &sub))
        return seen_has(names, (struct seen_key){{ref}});
    return seen_has(names, (struct seen_key){{request, sub}});
}

void check_request_refs(struct field_errors *e, const struct field_path *p, const struct str_array *refs,
                        const struct seen *names) {
    SEEN(seen);
    check_max_items(e, p, refs->n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < refs->n; i++) {
        if (!request_names_has(names, refs->v[i]))
            field_invalid(e, at_index(p, i), bad(refs->v[i]),
                          "must be the name of a request or sub-request of the claim");
        if (seen_before(&seen, refs->v[i]))
            field_duplicate(e, at_index(p, i), bad(refs->v[i]));
    }
}

static void check_constraint(struct field_errors *e, const struct field_path *p,
                             const struct resource_device_constraint *c, const struct seen *names) {
    check_request_refs(e, at_field(p, "requests"), &c->requests, names);
    if (c->match_attribute.p)
        check_device_qualified(e, at_field(p, "matchAttribute"), c->match_attribute, true);
    else if (c->distinct_attribute.p)
        check_device_qualified(e, at_field(p, "distinctAttribute"), c->distinct_attribute, true);
    else
        field_required(e, at_field(p, "matchAttribute"));
}

void collect_request_names(struct seen *names, const struct resource_device_claim *c) {
    for (uint32_t i = 0; i < c->requests.n; i++) {
        (void)seen_before(names, c->requests.v[i].name);
        for (uint32_t k = 0; k < c->requests.v[i].first_available.n; k++)
            (void)seen_before2(names, c->requests.v[i].name, c->requests.v[i].first_available.v[k].name);
    }
}

static void check_claim_spec_of(struct field_errors *e, const struct field_path *p,
                                const struct resource_device_claim *c, bool stored) {
    const struct field_path *devices = at_field(p, "devices"), *requests = at_field(devices, "requests"),
                            *constraints = at_field(devices, "constraints"),
                            *config = at_field(devices, "config");
    SEEN(names);
    SEEN(requested);
    check_max_items(e, requests, c->requests.n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < c->requests.n; i++) {
        check_request(e, at_index(requests, i), &c->requests.v[i], &requested);
        if (seen_before(&names, c->requests.v[i].name))
            field_duplicate(e, at_field(at_index(requests, i), "name"), bad(c->requests.v[i].name));
    }
    collect_request_names(&names, c);
    check_max_items(e, constraints, c->constraints.n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < c->constraints.n; i++)
        check_constraint(e, at_index(constraints, i), &c->constraints.v[i], &names);
    check_max_items(e, config, c->config.n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < c->config.n; i++) {
        check_request_refs(e, at_field(at_index(config, i), "requests"), &c->config.v[i].requests, &names);
        check_device_configuration(e, at_index(config, i), &c->config.v[i].device_configuration, stored);
    }
}

static void create_claim(struct validation *v, const void *object) {
    check_claim_spec_of(v->errors, at_field(NULL, "spec"),
                        &((const struct resource_resource_claim *)object)->spec.devices, false);
}

static void update_claim(struct validation *v, const void *object, const void *old) {
    check_immutable(v->errors, at_field(NULL, "spec"), TY_RESOURCE_RESOURCE_CLAIM, S("spec"), object, old);
    check_claim_spec_of(v->errors, at_field(NULL, "spec"),
                        &((const struct resource_resource_claim *)object)->spec.devices, true);
}

const struct validator validator_resource_resource_claim = {.type = TY_RESOURCE_RESOURCE_CLAIM,
                                                            .name = name_check_dns1123_subdomain,
                                                            .create = create_claim,
                                                            .update = update_claim,
                                                            .status = status_resource_claim};

/* ---- templates, classes ---- */

static void check_template(struct validation *v, const struct resource_resource_claim_template *t,
                           bool stored) {
    const struct field_path *p = at_field(NULL, "spec"), *meta = at_field(p, "metadata");
    check_labels(v->errors, at_field(meta, "labels"), &t->spec.metadata.labels);
    check_annotations(v->errors, at_field(meta, "annotations"), &t->spec.metadata.annotations);
    check_claim_spec_of(v->errors, at_field(p, "spec"), &t->spec.spec.devices, stored);
}

static void create_template(struct validation *v, const void *object) {
    check_template(v, object, false);
}

static void update_template(struct validation *v, const void *object, const void *old) {
    check_immutable(v->errors, at_field(NULL, "spec"), TY_RESOURCE_RESOURCE_CLAIM_TEMPLATE, S("spec"), object,
                    old);
    check_template(v, object, true);
}

const struct validator validator_resource_resource_claim_template = {.type =
                                                                         TY_RESOURCE_RESOURCE_CLAIM_TEMPLATE,
                                                                     .name = name_check_dns1123_subdomain,
                                                                     .create = create_template,
                                                                     .update = update_template};

static void check_class(struct validation *v, const struct resource_device_class_spec *s, bool stored) {
    const struct field_path *p = at_field(NULL, "spec"), *config = at_field(p, "config"),
                            *name = at_field(p, "extendedResourceName");
    check_device_selectors(v->errors, at_field(p, "selectors"), &s->selectors);
    check_max_items(v->errors, config, s->config.n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < s->config.n; i++)
        check_device_configuration(v->errors, at_index(config, i), &s->config.v[i].device_configuration,
                                   stored);
    if (s->extended_resource_name.p && !resource_name_is_extended(s->extended_resource_name))
        field_invalid(v->errors, name, bad(s->extended_resource_name),
                      "must be a valid extended resource name");
}

static void create_class(struct validation *v, const void *object) {
    check_class(v, &((const struct resource_device_class *)object)->spec, false);
}

static void update_class(struct validation *v, const void *object, const void *old) {
    check_class(v, &((const struct resource_device_class *)object)->spec,
                api_equal_field(&builtin, TY_RESOURCE_DEVICE_CLASS_SPEC,
                                &((const struct resource_device_class *)object)->spec,
                                &((const struct resource_device_class *)old)->spec, S("config")));
}

const struct validator validator_resource_device_class = {.type = TY_RESOURCE_DEVICE_CLASS,
                                                          .name = name_check_dns1123_subdomain,
                                                          .create = create_class,
                                                          .update = update_class};
