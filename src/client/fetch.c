/* libcurl's multi interface on a loop. See fetch.h.
 *
 * curl asks for sockets to be watched (uv_poll) and for one timer; whatever happens is told to it by
 * curl_multi_socket_action, and finished transfers are collected after each. A transfer that is cancelled
 * from inside of curl's callbacks is only marked, since curl must not be called from there.
 */
#include "client/fetch.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/timefmt.h"
#include "client/fetch_priv.h"

#define CONNECT_TIMEOUT_MS 10000L
#define CONNECTIONS_KEPT 16L
#define STREAMS_MAX 200L    /* of one connection */
#define DEAD_PEER_MS 30000u /* a peer that acknowledges nothing for so long is gone */
#define KEEPALIVE_SECONDS 20L

struct watched {
    uv_poll_t poll;
    struct fetcher *fetcher;
    curl_socket_t fd;
};

struct fetch {
    struct fetcher *fetcher;
    struct fetch *next, *prev;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    struct fetch_tls *tls;
    struct fetch_request request; /* callbacks; its texts are copies of ours */
    struct arena arena;
    bool head_told, cancelled, refused;
    char why[CURL_ERROR_SIZE];
};

struct fetcher {
    struct loop *loop;
    CURLM *multi;
    struct timer timer;
    struct fetch *all;
    unsigned inside; /* curl is on the stack */
    bool reaping;
};

/* -- TLS settings -- */

static void free_tls(struct shared *s) {
    struct fetch_tls *t = (struct fetch_tls *)s;
    free(t->ca);
    free(t->cert);
    if (t->key)
        explicit_bzero(t->key, t->key_n);
    free(t->key);
    free(t->server_name);
    free(t);
}

static char *copy_text(struct str s, size_t *ret_n) {
    if (!s.n)
        return NULL;
    char *p = malloc(s.n + 1);
    if (!p)
        panic("out of memory");
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    if (ret_n)
        *ret_n = s.n;
    return p;
}

struct fetch_tls *fetch_tls_new(struct str ca, struct str cert, struct str key, struct str server_name,
                                bool insecure) {
    struct fetch_tls *t = calloc(1, sizeof *t);
    if (!t)
        panic("out of memory");
    shared_init(&t->shared, free_tls);
    t->ca = copy_text(ca, &t->ca_n);
    t->cert = copy_text(cert, &t->cert_n);
    t->key = copy_text(key, &t->key_n);
    t->server_name = copy_text(server_name, NULL);
    t->insecure = insecure;
    return t;
}

void fetch_tls_unref(struct fetch_tls *t) {
    shared_unref(t ? &t->shared : NULL);
}

static void set_blob(CURL *easy, CURLoption option, char *p, size_t n) {
    struct curl_blob blob = {.data = p, .len = n, .flags = CURL_BLOB_NOCOPY}; /* counted with the request */
    if (p)
        (void)curl_easy_setopt(easy, option, &blob);
}

