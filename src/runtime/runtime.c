/* The table of CRI methods. See runtime.h. */
#include "runtime/runtime.h"

#include "api/types/ids.h"

const struct runtime_method_info runtime_methods[RUNTIME_METHOD_COUNT] = {
#define X(name, TYPE, service, wire)                                                                         \
    [RUNTIME_##TYPE] = {service, wire, TY_CRI_##TYPE##_REQUEST, TY_CRI_##TYPE##_RESPONSE},
    RUNTIME_METHODS(X)
#undef X
};
