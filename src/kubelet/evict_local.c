/* See evict_local.h. */
#include "kubelet/evict_local.h"

#include "api/pod_requests.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "kubelet/container_config.h"
#include "kubelet/cri_names.h"
#include "kubelet/tree.h"

#define STORAGE S("ephemeral-storage")

/* 0: there is none. */
static uint64_t limit_of(struct quantity_map limits) {
    const struct quantity *q = quantity_map_get(limits, STORAGE);
    return q ? (uint64_t)quantity_value(q) : 0;
}

static struct str text_of(const struct quantity *q, struct arena *a) {
    char text[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(q, text);
    return arena_str(a, str_make(text, n));
}

static const struct core_empty_dir_volume_source *empty_dir(const struct core_volume *v) {
    return v->volume_source.empty_dir;
}

static uint64_t empty_dir_bytes(const struct local_usage_of *u, const struct core_volume *v,
                                struct arena *a) {
    return tree_bytes(arena_printf(a, "%s/%.*s/volumes/kubernetes.io~empty-dir/%.*s", u->pods_dir,
                                   STR_ARG(u->pod->metadata.uid), STR_ARG(v->name))
                          .p);
}

static uint64_t layer_bytes(const struct local_usage_of *u, struct str container) {
    for (uint32_t i = 0; u->stats && i < u->stats->stats.n; i++) {
        const struct cri_container_stats *s = &u->stats->stats.v[i];
        struct str_map labels = s->attributes ? s->attributes->labels : (struct str_map){0};
        if (str_eq(str_map_get(labels, CRI_LABEL_POD_UID), u->pod->metadata.uid) &&
            str_eq(str_map_get(labels, CRI_LABEL_CONTAINER_NAME), container))
            return s->writable_layer && s->writable_layer->used_bytes ? s->writable_layer->used_bytes->value
                                                                      : 0;
    }
    return 0;
}

static uint64_t container_bytes(const struct local_usage_of *u, const struct core_container *c,
                                struct arena *a) {
    struct str logs = pod_log_dir(u->pod, a);
    return layer_bytes(u, c->name) +
           tree_bytes(arena_printf(a, "%s/%.*s/%.*s", u->logs_dir, STR_ARG(logs), STR_ARG(c->name)).p);
}

uint64_t local_usage(const struct local_usage_of *u, struct arena *a) {
    const struct core_pod_spec *spec = &u->pod->spec;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < spec->volumes.n; i++)
        if (empty_dir(&spec->volumes.v[i]) && !empty_dir(&spec->volumes.v[i])->medium.n)
            sum += empty_dir_bytes(u, &spec->volumes.v[i], a);
    for (uint32_t i = 0; i < spec->containers.n; i++)
        sum += container_bytes(u, &spec->containers.v[i], a);
    for (uint32_t i = 0; i < spec->init_containers.n; i++)
        sum += container_bytes(u, &spec->init_containers.v[i], a);
    return sum;
}

static bool volume_exceeds(const struct local_usage_of *u, const struct core_volume *v, struct arena *a,
                           struct str *ret_message) {
    const struct core_empty_dir_volume_source *e = empty_dir(v);
    if (!e || !e->size_limit.set || quantity_sign(&e->size_limit) <= 0 ||
        empty_dir_bytes(u, v, a) <= (uint64_t)quantity_value(&e->size_limit))
        return false;
    *ret_message = arena_printf(a, "Usage of EmptyDir volume \"%.*s\" exceeds the limit \"%.*s\". ",
                                STR_ARG(v->name), STR_ARG(text_of(&e->size_limit, a)));
    return true;
}

static bool container_exceeds(const struct local_usage_of *u, const struct core_container *c, struct arena *a,
                              struct str *ret_message) {
    uint64_t limit = limit_of(c->resources.limits);
    if (!limit || container_bytes(u, c, a) <= limit)
        return false;
    *ret_message =
        arena_printf(a, "Container %.*s exceeded its local ephemeral storage limit \"%.*s\". ",
                     STR_ARG(c->name), STR_ARG(text_of(quantity_map_get(c->resources.limits, STORAGE), a)));
    return true;
}

static bool pod_exceeds(const struct local_usage_of *u, struct arena *a, struct str *ret_message) {
    struct quantity_map limits = pod_limits(&u->pod->spec, a);
    uint64_t limit = limit_of(limits);
    if (!limit || local_usage(u, a) <= limit)
        return false;
    *ret_message =
        arena_printf(a, "Pod ephemeral local storage usage exceeds the total limit of containers %.*s. ",
                     STR_ARG(text_of(quantity_map_get(limits, STORAGE), a)));
    return true;
}

bool local_usage_exceeds(const struct local_usage_of *u, struct arena *a, struct str *ret_message) {
    const struct core_pod_spec *spec = &u->pod->spec;
    for (uint32_t i = 0; i < spec->volumes.n; i++)
        if (volume_exceeds(u, &spec->volumes.v[i], a, ret_message))
            return true;
    for (uint32_t i = 0; i < spec->containers.n; i++)
        if (container_exceeds(u, &spec->containers.v[i], a, ret_message))
            return true;
    return pod_exceeds(u, a, ret_message);
}
