/* Conversion of autoscalers. See convert_priv.h.
 *
 * CONFORMS: version 1 knows one metric, the share of cpu. Other metrics, their current values, conditions and
 * the scaling behaviour go into annotations and come back from them; texts of annotations that cannot be read
 * are dropped, as upstream does it. The behaviour's text has the names of upstream's internal fields, which
 * begin with capitals.
 */
#include "api/convert_priv.h"
#include "api/json.h"
#include "api/quantity.h"
#include "api/types/autoscaling.h"
#include "api/types/constants.h"
#include "base/buf.h"
#include "base/err.h"

#define METRICS S("autoscaling.alpha.kubernetes.io/metrics")
#define CURRENT_METRICS S("autoscaling.alpha.kubernetes.io/current-metrics")
#define CONDITIONS S("autoscaling.alpha.kubernetes.io/conditions")
#define BEHAVIOR S("autoscaling.alpha.kubernetes.io/behavior")
#define ANNOTATIONS 4

#define DEFAULT_CPU_PERCENT 80

/* Metrics: what is measured, and how much of it is wanted or there. */

static struct autoscaling_metric_target target(struct str type, struct quantity value,
                                               struct quantity average) {
    return (struct autoscaling_metric_target){.type = type, .value = value, .average_value = average};
}

static struct quantity none_if_zero(struct quantity q) {
    return quantity_is_zero(&q) ? (struct quantity){0} : q;
}

static struct quantity present(struct quantity q) {
    q.set = true;
    return q;
}

/* Of a share of what was requested, or of an amount per pod. */
static struct autoscaling_metric_target share_or_average(struct opt_i32 share, struct quantity average) {
    struct autoscaling_metric_target t =
        target(share.set ? AUTOSCALING_UTILIZATION_METRIC_TYPE : AUTOSCALING_AVERAGE_VALUE_METRIC_TYPE,
               (struct quantity){0}, average);
    t.average_utilization = share;
    return t;
}

static struct autoscaling_metric_value_status current(struct quantity value, struct quantity average) {
    return (struct autoscaling_metric_value_status){.value = value, .average_value = average};
}

CONVERTER(object_source_up, autoscaling_v1_object_metric_source, f, autoscaling_object_metric_source, t) {
    bool average = f->average_value.set;
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->selector};
    t->target = target(average ? AUTOSCALING_AVERAGE_VALUE_METRIC_TYPE : AUTOSCALING_VALUE_METRIC_TYPE,
                       average ? none_if_zero(f->target_value) : present(f->target_value), f->average_value);
    return convert_message(c, TY_AUTOSCALING_V1_CROSS_VERSION_OBJECT_REFERENCE, &f->target,
                           TY_AUTOSCALING_CROSS_VERSION_OBJECT_REFERENCE, &t->described_object);
}

CONVERTER(object_source_down, autoscaling_object_metric_source, f, autoscaling_v1_object_metric_source, t) {
    t->metric_name = f->metric.name;
    t->selector = f->metric.selector;
    t->target_value = f->target.value;
    t->average_value = f->target.average_value;
    return convert_message(c, TY_AUTOSCALING_CROSS_VERSION_OBJECT_REFERENCE, &f->described_object,
                           TY_AUTOSCALING_V1_CROSS_VERSION_OBJECT_REFERENCE, &t->target);
}

CONVERTER(object_status_up, autoscaling_v1_object_metric_status, f, autoscaling_object_metric_status, t) {
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->selector};
    t->current = current(present(f->current_value), f->average_value);
    return convert_message(c, TY_AUTOSCALING_V1_CROSS_VERSION_OBJECT_REFERENCE, &f->target,
                           TY_AUTOSCALING_CROSS_VERSION_OBJECT_REFERENCE, &t->described_object);
}

CONVERTER(object_status_down, autoscaling_object_metric_status, f, autoscaling_v1_object_metric_status, t) {
    t->metric_name = f->metric.name;
    t->selector = f->metric.selector;
    t->current_value = f->current.value;
    t->average_value = f->current.average_value;
    return convert_message(c, TY_AUTOSCALING_CROSS_VERSION_OBJECT_REFERENCE, &f->described_object,
                           TY_AUTOSCALING_V1_CROSS_VERSION_OBJECT_REFERENCE, &t->target);
}

CONVERTER(pods_source_up, autoscaling_v1_pods_metric_source, f, autoscaling_pods_metric_source, t) {
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->selector};
    t->target =
        target(AUTOSCALING_AVERAGE_VALUE_METRIC_TYPE, (struct quantity){0}, present(f->target_average_value));
    return 0;
}

