/* controller/endpointslice_mirroring: EndpointSlices of Endpoints that were written by hand, for services
 * without a selector. Keys are Endpoints (and their services, of the same name).
 */
#include "api/meta.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/rows.h"
#include "controller/service_pods.h"
#include "controller/slices.h"

#define MANAGED_BY S("endpointslice.kubernetes.io/managed-by")
#define MANAGER S("endpointslicemirroring-controller.k8s.io")
#define SERVICE_NAME S("kubernetes.io/service-name")
#define SUBSET_MAX 1000u /* addresses of a subset that are mirrored */

struct mirroring {
    struct expectations *expectations;
};

struct mirror_run {
    struct controller *c;
    struct mirroring *self;
    struct reconcile *r;
    struct arena *a;
    struct str key;
    const struct object *object; /* the Endpoints */
};

static bool is_mirrored(const struct object *endpoints, const struct object *service) {
    if (!endpoints || !service || meta_is_deleting(endpoints->meta) || meta_is_deleting(service->meta))
        return false;
    const struct core_service *s = service->body;
    return !s->spec.selector.n && !str_eq(s->spec.type, S("ExternalName")) &&
           !str_eq(str_map_get(endpoints->meta->labels, S("endpointslice.kubernetes.io/skip-mirror")),
                   S("true")) &&
           !str_map_get(endpoints->meta->annotations, S("control-plane.alpha.kubernetes.io/leader")).p;
}

static struct discovery_endpoint_port_array ports_of(struct arena *a, const struct core_endpoint_subset *s) {
    struct discovery_endpoint_port_array out = {
        arena_new_n(a, s->ports.n + 1, struct discovery_endpoint_port), s->ports.n};
    for (uint32_t i = 0; i < s->ports.n; i++)
        out.v[i] = (struct discovery_endpoint_port){.name = s->ports.v[i].name.p ? s->ports.v[i].name : S(""),
                                                    .protocol = s->ports.v[i].protocol,
                                                    .port = {s->ports.v[i].port, true},
                                                    .app_protocol = s->ports.v[i].app_protocol};
    return out;
}

static void add_addresses(struct arena *a, struct wanted_group *g,
                          const struct core_endpoint_address_array *list, bool ready, int family) {
    for (uint32_t i = 0; i < list->n && g->n < SUBSET_MAX; i++) {
        const struct core_endpoint_address *from = &list->v[i];
        struct str *ip = arena_new(a, struct str);
        if (family_of_text(from->ip) != family)
            continue;
        *ip = from->ip;
        struct wanted_endpoint w = {.endpoint = {.addresses = {ip, 1},
                                                 .conditions = {.ready = {ready, true}},
                                                 .hostname = from->hostname.n ? from->hostname : STR_NONE,
                                                 .node_name = from->node_name.n ? from->node_name : STR_NONE,
                                                 .target_ref = from->target_ref}};
        vec_push_in(a, g, w);
    }
}

static struct wanted_groups wanted(struct mirror_run *x, int family) {
    const struct core_endpoints *e = x->object->body;
    struct wanted_groups groups = {.n = 0};
    for (uint32_t i = 0; i < e->subsets.n; i++) {
        struct wanted_group *g = slice_group(x->a, &groups, ports_of(x->a, &e->subsets.v[i]));
        add_addresses(x->a, g, &e->subsets.v[i].addresses, true, family);
        add_addresses(x->a, g, &e->subsets.v[i].not_ready_addresses, false, family);
    }
    return groups;
}

/* Ours of that service; all families when address_type is empty. */
static struct objects existing(struct reconcile *r, struct str ns, struct str service,
                               struct str address_type) {
    struct objects out = {.n = 0};
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(DISCOVERY_ENDPOINT_SLICE), ns)) {
        const struct object *o = item->value;
        const struct discovery_endpoint_slice *s = o->body;
        if (str_eq(str_map_get(o->meta->labels, MANAGED_BY), MANAGER) &&
            str_eq(str_map_get(o->meta->labels, SERVICE_NAME), service) && !meta_is_deleting(o->meta) &&
            (!address_type.n || str_eq(s->address_type, address_type)))
            vec_push_in(r->arena, &out, o);
    }
    return out;
}

static int mirror(struct mirror_run *x, int family, struct err *err) {
    const struct meta_object_meta *m = x->object->meta;
    struct str_map labels = str_map_with(x->a, m->labels, SERVICE_NAME, m->name);
    struct str_map annotations =
        str_map_without(x->a, m->annotations, S("kubectl.kubernetes.io/last-applied-configuration"));
    annotations = str_map_without(x->a, annotations, S("endpoints.kubernetes.io/last-change-trigger-time"));
    struct slice_options o = {.address_type = family == 6 ? S("IPv6") : S("IPv4"),
                              .max = SUBSET_MAX,
                              .ns = m->namespace,
                              .generate_name = arena_printf(x->a, "%.*s-", STR_ARG(m->name)),
                              .labels = str_map_with(x->a, labels, MANAGED_BY, MANAGER),
                              .annotations = annotations,
                              .owner = meta_controller_ref(x->object->kind, m)};
    struct wanted_groups groups = wanted(x, family);
    struct objects there = existing(x->r, m->namespace, m->name, o.address_type);
    struct slice_plan plan = slices_plan(x->a, &o, &groups, &there);
    return slices_act(x->c->client, &plan, m->namespace, x->self->expectations, x->key, x->a, err);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct mirror_run x = {.c = r->arg, .r = r, .a = r->arena, .key = key};
    struct str ns, name;
    x.self = x.c->state;
    key_split(key, &ns, &name);
    if (!expectations_met_in(x.self->expectations, key, r))
        return 0;
    x.object = world_get_key(&r->world, KIND(CORE_ENDPOINTS), key);
    if (!is_mirrored(x.object, world_get_key(&r->world, KIND(CORE_SERVICE), key))) {
        struct objects there = existing(r, ns, name, S(""));
        int rc = 0;
        for (size_t i = 0; i < there.n && !rc; i++)
            rc = delete_object(x.c->client, there.v[i], STR_NONE, err);
        return rc;
    }
    int rc = mirror(&x, 4, err);
    if (!rc && !expectations_met(x.self->expectations, key)) {
        r->requeue_after_ns = 50 * NS_PER_MS; /* the other family when these are seen */
        return 0;
    }
    return rc ? rc : mirror(&x, 6, err);
}

static void map_slice(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct mirroring *s = arg;
    struct str service = str_map_get(e->object->meta->labels, SERVICE_NAME);
    if (!service.n || !str_eq(str_map_get(e->object->meta->labels, MANAGED_BY), MANAGER))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str key = key_of(&a, e->object->meta->namespace, service);
    if (e->type == INFORMER_ADDED)
        expect_creation_seen(s->expectations, key);
    reconciler_enqueue(rc, key);
}

int endpointslice_mirroring_start(struct controller *c, struct err *err) {
    struct mirroring *s = controller_state(c, sizeof *s);
    s->expectations = expectations_new(c->clock);
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_ENDPOINTS, map_self, NULL),
        WATCH_ALL(CORE_SERVICE, map_self, NULL),
        WATCH_ALL(DISCOVERY_ENDPOINT_SLICE, map_slice, s),
    };
    return controller_add(c,
                          &(struct reconciler_options){
                              .watches = watches, .n_watches = 3, .reconcile = reconcile, .concurrency = 2},
                          NULL, err);
}

void endpointslice_mirroring_stop(struct controller *c) {
    expectations_free(((struct mirroring *)c->state)->expectations);
}
