/* From kubeconfig files and flags to what a client needs. See kubeconfig.h. */
#include <stdlib.h>

#include "base/err.h"
#include "client/config.h"
#include "client/kubeconfig.h"
#include "codec/base64.h"

/* Texts are copied into the config's arena. */
static struct str text(struct arena *a, const struct jval *body, const char *key) {
    struct str s = jval_get_str(body, str_from(key));
    return s.n ? arena_str(a, s) : S("");
}

static struct str first(struct arena *a, struct str flag, const struct jval *body, const char *key) {
    return flag.n ? arena_str(a, flag) : text(a, body, key);
}

static bool is_true(const struct jval *body, const char *key) {
    const struct jval *v = jval_get(body, str_from(key));
    return v && v->kind == J_BOOL && v->b;
}

/* "…-data", base64. */
static int data(struct arena *a, const struct jval *body, const char *key, struct str *ret, struct err *err) {
    struct str s = jval_get_str(body, str_from(key));
    *ret = S("");
    if (!s.n)
        return 0;
    char *to = arena_bytes(a, base64_decoded_max(s.n) + 1);
    size_t n;
    int rc = base64_decode(BASE64_STD, s, to, &n, err);
    if (rc)
        return (void)err_wrap(err, "%s", key), rc;
    *ret = str_make(to, n);
    return 0;
}

static struct str_array texts(struct arena *a, const struct jval *list) {
    struct str_array r = {0};
    if (!list || list->kind != J_ARRAY)
        return r;
    r.v = arena_new_n(a, list->n + 1, struct str);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].kind == J_STRING)
            r.v[r.n++] = arena_str(a, jval_as_str(&list->items[i]));
    return r;
}

/* -- the cluster -- */

static int from_cluster(const struct jval *body, const struct kubeconfig_flags *f, struct client_config *c,
                        struct err *err) {
    struct arena *a = &c->arena;
    struct str server = first(a, f->server, body, "server");
    if (!server.n)
        server = S("http://localhost:8080");
    if (!str_has_prefix(server, S("https://")) && !str_has_prefix(server, S("http://")))
        server = arena_printf(a, "http://%.*s", STR_ARG(server));
    while (server.n && server.p[server.n - 1] == '/')
        server.n--;
    c->servers.v = arena_new(a, struct str);
    c->servers.v[0] = server;
    c->servers.n = 1;
    c->server_name = first(a, f->tls_server_name, body, "tls-server-name");
    c->proxy_url = text(a, body, "proxy-url");
    c->no_compression = is_true(body, "disable-compression");
    c->insecure = f->insecure || is_true(body, "insecure-skip-tls-verify");
    c->ca_path = first(a, f->ca_path, body, "certificate-authority");
    int rc = f->ca_path.n ? 0 : data(a, body, "certificate-authority-data", &c->ca_pem, err);
    if (rc == 0 && c->insecure && (c->ca_pem.n || c->ca_path.n)) {
        if (!f->insecure)
            return err_set(err, ERR_INVALID,
                           "certificate-authority-data and certificate-authority cannot be used "
                           "together with insecure-skip-tls-verify");
        c->ca_pem = c->ca_path = S("");
    }
    return rc;
}

/* -- the user -- */

static int from_exec(const struct jval *exec, struct client_config *c, struct err *err) {
    struct arena *a = &c->arena;
    struct config_exec *x = c->exec = arena_new(a, struct config_exec);
    x->command = text(a, exec, "command");
    x->api_version = text(a, exec, "apiVersion");
    x->install_hint = text(a, exec, "installHint");
    x->provide_cluster_info = is_true(exec, "provideClusterInfo");
    x->args = texts(a, jval_get(exec, S("args")));
    if (!x->command.n)
        return err_set(err, ERR_INVALID, "the user's exec has no command");
    if (!str_eq(x->api_version, S("client.authentication.k8s.io/v1")) &&
        !str_eq(x->api_version, S("client.authentication.k8s.io/v1beta1")))
        return err_set(err, ERR_INVALID, "the user's exec has the apiVersion \"%.*s\", which is not known",
                       STR_ARG(x->api_version));
    const struct jval *env = jval_get(exec, S("env"));
    if (!env || env->kind != J_ARRAY)
        return 0;
    x->env.v = arena_new_n(a, env->n + 1, struct str);
    for (uint32_t i = 0; i < env->n; i++)
        x->env.v[x->env.n++] = arena_printf(a, "%.*s=%.*s", STR_ARG(jval_get_str(&env->items[i], S("name"))),
                                            STR_ARG(jval_get_str(&env->items[i], S("value"))));
    return 0;
}

