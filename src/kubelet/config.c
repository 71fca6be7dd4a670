/* KubeletConfiguration. See config.h. One table says what each field is called, where it goes, and what of it
 * is accepted; reading and writing walk it. */
#include "kubelet/config.h"

#include <stddef.h>
#include <stdlib.h>

#include "api/meta.h"
#include "api/quantity.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "codec/json.h"
#include "codec/jval.h"
#include "codec/yaml.h"

#define FILE_BYTES_MAX (1u << 20)
#define SECOND 1000000000ll
#define API_VERSION S("kubelet.config.k8s.io/v1beta1")
#define KIND_NAME S("KubeletConfiguration")

enum field_type { F_TEXT, F_BOOL, F_INT, F_DURATION, F_LIST, F_MAP, F_ONLY, F_NO_EFFECT };

struct field {
    const char *name; /* with dots */
    enum field_type type;
    size_t at;
    int64_t min, max; /* F_INT */
    const char *only; /* F_ONLY: values that are accepted, between bars; besides those that are empty */
};

#define TO(member) offsetof(struct kubelet_config, member)
#define PORT_MAX 65535

static const struct field fields[] = {
    {"staticPodPath", F_TEXT, TO(static_pod_path)},
    {"podLogsDir", F_TEXT, TO(pod_logs_dir)},
    {"address", F_TEXT, TO(address)},
    {"port", F_INT, TO(port), 1, PORT_MAX},
    {"healthzBindAddress", F_TEXT, TO(healthz_address)},
    {"healthzPort", F_INT, TO(healthz_port), 0, PORT_MAX},
    {"tlsCertFile", F_TEXT, TO(tls_cert_file)},
    {"tlsPrivateKeyFile", F_TEXT, TO(tls_key_file)},
    {"rotateCertificates", F_BOOL, TO(rotate_certificates)},
    {"serverTLSBootstrap", F_BOOL, TO(server_tls_bootstrap)},
    {"authentication.x509.clientCAFile", F_TEXT, TO(client_ca_file)},
    {"clusterDomain", F_TEXT, TO(cluster_domain)},
    {"clusterDNS", F_LIST, TO(cluster_dns)},
    {"resolvConf", F_TEXT, TO(resolv_conf)},
    {"containerRuntimeEndpoint", F_TEXT, TO(runtime_endpoint)},
    {"providerID", F_TEXT, TO(provider_id)},
    {"registerNode", F_BOOL, TO(register_node)},
    {"maxPods", F_INT, TO(max_pods), 1, 10000},
    {"podPidsLimit", F_INT, TO(pod_pids_limit), -1, INT64_MAX},
    {"cgroupRoot", F_TEXT, TO(cgroup_root)},
    {"cgroupDriver", F_TEXT, TO(cgroup_driver)},
    {"cpuCFSQuota", F_BOOL, TO(cpu_quota)},
    {"cpuCFSQuotaPeriod", F_DURATION, TO(cpu_period_ns)},
    {"imageGCHighThresholdPercent", F_INT, TO(image_gc_high_percent), 0, 100},
    {"imageGCLowThresholdPercent", F_INT, TO(image_gc_low_percent), 0, 100},
    {"containerLogMaxSize", F_TEXT, TO(log_max_size)},
    {"containerLogMaxFiles", F_INT, TO(log_max_files), 2, 1000},
    {"nodeStatusUpdateFrequency", F_DURATION, TO(status_period_ns)},
    {"nodeStatusReportFrequency", F_DURATION, TO(status_report_ns)},
    {"nodeLeaseDurationSeconds", F_INT, TO(lease_seconds), 1, 86400},
    {"crashLoopBackOff.maxContainerRestartPeriod", F_DURATION, TO(restart_max_ns)},
    {"evictionPressureTransitionPeriod", F_DURATION, TO(eviction_transition_ns)},
    {"evictionHard", F_MAP, TO(eviction_hard)},
    {"systemReserved", F_MAP, TO(system_reserved)},
    {"kubeReserved", F_MAP, TO(kube_reserved)},
    {"logging.format", F_TEXT, TO(log_format)},
    {"logging.verbosity", F_INT, TO(log_verbosity), 0, 100},
    /* what is done in one way only */
    {"enableServer", F_ONLY, .only = "true"},
    {"authentication.anonymous.enabled", F_ONLY, .only = "false"},
    {"authentication.webhook.enabled", F_ONLY, .only = "true"},
    {"authorization.mode", F_ONLY, .only = "Webhook"},
    {"readOnlyPort", F_ONLY, .only = "0"},
    {"staticPodURL", F_ONLY, .only = ""},
    {"staticPodURLHeader", F_ONLY, .only = ""},
    {"cgroupsPerQOS", F_ONLY, .only = "true"},
    {"enforceNodeAllocatable", F_ONLY, .only = "pods"},
    {"cpuManagerPolicy", F_ONLY, .only = "none"},
    {"cpuManagerPolicyOptions", F_ONLY, .only = ""},
    {"memoryManagerPolicy", F_ONLY, .only = "None"},
    {"topologyManagerPolicy", F_ONLY, .only = "none"},
    {"topologyManagerPolicyOptions", F_ONLY, .only = ""},
    {"reservedSystemCPUs", F_ONLY, .only = ""},
    {"reservedMemory", F_ONLY, .only = ""},
    {"systemReservedCgroup", F_ONLY, .only = ""},
    {"kubeReservedCgroup", F_ONLY, .only = ""},
    {"qosReserved", F_ONLY, .only = ""},
    {"hairpinMode", F_ONLY, .only = "promiscuous-bridge|hairpin-veth"},
    {"podCIDR", F_ONLY, .only = ""},
    {"podsPerCore", F_ONLY, .only = "0"},
    {"runOnce", F_ONLY, .only = "false"},
    {"allowedUnsafeSysctls", F_ONLY, .only = ""},
    {"seccompDefault", F_ONLY, .only = "false"},
    {"evictionSoft", F_ONLY, .only = ""},
    {"evictionSoftGracePeriod", F_ONLY, .only = ""},
    {"evictionMinimumReclaim", F_ONLY, .only = ""},
    {"mergeDefaultEvictionSettings", F_ONLY, .only = "false"},
    {"shutdownGracePeriod", F_ONLY, .only = "0s"},
    {"shutdownGracePeriodCriticalPods", F_ONLY, .only = "0s"},
    {"shutdownGracePeriodByPodPriority", F_ONLY, .only = ""},
    {"registerWithTaints", F_ONLY, .only = ""},
    {"memorySwap.swapBehavior", F_ONLY, .only = "NoSwap"},
    {"enableControllerAttachDetach", F_ONLY, .only = "true"},
    {"localStorageCapacityIsolation", F_ONLY, .only = "true"},
    {"failCgroupV1", F_ONLY, .only = "false"},
    {"tracing", F_ONLY, .only = ""},
    {"userNamespaces", F_ONLY, .only = ""},
    /* what only tunes upstream's own parts */
    {"syncFrequency", F_NO_EFFECT},
    {"fileCheckFrequency", F_NO_EFFECT},
    {"httpCheckFrequency", F_NO_EFFECT},
    {"tlsCipherSuites", F_NO_EFFECT},
    {"tlsCurvePreferences", F_NO_EFFECT},
    {"tlsMinVersion", F_ONLY, .only = "VersionTLS12|VersionTLS10|VersionTLS11"},
    {"authentication.webhook.cacheTTL", F_NO_EFFECT},
    {"authorization.webhook.cacheAuthorizedTTL", F_NO_EFFECT},
    {"authorization.webhook.cacheUnauthorizedTTL", F_NO_EFFECT},
    {"registryPullQPS", F_NO_EFFECT},
    {"registryBurst", F_NO_EFFECT},
    {"imagePullCredentialsVerificationPolicy", F_NO_EFFECT},
    {"serializeImagePulls", F_NO_EFFECT},
    {"maxParallelImagePulls", F_NO_EFFECT},
    {"eventRecordQPS", F_NO_EFFECT},
    {"eventBurst", F_NO_EFFECT},
    {"enableDebuggingHandlers", F_ONLY, .only = "true"},
    {"enableContentionProfiling", F_NO_EFFECT},
    {"enableProfilingHandler", F_NO_EFFECT},
    {"enableDebugFlagsHandler", F_NO_EFFECT},
    {"enableSystemLogHandler", F_NO_EFFECT},
    {"enableSystemLogQuery", F_NO_EFFECT},
    {"oomScoreAdj", F_NO_EFFECT},
    {"streamingConnectionIdleTimeout", F_NO_EFFECT},
    {"imageMinimumGCAge", F_NO_EFFECT},
    {"imageMaximumGCAge", F_NO_EFFECT},
    {"imageServiceEndpoint", F_NO_EFFECT},
    {"volumeStatsAggPeriod", F_NO_EFFECT},
    {"volumePluginDir", F_NO_EFFECT},
    {"kubeletCgroups", F_NO_EFFECT},
    {"systemCgroups", F_NO_EFFECT},
    {"cpuManagerReconcilePeriod", F_NO_EFFECT},
    {"topologyManagerScope", F_NO_EFFECT},
    {"runtimeRequestTimeout", F_NO_EFFECT},
    {"nodeStatusMaxImages", F_NO_EFFECT},
    {"maxOpenFiles", F_NO_EFFECT},
    {"contentType", F_NO_EFFECT},
    {"kubeAPIQPS", F_NO_EFFECT},
    {"kubeAPIBurst", F_NO_EFFECT},
    {"evictionMaxPodGracePeriod", F_NO_EFFECT},
    {"protectKernelDefaults", F_NO_EFFECT},
    {"makeIPTablesUtilChains", F_NO_EFFECT},
    {"iptablesMasqueradeBit", F_NO_EFFECT},
    {"iptablesDropBit", F_NO_EFFECT},
    {"featureGates", F_NO_EFFECT},
    {"failSwapOn", F_NO_EFFECT},
    {"kernelMemcgNotification", F_NO_EFFECT},
    {"memoryThrottlingFactor", F_NO_EFFECT},
    {"memoryReservationPolicy", F_NO_EFFECT},
    {"containerLogMaxWorkers", F_NO_EFFECT},
    {"containerLogMonitorInterval", F_NO_EFFECT},
    {"configMapAndSecretChangeDetectionStrategy", F_NO_EFFECT},
    {"showHiddenMetricsForVersion", F_NO_EFFECT},
    {"logging.flushFrequency", F_NO_EFFECT},
    {"logging.options", F_NO_EFFECT},
    {"logging.vmodule", F_NO_EFFECT},
};

