/* See service_lb.h. Keys are services; a node that comes, goes or changes its address is a matter of them
 * all. */
#include "network/service_lb.h"

#include <stdlib.h>

#include "api/ip.h"
#include "api/object.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/value.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "client/client.h"
#include "client/informer.h"
#include "client/reconciler.h"
#include "codec/json.h"

#define EXCLUDE_LABEL S("node.kubernetes.io/exclude-from-external-load-balancers")
#define ADDRESSES_MAX 64u /* more help nobody, and a status should stay small */

struct addresses {
    struct str v[ADDRESSES_MAX];
    size_t n;
};

/* -- nodes -- */

static bool is_ready(const struct core_node *node) {
    for (uint32_t i = 0; i < node->status.conditions.n; i++)
        if (str_eq(node->status.conditions.v[i].type, S("Ready")))
            return str_eq(node->status.conditions.v[i].status, S("True"));
    return false;
}

static struct str address_of(const struct core_node *node, struct str type) {
    for (uint32_t i = 0; i < node->status.addresses.n; i++) {
        const struct core_node_address *a = &node->status.addresses.v[i];
        struct ip ip;
        if (str_eq(a->type, type) && ip_parse(a->address, IP_LEGACY, &ip))
            return a->address;
    }
    return STR_NONE;
}

/* What the node is reached at from outside; STR_NONE when it is not to be used. */
static struct str usable_address(const struct object *o) {
    const struct core_node *node = o->body;
    if (!is_ready(node) || o->meta->deletion_timestamp.set || str_map_get(o->meta->labels, EXCLUDE_LABEL).p)
        return STR_NONE;
    struct str external = address_of(node, S("ExternalIP"));
    return external.p ? external : address_of(node, S("InternalIP"));
}

static void list_addresses(struct reconcile *r, struct addresses *ret) {
    struct cow_iter it;
    ret->n = 0;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S(""))) {
        struct str address = usable_address(item->value);
        if (address.p && ret->n < ADDRESSES_MAX)
            ret->v[ret->n++] = address;
    }
    if (ret->n > 1)
        qsort(ret->v, ret->n, sizeof *ret->v, str_cmp_qsort);
}

/* -- services -- */

static bool is_ours(const struct core_service *s) {
    struct str class = s->spec.load_balancer_class;
    return str_eq(s->spec.type, S("LoadBalancer")) &&
           (str_empty(class) || str_eq(class, S(SERVICE_LB_CLASS)));
}

/* Status that we wrote, of a service that is no load balancer any more. */
static bool is_left_over(const struct core_service *s) {
    return !str_eq(s->spec.type, S("LoadBalancer")) && s->status.load_balancer.ingress.n > 0;
}

static bool is_as_it_should(const struct core_service *s, const struct addresses *want) {
    const struct core_load_balancer_ingress_array *have = &s->status.load_balancer.ingress;
    if (have->n != want->n)
        return false;
    for (uint32_t i = 0; i < have->n; i++)
        if (!str_eq(have->v[i].ip, want->v[i]))
            return false;
    return true;
}

static int write_status(struct reconcile *r, const struct object *o, const struct addresses *want,
                        struct err *err) {
    _cleanup_buf struct buf patch = BUF_INIT;
    buf_lit(&patch, "{\"metadata\":{\"uid\":"); // not of another service of that name
    json_write_string(&patch, o->meta->uid);
    buf_lit(&patch, "},\"status\":{\"loadBalancer\":{\"ingress\":");
    buf_printf(&patch, "%s", want->n ? "[" : "null");
    for (size_t i = 0; i < want->n; i++) {
        buf_printf(&patch, "%s{\"ipMode\":\"VIP\",\"ip\":", i ? "," : "");
        json_write_string(&patch, want->v[i]);
        buf_byte(&patch, '}');
    }
    buf_printf(&patch, "%s}}}", want->n ? "]" : "");
    int rc = client_patch(r->client, KIND(CORE_SERVICE), o->meta->namespace, o->meta->name, S("status"),
                          CLIENT_PATCH_MERGE, buf_view(&patch), NULL, err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CORE_SERVICE), key);
    struct addresses want = {.n = 0};
    if (!o || o->meta->deletion_timestamp.set)
        return 0;
    if (is_ours(o->body))
        list_addresses(r, &want);
    else if (!is_left_over(o->body))
        return 0;
    return is_as_it_should(o->body, &want) ? 0 : write_status(r, o, &want, err);
}

static void map_service(struct reconciler *rc, const struct informer_event *e, void *arg) {
    if (e->type == INFORMER_DELETED)
        return;
    if (is_ours(e->object->body) || is_left_over(e->object->body))
        map_self(rc, e, arg);
}

/* All services are looked at again. */
static void enqueue_all(struct reconciler *rc) {
    struct informer_options of = {.kind = KIND(CORE_SERVICE)};
    struct informer *services;
    struct informer_snapshot s;
    struct cow_iter it;
    if (informer_get(reconciler_client(rc), &of, &services, NULL))
        return; // it is one that the reconciler has
    informer_snapshot(services, &s);
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        if (is_ours(((const struct object *)item->value)->body))
            reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&s);
    informer_unref(services);
}

/* Nodes report often; of that only the address concerns services. */
static void map_node(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)arg;
    bool gone = e->type == INFORMER_DELETED;
    struct str now = gone ? STR_NONE : usable_address(e->object);
    struct str before = gone          ? usable_address(e->object)
                        : e->previous ? usable_address(e->previous)
                                      : STR_NONE;
    if (!str_eq(now, before))
        enqueue_all(rc);
}

int service_lb_start(const struct service_lb_options *o, struct reconciler **ret, struct err *err) {
    const struct reconciler_watch watches[] = {
        {.of = {.kind = KIND(CORE_SERVICE)}, .map = map_service},
        {.of = {.kind = KIND(CORE_NODE)}, .map = map_node},
    };
    struct reconciler_options ro = {.name = "service-lb-controller",
                                    .client = o->client,
                                    .loop = o->loop,
                                    .workers = o->workers,
                                    .watches = watches,
                                    .n_watches = sizeof watches / sizeof *watches,
                                    .reconcile = reconcile,
                                    .events = o->events,
                                    .metrics = o->metrics};
    return reconciler_start(&ro, ret, err);
}
