/* Strategies of the core group but pods and services. See strategy.h. CONFORMS: strategy.tsv. */
#include "api/equal.h"
#include "api/field_error.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "apiserver/strategy_priv.h"
#include "base/rand.h"

/* -- namespaces -- */

#define KUBERNETES_FINALIZER S("kubernetes")

static bool holds(const struct str_array *list, struct str what) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i], what))
            return true;
    return false;
}

static void label_with_name(struct call *c, struct meta_object_meta *m) {
    if (m->name.n)
        m->labels = str_map_with(c->arena, m->labels, S("kubernetes.io/metadata.name"), m->name);
}

static void namespace_create(struct call *c, void *object) {
    struct core_namespace *ns = object;
    ns->status = (struct core_namespace_status){.phase = S("Active")};
    label_with_name(c, &ns->metadata);
    if (holds(&ns->spec.finalizers, KUBERNETES_FINALIZER))
        return;
    struct str *v = arena_new_n(c->arena, ns->spec.finalizers.n + 1u, struct str);
    if (ns->spec.finalizers.n)
        memcpy(v, ns->spec.finalizers.v, ns->spec.finalizers.n * sizeof *v);
    v[ns->spec.finalizers.n] = KUBERNETES_FINALIZER;
    ns->spec.finalizers = (struct str_array){v, ns->spec.finalizers.n + 1};
}

static void namespace_update(struct call *c, void *object, const void *old) {
    struct core_namespace *ns = object;
    const struct core_namespace *from = old;
    label_with_name(c, &ns->metadata);
    ns->spec.finalizers = from->spec.finalizers;
    ns->status = from->status;
}

static void namespace_status(struct call *c, void *object, const void *old) {
    struct core_namespace *ns = object;
    (void)c;
    ns->spec = ((const struct core_namespace *)old)->spec;
}

static void namespace_subresource(struct call *c, struct str subresource, void *object, const void *old) {
    struct core_namespace *ns = object;
    (void)c;
    if (str_eq(subresource, S("finalize")))
        ns->status = ((const struct core_namespace *)old)->status;
}

static bool namespace_outlives(struct call *c, void *object) {
    struct core_namespace *ns = object;
    (void)c;
    if (ns->spec.finalizers.n == 0)
        return false;
    ns->status.phase = S("Terminating");
    return true;
}

const struct strategy strategy_namespace = {
    .kind = KIND_CORE_NAMESPACE,
    .prepare_create = namespace_create,
    .prepare_update = namespace_update,
    .prepare_status = namespace_status,
    .prepare_subresource = namespace_subresource,
    .outlives_delete = namespace_outlives,
};

/* -- nodes: kubelets create them with their status -- */

static void node_create(struct call *c, void *object) {
    struct core_node *n = object;
    (void)c;
    n->spec.config_source = NULL;
    n->status.config = NULL;
}

static void node_update(struct call *c, void *object, const void *old) {
    struct core_node *n = object;
    const struct core_node *from = old;
    (void)c;
    if (!from->spec.config_source)
        n->spec.config_source = NULL;
}

static void node_status(struct call *c, void *object, const void *old) {
    struct core_node *n = object;
    const struct core_node *from = old;
    (void)c;
    n->spec = from->spec;
    if (!from->status.config)
        n->status.config = NULL;
}

static void node_warn(struct call *c, const void *object, const void *old) {
    const struct core_node *n = object;
    (void)old;
    if (n->spec.config_source)
        call_warn(c, "spec.configSource: the feature is no longer supported");
    if (n->spec.external_id.n)
        call_warn(c, "spec.externalID: this field is deprecated, and is unused by Kubernetes");
}

const struct strategy strategy_node = {
    .kind = KIND_CORE_NODE,
    .prepare_create = node_create,
    .prepare_update = node_update,
    .prepare_status = node_status,
    .warn = node_warn,
};

/* -- volumes and claims -- */

static void volume_create(struct call *c, void *object) {
    struct core_persistent_volume *v = object;
    v->status = (struct core_persistent_volume_status){
        .phase = S("Pending"),
        .last_phase_transition_time = strategy_now(c),
    };
}

static void volume_status(struct call *c, void *object, const void *old) {
    struct core_persistent_volume *v = object;
    const struct core_persistent_volume *from = old;
    v->spec = from->spec;
    if (str_eq(v->status.phase, from->status.phase))
        v->status.last_phase_transition_time = from->status.last_phase_transition_time;
    else
        v->status.last_phase_transition_time = strategy_now(c);
}

static void volume_warn(struct call *c, const void *object, const void *old) {
    const struct core_persistent_volume *v = object;
    (void)old;
    if (str_map_get(v->metadata.annotations, S("volume.beta.kubernetes.io/storage-class")).p)
        call_warn(c,
                  "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "
                  "\"storageClassName\" attribute instead");
    if (str_eq(v->spec.persistent_volume_reclaim_policy, S("Recycle")))
        call_warn(
            c, "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the "
               "recommended approach is to use dynamic provisioning.");
}

const struct strategy strategy_volume = {
    .kind = KIND_CORE_PERSISTENT_VOLUME,
    .prepare_create = volume_create,
    .prepare_status = volume_status,
    .warn = volume_warn,
};

static bool is_old_source(struct str group, struct str kind) {
    return (str_empty(group) && str_eq(kind, S("PersistentVolumeClaim"))) ||
           (str_eq(group, S("snapshot.storage.k8s.io")) && str_eq(kind, S("VolumeSnapshot")));
}

