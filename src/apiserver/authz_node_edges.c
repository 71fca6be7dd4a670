/* apiserver/authz_node: which objects a pod or a volume uses. */
#include "api/types/core.h"
#include "apiserver/authz_node.h"

static bool is_ref(const struct core_local_object_reference *ref, struct str name) {
    return ref && str_eq(ref->name, name);
}

/* -- containers -- */

static bool env_from_uses(const struct core_env_from_source_array *list, enum node_object kind,
                          struct str name) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_env_from_source *e = &list->v[i];
        if (kind == NODE_SECRET && e->secret_ref && is_ref(&e->secret_ref->local_object_reference, name))
            return true;
        if (kind == NODE_CONFIG_MAP && e->config_map_ref &&
            is_ref(&e->config_map_ref->local_object_reference, name))
            return true;
    }
    return false;
}

static bool env_uses(const struct core_env_var_array *list, enum node_object kind, struct str name) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_env_var_source *from = list->v[i].value_from;
        if (!from)
            continue;
        if (kind == NODE_SECRET && from->secret_key_ref &&
            is_ref(&from->secret_key_ref->local_object_reference, name))
            return true;
        if (kind == NODE_CONFIG_MAP && from->config_map_key_ref &&
            is_ref(&from->config_map_key_ref->local_object_reference, name))
            return true;
    }
    return false;
}

static bool containers_use(const struct core_container_array *list, enum node_object kind, struct str name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (env_from_uses(&list->v[i].env_from, kind, name) || env_uses(&list->v[i].env, kind, name))
            return true;
    return false;
}

static bool any_container_uses(const struct core_pod_spec *spec, enum node_object kind, struct str name) {
    if (containers_use(&spec->containers, kind, name) || containers_use(&spec->init_containers, kind, name))
        return true;
    for (uint32_t i = 0; i < spec->ephemeral_containers.n; i++) {
        const struct core_ephemeral_container_common *c =
            &spec->ephemeral_containers.v[i].ephemeral_container_common;
        if (env_from_uses(&c->env_from, kind, name) || env_uses(&c->env, kind, name))
            return true;
    }
    return false;
}

/* -- volumes of pods -- */

static bool projected_uses(const struct core_projected_volume_source *p, enum node_object kind,
                           struct str name) {
    for (uint32_t i = 0; i < p->sources.n; i++) {
        const struct core_volume_projection *from = &p->sources.v[i];
        if (kind == NODE_SECRET && from->secret && is_ref(&from->secret->local_object_reference, name))
            return true;
        if (kind == NODE_CONFIG_MAP && from->config_map &&
            is_ref(&from->config_map->local_object_reference, name))
            return true;
    }
    return false;
}

static bool source_uses_secret(const struct core_volume_source *s, struct str name) {
    return (s->secret && str_eq(s->secret->secret_name, name)) ||
           (s->azure_file && str_eq(s->azure_file->secret_name, name)) ||
           (s->cephfs && is_ref(s->cephfs->secret_ref, name)) ||
           (s->cinder && is_ref(s->cinder->secret_ref, name)) ||
           (s->flex_volume && is_ref(s->flex_volume->secret_ref, name)) ||
           (s->iscsi && is_ref(s->iscsi->secret_ref, name)) || (s->rbd && is_ref(s->rbd->secret_ref, name)) ||
           (s->scale_io && is_ref(s->scale_io->secret_ref, name)) ||
           (s->storageos && is_ref(s->storageos->secret_ref, name)) ||
           (s->csi && is_ref(s->csi->node_publish_secret_ref, name));
}

/* The claim of an ephemeral volume is called pod-volume. */
static bool is_ephemeral_claim(const struct core_pod *pod, const struct core_volume *v, struct str name) {
    struct str owner = pod->metadata.name;
    return v->volume_source.ephemeral && name.n == owner.n + 1 + v->name.n && str_has_prefix(name, owner) &&
           name.p[owner.n] == '-' && str_has_suffix(name, v->name);
}

static bool any_volume_uses(const struct core_pod *pod, enum node_object kind, struct str name) {
    for (uint32_t i = 0; i < pod->spec.volumes.n; i++) {
        const struct core_volume *v = &pod->spec.volumes.v[i];
        const struct core_volume_source *s = &v->volume_source;
        if (s->projected && projected_uses(s->projected, kind, name))
            return true;
        if (kind == NODE_SECRET && source_uses_secret(s, name))
            return true;
        if (kind == NODE_CONFIG_MAP && s->config_map && is_ref(&s->config_map->local_object_reference, name))
            return true;
        if (kind != NODE_CLAIM)
            continue;
        if (s->persistent_volume_claim && str_eq(s->persistent_volume_claim->claim_name, name))
            return true;
        if (is_ephemeral_claim(pod, v, name))
            return true;
    }
    return false;
}

