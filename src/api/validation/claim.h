/* api/validation: persistent volume claims, as objects and as templates in pods and stateful sets. */
#pragma once

#include "api/field_error.h"
#include "api/types/core.h"

/* old: the stored spec, whose oddities are tolerated, or NULL. */
void check_claim_spec(struct field_errors *e, const struct field_path *p,
                      const struct core_persistent_volume_claim_spec *spec,
                      const struct core_persistent_volume_claim_spec *old);

/* What a volume may be used as, of volumes and claims. */
void check_access_modes(struct field_errors *e, const struct field_path *p, const struct str_array *modes);

/* Block or Filesystem, when given. */
void check_volume_mode(struct field_errors *e, const struct field_path *p, struct str mode);
