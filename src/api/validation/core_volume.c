/* Rules of core/v1 PersistentVolume. See volume.h for what other kinds use. */
#include "api/validation/volume.h"

#include <stddef.h>

#include "api/validation/claim.h"
#include "api/validation/node_selector.h"
#include "api/validation/validation.h"
#include "api/validation/volume_source.h"

/* ---- sources ---- */

static void check_csi_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_csi_persistent_volume_source *s = source;
    check_csi_driver(e, at_field(p, "driver"), s->driver);
    check_required(e, at_field(p, "volumeHandle"), s->volume_handle);
    const struct {
        const struct core_secret_reference *ref;
        struct str name;
    } secrets[] = {
        {s->controller_publish_secret_ref, S("controllerPublishSecretRef")},
        {s->controller_expand_secret_ref, S("controllerExpandSecretRef")},
        {s->node_stage_secret_ref, S("nodeStageSecretRef")},
        {s->node_publish_secret_ref, S("nodePublishSecretRef")},
        {s->node_expand_secret_ref, S("nodeExpandSecretRef")},
    };
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (secrets[i].ref)
            check_secret_reference(e, at_name(p, secrets[i].name), secrets[i].ref);
}

static void check_local_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_local_volume_source *s = source;
    if (check_required(e, at_field(p, "path"), s->path))
        check_format(e, at_field(p, "path"), s->path, name_check_no_backsteps);
}

/* In the order in which upstream looks at them. */
static const struct {
    struct str name;
    size_t offset;
    source_check_fn check;
} sources[] = {
#define SOURCE(field_, name_, check_)                                                                        \
    { STR_INIT(name_), offsetof(struct core_persistent_volume_source, field_), check_ }
    SOURCE(host_path, "hostPath", check_host_path_source),
    SOURCE(gce_persistent_disk, "gcePersistentDisk", check_gce_source),
    SOURCE(aws_elastic_block_store, "awsElasticBlockStore", check_aws_source),
    SOURCE(glusterfs, "glusterfs", check_glusterfs_source_pv),
    SOURCE(flocker, "flocker", check_flocker_source),
    SOURCE(nfs, "nfs", check_nfs_source),
    SOURCE(rbd, "rbd", check_rbd_source_pv),
    SOURCE(quobyte, "quobyte", check_quobyte_source),
    SOURCE(cephfs, "cephfs", check_ceph_fs_source_pv),
    SOURCE(iscsi, "iscsi", check_iscsi_source_pv),
    SOURCE(cinder, "cinder", check_cinder_source_pv),
    SOURCE(fc, "fc", check_fc_source),
    SOURCE(flex_volume, "flexVolume", check_flex_source_pv),
    SOURCE(azure_file, "azureFile", check_azure_file_source_pv),
    SOURCE(vsphere_volume, "vsphereVolume", check_vsphere_source),
    SOURCE(photon_persistent_disk, "photonPersistentDisk", check_photon_source),
    SOURCE(portworx_volume, "portworxVolume", check_portworx_source),
    SOURCE(azure_disk, "azureDisk", check_azure_disk_source),
    SOURCE(scale_io, "scaleIO", check_scale_io_source_pv),
    SOURCE(local, "local", check_local_source),
    SOURCE(storageos, "storageos", check_storage_os_source_pv),
    SOURCE(csi, "csi", check_csi_source),
#undef SOURCE
};

_Static_assert(sizeof sources / sizeof sources[0] ==
                   sizeof(struct core_persistent_volume_source) / sizeof(void *),
               "every volume source is looked at");

static void check_source(struct field_errors *e, const struct field_path *p,
                         const struct core_persistent_volume_source *source) {
    int n = 0;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        const void *one = *(void *const *)((const char *)source + sources[i].offset);
        if (!one)
            continue;
        if (n++)
            field_forbidden(e, at_name(p, sources[i].name), "may not specify more than 1 volume type");
        else
            sources[i].check(e, at_name(p, sources[i].name), one);
    }
    if (n == 0)
        field_required_because(e, p, "must specify a volume type");
}

/* ---- the spec ---- */

static void check_capacity(struct field_errors *e, const struct field_path *p,
                           const struct quantity_map *capacity) {
    static const struct str storage[] = {STR_INIT("storage")};
    if (capacity->n == 0)
        field_required(e, p);
    if (capacity->n > 1 || !quantity_map_get(*capacity, S("storage")))
        field_not_supported(e, p, bad(capacity->n ? capacity->v[0].key : S("")), storage, 1);
    for (uint32_t i = 0; i < capacity->n; i++)
        check_positive_quantity(e, at_key(p, capacity->v[i].key), &capacity->v[i].value);
}

