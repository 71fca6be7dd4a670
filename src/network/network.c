/* See network.h. */
#include "network/network.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/meta.h"
#include "api/object.h"
#include "api/types/constants.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/value.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/vec.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/informer.h"
#include "network/cni_priv.h"
#include "network/conflist.h"
#include "network/link.h"
#include "network/netlink.h"
#include "network/proxy.h"
#include "network/proxy_apply.h"
#include "network/proxy_health.h"
#include "network/route.h"

#define MS 1000000ll
#define PROXY_DELAY_MS 2 /* events of one moment are one transaction */
#define NODES_DELAY_MS 50
#define LOOK_MS 30000 /* whether what others might remove is still there */
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 30000
#define HEALTH_PORTS_MAX 256u

enum { NODES, SERVICES, SLICES, FOLLOWED };

struct follower {
    struct informer_listener listener;
    struct informer *informer;
    struct network *network;
    int what;
    bool synced;
};

struct network {
    struct network_options options;
    struct arena arena; /* of the options */
    struct loop *loop;
    struct follower followers[FOLLOWED];
    struct netlink route;
    struct proxy *proxy;
    struct proxy_kernel kernel;
    struct proxy_healths *healths;
    struct histogram *sync_seconds;
    struct timer proxy_timer, nodes_timer, look_timer;
    unsigned proxy_retry_ms, nodes_retry_ms;
    bool proxy_full;     /* the next plan is a full one */
    bool foreign_logged; /* another CNI configuration was told of */
    atomic_bool pods_ready, services_ready;
    struct waiter started;
    int rc;
    struct err err;
};

static void start_timer(struct network *n, struct timer *t, int64_t ms) {
    if (!timer_running(t))
        loop_timer_start(n->loop, t, ms * MS);
}

static unsigned retry_after(unsigned *ms) {
    *ms = *ms ? *ms * 2 : RETRY_MIN_MS;
    if (*ms > RETRY_MAX_MS)
        *ms = RETRY_MAX_MS;
    return *ms;
}

/* -- services -- */

static void update_healths(struct network *n) {
    struct proxy_health list[HEALTH_PORTS_MAX];
    size_t count = proxy_health(n->proxy, list, HEALTH_PORTS_MAX);
    proxy_healths_update(n->healths, list, count < HEALTH_PORTS_MAX ? count : HEALTH_PORTS_MAX);
}

static int apply_services(struct network *n, struct err *err) {
    _cleanup_proxy_plan struct proxy_plan plan;
    if (n->proxy_full)
        proxy_plan_full(n->proxy, &plan);
    else
        proxy_plan_next(n->proxy, &plan);
    if (proxy_plan_empty(&plan))
        return 0;
    int rc = proxy_apply(&n->kernel, proxy_config(n->proxy), &plan, err);
    n->proxy_full = rc != 0;
    return rc;
}

static void on_proxy_timer(struct timer *t) {
    struct network *n = (struct network *)((char *)t - offsetof(struct network, proxy_timer));
    struct err err = ERR_INIT;
    if (!n->followers[SERVICES].synced || !n->followers[SLICES].synced)
        return; // begins when the first lists are complete
    int64_t start = clock_mono_ns(loop_clock(n->loop));
    int rc = apply_services(n, &err);
    if (n->sync_seconds)
        histogram_observe(n->sync_seconds, (double)(clock_mono_ns(loop_clock(n->loop)) - start) / 1e9);
    proxy_healths_set_healthy(n->healths, rc == 0);
    if (rc) {
        log_error("cannot program services, trying again", kv("err", &err));
        start_timer(n, &n->proxy_timer, retry_after(&n->proxy_retry_ms));
        return;
    }
    n->proxy_retry_ms = 0;
    if (!atomic_exchange(&n->services_ready, true))
        log_info("services are programmed", kv("services", proxy_service_count(n->proxy)));
    update_healths(n);
}

static void on_service_event(struct network *n, int what, const struct informer_event *e) {
    const struct meta_object_meta *m = e->object->meta;
    bool gone = e->type == INFORMER_DELETED;
    if (what == SERVICES && gone)
        proxy_remove_service(n->proxy, m->namespace, m->name);
    else if (what == SERVICES)
        proxy_put_service(n->proxy, e->object);
    else if (gone)
        proxy_remove_slice(n->proxy, m->namespace, m->name);
    else
        proxy_put_slice(n->proxy, e->object);
    start_timer(n, &n->proxy_timer, PROXY_DELAY_MS);
}

/* -- nodes -- */

