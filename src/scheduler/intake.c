/* scheduler/intake: what happens in the cluster, brought into nodes, pods and the queue. */
#include <stdlib.h>

#include "api/meta.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "scheduler/scheduler_priv.h"

void scheduler_event(struct scheduler *s, const struct sched_event *e) {
    if (pod_queue_move(&s->queue, e))
        cycle_wake(s);
}

/* -- pods -- */

static bool has_ended(const struct core_pod *p) {
    return str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed"));
}

static void forget_pod(struct scheduler *s, struct str uid) {
    struct sched_pod *p = map_get(&s->pods, uid);
    if (!p)
        return;
    const struct sched_event gone = {.type = EVENT_POD_DELETE, .pod = p->facts, .pod_node = p->node};
    bool frees = p->node || p->nominated;
    pod_queue_remove(&s->queue, p);
    if (p->state == POD_ASSUMED && p->profile)
        for (uint32_t i = p->profile->n_plugins; i-- > 0;)
            if (p->profile->plugins[i].ops->unreserve)
                p->profile->plugins[i].ops->unreserve(&p->profile->plugins[i], s, p);
    binding_forget(s, p);
    nodes_nominate(&s->nodes, p, STR_NONE);
    if (p->binding)
        p->binding->pod = NULL;
    volume_plans_check(s);
    (void)map_remove(&s->pods, uid);
    if (frees)
        scheduler_event(s, &gone);
    volume_plan_drop(s, p);
    facts_release(&s->facts, p->facts);
    object_unref(p->object);
    free(p);
}

static void set_object(struct scheduler *s, struct sched_pod *p, const struct object *o) {
    const struct object *old = p->object;
    p->object = object_ref(o);
    (void)map_put(&s->pods, o->meta->uid, p); /* the key moves into the new object */
    object_unref(old);
}

/* The pod has a node: ours, or somebody else's choice. */
static void take_bound(struct scheduler *s, struct sched_pod *p, const struct object *o,
                       struct pod_facts *facts) {
    struct str name = ((const struct core_pod *)o->body)->spec.node_name;
    struct pod_facts *old = p->facts;
    bool was_bound = p->state == POD_BOUND;
    pod_queue_remove(&s->queue, p);
    nodes_nominate(&s->nodes, p, STR_NONE);
    if (!p->node || !str_eq(p->node->name, name) || facts != old) {
        binding_forget(s, p);
        p->facts = facts;
        p->node = nodes_get(&s->nodes, name);
        nodes_add_pod(&s->nodes, p->node, p);
    }
    set_object(s, p, o);
    p->state = POD_BOUND;
    const struct sched_event e = {.type = was_bound ? EVENT_POD_UPDATE : EVENT_POD_ADD,
                                  .pod = facts,
                                  .previous = was_bound ? old : NULL,
                                  .pod_node = p->node};
    if (!was_bound || facts != old)
        scheduler_event(s, &e);
    facts_release(&s->facts, old);
}

static bool gates_differ(const struct object *a, const struct object *b) {
    const struct core_pod *x = a->body, *y = b->body;
    return x->spec.scheduling_gates.n != y->spec.scheduling_gates.n;
}

static void take_nomination(struct scheduler *s, struct sched_pod *p) {
    struct str wanted = sched_pod_body(p)->status.nominated_node_name;
    if (p->node || (p->nominated && str_eq(p->nominated->name, wanted)))
        return;
    if (wanted.n || p->nominated)
        nodes_nominate(&s->nodes, p, wanted);
}

static void swap_facts(struct scheduler *s, struct sched_pod *p, struct pod_facts *facts) {
    struct pod_facts *old = p->facts;
    struct sched_node *node = p->node;
    if (node && facts != old) {
        node->n_nominated++; /* it stays while nobody is on it */
        nodes_remove_pod(&s->nodes, node, p);
        p->facts = facts;
        nodes_add_pod(&s->nodes, node, p);
        node->n_nominated--;
    }
    p->facts = facts;
    facts_release(&s->facts, old);
}

