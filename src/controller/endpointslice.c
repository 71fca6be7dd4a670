/* controller/endpointslice: the EndpointSlices of services that select pods. Keys are services.
 *
 * Slices that were made and not yet seen are expectations: packing again on a picture without them would make
 * them twice.
 */
#include "api/label_selector.h"
#include "api/meta.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/rows.h"
#include "controller/service_pods.h"
#include "controller/slices.h"

#define MANAGED_BY S("endpointslice.kubernetes.io/managed-by")
#define MANAGER S("endpointslice-controller.k8s.io")
#define SERVICE_NAME S("kubernetes.io/service-name")

struct endpointslices {
    struct service_map pods;
    struct expectations *expectations;
};

struct packing {
    struct controller *c;
    struct endpointslices *self;
    struct reconcile *r;
    struct str key;
    const struct object *object;
    const struct core_service *service;
};

/* -- what should be there -- */

static struct discovery_endpoint_port_array ports_at(struct arena *a, const struct core_service *s,
                                                     const struct core_pod *p) {
    struct discovery_endpoint_port *v = arena_new_n(a, s->spec.ports.n + 1, struct discovery_endpoint_port);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->spec.ports.n; i++) {
        const struct core_service_port *port = &s->spec.ports.v[i];
        int32_t number;
        if (!pod_find_port(p, port, &number))
            continue;
        v[n++] = (struct discovery_endpoint_port){.name = port->name.p ? port->name : S(""),
                                                  .protocol = port->protocol,
                                                  .port = {number, true},
                                                  .app_protocol = port->app_protocol};
    }
    return (struct discovery_endpoint_port_array){v, n};
}

static struct str zone_of(struct packing *x, struct str node_name) {
    const struct object *node = node_name.n ? world_get_key(&x->r->world, KIND(CORE_NODE), node_name) : NULL;
    return node ? str_map_get(node->meta->labels, S("topology.kubernetes.io/zone")) : STR_NONE;
}

/* trafficDistribution: each endpoint is for its own zone, or its own node. */
static struct discovery_endpoint_hints *hints_for(struct packing *x, const struct discovery_endpoint *e) {
    struct str how = x->service->spec.traffic_distribution;
    bool node = str_eq(how, S("PreferSameNode"));
    if (!how.n || !e->zone.n || !e->conditions.ready.v)
        return NULL;
    struct discovery_endpoint_hints *h = arena_new(x->r->arena, struct discovery_endpoint_hints);
    h->for_zones = (struct discovery_for_zone_array){arena_new(x->r->arena, struct discovery_for_zone), 1};
    h->for_zones.v[0].name = e->zone;
    if (node && e->node_name.n) {
        h->for_nodes =
            (struct discovery_for_node_array){arena_new(x->r->arena, struct discovery_for_node), 1};
        h->for_nodes.v[0].name = e->node_name;
    }
    return h;
}

static struct wanted_endpoint endpoint_of(struct packing *x, const struct object *pod, struct str ip) {
    const struct core_pod *p = pod_of(pod);
    struct arena *a = x->r->arena;
    const struct core_pod_condition *ready = pod_condition(p, S("Ready"));
    bool serving = ready && str_eq(ready->status, S("True")), ending = meta_is_deleting(pod->meta);
    struct core_object_reference *ref = arena_new(a, struct core_object_reference);
    *ref = (struct core_object_reference){
        .kind = S("Pod"), .namespace = pod->meta->namespace, .name = pod->meta->name, .uid = pod->meta->uid};
    struct str *address = arena_new(a, struct str);
    *address = ip;
    struct wanted_endpoint w = {.changed =
                                    ready ? ready->last_transition_time : (struct timestamp){.set = false}};
    w.endpoint = (struct discovery_endpoint){
        .addresses = {address, 1},
        .conditions = {.ready = {x->service->spec.publish_not_ready_addresses || (serving && !ending), true},
                       .serving = {serving, true},
                       .terminating = {ending, true}},
        .hostname = pod_hostname_in(p, x->service),
        .target_ref = ref,
        .node_name = p->spec.node_name.n ? p->spec.node_name : STR_NONE,
        .zone = zone_of(x, p->spec.node_name)};
    if (!w.endpoint.zone.n)
        w.endpoint.zone = STR_NONE;
    w.endpoint.hints = hints_for(x, &w.endpoint);
    return w;
}

static struct wanted_groups wanted(struct packing *x, int family) {
    struct wanted_groups groups = {.n = 0};
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(CORE_POD), x->object->meta->namespace)) {
        const struct object *pod = item->value;
        if (!label_map_matches(x->service->spec.selector, pod->meta->labels) ||
            !pod_serves(pod_of(pod), true))
            continue;
        struct str ip = pod_ip_of(pod_of(pod), family);
        if (!ip.n)
            continue;
        struct wanted_group *g =
            slice_group(x->r->arena, &groups, ports_at(x->r->arena, x->service, pod_of(pod)));
        struct wanted_endpoint w = endpoint_of(x, pod, ip);
        vec_push_in(x->r->arena, g, w);
    }
    return groups;
}

/* -- what is there -- */

static bool is_ours(const struct object *o) {
    return str_eq(str_map_get(o->meta->labels, MANAGED_BY), MANAGER) && !meta_is_deleting(o->meta);
}