/* All nodes that have an address and a podCIDR; what they borrow lies in the snapshot. */
static size_t list_nodes(const struct informer_snapshot *s, struct arena *a, struct overlay_node **ret) {
    struct cow_iter it;
    VEC(struct overlay_node) nodes = {0};
    cow_foreach (item, &it, cow_all(&it, &s->tree)) {
        struct overlay_node node;
        const struct object *o = item->value;
        if (overlay_node_of(o->body, &node))
            vec_push_in(a, &nodes, node);
    }
    *ret = nodes.v;
    return nodes.n;
}

static const struct overlay_node *find_self(const struct network *n, const struct overlay_node *v,
                                            size_t count) {
    for (size_t i = 0; i < count; i++)
        if (str_eq(v[i].name, n->options.node))
            return &v[i];
    return NULL;
}

/* Pods can be connected once their runtime knows how. */
static int write_conflist(struct network *n, const struct overlay_node *self, struct err *err) {
    const struct network_options *o = &n->options;
    struct conflist c = {.dir = o->cni_conf_dir,
                         .state_dir = o->cni_state_dir,
                         .bridge = o->bridge,
                         .subnets = self->pods,
                         .n_subnets = self->n_pods};
    bool foreign = false;
    if (!o->cni_conf_dir)
        return 0;
    int rc = overlay_mtu(&n->route, self->ip, o->mode, &c.mtu, err);
    if (!rc)
        rc = conflist_write(&c, &foreign, err);
    if (foreign && !n->foreign_logged)
        log_info("another CNI configuration is there and is used", kv("dir", o->cni_conf_dir));
    n->foreign_logged = foreign;
    return rc;
}

static void tell_proxy(struct network *n, const struct overlay_node *self) {
    struct informer_snapshot s;
    informer_snapshot(n->followers[NODES].informer, &s);
    const struct object *o = cow_get(&s.tree, n->options.node);
    if (o && n->proxy) {
        proxy_set_zone(n->proxy, str_map_get(o->meta->labels, CORE_LABEL_TOPOLOGY_ZONE));
        if (proxy_set_node_pods(n->proxy, self->pods, self->n_pods))
            n->proxy_full = true;
        if (n->proxy_full || proxy_dirty(n->proxy))
            start_timer(n, &n->proxy_timer, PROXY_DELAY_MS);
    }
    informer_snapshot_fini(&s);
}

static int apply_nodes(struct network *n, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    struct overlay_node *nodes;
    informer_snapshot(n->followers[NODES].informer, &s);
    size_t count = list_nodes(&s, &a, &nodes);
    const struct overlay_node *self = find_self(n, nodes, count);
    int rc = 0;
    if (self) {
        struct overlay_config c = {.self = n->options.node, .mode = n->options.mode};
        tell_proxy(n, self);
        if (!n->options.no_overlay)
            rc = overlay_apply(&n->route, &c, nodes, count, err);
        struct err second = ERR_INIT;
        int written = write_conflist(n, self, rc ? &second : err);
        if (written)
            rc = rc ? rc : written;
        else
            atomic_store(&n->pods_ready, true);
    }
    informer_snapshot_fini(&s);
    return rc;
}

static void on_nodes_timer(struct timer *t) {
    struct network *n = (struct network *)((char *)t - offsetof(struct network, nodes_timer));
    struct err err = ERR_INIT;
    if (!n->followers[NODES].synced)
        return;
    if (apply_nodes(n, &err)) {
        log_error("cannot set up the network between nodes, trying again", kv("err", &err));
        start_timer(n, &n->nodes_timer, retry_after(&n->nodes_retry_ms));
        return;
    }
    n->nodes_retry_ms = 0;
}

/* Nodes report often; of that little concerns us. */
static bool concerns_us(const struct network *n, const struct informer_event *e) {
    struct overlay_node now, before;
    if (e->type != INFORMER_MODIFIED || !e->previous)
        return true;
    bool has = overlay_node_of(e->object->body, &now), had = overlay_node_of(e->previous->body, &before);
    if (str_eq(e->object->meta->name, n->options.node) &&
        !str_map_equal(e->object->meta->labels, e->previous->meta->labels))
        return true;
    if (has != had || !has)
        return has != had;
    if (!ip_equal(now.ip, before.ip) || now.n_pods != before.n_pods)
        return true;
    for (unsigned i = 0; i < now.n_pods; i++)
        if (cidr_cmp(now.pods[i], before.pods[i]) != 0)
            return true;
    return false;
}

/* -- what others may have removed -- */

