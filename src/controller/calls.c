/* controller/calls: many API calls at once. */
#include "controller/calls.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/object.h"
#include "base/err.h"
#include "base/workers.h"

#define CALLS_AT_ONCE 200u /* servers refuse more than a few hundred of one client */

/* On the stack of who waits; answers count down, the last one wakes him. */
struct crowd {
    struct waiter waiter;
    _Atomic(uint32_t) left;
    _Atomic(bool) failed; /* who sets it first writes the error */
    struct err *first;
};

struct slot {
    struct crowd *crowd;
    struct call_result result;
};

static void note_failure(struct crowd *c, int code, const struct err *err) {
    if (atomic_exchange(&c->failed, true) || !c->first)
        return;
    if (err && err->code)
        *c->first = *err;
    else
        (void)err_set(c->first, code, "the call failed: %s", err_code_text(code));
}

static void count_down(struct crowd *c) {
    if (atomic_fetch_sub(&c->left, 1) == 1)
        waiter_signal(&c->waiter);
}

static void on_done(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct slot *s = arg;
    s->result.code = code;
    if (!code && answer && answer->object)
        s->result.object = object_ref(answer->object);
    if (code)
        note_failure(s->crowd, code, err);
    count_down(s->crowd);
}

static void submit(struct client *c, const struct client_call *call, struct slot *s) {
    struct err err = ERR_INIT;
    int rc = client_submit(c, call, NULL, on_done, s, &err);
    if (!rc)
        return;
    s->result.code = rc;
    note_failure(s->crowd, rc, &err);
    count_down(s->crowd);
}

void call_results_release(struct call_result *results, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        object_unref(results[i].object);
        results[i].object = NULL;
    }
}

static uint32_t run_window(struct client *c, const struct client_call *calls, uint32_t n,
                           struct call_result *results, struct err *first) {
    struct slot *slots = calloc(n, sizeof *slots);
    if (!slots)
        panic("out of memory");
    struct crowd crowd = {.left = n + 1, .first = first};
    waiter_init(&crowd.waiter, client_sim(c));
    for (uint32_t i = 0; i < n; i++) {
        slots[i].crowd = &crowd;
        submit(c, &calls[i], &slots[i]);
    }
    if (atomic_fetch_sub(&crowd.left, 1) != 1)
        waiter_wait(&crowd.waiter);
    waiter_fini(&crowd.waiter);
    uint32_t failed = 0;
    for (uint32_t i = 0; i < n; i++) {
        failed += slots[i].result.code != 0;
        if (results)
            results[i] = slots[i].result;
        else
            object_unref(slots[i].result.object);
    }
    free(slots);
    return failed;
}

uint32_t calls_all(struct client *c, const struct client_call *calls, uint32_t n, struct call_result *results,
                   struct err *first) {
    uint32_t failed = 0;
    for (uint32_t from = 0; from < n; from += CALLS_AT_ONCE) {
        uint32_t now = n - from < CALLS_AT_ONCE ? n - from : CALLS_AT_ONCE;
        failed += run_window(c, calls + from, now, results ? results + from : NULL, failed ? NULL : first);
    }
    return failed;
}

uint32_t calls_slow_start(struct client *c, uint32_t n, call_make_fn make, void *arg,
                          struct call_result *results, uint32_t *ret_tried, struct err *first) {
    struct client_call *calls = calloc(n ? n : 1, sizeof *calls);
    if (!calls)
        panic("out of memory");
    uint32_t tried = 0, failed = 0;
    for (uint32_t batch = 1; tried < n && !failed; batch *= 2) {
        uint32_t now = batch < n - tried ? batch : n - tried;
        for (uint32_t i = 0; i < now; i++)
            make(arg, tried + i, &calls[i]);
        failed = calls_all(c, calls, now, results + tried, first);
        tried += now;
    }
    free(calls);
    *ret_tried = tried;
    return tried - failed;
}
