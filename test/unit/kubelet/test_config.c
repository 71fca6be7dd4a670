/* KubeletConfiguration: what is read, what is refused and why, and what is told again. */
#include "kubelet/config.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "unit/unit.h"

#define HEAD "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

struct world {
    struct arena a;
    struct kubelet_config c;
    struct str idle;
    struct err err;
    int rc;
};

static void read_file(struct world *w, const char *text) {
    *w = (struct world){.a = ARENA_INIT};
    const char *path = arena_printf(&w->a, "%s/kubelet.yaml", unit_tmpdir()).p;
    assert_ok(file_write_atomic(path, str_from(text), 0644, &w->err), &w->err);
    kubelet_config_init(&w->c);
    w->rc = kubelet_config_read(path, &w->a, &w->c, &w->idle, &w->err);
    if (w->rc == 0)
        w->rc = kubelet_config_check(&w->c, &w->err);
}

static void end(struct world *w) {
    arena_fini(&w->a);
}

static void assert_refused(const char *text, const char *why) {
    struct world w;
    read_file(&w, text);
    assert_true(w.rc < 0);
    if (str_find(str_from(w.err.msg), str_from(why)) < 0)
        fail_msg("\"%s\" is not in \"%s\"", why, w.err.msg);
    end(&w);
}

TEST(test_config__fields_are_read) {
    struct world w;
    read_file(&w, HEAD "maxPods: 30\nclusterDNS: [10.96.0.10, 'fd00::a']\nresolvConf: /run/resolv.conf\n"
                       "evictionHard: {memory.available: 200Mi, nodefs.available: 5%}\n"
                       "systemReserved: {cpu: 200m, memory: 1Gi}\nkubeReserved: {cpu: '1'}\n"
                       "authentication: {x509: {clientCAFile: /etc/ca.crt}, anonymous: {enabled: false}}\n"
                       "nodeStatusUpdateFrequency: 4s\ncgroupDriver: systemd\n"
                       "containerLogMaxSize: 1Mi\nlogging: {format: json, verbosity: 3}\n");
    assert_ok(w.rc, &w.err);
    assert_int_equal(w.c.max_pods, 30);
    assert_string_equal(w.c.cluster_dns[1], "fd00::a");
    assert_null(w.c.cluster_dns[2]);
    assert_string_equal(w.c.client_ca_file, "/etc/ca.crt");
    assert_int_equal(w.c.status_period_ns, 4000000000ll);
    assert_int_equal(kubelet_config_log_bytes(&w.c), 1 << 20);
    assert_int_equal(w.c.log_verbosity, 3);
    uint64_t cpu, memory;
    kubelet_config_reserved(&w.c, &cpu, &memory);
    assert_int_equal(cpu, 1200);
    assert_int_equal(memory, 1 << 30);
    assert_null(w.idle.p);
    end(&w);
}

TEST(test_config__eviction_thresholds_replace_the_defaults_together) {
    struct eviction_threshold t[EVICT_SIGNALS];
    struct world w;
    read_file(&w, HEAD);
    kubelet_config_eviction(&w.c, t);
    assert_int_equal(t[EVICT_MEMORY].value, 100 << 20);
    assert_true(t[EVICT_DISK].part > 0.099 && t[EVICT_DISK].part < 0.101);
    end(&w);
    read_file(&w, HEAD "evictionHard: {memory.available: 5%}\n");
    kubelet_config_eviction(&w.c, t);
    assert_true(t[EVICT_MEMORY].part > 0.049 && t[EVICT_MEMORY].value == 0);
    assert_true(t[EVICT_DISK].part == 0 && t[EVICT_DISK].value == 0);
    end(&w);
}

