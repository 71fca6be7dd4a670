/* Rules on metadata, conditions, label selectors and request options. See validate.h, meta.h. */
#include "api/validation/meta.h"

#include "api/validation/validation.h"

#define FIELD_MANAGER_BYTES_MAX 128
#define SUBRESOURCE_BYTES_MAX 256
#define CONDITION_REASON_BYTES_MAX 1024
#define CONDITION_MESSAGE_BYTES_MAX 32768

/* ---- labels, annotations ---- */

void check_labels(struct field_errors *e, const struct field_path *p, const struct str_map *labels) {
    for (uint32_t i = 0; i < labels->n; i++) {
        check_label_key(e, p, labels->v[i].key);
        check_label_value(e, p, labels->v[i].value);
    }
}

void check_annotations(struct field_errors *e, const struct field_path *p,
                       const struct str_map *annotations) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < annotations->n; i++) {
        check_format(e, p, annotations->v[i].key, name_check_annotation_key);
        bytes += annotations->v[i].key.n + annotations->v[i].value.n;
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        field_too_long(e, p, ANNOTATIONS_BYTES_MAX);
}

void check_user_annotations(struct field_errors *e, const struct field_path *p,
                            const struct str_map *annotations) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < annotations->n; i++) {
        check_format(e, p, annotations->v[i].key, name_check_domain_prefixed_path);
        bytes += annotations->v[i].key.n + annotations->v[i].value.n;
    }
    if (bytes > ANNOTATIONS_BYTES_MAX)
        field_too_long(e, p, ANNOTATIONS_BYTES_MAX);
}

/* ---- owners, finalizers, managed fields ---- */

static void check_owner(struct field_errors *e, const struct field_path *p,
                        const struct meta_owner_reference *owner) {
    struct str group = STR_NONE, version = STR_NONE;
    (void)api_version_split(owner->api_version, &group, &version);
    if (str_empty(version))
        field_invalid(e, at_field(p, "apiVersion"), bad(owner->api_version), "version must not be empty");
    if (str_empty(owner->kind))
        field_invalid(e, at_field(p, "kind"), bad(owner->kind), "must not be empty");
    if (str_empty(owner->name))
        field_invalid(e, at_field(p, "name"), bad(owner->name), "must not be empty");
    if (str_empty(owner->uid))
        field_invalid(e, at_field(p, "uid"), bad(owner->uid), "must not be empty");
    if (str_empty(group) && str_eq(version, S("v1")) && str_eq(owner->kind, S("Event")))
        field_invalid(e, p, bad(owner->kind), "/v1, Kind=Event is disallowed from being an owner");
}

static void check_owners(struct field_errors *e, const struct field_path *p,
                         const struct meta_owner_reference_array *owners) {
    const struct meta_owner_reference *controller = NULL;
    for (uint32_t i = 0; i < owners->n; i++) {
        const struct meta_owner_reference *owner = &owners->v[i];
        check_owner(e, p, owner);
        if (!owner->controller.set || !owner->controller.v)
            continue;
        if (controller)
            field_invalid(
                e, p, bad(owner->name),
                "only one reference can have controller set to true, found \"true\" in references for "
                "%.*s and %.*s",
                STR_ARG(controller->name), STR_ARG(owner->name));
        else
            controller = owner;
    }
}

/* Whether finalizers of the kind without a slash must be ones of the system. CONFORMS: upstream asks it of
 * all kinds but those of these groups and custom resources. */
static bool has_system_finalizers(const struct kind *kind) {
    return kind->set == &builtin && !str_eq(kind->group, S("apiextensions.k8s.io")) &&
           !str_eq(kind->group, S("apiregistration.k8s.io")) &&
           !str_eq(kind->group, S("admissionregistration.k8s.io"));
}

void check_system_finalizer(struct field_errors *e, const struct field_path *p, struct str finalizer) {
    static const struct str names[] = {STR_INIT("kubernetes"), STR_INIT("orphan"),
                                       STR_INIT("foregroundDeletion")};
    if (str_find_byte(finalizer, '/') < 0 && !str_set_has(STR_SET(names), finalizer))
        field_invalid(e, p, bad(finalizer), "is neither a standard finalizer name nor fully qualified");
}

static void check_finalizers(struct field_errors *e, const struct field_path *p, const struct kind *kind,
                             const struct str_array *finalizers) {
    bool orphan = false, foreground = false;
    for (uint32_t i = 0; i < finalizers->n; i++) {
        struct str f = finalizers->v[i];
        check_label_key(e, p, f);
        orphan |= str_eq(f, S("orphan"));
        foreground |= str_eq(f, S("foregroundDeletion"));
    }
    if (orphan && foreground)
        field_invalid(e, p, bad(S("orphan")), "orphan and foregroundDeletion cannot both be set");
    if (has_system_finalizers(kind))
        for (uint32_t i = 0; i < finalizers->n; i++)
            check_system_finalizer(e, at_index(p, i), finalizers->v[i]);
}

