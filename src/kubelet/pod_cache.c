/* Pods by uid. An entry's signature is a hash over ids and states of its sandboxes and containers; its view
 * is shared by count and replaced as a whole. */
#include "kubelet/pod_cache.h"

#include <stdlib.h>

#include "api/types/cri.h"
#include "base/arena.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/thread.h"
#include "kubelet/cri_names.h"
#include "runtime/runtime.h"

struct shared_view {
    struct shared shared;
    struct arena arena;
    struct pod_view view;
};

struct cached_pod {
    char *uid;
    uint64_t signature, fresh; /* of the last relist; of the one under way */
    uint64_t touched;          /* grows with each change */
    struct shared_view *view;  /* NULL: to be fetched */
};

struct pod_cache {
    struct runtime *runtime;
    struct clock *clock;
    struct mutex lock;
    struct map pods; /* struct cached_pod */
    int64_t relisted_ns;
};

static void release_view(struct shared *s) {
    struct shared_view *v = (struct shared_view *)s;
    arena_fini(&v->arena);
    free(v);
}

static void release_any(void *v) {
    shared_unref(v);
}

static void drop_view(struct cached_pod *p) {
    if (p->view)
        shared_unref(&p->view->shared);
    p->view = NULL;
    p->touched++;
}

static void free_pod(struct cached_pod *p) {
    drop_view(p);
    free(p->uid);
    free(p);
}

static struct cached_pod *pod_of(struct pod_cache *c, struct str uid) {
    struct cached_pod *p = map_get(&c->pods, uid);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    char *copy = malloc(uid.n + 1);
    if (!p || !copy)
        panic("out of memory");
    memcpy(copy, uid.p, uid.n);
    copy[uid.n] = 0;
    p->uid = copy;
    map_put(&c->pods, str_make(copy, uid.n), p);
    return p;
}

struct pod_cache *pod_cache_new(struct runtime *r, struct clock *clock) {
    struct pod_cache *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->runtime = r;
    c->clock = clock;
    mutex_init(&c->lock);
    return c;
}

void pod_cache_free(struct pod_cache *c) {
    if (!c)
        return;
    map_foreach(e, &c->pods) free_pod(e->value);
    map_fini(&c->pods);
    mutex_fini(&c->lock);
    free(c);
}

/* -- relist -- */

/* Order does not matter: a sum of hashes. */
static void sign(struct pod_cache *c, struct str_map labels, struct str id, int32_t state) {
    struct str uid = str_map_get(labels, CRI_LABEL_POD_UID);
    if (!uid.n)
        return;
    uint64_t h = hash_fnv1a_64_add(hash_fnv1a_64(id), str_make((const char *)&state, sizeof state));
    pod_of(c, uid)->fresh += h | 1;
}

static int list_both(struct pod_cache *c, struct arena *a,
                     const struct cri_list_pod_sandbox_response **ret_sandboxes,
                     const struct cri_list_containers_response **ret_containers, struct err *err) {
    struct runtime_call call = {.arena = a};
    int rc = runtime_list_pod_sandbox(c->runtime, &call, &(struct cri_list_pod_sandbox_request){0},
                                      ret_sandboxes, err);
    return rc < 0 ? rc
                  : runtime_list_containers(c->runtime, &call, &(struct cri_list_containers_request){0},
                                            ret_containers, err);
}

struct changes {
    struct str *v;
    uint32_t n;
};

/* Takes over the new signatures; those that are other than before go into *ret. */
static void compare(struct pod_cache *c, struct arena *a, struct changes *ret) {
    ret->v = arena_new_n(a, map_count(&c->pods), struct str);
    map_foreach_reverse(e, &c->pods) {
        struct cached_pod *p = e->value;
        bool changed = p->fresh != p->signature;
        p->signature = p->fresh;
        if (!changed)
            continue;
        ret->v[ret->n++] = arena_str(a, str_from(p->uid));
        drop_view(p);
        if (p->signature == 0) {
            map_remove_entry(&c->pods, e);
            free_pod(p);
        }
    }
}

