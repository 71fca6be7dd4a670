/* Changing what the containers of a running pod may use.
 *
 *     asked for (spec) ──fits the node──▶ allocated ──told to cgroups and the runtime──▶ actuated
 *            └─ not now: Deferred; never: Infeasible. Until then the pod runs as it was allocated.
 *
 * What was allocated and actuated is known by versions of the pod: the one whose resources count. After a
 * restart of the kubelet both are what the status says. All of it belongs to the pod's own run.
 *
 * CONFORMS: KEP-1287.
 */
#include <stdlib.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/quantity.h"
#include "api/types/cri.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/err.h"
#include "client/events.h"
#include "kubelet/container_resources.h"
#include "kubelet/container_spec.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/text.h"
#include "runtime/runtime.h"

#define DEFERRED_NS 30000000000ll
#define RESTART_HASH S("resized") /* no container has it: it is started anew */

typedef struct core_resource_requirements resources;

static bool same(const resources *x, const resources *y) {
    return api_equal(&builtin, TY_CORE_RESOURCE_REQUIREMENTS, x, y);
}

static const struct core_container *find_in(const struct core_container_array *list, struct str name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].name, name))
            return &list->v[i];
    return NULL;
}

static const struct core_container *find_container(const struct core_pod *p, struct str name) {
    const struct core_container *c = find_in(&p->spec.containers, name);
    return c ? c : find_in(&p->spec.init_containers, name);
}

/* -- versions of the pod -- */

/* A version of the pod with other resources: of each container what `of` says, which may be NULL. */
typedef const resources *(*resources_fn)(const void *arg, struct str container);

static void replace(struct core_container_array *list, resources_fn of, const void *arg, struct arena *a) {
    for (uint32_t i = 0; i < list->n; i++) {
        const resources *r = of(arg, list->v[i].name);
        if (r)
            list->v[i].resources = *(resources *)api_copy(a, &builtin, TY_CORE_RESOURCE_REQUIREMENTS, r);
    }
}

static const struct object *version_with(const struct object *pod, resources_fn of, const void *arg) {
    struct arena a = ARENA_INIT;
    struct core_pod *copy = api_copy(&a, &builtin, TY_CORE_POD, pod->body);
    replace(&copy->spec.containers, of, arg, &a);
    replace(&copy->spec.init_containers, of, arg, &a);
    return object_freeze(pod->kind, copy, &a);
}

static const resources *of_pod(const void *arg, struct str name) {
    const struct core_container *c = find_container(arg, name);
    return c ? &c->resources : NULL;
}

static const resources *of_status(const void *arg, struct str name) {
    const struct core_pod_status *st = arg;
    const struct core_container_status_array *lists[] = {&st->container_statuses,
                                                         &st->init_container_statuses};
    for (size_t l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++)
            if (str_eq(lists[l]->v[i].name, name))
                return lists[l]->v[i].resources;
    return NULL;
}

static bool same_all(const struct core_container_array *x, const struct core_container_array *y) {
    for (uint32_t i = 0; i < x->n; i++) {
        const struct core_container *other = find_in(y, x->v[i].name);
        if (other && !same(&x->v[i].resources, &other->resources))
            return false;
    }
    return true;
}

static bool same_pods(const struct core_pod *x, const struct core_pod *y) {
    return same_all(&x->spec.containers, &y->spec.containers) &&
           same_all(&x->spec.init_containers, &y->spec.init_containers);
}

/* -- what was actuated -- */

void kpod_resize_fini(struct kpod *p) {
    vec_foreach (e, &p->actuated) {
        free(e->id);
        object_unref(e->as);
    }
    vec_fini(&p->actuated);
    object_unref(p->allocated);
    free(p->resize_message);
    p->allocated = NULL;
    p->resize_message = NULL;
}

static void set_actuated(struct kpod *p, struct str id, const struct object *as) {
    vec_foreach (e, &p->actuated)
        if (str_eq(str_from(e->id), id)) {
            object_unref(e->as);
            e->as = object_ref(as);
            return;
        }
    vec_push(&p->actuated, ((struct kpod_actuated){text_copy(id), object_ref(as)}));
}

