/* scheduler: starting and stopping. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rand.h"
#include "client/events.h"
#include "client/leader.h"
#include "scheduler/scheduler_priv.h"

struct nodes *scheduler_nodes(struct scheduler *s) {
    return &s->nodes;
}

/* -- visiting the loop -- */

struct loop_visit {
    struct loop_msg msg;
    struct waiter done;
    struct scheduler *s;
    void (*fn)(struct scheduler *s);
};

static void visit(struct loop_msg *msg) {
    struct loop_visit *v = (struct loop_visit *)((char *)msg - offsetof(struct loop_visit, msg));
    v->fn(v->s);
    waiter_signal(&v->done);
}

static void on_loop(struct scheduler *s, void (*fn)(struct scheduler *s)) {
    struct loop_visit v = {.msg = {.run = visit}, .s = s, .fn = fn};
    waiter_init(&v.done, loop_sim(s->loop));
    if (!loop_post(s->loop, &v.msg))
        waiter_wait(&v.done);
    waiter_fini(&v.done);
}

/* -- the lease -- */

static void on_leading(void *arg) {
    struct scheduler *s = arg;
    log_info("leading: the scheduler starts");
    s->acting = true;
    cycle_wake(s);
}

static void on_lost(void *arg) {
    struct scheduler *s = arg;
    log_warn("the lease was lost: the scheduler stops");
    s->acting = false;
}

/* Host name and a random part, as for upstream's. */
static struct str identity(struct scheduler *s) {
    char host[256] = "", uuid[RAND_UUID_SIZE];
    (void)gethostname(host, sizeof host - 1);
    rand_uuid(s->rand, uuid);
    return s->options.identity.n ? s->options.identity : arena_printf(&s->arena, "%s_%s", host, uuid);
}

static int start_leader(struct scheduler *s, struct err *err) {
    const struct scheduler_options *o = &s->options;
    return leader_start(
        &(struct leader_options){.client = s->client,
                                 .loop = s->loop,
                                 .ns = o->lease_namespace.n ? o->lease_namespace : S("kube-system"),
                                 .name = o->lease_name.n ? o->lease_name : S("kube-scheduler"),
                                 .identity = identity(s),
                                 .lease_ns = o->lease_ns,
                                 .renew_ns = o->renew_ns,
                                 .retry_ns = o->retry_ns,
                                 .on_leading = on_leading,
                                 .on_lost = on_lost,
                                 .arg = s},
        &s->leader, err);
}

/* -- starting -- */

static void on_flush(struct timer *t) {
    struct scheduler *s = (struct scheduler *)((char *)t - offsetof(struct scheduler, flush));
    cycle_turn(&s->turn);
}

static int start_events(struct scheduler *s, struct err *err) {
    int rc = event_recorder_new(s->client, s->loop, "default-scheduler", STR_NONE, &s->events, err);
    for (uint32_t i = 0; i < s->n_profiles && !rc; i++)
        s->profile_events[i] = event_recorder_as(s->events, arena_strz(&s->arena, s->profiles[i].name));
    return rc;
}

static void init(struct scheduler *s, const struct scheduler_options *o) {
    s->options = *o;
    s->client = o->client;
    s->clock = client_clock(o->client);
    s->rand = client_rand(o->client);
    s->metrics = sched_metrics_new(o->metrics);
    s->turn.run = cycle_turn;
    s->flush.fire = on_flush;
    arena_init(&s->arena);
    arena_init_sized(&s->cycle_arena, 64u << 10);
    facts_table_init(&s->facts);
    nodes_init(&s->nodes, &s->facts);
    pod_queue_init(&s->queue, s->clock, s);
    s->taken_volumes = (struct map)MAP_INIT_OWNING;
    s->cycle.arena = &s->cycle_arena;
    s->cycle.nodes = &s->nodes;
    s->cycle.reasons = (struct map)MAP_INIT_OWNING;
}

static int start_loop(struct scheduler *s, struct err *err) {
    struct sim *sim = client_sim(s->client);
    if (sim)
        s->loop = sim_loop_new(sim, "scheduler");
    return sim ? 0 : loop_start(&(struct loop_options){.name = "scheduler"}, &s->loop, err);
}

int scheduler_start(const struct scheduler_options *options, struct scheduler **ret, struct err *err) {
    struct scheduler *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    init(s, options);
    int rc = profiles_make(s, err);
    if (!rc)
        rc = start_loop(s, err);
    if (!rc)
        rc = start_events(s, err);
    if (!rc)
        rc = intake_start(s, err);
    s->acting = !options->leader_elect; /* before the loop may hear of the last list */
    if (!rc)
        on_loop(s, intake_listen);
    if (!rc && options->leader_elect)
        rc = start_leader(s, err);
    if (rc) {
        scheduler_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

/* -- stopping -- */

static void quiesce(struct scheduler *s) {
    s->stopping = true;
    intake_stop(s);
    loop_timer_stop(s->loop, &s->flush);
    volume_plans_check(s);
    if (!s->n_bindings)
        waiter_signal(s->idle);
}

static void wait_for_bindings(struct scheduler *s) {
    struct waiter idle;
    waiter_init(&idle, loop_sim(s->loop));
    s->idle = &idle;
    on_loop(s, quiesce);
    waiter_wait(&idle);
    waiter_fini(&idle);
    s->idle = NULL;
}

static void free_all(struct scheduler *s) {
    struct cycle *c = &s->cycle;
    intake_release(s);
    pod_queue_fini(&s->queue);
    nodes_fini(&s->nodes);
    facts_table_fini(&s->facts);
    map_fini(&c->reasons);
    map_fini(&s->taken_volumes);
    vec_fini(&s->volume_waits);
    buf_fini(&c->prefilter_text);
    buf_fini(&c->postfilter_text);
    buf_fini(&c->error_text);
    arena_fini(&s->cycle_arena);
    arena_fini(&s->arena);
    free(s->profiles);
    sched_metrics_free(s->metrics);
    free(s);
}

void scheduler_stop(struct scheduler *s) {
    if (!s)
        return;
    leader_stop(s->leader);
    if (s->loop)
        wait_for_bindings(s);
    event_recorder_free(s->events);
    if (s->loop && loop_sim(s->loop))
        loop_free(s->loop);
    else
        loop_stop(s->loop);
    free_all(s);
}

bool scheduler_leading(const struct scheduler *s) {
    return s->acting;
}

uint64_t scheduler_bound(const struct scheduler *s) {
    return s->bound;
}

size_t scheduler_waiting(const struct scheduler *s) {
    return s->waiting;
}
