/* controller/controller: starting and stopping all controllers, with or without leader election. */
#include "controller/controller.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/leader.h"
#include "controller/controller_priv.h"
#include "controller/orphans.h"

#define CONTROLLER_THREADS 4u
#define CONTROLLER_WORK_MAX 4096u

struct controllers {
    struct controllers_options options;
    struct loop *loop;
    struct workers *workers;
    struct event_recorder *events;
    struct orphans *orphan_pods;
    struct leader *leader;
    /* Starting and stopping the rows happens on the pool when the lease says so; one at a time. */
    struct work turn;
    _Atomic(bool) turning, want, acting;
    char identity[HOST_NAME_MAX + 16];
    struct controller *running; /* n_controller_rows many; row NULL: not started */
};

static struct controllers_options with_defaults(const struct controllers_options *from) {
    struct controllers_options o = *from;
#define DEFAULT(field, value) o.field = o.field ? o.field : (value)
    DEFAULT(threads, CONTROLLER_THREADS);
    DEFAULT(signing_duration_ns, 8760 * NS_PER_HOUR);
    DEFAULT(node_cidr_mask_v4, 24);
    DEFAULT(node_cidr_mask_v6, 64);
    DEFAULT(node_monitor_period_ns, 5 * NS_PER_SEC);
    DEFAULT(node_monitor_grace_ns, 50 * NS_PER_SEC);
    DEFAULT(node_startup_grace_ns, 60 * NS_PER_SEC);
    DEFAULT(large_cluster_threshold, 50);
    DEFAULT(terminated_pod_threshold, 12500);
    DEFAULT(max_endpoints_per_slice, 100);
    DEFAULT(quota_resync_ns, 5 * NS_PER_MIN);
    DEFAULT(legacy_token_unused_ns, 8760 * NS_PER_HOUR);
    DEFAULT(volume_sync_ns, 15 * NS_PER_SEC);
#undef DEFAULT
    if (o.node_eviction_rate <= 0)
        o.node_eviction_rate = 0.1;
    if (o.secondary_node_eviction_rate <= 0)
        o.secondary_node_eviction_rate = 0.01;
    if (o.unhealthy_zone_threshold <= 0)
        o.unhealthy_zone_threshold = 0.55;
    if (!o.lease_namespace.n)
        o.lease_namespace = S("kube-system");
    if (!o.lease_name.n)
        o.lease_name = S("kube-controller-manager");
    return o;
}

/* -- which controllers run -- */

static const struct controller_row *find_row(struct str name) {
    for (size_t i = 0; i < n_controller_rows; i++)
        if (str_eq(str_from(controller_rows[i].name), name))
            return &controller_rows[i];
    return NULL;
}

static struct str without_minus(struct str s) {
    return s.n && s.p[0] == '-' ? str_from_byte(s, 1) : s;
}

static int check_names(const struct controllers_options *o, struct err *err) {
    for (uint32_t i = 0; i < o->n_controllers; i++) {
        struct str name = o->controllers[i];
        if (!str_eq(name, S("*")) && !find_row(without_minus(name)))
            return err_set(err, ERR_INVALID, "there is no controller named \"%.*s\"", STR_ARG(name));
    }
    return 0;
}

/* The first mention decides; then the star. */
static bool is_wanted(const struct controllers_options *o, const struct controller_row *row) {
    bool star = o->n_controllers == 0;
    for (uint32_t i = 0; i < o->n_controllers; i++) {
        struct str name = o->controllers[i];
        if (str_eq(without_minus(name), str_from(row->name)))
            return name.p[0] != '-';
        star = star || str_eq(name, S("*"));
    }
    return star && !row->off;
}

const char *controllers_name(size_t i) {
    return i < n_controller_rows ? controller_rows[i].name : NULL;
}

bool controllers_on_by_default(const char *name) {
    const struct controller_row *row = find_row(str_from(name));
    return row && !row->off;
}

/* -- one controller -- */

static const char *source_name(const struct controller_row *row) {
    return row->account ? row->account : row->name;
}

int controller_add(struct controller *c, const struct reconciler_options *options, struct reconciler **ret,
                   struct err *err) {
    check(c->n_reconcilers < CONTROLLER_RECONCILERS_MAX);
    struct reconciler_options o = *options;
    o.client = c->watcher;
    o.loop = c->loop;
    o.workers = c->workers;
    o.events = c->events;
    o.metrics = c->metrics;
    o.arg = c;
    if (!o.name)
        o.name = source_name(c->row);
    struct reconciler *rc = NULL;
    int rc_code = reconciler_start(&o, &rc, err);
    if (rc_code)
        return rc_code;
    c->reconcilers[c->n_reconcilers++] = rc;
    if (ret)
        *ret = rc;
    return 0;
}