static void from_impersonation(const struct jval *body, const struct kubeconfig_flags *f,
                               struct client_config *c) {
    struct arena *a = &c->arena;
    c->as_user = first(a, f->as_user, body, "as");
    c->as_uid = first(a, f->as_uid, body, "as-uid");
    c->as_groups = texts(a, jval_get(body, S("as-groups")));
    if (f->n_as_groups) {
        c->as_groups.v = arena_new_n(a, f->n_as_groups, struct str);
        c->as_groups.n = 0;
        for (size_t i = 0; i < f->n_as_groups; i++)
            c->as_groups.v[c->as_groups.n++] = arena_str(a, f->as_groups[i]);
    }
    const struct jval *extra = jval_get(body, S("as-user-extra"));
    if (!extra || extra->kind != J_OBJECT)
        return;
    c->as_extra = arena_new_n(a, extra->n + 1, struct config_extra);
    for (uint32_t i = 0; i < extra->n; i++)
        c->as_extra[c->n_as_extra++] = (struct config_extra){
            .key = arena_str(a, extra->members[i].key),
            .values = texts(a, &extra->members[i].value),
        };
}

static int from_user(const struct jval *body, const struct kubeconfig_flags *f, struct client_config *c,
                     struct err *err) {
    struct arena *a = &c->arena;
    c->cert_path = first(a, f->cert_path, body, "client-certificate");
    c->key_path = first(a, f->key_path, body, "client-key");
    int rc = f->cert_path.n ? 0 : data(a, body, "client-certificate-data", &c->cert_pem, err);
    if (rc == 0 && !f->key_path.n)
        rc = data(a, body, "client-key-data", &c->key_pem, err);
    if (rc)
        return rc;
    c->token = first(a, f->token, body, "token");
    c->token_path = f->token.n ? S("") : text(a, body, "tokenFile");
    if (c->token_path.n)
        c->token = S(""); /* CONFORMS: the file goes before the text */
    c->username = first(a, f->username, body, "username");
    c->password = first(a, f->password, body, "password");
    from_impersonation(body, f, c);
    const struct jval *exec = jval_get(body, S("exec"));
    if (exec && exec->kind == J_OBJECT && !f->token.n)
        rc = from_exec(exec, c, err);
    if (rc == 0 && jval_get(body, S("auth-provider")) && !c->exec && !c->token.n && !c->cert_pem.n)
        rc = err_set(err, ERR_UNSUPPORTED,
                     "the user has an auth-provider, which no longer exists: "
                     "use a credential plugin (exec)");
    if (rc)
        return rc;
    bool cert = c->cert_pem.n || c->cert_path.n, key = c->key_pem.n || c->key_path.n;
    if (cert != key)
        return err_set(err, ERR_INVALID,
                       "the user has a client certificate without a key, or a key without one");
    return 0;
}

/* -- both -- */

static const struct jval *entry(const struct kubeconfig *k, enum kubeconfig_section s, struct str name,
                                const char *what, int *rc, struct err *err) {
    if (!name.n)
        return NULL;
    const struct jval *body = kubeconfig_get(k, s, name);
    if (!body && *rc == 0)
        *rc = err_set(err, ERR_NOT_FOUND, "%s \"%.*s\" does not exist", what, STR_ARG(name));
    return body;
}

int kubeconfig_client_config(const struct kubeconfig *k, const struct kubeconfig_flags *flags,
                             struct client_config *ret, struct err *err) {
    static const struct kubeconfig_flags none = {0};
    const struct kubeconfig_flags *f = flags ? flags : &none;
    struct client_config c = CLIENT_CONFIG_INIT;
    int rc = 0;
    struct str name = f->context.n ? f->context : kubeconfig_current(k);
    const struct jval *context = entry(k, KUBECONFIG_CONTEXT, name, "context", &rc, err);
    struct str cluster_name = f->cluster.n ? f->cluster : jval_get_str(context, S("cluster"));
    struct str user_name = f->user.n ? f->user : jval_get_str(context, S("user"));
    const struct jval *cluster = entry(k, KUBECONFIG_CLUSTER, cluster_name, "cluster", &rc, err);
    const struct jval *user = entry(k, KUBECONFIG_USER, user_name, "auth info", &rc, err);
    if (rc == 0)
        rc = from_cluster(cluster, f, &c, err);
    if (rc == 0)
        rc = from_user(user, f, &c, err);
    if (rc) {
        client_config_fini(&c);
        return rc;
    }
    c.ns = first(&c.arena, f->ns, context, "namespace");
    *ret = c;
    return 0;
}

int client_config_load(const char *path, const struct kubeconfig_flags *flags, struct client_config *ret,
                       struct err *err) {
    struct kubeconfig *k;
    int rc = kubeconfig_load(path, &k, err);
    if (rc)
        return rc;
    bool nothing = kubeconfig_empty(k) && !(flags && flags->server.n);
    if (nothing && client_config_in_cluster(ret, NULL, NULL) == 0) {
        if (flags && flags->ns.n)
            ret->ns = arena_str(&ret->arena, flags->ns);
        rc = 0;
    } else {
        rc = kubeconfig_client_config(k, flags, ret, err);
    }
    kubeconfig_free(k);
    return rc;
}
