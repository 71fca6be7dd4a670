/* Rules on volume sources. See volume_source.h. */
#include "api/validation/volume_source.h"

#include "api/types/ids.h"
#include "api/validation/checks.h"
#include "api/validation/formats.h"

#define QUOBYTE_TENANT_BYTES_MAX 64
#define ISCSI_NAME_BYTES_MAX 64

static bool check_byte(struct field_errors *e, const struct field_path *p, int32_t value) {
    return check_range(e, p, value, 0, 255);
}

void check_secret_reference(struct field_errors *e, const struct field_path *p,
                            const struct core_secret_reference *ref) {
    check_required_format(e, at_field(p, "name"), ref->name, name_check_dns1123_subdomain);
    check_required_format(e, at_field(p, "namespace"), ref->namespace, name_check_dns1123_label);
}

/* ---- the same in pods and persistent volumes ---- */

void check_host_path_source(struct field_errors *e, const struct field_path *p, const void *source) {
    static const struct str types[] = {
        STR_INIT(""),
        STR_INIT("BlockDevice"),
        STR_INIT("CharDevice"),
        STR_INIT("Directory"),
        STR_INIT("DirectoryOrCreate"),
        STR_INIT("File"),
        STR_INIT("FileOrCreate"),
        STR_INIT("Socket"),
    };
    const struct core_host_path_volume_source *s = source;
    if (!check_required(e, at_field(p, "path"), s->path))
        return;
    check_format(e, at_field(p, "path"), s->path, name_check_no_backsteps);
    if (s->type.p)
        check_supported(e, at_field(p, "type"), s->type, STR_SET(types));
}

void check_gce_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_gce_persistent_disk_volume_source *s = source;
    check_required(e, at_field(p, "pdName"), s->pd_name);
    check_byte(e, at_field(p, "partition"), s->partition);
}

void check_aws_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_aws_elastic_block_store_volume_source *s = source;
    check_required(e, at_field(p, "volumeID"), s->volume_id);
    check_byte(e, at_field(p, "partition"), s->partition);
}

void check_nfs_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_nfs_volume_source *s = source;
    check_required(e, at_field(p, "server"), s->server);
    check_required(e, at_field(p, "path"), s->path);
    if (!str_has_prefix(s->path, S("/")))
        field_invalid(e, at_field(p, "path"), bad(s->path), "must be an absolute path");
}

void check_fc_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_fc_volume_source *s = source;
    static const char *const either = "must specify either targetWWNs or wwids, but not both";
    if (s->target_wwns.n == 0 && s->wwids.n == 0)
        field_required_because(e, at_field(p, "targetWWNs"), "%s", either);
    if (s->target_wwns.n && s->wwids.n)
        field_invalid(e, at_field(p, "targetWWNs"),
                      bad_field(e, TY_CORE_FC_VOLUME_SOURCE, S("targetWWNs"), s), "%s", either);
    if (s->target_wwns.n == 0)
        return;
    if (s->lun.set)
        check_byte(e, at_field(p, "lun"), s->lun.v);
    else
        field_required_because(e, at_field(p, "lun"), "is required if targetWWNs is specified");
}

void check_flocker_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_flocker_volume_source *s = source;
    if (str_empty(s->dataset_name) && str_empty(s->dataset_uuid))
        field_required_because(e, p, "one of datasetName and datasetUUID is required");
    if (!str_empty(s->dataset_name) && !str_empty(s->dataset_uuid))
        field_invalid(e, p, bad(S("resource")), "cannot specify both datasetName and datasetUUID");
    if (str_find_byte(s->dataset_name, '/') >= 0)
        field_invalid(e, at_field(p, "datasetName"), bad(s->dataset_name), "must not contain '/'");
}

/* host:port; IPv6 hosts stand in brackets. */
static bool is_host_port(struct str s) {
    ptrdiff_t colon = str_rfind_byte(s, ':');
    if (colon < 0)
        return false;
    struct str host = str_cut(s, (size_t)colon);
    if (str_has_prefix(host, S("[")))
        return str_has_suffix(host, S("]"));
    return str_find_byte(host, ':') < 0;
}

void check_quobyte_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_quobyte_volume_source *s = source;
    const struct field_path *registry = at_field(p, "registry");
    if (str_empty(s->registry))
        field_required_because(e, registry,
                               "must be a host:port pair or several of them, separated by commas");
    else if (s->tenant.n > QUOBYTE_TENANT_BYTES_MAX)
        field_required_because(e, at_field(p, "tenant"), "must be at most %d bytes long",
                               QUOBYTE_TENANT_BYTES_MAX);
    for (struct str rest = s->registry, pair; !str_empty(rest);) {
        str_split(rest, ',', &pair, &rest);
        if (!is_host_port(pair)) {
            field_invalid(e, registry, bad(s->registry),
                          "must be a host:port pair or several of them, separated by commas");
            break;
        }
    }
    check_required(e, at_field(p, "volume"), s->volume);
}

