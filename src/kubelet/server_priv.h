/* What the files of the kubelet's server share.
 *
 * A request is one struct kreq, in the request's arena; everything happens on its loop, but `work`, which
 * runs on the pods' workers and then posts `msg` back.
 */
#pragma once

#include "base/err.h"
#include "base/loop.h"
#include "base/workers.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/server.h"
#include "net/http.h"

struct kubelet_server {
    struct kubelet *k;
    struct http_server *main, *healthz;
    struct mutex lock; /* grants */
    struct map grants; /* who may what: struct grant */
};

struct kreq {
    struct kubelet_server *s;
    struct http_request *r;
    struct arena *arena;
    struct str user;
    struct str_array groups;
    struct str path[6]; /* segments */
    uint32_t n_path;
    void (*then)(struct kreq *q); /* once it may */
    bool gone;                    /* the client is; the request must not be touched */
    struct loop_msg msg;
    struct work work;
    /* of streams */
    struct str url;
    struct err err;
};

/* Finds out who asks and whether they may, then calls q->then; answers 401 and 403 itself. */
void server_authorise(struct kreq *q);

/* Plain text answers. */
void server_text(struct kreq *q, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void server_json(struct kreq *q, struct str json);

/* Handlers. */
void serve_logs(struct kreq *q);
void serve_stream(struct kreq *q); /* exec, attach, portForward */
void serve_pods(struct kreq *q);
void serve_summary(struct kreq *q);
void serve_metrics(struct kreq *q);          /* /metrics */
void serve_resource_metrics(struct kreq *q); /* /metrics/resource */
void serve_cadvisor(struct kreq *q);
void serve_configz(struct kreq *q);

/* Runs on the pods' workers, then back on the loop. False: too busy; answered. */
bool server_work(struct kreq *q, void (*work)(struct work *w), void (*back)(struct loop_msg *m));
struct kreq *kreq_of_work(struct work *w);
struct kreq *kreq_of_msg(struct loop_msg *m);

/* The pod of a path, by namespace and name; one reference, or NULL with the answer given. */
const struct object *server_pod(struct kreq *q, struct str ns, struct str name);
