/* NodeRestriction: a kubelet writes its own node, its own pods, and little else. See admission.h. The node
 * authoriser has decided by names before; here it is what is in the objects. CONFORMS: KEP-279, KEP-2579.
 */
#include "api/equal.h"
#include "api/meta.h"
#include "api/types/authentication.h"
#include "api/types/certificates.h"
#include "api/types/core.h"
#include "api/types/policy.h"
#include "api/types/resource.h"
#include "apiserver/admission_priv.h"
#include "apiserver/authz_node.h"
#include "base/buf.h"
#include "net/pki.h"

/* One write of a node. */
struct node_write {
    struct admission_request *r;
    struct str node;
    struct status **ret_status;
};

#define REFUSE(w, ...) admission_forbid((w)->r, (w)->ret_status, __VA_ARGS__)

/* -- pods -- */

static bool is_mirror(const struct core_pod *p) {
    return str_map_get(p->metadata.annotations, S("kubernetes.io/config.mirror")).p != NULL;
}

static const char *first_reference(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->spec.volumes.n; i++) {
        const struct core_volume_source *v = &p->spec.volumes.v[i].volume_source;
        if (v->persistent_volume_claim || v->ephemeral)
            return "persistentvolumeclaims";
        if (v->secret)
            return "secrets";
        if (v->config_map)
            return "configmaps";
        for (uint32_t k = 0; v->projected && k < v->projected->sources.n; k++) {
            if (v->projected->sources.v[k].secret)
                return "secrets";
            if (v->projected->sources.v[k].config_map)
                return "configmaps";
        }
    }
    return p->spec.resource_claims.n ? "resourceclaims" : NULL;
}

static bool env_references(const struct core_container_array *containers) {
    for (uint32_t i = 0; i < containers->n; i++) {
        const struct core_container *c = &containers->v[i];
        for (uint32_t k = 0; k < c->env.n; k++) {
            const struct core_env_var_source *from = c->env.v[k].value_from;
            if (from && (from->secret_key_ref || from->config_map_key_ref))
                return true;
        }
        if (c->env_from.n)
            return true;
    }
    return false;
}

static enum admission_verdict check_owner(const struct node_write *w, const struct core_pod *p) {
    if (p->metadata.owner_references.n != 1)
        return REFUSE(w, "node \"%.*s\" can only create pods with a single owner reference set to itself",
                      STR_ARG(w->node));
    const struct meta_owner_reference *o = &p->metadata.owner_references.v[0];
    if (!str_eq(o->api_version, S("v1")) || !str_eq(o->kind, S("Node")) || !str_eq(o->name, w->node))
        return REFUSE(w, "node \"%.*s\" can only create pods with an owner reference set to itself",
                      STR_ARG(w->node));
    if (!(o->controller.set && o->controller.v))
        return REFUSE(w, "node \"%.*s\" can only create pods with a controller owner reference set to itself",
                      STR_ARG(w->node));
    if (o->block_owner_deletion.set && o->block_owner_deletion.v)
        return REFUSE(w, "node \"%.*s\" must not set blockOwnerDeletion on an owner reference",
                      STR_ARG(w->node));
    const struct object *node = call_lookup(w->r->call, KIND_CORE_NODE, S(""), w->node);
    if (!node)
        return REFUSE(w, "node \"%.*s\" was not found", STR_ARG(w->node));
    if (!str_eq(o->uid, node->meta->uid))
        return REFUSE(w, "node %.*s UID mismatch: expected %.*s got %.*s", STR_ARG(w->node), STR_ARG(o->uid),
                      STR_ARG(node->meta->uid));
    return ADMIT_NEXT;
}

static enum admission_verdict create_pod(const struct node_write *w) {
    const struct core_pod *p = w->r->object;
    if (!is_mirror(p))
        return REFUSE(w,
                      "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"%.*s\" can only "
                      "create mirror pods",
                      STR_ARG(w->node));
    if (!str_eq(p->spec.node_name, w->node))
        return REFUSE(w, "node \"%.*s\" can only create pods with spec.nodeName set to itself",
                      STR_ARG(w->node));
    enum admission_verdict v = check_owner(w, p);
    if (v != ADMIT_NEXT)
        return v;
    if (!str_empty(p->spec.service_account_name))
        return REFUSE(w, "node \"%.*s\" can not create pods that reference a service account",
                      STR_ARG(w->node));
    const char *what = first_reference(p);
    if (!what && (env_references(&p->spec.containers) || env_references(&p->spec.init_containers)))
        what = "secrets or configmaps";
    if (what)
        return REFUSE(w, "node \"%.*s\" can not create pods that reference %s", STR_ARG(w->node), what);
    return ADMIT_NEXT;
}

