/* Who asks. See authn.h; the parts are token_file.h, sa_token.h and bootstrap_token.h. */
#include "apiserver/authn.h"

#include <stdlib.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/authn_priv.h"
#include "apiserver/bootstrap_token.h"
#include "apiserver/token_file.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/base64.h"
#include "net/http.h"
#include "net/jwt.h"
#include "net/pki.h"

#define EXTRA_CREDENTIAL S("authentication.kubernetes.io/credential-id")
#define GROUP_ALL S("system:authenticated")

/* -- life -- */

static int load_keys(struct authn *a, const char *path, struct err *err) {
    _cleanup_buf struct buf pem = BUF_INIT;
    int r = file_read(path, JWT_PEM_BYTES_MAX, &pem, err);
    if (r == 0)
        r = jwt_keys_add(a->keys, buf_view(&pem), err);
    if (r < 0)
        err_wrap(err, "keys of service account tokens in %s", path);
    return r;
}

static void keep_audiences(struct authn *a, const char *const *audiences) {
    uint32_t n = 0;
    while (audiences && audiences[n])
        n++;
    a->audiences.v = arena_new_n(&a->arena, n ? n : 1, struct str);
    for (uint32_t i = 0; i < n; i++)
        a->audiences.v[i] = arena_str(&a->arena, str_from(audiences[i]));
    a->audiences.n = n;
    if (n == 0) {
        a->audiences.v[0] = a->issuer;
        a->audiences.n = 1;
    }
}

int authn_new(const struct authn_options *o, struct authn **ret_authn, struct err *err) {
    struct authn *a = calloc(1, sizeof *a);
    if (!a)
        panic("out of memory");
    arena_init(&a->arena);
    a->cache = o->cache;
    a->clock = o->clock;
    a->keys = jwt_keys_new();
    a->issuer = arena_str(&a->arena, str_from(o->sa_issuer));
    keep_audiences(a, o->audiences);
    int r = 0;
    if (o->token_file)
        r = token_file_load(o->token_file, &a->tokens, err);
    if (r == 0 && o->sa_public_key_path)
        r = load_keys(a, o->sa_public_key_path, err);
    if (r == 0 && o->sa_public_key_pem.p)
        r = jwt_keys_add(a->keys, o->sa_public_key_pem, err);
    if (r < 0) {
        authn_free(a);
        return r;
    }
    *ret_authn = a;
    return 0;
}

void authn_free(struct authn *a) {
    if (!a)
        return;
    for (unsigned i = 0; i < AUTHN_VERIFIED; i++)
        cell_fini(&a->verified[i]);
    token_file_free(a->tokens);
    jwt_keys_free(a->keys);
    arena_fini(&a->arena);
    free(a);
}

const struct jwt_keys *authn_keys(const struct authn *a) {
    return a->keys;
}

/* -- users -- */

static void add_group(struct arena *arena, struct user *u, struct str group) {
    struct str *v = arena_new_n(arena, u->groups.n + 1, struct str);
    if (u->groups.n)
        memcpy(v, u->groups.v, u->groups.n * sizeof *v);
    v[u->groups.n] = group;
    u->groups = (struct str_array){v, u->groups.n + 1};
}

void authn_extra(struct arena *arena, struct user *u, struct str key, struct str value) {
    struct user_extra *v = arena_new_n(arena, u->n_extra + 1, struct user_extra);
    if (u->n_extra)
        memcpy(v, u->extra, u->n_extra * sizeof *v);
    struct str *values = arena_new(arena, struct str);
    *values = value;
    v[u->n_extra] = (struct user_extra){key, {values, 1}};
    u->extra = v;
    u->n_extra++;
}

static void finish_user(struct arena *arena, struct user *u) {
    if (!user_in_group(u, GROUP_ALL) && !user_in_group(u, S("system:unauthenticated")))
        add_group(arena, u, GROUP_ALL);
}

static void anonymous(struct arena *arena, struct user *ret) {
    *ret = (struct user){.name = S("system:anonymous")};
    add_group(arena, ret, S("system:unauthenticated"));
}

/* -- credentials -- */