CONVERTER(pods_source_down, autoscaling_pods_metric_source, f, autoscaling_v1_pods_metric_source, t) {
    t->metric_name = f->metric.name;
    t->selector = f->metric.selector;
    t->target_average_value = f->target.average_value;
    return 0;
}

CONVERTER(pods_status_up, autoscaling_v1_pods_metric_status, f, autoscaling_pods_metric_status, t) {
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->selector};
    t->current = current((struct quantity){0}, present(f->current_average_value));
    return 0;
}

CONVERTER(pods_status_down, autoscaling_pods_metric_status, f, autoscaling_v1_pods_metric_status, t) {
    t->metric_name = f->metric.name;
    t->selector = f->metric.selector;
    t->current_average_value = f->current.average_value;
    return 0;
}

CONVERTER(external_source_up, autoscaling_v1_external_metric_source, f, autoscaling_external_metric_source,
          t) {
    bool average = f->target_average_value.set;
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->metric_selector};
    t->target = target(average ? AUTOSCALING_AVERAGE_VALUE_METRIC_TYPE : AUTOSCALING_VALUE_METRIC_TYPE,
                       f->target_value, f->target_average_value);
    return 0;
}

CONVERTER(external_source_down, autoscaling_external_metric_source, f, autoscaling_v1_external_metric_source,
          t) {
    t->metric_name = f->metric.name;
    t->metric_selector = f->metric.selector;
    t->target_value = f->target.value;
    t->target_average_value = f->target.average_value;
    return 0;
}

CONVERTER(external_status_up, autoscaling_v1_external_metric_status, f, autoscaling_external_metric_status,
          t) {
    t->metric = (struct autoscaling_metric_identifier){f->metric_name, f->metric_selector};
    t->current = current(present(f->current_value), f->current_average_value);
    return 0;
}

CONVERTER(external_status_down, autoscaling_external_metric_status, f, autoscaling_v1_external_metric_status,
          t) {
    t->metric_name = f->metric.name;
    t->metric_selector = f->metric.selector;
    t->current_value = f->current.value;
    t->current_average_value = f->current.average_value;
    return 0;
}

/* Resources of pods and of containers look alike. */
#define RESOURCE_CONVERTERS(kind)                                                                            \
    CONVERTER(kind##_source_up, autoscaling_v1_##kind##_metric_source, f,                                    \
              autoscaling_##kind##_metric_source, t) {                                                       \
        t->target = share_or_average(f->target_average_utilization, f->target_average_value);                \
        return 0;                                                                                            \
    }                                                                                                        \
    CONVERTER(kind##_source_down, autoscaling_##kind##_metric_source, f,                                     \
              autoscaling_v1_##kind##_metric_source, t) {                                                    \
        t->target_average_utilization = f->target.average_utilization;                                       \
        t->target_average_value = f->target.average_value;                                                   \
        return 0;                                                                                            \
    }                                                                                                        \
    CONVERTER(kind##_status_up, autoscaling_v1_##kind##_metric_status, f,                                    \
              autoscaling_##kind##_metric_status, t) {                                                       \
        t->current = current((struct quantity){0}, present(f->current_average_value));                       \
        t->current.average_utilization = f->current_average_utilization;                                     \
        return 0;                                                                                            \
    }                                                                                                        \
    CONVERTER(kind##_status_down, autoscaling_##kind##_metric_status, f,                                     \
              autoscaling_v1_##kind##_metric_status, t) {                                                    \
        t->current_average_utilization = f->current.average_utilization;                                     \
        t->current_average_value = f->current.average_value;                                                 \
        return 0;                                                                                            \
    }
RESOURCE_CONVERTERS(resource)
RESOURCE_CONVERTERS(container_resource)

/* Annotations. */

static bool is_ours(struct str key) {
    return str_eq(key, METRICS) || str_eq(key, CURRENT_METRICS) || str_eq(key, CONDITIONS) ||
           str_eq(key, BEHAVIOR);
}

/* The annotations without those of this conversion, with room for them. */
static struct str_map drop_ours(struct converting *c, struct str_map m) {
    struct str_map out = {m.v, 0};
    if (m.v)
        out.v = arena_new_n(c->arena, (size_t)m.n + ANNOTATIONS, struct str_entry);
    for (uint32_t i = 0; i < m.n; i++)
        if (!is_ours(m.v[i].key))
            out.v[out.n++] = m.v[i];
    return out;
}

