/* The parts of a node's status. */
#include "kubelet/node_status.h"

#include <stdlib.h>

#include "api/equal.h"
#include "api/ip.h"
#include "api/meta.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "api/types/ids.h"
#include "base/arena.h"

#define IMAGES_MAX 50
#define IMAGE_NAMES_MAX 5
#define MIB (1024ull * 1024)

/* CONFORMS: hard eviction thresholds are kept out of what pods may ask for. */
#define EVICTION_MEMORY (100 * MIB)

struct builder {
    const struct node_status_inputs *in;
    struct arena *a;
    struct core_node_status *st;
};

/* -- resources -- */

static struct quantity_map resources(const struct builder *b, uint64_t milli_cpu, uint64_t memory,
                                     uint64_t disk) {
    struct quantity_entry *v = arena_new_n(b->a, 6, struct quantity_entry);
    uint32_t n = 0;
    v[n++] = (struct quantity_entry){S("cpu"), quantity_from_milli((int64_t)milli_cpu, QUANTITY_DECIMAL_SI)};
    v[n++] =
        (struct quantity_entry){S("ephemeral-storage"), quantity_from_int((int64_t)disk, QUANTITY_BINARY_SI)};
    v[n++] = (struct quantity_entry){S("memory"), quantity_from_int((int64_t)memory, QUANTITY_BINARY_SI)};
    v[n++] = (struct quantity_entry){S("pods"), quantity_from_int(b->in->max_pods, QUANTITY_DECIMAL_SI)};
    return (struct quantity_map){v, n};
}

static uint64_t less(uint64_t x, uint64_t y) {
    return x > y ? x - y : 0;
}

static void capacity(const struct builder *b) {
    const struct node_facts *f = b->in->facts;
    uint64_t cpu = 1000ull * f->cpus;
    b->st->capacity = resources(b, cpu, f->memory_bytes / 1024 * 1024, f->disk_bytes / 1024 * 1024);
    uint64_t memory = less(less(f->memory_bytes, b->in->reserved_memory_bytes), EVICTION_MEMORY);
    b->st->allocatable =
        resources(b, less(cpu, b->in->reserved_milli_cpu), memory / 1024 * 1024, f->disk_bytes / 10 * 9);
}

/* -- conditions -- */

static const struct core_node_condition *before(const struct builder *b, struct str type) {
    const struct core_node_status *old = b->in->before;
    for (uint32_t i = 0; old && i < old->conditions.n; i++)
        if (str_eq(old->conditions.v[i].type, type))
            return &old->conditions.v[i];
    return NULL;
}

static void condition(const struct builder *b, struct str type, bool status, struct str reason,
                      struct str message) {
    struct core_node_condition *c = NULL;
    for (uint32_t i = 0; i < b->st->conditions.n && !c; i++)
        if (str_eq(b->st->conditions.v[i].type, type))
            c = &b->st->conditions.v[i];
    if (!c)
        c = &b->st->conditions.v[b->st->conditions.n++];
    const struct core_node_condition *old = before(b, type);
    struct timestamp now = {.sec = b->in->now_sec, .set = true};
    struct str text = status ? S("True") : S("False");
    *c = (struct core_node_condition){.type = type,
                                      .status = text,
                                      .reason = reason,
                                      .message = message,
                                      .last_heartbeat_time = now,
                                      .last_transition_time =
                                          old && str_eq(old->status, text) ? old->last_transition_time : now};
}

static void conditions(const struct builder *b) {
    const struct core_node_status *old = b->in->before;
    uint32_t n = old ? old->conditions.n : 0;
    b->st->conditions.v = arena_new_n(b->a, n + 4, struct core_node_condition);
    if (n) /* those of others stay */
        memcpy(b->st->conditions.v, old->conditions.v, n * sizeof *b->st->conditions.v);
    b->st->conditions.n = n;
    const struct node_pressure *p = &b->in->pressure;
    condition(b, S("MemoryPressure"), p->memory,
              p->memory ? S("KubeletHasInsufficientMemory") : S("KubeletHasSufficientMemory"),
              p->memory ? S("kubelet has insufficient memory available")
                        : S("kubelet has sufficient memory available"));
    condition(b, S("DiskPressure"), p->disk,
              p->disk ? S("KubeletHasDiskPressure") : S("KubeletHasNoDiskPressure"),
              p->disk ? S("kubelet has disk pressure") : S("kubelet has no disk pressure"));
    condition(
        b, S("PIDPressure"), p->pid, p->pid ? S("KubeletHasInsufficientPID") : S("KubeletHasSufficientPID"),
        p->pid ? S("kubelet has insufficient PID available") : S("kubelet has sufficient PID available"));
    bool ready = b->in->not_ready.n == 0;
    condition(b, S("Ready"), ready, ready ? S("KubeletReady") : S("KubeletNotReady"),
              ready ? S("kubelet is posting ready status")
                    : arena_join(b->a, b->in->not_ready.v, b->in->not_ready.n, S(", ")));
}

