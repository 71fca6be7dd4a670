/* Whether the node can take a pod that it was given: the last word, for pods the scheduler did not place, or
 * placed on what it knew a moment ago.
 *
 * CONFORMS: kubelet.tsv, admission; the scheduler's filters of the same names.
 */
#include "api/node_selector.h"
#include "api/pod_qos.h"
#include "api/pod_requests.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "kubelet/container_config.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/node.h"

struct admission {
    struct pod_run *r;
    const struct core_node *node; /* NULL: not known yet */
    struct pods_item *others;
    uint32_t n_others;
    struct str reason, message;
};

static bool refuse(struct admission *x, const char *reason, struct str message) {
    x->reason = str_from(reason);
    x->message = message;
    return false;
}

/* Pods that hold something on the node. */
static bool is_active(const struct core_pod *p) {
    return !pod_phase_is_final(p->status.phase);
}

static bool is_critical(const struct core_pod *p, bool is_static) {
    return is_static || (p->spec.priority.set && p->spec.priority.v >= 2000000000) ||
           str_map_get(p->metadata.annotations, S("kubernetes.io/config.mirror")).p;
}

/* -- resources -- */

static struct quantity_map used(const struct admission *x, uint32_t *ret_pods) {
    struct quantity_map sum = {0};
    *ret_pods = 0;
    for (uint32_t i = 0; i < x->n_others; i++) {
        const struct core_pod *p = x->others[i].object->body;
        if (str_eq(p->metadata.uid, str_from(x->r->p->uid)) || !is_active(p))
            continue;
        (*ret_pods)++;
        sum = quantity_map_add(sum, pod_requests(&p->spec, x->r->a), x->r->a);
    }
    return sum;
}

static bool fits(struct admission *x) {
    const struct core_node_status *st = &x->node->status;
    uint32_t pods;
    struct quantity_map in_use = used(x, &pods), asked = pod_requests(&x->r->pod->spec, x->r->a);
    if (pods >= x->r->k->o.max_pods)
        return refuse(
            x, "OutOfpods",
            arena_printf(x->r->a,
                         "Node didn't have enough resource: pods, requested: 1, used: %u, capacity: %u", pods,
                         x->r->k->o.max_pods));
    for (uint32_t i = 0; i < asked.n; i++) {
        const struct quantity *have = quantity_map_get(st->allocatable, asked.v[i].key);
        const struct quantity *taken = quantity_map_get(in_use, asked.v[i].key);
        if (quantity_is_zero(&asked.v[i].value))
            continue;
        struct quantity sum = asked.v[i].value, none = {0};
        if (taken)
            quantity_add(&sum, taken);
        if (have && quantity_cmp(&sum, have) <= 0)
            continue;
        bool cpu = str_eq(asked.v[i].key, S("cpu"));
        struct str reason = arena_printf(x->r->a, "OutOf%.*s", STR_ARG(asked.v[i].key));
        int64_t (*value)(const struct quantity *) = cpu ? quantity_milli_value : quantity_value;
        return refuse(
            x, reason.p,
            arena_printf(
                x->r->a,
                "Node didn't have enough resource: %.*s, requested: %lld, used: %lld, capacity: %lld",
                STR_ARG(asked.v[i].key), (long long)value(&asked.v[i].value),
                (long long)value(taken ? taken : &none), (long long)value(have ? have : &none)));
    }
    return true;
}

/* -- the node's place -- */

static bool selects(struct admission *x) {
    const struct core_pod_spec *s = &x->r->pod->spec;
    for (uint32_t i = 0; i < s->node_selector.n; i++)
        if (!str_eq(str_map_get(x->node->metadata.labels, s->node_selector.v[i].key),
                    s->node_selector.v[i].value))
            return refuse(x, "NodeAffinity",
                          S("Predicate NodeAffinity failed: node(s) didn't match Pod's node "
                            "affinity/selector"));
    const struct core_node_selector *required =
        s->affinity && s->affinity->node_affinity
            ? s->affinity->node_affinity->required_during_scheduling_ignored_during_execution
            : NULL;
    if (!required)
        return true;
    struct node_selector selector;
    node_selector_compile(x->r->a, required, &selector);
    if (node_selector_matches(&selector, x->node->metadata.labels, x->node->metadata.name))
        return true;
    return refuse(x, "NodeAffinity",
                  S("Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"));
}

static bool tolerates(const struct core_toleration_array *all, const struct core_taint *t) {
    for (uint32_t i = 0; i < all->n; i++) {
        const struct core_toleration *o = &all->v[i];
        bool exists = str_eq(o->operator, S("Exists"));
        if (o->effect.n && !str_eq(o->effect, t->effect))
            continue;
        if (o->key.n ? !str_eq(o->key, t->key) : !exists)
            continue;
        if (exists || str_eq(o->value, t->value))
            return true;
    }
    return false;
}

