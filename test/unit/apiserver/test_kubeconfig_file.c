/* apiserver/kubeconfig_file */
#include "apiserver/kubeconfig_file.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "unit/unit.h"

TEST(test_kubeconfig_file__embeds_what_it_is_given) {
    struct kubeconfig_file k = {.server = S("https://10.0.0.1:6443"),
                                .cluster = S("c"),
                                .user = S("a\"b: #"),
                                .ca_pem = S("CA"),
                                .cert_pem = S("CERT"),
                                .key_pem = S("KEY")};
    _cleanup_buf struct buf text = BUF_INIT;
    kubeconfig_file_print(&k, &text);
    assert_str(buf_view(&text),
               "apiVersion: v1\nkind: Config\npreferences: {}\n"
               "clusters:\n- cluster:\n    certificate-authority-data: Q0E=\n"
               "    server: \"https://10.0.0.1:6443\"\n  name: \"c\"\n"
               "contexts:\n- context:\n    cluster: \"c\"\n    user: \"a\\\"b: #\"\n"
               "  name: \"a\\\"b: #@c\"\ncurrent-context: \"a\\\"b: #@c\"\n"
               "users:\n- name: \"a\\\"b: #\"\n  user:\n    client-certificate-data: Q0VSVA==\n"
               "    client-key-data: S0VZ\n");
}

TEST(test_kubeconfig_file__holds_a_token_or_nothing) {
    struct kubeconfig_file k = {.server = S("https://h"), .cluster = S("c"), .user = S("u"), .token = S("t")};
    _cleanup_buf struct buf text = BUF_INIT;
    kubeconfig_file_print(&k, &text);
    assert_true(str_has_suffix(buf_view(&text), S("  user:\n    token: \"t\"\n")));
    buf_clear(&text);
    k.token = STR_NONE;
    kubeconfig_file_print(&k, &text);
    assert_true(str_has_suffix(buf_view(&text), S("- name: \"u\"\n  user: {}\n")));
}

TEST(test_kubeconfig_file__is_for_its_owner_only) {
    struct kubeconfig_file k = {.server = S("https://h"), .cluster = S("c"), .user = S("u")};
    char path[600];
    snprintf(path, sizeof path, "%s/admin.conf", unit_tmpdir());
    struct err err = ERR_INIT;
    assert_ok(kubeconfig_file_write(&k, path, &err), &err);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    _cleanup_buf struct buf want = BUF_INIT, got = BUF_INIT;
    kubeconfig_file_print(&k, &want);
    assert_ok(file_read(path, 1 << 16, &got, &err), &err);
    assert_str_equal(buf_view(&got), buf_view(&want));
}
