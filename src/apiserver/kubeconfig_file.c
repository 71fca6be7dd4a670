/* YAML with every text in double quotes: JSON strings are such. */
#include "apiserver/kubeconfig_file.h"

#include <openssl/crypto.h>

#include "base/buf.h"
#include "base/file.h"
#include "codec/base64.h"
#include "codec/json.h"

static void line(struct buf *out, const char *key, struct str text) {
    if (!text.p)
        return;
    buf_str(out, str_from(key));
    json_write_string(out, text);
    buf_byte(out, '\n');
}

static void data_line(struct buf *out, const char *key, struct str bytes) {
    if (!bytes.p)
        return;
    buf_str(out, str_from(key));
    char *to = buf_reserve(out, base64_encoded_len(bytes.n, BASE64_STD) + 1);
    if (to)
        out->n += base64_encode(BASE64_STD, bytes, to);
    buf_byte(out, '\n');
}

static void print_context(const struct kubeconfig_file *k, struct buf *out) {
    _cleanup_buf struct buf name = BUF_INIT;
    buf_printf(&name, "%.*s@%.*s", STR_ARG(k->user), STR_ARG(k->cluster));
    buf_lit(out, "contexts:\n- context:\n");
    line(out, "    cluster: ", k->cluster);
    line(out, "    user: ", k->user);
    line(out, "  name: ", buf_view(&name));
    line(out, "current-context: ", buf_view(&name));
}

void kubeconfig_file_print(const struct kubeconfig_file *k, struct buf *out) {
    buf_lit(out, "apiVersion: v1\nkind: Config\npreferences: {}\nclusters:\n- cluster:\n");
    data_line(out, "    certificate-authority-data: ", k->ca_pem);
    line(out, "    server: ", k->server);
    line(out, "  name: ", k->cluster);
    print_context(k, out);
    buf_lit(out, "users:\n- name: ");
    json_write_string(out, k->user);
    bool any = k->cert_pem.p || k->key_pem.p || k->token.p;
    buf_str(out, any ? S("\n  user:\n") : S("\n  user: {}\n"));
    data_line(out, "    client-certificate-data: ", k->cert_pem);
    data_line(out, "    client-key-data: ", k->key_pem);
    line(out, "    token: ", k->token);
}

int kubeconfig_file_write(const struct kubeconfig_file *k, const char *path, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    kubeconfig_file_print(k, &text);
    int r = file_write_atomic(path, buf_view(&text), 0600, err);
    OPENSSL_cleanse(text.p, text.n);
    return r;
}