/* As kubeadm writes it. */
TEST(test_config__file_of_kubeadm_is_accepted) {
    struct world w;
    read_file(&w, HEAD
              "authentication:\n  anonymous: {enabled: false}\n  webhook: {cacheTTL: 0s, enabled: true}\n"
              "  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}\n"
              "authorization:\n  mode: Webhook\n  webhook: {cacheAuthorizedTTL: 0s}\n"
              "cgroupDriver: systemd\nclusterDNS: [10.96.0.10]\nclusterDomain: cluster.local\n"
              "containerRuntimeEndpoint: ''\ncpuManagerReconcilePeriod: 0s\n"
              "crashLoopBackOff: {}\nevictionPressureTransitionPeriod: 0s\n"
              "fileCheckFrequency: 0s\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\n"
              "imageMinimumGCAge: 0s\nlogging: {flushFrequency: 0, options: {json: {}}, verbosity: 0}\n"
              "memorySwap: {}\nrotateCertificates: true\nshutdownGracePeriod: 0s\n"
              "staticPodPath: /etc/kubernetes/manifests\nvolumeStatsAggPeriod: 0s\n");
    assert_ok(w.rc, &w.err);
    assert_true(w.c.rotate_certificates);
    assert_int_equal(w.c.eviction_transition_ns, 300000000000ll);
    assert_true(str_find(w.idle, S("fileCheckFrequency")) >= 0);
    end(&w);
}

TEST(test_config__what_is_wrong_is_refused_by_name) {
    assert_refused("kind: Pod\napiVersion: v1\n", "wanted is kubelet.config.k8s.io/v1beta1");
    assert_refused(HEAD "maxPod: 3\n", "unknown field \"maxPod\"");
    assert_refused(HEAD "authentication: {x509: {ca: a}}\n", "unknown field \"authentication.x509.ca\"");
    assert_refused(HEAD "maxPods: 3\nmaxPods: 4\n", "maxPods");
    assert_refused(HEAD "maxPods: many\n", "maxPods: must be a whole number");
    assert_refused(HEAD "maxPods: 0\n", "maxPods: 0 is not between 1 and");
    assert_refused(HEAD "registerNode: 'yes'\n", "registerNode: must be true or false");
    assert_refused(HEAD "clusterDNS: 10.96.0.10\n", "clusterDNS: must be a list");
    assert_refused(HEAD "authentication: 3\n", "authentication: must be a map");
    assert_refused(HEAD "nodeStatusUpdateFrequency: soon\n", "must be a duration");
    assert_refused(HEAD "cgroupDriver: docker\n", "cgroupDriver: must be cgroupfs or systemd");
    assert_refused(HEAD "evictionHard: {memory.free: 1Gi}\n", "unknown signal \"memory.free\"");
    assert_refused(HEAD "evictionHard: {memory.available: 101%}\n", "neither a quantity nor a percentage");
    assert_refused(HEAD "systemReserved: {gpu: '1'}\n", "systemReserved: unknown resource \"gpu\"");
    assert_refused(HEAD "imageGCHighThresholdPercent: 50\n", "imageGCLowThresholdPercent: must be less");
    assert_refused(HEAD "tlsCertFile: /a\n", "either both or none");
}

TEST(test_config__what_would_not_be_obeyed_is_refused) {
    assert_refused(HEAD "authorization: {mode: AlwaysAllow}\n", "knows Webhook only, not AlwaysAllow");
    assert_refused(HEAD "authentication: {anonymous: {enabled: true}}\n", "authentication.anonymous.enabled");
    assert_refused(HEAD "readOnlyPort: 10255\n", "readOnlyPort");
    assert_refused(HEAD "cpuManagerPolicy: static\n", "knows none only, not static");
    assert_refused(HEAD "staticPodURL: http://a/\n", "staticPodURL: this kubelet does not have it");
    assert_refused(HEAD "shutdownGracePeriod: 30s\n", "shutdownGracePeriod");
}

TEST(test_config__what_is_told_can_be_read_again) {
    struct world w;
    _cleanup_buf struct buf out = BUF_INIT;
    read_file(&w, HEAD "maxPods: 7\nclusterDNS: [10.0.0.1]\nevictionHard: {pid.available: '10'}\n");
    kubelet_config_write(&w.c, &out);
    struct str text = buf_view(&out);
    assert_true(str_has_prefix(text, S("{\"kubeletconfig\":{")));
    const char *inner = arena_strz(&w.a, str_make(text.p + 17, text.n - 18));
    assert_true(str_find(text, S("\"authorization\":{\"mode\":\"Webhook\"}")) >= 0);
    struct world again;
    read_file(&again, inner);
    assert_ok(again.rc, &again.err);
    assert_int_equal(again.c.max_pods, 7);
    assert_string_equal(again.c.cluster_dns[0], "10.0.0.1");
    assert_str(str_map_get(again.c.eviction_hard, S("pid.available")), "10");
    end(&again);
    end(&w);
}
