/* The remote transport: clients and calls. See remote.h, remote_priv.h.
 *
 *     encoded (caller's thread) ──▶ sent (loop) ──▶ read ──▶ delivered on the caller's loop
 *                                      │ never left: the next server      │ 401: once more with new
 * credentials
 */
#include "client/remote.h"

#include <stdlib.h>

#include "api/types/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "client/remote_priv.h"

#define VERSION "v1.36.0"

/* One call. */
struct remote_call {
    struct loop_msg msg;
    struct remote_call *next;     /* of those that wait for credentials */
    struct remote_client *client; /* counted, until it is delivered */
    struct remote *remote;
    struct arena arena;
    const struct kind *kind;
    struct remote_text text;
    unsigned timeout_ms, tries;
    bool repeated;
    struct loop *loop;
    client_done_fn done;
    void *arg;
    struct buf answer_body;
    struct client_answer answer;
    int code;
    struct err err;
};

/* -- what clients share -- */

struct remote_client *remote_client_ref(struct remote_client *c) {
    (void)atomic_fetch_add(&c->refs, 1);
    return c;
}

void remote_client_unref(struct remote_client *c) {
    if (atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    arena_fini(&c->arena);
    free(c);
}

struct stop {
    struct loop_msg msg;
    struct remote *remote;
    struct waiter done;
};

static void on_stop(struct loop_msg *msg) {
    struct stop *s = (struct stop *)msg;
    struct remote *r = s->remote;
    r->closing = true;
    remote_refreshed(r); /* calls that wait find that it closes */
    fetcher_free(r->fetcher);
    loop_timer_stop(r->loop, &r->refresh_timer);
    waiter_signal(&s->done);
}

static void free_remote(struct remote *r) {
    if (r->loop) { /* every call ends here */
        struct stop s = {.msg = {.run = on_stop}, .remote = r};
        waiter_init(&s.done, NULL);
        if (loop_post(r->loop, &s.msg) == 0)
            waiter_wait(&s.done);
        waiter_fini(&s.done);
        remote_auth_stop(r);
        loop_stop(r->loop);
    }
    cell_fini(&r->creds);
    client_config_fini(&r->config);
    free(r);
}

/* -- requests -- */

static void add_header(struct arena *a, struct str *to, size_t *n, const char *name, struct str value) {
    if (value.n)
        to[(*n)++] = arena_printf(a, "%s: %.*s", name, STR_ARG(value));
}

void remote_fetch(struct remote_client *c, const struct remote_request *q, struct fetch **ret) {
    struct remote *r = c->remote;
    struct remote_creds *creds = remote_creds(r);
    _cleanup_arena struct arena a = ARENA_INIT;
    size_t n = 0;
    struct str *headers = arena_new_n(&a, q->n_headers + c->as_headers.n + 2, struct str);
    for (size_t i = 0; i < q->n_headers; i++)
        headers[n++] = q->headers[i];
    for (uint32_t i = 0; i < c->as_headers.n; i++)
        headers[n++] = c->as_headers.v[i];
    add_header(&a, headers, &n, "User-Agent",
               arena_printf(&a, "%s/" VERSION " (linux) coxswain", c->client.name));
    if (creds->authorization)
        headers[n++] = str_from(creds->authorization);
    struct str server = r->config.servers.v[r->server];
    struct fetch_request f = {
        .method = q->method,
        .url = arena_printf(&a, "%.*s%.*s", STR_ARG(server), STR_ARG(q->path)),
        .headers = headers,
        .n_headers = n,
        .body = q->body,
        .tls = creds->tls,
        .proxy = r->config.proxy_url,
        .timeout_ms = q->timeout_ms,
        .compressed = q->compressed && !r->config.no_compression,
        .on_head = q->on_head,
        .on_data = q->on_data,
        .on_done = q->on_done,
        .arg = q->arg,
    };
    fetch_start(r->fetcher, &f, ret);
    shared_unref(&creds->shared);
}

bool remote_fail_over(struct remote *r, struct fetch *f, unsigned *tries) {
    if (r->closing || !fetch_unsent(f) || r->config.servers.n < 2)
        return false;
    r->server = (r->server + 1) % r->config.servers.n;
    return ++*tries < r->config.servers.n;
}

/* -- calls, on the loop -- */

static void free_call(struct remote_call *c) {
    buf_fini(&c->text.body);
    buf_fini(&c->answer_body);
    client_answer_fini(&c->answer);
    arena_fini(&c->arena);
    free(c);
}

static void on_deliver(struct loop_msg *msg) {
    struct remote_call *c = (struct remote_call *)msg;
    c->done(c->arg, c->code, &c->answer, c->code ? &c->err : NULL);
    free_call(c);
}

static void deliver(struct remote_call *c) {
    remote_client_unref(c->client);
    c->msg.run = on_deliver;
    if (!c->loop)
        on_deliver(&c->msg);
    else if (loop_post(c->loop, &c->msg))
        free_call(c); /* the loop it was for has quit */
}

static void start(struct remote_call *c);

static bool wants_new_credentials(struct remote_call *c) {
    return c->answer.http_code == 401 && !c->repeated && !c->remote->closing &&
           remote_auth_can_refresh(c->remote);
}

static void wait_for_credentials(struct remote_call *c) {
    struct remote *r = c->remote;
    c->repeated = true;
    client_answer_fini(&c->answer);
    buf_clear(&c->answer_body);
    c->next = r->waiting;
    r->waiting = c;
    remote_auth_refresh(r);
}

void remote_refreshed(struct remote *r) {
    struct remote_call *c = r->waiting;
    r->waiting = NULL;
    for (struct remote_call *next; c; c = next) {
        next = c->next;
        start(c);
    }
}

static int read_code(struct remote_call *c, struct fetch *f) {
    struct client_answer *a = &c->answer;
    struct str type = fetch_header(f, "content-type", &a->arena), body = buf_view(&c->answer_body);
    a->http_code = fetch_http_code(f);
    int64_t seconds;
    if (str_to_i64(fetch_header(f, "retry-after", &a->arena), &seconds) && seconds > 0 && seconds < INT32_MAX)
        a->retry_after_seconds = (int32_t)seconds;
    if (a->http_code < 400)
        return body.n ? remote_read_answer(c->kind, type, body, a, &c->err) : 0;
    a->status = remote_read_status(&a->arena, remote_is_proto(type), body);
    if (a->status && !a->retry_after_seconds && a->status->details)
        a->retry_after_seconds = a->status->details->retry_after_seconds;
    if (a->status || body.n == 0 || body.n > 1024 || utf8_valid_prefix(body) != body.n)
        return client_error(a->http_code, a->status, &c->err);
    int code = client_error(a->http_code, NULL, NULL);
    return err_set(&c->err, code, "the server answered with code %d: %.*s", a->http_code,
                   STR_ARG(str_trim(body)));
}

static void on_call_done(void *arg, struct fetch *f, int code, const struct err *err) {
    struct remote_call *c = arg;
    if (code && remote_fail_over(c->remote, f, &c->tries)) {
        buf_clear(&c->answer_body);
        start(c);
        return;
    }
    c->code = code;
    if (code)
        c->err = *err;
    else
        c->code = read_code(c, f);
    if (c->answer_body.overflow)
        c->code = err_set(&c->err, ERR_TOO_LARGE, "the answer is too large");
    if (wants_new_credentials(c))
        wait_for_credentials(c);
    else
        deliver(c);
}

static int on_call_data(void *arg, struct str bytes) {
    struct remote_call *c = arg;
    buf_str(&c->answer_body, bytes);
    return c->answer_body.overflow;
}

static void start(struct remote_call *c) {
    if (c->remote->closing) {
        c->code = err_set(&c->err, ERR_CLOSED, "the client has ended");
        deliver(c);
        return;
    }
    const struct str headers[] = {
        arena_printf(&c->arena, "Accept: %.*s", STR_ARG(c->text.accept)),
        arena_printf(&c->arena, "Content-Type: %.*s", STR_ARG(c->text.content_type)),
    };
    struct remote_request q = {
        .method = c->text.method,
        .path = c->text.path,
        .headers = headers,
        .n_headers = c->text.has_body ? 2 : 1,
        .body = c->text.has_body ? buf_view(&c->text.body) : STR_NONE,
        .timeout_ms = c->timeout_ms,
        .compressed = true,
        .on_data = on_call_data,
        .on_done = on_call_done,
        .arg = c,
    };
    remote_fetch(c->client, &q, NULL);
}

static void on_start(struct loop_msg *msg) {
    start((struct remote_call *)msg);
}

/* -- the client -- */

static int submit(struct client *client, const struct client_call *call, struct loop *loop,
                  client_done_fn done, void *arg, struct err *err) {
    struct remote_client *rc = (struct remote_client *)client;
    struct remote_call *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    *c = (struct remote_call){
        .msg = {.run = on_start},
        .client = remote_client_ref(rc),
        .remote = rc->remote,
        .arena = ARENA_INIT,
        .kind = call->kind->hub,
        .timeout_ms = call->timeout_ms ? call->timeout_ms : CLIENT_TIMEOUT_MS,
        .loop = loop,
        .done = done,
        .arg = arg,
        .answer_body = {.limit = REMOTE_ANSWER_MAX},
        .answer = CLIENT_ANSWER_INIT,
    };
    remote_text_of(&c->arena, call, &c->text);
    if (loop_post(rc->remote->loop, &c->msg) == 0)
        return 0;
    remote_client_unref(rc);
    free_call(c);
    return err_set(err, ERR_CLOSED, "the client has ended");
}

static int open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                       struct err *err) {
    (void)err;
    return remote_source_open((struct remote_client *)c, o, ret);
}

