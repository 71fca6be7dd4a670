/* scheduler/plugins/volume_binding: nodes from which a pod can reach its volumes.
 *
 * Bound claims tie the pod to the nodes of their volumes. A claim whose class waits for the first pod is
 * given, on the chosen node, the smallest volume that will do, or is handed to the provisioner with the
 * node's name; the pod is bound once all its claims are. CONFORMS: scheduler.tsv VolumeBinding.
 */
#include "api/quantity.h"
#include "api/types/ids.h"
#include "api/types/storage.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "codec/json.h"
#include "scheduler/plugins/volumes.h"

#define SELECTED_NODE "volume.kubernetes.io/selected-node"
#define NO_PROVISIONER "kubernetes.io/no-provisioner"

struct volume_choice {
    const struct object *object; /* held by the cycle */
    const struct core_persistent_volume *volume;
    struct node_selector affinity;
    bool has_affinity;
    int64_t bytes;
};

struct choices {
    struct volume_choice *v; /* smallest first */
    uint32_t n;
};

struct binding_state {
    struct claim_views claims;
    struct choices *choices; /* beside the claims; of those that wait */
    bool waits;
};

/* -- which volumes a claim may have -- */

static bool has_modes(const struct str_array *has, const struct str_array *wants) {
    for (uint32_t i = 0; i < wants->n; i++) {
        bool found = false;
        for (uint32_t j = 0; j < has->n; j++)
            found = found || str_eq(has->v[j], wants->v[i]);
        if (!found)
            return false;
    }
    return true;
}

static struct str mode_of(struct str mode) {
    return mode.n ? mode : S("Filesystem");
}

static int64_t bytes_of(struct quantity_map m) {
    const struct quantity *q = quantity_map_get(m, S("storage"));
    return q ? quantity_value(q) : 0;
}

static bool may_have(const struct scheduler *s, const struct core_persistent_volume_claim *claim,
                     const struct core_persistent_volume *pv) {
    const struct core_object_reference *ref = pv->spec.claim_ref;
    bool reserved = ref && str_eq(ref->name, claim->metadata.name) &&
                    str_eq(ref->namespace, claim->metadata.namespace) &&
                    (!ref->uid.n || str_eq(ref->uid, claim->metadata.uid));
    if (ref ? !reserved : !str_eq(pv->status.phase, S("Available")))
        return false;
    return !map_has(&s->taken_volumes, pv->metadata.name) && !pv->metadata.deletion_timestamp.set &&
           str_eq(pv->spec.storage_class_name, claim->spec.storage_class_name) &&
           str_eq(mode_of(pv->spec.volume_mode), mode_of(claim->spec.volume_mode)) &&
           has_modes(&pv->spec.access_modes, &claim->spec.access_modes) &&
           bytes_of(pv->spec.capacity) >= bytes_of(claim->spec.resources.requests) &&
           (!claim->spec.selector ||
            label_selector_struct_matches(claim->spec.selector, pv->metadata.labels));
}

static void insert_choice(struct choices *to, const struct volume_choice *choice) {
    uint32_t i = to->n++;
    for (; i && to->v[i - 1].bytes > choice->bytes; i--)
        to->v[i] = to->v[i - 1];
    to->v[i] = *choice;
}

static struct choices find_choices(struct cycle *c, const struct claim_view *view) {
    struct informer_snapshot snapshot;
    struct cow_iter it;
    informer_snapshot(c->s->followed[FOLLOW_VOLUMES].informer, &snapshot);
    struct choices r = {arena_new_n(c->arena, cow_count(&snapshot.tree), struct volume_choice), 0};
    cow_foreach (item, &it, cow_all(&it, &snapshot.tree)) {
        const struct object *o = item->value;
        struct volume_choice choice = {.object = o, .volume = o->body};
        if (!may_have(c->s, view->claim, choice.volume))
            continue;
        arena_hold(c->arena, object_release_any, object_ref(o));
        choice.bytes = bytes_of(choice.volume->spec.capacity);
        const struct core_volume_node_affinity *affinity = choice.volume->spec.node_affinity;
        choice.has_affinity = affinity && affinity->required;
        if (choice.has_affinity)
            node_selector_compile(c->arena, affinity->required, &choice.affinity);
        insert_choice(&r, &choice);
    }
    informer_snapshot_fini(&snapshot);
    return r;
}

/* -- PreFilter -- */

