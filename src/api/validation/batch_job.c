/* Rules of batch/v1 Job: its spec, its generated selector, what an update may change. */
#include "api/label_selector.h"
#include "api/validation/batch.h"
#include "api/validation/meta.h"
#include "api/validation/workload.h"

#define PARALLELISM_MAX 100000
#define PARALLELISM_MAX_BIG 10000
#define FAILED_INDEXES_MAX 100000
#define FAILED_INDEXES_MAX_BIG 10000
#define BIG_COMPLETIONS 100000 /* more are big */
#define MANAGED_BY_BYTES_MAX 63

#define LABEL_UID S("batch.kubernetes.io/controller-uid")
#define LABEL_NAME S("batch.kubernetes.io/job-name")
#define LABEL_UID_OLD S("controller-uid")
#define LABEL_NAME_OLD S("job-name")

/* ---- spec ---- */

static void check_at_most(struct field_errors *e, const struct field_path *p, int64_t value, int64_t max) {
    if (value > max)
        field_invalid(e, p, bad(value), "must be less than or equal to %lld", (long long)max);
}

static void check_numbers(struct field_errors *e, const struct field_path *p,
                          const struct batch_job_spec *s) {
    check_opt_non_negative(e, at_field(p, "parallelism"), s->parallelism);
    check_opt_non_negative(e, at_field(p, "completions"), s->completions);
    if (s->active_deadline_seconds.set)
        check_non_negative(e, at_field(p, "activeDeadlineSeconds"), s->active_deadline_seconds.v);
    check_opt_non_negative(e, at_field(p, "backoffLimit"), s->backoff_limit);
    check_opt_non_negative(e, at_field(p, "ttlSecondsAfterFinished"), s->ttl_seconds_after_finished);
    check_opt_non_negative(e, at_field(p, "backoffLimitPerIndex"), s->backoff_limit_per_index);
    if (!s->max_failed_indexes.set)
        return;
    check_opt_non_negative(e, at_field(p, "maxFailedIndexes"), s->max_failed_indexes);
    if (!s->backoff_limit_per_index.set)
        field_required_because(e, at_field(p, "backoffLimitPerIndex"), "when maxFailedIndexes is specified");
}

/* Indexed jobs with very many indexes and a limit per index keep lists of indexes in their status, whose
 * size must stay in bounds. */
static void check_big(struct field_errors *e, const struct field_path *p, const struct batch_job_spec *s) {
    if (s->completions.v <= BIG_COMPLETIONS || !s->backoff_limit_per_index.set)
        return;
    if (!s->max_failed_indexes.set)
        field_required_because(e, at_field(p, "maxFailedIndexes"),
                               "with more than %d completions and backoffLimitPerIndex", BIG_COMPLETIONS);
    else
        check_at_most(e, at_field(p, "maxFailedIndexes"), s->max_failed_indexes.v, FAILED_INDEXES_MAX_BIG);
    if (s->parallelism.set)
        check_at_most(e, at_field(p, "parallelism"), s->parallelism.v, PARALLELISM_MAX_BIG);
}

static void check_indexed(struct field_errors *e, const struct field_path *p,
                          const struct batch_job_spec *s) {
    if (!s->completions.set)
        field_required_because(e, at_field(p, "completions"), "when completion mode is Indexed");
    if (s->parallelism.set)
        check_at_most(e, at_field(p, "parallelism"), s->parallelism.v, PARALLELISM_MAX);
    if (s->completions.set && s->max_failed_indexes.set)
        check_at_most(e, at_field(p, "maxFailedIndexes"), s->max_failed_indexes.v, s->completions.v);
    if (s->max_failed_indexes.set)
        check_at_most(e, at_field(p, "maxFailedIndexes"), s->max_failed_indexes.v, FAILED_INDEXES_MAX);
    if (s->completions.set)
        check_big(e, p, s);
}

static void check_not_indexed(struct field_errors *e, const struct field_path *p,
                              const struct batch_job_spec *s) {
    static const char why[] = "requires indexed completion mode";
    if (s->backoff_limit_per_index.set)
        field_invalid(e, at_field(p, "backoffLimitPerIndex"), bad(s->backoff_limit_per_index), "%s", why);
    if (s->max_failed_indexes.set)
        field_invalid(e, at_field(p, "maxFailedIndexes"), bad(s->max_failed_indexes), "%s", why);
    if (s->success_policy)
        field_invalid(e, at_field(p, "successPolicy"),
                      bad_object(e, TY_BATCH_SUCCESS_POLICY, s->success_policy), "%s", why);
}

static void check_replacement(struct field_errors *e, const struct field_path *p,
                              const struct batch_job_spec *s) {
    static const struct str policies[] = {STR_INIT("Failed"), STR_INIT("TerminatingOrFailed")};
    struct str_set set = STR_SET(policies);
    if (s->pod_failure_policy)
        set.n = 1;
    if (s->pod_replacement_policy.p)
        check_supported(e, p, s->pod_replacement_policy, set);
}

