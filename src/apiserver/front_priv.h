/* What the files of the HTTP door share: one request, and how it is answered. */
#pragma once

#include <stdatomic.h>

#include "apiserver/call.h"
#include "apiserver/front.h"
#include "base/arena.h"
#include "net/http.h"

struct front_metrics;
struct watch;

#define FRONT_INFLIGHT_MAX 400u /* reads at once; more get 429 */
#define FRONT_INFLIGHT_MUTATING_MAX                                                                          \
    200u /* CONFORMS: --max-requests-inflight, --max-mutating-requests-inflight */

struct front {
    struct apiserver *server;
    struct front_metrics *metrics;
    atomic_uint inflight[2]; /* reading, changing; long-running ones do not count */
};

struct front_call {
    struct call call;
    struct arena arena;
    struct front *front;
    struct http_request *r; /* NULL: the peer has gone */
    enum http_verb method;
    struct str query; /* raw */
    struct accept accept;
    int64_t start_ns;
    int code;   /* of the answer */
    bool waits; /* a call is on its way: it, not the peer, ends this */
    bool negotiated;
    atomic_uint *counted; /* in inflight; NULL: not */
    bool long_running;    /* watches, proxies: no latency is counted */
    struct watch *watch;
    void *user;                         /* of gone */
    void (*gone)(struct front_call *f); /* of streams: the peer has gone; called before the end */
    char audit_id[40];
};

#define front_of_call(c) ((struct front_call *)(c)) /* call is the first member */

/* Counts and logs the request, which from now on ends with the http request. Before the answer is handed
 * over, or a stream is ended: that may be the request's end. */
void front_done(struct front_call *f, int code);
/* The end of streams whose peer has gone. */
void front_gone(struct front_call *f);

/* -- metrics (front_metrics.c) -- */

struct front_metrics *front_metrics_new(struct front *f);
void front_metrics_free(struct front_metrics *m);
void front_metrics_count(struct front_metrics *m, const struct front_call *f, int64_t took_ns);

/* Answers a list (front_list.c). Negotiated already. */
void front_list(struct front_call *f);
