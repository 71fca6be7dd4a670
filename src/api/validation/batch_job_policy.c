/* Rules of a job's pod failure policy, success policy, and lists of indexes. See batch.h. */
#include "api/intstr.h"
#include "api/validation/batch.h"

#define RULES_MAX 20
#define EXIT_CODES_MAX 255
#define PATTERNS_MAX 20
#define INDEXES_BYTES_MAX 65536

/* ---- pod failure policy ---- */

static bool has_container(const struct core_container_array *containers, struct str name) {
    for (uint32_t i = 0; i < containers->n; i++)
        if (str_eq(containers->v[i].name, name))
            return true;
    return false;
}

static void check_exit_code_values(struct field_errors *e, const struct field_path *p,
                                   const struct i32_array *values, bool in) {
    SEEN(seen);
    bool sorted = true;
    if (values->n == 0)
        field_invalid(e, p, bad_json(S("[]")), "at least one value is required");
    if (!check_max_items(e, p, values->n, EXIT_CODES_MAX))
        return;
    for (uint32_t i = 0; i < values->n; i++) {
        if (in && values->v[i] == 0)
            field_invalid(e, at_index(p, i), bad(values->v[i]), "must not be 0 for the In operator");
        if (seen_before(&seen, seen_number(&values->v[i])))
            field_duplicate(e, at_index(p, i), bad(values->v[i]));
        sorted = sorted && (i == 0 || values->v[i - 1] <= values->v[i]);
    }
    if (!sorted)
        field_invalid(e, p, bad(values->n), "must be in ascending order");
}

static void check_exit_codes(struct field_errors *e, const struct field_path *p,
                             const struct batch_pod_failure_policy_on_exit_codes_requirement *r,
                             const struct core_pod_spec *pod) {
    static const struct str operators[] = {STR_INIT("In"), STR_INIT("NotIn")};
    check_enum(e, at_field(p, "operator"), r->operator, STR_SET(operators));
    if (r->container_name.p && !has_container(&pod->containers, r->container_name) &&
        !has_container(&pod->init_containers, r->container_name))
        field_invalid(e, at_field(p, "containerName"), bad(r->container_name),
                      "must be a container or init container of the pod template");
    check_exit_code_values(e, at_field(p, "values"), &r->values, str_eq(r->operator, operators[0]));
}

static void check_patterns(struct field_errors *e, const struct field_path *p,
                           const struct batch_pod_failure_policy_on_pod_conditions_pattern_array *patterns) {
    static const struct str statuses[] = {STR_INIT("False"), STR_INIT("True"), STR_INIT("Unknown")};
    if (!check_max_items(e, p, patterns->n, PATTERNS_MAX))
        return;
    for (uint32_t i = 0; i < patterns->n; i++) {
        const struct field_path *at = at_index(p, i);
        check_label_key(e, at_field(at, "type"), patterns->v[i].type);
        check_enum(e, at_field(at, "status"), patterns->v[i].status, STR_SET(statuses));
    }
}

static void check_rule(struct field_errors *e, const struct field_path *p,
                       const struct batch_pod_failure_policy_rule *r, const struct batch_job_spec *spec) {
    static const struct str actions[] = {STR_INIT("Count"), STR_INIT("FailIndex"), STR_INIT("FailJob"),
                                         STR_INIT("Ignore")};
    check_enum(e, at_field(p, "action"), r->action, STR_SET(actions));
    if (str_eq(r->action, actions[1]) && !spec->backoff_limit_per_index.set)
        field_invalid(e, at_field(p, "action"), bad(r->action), "requires backoffLimitPerIndex");
    if (r->on_exit_codes)
        check_exit_codes(e, at_field(p, "onExitCodes"), r->on_exit_codes, &spec->template.spec);
    check_patterns(e, at_field(p, "onPodConditions"), &r->on_pod_conditions);
    if (r->on_exit_codes && r->on_pod_conditions.n)
        field_invalid(e, p, bad_object(e, TY_BATCH_POD_FAILURE_POLICY_RULE, r),
                      "onExitCodes and onPodConditions exclude each other");
    if (!r->on_exit_codes && r->on_pod_conditions.n == 0)
        field_invalid(e, p, bad_object(e, TY_BATCH_POD_FAILURE_POLICY_RULE, r),
                      "one of onExitCodes and onPodConditions is required");
}

