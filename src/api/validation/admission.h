/* api/validation: what webhook configurations and admission policies share. CEL expressions are compiled
 * elsewhere; here they are only texts that must be there. */
#pragma once

#include "api/types/admissionregistration.h"
#include "api/validation/validation.h"

/* Operations, groups, versions, resources, scope; p: the rule. */
void check_admission_rule(struct field_errors *e, const struct field_path *p,
                          const struct admissionregistration_rule_with_operations *rule);

/* p: the list. */
void check_match_conditions(struct field_errors *e, const struct field_path *p,
                            const struct admissionregistration_match_condition_array *conditions);

/* Fail or Ignore; Exact or Equivalent. Absent ones are fine. */
void check_failure_policy(struct field_errors *e, const struct field_path *p, struct str policy);
void check_match_policy(struct field_errors *e, const struct field_path *p, struct str policy);