#define N_FIELDS (sizeof fields / sizeof *fields)

void kubelet_config_init(struct kubelet_config *c) {
    *c = (struct kubelet_config){
        .healthz_address = "127.0.0.1",
        .port = 10250,
        .healthz_port = 10248,
        .cluster_domain = "cluster.local",
        .resolv_conf = "/etc/resolv.conf",
        .register_node = true,
        .max_pods = 110,
        .pod_pids_limit = -1,
        .cgroup_driver = "cgroupfs",
        .cpu_quota = true,
        .cpu_period_ns = SECOND / 10,
        .image_gc_high_percent = 85,
        .image_gc_low_percent = 80,
        .log_max_size = "10Mi",
        .log_max_files = 5,
        .status_period_ns = 10 * SECOND,
        .status_report_ns = 300 * SECOND,
        .lease_seconds = 40,
        .restart_max_ns = 300 * SECOND,
        .eviction_transition_ns = 300 * SECOND,
        .log_format = "text",
    };
}

/* -- reading -- */

struct reading {
    struct arena *a;
    struct kubelet_config *c;
    VEC(struct str) idle; /* fields without effect */
    struct err *err;
};

static const struct field *find(struct str name) {
    for (size_t i = 0; i < N_FIELDS; i++)
        if (str_eq(name, str_from(fields[i].name)))
            return &fields[i];
    return NULL;
}

