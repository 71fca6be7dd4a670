/* api/validation: what the workload kinds share: counts or percentages, selectors, pod templates.
 */
#pragma once

#include <stdbool.h>

#include "api/types/core.h"
#include "api/validation/validation.h"

/* A number that is not negative, or a percentage. */
bool check_int_or_percent(struct field_errors *e, const struct field_path *p, struct int_or_string value);

/* A percentage must not exceed 100; numbers and other texts are fine. */
bool check_at_most_100_percent(struct field_errors *e, const struct field_path *p,
                               struct int_or_string value);

/* The number or the percentage's number; 0 for other texts and absent values. */
int64_t int_or_percent_number(struct int_or_string value);

bool check_opt_non_negative(struct field_errors *e, const struct field_path *p, struct opt_i32 value);

/* A selector that is there, valid, and not empty. */
bool check_workload_selector(struct validation *v, const struct field_path *p,
                             const struct meta_label_selector *selector, const char *kind);

/* The template's labels, which the selector must match, and the template as any other. old: the stored one,
 * or NULL. */
void check_workload_template(struct validation *v, const struct field_path *p,
                             const struct core_pod_template_spec *template,
                             const struct core_pod_template_spec *old,
                             const struct meta_label_selector *selector);

/* Pods of the template must run for ever: restartPolicy Always, no deadline. */
void check_endless_template(struct field_errors *e, const struct field_path *p,
                            const struct core_pod_template_spec *template);

/* A counter of a status. */
struct status_count {
    const char *name; /* "readyReplicas" */
    int64_t value;
};
void check_counts(struct field_errors *e, const struct field_path *p, const struct status_count *counts,
                  size_t n);

/* value may not exceed limit, the value of another counter. */
void check_count_within(struct field_errors *e, const struct field_path *p, const char *name, int64_t value,
                        int64_t limit, const char *limit_name);

/* status.collisionCount only grows. */
void check_collision_count(struct field_errors *e, const struct field_path *p, struct opt_i32 count,
                           struct opt_i32 old);
