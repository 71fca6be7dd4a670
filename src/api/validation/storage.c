/* Rules of storage.k8s.io/v1: StorageClass, VolumeAttributesClass, VolumeAttachment. */
#include "api/types/storage.h"

#include "api/types/core.h"
#include "api/validation/validation.h"

#define PARAMETERS_MAX 512
#define PARAMETERS_BYTES_MAX (256u * 1024)
#define METADATA_BYTES_MAX (256u * 1024)
#define MESSAGE_BYTES_MAX 1024

/* ---- shared ---- */

/* A label key in lower case. */
static void check_provisioner(struct field_errors *e, const struct field_path *p, struct str s) {
    char lower[NAME_DNS_SUBDOMAIN_MAX + 1 + NAME_LABEL_MAX + 1];
    if (!check_required(e, p, s))
        return;
    size_t n = s.n < sizeof lower ? s.n : sizeof lower; /* longer ones are too long, whatever is in them */
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    check_format(e, p, s.n > n ? s : str_make(lower, n), name_check_qualified);
}

static void check_parameters(struct field_errors *e, const struct field_path *p,
                             const struct str_map *parameters, bool required) {
    size_t bytes = 0;
    if (parameters->n > PARAMETERS_MAX) {
        field_too_long(e, p, PARAMETERS_MAX);
        return;
    }
    for (uint32_t i = 0; i < parameters->n; i++) {
        if (str_empty(parameters->v[i].key))
            field_invalid(e, p, bad(parameters->v[i].key), "a key must not be empty");
        bytes += parameters->v[i].key.n + parameters->v[i].value.n;
    }
    if (bytes > PARAMETERS_BYTES_MAX)
        field_too_long(e, p, PARAMETERS_BYTES_MAX);
    if (required && parameters->n == 0)
        field_required_because(e, p, "at least one key and value");
}

/* ---- StorageClass ---- */

static bool same_values(const struct str_array *a, const struct str_array *b) {
    SEEN(values);
    uint32_t found = 0;
    for (uint32_t i = 0; i < a->n; i++)
        (void)seen_before(&values, a->v[i]);
    for (uint32_t i = 0; i < b->n; i++)
        found += seen_has(&values, (struct seen_key){{b->v[i]}});
    return a->n == b->n && found == b->n;
}

/* The same keys with the same values, in whatever order. */
static bool same_term(const struct core_topology_selector_term *a,
                      const struct core_topology_selector_term *b) {
    if (a->match_label_expressions.n != b->match_label_expressions.n)
        return false;
    for (uint32_t i = 0; i < a->match_label_expressions.n; i++) {
        const struct core_topology_selector_label_requirement *r = &a->match_label_expressions.v[i];
        bool found = false;
        for (uint32_t k = 0; !found && k < b->match_label_expressions.n; k++)
            found = str_eq(r->key, b->match_label_expressions.v[k].key) &&
                    same_values(&r->values, &b->match_label_expressions.v[k].values);
        if (!found)
            return false;
    }
    return true;
}

static void check_topology_term(struct field_errors *e, const struct field_path *p,
                                const struct core_topology_selector_term *t) {
    const struct field_path *list = at_field(p, "matchLabelExpressions");
    SEEN(keys);
    for (uint32_t i = 0; i < t->match_label_expressions.n; i++) {
        const struct core_topology_selector_label_requirement *r = &t->match_label_expressions.v[i];
        const struct field_path *at = at_index(list, i), *values = at_field(at, "values");
        SEEN(seen);
        if (r->values.n == 0)
            field_required(e, values);
        for (uint32_t k = 0; k < r->values.n; k++)
            if (seen_before(&seen, r->values.v[k]))
                field_duplicate(e, at_index(values, k), bad(r->values.v[k]));
        check_label_key(e, at_field(at, "key"), r->key);
        if (seen_before(&keys, r->key))
            field_duplicate(e, at_field(at, "key"), bad(r->key));
    }
}

/* Terms are compared one by one only up to here; longer lists are refused. */
#define TOPOLOGY_TERMS_MAX 1000

static void check_topologies(struct field_errors *e, const struct core_topology_selector_term_array *terms) {
    const struct field_path *p = at_field(NULL, "allowedTopologies");
    if (!check_max_items(e, p, terms->n, TOPOLOGY_TERMS_MAX))
        return;
    for (uint32_t i = 0; i < terms->n; i++) {
        bool twice = false;
        check_topology_term(e, at_index(p, i), &terms->v[i]);
        for (uint32_t k = 0; !twice && k < i; k++)
            twice = same_term(&terms->v[i], &terms->v[k]);
        if (twice)
            field_duplicate(e, at_field(at_index(p, i), "matchLabelExpressions"), bad(S("")));
    }
}

static void create_class(struct validation *v, const void *object) {
    static const struct str policies[] = {STR_INIT("Delete"), STR_INIT("Retain")};
    static const struct str modes[] = {STR_INIT("Immediate"), STR_INIT("WaitForFirstConsumer")};
    const struct storage_storage_class *c = object;
    struct field_errors *e = v->errors;
    check_provisioner(e, at_field(NULL, "provisioner"), c->provisioner);
    check_parameters(e, at_field(NULL, "parameters"), &c->parameters, false);
    check_optional_enum(e, at_field(NULL, "reclaimPolicy"), c->reclaim_policy, STR_SET(policies));
    if (!c->volume_binding_mode.p)
        field_required(e, at_field(NULL, "volumeBindingMode"));
    else
        check_supported(e, at_field(NULL, "volumeBindingMode"), c->volume_binding_mode, STR_SET(modes));
    check_topologies(e, &c->allowed_topologies);
}

