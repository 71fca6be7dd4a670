/* api/defaults: the rules for single types, called by default.c for every value of their type, wherever it
 * is.
 *
 * A rule runs before the schema's own defaults of its type's fields, and before the rules of what the value
 * contains: from the outside in, as upstream does it.
 */
#pragma once

#include "api/types/constants.h"
#include "api/types/ids.h"
#include "api/value.h"
#include "base/arena.h"

struct clock;

/* One call of api_default. */
struct defaulting {
    struct arena *arena;
    const struct clock *clock;
};

struct default_rule {
    uint16_t type; /* TY_… */
    void (*run)(const struct defaulting *d, void *object);
};

struct default_rules {
    const struct default_rule *v;
    uint32_t n;
};

/* DEFAULTER(secret, core_secret, s) { … } defines a rule for a struct core_secret named s. */
#define DEFAULTER(name_, type_, var_)                                                                        \
    static void name_##_typed(struct arena *a, struct type_ *var_);                                          \
    static void name_(const struct defaulting *d, void *object) {                                            \
        name_##_typed(d->arena, object);                                                                     \
    }                                                                                                        \
    static void name_##_typed(struct arena *a __attribute__((unused)), struct type_ *var_)

#define DEFAULT_RULES(name_, table_)                                                                         \
    const struct default_rules name_ = {table_, sizeof(table_) / sizeof *(table_)}

extern const struct default_rules admissionregistration_defaults, apiextensions_defaults, apps_defaults,
    autoscaling_defaults, batch_defaults, core_defaults, core_pod_defaults, core_volume_defaults,
    flowcontrol_defaults, networking_defaults, rbac_defaults, resource_defaults, storage_defaults;

/* Only when empty, only when absent (a pointer upstream), only when zero. */
static inline void default_empty(struct str *s, struct str value) {
    if (!s->n)
        *s = value;
}
static inline void default_absent(struct str *s, struct str value) {
    if (!s->p)
        *s = value;
}
static inline void default_zero(int32_t *i, int32_t value) {
    if (!*i)
        *i = value;
}
static inline void default_i32(struct opt_i32 *o, int32_t value) {
    if (!o->set)
        *o = (struct opt_i32){value, true};
}
static inline void default_i64(struct opt_i64 *o, int64_t value) {
    if (!o->set)
        *o = (struct opt_i64){value, true};
}
static inline void default_bool(struct opt_bool *o, bool value) {
    if (!o->set)
        *o = (struct opt_bool){value, true};
}
static inline void default_int_or_string(struct int_or_string *o, struct int_or_string value) {
    if (!o->set)
        *o = value;
}
#define default_new(a, pointer_)                                                                             \
    do {                                                                                                     \
        if (!(pointer_))                                                                                     \
            (pointer_) = arena_alloc((a), sizeof *(pointer_));                                               \
    } while (0)

static inline struct int_or_string int_value(int32_t i) {
    return (struct int_or_string){.i = i, .set = true};
}
static inline struct int_or_string string_value(struct str s) {
    return (struct int_or_string){.s = s, .is_str = true, .set = true};
}

/* A copy of the entries, so that nobody's later edit shows in two places. */
struct str_map default_map_copy(struct arena *a, struct str_map m);
void default_map_set(struct arena *a, struct str_map *m, struct str key, struct str value);

/* One string as a list. */
struct str_array default_list_of(struct arena *a, struct str item);

/* Resource lists. `add` sums up, `max` takes the larger, `missing` adds only keys that *to does not have. */
void resources_add(struct arena *a, struct quantity_map *to, struct quantity_map from);
void resources_max(struct arena *a, struct quantity_map *to, struct quantity_map from);
void resources_missing(struct arena *a, struct quantity_map *to, struct quantity_map from);
