/* scheduler/plugins/default_preemption: room for a pod by ending less important ones.
 *
 * For each node that was refused for want of room, less important pods are taken off for a trial, and put
 * back one by one, most important first, as long as the pod still fits; those that cannot come back are the
 * victims. Of the nodes the one is taken whose victims matter least. Nothing is allocated but in the cycle's
 * arena; all trials are undone. CONFORMS: scheduler.tsv DefaultPreemption.
 */
#include <stdlib.h>

#include "api/intstr.h"
#include "api/time.h"
#include "api/types/ids.h"
#include "api/types/policy.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rand.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "codec/json.h"
#include "scheduler/scheduler_priv.h"

#define CANDIDATES_PERCENT 10u
#define CANDIDATES_MIN 100u

struct budget {
    struct label_selector labels;
    struct str ns;
    const struct policy_pod_disruption_budget *of;
    int32_t left;
};

struct candidate {
    struct sched_node *node;
    struct sched_pod **victims; /* most important first */
    uint32_t n_victims, n_violations;
};

struct trial {
    struct cycle *c;
    struct budget *budgets;
    uint32_t n_budgets;
    struct sched_pod **pods; /* less important ones on the node */
    uint8_t *violates;       /* beside them */
};

/* -- importance -- */

static int64_t start_of(const struct sched_pod *p) {
    struct timestamp t = sched_pod_body(p)->status.start_time;
    return t.set ? timestamp_to_ns(t) : INT64_MAX;
}

static int more_important_first(const void *a, const void *b) {
    const struct sched_pod *x = *(struct sched_pod *const *)a, *y = *(struct sched_pod *const *)b;
    if (x->facts->priority != y->facts->priority)
        return x->facts->priority > y->facts->priority ? -1 : 1;
    int64_t s = start_of(x), t = start_of(y);
    if (s != t)
        return s < t ? -1 : 1;
    return str_cmp(x->object->meta->uid, y->object->meta->uid);
}

/* -- disruption budgets -- */

static void load_budgets(struct trial *t) {
    struct cycle *c = t->c;
    struct informer_snapshot snapshot;
    struct cow_iter it;
    informer_snapshot(c->s->followed[FOLLOW_BUDGETS].informer, &snapshot);
    t->budgets = arena_new_n(c->arena, cow_count(&snapshot.tree), struct budget);
    cow_foreach (item, &it, cow_all(&it, &snapshot.tree)) {
        const struct object *o = item->value;
        struct budget *b = &t->budgets[t->n_budgets];
        b->of = o->body;
        b->ns = o->meta->namespace;
        if (!b->of->spec.selector || label_selector_compile(c->arena, b->of->spec.selector, &b->labels, NULL))
            continue;
        arena_hold(c->arena, object_release_any, object_ref(o));
        t->n_budgets++;
    }
    informer_snapshot_fini(&snapshot);
}

static bool is_disrupted_already(const struct budget *b, struct str name) {
    for (uint32_t i = 0; i < b->of->status.disrupted_pods.n; i++)
        if (str_eq(b->of->status.disrupted_pods.v[i].key, name))
            return true;
    return false;
}

/* Takes one off each budget that covers the pod; whether one of them had none left. */
static bool spend(struct trial *t, const struct sched_pod *p) {
    bool violates = false;
    for (uint32_t i = 0; i < t->n_budgets && p->facts->labels.n; i++) {
        struct budget *b = &t->budgets[i];
        if (!str_eq(b->ns, p->facts->ns) || !label_selector_matches(&b->labels, p->facts->labels) ||
            is_disrupted_already(b, p->object->meta->name))
            continue;
        violates = violates || --b->left < 0;
    }
    return violates;
}

static void mark_violations(struct trial *t, uint32_t n) {
    for (uint32_t i = 0; i < t->n_budgets; i++)
        t->budgets[i].left = t->budgets[i].of->status.disruptions_allowed;
    for (uint32_t i = 0; i < n; i++)
        t->violates[i] = spend(t, t->pods[i]);
}

/* -- trials -- */

static void take_off(struct cycle *c, struct sched_node *n, struct sched_pod *p) {
    run_adjust(c, n, p, -1);
    nodes_remove_pod(c->nodes, n, p);
}

static void put_back(struct cycle *c, struct sched_node *n, struct sched_pod *p) {
    nodes_add_pod(c->nodes, n, p);
    run_adjust(c, n, p, 1);
}

/* Puts back who can come back, those first whose end would break a budget. The rest are the victims. */
static void reprieve(struct trial *t, struct sched_node *n, uint32_t n_pods, struct candidate *ret) {
    ret->victims = arena_new_n(t->c->arena, n_pods, struct sched_pod *);
    for (int violating = 1; violating >= 0; violating--)
        for (uint32_t i = 0; i < n_pods; i++) {
            if (t->violates[i] != violating)
                continue;
            put_back(t->c, n, t->pods[i]);
            if (run_filters_with_nominated(t->c, n) == CODE_SUCCESS)
                continue;
            take_off(t->c, n, t->pods[i]);
            ret->victims[ret->n_victims++] = t->pods[i];
            ret->n_violations += (uint32_t)violating;
        }
}

