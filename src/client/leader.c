/* Leader election on a Lease. See leader.h.
 *
 *     waiting ──timer──▶ reading ──free, ours or run out──▶ writing ──done──▶ leading (waiting to renew)
 *        ▲                  │ somebody else's                  │ refused                │
 *        └──────────────────┴──────────────────────────────────┴◀──not renewed in time──┘
 *
 * All of it on the loop. Whether somebody else's lease has run out is judged by our own clock since we saw it
 * change, not by the times in it, so that clocks may differ.
 */
#include "client/leader.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/equal.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/types/coordination.h"
#include "api/types/ids.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/workers.h"
#include "client/client.h"

#define LEASE_NS (15 * NS_PER_SEC)
#define RENEW_NS (10 * NS_PER_SEC)
#define RETRY_NS (2 * NS_PER_SEC)
#define RETRY_JITTER 1.2

struct leader {
    struct leader_options options; /* texts in the arena */
    struct arena arena;
    _Atomic(bool) leading;
    struct timer retry, deadline;
    bool busy;            /* a call is under way */
    struct object *lease; /* as last seen; NULL: there is none */
    int64_t changed_ns;   /* when it was seen to change */
    int64_t renewed_ns;   /* when the renewal that succeeded last was sent */
    int64_t sent_ns;
    bool stale;             /* it may say something else by now: to be read before it is written */
    struct waiter *stopped; /* somebody waits for the end */
    bool released;
    struct loop_msg start;
};

static int64_t now_ns(const struct leader *l) {
    return clock_mono_ns(loop_clock(l->options.loop));
}

static const struct coordination_lease_spec *spec_of(const struct object *lease) {
    return &((const struct coordination_lease *)lease->body)->spec;
}

static bool is_ours(const struct leader *l) {
    return l->lease && str_eq(spec_of(l->lease)->holder_identity, l->options.identity);
}

/* Takes over the reference. */
static void observe(struct leader *l, struct object *lease) {
    const struct kind *k = &kinds[KIND_COORDINATION_LEASE];
    bool same = l->lease && lease && api_equal_field(k->set, k->type, l->lease->body, lease->body, S("spec"));
    if (!same)
        l->changed_ns = now_ns(l);
    object_unref(l->lease);
    l->lease = lease;
}

/* Whether the lease may be taken. */
static bool is_free(const struct leader *l) {
    if (!l->lease || !spec_of(l->lease)->holder_identity.n || is_ours(l))
        return true;
    struct opt_i32 seconds = spec_of(l->lease)->lease_duration_seconds;
    int64_t lasts = seconds.set ? seconds.v * NS_PER_SEC : l->options.lease_ns;
    return l->changed_ns + lasts < now_ns(l);
}

static void retry_later(struct leader *l) {
    int64_t ns = l->options.retry_ns;
    if (!leader_is(l))
        ns = rand_jitter(client_rand(l->options.client), ns, RETRY_JITTER);
    loop_timer_start(l->options.loop, &l->retry, ns);
}

/* -- who leads -- */

static void lead(struct leader *l) {
    l->renewed_ns = l->sent_ns;
    int64_t left = l->renewed_ns + l->options.renew_ns - now_ns(l);
    loop_timer_start(l->options.loop, &l->deadline, left);
    if (atomic_exchange(&l->leading, true))
        return;
    log_info("became leader", kv_ref("lease", l->options.ns, l->options.name), kv("id", l->options.identity));
    if (l->options.on_leading)
        l->options.on_leading(l->options.arg);
}

static void lose(struct leader *l, const char *why) {
    loop_timer_stop(l->options.loop, &l->deadline);
    if (!atomic_exchange(&l->leading, false))
        return;
    log_warn("no longer leader", kv_ref("lease", l->options.ns, l->options.name), kv("why", why));
    if (l->options.on_lost)
        l->options.on_lost(l->options.arg);
}

static void on_deadline(struct timer *t) {
    lose((struct leader *)((char *)t - offsetof(struct leader, deadline)),
         "the lease was not renewed in time");
}

/* -- calls -- */

static void on_end(struct leader *l);

static void call(struct leader *l, const struct client_call *c, client_done_fn done) {
    struct err err = ERR_INIT;
    l->busy = true;
    l->sent_ns = now_ns(l);
    if (client_submit(l->options.client, c, l->options.loop, done, l, &err) == 0)
        return;
    l->busy = false;
    retry_later(l);
}

static void fill(const struct leader *l, struct coordination_lease *to, bool release) {
    int64_t wall = clock_wall_ns(client_clock(l->options.client));
    struct coordination_lease_spec before = {0};
    if (l->lease) {
        *to = *(const struct coordination_lease *)l->lease->body;
        before = to->spec;
    } else {
        to->metadata.name = l->options.name;
        to->metadata.namespace = l->options.ns;
    }
    bool ours = is_ours(l);
    int64_t lasts = release ? NS_PER_SEC : l->options.lease_ns;
    to->spec.holder_identity = release ? S("") : l->options.identity;
    to->spec.lease_duration_seconds = (struct opt_i32){(int32_t)(lasts / NS_PER_SEC), true};
    to->spec.renew_time = timestamp_from_ns(wall);
    if (!ours || !before.acquire_time.set || release)
        to->spec.acquire_time = timestamp_from_ns(wall);
    if (!before.lease_transitions.set || !l->lease)
        to->spec.lease_transitions = (struct opt_i32){0, true};
    if (l->lease && !ours)
        to->spec.lease_transitions = (struct opt_i32){before.lease_transitions.v + 1, true};
}