static bool is_section(struct str name) {
    for (size_t i = 0; i < N_FIELDS; i++)
        if (str_has_prefix(str_from(fields[i].name), name) && fields[i].name[name.n] == '.')
            return true;
    return false;
}

static int wrong(struct reading *r, struct str name, const char *wanted) {
    return err_set(r->err, ERR_INVALID, "%.*s: must be %s", STR_ARG(name), wanted);
}

static int read_int(struct reading *r, const struct field *f, struct str name, const struct jval *v,
                    int64_t *to) {
    if (v->kind != J_INT)
        return wrong(r, name, "a whole number");
    if (v->i < f->min || v->i > f->max)
        return err_set(r->err, ERR_INVALID, "%.*s: %lld is not between %lld and %lld", STR_ARG(name),
                       (long long)v->i, (long long)f->min, (long long)f->max);
    *to = v->i;
    return 0;
}

static int read_list(struct reading *r, struct str name, const struct jval *v, const char *const **to) {
    if (v->kind != J_ARRAY)
        return wrong(r, name, "a list of texts");
    const char **list = arena_new_n(r->a, v->n + 1, const char *);
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->items[i].kind != J_STRING)
            return wrong(r, name, "a list of texts");
        list[i] = arena_strz(r->a, jval_as_str(&v->items[i]));
    }
    *to = v->n ? list : NULL;
    return 0;
}