void fetch_set_tls(CURL *easy, const struct fetch_tls *t) {
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (!t)
        return;
    set_blob(easy, CURLOPT_CAINFO_BLOB, t->ca, t->ca_n);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, t->cert, t->cert_n);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, t->key, t->key_n);
    if (t->insecure) {
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* -- one request -- */

static void drop(struct fetch *f) {
    struct fetcher *x = f->fetcher;
    *(f->prev ? &f->prev->next : &x->all) = f->next;
    if (f->next)
        f->next->prev = f->prev;
    (void)curl_multi_remove_handle(x->multi, f->easy);
    curl_easy_cleanup(f->easy);
    curl_slist_free_all(f->headers);
    curl_slist_free_all(f->connect_to);
    fetch_tls_unref(f->tls);
    arena_fini(&f->arena);
    free(f);
}

int fetch_http_code(struct fetch *f) {
    long code = 0;
    (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &code);
    return (int)code;
}

struct str fetch_header(struct fetch *f, const char *name, struct arena *a) {
    struct curl_header *h;
    if (curl_easy_header(f->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return STR_NONE;
    return arena_str(a, str_from(h->value));
}

struct str fetch_header_all(struct fetch *f, const char *name, struct arena *a) {
    struct curl_header *h;
    struct str all = fetch_header(f, name, a);
    for (size_t i = 1; curl_easy_header(f->easy, name, i, CURLH_HEADER, -1, &h) == CURLHE_OK; i++)
        all = arena_printf(a, "%.*s, %s", STR_ARG(all), h->value);
    return all;
}

bool fetch_unsent(struct fetch *f) {
    curl_off_t sent = 0;
    (void)curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    return sent == 0 && fetch_http_code(f) == 0;
}

static size_t on_bytes(char *p, size_t size, size_t n, void *arg) {
    struct fetch *f = arg;
    if (f->cancelled)
        return 0;
    if (!f->head_told && f->request.on_head)
        f->request.on_head(f->request.arg, f);
    f->head_told = true;
    if (f->request.on_data && f->request.on_data(f->request.arg, str_make(p, size * n))) {
        f->refused = true;
        return 0;
    }
    return size * n;
}

static int on_socket_made(void *arg, curl_socket_t fd, curlsocktype purpose) {
    (void)arg;
    (void)purpose;
    unsigned ms = DEAD_PEER_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
    return CURL_SOCKOPT_OK;
}

struct curl_slist *fetch_set_url(CURL *easy, const struct fetch_tls *t, struct str url, struct arena *a) {
    struct str scheme = S("https://");
    if (!t || !t->server_name || !str_has_prefix(url, scheme)) {
        (void)curl_easy_setopt(easy, CURLOPT_URL, arena_strz(a, url));
        return NULL;
    }
    struct str rest = str_from_byte(url, scheme.n), host = rest;
    ptrdiff_t slash = str_find_byte(rest, '/');
    if (slash >= 0)
        host = str_cut(rest, (size_t)slash);
    struct str path = str_from_byte(rest, host.n);
    ptrdiff_t colon = str_rfind_byte(host, ':'), bracket = str_rfind_byte(host, ']');
    struct str port = colon > bracket ? str_from_byte(host, (size_t)colon + 1) : S("443");
    if (colon > bracket)
        host = str_cut(host, (size_t)colon);
    struct str to =
        arena_printf(a, "%s:%.*s:%.*s:%.*s", t->server_name, STR_ARG(port), STR_ARG(host), STR_ARG(port));
    struct curl_slist *connect_to = curl_slist_append(NULL, to.p);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to);
    (void)curl_easy_setopt(
        easy, CURLOPT_URL,
        arena_printf(a, "https://%s:%.*s%.*s", t->server_name, STR_ARG(port), STR_ARG(path)).p);
    return connect_to;
}

static void set_headers(struct fetch *f, const struct fetch_request *r) {
    for (size_t i = 0; i < r->n_headers; i++)
        f->headers = curl_slist_append(f->headers, arena_strz(&f->arena, r->headers[i]));
    f->headers = curl_slist_append(f->headers, "Expect:"); /* no waiting for 100 */
    (void)curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
}

static void set_options(struct fetch *f) {
    const struct fetch_request *r = &f->request;
    CURL *e = f->easy;
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, f);
    (void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, f->why);
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
    (void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_SECONDS);
    (void)curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
    (void)curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, f);
    if (r->compressed)
        (void)curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (r->proxy.n)
        (void)curl_easy_setopt(e, CURLOPT_PROXY, r->proxy.p);
    if (strcmp(r->method, "HEAD") == 0)
        (void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    if (r->body.p) {
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.p);
    }
    fetch_set_tls(e, f->tls);
}

static void kick(struct fetcher *x);

void fetch_start(struct fetcher *x, const struct fetch_request *r, struct fetch **ret) {
    check(x->inside == 0);
    struct fetch *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    f->fetcher = x;
    arena_init(&f->arena);
    f->request = *r;
    f->request.url = arena_str(&f->arena, r->url);
    f->request.proxy = arena_str(&f->arena, r->proxy);
    f->request.method = arena_strz(&f->arena, str_from(r->method));
    f->request.body = r->body.p ? arena_str(&f->arena, r->body) : STR_NONE;
    if (r->tls)
        f->tls = (struct fetch_tls *)shared_ref(&r->tls->shared);
    f->easy = curl_easy_init();
    if (!f->easy)
        panic("out of memory");
    f->connect_to = fetch_set_url(f->easy, f->tls, f->request.url, &f->arena);
    set_options(f);
    set_headers(f, r);
    f->next = x->all;
    if (f->next)
        f->next->prev = f;
    x->all = f;
    check(curl_multi_add_handle(x->multi, f->easy) == CURLM_OK);
    if (ret)
        *ret = f;
    kick(x);
}

void fetch_cancel(struct fetch *f) {
    f->cancelled = true;
    if (f->fetcher->inside == 0)
        drop(f);
}