/* dataSource is the older and narrower of two fields that say the same. */
static void align_sources(struct call *c, struct core_persistent_volume_claim_spec *s) {
    if (s->data_source_ref)
        s->data_source_ref->namespace = STR_NONE; /* across namespaces: behind a gate, which is off */
    if (s->data_source && !s->data_source_ref) {
        s->data_source_ref = arena_new(c->arena, struct core_typed_object_reference);
        s->data_source_ref->api_group = s->data_source->api_group;
        s->data_source_ref->kind = s->data_source->kind;
        s->data_source_ref->name = s->data_source->name;
    } else if (s->data_source_ref && !s->data_source) {
        s->data_source = arena_new(c->arena, struct core_typed_local_object_reference);
        s->data_source->api_group = s->data_source_ref->api_group;
        s->data_source->kind = s->data_source_ref->kind;
        s->data_source->name = s->data_source_ref->name;
    }
}

static void claim_create(struct call *c, void *object) {
    struct core_persistent_volume_claim *p = object;
    p->status = (struct core_persistent_volume_claim_status){.phase = S("Pending")};
    /* What dataSource cannot name was always dropped there. */
    if (p->spec.data_source && !p->spec.data_source_ref &&
        !is_old_source(p->spec.data_source->api_group, p->spec.data_source->kind))
        p->spec.data_source = NULL;
    align_sources(c, &p->spec);
}

static void claim_update(struct call *c, void *object, const void *old) {
    (void)old;
    align_sources(c, &((struct core_persistent_volume_claim *)object)->spec);
}

static void claim_status(struct call *c, void *object, const void *old) {
    (void)c;
    ((struct core_persistent_volume_claim *)object)->spec =
        ((const struct core_persistent_volume_claim *)old)->spec;
}

static void claim_warn(struct call *c, const void *object, const void *old) {
    const struct core_persistent_volume_claim *p = object;
    (void)old;
    if (str_map_get(p->metadata.annotations, S("volume.beta.kubernetes.io/storage-class")).p)
        call_warn(c,
                  "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "
                  "\"storageClassName\" attribute instead");
    const struct quantity *q = quantity_map_get(p->spec.resources.requests, S("storage"));
    if (q && q->nanos)
        call_warn(c,
                  "spec.resources.requests[storage]: fractional byte value is invalid, must be an integer");
}

const struct strategy strategy_claim = {
    .kind = KIND_CORE_PERSISTENT_VOLUME_CLAIM,
    .prepare_create = claim_create,
    .prepare_update = claim_update,
    .prepare_status = claim_status,
    .warn = claim_warn,
};

/* -- quotas, limits, secrets, accounts -- */

STRATEGY_DROPS_STATUS(quota_create, core_resource_quota)

const struct strategy strategy_quota = {
    .kind = KIND_CORE_RESOURCE_QUOTA,
    .prepare_create = quota_create,
};

static void limit_range_create(struct call *c, void *object) {
    struct core_limit_range *l = object;
    if (!str_empty(l->metadata.name) || !str_empty(l->metadata.generate_name))
        return;
    char uuid[RAND_UUID_SIZE];
    rand_uuid(c->server->rand, uuid);
    l->metadata.name = arena_str(c->arena, str_from(uuid));
}

const struct strategy strategy_limit_range = {
    .kind = KIND_CORE_LIMIT_RANGE,
    .prepare_create = limit_range_create,
};

static void secret_update(struct call *c, void *object, const void *old) {
    struct core_secret *s = object;
    (void)c;
    if (str_empty(s->type))
        s->type = ((const struct core_secret *)old)->type;
}

const struct strategy strategy_secret = {
    .kind = KIND_CORE_SECRET,
    .prepare_update = secret_update,
};

static void only_names(struct core_service_account *a) {
    for (uint32_t i = 0; i < a->secrets.n; i++)
        a->secrets.v[i] = (struct core_object_reference){.name = a->secrets.v[i].name};
}

static void account_create(struct call *c, void *object) {
    (void)c;
    only_names(object);
}

static void account_update(struct call *c, void *object, const void *old) {
    (void)c;
    (void)old;
    only_names(object);
}

#define ENFORCE_SECRETS S("kubernetes.io/enforce-mountable-secrets")

static void account_warn(struct call *c, const void *object, const void *old) {
    const struct core_service_account *a = object, *from = old;
    if (str_map_get(a->metadata.annotations, ENFORCE_SECRETS).p &&
        !(from && str_map_get(from->metadata.annotations, ENFORCE_SECRETS).p))
        call_warn(
            c, "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer "
               "separate namespaces to isolate access to mounted secrets");
}

const struct strategy strategy_service_account = {
    .kind = KIND_CORE_SERVICE_ACCOUNT,
    .prepare_create = account_create,
    .prepare_update = account_update,
    .warn = account_warn,
};

/* -- templates, events -- */

static void pod_template_create(struct call *c, void *object) {
    (void)c;
    strategy_drop_pod_fields(&((struct core_pod_template *)object)->template.spec, NULL);
}

static void pod_template_update(struct call *c, void *object, const void *old) {
    (void)c;
    strategy_drop_pod_fields(&((struct core_pod_template *)object)->template.spec,
                             &((const struct core_pod_template *)old)->template.spec);
}

static void pod_template_warn(struct call *c, const void *object, const void *old) {
    const struct core_pod_template *t = object, *from = old;
    strategy_warn_pod(c, at_field(NULL, "template"), &t->template.spec, &t->template.metadata,
                      from ? &from->template.spec : NULL);
}

const struct strategy strategy_pod_template = {
    .kind = KIND_CORE_POD_TEMPLATE,
    .spec_generation = true,
    .prepare_create = pod_template_create,
    .prepare_update = pod_template_update,
    .warn = pod_template_warn,
};

const struct strategy strategy_event = {
    .kind = KIND_CORE_EVENT,
    .soft = true,
};
