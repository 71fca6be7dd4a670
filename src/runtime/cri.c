/* CRI over gRPC. See cri.h. */
#include "runtime/cri.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/proto.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "runtime/containerd_events.h"
#include "runtime/grpc.h"
#include "runtime/runtime.h"

#define PATH_SIZE 96
#define EVENTS_PATH "/runtime.v1.RuntimeService/GetContainerEvents"

struct cri {
    struct runtime runtime;
    struct grpc *grpc;
    struct grpc *images; /* may be the same */
};

static struct cri *cri_of(struct runtime *r) {
    return (struct cri *)((char *)r - offsetof(struct cri, runtime));
}

/* --- calls --- */

static bool is_image_method(enum runtime_method m) {
    return m >= RUNTIME_LIST_IMAGES;
}

/* The strings of the answer point into its bytes, which stay in the arena. */
static int decode(struct arena *a, uint16_t type, const struct buf *bytes, const void **ret_out,
                  struct err *err) {
    void *out = NULL;
    int rc = api_read_proto(a, &builtin, type, buf_to_arena(bytes, a), true, &out, err);
    if (rc == 0)
        *ret_out = out;
    return rc;
}

static int cri_call(struct runtime *r, enum runtime_method method, const struct runtime_call *call,
                    const void *in, const void **ret_out, struct err *err) {
    struct cri *c = cri_of(r);
    const struct runtime_method_info *m = &runtime_methods[method];
    _cleanup_buf struct buf request = BUF_INIT, answer = BUF_INIT;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/runtime.v1.%s/%s", m->service, m->name);
    api_write_proto(&request, &builtin, m->in_type, in);
    struct grpc_call g = {.path = path,
                          .request = buf_view(&request),
                          .timeout_ms = call->timeout_ms ? call->timeout_ms : RUNTIME_TIMEOUT_MS};
    int rc = grpc_unary(is_image_method(method) ? c->images : c->grpc, &g, &answer, err);
    if (rc)
        return rc;
    rc = decode(call->arena, m->out_type, &answer, ret_out, err);
    return rc ? err_set(err, ERR_CORRUPT, "%s: the answer is malformed", m->name) : 0;
}

/* --- events ---
 *
 * A runtime that does not have CRI's events is asked for containerd's own. The
 * second stream is started from the end of the first, on the loop; whoever
 * stops the watch waits for the first to end before he looks at the second.
 */

struct runtime_watch {
    struct runtime_watch_options o;
    struct cri *cri;
    struct grpc_stream *stream, *second;
};

static void on_message(void *arg, struct str message) {
    struct runtime_watch *w = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    void *event;
    if (api_read_proto(&a, &builtin, TY_CRI_CONTAINER_EVENT_RESPONSE, message, true, &event, NULL) == 0)
        w->o.on_event(w->o.arg, event);
}

static void on_containerd_message(void *arg, struct str message) {
    struct runtime_watch *w = arg;
    struct cri_container_event_response event = {.created_at = clock_wall_ns(clock_system())};
    if (containerd_event_parse(message, &event.container_id, &event.container_event_type))
        w->o.on_event(w->o.arg, &event);
}

static void on_end(void *arg, int code, const struct err *err) {
    struct runtime_watch *w = arg;
    w->o.on_end(w->o.arg, code ? code : ERR_CLOSED, err);
}

static void on_first_end(void *arg, int code, const struct err *err) {
    struct runtime_watch *w = arg;
    _cleanup_buf struct buf request = BUF_INIT;
    if (code == ERR_UNSUPPORTED) {
        containerd_events_request(&request);
        struct grpc_stream_options o = {.on_message = on_containerd_message, .on_end = on_end, .arg = w};
        struct grpc_call call = {.path = CONTAINERD_EVENTS_PATH, .request = buf_view(&request)};
        if (grpc_stream_start(w->cri->grpc, &call, &o, &w->second, NULL) == 0)
            return;
    }
    on_end(arg, code, err);
}

static int cri_watch_start(struct runtime *r, const struct runtime_watch_options *options,
                           struct runtime_watch **ret, struct err *err) {
    struct runtime_watch *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->o = *options;
    w->cri = cri_of(r);
    struct grpc_stream_options o = {.on_message = on_message, .on_end = on_first_end, .arg = w};
    struct grpc_call call = {.path = EVENTS_PATH, .request = S("")};
    int rc = grpc_stream_start(w->cri->grpc, &call, &o, &w->stream, err);
    if (rc)
        free(w);
    else
        *ret = w;
    return rc;
}

static void cri_watch_stop(struct runtime *r, struct runtime_watch *w) {
    (void)r;
    grpc_stream_stop(w->stream);
    grpc_stream_stop(w->second);
    free(w);
}

/* --- beginning and end --- */

static void cri_free(struct runtime *r) {
    struct cri *c = cri_of(r);
    if (c->images != c->grpc)
        grpc_free(c->images);
    grpc_free(c->grpc);
    free(c);
}

static const struct runtime_ops cri_ops = {
    .call = cri_call,
    .watch_start = cri_watch_start,
    .watch_stop = cri_watch_stop,
    .free = cri_free,
};

static int open_endpoint(const char *endpoint, struct loop *loop, struct grpc **ret, struct err *err) {
    struct str e = str_from(endpoint);
    if (str_has_prefix(e, S("unix://")))
        e = str_from_byte(e, 7);
    if (!e.n || e.p[0] != '/')
        return err_set(err, ERR_INVALID,
                       "\"%s\" is no endpoint of a container runtime: it must be "
                       "unix:// and the "
                       "path of a socket",
                       endpoint);
    return grpc_new(&(struct grpc_options){.socket = e.p, .loop = loop}, ret, err);
}

int cri_new(const struct cri_options *options, struct runtime **ret, struct err *err) {
    struct cri *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->runtime.ops = &cri_ops;
    int rc = open_endpoint(options->endpoint, options->loop, &c->grpc, err);
    c->images = c->grpc;
    if (rc == 0 && options->image_endpoint)
        rc = open_endpoint(options->image_endpoint, options->loop, &c->images, err);
    if (rc == 0) {
        *ret = &c->runtime;
        return 0;
    }
    grpc_free(c->grpc);
    free(c);
    return rc;
}
