/* Rules of resource.k8s.io/v1 ResourceSlice. */
#include "api/quantity.h"
#include "api/validation/meta.h"
#include "api/validation/node_selector.h"
#include "api/validation/resource.h"

#define DEVICES_MAX 128
#define DEVICES_RICH_MAX 64 /* when devices have taints, counters or lists */
#define ENTRIES_MAX 32      /* attributes and capacities of a device */
#define VALUES_MAX 48       /* of a device's attributes */
#define VALUE_BYTES_MAX 64
#define COUNTER_SETS_MAX 8
#define COUNTERS_MAX 32
#define CONSUMED_MAX 2
#define TAINTS_MAX 16
#define POLICY_VALUES_MAX 10

/* ---- attributes ---- */

static size_t take_identifiers(struct str s, bool numeric_plain) {
    size_t i = 0, begin = 0;
    bool digits = true;
    for (; i <= s.n; i++) {
        char c = i < s.n ? s.p[i] : '.';
        bool digit = c >= '0' && c <= '9', letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-';
        if (digit || letter) {
            digits = digits && digit;
            continue;
        }
        if (i == begin || (numeric_plain && digits && i - begin > 1 && s.p[begin] == '0'))
            return SIZE_MAX;
        if (c != '.')
            return i;
        begin = i + 1;
        digits = true;
    }
    return s.n;
}

/* CONFORMS: semver 2.0.0: three numbers, a pre-release behind a dash, build data behind a plus. */
static bool is_semver(struct str s) {
    for (int part = 0; part < 3; part++) {
        size_t n = 0;
        while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
            n++;
        if (n == 0 || (n > 1 && s.p[0] == '0') || (part < 2 && (n == s.n || s.p[n] != '.')))
            return false;
        s = str_from_byte(s, n + (part < 2));
    }
    if (str_has_prefix(s, S("-"))) {
        s = str_from_byte(s, 1);
        size_t n = take_identifiers(s, true);
        if (n == SIZE_MAX)
            return false;
        s = str_from_byte(s, n);
    }
    if (str_has_prefix(s, S("+"))) {
        s = str_from_byte(s, 1);
        return take_identifiers(s, false) == s.n;
    }
    return str_empty(s);
}

static void check_text(struct field_errors *e, const struct field_path *p, struct str text, bool version) {
    if (version && !is_semver(text))
        field_invalid(e, p, bad(text), "must be a string compatible with semver.org spec 2.0.0");
    check_max_bytes(e, p, text, VALUE_BYTES_MAX);
}

static void check_texts(struct field_errors *e, const struct field_path *p, const struct str_array *texts,
                        bool version) {
    for (uint32_t i = 0; i < texts->n; i++)
        check_text(e, at_index(p, i), texts->v[i], version);
}

/* Returns how many values it has. */
static size_t check_attribute(struct field_errors *e, const struct field_path *p,
                              const struct resource_device_attribute *a) {
    const struct {
        bool present, empty;
        struct str name;
    } lists[] = {
        {a->bools.v != NULL, a->bools.n == 0, STR_INIT("bools")},
        {a->ints.v != NULL, a->ints.n == 0, STR_INIT("ints")},
        {a->strings.v != NULL, a->strings.n == 0, STR_INIT("strings")},
        {a->versions.v != NULL, a->versions.n == 0, STR_INIT("versions")},
    };
    int fields = a->bool_.set + a->int_.set + (a->string.p != NULL) + (a->version.p != NULL);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        fields += lists[i].present;
        if (lists[i].present && lists[i].empty)
            field_invalid(e, at_name(p, lists[i].name), bad_json(S("[]")), "must not be empty");
    }
    if (a->string.p)
        check_text(e, at_field(p, "string"), a->string, false);
    if (a->version.p)
        check_text(e, at_field(p, "version"), a->version, true);
    check_texts(e, at_field(p, "strings"), &a->strings, false);
    check_texts(e, at_field(p, "versions"), &a->versions, true);
    if (fields != 1)
        field_invalid(e, p, bad_object(e, TY_RESOURCE_DEVICE_ATTRIBUTE, a),
                      "exactly one value must be specified");
    size_t values = (size_t)a->bools.n + a->ints.n + a->strings.n + a->versions.n;
    return values ? values : 1;
}

