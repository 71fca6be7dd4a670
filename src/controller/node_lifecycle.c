/* controller/node_lifecycle: turns silent nodes Unknown, taints nodes by their conditions, marks the pods of
 * nodes that fail as not ready.
 *
 * Two reconcilers. The monitor has one key and looks at all nodes every five seconds; what it remembers of
 * them only its runs use. The other has nodes as keys and keeps their taints as events come in.
 */
#include <stdlib.h>

#include "api/meta.h"
#include "api/time.h"
#include "api/types/coordination.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "controller/controller_priv.h"
#include "controller/node_health.h"
#include "controller/pods.h"
#include "controller/rows.h"

/* What was seen of a node last. Times are monotonic: nodes' clocks do not count, only that they change. */
struct heartbeat {
    int64_t probe_ns;            /* when it said something last */
    struct timestamp beat;       /* lastHeartbeatTime of Ready */
    struct timestamp transition; /* of Ready */
    struct timestamp renewed;    /* of its lease */
    bool seen;                   /* in this run */
    bool ready;
};

struct zone {
    uint32_t ready, not_ready;
    enum zone_state state;
    int64_t next_ns; /* when the next node may be tainted */
};

struct lifecycle {
    struct map beats; /* node → struct heartbeat */
    struct map zones; /* name → struct zone */
};

struct monitor {
    struct controller *c;
    struct lifecycle *self;
    struct reconcile *r;
    int64_t mono_ns;
};

/* -- taints of one node -- */

static int write_taints(struct controller *c, struct reconcile *r, const struct object *o, bool execute,
                        struct err *err) {
    struct core_node n = *(const struct core_node *)o->body;
    struct core_taint_array wanted = node_wanted_taints(r->arena, &n, execute, now_stamp(r));
    struct str os = str_map_get(n.metadata.labels, S("kubernetes.io/os"));
    struct str arch = str_map_get(n.metadata.labels, S("kubernetes.io/arch"));
    struct str_map labels = n.metadata.labels;
    if (os.n)
        labels = str_map_with(r->arena, labels, S("beta.kubernetes.io/os"), os);
    if (arch.n)
        labels = str_map_with(r->arena, labels, S("beta.kubernetes.io/arch"), arch);
    if (taints_equal(&wanted, &n.spec.taints) && str_map_equal(labels, n.metadata.labels))
        return 0;
    n.spec.taints = wanted;
    n.metadata.labels = labels;
    return unless_gone(client_update(c->client, o->kind, &n, NULL, err));
}

static int reconcile_node(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CORE_NODE), key);
    return o && !meta_is_deleting(o->meta) ? write_taints(r->arg, r, o, false, err) : 0;
}

/* -- silence -- */

static struct heartbeat *beat_of(struct monitor *x, const struct object *o) {
    struct map_entry *e = map_upsert(&x->self->beats, o->meta->name, NULL);
    if (!e->value) {
        struct heartbeat *h = calloc(1, sizeof *h);
        if (!h)
            panic("out of memory");
        h->probe_ns = x->mono_ns;
        e->value = h;
    }
    return e->value;
}

static void listen(struct monitor *x, const struct object *o, struct heartbeat *h) {
    const struct core_node_condition *ready = node_condition(o->body, S("Ready"));
    const struct object *lease =
        world_get(&x->r->world, KIND(COORDINATION_LEASE), S("kube-node-lease"), o->meta->name);
    struct timestamp none = {.set = false};
    struct timestamp beat = ready ? ready->last_heartbeat_time : none;
    struct timestamp transition = ready ? ready->last_transition_time : none;
    struct timestamp renewed =
        lease ? ((const struct coordination_lease *)lease->body)->spec.renew_time : none;
    bool news = !timestamp_equal(beat, h->beat) || timestamp_cmp(renewed, h->renewed) > 0;
    /* our own writing of Unknown is no sign of life */
    if (ready && !str_eq(ready->status, S("Unknown")) && !timestamp_equal(transition, h->transition))
        news = true;
    if (news)
        h->probe_ns = x->mono_ns;
    h->beat = beat;
    h->transition = transition;
    if (timestamp_cmp(renewed, h->renewed) > 0)
        h->renewed = renewed;
}

static bool is_silent(const struct monitor *x, const struct object *o, const struct heartbeat *h) {
    bool starting = node_condition(o->body, S("Ready")) == NULL;
    int64_t grace = starting ? x->c->options->node_startup_grace_ns : x->c->options->node_monitor_grace_ns;
    return x->mono_ns > h->probe_ns + grace;
}

static int mark_unknown(struct monitor *x, const struct object *o, struct err *err) {
    struct core_node n = *(const struct core_node *)o->body;
    if (!node_set_unknown(x->r->arena, &n, now_stamp(x->r)))
        return 0;
    return unless_gone(client_update_status(x->c->client, o->kind, &n, NULL, err));
}

/* -- pods of a node that failed -- */

static int mark_pods(struct monitor *x, const struct object *node, struct err *err) {
    struct cow_iter it;
    cow_foreach (item, &it, world_on_node(&x->r->world, &it, node->meta->name)) {
        const struct object *o = item->value;
        struct core_pod p = *pod_of(o);
        const struct core_pod_condition *old = pod_condition(&p, S("Ready"));
        if (!old || !str_eq(old->status, S("True")))
            continue;
        struct core_pod_condition c = *old;
        c.status = S("False");
        c.last_transition_time = now_stamp(x->r);
        (void)pod_set_condition(x->r->arena, &p.status.conditions, &c);
        int rc = unless_gone(client_update_status(x->c->client, o->kind, &p, NULL, err));
        if (rc && rc != ERR_CONFLICT)
            return rc;
        event_record(x->c->events, o, "Warning", "NodeNotReady", "Node is not ready");
    }
    return 0;
}