/* Whether an absolute path, with "." and ".." taken away, is the root of the tree. */
static bool is_root(struct str path) {
    uint32_t depth = 0;
    for (struct str rest = path, step; !str_empty(rest);) {
        str_split(rest, '/', &step, &rest);
        if (str_eq(step, S("..")))
            depth -= depth > 0;
        else if (!str_empty(step) && !str_eq(step, S(".")))
            depth++;
    }
    return depth == 0 && str_has_prefix(path, S("/"));
}

static void check_reclaim_policy(struct field_errors *e, const struct field_path *p,
                                 const struct core_persistent_volume_spec *spec) {
    static const struct str policies[] = {STR_INIT("Delete"), STR_INIT("Recycle"), STR_INIT("Retain")};
    const struct core_host_path_volume_source *host = spec->persistent_volume_source.host_path;
    check_optional_enum(e, p, spec->persistent_volume_reclaim_policy, STR_SET(policies));
    if (host && is_root(host->path) && str_eq(spec->persistent_volume_reclaim_policy, S("Recycle")))
        field_forbidden(e, p, "may not be 'recycle' for a hostPath mount of '/'");
}

static const struct core_node_selector *required_nodes(const struct core_persistent_volume_spec *spec) {
    return spec && spec->node_affinity ? spec->node_affinity->required : NULL;
}

static void check_nodes(struct field_errors *e, const struct field_path *p,
                        const struct core_persistent_volume_spec *spec,
                        const struct core_persistent_volume_spec *old) {
    if (!spec->node_affinity) {
        if (spec->persistent_volume_source.local)
            field_required_because(e, p, "local volume requires node affinity");
        return;
    }
    const struct field_path *required = at_field(p, "required");
    if (spec->node_affinity->required)
        check_node_selector(e, required, spec->node_affinity->required,
                            node_selector_has_odd_values(required_nodes(old)));
    else
        field_required_because(e, required, "must specify required node constraints");
}

/* What an inline volume has no use for. */
static void check_inline(struct field_errors *e, const struct field_path *p,
                         const struct core_persistent_volume_spec *spec) {
    const struct {
        bool set;
        struct str name;
    } fields[] = {
        {spec->claim_ref != NULL, S("claimRef")},
        {spec->capacity.n > 0, S("capacity")},
        {!str_empty(spec->persistent_volume_reclaim_policy) &&
             !str_eq(spec->persistent_volume_reclaim_policy, S("Retain")),
         S("persistentVolumeReclaimPolicy")},
        {!str_empty(spec->storage_class_name), S("storageClassName")},
        {spec->volume_mode.p && !str_eq(spec->volume_mode, S("Filesystem")), S("volumeMode")},
        {spec->node_affinity != NULL, S("nodeAffinity")},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].set)
            field_forbidden(e, at_name(p, fields[i].name),
                            "may not be specified in the context of inline volumes");
    if (!spec->persistent_volume_source.csi)
        field_required_because(e, at_field(p, "csi"), "an inline volume is of a CSI driver");
}

static void check_attributes_class(struct field_errors *e, const struct field_path *p,
                                   const struct core_persistent_volume_spec *spec) {
    const struct field_path *at = at_field(p, "volumeAttributesClassName");
    if (!spec->volume_attributes_class_name.p)
        return;
    if (!spec->persistent_volume_source.csi)
        field_required_because(e, at_field(p, "csi"),
                               "has to be specified when using volumeAttributesClassName");
    if (str_empty(spec->volume_attributes_class_name))
        field_required_because(e, at, "an empty string is disallowed");
    else
        check_dns_subdomain(e, at, spec->volume_attributes_class_name);
}

void check_persistent_volume_spec(struct field_errors *e, const struct field_path *p,
                                  const struct core_persistent_volume_spec *spec, struct str name,
                                  bool is_inline, const struct core_persistent_volume_spec *old) {
    const struct core_iscsi_persistent_volume_source *iscsi = spec->persistent_volume_source.iscsi;
    if (is_inline)
        check_inline(e, p, spec);
    check_access_modes(e, at_field(p, "accessModes"), &spec->access_modes);
    if (!is_inline)
        check_capacity(e, at_field(p, "capacity"), &spec->capacity);
    check_source(e, p, &spec->persistent_volume_source);
    if (iscsi && iscsi->initiator_name.p && !iscsi_name_fits(name, iscsi->target_portal))
        field_invalid(e, at_field(p, "iscsi.targetportal"), bad(iscsi->target_portal),
                      "with the volume's name must not be longer than 64 bytes if initiatorName is set");
    if (!is_inline) {
        check_nodes(e, at_field(p, "nodeAffinity"), spec, old);
        check_reclaim_policy(e, at_field(p, "persistentVolumeReclaimPolicy"), spec);
        check_optional_format(e, at_field(p, "storageClassName"), spec->storage_class_name,
                              name_check_dns1123_subdomain);
        check_volume_mode(e, at_field(p, "volumeMode"), spec->volume_mode);
        check_attributes_class(e, p, spec);
    }
}