struct controller *controller_in(struct reconcile *r) {
    struct controller *c = arena_new(r->arena, struct controller);
    *c = *(const struct controller *)r->arg;
    check(r->writer);
    c->client = r->writer;
    return c;
}

void *controller_state(struct controller *c, size_t bytes) {
    check(!c->state);
    c->state = calloc(1, bytes);
    if (!c->state)
        panic("out of memory");
    return c->state;
}

static int act_as(struct controllers *cs, struct controller *c, struct err *err) {
    if (!cs->options.service_accounts || !c->row->account) {
        c->client = cs->options.client;
        return 0;
    }
    char name[128];
    int n = snprintf(name, sizeof name, "system:serviceaccount:kube-system:%s", c->row->account);
    check(n > 0 && (size_t)n < sizeof name);
    const struct str groups[] = {S("system:serviceaccounts"), S("system:serviceaccounts:kube-system"),
                                 S("system:authenticated")};
    return client_as(cs->options.client, str_from(name), groups, 3, &c->client, err);
}

struct loop_visit {
    struct loop_msg msg;
    struct waiter done;
    void (*fn)(void *arg);
    void *arg;
};

static void visit(struct loop_msg *msg) {
    struct loop_visit *v = (struct loop_visit *)((char *)msg - offsetof(struct loop_visit, msg));
    v->fn(v->arg);
    waiter_signal(&v->done);
}

void controller_on_loop(struct controller *c, void (*fn)(void *arg), void *arg) {
    struct loop_visit v = {.msg = {.run = visit}, .fn = fn, .arg = arg};
    if (loop_is_current(c->loop)) {
        fn(arg);
        return;
    }
    waiter_init(&v.done, loop_sim(c->loop));
    if (!loop_post(c->loop, &v.msg))
        waiter_wait(&v.done);
    waiter_fini(&v.done);
}

static void stop_one(struct controller *c) {
    if (c->leave)
        c->leave(c);
    for (uint32_t i = 0; i < c->n_reconcilers; i++)
        reconciler_stop(c->reconcilers[i]);
    if (c->row->stop && c->state)
        c->row->stop(c);
    free(c->state);
    if (c->client != c->watcher)
        client_free(c->client);
    *c = (struct controller){.row = NULL};
}

static int start_one(struct controllers *cs, struct controller *c, const struct controller_row *row,
                     struct err *err) {
    *c = (struct controller){.row = row,
                             .options = &cs->options,
                             .watcher = cs->options.client,
                             .loop = cs->loop,
                             .workers = cs->workers,
                             .clock = client_clock(cs->options.client),
                             .rand = client_rand(cs->options.client),
                             .metrics = cs->options.metrics,
                             .orphan_pods = cs->orphan_pods,
                             .events = event_recorder_as(cs->events, source_name(row)),
                             .manager = cs};
    int rc = act_as(cs, c, err);
    if (rc) {
        *c = (struct controller){.row = NULL};
        return rc;
    }
    rc = row->start(c, err);
    if (rc) {
        (void)err_wrap(err, "starting %s", row->name);
        stop_one(c);
    }
    return rc;
}

static void stop_rows(struct controllers *cs) {
    for (size_t i = n_controller_rows; i-- > 0;)
        if (cs->running[i].row)
            stop_one(&cs->running[i]);
}

static int start_rows(struct controllers *cs, struct err *err) {
    int rc = 0;
    for (size_t i = 0; i < n_controller_rows && !rc; i++)
        if (is_wanted(&cs->options, &controller_rows[i]))
            rc = start_one(cs, &cs->running[i], &controller_rows[i], err);
    if (rc)
        stop_rows(cs);
    return rc;
}

/* -- the lease -- */

/* Brings what runs in line with what the lease says; on a worker, since stopping waits for runs. */
static void run_turn(struct work *w) {
    struct controllers *cs = (struct controllers *)((char *)w - offsetof(struct controllers, turn));
    do {
        while (cs->want != cs->acting) {
            struct err err = ERR_INIT;
            if (cs->acting) {
                cs->acting = false;
                stop_rows(cs);
            } else if (start_rows(cs, &err)) {
                log_error("controllers cannot start", kv("err", &err));
                break;
            } else {
                cs->acting = true;
            }
        }
        cs->turning = false;
        /* a change that came while turning was still set */
    } while (cs->want != cs->acting && !atomic_exchange(&cs->turning, true));
}

