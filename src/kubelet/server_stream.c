/* exec, attach and port-forward: the runtime is asked for the address of a stream, and the client's
 * connection is tied to it.
 *
 * CONFORMS: upstream hands the upgrade on to the CRI streaming server as it is; only when that has answered
 * 101 is there a tunnel.
 */
#include <stdlib.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/url.h"
#include "kubelet/server_priv.h"
#include "net/relay.h"
#include "runtime/runtime.h"

#define COMMAND_WORDS_MAX 1024

/* -- what the runtime is asked -- */

static bool query_true(struct kreq *q, const char *name) {
    struct str v = http_query(q->r, str_from(name));
    return str_eq(v, S("1")) || str_eq(v, S("true"));
}

/* All values of command=. */
static struct str_array command_of(struct kreq *q) {
    struct str rest = http_in(q->r)->query, pair, name, value;
    struct str_array all = {arena_new_n(q->arena, COMMAND_WORDS_MAX, struct str), 0};
    while (rest.n && all.n < COMMAND_WORDS_MAX) {
        (void)str_split(rest, '&', &pair, &rest);
        if (str_split(pair, '=', &name, &value) && str_eq(name, S("command")))
            (void)(url_decode_query(q->arena, value, &all.v[all.n]) && all.n++);
    }
    return all;
}

struct stream_ask {
    struct str uid, container; /* container "": the sandbox */
    struct str container_id, sandbox_id;
    struct str_array command;
    bool in, out, err, tty;
};

static struct stream_ask ask_of(struct kreq *q, struct str uid, struct str container) {
    return (struct stream_ask){.uid = uid,
                               .container = container,
                               .command = command_of(q),
                               .in = query_true(q, "input"),
                               .out = query_true(q, "output"),
                               .err = query_true(q, "error"),
                               .tty = query_true(q, "tty")};
}

/* Which container or sandbox that is, at present. */
static int find_target(struct kubelet *k, struct stream_ask *x, struct arena *a, struct err *err) {
    const struct pod_view *view = NULL;
    int rc = pod_cache_view(k->cache, x->uid, a, &view, err);
    if (rc < 0)
        return rc;
    const struct container_view *c = x->container.n ? pod_view_container(view, x->container) : NULL;
    const struct sandbox_view *s = pod_view_sandbox(view);
    if (x->container.n && (!c || c->state != CONTAINER_RUNNING))
        return err_set(err, ERR_NOT_FOUND, "container %.*s is not running", STR_ARG(x->container));
    if (!s || !s->ready)
        return err_set(err, ERR_NOT_FOUND, "the pod is not running");
    x->container_id = c ? c->id : STR_NONE;
    x->sandbox_id = s->id;
    return 0;
}

static int ask_exec(struct kreq *q, const struct stream_ask *x, struct runtime_call *call) {
    const struct cri_exec_response *r = NULL;
    struct cri_exec_request in = {.container_id = x->container_id,
                                  .cmd = x->command,
                                  .tty = x->tty,
                                  .stdin = x->in,
                                  .stdout = x->out,
                                  .stderr = x->err && !x->tty};
    int rc = runtime_exec(q->s->k->o.runtime, call, &in, &r, &q->err);
    if (rc == 0)
        q->url = r->url;
    return rc;
}

static int ask_attach(struct kreq *q, const struct stream_ask *x, struct runtime_call *call) {
    const struct cri_attach_response *r = NULL;
    struct cri_attach_request in = {.container_id = x->container_id,
                                    .tty = x->tty,
                                    .stdin = x->in,
                                    .stdout = x->out,
                                    .stderr = x->err && !x->tty};
    int rc = runtime_attach(q->s->k->o.runtime, call, &in, &r, &q->err);
    if (rc == 0)
        q->url = r->url;
    return rc;
}

