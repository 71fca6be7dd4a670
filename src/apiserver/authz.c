/* apiserver/authz: the node authoriser and RBAC on the present state of the world.
 *
 * The index of grants belongs to one state of the four trees it was made of. Whoever asks first after a
 * change makes the next one; the others wait for it, since an answer from before the change would be wrong.
 */
#include "apiserver/authz.h"

#include <stdlib.h>

#include "api/bootstrap.h"
#include "api/object.h"
#include "api/types/certificates.h"
#include "api/types/core.h"
#include "api/types/rbac.h"
#include "api/types/resource.h"
#include "api/types/storage.h"
#include "apiserver/authz_node.h"
#include "apiserver/authz_priv.h"
#include "apiserver/authz_rbac.h"
#include "base/arena.h"
#include "base/cell.h"
#include "base/err.h"
#include "base/thread.h"

/* One state of roles and bindings, and what was made of it. */
struct generation {
    struct shared shared;
    struct cow trees[AUTHZ_RBAC_TREES];
    struct rbac_index *index;
};

struct authz {
    const struct authz_source_ops *ops;
    void *arg;
    struct cell current; /* struct generation, or NULL */
    struct mutex build;  /* one makes the next generation */
    struct arena arena;  /* of node_rules */
    struct rbac_policy_rule_array node_rules;
};

/* -- RBAC's view of trees -- */

struct tree_view {
    const struct cow *trees;
    struct arena scratch; /* keys */
};

static const void *body_of(const struct cow *tree, struct str key) {
    const struct object *o = cow_get(tree, key);
    return o ? o->body : NULL;
}

static const struct rbac_role *find_role(void *arg, struct str ns, struct str name) {
    struct tree_view *v = arg;
    struct str key = arena_join(&v->scratch, (struct str[]){ns, name}, 2, S("/"));
    const struct rbac_role *role = body_of(&v->trees[AUTHZ_ROLES], key);
    arena_reset(&v->scratch);
    return role;
}

static const struct rbac_cluster_role *find_cluster_role(void *arg, struct str name) {
    struct tree_view *v = arg;
    return body_of(&v->trees[AUTHZ_CLUSTER_ROLES], name);
}

static void each_role_binding(void *arg, void (*fn)(void *, const struct rbac_role_binding *), void *fn_arg) {
    struct tree_view *v = arg;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &v->trees[AUTHZ_ROLE_BINDINGS]))
        fn(fn_arg, ((const struct object *)item->value)->body);
}

static void each_cluster_role_binding(void *arg, void (*fn)(void *, const struct rbac_cluster_role_binding *),
                                      void *fn_arg) {
    struct tree_view *v = arg;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &v->trees[AUTHZ_CLUSTER_ROLE_BINDINGS]))
        fn(fn_arg, ((const struct object *)item->value)->body);
}

static const struct rbac_view_ops tree_view_ops = {
    .find_role = find_role,
    .find_cluster_role = find_cluster_role,
    .each_role_binding = each_role_binding,
    .each_cluster_role_binding = each_cluster_role_binding,
};

/* -- generations -- */

static void generation_release(struct shared *s) {
    struct generation *g = (struct generation *)((char *)s - offsetof(struct generation, shared));
    rbac_index_free(g->index); /* before the objects that it borrows from */
    for (int i = 0; i < AUTHZ_RBAC_TREES; i++)
        cow_fini(&g->trees[i]);
    free(g);
}

/* Takes over the trees. */
static struct generation *generation_new(struct cow *trees) {
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    shared_init(&g->shared, generation_release);
    for (int i = 0; i < AUTHZ_RBAC_TREES; i++) {
        g->trees[i] = trees[i];
        trees[i] = (struct cow){0};
    }
    struct tree_view v = {.trees = g->trees, .scratch = ARENA_INIT};
    g->index = rbac_index_new(&(struct rbac_view){.ops = &tree_view_ops, .arg = &v});
    arena_fini(&v.scratch);
    return g;
}

static void take_trees(struct authz *a, struct cow *trees) {
    for (int i = 0; i < AUTHZ_RBAC_TREES; i++)
        a->ops->snapshot(a->arg, (enum authz_tree)i, &trees[i]);
}

static void drop_trees(struct cow *trees) {
    for (int i = 0; i < AUTHZ_RBAC_TREES; i++)
        cow_fini(&trees[i]);
}

