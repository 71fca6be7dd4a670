/* apiserver/authz_node: the rules. */
#include "apiserver/authz_node.h"

#include "api/field_selector.h"
#include "api/types/rbac.h"
#include "apiserver/authz_rbac.h"
#include "base/arena.h"
#include "base/err.h"

/* One question, from a node that is known. */
struct node_question {
    const struct node_graph *graph;
    const struct access *what;
    struct str node;
    struct arena *arena;
    struct str reason; /* set when it is not allowed */
};

static bool refuse(struct node_question *q, struct str reason) {
    q->reason = reason;
    return false;
}

static bool verb_in(const struct node_question *q, const char *const *verbs) {
    for (; *verbs; verbs++)
        if (str_eq(q->what->verb, str_from(*verbs)))
            return true;
    return false;
}

#define VERB_IN(q, ...) verb_in((q), (const char *const[]){__VA_ARGS__, NULL})

static bool is_related(struct node_question *q, enum node_object kind) {
    const struct access *w = q->what;
    if (str_empty(w->name))
        return refuse(q, S("an object must be named"));
    if (q->graph->ops->reaches(q->graph->arg, q->node, kind, w->ns, w->name))
        return true;
    return refuse(q, arena_printf(q->arena, "no relationship found between node '%.*s' and this object",
                                  STR_ARG(q->node)));
}

static bool has_subresource(struct node_question *q) {
    if (str_empty(q->what->subresource))
        return false;
    (void)refuse(q, S("nodes have no access to this subresource"));
    return true;
}

/* Whether the request asks for just what this field ties to the node. */
static bool selects(const struct node_question *q, struct str field) {
    const struct field_selector *s = q->what->fields;
    for (uint32_t i = 0; s && i < s->n; i++)
        if (!s->v[i].is_not && str_eq(s->v[i].field, field) && str_eq(s->v[i].value, q->node))
            return true;
    return false;
}

static bool need_selected(struct node_question *q, const char *field) {
    if (selects(q, str_from(field)))
        return true;
    return refuse(q, arena_printf(q->arena, "node '%.*s' can only %.*s with the field selector %s=%.*s",
                                  STR_ARG(q->node), STR_ARG(q->what->verb), field, STR_ARG(q->node)));
}

/* Secrets and config maps: single ones may be listed and watched, which is how kubelets follow them. */
static bool may_read(struct node_question *q, enum node_object kind) {
    if (!VERB_IN(q, "get", "list", "watch"))
        return refuse(q, S("nodes can only read objects of this type"));
    if (has_subresource(q))
        return false;
    if (str_empty(q->what->ns))
        return refuse(q, S("nodes can only read objects of this type in a namespace"));
    return is_related(q, kind);
}

static bool may_get(struct node_question *q, enum node_object kind) {
    if (!VERB_IN(q, "get"))
        return refuse(q, S("nodes can only get single objects of this type"));
    return !has_subresource(q) && is_related(q, kind);
}

static bool may_use_claim(struct node_question *q) {
    if (!str_eq(q->what->subresource, S("status")))
        return may_get(q, NODE_CLAIM);
    if (!VERB_IN(q, "get", "update", "patch"))
        return refuse(q, S("nodes can only get, update and patch the status of this type"));
    return is_related(q, NODE_CLAIM);
}

/* Tokens for the pods' service accounts, and reading these for credential providers. */
static bool may_use_service_account(struct node_question *q) {
    bool is_token = str_eq(q->what->subresource, S("token")) && VERB_IN(q, "create");
    bool is_get = str_empty(q->what->subresource) && VERB_IN(q, "get");
    if (!is_token && !is_get)
        return refuse(q, S("nodes can only get service accounts and create their tokens"));
    return is_related(q, NODE_SERVICE_ACCOUNT);
}

/* Things that carry the node's name. Creating does not show it in the path: NodeRestriction looks. */
static bool may_own(struct node_question *q) {
    if (!VERB_IN(q, "get", "create", "update", "patch", "delete"))
        return refuse(q, S("nodes can only get, create, update, patch and delete their own"));
    if (has_subresource(q))
        return false;
    if (!VERB_IN(q, "create") && !str_eq(q->what->name, q->node))
        return refuse(q, arena_printf(q->arena, "node '%.*s' has access to its own only", STR_ARG(q->node)));
    return true;
}

static bool may_use_lease(struct node_question *q) {
    if (!str_eq(q->what->ns, S("kube-node-lease")))
        return refuse(q, S("nodes have access to leases in the namespace kube-node-lease only"));
    return may_own(q);
}

static bool may_use_slice(struct node_question *q) {
    if (has_subresource(q))
        return false;
    if (VERB_IN(q, "create"))
        return true; /* NodeRestriction looks at spec.nodeName */
    if (VERB_IN(q, "list", "watch", "deletecollection"))
        return need_selected(q, "spec.nodeName");
    if (VERB_IN(q, "get", "update", "patch", "delete"))
        return is_related(q, NODE_RESOURCE_SLICE);
    return refuse(q, S("nodes cannot do this with resource slices"));
}

static bool may_use_pod_certificate(struct node_question *q) {
    if (has_subresource(q))
        return false;
    if (VERB_IN(q, "create"))
        return true; /* admission looks at the node, the pod and its service account */
    if (VERB_IN(q, "list", "watch"))
        return need_selected(q, "spec.nodeName");
    if (VERB_IN(q, "get"))
        return is_related(q, NODE_POD_CERTIFICATE);
    return refuse(q, S("nodes can only read and create these requests"));
}

