/* Scales of workloads. See convert_scale.h. */
#include "api/convert_scale.h"

#include <stdlib.h>

#include "api/schema.h"
#include "api/types/apps.h"
#include "api/types/constants.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* Where a workload keeps its numbers. */
struct workload {
    const struct meta_object_meta *metadata;
    struct opt_i32 replicas;
    int32_t current_replicas;
    const struct meta_label_selector *selector; /* or labels */
    struct str_map labels;
};

static int unsupported(uint32_t type, struct err *err) {
    return err_set(err, ERR_UNSUPPORTED, "%.*s cannot be scaled",
                   STR_ARG(ty_name(&builtin, builtin.types[type].name)));
}

static int read_workload(uint32_t type, const void *object, struct workload *ret, struct err *err) {
    const struct apps_deployment *d = object;
    const struct apps_replica_set *rs = object;
    const struct apps_stateful_set *ss = object;
    const struct core_replication_controller *rc = object;
    switch (type) {
    case TY_APPS_DEPLOYMENT:
        *ret = (struct workload){&d->metadata, d->spec.replicas, d->status.replicas, d->spec.selector, {0}};
        return 0;
    case TY_APPS_REPLICA_SET:
        *ret =
            (struct workload){&rs->metadata, rs->spec.replicas, rs->status.replicas, rs->spec.selector, {0}};
        return 0;
    case TY_APPS_STATEFUL_SET:
        *ret =
            (struct workload){&ss->metadata, ss->spec.replicas, ss->status.replicas, ss->spec.selector, {0}};
        return 0;
    case TY_CORE_REPLICATION_CONTROLLER:
        *ret =
            (struct workload){&rc->metadata, rc->spec.replicas, rc->status.replicas, NULL, rc->spec.selector};
        return 0;
    default: return unsupported(type, err);
    }
}

/* One requirement of a selector, as text. */
struct requirement {
    struct str key, text;
};

static int by_key(const void *a, const void *b) {
    return str_cmp(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

/* "key in (a,b)", values in order. */
static struct str set_text(struct arena *a, const struct meta_label_selector_requirement *e,
                           const char *word) {
    struct str *values = arena_new_n(a, e->values.n, struct str);
    if (e->values.n) {
        memcpy(values, e->values.v, e->values.n * sizeof *values);
        qsort(values, e->values.n, sizeof *values, str_cmp_qsort);
    }
    struct str list = arena_join(a, values, e->values.n, S(","));
    return arena_printf(a, "%.*s %s (%.*s)", STR_ARG(e->key), word, STR_ARG(list));
}

static int expression_text(struct arena *a, const struct meta_label_selector_requirement *e,
                           struct str *ret_text, struct err *err) {
    if (str_eq(e->operator, META_LABEL_SELECTOR_OP_IN))
        *ret_text = set_text(a, e, "in");
    else if (str_eq(e->operator, META_LABEL_SELECTOR_OP_NOT_IN))
        *ret_text = set_text(a, e, "notin");
    else if (str_eq(e->operator, META_LABEL_SELECTOR_OP_EXISTS))
        *ret_text = e->key;
    else if (str_eq(e->operator, META_LABEL_SELECTOR_OP_DOES_NOT_EXIST))
        *ret_text = arena_printf(a, "!%.*s", STR_ARG(e->key));
    else
        return err_set(err, ERR_INVALID, "\"%.*s\" is no operator of a label selector",
                       STR_ARG(str_cut(e->operator, 128)));
    return 0;
}

/* CONFORMS: the text form of label selectors: requirements in the order of their keys. */
static int selector_text(struct arena *a, const struct meta_label_selector *s, struct str_map labels,
                         struct str *ret_text, struct err *err) {
    uint32_t n_expressions = s ? s->match_expressions.n : 0, n = 0;
    if (s)
        labels = s->match_labels;
    struct requirement *all = arena_new_n(a, (size_t)labels.n + n_expressions, struct requirement);
    for (uint32_t i = 0; i < labels.n; i++)
        all[n++] =
            (struct requirement){labels.v[i].key, arena_printf(a, "%.*s=%.*s", STR_ARG(labels.v[i].key),
                                                               STR_ARG(labels.v[i].value))};
    for (uint32_t i = 0; i < n_expressions; i++) {
        all[n].key = s->match_expressions.v[i].key;
        int rc = expression_text(a, &s->match_expressions.v[i], &all[n++].text, err);
        if (rc)
            return rc;
    }
    if (n)
        qsort(all, n, sizeof *all, by_key);
    struct str *texts = arena_new_n(a, n, struct str);
    for (uint32_t i = 0; i < n; i++)
        texts[i] = all[i].text;
    *ret_text = arena_join(a, texts, n, S(","));
    return 0;
}

int scale_of(struct arena *a, uint32_t type, const void *object, struct autoscaling_scale *ret_scale,
             struct err *err) {
    struct workload w;
    struct str selector;
    int rc = read_workload(type, object, &w, err);
    if (rc == 0)
        rc = selector_text(a, w.selector, w.labels, &selector, err);
    if (rc)
        return rc;
    *ret_scale = (struct autoscaling_scale){
        .type_meta = {.api_version = S("autoscaling/v1"), .kind = S("Scale")},
        .metadata = {.name = w.metadata->name,
                     .namespace = w.metadata->namespace,
                     .uid = w.metadata->uid,
                     .resource_version = w.metadata->resource_version,
                     .creation_timestamp = w.metadata->creation_timestamp},
        .spec = {.replicas = w.replicas.v},
        .status = {.replicas = w.current_replicas, .selector = selector},
    };
    return 0;
}

int scale_apply(struct arena *a, uint32_t type, const void *object, int32_t replicas, void **ret_object,
                struct err *err) {
    struct workload w;
    int rc = read_workload(type, object, &w, err);
    if (rc)
        return rc;
    void *copy = arena_alloc(a, builtin.types[type].size);
    memcpy(copy, object, builtin.types[type].size);
    struct opt_i32 n = {replicas, true};
    switch (type) {
    case TY_APPS_DEPLOYMENT: ((struct apps_deployment *)copy)->spec.replicas = n; break;
    case TY_APPS_REPLICA_SET: ((struct apps_replica_set *)copy)->spec.replicas = n; break;
    case TY_APPS_STATEFUL_SET: ((struct apps_stateful_set *)copy)->spec.replicas = n; break;
    default: ((struct core_replication_controller *)copy)->spec.replicas = n; break;
    }
    *ret_object = copy;
    return 0;
}