static bool has_lists(const struct resource_device *d) {
    for (uint32_t i = 0; i < d->attributes.n; i++) {
        const struct resource_device_attribute *a = &d->attributes.v[i].value;
        if (a->bools.n || a->ints.n || a->strings.n || a->versions.n)
            return true;
    }
    return false;
}

/* ---- capacity ---- */

/* Whether a - b is a multiple of step. */
static bool is_steps(const struct quantity *a, const struct quantity *b, const struct quantity *step) {
    struct quantity d = *a;
    quantity_sub(&d, b);
    if (quantity_is_zero(step))
        return true;
    __int128 distance = (__int128)d.units * 1000000000 + d.nanos;
    __int128 size = (__int128)step->units * 1000000000 + step->nanos;
    return distance % size == 0;
}

static void check_values(struct field_errors *e, const struct field_path *p,
                         const struct resource_capacity_request_policy *r, const struct quantity *capacity) {
    const struct quantity_array *v = &r->valid_values;
    bool has_default = false;
    check_max_items(e, p, v->n, POLICY_VALUES_MAX);
    for (uint32_t i = 0; i < v->n; i++) {
        const struct field_path *at = at_index(p, i);
        if (i && quantity_cmp(&v->v[i - 1], &v->v[i]) > 0)
            field_invalid(e, at, bad_quantity(e, &v->v[i]), "values must be in ascending order");
        if (i && quantity_equal(&v->v[i - 1], &v->v[i]))
            field_duplicate(e, at, bad_quantity(e, &v->v[i]));
        if (quantity_cmp(&v->v[i], capacity) > 0)
            field_invalid(e, at, bad_quantity(e, &v->v[i]), "must not be larger than the capacity");
        has_default = has_default || (r->default_.set && quantity_equal(&v->v[i], &r->default_));
    }
    if (r->default_.set && !has_default)
        field_invalid(e, p, bad_quantity(e, &r->default_), "must contain the default");
}

static void check_valid_range(struct field_errors *e, const struct field_path *p,
                              const struct resource_capacity_request_policy *r,
                              const struct quantity *capacity) {
    const struct resource_capacity_request_policy_range *range = r->valid_range;
    const struct field_path *step = at_field(p, "step");
    if (!range->min.set) {
        field_required(e, at_field(p, "min"));
        return;
    }
    if (quantity_cmp(&range->min, capacity) > 0)
        field_invalid(e, at_field(p, "min"), bad_quantity(e, &range->min),
                      "must not be larger than the capacity");
    if (r->default_.set && quantity_cmp(&r->default_, &range->min) < 0)
        field_invalid(e, at_field(p, "min"), bad_quantity(e, &range->min),
                      "must not be larger than the default");
    if (range->max.set) {
        const struct field_path *max = at_field(p, "max");
        if (quantity_cmp(&range->max, capacity) > 0)
            field_invalid(e, max, bad_quantity(e, &range->max), "must not be larger than the capacity");
        if (quantity_cmp(&range->min, &range->max) > 0)
            field_invalid(e, max, bad_quantity(e, &range->max), "must not be less than min");
        if (r->default_.set && quantity_cmp(&r->default_, &range->max) > 0)
            field_invalid(e, max, bad_quantity(e, &range->max), "must not be less than the default");
    }
    if (!range->step.set)
        return;
    struct quantity first = range->min;
    quantity_add(&first, &range->step);
    if (quantity_sign(&range->step) <= 0 || quantity_cmp(&first, capacity) > 0)
        field_invalid(e, step, bad_quantity(e, &range->step),
                      "one step must be positive and fit into the capacity");
    if (quantity_sign(&range->step) <= 0)
        return;
    if (r->default_.set && !is_steps(&r->default_, &range->min, &range->step))
        field_invalid(e, step, bad_quantity(e, &r->default_), "steps from min must reach the default");
    if (range->max.set && !is_steps(&range->max, &range->min, &range->step))
        field_invalid(e, step, bad_quantity(e, &range->max), "steps from min must reach max");
}

