/* The control plane's parts, in the order in which they need each other. */
#include "main/control.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/ip.h"
#include "apiserver/client_local.h"
#include "apiserver/user.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/reconciler.h"
#include "controller/controller.h"
#include "dns/dns.h"
#include "main/tokens.h"
#include "network/service_lb.h"
#include "scheduler/scheduler.h"

#define PEM_MAX (256u * 1024)

struct control {
    struct apiserver *api;
    struct loop *loop; /* where calls of the clients in this process go on */
    struct client *manager, *placer;
    struct controllers *controllers;
    struct scheduler *scheduler;
    struct reconciler *balancer;
    struct workers *workers; /* the balancer's */
    struct arena arena;
};

static int local_client(struct control *c, const char *name, struct client **ret, struct err *err) {
    struct str groups[] = {S("system:authenticated")};
    struct user user = {.name = str_from(name), .groups = {groups, 1}};
    int rc = client_local_new(c->api, &user, c->loop, ret, err);
    if (rc == 0)
        client_set_name(*ret, str_from(name));
    return rc;
}

/* A file of the server's own keys; absent when it is not there. */
static struct str pki_text(struct control *c, const char *data_dir, const char *name) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct str path = arena_printf(&c->arena, "%s/pki/%s", data_dir, name);
    return file_read(path.p, PEM_MAX, &b, NULL) == 0 ? buf_to_arena(&b, &c->arena) : STR_NONE;
}

static int start_controllers(struct control *c, const struct control_options *o, struct err *err) {
    const char *dir = o->api.data_dir;
    struct controllers_options co = {
        .client = c->manager,
        .metrics = o->api.metrics,
        .service_accounts = true,
        .leader_elect = o->leader_elect,
        .root_ca_pem = apiserver_ca_pem(c->api),
        .service_account_key = pki_text(c, dir, "sa.key"),
        .service_account_issuer = str_from(o->api.service_account_issuer),
        .signing_cert_pem = pki_text(c, dir, "ca.crt"),
        .signing_key_pem = pki_text(c, dir, "ca.key"),
        .allocate_node_cidrs = true,
        .node_monitor_grace_ns = o->node_monitor_grace_ns,
        .cluster_cidrs = str_from(o->cluster_cidr ? o->cluster_cidr : "10.244.0.0/16"),
        .service_cidrs =
            str_from(o->api.service_cluster_ip_range ? o->api.service_cluster_ip_range : "10.96.0.0/12"),
    };
    return controllers_start(&co, &c->controllers, err);
}

/* Nodes stand in for the load balancer that a cloud would have. */
static int start_load_balancer(struct control *c, const struct control_options *o, struct err *err) {
    int rc = workers_start(&(struct workers_options){.name = "balancer", .threads = 1, .queue_max = 256},
                           &c->workers, err);
    struct service_lb_options lo = {
        .client = c->manager, .loop = c->loop, .workers = c->workers, .metrics = o->api.metrics};
    return rc < 0 ? rc : service_lb_start(&lo, &c->balancer, err);
}

static int start_scheduler(struct control *c, const struct control_options *o, struct err *err) {
    struct scheduler_options so = {
        .client = c->placer, .metrics = o->api.metrics, .leader_elect = o->leader_elect};
    return scheduler_start(&so, &c->scheduler, err);
}

/* CONFORMS: the tenth address of the services' network. */
static bool dns_address(const struct control_options *o, struct ip *ret) {
    struct str first = str_from(o->api.service_cluster_ip_range ? o->api.service_cluster_ip_range
                                                                : "10.96.0.0/12"),
               rest;
    struct cidr c;
    (void)str_split(first, ',', &first, &rest);
    return cidr_parse(first, IP_STRICT, &c) && ip_add(cidr_first(c), 10, ret);
}

/* Nodes may join; the one of this machine with a token that lies in a file. */
static int let_nodes_join(struct control *c, const struct control_options *o, struct err *err) {
    struct str groups[] = {S("system:masters"), S("system:authenticated")};
    struct user user = {.name = S("coxswain"), .groups = {groups, 2}};
    struct client *admin = NULL;
    int rc = client_local_new(c->api, &user, c->loop, &admin, err);
    if (rc == 0)
        rc = token_grants(admin, err);
    if (rc == 0 && o->node_token_file && !(file_exists(o->node_token_file) && !o->api.memory_store)) {
        struct token_options t = {.description = S("the node of the control plane's machine")};
        struct str text = STR_NONE;
        rc = token_create(admin, &t, apiserver_ca_pem(c->api), &c->arena, &text, err);
        if (rc == 0)
            rc = file_write_atomic(o->node_token_file, text, 0600, err);
    }
    struct ip dns;
    if (rc == 0 && dns_address(o, &dns))
        rc = dns_ensure_service(admin, dns, err);
    client_free(admin);
    return rc;
}

int control_start(const struct control_options *o, struct control **ret, struct err *err) {
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    arena_init(&c->arena);
    int rc = apiserver_start(&o->api, &c->api, err);
    if (rc == 0)
        rc = loop_start(&(struct loop_options){.name = "control"}, &c->loop, err);
    if (rc == 0)
        rc = local_client(c, "system:kube-controller-manager", &c->manager, err);
    if (rc == 0)
        rc = start_controllers(c, o, err);
    if (rc == 0)
        rc = local_client(c, "system:kube-scheduler", &c->placer, err);
    if (rc == 0)
        rc = start_scheduler(c, o, err);
    if (rc == 0)
        rc = let_nodes_join(c, o, err);
    if (rc == 0)
        rc = start_load_balancer(c, o, err);
    if (rc < 0) {
        control_stop(c, 0);
        return rc;
    }
    *ret = c;
    return 0;
}

void control_stop(struct control *c, unsigned drain_ms) {
    if (!c)
        return;
    reconciler_stop(c->balancer);
    workers_stop(c->workers);
    scheduler_stop(c->scheduler);
    controllers_stop(c->controllers);
    client_free(c->placer);
    client_free(c->manager);
    apiserver_stop(c->api, drain_ms);
    loop_stop(c->loop);
    arena_fini(&c->arena);
    free(c);
}

struct apiserver *control_apiserver(struct control *c) {
    return c->api;
}