static int ask_port_forward(struct kreq *q, const struct stream_ask *x, struct runtime_call *call) {
    const struct cri_port_forward_response *r = NULL;
    struct cri_port_forward_request in = {.pod_sandbox_id = x->sandbox_id};
    int rc = runtime_port_forward(q->s->k->o.runtime, call, &in, &r, &q->err);
    if (rc == 0)
        q->url = r->url;
    return rc;
}

/* -- what becomes of it -- */

static bool passes(struct str name, bool upgraded) {
    (void)upgraded;
    return !str_eq(name, S("content-length")) && !str_eq(name, S("transfer-encoding")) &&
           !str_eq(name, S("date"));
}

static void on_stream_writable(void *relay) {
    if (relay) /* not ended meanwhile */
        relay_writable(relay);
}

static void on_end(void *user) {
    struct kreq *q = user;
    http_set_user(q->r, NULL, NULL);
}

static void on_fail(void *user, const struct err *why) {
    struct kreq *q = user;
    http_set_user(q->r, NULL, NULL);
    server_text(q, 502, "the container runtime did not answer: %s\n", why->msg);
}

static void client_gone(void *relay) {
    relay_free(relay);
}

static const struct relay_ops relay_ops = {
    .passes = passes, .on_stream_writable = on_stream_writable, .on_end = on_end, .on_fail = on_fail};

/* -- connecting -- */

/* http://127.0.0.1:port/path; the runtime's streams are on this machine. */
static bool split_url(struct kreq *q, struct str *ret_host, uint16_t *ret_port, struct str *ret_path) {
    struct str rest = str_from_byte(q->url, 7), authority, host, port;
    uint64_t number;
    ptrdiff_t slash = str_find_byte(rest, '/');
    if (!str_has_prefix(q->url, S("http://")) || slash < 0)
        return false;
    authority = str_cut(rest, (size_t)slash);
    *ret_path = str_from_byte(rest, (size_t)slash);
    ptrdiff_t colon = str_rfind_byte(authority, ':');
    if (colon < 0)
        return false;
    host = str_cut(authority, (size_t)colon);
    port = str_from_byte(authority, (size_t)colon + 1);
    if (host.n > 2 && host.p[0] == '[')
        host = str_make(host.p + 1, host.n - 2);
    *ret_host = host;
    bool ok = str_to_u64(port, &number) && number > 0 && number < 65536;
    *ret_port = ok ? (uint16_t)number : 0;
    return ok;
}