static void check_restart_policy(struct field_errors *e, const struct field_path *p,
                                 const struct batch_job_spec *s) {
    static const struct str policies[] = {STR_INIT("OnFailure"), STR_INIT("Never")};
    struct str policy = s->template.spec.restart_policy;
    if (str_empty(policy) || str_eq(policy, S("Always")))
        field_required_because(e, p, "valid values: \"OnFailure\", \"Never\"");
    else if (check_supported(e, p, policy, STR_SET(policies)) && s->pod_failure_policy &&
             !str_eq(policy, policies[1]))
        field_invalid(e, p, bad(policy), "only \"Never\" goes together with podFailurePolicy");
}

void check_job_spec(struct validation *v, const struct field_path *p, const struct batch_job_spec *s,
                    const struct batch_job_spec *old, bool selector) {
    static const struct str modes[] = {STR_INIT("NonIndexed"), STR_INIT("Indexed")};
    struct field_errors *e = v->errors;
    check_numbers(e, p, s);
    if (s->managed_by.p) {
        check_format(e, at_field(p, "managedBy"), s->managed_by, name_check_domain_prefixed_path);
        check_max_bytes(e, at_field(p, "managedBy"), s->managed_by, MANAGED_BY_BYTES_MAX);
    }
    if (s->completion_mode.p)
        check_supported(e, at_field(p, "completionMode"), s->completion_mode, STR_SET(modes));
    if (job_is_indexed(s))
        check_indexed(e, p, s);
    else
        check_not_indexed(e, p, s);
    if (s->pod_failure_policy)
        check_pod_failure_policy(e, at_field(p, "podFailurePolicy"), s);
    if (s->success_policy && job_is_indexed(s))
        check_success_policy(e, at_field(p, "successPolicy"), s);
    check_replacement(e, at_field(p, "podReplacementPolicy"), s);
    uint32_t before = e->n;
    if (selector && !s->selector)
        field_required(e, at_field(p, "selector"));
    else if (selector)
        check_label_selector(e, at_field(p, "selector"), s->selector, false);
    check_workload_template(v, at_field(p, "template"), &s->template, old ? &old->template : NULL,
                            selector && e->n == before ? s->selector : NULL);
    check_restart_policy(e, at_field(p, "template.spec.restartPolicy"), s);
}

/* ---- the generated selector ---- */

static void check_label(struct field_errors *e, const struct batch_job *j, struct str key, struct str value) {
    const struct field_path *p = at_key(at_field(NULL, "spec.template.metadata.labels"), key);
    struct str actual = str_map_get(j->spec.template.metadata.labels, key);
    if (!actual.p)
        field_required_because(e, p, "must be '%.*s'", STR_ARG(value));
    else if (!str_eq(actual, value))
        field_invalid(e, p, bad_field(e, TY_META_OBJECT_META, S("labels"), &j->spec.template.metadata),
                      "must be '%.*s'", STR_ARG(value));
}

/* CONFORMS: unless the selector is manual, it selects by the labels that the server sets, and the template
 * has these. */
static void check_generated_selector(struct field_errors *e, const struct batch_job *j) {
    if ((j->spec.manual_selector.set && j->spec.manual_selector.v) || !j->spec.selector)
        return;
    struct str uid = j->metadata.uid, name = j->metadata.name;
    if (str_empty(uid)) {
        field_required(e, at_field(NULL, "metadata.uid"));
        return;
    }
    check_label(e, j, LABEL_UID_OLD, uid);
    check_label(e, j, LABEL_NAME_OLD, name);
    check_label(e, j, LABEL_UID, uid);
    check_label(e, j, LABEL_NAME, name);
    struct str_entry labels[] = {
        {LABEL_UID, uid}, {LABEL_NAME, name}, {LABEL_UID_OLD, uid}, {LABEL_NAME_OLD, name}};
    if (!label_selector_struct_matches(j->spec.selector, (struct str_map){labels, 4}))
        field_invalid(e, at_field(NULL, "spec.selector"),
                      bad_object(e, TY_META_LABEL_SELECTOR, j->spec.selector),
                      "`selector` not auto-generated");
}

static size_t digits(int64_t n) {
    size_t count = 1;
    for (; n >= 10; n /= 10)
        count++;
    return count;
}

/* The host name of the last pod, <name>-<index>, must be a DNS label. */
static void check_pod_names(struct field_errors *e, const struct batch_job *j) {
    struct str name = j->metadata.name;
    if (!job_is_indexed(&j->spec) || !j->spec.completions.set || j->spec.completions.v <= 0)
        return;
    if (str_find_byte(name, '.') >= 0 || name.n + 1 + digits(j->spec.completions.v - 1) > NAME_DNS_LABEL_MAX)
        field_invalid(e, at_field(NULL, "metadata.name"), bad(name),
                      "with the highest index behind it, it is no DNS label, which host names must be");
}