/* The published generation with a reference, if it is of these trees. */
static struct generation *generation_of(struct authz *a, const struct cow *trees) {
    struct shared *s = cell_get(&a->current);
    if (!s)
        return NULL;
    struct generation *g = (struct generation *)((char *)s - offsetof(struct generation, shared));
    for (int i = 0; i < AUTHZ_RBAC_TREES; i++) {
        if (!cow_same(&g->trees[i], &trees[i])) {
            shared_unref(s);
            return NULL;
        }
    }
    return g;
}

/* The generation of now, with a reference. */
static struct generation *generation_now(struct authz *a) {
    struct cow trees[AUTHZ_RBAC_TREES];
    take_trees(a, trees);
    struct generation *g = generation_of(a, trees);
    if (!g) {
        drop_trees(trees);
        mutex_lock(&a->build);
        take_trees(a, trees); /* later than those of whoever built before */
        g = generation_of(a, trees);
        if (!g) {
            g = generation_new(trees);
            cell_set(&a->current, shared_ref(&g->shared));
        }
        mutex_unlock(&a->build);
    }
    drop_trees(trees);
    return g;
}

/* -- the graph of nodes -- */

struct graph {
    struct authz *a;
    struct arena scratch; /* keys */
};

/* A body borrowed from the tree, which the caller holds. */
static const void *find_in(struct graph *g, const struct cow *tree, struct str ns, struct str name) {
    struct str key = name;
    if (!str_empty(ns))
        key = arena_join(&g->scratch, (struct str[]){ns, name}, 2, S("/"));
    return body_of(tree, key);
}

static bool pods_use(struct graph *g, struct str node, enum node_object kind, struct str ns,
                     struct str name) {
    _cleanup_cow struct cow pods = {0};
    g->a->ops->snapshot(g->a->arg, AUTHZ_PODS, &pods);
    struct str prefix = arena_join(&g->scratch, (struct str[]){node, ns, S("")}, 3, S("/"));
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, &pods, prefix))
        if (node_pod_uses(((const struct object *)item->value)->body, kind, name))
            return true;
    return false;
}

/* A volume belongs to the node that has a pod with its claim. */
static bool volume_is_used(struct graph *g, struct str node, const struct core_persistent_volume *pv) {
    const struct core_object_reference *claim = pv->spec.claim_ref;
    return claim && pods_use(g, node, NODE_CLAIM, claim->namespace, claim->name);
}

static bool volumes_use_secret(struct graph *g, struct str node, struct str ns, struct str name) {
    _cleanup_cow struct cow volumes = {0};
    g->a->ops->snapshot(g->a->arg, AUTHZ_VOLUMES, &volumes);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &volumes)) {
        const struct core_persistent_volume *pv = ((const struct object *)item->value)->body;
        if (node_volume_uses_secret(pv, ns, name) && volume_is_used(g, node, pv))
            return true;
    }
    return false;
}

static bool is_bound_pod(struct graph *g, struct str node, struct str ns, struct str name) {
    _cleanup_cow struct cow pods = {0};
    g->a->ops->snapshot(g->a->arg, AUTHZ_PODS, &pods);
    struct str key = arena_join(&g->scratch, (struct str[]){node, ns, name}, 3, S("/"));
    return cow_get(&pods, key) != NULL;
}

/* Objects of which a field names the node. */
static bool names_node(struct graph *g, enum authz_tree tree, struct str node, struct str ns,
                       struct str name) {
    _cleanup_cow struct cow objects = {0};
    g->a->ops->snapshot(g->a->arg, tree, &objects);
    const void *body = find_in(g, &objects, ns, name);
    if (!body)
        return false;
    if (tree == AUTHZ_ATTACHMENTS)
        return str_eq(((const struct storage_volume_attachment *)body)->spec.node_name, node);
    if (tree == AUTHZ_SLICES)
        return str_eq(((const struct resource_resource_slice *)body)->spec.node_name, node);
    check(tree == AUTHZ_POD_CERTIFICATES);
    return str_eq(((const struct certificates_v1beta1_pod_certificate_request *)body)->spec.node_name, node);
}

static bool is_used_volume(struct graph *g, struct str node, struct str name) {
    _cleanup_cow struct cow volumes = {0};
    g->a->ops->snapshot(g->a->arg, AUTHZ_VOLUMES, &volumes);
    const struct core_persistent_volume *pv = find_in(g, &volumes, S(""), name);
    return pv && volume_is_used(g, node, pv);
}

