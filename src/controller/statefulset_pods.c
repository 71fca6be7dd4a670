/* controller/statefulset_pods: the pods of a stateful set and their claims. */
#include "api/equal.h"
#include "api/meta.h"
#include "controller/statefulset_priv.h"

static struct str pod_name(const struct set_run *x, int32_t ordinal) {
    return arena_printf(x->a, "%.*s-%d", STR_ARG(x->object->meta->name), ordinal);
}

static struct str claim_name(const struct set_run *x, const struct core_persistent_volume_claim *t,
                             int32_t ordinal) {
    return arena_printf(x->a, "%.*s-%.*s-%d", STR_ARG(t->metadata.name), STR_ARG(x->object->meta->name),
                        ordinal);
}

/* -- claims -- */

static bool deletes(struct str policy) {
    return str_eq(policy, S("Delete"));
}

/* Who owns the claims of a place: nobody, the set, or the pod that is given up. */
static bool claim_owner(const struct set_run *x, const struct set_slot *slot, bool condemned,
                        struct meta_owner_reference *ret) {
    const struct apps_stateful_set_persistent_volume_claim_retention_policy *p =
        x->set.spec.persistent_volume_claim_retention_policy;
    if (!p)
        return false;
    if (condemned && deletes(p->when_scaled) && slot->pod) {
        *ret = meta_controller_ref(KIND(CORE_POD), slot->pod->meta);
        return true;
    }
    if (deletes(p->when_deleted)) {
        *ret = meta_controller_ref(KIND(APPS_STATEFUL_SET), x->object->meta);
        return true;
    }
    return false;
}

/* References to this set and to pods are ours. */
static bool set_claim_owner(struct set_run *x, const struct set_slot *slot, bool condemned,
                            struct meta_object_meta *m) {
    struct meta_owner_reference wanted;
    bool any = claim_owner(x, slot, condemned, &wanted), changed = false;
    for (uint32_t i = m->owner_references.n; i-- > 0;) {
        const struct meta_owner_reference *ref = &m->owner_references.v[i];
        bool ours = str_eq(ref->uid, x->object->meta->uid) ||
                    (str_eq(ref->kind, S("Pod")) && str_eq(ref->name, pod_name(x, slot->ordinal)));
        if (ours && !(any && str_eq(ref->uid, wanted.uid)))
            changed = meta_remove_owner(x->a, m, ref->uid) || changed;
    }
    if (any && !meta_owner(m, wanted.uid)) {
        meta_set_owner(x->a, m, &wanted);
        changed = true;
    }
    return changed;
}

int set_retain_claims(struct set_run *x, const struct set_slot *slot, bool condemned, struct err *err) {
    for (uint32_t i = 0; i < x->set.spec.volume_claim_templates.n; i++) {
        struct str name = claim_name(x, &x->set.spec.volume_claim_templates.v[i], slot->ordinal);
        const struct object *o =
            world_get(&x->r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM), x->object->meta->namespace, name);
        if (!o)
            continue;
        struct core_persistent_volume_claim claim = *(const struct core_persistent_volume_claim *)o->body;
        if (!set_claim_owner(x, slot, condemned, &claim.metadata))
            continue;
        int rc = unless_gone(client_update(x->c->client, o->kind, &claim, NULL, err));
        if (rc)
            return rc;
    }
    return 0;
}

