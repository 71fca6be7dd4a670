/* What the files of the kubelet share. */
#pragma once

#include "api/object.h"
#include "api/types/core.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/informer.h"
#include "kubelet/backoff.h"
#include "kubelet/images.h"
#include "kubelet/kubelet.h"
#include "kubelet/pod_cache.h"
#include "kubelet/pod_setup.h"
#include "kubelet/pod_status.h"
#include "kubelet/prober.h"

struct event_recorder;
struct hasten;
struct kubelet_node;
struct kubelet_server;
struct loop;
struct reconciler;
struct static_pods;
struct workers;

/* A container and the version of the pod whose resources it was given. */
struct kpod_actuated {
    char *id;
    const struct object *as;
};

/* One pod the kubelet knows of, from its first sight until nothing of it is left. */
struct kpod {
    char *uid;
    /* under kubelet.pods_lock */
    const struct object *object; /* as the API (or its file) has it; NULL: it is gone there */
    bool is_static;
    const struct object *mirror; /* of a static pod, as the API has it; NULL: not there */
    struct str evict_message;    /* owned; set once: the pod is to be evicted */
    int users;                   /* runs that hold it */
    int64_t stop_grace;          /* seconds: the shortest that a deletion gave it; < 0: none yet */
    struct stop_under_way *stops;

    /* of the pod's own run, which is never on two threads at once */
    bool admitted;
    bool prepared;                                 /* volumes are there */
    bool over;                                     /* its containers have ended for good; sidecars may run */
    bool taken_down;                               /* volumes and cgroup are gone */
    struct str ns, name;                           /* owned; of the last object seen */
    struct str end_phase, end_reason, end_message; /* owned; see pod_status.h */
    bool disrupted;
    int64_t grace_override;             /* seconds; < 0: none */
    VEC(struct waiting_reason) waiting; /* owned texts */
    struct object *told;                /* the status last written */
    const struct object *allocated;     /* the version whose resources were accepted; NULL: not seen yet */
    VEC(struct kpod_actuated) actuated;
    enum resize_state resize;
    char *resize_message;
};

struct kubelet {
    struct kubelet_options o; /* texts copied into arena */
    struct arena arena;
    struct clock *clock;
    struct rand *rand;
    struct loop *loop;
    struct workers *pod_workers; /* run pods */
    struct workers *probe_workers;
    struct event_recorder *events;
    struct pod_cache *cache;
    struct prober *prober;
    struct images *images;
    struct pod_setup *setup;
    struct backoffs restarts;
    struct reconciler *reconciler;
    struct kubelet_node *node;
    struct kubelet_server *server;
    struct static_pods *static_pods;
    struct informer *pod_informer; /* of this node */
    struct informer_listener pod_listener;
    struct waiter unfollowed;
    struct str_array node_ips;
    int64_t started_ns; /* monotonic */

    struct mutex pods_lock;
    struct map pods; /* by uid: struct kpod */
    struct hasten *hastening;

    struct thread relist, housekeeping;
    struct runtime_watch *watch; /* the relist thread's; NULL: none */
    struct mutex stop_lock;
    struct cond stop_cond;
    bool stopping;
    bool poked;     /* something has happened in the runtime */
    unsigned looks; /* to come because of it, the next after look_step_ns */
    int64_t look_step_ns;
    bool watch_ended; /* its events come no more */
    bool no_events;   /* it has none */
    bool removing;    /* pods are left to kubelet_remove_pods; under stop_lock */
    unsigned syncing; /* runs of pod_sync under way; under stop_lock */
};

/* -- pods.c -- */

/* The pod with one use of it, or NULL; kpod_done ends the use. */
struct kpod *kpod_use(struct kubelet *k, struct str uid);
void kpod_done(struct kubelet *k, struct kpod *p);

/* One reference, or NULL. */
const struct object *kpod_object(struct kubelet *k, struct kpod *p);

/* What a source says of a pod; object NULL: gone. */
void pods_set(struct kubelet *k, struct str uid, const struct object *object, bool is_static);

/* The mirror of a static pod came, changed or (NULL) went. */
void pods_set_mirror(struct kubelet *k, struct str uid, const struct object *mirror);

/* Nothing of it is left anywhere. */
void pods_forget(struct kubelet *k, struct str uid);

/* All that are known, with a reference on each object. In the arena, which holds them. */
struct pods_item {
    const struct object *object;
    bool is_static;
};
uint32_t pods_all(struct kubelet *k, struct arena *a, struct pods_item **ret);

void kpod_wake(struct kubelet *k, struct str uid);

/* -- waiting reasons and decisions -- */

struct waiting_reason *kpod_waits(struct kpod *p, struct str container, struct str reason,
                                  struct str message);
void kpod_waits_no_more(struct kpod *p, struct str container);

