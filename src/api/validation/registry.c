/* The validators of all kinds, by type. See validation.h. */
#include "api/validation/validation.h"

/* One line per kind, in order of the type ids (that is: by the type's name in api/types/ids.h). */
#define VALIDATORS(X)                                                                                        \
    X(core_config_map)                                                                                       \
    X(core_persistent_volume)                                                                                \
    X(core_persistent_volume_claim)                                                                          \
    X(core_pod)                                                                                              \
    X(core_pod_template)                                                                                     \
    X(core_secret)

#define X(name) extern const struct validator validator_##name;
VALIDATORS(X)
#undef X

#define X(name) &validator_##name,
const struct validator *const validators[] = {VALIDATORS(X)};
#undef X
const uint32_t n_validators = sizeof validators / sizeof validators[0];

const struct validator *validator_find(uint32_t type) {
    uint32_t low = 0, high = n_validators;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (validators[mid]->type == type)
            return validators[mid];
        if (validators[mid]->type < type)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
