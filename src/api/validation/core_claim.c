/* Rules of core/v1 PersistentVolumeClaim. See claim.h for what other kinds use. */
#include "api/quantity.h"
#include "api/validation/claim.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define BETA_CLASS S("volume.beta.kubernetes.io/storage-class")

/* ---- parts that volumes have too ---- */

void check_access_modes(struct field_errors *e, const struct field_path *p, const struct str_array *modes) {
    static const struct str known[] = {STR_INIT("ReadOnlyMany"), STR_INIT("ReadWriteMany"),
                                       STR_INIT("ReadWriteOnce"), STR_INIT("ReadWriteOncePod")};
    bool alone = false, other = false;
    if (modes->n == 0)
        field_required_because(e, p, "at least 1 access mode is required");
    for (uint32_t i = 0; i < modes->n; i++) {
        check_supported(e, p, modes->v[i], STR_SET(known));
        bool once_pod = str_eq(modes->v[i], S("ReadWriteOncePod"));
        alone |= once_pod;
        other |= !once_pod;
    }
    if (alone && other)
        field_forbidden(e, p, "may not use ReadWriteOncePod with other access modes");
}

void check_volume_mode(struct field_errors *e, const struct field_path *p, struct str mode) {
    static const struct str modes[] = {STR_INIT("Block"), STR_INIT("Filesystem")};
    if (mode.p)
        check_supported(e, p, mode, STR_SET(modes));
}

/* ---- what a volume is filled from ---- */

