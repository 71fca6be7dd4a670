/* Look-ups in the runtime's view of a pod. */
#include "kubelet/pod_view.h"

const struct sandbox_view *pod_view_sandbox(const struct pod_view *v) {
    return v->n_sandboxes ? &v->sandboxes[0] : NULL;
}

const struct container_view *pod_view_container(const struct pod_view *v, struct str name) {
    for (uint32_t i = 0; i < v->n_containers; i++)
        if (str_eq(v->containers[i].name, name))
            return &v->containers[i];
    return NULL;
}

const struct container_view *pod_view_container_in(const struct pod_view *v, struct str sandbox_id,
                                                   struct str name) {
    for (uint32_t i = 0; i < v->n_containers; i++)
        if (str_eq(v->containers[i].name, name) && str_eq(v->containers[i].sandbox_id, sandbox_id))
            return &v->containers[i];
    return NULL;
}

const struct container_view *pod_view_previous(const struct pod_view *v, const struct container_view *than) {
    for (const struct container_view *c = than + 1; c < v->containers + v->n_containers; c++)
        if (c->state == CONTAINER_EXITED && str_eq(c->name, than->name))
            return c;
    return NULL;
}

bool pod_view_running(const struct pod_view *v) {
    for (uint32_t i = 0; i < v->n_containers; i++)
        if (v->containers[i].state == CONTAINER_RUNNING)
            return true;
    for (uint32_t i = 0; i < v->n_sandboxes; i++)
        if (v->sandboxes[i].ready)
            return true;
    return false;
}
