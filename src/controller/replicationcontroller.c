/* controller/replicationcontroller: ReplicationControllers by the engine of replicas.h. */
#include "controller/rows.h"

#include "controller/replicas.h"

/* The conditions of both kinds have the same members. */
static struct apps_replica_set_condition_array conditions_of(const struct core_replication_controller *rc,
                                                             struct arena *a) {
    uint32_t n = rc->status.conditions.n;
    struct apps_replica_set_condition *v = arena_new_n(a, n ? n : 1, struct apps_replica_set_condition);
    for (uint32_t i = 0; i < n; i++) {
        const struct core_replication_controller_condition *c = &rc->status.conditions.v[i];
        v[i] = (struct apps_replica_set_condition){.type = c->type,
                                                   .status = c->status,
                                                   .last_transition_time = c->last_transition_time,
                                                   .reason = c->reason,
                                                   .message = c->message};
    }
    return (struct apps_replica_set_condition_array){v, n};
}

static int view(const struct object *o, struct arena *a, struct replica_view *ret, struct err *err) {
    const struct core_replication_controller *rc = o->body;
    if (!rc->spec.template || !rc->spec.selector.n)
        return err_set(err, ERR_INVALID, "the ReplicationController has no template or no selector");
    *ret = (struct replica_view){.object = o,
                                 .replicas = rc->spec.replicas.set ? rc->spec.replicas.v : 1,
                                 .min_ready_seconds = rc->spec.min_ready_seconds,
                                 .template = rc->spec.template,
                                 .selector = label_selector_of_map(a, rc->spec.selector)};
    const struct core_replication_controller_status *s = &rc->status;
    ret->status = (struct apps_replica_set_status){.replicas = s->replicas,
                                                   .fully_labeled_replicas = s->fully_labeled_replicas,
                                                   .ready_replicas = s->ready_replicas,
                                                   .available_replicas = s->available_replicas,
                                                   .observed_generation = s->observed_generation,
                                                   .conditions = conditions_of(rc, a)};
    return 0;
}

static bool selects(const struct object *o, struct str_map labels) {
    struct str_map s = ((const struct core_replication_controller *)o->body)->spec.selector;
    return s.n && label_map_matches(s, labels);
}

static int32_t size(const struct object *o) {
    return ((const struct core_replication_controller *)o->body)->status.replicas;
}

static int write_status(struct client *c, const struct object *o,
                        const struct apps_replica_set_status *status, struct arena *a, struct err *err) {
    struct core_replication_controller rc = *(const struct core_replication_controller *)o->body;
    uint32_t n = status->conditions.n;
    struct core_replication_controller_condition *v =
        arena_new_n(a, n ? n : 1, struct core_replication_controller_condition);
    for (uint32_t i = 0; i < n; i++) {
        const struct apps_replica_set_condition *from = &status->conditions.v[i];
        v[i] =
            (struct core_replication_controller_condition){.type = from->type,
                                                           .status = from->status,
                                                           .last_transition_time = from->last_transition_time,
                                                           .reason = from->reason,
                                                           .message = from->message};
    }
    rc.status =
        (struct core_replication_controller_status){.replicas = status->replicas,
                                                    .fully_labeled_replicas = status->fully_labeled_replicas,
                                                    .ready_replicas = status->ready_replicas,
                                                    .available_replicas = status->available_replicas,
                                                    .observed_generation = status->observed_generation,
                                                    .conditions = {v, n}};
    return client_update_status(c, o->kind, &rc, NULL, err);
}

int replicationcontroller_start(struct controller *c, struct err *err) {
    static const struct replica_ops ops = {.kind = KIND(CORE_REPLICATION_CONTROLLER),
                                           .view = view,
                                           .selects = selects,
                                           .size = size,
                                           .write_status = write_status};
    return replicas_start(c, &ops, err);
}
