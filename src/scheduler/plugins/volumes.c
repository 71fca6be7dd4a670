/* scheduler/plugins/volumes: see volumes.h; and the plugins that only look: VolumeZone and
 * VolumeRestrictions. CONFORMS: scheduler.tsv. */
#include "scheduler/plugins/volumes.h"

#include "api/types/storage.h"

#define BIND_COMPLETED "pv.kubernetes.io/bind-completed"

static const void *held_body(struct cycle *c, struct object *o) {
    if (o)
        arena_hold(c->arena, object_release_any, o);
    return o ? o->body : NULL;
}

bool claim_is_bound(const struct core_persistent_volume_claim *claim) {
    return claim->spec.volume_name.n && str_map_get(claim->metadata.annotations, S(BIND_COMPLETED)).p;
}

bool claim_waits_for_pod(const struct claim_view *v) {
    return v->class_ && str_eq(v->class_->volume_binding_mode, S("WaitForFirstConsumer"));
}

static void look_up(struct cycle *c, const struct facts_claim *from, struct claim_view *v) {
    struct object *o = scheduler_find(c->s, FOLLOW_CLAIMS, c->facts->ns, from->name);
    *v = (struct claim_view){.name = from->name, .object = o, .claim = held_body(c, o)};
    if (!v->claim)
        return;
    v->bound = claim_is_bound(v->claim);
    if (v->claim->spec.volume_name.n)
        v->volume = held_body(c, scheduler_find(c->s, FOLLOW_VOLUMES, STR_NONE, v->claim->spec.volume_name));
    if (v->claim->spec.storage_class_name.n)
        v->class_ =
            held_body(c, scheduler_find(c->s, FOLLOW_CLASSES, STR_NONE, v->claim->spec.storage_class_name));
    const struct core_volume_node_affinity *affinity = v->volume ? v->volume->spec.node_affinity : NULL;
    v->has_affinity = affinity && affinity->required;
    if (v->has_affinity)
        node_selector_compile(c->arena, affinity->required, &v->affinity);
}

struct claim_views claim_views_of(struct cycle *c) {
    struct claim_views r = {arena_new_n(c->arena, c->facts->n_claims, struct claim_view), c->facts->n_claims};
    for (uint32_t i = 0; i < r.n; i++)
        look_up(c, &c->facts->claims[i], &r.v[i]);
    return r;
}

/* -- VolumeZone -- */

static const struct {
    struct str ga, legacy;
} places[] = {
    {STR_INIT("topology.kubernetes.io/zone"), STR_INIT("failure-domain.beta.kubernetes.io/zone")},
    {STR_INIT("topology.kubernetes.io/region"), STR_INIT("failure-domain.beta.kubernetes.io/region")},
};

static struct str place_of(struct str_map labels, unsigned i) {
    struct str value = str_map_get(labels, places[i].ga);
    return value.p ? value : str_map_get(labels, places[i].legacy);
}

static bool has_value(struct str values, struct str wanted) {
    ptrdiff_t at;
    while ((at = str_find(values, S("__"))) >= 0) {
        if (str_eq(str_cut(values, (size_t)at), wanted))
            return true;
        values = str_from_byte(values, (size_t)at + 2);
    }
    return str_eq(values, wanted);
}

static enum code zone_pre_filter(const struct plugin *p, struct cycle *c) {
    if (!c->facts->n_claims)
        return CODE_SKIP;
    struct claim_views *views = c->state[p->index] = arena_new(c->arena, struct claim_views);
    *views = claim_views_of(c);
    return CODE_SUCCESS;
}

static enum code zone_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    const struct claim_views *views = c->state[p->index];
    struct str_map labels = n->object->meta->labels;
    if (!place_of(labels, 0).p && !place_of(labels, 1).p)
        return CODE_SUCCESS;
    for (uint32_t i = 0; i < views->n; i++)
        for (unsigned j = 0; j < 2 && views->v[i].volume; j++) {
            struct str wanted = place_of(views->v[i].volume->metadata.labels, j), is = place_of(labels, j);
            if (!wanted.p || (is.p && has_value(wanted, is)))
                continue;
            cycle_reason(c, "node(s) had no available volume zone");
            return CODE_UNRESOLVABLE;
        }
    return CODE_SUCCESS;
}

const struct plugin_ops plugin_volume_zone = {.name = "VolumeZone",
                                              .events = EVENT_NODE_ADD | EVENT_NODE_LABEL | EVENT_CLAIM |
                                                        EVENT_VOLUME | EVENT_CLASS,
                                              .pre_filter = zone_pre_filter,
                                              .filter = zone_filter};

