/* controller/endpoints: the Endpoints of services that select pods, for clients that still read them. Keys
 * are services.
 */
#include <stdlib.h>

#include "api/equal.h"
#include "api/label_selector.h"
#include "api/meta.h"
#include "base/vec.h"
#include "controller/rows.h"
#include "controller/service_pods.h"

#define ENDPOINTS_MAX 1000u /* addresses; more are cut off */
#define OVER_CAPACITY S("endpoints.kubernetes.io/over-capacity")
#define HEADLESS S("service.kubernetes.io/headless")

/* Addresses with the same ports. */
struct subset {
    struct str key;
    struct core_endpoint_port_array ports;
    struct address_list {
        struct core_endpoint_address *v;
        size_t n, cap;
    } ready, not_ready;
};

struct subsets {
    struct subset *v;
    size_t n, cap;
};

struct endpoints_run {
    struct controller *c;
    struct reconcile *r;
    struct arena *a;
    const struct object *object;
    const struct core_service *service;
    struct subsets subsets;
    size_t n_addresses;
};

static struct core_endpoint_port_array ports_at(struct endpoints_run *x, const struct core_pod *p,
                                                struct str *ret_key) {
    const struct core_service_port_array *ports = &x->service->spec.ports;
    struct core_endpoint_port *v = arena_new_n(x->a, ports->n + 1, struct core_endpoint_port);
    uint32_t n = 0;
    *ret_key = S("");
    for (uint32_t i = 0; i < ports->n; i++) {
        int32_t number;
        if (!pod_find_port(p, &ports->v[i], &number))
            continue;
        v[n++] = (struct core_endpoint_port){.name = ports->v[i].name,
                                             .port = number,
                                             .protocol = ports->v[i].protocol,
                                             .app_protocol = ports->v[i].app_protocol};
        *ret_key = arena_printf(x->a, "%.*s%u=%d;", STR_ARG(*ret_key), i, number);
    }
    return (struct core_endpoint_port_array){v, n};
}

static struct subset *subset_of(struct endpoints_run *x, struct str key,
                                struct core_endpoint_port_array ports) {
    for (size_t i = 0; i < x->subsets.n; i++)
        if (str_eq(x->subsets.v[i].key, key))
            return &x->subsets.v[i];
    struct subset s = {.key = key, .ports = ports};
    vec_push_in(x->a, &x->subsets, s);
    return &x->subsets.v[x->subsets.n - 1];
}

static void add_pod(struct endpoints_run *x, const struct object *o, struct str ip) {
    const struct core_pod *p = pod_of(o);
    struct str key;
    struct core_endpoint_port_array ports = ports_at(x, p, &key);
    if (!ports.n && x->service->spec.ports.n)
        return;
    struct subset *s = subset_of(x, key, ports);
    struct core_object_reference *ref = arena_new(x->a, struct core_object_reference);
    *ref = (struct core_object_reference){
        .kind = S("Pod"), .namespace = o->meta->namespace, .name = o->meta->name, .uid = o->meta->uid};
    struct core_endpoint_address address = {.ip = ip,
                                            .hostname = pod_hostname_in(p, x->service),
                                            .node_name = p->spec.node_name.n ? p->spec.node_name : STR_NONE,
                                            .target_ref = ref};
    bool ready = x->service->spec.publish_not_ready_addresses || pod_is_ready(p);
    if (ready)
        vec_push_in(x->a, &s->ready, address);
    else
        vec_push_in(x->a, &s->not_ready, address);
    x->n_addresses++;
}

static int family_of(const struct core_service *s) {
    if (s->spec.ip_families.n)
        return str_eq(s->spec.ip_families.v[0], S("IPv6")) ? 6 : 4;
    int family = family_of_text(s->spec.cluster_ip);
    return family ? family : 4;
}

static void collect(struct endpoints_run *x) {
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(CORE_POD), x->object->meta->namespace)) {
        const struct object *o = item->value;
        if (!label_map_matches(x->service->spec.selector, o->meta->labels) ||
            !pod_serves(pod_of(o), x->service->spec.publish_not_ready_addresses))
            continue;
        struct str ip = pod_ip_of(pod_of(o), family_of(x->service));
        if (ip.n)
            add_pod(x, o, ip);
    }
}

