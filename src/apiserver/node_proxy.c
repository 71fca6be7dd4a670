/* Requests to kubelets. See node_proxy.h; where they go says proxy_target.h.
 *
 *     waiting ──head──▶ streaming ──end──▶ done
 *        └─────101────▶ tunnel ──either side ends──▶ done
 */
#include "apiserver/node_proxy.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/status.h"
#include "apiserver/authz.h"
#include "apiserver/front_priv.h"
#include "apiserver/proxy_target.h"
#include "apiserver/respond.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/cell.h"
#include "base/err.h"
#include "base/loop.h"
#include "net/backend.h"

/* -- what is shown to kubelets -- */

struct shown {
    struct shared shared;
    SSL_CTX *ctx;
    struct timespec changed;
};

struct node_proxy {
    const char *cert, *key, *ca;
    struct cell shown;
    SSL_CTX *plain; /* for pods and services: no certificate */
};

static void shown_release(struct shared *s) {
    struct shown *x = (struct shown *)s;
    SSL_CTX_free(x->ctx);
    free(x);
}

/* CONFORMS: pods and services that are reached over TLS are not verified, nor are kubelets when no authority
 * for them is given. */
static SSL_CTX *context_new(void) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        panic("out of memory");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

static int shown_new(struct node_proxy *p, const struct stat *st, struct shown **ret, struct err *err) {
    SSL_CTX *ctx = context_new();
    if (SSL_CTX_use_certificate_chain_file(ctx, p->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, p->key, SSL_FILETYPE_PEM) != 1) {
        SSL_CTX_free(ctx);
        return err_set(err, ERR_IO, "the client certificate for kubelets (%s) cannot be read", p->cert);
    }
    if (p->ca && SSL_CTX_load_verify_file(ctx, p->ca) != 1) {
        SSL_CTX_free(ctx);
        return err_set(err, ERR_IO, "the authority of kubelets' certificates (%s) cannot be read", p->ca);
    }
    if (p->ca)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    struct shown *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    shared_init(&x->shared, shown_release);
    x->ctx = ctx;
    x->changed = st->st_mtim;
    *ret = x;
    return 0;
}

/* One reference. */
static int shown_get(struct node_proxy *p, struct shown **ret, struct err *err) {
    struct stat st = {0};
    struct shown *x = (struct shown *)cell_get(&p->shown);
    (void)stat(p->cert, &st);
    if (x && x->changed.tv_sec == st.st_mtim.tv_sec && x->changed.tv_nsec == st.st_mtim.tv_nsec) {
        *ret = x;
        return 0;
    }
    if (x)
        shared_unref(&x->shared);
    int r = shown_new(p, &st, ret, err);
    if (r == 0)
        cell_set(&p->shown, shared_ref(&(*ret)->shared));
    return r;
}

int node_proxy_new(const char *cert, const char *key, const char *ca, struct node_proxy **ret,
                   struct err *err) {
    struct node_proxy *p = calloc(1, sizeof *p);
    struct shown *x;
    if (!p)
        panic("out of memory");
    p->cert = cert;
    p->key = key;
    p->ca = ca;
    p->plain = context_new();
    int r = shown_get(p, &x, err);
    if (r < 0) {
        node_proxy_free(p);
        return r;
    }
    shared_unref(&x->shared);
    *ret = p;
    return 0;
}

void node_proxy_free(struct node_proxy *p) {
    if (!p)
        return;
    cell_fini(&p->shown);
    SSL_CTX_free(p->plain);
    free(p);
}

/* -- one request -- */

#define REFUSAL_MAX 2048u

struct proxied {
    struct front_call *f; /* until the answer is handed over */
    struct http_request *r;
    struct backend *backend;
    bool wants_upgrade, streaming, tunnel, backend_ended;
    bool explains;   /* refusals become Status objects, as those of the API are */
    int refused;     /* the code of such a refusal; 0: none */
    struct buf held; /* what the client did not take yet; of a refusal: why */
};

static void proxied_free(struct proxied *p) {
    backend_close(p->backend);
    buf_fini(&p->held);
    free(p);
}

