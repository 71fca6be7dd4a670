/* api/validation: persistent volumes, as objects and inline in volume attachments. */
#pragma once

#include "api/field_error.h"
#include "api/types/core.h"

/* name: of the volume. is_inline: it describes a pod's inline volume that was migrated to CSI: only what such
 * can have may be set. */
void check_persistent_volume_spec(struct field_errors *e, const struct field_path *p,
                                  const struct core_persistent_volume_spec *spec, struct str name,
                                  bool is_inline, const struct core_persistent_volume_spec *old);