/* Cuts to the limit, ready ones first. */
static void cut(struct endpoints_run *x) {
    size_t left = ENDPOINTS_MAX;
    for (size_t i = 0; i < x->subsets.n; i++) {
        struct subset *s = &x->subsets.v[i];
        s->ready.n = s->ready.n < left ? s->ready.n : left;
        left -= s->ready.n;
    }
    for (size_t i = 0; i < x->subsets.n; i++) {
        struct subset *s = &x->subsets.v[i];
        s->not_ready.n = s->not_ready.n < left ? s->not_ready.n : left;
        left -= s->not_ready.n;
    }
}

static int cmp_subset(const void *a, const void *b) {
    return str_cmp(((const struct subset *)a)->key, ((const struct subset *)b)->key);
}

static struct core_endpoint_subset_array subsets_of(struct endpoints_run *x) {
    struct core_endpoint_subset_array out = {arena_new_n(x->a, x->subsets.n + 1, struct core_endpoint_subset),
                                             0};
    if (x->subsets.n)
        qsort(x->subsets.v, x->subsets.n, sizeof *x->subsets.v, cmp_subset);
    for (size_t i = 0; i < x->subsets.n; i++) {
        const struct subset *s = &x->subsets.v[i];
        if (s->ready.n || s->not_ready.n)
            out.v[out.n++] = (struct core_endpoint_subset){
                .addresses = {s->ready.v, (uint32_t)s->ready.n},
                .not_ready_addresses = {s->not_ready.v, (uint32_t)s->not_ready.n},
                .ports = s->ports};
    }
    return out;
}

static struct str_map labels_of(struct endpoints_run *x) {
    struct str_map m = str_map_without(x->a, x->service->metadata.labels, HEADLESS);
    m = str_map_with(x->a, m, S("endpoints.kubernetes.io/managed-by"), S("endpoint-controller"));
    return service_is_headless(x->service) ? str_map_with(x->a, m, HEADLESS, S("")) : m;
}

static int write_endpoints(struct endpoints_run *x, struct err *err) {
    const struct object *old =
        world_get(&x->r->world, KIND(CORE_ENDPOINTS), x->object->meta->namespace, x->object->meta->name);
    struct core_endpoints e = {
        .metadata = {.name = x->object->meta->name, .namespace = x->object->meta->namespace}};
    if (old)
        e = *(const struct core_endpoints *)old->body;
    bool over = x->n_addresses > ENDPOINTS_MAX;
    if (over)
        cut(x);
    e.subsets = subsets_of(x);
    e.metadata.labels = labels_of(x);
    e.metadata.annotations = over ? str_map_with(x->a, e.metadata.annotations, OVER_CAPACITY, S("truncated"))
                                  : str_map_without(x->a, e.metadata.annotations, OVER_CAPACITY);
    if (!old)
        return client_create(x->c->client, KIND(CORE_ENDPOINTS), e.metadata.namespace, &e, NULL, err);
    if (api_equal(&builtin, TY_CORE_ENDPOINTS, &e, old->body))
        return 0;
    return unless_gone(client_update(x->c->client, old->kind, &e, NULL, err));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct endpoints_run x = {.c = r->arg, .r = r, .a = r->arena};
    x.object = world_get_key(&r->world, KIND(CORE_SERVICE), key);
    if (!x.object) {
        const struct object *old = world_get_key(&r->world, KIND(CORE_ENDPOINTS), key);
        bool ours = old && str_map_get(old->meta->labels, S("endpoints.kubernetes.io/managed-by")).n;
        return ours ? delete_object(x.c->client, old, STR_NONE, err) : 0;
    }
    x.service = x.object->body;
    if (!service_selects(x.service))
        return 0;
    collect(&x);
    int rc = write_endpoints(&x, err);
    return rc == ERR_EXISTS || rc == ERR_NOT_FOUND ? 0 : rc; /* seen as it comes; or the namespace has gone */
}

int endpoints_start(struct controller *c, struct err *err) {
    struct service_map *s = controller_state(c, sizeof *s);
    int rc = service_map_init(s, c, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_SERVICE, map_self, NULL),
        WATCH_ALL(CORE_POD, service_map_pod, s),
        WATCH_ALL(CORE_ENDPOINTS, map_self, NULL),
    };
    return controller_add(c,
                          &(struct reconciler_options){
                              .watches = watches, .n_watches = 3, .reconcile = reconcile, .concurrency = 5},
                          NULL, err);
}

void endpoints_stop(struct controller *c) {
    service_map_fini(c->state);
}