/* Containers that are no more are forgotten. */
static void forget_old(struct pod_run *r) {
    for (size_t i = r->p->actuated.n; i-- > 0;) {
        struct kpod_actuated *e = &r->p->actuated.v[i];
        bool there = false;
        for (uint32_t c = 0; c < r->view->n_containers && !there; c++)
            there = str_eq(r->view->containers[c].id, str_from(e->id));
        if (there)
            continue;
        free(e->id);
        object_unref(e->as);
        vec_remove(&r->p->actuated, i);
    }
}

static const struct object *actuated_of(struct kpod *p, struct str id) {
    vec_foreach (e, &p->actuated)
        if (str_eq(str_from(e->id), id))
            return e->as;
    return NULL;
}

const struct core_resource_requirements *kpod_actuated(struct kpod *p, struct str id, struct str name) {
    const struct object *as = actuated_of(p, id);
    const struct core_container *c = as ? find_container(as->body, name) : NULL;
    return c ? &c->resources : NULL;
}

/* -- deciding -- */

static void set_state(struct kpod *p, enum resize_state state, struct str message) {
    free(p->resize_message);
    p->resize = state;
    p->resize_message = message.n ? text_copy(message) : NULL;
}

/* At first what the status says of containers that run, and what is asked for where it says nothing. */
static void begin(struct pod_run *r) {
    if (r->p->allocated)
        return;
    r->p->allocated = version_with(r->object, of_status, &r->pod->status);
    for (uint32_t i = 0; i < r->view->n_containers; i++)
        if (r->view->containers[i].state == CONTAINER_RUNNING)
            set_actuated(r->p, r->view->containers[i].id, r->p->allocated);
}

static enum resize_state judge(struct pod_run *r, struct str *ret_message) {
    if (r->p->is_static) {
        *ret_message = S("In-place resize of static pods is not supported");
        return RESIZE_INFEASIBLE;
    }
    if (!pod_fits(r, true, ret_message))
        return RESIZE_INFEASIBLE;
    return pod_fits(r, false, ret_message) ? RESIZE_NONE : RESIZE_DEFERRED;
}

static void refuse(struct pod_run *r, enum resize_state state, struct str message) {
    bool infeasible = state == RESIZE_INFEASIBLE;
    if (r->p->resize != state)
        event_record(r->k->events, r->object, "Warning", infeasible ? "ResizeInfeasible" : "ResizeDeferred",
                     "%.*s", STR_ARG(message));
    set_state(r->p, state, message);
    if (!infeasible)
        run_requeue(r, DEFERRED_NS);
}

static void accept(struct pod_run *r) {
    object_unref(r->p->allocated);
    r->p->allocated = object_ref(r->object);
    if (r->p->resize != RESIZE_FAILED)
        set_state(r->p, RESIZE_NONE, STR_NONE);
}

/* From here on the run works with the pod as it was allocated. */
static void run_as_allocated(struct pod_run *r) {
    const struct object *o = version_with(r->object, of_pod, r->p->allocated->body);
    arena_hold(r->a, object_release_any, (void *)o);
    r->object = o;
    r->pod = o->body;
}

void pod_resize_note(struct pod_run *r) {
    for (uint32_t i = 0; r->p->allocated && i < r->view->n_containers; i++)
        if (r->view->containers[i].state != CONTAINER_EXITED && !actuated_of(r->p, r->view->containers[i].id))
            set_actuated(r->p, r->view->containers[i].id, r->object);
}

void pod_resize_decide(struct pod_run *r) {
    begin(r);
    forget_old(r);
    if (same_pods(r->pod, r->p->allocated->body)) {
        accept(r);
        return;
    }
    struct str message = STR_NONE;
    enum resize_state state = judge(r, &message);
    if (state == RESIZE_NONE) {
        event_record(r->k->events, r->object, "Normal", "ResizeStarted", "Pod resize was accepted");
        accept(r);
    } else {
        refuse(r, state, message);
        run_as_allocated(r);
    }
}

/* -- actuating -- */

static const struct container_view *running(const struct pod_run *r, struct str name) {
    const struct container_view *v = pod_view_container(r->view, name);
    return v && v->state == CONTAINER_RUNNING ? v : NULL;
}

