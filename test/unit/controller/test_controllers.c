/* Starting and stopping the whole. */
#include <stdio.h>

#include "api/types/networking.h"
#include "base/clock.h"
#include "net/jwt.h"
#include "net/pki.h"
#include "unit/controller/cluster.h"

TEST(test_controllers__unknown_names_are_refused) {
    struct sim *sim = sim_new(1, 0);
    struct fake *fake = fake_new(sim);
    struct controllers *cs = NULL;
    struct err err = ERR_INIT;
    struct str name = S("no-such-controller");
    struct controllers_options o = {.client = fake_client(fake), .controllers = &name, .n_controllers = 1};
    assert_fails(controllers_start(&o, &cs, &err), ERR_INVALID);
    assert_null(cs);
    fake_free(fake);
    sim_free(sim);
}

TEST(test_controllers__all_start_and_stop) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "*");
    assert_true(controllers_leading(w.controllers));
    cluster_pass(&w, 60);
    assert_int_equal(controllers_busy(w.controllers), 0);
    cluster_restart(&w);
}

TEST(test_controllers__the_default_service_account_appears_at_once) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "serviceaccount-controller root-ca-certificate-publisher-controller");
    fake_put(w.fake, KIND(CORE_NAMESPACE), "{\"metadata\":{\"name\":\"team\"}}");
    cluster_settle(&w);
    assert_true(cluster_has(&w, KIND(CORE_SERVICE_ACCOUNT), "team", "default"));
    fake_remove(w.fake, KIND(CORE_SERVICE_ACCOUNT), "team", "default");
    cluster_settle(&w);
    assert_true(cluster_has(&w, KIND(CORE_SERVICE_ACCOUNT), "team", "default"));
}

TEST(test_controllers__namespaces_get_the_root_certificate) {
    _cleanup_cluster struct cluster w;
    cluster_open_with(&w, "root-ca-certificate-publisher-controller",
                      (struct controllers_options){.root_ca_pem = S("PEM")});
    const struct core_config_map *m =
        body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "kube-root-ca.crt");
    assert_str(str_map_get(m->data, S("ca.crt")), "PEM");
    fake_merge(w.fake, KIND(CORE_CONFIG_MAP), "default", "kube-root-ca.crt", "{\"data\":{\"ca.crt\":\"x\"}}");
    cluster_settle(&w);
    m = body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "kube-root-ca.crt");
    assert_str(str_map_get(m->data, S("ca.crt")), "PEM");
    fake_remove(w.fake, KIND(CORE_CONFIG_MAP), "default", "kube-root-ca.crt");
    cluster_settle(&w);
    assert_true(cluster_has(&w, KIND(CORE_CONFIG_MAP), "default", "kube-root-ca.crt"));
}

TEST(test_controllers__token_secrets_are_filled_and_go_with_their_account) {
    _cleanup_cluster struct cluster w;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct pki_pair ca;
    struct err err = ERR_INIT;
    struct jwt_keys *keys = jwt_keys_new();
    struct jval claims;
    assert_ok(pki_ca_new(S("test"), STR_NONE, PKI_CA_LIFETIME_SEC, clock_system(), &a, &ca, &err), &err);
    assert_ok(jwt_keys_add(keys, ca.key_pem, &err), &err);
    cluster_open_with(
        &w, "serviceaccount-token-controller serviceaccount-controller",
        (struct controllers_options){.service_account_key = ca.key_pem, .root_ca_pem = S("PEM")});
    fake_put(w.fake, KIND(CORE_SECRET),
             "{\"metadata\":{\"name\":\"t\",\"namespace\":\"default\",\"annotations\":{"
             "\"kubernetes.io/service-account.name\":\"default\"}},\"type\":\"kubernetes.io/"
             "service-account-token\"}");
    cluster_settle(&w);
    const struct core_secret *s = body_of(&w, core_secret, CORE_SECRET, "default", "t");
    assert_str(str_map_get(s->data, S("namespace")), "default");
    assert_str(str_map_get(s->data, S("ca.crt")), "PEM");
    assert_ok(jwt_verify(keys, str_map_get(s->data, S("token")), &a, &claims, &err), &err);
    assert_str(jval_get_str(&claims, S("sub")), "system:serviceaccount:default:default");
    assert_str(jval_get_str(&claims, S("kubernetes.io/serviceaccount/secret.name")), "t");
    assert_true(str_map_get(s->metadata.annotations, S("kubernetes.io/service-account.uid")).n > 0);
    fake_remove(w.fake, KIND(CORE_SERVICE_ACCOUNT), "default", "default");
    cluster_pass(&w, 1);
    assert_false(cluster_has(&w, KIND(CORE_SECRET), "default", "t"));
    jwt_keys_free(keys);
}

