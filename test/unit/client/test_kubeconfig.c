/* Tests of kubeconfig files: reading, merging, what becomes of it, changing. */
#include "client/kubeconfig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "client/config.h"
#include "client/exec_credential.h"
#include "unit/unit.h"

static const char *file(const char *name, const char *text) {
    static char path[4][400];
    static int at;
    at = (at + 1) % 4;
    struct err err = ERR_INIT;
    (void)snprintf(path[at], sizeof path[at], "%s/%s", unit_tmpdir(), name);
    assert_ok(file_write_atomic(path[at], str_from(text), 0600, &err), &err);
    return path[at];
}

static struct kubeconfig *load(const char *path) {
    struct kubeconfig *k;
    struct err err = ERR_INIT;
    assert_ok(kubeconfig_load(path, &k, &err), &err);
    return k;
}

static const char one[] =
    "apiVersion: v1\n"
    "kind: Config\n"
    "current-context: dev\n"
    "clusters:\n"
    "- name: c1\n"
    "  cluster: {server: 'https://one:6443/', certificate-authority: ca.crt, tls-server-name: named}\n"
    "- name: c2\n"
    "  cluster: {server: 'https://two', certificate-authority-data: Q0EK}\n"
    "contexts:\n"
    "- name: dev\n"
    "  context: {cluster: c1, user: u1, namespace: space}\n"
    "- name: other\n"
    "  context: {cluster: c2, user: u2}\n"
    "users:\n"
    "- name: u1\n"
    "  user: {token: t1, tokenFile: sub/token}\n"
    "- name: u2\n"
    "  user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ, as: jo, as-groups: [g],\n"
    "    as-user-extra: {k: [v, w]}}\n";

TEST(test_kubeconfig__the_current_context_says_it_all) {
    struct kubeconfig *k = load(file("one", one));
    struct client_config c;
    struct err err = ERR_INIT;
    assert_ok(kubeconfig_client_config(k, NULL, &c, &err), &err);
    assert_str(c.servers.v[0], "https://one:6443");
    assert_str(c.server_name, "named");
    assert_str(c.ns, "space");
    char wanted[500];
    (void)snprintf(wanted, sizeof wanted, "%s/ca.crt", unit_tmpdir());
    assert_str(c.ca_path, wanted);
    (void)snprintf(wanted, sizeof wanted, "%s/sub/token", unit_tmpdir());
    assert_str(c.token_path, wanted);
    assert_str(c.token, "");
    client_config_fini(&c);
    kubeconfig_free(k);
}

TEST(test_kubeconfig__flags_go_first) {
    struct kubeconfig *k = load(file("one", one));
    struct client_config c;
    struct err err = ERR_INIT;
    struct kubeconfig_flags f = {.context = S("other"), .ns = S("mine")};
    assert_ok(kubeconfig_client_config(k, &f, &c, &err), &err);
    assert_str(c.servers.v[0], "https://two");
    assert_str(c.ca_pem, "CA\n");
    assert_str(c.cert_pem, "CERT");
    assert_str(c.key_pem, "KEY");
    assert_str(c.as_user, "jo");
    assert_str(c.as_groups.v[0], "g");
    assert_int_equal(c.as_extra[0].values.n, 2);
    assert_str(c.ns, "mine");
    client_config_fini(&c);
    f = (struct kubeconfig_flags){
        .server = S("https://x"), .user = S("u1"), .token = S("tok"), .insecure = true};
    assert_ok(kubeconfig_client_config(k, &f, &c, &err), &err);
    assert_str(c.servers.v[0], "https://x");
    assert_str(c.token, "tok");
    assert_true(c.insecure && !c.ca_path.n);
    client_config_fini(&c);
    kubeconfig_free(k);
}

