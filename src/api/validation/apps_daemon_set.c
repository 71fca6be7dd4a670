/* Rules of apps/v1 DaemonSet. */
#include "api/types/apps.h"
#include "api/validation/meta.h"
#include "api/validation/workload.h"

static void check_rolling_update(struct field_errors *e, const struct field_path *p,
                                 const struct apps_rolling_update_daemon_set *r) {
    check_int_or_percent(e, at_field(p, "maxUnavailable"), r->max_unavailable);
    check_int_or_percent(e, at_field(p, "maxSurge"), r->max_surge);
    check_at_most_100_percent(e, at_field(p, "maxUnavailable"), r->max_unavailable);
    check_at_most_100_percent(e, at_field(p, "maxSurge"), r->max_surge);
    bool unavailable = int_or_percent_number(r->max_unavailable) != 0;
    bool surge = int_or_percent_number(r->max_surge) != 0;
    if (unavailable && surge)
        field_invalid(e, at_field(p, "maxSurge"), bad(r->max_surge),
                      "may not be set when maxUnavailable is non-zero");
    else if (!unavailable && !surge)
        field_required_because(e, at_field(p, "maxUnavailable"), "cannot be 0 when maxSurge is 0");
}

static void check_update_strategy(struct field_errors *e, const struct field_path *p,
                                  const struct apps_daemon_set_update_strategy *s) {
    static const struct str types[] = {STR_INIT("RollingUpdate"), STR_INIT("OnDelete")};
    if (!check_supported(e, at_field(p, "type"), s->type, STR_SET(types)) || str_eq(s->type, types[1]))
        return;
    if (s->rolling_update)
        check_rolling_update(e, at_field(p, "rollingUpdate"), s->rolling_update);
    else
        field_required(e, at_field(p, "rollingUpdate"));
}

static void check_spec(struct validation *v, const struct apps_daemon_set_spec *s,
                       const struct apps_daemon_set_spec *old) {
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *template = at_field(p, "template");
    /* A selector left out selects nothing, so that it matches no template. */
    static const struct meta_label_selector_requirement never = {.operator= STR_INIT("none")};
    static const struct meta_label_selector nothing = {
        .match_expressions = {(struct meta_label_selector_requirement *)&never, 1}};
    uint32_t before = e->n;
    check_label_selector(e, at_field(p, "selector"), s->selector, false);
    const struct meta_label_selector *selector = s->selector ? s->selector : &nothing;
    check_workload_template(v, template, &s->template, old ? &old->template : NULL,
                            e->n == before ? selector : NULL);
    if (s->selector && s->selector->match_labels.n + s->selector->match_expressions.n == 0)
        field_invalid(e, at_field(p, "selector"), bad_object(e, TY_META_LABEL_SELECTOR, s->selector),
                      "a daemon set needs a selector that is not empty");
    check_endless_template(e, template, &s->template);
    check_non_negative(e, at_field(p, "minReadySeconds"), s->min_ready_seconds);
    check_update_strategy(e, at_field(p, "updateStrategy"), &s->update_strategy);
    check_opt_non_negative(e, at_field(p, "revisionHistoryLimit"), s->revision_history_limit);
}

static void create(struct validation *v, const void *object) {
    check_spec(v, &((const struct apps_daemon_set *)object)->spec, NULL);
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct apps_daemon_set *d = object, *old = old_object;
    check_spec(v, &d->spec, &old->spec);
    check_immutable(v->errors, at_field(NULL, "spec.selector"), TY_APPS_DAEMON_SET_SPEC, S("selector"),
                    &d->spec, &old->spec);
}

static void status(struct validation *v, const void *object, const void *old_object) {
    const struct apps_daemon_set_status *s = &((const struct apps_daemon_set *)object)->status,
                                        *old = &((const struct apps_daemon_set *)old_object)->status;
    const struct status_count counts[] = {
        {"currentNumberScheduled", s->current_number_scheduled},
        {"numberMisscheduled", s->number_misscheduled},
        {"desiredNumberScheduled", s->desired_number_scheduled},
        {"numberReady", s->number_ready},
        {"observedGeneration", s->observed_generation},
        {"updatedNumberScheduled", s->updated_number_scheduled},
        {"numberAvailable", s->number_available},
        {"numberUnavailable", s->number_unavailable},
        {"collisionCount", s->collision_count.set ? s->collision_count.v : 0},
    };
    const struct field_path *p = at_field(NULL, "status");
    check_counts(v->errors, p, counts, sizeof counts / sizeof counts[0]);
    check_collision_count(v->errors, p, s->collision_count, old->collision_count);
}

const struct validator validator_apps_daemon_set = {.type = TY_APPS_DAEMON_SET,
                                                    .name = name_check_dns1123_subdomain,
                                                    .create = create,
                                                    .update = update,
                                                    .status = status};
