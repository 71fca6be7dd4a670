/* The pods the kubelet knows of. The table and what sources say are under pods_lock; the rest of a pod
 * belongs to its run.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "client/reconciler.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/text.h"

static struct str own(struct str s) {
    return s.p ? str_make(text_copy(s), s.n) : STR_NONE;
}

static void disown(struct str *s) {
    free((char *)s->p);
    *s = STR_NONE;
}

static void free_waiting(struct waiting_reason *w) {
    disown(&w->container);
    disown(&w->reason);
    disown(&w->message);
}

static void free_pod(struct kpod *p) {
    vec_foreach (w, &p->waiting)
        free_waiting(w);
    vec_fini(&p->waiting);
    disown(&p->ns);
    disown(&p->name);
    disown(&p->evict_message);
    disown(&p->end_phase);
    disown(&p->end_reason);
    disown(&p->end_message);
    object_unref(p->object);
    object_unref(p->told);
    object_unref(p->mirror);
    kpod_resize_fini(p);
    free(p->uid);
    free(p);
}

/* The lock is held. */
static struct kpod *find_or_make(struct kubelet *k, struct str uid) {
    struct kpod *p = map_get(&k->pods, uid);
    if (p)
        return p;
    p = calloc(1, sizeof *p);
    if (!p)
        panic("out of memory");
    p->uid = text_copy(uid);
    p->grace_override = -1;
    p->stop_grace = -1;
    map_put(&k->pods, str_make(p->uid, uid.n), p);
    return p;
}

struct kpod *kpod_use(struct kubelet *k, struct str uid) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    struct kpod *p = find_or_make(k, uid);
    p->users++;
    return p;
}

void kpod_done(struct kubelet *k, struct kpod *p) {
    mutex_lock(&k->pods_lock);
    bool last = --p->users == 0 && map_get(&k->pods, str_from(p->uid)) != p;
    mutex_unlock(&k->pods_lock);
    if (last)
        free_pod(p);
}

const struct object *kpod_object(struct kubelet *k, struct kpod *p) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    return p->object ? object_ref(p->object) : NULL;
}

void pods_set(struct kubelet *k, struct str uid, const struct object *object, bool is_static) {
    mutex_lock(&k->pods_lock);
    struct kpod *p = object ? find_or_make(k, uid) : map_get(&k->pods, uid);
    const struct object *old = NULL;
    if (p) {
        old = p->object;
        pod_hasten(k, p, object, old != NULL);
        p->object = object ? object_ref(object) : NULL;
        p->is_static = is_static;
    }
    mutex_unlock(&k->pods_lock);
    object_unref(old);
    pods_hasten_collect(k, false);
    if (p)
        kpod_wake(k, uid);
}

void pods_set_mirror(struct kubelet *k, struct str uid, const struct object *mirror) {
    const struct object *old = NULL;
    mutex_lock(&k->pods_lock);
    struct kpod *p = map_get(&k->pods, uid);
    bool news = p && (!mirror || !p->mirror || p->mirror->rv < mirror->rv);
    if (news) {
        old = p->mirror;
        p->mirror = mirror ? object_ref(mirror) : NULL;
    }
    mutex_unlock(&k->pods_lock);
    object_unref(old);
    if (news)
        kpod_wake(k, uid);
}

void pods_forget(struct kubelet *k, struct str uid) {
    mutex_lock(&k->pods_lock);
    struct kpod *p = map_take(&k->pods, uid);
    bool unused = p && p->users == 0;
    mutex_unlock(&k->pods_lock);
    if (unused)
        free_pod(p);
}

uint32_t pods_all(struct kubelet *k, struct arena *a, struct pods_item **ret) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    struct pods_item *v = arena_new_n(a, map_count(&k->pods), struct pods_item);
    uint32_t n = 0;
    map_foreach(e, &k->pods) {
        struct kpod *p = e->value;
        if (!p->object)
            continue;
        v[n++] = (struct pods_item){object_ref(p->object), p->is_static};
        arena_hold(a, object_release_any, (void *)p->object);
    }
    *ret = v;
    return n;
}

void kpod_wake(struct kubelet *k, struct str uid) {
    if (k->reconciler)
        reconciler_enqueue(k->reconciler, uid);
}

struct waiting_reason *kpod_waits(struct kpod *p, struct str container, struct str reason,
                                  struct str message) {
    kpod_waits_no_more(p, container);
    vec_push(&p->waiting, ((struct waiting_reason){
                              .container = own(container), .reason = own(reason), .message = own(message)}));
    return &p->waiting.v[p->waiting.n - 1];
}

void kpod_waits_no_more(struct kpod *p, struct str container) {
    for (size_t i = p->waiting.n; i-- > 0;)
        if (str_eq(p->waiting.v[i].container, container)) {
            free_waiting(&p->waiting.v[i]);
            vec_remove(&p->waiting, i);
        }
}

void kpod_end(struct kpod *p, struct str phase, struct str reason, struct str message) {
    if (p->end_phase.n)
        return;
    p->end_phase = own(phase);
    p->end_reason = own(reason);
    p->end_message = own(message);
}

void kpod_evict(struct kubelet *k, struct kpod *p, struct str message) {
    mutex_lock(&k->pods_lock);
    if (!p->evict_message.p)
        p->evict_message = own(message);
    mutex_unlock(&k->pods_lock);
    kpod_wake(k, str_from(p->uid));
}