/* To a map made by drop_ours. */
static void annotate(struct converting *c, struct str_map *m, struct str key, const struct buf *text) {
    if (!m->v)
        m->v = arena_new_n(c->arena, ANNOTATIONS, struct str_entry);
    uint32_t at = m->n++;
    for (; at > 0 && str_cmp(m->v[at - 1].key, key) > 0; at--)
        m->v[at] = m->v[at - 1];
    m->v[at] = (struct str_entry){key, buf_to_arena(text, c->arena)};
}

/* A list of messages as JSON, each first converted. */
static int write_list(struct converting *c, struct buf *out, const struct any_array *list, uint32_t type,
                      uint32_t old_type) {
    buf_byte(out, '[');
    for (uint32_t i = 0; i < list->n; i++) {
        void *old = arena_alloc(c->arena, builtin.types[old_type].size);
        const char *item = (const char *)list->v + (size_t)i * builtin.types[type].size;
        int rc = convert_message(c, type, item, old_type, old);
        if (rc)
            return rc;
        if (i)
            buf_byte(out, ',');
        api_write_json(out, &builtin, old_type, old);
    }
    buf_byte(out, ']');
    return 0;
}

static int annotate_list(struct converting *c, struct str_map *m, struct str key,
                         const struct any_array *list, uint32_t type, uint32_t old_type) {
    _cleanup_buf struct buf text = BUF_INIT;
    if (!list->n)
        return 0;
    int rc = write_list(c, &text, list, type, old_type);
    if (rc == 0)
        annotate(c, m, key, &text);
    return rc;
}

/* The annotation as a tree; false when there is none or it is no JSON. */
static bool read_annotation(struct converting *c, struct str_map m, struct str key, struct jval *ret_tree) {
    struct str text = str_map_get(m, key);
    struct err ignored = ERR_INIT;
    return text.n && json_parse(c->arena, text, NULL, NULL, ret_tree, &ignored) == 0;
}

/* The reverse of annotate_list, in front of `rest` more items; false when the annotation is not to be used.
 */
static bool read_list(struct converting *c, struct str_map m, struct str key, uint32_t old_type,
                      uint32_t type, uint32_t rest, struct any_array *ret_list) {
    struct jval tree;
    if (!read_annotation(c, m, key, &tree) || tree.kind != J_ARRAY)
        return false;
    size_t size = builtin.types[type].size;
    struct any_array out = {arena_array(c->arena, (size_t)tree.n + rest, size), tree.n};
    for (uint32_t i = 0; i < tree.n; i++) {
        struct err ignored = ERR_INIT;
        void *old;
        if (api_from_tree(c->arena, &builtin, old_type, &tree.items[i], NULL, &old, &ignored) ||
            convert_message(c, old_type, old, type, (char *)out.v + i * size))
            return false;
    }
    *ret_list = out;
    return true;
}

/* Behaviour, with the names of internal fields. */

static void write_rules(struct buf *out, const struct autoscaling_hpa_scaling_rules *r) {
    if (!r) {
        buf_lit(out, "null");
        return;
    }
    buf_lit(out, "{\"StabilizationWindowSeconds\":");
    if (r->stabilization_window_seconds.set)
        buf_i64(out, r->stabilization_window_seconds.v);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"SelectPolicy\":");
    if (r->select_policy.p)
        json_write_string(out, r->select_policy);
    else
        buf_lit(out, "null");
    buf_lit(out, ",\"Policies\":");
    if (!r->policies.v)
        buf_lit(out, "null");
    else
        buf_byte(out, '[');
    for (uint32_t i = 0; i < r->policies.n; i++) {
        const struct autoscaling_hpa_scaling_policy *p = &r->policies.v[i];
        buf_str(out, i ? S(",{\"Type\":") : S("{\"Type\":"));
        json_write_string(out, p->type);
        buf_printf(out, ",\"Value\":%d,\"PeriodSeconds\":%d}", p->value, p->period_seconds);
    }
    if (r->policies.v)
        buf_byte(out, ']');
    buf_lit(out, ",\"Tolerance\":");
    char text[QUANTITY_TEXT_MAX];
    if (r->tolerance.set)
        json_write_string(out, str_make(text, quantity_format(&r->tolerance, text)));
    else
        buf_lit(out, "null");
    buf_byte(out, '}');
}

static void annotate_behavior(struct converting *c, struct str_map *m,
                              const struct autoscaling_horizontal_pod_autoscaler_behavior *b) {
    _cleanup_buf struct buf text = BUF_INIT;
    if (!b)
        return;
    buf_lit(&text, "{\"ScaleUp\":");
    write_rules(&text, b->scale_up);
    buf_lit(&text, ",\"ScaleDown\":");
    write_rules(&text, b->scale_down);
    buf_byte(&text, '}');
    annotate(c, m, BEHAVIOR, &text);
}