static bool goes_on(struct str name) {
    static const struct str names[] = {STR_INIT("upgrade"),
                                       STR_INIT("connection"),
                                       STR_INIT("x-stream-protocol-version"),
                                       STR_INIT("sec-websocket-key"),
                                       STR_INIT("sec-websocket-version"),
                                       STR_INIT("sec-websocket-protocol"),
                                       STR_INIT("sec-websocket-extensions"),
                                       STR_INIT("origin")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

static void put_head(struct buf *out, struct kreq *q, struct str host, uint16_t port, struct str path) {
    const struct http_in *in = http_in(q->r);
    buf_printf(out, "%.*s %.*s HTTP/1.1\r\nhost: %.*s:%u\r\n", STR_ARG(in->method_text), STR_ARG(path),
               STR_ARG(host), port);
    for (size_t i = 0; i < in->n_headers; i++)
        if (goes_on(in->headers[i].name))
            buf_printf(out, "%.*s: %.*s\r\n", STR_ARG(in->headers[i].name), STR_ARG(in->headers[i].value));
    if (in->method != HTTP_VERB_GET)
        buf_lit(out, "content-length: 0\r\n");
    buf_lit(out, "\r\n");
}

static void connect_stream(struct kreq *q) {
    struct str host, path;
    uint16_t port;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf head = BUF_INIT;
    if (!split_url(q, &host, &port, &path)) {
        server_text(q, 500, "the container runtime answered with a strange address\n");
        return;
    }
    put_head(&head, q, host, port, path);
    struct relay *relay = NULL;
    struct relay_options o = {.r = q->r,
                              .upgrade = RELAY_TUNNEL,
                              .backend = {.address = str_eq(host, S("localhost")) ? S("127.0.0.1") : host,
                                          .port = port,
                                          .head = buf_view(&head)},
                              .ops = &relay_ops,
                              .user = q};
    if (relay_open(&o, &relay, &err) < 0)
        server_text(q, 502, "the container runtime cannot be reached: %s\n", err.msg);
    else
        http_set_user(q->r, relay, client_gone);
}

/* -- asking the runtime, off the loop -- */

/* What outlives the request, should its client go meanwhile. */
struct stream_job {
    struct work work;
    struct loop_msg msg;
    struct loop *loop;
    struct kreq *q; /* NULL: gone; the loop's */
    struct kubelet *k;
    struct arena arena;
    struct kreq copy; /* with texts in the arena */
    struct stream_ask ask;
    int rc;
};

static void job_free(struct stream_job *j) {
    arena_fini(&j->arena);
    free(j);
}

static void on_back(struct loop_msg *m) {
    struct stream_job *j = (struct stream_job *)((char *)m - offsetof(struct stream_job, msg));
    struct kreq *q = j->q;
    if (q && j->rc < 0) {
        server_text(q, j->rc == ERR_NOT_FOUND ? 404 : 500, "%s\n", j->copy.err.msg);
    } else if (q) {
        q->url = arena_str(q->arena, j->copy.url);
        connect_stream(q);
    }
    job_free(j);
}

static void ask_runtime(struct work *w) {
    struct stream_job *j = (struct stream_job *)((char *)w - offsetof(struct stream_job, work));
    struct runtime_call call = {.arena = &j->arena};
    struct str what = j->copy.path[0];
    j->rc = find_target(j->k, &j->ask, &j->arena, &j->copy.err);
    if (j->rc == 0)
        j->rc = str_eq(what, S("exec"))     ? ask_exec(&j->copy, &j->ask, &call)
                : str_eq(what, S("attach")) ? ask_attach(&j->copy, &j->ask, &call)
                                            : ask_port_forward(&j->copy, &j->ask, &call);
    if (loop_post(j->loop, &j->msg) < 0)
        job_free(j); /* the server has ended */
}

static void job_gone(void *user) {
    ((struct stream_job *)user)->q = NULL;
}

static struct stream_ask copy_ask(const struct stream_ask *x, struct arena *a) {
    struct stream_ask y = *x;
    y.uid = arena_str(a, x->uid);
    y.container = arena_str(a, x->container);
    y.command.v = arena_new_n(a, x->command.n, struct str);
    for (uint32_t i = 0; i < x->command.n; i++)
        y.command.v[i] = arena_str(a, x->command.v[i]);
    return y;
}

static void start_job(struct kreq *q, const struct stream_ask *ask) {
    struct stream_job *j = calloc(1, sizeof *j);
    if (!j)
        panic("out of memory");
    j->q = q;
    j->k = q->s->k;
    j->loop = http_request_loop(q->r);
    arena_init(&j->arena);
    j->copy.s = q->s;
    j->copy.path[0] = arena_str(&j->arena, q->path[0]);
    j->ask = copy_ask(ask, &j->arena);
    j->work.run = ask_runtime;
    j->msg.run = on_back;
    http_set_user(q->r, j, job_gone);
    if (workers_submit(q->s->k->pod_workers, &j->work) == 0)
        return;
    job_free(j);
    server_text(q, 429, "the node is busy; try again\n");
}

/* /exec/ns/pod/container, /exec/ns/pod/uid/container; /portForward/ns/pod[/uid]. */
void serve_stream(struct kreq *q) {
    bool forward = str_eq(q->path[0], S("portForward"));
    const struct object *pod = server_pod(q, q->path[1], q->path[2]);
    if (!pod)
        return;
    struct stream_ask ask = ask_of(q, pod->meta->uid, forward ? STR_NONE : q->path[q->n_path - 1]);
    start_job(q, &ask);
    object_unref(pod);
}