static enum code check_claim(struct cycle *c, const struct claim_view *v, bool ephemeral, bool *ret_waits) {
    if (!v->claim && ephemeral)
        cycle_prefilter(
            c, "waiting for ephemeral volume controller to create the persistentvolumeclaim \"%.*s\"",
            STR_ARG(v->name));
    else if (!v->claim)
        cycle_prefilter(c, "persistentvolumeclaim \"%.*s\" not found", STR_ARG(v->name));
    else if (str_eq(v->claim->status.phase, S("Lost")))
        cycle_prefilter(c, "persistentvolumeclaim \"%.*s\" bound to non-existent persistentvolume \"%.*s\"",
                        STR_ARG(v->name), STR_ARG(v->claim->spec.volume_name));
    else if (v->claim->metadata.deletion_timestamp.set)
        cycle_prefilter(c, "persistentvolumeclaim \"%.*s\" is being deleted", STR_ARG(v->name));
    else if (!v->bound && !claim_waits_for_pod(v))
        cycle_prefilter(c, "pod has unbound immediate PersistentVolumeClaims");
    else {
        *ret_waits = *ret_waits || !v->bound;
        return CODE_SUCCESS;
    }
    return CODE_UNRESOLVABLE;
}

static enum code volumes_pre_filter(const struct plugin *p, struct cycle *c) {
    if (!c->facts->n_claims)
        return CODE_SKIP;
    struct binding_state *st = c->state[p->index] = arena_new(c->arena, struct binding_state);
    st->claims = claim_views_of(c);
    st->choices = arena_new_n(c->arena, st->claims.n, struct choices);
    for (uint32_t i = 0; i < st->claims.n; i++) {
        const struct claim_view *v = &st->claims.v[i];
        enum code code = check_claim(c, v, c->facts->claims[i].ephemeral, &st->waits);
        if (code != CODE_SUCCESS)
            return code;
        if (!v->bound)
            st->choices[i] = find_choices(c, v);
    }
    return CODE_SUCCESS;
}

/* -- Filter -- */

static bool reaches(bool has_affinity, const struct node_selector *affinity, const struct sched_node *n) {
    return !has_affinity || node_selector_matches(affinity, n->object->meta->labels, n->name);
}

static bool is_used_before(const struct volume_choice *const *used, uint32_t n,
                           const struct volume_choice *choice) {
    for (uint32_t i = 0; i < n; i++)
        if (used[i] && used[i]->volume == choice->volume)
            return true;
    return false;
}

static const struct volume_choice *choose(const struct choices *from, const struct sched_node *n,
                                          const struct volume_choice *const *used, uint32_t n_used) {
    for (uint32_t i = 0; i < from->n; i++)
        if (reaches(from->v[i].has_affinity, &from->v[i].affinity, n) &&
            !is_used_before(used, n_used, &from->v[i]))
            return &from->v[i];
    return NULL;
}

static bool term_allows(const struct core_topology_selector_term *t, struct str_map labels) {
    for (uint32_t i = 0; i < t->match_label_expressions.n; i++) {
        const struct core_topology_selector_label_requirement *r = &t->match_label_expressions.v[i];
        struct str is = str_map_get(labels, r->key);
        bool found = false;
        for (uint32_t j = 0; j < r->values.n && is.p; j++)
            found = found || str_eq(r->values.v[j], is);
        if (!found)
            return false;
    }
    return true;
}

static bool can_provision(const struct claim_view *v, const struct sched_node *n) {
    const struct storage_storage_class *k = v->class_;
    if (!k || !k->provisioner.n || str_eq(k->provisioner, S(NO_PROVISIONER)))
        return false;
    for (uint32_t i = 0; i < k->allowed_topologies.n; i++)
        if (term_allows(&k->allowed_topologies.v[i], n->object->meta->labels))
            return true;
    return k->allowed_topologies.n == 0;
}

#define CHOSEN_MAX 64u

/* chosen: NULL for claims that are bound, or will be provisioned. */
static bool plan(const struct binding_state *st, const struct sched_node *n,
                 const struct volume_choice *chosen[CHOSEN_MAX]) {
    for (uint32_t i = 0; i < st->claims.n && i < CHOSEN_MAX; i++) {
        const struct claim_view *v = &st->claims.v[i];
        chosen[i] = NULL;
        if (v->bound)
            continue;
        struct str selected = str_map_get(v->claim->metadata.annotations, S(SELECTED_NODE));
        if (selected.n && !str_eq(selected, n->name))
            return false;
        chosen[i] = selected.n ? NULL : choose(&st->choices[i], n, chosen, i);
        if (!chosen[i] && !can_provision(v, n))
            return false;
    }
    return st->claims.n <= CHOSEN_MAX;
}

