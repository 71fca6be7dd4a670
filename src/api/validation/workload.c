/* What the workload kinds share. See workload.h. */
#include "api/validation/workload.h"

#include "api/label_selector.h"
#include "api/validation/meta.h"
#include "api/validation/pod.h"

static bool is_percent(struct int_or_string value) {
    return value.set && value.is_str && name_check_percent(value.s, NULL) == 0;
}

bool check_int_or_percent(struct field_errors *e, const struct field_path *p, struct int_or_string value) {
    if (!value.is_str)
        return check_non_negative(e, p, value.i);
    if (is_percent(value))
        return true;
    field_invalid(e, p, bad(value), "must be an integer or a percentage such as '5%%'");
    return false;
}

int64_t int_or_percent_number(struct int_or_string value) {
    int64_t n = 0;
    if (!value.set)
        return 0;
    if (!value.is_str)
        return value.i;
    if (!is_percent(value))
        return 0;
    /* Digits alone fail only when there are too many of them. */
    return str_to_i64(str_cut(value.s, value.s.n - 1), &n) ? n : INT64_MAX;
}

bool check_at_most_100_percent(struct field_errors *e, const struct field_path *p,
                               struct int_or_string value) {
    if (!is_percent(value) || int_or_percent_number(value) <= 100)
        return true;
    field_invalid(e, p, bad(value), "must not be greater than 100%%");
    return false;
}

bool check_opt_non_negative(struct field_errors *e, const struct field_path *p, struct opt_i32 value) {
    return !value.set || check_non_negative(e, p, value.v);
}

bool check_workload_selector(struct validation *v, const struct field_path *p,
                             const struct meta_label_selector *selector, const char *kind) {
    if (!selector) {
        field_required(v->errors, p);
        return false;
    }
    uint32_t before = field_errors_count(v->errors);
    check_label_selector(v->errors, p, selector, false);
    if (selector->match_labels.n + selector->match_expressions.n == 0)
        field_invalid(v->errors, p, bad_object(v->errors, TY_META_LABEL_SELECTOR, selector),
                      "a %s needs a selector that is not empty", kind);
    return field_errors_count(v->errors) == before;
}

void check_workload_template(struct validation *v, const struct field_path *p,
                             const struct core_pod_template_spec *template,
                             const struct core_pod_template_spec *old,
                             const struct meta_label_selector *selector) {
    if (selector && !label_selector_struct_matches(selector, template->metadata.labels))
        field_invalid(v->errors, at_field(p, "metadata.labels"),
                      bad_field(v->errors, TY_META_OBJECT_META, S("labels"), &template->metadata),
                      "`selector` does not match template `labels`");
    check_pod_template(v, p, template, old);
}

void check_endless_template(struct field_errors *e, const struct field_path *p,
                            const struct core_pod_template_spec *template) {
    static const struct str always[] = {STR_INIT("Always")};
    check_supported(e, at_field(p, "spec.restartPolicy"), template->spec.restart_policy, STR_SET(always));
    if (template->spec.active_deadline_seconds.set)
        field_forbidden(e, at_field(p, "spec.activeDeadlineSeconds"),
                        "pods of this kind of workload have no deadline");
}

void check_counts(struct field_errors *e, const struct field_path *p, const struct status_count *counts,
                  size_t n) {
    for (size_t i = 0; i < n; i++)
        check_non_negative(e, at_name(p, str_from(counts[i].name)), counts[i].value);
}

void check_count_within(struct field_errors *e, const struct field_path *p, const char *name, int64_t value,
                        int64_t limit, const char *limit_name) {
    if (value > limit)
        field_invalid(e, at_name(p, str_from(name)), bad(value), "cannot be greater than %s", limit_name);
}

void check_collision_count(struct field_errors *e, const struct field_path *p, struct opt_i32 count,
                           struct opt_i32 old) {
    int32_t now = count.set ? count.v : 0;
    if (old.set && now < old.v)
        field_invalid(e, at_field(p, "collisionCount"), bad(now), "cannot be decremented");
}
