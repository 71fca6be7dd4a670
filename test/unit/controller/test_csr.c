/* Certificate requests: which are taken, how long they stay. */
#include "api/types/certificates.h"
#include "controller/csr_rules.h"
#include "unit/controller/cluster.h"

static struct certificates_certificate_signing_request_spec spec(const char *signer, const char *user,
                                                                 struct str *usages, uint32_t n) {
    return (struct certificates_certificate_signing_request_spec){
        .signer_name = str_from(signer), .username = str_from(user), .usages = {usages, n}};
}

TEST(test_csr__kubelets_ask_for_their_own_name_only) {
    struct str client[] = {S("digital signature"), S("client auth")};
    struct str org = S("system:nodes"), masters = S("system:masters"), dns = S("n1");
    struct pki_names names = {.cn = S("system:node:n1"), .orgs = {&org, 1}};
    struct certificates_certificate_signing_request_spec s =
        spec("kubernetes.io/kube-apiserver-client-kubelet", "system:node:n1", client, 2);
    assert_ok(csr_check(&s, &names, NULL), NULL);
    assert_int_equal(csr_recognise(&s, &names), CSR_SELF_NODE_CLIENT);
    s.username = S("system:bootstrap:abcdef");
    assert_int_equal(csr_recognise(&s, &names), CSR_NODE_CLIENT);
    names.dns = (struct str_array){&dns, 1};
    assert_fails(csr_check(&s, &names, NULL), ERR_INVALID);
    names.dns.n = 0;
    names.orgs.v = &masters;
    assert_fails(csr_check(&s, &names, NULL), ERR_INVALID);
    assert_int_equal(csr_recognise(&s, &names), CSR_NO_CLIENT);
}

TEST(test_csr__serving_certificates_are_for_the_asker) {
    struct str serving[] = {S("digital signature"), S("server auth"), S("key encipherment")};
    struct str org = S("system:nodes"), dns = S("n1");
    struct pki_names names = {.cn = S("system:node:n1"), .orgs = {&org, 1}, .dns = {&dns, 1}};
    struct certificates_certificate_signing_request_spec s =
        spec("kubernetes.io/kubelet-serving", "system:node:n1", serving, 3);
    assert_ok(csr_check(&s, &names, NULL), NULL);
    s.username = S("system:node:n2");
    assert_fails(csr_check(&s, &names, NULL), ERR_INVALID);
}

TEST(test_csr__nobody_becomes_master_by_request) {
    struct str client[] = {S("client auth")}, any[] = {S("any")};
    struct str masters = S("system:masters");
    struct pki_names names = {.cn = S("me"), .orgs = {&masters, 1}};
    struct certificates_certificate_signing_request_spec s =
        spec("kubernetes.io/kube-apiserver-client", "me", client, 1);
    assert_fails(csr_check(&s, &names, NULL), ERR_INVALID);
    names.orgs.n = 0;
    assert_ok(csr_check(&s, &names, NULL), NULL);
    s.usages.v = any;
    assert_fails(csr_check(&s, &names, NULL), ERR_INVALID);
    s.signer_name = S("example.com/mine");
    assert_fails(csr_check(&s, &names, NULL), ERR_UNSUPPORTED);
}

TEST(test_csr__old_requests_are_deleted) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "certificatesigningrequest-cleaner-controller");
    fake_put(
        w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST),
        "{\"metadata\":{\"name\":\"pending\",\"creationTimestamp\":\"2027-01-15T08:00:00Z\"},\"spec\":{}}");
    fake_put(w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST),
             "{\"metadata\":{\"name\":\"denied\",\"creationTimestamp\":\"2027-01-15T08:00:00Z\"},\"spec\":{},"
             "\"status\":{"
             "\"conditions\":[{\"type\":\"Denied\",\"status\":\"True\",\"lastUpdateTime\":\"2027-01-15T08:00:"
             "00Z\"}]}}");
    cluster_pass(&w, 3500);
    assert_int_equal(fake_count(w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST)), 2);
    cluster_pass(&w, 200);
    assert_string_equal(fake_names(w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST)), "pending");
    cluster_pass(&w, 86400);
    assert_int_equal(fake_count(w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST)), 0);
}

TEST(test_csr__what_cannot_be_signed_is_told) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair ca;
    struct err err = ERR_INIT;
    struct sim *sim = sim_new(1, 1800000000ll * NS_PER_SEC);
    assert_ok(pki_ca_new(S("test"), STR_NONE, PKI_CA_LIFETIME_SEC, sim_clock(sim), &a, &ca, &err), &err);
    sim_free(sim);
    _cleanup_cluster struct cluster w;
    cluster_open_with(
        &w, "certificatesigningrequest-signing-controller",
        (struct controllers_options){.signing_cert_pem = ca.cert_pem, .signing_key_pem = ca.key_pem});
    fake_put(w.fake, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST),
             "{\"metadata\":{\"name\":\"r\"},\"spec\":{\"request\":\"bm9uc2Vuc2U=\",\"signerName\":"
             "\"kubernetes.io/kube-apiserver-client\",\"usages\":[\"client "
             "auth\"]},\"status\":{\"conditions\":[{\"type\":"
             "\"Approved\",\"status\":\"True\"}]}}");
    cluster_settle(&w);
    const struct certificates_certificate_signing_request *r = body_of(
        &w, certificates_certificate_signing_request, CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, "", "r");
    assert_non_null(csr_condition(r, "Failed")); /* nonsense is told, once */
    assert_int_equal(r->status.certificate.n, 0);
}