static bool try_node(struct trial *t, struct sched_node *n, struct candidate *ret) {
    struct cycle *c = t->c;
    uint32_t n_pods = 0;
    t->pods = arena_new_n(c->arena, n->pods.n, struct sched_pod *);
    t->violates = arena_new_n(c->arena, n->pods.n, uint8_t);
    vec_foreach (p, &n->pods)
        if ((*p)->facts->priority < c->facts->priority)
            t->pods[n_pods++] = *p;
    if (!n_pods)
        return false;
    qsort(t->pods, n_pods, sizeof *t->pods, more_important_first);
    mark_violations(t, n_pods);
    for (uint32_t i = 0; i < n_pods; i++)
        take_off(c, n, t->pods[i]);
    *ret = (struct candidate){.node = n};
    if (run_filters_with_nominated(c, n) != CODE_SUCCESS) {
        for (uint32_t i = 0; i < n_pods; i++)
            put_back(c, n, t->pods[i]);
        return false;
    }
    reprieve(t, n, n_pods, ret);
    for (uint32_t i = 0; i < ret->n_victims; i++)
        put_back(c, n, ret->victims[i]);
    if (ret->n_victims)
        qsort(ret->victims, ret->n_victims, sizeof *ret->victims, more_important_first);
    return ret->n_victims > 0;
}

/* -- choosing -- */

static int64_t sum_of_priorities(const struct candidate *x) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < x->n_victims; i++)
        sum += (int64_t)x->victims[i]->facts->priority + INT64_C(2147483648);
    return sum;
}

/* The first of the most important victims to have started. */
static int64_t earliest_start(const struct candidate *x) {
    return start_of(x->victims[0]);
}

/* Whether x is the better choice. */
static bool is_better(const struct candidate *x, const struct candidate *y) {
    if (x->n_violations != y->n_violations)
        return x->n_violations < y->n_violations;
    if (x->victims[0]->facts->priority != y->victims[0]->facts->priority)
        return x->victims[0]->facts->priority < y->victims[0]->facts->priority;
    int64_t a = sum_of_priorities(x), b = sum_of_priorities(y);
    if (a != b)
        return a < b;
    if (x->n_victims != y->n_victims)
        return x->n_victims < y->n_victims;
    return earliest_start(x) > earliest_start(y);
}

static size_t candidates_wanted(size_t n) {
    size_t wanted = n * CANDIDATES_PERCENT / 100;
    wanted = wanted > CANDIDATES_MIN ? wanted : CANDIDATES_MIN;
    return wanted < n ? wanted : n;
}

static void say_why_not(struct cycle *c, size_t helpless, size_t without_victims) {
    struct buf *b = &c->postfilter_text;
    b->n = 0;
    buf_printf(b, "preemption: 0/%zu nodes are available:", c->nodes->order.n);
    _cleanup_map struct map reasons = MAP_INIT;
    if (helpless)
        map_put_u64(&reasons, S("Preemption is not helpful for scheduling"), helpless);
    if (without_victims)
        map_put_u64(&reasons, S("No preemption victims found for incoming pod"), without_victims);
    buf_byte(b, ' ');
    report_reasons(c, &reasons, b);
    buf_byte(b, '.');
}

static bool find_best(struct cycle *c, struct candidate *ret) {
    struct sched_node *const *order;
    struct trial t = {.c = c};
    struct candidate found;
    size_t n = nodes_order(c->nodes, &order), wanted = candidates_wanted(n), n_found = 0, helpless = 0;
    size_t without_victims = 0, start = (size_t)rand_below(c->s->rand, n);
    load_budgets(&t);
    c->quiet = true;
    for (size_t i = 0; i < n && n_found < wanted; i++) {
        struct sched_node *node = order[(start + i) % n];
        if (!c->filters_ran || c->codes[node->index] != CODE_UNSCHEDULABLE) {
            helpless++;
        } else if (!try_node(&t, node, &found)) {
            without_victims++;
        } else if (n_found++ == 0 || is_better(&found, ret)) {
            *ret = found;
        }
    }
    c->quiet = false;
    if (!n_found)
        say_why_not(c, helpless, without_victims);
    return n_found > 0;
}

/* -- acting -- */

struct eviction {
    struct scheduler *s;
    const struct object *pod;
};

static void end_eviction(struct eviction *e) {
    struct scheduler *s = e->s;
    object_unref(e->pod);
    free(e);
    s->n_bindings--;
    if (s->idle && !s->n_bindings)
        waiter_signal(s->idle);
    cycle_wake(s);
}

