/* Defaults of the batch group. See defaults_priv.h. */
#include "api/types/batch.h"
#include "api/defaults/defaults_priv.h"

/* One pod, once, when neither number is given. */
static void parallelism(struct batch_job_spec *s) {
    if (!s->parallelism.set)
        default_i32(&s->completions, 1);
    default_i32(&s->parallelism, 1);
}

static void failure_policy(struct batch_pod_failure_policy *policy) {
    for (uint32_t i = 0; i < policy->rules.n; i++) {
        struct batch_pod_failure_policy_rule *rule = &policy->rules.v[i];
        for (uint32_t k = 0; k < rule->on_pod_conditions.n; k++)
            default_empty(&rule->on_pod_conditions.v[k].status, CORE_CONDITION_TRUE);
    }
}

/* Of jobs only, not of the templates of cron jobs. */
DEFAULTER(job, batch_job, j) {
    struct batch_job_spec *s = &j->spec;
    parallelism(s);
    default_i32(&s->backoff_limit, s->backoff_limit_per_index.set ? INT32_MAX : 6);
    if (!j->metadata.labels.n && s->template.metadata.labels.v)
        j->metadata.labels = default_map_copy(a, s->template.metadata.labels);
    default_absent(&s->completion_mode, BATCH_NON_INDEXED_COMPLETION);
    default_bool(&s->suspend, false);
    default_absent(&s->pod_replacement_policy, s->pod_failure_policy
                                                   ? BATCH_POD_REPLACEMENT_POLICY_FAILED
                                                   : BATCH_POD_REPLACEMENT_POLICY_TERMINATING_OR_FAILED);
    default_bool(&s->manual_selector, false);
    if (s->pod_failure_policy)
        failure_policy(s->pod_failure_policy);
}

DEFAULTER(cron_job, batch_cron_job, c) {
    default_empty(&c->spec.concurrency_policy, BATCH_ALLOW_CONCURRENT);
    default_bool(&c->spec.suspend, false);
    default_i32(&c->spec.successful_jobs_history_limit, 3);
    default_i32(&c->spec.failed_jobs_history_limit, 1);
}

static const struct default_rule table[] = {
    {TY_BATCH_CRON_JOB, cron_job},
    {TY_BATCH_JOB, job},
};
DEFAULT_RULES(batch_defaults, table);