static const struct core_pod *stored_pod(const struct node_write *w) {
    if (w->r->old)
        return w->r->old;
    const struct object *o = call_lookup(w->r->call, KIND_CORE_POD, w->r->ns, w->r->name);
    return o ? o->body : NULL;
}

static enum admission_verdict own_pod(const struct node_write *w, const char *verb) {
    const struct core_pod *p = stored_pod(w);
    if (!p)
        return ADMIT_NEXT; /* 404 follows */
    if (!str_eq(p->spec.node_name, w->node))
        return REFUSE(w, "node \"%.*s\" can only %s pods with spec.nodeName set to itself", STR_ARG(w->node),
                      verb);
    return ADMIT_NEXT;
}

static enum admission_verdict pod_status(const struct node_write *w) {
    if (w->r->operation != ADMIT_UPDATE)
        return REFUSE(w, "node \"%.*s\" can only update the status of pods", STR_ARG(w->node));
    const struct core_pod *now = w->r->object, *old = w->r->old;
    if (!str_eq(old->spec.node_name, w->node))
        return REFUSE(w, "node \"%.*s\" can only update pod status for pods with spec.nodeName set to itself",
                      STR_ARG(w->node));
    if (!str_map_equal(now->metadata.labels, old->metadata.labels))
        return REFUSE(w, "node \"%.*s\" cannot update labels through pod status", STR_ARG(w->node));
    if (!api_equal_field(&builtin, TY_CORE_POD_STATUS, &now->status, &old->status,
                         S("resourceClaimStatuses")))
        return REFUSE(w, "node \"%.*s\" cannot update resource claim statuses", STR_ARG(w->node));
    return ADMIT_NEXT;
}

static enum admission_verdict admit_pod(const struct node_write *w) {
    struct str sub = w->r->subresource;
    if (str_eq(sub, S("status")))
        return pod_status(w);
    if (str_eq(sub, S("eviction")))
        return own_pod(w, "evict");
    if (!str_empty(sub))
        return REFUSE(w, "unexpected pod subresource \"%.*s\", only 'status' and 'eviction' are allowed",
                      STR_ARG(sub));
    if (w->r->operation == ADMIT_CREATE)
        return create_pod(w);
    if (w->r->operation == ADMIT_DELETE)
        return own_pod(w, "delete");
    return REFUSE(w, "unexpected operation, node \"%.*s\" can only create and delete mirror pods",
                  STR_ARG(w->node));
}

/* -- labels of nodes -- */

/* Of the domain itself or below it. */
static bool in_domain(struct str key, struct str domain) {
    struct str prefix, name;
    if (!str_split(key, '/', &prefix, &name))
        return false;
    if (!str_has_suffix(prefix, domain))
        return false;
    return prefix.n == domain.n || prefix.p[prefix.n - domain.n - 1] == '.';
}

static bool is_kubelet_label(struct str key) {
    static const struct str known[] = {
        STR_INIT("kubernetes.io/hostname"),
        STR_INIT("kubernetes.io/os"),
        STR_INIT("kubernetes.io/arch"),
        STR_INIT("beta.kubernetes.io/os"),
        STR_INIT("beta.kubernetes.io/arch"),
        STR_INIT("beta.kubernetes.io/instance-type"),
        STR_INIT("node.kubernetes.io/instance-type"),
        STR_INIT("topology.kubernetes.io/zone"),
        STR_INIT("topology.kubernetes.io/region"),
        STR_INIT("failure-domain.beta.kubernetes.io/zone"),
        STR_INIT("failure-domain.beta.kubernetes.io/region"),
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(key, known[i]))
            return true;
    return in_domain(key, S("kubelet.kubernetes.io")) || in_domain(key, S("node.kubernetes.io"));
}

static bool is_forbidden_label(struct str key) {
    if (in_domain(key, S("node-restriction.kubernetes.io")))
        return true;
    return (in_domain(key, S("kubernetes.io")) || in_domain(key, S("k8s.io"))) && !is_kubelet_label(key);
}

static void note_label(struct buf *out, struct str key) {
    if (out->n)
        buf_lit(out, ", ");
    buf_str(out, key);
}

