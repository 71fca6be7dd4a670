/* api/convert: what its files share: rules for types that differ by more than names. */
#pragma once

#include "api/convert.h"
#include "api/types/ids.h"
#include "base/arena.h"

/* One call of api_convert. */
struct converting {
    struct arena *arena;
    struct err *err;
    uint32_t depth;
};

/* Runs after fields of equal names have been converted; what they left in `to` may be overwritten. */
struct convert_rule {
    uint16_t from, to; /* TY_… */
    int (*run)(struct converting *c, const void *from, void *to);
};

struct convert_rules {
    const struct convert_rule *v;
    uint32_t n;
};
extern const struct convert_rules autoscaling_conversions, networking_conversions, resource_conversions;

/* Fields of equal names, then the rule; fields that `from_type` does not have stay as they are in `to`. */
int convert_message(struct converting *c, uint32_t from_type, const void *from, uint32_t to_type, void *to);

/* CONVERTER(name, from type, f, to type, t) { …; return 0; } */
#define CONVERTER(name_, from_, f_, to_, t_)                                                                 \
    static int name_##_typed(struct converting *c, const struct from_ *f_, struct to_ *t_);                  \
    static int name_(struct converting *c, const void *from, void *to) {                                     \
        return name_##_typed(c, from, to);                                                                   \
    }                                                                                                        \
    static int name_##_typed(struct converting *c __attribute__((unused)), const struct from_ *f_,           \
                             struct to_ *t_)