static void free_client(struct client *client) {
    struct remote_client *c = (struct remote_client *)client;
    if (c->owns)
        free_remote(c->remote);
    remote_client_unref(c);
}

/* The server gives a service account its groups when none are named; naming them needs rights for each. */
static bool go_without_saying(struct str user_name, const struct str *groups, uint32_t n_groups) {
    struct str account = S("system:serviceaccount:"), all = S("system:serviceaccounts");
    if (!str_has_prefix(user_name, account))
        return false;
    struct str ns, rest, name = str_from_byte(user_name, account.n);
    if (!str_split(name, ':', &ns, &rest))
        return false;
    for (uint32_t i = 0; i < n_groups; i++) {
        struct str g = groups[i];
        bool of_ns =
            str_has_prefix(g, S("system:serviceaccounts:")) && str_eq(str_from_byte(g, all.n + 1), ns);
        if (!of_ns && !str_eq(g, all) && !str_eq(g, S("system:authenticated")))
            return false;
    }
    return true;
}

static int as(struct client *client, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err);

static const struct client_ops ops = {submit, open_source, as, free_client};

struct remote_client *remote_client_of(struct client *c) {
    return c->ops == &ops ? (struct remote_client *)c : NULL;
}

static struct remote_client *new_client(struct remote *r, struct str name) {
    struct remote_client *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    client_init(&c->client, &ops, NULL);
    client_set_name(&c->client, name);
    arena_init(&c->arena);
    atomic_init(&c->refs, 1);
    c->remote = r;
    return c;
}