/* -- zones -- */

static struct str zone_name(struct arena *a, const struct object *o) {
    struct str region = str_map_get(o->meta->labels, S("topology.kubernetes.io/region"));
    struct str zone = str_map_get(o->meta->labels, S("topology.kubernetes.io/zone"));
    return region.n || zone.n ? arena_printf(a, "%.*s:%.*s", STR_ARG(region), STR_ARG(zone)) : S("-");
}

static struct zone *zone_of(struct monitor *x, const struct object *o) {
    struct map_entry *e = map_upsert(&x->self->zones, zone_name(x->r->arena, o), NULL);
    if (!e->value) {
        e->value = calloc(1, sizeof(struct zone));
        if (!e->value)
            panic("out of memory");
    }
    return e->value;
}

/* Every zone is down: more likely we are cut off than they. */
static bool all_down(const struct lifecycle *s) {
    bool any = false;
    map_foreach(e, &s->zones) {
        const struct zone *z = e->value;
        if (z->ready + z->not_ready == 0)
            continue;
        any = true;
        if (z->state != ZONE_FULL)
            return false;
    }
    return any;
}

static int taint_some(struct monitor *x, const struct object *o, struct err *err) {
    const struct controllers_options *opt = x->c->options;
    struct zone *z = zone_of(x, o);
    double rate = zone_rate(z->state, z->ready + z->not_ready, opt->large_cluster_threshold,
                            opt->node_eviction_rate, opt->secondary_node_eviction_rate);
    if (!node_missing_execute_taint(o->body).n || rate <= 0 || x->mono_ns < z->next_ns)
        return 0;
    z->next_ns = x->mono_ns + (int64_t)(1e9 / rate);
    return write_taints(x->c, x->r, o, true, err);
}

/* -- one round -- */

static int look_at(struct monitor *x, const struct object *o, struct err *err) {
    struct heartbeat *h = beat_of(x, o);
    bool was_ready = h->ready;
    listen(x, o, h);
    h->seen = true;
    bool silent = is_silent(x, o, h);
    h->ready = !silent && str_eq(node_readiness(o->body), S("True"));
    int rc = silent ? mark_unknown(x, o, err) : 0;
    if (!rc && was_ready && !h->ready) {
        event_record(x->c->events, o, "Normal", "NodeNotReady", "Node %.*s status is now: NodeNotReady",
                     STR_ARG(o->meta->name));
        rc = mark_pods(x, o, err);
    }
    struct zone *z = zone_of(x, o);
    z->ready += h->ready;
    z->not_ready += !h->ready;
    return rc;
}

static void forget_gone(struct monitor *x) {
    map_foreach_reverse(e, &x->self->beats) {
        struct heartbeat *h = e->value;
        if (!h->seen) {
            map_remove_entry(&x->self->beats, e);
            free(h);
        } else {
            h->seen = false;
        }
    }
}

static int monitor(struct reconcile *r, struct str key, struct err *err) {
    struct monitor x = {.c = r->arg, .r = r, .mono_ns = clock_mono_ns(r->clock)};
    struct cow_iter it;
    int first = 0;
    (void)key;
    x.self = x.c->state;
    r->requeue_after_ns = x.c->options->node_monitor_period_ns;
    map_foreach(e, &x.self->zones)((struct zone *)e->value)->ready = ((struct zone *)e->value)->not_ready = 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S(""))) {
        int rc = look_at(&x, item->value, err);
        first = first ? first : rc;
    }
    forget_gone(&x);
    map_foreach(e, &x.self->zones) {
        struct zone *z = e->value;
        z->state = zone_state_of(z->ready, z->not_ready, x.c->options->unhealthy_zone_threshold);
    }
    if (all_down(x.self))
        return first == ERR_CONFLICT ? 0 : first;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S(""))) {
        int rc = taint_some(&x, item->value, err);
        first = first ? first : rc;
    }
    return first == ERR_CONFLICT ? 0 : first; /* the next round sees it anew */
}

int node_lifecycle_start(struct controller *c, struct err *err) {
    struct lifecycle *s = controller_state(c, sizeof *s);
    struct reconciler *rc = NULL;
    s->beats = (struct map)MAP_INIT_OWNING;
    s->zones = (struct map)MAP_INIT_OWNING;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_NODE, NULL, NULL),
        {.of = {.kind = KIND(COORDINATION_LEASE), .ns = S("kube-node-lease")}},
        WATCH_ALL(CORE_POD, NULL, NULL),
    };
    const struct reconciler_watch nodes[] = {WATCH_ALL(CORE_NODE, map_self, NULL)};
    int code =
        controller_add(c,
                       &(struct reconciler_options){
                           .name = "node-monitor", .watches = watches, .n_watches = 3, .reconcile = monitor},
                       &rc, err);
    if (code)
        return code;
    reconciler_enqueue(rc, S("nodes"));
    return controller_add(c,
                          &(struct reconciler_options){.name = "node-taints",
                                                       .watches = nodes,
                                                       .n_watches = 1,
                                                       .reconcile = reconcile_node,
                                                       .concurrency = 2},
                          NULL, err);
}

void node_lifecycle_stop(struct controller *c) {
    struct lifecycle *s = c->state;
    map_foreach(e, &s->beats) free(e->value);
    map_foreach(e, &s->zones) free(e->value);
    map_fini(&s->beats);
    map_fini(&s->zones);
}
