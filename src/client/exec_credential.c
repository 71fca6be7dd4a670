/* Credential plugins. See exec_credential.h. */
#include "client/exec_credential.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/time.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/process.h"
#include "client/config.h"
#include "codec/base64.h"
#include "codec/json.h"

#define ANSWER_MAX ((size_t)1 << 20)
#define INFO_NAME "KUBERNETES_EXEC_INFO"

static struct str base64_text(struct arena *a, struct str bytes) {
    char *text = arena_bytes(a, base64_encoded_len(bytes.n, BASE64_STD) + 1);
    return str_make(text, base64_encode(BASE64_STD, bytes, text));
}

/* What the program is told of the cluster it gives credentials for. */
static struct jval cluster_of(struct arena *a, const struct client_config *c) {
    struct jobject o = {0};
    jobject_set(a, &o, S("server"), jval_str(c->servers.n ? c->servers.v[0] : S("")));
    if (c->server_name.n)
        jobject_set(a, &o, S("tls-server-name"), jval_str(c->server_name));
    if (c->insecure)
        jobject_set(a, &o, S("insecure-skip-tls-verify"), jval_bool(true));
    if (c->ca_pem.n)
        jobject_set(a, &o, S("certificate-authority-data"), jval_str(base64_text(a, c->ca_pem)));
    if (c->proxy_url.n)
        jobject_set(a, &o, S("proxy-url"), jval_str(c->proxy_url));
    return jobject_done(&o);
}

static struct str info_of(struct arena *a, const struct client_config *c) {
    struct jobject spec = {0}, o = {0};
    jobject_set(a, &spec, S("interactive"), jval_bool(isatty(0) == 1));
    if (c->exec->provide_cluster_info)
        jobject_set(a, &spec, S("cluster"), cluster_of(a, c));
    jobject_set(a, &o, S("kind"), jval_str(S("ExecCredential")));
    jobject_set(a, &o, S("apiVersion"), jval_str(c->exec->api_version));
    jobject_set(a, &o, S("spec"), jobject_done(&spec));
    struct jval info = jobject_done(&o);
    _cleanup_buf struct buf text = BUF_INIT;
    buf_lit(&text, INFO_NAME "=");
    json_write(&text, &info);
    return buf_to_arena(&text, a);
}

extern char **environ;

/* Ours, without what is set anew. */
static const char *const *env_of(struct arena *a, const struct client_config *c) {
    size_t n = 0, cap = c->exec->env.n + 2;
    for (char **e = environ; *e; e++)
        cap++;
    const char **v = arena_new_n(a, cap, const char *);
    for (char **e = environ; *e; e++) {
        struct str one = str_from(*e);
        bool set = str_has_prefix(one, S(INFO_NAME "="));
        for (uint32_t i = 0; i < c->exec->env.n && !set; i++) {
            ptrdiff_t eq = str_find_byte(c->exec->env.v[i], '=');
            set = eq >= 0 && str_has_prefix(one, str_cut(c->exec->env.v[i], (size_t)eq + 1));
        }
        if (!set)
            v[n++] = *e;
    }
    for (uint32_t i = 0; i < c->exec->env.n; i++)
        v[n++] = arena_strz(a, c->exec->env.v[i]);
    v[n] = info_of(a, c).p;
    return v;
}

static int run(const struct client_config *c, struct arena *a, struct buf *out, struct err *err) {
    const struct config_exec *x = c->exec;
    const char **argv = arena_new_n(a, x->args.n + 2, const char *);
    argv[0] = arena_strz(a, x->command);
    for (uint32_t i = 0; i < x->args.n; i++)
        argv[i + 1] = arena_strz(a, x->args.v[i]);
    struct process_options o = {
        .argv = argv, .env = env_of(a, c), .in = PROCESS_INHERIT, .err = PROCESS_INHERIT};
    struct process_end end;
    int rc = process_run(&o, &(struct process_io){.out = out}, &end, err);
    if (rc == ERR_NOT_FOUND && x->install_hint.n)
        return err_set(err, rc, "the credential plugin %s is not there. %.*s", argv[0],
                       STR_ARG(x->install_hint));
    if (rc)
        return (void)err_wrap(err, "credential plugin %s", argv[0]), rc;
    if (process_end_ok(&end))
        return 0;
    char text[PROCESS_END_TEXT_SIZE];
    return err_set(err, ERR_UNAUTHORIZED, "credential plugin %s failed: %s", argv[0],
                   process_end_text(&end, text));
}

static int read_answer(struct arena *a, const struct config_exec *x, struct str text, struct exec_answer *ret,
                       struct err *err) {
    struct jval tree;
    int rc = json_parse(a, text, NULL, NULL, &tree, err);
    if (rc)
        return (void)err_wrap(err, "credential plugin %.*s", STR_ARG(x->command)), rc;
    if (!str_eq(jval_get_str(&tree, S("kind")), S("ExecCredential")) ||
        !str_eq(jval_get_str(&tree, S("apiVersion")), x->api_version))
        return err_set(err, ERR_INVALID,
                       "credential plugin %.*s did not answer with an ExecCredential of %.*s",
                       STR_ARG(x->command), STR_ARG(x->api_version));
    const struct jval *status = jval_get(&tree, S("status"));
    ret->token = jval_get_str(status, S("token"));
    ret->cert_pem = jval_get_str(status, S("clientCertificateData"));
    ret->key_pem = jval_get_str(status, S("clientKeyData"));
    struct timestamp expires;
    struct str when = jval_get_str(status, S("expirationTimestamp"));
    if (when.n && timestamp_parse(when, &expires, NULL) == 0)
        ret->expires_ns = timestamp_to_ns(expires);
    if (!ret->token.n && !(ret->cert_pem.n && ret->key_pem.n))
        return err_set(err, ERR_UNAUTHORIZED, "credential plugin %.*s gave neither a token nor a certificate",
                       STR_ARG(x->command));
    return 0;
}

int exec_credential(const struct client_config *config, struct arena *a, struct exec_answer *ret,
                    struct err *err) {
    struct buf out = {.limit = ANSWER_MAX};
    int rc = run(config, a, &out, err);
    struct str text = buf_to_arena(&out, a);
    if (out.p)
        explicit_bzero(out.p, out.n);
    buf_fini(&out);
    return rc ? rc : read_answer(a, config->exec, text, ret, err);
}