/* Labels that were set, changed or removed and that are not the kubelet's to change. */
static struct str forbidden_changes(struct arena *a, struct str_map now, struct str_map old) {
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < now.n; i++) {
        struct str had = str_map_get(old, now.v[i].key);
        if (is_forbidden_label(now.v[i].key) && !(had.p && str_eq(had, now.v[i].value)))
            note_label(&out, now.v[i].key);
    }
    for (uint32_t i = 0; i < old.n; i++)
        if (is_forbidden_label(old.v[i].key) && !str_map_get(now, old.v[i].key).p)
            note_label(&out, old.v[i].key);
    return buf_to_arena(&out, a);
}

/* -- nodes -- */

static enum admission_verdict create_node(const struct node_write *w) {
    const struct core_node *n = w->r->object;
    if (n->spec.config_source)
        return REFUSE(w, "node \"%.*s\" is not allowed to create a node with a configSource",
                      STR_ARG(w->node));
    struct str labels = forbidden_changes(admission_arena(w->r), n->metadata.labels, (struct str_map){0});
    if (labels.n)
        return REFUSE(w, "node \"%.*s\" is not allowed to set the following labels: %.*s", STR_ARG(w->node),
                      STR_ARG(labels));
    return ADMIT_NEXT;
}

static enum admission_verdict update_node(const struct node_write *w) {
    const struct core_node *now = w->r->object, *old = w->r->old;
    if (now->spec.config_source && !old->spec.config_source)
        return REFUSE(w, "node \"%.*s\" cannot update configSource to a new non-nil configSource",
                      STR_ARG(w->node));
    if (!api_equal_field(&builtin, TY_CORE_NODE_SPEC, &now->spec, &old->spec, S("taints")))
        return REFUSE(w, "node \"%.*s\" is not allowed to modify taints", STR_ARG(w->node));
    if (!api_equal_field(&builtin, TY_META_OBJECT_META, &now->metadata, &old->metadata, S("ownerReferences")))
        return REFUSE(w, "node \"%.*s\" is not allowed to modify owner references", STR_ARG(w->node));
    struct str labels = forbidden_changes(admission_arena(w->r), now->metadata.labels, old->metadata.labels);
    if (labels.n)
        return REFUSE(w, "node \"%.*s\" is not allowed to modify labels: %.*s", STR_ARG(w->node),
                      STR_ARG(labels));
    return ADMIT_NEXT;
}

static struct str object_name(const struct admission_request *r) {
    if (!str_empty(r->name) || !r->object)
        return r->name;
    return object_meta_in(r->kind, r->object)->name;
}

static enum admission_verdict admit_node(const struct node_write *w) {
    struct str name = object_name(w->r);
    if (!str_eq(name, w->node))
        return REFUSE(w, "node \"%.*s\" is not allowed to modify node \"%.*s\"", STR_ARG(w->node),
                      STR_ARG(name));
    return w->r->operation == ADMIT_CREATE   ? create_node(w)
           : w->r->operation == ADMIT_UPDATE ? update_node(w)
                                             : ADMIT_NEXT;
}

/* -- claims -- */

static bool only_reports(const struct core_persistent_volume_claim *now,
                         const struct core_persistent_volume_claim *old) {
    static const struct str status[] = {STR_INIT("status"), STR_INIT("metadata")};
    static const struct str parts[] = {STR_INIT("capacity"), STR_INIT("conditions"),
                                       STR_INIT("allocatedResources"), STR_INIT("allocatedResourceStatuses")};
    static const struct str ours[] = {STR_INIT("managedFields"), STR_INIT("resourceVersion")};
    return api_equal_but(&builtin, TY_CORE_PERSISTENT_VOLUME_CLAIM, now, old, status, 2) &&
           api_equal_but(&builtin, TY_META_OBJECT_META, &now->metadata, &old->metadata, ours, 2) &&
           api_equal_but(&builtin, TY_CORE_PERSISTENT_VOLUME_CLAIM_STATUS, &now->status, &old->status, parts,
                         4);
}

static enum admission_verdict admit_claim(const struct node_write *w) {
    if (w->r->operation != ADMIT_UPDATE || !str_eq(w->r->subresource, S("status")))
        return REFUSE(w, "node \"%.*s\" may only update PVC status", STR_ARG(w->node));
    if (!only_reports(w->r->object, w->r->old))
        return REFUSE(w,
                      "node \"%.*s\" is not allowed to update fields other than status.capacity, "
                      "status.conditions and status.allocatedResources",
                      STR_ARG(w->node));
    return ADMIT_NEXT;
}

/* -- tokens -- */

