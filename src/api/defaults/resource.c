/* Defaults of dynamic resource allocation. See defaults_priv.h.
 *
 * Older versions have the same rules on structs of their own; the macros below keep them one text.
 */
#include "api/types/resource.h"
#include "api/defaults/defaults_priv.h"
#include "api/quantity.h"
#include "base/clock.h"

/* Which of the matching devices a request takes. */
static void request(struct str *mode, int64_t *count) {
    default_empty(mode, RESOURCE_DEVICE_ALLOCATION_MODE_EXACT_COUNT);
    if (str_eq(*mode, RESOURCE_DEVICE_ALLOCATION_MODE_EXACT_COUNT) && *count == 0)
        *count = 1;
}

static void taint(const struct defaulting *d, struct timestamp *added) {
    if (!added->set)
        *added = (struct timestamp){.sec = clock_wall_sec(d->clock), .set = true};
}

#define REQUEST_RULE(type_)                                                                                  \
    DEFAULTER(type_##_rule, type_, r) {                                                                      \
        request(&r->allocation_mode, &r->count);                                                             \
    }
#define TAINT_RULE(type_)                                                                                    \
    static void type_##_rule(const struct defaulting *d, void *object) {                                     \
        struct type_ *t = object;                                                                            \
        taint(d, &t->time_added);                                                                            \
    }
#define MAPPING_RULE(type_)                                                                                  \
    DEFAULTER(type_##_rule, type_, m) {                                                                      \
        if (!m->allocation_multiplier.set)                                                                   \
            m->allocation_multiplier = quantity_from_int(1, QUANTITY_DECIMAL_SI);                            \
    }

REQUEST_RULE(resource_exact_device_request)
REQUEST_RULE(resource_device_sub_request)
REQUEST_RULE(resource_v1beta1_device_sub_request)
REQUEST_RULE(resource_v1beta2_device_sub_request)
REQUEST_RULE(resource_v1beta2_exact_device_request)
TAINT_RULE(resource_device_taint)
TAINT_RULE(resource_v1alpha3_device_taint)
TAINT_RULE(resource_v1beta1_device_taint)
TAINT_RULE(resource_v1beta2_device_taint)
MAPPING_RULE(resource_node_allocatable_resource_mapping)
MAPPING_RULE(resource_v1beta1_node_allocatable_resource_mapping)
MAPPING_RULE(resource_v1beta2_node_allocatable_resource_mapping)

/* In v1beta1 one struct is both: a request, or, without a class, a list of alternatives. */
DEFAULTER(resource_v1beta1_device_request_rule, resource_v1beta1_device_request, r) {
    if (r->device_class_name.n)
        request(&r->allocation_mode, &r->count);
}

static const struct default_rule table[] = {
    {TY_RESOURCE_DEVICE_SUB_REQUEST, resource_device_sub_request_rule},
    {TY_RESOURCE_DEVICE_TAINT, resource_device_taint_rule},
    {TY_RESOURCE_EXACT_DEVICE_REQUEST, resource_exact_device_request_rule},
    {TY_RESOURCE_NODE_ALLOCATABLE_RESOURCE_MAPPING, resource_node_allocatable_resource_mapping_rule},
    {TY_RESOURCE_V1ALPHA3_DEVICE_TAINT, resource_v1alpha3_device_taint_rule},
    {TY_RESOURCE_V1BETA1_DEVICE_REQUEST, resource_v1beta1_device_request_rule},
    {TY_RESOURCE_V1BETA1_DEVICE_SUB_REQUEST, resource_v1beta1_device_sub_request_rule},
    {TY_RESOURCE_V1BETA1_DEVICE_TAINT, resource_v1beta1_device_taint_rule},
    {TY_RESOURCE_V1BETA1_NODE_ALLOCATABLE_RESOURCE_MAPPING,
     resource_v1beta1_node_allocatable_resource_mapping_rule},
    {TY_RESOURCE_V1BETA2_DEVICE_SUB_REQUEST, resource_v1beta2_device_sub_request_rule},
    {TY_RESOURCE_V1BETA2_DEVICE_TAINT, resource_v1beta2_device_taint_rule},
    {TY_RESOURCE_V1BETA2_EXACT_DEVICE_REQUEST, resource_v1beta2_exact_device_request_rule},
    {TY_RESOURCE_V1BETA2_NODE_ALLOCATABLE_RESOURCE_MAPPING,
     resource_v1beta2_node_allocatable_resource_mapping_rule},
};
DEFAULT_RULES(resource_defaults, table);
