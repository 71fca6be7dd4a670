/* api/types/constants.h */
#include "api/types/constants.h"

#include "api/types/core.h"
#include "unit/unit.h"

TEST(test_constants__are_strings_and_numbers) {
    struct core_pod_status status = {.phase = CORE_POD_RUNNING};
    assert_str(status.phase, "Running");
    assert_true(str_eq(status.phase, CORE_POD_PHASE_RUNNING));
    assert_int_equal(CORE_SECRET_VOLUME_SOURCE_DEFAULT_MODE, 420);
    assert_int_equal(CORE_MAX_SECRET_SIZE, 1048576);
    assert_true(CORE_DEFAULT_ENABLE_SERVICE_LINKS);
}

TEST(test_constants__may_name_others) {
    assert_str(CORE_LABEL_ZONE_REGION_STABLE, "topology.kubernetes.io/region");
    assert_int_equal(RESOURCE_POOL_NAME_MAX_LENGTH, 253);
    assert_int_equal(RESOURCE_DEVICE_REQUESTS_MAX_SIZE, RESOURCE_ALLOCATION_RESULTS_MAX_SIZE);
    assert_str(ADMISSIONREGISTRATION_V1BETA1_CREATE, "CREATE");
}

TEST(test_constants__serve_in_static_tables) {
    static const struct str phases[] = {CORE_POD_PENDING, CORE_POD_RUNNING};
    assert_str(phases[1], "Running");
}

TEST(test_constants__values_that_only_differ_in_signs_have_names_of_their_own) {
    assert_str(CORE_STORAGE_MEDIUM_EMPTY, "");
    assert_str(CORE_STORAGE_MEDIUM_HUGE_PAGES, "HugePages");
    assert_str(CORE_STORAGE_MEDIUM_HUGE_PAGES_DASH, "HugePages-");
}