/* CONFORMS: only NoExecute counts here, and not for static pods. */
static bool tolerated(struct admission *x) {
    for (uint32_t i = 0; !x->r->p->is_static && i < x->node->spec.taints.n; i++) {
        const struct core_taint *t = &x->node->spec.taints.v[i];
        if (str_eq(t->effect, S("NoExecute")) && !tolerates(&x->r->pod->spec.tolerations, t))
            return refuse(
                x, "TaintToleration",
                S("Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"));
    }
    return true;
}

/* -- ports -- */

static bool clash(const struct core_container_port *x, const struct core_container_port *y) {
    struct str any = S("0.0.0.0");
    struct str ip_x = x->host_ip.n ? x->host_ip : any, ip_y = y->host_ip.n ? y->host_ip : any;
    struct str proto_x = x->protocol.n ? x->protocol : S("TCP"),
               proto_y = y->protocol.n ? y->protocol : S("TCP");
    return x->host_port && x->host_port == y->host_port && str_eq(proto_x, proto_y) &&
           (str_eq(ip_x, ip_y) || str_eq(ip_x, any) || str_eq(ip_y, any));
}

static bool pods_clash(const struct core_pod *x, const struct core_pod *y) {
    for (uint32_t i = 0; i < x->spec.containers.n; i++)
        for (uint32_t j = 0; j < x->spec.containers.v[i].ports.n; j++)
            for (uint32_t k = 0; k < y->spec.containers.n; k++)
                for (uint32_t l = 0; l < y->spec.containers.v[k].ports.n; l++)
                    if (clash(&x->spec.containers.v[i].ports.v[j], &y->spec.containers.v[k].ports.v[l]))
                        return true;
    return false;
}

static bool ports_free(struct admission *x) {
    for (uint32_t i = 0; i < x->n_others; i++) {
        const struct core_pod *p = x->others[i].object->body;
        if (!str_eq(p->metadata.uid, str_from(x->r->p->uid)) && is_active(p) && pods_clash(x->r->pod, p))
            return refuse(x, "NodePorts",
                          S("Predicate NodePorts failed: node(s) didn't have free ports for the "
                            "requested pod ports"));
    }
    return true;
}

/* -- what the kubelet itself can do -- */

static bool sysctls_safe(struct admission *x) {
    struct str bad = pod_forbidden_sysctl(x->r->pod, (struct str_array){0});
    if (!bad.n)
        return true;
    return refuse(x, "SysctlForbidden",
                  arena_printf(x->r->a, "forbidden sysctl: \"%.*s\" not allowlisted", STR_ARG(bad)));
}

static bool os_fits(struct admission *x) {
    const struct core_pod_os *os = x->r->pod->spec.os;
    if (!os || !os->name.n || str_eq(os->name, S("linux")))
        return true;
    return refuse(x, "PodOSNotSupported",
                  arena_printf(x->r->a, "Failed to admit pod as the OS field doesn't match node OS"));
}

/* CONFORMS: kubelet.tsv, eviction admission. */
static bool pressure_allows(struct admission *x) {
    struct node_pressure p = kubelet_node_pressure(x->r->k->node);
    if ((!p.memory && !p.disk && !p.pid) || is_critical(x->r->pod, x->r->p->is_static))
        return true;
    struct core_taint taint = {.key = S("node.kubernetes.io/memory-pressure"), .effect = S("NoSchedule")};
    bool only_memory = p.memory && !p.disk && !p.pid;
    bool best_effort = str_eq(pod_qos_class(&x->r->pod->spec), S("BestEffort"));
    if (only_memory && (!best_effort || tolerates(&x->r->pod->spec.tolerations, &taint)))
        return true;
    const char *what = p.memory ? "MemoryPressure" : p.disk ? "DiskPressure" : "PIDPressure";
    return refuse(x, "Evicted", arena_printf(x->r->a, "The node had condition: [%s].", what));
}

bool pod_admit(struct pod_run *r, struct str *ret_reason, struct str *ret_message) {
    struct admission x = {.r = r};
    struct object *node = kubelet_node_object(r->k->node);
    if (node) {
        arena_hold(r->a, object_release_any, node);
        x.node = node->body;
    }
    x.n_others = pods_all(r->k, r->a, &x.others);
    bool ok = os_fits(&x) && sysctls_safe(&x) && pressure_allows(&x) && ports_free(&x) &&
              (!x.node || (selects(&x) && tolerated(&x) && fits(&x)));
    if (!ok) {
        *ret_reason = x.reason;
        *ret_message = x.message;
    }
    return ok;
}

bool pod_fits(struct pod_run *r, bool alone, struct str *ret_message) {
    struct admission x = {.r = r};
    struct object *node = kubelet_node_object(r->k->node);
    if (!node)
        return true;
    arena_hold(r->a, object_release_any, node);
    x.node = node->body;
    x.n_others = alone ? 0 : pods_all(r->k, r->a, &x.others);
    bool ok = fits(&x);
    if (!ok)
        *ret_message = x.message;
    return ok;
}
