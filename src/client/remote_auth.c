/* Credentials of the remote transport: files that change, plugins that are asked. See remote_priv.h.
 *
 * A worker reads them (files and programs block) and publishes the outcome in a cell; requests take what is
 * there. They are read again every minute when there are files, before a plugin's credentials run out, and
 * when the server says 401. A failure keeps what was there.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "client/exec_credential.h"
#include "client/remote_priv.h"
#include "codec/base64.h"

#define REFRESH_NS NS_PER_MIN
#define EARLY_NS (30 * NS_PER_SEC) /* before credentials run out */
#define PEM_MAX ((size_t)1 << 20)
#define TOKEN_MAX ((size_t)64 << 10)

static void free_creds(struct shared *s) {
    struct remote_creds *c = (struct remote_creds *)s;
    fetch_tls_unref(c->tls);
    if (c->authorization)
        explicit_bzero(c->authorization, strlen(c->authorization));
    free(c->authorization);
    free(c);
}

/* The text given, or the file's. */
static int text_or_file(struct arena *a, struct str text, struct str path, size_t most, const char *what,
                        struct str *ret, struct err *err) {
    *ret = text;
    if (text.n || !path.n)
        return 0;
    _cleanup_buf struct buf content = BUF_INIT;
    int rc = file_read(arena_strz(a, path), most, &content, err);
    if (rc)
        return (void)err_wrap(err, "%s", what), rc;
    *ret = buf_to_arena(&content, a);
    return 0;
}

static char *heap_text(struct str s) {
    char *p = malloc(s.n + 1);
    if (!p)
        panic("out of memory");
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static struct str basic(struct arena *a, struct str user, struct str password) {
    struct str both = arena_printf(a, "%.*s:%.*s", STR_ARG(user), STR_ARG(password));
    char *text = arena_bytes(a, base64_encoded_len(both.n, BASE64_STD) + 1);
    size_t n = base64_encode(BASE64_STD, both, text);
    return arena_printf(a, "Authorization: Basic %.*s", (int)n, text);
}

static int read_creds(struct remote *r, struct remote_creds **ret, struct err *err) {
    const struct client_config *c = &r->config;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str ca, cert, key, token, authorization = STR_NONE;
    struct exec_answer plugin = {0};
    int rc = text_or_file(&a, c->ca_pem, c->ca_path, PEM_MAX, "certificate authority", &ca, err);
    if (rc == 0)
        rc = text_or_file(&a, c->cert_pem, c->cert_path, PEM_MAX, "client certificate", &cert, err);
    if (rc == 0)
        rc = text_or_file(&a, c->key_pem, c->key_path, PEM_MAX, "client key", &key, err);
    if (rc == 0)
        rc = text_or_file(&a, c->token, c->token_path, TOKEN_MAX, "token", &token, err);
    if (rc == 0 && c->exec && !token.n)
        rc = exec_credential(c, &a, &plugin, err);
    if (rc)
        return rc;
    if (plugin.token.n)
        token = plugin.token;
    if (plugin.cert_pem.n) {
        cert = plugin.cert_pem;
        key = plugin.key_pem;
    }
    token = str_trim(token);
    if (token.n)
        authorization = arena_printf(&a, "Authorization: Bearer %.*s", STR_ARG(token));
    else if (c->username.n)
        authorization = basic(&a, c->username, c->password);
    struct remote_creds *creds = calloc(1, sizeof *creds);
    if (!creds)
        panic("out of memory");
    shared_init(&creds->shared, free_creds);
    creds->tls = fetch_tls_new(ca, cert, key, c->server_name, c->insecure);
    creds->authorization = authorization.n ? heap_text(authorization) : NULL;
    creds->expires_ns = plugin.expires_ns;
    *ret = creds;
    return 0;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Connections stay when nothing but their reading again has happened. */
static bool same_creds(const struct remote_creds *a, const struct remote_creds *b) {
    return a && same_text(a->authorization, b->authorization) && same_text(a->tls->ca, b->tls->ca) &&
           same_text(a->tls->cert, b->tls->cert) && same_text(a->tls->key, b->tls->key);
}

static int publish(struct remote *r, struct err *err) {
    struct remote_creds *now;
    int rc = read_creds(r, &now, err);
    if (rc)
        return rc;
    struct remote_creds *before = (struct remote_creds *)cell_get(&r->creds);
    if (same_creds(before, now) && before->expires_ns == now->expires_ns)
        shared_unref(&now->shared);
    else
        cell_set(&r->creds, &now->shared);
    shared_unref(before ? &before->shared : NULL);
    return 0;
}

struct remote_creds *remote_creds(struct remote *r) {
    struct shared *s = cell_get(&r->creds);
    check(s);
    return (struct remote_creds *)s;
}

bool remote_auth_can_refresh(const struct remote *r) {
    const struct client_config *c = &r->config;
    return c->exec || c->token_path.n || c->cert_path.n || c->key_path.n || c->ca_path.n;
}

/* -- reading again -- */

static int64_t next_refresh_ns(struct remote *r) {
    const struct client_config *c = &r->config;
    struct remote_creds *creds = remote_creds(r);
    int64_t left = creds->expires_ns ? creds->expires_ns - EARLY_NS - clock_wall_ns(r->clock) : INT64_MAX;
    shared_unref(&creds->shared);
    bool files = c->token_path.n || c->cert_path.n || c->key_path.n || c->ca_path.n;
    if (files && left > REFRESH_NS)
        left = REFRESH_NS;
    return left < NS_PER_SEC ? NS_PER_SEC : left;
}

static void set_timer(struct remote *r) {
    int64_t after = next_refresh_ns(r);
    if (after != INT64_MAX)
        loop_timer_start(r->loop, &r->refresh_timer, after);
}

static void on_timer(struct timer *t) {
    remote_auth_refresh((struct remote *)((char *)t - offsetof(struct remote, refresh_timer)));
}

static void on_refresh(struct work *w) {
    struct remote *r = (struct remote *)((char *)w - offsetof(struct remote, refresh));
    struct err err = ERR_INIT;
    r->refresh_code = publish(r, &err);
    if (r->refresh_code && log_every(60000))
        log_error("credentials cannot be read again", kv("err", &err));
    (void)loop_post(r->loop, &r->refreshed);
}

static void on_refreshed(struct loop_msg *msg) {
    struct remote *r = (struct remote *)((char *)msg - offsetof(struct remote, refreshed));
    r->refreshing = false;
    if (!r->closing)
        set_timer(r);
    remote_refreshed(r);
}

void remote_auth_refresh(struct remote *r) {
    if (r->refreshing || !r->workers)
        return;
    r->refreshing = workers_submit(r->workers, &r->refresh) == 0;
}

int remote_auth_start(struct remote *r, struct err *err) {
    r->refresh.run = on_refresh;
    r->refreshed.run = on_refreshed;
    r->refresh_timer.fire = on_timer;
    int rc = publish(r, err);
    if (rc || !remote_auth_can_refresh(r))
        return rc;
    return workers_start(&(struct workers_options){.name = "credentials", .threads = 1, .queue_max = 1},
                         &r->workers, err);
}

void remote_auth_begin(struct remote *r) {
    if (r->workers)
        set_timer(r);
}

void remote_auth_stop(struct remote *r) {
    workers_stop(r->workers);
    r->workers = NULL;
}