void check_field_manager(struct field_errors *e, const struct field_path *p, struct str manager) {
    check_max_bytes(e, p, manager, FIELD_MANAGER_BYTES_MAX);
    if (!field_text_prints(manager))
        field_invalid(e, p, bad(manager), "must only contain printable characters");
}

static void check_managed_fields(struct field_errors *e, const struct field_path *p,
                                 const struct meta_managed_fields_entry_array *entries) {
    for (uint32_t i = 0; i < entries->n; i++) {
        const struct meta_managed_fields_entry *m = &entries->v[i];
        const struct field_path *at = at_index(p, i);
        if (!str_eq(m->operation, S("Apply")) && !str_eq(m->operation, S("Update")))
            field_invalid(e, at_field(at, "operation"), bad(m->operation), "must be `Apply` or `Update`");
        if (!str_empty(m->fields_type) && !str_eq(m->fields_type, S("FieldsV1")))
            field_invalid(e, at_field(at, "fieldsType"), bad(m->fields_type), "must be `FieldsV1`");
        check_field_manager(e, at_field(at, "manager"), m->manager);
        check_max_bytes(e, at_field(at, "subresource"), m->subresource, SUBRESOURCE_BYTES_MAX);
    }
}

/* ---- names ---- */

/* The format of the kind's names. Custom resources are called like most others. */
static name_check_fn name_format(const struct kind *kind) {
    if (kind->set != &builtin)
        return name_check_dns1123_subdomain;
    const struct validator *validator = validator_find(kind->hub->type);
    return validator && validator->name ? validator->name : name_check_path_segment;
}

static void check_name(struct field_errors *e, const struct field_path *p, struct str name,
                       name_check_fn format) {
    if (check_format(e, p, name, name_check_path_segment) && format != name_check_path_segment)
        check_format(e, p, name, format);
}

/* A prefix may end in a dash, which the formats themselves do not allow. */
static void check_name_prefix(struct field_errors *e, const struct field_path *p, struct str prefix,
                              name_check_fn format) {
    struct name_errors found = NAME_ERRORS_INIT;
    if (name_check_prefix(format, prefix, &found) == 0)
        return;
    for (uint32_t i = 0; i < found.n; i++)
        field_invalid(e, p, bad(prefix), "%.*s", STR_ARG(found.v[i]));
}

static void check_names(struct field_errors *e, const struct field_path *p, const struct kind *kind,
                        const struct meta_object_meta *meta) {
    if (!str_empty(meta->generate_name))
        check_name_prefix(e, at_field(p, "generateName"), meta->generate_name, name_format(kind));
    if (str_empty(meta->name))
        field_required_because(e, at_field(p, "name"), "name or generateName is required");
    else
        check_name(e, at_field(p, "name"), meta->name, name_format(kind));

    if (!kind->namespaced) {
        if (!str_empty(meta->namespace))
            field_forbidden(e, at_field(p, "namespace"), "not allowed on this type");
    } else if (check_required(e, at_field(p, "namespace"), meta->namespace)) {
        check_dns_label(e, at_field(p, "namespace"), meta->namespace);
    }
}

bool namespace_fits_request(const struct meta_object_meta *meta, struct str request_namespace) {
    return str_empty(meta->namespace) || str_eq(meta->namespace, request_namespace);
}

/* ---- whole metadata ---- */

void validate_object_meta(const struct kind *kind, const struct meta_object_meta *meta,
                          struct field_errors *e) {
    const struct field_path *p = at_field(NULL, "metadata");
    check_names(e, p, kind, meta);
    check_non_negative(e, at_field(p, "generation"), meta->generation);
    check_labels(e, at_field(p, "labels"), &meta->labels);
    check_annotations(e, at_field(p, "annotations"), &meta->annotations);
    check_owners(e, at_field(p, "ownerReferences"), &meta->owner_references);
    check_finalizers(e, at_field(p, "finalizers"), kind, &meta->finalizers);
    check_managed_fields(e, at_field(p, "managedFields"), &meta->managed_fields);
}