void check_vsphere_source(struct field_errors *e, const struct field_path *p, const void *source) {
    check_required(e, at_field(p, "volumePath"),
                   ((const struct core_vsphere_virtual_disk_volume_source *)source)->volume_path);
}

void check_photon_source(struct field_errors *e, const struct field_path *p, const void *source) {
    check_required(e, at_field(p, "pdID"),
                   ((const struct core_photon_persistent_disk_volume_source *)source)->pd_id);
}

void check_portworx_source(struct field_errors *e, const struct field_path *p, const void *source) {
    check_required(e, at_field(p, "volumeID"),
                   ((const struct core_portworx_volume_source *)source)->volume_id);
}

/* The URI of a managed disk begins so; that of a blob is a URL. */
static void check_disk_uri(struct field_errors *e, const struct field_path *p, struct str uri, bool managed) {
    static const struct str managed_form[] = {STR_INIT(
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}")};
    static const struct str blob_form[] = {
        STR_INIT("https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd")};
    if (managed && !str_has_prefix(uri, S("/subscriptions/")))
        field_not_supported(e, p, bad(uri), managed_form, 1);
    if (!managed && !str_has_prefix(uri, S("https://")))
        field_not_supported(e, p, bad(uri), blob_form, 1);
}

void check_azure_disk_source(struct field_errors *e, const struct field_path *p, const void *source) {
    static const struct str modes[] = {STR_INIT("None"), STR_INIT("ReadOnly"), STR_INIT("ReadWrite")};
    static const struct str disk_kinds[] = {STR_INIT("Dedicated"), STR_INIT("Managed"), STR_INIT("Shared")};
    const struct core_azure_disk_volume_source *s = source;
    check_required(e, at_field(p, "diskName"), s->disk_name);
    check_required(e, at_field(p, "diskURI"), s->disk_uri);
    if (s->caching_mode.p)
        check_supported(e, at_field(p, "cachingMode"), s->caching_mode, STR_SET(modes));
    if (s->kind.p)
        check_supported(e, at_field(p, "kind"), s->kind, STR_SET(disk_kinds));
    if (s->kind.p && !str_empty(s->disk_uri))
        check_disk_uri(e, at_field(p, "diskURI"), s->disk_uri, str_eq(s->kind, S("Managed")));
}

/* ---- almost the same: persistent volumes name the namespace of their secrets ---- */

bool iscsi_name_fits(struct str volume_name, struct str target_portal) {
    return volume_name.n + 1 + target_portal.n <= ISCSI_NAME_BYTES_MAX;
}

static void check_iscsi(struct field_errors *e, const struct field_path *p, struct str portal, struct str iqn,
                        int32_t lun, struct str initiator) {
    check_required(e, at_field(p, "targetPortal"), portal);
    check_required_format(e, at_field(p, "iqn"), iqn, name_check_iscsi_name);
    check_byte(e, at_field(p, "lun"), lun);
    if (initiator.p)
        check_format(e, at_field(p, "initiatorname"), initiator, name_check_iscsi_name);
}

static const char chap_secret[] = "is required when CHAP authentication is on";

void check_iscsi_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_iscsi_volume_source *s = source;
    check_iscsi(e, p, s->target_portal, s->iqn, s->lun, s->initiator_name);
    if ((s->chap_auth_discovery || s->chap_auth_session) && !s->secret_ref)
        field_required_because(e, at_field(p, "secretRef"), "%s", chap_secret);
}

void check_iscsi_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_iscsi_persistent_volume_source *s = source;
    check_iscsi(e, p, s->target_portal, s->iqn, s->lun, s->initiator_name);
    if ((s->chap_auth_discovery || s->chap_auth_session) && !s->secret_ref)
        field_required_because(e, at_field(p, "secretRef"), "%s", chap_secret);
    if (s->secret_ref)
        check_required(e, at_field(p, "secretRef.name"), s->secret_ref->name);
}

void check_glusterfs_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_glusterfs_volume_source *s = source;
    check_required(e, at_field(p, "endpoints"), s->endpoints);
    check_required(e, at_field(p, "path"), s->path);
}

void check_glusterfs_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_glusterfs_persistent_volume_source *s = source;
    check_required(e, at_field(p, "endpoints"), s->endpoints);
    check_required(e, at_field(p, "path"), s->path);
    if (s->endpoints_namespace.p)
        check_format(e, at_field(p, "endpointsNamespace"), s->endpoints_namespace, name_check_dns1123_label);
}