static struct objects existing(struct packing *x, struct str address_type, bool this_type) {
    struct objects out = {.n = 0};
    struct cow_iter it;
    cow_foreach (item, &it,
                 world_owned(&x->r->world, &it, KIND(DISCOVERY_ENDPOINT_SLICE), x->object->meta->uid)) {
        const struct object *o = item->value;
        const struct discovery_endpoint_slice *s = o->body;
        if (is_ours(o) && str_eq(s->address_type, address_type) == this_type)
            vec_push_in(x->r->arena, &out, o);
    }
    return out;
}

static struct str_map slice_labels(struct packing *x) {
    struct arena *a = x->r->arena;
    struct str_map m = x->service->metadata.labels;
    m = str_map_without(a, m, S("service.kubernetes.io/headless"));
    m = str_map_with(a, m, SERVICE_NAME, x->service->metadata.name);
    m = str_map_with(a, m, MANAGED_BY, MANAGER);
    return service_is_headless(x->service) ? str_map_with(a, m, S("service.kubernetes.io/headless"), S(""))
                                           : m;
}

/* -- one family -- */

static int pack(struct packing *x, int family, struct slice_plan *ret, struct err *err) {
    struct arena *a = x->r->arena;
    struct slice_options o = {.address_type = family == 6 ? S("IPv6") : S("IPv4"),
                              .max = (uint32_t)x->c->options->max_endpoints_per_slice,
                              .placeholder = true,
                              .ns = x->object->meta->namespace,
                              .generate_name = arena_printf(a, "%.*s-", STR_ARG(x->object->meta->name)),
                              .labels = slice_labels(x),
                              .owner = meta_controller_ref(x->object->kind, x->object->meta),
                              .trigger_time = true};
    struct wanted_groups groups = wanted(x, family);
    struct objects there = existing(x, o.address_type, true);
    *ret = slices_plan(a, &o, &groups, &there);
    return slices_act(x->c->client, ret, o.ns, x->self->expectations, x->key, a, err);
}

/* Slices of a family that the service no longer has. */
static int drop_family(struct packing *x, struct str address_type, struct err *err) {
    struct objects there = existing(x, address_type, true);
    for (size_t i = 0; i < there.n; i++) {
        int rc = delete_object(x->c->client, there.v[i], STR_NONE, err);
        if (rc)
            return rc;
    }
    return 0;
}

static bool has_family(const struct core_service *s, const char *name) {
    for (uint32_t i = 0; i < s->spec.ip_families.n; i++)
        if (str_eq(s->spec.ip_families.v[i], str_from(name)))
            return true;
    if (s->spec.ip_families.n)
        return false;
    int family = family_of_text(s->spec.cluster_ip);
    return str_eq(str_from(name), S("IPv6")) ? family == 6 : family != 6;
}

static int pack_all(struct packing *x, struct err *err) {
    struct slice_plan plan;
    int rc = has_family(x->service, "IPv4") ? pack(x, 4, &plan, err) : drop_family(x, S("IPv4"), err);
    /* creations of both families would replace each other's expectation */
    if (!rc && has_family(x->service, "IPv6") && !expectations_met(x->self->expectations, x->key)) {
        x->r->requeue_after_ns = 50 * NS_PER_MS;
        return 0;
    }
    if (!rc)
        rc = has_family(x->service, "IPv6") ? pack(x, 6, &plan, err) : drop_family(x, S("IPv6"), err);
    return rc;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct packing x = {.c = r->arg, .r = r, .key = key};
    x.self = x.c->state;
    x.object = world_get_key(&r->world, KIND(CORE_SERVICE), key);
    if (!x.object) {
        expectations_forget(x.self->expectations, key);
        return 0;
    }
    x.service = x.object->body;
    if (!service_selects(x.service) || meta_is_deleting(x.object->meta) ||
        !expectations_met_in(x.self->expectations, key, r))
        return 0;
    int rc = pack_all(&x, err);
    if (rc && rc != ERR_CONFLICT && rc != ERR_NOT_FOUND)
        event_record(x.c->events, x.object, "Warning", "FailedToUpdateEndpointSlices",
                     "Error updating Endpoint Slices for Service %.*s: %s", STR_ARG(key), err->msg);
    return rc;
}

/* -- events -- */

static void map_slice(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct endpointslices *self = arg;
    struct str service = str_map_get(e->object->meta->labels, SERVICE_NAME);
    if (!service.n || !str_eq(str_map_get(e->object->meta->labels, MANAGED_BY), MANAGER))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str key = key_of(&a, e->object->meta->namespace, service);
    if (e->type == INFORMER_ADDED)
        expect_creation_seen(self->expectations, key);
    reconciler_enqueue(rc, key);
}

static void map_service(struct reconciler *rc, const struct informer_event *e, void *arg) {
    map_self(rc, e, arg);
}

int endpointslice_start(struct controller *c, struct err *err) {
    struct endpointslices *s = controller_state(c, sizeof *s);
    s->expectations = expectations_new(c->clock);
    int rc = service_map_init(&s->pods, c, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_SERVICE, map_service, NULL),
        WATCH_ALL(CORE_POD, service_map_pod, &s->pods),
        WATCH_ALL(DISCOVERY_ENDPOINT_SLICE, map_slice, s),
        WATCH_ALL(CORE_NODE, NULL, NULL),
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = 4,
                                                       .reconcile = reconcile,
                                                       .concurrency = 5,
                                                       .retry_min_ns = NS_PER_MS * 100},
                          NULL, err);
}

void endpointslice_stop(struct controller *c) {
    struct endpointslices *s = c->state;
    service_map_fini(&s->pods);
    expectations_free(s->expectations);
}
