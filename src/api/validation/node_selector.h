/* api/validation: node selectors and taints, as pods, volumes and devices use them. */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/types/core.h"

/* p: the selector. any_values: values of expressions are not looked at. */
void check_node_selector(struct field_errors *e, const struct field_path *p,
                         const struct core_node_selector *selector, bool any_values);
void check_node_selector_term(struct field_errors *e, const struct field_path *p,
                              const struct core_node_selector_term *term, bool any_values);

/* Whether an expression of the selector has a value that is no label value. */
bool node_selector_has_odd_values(const struct core_node_selector *selector);

/* NoSchedule, PreferNoSchedule, NoExecute. */
bool check_taint_effect(struct field_errors *e, const struct field_path *p, struct str effect);