static void fail(struct proxied *p, const struct err *why) {
    struct front_call *f = p->f;
    struct str text = arena_printf(&f->arena, "error dialing backend: %s", why->msg);
    proxied_free(p);
    f->user = NULL;
    f->gone = NULL;
    respond_status(f, status_internal_error(&f->arena, text));
}

/* -- headers -- */

/* CONFORMS: RFC 9110 7.6.1: headers of one connection; and who asks is nobody else's business. */
static bool passes(struct str name, bool upgrade) {
    static const struct str never[] = {
        STR_INIT("host"),
        STR_INIT("content-length"),
        STR_INIT("transfer-encoding"),
        STR_INIT("te"),
        STR_INIT("trailer"),
        STR_INIT("keep-alive"),
        STR_INIT("authorization"),
        STR_INIT("proxy-connection"),
        STR_INIT("proxy-authorization"),
        STR_INIT("proxy-authenticate"),
        STR_INIT("expect"),
        STR_INIT("date"),
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (str_eq(name, never[i]))
            return false;
    if (str_has_prefix(name, S("impersonate-")) || str_has_prefix(name, S("x-remote-")))
        return false;
    return upgrade || (!str_eq(name, S("connection")) && !str_eq(name, S("upgrade")));
}

static bool is_clean(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t')
            return false;
    return true;
}

/* Subprotocols without the one that carries a token. */
static void put_protocols(struct buf *out, struct str list) {
    size_t n = 0;
    while (list.n) {
        struct str item;
        str_split(list, ',', &item, &list);
        item = str_trim(item);
        if (str_has_prefix(item, S("base64url.bearer.authorization.k8s.io.")))
            continue;
        buf_str(out, n++ ? S(", ") : S("sec-websocket-protocol: "));
        buf_str(out, item);
    }
    if (n)
        buf_lit(out, "\r\n");
}

static void put_head(struct buf *out, const struct front_call *f, const struct proxy_target *t,
                     bool upgrade) {
    const struct http_in *in = http_in(f->r);
    bool six = str_find_byte(t->address, ':') >= 0;
    buf_printf(out, "%.*s %.*s HTTP/1.1\r\nhost: %s%.*s%s:%u\r\n", STR_ARG(in->method_text), STR_ARG(t->path),
               six ? "[" : "", STR_ARG(t->address), six ? "]" : "", t->port);
    for (size_t i = 0; i < in->n_headers; i++) {
        const struct http_header *h = &in->headers[i];
        if (!passes(h->name, upgrade) || h->name.p[0] == ':' || !is_clean(h->value))
            continue;
        if (str_eq(h->name, S("sec-websocket-protocol")))
            put_protocols(out, h->value);
        else
            buf_printf(out, "%.*s: %.*s\r\n", STR_ARG(h->name), STR_ARG(h->value));
    }
    if (!upgrade)
        buf_lit(out, "connection: close\r\n");
    if (in->body.n || (in->method != HTTP_VERB_GET && in->method != HTTP_VERB_HEAD))
        buf_printf(out, "content-length: %zu\r\n", in->body.n);
    buf_lit(out, "\r\n");
}

/* -- to the client -- */

static void release(void *bytes) {
    free(bytes);
}

/* ERR_AGAIN: nothing was taken. */
static int write_client(struct proxied *p, struct str bytes) {
    char *copy = malloc(bytes.n);
    if (!copy)
        panic("out of memory");
    memcpy(copy, bytes.p, bytes.n);
    struct http_chunk c = {.bytes = {copy, bytes.n}, .release = release, .arg = copy};
    int r = p->tunnel ? http_raw_write(p->r, &c, 1) : http_stream_write(p->r, &c, 1);
    if (r < 0)
        free(copy);
    return r;
}

/* The answer or the tunnel has ended, and all of it was handed over. */
static void finish(struct proxied *p) {
    struct http_request *r = p->r;
    if (p->tunnel) {
        http_raw_finish(r); /* on_close follows */
        return;
    }
    struct front_call *f = p->f;
    proxied_free(p);
    front_done(f, f->code);
    http_stream_end(r);
}

/* CONFORMS: what the kubelet says of a log that it cannot give. */
static void refuse(struct proxied *p) {
    struct front_call *f = p->f;
    const struct access *x = &f->call.info.access;
    struct status_target about = {.group = x->group, .resource = x->resource, .name = x->name};
    struct str why = arena_str(&f->arena, str_trim(buf_view(&p->held)));
    int code = p->refused;
    proxied_free(p);
    f->user = NULL;
    f->gone = NULL;
    respond_status(f, code == 400   ? status_bad_request(&f->arena, "%.*s", STR_ARG(why))
                      : code == 404 ? status_not_found(&f->arena, about)
                                    : status_internal_error(&f->arena, why));
}

static void on_data(void *user, struct str bytes) {
    struct proxied *p = user;
    if (bytes.n == 0)
        return;
    if (p->refused) {
        buf_str(&p->held, str_cut(bytes, REFUSAL_MAX - p->held.n));
        return;
    }
    if (p->held.n == 0 && write_client(p, bytes) == 0)
        return;
    buf_str(&p->held, bytes);
    backend_pause(p->backend, true);
}

static void client_writable(struct proxied *p) {
    if (p->held.n) {
        if (write_client(p, buf_view(&p->held)) < 0)
            return;
        buf_clear(&p->held);
    }
    if (p->backend_ended)
        finish(p);
    else
        backend_pause(p->backend, false);
}

static void on_stream_writable(void *user) {
    struct front_call *f = user;
    if (f) /* not ended meanwhile */
        client_writable(f->user);
}

static void on_end(void *user, const struct err *why) {
    struct proxied *p = user;
    p->backend_ended = true;
    if (p->refused)
        refuse(p);
    else if (!p->streaming && !p->tunnel)
        fail(p, why ? why : &(struct err){.code = ERR_CLOSED, .msg = "there was no answer"});
    else if (p->held.n == 0)
        finish(p);
}

/* -- from the client, in a tunnel -- */

static void raw_data(void *user, struct str bytes) {
    struct proxied *p = user;
    if (bytes.n == 0) {
        backend_shutdown(p->backend);
        return;
    }
    backend_write(p->backend, bytes);
    if (backend_queued(p->backend) > BACKEND_OUTPUT_MAX)
        http_raw_pause(p->r, true);
}

static void raw_writable(void *user) {
    client_writable(user);
}

static void raw_close(void *user, const struct err *why) {
    (void)why;
    proxied_free(user);
}

static const struct http_raw_ops raw_ops = {
    .on_data = raw_data, .on_writable = raw_writable, .on_close = raw_close};

static void on_writable(void *user) {
    struct proxied *p = user;
    if (p->tunnel)
        http_raw_pause(p->r, false);
}

/* -- the answer's head -- */

static struct http_header *copy_headers(struct front_call *f, const struct backend_head *head, bool upgrade,
                                        size_t *ret_n) {
    struct http_header *h = arena_new_n(&f->arena, head->n_headers + 1, struct http_header);
    size_t n = 0;
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct http_header *from = &head->headers[i];
        bool own = str_eq(from->name, S("connection")) || str_eq(from->name, S("upgrade"));
        if (passes(from->name, upgrade) && !own)
            h[n++] =
                (struct http_header){arena_str(&f->arena, from->name), arena_str(&f->arena, from->value)};
    }
    *ret_n = n;
    return h;
}