static int read_map(struct reading *r, struct str name, const struct jval *v, struct str_map *to) {
    struct str_map m = {0};
    if (v->kind != J_OBJECT)
        return wrong(r, name, "a map of texts");
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->members[i].value.kind != J_STRING)
            return wrong(r, name, "a map of texts");
        m = str_map_with(r->a, m, arena_str(r->a, v->members[i].key),
                         arena_str(r->a, jval_as_str(&v->members[i].value)));
    }
    *to = m;
    return 0;
}

static int read_duration(struct reading *r, struct str name, const struct jval *v, int64_t *to) {
    int64_t ns;
    if (v->kind != J_STRING || !duration_parse(jval_as_str(v), &ns) || ns < 0)
        return wrong(r, name, "a duration like 10s");
    if (ns) /* CONFORMS: zero stands for the default */
        *to = ns;
    return 0;
}

static struct str scalar(const struct jval *v, struct arena *a) {
    switch (v->kind) {
    case J_STRING: return jval_as_str(v);
    case J_BOOL: return v->b ? S("true") : S("false");
    case J_INT: return arena_printf(a, "%lld", (long long)v->i);
    default: return STR_NONE;
    }
}

static bool is_one_of(struct str value, const char *bars) {
    struct str rest = str_from(bars), item;
    while (rest.n) {
        (void)str_split(rest, '|', &item, &rest);
        if (str_eq(item, value))
            return true;
    }
    return false;
}

static bool is_accepted(const struct field *f, const struct jval *v, struct arena *a) {
    bool list = v->kind == J_ARRAY || v->kind == J_OBJECT;
    if (v->kind == J_NULL || (v->kind == J_STRING && v->n == 0) || (list && v->n == 0))
        return true;
    if (v->kind == J_ARRAY && v->n == 1)
        return is_one_of(scalar(&v->items[0], a), f->only);
    return !list && is_one_of(scalar(v, a), f->only);
}

static int read_only(struct reading *r, const struct field *f, const struct jval *v) {
    if (is_accepted(f, v, r->a))
        return 0;
    struct str value = scalar(v, r->a);
    if (!f->only[0])
        return err_set(r->err, ERR_UNSUPPORTED, "%s: this kubelet does not have it; take it out", f->name);
    return err_set(r->err, ERR_UNSUPPORTED, "%s: this kubelet knows %s only, not %.*s", f->name, f->only,
                   STR_ARG(value.p ? value : S("this")));
}

