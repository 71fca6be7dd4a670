/* Conversion of dynamic resource allocation. See convert_priv.h.
 *
 * v1beta1 wrapped a device's properties in "basic", and had the fields of an exact request beside its
 * alternatives, where later versions have "exactly". */
#include "api/convert_priv.h"
#include "api/types/resource.h"

/* Whether a request of v1beta1 is an exact one: a list of alternatives sets none of these. */
static bool is_exact(const struct resource_v1beta1_device_request *r) {
    return r->device_class_name.n || r->selectors.v || r->allocation_mode.n || r->count ||
           r->admin_access.set || r->tolerations.v || r->capacity;
}

CONVERTER(request_to_v1, resource_v1beta1_device_request, f, resource_device_request, t) {
    if (!is_exact(f))
        return 0;
    t->exactly = arena_new(c->arena, struct resource_exact_device_request);
    return convert_message(c, TY_RESOURCE_V1BETA1_DEVICE_REQUEST, f, TY_RESOURCE_EXACT_DEVICE_REQUEST,
                           t->exactly);
}

CONVERTER(request_to_v1beta2, resource_v1beta1_device_request, f, resource_v1beta2_device_request, t) {
    if (!is_exact(f))
        return 0;
    t->exactly = arena_new(c->arena, struct resource_v1beta2_exact_device_request);
    return convert_message(c, TY_RESOURCE_V1BETA1_DEVICE_REQUEST, f, TY_RESOURCE_V1BETA2_EXACT_DEVICE_REQUEST,
                           t->exactly);
}

CONVERTER(request_from_v1, resource_device_request, f, resource_v1beta1_device_request, t) {
    return f->exactly ? convert_message(c, TY_RESOURCE_EXACT_DEVICE_REQUEST, f->exactly,
                                        TY_RESOURCE_V1BETA1_DEVICE_REQUEST, t)
                      : 0;
}

CONVERTER(request_from_v1beta2, resource_v1beta2_device_request, f, resource_v1beta1_device_request, t) {
    return f->exactly ? convert_message(c, TY_RESOURCE_V1BETA2_EXACT_DEVICE_REQUEST, f->exactly,
                                        TY_RESOURCE_V1BETA1_DEVICE_REQUEST, t)
                      : 0;
}

CONVERTER(device_to_v1, resource_v1beta1_device, f, resource_device, t) {
    return f->basic ? convert_message(c, TY_RESOURCE_V1BETA1_BASIC_DEVICE, f->basic, TY_RESOURCE_DEVICE, t)
                    : 0;
}

CONVERTER(device_to_v1beta2, resource_v1beta1_device, f, resource_v1beta2_device, t) {
    return f->basic
               ? convert_message(c, TY_RESOURCE_V1BETA1_BASIC_DEVICE, f->basic, TY_RESOURCE_V1BETA2_DEVICE, t)
               : 0;
}

CONVERTER(device_from_v1, resource_device, f, resource_v1beta1_device, t) {
    t->basic = arena_new(c->arena, struct resource_v1beta1_basic_device);
    return convert_message(c, TY_RESOURCE_DEVICE, f, TY_RESOURCE_V1BETA1_BASIC_DEVICE, t->basic);
}

CONVERTER(device_from_v1beta2, resource_v1beta2_device, f, resource_v1beta1_device, t) {
    t->basic = arena_new(c->arena, struct resource_v1beta1_basic_device);
    return convert_message(c, TY_RESOURCE_V1BETA2_DEVICE, f, TY_RESOURCE_V1BETA1_BASIC_DEVICE, t->basic);
}

static const struct convert_rule table[] = {
    {TY_RESOURCE_DEVICE, TY_RESOURCE_V1BETA1_DEVICE, device_from_v1},
    {TY_RESOURCE_DEVICE_REQUEST, TY_RESOURCE_V1BETA1_DEVICE_REQUEST, request_from_v1},
    {TY_RESOURCE_V1BETA1_DEVICE, TY_RESOURCE_DEVICE, device_to_v1},
    {TY_RESOURCE_V1BETA1_DEVICE, TY_RESOURCE_V1BETA2_DEVICE, device_to_v1beta2},
    {TY_RESOURCE_V1BETA1_DEVICE_REQUEST, TY_RESOURCE_DEVICE_REQUEST, request_to_v1},
    {TY_RESOURCE_V1BETA1_DEVICE_REQUEST, TY_RESOURCE_V1BETA2_DEVICE_REQUEST, request_to_v1beta2},
    {TY_RESOURCE_V1BETA2_DEVICE, TY_RESOURCE_V1BETA1_DEVICE, device_from_v1beta2},
    {TY_RESOURCE_V1BETA2_DEVICE_REQUEST, TY_RESOURCE_V1BETA1_DEVICE_REQUEST, request_from_v1beta2},
};
const struct convert_rules resource_conversions = {table, sizeof table / sizeof *table};