void check_pod_failure_policy(struct field_errors *e, const struct field_path *p,
                              const struct batch_job_spec *spec) {
    const struct batch_pod_failure_policy_rule_array *rules = &spec->pod_failure_policy->rules;
    const struct field_path *at = at_field(p, "rules");
    if (!check_max_items(e, at, rules->n, RULES_MAX))
        return;
    for (uint32_t i = 0; i < rules->n; i++)
        check_rule(e, at_index(at, i), &rules->v[i], spec);
}

/* ---- lists of indexes ---- */

static bool read_index(struct str s, int64_t completions, int64_t *ret, const char **ret_why) {
    if (!int_parse(s, ret) || *ret < 0) {
        *ret_why = "an index is no number";
        return false;
    }
    if (*ret < completions)
        return true;
    *ret_why = "an index is not below completions";
    return false;
}

bool index_set_next(struct index_set *s, int64_t completions, struct index_interval *ret,
                    const char **ret_why) {
    struct str item, first, last;
    str_split(s->text, ',', &item, &s->text);
    bool interval = str_split(item, '-', &first, &last);
    if (!read_index(first, completions, &ret->first, ret_why))
        return false;
    ret->last = ret->first;
    if (interval && !read_index(last, completions, &ret->last, ret_why))
        return false;
    if (ret->first <= s->last || (interval && ret->last <= ret->first)) {
        *ret_why = "the indexes do not ascend";
        return false;
    }
    s->last = ret->last;
    return true;
}

bool index_set_count(struct str text, int64_t completions, int64_t *ret_n, const char **ret_why) {
    struct index_set s = {text, -1};
    struct index_interval interval;
    *ret_n = 0;
    if (str_has_suffix(text, S(","))) {
        *ret_why = "an index is no number";
        return false;
    }
    while (!str_empty(s.text)) {
        if (!index_set_next(&s, completions, &interval, ret_why))
            return false;
        *ret_n += interval.last - interval.first + 1;
    }
    return true;
}

/* ---- success policy ---- */

static void check_success_rule(struct field_errors *e, const struct field_path *p,
                               const struct batch_success_policy_rule *r, int64_t completions) {
    const struct field_path *indexes = at_field(p, "succeededIndexes"),
                            *count = at_field(p, "succeededCount");
    const char *why = NULL;
    int64_t n = completions;
    if (!r->succeeded_count.set && !r->succeeded_indexes.p)
        field_required_because(e, p, "one of succeededCount and succeededIndexes");
    if (r->succeeded_indexes.p) {
        check_max_bytes(e, indexes, r->succeeded_indexes, INDEXES_BYTES_MAX);
        if (!index_set_count(r->succeeded_indexes, completions, &n, &why))
            field_invalid(e, indexes, bad(r->succeeded_indexes), "%s", why);
    }
    if (!r->succeeded_count.set)
        return;
    check_non_negative(e, count, r->succeeded_count.v);
    if (r->succeeded_count.v > completions)
        field_invalid(e, count, bad(r->succeeded_count), "must be less than or equal to %lld",
                      (long long)completions);
    if (r->succeeded_indexes.p && !why && r->succeeded_count.v > n)
        field_invalid(e, count, bad(r->succeeded_count), "there are only %lld succeededIndexes",
                      (long long)n);
}

void check_success_policy(struct field_errors *e, const struct field_path *p,
                          const struct batch_job_spec *spec) {
    const struct batch_success_policy_rule_array *rules = &spec->success_policy->rules;
    const struct field_path *at = at_field(p, "rules");
    if (rules->n == 0)
        field_required_because(e, at, "at least one rule");
    if (!check_max_items(e, at, rules->n, RULES_MAX))
        return;
    for (uint32_t i = 0; i < rules->n; i++)
        check_success_rule(e, at_index(at, i), &rules->v[i], spec->completions.set ? spec->completions.v : 0);
}
