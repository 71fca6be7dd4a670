/* net/pki */
#include "net/pki.h"

#include <openssl/pem.h>

#include "base/clock.h"
#include "net/pki_priv.h"
#include "unit/unit.h"

#define NOW 1800000000ll
#define SERVER (PKI_SERVER_AUTH | PKI_DIGITAL_SIGNATURE | PKI_KEY_ENCIPHERMENT)
#define CLIENT (PKI_CLIENT_AUTH | PKI_DIGITAL_SIGNATURE)

static struct clock_sim sim;

static struct clock *now(void) {
    return clock_sim_init(&sim, NOW * 1000000000ll);
}

static struct pki_pair ca_pair(struct arena *a) {
    struct pki_pair p;
    struct err err = ERR_INIT;
    assert_ok(pki_ca_new(S("kubernetes"), STR_NONE, PKI_CA_LIFETIME_SEC, now(), a, &p, &err), &err);
    return p;
}

static struct pki_ca *ca_of(struct pki_pair p) {
    struct pki_ca *ca = NULL;
    struct err err = ERR_INIT;
    assert_ok(pki_ca_load(p.cert_pem, p.key_pem, &ca, &err), &err);
    return ca;
}

static struct pki_info info_of(struct arena *a, struct str pem) {
    struct pki_info info;
    struct err err = ERR_INIT;
    assert_ok(pki_cert_parse(pem, a, &info, &err), &err);
    return info;
}

/* Whether OpenSSL trusts the certificate for a purpose at a time. */
static bool trusted(struct str ca_pem, struct str pem, int purpose, int64_t at) {
    _scoped_x509 *ca = pki_read_cert(ca_pem), *x = pki_read_cert(pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    check(ca && x && store && ctx && X509_STORE_add_cert(store, ca) == 1);
    check(X509_STORE_CTX_init(ctx, store, x, NULL) == 1 && X509_STORE_CTX_set_purpose(ctx, purpose) == 1);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx), X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_time(ctx, 0, at);
    bool ok = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return ok;
}

static struct str request(struct arena *a, const char *cn, const char *alternative, bool break_it) {
    _scoped_req *r = X509_REQ_new();
    _scoped_pkey *key = EVP_EC_gen("P-256");
    check(r && key && X509_REQ_set_pubkey(r, key) == 1);
    X509_NAME *name = X509_REQ_get_subject_name(r);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"system:nodes", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
    STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
    if (alternative)
        sk_X509_EXTENSION_push(all, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative));
    X509_REQ_add_extensions(r, all);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    check(X509_REQ_sign(r, key, EVP_sha256()) > 0);
    if (break_it)
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"system:masters", -1, -1,
                                   0);
    _scoped_bio *text = BIO_new(BIO_s_mem());
    check(text && PEM_write_bio_X509_REQ(text, r) == 1);
    return crypto_bio_text(a, text);
}

TEST(test_pki__authority_lives_ten_years) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_info info = info_of(&a, ca_pair(&a).cert_pem);
    assert_str(info.names.cn, "kubernetes");
    assert_true(info.is_ca);
    assert_true(info.not_before_sec == NOW - PKI_BACKDATE_SEC);
    assert_true(info.not_after_sec == NOW + PKI_CA_LIFETIME_SEC);
    assert_int_equal(info.sha256.n, 64);
    assert_int_equal(info.serial.n, 40);
}

TEST(test_pki__issues_server_certificates) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair root = ca_pair(&a), p;
    struct pki_ca *ca = ca_of(root);
    struct str dns[] = {S("kubernetes"), S("*.example.org")}, ips[] = {S("10.96.0.1"), S("fd00::1")};
    struct pki_names names = {.cn = S("kube-apiserver"), .dns = {dns, 2}, .ips = {ips, 2}};
    struct err err = ERR_INIT;
    assert_ok(pki_issue(ca, &names, SERVER, PKI_LEAF_LIFETIME_SEC, now(), &a, &p, &err), &err);
    struct pki_info info = info_of(&a, p.cert_pem);
    assert_str(info.names.cn, "kube-apiserver");
    assert_int_equal(info.names.dns.n, 2);
    assert_str(info.names.dns.v[1], "*.example.org");
    assert_str(info.names.ips.v[0], "10.96.0.1");
    assert_str(info.names.ips.v[1], "fd00::1");
    assert_false(info.is_ca);
    assert_true(trusted(root.cert_pem, p.cert_pem, X509_PURPOSE_SSL_SERVER, NOW));
    assert_false(trusted(root.cert_pem, p.cert_pem, X509_PURPOSE_SSL_CLIENT, NOW));
    assert_false(
        trusted(root.cert_pem, p.cert_pem, X509_PURPOSE_SSL_SERVER, NOW + PKI_LEAF_LIFETIME_SEC + 1));
    assert_false(trusted(ca_pair(&a).cert_pem, p.cert_pem, X509_PURPOSE_SSL_SERVER, NOW));
    assert_true(pki_issued_by(ca, p.cert_pem));
    ips[0] = S("10.96.0.256");
    assert_fails(pki_issue(ca, &names, SERVER, 60, now(), &a, &p, NULL), ERR_INVALID);
    pki_ca_free(ca);
}