static void check_capacity(struct field_errors *e, const struct field_path *p,
                           const struct resource_device_capacity *c, bool shared) {
    const struct resource_capacity_request_policy *r = c->request_policy;
    const struct field_path *policy = at_field(p, "requestPolicy");
    if (!r)
        return;
    if (!shared) {
        field_forbidden(e, policy, "only for devices that allow multiple allocations");
        return;
    }
    if (!r->default_.set && (r->valid_values.n || r->valid_range))
        field_required_because(e, at_field(policy, "default"), "with validValues or validRange");
    if (r->valid_values.n && r->valid_range)
        field_forbidden(e, at_field(policy, "validRange"), "validValues and validRange exclude each other");
    if (r->valid_values.n)
        check_values(e, at_field(policy, "validValues"), r, &c->value);
    else if (r->valid_range)
        check_valid_range(e, at_field(policy, "validRange"), r, &c->value);
}

/* ---- devices ---- */

static void check_counters(struct field_errors *e, const struct field_path *p,
                           const struct resource_counter_map *m) {
    if (m->n == 0)
        field_required(e, p);
    check_max_items(e, p, m->n, COUNTERS_MAX);
    for (uint32_t i = 0; i < m->n; i++)
        check_dns_label(e, at_key(p, m->v[i].key), m->v[i].key);
}

static void check_consumption(struct field_errors *e, const struct field_path *p,
                              const struct resource_device_counter_consumption_array *list) {
    SEEN(seen);
    check_max_items(e, p, list->n, CONSUMED_MAX);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct field_path *at = at_index(p, i);
        if (check_required_format(e, at_field(at, "counterSet"), list->v[i].counter_set,
                                  name_check_dns1123_label) &&
            seen_before(&seen, list->v[i].counter_set))
            field_duplicate(e, at_field(at, "counterSet"), bad(list->v[i].counter_set));
        check_counters(e, at_field(at, "counters"), &list->v[i].counters);
    }
}

static void check_taints(struct field_errors *e, const struct field_path *p,
                         const struct resource_device_taint_array *taints, bool stored) {
    static const struct str effects[] = {STR_INIT("NoExecute"), STR_INIT("NoSchedule"), STR_INIT("None")};
    if (!stored)
        check_max_items(e, p, taints->n, TAINTS_MAX);
    for (uint32_t i = 0; i < taints->n; i++) {
        const struct field_path *at = at_index(p, i);
        check_label_key(e, at_field(at, "key"), taints->v[i].key);
        check_label_value(e, at_field(at, "value"), taints->v[i].value);
        check_enum(e, at_field(at, "effect"), taints->v[i].effect, STR_SET(effects));
    }
}

static bool is_true(struct opt_bool b) {
    return b.set && b.v;
}

static void check_device_node(struct field_errors *e, const struct field_path *p,
                              const struct resource_device *d, bool per_device) {
    int given = (d->node_name.p != NULL) + (d->node_selector != NULL) + d->all_nodes.set;
    if (d->node_name.p) {
        if (!per_device)
            field_invalid(e, at_field(p, "nodeName"), bad(d->node_name), "only with perDeviceNodeSelection");
        check_dns_subdomain(e, at_field(p, "nodeName"), d->node_name);
    }
    if (d->node_selector) {
        if (!per_device)
            field_invalid(e, at_field(p, "nodeSelector"),
                          bad_object(e, TY_CORE_NODE_SELECTOR, d->node_selector),
                          "only with perDeviceNodeSelection");
        check_node_selector(e, at_field(p, "nodeSelector"), d->node_selector, false);
    }
    if (d->all_nodes.set) {
        if (!per_device)
            field_invalid(e, at_field(p, "allNodes"), bad(d->all_nodes), "only with perDeviceNodeSelection");
        if (!d->all_nodes.v)
            field_invalid(e, at_field(p, "allNodes"), bad(d->all_nodes),
                          "must be either unset or set to true");
    }
    if (per_device && given == 0)
        field_required_because(e, p, "one of nodeName, nodeSelector, allNodes with perDeviceNodeSelection");
    if (per_device && given > 1)
        field_invalid(e, p, bad(d->name), "only one of nodeName, nodeSelector, allNodes may be set");
}

