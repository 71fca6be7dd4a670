/* Scales of workloads. See convert_scale.h. */
#include "api/convert_scale.h"

#include "api/label_selector.h"
#include "api/schema.h"
#include "api/types/apps.h"
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
    const struct meta_label_selector *selector;
    struct str_map labels; /* is_map: in place of the selector */
    bool is_map;
};

#define WORKLOAD(o)                                                                                          \
    (struct workload) {                                                                                      \
        .metadata = &(o)->metadata, .replicas = (o)->spec.replicas,                                          \
        .current_replicas = (o)->status.replicas, .selector = (o)->spec.selector                             \
    }
#define CONTROLLER(o)                                                                                        \
    (struct workload) {                                                                                      \
        .metadata = &(o)->metadata, .replicas = (o)->spec.replicas,                                          \
        .current_replicas = (o)->status.replicas, .labels = (o)->spec.selector, .is_map = true               \
    }

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
    case TY_APPS_DEPLOYMENT: *ret = WORKLOAD(d); break;
    case TY_APPS_REPLICA_SET: *ret = WORKLOAD(rs); break;
    case TY_APPS_STATEFUL_SET: *ret = WORKLOAD(ss); break;
    case TY_CORE_REPLICATION_CONTROLLER: *ret = CONTROLLER(rc); break;
    default: return unsupported(type, err);
    }
    return 0;
}

/* CONFORMS: the canonical text of the selector; "" without one. */
static int selector_text(struct arena *a, const struct workload *w, struct str *ret_text, struct err *err) {
    struct label_selector s = label_selector_of_map(a, w->labels);
    _cleanup_buf struct buf text = BUF_INIT;
    int rc = w->is_map ? 0 : label_selector_compile(a, w->selector, &s, err);
    if (rc)
        return rc;
    label_selector_write(&text, &s);
    *ret_text = buf_to_arena(&text, a);
    return 0;
}

int scale_of(struct arena *a, uint32_t type, const void *object, struct autoscaling_scale *ret_scale,
             struct err *err) {
    struct workload w;
    struct str selector;
    int rc = read_workload(type, object, &w, err);
    if (rc == 0)
        rc = selector_text(a, &w, &selector, err);
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