static void on_deleted(void *arg, int code, struct client_answer *answer, const struct err *err) {
    (void)answer;
    if (code && code != ERR_NOT_FOUND)
        log_warn("a pod that should make room could not be deleted", kv("err", err));
    end_eviction(arg);
}

static void delete_victim(struct eviction *e) {
    const struct meta_object_meta *m = e->pod->meta;
    struct meta_preconditions only = {.uid = m->uid};
    struct meta_delete_options options = {.preconditions = &only};
    const struct client_call call = {.verb = CLIENT_DELETE,
                                     .kind = KIND(CORE_POD),
                                     .ns = m->namespace,
                                     .name = m->name,
                                     .delete_options = &options};
    if (client_submit(e->s->client, &call, e->s->loop, on_deleted, e, NULL))
        end_eviction(e);
}

static void on_marked(void *arg, int code, struct client_answer *answer, const struct err *err) {
    (void)code;
    (void)answer;
    (void)err;
    delete_victim(arg);
}

static void evict(struct cycle *c, const struct sched_pod *victim, const struct sched_node *n) {
    struct scheduler *s = c->s;
    const struct meta_object_meta *m = victim->object->meta;
    char time[TIME_TEXT_SIZE];
    struct eviction *e = calloc(1, sizeof *e);
    if (!e)
        panic("out of memory");
    *e = (struct eviction){s, object_ref(victim->object)};
    (void)timestamp_format(timestamp_from_ns_in_seconds(clock_wall_ns(s->clock)), time);
    struct str patch = arena_printf(c->arena,
                                    "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"conditions\":[{\"type\":"
                                    "\"DisruptionTarget\",\"status\":"
                                    "\"True\",\"reason\":\"PreemptionByScheduler\",\"message\":\"%.*s: "
                                    "preempting to accommodate a higher "
                                    "priority pod\",\"lastTransitionTime\":\"%s\"}]}}",
                                    STR_ARG(m->uid), STR_ARG(c->profile->name), time);
    const struct client_call call = {.verb = CLIENT_PATCH,
                                     .kind = KIND(CORE_POD),
                                     .ns = m->namespace,
                                     .name = m->name,
                                     .subresource = S("status"),
                                     .patch = CLIENT_PATCH_STRATEGIC,
                                     .patch_text = patch};
    s->n_bindings++;
    event_record(report_events(s, c->profile), victim->object, "Normal", "Preempted",
                 "Preempted by pod %.*s on node %.*s", STR_ARG(c->pod->object->meta->uid), STR_ARG(n->name));
    if (client_submit(s->client, &call, s->loop, on_marked, e, NULL))
        delete_victim(e);
}

/* Less important pods that waited for this room look elsewhere. */
static void clear_nominations(struct cycle *c, const struct sched_node *n) {
    for (size_t i = c->nodes->nominated.n; i-- > 0;) {
        struct sched_pod *p = c->nodes->nominated.v[i];
        if (p == c->pod || p->nominated != n || p->facts->priority >= c->facts->priority)
            continue;
        nodes_nominate(c->nodes, p, STR_NONE);
        report_patch(c->s, p->object, S("{\"status\":{\"nominatedNodeName\":null}}"));
    }
}

static bool waits_for_victims(const struct cycle *c) {
    const struct sched_node *n = c->pod->nominated;
    if (!n)
        return false;
    vec_foreach (k, &n->kinds)
        if (k->facts->deleting && k->facts->priority < c->facts->priority)
            return true;
    return false;
}

static enum code preempt(const struct plugin *p, struct cycle *c, struct sched_node **ret_nominated) {
    (void)p;
    struct candidate best;
    struct buf *text = &c->postfilter_text;
    text->n = 0;
    if (c->facts->never_preempts) {
        buf_lit(text, "preemption: not eligible due to preemptionPolicy=Never.");
        return CODE_UNSCHEDULABLE;
    }
    if (waits_for_victims(c)) {
        buf_lit(text, "preemption: not eligible due to a terminating pod on the nominated node.");
        return CODE_UNSCHEDULABLE;
    }
    *ret_nominated = NULL;
    bool found = find_best(c, &best);
    sched_metrics_preemption(c->s->metrics, found ? best.n_victims : 0);
    if (!found)
        return CODE_UNSCHEDULABLE;
    for (uint32_t i = 0; i < best.n_victims; i++)
        if (!best.victims[i]->facts->deleting)
            evict(c, best.victims[i], best.node);
    clear_nominations(c, best.node);
    *ret_nominated = best.node;
    return CODE_SUCCESS;
}

const struct plugin_ops plugin_default_preemption = {.name = "DefaultPreemption", .post_filter = preempt};