/* A tree whose keys begin in lower case. The text's own depth bounds the recursion. */
static struct jval lower_keys(struct arena *a, const struct jval *v) {
    if (v->kind == J_ARRAY) {
        struct jval *items = arena_new_n(a, v->n, struct jval);
        for (uint32_t i = 0; i < v->n; i++)
            items[i] = lower_keys(a, &v->items[i]);
        return jval_array(items, v->n);
    }
    if (v->kind != J_OBJECT)
        return *v;
    struct jobject out = {0};
    for (uint32_t i = 0; i < v->n; i++) {
        struct str key = v->members[i].key;
        if (key.n && key.p[0] >= 'A' && key.p[0] <= 'Z') {
            char *lower = arena_strz(a, key);
            lower[0] = (char)(lower[0] | 32);
            key.p = lower;
        }
        jobject_set(a, &out, key, lower_keys(a, &v->members[i].value));
    }
    return jobject_done(&out);
}

static void read_behavior(struct converting *c, struct str_map m,
                          struct autoscaling_horizontal_pod_autoscaler_spec *spec) {
    struct jval tree;
    struct err ignored = ERR_INIT;
    void *behavior;
    if (!read_annotation(c, m, BEHAVIOR, &tree) || tree.kind != J_OBJECT)
        return;
    tree = lower_keys(c->arena, &tree);
    if (api_from_tree(c->arena, &builtin, TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER_BEHAVIOR, &tree, NULL,
                      &behavior, &ignored) == 0)
        spec->behavior = behavior;
}

/* The whole autoscaler. */

/* The metric that version 1 has a field for. */
static bool is_cpu_share(const struct autoscaling_metric_spec *m) {
    return str_eq(m->type, AUTOSCALING_RESOURCE_METRIC_SOURCE_TYPE) && m->resource &&
           str_eq(m->resource->name, CORE_RESOURCE_CPU) && m->resource->target.average_utilization.set;
}

static bool is_current_cpu_share(const struct autoscaling_metric_status *m) {
    return str_eq(m->type, AUTOSCALING_RESOURCE_METRIC_SOURCE_TYPE) && m->resource &&
           str_eq(m->resource->name, CORE_RESOURCE_CPU) && m->resource->current.average_utilization.set;
}

static struct autoscaling_metric_spec cpu_share(struct arena *a, int32_t percent) {
    struct autoscaling_metric_spec m = {.type = AUTOSCALING_RESOURCE_METRIC_SOURCE_TYPE};
    m.resource = arena_new(a, struct autoscaling_resource_metric_source);
    m.resource->name = CORE_RESOURCE_CPU;
    m.resource->target = share_or_average((struct opt_i32){percent, true}, (struct quantity){0});
    return m;
}

/* Metrics from the annotation, then the share of cpu; without any, the default share. */
static void metrics_up(struct converting *c, struct str_map annotations, struct opt_i32 percent,
                       struct autoscaling_horizontal_pod_autoscaler_spec *spec) {
    struct any_array list = {0};
    bool known = read_list(c, annotations, METRICS, TY_AUTOSCALING_V1_METRIC_SPEC, TY_AUTOSCALING_METRIC_SPEC,
                           1, &list);
    if (!known)
        list.v = arena_new(c->arena, struct autoscaling_metric_spec);
    spec->metrics.v = list.v;
    spec->metrics.n = list.n;
    if (percent.set || !list.n)
        spec->metrics.v[spec->metrics.n++] =
            cpu_share(c->arena, percent.set ? percent.v : DEFAULT_CPU_PERCENT);
}

static void status_up(struct converting *c, struct str_map annotations, struct opt_i32 percent,
                      struct autoscaling_horizontal_pod_autoscaler_status *status) {
    struct any_array list;
    if (read_list(c, annotations, CURRENT_METRICS, TY_AUTOSCALING_V1_METRIC_STATUS,
                  TY_AUTOSCALING_METRIC_STATUS, 0, &list)) {
        status->current_metrics.v = list.v;
        status->current_metrics.n = list.n;
    } else if (percent.set) {
        struct autoscaling_metric_status *m = arena_new(c->arena, struct autoscaling_metric_status);
        m->type = AUTOSCALING_RESOURCE_METRIC_SOURCE_TYPE;
        m->resource = arena_new(c->arena, struct autoscaling_resource_metric_status);
        m->resource->name = CORE_RESOURCE_CPU;
        m->resource->current.average_utilization = percent;
        status->current_metrics.v = m;
        status->current_metrics.n = 1;
    }
    if (read_list(c, annotations, CONDITIONS, TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER_CONDITION,
                  TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER_CONDITION, 0, &list)) {
        status->conditions.v = list.v;
        status->conditions.n = list.n;
    }
}

