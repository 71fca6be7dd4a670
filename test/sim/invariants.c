/* What must hold after every step. See cluster.h. */
#include <stdio.h>
#include <stdlib.h>

#include "api/intstr.h"
#include "api/meta.h"
#include "api/quantity.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/map.h"
#include "client/reconciler.h"
#include "cluster.h"
#include "unit/unit.h"

static char wrong[512];

#define WRONG(...) (snprintf(wrong, sizeof wrong, __VA_ARGS__), wrong)

static const struct core_pod *pod_of(const struct cow_item *item) {
    return ((const struct object *)item->value)->body;
}

static bool is_over(const struct core_pod *p) {
    return str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed"));
}

/* Owned by something that never was, or that went without it: garbage collection gets a while for it, so only
 * owners are looked at that were never there. A controller must not make pods for what is gone. */
const char *invariant_pods_have_living_owners(struct cluster *c, void *arg) {
    (void)arg;
    const struct informer_snapshot *pods = cluster_snapshot(c, KIND(CORE_POD));
    const struct informer_snapshot *sets = cluster_snapshot(c, KIND(APPS_REPLICA_SET));
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &pods->tree)) {
        const struct core_pod *p = pod_of(item);
        const struct meta_owner_reference *ref = meta_controller(&p->metadata);
        if (!ref || !str_eq(ref->kind, S("ReplicaSet")) || p->metadata.deletion_timestamp.set)
            continue;
        char key[512];
        int n = snprintf(key, sizeof key, "%.*s/%.*s", STR_ARG(p->metadata.namespace), STR_ARG(ref->name));
        const struct object *owner = cow_get(&sets->tree, str_make(key, (size_t)n));
        if (owner && !str_eq(owner->meta->uid, ref->uid))
            return WRONG("pod %.*s belongs to an earlier ReplicaSet %s", STR_ARG(item->key), key);
    }
    return NULL;
}

const char *invariant_host_ports_are_apart(struct cluster *c, void *arg) {
    (void)arg;
    const struct informer_snapshot *pods = cluster_snapshot(c, KIND(CORE_POD));
    _cleanup_map struct map taken = MAP_INIT_OWNING;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &pods->tree)) {
        const struct core_pod *p = pod_of(item);
        for (uint32_t i = 0; p->spec.node_name.n && !is_over(p) && i < p->spec.containers.n; i++)
            for (uint32_t k = 0; k < p->spec.containers.v[i].ports.n; k++) {
                const struct core_container_port *port = &p->spec.containers.v[i].ports.v[k];
                char key[512];
                int n = snprintf(key, sizeof key, "%.*s %.*s %d %.*s", STR_ARG(p->spec.node_name),
                                 STR_ARG(port->protocol), (int)port->host_port, STR_ARG(port->host_ip));
                bool is_new = true;
                if (port->host_port)
                    (void)map_upsert(&taken, str_make(key, (size_t)n), &is_new);
                if (!is_new)
                    return WRONG("host port %s is taken twice", key);
            }
    }
    return NULL;
}

static int64_t milli_cpu(struct quantity_map m) {
    const struct quantity *q = quantity_map_get(m, S("cpu"));
    return q ? quantity_scaled_value(q, -3) : 0;
}

const char *invariant_nodes_are_not_full(struct cluster *c, void *arg) {
    (void)arg;
    const struct informer_snapshot *pods = cluster_snapshot(c, KIND(CORE_POD));
    const struct informer_snapshot *nodes = cluster_snapshot(c, KIND(CORE_NODE));
    struct cow_iter it, on;
    cow_foreach (node, &it, cow_all(&it, &nodes->tree)) {
        const struct core_node *n = ((const struct object *)node->value)->body;
        const struct quantity *most = quantity_map_get(n->status.allocatable, S("pods"));
        int64_t count = 0, cpu = 0, room = 0;
        char prefix[300];
        int len = snprintf(prefix, sizeof prefix, "%.*s/", STR_ARG(node->key));
        cow_foreach (item, &on, cow_prefix(&on, &pods->by_node, str_make(prefix, (size_t)len))) {
            const struct core_pod *p = pod_of(item);
            if (is_over(p))
                continue;
            count++;
            for (uint32_t i = 0; i < p->spec.containers.n; i++)
                cpu += milli_cpu(p->spec.containers.v[i].resources.requests);
        }
        if (most && quantity_as_int(most, &room) && count > room)
            return WRONG("%lld pods on %.*s", (long long)count, STR_ARG(node->key));
        if (cpu > milli_cpu(n->status.allocatable))
            return WRONG("%lld mCPU are asked for on %.*s", (long long)cpu, STR_ARG(node->key));
    }
    return NULL;
}

const char *invariant_surge(struct cluster *c, void *arg) {
    struct str ns, name;
    (void)str_split(str_from(arg), '/', &ns, &name);
    const struct informer_snapshot *deployments = cluster_snapshot(c, KIND(APPS_DEPLOYMENT));
    const struct informer_snapshot *sets = cluster_snapshot(c, KIND(APPS_REPLICA_SET));
    const struct object *o = cow_get(&deployments->tree, str_from(arg));
    if (!o)
        return NULL;
    const struct apps_deployment *d = o->body;
    int64_t wanted = d->spec.replicas.v, sum = 0, surge = wanted;
    if (d->spec.strategy.rolling_update && !d->spec.strategy.rolling_update->max_surge.is_str)
        surge = d->spec.strategy.rolling_update->max_surge.i;
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &sets->tree)) {
        const struct object *set = item->value;
        if (meta_is_controlled_by(set->meta, o->meta->uid))
            sum += ((const struct apps_replica_set *)set->body)->spec.replicas.v;
    }
    if (sum > wanted + surge && d->status.observed_generation == o->meta->generation)
        return WRONG("%.*s: its ReplicaSets ask for %lld pods, more than %lld and %lld", STR_ARG(name),
                     (long long)sum, (long long)wanted, (long long)surge);
    return NULL;
}