static void update_class(struct validation *v, const void *object, const void *old_object) {
    const struct storage_storage_class *c = object, *old = old_object;
    struct field_errors *e = v->errors;
    create_class(v, object);
    if (!api_equal_field(&builtin, TY_STORAGE_STORAGE_CLASS, c, old, S("parameters")))
        field_forbidden(e, at_field(NULL, "parameters"), IMMUTABLE_TEXT);
    if (!str_eq(c->provisioner, old->provisioner))
        field_forbidden(e, at_field(NULL, "provisioner"), IMMUTABLE_TEXT);
    if (!str_eq(c->reclaim_policy, old->reclaim_policy))
        field_forbidden(e, at_field(NULL, "reclaimPolicy"), IMMUTABLE_TEXT);
    check_immutable(e, at_field(NULL, "volumeBindingMode"), TY_STORAGE_STORAGE_CLASS, S("volumeBindingMode"),
                    c, old);
}

const struct validator validator_storage_storage_class = {.type = TY_STORAGE_STORAGE_CLASS,
                                                          .name = name_check_dns1123_subdomain,
                                                          .create = create_class,
                                                          .update = update_class};

/* ---- VolumeAttributesClass ---- */

static void create_attributes(struct validation *v, const void *object) {
    const struct storage_volume_attributes_class *c = object;
    check_provisioner(v->errors, at_field(NULL, "driverName"), c->driver_name);
    check_parameters(v->errors, at_field(NULL, "parameters"), &c->parameters, true);
}

static void update_attributes(struct validation *v, const void *object, const void *old_object) {
    const struct storage_volume_attributes_class *c = object, *old = old_object;
    create_attributes(v, object);
    if (!str_eq(c->driver_name, old->driver_name))
        field_forbidden(v->errors, at_field(NULL, "driverName"), IMMUTABLE_TEXT);
    if (!api_equal_field(&builtin, TY_STORAGE_VOLUME_ATTRIBUTES_CLASS, c, old, S("parameters")))
        field_forbidden(v->errors, at_field(NULL, "parameters"), IMMUTABLE_TEXT);
}

const struct validator validator_storage_volume_attributes_class = {.type =
                                                                        TY_STORAGE_VOLUME_ATTRIBUTES_CLASS,
                                                                    .name = name_check_dns1123_subdomain,
                                                                    .create = create_attributes,
                                                                    .update = update_attributes};

/* ---- VolumeAttachment ---- */

static void create_attachment(struct validation *v, const void *object) {
    const struct storage_volume_attachment_spec *s =
        &((const struct storage_volume_attachment *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *source = at_field(p, "source");
    check_csi_driver(e, at_field(p, "attacher"), s->attacher);
    bool named = s->source.persistent_volume_name.p, inline_spec = s->source.inline_volume_spec;
    if (!named && !inline_spec)
        field_required_because(e, source, "a persistentVolumeName or an inlineVolumeSpec");
    else if (named && inline_spec)
        field_forbidden(e, source, "persistentVolumeName and inlineVolumeSpec exclude each other");
    else if (named)
        check_required(e, at_field(source, "persistentVolumeName"), s->source.persistent_volume_name);
    check_format(e, at_field(p, "nodeName"), s->node_name, name_check_dns1123_subdomain);
}

static void check_volume_error(struct field_errors *e, const struct field_path *p,
                               const struct storage_volume_error *error) {
    if (error)
        check_max_bytes(e, at_field(p, "message"), error->message, MESSAGE_BYTES_MAX);
}

static void check_attachment_status(struct validation *v, const struct storage_volume_attachment *a) {
    const struct storage_volume_attachment_status *s = &a->status;
    const struct field_path *p = at_field(NULL, "status");
    size_t bytes = 0;
    for (uint32_t i = 0; i < s->attachment_metadata.n; i++)
        bytes += s->attachment_metadata.v[i].key.n + s->attachment_metadata.v[i].value.n;
    if (bytes > METADATA_BYTES_MAX)
        field_too_long(v->errors, at_field(p, "attachmentMetadata"), METADATA_BYTES_MAX);
    check_volume_error(v->errors, at_field(p, "attachError"), s->attach_error);
    check_volume_error(v->errors, at_field(p, "detachError"), s->detach_error);
}

static void update_attachment(struct validation *v, const void *object, const void *old) {
    create_attachment(v, object);
    check_immutable(v->errors, at_field(NULL, "spec"), TY_STORAGE_VOLUME_ATTACHMENT, S("spec"), object, old);
}

static void status_attachment(struct validation *v, const void *object, const void *old) {
    (void)old;
    check_attachment_status(v, object);
}

const struct validator validator_storage_volume_attachment = {.type = TY_STORAGE_VOLUME_ATTACHMENT,
                                                              .name = name_check_dns1123_subdomain,
                                                              .create = create_attachment,
                                                              .update = update_attachment,
                                                              .status = status_attachment};
