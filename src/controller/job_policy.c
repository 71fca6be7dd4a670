/* controller/job_policy: what the failure of a pod means for its job. */
#include "controller/job_policy.h"

#include "api/meta.h"
#include "api/time.h"

#define BACKOFF_FIRST_NS (10 * NS_PER_SEC)
#define BACKOFF_MAX_NS (10 * NS_PER_MIN)

bool job_is_indexed(const struct batch_job *j) {
    return str_eq(j->spec.completion_mode, S("Indexed"));
}

bool job_replaces_failed_only(const struct batch_job *j) {
    return str_eq(j->spec.pod_replacement_policy, S("Failed"));
}

const struct batch_job_condition *job_condition(const struct batch_job_status *s, struct str type) {
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (str_eq(s->conditions.v[i].type, type))
            return &s->conditions.v[i];
    return NULL;
}

bool job_condition_is_true(const struct batch_job_status *s, struct str type) {
    const struct batch_job_condition *c = job_condition(s, type);
    return c && str_eq(c->status, S("True"));
}

bool job_is_finished(const struct batch_job *j) {
    return job_condition_is_true(&j->status, S("Complete")) || job_condition_is_true(&j->status, S("Failed"));
}

bool job_pod_failed(const struct batch_job *j, const struct core_pod *p) {
    if (str_eq(p->status.phase, S("Failed")))
        return true;
    return !job_replaces_failed_only(j) && meta_is_deleting(&p->metadata) &&
           !str_eq(p->status.phase, S("Succeeded"));
}

/* -- pod failure policy -- */

static bool code_in(const struct i32_array *values, int32_t code) {
    for (uint32_t i = 0; i < values->n; i++)
        if (values->v[i] == code)
            return true;
    return false;
}

static const struct core_container_status *
match_codes(const struct batch_pod_failure_policy_on_exit_codes_requirement *q,
            const struct core_container_status_array *list) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container_state_terminated *t = list->v[i].state.terminated;
        if (!t || t->exit_code == 0 || (q->container_name.n && !str_eq(q->container_name, list->v[i].name)))
            continue;
        if (code_in(&q->values, t->exit_code) == str_eq(q->operator, S("In")))
            return &list->v[i];
    }
    return NULL;
}

static const struct core_pod_condition *match_conditions(const struct batch_pod_failure_policy_rule *rule,
                                                         const struct core_pod *p) {
    for (uint32_t i = 0; i < rule->on_pod_conditions.n; i++) {
        const struct batch_pod_failure_policy_on_pod_conditions_pattern *q = &rule->on_pod_conditions.v[i];
        const struct core_pod_condition *c = pod_condition(p, q->type);
        if (c && str_eq(c->status, q->status.n ? q->status : S("True")))
            return c;
    }
    return NULL;
}

static bool rule_matches(const struct batch_pod_failure_policy_rule *rule, const struct core_pod *p,
                         struct arena *a, uint32_t i, struct str *ret_message) {
    if (rule->on_exit_codes) {
        const struct core_container_status *c =
            match_codes(rule->on_exit_codes, &p->status.container_statuses);
        if (!c)
            c = match_codes(rule->on_exit_codes, &p->status.init_container_statuses);
        if (c && ret_message)
            *ret_message = arena_printf(
                a, "Container %.*s for pod %.*s/%.*s failed with exit code %d matching %.*s rule at index %u",
                STR_ARG(c->name), STR_ARG(p->metadata.namespace), STR_ARG(p->metadata.name),
                c->state.terminated->exit_code, STR_ARG(rule->action), i);
        return c != NULL;
    }
    const struct core_pod_condition *c = match_conditions(rule, p);
    if (c && ret_message)
        *ret_message = arena_printf(a, "Pod %.*s/%.*s has condition %.*s matching %.*s rule at index %u",
                                    STR_ARG(p->metadata.namespace), STR_ARG(p->metadata.name),
                                    STR_ARG(c->type), STR_ARG(rule->action), i);
    return c != NULL;
}

enum pod_failure_action job_failure_action(const struct batch_job *j, const struct core_pod *p,
                                           struct arena *a, struct str *ret_message) {
    const struct batch_pod_failure_policy *policy = j->spec.pod_failure_policy;
    for (uint32_t i = 0; policy && i < policy->rules.n; i++) {
        const struct batch_pod_failure_policy_rule *rule = &policy->rules.v[i];
        if (!rule_matches(rule, p, a, i, ret_message))
            continue;
        return str_eq(rule->action, S("Ignore"))      ? FAILURE_IGNORED
               : str_eq(rule->action, S("FailJob"))   ? FAILURE_OF_JOB
               : str_eq(rule->action, S("FailIndex")) ? FAILURE_OF_INDEX
                                                      : FAILURE_COUNTS;
    }
    return FAILURE_COUNTS;
}

/* -- indexes -- */