static int make_claim(struct set_run *x, const struct core_persistent_volume_claim *t,
                      const struct set_slot *slot, struct err *err) {
    struct core_persistent_volume_claim claim = *t;
    const struct object *there = world_get(&x->r->world, KIND(CORE_PERSISTENT_VOLUME_CLAIM),
                                           x->object->meta->namespace, claim_name(x, t, slot->ordinal));
    if (there && meta_is_deleting(there->meta))
        return err_set(err, ERR_AGAIN, "the claim %.*s is being deleted", STR_ARG(there->meta->name));
    if (there)
        return 0;
    claim.metadata.name = claim_name(x, t, slot->ordinal);
    claim.metadata.namespace = x->object->meta->namespace;
    claim.metadata.labels = str_map_merge(x->a, t->metadata.labels, x->set.spec.selector->match_labels);
    (void)set_claim_owner(x, slot, false, &claim.metadata);
    int rc = client_create(x->c->client, KIND(CORE_PERSISTENT_VOLUME_CLAIM), claim.metadata.namespace, &claim,
                           NULL, err);
    if (rc == ERR_EXISTS)
        return 0;
    event_record(x->c->events, x->object, rc ? "Warning" : "Normal", rc ? "FailedCreate" : "SuccessfulCreate",
                 "create Claim %.*s Pod %.*s in StatefulSet %.*s %s%s", STR_ARG(claim.metadata.name),
                 STR_ARG(pod_name(x, slot->ordinal)), STR_ARG(x->object->meta->name),
                 rc ? "failed error: " : "success", rc ? err->msg : "");
    return rc;
}

/* -- the pod -- */

static struct core_volume_array with_claims(struct set_run *x, const struct apps_stateful_set *set,
                                            const struct core_volume_array *from, int32_t ordinal) {
    const struct core_persistent_volume_claim_array *t = &set->spec.volume_claim_templates;
    struct core_volume_array out = {arena_new_n(x->a, from->n + t->n + 1, struct core_volume), 0};
    for (uint32_t i = 0; i < t->n; i++) {
        struct core_persistent_volume_claim_volume_source *source =
            arena_new(x->a, struct core_persistent_volume_claim_volume_source);
        source->claim_name = claim_name(x, &t->v[i], ordinal);
        out.v[out.n++] = (struct core_volume){.name = t->v[i].metadata.name,
                                              .volume_source = {.persistent_volume_claim = source}};
    }
    for (uint32_t i = 0; i < from->n; i++) {
        bool replaced = false;
        for (uint32_t j = 0; j < t->n; j++)
            replaced = replaced || str_eq(from->v[i].name, t->v[j].metadata.name);
        if (!replaced)
            out.v[out.n++] = from->v[i];
    }
    return out;
}

static struct core_pod *make_pod(struct set_run *x, const struct set_slot *slot) {
    const struct apps_stateful_set *set = slot->is_update ? &x->set : x->current_set;
    struct core_pod *p = pod_from_template(x->a, &set->spec.template, x->object);
    struct str name = pod_name(x, slot->ordinal);
    struct str_map labels = p->metadata.labels;
    labels = str_map_with(x->a, labels, S("statefulset.kubernetes.io/pod-name"), name);
    labels = str_map_with(x->a, labels, S("apps.kubernetes.io/pod-index"),
                          arena_printf(x->a, "%d", slot->ordinal));
    labels =
        str_map_with(x->a, labels, S("controller-revision-hash"), slot->is_update ? x->update : x->current);
    p->metadata.labels = labels;
    p->metadata.generate_name = STR_NONE;
    p->metadata.name = name;
    p->spec.hostname = name;
    p->spec.subdomain = set->spec.service_name;
    p->spec.volumes = with_claims(x, set, &p->spec.volumes, slot->ordinal);
    return p;
}

int set_make_pod(struct set_run *x, const struct set_slot *slot, struct err *err) {
    for (uint32_t i = 0; i < x->set.spec.volume_claim_templates.n; i++) {
        int rc = make_claim(x, &x->set.spec.volume_claim_templates.v[i], slot, err);
        if (rc)
            return rc;
    }
    struct core_pod *p = make_pod(x, slot);
    int rc = client_create(x->c->client, KIND(CORE_POD), x->object->meta->namespace, p, NULL, err);
    if (rc == ERR_EXISTS)
        return 0; /* made by a run that this one's picture does not show; or another's: it is seen as it comes
                   */
    event_record(x->c->events, x->object, rc ? "Warning" : "Normal", rc ? "FailedCreate" : "SuccessfulCreate",
                 "create Pod %.*s in StatefulSet %.*s %s%s", STR_ARG(p->metadata.name),
                 STR_ARG(x->object->meta->name), rc ? "failed error: " : "successful", rc ? err->msg : "");
    return rc;
}