static void create(struct validation *v, const void *object) {
    const struct core_persistent_volume *pv = object;
    check_persistent_volume_spec(v->errors, at_field(NULL, "spec"), &pv->spec, pv->metadata.name, false,
                                 NULL);
}

/* ---- updates ---- */

/* CONFORMS: the secret for expanding may be given late. */
static bool same_source(const struct core_persistent_volume_source *s,
                        const struct core_persistent_volume_source *old) {
    static const struct str expand[] = {STR_INIT("controllerExpandSecretRef")}, csi[] = {STR_INIT("csi")};
    if (s->csi && old->csi && !old->csi->controller_expand_secret_ref)
        return api_equal_but(&builtin, TY_CORE_CSI_PERSISTENT_VOLUME_SOURCE, s->csi, old->csi, expand, 1) &&
               api_equal_but(&builtin, TY_CORE_PERSISTENT_VOLUME_SOURCE, s, old, csi, 1);
    return api_equal(&builtin, TY_CORE_PERSISTENT_VOLUME_SOURCE, s, old);
}

/* What a label of the beta days is called now; other labels stay. */
static struct str current_label(struct str key) {
    static const struct {
        struct str beta, now;
    } labels[] = {
        {STR_INIT("beta.kubernetes.io/arch"), STR_INIT("kubernetes.io/arch")},
        {STR_INIT("beta.kubernetes.io/os"), STR_INIT("kubernetes.io/os")},
        {STR_INIT("beta.kubernetes.io/instance-type"), STR_INIT("node.kubernetes.io/instance-type")},
        {STR_INIT("failure-domain.beta.kubernetes.io/region"), STR_INIT("topology.kubernetes.io/region")},
        {STR_INIT("failure-domain.beta.kubernetes.io/zone"), STR_INIT("topology.kubernetes.io/zone")},
    };
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (str_eq(labels[i].beta, key))
            return labels[i].now;
    return key;
}

static bool same_term(const struct core_node_selector_term *t, const struct core_node_selector_term *old) {
    static const struct str key[] = {STR_INIT("key")}, expressions[] = {STR_INIT("matchExpressions")};
    if (t->match_expressions.n != old->match_expressions.n ||
        !api_equal_but(&builtin, TY_CORE_NODE_SELECTOR_TERM, t, old, expressions, 1))
        return false;
    for (uint32_t i = 0; i < t->match_expressions.n; i++) {
        const struct core_node_selector_requirement *r = &t->match_expressions.v[i],
                                                    *was = &old->match_expressions.v[i];
        if (!str_eq(r->key, was->key) && !str_eq(r->key, current_label(was->key)))
            return false;
        if (!api_equal_but(&builtin, TY_CORE_NODE_SELECTOR_REQUIREMENT, r, was, key, 1))
            return false;
    }
    return true;
}

static bool same_nodes(const struct core_node_selector *s, const struct core_node_selector *old) {
    if (!s || !old)
        return s == old;
    if (s->node_selector_terms.n != old->node_selector_terms.n)
        return false;
    for (uint32_t i = 0; i < s->node_selector_terms.n; i++)
        if (!same_term(&s->node_selector_terms.v[i], &old->node_selector_terms.v[i]))
            return false;
    return true;
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct core_persistent_volume *pv = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_persistent_volume_spec(e, p, &pv->spec, pv->metadata.name, false, &old->spec);
    if (!same_source(&pv->spec.persistent_volume_source, &old->spec.persistent_volume_source))
        field_forbidden(e, at_field(p, "persistentvolumesource"),
                        "spec.persistentvolumesource is immutable after creation");
    check_immutable(e, at_field(p, "volumeMode"), TY_CORE_PERSISTENT_VOLUME_SPEC, S("volumeMode"), &pv->spec,
                    &old->spec);
    if (old->spec.node_affinity &&
        (!pv->spec.node_affinity || !same_nodes(required_nodes(&pv->spec), required_nodes(&old->spec))))
        field_invalid(e, at_field(p, "nodeAffinity"),
                      bad_field(e, TY_CORE_PERSISTENT_VOLUME_SPEC, S("nodeAffinity"), &pv->spec),
                      "field is immutable, except for updating from beta label to GA");
    if (old->spec.volume_attributes_class_name.p && !pv->spec.volume_attributes_class_name.p)
        field_forbidden(e, at_field(p, "volumeAttributesClassName"),
                        "update from non-nil value to nil is forbidden");
}

const struct validator validator_core_persistent_volume = {.type = TY_CORE_PERSISTENT_VOLUME,
                                                           .name = name_check_dns1123_subdomain,
                                                           .create = create,
                                                           .update = update};