static int32_t number_in(struct str_map m, struct str key, int32_t otherwise) {
    int64_t v;
    struct str text = str_map_get(m, key);
    return text.n && str_to_i64(text, &v) && v >= 0 && v <= INT32_MAX ? (int32_t)v : otherwise;
}

int32_t job_pod_index(const struct core_pod *p) {
    return number_in(p->metadata.annotations, JOB_INDEX_KEY, -1);
}

int32_t job_index_failures(const struct core_pod *p) {
    return number_in(p->metadata.annotations, JOB_INDEX_FAILURES, 0);
}

bool job_index_failed(const struct batch_job *j, const struct core_pod *p, struct arena *a) {
    if (!j->spec.backoff_limit_per_index.set || !job_pod_failed(j, p))
        return false;
    enum pod_failure_action action = job_failure_action(j, p, a, NULL);
    if (action == FAILURE_OF_INDEX)
        return true;
    return action != FAILURE_IGNORED && job_index_failures(p) >= j->spec.backoff_limit_per_index.v;
}

int32_t job_success_rule(const struct batch_job *j, const struct index_set *succeeded, struct arena *a) {
    const struct batch_success_policy *policy = j->spec.success_policy;
    for (uint32_t i = 0; policy && i < policy->rules.n; i++) {
        const struct batch_success_policy_rule *rule = &policy->rules.v[i];
        int64_t count = indexes_count(succeeded), needed = rule->succeeded_count.v;
        if (rule->succeeded_indexes.p) {
            struct index_set wanted = indexes_parse(a, rule->succeeded_indexes, j->spec.completions.v);
            count = indexes_common(succeeded, &wanted);
            if (!rule->succeeded_count.set)
                needed = indexes_count(&wanted);
        } else if (!rule->succeeded_count.set) {
            continue;
        }
        if (count >= needed)
            return (int32_t)i;
    }
    return -1;
}

/* -- waiting -- */

static void latest(const struct core_container_status_array *list, int64_t *ret) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container_state_terminated *t = list->v[i].state.terminated;
        if (t && t->finished_at.set && timestamp_to_ns(t->finished_at) > *ret)
            *ret = timestamp_to_ns(t->finished_at);
    }
}

int64_t job_pod_finish_ns(const struct core_pod *p, int64_t otherwise_ns) {
    int64_t ns = 0;
    latest(&p->status.container_statuses, &ns);
    latest(&p->status.init_container_statuses, &ns);
    if (ns)
        return ns;
    const struct core_pod_condition *ready = pod_condition(p, S("Ready"));
    if (ready && str_eq(ready->status, S("False")) && ready->last_transition_time.set)
        return timestamp_to_ns(ready->last_transition_time);
    if (p->metadata.deletion_timestamp.set)
        return timestamp_to_ns(p->metadata.deletion_timestamp) -
               p->metadata.deletion_grace_period_seconds.v * NS_PER_SEC;
    return otherwise_ns;
}

int64_t job_backoff_ns(int64_t failures) {
    int64_t ns = BACKOFF_FIRST_NS;
    if (failures <= 0)
        return 0;
    while (--failures > 0 && ns < BACKOFF_MAX_NS)
        ns *= 2;
    return ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS;
}

int64_t job_backoff_left_ns(const struct batch_job *j, const struct objects *pods, int64_t at_ns) {
    int64_t last_success = 0, last_failure = 0, failures = 0;
    for (size_t i = 0; i < pods->n; i++) {
        const struct core_pod *p = pod_of(pods->v[i]);
        int64_t ns = job_pod_finish_ns(p, at_ns);
        if (str_eq(p->status.phase, S("Succeeded")) && ns > last_success)
            last_success = ns;
    }
    for (size_t i = 0; i < pods->n; i++) {
        const struct core_pod *p = pod_of(pods->v[i]);
        int64_t ns = job_pod_failed(j, p) ? job_pod_finish_ns(p, at_ns) : 0;
        failures += ns > last_success;
        last_failure = ns > last_failure ? ns : last_failure;
    }
    int64_t left = last_failure + job_backoff_ns(failures) - at_ns;
    return failures && left > 0 ? left : 0;
}

bool job_restarts_exceed(const struct batch_job *j, const struct objects *pods) {
    int64_t restarts = 0, limit = j->spec.backoff_limit.set ? j->spec.backoff_limit.v : 6;
    if (!str_eq(j->spec.template.spec.restart_policy, S("OnFailure")))
        return false;
    for (size_t i = 0; i < pods->n; i++) {
        const struct core_pod *p = pod_of(pods->v[i]);
        if (!str_eq(p->status.phase, S("Running")) && !str_eq(p->status.phase, S("Pending")))
            continue;
        for (uint32_t k = 0; k < p->status.container_statuses.n; k++)
            restarts += p->status.container_statuses.v[k].restart_count;
        for (uint32_t k = 0; k < p->status.init_container_statuses.n; k++)
            restarts += p->status.init_container_statuses.v[k].restart_count;
    }
    return limit == 0 ? restarts > 0 : restarts >= limit;
}
