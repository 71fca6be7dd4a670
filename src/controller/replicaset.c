/* controller/replicaset: ReplicaSets by the engine of replicas.h. */
#include "controller/rows.h"

#include "controller/replicas.h"

static int view(const struct object *o, struct arena *a, struct replica_view *ret, struct err *err) {
    const struct apps_replica_set *rs = o->body;
    *ret = (struct replica_view){.object = o,
                                 .replicas = rs->spec.replicas.set ? rs->spec.replicas.v : 1,
                                 .min_ready_seconds = rs->spec.min_ready_seconds,
                                 .template = &rs->spec.template,
                                 .status = rs->status};
    return label_selector_compile(a, rs->spec.selector, &ret->selector, err);
}

static bool selects(const struct object *o, struct str_map labels) {
    const struct meta_label_selector *s = ((const struct apps_replica_set *)o->body)->spec.selector;
    return s && (s->match_labels.n || s->match_expressions.n) && label_selector_struct_matches(s, labels);
}

static int32_t size(const struct object *o) {
    return ((const struct apps_replica_set *)o->body)->status.replicas;
}

static int write_status(struct client *c, const struct object *o,
                        const struct apps_replica_set_status *status, struct arena *a __attribute__((unused)),
                        struct err *err) {
    struct apps_replica_set rs = *(const struct apps_replica_set *)o->body;
    rs.status = *status;
    return client_update_status(c, o->kind, &rs, NULL, err);
}

int replicaset_start(struct controller *c, struct err *err) {
    static const struct replica_ops ops = {.kind = KIND(APPS_REPLICA_SET),
                                           .counts_terminating = true,
                                           .view = view,
                                           .selects = selects,
                                           .size = size,
                                           .write_status = write_status};
    return replicas_start(c, &ops, err);
}