CONVERTER(autoscaler_up, autoscaling_v1_horizontal_pod_autoscaler, f, autoscaling_horizontal_pod_autoscaler,
          t) {
    struct str_map annotations = f->metadata.annotations;
    metrics_up(c, annotations, f->spec.target_cpu_utilization_percentage, &t->spec);
    read_behavior(c, annotations, &t->spec);
    status_up(c, annotations, f->status.current_cpu_utilization_percentage, &t->status);
    t->metadata.annotations = drop_ours(c, annotations);
    return 0;
}

/* The first share of cpu has a field of its own, the others do not. */
static int metrics_down(struct converting *c, const struct autoscaling_horizontal_pod_autoscaler_spec *spec,
                        struct opt_i32 *ret_percent, struct str_map *annotations) {
    struct autoscaling_metric_spec *rest =
        arena_new_n(c->arena, spec->metrics.n, struct autoscaling_metric_spec);
    struct any_array list = {rest, 0};
    for (uint32_t i = 0; i < spec->metrics.n; i++) {
        const struct autoscaling_metric_spec *m = &spec->metrics.v[i];
        if (!ret_percent->set && is_cpu_share(m))
            *ret_percent = m->resource->target.average_utilization;
        else
            rest[list.n++] = *m;
    }
    return annotate_list(c, annotations, METRICS, &list, TY_AUTOSCALING_METRIC_SPEC,
                         TY_AUTOSCALING_V1_METRIC_SPEC);
}

static int status_down(struct converting *c,
                       const struct autoscaling_horizontal_pod_autoscaler_status *status,
                       struct opt_i32 *ret_percent, struct str_map *annotations) {
    for (uint32_t i = 0; i < status->current_metrics.n && !ret_percent->set; i++)
        if (is_current_cpu_share(&status->current_metrics.v[i]))
            *ret_percent = status->current_metrics.v[i].resource->current.average_utilization;
    struct any_array metrics = {status->current_metrics.v, status->current_metrics.n};
    struct any_array conditions = {status->conditions.v, status->conditions.n};
    int rc = annotate_list(c, annotations, CURRENT_METRICS, &metrics, TY_AUTOSCALING_METRIC_STATUS,
                           TY_AUTOSCALING_V1_METRIC_STATUS);
    return rc ? rc
              : annotate_list(c, annotations, CONDITIONS, &conditions,
                              TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER_CONDITION,
                              TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER_CONDITION);
}

CONVERTER(autoscaler_down, autoscaling_horizontal_pod_autoscaler, f, autoscaling_v1_horizontal_pod_autoscaler,
          t) {
    struct str_map annotations = drop_ours(c, f->metadata.annotations);
    int rc = metrics_down(c, &f->spec, &t->spec.target_cpu_utilization_percentage, &annotations);
    if (rc == 0)
        rc = status_down(c, &f->status, &t->status.current_cpu_utilization_percentage, &annotations);
    annotate_behavior(c, &annotations, f->spec.behavior);
    t->metadata.annotations = annotations;
    return rc;
}

#define METRIC_ROWS(KIND, kind)                                                                              \
    {TY_AUTOSCALING_V1_##KIND##_METRIC_SOURCE, TY_AUTOSCALING_##KIND##_METRIC_SOURCE, kind##_source_up},     \
        {TY_AUTOSCALING_##KIND##_METRIC_SOURCE, TY_AUTOSCALING_V1_##KIND##_METRIC_SOURCE,                    \
         kind##_source_down},                                                                                \
        {TY_AUTOSCALING_V1_##KIND##_METRIC_STATUS, TY_AUTOSCALING_##KIND##_METRIC_STATUS, kind##_status_up}, \
    {                                                                                                        \
        TY_AUTOSCALING_##KIND##_METRIC_STATUS, TY_AUTOSCALING_V1_##KIND##_METRIC_STATUS, kind##_status_down  \
    }

static const struct convert_rule table[] = {
    {TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER, TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, autoscaler_up},
    {TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER, autoscaler_down},
    METRIC_ROWS(OBJECT, object),
    METRIC_ROWS(PODS, pods),
    METRIC_ROWS(RESOURCE, resource),
    METRIC_ROWS(CONTAINER_RESOURCE, container_resource),
    METRIC_ROWS(EXTERNAL, external),
};
const struct convert_rules autoscaling_conversions = {table, sizeof table / sizeof *table};