TEST(test_controllers__bootstrap_tokens_sign_the_cluster_info_and_expire) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "bootstrap-signer-controller token-cleaner-controller");
    fake_put(w.fake, KIND(CORE_CONFIG_MAP),
             "{\"metadata\":{\"name\":\"cluster-info\",\"namespace\":\"kube-public\"},\"data\":{"
             "\"kubeconfig\":\"x\"}}");
    /* 07401b and f395accd246ae52d in base64; expires a minute after the simulation begins */
    fake_put(w.fake, KIND(CORE_SECRET),
             "{\"metadata\":{\"name\":\"bootstrap-token-07401b\",\"namespace\":\"kube-system\"},\"type\":"
             "\"bootstrap.kubernetes.io/token\",\"data\":{\"token-id\":\"MDc0MDFi\",\"token-secret\":"
             "\"ZjM5NWFjY2QyNDZhZTUyZA==\",\"usage-bootstrap-signing\":\"dHJ1ZQ==\",\"expiration\":"
             "\"MjAyNy0wMS0xNVQwODowMTowMFo=\"}}");
    cluster_settle(&w);
    const struct core_config_map *m =
        body_of(&w, core_config_map, CORE_CONFIG_MAP, "kube-public", "cluster-info");
    struct str signature = str_map_get(m->data, S("jws-kubeconfig-07401b"));
    assert_true(str_has_prefix(signature, S("eyJhbGciOiJIUzI1NiIsImtpZCI6IjA3NDAxYiJ9..")));
    cluster_pass(&w, 70);
    assert_int_equal(fake_count(w.fake, KIND(CORE_SECRET)), 0);
    m = body_of(&w, core_config_map, CORE_CONFIG_MAP, "kube-public", "cluster-info");
    assert_int_equal(m->data.n, 1);
}

/* A year is 365 days; the simulation begins in January 2027. */
#define DAY_SECONDS 86400.0

static bool has_secret(struct cluster *w, const char *name) {
    struct object *o = fake_get(w->fake, KIND(CORE_SECRET), "default", name);
    object_unref(o);
    return o != NULL;
}

static void put_token(struct cluster *w, const char *name, const char *labels) {
    char json[512];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"creationTimestamp\":"
                   "\"2020-01-01T00:00:00Z\",\"labels\":{%s},\"annotations\":{"
                   "\"kubernetes.io/service-account.name\":\"robot\"}},\"type\":"
                   "\"kubernetes.io/service-account-token\"}",
                   name, labels);
    fake_put(w->fake, KIND(CORE_SECRET), json);
}

TEST(test_controllers__tokens_that_nobody_uses_go_after_two_years) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "legacy-serviceaccount-token-cleaner-controller");
    fake_put(
        w.fake, KIND(CORE_SERVICE_ACCOUNT),
        "{\"metadata\":{\"name\":\"robot\",\"namespace\":\"default\"},\"secrets\":[{\"name\":\"unused\"},{"
        "\"name\":\"used\"},{\"name\":\"mounted\"}]}");
    fake_put(
        w.fake, KIND(CORE_POD),
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"default\"},\"spec\":{\"volumes\":[{\"name\":\"v\","
        "\"secret\":{\"secretName\":\"mounted\"}}]}}");
    put_token(&w, "unused", "");
    put_token(&w, "used", "\"kubernetes.io/legacy-token-last-used\":\"2027-01-10\"");
    put_token(&w, "mounted", "");
    put_token(&w, "by-hand", "");
    cluster_pass(&w, 2 * DAY_SECONDS);
    const struct core_secret *s = body_of(&w, core_secret, CORE_SECRET, "default", "unused");
    assert_int_equal(s->metadata.labels.n, 0); /* nobody says since when uses are noted */
    fake_put(w.fake, KIND(CORE_CONFIG_MAP),
             "{\"metadata\":{\"name\":\"kube-apiserver-legacy-service-account-token-tracking\",\"namespace\":"
             "\"kube-system\"},\"data\":{\"since\":\"2025-06-01\"}}");
    cluster_pass(&w, 2 * DAY_SECONDS);
    s = body_of(&w, core_secret, CORE_SECRET, "default", "unused");
    assert_true(str_has_prefix(str_map_get(s->metadata.labels, S("kubernetes.io/legacy-token-invalid-since")),
                               S("2027-01-1")));
    cluster_pass(&w, 300 * DAY_SECONDS);
    assert_true(has_secret(&w, "unused"));
    cluster_pass(&w, 80 * DAY_SECONDS);
    assert_false(has_secret(&w, "unused"));
    assert_true(has_secret(&w, "used") && has_secret(&w, "mounted") && has_secret(&w, "by-hand"));
}

