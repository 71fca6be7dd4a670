/* What objects use of quotas. See quota_usage.h. */
#include "api/quota_usage.h"

#include "api/pod_amounts.h"
#include "api/pod_qos.h"
#include "api/quantity.h"
#include "api/resource_name.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"

#define COUNT S("count/")
#define STORAGE_CLASS S(".storageclass.storage.k8s.io/")

/* -- which kind uses what -- */

static const struct kind *counted_kind(struct str name) {
    struct str plural, group;
    (void)str_split(name, '.', &plural, &group);
    for (uint32_t i = 0; i < n_kinds; i++)
        if (str_eq(kinds[i].plural, plural) && str_eq(kinds[i].group, group))
            return kinds[i].hub;
    return NULL;
}

static bool is_pod_resource(struct str r) {
    static const struct str names[] = {
        STR_INIT("pods"),
        STR_INIT("cpu"),
        STR_INIT("memory"),
        STR_INIT("ephemeral-storage"),
        STR_INIT("requests.cpu"),
        STR_INIT("requests.memory"),
        STR_INIT("requests.ephemeral-storage"),
        STR_INIT("limits.cpu"),
        STR_INIT("limits.memory"),
        STR_INIT("limits.ephemeral-storage"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(r, names[i]))
            return true;
    return str_has_prefix(r, S("hugepages-")) || str_has_prefix(r, S("requests.hugepages-")) ||
           (str_has_prefix(r, S("requests.")) && str_find_byte(r, '/') >= 0);
}

static bool is_claim_resource(struct str r) {
    return str_eq(r, S("persistentvolumeclaims")) || str_eq(r, S("requests.storage")) ||
           str_find(r, STORAGE_CLASS) >= 0;
}

const struct kind *quota_resource_kind(struct str r) {
    if (str_has_prefix(r, COUNT))
        return counted_kind(str_from_byte(r, COUNT.n));
    if (is_claim_resource(r))
        return &kinds[KIND_CORE_PERSISTENT_VOLUME_CLAIM];
    if (is_pod_resource(r))
        return &kinds[KIND_CORE_POD];
    if (str_eq(r, S("services")) || str_eq(r, S("services.nodeports")) ||
        str_eq(r, S("services.loadbalancers")))
        return &kinds[KIND_CORE_SERVICE];
    if (str_eq(r, S("configmaps")) || str_eq(r, S("secrets")) || str_eq(r, S("replicationcontrollers")) ||
        str_eq(r, S("resourcequotas")))
        return counted_kind(r);
    return NULL;
}

bool quota_resource_is_count(struct str r) {
    return str_has_prefix(r, COUNT) || str_eq(r, S("configmaps")) || str_eq(r, S("secrets")) ||
           str_eq(r, S("replicationcontrollers")) || str_eq(r, S("resourcequotas")) ||
           str_eq(r, S("services")) || str_eq(r, S("persistentvolumeclaims"));
}

/* -- scopes -- */

typedef struct core_scoped_resource_selector_requirement requirement;

static bool has_value(const requirement *q, struct str value) {
    for (uint32_t i = 0; i < q->values.n; i++)
        if (str_eq(q->values.v[i], value))
            return true;
    return false;
}

/* By the rules of label selectors. */
static bool selects(const requirement *q, struct str value) {
    bool there = !str_empty(value);
    if (str_eq(q->operator, S("In")))
        return there && has_value(q, value);
    if (str_eq(q->operator, S("NotIn")))
        return !there || !has_value(q, value);
    if (str_eq(q->operator, S("DoesNotExist")))
        return !there;
    return there;
}

static bool crosses(const struct core_pod_affinity_term *t) {
    return t->namespaces.n > 0 || t->namespace_selector;
}

static bool any_crosses(struct core_pod_affinity_term_array required,
                        struct core_weighted_pod_affinity_term_array preferred) {
    for (uint32_t i = 0; i < required.n; i++)
        if (crosses(&required.v[i]))
            return true;
    for (uint32_t i = 0; i < preferred.n; i++)
        if (crosses(&preferred.v[i].pod_affinity_term))
            return true;
    return false;
}

static bool has_cross_affinity(const struct core_affinity *a) {
    if (!a)
        return false;
    return (a->pod_affinity &&
            any_crosses(a->pod_affinity->required_during_scheduling_ignored_during_execution,
                        a->pod_affinity->preferred_during_scheduling_ignored_during_execution)) ||
           (a->pod_anti_affinity &&
            any_crosses(a->pod_anti_affinity->required_during_scheduling_ignored_during_execution,
                        a->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution));
}

static bool pod_matches(const struct core_pod *p, const requirement *q) {
    bool terminating = p->spec.active_deadline_seconds.set && p->spec.active_deadline_seconds.v >= 0;
    struct str scope = q->scope_name;
    if (str_eq(scope, S("Terminating")))
        return terminating;
    if (str_eq(scope, S("NotTerminating")))
        return !terminating;
    if (str_eq(scope, S("BestEffort")))
        return str_eq(pod_qos_class(&p->spec), S("BestEffort"));
    if (str_eq(scope, S("NotBestEffort")))
        return !str_eq(pod_qos_class(&p->spec), S("BestEffort"));
    if (str_eq(scope, S("PriorityClass")))
        return selects(q, p->spec.priority_class_name);
    if (str_eq(scope, S("CrossNamespacePodAffinity")))
        return has_cross_affinity(p->spec.affinity);
    return false;
}

static bool claim_matches(const struct core_persistent_volume_claim *c, const requirement *q) {
    if (!str_eq(q->scope_name, S("VolumeAttributesClass")))
        return false;
    return selects(q, c->spec.volume_attributes_class_name) ||
           (c->status.current_volume_attributes_class_name.p &&
            selects(q, c->status.current_volume_attributes_class_name));
}

static bool scope_matches(const struct kind *kind, const void *object, const requirement *q) {
    if (kind->index == KIND_CORE_POD)
        return pod_matches(object, q);
    return kind->index == KIND_CORE_PERSISTENT_VOLUME_CLAIM && claim_matches(object, q);
}

bool quota_scopes_match(const struct core_resource_quota_spec *quota, const struct kind *kind,
                        const void *object) {
    for (uint32_t i = 0; i < quota->scopes.n; i++) {
        requirement q = {.scope_name = quota->scopes.v[i], .operator= S("Exists")};
        if (!scope_matches(kind, object, &q))
            return false;
    }
    const struct core_scope_selector *s = quota->scope_selector;
    for (uint32_t i = 0; s && i < s->match_expressions.n; i++)
        if (!scope_matches(kind, object, &s->match_expressions.v[i]))
            return false;
    return true;
}

/* -- usage -- */

static struct quantity whole(int64_t n) {
    struct quantity q = quantity_from_int(n, QUANTITY_DECIMAL_SI);
    q.set = true;
    return q;
}

/* Ended, or its time to end is over (its node does not answer). */
static bool has_ended(const struct core_pod *p, int64_t now_sec) {
    if (str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed")))
        return true;
    const struct meta_object_meta *m = &p->metadata;
    return m->deletion_timestamp.set && m->deletion_grace_period_seconds.set &&
           now_sec > m->deletion_timestamp.sec + m->deletion_grace_period_seconds.v;
}

static struct quantity pod_usage(const struct core_pod *p, struct str r, int64_t now_sec) {
    struct quantity q;
    if (has_ended(p, now_sec))
        return whole(0);
    if (str_eq(r, S("pods")))
        return whole(1);
    if (str_has_prefix(r, S("limits.")))
        q = pod_spec_amount(&p->spec, POD_LIMIT, str_from_byte(r, 7));
    else
        q = pod_request(p, str_has_prefix(r, S("requests.")) ? str_from_byte(r, 9) : r);
    return q.set ? q : whole(0);
}

static int64_t node_ports(const struct core_service_spec *s) {
    bool balanced = str_eq(s->type, S("LoadBalancer"));
    if (str_eq(s->type, S("NodePort")) ||
        (balanced && !(s->allocate_load_balancer_node_ports.set && !s->allocate_load_balancer_node_ports.v)))
        return s->ports.n;
    int64_t n = 0;
    for (uint32_t i = 0; balanced && i < s->ports.n; i++)
        n += s->ports.v[i].node_port != 0;
    return n;
}

static struct quantity service_usage(const struct core_service *s, struct str r) {
    if (str_eq(r, S("services.nodeports")))
        return whole(node_ports(&s->spec));
    if (str_eq(r, S("services.loadbalancers")))
        return whole(str_eq(s->spec.type, S("LoadBalancer")));
    return whole(1);
}

static struct str class_of(const struct core_persistent_volume_claim *c) {
    struct str older = str_map_get(c->metadata.annotations, S("volume.beta.kubernetes.io/storage-class"));
    return older.p ? older : c->spec.storage_class_name;
}

static struct quantity storage_of(const struct core_persistent_volume_claim *c) {
    const struct quantity *asked = quantity_map_get(c->spec.resources.requests, S("storage"));
    const struct quantity *has = quantity_map_get(c->status.allocated_resources, S("storage"));
    struct quantity q = asked ? *asked : whole(0);
    if (has && quantity_cmp(has, &q) > 0)
        q = *has;
    q.set = true;
    return q;
}

static struct quantity claim_usage(const struct core_persistent_volume_claim *c, struct str r) {
    ptrdiff_t at = str_find(r, STORAGE_CLASS);
    if (at >= 0) {
        if (!str_eq(class_of(c), str_cut(r, (size_t)at)))
            return whole(0);
        r = str_from_byte(r, (size_t)at + STORAGE_CLASS.n);
    }
    return str_eq(r, S("requests.storage")) ? storage_of(c) : whole(1);
}

struct quantity quota_usage_of(const struct kind *kind, const void *object, struct str r, int64_t now_sec) {
    if (quota_resource_is_count(r))
        return whole(1);
    switch (kind->index) {
    case KIND_CORE_POD: return pod_usage(object, r, now_sec);
    case KIND_CORE_SERVICE: return service_usage(object, r);
    case KIND_CORE_PERSISTENT_VOLUME_CLAIM: return claim_usage(object, r);
    default: return whole(1);
    }
}

/* -- what pods must say -- */

static bool is_compute(struct str r, struct str *ret_resource, bool *ret_limit) {
    *ret_limit = str_has_prefix(r, S("limits."));
    *ret_resource = *ret_limit                          ? str_from_byte(r, 7)
                    : str_has_prefix(r, S("requests.")) ? str_from_byte(r, 9)
                                                        : r;
    return str_eq(*ret_resource, S("cpu")) || str_eq(*ret_resource, S("memory"));
}

static bool names(const struct core_resource_requirements *r, struct str resource, bool limit) {
    return r && quantity_map_get(limit ? r->limits : r->requests, resource);
}

static void omitted_by(struct buf *out, const struct core_container_array *containers, struct str resource,
                       bool limit, bool *any) {
    for (uint32_t i = 0; i < containers->n; i++) {
        if (names(&containers->v[i].resources, resource, limit))
            continue;
        if (*any)
            buf_byte(out, ',');
        buf_str(out, containers->v[i].name);
        *any = true;
    }
}

struct str quota_pod_omissions(struct arena *a, struct quantity_map hard, const struct core_pod *pod) {
    _cleanup_buf struct buf all = BUF_INIT;
    for (uint32_t i = 0; i < hard.n; i++) {
        struct str resource;
        bool limit, any = false;
        _cleanup_buf struct buf who = BUF_INIT;
        if (!is_compute(hard.v[i].key, &resource, &limit) || names(pod->spec.resources, resource, limit))
            continue;
        omitted_by(&who, &pod->spec.init_containers, resource, limit, &any);
        omitted_by(&who, &pod->spec.containers, resource, limit, &any);
        if (any)
            buf_printf(&all, "%s%.*s for: %.*s", all.n ? "; " : "", STR_ARG(hard.v[i].key),
                       STR_ARG(buf_view(&who)));
    }
    return buf_to_arena(&all, a);
}