TEST(test_kubeconfig__names_that_do_not_exist) {
    struct kubeconfig *k = load(file("one", one));
    struct client_config c;
    struct err err = ERR_INIT;
    struct kubeconfig_flags f = {.context = S("nix")};
    assert_fails(kubeconfig_client_config(k, &f, &c, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "context \"nix\" does not exist");
    f = (struct kubeconfig_flags){.cluster = S("nix")};
    assert_fails(kubeconfig_client_config(k, &f, &c, &err), ERR_NOT_FOUND);
    f = (struct kubeconfig_flags){.user = S("nix")};
    assert_fails(kubeconfig_client_config(k, &f, &c, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "auth info \"nix\" does not exist");
    kubeconfig_free(k);
}

TEST(test_kubeconfig__values_that_make_no_sense) {
    static const char *const bad[] = {
        "users: [{name: u, user: {client-certificate-data: Q0VSVA==}}]\n",
        "users: [{name: u, user: {client-certificate-data: '***', client-key-data: S0VZ}}]\n",
        "users: [{name: u, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}}]\n",
        "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1}}}]\n",
        "users: [{name: u, user: {}}]\nclusters: [{name: c, cluster: {certificate-authority-data: Q0EK, "
        "insecure-skip-tls-verify: true}}]\n",
    };
    struct kubeconfig_flags f = {.user = S("u")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct kubeconfig *k = load(file("bad", bad[i]));
        struct client_config c;
        struct err err = ERR_INIT;
        f.cluster = i == 4 ? S("c") : S("");
        assert_fails(kubeconfig_client_config(k, &f, &c, &err), ERR_INVALID);
        kubeconfig_free(k);
    }
    struct kubeconfig *k;
    struct err err = ERR_INIT;
    assert_fails(kubeconfig_load(file("bad", "kind: Pod\n"), &k, &err), ERR_INVALID);
    assert_fails(kubeconfig_load(file("bad", "a: [\n"), &k, &err), ERR_INVALID);
    assert_fails(kubeconfig_load("/nonexistent", &k, &err), ERR_NOT_FOUND);
}

static void set_list(const char *a, const char *b) {
    char list[900];
    (void)snprintf(list, sizeof list, "%s:%s", a, b);
    (void)setenv("KUBECONFIG", list, 1);
}

TEST(test_kubeconfig__of_several_files_the_first_counts) {
    const char *a = file("a", "clusters: [{name: c1, cluster: {server: 'https://first'}}]\n");
    const char *b = file("one", one);
    set_list(a, b);
    struct kubeconfig *k = load(NULL);
    struct client_config c;
    struct err err = ERR_INIT;
    assert_ok(kubeconfig_client_config(k, NULL, &c, &err), &err);
    assert_str(c.servers.v[0], "https://first");
    assert_str(c.ns, "space");
    client_config_fini(&c);
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct str *names;
    assert_int_equal(kubeconfig_names(k, KUBECONFIG_CLUSTER, &arena, &names), 2);
    assert_str(names[1], "c2");
    kubeconfig_free(k);
    (void)unsetenv("KUBECONFIG");
}

TEST(test_kubeconfig__changes_go_where_the_entry_is) {
    char missing[400];
    (void)snprintf(missing, sizeof missing, "%s/new/missing", unit_tmpdir());
    const char *b = file("one", one);
    set_list(missing, b);
    struct kubeconfig *k = load(NULL);
    struct err err = ERR_INIT;
    bool was_there;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval none = jval_null();
    struct jval body = jval_with(&a, &none, S("server"), jval_str(S("https://changed")));
    assert_str(kubeconfig_default_path(k), b); /* the first that is there */
    assert_ok(kubeconfig_put(k, KUBECONFIG_CLUSTER, S("c2"), &body, &was_there, &err), &err);
    assert_true(was_there);
    assert_ok(kubeconfig_put(k, KUBECONFIG_CLUSTER, S("c3"), &body, &was_there, &err), &err);
    assert_false(was_there);
    assert_ok(kubeconfig_put(k, KUBECONFIG_USER, S("u1"), NULL, &was_there, &err), &err);
    assert_true(was_there);
    assert_ok(kubeconfig_set_current(k, S("other"), &err), &err);
    assert_str(jval_get_str(kubeconfig_get(k, KUBECONFIG_CLUSTER, S("c3")), S("server")), "https://changed");
    kubeconfig_free(k);
    k = load(b);
    assert_str(kubeconfig_current(k), "other");
    assert_str(jval_get_str(kubeconfig_get(k, KUBECONFIG_CLUSTER, S("c2")), S("server")), "https://changed");
    assert_null(kubeconfig_get(k, KUBECONFIG_USER, S("u1")));
    /* what a relative path was stays one in the file */
    _cleanup_buf struct buf text = BUF_INIT;
    assert_ok(file_read(b, 1 << 20, &text, &err), &err);
    assert_true(str_find(buf_view(&text), S("certificate-authority: ca.crt")) > 0);
    kubeconfig_free(k);
    (void)unsetenv("KUBECONFIG");
}

TEST(test_kubeconfig__a_new_file_is_made) {
    char path[400];
    (void)snprintf(path, sizeof path, "%s/new/config", unit_tmpdir());
    (void)setenv("KUBECONFIG", path, 1);
    struct kubeconfig *k = load(NULL);
    struct err err = ERR_INIT;
    assert_true(kubeconfig_empty(k));
    assert_ok(kubeconfig_set_current(k, S("x"), &err), &err);
    kubeconfig_free(k);
    k = load(path);
    assert_str(kubeconfig_current(k), "x");
    kubeconfig_free(k);
    (void)unsetenv("KUBECONFIG");
}

TEST(test_kubeconfig__a_pod_uses_its_own_account) {
    char dir[300];
    (void)snprintf(dir, sizeof dir, "%s", unit_tmpdir());
    (void)file("token", "secret\n");
    (void)file("ca.crt", "CA\n");
    (void)file("namespace", "home\n");
    struct client_config c;
    struct err err = ERR_INIT;
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
    assert_fails(client_config_in_cluster(&c, dir, &err), ERR_NOT_FOUND);
    (void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    (void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_ok(client_config_in_cluster(&c, dir, &err), &err);
    assert_str(c.servers.v[0], "https://[fd00::1]:443");
    assert_str(c.ns, "home");
    client_config_fini(&c);
    assert_fails(client_config_in_cluster(&c, "/nonexistent", &err), ERR_NOT_FOUND);
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
    (void)unsetenv("KUBERNETES_SERVICE_PORT");
}

/* -- plugins -- */

static int ask(const char *script, struct arena *a, struct exec_answer *ret, struct err *err) {
    struct client_config c = CLIENT_CONFIG_INIT;
    struct str args[] = {S("-c"), str_from(script)}, env[] = {S("WHO=jo")};
    struct config_exec exec = {.command = S("/bin/sh"),
                               .args = {args, 2},
                               .env = {env, 1},
                               .api_version = S("client.authentication.k8s.io/v1"),
                               .install_hint = S("Install it.")};
    if (!script)
        exec.command = S("/nonexistent/plugin");
    c.exec = &exec;
    *ret = (struct exec_answer){0};
    return exec_credential(&c, a, ret, err);
}

#define ANSWER(status)                                                                                       \
    "printf "                                                                                                \
    "'{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{" status   \
    "}}'"

TEST(test_exec_credential__gives_a_token) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct exec_answer x;
    struct err err = ERR_INIT;
    assert_ok(ask(ANSWER("\"token\":\"for-%s\",\"expirationTimestamp\":\"1970-01-01T00:00:07Z\"") " $WHO", &a,
                  &x, &err),
              &err);
    assert_str(x.token, "for-jo");
    assert_int_equal(x.expires_ns, 7000000000);
    assert_ok(ask("echo \"$KUBERNETES_EXEC_INFO\" | grep -q ExecCredential && " ANSWER("\"token\":\"t\""), &a,
                  &x, &err),
              &err);
}

TEST(test_exec_credential__failures_say_what_to_do) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct exec_answer x;
    struct err err = ERR_INIT;
    assert_fails(ask(NULL, &a, &x, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "Install it."));
    assert_fails(ask("exit 3", &a, &x, &err), ERR_UNAUTHORIZED);
    assert_non_null(strstr(err.msg, "exit status 3"));
    assert_fails(ask("echo nonsense", &a, &x, &err), ERR_INVALID);
    assert_fails(ask(ANSWER(""), &a, &x, &err), ERR_UNAUTHORIZED);
    assert_fails(ask("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"other\"}'", &a, &x, &err),
                 ERR_INVALID);
}
