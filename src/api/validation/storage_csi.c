/* Rules of storage.k8s.io/v1: CSIDriver, CSINode, CSIStorageCapacity. */
#include "api/quantity.h"
#include "api/types/storage.h"
#include "api/validation/meta.h"
#include "api/validation/validation.h"

#define NODE_ID_BYTES_MAX 256
#define TOKEN_SEC_MIN 600
#define TOKEN_SEC_MAX (INT64_C(1) << 32)
#define UPDATE_PERIOD_SEC_MIN 10

/* ---- CSIDriver ---- */

static void check_set(struct field_errors *e, const struct field_path *p, struct opt_bool value) {
    if (!value.set)
        field_required(e, p);
}

static void check_tokens(struct field_errors *e, const struct field_path *p,
                         const struct storage_token_request_array *tokens) {
    SEEN(audiences);
    for (uint32_t i = 0; i < tokens->n; i++) {
        const struct storage_token_request *t = &tokens->v[i];
        const struct field_path *at = at_index(p, i), *expiry = at_field(at, "expirationSeconds");
        if (seen_before(&audiences, t->audience))
            field_duplicate(e, at_field(at, "audience"), bad(t->audience));
        if (!t->expiration_seconds.set)
            continue;
        if (t->expiration_seconds.v < TOKEN_SEC_MIN)
            field_invalid(e, expiry, bad(t->expiration_seconds),
                          "may not specify a duration less than 10 minutes");
        if (t->expiration_seconds.v > TOKEN_SEC_MAX)
            field_invalid(e, expiry, bad(t->expiration_seconds), "must be at most 2^32 seconds");
    }
}

static void check_driver(struct validation *v, const struct storage_csi_driver *d) {
    static const struct str policies[] = {STR_INIT("ReadWriteOnceWithFSType"), STR_INIT("File"),
                                          STR_INIT("None")};
    static const struct str modes[] = {STR_INIT("Persistent"), STR_INIT("Ephemeral")};
    const struct storage_csi_driver_spec *s = &d->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    check_set(e, at_field(p, "attachRequired"), s->attach_required);
    check_set(e, at_field(p, "podInfoOnMount"), s->pod_info_on_mount);
    check_set(e, at_field(p, "storageCapacity"), s->storage_capacity);
    if (s->fs_group_policy.p)
        check_supported(e, at_field(p, "fsGroupPolicy"), s->fs_group_policy, STR_SET(policies));
    check_tokens(e, at_field(p, "tokenRequests"), &s->token_requests);
    for (uint32_t i = 0; i < s->volume_lifecycle_modes.n; i++)
        check_supported(e, at_index(at_field(p, "volumeLifecycleModes"), i), s->volume_lifecycle_modes.v[i],
                        STR_SET(modes));
    if (s->node_allocatable_update_period_seconds.set &&
        s->node_allocatable_update_period_seconds.v < UPDATE_PERIOD_SEC_MIN)
        field_invalid(e, at_field(p, "nodeAllocatableUpdatePeriodSeconds"),
                      bad(s->node_allocatable_update_period_seconds), "must be greater than or equal to %d",
                      UPDATE_PERIOD_SEC_MIN);
    if (s->service_account_token_in_secrets.set && s->token_requests.n == 0)
        field_invalid(e, at_field(p, "serviceAccountTokenInSecrets"),
                      bad(s->service_account_token_in_secrets), "must not be set without tokenRequests");
}

static void create_driver(struct validation *v, const void *object) {
    const struct storage_csi_driver *d = object;
    check_csi_driver(v->errors, at_field(NULL, "metadata.name"), d->metadata.name);
    check_driver(v, d);
}

static void update_driver(struct validation *v, const void *object, const void *old_object) {
    const struct storage_csi_driver *d = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec");
    check_driver(v, d);
    check_immutable(v->errors, at_field(p, "attachRequired"), TY_STORAGE_CSI_DRIVER_SPEC, S("attachRequired"),
                    &d->spec, &old->spec);
    check_immutable(v->errors, at_field(p, "volumeLifecycleModes"), TY_STORAGE_CSI_DRIVER_SPEC,
                    S("volumeLifecycleModes"), &d->spec, &old->spec);
}

const struct validator validator_storage_csi_driver = {.type = TY_STORAGE_CSI_DRIVER,
                                                       .name = name_check_path_segment,
                                                       .create = create_driver,
                                                       .update = update_driver};

/* ---- CSINode ---- */

