/* api/validation: volume sources, those that pods and persistent volumes have in common or almost so.
 *
 * All have one shape, to stand in tables: p is the source's own path, source the struct that its name says.
 * Those that end in _pv are of persistent volumes.
 */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/types/core.h"

typedef void (*source_check_fn)(struct field_errors *e, const struct field_path *p, const void *source);

void check_host_path_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_gce_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_aws_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_nfs_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_fc_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_flocker_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_quobyte_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_vsphere_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_photon_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_portworx_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_azure_disk_source(struct field_errors *e, const struct field_path *p, const void *source);

void check_iscsi_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_iscsi_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_glusterfs_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_glusterfs_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_rbd_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_rbd_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_cinder_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_cinder_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_ceph_fs_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_ceph_fs_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_flex_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_flex_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_azure_file_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_azure_file_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_scale_io_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_scale_io_source_pv(struct field_errors *e, const struct field_path *p, const void *source);
void check_storage_os_source(struct field_errors *e, const struct field_path *p, const void *source);
void check_storage_os_source_pv(struct field_errors *e, const struct field_path *p, const void *source);

/* Name and namespace of a secret, both required. */
void check_secret_reference(struct field_errors *e, const struct field_path *p,
                            const struct core_secret_reference *ref);

/* iSCSI makes one text of the volume's name and the portal, which must not be too long. */
bool iscsi_name_fits(struct str volume_name, struct str target_portal);
