/* What is used. See stats.h. */
#include "kubelet/stats.h"

#include "api/pod_qos.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/node.h"
#include "runtime/runtime.h"

#define NET_DEV_MAX (256u * 1024)
#define STATS_MS 10000

/* -- network -- */

/* "eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …" */
static bool read_interface(struct str line, struct stats_interface *ret, struct arena *a) {
    struct str name, rest, field;
    uint64_t n[16] = {0};
    if (!str_split(line, ':', &name, &rest))
        return false;
    size_t i = 0;
    for (rest = str_trim(rest); rest.n && i < 16; rest = str_trim(rest)) {
        (void)str_split(rest, ' ', &field, &rest);
        if (!str_to_u64(field, &n[i++]))
            return false;
    }
    *ret = (struct stats_interface){.name = arena_str(a, str_trim(name))};
    for (size_t k = 0; k < 4; k++) {
        ret->rx[k] = n[k];
        ret->tx[k] = n[8 + k];
    }
    return i == 16 && !str_eq(ret->name, S("lo"));
}

struct stats_interfaces stats_read_interfaces(struct str text, struct arena *a) {
    VEC(struct stats_interface) v = {0};
    struct stats_interface one;
    struct str line;
    while (text.n) {
        (void)str_split(text, '\n', &line, &text);
        if (read_interface(line, &one, a))
            vec_push_in(a, &v, one);
    }
    return (struct stats_interfaces){v.v, (uint32_t)v.n};
}

static struct stats_interfaces interfaces_of(const char *path, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (file_read(path, NET_DEV_MAX, &b, NULL) < 0)
        return (struct stats_interfaces){NULL, 0};
    return stats_read_interfaces(buf_view(&b), a);
}

/* -- one container -- */

static int64_t value_of(const struct cri_u_int64_value *v) {
    return v ? (int64_t)v->value : -1;
}

/* Where the cgroup is somebody else's affair, the runtime's figures. */
static void take_runtime(struct stats_entry *e, const struct cri_container_stats *s) {
    e->fs_bytes = s->writable_layer ? value_of(s->writable_layer->used_bytes) : -1;
    e->fs_inodes = s->writable_layer ? value_of(s->writable_layer->inodes_used) : -1;
    if (e->use.cpu_ns < 0 && s->cpu)
        e->use.cpu_ns = value_of(s->cpu->usage_core_nano_seconds);
    if (e->use.working_set_bytes >= 0 || !s->memory)
        return;
    e->use.working_set_bytes = value_of(s->memory->working_set_bytes);
    e->use.memory_bytes = value_of(s->memory->usage_bytes);
    e->use.rss_bytes = value_of(s->memory->rss_bytes);
    e->use.page_faults = value_of(s->memory->page_faults);
    e->use.major_page_faults = value_of(s->memory->major_page_faults);
}

static struct str cgroup_of(struct kubelet *k, struct str pod_path, struct str id, struct arena *a) {
    bool systemd = str_eq(str_from(k->o.config.cgroup_driver), S("systemd"));
    return arena_printf(a, systemd ? "%.*s/cri-containerd-%.*s.scope" : "%.*s/%.*s", STR_ARG(pod_path),
                        STR_ARG(id));
}

static struct stats_entry read_container(struct kubelet *k, const struct stats_entry *pod,
                                         const struct container_view *v,
                                         const struct cri_list_container_stats_response *all,
                                         struct arena *a) {
    struct stats_entry e = {.ns = pod->ns,
                            .pod = pod->pod,
                            .uid = pod->uid,
                            .container = v->name,
                            .id = v->id,
                            .image = v->image,
                            .cgroup = cgroup_of(k, pod->cgroup, v->id, a),
                            .started_ns = v->started_ns,
                            .fs_bytes = -1,
                            .fs_inodes = -1};
    cgroup_read_usage(pod_setup_cgroups(k->setup), e.cgroup, &e.use);
    for (uint32_t i = 0; all && i < all->stats.n; i++)
        if (all->stats.v[i].attributes && str_eq(all->stats.v[i].attributes->id, v->id))
            take_runtime(&e, &all->stats.v[i]);
    return e;
}