int pod_cache_relist(struct pod_cache *c, void (*changed)(void *arg, struct str uid), void *arg,
                     struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_list_pod_sandbox_response *sandboxes = NULL;
    const struct cri_list_containers_response *containers = NULL;
    int64_t asked = clock_mono_ns(c->clock);
    int rc = list_both(c, &a, &sandboxes, &containers, err);
    if (rc < 0)
        return rc;
    struct changes changes = {0};
    mutex_lock(&c->lock);
    map_foreach(e, &c->pods)((struct cached_pod *)e->value)->fresh = 0;
    for (uint32_t i = 0; i < sandboxes->items.n; i++)
        sign(c, sandboxes->items.v[i].labels, sandboxes->items.v[i].id, sandboxes->items.v[i].state);
    for (uint32_t i = 0; i < containers->containers.n; i++)
        sign(c, containers->containers.v[i].labels, containers->containers.v[i].id,
             containers->containers.v[i].state);
    compare(c, &a, &changes);
    c->relisted_ns = asked;
    mutex_unlock(&c->lock);
    for (uint32_t i = 0; changed && i < changes.n; i++)
        changed(arg, changes.v[i]);
    return 0;
}

int64_t pod_cache_relisted_ns(struct pod_cache *c) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    return c->relisted_ns;
}

uint32_t pod_cache_uids(struct pod_cache *c, struct arena *a, struct str **ret) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    struct str *v = arena_new_n(a, map_count(&c->pods), struct str);
    uint32_t n = 0;
    map_foreach(e, &c->pods) v[n++] = arena_str(a, e->key);
    *ret = v;
    return n;
}

void pod_cache_touch(struct pod_cache *c, struct str uid) {
    _cleanup_unlock struct mutex *held = mutex_hold(&c->lock);
    drop_view(pod_of(c, uid));
}

/* -- one pod -- */

struct fetch {
    struct runtime *runtime;
    struct runtime_call call;
    struct str uid;
    struct arena *a; /* of the view */
    struct pod_view *view;
};

static struct str_map uid_selector(const struct fetch *f) {
    struct str_entry *e = arena_new(f->a, struct str_entry);
    *e = (struct str_entry){CRI_LABEL_POD_UID, f->uid};
    return (struct str_map){e, 1};
}

static void add_ips(const struct fetch *f, const struct cri_pod_sandbox_network_status *n,
                    struct sandbox_view *s) {
    if (!n || !n->ip.n)
        return;
    s->ips.v = arena_new_n(f->a, 1 + n->additional_ips.n, struct str);
    s->ips.v[s->ips.n++] = n->ip;
    for (uint32_t i = 0; i < n->additional_ips.n; i++)
        s->ips.v[s->ips.n++] = n->additional_ips.v[i].ip;
}

static bool host_network(const struct cri_pod_sandbox_status *s) {
    return s->linux_ && s->linux_->namespaces && s->linux_->namespaces->options &&
           s->linux_->namespaces->options->network == CRI_NAMESPACE_MODE_NODE;
}

static int fetch_sandbox(const struct fetch *f, struct str id, struct err *err) {
    const struct cri_pod_sandbox_status_response *r = NULL;
    int rc = runtime_pod_sandbox_status(
        f->runtime, &f->call, &(struct cri_pod_sandbox_status_request){.pod_sandbox_id = id}, &r, err);
    if (rc == ERR_NOT_FOUND || (rc == 0 && !r->status))
        return 0; /* gone meanwhile */
    if (rc < 0)
        return rc;
    const struct cri_pod_sandbox_status *s = r->status;
    struct sandbox_view *to = &f->view->sandboxes[f->view->n_sandboxes++];
    *to = (struct sandbox_view){
        .id = s->id,
        .runtime_handler = s->runtime_handler,
        .attempt = s->metadata ? s->metadata->attempt : 0,
        .ready = s->state == CRI_POD_SANDBOX_STATE_SANDBOX_READY,
        .host_network = host_network(s),
        .created_ns = s->created_at,
    };
    add_ips(f, s->network, to);
    f->view->ns = str_map_get(s->labels, CRI_LABEL_POD_NAMESPACE);
    f->view->name = str_map_get(s->labels, CRI_LABEL_POD_NAME);
    return 0;
}

static int fetch_container(const struct fetch *f, const struct cri_container *listed, struct err *err) {
    const struct cri_container_status_response *r = NULL;
    int rc = runtime_container_status(
        f->runtime, &f->call, &(struct cri_container_status_request){.container_id = listed->id}, &r, err);
    if (rc == ERR_NOT_FOUND || (rc == 0 && !r->status))
        return 0;
    if (rc < 0)
        return rc;
    const struct cri_container_status *s = r->status;
    f->view->containers[f->view->n_containers++] = (struct container_view){
        .id = s->id,
        .name = str_map_get(s->labels, CRI_LABEL_CONTAINER_NAME),
        .sandbox_id = listed->pod_sandbox_id,
        .attempt = s->metadata ? s->metadata->attempt : 0,
        .state = s->state >= CONTAINER_CREATED && s->state <= CONTAINER_UNKNOWN
                     ? (enum container_state)s->state
                     : CONTAINER_UNKNOWN,
        .created_ns = s->created_at,
        .started_ns = s->started_at,
        .finished_ns = s->finished_at,
        .exit_code = s->exit_code,
        .reason = s->reason,
        .message = s->message,
        .image = s->image ? s->image->image : STR_NONE,
        .image_id = s->image_ref,
        .log_path = s->log_path,
        .hash = str_map_get(s->annotations, CRI_ANNOTATION_CONTAINER_HASH),
    };
    if (!f->view->ns.n) {
        f->view->ns = str_map_get(s->labels, CRI_LABEL_POD_NAMESPACE);
        f->view->name = str_map_get(s->labels, CRI_LABEL_POD_NAME);
    }
    return 0;
}