static void take_turn(struct controllers *cs, bool want) {
    cs->want = want;
    if (!atomic_exchange(&cs->turning, true) && workers_submit(cs->workers, &cs->turn))
        cs->turning = false;
}

static void on_leading(void *arg) {
    log_info("leading: controllers start");
    take_turn(arg, true);
}

static void on_lost(void *arg) {
    log_warn("the lease was lost: controllers stop");
    take_turn(arg, false);
}

/* Who holds the lease: the host and something of our own, since a host may have several. */
static struct str identity_of(struct controllers *cs) {
    char host[HOST_NAME_MAX + 1] = "localhost", suffix[RAND_SUFFIX_LEN + 1];
    if (cs->options.identity.n)
        return cs->options.identity;
    (void)gethostname(host, sizeof host - 1);
    rand_suffix(client_rand(cs->options.client), suffix);
    (void)snprintf(cs->identity, sizeof cs->identity, "%s_%s", host, suffix);
    return str_from(cs->identity);
}

static int start_leader(struct controllers *cs, struct err *err) {
    const struct controllers_options *o = &cs->options;
    return leader_start(&(struct leader_options){.client = o->client,
                                                 .loop = cs->loop,
                                                 .ns = o->lease_namespace,
                                                 .name = o->lease_name,
                                                 .identity = identity_of(cs),
                                                 .lease_ns = o->lease_ns,
                                                 .renew_ns = o->renew_ns,
                                                 .retry_ns = o->retry_ns,
                                                 .on_leading = on_leading,
                                                 .on_lost = on_lost,
                                                 .arg = cs},
                        &cs->leader, err);
}

/* -- all of it -- */

static int start_threads(struct controllers *cs, struct err *err) {
    struct sim *sim = client_sim(cs->options.client);
    int rc = 0;
    if (sim)
        cs->loop = sim_loop_new(sim, "controllers");
    else
        rc = loop_start(&(struct loop_options){.name = "controllers"}, &cs->loop, err);
    if (!rc)
        rc = workers_start(&(struct workers_options){.name = "controller",
                                                     .threads = cs->options.threads,
                                                     .queue_max = CONTROLLER_WORK_MAX,
                                                     .sim = sim},
                           &cs->workers, err);
    return rc;
}

int controllers_start(const struct controllers_options *options, struct controllers **ret, struct err *err) {
    int rc = check_names(options, err);
    if (rc)
        return rc;
    struct controllers *cs = calloc(1, sizeof *cs);
    struct controller *running = calloc(n_controller_rows, sizeof *running);
    if (!cs || !running)
        panic("out of memory");
    cs->options = with_defaults(options);
    cs->running = running;
    cs->turn.run = run_turn;
    rc = start_threads(cs, err);
    if (!rc)
        rc = event_recorder_new(options->client, cs->loop, "kube-controller-manager", STR_NONE, &cs->events,
                                err);
    if (!rc)
        rc = orphans_new(options->client, cs->loop, KIND(CORE_POD), &cs->orphan_pods, err);
    if (!rc)
        rc = cs->options.leader_elect ? start_leader(cs, err) : start_rows(cs, err);
    if (rc) {
        controllers_stop(cs);
        return rc;
    }
    cs->acting = cs->want = !cs->options.leader_elect;
    *ret = cs;
    return 0;
}

void controllers_stop(struct controllers *cs) {
    if (!cs)
        return;
    leader_stop(cs->leader);
    while (cs->turning)
        clock_sleep_ns(client_clock(cs->options.client), NS_PER_MS);
    stop_rows(cs);
    orphans_free(cs->orphan_pods);
    event_recorder_free(cs->events);
    workers_stop(cs->workers);
    if (cs->loop && loop_sim(cs->loop))
        loop_free(cs->loop);
    else
        loop_stop(cs->loop);
    free(cs->running);
    free(cs);
}

bool controllers_leading(const struct controllers *cs) {
    return cs->acting;
}

size_t controllers_busy(struct controllers *cs) {
    size_t n = 0;
    for (size_t i = 0; i < n_controller_rows; i++)
        for (uint32_t j = 0; j < cs->running[i].n_reconcilers; j++)
            n += reconciler_busy(cs->running[i].reconcilers[j]);
    return n;
}
