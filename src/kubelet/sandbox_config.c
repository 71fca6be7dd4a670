/* Sandboxes as the runtime is asked to make them. See container_config.h. */
#include "api/types/core.h"
#include "base/arena.h"
#include "kubelet/container_config.h"
#include "kubelet/cri_names.h"
#include "kubelet/labels.h"

enum { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };

struct str pod_log_dir(const struct core_pod *pod, struct arena *a) {
    return arena_printf(a, "%.*s_%.*s_%.*s", STR_ARG(pod->metadata.namespace), STR_ARG(pod->metadata.name),
                        STR_ARG(pod->metadata.uid));
}

/* --- ports of the host --- */

static uint32_t count_ports(const struct core_container_array *list) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        n += list->v[i].ports.n;
    return n;
}

static void put_ports(const struct core_container_array *list, struct cri_port_mapping_array *out) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container_port_array *ports = &list->v[i].ports;
        for (uint32_t j = 0; j < ports->n; j++) {
            const struct core_container_port *p = &ports->v[j];
            if (p->host_port <= 0)
                continue;
            int32_t protocol = str_eq(p->protocol, S("UDP"))    ? PROTOCOL_UDP
                               : str_eq(p->protocol, S("SCTP")) ? PROTOCOL_SCTP
                                                                : PROTOCOL_TCP;
            out->v[out->n++] = (struct cri_port_mapping){.protocol = protocol,
                                                         .container_port = p->container_port,
                                                         .host_port = p->host_port,
                                                         .host_ip = p->host_ip};
        }
    }
}

static struct cri_port_mapping_array port_mappings(const struct core_pod *pod, struct arena *a) {
    const struct core_pod_spec *s = &pod->spec;
    struct cri_port_mapping_array out = {
        .v = arena_new_n(a, count_ports(&s->containers) + count_ports(&s->init_containers),
                         struct cri_port_mapping)};
    if (s->host_network)
        return out;                       /* the ports are the host's own */
    put_ports(&s->init_containers, &out); /* sidecars have some */
    put_ports(&s->containers, &out);
    return out;
}

/* --- sysctls --- */

/* "net/ipv4/tcp_wmem" is "net.ipv4.tcp_wmem". CONFORMS: sysctl(8): the first separator decides. */
static struct str dotted(struct str name, struct arena *a) {
    size_t i = 0;
    while (i < name.n && name.p[i] != '.' && name.p[i] != '/')
        i++;
    if (i == name.n || name.p[i] == '.')
        return name;
    char *p = arena_strz(a, name);
    for (i = 0; i < name.n; i++)
        p[i] = name.p[i] == '/' ? '.' : name.p[i] == '.' ? '/' : name.p[i];
    return str_make(p, name.n);
}

static struct str_map sysctls_of(const struct core_pod *pod, struct arena *a) {
    const struct core_pod_security_context *p = pod->spec.security_context;
    struct str_map m = labels_begin((struct str_map){0}, p ? p->sysctls.n : 0, a);
    for (uint32_t i = 0; p && i < p->sysctls.n; i++)
        labels_put(&m, dotted(p->sysctls.v[i].name, a), p->sysctls.v[i].value);
    labels_end(&m);
    return m;
}

static bool is_safe_sysctl(struct str name) {
    static const struct str safe[] = {
        STR_INIT("kernel.shm_rmid_forced"),
        STR_INIT("net.ipv4.ip_local_port_range"),
        STR_INIT("net.ipv4.tcp_syncookies"),
        STR_INIT("net.ipv4.ping_group_range"),
        STR_INIT("net.ipv4.ip_unprivileged_port_start"),
        STR_INIT("net.ipv4.ip_local_reserved_ports"),
        STR_INIT("net.ipv4.tcp_keepalive_time"),
        STR_INIT("net.ipv4.tcp_fin_timeout"),
        STR_INIT("net.ipv4.tcp_keepalive_intvl"),
        STR_INIT("net.ipv4.tcp_keepalive_probes"),
        STR_INIT("net.ipv4.tcp_rmem"),
        STR_INIT("net.ipv4.tcp_wmem"),
    };
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (str_eq(name, safe[i]))
            return true;
    return false;
}

static bool matches(struct str pattern, struct str name) {
    if (pattern.n && pattern.p[pattern.n - 1] == '*')
        return str_has_prefix(name, str_cut(pattern, pattern.n - 1));
    return str_eq(pattern, name);
}

static bool starts_with_any(struct str name, const char *const *prefixes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_has_prefix(name, str_from(prefixes[i])))
            return true;
    return false;
}

