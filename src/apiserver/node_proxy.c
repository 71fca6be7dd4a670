/* Requests to kubelets. See node_proxy.h; where they go says proxy_target.h, how they go net/relay.h. */
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
#include "net/relay.h"

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

/* What the backend is asked instead of what the client has. */
static bool is_translated(struct str name) {
    return str_has_prefix(name, S("sec-websocket-")) || str_eq(name, S("connection")) ||
           str_eq(name, S("upgrade")) || str_eq(name, S("origin"));
}

static void put_client_headers(struct buf *out, const struct http_in *in, enum relay_upgrade upgrade) {
    bool translated = upgrade == RELAY_CHANNELS || upgrade == RELAY_IN_WEBSOCKET;
    for (size_t i = 0; i < in->n_headers; i++) {
        const struct http_header *h = &in->headers[i];
        if (!passes(h->name, upgrade != RELAY_PLAIN) || h->name.p[0] == ':' || !is_clean(h->value) ||
            (translated && is_translated(h->name)))
            continue;
        if (str_eq(h->name, S("sec-websocket-protocol")))
            put_protocols(out, h->value);
        else
            buf_printf(out, "%.*s: %.*s\r\n", STR_ARG(h->name), STR_ARG(h->value));
    }
    if (translated)
        relay_put_upgrade(out, upgrade);
    else if (upgrade == RELAY_PLAIN)
        buf_lit(out, "connection: close\r\n");
}

/* CONFORMS: SPDY begins with POST; WebSockets do with GET. */
static void put_head(struct buf *out, const struct front_call *f, const struct proxy_target *t,
                     enum relay_upgrade upgrade) {
    const struct http_in *in = http_in(f->r);
    bool six = str_find_byte(t->address, ':') >= 0;
    bool translated = upgrade == RELAY_CHANNELS || upgrade == RELAY_IN_WEBSOCKET;
    struct str method = translated ? S("POST") : in->method_text;
    buf_printf(out, "%.*s %.*s HTTP/1.1\r\nhost: %s%.*s%s:%u\r\n", STR_ARG(method), STR_ARG(t->path),
               six ? "[" : "", STR_ARG(t->address), six ? "]" : "", t->port);
    put_client_headers(out, in, upgrade);
    if (in->body.n || translated || (in->method != HTTP_VERB_GET && in->method != HTTP_VERB_HEAD))
        buf_printf(out, "content-length: %zu\r\n", in->body.n);
    buf_lit(out, "\r\n");
}

/* -- what becomes of it -- */

static void on_head(void *user, int status) {
    struct front_call *f = user;
    f->code = status;
    if (status == 101)
        front_done(f, 101);
}

static void on_stream_writable(void *user) {
    struct front_call *f = user;
    if (f) /* not ended meanwhile */
        relay_writable(f->user);
}

static void on_end(void *user) {
    struct front_call *f = user;
    front_done(f, f->code);
}

static void on_fail(void *user, const struct err *why) {
    struct front_call *f = user;
    f->user = NULL;
    f->gone = NULL;
    struct str text = arena_printf(&f->arena, "error dialing backend: %s", why->msg);
    respond_status(f, status_internal_error(&f->arena, text));
}

/* CONFORMS: what the kubelet says of a log that it cannot give. */
static void on_refused(void *user, int code, struct str text) {
    struct front_call *f = user;
    const struct access *x = &f->call.info.access;
    struct status_target about = {.group = x->group, .resource = x->resource, .name = x->name};
    struct str why = arena_str(&f->arena, str_trim(text));
    f->user = NULL;
    f->gone = NULL;
    respond_status(f, code == 400   ? status_bad_request(&f->arena, "%.*s", STR_ARG(why))
                      : code == 404 ? status_not_found(&f->arena, about)
                                    : status_internal_error(&f->arena, why));
}

static void on_gone(struct front_call *f) {
    relay_free(f->user);
    front_gone(f);
}

static const struct relay_ops relay_ops = {.passes = passes,
                                           .on_head = on_head,
                                           .on_stream_writable = on_stream_writable,
                                           .on_end = on_end,
                                           .on_refused = on_refused,
                                           .on_fail = on_fail};

/* -- the beginning -- */

static bool asks_for_upgrade(const struct front_call *f) {
    return http_in(f->r)->version == 1 && http_list_has(http_header(f->r, S("connection")), S("upgrade")) &&
           http_header(f->r, S("upgrade")).n > 0;
}

/* Streams of containers have to be translated for a client that has a WebSocket. */
static enum relay_upgrade upgrade_of(struct front_call *f, const struct proxy_target *t) {
    if (!asks_for_upgrade(f))
        return RELAY_PLAIN;
    return t->must_upgrade ? relay_upgrade_of(f->r, !t->streams_named) : RELAY_TUNNEL;
}

static int open_relay(struct front_call *f, const struct proxy_target *t, struct relay **ret,
                      struct err *err) {
    struct node_proxy *np = f->front->server->node_proxy;
    _cleanup_buf struct buf head = BUF_INIT;
    struct shown *shown = NULL;
    int r = t->kubelet ? shown_get(np, &shown, err) : 0;
    if (r < 0)
        return r;
    struct relay_options o = {.r = f->r,
                              .upgrade = upgrade_of(f, t),
                              .streams = t->streams,
                              .collects_refusals = str_eq(f->call.info.subresource->name, S("log")),
                              .ops = &relay_ops,
                              .user = f};
    put_head(&head, f, t, o.upgrade);
    o.backend = (struct backend_options){
        .address = t->address,
        .port = t->port,
        .tls = !t->tls ? NULL
               : shown ? shown->ctx
                       : np->plain,
        .head = buf_view(&head),
        .body = http_in(f->r)->body,
        .no_body = f->method == HTTP_VERB_HEAD,
    };
    r = relay_open(&o, ret, err);
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
    if (t.must_upgrade && !may_open(f))
        return;
    if (t.must_upgrade && !asks_for_upgrade(f)) {
        respond_status(f, status_bad_request(&f->arena, "Upgrade request required"));
        return;
    }
    struct relay *relay = NULL;
    f->long_running = true;
    if (open_relay(f, &t, &relay, &err) < 0) {
        on_fail(f, &err);
        return;
    }
    f->user = relay;
    f->gone = on_gone;
}