static bool changed(const resources *x, const resources *y, struct str name) {
    const struct quantity *q[4] = {quantity_map_get(x->requests, name), quantity_map_get(y->requests, name),
                                   quantity_map_get(x->limits, name), quantity_map_get(y->limits, name)};
    for (size_t i = 0; i < 4; i += 2)
        if (!q[i] != !q[i + 1] || (q[i] && quantity_cmp(q[i], q[i + 1]) != 0))
            return true;
    return false;
}

static bool wants_restart(const struct core_container *c, const resources *had) {
    for (uint32_t i = 0; i < c->resize_policy.n; i++)
        if (str_eq(c->resize_policy.v[i].restart_policy, S("RestartContainer")) &&
            changed(had, &c->resources, c->resize_policy.v[i].resource_name))
            return true;
    return false;
}

/* The plan then finds a container whose definition has changed. */
static void restart(struct pod_run *r, const struct container_view *v) {
    struct pod_view *copy = arena_new(r->a, struct pod_view);
    *copy = *r->view;
    copy->containers = arena_new_n(r->a, copy->n_containers, struct container_view);
    for (uint32_t i = 0; i < copy->n_containers; i++) {
        copy->containers[i] = r->view->containers[i];
        if (str_eq(copy->containers[i].id, v->id))
            copy->containers[i].hash = RESTART_HASH;
    }
    r->view = copy;
}

static int update(struct pod_run *r, const struct core_container *c, const struct container_view *v,
                  struct err *err) {
    const struct cri_update_container_resources_response *answer = NULL;
    struct runtime_call call = {.arena = r->a};
    struct cri_update_container_resources_request request = {
        .container_id = v->id, .linux_ = pod_setup_resources(r->k->setup, r->pod, c, r->a)};
    int rc = runtime_update_container_resources(r->k->o.runtime, &call, &request, &answer, err);
    if (rc == 0)
        set_actuated(r->p, v->id, r->object);
    return rc < 0 ? err_wrap(err, "resizing container %.*s", STR_ARG(c->name)) : 0;
}

static int actuate_list(struct pod_run *r, const struct core_container_array *list, bool *ret_any,
                        struct err *err) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container *c = &list->v[i];
        const struct container_view *v = running(r, c->name);
        if (!v)
            continue;
        const resources *had = kpod_actuated(r->p, v->id, c->name);
        if (!had || same(had, &c->resources)) {
            set_actuated(r->p, v->id, r->object); /* holds no older version than it has to */
            continue;
        }
        *ret_any = true;
        if (wants_restart(c, had))
            restart(r, v);
        else if (update(r, c, v, err) < 0)
            return err->code;
    }
    return 0;
}

bool pod_resize_shrinks(struct pod_run *r) {
    bool shrinks = false;
    struct pod_amounts now = pod_amounts_of(r->pod);
    vec_foreach (e, &r->p->actuated) {
        struct pod_amounts had = pod_amounts_of(e->as->body);
        shrinks |= now.memory_limit < had.memory_limit || (now.has_memory_limit && !had.has_memory_limit);
    }
    return shrinks;
}

void pod_resize_actuate(struct pod_run *r, bool shrinks) {
    struct err err = ERR_INIT;
    bool any = false;
    int rc = actuate_list(r, &r->pod->spec.init_containers, &any, &err);
    if (rc == 0)
        rc = actuate_list(r, &r->pod->spec.containers, &any, &err);
    if (rc == 0 && shrinks)
        rc = pod_setup_cgroup(r->k->setup, r->pod, &err);
    if (rc < 0) {
        event_record(r->k->events, r->object, "Warning", "ResizeError", "%s", err.msg);
        set_state(r->p, RESIZE_FAILED, str_from(err.msg));
        run_requeue(r, DEFERRED_NS);
        return;
    }
    if (any)
        event_record(r->k->events, r->object, "Normal", "ResizeCompleted", "Pod resize was carried out");
    if (r->p->resize == RESIZE_FAILED)
        set_state(r->p, RESIZE_NONE, STR_NONE);
}