TEST(test_pki__issues_client_certificates) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair root = ca_pair(&a), p;
    struct pki_ca *ca = ca_of(root), *other = ca_of(ca_pair(&a));
    struct str orgs[] = {S("system:masters"), S("dev")};
    struct pki_names names = {.cn = S("admin"), .orgs = {orgs, 2}};
    struct err err = ERR_INIT;
    assert_ok(pki_issue(ca, &names, CLIENT, PKI_LEAF_LIFETIME_SEC, now(), &a, &p, &err), &err);
    struct pki_info info = info_of(&a, p.cert_pem);
    assert_int_equal(info.names.orgs.n, 2);
    assert_str(info.names.orgs.v[0], "system:masters");
    assert_str(info.names.orgs.v[1], "dev");
    assert_true(trusted(root.cert_pem, p.cert_pem, X509_PURPOSE_SSL_CLIENT, NOW));
    assert_false(trusted(root.cert_pem, p.cert_pem, X509_PURPOSE_SSL_SERVER, NOW));
    assert_false(pki_issued_by(other, p.cert_pem));
    pki_ca_free(ca);
    pki_ca_free(other);
}

TEST(test_pki__nothing_outlives_its_authority) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_ca *ca = ca_of(ca_pair(&a));
    struct pki_names names = {.cn = S("x")};
    struct pki_pair p;
    assert_int_equal(pki_issue(ca, &names, CLIENT, INT64_MAX, now(), &a, &p, NULL), 0);
    assert_true(info_of(&a, p.cert_pem).not_after_sec == NOW + PKI_CA_LIFETIME_SEC);
    clock_sim_init(&sim, (NOW + PKI_CA_LIFETIME_SEC) * 1000000000ll);
    assert_fails(pki_issue(ca, &names, CLIENT, 60, &sim.clock, &a, &p, NULL), ERR_EXPIRED);
    pki_ca_free(ca);
}

TEST(test_pki__authority_needs_its_own_key) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair one = ca_pair(&a), two = ca_pair(&a), again, leaf;
    struct pki_ca *none = NULL;
    assert_fails(pki_ca_load(one.cert_pem, two.key_pem, &none, NULL), ERR_INVALID);
    assert_fails(pki_ca_load(one.cert_pem, S("garbage"), &none, NULL), ERR_INVALID);
    assert_fails(pki_ca_load(STR_NONE, one.key_pem, &none, NULL), ERR_INVALID);
    assert_int_equal(pki_ca_new(S("same"), one.key_pem, 60, now(), &a, &again, NULL), 0);
    assert_str_equal(again.key_pem, one.key_pem);
    struct pki_ca *ca = ca_of(one);
    struct pki_names names = {.cn = S("x")};
    assert_int_equal(pki_issue(ca, &names, CLIENT, 60, now(), &a, &leaf, NULL), 0);
    assert_fails(pki_ca_load(leaf.cert_pem, leaf.key_pem, &none, NULL), ERR_INVALID);
    assert_null(none);
    pki_ca_free(ca);
}

