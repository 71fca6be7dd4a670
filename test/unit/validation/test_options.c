/* api/validation: the parameters of requests. */
#include "api/types/meta.h"
#include "base/arena.h"
#include "valid.h"

#define OPTIONS(name, TYPE, json, expected)                                                                  \
    do {                                                                                                     \
        _cleanup_arena struct arena a = ARENA_INIT;                                                          \
        struct field_errors e = FIELD_ERRORS_INIT(&a);                                                       \
        validate_##name##_options(valid_read(&a, TY_META_##TYPE##_OPTIONS, json), &e);                       \
        assert_errors(&e, expected, __FILE__, __LINE__);                                                     \
    } while (0)
#define DELETE(json, expected) OPTIONS(delete, DELETE, json, expected)

static void assert_patch(const char *json, bool apply, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    validate_patch_options(valid_read(&a, TY_META_PATCH_OPTIONS, json), apply, &e);
    assert_errors(&e, expected, __FILE__, __LINE__);
}

TEST(test_delete_options__propagation_policy_is_known) {
    DELETE("{}", "");
    DELETE("{'propagationPolicy':'Foreground'}", "");
    DELETE("{'propagationPolicy':'Background'}", "");
    DELETE("{'propagationPolicy':'Orphan'}", "");
    DELETE("{'propagationPolicy':'x'}", "propagationPolicy: Unsupported value: \"x\": supported values: "
                                        "\"Foreground\", \"Background\", \"Orphan\", \"nil\"");
    DELETE("{'propagationPolicy':'nil'}", "propagationPolicy: Unsupported value: \"nil\": *");
}

TEST(test_delete_options__policy_excludes_orphan_dependents) {
    DELETE("{'orphanDependents':true}", "");
    DELETE("{'orphanDependents':true,'propagationPolicy':'Orphan'}",
           "propagationPolicy: Invalid value: \"Orphan\": *");
}

TEST(test_delete_options__dry_run_is_all) {
    DELETE("{'dryRun':['All']}", "");
    DELETE("{'dryRun':['Some']}", "dryRun: Unsupported value: \"Some\": supported values: \"All\"");
}

TEST(test_delete_options__passing_over_read_errors_stands_alone) {
    DELETE("{'ignoreStoreReadErrorWithClusterBreakingPotential':true}", "");
    DELETE("{'ignoreStoreReadErrorWithClusterBreakingPotential':false,'orphanDependents':true}", "");
    DELETE("{'ignoreStoreReadErrorWithClusterBreakingPotential':true,'dryRun':['All'],"
           "'propagationPolicy':'Orphan','gracePeriodSeconds':1,'preconditions':{'uid':'x'}}",
           "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together "
           "with .dryRun\n"
           "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together "
           "with .propagationPolicy\n"
           "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together "
           "with .gracePeriodSeconds\n"
           "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together "
           "with .preconditions");
    DELETE("{'ignoreStoreReadErrorWithClusterBreakingPotential':true,'orphanDependents':false}",
           "ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: cannot be set together "
           "with .orphanDependents");
}

TEST(test_delete_options__negative_grace_periods_mean_one_second) {
    struct meta_delete_options o = {.grace_period_seconds = {.v = -5, .set = true}};
    normalise_delete_options(&o);
    assert_int_equal(o.grace_period_seconds.v, 1);
    o.grace_period_seconds.v = 0;
    normalise_delete_options(&o);
    assert_int_equal(o.grace_period_seconds.v, 0);
    o = (struct meta_delete_options){0};
    normalise_delete_options(&o);
    assert_false(o.grace_period_seconds.set);
}

TEST(test_patch_options__apply_needs_a_manager) {
    assert_patch("{'fieldManager':'m','force':true}", true, "");
    assert_patch("{}", true, "fieldManager: Required value: *");
    assert_patch("{}", false, "");
}

TEST(test_patch_options__only_apply_may_force) {
    assert_patch("{'force':false}", false, "force: Forbidden: may not be specified for non-apply patch");
}

TEST(test_patch_options__managers_are_short_and_printable) {
    assert_patch("{'fieldManager':'a\\u0001'}", false, "fieldManager: Invalid value: *");
    _cleanup_arena struct arena a = ARENA_INIT;
    char manager[129];
    memset(manager, 'm', sizeof manager);
    struct str json = arena_printf(&a, "{'fieldManager':'%.129s'}", manager);
    assert_patch(json.p, false, "fieldManager: Too long: may not be more than 128 bytes");
}

TEST(test_options__field_validation_is_known) {
    OPTIONS(create, CREATE, "{'fieldValidation':'Strict','fieldManager':'m','dryRun':['All']}", "");
    OPTIONS(create, CREATE, "{'fieldValidation':'strict'}",
            "fieldValidation: Unsupported value: \"strict\": supported values: \"\", \"Ignore\", \"Strict\", "
            "\"Warn\"");
    OPTIONS(update, UPDATE, "{'fieldValidation':'x'}", "fieldValidation: Unsupported value: \"x\": *");
    assert_patch("{'fieldValidation':'x'}", false, "fieldValidation: Unsupported value: \"x\": *");
}

TEST(test_options__dry_run_and_manager_are_checked_on_create_and_update) {
    OPTIONS(create, CREATE, "{'dryRun':['x'],'fieldManager':'\\n'}",
            "fieldManager: Invalid value: \"\\n\": *\ndryRun: Unsupported value: \"x\": *");
    OPTIONS(update, UPDATE, "{'dryRun':['x'],'fieldManager':'\\n'}",
            "fieldManager: Invalid value: \"\\n\": *\ndryRun: Unsupported value: \"x\": *");
}
