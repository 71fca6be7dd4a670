/* Rules of the status of batch/v1 Job: what a job controller, not only the built-in one, may write.
 *
 * Most rules hold only for what changes, so that a status that was stored once does not get stuck.
 */
#include "api/time.h"
#include "api/validation/batch.h"
#include "api/validation/workload.h"

#define STATUS at_field(NULL, "status")

static bool has_condition(const struct batch_job_status *s, struct str type) {
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (str_eq(s->conditions.v[i].type, type))
            return str_eq(s->conditions.v[i].status, S("True"));
    return false;
}

static bool is_finished(const struct batch_job_status *s) {
    return has_condition(s, S("Complete")) || has_condition(s, S("Failed"));
}

static bool changed(const struct batch_job_status *a, const struct batch_job_status *b, struct str field) {
    return !api_equal_field(&builtin, TY_BATCH_JOB_STATUS, a, b, field);
}

static bool condition_changed(const struct batch_job_status *a, const struct batch_job_status *b,
                              struct str type) {
    return has_condition(a, type) != has_condition(b, type);
}

static struct bad_value bad_conditions(struct field_errors *e, const struct batch_job_status *s) {
    return bad_field(e, TY_BATCH_JOB_STATUS, S("conditions"), s);
}

/* ---- counters ---- */

static void check_uncounted(struct field_errors *e, const struct batch_uncounted_terminated_pods *pods) {
    const struct field_path *p = at_field(STATUS, "uncountedTerminatedPods");
    const struct {
        const struct str_array *uids;
        struct str name;
    } lists[] = {{&pods->succeeded, STR_INIT("succeeded")}, {&pods->failed, STR_INIT("failed")}};
    SEEN(seen);
    for (size_t l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l].uids->n; i++) {
            struct str uid = lists[l].uids->v[i];
            const struct field_path *at = at_index(at_name(p, lists[l].name), i);
            if (str_empty(uid))
                field_invalid(e, at, bad(uid), "must not be empty");
            else if (seen_before(&seen, uid))
                field_duplicate(e, at, bad(uid));
        }
}

static void check_numbers(struct field_errors *e, const struct batch_job_status *s,
                          const struct batch_job_status *old) {
    const struct status_count counts[] = {
        {"active", s->active},
        {"succeeded", s->succeeded},
        {"failed", s->failed},
        {"ready", s->ready.set ? s->ready.v : 0},
        {"terminating", s->terminating.set ? s->terminating.v : 0},
    };
    check_counts(e, STATUS, counts, sizeof counts / sizeof counts[0]);
    if (s->uncounted_terminated_pods)
        check_uncounted(e, s->uncounted_terminated_pods);
    if ((changed(s, old, S("ready")) || changed(s, old, S("active"))) && s->ready.set &&
        s->ready.v > s->active)
        field_invalid(e, at_field(STATUS, "ready"), bad(s->ready), "cannot be greater than active");
}

/* An indexed job can shrink when completions and parallelism go together; then successes are forgotten. */
static bool can_shrink(const struct batch_job_spec *spec) {
    return job_is_indexed(spec) && spec->completions.set && spec->parallelism.set &&
           spec->completions.v == spec->parallelism.v;
}

static void check_growth(struct field_errors *e, const struct batch_job *j, const struct batch_job *old) {
    if (j->status.failed < old->status.failed)
        field_invalid(e, at_field(STATUS, "failed"), bad(j->status.failed), "cannot be decremented");
    if (j->status.succeeded < old->status.succeeded && !can_shrink(&j->spec))
        field_invalid(e, at_field(STATUS, "succeeded"), bad(j->status.succeeded), "cannot be decremented");
}

/* ---- lists of indexes ---- */

static bool check_index_list(struct field_errors *e, const struct field_path *p, struct str text,
                             int64_t completions) {
    const char *why;
    int64_t n;
    if (index_set_count(text, completions, &n, &why))
        return true;
    field_invalid(e, p, bad(text), "%s", why);
    return false;
}

/* Both valid: whether they have an index in common. */
static bool indexes_overlap(struct str a, struct str b, int64_t completions) {
    struct index_set sa = {a, -1}, sb = {b, -1};
    struct index_interval ia, ib;
    const char *why;
    if (str_empty(a) || str_empty(b) || !index_set_next(&sa, completions, &ia, &why) ||
        !index_set_next(&sb, completions, &ib, &why))
        return false;
    while (ia.last < ib.first || ib.last < ia.first) {
        bool next_a = ia.last < ib.first;
        struct index_set *s = next_a ? &sa : &sb;
        if (str_empty(s->text) || !index_set_next(s, completions, next_a ? &ia : &ib, &why))
            return false;
    }
    return true;
}

static void check_indexes(struct field_errors *e, const struct batch_job *j, const struct batch_job *old) {
    const struct batch_job_status *s = &j->status;
    const struct field_path *completed = at_field(STATUS, "completedIndexes"),
                            *failed = at_field(STATUS, "failedIndexes");
    bool completed_changed = changed(s, &old->status, S("completedIndexes"));
    bool failed_changed = changed(s, &old->status, S("failedIndexes"));
    int64_t n = j->spec.completions.set ? j->spec.completions.v : 0;
    bool fine = true;
    if (completed_changed && !str_empty(s->completed_indexes)) {
        if (job_is_indexed(&j->spec))
            fine = check_index_list(e, completed, s->completed_indexes, n);
        else
            field_invalid(e, completed, bad(s->completed_indexes), "only indexed jobs have them");
    }
    if (failed_changed && s->failed_indexes.p) {
        if (!j->spec.backoff_limit_per_index.set)
            field_invalid(e, failed, bad(s->failed_indexes), "only jobs with backoffLimitPerIndex have them");
        else
            fine = check_index_list(e, failed, s->failed_indexes, n) && fine;
    }
    if ((completed_changed || failed_changed) && fine && job_is_indexed(&j->spec) &&
        indexes_overlap(s->completed_indexes, s->failed_indexes, n))
        field_invalid(e, failed, bad(s->failed_indexes), "has indexes that are in completedIndexes");
}