static void on_look_timer(struct timer *t) {
    struct network *n = (struct network *)((char *)t - offsetof(struct network, look_timer));
    start_timer(n, &n->nodes_timer, NODES_DELAY_MS);
    if (n->proxy && atomic_load(&n->services_ready) && !proxy_kernel_present(&n->kernel)) {
        log_warn("somebody removed the nftables table of services: it is made again");
        n->proxy_full = true;
        start_timer(n, &n->proxy_timer, PROXY_DELAY_MS);
    }
    start_timer(n, &n->look_timer, LOOK_MS);
}

/* -- following -- */

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct follower *f = (struct follower *)l;
    if (f->what != NODES)
        on_service_event(f->network, f->what, e);
    else if (concerns_us(f->network, e))
        start_timer(f->network, &f->network->nodes_timer, NODES_DELAY_MS);
}

static void on_synced(struct informer_listener *l) {
    struct follower *f = (struct follower *)l;
    f->synced = true;
    if (f->what == NODES)
        start_timer(f->network, &f->network->nodes_timer, 0);
    else
        start_timer(f->network, &f->network->proxy_timer, 0);
}

static bool follows(const struct network *n, int what) {
    return what == NODES || !n->options.no_proxy;
}

static int follow(struct network *n, struct err *err) {
    static const uint16_t kind[FOLLOWED] = {KIND_CORE_NODE, KIND_CORE_SERVICE, KIND_DISCOVERY_ENDPOINT_SLICE};
    for (int i = 0; i < FOLLOWED; i++) {
        struct follower *f = &n->followers[i];
        struct informer_options o = {.kind = &kinds[kind[i]]};
        if (!follows(n, i))
            continue;
        int rc = informer_get(n->options.client, &o, &f->informer, err);
        if (rc)
            return rc;
        f->network = n;
        f->what = i;
        f->listener =
            (struct informer_listener){.loop = n->loop, .on_event = on_event, .on_synced = on_synced};
    }
    return 0;
}

/* -- life -- */

/* Service addresses that are answered here belong to this machine. */
static int add_local(struct network *n, struct err *err) {
    struct link lo;
    int rc = n->options.n_local ? link_find(&n->route, "lo", &lo, err) : 0;
    for (unsigned i = 0; !rc && i < n->options.n_local; i++) {
        struct ip ip = n->options.local[i];
        rc = address_add(&n->route, lo.index, (struct cidr){ip, ip.family == 4 ? 32 : 128}, err);
    }
    return rc;
}

static int open_proxy(struct network *n, struct err *err) {
    const struct network_options *o = &n->options;
    if (o->no_proxy)
        return 0;
    struct proxy_config c = {.node = o->node,
                             .pods = o->pods,
                             .n_pods = o->n_pods,
                             .services = o->services,
                             .n_services = o->n_services,
                             .local = o->local,
                             .n_local = o->n_local};
    n->proxy = proxy_new(&c);
    n->proxy_full = true;
    n->healths = proxy_healths_new(o->health_port);
    if (o->metrics) {
        static const double bounds[] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
                                        0.064, 0.128, 0.256, 0.512, 1,     2};
        n->sync_seconds = histogram_only(metrics_histogram(
            o->metrics, &(struct metric_desc){.name = "kubeproxy_sync_proxy_rules_duration_seconds",
                                              .help = "How long changes to services took.",
                                              .buckets = bounds,
                                              .n_buckets = 12}));
    }
    return proxy_kernel_open(&n->kernel, err);
}

static void start_on_loop(void *arg) {
    struct network *n = arg;
    n->rc = netlink_open(&n->route, NETLINK_ROUTE, &n->err);
    if (!n->rc)
        n->rc = add_local(n, &n->err);
    if (!n->rc)
        n->rc = open_proxy(n, &n->err);
    for (int i = 0; !n->rc && i < FOLLOWED; i++)
        if (n->followers[i].informer)
            informer_listen(n->followers[i].informer, &n->followers[i].listener);
    if (!n->rc)
        start_timer(n, &n->look_timer, LOOK_MS);
    waiter_signal(&n->started);
}

static void on_quit(struct loop *l, void *arg) {
    struct network *n = arg;
    for (int i = 0; !n->rc && i < FOLLOWED; i++)
        if (n->followers[i].informer)
            informer_unlisten(n->followers[i].informer, &n->followers[i].listener);
    loop_timer_stop(l, &n->proxy_timer);
    loop_timer_stop(l, &n->nodes_timer);
    loop_timer_stop(l, &n->look_timer);
}