static struct str find_header(const struct backend_head *head, struct str name) {
    for (size_t i = 0; i < head->n_headers; i++)
        if (str_eq(head->headers[i].name, name))
            return head->headers[i].value;
    return S("");
}

static void open_tunnel(struct proxied *p, const struct backend_head *head) {
    struct front_call *f = p->f;
    struct err err = ERR_INIT;
    size_t n;
    struct http_header *h = copy_headers(f, head, true, &n);
    struct str protocol = arena_str(&f->arena, find_header(head, S("upgrade")));
    p->f = NULL;
    p->tunnel = true;
    front_done(f, 101);
    if (http_upgrade(p->r, protocol, h, n, &raw_ops, p, &err) == 0)
        return;
    struct http_request *r = p->r;
    proxied_free(p);
    http_respond_text(r, 502, S("text/plain; charset=utf-8"), S("the connection cannot be upgraded\n"));
}

static void on_head(void *user, const struct backend_head *head) {
    struct proxied *p = user;
    struct front_call *f = p->f;
    size_t n;
    if (head->upgraded && p->wants_upgrade) {
        open_tunnel(p, head);
        return;
    }
    if (head->upgraded) {
        fail(p, &(struct err){.code = ERR_INVALID,
                              .msg = "the backend upgraded a connection that nobody asked it to"});
        return;
    }
    if (p->explains && (head->status < 200 || head->status > 206)) {
        p->refused = head->status;
        return;
    }
    struct http_header *h = copy_headers(f, head, false, &n);
    p->streaming = true;
    f->code = head->status;
    http_stream_begin(p->r, head->status, h, n, on_stream_writable);
}