static enum code volumes_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    const struct binding_state *st = c->state[p->index];
    const struct volume_choice *chosen[CHOSEN_MAX];
    for (uint32_t i = 0; i < st->claims.n; i++) {
        const struct claim_view *v = &st->claims.v[i];
        if (v->bound && !v->volume) {
            cycle_reason(c, "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
            return CODE_UNRESOLVABLE;
        }
        if (v->bound && !reaches(v->has_affinity, &v->affinity, n)) {
            cycle_reason(c, "node(s) had volume node affinity conflict");
            return CODE_UNRESOLVABLE;
        }
    }
    if (!st->waits || plan(st, n, chosen))
        return CODE_SUCCESS;
    cycle_reason(c, "node(s) didn't find available persistent volumes to bind");
    return CODE_UNRESOLVABLE;
}

/* -- Reserve and PreBind -- */

static void write_claim_ref(struct buf *b, const struct meta_object_meta *claim) {
    buf_lit(
        b, "{\"metadata\":{\"annotations\":{\"pv.kubernetes.io/bound-by-controller\":\"yes\"}},"
           "\"spec\":{\"claimRef\":{\"kind\":\"PersistentVolumeClaim\",\"apiVersion\":\"v1\",\"namespace\":");
    json_write_string(b, claim->namespace);
    buf_lit(b, ",\"name\":");
    json_write_string(b, claim->name);
    buf_lit(b, ",\"uid\":");
    json_write_string(b, claim->uid);
    buf_lit(b, "}}}");
}

static void write_selected_node(struct buf *b, struct str node) {
    buf_lit(b, "{\"metadata\":{\"annotations\":{\"" SELECTED_NODE "\":");
    json_write_string(b, node);
    buf_lit(b, "}}}");
}

static void add_patch(struct sched_pod *pod, const struct kind *kind, const struct meta_object_meta *m,
                      struct buf *text) {
    struct volume_patch *v = &pod->volumes->patches[pod->volumes->n_patches++];
    struct arena *a = &pod->volumes->arena;
    *v = (struct volume_patch){.kind = kind,
                               .ns = arena_str(a, m->namespace),
                               .name = arena_str(a, m->name),
                               .text = arena_str(a, str_make(text->p, text->n))};
    text->n = 0;
}

static enum code volumes_reserve(const struct plugin *p, struct cycle *c, struct sched_node *n) {
    const struct binding_state *st = c->state[p->index];
    const struct volume_choice *chosen[CHOSEN_MAX];
    if (!st || !st->waits || c->skip_filter >> p->index & 1)
        return CODE_SUCCESS;
    if (!plan(st, n, chosen))
        return CODE_UNSCHEDULABLE;
    _cleanup_buf struct buf text = BUF_INIT;
    c->pod->volumes = volume_plan_new(st->claims.n);
    for (uint32_t i = 0; i < st->claims.n; i++) {
        const struct claim_view *v = &st->claims.v[i];
        if (v->bound)
            continue;
        if (chosen[i]) {
            write_claim_ref(&text, &v->claim->metadata);
            add_patch(c->pod, KIND(CORE_PERSISTENT_VOLUME), &chosen[i]->volume->metadata, &text);
            map_put_u64(&c->s->taken_volumes, chosen[i]->volume->metadata.name, 1);
        } else {
            write_selected_node(&text, n->name);
            add_patch(c->pod, KIND(CORE_PERSISTENT_VOLUME_CLAIM), &v->claim->metadata, &text);
        }
    }
    return CODE_SUCCESS;
}

static void volumes_unreserve(const struct plugin *p, struct scheduler *s, struct sched_pod *pod) {
    (void)p;
    volume_plan_drop(s, pod);
}

static enum code volumes_pre_bind(const struct plugin *p, struct scheduler *s, struct binding *b) {
    (void)p;
    return b->pod->volumes ? volume_plan_start(s, b) : CODE_SUCCESS;
}

const struct plugin_ops plugin_volume_binding = {.name = "VolumeBinding",
                                                 .events = EVENT_NODE_ADD | EVENT_NODE_LABEL | EVENT_CLAIM |
                                                           EVENT_VOLUME | EVENT_CLASS,
                                                 .pre_filter = volumes_pre_filter,
                                                 .filter = volumes_filter,
                                                 .reserve = volumes_reserve,
                                                 .unreserve = volumes_unreserve,
                                                 .pre_bind = volumes_pre_bind};
