/* controller/evict: ending pods. */
#include "controller/evict.h"

#include "api/time.h"

int pod_mark_disrupted(struct controller *c, struct reconcile *r, const struct object *pod,
                       const char *reason, const char *message, bool fail, struct err *err) {
    const struct core_pod *p = pod_of(pod);
    const struct core_pod_condition *old = pod_condition(p, S("DisruptionTarget"));
    bool tells = *reason && !(old && str_eq(old->status, S("True")) && str_eq(old->reason, str_from(reason)));
    bool fails = fail && !pod_is_finished(p);
    struct str condition = S("");
    char time[TIME_TEXT_SIZE];
    if (!tells && !fails)
        return 0;
    (void)timestamp_format(now_stamp(r), time);
    if (tells)
        condition = arena_printf(
            r->arena,
            ",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\",\"reason\":"
            "\"%s\",\"message\":\"%s\",\"lastTransitionTime\":\"%s\",\"observedGeneration\":%lld}]",
            reason, message, time, (long long)p->metadata.generation);
    struct str phase = fails ? S("Failed") : p->status.phase.n ? p->status.phase : S("Pending");
    /* a patch: the roles of those who evict allow nothing else */
    struct str patch =
        arena_printf(r->arena, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"%.*s\"%.*s}}",
                     STR_ARG(pod->meta->uid), STR_ARG(phase), STR_ARG(condition));
    return unless_gone(client_patch(c->client, pod->kind, pod->meta->namespace, pod->meta->name, S("status"),
                                    CLIENT_PATCH_STRATEGIC, patch, NULL, err));
}

int pod_evict(struct controller *c, const struct object *pod, bool at_once, struct err *err) {
    struct client_delete how = CLIENT_DELETE_DEFAULT;
    how.uid = pod->meta->uid;
    if (at_once)
        how.grace_seconds = 0;
    int rc = client_delete(c->client, pod->kind, pod->meta->namespace, pod->meta->name, &how, err);
    return rc == ERR_CONFLICT ? 0 : unless_gone(rc);
}