/* The pod has no node yet, or ours is not confirmed. */
static void take_pending(struct scheduler *s, struct sched_pod *p, const struct object *o,
                         struct pod_facts *facts) {
    const struct profile *profile = profile_find(s, ((const struct core_pod *)o->body)->spec.scheduler_name);
    bool ours = profile && !meta_is_deleting(o->meta);
    bool changed = facts != p->facts || gates_differ(p->object, o) || p->profile != profile;
    enum pod_state state = p->state;
    if (state == POD_ASSUMED || !changed) {
        set_object(s, p, o);
        swap_facts(s, p, facts);
    } else {
        pod_queue_remove(&s->queue, p);
        binding_forget(s, p);
        set_object(s, p, o);
        swap_facts(s, p, facts);
        p->profile = profile;
        if (ours)
            pod_queue_return(&s->queue, p, state);
    }
    if (ours)
        take_nomination(s, p);
}

static struct sched_pod *new_pod(struct scheduler *s, const struct object *o, struct pod_facts *facts) {
    struct sched_pod *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    p->object = object_ref(o);
    p->facts = facts;
    facts->refs++;
    p->profile = NULL;
    (void)map_put(&s->pods, o->meta->uid, p);
    return p;
}

static void on_pod(struct scheduler *s, const struct informer_event *e) {
    const struct object *o = e->object;
    const struct core_pod *body = o->body;
    if (e->previous && !str_eq(e->previous->meta->uid, o->meta->uid))
        forget_pod(s, e->previous->meta->uid);
    if (e->type == INFORMER_DELETED || has_ended(body)) {
        forget_pod(s, o->meta->uid);
        return;
    }
    struct sched_pod *p = map_get(&s->pods, o->meta->uid);
    struct pod_facts *facts = facts_get(&s->facts, o);
    if (!p)
        p = new_pod(s, o, facts);
    if (body->spec.node_name.n)
        take_bound(s, p, o, facts);
    else if (p->state != POD_BOUND)
        take_pending(s, p, o, facts);
    else
        facts_release(&s->facts, facts); /* an older state */
    cycle_wake(s);
}

/* -- nodes -- */

static void on_node(struct scheduler *s, const struct informer_event *e) {
    const struct object *o = e->object;
    struct sched_event happened = {.type = 0};
    if (e->type == INFORMER_DELETED) {
        nodes_remove(&s->nodes, o->meta->name);
        happened.type = EVENT_NODE_DELETE;
    } else {
        unsigned changed = nodes_set(&s->nodes, o);
        happened.node = nodes_find(&s->nodes, o->meta->name);
        happened.type = (changed & NODE_ADDED ? (uint32_t)EVENT_NODE_ADD : 0) |
                        (changed & NODE_ALLOCATABLE ? (uint32_t)EVENT_NODE_ALLOCATABLE : 0) |
                        (changed & NODE_LABELS ? (uint32_t)EVENT_NODE_LABEL : 0) |
                        (changed & NODE_TAINTS ? (uint32_t)EVENT_NODE_TAINT : 0);
    }
    if (happened.type)
        scheduler_event(s, &happened);
}

/* -- the rest -- */

static void on_namespace(struct scheduler *s, const struct informer_event *e) {
    struct object *was = map_take(&s->namespaces, e->object->meta->name);
    if (e->type != INFORMER_DELETED)
        (void)map_put(&s->namespaces, e->object->meta->name, object_ref(e->object));
    object_unref(was);
}

struct str_map scheduler_namespace_labels(const struct scheduler *s, struct str ns) {
    const struct object *o = map_get(&s->namespaces, ns);
    return o ? o->meta->labels : (struct str_map){0};
}