void network_stop(struct network *n) {
    if (!n)
        return;
    loop_stop(n->loop);
    for (int i = 0; i < FOLLOWED; i++)
        if (n->followers[i].informer)
            informer_unref(n->followers[i].informer);
    proxy_healths_free(n->healths);
    proxy_free(n->proxy);
    proxy_kernel_close(&n->kernel);
    netlink_close(&n->route);
    waiter_fini(&n->started);
    arena_fini(&n->arena);
    free(n);
}

static const char *keep_text(struct arena *a, const char *text) {
    return text ? arena_strz(a, str_from(text)) : NULL;
}

static void *keep_list(struct arena *a, const void *v, size_t bytes) {
    void *copy = arena_alloc(a, bytes);
    if (bytes)
        memcpy(copy, v, bytes);
    return copy;
}

static void keep_options(struct network *n, const struct network_options *o) {
    struct network_options *k = &n->options;
    struct arena *a = &n->arena;
    *k = *o;
    k->node = arena_str(a, o->node);
    k->pods = keep_list(a, o->pods, o->n_pods * sizeof *o->pods);
    k->services = keep_list(a, o->services, o->n_services * sizeof *o->services);
    k->local = keep_list(a, o->local, o->n_local * sizeof *o->local);
    k->cni_conf_dir = keep_text(a, o->cni_conf_dir);
    k->cni_state_dir = keep_text(a, o->cni_state_dir);
    k->bridge = keep_text(a, o->bridge);
}

static int run(struct network *n, struct err *err) {
    struct loop_options lo = {.name = "network", .on_quit = on_quit, .on_quit_arg = n};
    int rc = loop_start(&lo, &n->loop, err);
    if (!rc)
        rc = follow(n, err);
    if (!rc)
        rc = loop_call(n->loop, start_on_loop, n);
    if (rc) {
        n->rc = rc;
        return rc;
    }
    waiter_wait(&n->started);
    return n->rc ? err_set(err, n->rc, "%s", n->err.msg) : 0;
}

#define PROGRAM_BYTES 4096
#define SMALL_PROGRAM "coxswain-cni" /* beside this one: the plugin alone, which starts quicker */

static int link_plugins(const struct network_options *o, struct err *err) {
    char self[PROGRAM_BYTES] = "", small[PROGRAM_BYTES + sizeof SMALL_PROGRAM];
    if (!o->program && readlink("/proc/self/exe", self, sizeof self - 1) <= 0)
        return err_errno(err, errno, "cannot find out where this program is");
    const char *program = o->program ? o->program : self;
    ptrdiff_t slash = str_rfind_byte(str_from(program), '/');
    (void)snprintf(small, sizeof small, "%.*s/" SMALL_PROGRAM, slash < 0 ? 0 : (int)slash, program);
    return conflist_link_plugins(o->cni_bin_dir, slash >= 0 && file_exists(small) ? small : program, err);
}

int network_start(const struct network_options *o, struct network **ret, struct err *err) {
    struct network *n = calloc(1, sizeof *n);
    check(n != NULL);
    arena_init(&n->arena);
    keep_options(n, o);
    n->proxy_timer.fire = on_proxy_timer;
    n->nodes_timer.fire = on_nodes_timer;
    n->look_timer.fire = on_look_timer;
    waiter_init(&n->started, NULL);
    int rc = o->cni_bin_dir ? link_plugins(o, err) : 0;
    if (!rc)
        rc = run(n, err);
    if (rc) {
        network_stop(n);
        return rc;
    }
    *ret = n;
    return 0;
}

bool network_ready(const struct network *n) {
    return atomic_load(&n->pods_ready) && (n->options.no_proxy || atomic_load(&n->services_ready));
}

/* Routes that bear our number. */
static int clear_routes(struct netlink *nl, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct route_list list = {.n = 0};
    int rc = route_list(nl, &a, 0, &list, err);
    for (size_t i = 0; !rc && i < list.n; i++)
        rc = route_delete(nl, &list.v[i], err);
    return rc;
}

int network_clear(struct err *err) {
    _cleanup_netlink struct netlink nl = NETLINK_INIT;
    struct proxy_kernel k;
    int rc = netlink_open(&nl, NETLINK_ROUTE, err);
    if (!rc)
        rc = clear_routes(&nl, err);
    if (!rc)
        rc = link_delete(&nl, OVERLAY_VXLAN_NAME, err);
    if (!rc) /* pods have gone before */
        rc = link_delete(&nl, CNI_DEFAULT_BRIDGE, err);
    if (!rc)
        rc = proxy_kernel_open(&k, err);
    if (!rc) {
        rc = proxy_kernel_clear(&k, err);
        proxy_kernel_close(&k);
    }
    return rc;
}
