/* Rules on the parameters of requests. See validate.h. */
#include "api/validation/meta.h"
#include "api/validation/validation.h"

static void check_dry_run(struct field_errors *e, const struct str_array *dry_run) {
    static const struct str all[] = {STR_INIT("All")};
    for (uint32_t i = 0; i < dry_run->n; i++)
        if (!check_supported(e, at_field(NULL, "dryRun"), dry_run->v[i], STR_SET(all)))
            return;
}

static void check_field_validation(struct field_errors *e, struct str value) {
    static const struct str modes[] = {STR_INIT(""), STR_INIT("Ignore"), STR_INIT("Strict"),
                                       STR_INIT("Warn")};
    check_supported(e, at_field(NULL, "fieldValidation"), value, STR_SET(modes));
}

void validate_create_options(const struct meta_create_options *o, struct field_errors *e) {
    check_field_manager(e, at_field(NULL, "fieldManager"), o->field_manager);
    check_dry_run(e, &o->dry_run);
    check_field_validation(e, o->field_validation);
}

void validate_update_options(const struct meta_update_options *o, struct field_errors *e) {
    check_field_manager(e, at_field(NULL, "fieldManager"), o->field_manager);
    check_dry_run(e, &o->dry_run);
    check_field_validation(e, o->field_validation);
}

void validate_patch_options(const struct meta_patch_options *o, bool apply, struct field_errors *e) {
    if (apply) {
        if (str_empty(o->field_manager))
            field_required_because(e, at_field(NULL, "fieldManager"), "is required for apply patch");
    } else if (o->force.set) {
        field_forbidden(e, at_field(NULL, "force"), "may not be specified for non-apply patch");
    }
    check_field_manager(e, at_field(NULL, "fieldManager"), o->field_manager);
    check_dry_run(e, &o->dry_run);
    check_field_validation(e, o->field_validation);
}

/* A deletion that passes over an object which cannot be read excludes all that would need to read it. */
static void check_ignore_read_error(struct field_errors *e, const struct meta_delete_options *o) {
    const struct opt_bool ignore = o->ignore_store_read_error_with_cluster_breaking_potential;
    if (!ignore.set || !ignore.v)
        return;
    const struct {
        bool used;
        const char *name;
    } others[] = {
        {o->dry_run.n > 0, "dryRun"},
        {o->propagation_policy.p != NULL, "propagationPolicy"},
        {o->orphan_dependents.set, "orphanDependents"},
        {o->grace_period_seconds.set, "gracePeriodSeconds"},
        {o->preconditions != NULL, "preconditions"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].used)
            field_invalid(e, at_field(NULL, "ignoreStoreReadErrorWithClusterBreakingPotential"),
                          bad_bool(true), "cannot be set together with .%s", others[i].name);
}

void validate_delete_options(const struct meta_delete_options *o, struct field_errors *e) {
    static const struct str policies[] = {STR_INIT("Foreground"), STR_INIT("Background"), STR_INIT("Orphan"),
                                          STR_INIT("nil")};
    const struct field_path *policy = at_field(NULL, "propagationPolicy");
    bool given = o->propagation_policy.p != NULL;
    if (given && o->orphan_dependents.set)
        field_invalid(e, policy, bad(o->propagation_policy),
                      "orphanDependents and propagationPolicy cannot both be set");
    if (given && (str_eq(o->propagation_policy, S("nil")) ||
                  !str_set_has((struct str_set){policies, 3}, o->propagation_policy)))
        field_not_supported(e, policy, bad(o->propagation_policy), policies, 4);
    check_dry_run(e, &o->dry_run);
    check_ignore_read_error(e, o);
}

void normalise_delete_options(struct meta_delete_options *o) {
    if (o->grace_period_seconds.set && o->grace_period_seconds.v < 0)
        o->grace_period_seconds.v = 1;
}