TEST(test_pki__signs_requests_with_expected_names_only) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair root = ca_pair(&a);
    struct pki_ca *ca = ca_of(root);
    struct str csr = request(&a, "system:node:n1", "DNS:n1,IP:10.0.0.1", false), cert;
    struct pki_names names;
    struct err err = ERR_INIT;
    assert_ok(pki_request_parse(csr, &a, &names, &err), &err);
    assert_str(names.cn, "system:node:n1");
    assert_str(names.ips.v[0], "10.0.0.1");
    assert_ok(pki_request_sign(ca, csr, &names, SERVER, 3600, now(), &a, &cert, &err), &err);
    assert_str(info_of(&a, cert).names.orgs.v[0], "system:nodes");
    assert_true(trusted(root.cert_pem, cert, X509_PURPOSE_SSL_SERVER, NOW));
    names.cn = S("system:node:n2");
    assert_fails(pki_request_sign(ca, csr, &names, SERVER, 3600, now(), &a, &cert, NULL), ERR_FORBIDDEN);
    names.cn = S("system:node:n1");
    names.dns.n = 0;
    assert_fails(pki_request_sign(ca, csr, &names, SERVER, 3600, now(), &a, &cert, NULL), ERR_FORBIDDEN);
    pki_ca_free(ca);
}

TEST(test_pki__refuses_bad_requests) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_names names;
    assert_fails(pki_request_parse(request(&a, "x", NULL, true), &a, &names, NULL), ERR_INVALID);
    assert_fails(pki_request_parse(request(&a, "x", "email:a@b", false), &a, &names, NULL), ERR_INVALID);
    assert_fails(pki_request_parse(ca_pair(&a).cert_pem, &a, &names, NULL), ERR_INVALID);
}

TEST(test_pki__survives_every_truncation) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str pem = ca_pair(&a).cert_pem, csr = request(&a, "x", "DNS:a", false);
    struct pki_info info;
    struct pki_names names;
    for (size_t n = 0; n + 10 < pem.n; n++)
        assert_fails(pki_cert_parse(str_cut(pem, n), &a, &info, NULL), ERR_INVALID);
    for (size_t n = 0; n + 10 < csr.n; n++)
        assert_fails(pki_request_parse(str_cut(csr, n), &a, &names, NULL), ERR_INVALID);
}

TEST(test_pki__renews_after_two_thirds) {
    struct pki_info info = {.not_before_sec = NOW, .not_after_sec = NOW + 300};
    clock_sim_init(&sim, (NOW + 199) * 1000000000ll);
    assert_false(pki_renew_due(&info, &sim.clock));
    clock_sim_advance(&sim, 1000000000ll);
    assert_true(pki_renew_due(&info, &sim.clock));
}

TEST(test_pki_request__is_read_back_with_its_names) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str org = S("system:nodes"), dns = S("node-1"), ip = S("10.1.2.3"), csr, key, again;
    struct pki_names names = {.cn = S("system:node:node-1"),
                              .orgs = {&org, 1},
                              .dns = {&dns, 1},
                              .ips = {&ip, 1}},
                     got;
    assert_ok(pki_request_new(&names, STR_NONE, &a, &csr, &key, &err), &err);
    assert_ok(pki_request_parse(csr, &a, &got, &err), &err);
    assert_str(got.cn, "system:node:node-1");
    assert_str(got.orgs.v[0], "system:nodes");
    assert_str(got.dns.v[0], "node-1");
    assert_str(got.ips.v[0], "10.1.2.3");
    assert_ok(pki_request_new(&names, key, &a, &csr, &again, &err), &err);
    assert_true(str_eq(key, again));
    assert_int_equal(pki_request_new(&names, S("no key"), &a, &csr, &again, &err), ERR_INVALID);
}

TEST(test_pki_key_pin__is_that_of_the_key_not_of_the_certificate) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct pki_pair one, two;
    struct str pin_one, pin_two;
    struct clock_sim clock;
    struct clock *c = clock_sim_init(&clock, 1700000000000000000ll);
    assert_ok(pki_ca_new(S("ca"), STR_NONE, PKI_CA_LIFETIME_SEC, c, &a, &one, &err), &err);
    assert_ok(pki_ca_new(S("other"), one.key_pem, PKI_CA_LIFETIME_SEC, c, &a, &two, &err), &err);
    assert_ok(pki_key_pin(one.cert_pem, &a, &pin_one, &err), &err);
    assert_ok(pki_key_pin(two.cert_pem, &a, &pin_two, &err), &err);
    assert_int_equal(pin_one.n, 64);
    assert_true(str_eq(pin_one, pin_two));
    assert_int_equal(pki_key_pin(S("nothing"), &a, &pin_one, &err), ERR_INVALID);
}