/* -- endings -- */

static int code_of(CURLcode code) {
    switch (code) {
    case CURLE_OK: return 0;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_WRITE_ERROR: return ERR_TOO_LARGE;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_URL_MALFORMAT: return ERR_INVALID;
    default: return ERR_IO;
    }
}

static void finish(struct fetch *f, CURLcode result) {
    if (f->cancelled) {
        drop(f);
        return;
    }
    struct err err = ERR_INIT;
    int code = code_of(result);
    if (code)
        (void)err_set(&err, code, "%.*s: %s", STR_ARG(f->request.url),
                      f->why[0] ? f->why : curl_easy_strerror(result));
    if (!f->head_told && code == 0 && f->request.on_head)
        f->request.on_head(f->request.arg, f);
    f->head_told = true;
    f->request.on_done(f->request.arg, f, code, code ? &err : NULL);
    drop(f);
}

/* on_done may start and cancel others. */
static void reap(struct fetcher *x) {
    if (x->reaping)
        return;
    x->reaping = true;
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(x->multi, &left))) {
        struct fetch *f;
        CURLcode result = msg->data.result;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&f);
        finish(f, result);
    }
    x->reaping = false;
    for (struct fetch *f = x->all, *next; f; f = next) {
        next = f->next;
        if (f->cancelled)
            drop(f);
    }
}

static void act(struct fetcher *x, curl_socket_t fd, int events) {
    int running;
    x->inside++;
    (void)curl_multi_socket_action(x->multi, fd, events, &running);
    x->inside--;
    reap(x);
}

/* -- sockets and the timer -- */

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct watched *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(w->fetcher, w->fd, what);
}

static void on_closed(uv_handle_t *h) {
    free(h->data);
}

static struct watched *watch_socket(struct fetcher *x, curl_socket_t fd) {
    struct watched *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->fetcher = x;
    w->fd = fd;
    w->poll.data = w;
    if (uv_poll_init_socket(loop_uv(x->loop), &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    (void)curl_multi_assign(x->multi, fd, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg) {
    struct fetcher *x = arg;
    struct watched *w = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            uv_close((uv_handle_t *)&w->poll, on_closed);
        (void)curl_multi_assign(x->multi, fd, NULL);
        return 0;
    }
    if (!w)
        w = watch_socket(x, fd);
    if (!w)
        return -1;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    (void)uv_poll_start(&w->poll, events, on_poll);
    return 0;
}

static int on_timer_wanted(CURLM *multi, long ms, void *arg) {
    struct fetcher *x = arg;
    (void)multi;
    if (ms < 0)
        loop_timer_stop(x->loop, &x->timer);
    else
        loop_timer_start(x->loop, &x->timer, ms * NS_PER_MS);
    return 0;
}

static void on_timer(struct timer *t) {
    act((struct fetcher *)((char *)t - offsetof(struct fetcher, timer)), CURL_SOCKET_TIMEOUT, 0);
}

/* curl looks at new transfers when its timer fires. */
static void kick(struct fetcher *x) {
    if (!timer_running(&x->timer))
        loop_timer_start(x->loop, &x->timer, 0);
}

/* -- life -- */

struct fetcher *fetcher_new(struct loop *loop) {
    struct fetcher *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    x->loop = loop;
    x->timer.fire = on_timer;
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); /* counted, and safe from several threads */
    x->multi = curl_multi_init();
    if (!x->multi)
        panic("out of memory");
    (void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(x->multi, CURLMOPT_SOCKETDATA, x);
    (void)curl_multi_setopt(x->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    (void)curl_multi_setopt(x->multi, CURLMOPT_TIMERDATA, x);
    (void)curl_multi_setopt(x->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(x->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    (void)curl_multi_setopt(x->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return x;
}

void fetcher_free(struct fetcher *x) {
    struct err err = ERR_INIT;
    (void)err_set(&err, ERR_CLOSED, "the client has ended");
    while (x->all) {
        struct fetch *f = x->all;
        bool cancelled = f->cancelled;
        f->cancelled = true; /* nothing more of it is told */
        if (!cancelled)
            f->request.on_done(f->request.arg, f, ERR_CLOSED, &err);
        drop(f);
    }
    loop_timer_stop(x->loop, &x->timer);
    (void)curl_multi_cleanup(x->multi);
    loop_timer_stop(x->loop, &x->timer);
    curl_global_cleanup();
    free(x);
}