/* CONFORMS: user is the common name, groups are the organisations. */
static int from_cert(const void *x509, struct arena *arena, struct user *ret, struct err *err) {
    struct pki_info info;
    int r = pki_cert_info(x509, arena, &info, err);
    if (r < 0)
        return r;
    if (info.names.cn.n == 0)
        return err_set(err, ERR_UNAUTHORIZED, "the client certificate has no common name");
    *ret = (struct user){.name = info.names.cn, .groups = info.names.orgs};
    authn_extra(arena, ret, EXTRA_CREDENTIAL,
                arena_join(arena, (struct str[]){S("X509SHA256="), info.sha256}, 2, S("")));
    return 0;
}

static int from_bootstrap(struct authn *a, struct str token, struct str id, struct arena *arena,
                          struct user *ret, struct err *err) {
    struct cached *secrets = cache_of(a->cache, &kinds[KIND_CORE_SECRET]);
    struct object *o = cache_get(secrets, BOOTSTRAP_TOKEN_NAMESPACE, bootstrap_token_name(arena, id));
    if (!o)
        return err_set(err, ERR_UNAUTHORIZED, "there is no such bootstrap token");
    arena_hold(arena, object_release_any, o);
    return bootstrap_token_check(o->body, token, clock_wall_sec(a->clock), arena, ret, err);
}

int authn_token(struct authn *a, struct str token, struct str_array audiences, struct arena *arena,
                struct user *ret_user, struct str_array *ret_audiences, struct err *err) {
    struct str id, secret;
    struct user u = {.name = STR_NONE};
    int r = 0;
    if (audiences.n == 0)
        audiences = a->audiences;
    struct str_array matched = {.n = 0};
    if (a->tokens && token_file_find(a->tokens, token, &u))
        matched = audiences;
    else if (a->cache && bootstrap_token_split(token, &id, &secret))
        r = from_bootstrap(a, token, id, arena, &u, err);
    else
        r = authn_sa_token(a, token, audiences, arena, &u, &matched, err);
    if (r < 0)
        return r;
    finish_user(arena, &u);
    *ret_user = u;
    *ret_audiences = matched;
    return 0;
}

/* The token of a browser, which cannot set headers on WebSockets. CONFORMS: the subprotocol
 * base64url.bearer.authorization.k8s.io.TOKEN. */
static struct str protocol_token(struct http_request *r, struct arena *arena) {
    struct str rest = http_header(r, S("sec-websocket-protocol")), item;
    const struct str prefix = S("base64url.bearer.authorization.k8s.io.");
    while (rest.n) {
        str_split(rest, ',', &item, &rest);
        item = str_trim(item);
        if (!str_has_prefix(item, prefix))
            continue;
        struct str text = str_from_byte(item, prefix.n);
        char *to = arena_bytes(arena, base64_decoded_max(text.n));
        size_t n;
        return base64_decode(BASE64_URL, text, to, &n, NULL) == 0 ? str_make(to, n) : STR_NONE;
    }
    return STR_NONE;
}

static struct str bearer_token(struct http_request *r, struct arena *arena) {
    struct str auth = str_trim(http_header(r, S("authorization"))), scheme, token;
    if (auth.n == 0)
        return protocol_token(r, arena);
    if (!str_split(auth, ' ', &scheme, &token) || !str_eq_nocase(scheme, S("bearer")))
        return STR_NONE;
    return str_trim(token);
}

int authn_request(struct authn *a, struct http_request *r, struct arena *arena, struct user *ret_user,
                  struct err *err) {
    const struct http_in *in = http_in(r);
    if (in->peer.cert) {
        struct user u;
        int code = from_cert(in->peer.cert, arena, &u, err);
        if (code < 0)
            return ERR_UNAUTHORIZED;
        finish_user(arena, &u);
        *ret_user = u;
        return 0;
    }
    struct str token = bearer_token(r, arena);
    if (token.n == 0) {
        anonymous(arena, ret_user);
        return 0;
    }
    struct str_array audiences;
    return authn_token(a, token, (struct str_array){.n = 0}, arena, ret_user, &audiences, err) < 0
               ? ERR_UNAUTHORIZED
               : 0;
}