/* -- the rest -- */

static void addresses(const struct builder *b) {
    b->st->addresses.v = arena_new_n(b->a, b->in->ips.n + 1, struct core_node_address);
    for (uint32_t i = 0; i < b->in->ips.n; i++)
        b->st->addresses.v[b->st->addresses.n++] =
            (struct core_node_address){.type = S("InternalIP"), .address = b->in->ips.v[i]};
    b->st->addresses.v[b->st->addresses.n++] =
        (struct core_node_address){.type = S("Hostname"), .address = b->in->name};
}

static void info(const struct builder *b) {
    const struct node_facts *f = b->in->facts;
    b->st->node_info = (struct core_node_system_info){
        .machine_id = f->machine_id,
        .system_uuid = f->system_uuid,
        .boot_id = f->boot_id,
        .kernel_version = f->kernel_version,
        .os_image = f->os_image,
        .container_runtime_version = b->in->runtime,
        .kubelet_version = b->in->kubelet_version,
        .kube_proxy_version = S(""),
        .operating_system = S("linux"),
        .architecture = f->architecture,
    };
    if (!f->swap_bytes)
        return;
    struct core_node_swap_status *swap = arena_new(b->a, struct core_node_swap_status);
    swap->capacity = (struct opt_i64){.v = (int64_t)f->swap_bytes, .set = true};
    b->st->node_info.swap = swap;
}

static int larger_image(const void *a, const void *b) {
    const struct cri_image *x = *(const struct cri_image *const *)a, *y = *(const struct cri_image *const *)b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return str_cmp(x->id, y->id);
}

static void image_names(const struct builder *b, const struct cri_image *image,
                        struct core_container_image *to) {
    to->names.v = arena_new_n(b->a, IMAGE_NAMES_MAX, struct str);
    const struct str_array *lists[] = {&image->repo_digests, &image->repo_tags};
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n && to->names.n < IMAGE_NAMES_MAX; i++)
            to->names.v[to->names.n++] = lists[l]->v[i];
    to->size_bytes = (int64_t)image->size;
}

static void images(const struct builder *b) {
    const struct cri_image_array *all = b->in->images;
    if (!all) {
        if (b->in->before)
            b->st->images = b->in->before->images;
        return;
    }
    const struct cri_image **sorted = arena_array(b->a, all->n + 1, sizeof *sorted);
    for (uint32_t i = 0; i < all->n; i++)
        sorted[i] = &all->v[i];
    if (all->n)
        qsort(sorted, all->n, sizeof *sorted, larger_image);
    uint32_t n = all->n < IMAGES_MAX ? all->n : IMAGES_MAX;
    b->st->images.v = arena_new_n(b->a, n, struct core_container_image);
    for (uint32_t i = 0; i < n; i++)
        image_names(b, sorted[i], &b->st->images.v[b->st->images.n++]);
}

void node_status_make(const struct node_status_inputs *in, struct arena *a, struct core_node_status *ret) {
    struct core_node_status st = {0};
    if (in->before) {
        st.volumes_attached = in->before->volumes_attached;
        st.volumes_in_use = in->before->volumes_in_use;
        st.phase = in->before->phase;
        st.config = in->before->config;
        st.runtime_handlers = in->before->runtime_handlers;
        st.features = in->before->features;
        st.declared_features = in->before->declared_features;
    }
    struct builder b = {.in = in, .a = a, .st = &st};
    capacity(&b);
    conditions(&b);
    addresses(&b);
    info(&b);
    images(&b);
    st.daemon_endpoints.kubelet_endpoint.port = in->kubelet_port;
    *ret = st;
}

bool node_status_same(const struct core_node_status *x, const struct core_node_status *y, struct arena *a) {
    struct core_node_status z = *y;
    if (x->conditions.n != y->conditions.n)
        return false;
    z.conditions.v = arena_new_n(a, y->conditions.n, struct core_node_condition);
    for (uint32_t i = 0; i < y->conditions.n; i++) {
        z.conditions.v[i] = y->conditions.v[i];
        z.conditions.v[i].last_heartbeat_time = x->conditions.v[i].last_heartbeat_time;
    }
    return api_equal(&builtin, TY_CORE_NODE_STATUS, x, &z);
}

struct str_map node_labels(const struct node_facts *facts, struct str name, struct str_map more,
                           struct arena *a) {
    struct str_map m = {0};
    m = str_map_with(a, m, S("beta.kubernetes.io/arch"), facts->architecture);
    m = str_map_with(a, m, S("beta.kubernetes.io/os"), S("linux"));
    m = str_map_with(a, m, S("kubernetes.io/arch"), facts->architecture);
    m = str_map_with(a, m, S("kubernetes.io/hostname"), name);
    m = str_map_with(a, m, S("kubernetes.io/os"), S("linux"));
    return str_map_merge(a, m, more);
}
