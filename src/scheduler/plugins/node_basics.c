/* scheduler/plugins/node_basics: the plugins of a few lines: gates, order of the queue, node name,
 * unschedulable nodes, host ports. CONFORMS: scheduler.tsv. */
#include "scheduler/plugins/plugins.h"

/* -- SchedulingGates -- */

static enum code gates_pre_enqueue(const struct plugin *p, const struct sched_pod *pod) {
    (void)p;
    return sched_pod_body(pod)->spec.scheduling_gates.n ? CODE_UNRESOLVABLE : CODE_SUCCESS;
}

const struct plugin_ops plugin_scheduling_gates = {
    .name = "SchedulingGates", .events = EVENT_SELF, .pre_enqueue = gates_pre_enqueue};

/* -- PrioritySort -- */

static bool priority_before(const struct sched_pod *a, const struct sched_pod *b) {
    if (a->facts->priority != b->facts->priority)
        return a->facts->priority > b->facts->priority;
    return a->queued_ns < b->queued_ns;
}

const struct plugin_ops plugin_priority_sort = {.name = "PrioritySort", .before = priority_before};

/* -- NodeName -- */

static enum code node_name_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    (void)p;
    struct str wanted = sched_pod_body(c->pod)->spec.node_name;
    if (!wanted.n || str_eq(wanted, n->name))
        return CODE_SUCCESS;
    cycle_reason(c, "node(s) didn't match the requested node name");
    return CODE_UNRESOLVABLE;
}

const struct plugin_ops plugin_node_name = {
    .name = "NodeName", .events = EVENT_NODE_ADD, .filter = node_name_filter};

/* -- NodeUnschedulable -- */

static bool tolerates_unschedulable(const struct pod_facts *f) {
    const struct core_taint taint = {.key = S("node.kubernetes.io/unschedulable"), .effect = S("NoSchedule")};
    return facts_tolerate(f, &taint);
}

static enum code unschedulable_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    (void)p;
    if (!n->node->spec.unschedulable || tolerates_unschedulable(c->facts))
        return CODE_SUCCESS;
    cycle_reason(c, "node(s) were unschedulable");
    return CODE_UNRESOLVABLE;
}

static bool unschedulable_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                               const struct sched_event *e) {
    (void)p;
    (void)s;
    return !e->node || !e->node->node || !e->node->node->spec.unschedulable ||
           tolerates_unschedulable(pod->facts);
}

const struct plugin_ops plugin_node_unschedulable = {.name = "NodeUnschedulable",
                                                     .events = EVENT_NODE_ADD | EVENT_NODE_TAINT | EVENT_SELF,
                                                     .filter = unschedulable_filter,
                                                     .hint = unschedulable_hint};

/* -- NodePorts -- */

static enum code ports_pre_filter(const struct plugin *p, struct cycle *c) {
    (void)p;
    return c->facts->n_ports ? CODE_SUCCESS : CODE_SKIP;
}

static bool ports_clash(const struct pod_facts *a, const struct pod_facts *b) {
    for (uint32_t i = 0; i < a->n_ports; i++)
        for (uint32_t j = 0; j < b->n_ports; j++) {
            const struct facts_port *x = &a->ports[i], *y = &b->ports[j];
            if (x->port == y->port && str_eq(x->protocol, y->protocol) &&
                (!x->ip.n || !y->ip.n || str_eq(x->ip, y->ip)))
                return true;
        }
    return false;
}

static enum code ports_filter(const struct plugin *p, struct cycle *c, const struct sched_node *n) {
    (void)p;
    if (!n->n_ports)
        return CODE_SUCCESS;
    vec_foreach (k, &n->kinds)
        if (k->facts->n_ports && ports_clash(c->facts, k->facts)) {
            cycle_reason(c, "node(s) didn't have free ports for the requested pod ports");
            return CODE_UNSCHEDULABLE;
        }
    return CODE_SUCCESS;
}

static bool ports_hint(const struct plugin *p, struct scheduler *s, const struct sched_pod *pod,
                       const struct sched_event *e) {
    (void)p;
    (void)s;
    return e->type != EVENT_POD_DELETE || (e->pod && ports_clash(pod->facts, e->pod));
}

const struct plugin_ops plugin_node_ports = {.name = "NodePorts",
                                             .events = EVENT_NODE_ADD | EVENT_POD_DELETE,
                                             .pre_filter = ports_pre_filter,
                                             .filter = ports_filter,
                                             .hint = ports_hint};