static bool reaches(void *arg, struct str node, enum node_object kind, struct str ns, struct str name) {
    struct graph *g = arg;
    switch (kind) {
    case NODE_POD: return is_bound_pod(g, node, ns, name);
    case NODE_SECRET: return pods_use(g, node, kind, ns, name) || volumes_use_secret(g, node, ns, name);
    case NODE_CONFIG_MAP:
    case NODE_CLAIM:
    case NODE_SERVICE_ACCOUNT:
    case NODE_RESOURCE_CLAIM: return pods_use(g, node, kind, ns, name);
    case NODE_VOLUME: return is_used_volume(g, node, name);
    case NODE_ATTACHMENT: return names_node(g, AUTHZ_ATTACHMENTS, node, S(""), name);
    case NODE_RESOURCE_SLICE: return names_node(g, AUTHZ_SLICES, node, S(""), name);
    case NODE_POD_CERTIFICATE: return names_node(g, AUTHZ_POD_CERTIFICATES, node, ns, name);
    }
    return false;
}

static const struct node_graph_ops graph_ops = {.reaches = reaches};

static enum decision check_node(struct authz *a, const struct access *what, struct arena *arena,
                                struct str *ret_reason) {
    struct graph g = {.a = a, .scratch = ARENA_INIT};
    enum decision d = node_check(&(struct node_graph){.ops = &graph_ops, .arg = &g}, &a->node_rules, what,
                                 arena, ret_reason);
    arena_fini(&g.scratch);
    return d;
}

/* -- public -- */

struct authz *authz_new_of(const struct authz_source_ops *ops, void *arg) {
    struct authz *a = calloc(1, sizeof *a);
    if (!a)
        panic("out of memory");
    a->ops = ops;
    a->arg = arg;
    cell_init(&a->current, NULL);
    mutex_init(&a->build);
    arena_init(&a->arena);
    for (uint32_t i = 0; i < bootstrap_count(); i++) {
        struct bootstrap_object o = bootstrap_make(&a->arena, i, NULL, NULL);
        if (o.kind == BOOTSTRAP_CLUSTER_ROLE && str_eq(o.name, S("system:node")))
            a->node_rules = ((const struct rbac_cluster_role *)o.body)->rules;
    }
    check(a->node_rules.n > 0);
    return a;
}

void authz_free(struct authz *a) {
    if (!a)
        return;
    cell_fini(&a->current);
    mutex_fini(&a->build);
    arena_fini(&a->arena);
    if (a->ops->release)
        a->ops->release(a->arg);
    free(a);
}

#define MASTERS S("system:masters")

enum decision authz_check(struct authz *a, const struct access *what, struct arena *arena,
                          struct str *ret_reason) {
    if (ret_reason)
        *ret_reason = S("");
    if (user_in_group(what->user, MASTERS))
        return AUTHZ_ALLOW;
    struct str node_reason = S(""), reason = S("");
    if (check_node(a, what, arena, &node_reason) == AUTHZ_ALLOW)
        return AUTHZ_ALLOW;
    struct generation *g = generation_now(a);
    enum decision d = rbac_check(g->index, what, arena, ret_reason ? &reason : NULL);
    shared_unref(&g->shared);
    if (!ret_reason)
        return d;
    if (d != AUTHZ_ALLOW && !str_empty(node_reason))
        reason = str_empty(reason) ? node_reason
                                   : arena_join(arena, (struct str[]){node_reason, reason}, 2, S("\n"));
    *ret_reason = reason;
    return d;
}

static struct str_array everything(struct arena *arena) {
    struct str *v = arena_new(arena, struct str);
    *v = S("*");
    return (struct str_array){.v = v, .n = 1};
}

/* What the group above all may do, as rules. */
static struct rbac_policy_rule_array master_rules(struct arena *arena) {
    struct rbac_policy_rule *v = arena_new_n(arena, 2, struct rbac_policy_rule);
    struct str_array all = everything(arena);
    v[0] = (struct rbac_policy_rule){.verbs = all, .api_groups = all, .resources = all};
    v[1] = (struct rbac_policy_rule){.verbs = all, .non_resource_urls = all};
    return (struct rbac_policy_rule_array){.v = v, .n = 2};
}

static void release_generation(void *g) {
    shared_unref(g);
}

void authz_rules(struct authz *a, const struct user *u, struct str ns, struct arena *arena,
                 struct rbac_policy_rule_array *ret_rules, bool *ret_incomplete) {
    struct str node;
    if (user_in_group(u, MASTERS)) {
        *ret_rules = master_rules(arena);
        *ret_incomplete = false;
        return;
    }
    struct generation *g = generation_now(a);
    rbac_rules(g->index, u, ns, arena, ret_rules, ret_incomplete);
    arena_hold(arena, release_generation, &g->shared); /* the rules are its roles' */
    /* CONFORMS: what nodes may do through their pods cannot be said in rules */
    if (node_identity(u, &node))
        *ret_incomplete = true;
}
