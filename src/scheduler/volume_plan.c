/* scheduler/volume_plan: writes what was decided of a pod's volumes, and waits until its claims are bound. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "scheduler/plugins/volumes.h"

#define BIND_TIMEOUT_NS (600 * NS_PER_SEC)

struct volume_plan *volume_plan_new(uint32_t n_max) {
    struct volume_plan *v = calloc(1, sizeof *v);
    if (!v)
        panic("out of memory");
    arena_init(&v->arena);
    v->patches = arena_new_n(&v->arena, n_max, struct volume_patch);
    return v;
}

void volume_plan_drop(struct scheduler *s, struct sched_pod *pod) {
    struct volume_plan *v = pod->volumes;
    if (!v)
        return;
    for (uint32_t i = 0; i < v->n_patches; i++)
        if (!v->patches[i].ns.n)
            (void)map_remove(&s->taken_volumes, v->patches[i].name);
    arena_fini(&v->arena);
    free(v);
    pod->volumes = NULL;
}

/* Answers come in any order; after the last one it is looked at. */
static void on_written(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct binding *b = arg;
    struct volume_plan *v = b->pod ? b->pod->volumes : NULL;
    (void)answer;
    b->n_calls--;
    if (v && code && !v->failed)
        v->failed = arena_strz(&v->arena, str_from(err->msg));
    if (!b->n_calls)
        volume_plans_check(b->s);
}

enum code volume_plan_start(struct scheduler *s, struct binding *b) {
    struct volume_plan *v = b->pod->volumes;
    v->started_ns = clock_mono_ns(s->clock);
    for (uint32_t i = 0; i < v->n_patches; i++) {
        const struct client_call call = {.verb = CLIENT_PATCH,
                                         .kind = v->patches[i].kind,
                                         .ns = v->patches[i].ns,
                                         .name = v->patches[i].name,
                                         .patch = CLIENT_PATCH_MERGE,
                                         .patch_text = v->patches[i].text};
        struct err err = ERR_INIT;
        if (client_submit(s->client, &call, s->loop, on_written, b, &err) == 0)
            b->n_calls++;
        else if (!v->failed)
            v->failed = arena_strz(&v->arena, str_from(err.msg));
    }
    if (!b->n_calls)
        return CODE_ERROR;
    vec_push(&s->volume_waits, b);
    return CODE_WAIT;
}

static bool all_bound(struct scheduler *s, const struct sched_pod *pod) {
    for (uint32_t i = 0; i < pod->facts->n_claims; i++) {
        struct object *o = scheduler_find(s, FOLLOW_CLAIMS, pod->facts->ns, pod->facts->claims[i].name);
        bool bound = o && claim_is_bound(o->body);
        object_unref(o);
        if (!bound)
            return false;
    }
    return true;
}

/* Whether a binding is through, one way or the other. */
static bool settle(struct scheduler *s, struct binding *b) {
    if (b->n_calls)
        return false;
    if (!b->pod || s->stopping) {
        binding_continue(b, b->pod ? CODE_ERROR : CODE_SUCCESS, "the scheduler stops");
        return true;
    }
    if (b->pod->volumes->failed) {
        char why[ERR_MESSAGE_MAX]; /* the plan goes before it is told */
        (void)snprintf(why, sizeof why, "binding volumes: %s", b->pod->volumes->failed);
        binding_continue(b, CODE_ERROR, why);
        return true;
    }
    if (all_bound(s, b->pod)) {
        volume_plan_drop(s, b->pod);
        binding_continue(b, CODE_SUCCESS, NULL);
        return true;
    }
    if (clock_mono_ns(s->clock) - b->pod->volumes->started_ns < BIND_TIMEOUT_NS)
        return false;
    binding_continue(b, CODE_ERROR, "binding volumes: timed out waiting for the claims to be bound");
    return true;
}

void volume_plans_check(struct scheduler *s) {
    for (size_t i = s->volume_waits.n; i-- > 0;) {
        struct binding *b = s->volume_waits.v[i];
        if (b->n_calls)
            continue;
        vec_remove(&s->volume_waits, i);
        if (!settle(s, b))
            vec_push(&s->volume_waits, b);
    }
}
