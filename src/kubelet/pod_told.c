/* Telling the API of a pod's status: the difference as a strategic merge patch of the status subresource,
 * guarded by the uid, and only when there is one.
 */
#include "api/json.h"
#include "api/ref.h"
#include "api/strategic.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "codec/json.h"
#include "codec/jval.h"
#include "kubelet/container_spec.h"
#include "kubelet/kubelet_priv.h"

/* The view with what ended containers left as their last words: the runtime does not know of these. CONFORMS:
 * all of a pod share 12 KiB. */
#define MESSAGES_MAX (12u * 1024)

static const struct pod_view *with_messages(struct pod_run *r) {
    struct pod_view *v = arena_new(r->a, struct pod_view);
    *v = *r->view;
    v->containers = arena_new_n(r->a, v->n_containers, struct container_view);
    size_t left = MESSAGES_MAX;
    for (uint32_t i = 0; i < v->n_containers; i++) {
        struct container_view *c = &v->containers[i];
        struct container_ref ref;
        *c = r->view->containers[i];
        if (c->state != CONTAINER_EXITED || c->message.n || !container_find(r->pod, c->name, r->a, &ref))
            continue;
        c->message = str_cut(pod_setup_message(r->k->setup, r->pod, &ref, c, r->a), left);
        c->message = str_cut(c->message, utf8_valid_prefix(c->message));
        left -= c->message.n;
    }
    return v;
}

static const struct core_resource_requirements *actuated(void *arg, struct str id, struct str name) {
    return kpod_actuated(arg, id, name);
}

static void make_status(struct pod_run *r, bool ending, struct core_pod_status *ret) {
    struct probe_results probes;
    prober_results(r->k->prober, str_from(r->p->uid), r->a, &probes);
    struct pod_status_inputs in = {
        .pod = r->pod,
        .view = with_messages(r),
        .probes = &probes,
        .waiting = r->p->waiting.v,
        .n_waiting = (uint32_t)r->p->waiting.n,
        .host_ips = r->k->node_ips,
        .now_sec = clock_wall_sec(r->k->clock),
        .is_static = r->p->is_static,
        .never_ran = r->p->end_phase.n && !r->p->admitted,
        .end_phase = r->p->end_phase,
        .end_reason = r->p->end_reason,
        .end_message = r->p->end_message,
        .disrupted = r->p->disrupted,
        .disruption_message = r->p->end_message,
        .allocated = r->p->allocated ? r->p->allocated->body : NULL,
        .actuated = actuated,
        .actuated_arg = r->p,
        .resize = r->p->resize,
        .resize_message = str_from(r->p->resize_message),
        .ending = ending,
    };
    pod_status_make(&in, r->a, ret);
}

/* {"metadata":{"uid":…},"status":{…}}; false: there is nothing to tell. */
static bool make_patch(struct pod_run *r, const struct core_pod_status *status, struct buf *out) {
    struct core_pod *now = arena_new(r->a, struct core_pod);
    *now = *r->pod;
    now->status = *status;
    struct jval before = api_to_tree(r->a, &builtin, TY_CORE_POD, r->pod);
    struct jval after = api_to_tree(r->a, &builtin, TY_CORE_POD, now), patch;
    struct err err = ERR_INIT;
    if (strategic_create(r->a, pos_type(&builtin, TY_CORE_POD), &before, &after, &patch, &err) < 0)
        return false;
    if (!jval_get(&patch, S("status")))
        return false;
    struct jmember uid = {S("uid"), jval_str(r->mirror ? r->mirror->meta->uid : r->pod->metadata.uid)};
    patch = jval_with(r->a, &patch, S("metadata"), jval_object(&uid, 1));
    json_write(out, &patch);
    return true;
}

/* The pod as it is now told: later runs compare with it before the watch brings it. */
static void adopt(struct pod_run *r, struct object *told) {
    object_unref(r->p->told);
    r->p->told = told;
}

/* The mirror's status stands for the static pod's own; all else is the file's, above all the uid. */
static void use_mirror(struct pod_run *r) {
    mutex_lock(&r->k->pods_lock);
    const struct object *mirror = r->p->mirror ? object_ref(r->p->mirror) : NULL;
    mutex_unlock(&r->k->pods_lock);
    if (mirror)
        arena_hold(r->a, object_release_any, (void *)mirror);
    if (mirror && r->p->told && r->p->told->rv > mirror->rv) {
        mirror = object_ref(r->p->told);
        arena_hold(r->a, object_release_any, (void *)mirror);
    }
    r->mirror = mirror;
    if (!mirror)
        return;
    struct core_pod *pod = arena_new(r->a, struct core_pod);
    *pod = *r->pod;
    pod->status = ((const struct core_pod *)mirror->body)->status;
    r->pod = pod;
}

void run_use_newest(struct pod_run *r) {
    if (r->p->is_static) {
        use_mirror(r);
        return;
    }
    if (r->p->told && r->p->told->rv > r->object->rv) {
        arena_hold(r->a, object_release_any, object_ref(r->p->told));
        r->object = r->p->told;
        r->pod = r->object->body;
    }
}

int pod_tell(struct pod_run *r, bool ending, struct core_pod_status *ret_status, struct err *err) {
    run_use_newest(r);
    struct core_pod_status status;
    make_status(r, ending, &status);
    if (ret_status)
        *ret_status = status;
    _cleanup_buf struct buf patch = BUF_INIT;
    if ((r->p->is_static && !r->mirror) || !make_patch(r, &status, &patch))
        return 0;
    const struct core_pod *pod = r->pod;
    struct object *told = NULL;
    int rc = client_patch(r->k->o.client, KIND(CORE_POD), pod->metadata.namespace, pod->metadata.name,
                          S("status"), CLIENT_PATCH_STRATEGIC, buf_view(&patch), &told, err);
    if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT) /* gone, or another one of that name */
        return 0;
    if (rc < 0)
        return err_wrap(err, "status of pod %.*s/%.*s", STR_ARG(pod->metadata.namespace),
                        STR_ARG(pod->metadata.name));
    adopt(r, told);
    run_use_newest(r);
    return 0;
}
