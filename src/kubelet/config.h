/* kubelet/config: KubeletConfiguration: what it holds here, from a file, and as /configz tells it.
 *
 * CONFORMS: kubelet.config.k8s.io/v1beta1, read strictly: fields that are unknown or there twice are refused,
 * as are settings that this kubelet would not obey and somebody may count on. What only tunes parts that this
 * kubelet does not have is accepted and named in the log.
 *
 * Plain data; one thread. Texts lie in the arena they were read into.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct buf;
struct err;

/* The fields of the same names. Texts may be NULL: none. */
struct kubelet_config {
    const char *static_pod_path, *pod_logs_dir, *address, *healthz_address;
    int64_t port, healthz_port;
    const char *tls_cert_file, *tls_key_file, *client_ca_file;
    bool rotate_certificates, server_tls_bootstrap;
    const char *cluster_domain, *resolv_conf, *runtime_endpoint, *provider_id;
    const char *const *cluster_dns; /* NULL-terminated; NULL: none */
    bool register_node;
    int64_t max_pods, pod_pids_limit;
    const char *cgroup_root, *cgroup_driver;
    bool cpu_quota;
    int64_t cpu_period_ns;
    int64_t image_gc_high_percent, image_gc_low_percent;
    const char *log_max_size;
    int64_t log_max_files;
    int64_t status_period_ns, status_report_ns, lease_seconds;
    int64_t restart_max_ns, eviction_transition_ns;
    struct str_map eviction_hard, system_reserved, kube_reserved;
    const char *log_format;
    int64_t log_verbosity;
};

/* Every field at its default. */
void kubelet_config_init(struct kubelet_config *c);

/* Reads a file over what is there. YAML or JSON. *ret_without_effect: names of fields that nothing here
 * heeds, NULL when there are none. Errors name the file and the field. Blocks. */
int kubelet_config_read(const char *path, struct arena *a, struct kubelet_config *c,
                        struct str *ret_without_effect, struct err *err);

/* Whether the values make sense together; after the file and the flags. */
int kubelet_config_check(const struct kubelet_config *c, struct err *err);

/* {"kubeletconfig":{…}} */
void kubelet_config_write(const struct kubelet_config *c, struct buf *out);

/* -- what texts of it mean -- */

enum eviction_signal { EVICT_MEMORY, EVICT_DISK, EVICT_INODES, EVICT_PIDS, EVICT_SIGNALS };

/* A quantity, or a part of the capacity. */
struct eviction_threshold {
    uint64_t value;
    double part;
};

/* Thresholds that are not named keep their defaults once evictionHard is not empty as well: what it names is
 * what counts, the rest is off. CONFORMS: mergeDefaultEvictionSettings false. */
void kubelet_config_eviction(const struct kubelet_config *c, struct eviction_threshold ret[EVICT_SIGNALS]);

/* systemReserved and kubeReserved together. */
void kubelet_config_reserved(const struct kubelet_config *c, uint64_t *ret_cpu_milli,
                             uint64_t *ret_memory_bytes);

int64_t kubelet_config_log_bytes(const struct kubelet_config *c);
