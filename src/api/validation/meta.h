/* api/validation: rules on the parts of meta/v1 that other kinds hold. Metadata of whole objects: validate.h.
 */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"
#include "api/types/meta.h"

#define ANNOTATIONS_BYTES_MAX (256u * 1024) /* sum of keys and values */

void check_labels(struct field_errors *e, const struct field_path *p, const struct str_map *labels);
void check_annotations(struct field_errors *e, const struct field_path *p, const struct str_map *annotations);

/* p: the list. */
void check_conditions(struct field_errors *e, const struct field_path *p,
                      const struct meta_condition_array *conditions);

/* NULL is fine. any_values: values of expressions are not looked at (an object that is stored with such). */
void check_label_selector(struct field_errors *e, const struct field_path *p,
                          const struct meta_label_selector *selector, bool any_values);

/* Whether an expression of the selector has a value that is no label value. */
bool label_selector_has_odd_values(const struct meta_label_selector *selector);

/* At most 128 bytes, printable. */
void check_field_manager(struct field_errors *e, const struct field_path *p, struct str manager);

/* A finalizer without a slash must be one of the system's. */
void check_system_finalizer(struct field_errors *e, const struct field_path *p, struct str finalizer);

/* Of pod certificate requests: keys with a domain, a bounded total size. */
void check_user_annotations(struct field_errors *e, const struct field_path *p,
                            const struct str_map *annotations);