static void on_written(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct leader *l = arg;
    l->busy = false;
    l->stale = code != 0;
    if (code == 0 && answer->object) {
        observe(l, object_ref(answer->object));
        if (!l->stopped)
            lead(l);
    } else {
        log_v(2, "lease was not written", kv_ref("lease", l->options.ns, l->options.name), kv("err", err));
    }
    if (l->stopped) {
        on_end(l);
        return;
    }
    retry_later(l);
}

static void write_lease(struct leader *l, bool release) {
    struct coordination_lease body = {0};
    fill(l, &body, release);
    struct client_call c = {
        .verb = l->lease ? CLIENT_UPDATE : CLIENT_CREATE,
        .kind = &kinds[KIND_COORDINATION_LEASE],
        .ns = l->options.ns,
        .name = l->lease ? l->options.name : S(""),
        .body = &body,
        .timeout_ms = (unsigned)(l->options.renew_ns / NS_PER_MS / 2),
    };
    call(l, &c, on_written);
}

static void on_read(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct leader *l = arg;
    l->busy = false;
    if (l->stopped) {
        on_end(l);
        return;
    }
    if (code == 0 || code == ERR_NOT_FOUND) {
        observe(l, code ? NULL : object_ref(answer->object));
        if (is_free(l)) {
            write_lease(l, false);
            return;
        }
        lose(l, "somebody else leads");
    } else {
        log_v(2, "lease was not read", kv_ref("lease", l->options.ns, l->options.name), kv("err", err));
    }
    retry_later(l);
}

static void read_lease(struct leader *l) {
    struct client_call c = {
        .verb = CLIENT_GET,
        .kind = &kinds[KIND_COORDINATION_LEASE],
        .ns = l->options.ns,
        .name = l->options.name,
        .timeout_ms = (unsigned)(l->options.renew_ns / NS_PER_MS / 2),
    };
    call(l, &c, on_read);
}

static void on_retry(struct timer *t) {
    struct leader *l = (struct leader *)((char *)t - offsetof(struct leader, retry));
    if (l->busy)
        return;
    if (leader_is(l) && is_ours(l) && !l->stale)
        write_lease(l, false);
    else
        read_lease(l);
}

/* -- life -- */

static void on_start(struct loop_msg *msg) {
    read_lease((struct leader *)((char *)msg - offsetof(struct leader, start)));
}

static void default_times(struct leader_options *o) {
    if (!o->lease_ns)
        o->lease_ns = LEASE_NS;
    if (!o->renew_ns)
        o->renew_ns = RENEW_NS;
    if (!o->retry_ns)
        o->retry_ns = RETRY_NS;
}

static void free_leader(struct leader *l) {
    object_unref(l->lease);
    arena_fini(&l->arena);
    free(l);
}

int leader_start(const struct leader_options *o, struct leader **ret, struct err *err) {
    struct leader *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    arena_init(&l->arena);
    l->options = *o;
    l->options.ns = arena_str(&l->arena, o->ns);
    l->options.name = arena_str(&l->arena, o->name);
    l->options.identity = arena_str(&l->arena, o->identity);
    default_times(&l->options);
    l->retry.fire = on_retry;
    l->deadline.fire = on_deadline;
    l->start.run = on_start;
    if (l->options.renew_ns >= l->options.lease_ns || l->options.retry_ns >= l->options.renew_ns) {
        free_leader(l);
        return err_set(err, ERR_INVALID, "leader election: lease duration > renew deadline > retry period");
    }
    if (loop_post(o->loop, &l->start)) {
        free_leader(l);
        return err_set(err, ERR_CLOSED, "leader election: the loop has ended");
    }
    *ret = l;
    return 0;
}

bool leader_is(const struct leader *l) {
    return atomic_load(&l->leading);
}

/* The call under way has ended, and we are to stop: gives the lease back first. */
static void on_end(struct leader *l) {
    bool leading = atomic_exchange(&l->leading, false);
    if (leading && is_ours(l) && !l->released) {
        l->released = true;
        write_lease(l, true);
        if (l->busy)
            return;
        loop_timer_stop(l->options.loop, &l->retry);
    }
    waiter_signal(l->stopped);
}

struct stopping {
    struct loop_msg msg;
    struct leader *leader;
    struct waiter stopped;
};

static void on_stop(struct loop_msg *msg) {
    struct stopping *s = (struct stopping *)msg;
    struct leader *l = s->leader;
    l->stopped = &s->stopped;
    loop_timer_stop(l->options.loop, &l->retry);
    loop_timer_stop(l->options.loop, &l->deadline);
    if (!l->busy)
        on_end(l);
}

void leader_stop(struct leader *l) {
    if (!l)
        return;
    struct stopping s = {.msg = {.run = on_stop}, .leader = l};
    waiter_init(&s.stopped, client_sim(l->options.client));
    if (loop_post(l->options.loop, &s.msg) == 0)
        waiter_wait(&s.stopped);
    waiter_fini(&s.stopped);
    free_leader(l);
}
