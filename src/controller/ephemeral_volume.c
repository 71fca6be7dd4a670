/* controller/ephemeral_volume: makes the claims of ephemeral volumes, named "<pod>-<volume>" and owned by
 * their pod. Keys are pods.
 */
#include "api/meta.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"
#include "controller/rows.h"

static int make_claim(struct reconcile *r, const struct object *pod, const struct core_volume *v,
                      struct err *err) {
    struct controller *c = r->arg;
    const struct core_persistent_volume_claim_template *t = v->volume_source.ephemeral->volume_claim_template;
    struct str name = arena_printf(r->arena, "%.*s-%.*s", STR_ARG(pod->meta->name), STR_ARG(v->name));
    const struct object *there =
        world_get(&r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM), pod->meta->namespace, name);
    if (there && !meta_is_controlled_by(there->meta, pod->meta->uid)) {
        event_record(c->events, pod, "Warning", "ConflictingPersistentVolumeClaim",
                     "The claim %.*s exists and does not belong to this pod", STR_ARG(name));
        return err_set(err, ERR_EXISTS, "the claim %.*s exists and does not belong to the pod",
                       STR_ARG(name));
    }
    if (there || !t)
        return 0;
    struct core_persistent_volume_claim claim = {.spec = t->spec};
    claim.metadata.name = name;
    claim.metadata.namespace = pod->meta->namespace;
    claim.metadata.labels = t->metadata.labels;
    claim.metadata.annotations = t->metadata.annotations;
    struct meta_owner_reference ref = meta_controller_ref(KIND(CORE_POD), pod->meta);
    meta_set_owner(r->arena, &claim.metadata, &ref);
    int rc = client_create(c->client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), claim.metadata.namespace, &claim,
                           NULL, err);
    return rc == ERR_EXISTS ? 0 : rc;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *pod = world_get_key(&r->world, KIND(CORE_POD), key);
    int rc = 0;
    if (!pod || meta_is_deleting(pod->meta) || pod_is_finished(pod_of(pod)))
        return 0;
    for (uint32_t i = 0; i < pod_of(pod)->spec.volumes.n && !rc; i++)
        if (pod_of(pod)->spec.volumes.v[i].volume_source.ephemeral)
            rc = make_claim(r, pod, &pod_of(pod)->spec.volumes.v[i], err);
    return rc;
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct core_volume_array *v = &pod_of(e->object)->spec.volumes;
    for (uint32_t i = 0; i < v->n && e->type == INFORMER_ADDED; i++)
        if (v->v[i].volume_source.ephemeral) {
            map_self(rc, e, arg);
            return;
        }
}

/* A claim that went while its pod stays is made again. */
static void map_claim(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type == INFORMER_DELETED)
        map_owner(rc, e, arg);
}

int ephemeral_volume_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_POD, map_pod, NULL),
        WATCH_ALL(CORE_PERSISTENT_VOLUME_CLAIM, map_claim, KIND(CORE_POD)),
    };
    return controller_add(c,
                          &(struct reconciler_options){
                              .watches = watches, .n_watches = 2, .reconcile = reconcile, .concurrency = 2},
                          NULL, err);
}