static void check_source(struct field_errors *e, const struct field_path *p, struct str group,
                         struct str kind, struct str name) {
    check_required(e, at_field(p, "name"), name);
    check_required(e, at_field(p, "kind"), kind);
    if (str_empty(group) && !str_eq(kind, S("PersistentVolumeClaim")))
        field_invalid(e, p, bad(kind),
                      "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    check_optional_format(e, at_field(p, "apiGroup"), group, name_check_dns1123_subdomain);
}

static void check_sources(struct field_errors *e, const struct field_path *p,
                          const struct core_persistent_volume_claim_spec *spec) {
    const struct core_typed_local_object_reference *source = spec->data_source;
    const struct core_typed_object_reference *ref = spec->data_source_ref;
    if (source)
        check_source(e, at_field(p, "dataSource"), source->api_group, source->kind, source->name);
    if (!ref)
        return;
    const struct field_path *at = at_field(p, "dataSourceRef");
    check_source(e, at, ref->api_group, ref->kind, ref->name);
    bool elsewhere = !str_empty(ref->namespace);
    if (elsewhere)
        check_dns_label(e, at_field(at, "namespace"), ref->namespace);
    if (source && elsewhere)
        field_invalid(e, p, bad(S("dataSource")), "may not be set when dataSourceRef.namespace is");
    else if (source && (!str_eq(source->api_group, ref->api_group) || !str_eq(source->kind, ref->kind) ||
                        !str_eq(source->name, ref->name)))
        field_invalid(e, p, bad(S("dataSource")), "must match dataSourceRef");
}

/* ---- the spec ---- */

void check_claim_spec(struct field_errors *e, const struct field_path *p,
                      const struct core_persistent_volume_claim_spec *spec,
                      const struct core_persistent_volume_claim_spec *old) {
    check_access_modes(e, at_field(p, "accessModes"), &spec->access_modes);
    check_label_selector(e, at_field(p, "selector"), spec->selector,
                         old && label_selector_has_odd_values(old->selector));
    const struct field_path *storage = at_key(at_field(p, "resources"), S("storage"));
    const struct quantity *size = quantity_map_get(spec->resources.requests, S("storage"));
    if (size)
        check_positive_quantity(e, storage, size);
    else
        field_required(e, storage);
    check_optional_format(e, at_field(p, "storageClassName"), spec->storage_class_name,
                          name_check_dns1123_subdomain);
    check_volume_mode(e, at_field(p, "volumeMode"), spec->volume_mode);
    check_optional_format(e, at_field(p, "volumeAttributesClassName"), spec->volume_attributes_class_name,
                          name_check_dns1123_subdomain);
    check_sources(e, p, spec);
}

static void create(struct validation *v, const void *object) {
    check_claim_spec(v->errors, at_field(NULL, "spec"),
                     &((const struct core_persistent_volume_claim *)object)->spec, NULL);
}

/* ---- updates ---- */

static bool same_optional(struct str a, struct str b) {
    return !a.p == !b.p && str_eq(a, b);
}

/* CONFORMS: the class moves from the annotation of old to the field, or is given late to a claim without any.
 */
static bool check_class(struct field_errors *e, const struct core_persistent_volume_claim *c,
                        const struct core_persistent_volume_claim *old) {
    struct str annotation = str_map_get(c->metadata.annotations, BETA_CLASS);
    struct str old_annotation = str_map_get(old->metadata.annotations, BETA_CLASS);
    struct str class = c->spec.storage_class_name, old_class = old->spec.storage_class_name;
    bool moved = old_annotation.p && !old_class.p && class.p && str_eq(class, old_annotation) &&
                 (!annotation.p || str_eq(annotation, old_annotation));
    if (moved)
        return true;
    if (!str_eq(annotation, old_annotation))
        field_invalid(e, at_field(NULL, "metadata.annotations"), bad(annotation), IMMUTABLE_TEXT);
    return same_optional(class, old_class) || (!old_annotation.p && !old_class.p);
}

/* Whether the requests are the same, the size aside when it may change. */
static bool same_requests(const struct quantity_map *a, const struct quantity_map *b, bool size_may_change) {
    uint32_t i = 0, k = 0;
    for (;;) {
        while (size_may_change && i < a->n && str_eq(a->v[i].key, S("storage")))
            i++;
        while (size_may_change && k < b->n && str_eq(b->v[k].key, S("storage")))
            k++;
        if (i == a->n || k == b->n)
            return i == a->n && k == b->n;
        if (!str_eq(a->v[i].key, b->v[k].key) || !quantity_equal(&a->v[i].value, &b->v[k].value))
            return false;
        i++;
        k++;
    }
}

static bool same_spec(const struct core_persistent_volume_claim *c,
                      const struct core_persistent_volume_claim *old, bool class_is_fine) {
    static const struct str fields[] = {STR_INIT("volumeName"), STR_INIT("storageClassName"),
                                        STR_INIT("resources"), STR_INIT("volumeAttributesClassName")};
    bool bound = str_eq(c->status.phase, S("Bound"));
    return class_is_fine &&
           (str_empty(old->spec.volume_name) || str_eq(c->spec.volume_name, old->spec.volume_name)) &&
           (bound ||
            same_optional(c->spec.volume_attributes_class_name, old->spec.volume_attributes_class_name)) &&
           same_requests(&c->spec.resources.limits, &old->spec.resources.limits, false) &&
           same_requests(&c->spec.resources.requests, &old->spec.resources.requests, bound) &&
           api_equal_but(&builtin, TY_CORE_PERSISTENT_VOLUME_CLAIM_SPEC, &c->spec, &old->spec, fields, 4);
}

/* CONFORMS: a failed expansion can be taken back, but not to what the volume already is. */
static void check_size(struct field_errors *e, const struct core_persistent_volume_claim *c,
                       const struct core_persistent_volume_claim *old) {
    static const struct quantity none;
    const struct quantity *size = quantity_map_get(c->spec.resources.requests, S("storage"));
    const struct quantity *old_size = quantity_map_get(old->spec.resources.requests, S("storage"));
    const struct quantity *actual = quantity_map_get(old->status.capacity, S("storage"));
    if (!size || !old_size || quantity_cmp(size, old_size) >= 0)
        return;
    if (quantity_cmp(size, actual ? actual : &none) <= 0)
        field_forbidden(e, at_field(NULL, "spec.resources.requests.storage"),
                        "can not be less than or equal to status.capacity");
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct core_persistent_volume_claim *c = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_claim_spec(e, p, &c->spec, &old->spec);
    if (!same_spec(c, old, check_class(e, c, old)))
        field_forbidden(
            e, p,
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
            "bound claims");
    check_size(e, c, old);
    check_immutable(e, at_field(p, "volumeMode"), TY_CORE_PERSISTENT_VOLUME_CLAIM_SPEC, S("volumeMode"),
                    &c->spec, &old->spec);
    if (old->status.current_volume_attributes_class_name.p &&
        !str_empty(old->spec.volume_attributes_class_name) && str_empty(c->spec.volume_attributes_class_name))
        field_forbidden(e, at_field(p, "volumeAttributesClassName"),
                        "update from a set value to none is forbidden");
}

/* ---- status ---- */

static void check_storage_key(struct field_errors *e, const struct field_path *p, struct str key) {
    static const struct str storage[] = {STR_INIT("storage")};
    if (check_label_key(e, p, key) && str_find_byte(key, '/') < 0)
        check_supported(e, p, key, STR_SET(storage));
}

static void update_status(struct validation *v, const void *object, const void *old) {
    static const struct str states[] = {STR_INIT("ControllerResizeInProgress"),
                                        STR_INIT("ControllerResizeInfeasible"), STR_INIT("NodeResizePending"),
                                        STR_INIT("NodeResizeInProgress"), STR_INIT("NodeResizeInfeasible")};
    (void)old;
    const struct core_persistent_volume_claim *c = object;
    const struct core_persistent_volume_claim_status *s = &c->status;
    const struct field_path *p = at_field(NULL, "status");
    struct field_errors *e = v->errors;
    if (c->spec.access_modes.n == 0)
        field_required(e, at_field(NULL, "spec.accessModes"));
    for (uint32_t i = 0; i < s->capacity.n; i++)
        check_non_negative_quantity(e, at_key(at_field(p, "capacity"), s->capacity.v[i].key),
                                    &s->capacity.v[i].value);
    for (uint32_t i = 0; i < s->allocated_resource_statuses.n; i++) {
        const struct str_entry *entry = &s->allocated_resource_statuses.v[i];
        const struct field_path *at = at_key(at_field(p, "allocatedResourceStatuses"), entry->key);
        check_storage_key(e, at, entry->key);
        check_supported(e, at, entry->value, STR_SET(states));
    }
    for (uint32_t i = 0; i < s->allocated_resources.n; i++) {
        const struct quantity_entry *entry = &s->allocated_resources.v[i];
        const struct field_path *at = at_key(at_field(p, "allocatedResources"), entry->key);
        check_storage_key(e, at, entry->key);
        check_non_negative_quantity(e, at, &entry->value);
    }
}

const struct validator validator_core_persistent_volume_claim = {.type = TY_CORE_PERSISTENT_VOLUME_CLAIM,
                                                                 .name = name_check_dns1123_subdomain,
                                                                 .create = create,
                                                                 .update = update,
                                                                 .status = update_status};