static void check_job(struct validation *v, const struct batch_job *j, const struct batch_job *old) {
    check_generated_selector(v->errors, j);
    check_job_spec(v, at_field(NULL, "spec"), &j->spec, old ? &old->spec : NULL, true);
    check_pod_names(v->errors, j);
}

static void create(struct validation *v, const void *object) {
    check_job(v, object, NULL);
}

/* ---- updates ---- */

/* A suspended job without running pods may get another place to run and other resources. */
static bool template_is_open(const struct batch_job *old) {
    return old->spec.suspend.set && old->spec.suspend.v && old->status.active == 0;
}

static bool same_but_resources(const struct core_container_array *a, const struct core_container_array *b) {
    static const struct str open[] = {STR_INIT("resources")};
    bool same = a->n == b->n;
    for (uint32_t i = 0; same && i < a->n; i++)
        same = api_equal_but(&builtin, TY_CORE_CONTAINER, &a->v[i], &b->v[i], open, 1);
    return same;
}

static bool same_but_node_affinity(const struct core_affinity *a, const struct core_affinity *b) {
    static const struct str open[] = {STR_INIT("nodeAffinity")};
    static const struct core_affinity none;
    return api_equal_but(&builtin, TY_CORE_AFFINITY, a ? a : &none, b ? b : &none, open, 1);
}

static bool same_template(const struct core_pod_template_spec *a, const struct core_pod_template_spec *b,
                          bool open) {
    static const struct str open_meta[] = {STR_INIT("labels"), STR_INIT("annotations")};
    static const struct str open_spec[] = {
        STR_INIT("affinity"),     STR_INIT("containers"),  STR_INIT("initContainers"),
        STR_INIT("nodeSelector"), STR_INIT("tolerations"), STR_INIT("schedulingGates"),
    };
    if (!open)
        return api_equal(&builtin, TY_CORE_POD_TEMPLATE_SPEC, a, b);
    return api_equal_but(&builtin, TY_META_OBJECT_META, &a->metadata, &b->metadata, open_meta, 2) &&
           api_equal_but(&builtin, TY_CORE_POD_SPEC, &a->spec, &b->spec, open_spec,
                         sizeof open_spec / sizeof open_spec[0]) &&
           same_but_node_affinity(a->spec.affinity, b->spec.affinity) &&
           same_but_resources(&a->spec.containers, &b->spec.containers) &&
           same_but_resources(&a->spec.init_containers, &b->spec.init_containers);
}

static bool same_opt(struct opt_i32 a, struct opt_i32 b) {
    return a.set == b.set && (!a.set || a.v == b.v);
}

/* CONFORMS: an indexed job grows and shrinks with completions and parallelism being the same number. */
static void check_completions(struct field_errors *e, const struct batch_job_spec *s,
                              const struct batch_job_spec *old) {
    const struct field_path *p = at_field(NULL, "spec.completions");
    if (same_opt(s->completions, old->completions))
        return;
    if (!job_is_indexed(s) || !s->completions.set || !old->completions.set)
        field_invalid(e, p, bad(s->completions), IMMUTABLE_TEXT);
    else if (!same_opt(s->completions, s->parallelism))
        field_invalid(e, p, bad(s->completions),
                      "can only be changed together with parallelism, to the same");
}

static void update(struct validation *v, const void *object, const void *old_object) {
    static const struct str immutable[] = {
        STR_INIT("completionMode"),       STR_INIT("podFailurePolicy"), STR_INIT("successPolicy"),
        STR_INIT("backoffLimitPerIndex"), STR_INIT("managedBy"),
    };
    const struct batch_job *j = object, *old = old_object;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec");
    check_job(v, j, old);
    check_completions(e, &j->spec, &old->spec);
    check_immutable(e, at_field(p, "selector"), TY_BATCH_JOB_SPEC, S("selector"), &j->spec, &old->spec);
    if (!same_template(&j->spec.template, &old->spec.template, template_is_open(old)))
        field_invalid(e, at_field(p, "template"), bad_object(e, TY_CORE_POD_TEMPLATE_SPEC, &j->spec.template),
                      IMMUTABLE_TEXT);
    for (size_t i = 0; i < sizeof immutable / sizeof immutable[0]; i++)
        check_immutable(e, at_name(p, immutable[i]), TY_BATCH_JOB_SPEC, immutable[i], &j->spec, &old->spec);
}

const struct validator validator_batch_job = {.type = TY_BATCH_JOB,
                                              .name = name_check_dns1123_subdomain,
                                              .create = create,
                                              .update = update,
                                              .status = status_job};