static enum admission_verdict admit_token(const struct node_write *w) {
    if (!str_eq(w->r->subresource, S("token")) || w->r->operation != ADMIT_CREATE)
        return ADMIT_NEXT;
    const struct authentication_token_request *t = w->r->object;
    const struct authentication_bound_object_reference *ref = t->spec.bound_object_ref;
    if (!ref || !str_eq(ref->api_version, S("v1")) || !str_eq(ref->kind, S("Pod")) || str_empty(ref->name))
        return REFUSE(w, "node requested token not bound to a pod");
    if (str_empty(ref->uid))
        return REFUSE(w, "node requested token with a pod binding without a uid");
    const struct object *o = call_lookup(w->r->call, KIND_CORE_POD, w->r->ns, ref->name);
    if (!o)
        return REFUSE(w, "pod \"%.*s\" not found", STR_ARG(ref->name));
    const struct core_pod *p = o->body;
    if (!str_eq(ref->uid, p->metadata.uid))
        return REFUSE(w,
                      "the UID in the bound object reference (%.*s) does not match the UID in record (%.*s)",
                      STR_ARG(ref->uid), STR_ARG(p->metadata.uid));
    if (!str_eq(p->spec.node_name, w->node))
        return REFUSE(w, "node requested token bound to a pod scheduled on a different node");
    if (!str_eq(p->spec.service_account_name, w->r->name))
        return REFUSE(w, "node requested a token of a service account that the pod does not run as");
    return ADMIT_NEXT;
}

/* -- what carries the node's name -- */

static enum admission_verdict admit_lease(const struct node_write *w) {
    if (!str_eq(w->r->ns, S("kube-node-lease")))
        return REFUSE(w, "can only access leases in the \"kube-node-lease\" system namespace");
    if (!str_eq(object_name(w->r), w->node))
        return REFUSE(w, "can only access node lease with the same name as the requesting node");
    return ADMIT_NEXT;
}

static enum admission_verdict admit_csi_node(const struct node_write *w) {
    if (!str_eq(object_name(w->r), w->node))
        return REFUSE(w, "can only access CSINode with the same name as the requesting node");
    return ADMIT_NEXT;
}

static enum admission_verdict admit_slice(const struct node_write *w) {
    const struct resource_resource_slice *s = w->r->operation == ADMIT_DELETE ? w->r->old : w->r->object;
    if (s && !str_eq(s->spec.node_name, w->node))
        return REFUSE(w, "can only access ResourceSlice with the same NodeName as the requesting node");
    return ADMIT_NEXT;
}

static enum admission_verdict admit_csr(const struct node_write *w) {
    if (w->r->operation != ADMIT_CREATE)
        return ADMIT_NEXT;
    const struct certificates_certificate_signing_request *c = w->r->object;
    if (!str_eq(c->spec.signer_name, S("kubernetes.io/kubelet-serving")) &&
        !str_eq(c->spec.signer_name, S("kubernetes.io/kube-apiserver-client-kubelet")))
        return ADMIT_NEXT;
    struct pki_names names;
    if (pki_request_parse(c->spec.request, admission_arena(w->r), &names, NULL) < 0)
        return REFUSE(w, "the certificate request cannot be read");
    if (!str_eq(names.cn, w->r->call->user.name))
        return REFUSE(w, "can only create a node CSR with CN=%.*s", STR_ARG(w->r->call->user.name));
    return ADMIT_NEXT;
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    struct node_write w = {.r = r, .ret_status = ret_status};
    (void)a;
    if (!node_identity(&r->call->user, &w.node))
        return ADMIT_NEXT;
    if (str_empty(w.node))
        return REFUSE(&w, "could not determine node from user \"%.*s\"", STR_ARG(r->call->user.name));
    switch (r->kind->index) {
    case KIND_CORE_POD: return admit_pod(&w);
    case KIND_CORE_NODE: return admit_node(&w);
    case KIND_CORE_PERSISTENT_VOLUME_CLAIM: return admit_claim(&w);
    case KIND_CORE_SERVICE_ACCOUNT: return admit_token(&w);
    case KIND_COORDINATION_LEASE: return admit_lease(&w);
    case KIND_STORAGE_CSI_NODE: return admit_csi_node(&w);
    case KIND_RESOURCE_RESOURCE_SLICE: return admit_slice(&w);
    case KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST: return admit_csr(&w);
    default: return ADMIT_NEXT;
    }
}

const struct admission_plugin admission_node_restriction = {
    .name = "NodeRestriction",
    .operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE,
    .mutate = mutate,
};