/* CONFORMS: since 1.34 nodes read themselves only. */
static bool may_use_node(struct node_question *q) {
    const struct access *w = q->what;
    if (str_eq(w->subresource, S("status")) && VERB_IN(q, "update", "patch"))
        return true;
    if (has_subresource(q))
        return false;
    if (VERB_IN(q, "create", "update", "patch"))
        return true; /* NodeRestriction looks at the name */
    if (!VERB_IN(q, "get", "list", "watch"))
        return refuse(q, S("nodes cannot do this with nodes"));
    if (str_eq(w->name, q->node) || (str_empty(w->name) && selects(q, S("metadata.name"))))
        return true;
    return refuse(q,
                  arena_printf(q->arena, "node '%.*s' can only read its own Node object", STR_ARG(q->node)));
}

/* CONFORMS: since 1.34 nodes read pods bound to them only. */
static bool may_use_pod(struct node_question *q) {
    const struct access *w = q->what;
    if (str_eq(w->subresource, S("status")) && VERB_IN(q, "update", "patch"))
        return true;
    if (str_eq(w->subresource, S("eviction")) && VERB_IN(q, "create"))
        return true;
    if (has_subresource(q))
        return false;
    if (VERB_IN(q, "create", "delete"))
        return true; /* NodeRestriction looks at the pod */
    if (VERB_IN(q, "get"))
        return is_related(q, NODE_POD);
    if (VERB_IN(q, "list", "watch"))
        return need_selected(q, "spec.nodeName");
    return refuse(q, S("nodes cannot do this with pods"));
}

static bool may_read_secret(struct node_question *q) {
    return may_read(q, NODE_SECRET);
}

static bool may_read_config_map(struct node_question *q) {
    return may_read(q, NODE_CONFIG_MAP);
}

static bool may_get_volume(struct node_question *q) {
    return may_get(q, NODE_VOLUME);
}

static bool may_get_attachment(struct node_question *q) {
    return may_get(q, NODE_ATTACHMENT);
}

static bool may_get_resource_claim(struct node_question *q) {
    return may_get(q, NODE_RESOURCE_CLAIM);
}

static const struct node_resource {
    struct str group, resource;
    bool (*may)(struct node_question *q);
} node_resources[] = {
    {STR_INIT(""), STR_INIT("pods"), may_use_pod},
    {STR_INIT(""), STR_INIT("nodes"), may_use_node},
    {STR_INIT(""), STR_INIT("secrets"), may_read_secret},
    {STR_INIT(""), STR_INIT("configmaps"), may_read_config_map},
    {STR_INIT(""), STR_INIT("persistentvolumeclaims"), may_use_claim},
    {STR_INIT(""), STR_INIT("persistentvolumes"), may_get_volume},
    {STR_INIT(""), STR_INIT("serviceaccounts"), may_use_service_account},
    {STR_INIT("storage.k8s.io"), STR_INIT("volumeattachments"), may_get_attachment},
    {STR_INIT("storage.k8s.io"), STR_INIT("csinodes"), may_own},
    {STR_INIT("coordination.k8s.io"), STR_INIT("leases"), may_use_lease},
    {STR_INIT("resource.k8s.io"), STR_INIT("resourceclaims"), may_get_resource_claim},
    {STR_INIT("resource.k8s.io"), STR_INIT("resourceslices"), may_use_slice},
    {STR_INIT("certificates.k8s.io"), STR_INIT("podcertificaterequests"), may_use_pod_certificate},
};

static const struct node_resource *find_resource(const struct access *what) {
    for (size_t i = 0; i < sizeof node_resources / sizeof *node_resources; i++)
        if (str_eq(node_resources[i].resource, what->resource) &&
            str_eq(node_resources[i].group, what->group))
            return &node_resources[i];
    return NULL;
}

#define NODE_USER_PREFIX "system:node:"

bool node_identity(const struct user *u, struct str *ret_node) {
    if (!str_has_prefix(u->name, S(NODE_USER_PREFIX)) || !user_in_group(u, S("system:nodes")))
        return false;
    *ret_node = str_from_byte(u->name, sizeof NODE_USER_PREFIX - 1);
    return true;
}

enum decision node_check(const struct node_graph *graph, const struct rbac_policy_rule_array *rules,
                         const struct access *what, struct arena *arena, struct str *ret_reason) {
    struct node_question q = {.graph = graph, .what = what, .arena = arena, .reason = S("")};
    bool allowed = false;
    if (!node_identity(what->user, &q.node)) {
        allowed = false;
    } else if (str_empty(q.node)) {
        q.reason = arena_join(
            arena, (struct str[]){S("unknown node for user "), user_quote(arena, what->user->name)}, 2,
            S(""));
    } else {
        const struct node_resource *r = what->is_resource ? find_resource(what) : NULL;
        allowed = r ? r->may(&q) : rbac_rules_allow(rules, what);
    }
    check(!allowed || str_empty(q.reason));
    if (ret_reason)
        *ret_reason = q.reason;
    return allowed ? AUTHZ_ALLOW : AUTHZ_NO_OPINION;
}