TEST(test_controllers__hand_written_endpoints_are_mirrored) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-mirroring-controller");
    fake_put(
        w.fake, KIND(CORE_SERVICE),
        "{\"metadata\":{\"name\":\"ext\",\"namespace\":\"default\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
    fake_put(w.fake, KIND(CORE_ENDPOINTS),
             "{\"metadata\":{\"name\":\"ext\",\"namespace\":\"default\"},\"subsets\":[{\"addresses\":[{"
             "\"ip\":\"192.0.2.1\"},"
             "{\"ip\":\"2001:db8::1\"}],\"notReadyAddresses\":[{\"ip\":\"192.0.2.2\"}],\"ports\":[{\"port\":"
             "80,\"protocol\":"
             "\"TCP\"}]}]}");
    cluster_pass(&w, 1);
    assert_int_equal(fake_count(w.fake, KIND(DISCOVERY_ENDPOINT_SLICE)), 2); /* one a family */
    fake_merge(w.fake, KIND(CORE_ENDPOINTS), "default", "ext",
               "{\"metadata\":{\"labels\":{\"endpointslice.kubernetes.io/skip-mirror\":\"true\"}}}");
    cluster_pass(&w, 1);
    assert_int_equal(fake_count(w.fake, KIND(DISCOVERY_ENDPOINT_SLICE)), 0);
}

TEST(test_controllers__networks_of_services_are_ready_and_held) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "service-cidr-controller");
    fake_put(w.fake, KIND(NETWORKING_SERVICE_CIDR),
             "{\"metadata\":{\"name\":\"more\"},\"spec\":{\"cidrs\":[\"10.9.0.0/24\"]}}");
    cluster_settle(&w);
    const struct networking_service_cidr *s =
        body_of(&w, networking_service_cidr, NETWORKING_SERVICE_CIDR, "", "more");
    assert_str(s->status.conditions.v[0].status, "True");
    fake_put(w.fake, KIND(NETWORKING_IP_ADDRESS), "{\"metadata\":{\"name\":\"10.9.0.7\"}}");
    assert_ok(client_delete(w.client, KIND(NETWORKING_SERVICE_CIDR), S(""), S("more"), NULL, NULL), NULL);
    cluster_pass(&w, 30);
    s = body_of(&w, networking_service_cidr, NETWORKING_SERVICE_CIDR, "", "more");
    assert_str(s->status.conditions.v[0].status, "False");
    fake_remove(w.fake, KIND(NETWORKING_IP_ADDRESS), "", "10.9.0.7");
    cluster_pass(&w, 30);
    assert_false(cluster_has(&w, KIND(NETWORKING_SERVICE_CIDR), "", "more"));
}

static void scale(struct cluster *w, const char *json, size_t expected) {
    fake_merge(w->fake, KIND(APPS_REPLICA_SET), "default", "web", json);
    cluster_pass(w, 5);
    assert_int_equal(fake_count(w->fake, KIND(CORE_POD)), expected);
}

TEST(test_controllers__one_acts_and_a_second_one_takes_over) {
    _cleanup_cluster struct cluster w;
    struct controllers *second = NULL;
    struct err err = ERR_INIT;
    cluster_open_with(&w, "replicaset-controller", (struct controllers_options){.leader_elect = true});
    cluster_pass(&w, 5);
    assert_true(controllers_leading(w.controllers));
    assert_ok(controllers_start(&w.options, &second, &err), &err);
    cluster_pass(&w, 30);
    assert_true(controllers_leading(w.controllers));
    assert_false(controllers_leading(second));
    fake_put(
        w.fake, KIND(APPS_REPLICA_SET),
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\"},\"spec\":{\"replicas\":1,\"selector\":{"
        "\"matchLabels\":{\"app\":\"web\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},"
        "\"spec\":{"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
    scale(&w, "{\"spec\":{\"replicas\":3}}", 3);
    controllers_stop(w.controllers);
    w.controllers = NULL;
    cluster_pass(&w, 30);
    assert_true(controllers_leading(second));
    scale(&w, "{\"spec\":{\"replicas\":5}}", 5);
    controllers_stop(second);
}
