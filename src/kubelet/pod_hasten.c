/* Stops that are under way, and what makes them end earlier.
 *
 * A stop blocks the pod's run for the grace period, so a shorter one that comes meanwhile (a second deletion,
 * --force) cannot wait for the next run: the source that tells of it shortens what is noted here, and a
 * thread asks the runtime once more, with the time that is left. The first call returns when the container
 * has ended.
 *
 * CONFORMS: kubelet.tsv, termination: a grace period only ever becomes shorter.
 */
#include <stdlib.h>

#include "api/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/text.h"

#define SECOND 1000000000ll
#define GONE_SECONDS 1 /* for a pod that is no longer in the API */
#define HOOK_LOOK_NS (SECOND / 4)

struct hasten {
    struct hasten *next;
    struct kubelet *k;
    struct kpod *p; /* one use */
    char *id;
    struct thread thread;
    bool done;
};

/* -- under the lock -- */

static struct stop_under_way *find_stop(const struct kpod *p, const char *id) {
    for (struct stop_under_way *s = p->stops; s; s = s->next)
        if (str_eq(s->id, str_from(id)))
            return s;
    return NULL;
}

/* -- a stop -- */

void stop_begin(struct kubelet *k, struct kpod *p, struct str id, int64_t until_ns,
                struct stop_under_way *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    int64_t by = clock_mono_ns(k->clock) + p->stop_grace * SECOND;
    if (p->stop_grace >= 0 && by < until_ns)
        until_ns = by;
    *s = (struct stop_under_way){.p = p, .id = id, .until_ns = until_ns, .next = p->stops};
    p->stops = s;
}

void stop_end(struct kubelet *k, struct stop_under_way *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    struct stop_under_way **at = &s->p->stops;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
}

int64_t stop_until(struct kubelet *k, const struct stop_under_way *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    return s->until_ns;
}

void stop_set_in_hook(struct kubelet *k, struct stop_under_way *s, bool in_hook) {
    _cleanup_unlock struct mutex *held = mutex_hold(&k->pods_lock);
    s->in_hook = in_hook;
}

void stop_sleep(struct kubelet *k, const struct stop_under_way *s, int64_t ns) {
    int64_t end = clock_mono_ns(k->clock) + ns;
    for (;;) {
        int64_t now = clock_mono_ns(k->clock), until = stop_until(k, s);
        until = until < end ? until : end;
        if (until <= now)
            return;
        clock_sleep_ns(k->clock, until - now < HOOK_LOOK_NS ? until - now : HOOK_LOOK_NS);
    }
}

/* -- hastening -- */

/* A container in its preStop hook is left to it as long as the time lasts. */
static bool wait_for_hook(struct kubelet *k, struct kpod *p, const char *id, int64_t *ret_until_ns) {
    for (;;) {
        mutex_lock(&k->pods_lock);
        const struct stop_under_way *s = find_stop(p, id);
        bool in_hook = s && s->in_hook, there = s != NULL;
        *ret_until_ns = s ? s->until_ns : 0;
        mutex_unlock(&k->pods_lock);
        int64_t left = *ret_until_ns - clock_mono_ns(k->clock);
        if (!in_hook || left <= 0)
            return there;
        clock_sleep_ns(k->clock, left < HOOK_LOOK_NS ? left : HOOK_LOOK_NS);
    }
}

static void run_hasten(void *arg) {
    struct hasten *h = arg;
    struct err err = ERR_INIT;
    int64_t until;
    if (wait_for_hook(h->k, h->p, h->id, &until))
        (void)container_stop_now(h->k, str_from(h->id), until, &err); /* the first call tells what fails */
    kpod_done(h->k, h->p);
    mutex_lock(&h->k->pods_lock);
    h->done = true;
    mutex_unlock(&h->k->pods_lock);
}

static void free_hasten(struct hasten *h) {
    thread_join(&h->thread);
    free(h->id);
    free(h);
}

/* Takes those that have ended, or all. The lock is held. */
static struct hasten *take_ended(struct kubelet *k, bool all) {
    struct hasten *taken = NULL;
    for (struct hasten **at = &k->hastening; *at;) {
        struct hasten *h = *at;
        if (!h->done && !all) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        h->next = taken;
        taken = h;
    }
    return taken;
}

static void free_all(struct hasten *h) {
    while (h) {
        struct hasten *next = h->next;
        free_hasten(h);
        h = next;
    }
}

/* The lock is held. */
static void start(struct kubelet *k, struct kpod *p, struct str id) {
    struct hasten *h = calloc(1, sizeof *h);
    if (!h)
        panic("out of memory");
    *h = (struct hasten){.next = k->hastening, .k = k, .p = p, .id = text_copy(id)};
    p->users++;
    if (thread_start(&h->thread, &(struct thread_options){.name = "hasten"}, run_hasten, h, NULL) == 0) {
        k->hastening = h;
        return;
    }
    p->users--; /* who calls holds the pod in its table; it ends when it was to end before */
    free(h->id);
    free(h);
}

static int64_t grace_of(const struct object *object, bool was_there) {
    if (!object)
        return was_there ? GONE_SECONDS : -1;
    const struct core_pod *pod = object->body;
    if (!meta_is_deleting(&pod->metadata) || !pod->metadata.deletion_grace_period_seconds.set)
        return -1;
    return pod->metadata.deletion_grace_period_seconds.v;
}

void pod_hasten(struct kubelet *k, struct kpod *p, const struct object *object, bool was_there) {
    int64_t grace = grace_of(object, was_there);
    if (grace < 0 || (p->stop_grace >= 0 && p->stop_grace <= grace))
        return;
    p->stop_grace = grace;
    int64_t by = clock_mono_ns(k->clock) + grace * SECOND;
    for (struct stop_under_way *s = p->stops; s; s = s->next) {
        if (s->until_ns <= by)
            continue;
        s->until_ns = by;
        if (s->id.n)
            start(k, p, s->id);
    }
}

void pods_hasten_collect(struct kubelet *k, bool all) {
    mutex_lock(&k->pods_lock);
    struct hasten *ended = take_ended(k, all);
    mutex_unlock(&k->pods_lock);
    free_all(ended);
}
