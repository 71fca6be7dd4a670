/* The kubelet's HTTP: paths to handlers. */
#include "kubelet/server_priv.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define DRAIN_MS 1000
#define RELIST_LATE_NS (180 * 1000000000ll)

void server_text(struct kreq *q, int status, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str text = arena_vprintf(q->arena, fmt, ap);
    va_end(ap);
    http_respond_text(q->r, status, S("text/plain; charset=utf-8"), text);
}

void server_json(struct kreq *q, struct str json) {
    http_respond_text(q->r, 200, S("application/json"), json);
}

struct kreq *kreq_of_work(struct work *w) {
    return (struct kreq *)((char *)w - offsetof(struct kreq, work));
}

struct kreq *kreq_of_msg(struct loop_msg *m) {
    return (struct kreq *)((char *)m - offsetof(struct kreq, msg));
}

bool server_work(struct kreq *q, void (*work)(struct work *w), void (*back)(struct loop_msg *m)) {
    q->work.run = work;
    q->msg.run = back;
    if (workers_submit(q->s->k->pod_workers, &q->work) == 0)
        return true;
    server_text(q, 429, "the node is busy; try again\n");
    return false;
}

const struct object *server_pod(struct kreq *q, struct str ns, struct str name) {
    struct pods_item *all;
    uint32_t n = pods_all(q->s->k, q->arena, &all);
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(all[i].object->meta->name, name) && str_eq(all[i].object->meta->namespace, ns))
            return object_ref(all[i].object);
    server_text(q, 404, "pod does not exist\n");
    return NULL;
}

/* -- health -- */

static bool healthy(struct kubelet *k) {
    int64_t last = pod_cache_relisted_ns(k->cache);
    return clock_mono_ns(k->clock) - (last ? last : k->started_ns) < RELIST_LATE_NS;
}

static void serve_health(struct kreq *q) {
    if (healthy(q->s->k))
        server_text(q, 200, "ok");
    else
        server_text(q, 500, "the container runtime was last heard of more than 3 minutes ago\n");
}

static void on_healthz(void *arg, struct http_request *r) {
    struct kreq q = {.s = arg, .r = r, .arena = http_arena(r)};
    if (str_has_prefix(http_in(r)->path, S("/healthz")))
        serve_health(&q);
    else
        server_text(&q, 404, "404 page not found\n");
}

/* -- routes -- */

struct route {
    const char *first, *second; /* segments; second NULL: any */
    uint32_t n_min, n_max;      /* how many there are */
    void (*serve)(struct kreq *q);
};

static const struct route routes[] = {
    {"healthz", NULL, 1, 2, serve_health},
    {"pods", NULL, 1, 1, serve_pods},
    {"runningpods", NULL, 1, 1, serve_pods},
    {"containerLogs", NULL, 4, 4, serve_logs},
    {"exec", NULL, 4, 5, serve_stream},
    {"attach", NULL, 4, 5, serve_stream},
    {"portForward", NULL, 3, 4, serve_stream},
    {"stats", "summary", 2, 2, serve_summary},
    {"metrics", "resource", 2, 2, serve_resource_metrics},
    {"metrics", "cadvisor", 2, 2, serve_cadvisor},
    {"metrics", NULL, 1, 1, serve_metrics},
    {"configz", NULL, 1, 1, serve_configz},
};

static void split_path(struct kreq *q, struct str path) {
    while (path.n && q->n_path < 6) {
        struct str segment;
        (void)str_split(path, '/', &segment, &path);
        if (segment.n)
            q->path[q->n_path++] = segment;
    }
}

static const struct route *find_route(const struct kreq *q) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *r = &routes[i];
        bool fits = q->n_path >= r->n_min && q->n_path <= r->n_max && str_eq(q->path[0], str_from(r->first));
        if (fits && (!r->second || str_eq(q->path[1], str_from(r->second))))
            return r;
    }
    return NULL;
}

static void on_gone(void *user) {
    ((struct kreq *)user)->gone = true;
}

static void on_request(void *arg, struct http_request *r) {
    struct kreq *q = arena_new(http_arena(r), struct kreq);
    *q = (struct kreq){.s = arg, .r = r, .arena = http_arena(r)};
    split_path(q, http_in(r)->path);
    const struct route *route = find_route(q);
    if (!route) {
        server_text(q, 404, "404 page not found\n");
        return;
    }
    q->then = route->serve;
    http_set_user(r, q, on_gone);
    server_authorise(q);
}

/* -- life -- */

int kubelet_server_start(struct kubelet *k, struct kubelet_server **ret, struct err *err) {
    struct kubelet_server *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->k = k;
    mutex_init(&s->lock);
    s->grants = (struct map)MAP_INIT_OWNING;
    struct http_server_options main = {.address = k->o.address,
                                       .port = k->o.port,
                                       .loops = 1,
                                       .cert_path = k->o.cert_path,
                                       .key_path = k->o.key_path,
                                       .client_ca_path = k->o.client_ca_path,
                                       .idle_timeout_ms = 4 * 3600 * 1000,
                                       .handler = on_request,
                                       .arg = s};
    struct http_server_options healthz = {.address = str_from(k->o.config.healthz_address),
                                          .port = k->o.healthz_port,
                                          .loops = 1,
                                          .handler = on_healthz,
                                          .arg = s};
    int rc = http_server_start(&main, &s->main, err);
    if (rc == 0)
        rc = http_server_start(&healthz, &s->healthz, err);
    if (rc < 0)
        kubelet_server_stop(s);
    else
        *ret = s;
    return rc;
}

void kubelet_server_stop(struct kubelet_server *s) {
    if (!s)
        return;
    if (s->main)
        http_server_stop(s->main, DRAIN_MS);
    if (s->healthz)
        http_server_stop(s->healthz, 0);
    map_foreach(e, &s->grants) free(e->value);
    map_fini(&s->grants);
    mutex_fini(&s->lock);
    free(s);
}