/* -- VolumeRestrictions -- */

static bool shares_monitor(const struct core_rbd_volume_source *a, const struct core_rbd_volume_source *b) {
    for (uint32_t i = 0; i < a->monitors.n; i++)
        for (uint32_t j = 0; j < b->monitors.n; j++)
            if (str_eq(a->monitors.v[i], b->monitors.v[j]))
                return true;
    return false;
}

static bool disks_clash(const struct core_volume_source *a, const struct core_volume_source *b) {
    if (a->gce_persistent_disk && b->gce_persistent_disk)
        return str_eq(a->gce_persistent_disk->pd_name, b->gce_persistent_disk->pd_name) &&
               !(a->gce_persistent_disk->read_only && b->gce_persistent_disk->read_only);
    if (a->aws_elastic_block_store && b->aws_elastic_block_store)
        return str_eq(a->aws_elastic_block_store->volume_id, b->aws_elastic_block_store->volume_id);
    if (a->iscsi && b->iscsi)
        return str_eq(a->iscsi->iqn, b->iscsi->iqn) && !(a->iscsi->read_only && b->iscsi->read_only);
    if (a->rbd && b->rbd)
        return str_eq(a->rbd->pool, b->rbd->pool) && str_eq(a->rbd->image, b->rbd->image) &&
               shares_monitor(a->rbd, b->rbd) && !(a->rbd->read_only && b->rbd->read_only);
    return false;
}

static bool pods_clash(const struct core_pod *a, const struct core_pod *b) {
    for (uint32_t i = 0; i < a->spec.volumes.n; i++)
        for (uint32_t j = 0; j < b->spec.volumes.n; j++)
            if (disks_clash(&a->spec.volumes.v[i].volume_source, &b->spec.volumes.v[j].volume_source))
                return true;
    return false;
}

/* Claims of the pod that one pod alone may use. */
struct exclusive {
    const struct str *names;
    uint32_t n;
};

static enum code restrictions_pre_filter(const struct plugin *p, struct cycle *c) {
    struct str *names = arena_new_n(c->arena, c->facts->n_claims, struct str);
    struct exclusive *own = c->state[p->index] = arena_new(c->arena, struct exclusive);
    for (uint32_t i = 0; i < c->facts->n_claims; i++) {
        struct object *o = scheduler_find(c->s, FOLLOW_CLAIMS, c->facts->ns, c->facts->claims[i].name);
        const struct core_persistent_volume_claim *claim = held_body(c, o);
        for (uint32_t j = 0; claim && j < claim->spec.access_modes.n; j++)
            if (str_eq(claim->spec.access_modes.v[j], S("ReadWriteOncePod")))
                names[own->n++] = c->facts->claims[i].name;
    }
    own->names = names;
    return own->n || c->facts->has_disks ? CODE_SUCCESS : CODE_SKIP;
}

static bool uses_one_of(const struct pod_facts *f, const struct exclusive *own) {
    for (uint32_t i = 0; i < f->n_claims; i++)
        for (uint32_t j = 0; j < own->n; j++)
            if (str_eq(f->claims[i].name, own->names[j]))
                return true;
    return false;
}

/* One pod, wherever it is, excludes others. */
static bool is_in_use(const struct cycle *c, const struct exclusive *own) {
    if (own->n)
        vec_foreach (f, &c->nodes->facts->by_id)
            if (*f && (*f)->n_pods && str_eq((*f)->ns, c->facts->ns) && uses_one_of(*f, own))
                return true;
    return false;
}

static enum code restrictions_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    if (is_in_use(c, c->state[p->index])) {
        cycle_reason(c, "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod "
                        "access mode");
        return CODE_UNSCHEDULABLE;
    }
    if (!n->n_disks || !c->facts->has_disks)
        return CODE_SUCCESS;
    vec_foreach (k, &n->kinds)
        if (k->facts->has_disks && pods_clash(c->facts->pod, k->facts->pod)) {
            cycle_reason(c, "node(s) had no available disk");
            return CODE_UNSCHEDULABLE;
        }
    return CODE_SUCCESS;
}

const struct plugin_ops plugin_volume_restrictions = {.name = "VolumeRestrictions",
                                                      .events =
                                                          EVENT_POD_DELETE | EVENT_NODE_ADD | EVENT_CLAIM,
                                                      .pre_filter = restrictions_pre_filter,
                                                      .filter = restrictions_filter};
