/* See proxy_health.h. */
#include "network/proxy_health.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/vec.h"
#include "codec/json.h"
#include "net/http.h"

#define NAME_BYTES 320

struct health {
    uint16_t port;
    char ns[NAME_BYTES], name[NAME_BYTES];
    atomic_uint local;
    bool wanted;
    struct http_server *server; /* NULL: cannot listen */
};

struct proxy_healths {
    struct {
        struct health **v;
        size_t n, cap;
    } list;
    struct http_server *node;
    atomic_bool healthy;
};

static void respond(struct http_request *r, bool good, const struct buf *body) {
    http_respond_text(r, good ? 200 : 503, S("application/json"), buf_view(body));
}

static void on_service(void *arg, struct http_request *r) {
    const struct health *h = arg;
    unsigned local = atomic_load(&h->local);
    _cleanup_buf struct buf body = BUF_INIT;
    buf_lit(&body, "{\"service\":{\"namespace\":");
    json_write_string(&body, str_from(h->ns));
    buf_lit(&body, ",\"name\":");
    json_write_string(&body, str_from(h->name));
    buf_printf(&body, "},\"localEndpoints\":%u,\"serviceProxyHealthy\":true}", local);
    respond(r, local > 0, &body);
}

static void on_node(void *arg, struct http_request *r) {
    const struct proxy_healths *h = arg;
    bool healthy = atomic_load(&h->healthy);
    struct str path = http_in(r)->path;
    _cleanup_buf struct buf body = BUF_INIT;
    if (!str_eq(path, S("/healthz")) && !str_eq(path, S("/livez"))) {
        http_respond_text(r, 404, S("text/plain"), S("not found\n"));
        return;
    }
    buf_printf(&body, "{\"nodeEligible\":%s}", healthy ? "true" : "false");
    respond(r, healthy, &body);
}

static struct http_server *listen_on(uint16_t port, http_handler_fn handler, void *arg) {
    struct http_server_options o = {
        .port = port, .loops = 1, .connections_max = 200, .handler = handler, .arg = arg};
    struct http_server *s = NULL;
    struct err err = ERR_INIT;
    if (http_server_start(&o, &s, &err))
        log_error("cannot answer health checks of load balancers", kv("port", port), kv("err", &err));
    return s;
}

struct proxy_healths *proxy_healths_new(uint16_t port) {
    struct proxy_healths *h = calloc(1, sizeof *h);
    check(h != NULL);
    if (port)
        h->node = listen_on(port, on_node, h);
    return h;
}

static void health_free(struct health *h) {
    if (h->server)
        http_server_stop(h->server, 0);
    free(h);
}

void proxy_healths_free(struct proxy_healths *h) {
    if (!h)
        return;
    if (h->node)
        http_server_stop(h->node, 0);
    vec_foreach (x, &h->list)
        health_free(*x);
    vec_fini(&h->list);
    free(h);
}

static struct health *find(struct proxy_healths *h, const struct proxy_health *want) {
    vec_foreach (x, &h->list)
        if ((*x)->port == want->port && str_eq(str_from((*x)->ns), str_cut(want->ns, NAME_BYTES - 1)) &&
            str_eq(str_from((*x)->name), str_cut(want->name, NAME_BYTES - 1)))
            return *x;
    return NULL;
}

static struct health *add(struct proxy_healths *h, const struct proxy_health *want) {
    struct health *x = calloc(1, sizeof *x);
    check(x != NULL);
    x->port = want->port;
    (void)snprintf(x->ns, sizeof x->ns, "%.*s", STR_ARG(want->ns));
    (void)snprintf(x->name, sizeof x->name, "%.*s", STR_ARG(want->name));
    vec_push(&h->list, x);
    return x;
}

void proxy_healths_update(struct proxy_healths *h, const struct proxy_health *list, size_t n) {
    vec_foreach (x, &h->list)
        (*x)->wanted = false;
    for (size_t i = 0; i < n; i++) {
        struct health *x = find(h, &list[i]);
        if (!x)
            x = add(h, &list[i]);
        x->wanted = true;
        atomic_store(&x->local, list[i].local);
    }
    for (size_t i = h->list.n; i-- > 0;)
        if (!h->list.v[i]->wanted) {
            health_free(h->list.v[i]);
            vec_remove(&h->list, i);
        }
    vec_foreach (x, &h->list) // when those are gone that may have had the port
        if (!(*x)->server)
            (*x)->server = listen_on((*x)->port, on_service, *x);
}

void proxy_healths_set_healthy(struct proxy_healths *h, bool healthy) {
    atomic_store(&h->healthy, healthy);
}