static const struct backend_ops backend_ops = {
    .on_head = on_head, .on_data = on_data, .on_writable = on_writable, .on_end = on_end};

/* -- the beginning -- */

static void on_gone(struct front_call *f) {
    struct proxied *p = f->user;
    proxied_free(p);
    front_gone(f);
}

static bool asks_for_upgrade(const struct front_call *f) {
    return http_in(f->r)->version == 1 && http_list_has(http_header(f->r, S("connection")), S("upgrade")) &&
           http_header(f->r, S("upgrade")).n > 0;
}

static int connect_backend(struct proxied *p, const struct proxy_target *t, struct err *err) {
    struct front_call *f = p->f;
    struct node_proxy *np = f->front->server->node_proxy;
    _cleanup_buf struct buf head = BUF_INIT;
    struct shown *shown = NULL;
    int r = t->kubelet ? shown_get(np, &shown, err) : 0;
    if (r < 0)
        return r;
    put_head(&head, f, t, p->wants_upgrade);
    struct backend_options o = {
        .loop = f->call.loop,
        .address = t->address,
        .port = t->port,
        .tls = !t->tls ? NULL
               : shown ? shown->ctx
                       : np->plain,
        .head = buf_view(&head),
        .body = http_in(f->r)->body,
        .no_body = f->method == HTTP_VERB_HEAD,
        .ops = &backend_ops,
        .user = p,
    };
    r = backend_open(&o, &p->backend, err);
    if (shown)
        shared_unref(&shown->shared);
    return r;
}

bool node_proxy_wants(const struct request_info *i) {
    static const struct str names[] = {STR_INIT("log"), STR_INIT("exec"), STR_INIT("attach"),
                                       STR_INIT("portforward"), STR_INIT("proxy")};
    for (size_t k = 0; i->subresource && k < sizeof names / sizeof *names; k++)
        if (str_eq(i->subresource->name, names[k]))
            return true;
    return false;
}

/* CONFORMS: opening a stream into a pod is a creation, whatever the method: WebSockets begin with GET. */
static bool may_open(struct front_call *f) {
    struct access x = f->call.info.access;
    struct str reason = S("");
    x.verb = S("create");
    if (authz_check(f->front->server->authz, &x, &f->arena, &reason) == AUTHZ_ALLOW)
        return true;
    struct status_target about = {.group = x.group, .resource = x.resource, .name = x.name};
    respond_status(f, status_forbidden(&f->arena, about, access_denial(&x, reason, &f->arena)));
    return false;
}

void node_proxy_serve(struct front_call *f) {
    struct proxy_target t;
    struct status *st = NULL;
    struct err err = ERR_INIT;
    if (proxy_target_find(f->front->server, &f->call.info, f->query, &f->arena, &t, &st) < 0) {
        respond_status(f, st);
        return;
    }
    bool upgrade = asks_for_upgrade(f);
    if (t.must_upgrade && !may_open(f))
        return;
    if (t.must_upgrade && !upgrade) {
        respond_status(f, status_bad_request(&f->arena, "Upgrade request required"));
        return;
    }
    struct proxied *p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    p->f = f;
    p->r = f->r;
    p->wants_upgrade = upgrade;
    p->explains = str_eq(f->call.info.subresource->name, S("log"));
    f->user = p;
    f->gone = on_gone;
    f->long_running = true;
    if (connect_backend(p, &t, &err) < 0)
        fail(p, &err);
}