/* With the host's network or IPC namespace a pod would set the host's own values. */
static bool is_namespaced_here(const struct core_pod *pod, struct str name) {
    static const char *const ipc[] = {"kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."};
    if (str_has_prefix(name, S("net.")))
        return !pod->spec.host_network;
    return starts_with_any(name, ipc, sizeof ipc / sizeof *ipc) && !pod->spec.host_ipc;
}

struct str pod_forbidden_sysctl(const struct core_pod *pod, struct str_array allowed_unsafe) {
    const struct core_pod_security_context *p = pod->spec.security_context;
    for (uint32_t i = 0; p && i < p->sysctls.n; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct str name = dotted(p->sysctls.v[i].name, &a);
        bool allowed = is_safe_sysctl(name);
        for (uint32_t j = 0; j < allowed_unsafe.n && !allowed; j++)
            allowed = matches(allowed_unsafe.v[j], name);
        if (!allowed || !is_namespaced_here(pod, name))
            return p->sysctls.v[i].name;
    }
    return STR_NONE;
}

/* --- all of it --- */

static struct cri_linux_container_resources *overhead_of(const struct core_pod *pod,
                                                         const struct container_node *node, struct arena *a) {
    struct core_container c = {.resources = {.limits = pod->spec.overhead, .requests = pod->spec.overhead}};
    struct core_pod alone = {.spec = {.containers = {&c, 1}}};
    struct cri_linux_container_resources *r = container_resources(&alone, &c, node, a);
    *r = (struct cri_linux_container_resources){.cpu_period = r->cpu_period,
                                                .cpu_quota = r->cpu_quota,
                                                .cpu_shares = pod->spec.overhead.n ? r->cpu_shares : 0,
                                                .memory_limit_in_bytes = r->memory_limit_in_bytes};
    return r;
}

static struct cri_linux_container_resources *sums_of(const struct core_pod *pod,
                                                     const struct container_node *node, struct arena *a) {
    struct pod_amounts s = pod_amounts_of(pod);
    struct cri_linux_container_resources *r = arena_new(a, struct cri_linux_container_resources);
    r->cpu_period = node->cpu_period_us ? node->cpu_period_us : CPU_PERIOD_US;
    r->cpu_shares = cpu_shares(s.cpu_request_milli);
    r->cpu_quota = s.has_cpu_limit && !node->cpu_quota_off ? cpu_quota(s.cpu_limit_milli, r->cpu_period) : 0;
    r->memory_limit_in_bytes = s.has_memory_limit ? s.memory_limit : 0;
    return r;
}

static struct str_map labels_of(const struct core_pod *pod, struct arena *a) {
    struct str_map m = labels_begin(pod->metadata.labels, 3, a);
    labels_put(&m, CRI_LABEL_POD_NAME, pod->metadata.name);
    labels_put(&m, CRI_LABEL_POD_NAMESPACE, pod->metadata.namespace);
    labels_put(&m, CRI_LABEL_POD_UID, pod->metadata.uid);
    labels_end(&m);
    return m;
}

struct cri_pod_sandbox_config *sandbox_config_make(const struct sandbox_config_inputs *in, struct arena *a) {
    const struct meta_object_meta *m = &in->pod->metadata;
    struct cri_pod_sandbox_config *c = arena_new(a, struct cri_pod_sandbox_config);
    c->metadata = arena_new(a, struct cri_pod_sandbox_metadata);
    *c->metadata = (struct cri_pod_sandbox_metadata){
        .name = m->name, .uid = m->uid, .namespace = m->namespace, .attempt = in->attempt};
    c->hostname = in->pod->spec.host_network ? S("") : in->hostname;
    c->log_directory = arena_printf(a, "%.*s/%.*s", STR_ARG(in->logs_dir), STR_ARG(pod_log_dir(in->pod, a)));
    c->dns_config = arena_new(a, struct cri_dns_config);
    *c->dns_config = (struct cri_dns_config){
        .servers = in->dns->servers, .searches = in->dns->searches, .options = in->dns->options};
    c->port_mappings = port_mappings(in->pod, a);
    c->labels = labels_of(in->pod, a);
    c->annotations = m->annotations;
    c->linux_ = arena_new(a, struct cri_linux_pod_sandbox_config);
    c->linux_->cgroup_parent = in->cgroup_parent;
    c->linux_->security_context = sandbox_security(in->pod, in->node, a);
    c->linux_->sysctls = sysctls_of(in->pod, a);
    c->linux_->overhead = overhead_of(in->pod, in->node, a);
    c->linux_->resources = sums_of(in->pod, in->node, a);
    return c;
}