static bool fits_header(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return false;
    return true;
}

static int as(struct client *client, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err) {
    struct remote_client *from = (struct remote_client *)client;
    for (uint32_t i = 0; i < n_groups; i++)
        if (!fits_header(groups[i]))
            return err_set(err, ERR_INVALID, "a group's name has characters that cannot be sent");
    if (!user_name.n || !fits_header(user_name))
        return err_set(err, ERR_INVALID, "no name of a user that can be sent");
    struct remote_client *c = new_client(from->remote, client_name(client));
    c->as_headers.v = arena_new_n(&c->arena, n_groups + 1, struct str);
    c->as_headers.v[c->as_headers.n++] =
        arena_printf(&c->arena, "Impersonate-User: %.*s", STR_ARG(user_name));
    for (uint32_t i = 0; i < n_groups && !go_without_saying(user_name, groups, n_groups); i++)
        c->as_headers.v[c->as_headers.n++] =
            arena_printf(&c->arena, "Impersonate-Group: %.*s", STR_ARG(groups[i]));
    *ret = &c->client;
    return 0;
}

/* Impersonation that the config asks for. */
static void config_headers(struct remote_client *c, const struct client_config *config) {
    uint32_t n = 2 + config->as_groups.n;
    for (uint32_t i = 0; i < config->n_as_extra; i++)
        n += config->as_extra[i].values.n;
    struct str *v = arena_new_n(&c->arena, n, struct str);
    size_t used = 0;
    add_header(&c->arena, v, &used, "Impersonate-User", config->as_user);
    add_header(&c->arena, v, &used, "Impersonate-Uid", config->as_uid);
    for (uint32_t i = 0; i < config->as_groups.n; i++)
        add_header(&c->arena, v, &used, "Impersonate-Group", config->as_groups.v[i]);
    for (uint32_t i = 0; i < config->n_as_extra; i++)
        for (uint32_t k = 0; k < config->as_extra[i].values.n; k++)
            v[used++] =
                arena_printf(&c->arena, "Impersonate-Extra-%.*s: %.*s", STR_ARG(config->as_extra[i].key),
                             STR_ARG(config->as_extra[i].values.v[k]));
    c->as_headers = (struct str_array){v, (uint32_t)used};
}

static void on_begin(struct loop_msg *msg) {
    struct stop *s = (struct stop *)msg;
    s->remote->fetcher = fetcher_new(s->remote->loop);
    remote_auth_begin(s->remote);
    waiter_signal(&s->done);
}

static int start_loop(struct remote *r, struct err *err) {
    int rc = loop_start(&(struct loop_options){.name = "client", .stack_bytes = 512u << 10}, &r->loop, err);
    if (rc)
        return rc;
    struct stop s = {.msg = {.run = on_begin}, .remote = r};
    waiter_init(&s.done, NULL);
    check(loop_post(r->loop, &s.msg) == 0);
    waiter_wait(&s.done);
    waiter_fini(&s.done);
    return 0;
}

int client_remote_new(struct client_config *config, struct str name, struct client **ret, struct err *err) {
    struct remote *r = calloc(1, sizeof *r);
    if (!r)
        panic("out of memory");
    r->config = *config;
    *config = (struct client_config)CLIENT_CONFIG_INIT;
    r->clock = clock_system();
    r->rand = rand_system();
    cell_init(&r->creds, NULL);
    int rc = r->config.servers.n ? 0 : err_set(err, ERR_INVALID, "no server is configured");
    if (rc == 0)
        rc = remote_auth_start(r, err);
    if (rc == 0)
        rc = start_loop(r, err);
    if (rc) {
        remote_auth_stop(r);
        cell_fini(&r->creds);
        client_config_fini(&r->config);
        free(r);
        return rc;
    }
    struct remote_client *c = new_client(r, name);
    c->owns = true;
    config_headers(c, &r->config);
    *ret = &c->client;
    return 0;
}