static int read_field(struct reading *r, const struct field *f, const struct jval *v) {
    void *to = (char *)r->c + f->at;
    struct str name = str_from(f->name);
    if (f->type != F_ONLY && v->kind == J_NULL)
        return 0;
    switch (f->type) {
    case F_TEXT:
        if (v->kind != J_STRING)
            return wrong(r, name, "a text");
        if (v->n)
            *(const char **)to = arena_strz(r->a, jval_as_str(v));
        return 0;
    case F_BOOL:
        if (v->kind != J_BOOL)
            return wrong(r, name, "true or false");
        *(bool *)to = v->b;
        return 0;
    case F_INT: return read_int(r, f, name, v, to);
    case F_DURATION: return read_duration(r, name, v, to);
    case F_LIST: return read_list(r, name, v, to);
    case F_MAP: return read_map(r, name, v, to);
    case F_ONLY: return read_only(r, f, v);
    default: vec_push_in(r->a, &r->idle, name); return 0;
    }
}

static int read_members(struct reading *r, struct str prefix, const struct jval *v) {
    for (uint32_t i = 0; i < v->n; i++) {
        const struct jmember *m = &v->members[i];
        struct str name =
            prefix.n ? arena_printf(r->a, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(m->key)) : m->key;
        const struct field *f = find(name);
        bool section = !f && is_section(name),
             head = !prefix.n && (str_eq(name, S("apiVersion")) || str_eq(name, S("kind")));
        if (head)
            continue;
        if (!f && !section)
            return err_set(r->err, ERR_INVALID, "unknown field \"%.*s\"", STR_ARG(name));
        if (section && m->value.kind != J_OBJECT && m->value.kind != J_NULL)
            return wrong(r, name, "a map");
        int rc = f ? read_field(r, f, &m->value) : read_members(r, name, &m->value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_text(struct reading *r, struct str text) {
    struct strict_errors strict = {.arena = r->a};
    struct jval tree;
    int rc = yaml_parse(r->a, text, NULL, &strict, &tree, r->err);
    if (rc < 0)
        return rc;
    if (strict.n)
        return err_set(r->err, ERR_INVALID, "%.*s", STR_ARG(strict.v[0]));
    struct str version = jval_get_str(&tree, S("apiVersion")), kind = jval_get_str(&tree, S("kind"));
    if (tree.kind != J_OBJECT || !str_eq(version, API_VERSION) || !str_eq(kind, KIND_NAME))
        return err_set(r->err, ERR_INVALID,
                       "it is %.*s %.*s, wanted is kubelet.config.k8s.io/v1beta1 KubeletConfiguration",
                       STR_ARG(version), STR_ARG(kind));
    return read_members(r, S(""), &tree);
}

int kubelet_config_read(const char *path, struct arena *a, struct kubelet_config *c,
                        struct str *ret_without_effect, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct reading r = {.a = a, .c = c, .err = err};
    int rc = file_read(path, FILE_BYTES_MAX, &text, err);
    if (rc == 0)
        rc = read_text(&r, arena_str(a, buf_view(&text)));
    if (rc < 0)
        return err_wrap(err, "%s", path);
    *ret_without_effect = r.idle.n ? arena_join(a, r.idle.v, r.idle.n, S(", ")) : STR_NONE;
    return 0;
}

/* -- meaning -- */

static const char *const signal_names[EVICT_SIGNALS] = {
    [EVICT_MEMORY] = "memory.available",
    [EVICT_DISK] = "nodefs.available",
    [EVICT_INODES] = "nodefs.inodesFree",
    [EVICT_PIDS] = "pid.available",
};

static bool read_threshold(struct str text, struct eviction_threshold *ret) {
    struct quantity q;
    int64_t percent;
    *ret = (struct eviction_threshold){0};
    if (str_has_suffix(text, S("%"))) {
        bool ok = str_to_i64(str_cut(text, text.n - 1), &percent) && percent >= 0 && percent <= 100;
        ret->part = ok ? (double)percent / 100 : 0;
        return ok;
    }
    if (quantity_parse(text, &q, NULL) < 0 || quantity_value(&q) < 0)
        return false;
    ret->value = (uint64_t)quantity_value(&q);
    return true;
}

/* CONFORMS: the images' file system is the node's here, so its thresholds are known, and are the node's. */
static int check_eviction(const struct kubelet_config *c, struct err *err) {
    for (uint32_t i = 0; i < c->eviction_hard.n; i++) {
        const struct str_entry *e = &c->eviction_hard.v[i];
        struct eviction_threshold t;
        bool known = str_has_prefix(e->key, S("imagefs.")) || str_has_prefix(e->key, S("containerfs."));
        for (size_t s = 0; s < EVICT_SIGNALS; s++)
            known |= str_eq(e->key, str_from(signal_names[s]));
        if (!known)
            return err_set(err, ERR_INVALID, "evictionHard: unknown signal \"%.*s\"", STR_ARG(e->key));
        if (!read_threshold(e->value, &t))
            return err_set(err, ERR_INVALID,
                           "evictionHard: %.*s: \"%.*s\" is neither a quantity nor a percentage",
                           STR_ARG(e->key), STR_ARG(e->value));
    }
    return 0;
}

static int check_reserved(const char *name, const struct str_map *m, struct err *err) {
    for (uint32_t i = 0; i < m->n; i++) {
        struct quantity q;
        static const char known[] = "cpu|memory|ephemeral-storage|pid";
        if (!is_one_of(m->v[i].key, known))
            return err_set(err, ERR_INVALID, "%s: unknown resource \"%.*s\"", name, STR_ARG(m->v[i].key));
        if (quantity_parse(m->v[i].value, &q, NULL) < 0 || quantity_value(&q) < 0)
            return err_set(err, ERR_INVALID, "%s: %.*s: \"%.*s\" is no amount", name, STR_ARG(m->v[i].key),
                           STR_ARG(m->v[i].value));
    }
    return 0;
}

int kubelet_config_check(const struct kubelet_config *c, struct err *err) {
    bool systemd = str_eq(str_from(c->cgroup_driver), S("systemd"));
    if (!systemd && !str_eq(str_from(c->cgroup_driver), S("cgroupfs")))
        return err_set(err, ERR_INVALID, "cgroupDriver: must be cgroupfs or systemd, not \"%s\"",
                       c->cgroup_driver);
    if (c->image_gc_low_percent >= c->image_gc_high_percent)
        return err_set(err, ERR_INVALID,
                       "imageGCLowThresholdPercent: must be less than imageGCHighThresholdPercent");
    if (kubelet_config_log_bytes(c) <= 0)
        return err_set(err, ERR_INVALID, "containerLogMaxSize: \"%s\" is no amount of bytes",
                       c->log_max_size);
    if (!c->tls_cert_file != !c->tls_key_file)
        return err_set(err, ERR_INVALID, "tlsCertFile and tlsPrivateKeyFile: either both or none");
    if (c->restart_max_ns < SECOND || c->restart_max_ns > 300 * SECOND)
        return err_set(err, ERR_INVALID, "crashLoopBackOff.maxContainerRestartPeriod: not from 1s to 300s");
    int rc = check_eviction(c, err);
    rc = rc ? rc : check_reserved("systemReserved", &c->system_reserved, err);
    return rc ? rc : check_reserved("kubeReserved", &c->kube_reserved, err);
}

void kubelet_config_eviction(const struct kubelet_config *c, struct eviction_threshold ret[EVICT_SIGNALS]) {
    const struct eviction_threshold defaults[EVICT_SIGNALS] = {[EVICT_MEMORY] = {.value = 100ull << 20},
                                                               [EVICT_DISK] = {.part = 0.10},
                                                               [EVICT_INODES] = {.part = 0.05},
                                                               [EVICT_PIDS] = {.value = 64}};
    for (size_t s = 0; s < EVICT_SIGNALS; s++) {
        struct str text = str_map_get(c->eviction_hard, str_from(signal_names[s]));
        ret[s] = c->eviction_hard.n ? (struct eviction_threshold){0} : defaults[s];
        if (text.p)
            (void)read_threshold(text, &ret[s]);
    }
}

static void add_reserved(const struct str_map *m, uint64_t *cpu, uint64_t *memory) {
    struct quantity q;
    struct str text = str_map_get(*m, S("cpu"));
    if (text.p && quantity_parse(text, &q, NULL) == 0)
        *cpu += (uint64_t)quantity_milli_value(&q);
    text = str_map_get(*m, S("memory"));
    if (text.p && quantity_parse(text, &q, NULL) == 0)
        *memory += (uint64_t)quantity_value(&q);
}

void kubelet_config_reserved(const struct kubelet_config *c, uint64_t *ret_cpu_milli,
                             uint64_t *ret_memory_bytes) {
    *ret_cpu_milli = *ret_memory_bytes = 0;
    add_reserved(&c->system_reserved, ret_cpu_milli, ret_memory_bytes);
    add_reserved(&c->kube_reserved, ret_cpu_milli, ret_memory_bytes);
}

int64_t kubelet_config_log_bytes(const struct kubelet_config *c) {
    struct quantity q;
    return quantity_parse(str_from(c->log_max_size), &q, NULL) == 0 ? quantity_value(&q) : 0;
}

/* -- writing -- */

static struct jval text_of(const char *s) {
    return jval_str(str_from(s));
}

static struct jval list_of(const char *const *v, struct arena *a) {
    size_t n = 0;
    while (v && v[n])
        n++;
    struct jval *items = arena_new_n(a, n + 1, struct jval);
    for (size_t i = 0; i < n; i++)
        items[i] = text_of(v[i]);
    return jval_array(items, n);
}

static struct jval map_of(const struct str_map *m, struct arena *a) {
    struct jmember *v = arena_new_n(a, m->n + 1, struct jmember);
    for (uint32_t i = 0; i < m->n; i++)
        v[i] = (struct jmember){.key = m->v[i].key, .value = jval_str(m->v[i].value)};
    return jval_object(v, m->n);
}

/* False: nothing to tell. */
static bool value_of(const struct field *f, const struct kubelet_config *c, struct arena *a,
                     struct jval *ret) {
    const void *at = (const char *)c + f->at;
    char text[DURATION_TEXT_SIZE];
    switch (f->type) {
    case F_TEXT:
        if (!*(const char *const *)at || !**(const char *const *)at)
            return false;
        *ret = text_of(*(const char *const *)at);
        return true;
    case F_BOOL: *ret = jval_bool(*(const bool *)at); return true;
    case F_INT: *ret = jval_int(*(const int64_t *)at); return true;
    case F_DURATION:
        *ret = jval_str(arena_str(a, str_make(text, duration_format(text, *(const int64_t *)at))));
        return true;
    case F_LIST: *ret = list_of(*(const char *const *const *)at, a); return ret->n > 0;
    case F_MAP: *ret = map_of(at, a); return ret->n > 0;
    case F_ONLY: /* the one way in which it is done */
        *ret = str_eq(str_from(f->only), S("true"))    ? jval_bool(true)
               : str_eq(str_from(f->only), S("false")) ? jval_bool(false)
                                                       : text_of(f->only);
        return ret->kind == J_BOOL ||
               (str_find_byte(str_from(f->only), '|') < 0 && f->only[0] &&
                (f->only[0] < '0' || f->only[0] > '9') && !str_eq(str_from(f->only), S("pods")));
    default: return false;
    }
}

static struct jval with_path(struct arena *a, const struct jval *v, struct str path, struct jval value) {
    struct str first, rest;
    if (!str_split(path, '.', &first, &rest))
        return jval_with(a, v, path, value);
    const struct jval *inner = jval_get(v, first);
    struct jval empty = jval_object(NULL, 0);
    return jval_with(a, v, first, with_path(a, inner ? inner : &empty, rest, value));
}

void kubelet_config_write(const struct kubelet_config *c, struct buf *out) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval tree = jval_object(NULL, 0), value;
    tree = jval_with(&a, &tree, S("kind"), jval_str(KIND_NAME));
    tree = jval_with(&a, &tree, S("apiVersion"), jval_str(API_VERSION));
    for (size_t i = 0; i < N_FIELDS; i++)
        if (value_of(&fields[i], c, &a, &value))
            tree = with_path(&a, &tree, str_from(fields[i].name), value);
    struct jmember top = {.key = S("kubeletconfig"), .value = tree};
    struct jval all = jval_object(&top, 1);
    json_write(out, &all);
}
