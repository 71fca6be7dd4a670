/* Starting and stopping the whole. */
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