static uint32_t event_of(enum followed_kind kind) {
    switch (kind) {
    case FOLLOW_CLAIMS: return EVENT_CLAIM;
    case FOLLOW_VOLUMES: return EVENT_VOLUME;
    case FOLLOW_CLASSES: return EVENT_CLASS;
    default: return 0;
    }
}

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct followed *f = (struct followed *)((char *)l - offsetof(struct followed, listener));
    struct scheduler *s = f->s;
    switch (f->kind) {
    case FOLLOW_NODES: on_node(s, e); break;
    case FOLLOW_PODS: on_pod(s, e); break;
    case FOLLOW_NAMESPACES: on_namespace(s, e); break;
    default: {
        const struct sched_event happened = {.type = event_of(f->kind), .object = e->object};
        if (happened.type)
            scheduler_event(s, &happened);
        if (f->kind == FOLLOW_CLAIMS)
            volume_plans_check(s);
    }
    }
}

static void on_synced(struct informer_listener *l) {
    struct followed *f = (struct followed *)((char *)l - offsetof(struct followed, listener));
    struct scheduler *s = f->s;
    f->synced = true;
    s->synced = true;
    for (unsigned i = 0; i < FOLLOW_COUNT; i++)
        s->synced = s->synced && s->followed[i].synced;
    cycle_wake(s);
}

/* -- starting and stopping -- */

static const uint16_t followed_kinds[FOLLOW_COUNT] = {
    [FOLLOW_NODES] = KIND_CORE_NODE,
    [FOLLOW_PODS] = KIND_CORE_POD,
    [FOLLOW_NAMESPACES] = KIND_CORE_NAMESPACE,
    [FOLLOW_SERVICES] = KIND_CORE_SERVICE,
    [FOLLOW_CONTROLLERS] = KIND_CORE_REPLICATION_CONTROLLER,
    [FOLLOW_REPLICA_SETS] = KIND_APPS_REPLICA_SET,
    [FOLLOW_STATEFUL_SETS] = KIND_APPS_STATEFUL_SET,
    [FOLLOW_CLAIMS] = KIND_CORE_PERSISTENT_VOLUME_CLAIM,
    [FOLLOW_VOLUMES] = KIND_CORE_PERSISTENT_VOLUME,
    [FOLLOW_CLASSES] = KIND_STORAGE_STORAGE_CLASS,
    [FOLLOW_BUDGETS] = KIND_POLICY_POD_DISRUPTION_BUDGET,
};

int intake_start(struct scheduler *s, struct err *err) {
    for (unsigned i = 0; i < FOLLOW_COUNT; i++) {
        struct followed *f = &s->followed[i];
        *f = (struct followed){
            .s = s,
            .kind = (enum followed_kind)i,
            .listener = {.loop = s->loop, .on_event = on_event, .on_synced = on_synced},
        };
        int rc = informer_get(s->client, &(struct informer_options){.kind = &kinds[followed_kinds[i]]},
                              &f->informer, err);
        if (rc)
            return rc;
    }
    return 0;
}

void intake_listen(struct scheduler *s) {
    for (unsigned i = 0; i < FOLLOW_COUNT; i++) {
        informer_listen(s->followed[i].informer, &s->followed[i].listener);
        s->followed[i].listening = true;
    }
}

void intake_stop(struct scheduler *s) {
    for (unsigned i = 0; i < FOLLOW_COUNT; i++)
        if (s->followed[i].listening) {
            informer_unlisten(s->followed[i].informer, &s->followed[i].listener);
            s->followed[i].listening = false;
        }
}

void intake_release(struct scheduler *s) {
    while (map_count(&s->pods)) {
        const struct sched_pod *p = s->pods.entries[map_count(&s->pods) - 1].value;
        forget_pod(s, p->object->meta->uid);
    }
    map_foreach(e, &s->namespaces) object_unref(e->value);
    for (unsigned i = 0; i < FOLLOW_COUNT; i++)
        if (s->followed[i].informer)
            informer_unref(s->followed[i].informer);
    map_fini(&s->pods);
    map_fini(&s->namespaces);
}

struct object *scheduler_find(struct scheduler *s, enum followed_kind kind, struct str ns, struct str name) {
    return informer_find(s->followed[kind].informer, ns, name);
}