static void check_rbd(struct field_errors *e, const struct field_path *p, uint32_t monitors,
                      struct str image) {
    if (monitors == 0)
        field_required(e, at_field(p, "monitors"));
    check_required(e, at_field(p, "image"), image);
}

void check_rbd_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_rbd_volume_source *s = source;
    check_rbd(e, p, s->monitors.n, s->image);
}

void check_rbd_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_rbd_persistent_volume_source *s = source;
    check_rbd(e, p, s->monitors.n, s->image);
}

void check_cinder_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_cinder_volume_source *s = source;
    check_required(e, at_field(p, "volumeID"), s->volume_id);
    if (s->secret_ref)
        check_required(e, at_field(p, "secretRef.name"), s->secret_ref->name);
}

void check_cinder_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_cinder_persistent_volume_source *s = source;
    check_required(e, at_field(p, "volumeID"), s->volume_id);
    if (!s->secret_ref)
        return;
    check_required(e, at_field(p, "secretRef.name"), s->secret_ref->name);
    check_required(e, at_field(p, "secretRef.namespace"), s->secret_ref->namespace);
}

void check_ceph_fs_source(struct field_errors *e, const struct field_path *p, const void *source) {
    if (((const struct core_ceph_fs_volume_source *)source)->monitors.n == 0)
        field_required(e, at_field(p, "monitors"));
}

void check_ceph_fs_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    if (((const struct core_ceph_fs_persistent_volume_source *)source)->monitors.n == 0)
        field_required(e, at_field(p, "monitors"));
}

static bool is_reserved_domain(struct str domain) {
    return str_eq(domain, S("kubernetes.io")) || str_has_suffix(domain, S(".kubernetes.io")) ||
           str_eq(domain, S("k8s.io")) || str_has_suffix(domain, S(".k8s.io"));
}

static void check_flex(struct field_errors *e, const struct field_path *p, struct str driver,
                       struct str_map options) {
    check_required(e, at_field(p, "driver"), driver);
    for (uint32_t i = 0; i < options.n; i++) {
        struct str domain, name;
        if (str_split(options.v[i].key, '/', &domain, &name) && is_reserved_domain(domain))
            field_invalid(e, at_key(at_field(p, "options"), options.v[i].key), bad(options.v[i].key),
                          "the domains kubernetes.io and k8s.io are reserved");
    }
}

void check_flex_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_flex_volume_source *s = source;
    check_flex(e, p, s->driver, s->options);
}

void check_flex_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_flex_persistent_volume_source *s = source;
    check_flex(e, p, s->driver, s->options);
}

void check_azure_file_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_azure_file_volume_source *s = source;
    check_required(e, at_field(p, "secretName"), s->secret_name);
    check_required(e, at_field(p, "shareName"), s->share_name);
}

void check_azure_file_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_azure_file_persistent_volume_source *s = source;
    check_required(e, at_field(p, "secretName"), s->secret_name);
    check_required(e, at_field(p, "shareName"), s->share_name);
    if (s->secret_namespace.p)
        check_required(e, at_field(p, "secretNamespace"), s->secret_namespace);
}

static void check_scale_io(struct field_errors *e, const struct field_path *p, struct str gateway,
                           struct str system, struct str volume_name) {
    check_required(e, at_field(p, "gateway"), gateway);
    check_required(e, at_field(p, "system"), system);
    check_required(e, at_field(p, "volumeName"), volume_name);
}

void check_scale_io_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_scale_io_volume_source *s = source;
    check_scale_io(e, p, s->gateway, s->system, s->volume_name);
}

void check_scale_io_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_scale_io_persistent_volume_source *s = source;
    check_scale_io(e, p, s->gateway, s->system, s->volume_name);
}

void check_storage_os_source(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_storage_os_volume_source *s = source;
    check_required(e, at_field(p, "volumeName"), s->volume_name);
    if (!str_empty(s->volume_namespace))
        check_dns_label(e, at_field(p, "volumeNamespace"), s->volume_namespace);
    if (s->secret_ref)
        check_required(e, at_field(p, "secretRef.name"), s->secret_ref->name);
}

void check_storage_os_source_pv(struct field_errors *e, const struct field_path *p, const void *source) {
    const struct core_storage_os_persistent_volume_source *s = source;
    check_required(e, at_field(p, "volumeName"), s->volume_name);
    if (!str_empty(s->volume_namespace))
        check_dns_label(e, at_field(p, "volumeNamespace"), s->volume_namespace);
    if (!s->secret_ref)
        return;
    check_required(e, at_field(p, "secretRef.name"), s->secret_ref->name);
    check_required(e, at_field(p, "secretRef.namespace"), s->secret_ref->namespace);
}