/* Decides that the pod ends; the first decision counts. */
void kpod_end(struct kpod *p, struct str phase, struct str reason, struct str message);

/* The same by the kubelet itself, for want of a resource: at once, and with the condition DisruptionTarget.
 * Any thread. */
void kpod_evict(struct kubelet *k, struct kpod *p, struct str message);

/* -- pod_sync.c -- */

struct reconcile;
int pod_sync(struct reconcile *r, struct str uid, struct err *err);

/* One run of a pod. */
struct pod_run {
    struct kubelet *k;
    struct kpod *p;
    const struct object *object;
    const struct core_pod *pod;  /* its body; of a static pod with the mirror's status */
    const struct object *mirror; /* of a static pod; NULL: there is none yet */
    const struct pod_view *view;
    struct arena *a;
    int64_t requeue_ns; /* the earliest of what is to come; 0: none */
};

void run_requeue(struct pod_run *r, int64_t after_ns);
int run_refresh(struct pod_run *r, struct err *err);
struct str run_key(const struct pod_run *r, struct str container); /* of back-offs */

/* -- pod_start.c -- */

/* Carries out a plan; failures of single containers are noted as waiting reasons and do not fail it. */
int pod_carry_out(struct pod_run *r, struct err *err);

/* -- pod_stop.c -- */

struct stop_options {
    int64_t grace_seconds;
    struct str why; /* message of the Killing events; empty: the usual */
};
/* All containers (apps at once, then sidecars in reverse), then sandboxes. pod may be NULL: only what the
 * runtime knows. */
int pod_stop(struct kubelet *k, const struct object *pod, const struct pod_view *view,
             const struct stop_options *o, struct err *err);
int container_stop(struct kubelet *k, const struct object *pod, const struct container_view *v,
                   int64_t grace_seconds, struct str why, struct err *err);
/* Without hooks and events. until_ns: monotonic. */
int container_stop_now(struct kubelet *k, struct str id, int64_t until_ns, struct err *err);
/* Removes stopped sandboxes with their containers from the runtime. */
int pod_remove_from_runtime(struct kubelet *k, const struct pod_view *view, struct err *err);

/* -- pod_hasten.c: stops that are under way -- */

/* On the stack of who stops; id: of a container, STR_NONE: the pod as a whole. */
struct stop_under_way {
    struct kpod *p;
    struct str id;
    int64_t until_ns; /* becomes earlier when the grace period is shortened */
    bool in_hook;     /* preStop */
    struct stop_under_way *next;
};
void stop_begin(struct kubelet *k, struct kpod *p, struct str id, int64_t until_ns, struct stop_under_way *s);
void stop_end(struct kubelet *k, struct stop_under_way *s);
void stop_set_in_hook(struct kubelet *k, struct stop_under_way *s, bool in_hook);

/* When it is to be over, as of now. */
int64_t stop_until(struct kubelet *k, const struct stop_under_way *s);

/* Sleeps so long, but not beyond that. */
void stop_sleep(struct kubelet *k, const struct stop_under_way *s, int64_t ns);

/* What a source says about the pod's end; the lock is held. */
void pod_hasten(struct kubelet *k, struct kpod *p, const struct object *object, bool was_there);

/* Frees what pod_hasten has started and has ended, or waits for all of it. */
void pods_hasten_collect(struct kubelet *k, bool all);

/* -- pod_resize.c -- */

/* Whether what the pod asks for is what it gets. The run goes on with the pod as it was allocated. */
void pod_resize_decide(struct pod_run *r);

/* Gives the containers that run what was allocated; failures are noted and tried again. A pod that shrinks
 * gets its own cgroup's limits after its containers did, others before. */
bool pod_resize_shrinks(struct pod_run *r);
void pod_resize_actuate(struct pod_run *r, bool shrinks);

/* Containers that were made by this run have what was allocated. */
void pod_resize_note(struct pod_run *r);

/* What the container was given; NULL: not known. */
const struct core_resource_requirements *kpod_actuated(struct kpod *p, struct str id, struct str name);
void kpod_resize_fini(struct kpod *p);

/* -- pod_told.c -- */

/* Makes the status and tells the API when it is another than it has. ending: see pod_status.h. *ret_status
 * may be NULL. */
int pod_tell(struct pod_run *r, bool ending, struct core_pod_status *ret_status, struct err *err);

/* The run goes on with what was told last, when that is newer than what came by the watch. */
void run_use_newest(struct pod_run *r);

/* -- pod_admit.c -- */

/* Whether the node can take the pod; false with reason and message. */
bool pod_admit(struct pod_run *r, struct str *ret_reason, struct str *ret_message);

/* Whether its requests fit the node, alone or beside the others. */
bool pod_fits(struct pod_run *r, bool alone, struct str *ret_message);
