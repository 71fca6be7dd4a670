/* controller/protection: volumes and claims that are in use stay until they are not: finalizers
 * kubernetes.io/pvc-protection and kubernetes.io/pv-protection. Two controllers.
 */
#include "api/meta.h"
#include "controller/controller_priv.h"
#include "controller/pods.h"
#include "controller/rows.h"

#define CLAIM_FINALIZER S("kubernetes.io/pvc-protection")
#define VOLUME_FINALIZER S("kubernetes.io/pv-protection")

/* -- claims -- */

static struct str claim_of_volume(struct arena *a, const struct core_pod *p, const struct core_volume *v) {
    if (v->volume_source.persistent_volume_claim)
        return v->volume_source.persistent_volume_claim->claim_name;
    if (v->volume_source.ephemeral)
        return arena_printf(a, "%.*s-%.*s", STR_ARG(p->metadata.name), STR_ARG(v->name));
    return S("");
}

static bool uses(struct arena *a, const struct core_pod *p, struct str claim) {
    for (uint32_t i = 0; i < p->spec.volumes.n; i++)
        if (str_eq(claim_of_volume(a, p, &p->spec.volumes.v[i]), claim))
            return true;
    return false;
}

/* A pod that no node has, or that has ended, holds nothing. */
static bool claim_is_used(struct reconcile *r, const struct object *claim) {
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_POD), claim->meta->namespace)) {
        const struct core_pod *p = pod_of(item->value);
        if (p->spec.node_name.n && !pod_is_finished(p) && uses(r->arena, p, claim->meta->name))
            return true;
    }
    return false;
}

static int reconcile_claim(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM), key);
    if (!o)
        return 0;
    struct core_persistent_volume_claim claim = *(const struct core_persistent_volume_claim *)o->body;
    bool has = meta_has_finalizer(o->meta, CLAIM_FINALIZER), going = meta_is_deleting(o->meta);
    if (has == !going || (going && (!has || claim_is_used(r, o))))
        return 0;
    if (going)
        (void)meta_remove_finalizer(r->arena, &claim.metadata, CLAIM_FINALIZER);
    else
        (void)meta_add_finalizer(r->arena, &claim.metadata, CLAIM_FINALIZER);
    return unless_gone(client_update(c->client, o->kind, &claim, NULL, err));
}

static void map_claim(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type != INFORMER_DELETED &&
        meta_is_deleting(e->object->meta) == meta_has_finalizer(e->object->meta, CLAIM_FINALIZER))
        map_self(rc, e, arg);
}

static void map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *p = pod_of(e->object);
    (void)arg;
    if (e->type != INFORMER_DELETED && !pod_is_finished(p))
        return;
    for (uint32_t i = 0; i < p->spec.volumes.n; i++) {
        struct str claim = claim_of_volume(&a, p, &p->spec.volumes.v[i]);
        if (claim.n)
            reconciler_enqueue(rc, key_of(&a, p->metadata.namespace, claim));
    }
}

int pvc_protection_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_PERSISTENT_VOLUME_CLAIM, map_claim, NULL),
        WATCH_ALL(CORE_POD, map_pod, NULL),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile_claim},
        NULL, err);
}

/* -- volumes -- */

static int reconcile_volume(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_PERSISTENT_VOLUME), key);
    if (!o)
        return 0;
    struct core_persistent_volume volume = *(const struct core_persistent_volume *)o->body;
    bool has = meta_has_finalizer(o->meta, VOLUME_FINALIZER), going = meta_is_deleting(o->meta);
    if (has == !going || (going && (!has || str_eq(volume.status.phase, S("Bound")))))
        return 0;
    if (going)
        (void)meta_remove_finalizer(r->arena, &volume.metadata, VOLUME_FINALIZER);
    else
        (void)meta_add_finalizer(r->arena, &volume.metadata, VOLUME_FINALIZER);
    return unless_gone(client_update(c->client, o->kind, &volume, NULL, err));
}

int pv_protection_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {WATCH_ALL(CORE_PERSISTENT_VOLUME, map_self, NULL)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile_volume},
        NULL, err);
}
