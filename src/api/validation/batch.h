/* api/validation: what jobs and their templates share. */
#pragma once

#include "api/types/batch.h"
#include "api/validation/validation.h"

/* The spec at p; old: the stored one, or NULL. selector: of a job, not of a template in a cron job. */
void check_job_spec(struct validation *v, const struct field_path *p, const struct batch_job_spec *spec,
                    const struct batch_job_spec *old, bool selector);

/* batch_job_policy.c */
void check_pod_failure_policy(struct field_errors *e, const struct field_path *p,
                              const struct batch_job_spec *spec);
void check_success_policy(struct field_errors *e, const struct field_path *p,
                          const struct batch_job_spec *spec);

/* Reads "0,2-5,9": ascending intervals below `completions`. False: malformed, *ret_why says how. */
struct index_set {
    struct str text; /* what is left to read */
    int64_t last;    /* of the interval read last */
};
struct index_interval {
    int64_t first, last;
};
bool index_set_next(struct index_set *s, int64_t completions, struct index_interval *ret,
                    const char **ret_why);
bool index_set_count(struct str text, int64_t completions, int64_t *ret_n, const char **ret_why);

/* batch_job_status.c */
void status_job(struct validation *v, const void *object, const void *old);

static inline bool job_is_indexed(const struct batch_job_spec *spec) {
    return str_eq(spec->completion_mode, S("Indexed"));
}