static void check_device(struct field_errors *e, const struct field_path *p, const struct resource_device *d,
                         bool per_device, bool stored) {
    const struct field_path *attributes = at_field(p, "attributes"), *capacity = at_field(p, "capacity");
    size_t values = 0;
    check_required_format(e, at_field(p, "name"), d->name, name_check_dns1123_label);
    if (d->attributes.n + d->capacity.n > ENTRIES_MAX)
        field_invalid(e, p, bad_int((int64_t)d->attributes.n + d->capacity.n),
                      "the total number of attributes and capacities must not exceed %d", ENTRIES_MAX);
    for (uint32_t i = 0; i < d->attributes.n; i++) {
        const struct field_path *at = at_key(attributes, d->attributes.v[i].key);
        check_device_qualified(e, at, d->attributes.v[i].key, false);
        values += check_attribute(e, at, &d->attributes.v[i].value);
    }
    if (values > VALUES_MAX)
        field_invalid(e, p, bad_int((int64_t)values), "the attributes must not have more than %d values",
                      VALUES_MAX);
    for (uint32_t i = 0; i < d->capacity.n; i++) {
        const struct field_path *at = at_key(capacity, d->capacity.v[i].key);
        check_device_qualified(e, at, d->capacity.v[i].key, false);
        check_capacity(e, at, &d->capacity.v[i].value, is_true(d->allow_multiple_allocations));
    }
    check_taints(e, at_field(p, "taints"), &d->taints, stored);
    check_consumption(e, at_field(p, "consumesCounters"), &d->consumes_counters);
    check_device_node(e, p, d, per_device);
    check_binding_conditions(e, p, &d->binding_conditions, &d->binding_failure_conditions);
}

/* ---- ResourceSlice ---- */

static void check_true(struct field_errors *e, const struct field_path *p, struct opt_bool b) {
    if (b.set && !b.v)
        field_invalid(e, p, bad(b), "must be either unset or set to true");
}

static void check_nodes(struct field_errors *e, const struct field_path *p,
                        const struct resource_resource_slice_spec *s) {
    const struct field_path *terms = at_field(p, "nodeSelector.nodeSelectorTerms");
    int given = (s->node_name.p != NULL) + (s->node_selector != NULL) + s->all_nodes.set +
                s->per_device_node_selection.set;
    if (s->node_name.p) {
        if (str_empty(s->node_name))
            field_invalid(e, at_field(p, "nodeName"), bad(s->node_name),
                          "must be either unset or set to a name");
        else
            check_dns_subdomain(e, at_field(p, "nodeName"), s->node_name);
    }
    if (s->node_selector) {
        check_node_selector(e, at_field(p, "nodeSelector"), s->node_selector, false);
        if (s->node_selector->node_selector_terms.n != 1)
            field_invalid(e, terms, bad(s->node_selector->node_selector_terms.n),
                          "must have exactly one node selector term");
    }
    check_true(e, at_field(p, "allNodes"), s->all_nodes);
    check_true(e, at_field(p, "perDeviceNodeSelection"), s->per_device_node_selection);
    if (given == 0)
        field_required_because(
            e, p, "exactly one of nodeName, nodeSelector, allNodes, perDeviceNodeSelection is required");
    if (given > 1)
        field_invalid(e, p, bad_int(given),
                      "exactly one of nodeName, nodeSelector, allNodes, perDeviceNodeSelection is required");
}

