/* Defaults of storage and scheduling. See defaults_priv.h. */
#include "api/types/storage.h"
#include "api/defaults/defaults_priv.h"
#include "api/types/scheduling.h"

DEFAULTER(storage_class, storage_storage_class, c) {
    default_absent(&c->reclaim_policy, CORE_PERSISTENT_VOLUME_RECLAIM_DELETE);
    default_absent(&c->volume_binding_mode, STORAGE_VOLUME_BINDING_IMMEDIATE);
}

DEFAULTER(csi_driver, storage_csi_driver, d) {
    struct storage_csi_driver_spec *s = &d->spec;
    default_bool(&s->attach_required, true);
    default_bool(&s->pod_info_on_mount, false);
    default_bool(&s->storage_capacity, false);
    default_absent(&s->fs_group_policy, STORAGE_READ_WRITE_ONCE_WITH_FS_TYPE_FS_GROUP_POLICY);
    if (!s->volume_lifecycle_modes.n)
        s->volume_lifecycle_modes = default_list_of(a, STORAGE_VOLUME_LIFECYCLE_PERSISTENT);
    default_bool(&s->requires_republish, false);
    default_bool(&s->se_linux_mount, false);
}

DEFAULTER(priority_class, scheduling_priority_class, c) {
    default_absent(&c->preemption_policy, CORE_PREEMPT_LOWER_PRIORITY);
}

static const struct default_rule table[] = {
    {TY_SCHEDULING_PRIORITY_CLASS, priority_class},
    {TY_STORAGE_CSI_DRIVER, csi_driver},
    {TY_STORAGE_STORAGE_CLASS, storage_class},
};
DEFAULT_RULES(storage_defaults, table);