static int newer_sandbox(const void *a, const void *b) {
    const struct sandbox_view *x = a, *y = b;
    return (x->created_ns < y->created_ns) - (x->created_ns > y->created_ns);
}

static int newer_container(const void *a, const void *b) {
    const struct container_view *x = a, *y = b;
    int by_time = (x->created_ns < y->created_ns) - (x->created_ns > y->created_ns);
    return by_time ? by_time : (x->attempt < y->attempt) - (x->attempt > y->attempt);
}

static int fetch_sandboxes(const struct fetch *f, struct err *err) {
    const struct cri_list_pod_sandbox_response *list = NULL;
    struct cri_pod_sandbox_filter filter = {.label_selector = uid_selector(f)};
    int rc = runtime_list_pod_sandbox(f->runtime, &f->call,
                                      &(struct cri_list_pod_sandbox_request){.filter = &filter}, &list, err);
    if (rc < 0)
        return rc;
    f->view->sandboxes = arena_new_n(f->a, list->items.n, struct sandbox_view);
    for (uint32_t i = 0; i < list->items.n && rc == 0; i++)
        rc = fetch_sandbox(f, list->items.v[i].id, err);
    if (f->view->n_sandboxes)
        qsort(f->view->sandboxes, f->view->n_sandboxes, sizeof *f->view->sandboxes, newer_sandbox);
    return rc;
}

static int fetch_containers(const struct fetch *f, struct err *err) {
    const struct cri_list_containers_response *list = NULL;
    struct cri_container_filter filter = {.label_selector = uid_selector(f)};
    int rc = runtime_list_containers(f->runtime, &f->call,
                                     &(struct cri_list_containers_request){.filter = &filter}, &list, err);
    if (rc < 0)
        return rc;
    f->view->containers = arena_new_n(f->a, list->containers.n, struct container_view);
    for (uint32_t i = 0; i < list->containers.n && rc == 0; i++)
        rc = fetch_container(f, &list->containers.v[i], err);
    if (f->view->n_containers)
        qsort(f->view->containers, f->view->n_containers, sizeof *f->view->containers, newer_container);
    return rc;
}

static struct shared_view *fetch_view(struct pod_cache *c, struct str uid, struct err *err) {
    struct shared_view *v = calloc(1, sizeof *v);
    if (!v)
        panic("out of memory");
    shared_init(&v->shared, release_view);
    arena_init(&v->arena);
    v->view.uid = arena_str(&v->arena, uid);
    struct fetch f = {.runtime = c->runtime,
                      .call = {.arena = &v->arena},
                      .uid = v->view.uid,
                      .a = &v->arena,
                      .view = &v->view};
    int rc = fetch_sandboxes(&f, err);
    if (rc == 0)
        rc = fetch_containers(&f, err);
    if (rc == 0)
        return v;
    shared_unref(&v->shared);
    return NULL;
}

int pod_cache_view(struct pod_cache *c, struct str uid, struct arena *a, const struct pod_view **ret,
                   struct err *err) {
    mutex_lock(&c->lock);
    struct cached_pod *p = pod_of(c, uid);
    uint64_t touched = p->touched;
    struct shared_view *v = p->view;
    if (v)
        shared_ref(&v->shared);
    mutex_unlock(&c->lock);
    if (!v) {
        v = fetch_view(c, uid, err);
        if (!v)
            return err_wrap(err, "pod %.*s in the runtime", STR_ARG(uid));
        mutex_lock(&c->lock);
        p = pod_of(c, uid);
        if (p->touched == touched && !p->view) { /* it may have changed while we asked */
            shared_ref(&v->shared);
            p->view = v;
        }
        mutex_unlock(&c->lock);
    }
    arena_hold(a, release_any, &v->shared);
    *ret = &v->view;
    return 0;
}
