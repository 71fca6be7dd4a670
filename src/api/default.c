/* Defaulting. See default.h.
 *
 * One walk over the object: at each value the rule of its type, then the schema's defaults of its fields,
 * then what it contains. Most types have nothing to fill in anywhere below; a plan, made once, says which, so
 * that the walk never enters them. The types that the walk does enter do not contain themselves, which bounds
 * its depth.
 */
#include "api/default.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/defaults/defaults_priv.h"
#include "api/quantity.h"
#include "base/err.h"

/* What the walk has to do with a type. */
struct plan {
    bool enter;     /* something to fill in, here or below */
    bool resources; /* its maps of quantities are resource lists */
    uint16_t rule;  /* rules[] + 1 */
};

static struct plan *plans;
static const struct default_rule **rules;
static pthread_once_t plans_once = PTHREAD_ONCE_INIT;

static const struct default_rules *const rule_sets[] = {
    &admissionregistration_defaults,
    &apiextensions_defaults,
    &apps_defaults,
    &autoscaling_defaults,
    &batch_defaults,
    &core_defaults,
    &core_pod_defaults,
    &core_volume_defaults,
    &flowcontrol_defaults,
    &networking_defaults,
    &rbac_defaults,
    &resource_defaults,
    &storage_defaults,
};
#define RULE_SETS (sizeof rule_sets / sizeof *rule_sets)

static void place_rules(void) {
    uint32_t n = 0;
    for (size_t i = 0; i < RULE_SETS; i++)
        n += rule_sets[i]->n;
    rules = calloc(n, sizeof *rules);
    if (!rules)
        panic("out of memory (%u rules)", n);
    n = 0;
    for (size_t i = 0; i < RULE_SETS; i++)
        for (uint32_t k = 0; k < rule_sets[i]->n; k++) {
            const struct default_rule *r = &rule_sets[i]->v[k];
            check(plans[r->type].rule == 0);
            rules[n++] = r;
            plans[r->type].rule = (uint16_t)n;
            plans[r->type].enter = true;
        }
}

static bool has_resource_lists(uint32_t type) {
    struct str group = ty_name(&builtin, builtin.gvs[builtin.types[type].gv].group);
    return str_eq(group, S("")) || str_eq(group, S("node.k8s.io"));
}

static bool has_work(uint32_t type) {
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        bool resources = plans[type].resources && f->leaf == LEAF_QUANTITY && f->shape == SHAPE_MAP;
        if (f->dflt || resources || (f->leaf == LEAF_MESSAGE && plans[f->type].enter))
            return true;
    }
    return false;
}

static void make_plans(void) {
    plans = calloc(builtin.n_types, sizeof *plans);
    if (!plans)
        panic("out of memory (%u plans)", builtin.n_types);
    place_rules();
    for (uint32_t t = 1; t < builtin.n_types; t++)
        plans[t].resources = has_resource_lists(t);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t t = 1; t < builtin.n_types; t++)
            if (!plans[t].enter && has_work(t))
                plans[t].enter = changed = true;
    }
}

/* Schema defaults: JSON text of a string, number or bool. */
static void fill_in(const struct ty_field *f, void *p) {
    struct str text = {builtin.default_text + builtin.defaults[f->dflt].offset, builtin.defaults[f->dflt].n};
    bool opt = f->shape == SHAPE_OPT;
    int64_t number = 0;
    switch ((enum leaf)f->leaf) {
    case LEAF_STRING: {
        struct str *s = p, value = {text.p + 1, text.n - 2}; /* no default has escapes */
        if (opt)
            default_absent(s, value);
        else
            default_empty(s, value);
        return;
    }
    case LEAF_BOOL:
        if (opt)
            default_bool(p, str_eq(text, S("true")));
        else
            *(bool *)p = *(bool *)p || str_eq(text, S("true"));
        return;
    case LEAF_I32:
        check(str_to_i64(text, &number));
        if (opt)
            default_i32(p, (int32_t)number);
        else
            default_zero(p, (int32_t)number);
        return;
    case LEAF_I64:
        check(str_to_i64(text, &number) && opt);
        default_i64(p, number);
        return;
    default: panic("default of leaf %d", f->leaf);
    }
}

static void walk(const struct defaulting *d, uint32_t type, char *object);

static void walk_field(const struct defaulting *d, const struct ty_field *f, char *p) {
    if (!plans[f->type].enter)
        return;
    const struct any_array *list = (const struct any_array *)p;
    size_t step, offset = 0;
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: walk(d, f->type, p); return;
    case SHAPE_OPT:
        p = *(char **)p;
        if (p)
            walk(d, f->type, p);
        return;
    case SHAPE_MAP: offset = sizeof(struct str); __attribute__((fallthrough));
    case SHAPE_LIST:
        step = f->shape == SHAPE_MAP ? ty_entry_size(&builtin, f) : ty_item_size(&builtin, f);
        for (uint32_t i = 0; i < list->n; i++)
            walk(d, f->type, (char *)list->v + i * step + offset);
        return;
    }
}

/* CONFORMS: amounts in resource lists have no digits below a thousandth. */
static void round_resources(struct quantity_map *m) {
    for (uint32_t i = 0; i < m->n; i++)
        (void)quantity_round_up(&m->v[i].value, -3);
}

static void walk(const struct defaulting *d, uint32_t type, char *object) {
    const struct plan *plan = &plans[type];
    if (plan->rule)
        rules[plan->rule - 1]->run(d, object);
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        if (f->flags & FIELD_FLAT)
            continue; /* reached through the embedded struct */
        char *p = object + f->offset;
        if (f->dflt)
            fill_in(f, p);
        if (f->leaf == LEAF_MESSAGE)
            walk_field(d, f, p);
        else if (plan->resources && f->leaf == LEAF_QUANTITY && f->shape == SHAPE_MAP)
            round_resources((struct quantity_map *)(void *)p);
    }
}

void api_default(struct arena *a, const struct ty_set *set, uint32_t type, void *object,
                 const struct clock *clock) {
    check(set == &builtin && type < builtin.n_types);
    pthread_once(&plans_once, make_plans);
    struct defaulting d = {a, clock};
    if (plans[type].enter)
        walk(&d, type, object);
}
