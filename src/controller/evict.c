/* controller/evict: ending pods. */
#include "controller/evict.h"

int pod_mark_disrupted(struct controller *c, struct reconcile *r, const struct object *pod,
                       const char *reason, const char *message, bool fail, struct err *err) {
    struct core_pod p = *pod_of(pod);
    bool changed = false;
    if (*reason) {
        struct core_pod_condition wanted = {.type = S("DisruptionTarget"),
                                            .status = S("True"),
                                            .reason = str_from(reason),
                                            .message = str_from(message),
                                            .observed_generation = p.metadata.generation,
                                            .last_transition_time = now_stamp(r)};
        changed = pod_set_condition(r->arena, &p.status.conditions, &wanted);
    }
    if (fail && !pod_is_finished(&p)) {
        p.status.phase = S("Failed");
        changed = true;
    }
    return changed ? unless_gone(client_update_status(c->client, pod->kind, &p, NULL, err)) : 0;
}

int pod_evict(struct controller *c, const struct object *pod, bool at_once, struct err *err) {
    struct client_delete how = CLIENT_DELETE_DEFAULT;
    how.uid = pod->meta->uid;
    if (at_once)
        how.grace_seconds = 0;
    int rc = client_delete(c->client, pod->kind, pod->meta->namespace, pod->meta->name, &how, err);
    return rc == ERR_CONFLICT ? 0 : unless_gone(rc);
}