/* -- one pod -- */

static struct stats_interfaces pod_interfaces(struct kubelet *k, struct str uid, struct arena *a) {
    int32_t pid;
    if (cgroup_pod_processes(pod_setup_cgroups(k->setup), uid, &pid, 1) == 0)
        return (struct stats_interfaces){NULL, 0};
    return interfaces_of(arena_printf(a, "/proc/%d/net/dev", pid).p, a);
}

static void read_pod(struct kubelet *k, const struct core_pod *p, const struct pod_view *view,
                     const struct cri_list_container_stats_response *all, struct arena *a,
                     struct stats_pod *ret) {
    const struct sandbox_view *s = pod_view_sandbox(view);
    struct str qos = pod_qos_class(&p->spec);
    ret->self =
        (struct stats_entry){.ns = p->metadata.namespace,
                             .pod = p->metadata.name,
                             .uid = p->metadata.uid,
                             .cgroup = cgroup_pod_path(pod_setup_cgroups(k->setup), qos, p->metadata.uid, a),
                             .started_ns = s->created_ns,
                             .fs_bytes = -1,
                             .fs_inodes = -1};
    cgroup_read_usage(pod_setup_cgroups(k->setup), ret->self.cgroup, &ret->self.use);
    if (!p->spec.host_network)
        ret->self.net = pod_interfaces(k, p->metadata.uid, a);
    ret->containers = arena_new_n(a, view->n_containers + 1, struct stats_entry);
    for (uint32_t i = 0; i < view->n_containers; i++)
        if (view->containers[i].state == CONTAINER_RUNNING)
            ret->containers[ret->n_containers++] =
                read_container(k, &ret->self, &view->containers[i], all, a);
}

/* -- all -- */

static void read_node(struct kubelet *k, struct stats *s, struct arena *a) {
    struct stats_entry *n = &s->node;
    s->facts = kubelet_node_facts(k->node);
    node_free_read(arena_strz(a, k->o.root_dir), s->facts, &s->free);
    *n = (struct stats_entry){.cgroup = S("/"), .fs_bytes = -1, .fs_inodes = -1};
    cgroup_read_usage(pod_setup_cgroups(k->setup), S("/"), &n->use);
    n->use.working_set_bytes = (int64_t)(s->facts->memory_bytes - s->free.memory_bytes);
    if (n->use.memory_bytes < 0)
        n->use.memory_bytes = n->use.working_set_bytes;
    n->use.pids = (int64_t)(s->free.pids_max - s->free.pids);
    n->started_ns = s->now_ns - clock_mono_ns(k->clock); /* since the machine started */
    n->net = interfaces_of("/proc/net/dev", a);
}

int stats_collect(struct kubelet *k, struct arena *a, struct stats *ret, struct err *err) {
    const struct cri_list_container_stats_response *all = NULL;
    struct runtime_call call = {.arena = a, .timeout_ms = STATS_MS};
    struct pods_item *pods;
    *ret = (struct stats){.now_ns = clock_wall_ns(k->clock)};
    int rc = runtime_list_container_stats(k->o.runtime, &call, &(struct cri_list_container_stats_request){0},
                                          &all, err);
    if (rc < 0 && rc != ERR_UNSUPPORTED)
        return rc;
    read_node(k, ret, a);
    uint32_t n = pods_all(k, a, &pods);
    ret->pods = arena_new_n(a, n + 1, struct stats_pod);
    for (uint32_t i = 0; i < n; i++) {
        const struct core_pod *p = pods[i].object->body;
        const struct pod_view *view;
        if (pod_cache_view(k->cache, p->metadata.uid, a, &view, NULL) == 0 && pod_view_running(view) &&
            pod_view_sandbox(view))
            read_pod(k, p, view, all, a, &ret->pods[ret->n_pods++]);
    }
    return 0;
}
