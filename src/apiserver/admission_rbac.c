/* Nobody gives away what he does not have: roles and bindings are refused when they grant more than their
 * author holds, unless he may escalate (roles) or bind (bindings). Not a plugin of upstream's, which checks
 * this where roles are stored, at the same moment: after mutation, before validation. See admission.h.
 *
 * CONFORMS: upstream's escalation and bind checks, and the texts of their refusals.
 */
#include "api/equal.h"
#include "api/types/rbac.h"
#include "apiserver/admission_priv.h"
#include "apiserver/authz.h"

#define RBAC_GROUP S("rbac.authorization.k8s.io")

static const struct str star[] = {STR_INIT("*")};
static const struct rbac_policy_rule everything[] = {
    {
        .verbs = {(struct str *)star, 1},
        .api_groups = {(struct str *)star, 1},
        .resources = {(struct str *)star, 1},
    },
    {.verbs = {(struct str *)star, 1}, .non_resource_urls = {(struct str *)star, 1}},
};

static bool is_master(const struct call *c) {
    return user_in_group(&c->user, S("system:masters"));
}

/* -- updates that only let the garbage collector go on -- */

static bool only_collects(const struct admission_request *r) {
    static const struct str metadata[] = {STR_INIT("metadata")};
    static const struct str ours[] = {STR_INIT("ownerReferences"), STR_INIT("finalizers"),
                                      STR_INIT("managedFields"), STR_INIT("resourceVersion")};
    if (!r->old)
        return false;
    const struct meta_object_meta *now = object_meta_in(r->kind, r->object);
    const struct meta_object_meta *old = object_meta_in(r->kind, (void *)r->old);
    return api_equal_but(r->kind->set, r->kind->type, r->object, r->old, metadata, 1) &&
           api_equal_but(r->kind->set, TY_META_OBJECT_META, now, old, ours, sizeof ours / sizeof *ours);
}

/* -- what is granted against what is held -- */

static struct str groups_text(const struct admission_request *r) {
    const struct str_array *groups = &r->call->user.groups;
    struct arena *a = admission_arena(r);
    struct str *parts = arena_new_n(a, groups->n + 1u, struct str);
    for (uint32_t i = 0; i < groups->n; i++)
        parts[i] = user_quote(a, groups->v[i]);
    return arena_join(a, parts, groups->n, S(" "));
}

static enum admission_verdict confirm(const struct admission_request *r,
                                      const struct rbac_policy_rule_array *wanted,
                                      struct status **ret_status) {
    struct rbac_policy_rule_array owned = {0};
    struct call *c = r->call;
    struct str missing;
    bool incomplete;
    authz_rules(c->server->authz, &c->user, r->ns, c->arena, &owned, &incomplete);
    if (authz_covers(&owned, wanted, c->arena, &missing))
        return ADMIT_NEXT;
    struct str user = user_quote(c->arena, c->user.name);
    return admission_forbid(r, ret_status,
                            "user %.*s (groups=[%.*s]) is attempting to grant RBAC permissions not currently "
                            "held:\n%.*s",
                            STR_ARG(user), STR_ARG(groups_text(r)), STR_ARG(missing));
}

/* -- roles -- */

static bool is_aggregated(const struct admission_request *r, const void *object) {
    return object && admission_is(r, KIND_RBAC_CLUSTER_ROLE) &&
           ((const struct rbac_cluster_role *)object)->aggregation_rule;
}

static enum admission_verdict admit_role(const struct admission_request *r, struct status **ret_status) {
    if (call_may(r->call, S("escalate"), RBAC_GROUP, r->kind->plural, S(""), r->ns, r->name))
        return ADMIT_NEXT;
    /* Whoever selects roles to be joined grants whatever these will hold. */
    if (is_aggregated(r, r->object) || is_aggregated(r, r->old)) {
        struct rbac_policy_rule_array all = {(struct rbac_policy_rule *)everything, 2};
        enum admission_verdict v = confirm(r, &all, ret_status);
        if (v != ADMIT_NEXT)
            return v;
    }
    const struct rbac_policy_rule_array *rules = admission_is(r, KIND_RBAC_CLUSTER_ROLE)
                                                     ? &((const struct rbac_cluster_role *)r->object)->rules
                                                     : &((const struct rbac_role *)r->object)->rules;
    return confirm(r, rules, ret_status);
}

/* -- bindings -- */

static bool may_bind(const struct admission_request *r, const struct rbac_role_ref *ref, bool is_cluster) {
    return call_may(r->call, S("bind"), RBAC_GROUP, is_cluster ? S("clusterroles") : S("roles"), S(""), r->ns,
                    ref->name);
}

static enum admission_verdict admit_binding(const struct admission_request *r, struct status **ret_status) {
    const struct rbac_role_ref *ref = admission_is(r, KIND_RBAC_CLUSTER_ROLE_BINDING)
                                          ? &((const struct rbac_cluster_role_binding *)r->object)->role_ref
                                          : &((const struct rbac_role_binding *)r->object)->role_ref;
    bool is_cluster = str_eq(ref->kind, S("ClusterRole"));
    if (may_bind(r, ref, is_cluster))
        return ADMIT_NEXT;
    uint16_t kind = is_cluster ? KIND_RBAC_CLUSTER_ROLE : KIND_RBAC_ROLE;
    const struct object *role = call_lookup(r->call, kind, is_cluster ? S("") : r->ns, ref->name);
    if (!role) {
        *ret_status = status_not_found(admission_arena(r), status_of(&kinds[kind], ref->name));
        return ADMIT_DENY;
    }
    return confirm(r,
                   is_cluster ? &((const struct rbac_cluster_role *)role->body)->rules
                              : &((const struct rbac_role *)role->body)->rules,
                   ret_status);
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    uint16_t k = r->kind->index;
    bool role = k == KIND_RBAC_ROLE || k == KIND_RBAC_CLUSTER_ROLE;
    bool binding = k == KIND_RBAC_ROLE_BINDING || k == KIND_RBAC_CLUSTER_ROLE_BINDING;
    if ((!role && !binding) || is_master(r->call) || only_collects(r))
        return ADMIT_NEXT;
    return role ? admit_role(r, ret_status) : admit_binding(r, ret_status);
}

const struct admission_plugin admission_rbac = {
    .name = "RBACEscalation",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .mutate = mutate,
};