static void check_devices(struct field_errors *e, const struct field_path *p,
                          const struct resource_resource_slice_spec *s,
                          const struct resource_resource_slice_spec *old) {
    const struct field_path *list = at_field(p, "devices");
    bool rich = false;
    SEEN(names);
    for (uint32_t i = 0; !rich && i < s->devices.n; i++)
        rich = s->devices.v[i].taints.n || s->devices.v[i].consumes_counters.n || has_lists(&s->devices.v[i]);
    if (!check_max_items(e, list, s->devices.n, rich ? DEVICES_RICH_MAX : DEVICES_MAX))
        return;
    for (uint32_t i = 0; i < s->devices.n; i++) {
        const struct resource_device *d = &s->devices.v[i];
        bool stored = old && i < old->devices.n && str_eq(old->devices.v[i].name, d->name) &&
                      api_equal_field(&builtin, TY_RESOURCE_DEVICE, d, &old->devices.v[i], S("taints"));
        check_device(e, at_index(list, i), d, is_true(s->per_device_node_selection), stored);
        if (seen_before(&names, d->name))
            field_duplicate(e, at_field(at_index(list, i), "name"), bad(d->name));
    }
}

static void check_slice(struct validation *v, const struct resource_resource_slice_spec *s,
                        const struct resource_resource_slice_spec *old) {
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *pool = at_field(p, "pool"),
                            *sets = at_field(p, "sharedCounters");
    SEEN(names);
    check_device_driver(e, at_field(p, "driver"), s->driver);
    check_device_pool(e, at_field(pool, "name"), s->pool.name);
    if (s->pool.resource_slice_count <= 0)
        field_invalid(e, at_field(pool, "resourceSliceCount"), bad(s->pool.resource_slice_count),
                      "must be greater than zero");
    if (s->pool.generation < 0)
        field_invalid(e, at_field(pool, "generation"), bad(s->pool.generation),
                      "must be greater than or equal to zero");
    check_nodes(e, p, s);
    if (s->shared_counters.n && s->devices.n)
        field_invalid(e, p, bad(s->shared_counters.n),
                      "only one of `sharedCounters` or `devices` is allowed");
    check_devices(e, p, s, old);
    if (!check_max_items(e, sets, s->shared_counters.n, COUNTER_SETS_MAX))
        return;
    for (uint32_t i = 0; i < s->shared_counters.n; i++) {
        const struct field_path *at = at_index(sets, i), *name = at_field(at, "name");
        if (check_required_format(e, name, s->shared_counters.v[i].name, name_check_dns1123_label) &&
            seen_before(&names, s->shared_counters.v[i].name))
            field_duplicate(e, name, bad(s->shared_counters.v[i].name));
        check_counters(e, at_field(at, "counters"), &s->shared_counters.v[i].counters);
    }
}

static void create(struct validation *v, const void *object) {
    check_slice(v, &((const struct resource_resource_slice *)object)->spec, NULL);
}

static void update(struct validation *v, const void *object, const void *old_object) {
    const struct resource_resource_slice_spec *s = &((const struct resource_resource_slice *)object)->spec,
                                              *old =
                                                  &((const struct resource_resource_slice *)old_object)->spec;
    const struct field_path *p = at_field(NULL, "spec");
    check_slice(v, s, old);
    check_immutable(v->errors, at_field(p, "driver"), TY_RESOURCE_RESOURCE_SLICE_SPEC, S("driver"), s, old);
    check_immutable(v->errors, at_field(p, "pool.name"), TY_RESOURCE_RESOURCE_POOL, S("name"), &s->pool,
                    &old->pool);
    check_immutable(v->errors, at_field(p, "nodeName"), TY_RESOURCE_RESOURCE_SLICE_SPEC, S("nodeName"), s,
                    old);
}

const struct validator validator_resource_resource_slice = {.type = TY_RESOURCE_RESOURCE_SLICE,
                                                            .name = name_check_dns1123_subdomain,
                                                            .create = create,
                                                            .update = update};