static void check_no_new_finalizers(struct field_errors *e, const struct field_path *p,
                                    const struct str_array *finalizers, const struct str_array *old) {
    SEEN(known);
    for (uint32_t i = 0; i < old->n; i++)
        (void)seen_before(&known, old->v[i]);
    for (uint32_t i = 0; i < finalizers->n; i++) {
        if (seen_before(&known, finalizers->v[i]))
            continue;
        field_forbidden(e, p, "no new finalizers can be added if the object is being deleted, found \"%.*s\"",
                        STR_ARG(finalizers->v[i]));
        return;
    }
}

void validate_object_meta_update(const struct kind *kind, const struct meta_object_meta *meta,
                                 const struct meta_object_meta *old, struct field_errors *e) {
    const struct field_path *p = at_field(NULL, "metadata");
    if (old->deletion_timestamp.set)
        check_no_new_finalizers(e, at_field(p, "finalizers"), &meta->finalizers, &old->finalizers);
    if (str_empty(meta->resource_version) && !kind->update_without_version)
        field_invalid(e, at_field(p, "resourceVersion"), bad(S("")), "must be specified for an update");
    if (meta->generation < old->generation)
        field_invalid(e, at_field(p, "generation"), bad(meta->generation), "must not be decremented");

    static const struct str fixed[] = {STR_INIT("name"),
                                       STR_INIT("namespace"),
                                       STR_INIT("uid"),
                                       STR_INIT("creationTimestamp"),
                                       STR_INIT("deletionTimestamp"),
                                       STR_INIT("deletionGracePeriodSeconds")};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        check_immutable(e, at_name(p, fixed[i]), TY_META_OBJECT_META, fixed[i], meta, old);
}

/* ---- conditions ---- */

static void check_condition(struct field_errors *e, const struct field_path *p,
                            const struct meta_condition *c) {
    static const struct str statuses[] = {STR_INIT("False"), STR_INIT("True"), STR_INIT("Unknown")};
    check_label_key(e, at_field(p, "type"), c->type);
    check_supported(e, at_field(p, "status"), c->status, STR_SET(statuses));
    check_non_negative(e, at_field(p, "observedGeneration"), c->observed_generation);
    if (!c->last_transition_time.set)
        field_required(e, at_field(p, "lastTransitionTime"));
    if (check_required(e, at_field(p, "reason"), c->reason) &&
        check_max_bytes(e, at_field(p, "reason"), c->reason, CONDITION_REASON_BYTES_MAX))
        check_format(e, at_field(p, "reason"), c->reason, name_check_condition_reason);
    check_max_bytes(e, at_field(p, "message"), c->message, CONDITION_MESSAGE_BYTES_MAX);
}

void check_conditions(struct field_errors *e, const struct field_path *p,
                      const struct meta_condition_array *conditions) {
    SEEN(types);
    for (uint32_t i = 0; i < conditions->n; i++) {
        const struct meta_condition *c = &conditions->v[i];
        if (seen_before(&types, c->type))
            field_duplicate(e, at_field(at_index(p, i), "type"), bad(c->type));
        check_condition(e, at_index(p, i), c);
    }
}

/* ---- label selectors ---- */

static void check_selector_requirement(struct field_errors *e, const struct field_path *p,
                                       const struct meta_label_selector_requirement *r, bool any_values) {
    if (str_eq(r->operator, S("In")) || str_eq(r->operator, S("NotIn"))) {
        if (r->values.n == 0)
            field_required_because(e, at_field(p, "values"),
                                   "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (str_eq(r->operator, S("Exists")) || str_eq(r->operator, S("DoesNotExist"))) {
        if (r->values.n)
            field_forbidden(e, at_field(p, "values"),
                            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
        field_invalid(e, at_field(p, "operator"), bad(r->operator), "not a valid selector operator");
    }
    check_label_key(e, at_field(p, "key"), r->key);
    for (uint32_t i = 0; i < r->values.n && !any_values; i++)
        check_label_value(e, at_index(at_field(p, "values"), i), r->values.v[i]);
}

void check_label_selector(struct field_errors *e, const struct field_path *p,
                          const struct meta_label_selector *selector, bool any_values) {
    if (!selector)
        return;
    check_labels(e, at_field(p, "matchLabels"), &selector->match_labels);
    for (uint32_t i = 0; i < selector->match_expressions.n; i++)
        check_selector_requirement(e, at_index(at_field(p, "matchExpressions"), i),
                                   &selector->match_expressions.v[i], any_values);
}

bool label_selector_has_odd_values(const struct meta_label_selector *selector) {
    for (uint32_t i = 0; selector && i < selector->match_expressions.n; i++) {
        const struct str_array *values = &selector->match_expressions.v[i].values;
        for (uint32_t k = 0; k < values->n; k++)
            if (name_check_label_value(values->v[k], NULL) != 0)
                return true;
    }
    return false;
}