/* -- pods -- */

static bool pulls_with(const struct core_pod_spec *spec, struct str name) {
    for (uint32_t i = 0; i < spec->image_pull_secrets.n; i++)
        if (str_eq(spec->image_pull_secrets.v[i].name, name))
            return true;
    return false;
}

/* Claims named in the spec, made from its templates, or made for extended resources. */
static bool uses_resource_claim(const struct core_pod *pod, struct str name) {
    const struct core_pod_resource_claim_array *claims = &pod->spec.resource_claims;
    for (uint32_t i = 0; i < claims->n; i++)
        if (str_eq(claims->v[i].resource_claim_name, name))
            return true;
    const struct core_pod_resource_claim_status_array *made = &pod->status.resource_claim_statuses;
    for (uint32_t i = 0; i < made->n; i++)
        if (str_eq(made->v[i].resource_claim_name, name))
            return true;
    const struct core_pod_extended_resource_claim_status *extended =
        pod->status.extended_resource_claim_status;
    return extended && str_eq(extended->resource_claim_name, name);
}

bool node_pod_uses(const struct core_pod *pod, enum node_object kind, struct str name) {
    if (str_empty(name) || str_map_get(pod->metadata.annotations, S("kubernetes.io/config.mirror")).p)
        return false;
    switch (kind) {
    case NODE_SECRET:
        return pulls_with(&pod->spec, name) || any_container_uses(&pod->spec, kind, name) ||
               any_volume_uses(pod, kind, name);
    case NODE_CONFIG_MAP:
        return any_container_uses(&pod->spec, kind, name) || any_volume_uses(pod, kind, name);
    case NODE_CLAIM: return any_volume_uses(pod, kind, name);
    case NODE_SERVICE_ACCOUNT: return str_eq(pod->spec.service_account_name, name);
    case NODE_RESOURCE_CLAIM: return uses_resource_claim(pod, name);
    case NODE_POD:
    case NODE_VOLUME:
    case NODE_ATTACHMENT:
    case NODE_RESOURCE_SLICE:
    case NODE_POD_CERTIFICATE: break;
    }
    return false;
}

/* -- persistent volumes -- */

/* A secret without a namespace is in the claim's. */
static bool is_secret(const struct core_secret_reference *ref, struct str claim_ns, struct str ns,
                      struct str name) {
    return ref && str_eq(ref->name, name) &&
           str_eq(str_empty(ref->namespace) ? claim_ns : ref->namespace, ns);
}

bool node_volume_uses_secret(const struct core_persistent_volume *pv, struct str ns, struct str name) {
    const struct core_persistent_volume_source *s = &pv->spec.persistent_volume_source;
    if (str_empty(name) || !pv->spec.claim_ref)
        return false;
    struct str claim_ns = pv->spec.claim_ref->namespace;
    if (s->azure_file)
        return str_eq(s->azure_file->secret_name, name) &&
               str_eq(str_empty(s->azure_file->secret_namespace) ? claim_ns : s->azure_file->secret_namespace,
                      ns);
    if (s->cephfs)
        return is_secret(s->cephfs->secret_ref, claim_ns, ns, name);
    if (s->cinder)
        return is_secret(s->cinder->secret_ref, S(""), ns, name);
    if (s->flex_volume)
        return is_secret(s->flex_volume->secret_ref, claim_ns, ns, name);
    if (s->rbd)
        return is_secret(s->rbd->secret_ref, claim_ns, ns, name);
    if (s->scale_io)
        return is_secret(s->scale_io->secret_ref, claim_ns, ns, name);
    if (s->iscsi)
        return is_secret(s->iscsi->secret_ref, claim_ns, ns, name);
    if (s->storageos && s->storageos->secret_ref)
        return str_eq(s->storageos->secret_ref->name, name) &&
               str_eq(s->storageos->secret_ref->namespace, ns);
    /* the controllers' secrets are none of the kubelet's business */
    return s->csi && (is_secret(s->csi->node_stage_secret_ref, S(""), ns, name) ||
                      is_secret(s->csi->node_publish_secret_ref, S(""), ns, name) ||
                      is_secret(s->csi->node_expand_secret_ref, S(""), ns, name));
}