/* ---- conditions and times ---- */

static void check_conditions_against(struct field_errors *e, const struct batch_job_status *s,
                                     const struct batch_job_status *old) {
    static const struct str terminal[] = {STR_INIT("Failed"), STR_INIT("Complete"), STR_INIT("FailureTarget"),
                                          STR_INIT("SuccessCriteriaMet")};
    const struct field_path *p = at_field(STATUS, "conditions");
    bool complete = has_condition(s, S("Complete")), failed = has_condition(s, S("Failed"));
    bool complete_changed = condition_changed(s, old, S("Complete"));
    bool failed_changed = condition_changed(s, old, S("Failed"));
    for (size_t i = 0; i < sizeof terminal / sizeof terminal[0]; i++)
        if (has_condition(old, terminal[i]) && !has_condition(s, terminal[i]))
            field_invalid(e, p, bad_conditions(e, s), "condition %.*s cannot be taken back",
                          STR_ARG(terminal[i]));
    if ((failed_changed || changed(s, old, S("failedIndexes"))) && failed &&
        !has_condition(s, S("FailureTarget")))
        field_invalid(e, p, bad_conditions(e, s), "Failed needs condition FailureTarget");
    if ((complete_changed || condition_changed(s, old, S("SuccessCriteriaMet"))) && complete &&
        !has_condition(s, S("SuccessCriteriaMet")))
        field_invalid(e, p, bad_conditions(e, s), "Complete needs condition SuccessCriteriaMet");
    if ((complete_changed || failed_changed) && complete && failed)
        field_invalid(e, p, bad_conditions(e, s), "Complete and Failed exclude each other");
    if ((complete_changed || condition_changed(s, old, S("FailureTarget"))) && complete &&
        has_condition(s, S("FailureTarget")))
        field_invalid(e, p, bad_conditions(e, s), "Complete and FailureTarget exclude each other");
    bool criteria = has_condition(s, S("SuccessCriteriaMet"));
    if (criteria && condition_changed(s, old, S("SuccessCriteriaMet")) &&
        (failed || has_condition(s, S("FailureTarget"))))
        field_invalid(e, p, bad_conditions(e, s),
                      "SuccessCriteriaMet excludes conditions Failed and FailureTarget");
}

static void check_finished(struct field_errors *e, const struct batch_job_status *s,
                           const struct batch_job_status *old) {
    if (!is_finished(s))
        return;
    bool now = !is_finished(old);
    if (now && s->active > 0)
        field_invalid(e, at_field(STATUS, "active"), bad(s->active), "a finished job has no active pods");
    if ((now || changed(s, old, S("terminating"))) && s->terminating.set && s->terminating.v > 0)
        field_invalid(e, at_field(STATUS, "terminating"), bad(s->terminating),
                      "a finished job has no terminating pods");
    if ((now || changed(s, old, S("startTime"))) && !s->start_time.set)
        field_required_because(e, at_field(STATUS, "startTime"), "a finished job has one");
    const struct batch_uncounted_terminated_pods *pods = s->uncounted_terminated_pods;
    if ((now || changed(s, old, S("uncountedTerminatedPods"))) && pods && pods->failed.n + pods->succeeded.n)
        field_invalid(e, at_field(STATUS, "uncountedTerminatedPods"),
                      bad_object(e, TY_BATCH_UNCOUNTED_TERMINATED_PODS, pods),
                      "a finished job has counted its pods");
}

static struct bad_value bad_completion(struct field_errors *e, const struct batch_job_status *s) {
    return bad_field(e, TY_BATCH_JOB_STATUS, S("completionTime"), s);
}

static void check_times(struct field_errors *e, const struct batch_job *j,
                        const struct batch_job_status *old) {
    const struct batch_job_status *s = &j->status;
    const struct field_path *completion = at_field(STATUS, "completionTime");
    bool start_changed = changed(s, old, S("startTime"));
    bool completion_changed = changed(s, old, S("completionTime"));
    bool complete = has_condition(s, S("Complete"));
    if ((start_changed || completion_changed) && s->start_time.set && s->completion_time.set &&
        timestamp_cmp(s->completion_time, s->start_time) < 0)
        field_invalid(e, completion, bad_completion(e, s), "cannot be before startTime");
    if (condition_changed(s, old, S("Complete")) || completion_changed) {
        if (!complete && s->completion_time.set)
            field_invalid(e, completion, bad_completion(e, s), "only a complete job has one");
        if (complete && !s->completion_time.set)
            field_required_because(e, completion, "a complete job has one");
    }
    if (completion_changed && old->completion_time.set)
        field_invalid(e, completion, bad_completion(e, s), IMMUTABLE_TEXT);
    bool suspended = j->spec.suspend.set && j->spec.suspend.v;
    if (start_changed && old->start_time.set && !suspended)
        field_invalid(e, at_field(STATUS, "startTime"), bad_field(e, TY_BATCH_JOB_STATUS, S("startTime"), s),
                      "only changes while the job is suspended");
}

void status_job(struct validation *v, const void *object, const void *old_object) {
    const struct batch_job *j = object, *old = old_object;
    struct field_errors *e = v->errors;
    check_numbers(e, &j->status, &old->status);
    check_indexes(e, j, old);
    check_finished(e, &j->status, &old->status);
    check_times(e, j, &old->status);
    check_conditions_against(e, &j->status, &old->status);
    check_growth(e, j, old);
}