static void check_node_driver(struct field_errors *e, const struct field_path *p,
                              const struct storage_csi_node_driver *d) {
    const struct field_path *keys = at_field(p, "topologyKeys");
    SEEN(seen);
    check_csi_driver(e, at_field(p, "name"), d->name);
    if (check_required(e, at_field(p, "nodeID"), d->node_id) && d->node_id.n > NODE_ID_BYTES_MAX)
        field_invalid(e, at_field(p, "nodeID"), bad(d->node_id), "must be %d characters or less",
                      NODE_ID_BYTES_MAX);
    if (d->allocatable && d->allocatable->count.set)
        check_non_negative(e, at_field(p, "allocatable.count"), d->allocatable->count.v);
    for (uint32_t i = 0; i < d->topology_keys.n; i++) {
        if (!check_required(e, keys, d->topology_keys.v[i]))
            continue;
        if (seen_before(&seen, d->topology_keys.v[i]))
            field_duplicate(e, keys, bad(d->topology_keys.v[i]));
        check_label_key(e, keys, d->topology_keys.v[i]);
    }
}

static void create_node(struct validation *v, const void *object) {
    const struct storage_csi_node_driver_array *drivers =
        &((const struct storage_csi_node *)object)->spec.drivers;
    const struct field_path *p = at_field(NULL, "spec.drivers");
    SEEN(names);
    for (uint32_t i = 0; i < drivers->n; i++) {
        check_node_driver(v->errors, at_index(p, i), &drivers->v[i]);
        if (seen_before(&names, drivers->v[i].name))
            field_duplicate(v->errors, at_field(at_index(p, i), "name"), bad(drivers->v[i].name));
    }
}

static const struct storage_csi_node_driver *find_driver(const struct storage_csi_node_driver_array *drivers,
                                                         uint32_t hint, struct str name) {
    if (hint < drivers->n && str_eq(drivers->v[hint].name, name))
        return &drivers->v[hint];
    for (uint32_t i = 0; i < drivers->n; i++)
        if (str_eq(drivers->v[i].name, name))
            return &drivers->v[i];
    return NULL;
}

/* Drivers come and go; what stays is as it was, but for what the node can hold. */
static void update_node(struct validation *v, const void *object, const void *old_object) {
    static const struct str mutable[] = {STR_INIT("allocatable")};
    const struct storage_csi_node *n = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec.drivers");
    create_node(v, object);
    for (uint32_t i = 0; i < old->spec.drivers.n; i++) {
        const struct storage_csi_node_driver *was = &old->spec.drivers.v[i];
        const struct storage_csi_node_driver *is = find_driver(&n->spec.drivers, i, was->name);
        if (is && !api_equal_but(&builtin, TY_STORAGE_CSI_NODE_DRIVER, is, was, mutable, 1))
            field_invalid(v->errors, p, bad_object(v->errors, TY_STORAGE_CSI_NODE_DRIVER, is),
                          IMMUTABLE_TEXT);
    }
}

const struct validator validator_storage_csi_node = {.type = TY_STORAGE_CSI_NODE,
                                                     .name = name_check_dns1123_subdomain,
                                                     .create = create_node,
                                                     .update = update_node};

/* ---- CSIStorageCapacity ---- */

static void check_capacity(struct validation *v, const struct storage_csi_storage_capacity *c, bool odd) {
    struct field_errors *e = v->errors;
    check_label_selector(e, at_field(NULL, "nodeTopology"), c->node_topology, odd);
    check_format(e, at_field(NULL, "storageClassName"), c->storage_class_name, name_check_dns1123_subdomain);
    if (c->capacity.set)
        check_non_negative_quantity(e, at_field(NULL, "capacity"), &c->capacity);
    if (c->maximum_volume_size.set)
        check_non_negative_quantity(e, at_field(NULL, "maximumVolumeSize"), &c->maximum_volume_size);
}

static void create_capacity(struct validation *v, const void *object) {
    check_capacity(v, object, false);
}

static void update_capacity(struct validation *v, const void *object, const void *old_object) {
    const struct storage_csi_storage_capacity *old = old_object;
    check_capacity(v, object, old->node_topology && label_selector_has_odd_values(old->node_topology));
    check_immutable(v->errors, at_field(NULL, "nodeTopology"), TY_STORAGE_CSI_STORAGE_CAPACITY,
                    S("nodeTopology"), object, old);
    check_immutable(v->errors, at_field(NULL, "storageClassName"), TY_STORAGE_CSI_STORAGE_CAPACITY,
                    S("storageClassName"), object, old);
}

const struct validator validator_storage_csi_storage_capacity = {.type = TY_STORAGE_CSI_STORAGE_CAPACITY,
                                                                 .name = name_check_dns1123_subdomain,
                                                                 .create = create_capacity,
                                                                 .update = update_capacity};
