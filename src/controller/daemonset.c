/* controller/daemonset: one pod of a template on every node that it fits.
 *
 * Keys are daemon sets; one runs at a time, so that the notes of failed pods need no lock.
 */
#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "client/revision.h"
#include "controller/claim.h"
#include "controller/daemonset_plan.h"
#include "controller/rows.h"
#include "controller/scaler.h"

#define DAEMON_BURST 250u
#define FAILED_FIRST_NS NS_PER_SEC
#define FAILED_MAX_NS (15 * NS_PER_MIN)

/* When a failed pod of a set was replaced on a node, and how long the next has to wait. */
struct failed_note {
    int64_t last_ns, wait_ns;
    char key[];
};

struct daemonsets {
    struct claim_map pods;
    struct informer *sets;
    struct expectations *expectations;
    struct map failed;
};

struct daemon_run {
    struct controller *c;
    struct daemonsets *self;
    struct reconcile *r;
    struct arena *a;
    struct str key;
    const struct object *object;
    struct apps_daemon_set ds; /* with our collision count */
    struct daemon_view v;
    struct objects pods;
    struct objects revisions; /* oldest first */
};

/* -- failed pods come back later and later -- */

static struct failed_note *note_of(struct daemon_run *x, struct str node) {
    struct str key = arena_printf(x->a, "%.*s/%.*s", STR_ARG(x->object->meta->uid), STR_ARG(node));
    struct failed_note *f = map_get(&x->self->failed, key);
    if (f)
        return f;
    f = calloc(1, sizeof *f + key.n);
    if (!f)
        panic("out of memory");
    memcpy(f->key, key.p, key.n);
    map_put(&x->self->failed, str_make(f->key, key.n), f);
    return f;
}

static void forget_old_notes(struct daemonsets *s, int64_t at_ns) {
    map_foreach_reverse(e, &s->failed) {
        struct failed_note *f = e->value;
        if (at_ns - f->last_ns < 2 * FAILED_MAX_NS)
            continue;
        map_remove_entry(&s->failed, e);
        free(f);
    }
}

static bool may_retry(void *arg, struct str node, int64_t *ret_wait_ns) {
    struct daemon_run *x = arg;
    int64_t now = now_ns(x->r);
    forget_old_notes(x->self, now);
    struct failed_note *f = note_of(x, node);
    if (f->last_ns && now - f->last_ns < f->wait_ns) {
        *ret_wait_ns = f->wait_ns - (now - f->last_ns);
        return false;
    }
    f->wait_ns = !f->wait_ns                      ? FAILED_FIRST_NS
                 : f->wait_ns * 2 > FAILED_MAX_NS ? FAILED_MAX_NS
                                                  : f->wait_ns * 2;
    f->last_ns = now;
    return true;
}

/* -- what there is -- */

static void add_node(struct daemon_run *x, struct map *by_name, struct str name,
                     const struct core_node *node) {
    struct daemon_node *n = &x->v.nodes[x->v.n++];
    *n = (struct daemon_node){.name = name, .node = node};
    daemon_judge(x->a, &x->ds, n);
    map_put(by_name, name, n);
}

static int cmp_age(const void *pa, const void *pb) {
    const struct object *a = *(const struct object *const *)pa, *b = *(const struct object *const *)pb;
    int64_t x = a->meta->creation_timestamp.sec, y = b->meta->creation_timestamp.sec;
    return x != y ? (x < y ? -1 : 1) : str_cmp(a->meta->name, b->meta->name);
}

static void look_at_nodes(struct daemon_run *x) {
    struct cow_iter it;
    size_t max = x->pods.n + 1;
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(CORE_NODE), S("")))
        max++;
    _cleanup_map struct map by_name = MAP_INIT;
    x->v.nodes = arena_new_n(x->a, max, struct daemon_node);
    cow_foreach (item, &it, world_in(&x->r->world, &it, KIND(CORE_NODE), S("")))
        add_node(x, &by_name, item->key, ((const struct object *)item->value)->body);
    if (x->pods.n)
        qsort(x->pods.v, x->pods.n, sizeof *x->pods.v, cmp_age);
    for (size_t i = 0; i < x->pods.n; i++) {
        struct str name = daemon_target(pod_of(x->pods.v[i]));
        if (!map_has(&by_name, name))
            add_node(x, &by_name, name, NULL);
        vec_push_in(x->a, &((struct daemon_node *)map_get(&by_name, name))->pods, x->pods.v[i]);
    }
}

/* -- revisions -- */

/* Finds or makes the revision of the present template; x->v.hash is its hash. */
static int sync_revisions(struct daemon_run *x, const struct label_selector *selector, struct err *err) {
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->object,
                          .selector = selector,
                          .kind = KIND(APPS_CONTROLLER_REVISION)};
    int rc = claim_objects(&claim, &x->revisions, err);
    if (rc)
        return rc;
    revisions_sort(x->revisions.v, x->revisions.n);
    struct apps_controller_revision *wanted = arena_new(x->a, struct apps_controller_revision);
    int64_t number = revisions_next(x->revisions.v, x->revisions.n);
    revision_make(x->a, x->object, x->ds.spec.template.metadata.labels, revision_data_of(x->a, x->object),
                  number, x->ds.status.collision_count, wanted);
    const struct object *found = revisions_find(x->revisions.v, x->revisions.n, wanted);
    struct object *written = NULL;
    if (!found) {
        rc = revision_create(x->c->client, x->a, x->object, wanted, &x->ds.status.collision_count, &written,
                             err);
    } else if (found != x->revisions.v[x->revisions.n - 1]) {
        rc = revision_renumber(x->c->client, x->a, found, number, &written, err);
    }
    if (rc)
        return rc;
    if (written) {
        arena_hold(x->a, object_release_any, written);
        found = written;
    }
    x->v.hash = str_map_get(found->meta->labels, S(REVISION_HASH_LABEL));
    return 0;
}

static int drop_history(struct daemon_run *x, struct err *err) {
    struct str *used = arena_new_n(x->a, x->pods.n + 1, struct str);
    size_t n = 0;
    used[n++] = x->v.hash;
    for (size_t i = 0; i < x->pods.n; i++)
        used[n++] = str_map_get(x->pods.v[i]->meta->labels, S(REVISION_HASH_LABEL));
    int32_t limit = x->ds.spec.revision_history_limit.set ? x->ds.spec.revision_history_limit.v : 10;
    return revisions_truncate(x->c->client, x->revisions.v, x->revisions.n, used, n, limit, err);
}

/* -- acting -- */

struct creating {
    struct daemon_run *x;
    const struct str *nodes;
};

static struct core_pod *pod_for(void *arg, uint32_t i) {
    const struct creating *c = arg;
    return daemon_pod(c->x->a, c->x->object, c->nodes[i], c->x->v.hash);
}

static void tell_ended(struct daemon_run *x, const struct objects *pods, const char *type, const char *reason,
                       const char *what) {
    for (size_t i = 0; i < pods->n; i++)
        event_record(x->c->events, x->object, type, reason,
                     "Found %s daemon pod %.*s/%.*s on node %.*s, will try to %s it", what,
                     STR_ARG(pods->v[i]->meta->namespace), STR_ARG(pods->v[i]->meta->name),
                     STR_ARG(daemon_target(pod_of(pods->v[i]))), *type == 'W' ? "kill" : "delete");
}

static int act(struct daemon_run *x, struct daemon_plan *plan, struct err *err) {
    struct scaler s = {
        .c = x->c, .a = x->a, .owner = x->object, .expectations = x->self->expectations, .key = x->key};
    uint32_t create = (uint32_t)(plan->n_create < DAEMON_BURST ? plan->n_create : DAEMON_BURST), made = 0;
    if (plan->remove.n > DAEMON_BURST)
        plan->remove.n = DAEMON_BURST;
    struct str *uids = arena_new_n(x->a, plan->remove.n + 1, struct str);
    for (size_t i = 0; i < plan->remove.n; i++)
        uids[i] = plan->remove.v[i]->meta->uid;
    tell_ended(x, &plan->failed, "Warning", "FailedDaemonPod", "failed");
    tell_ended(x, &plan->succeeded, "Normal", "SucceededDaemonPod", "succeeded");
    expect_creations(x->self->expectations, x->key, create);
    expect_deletions(x->self->expectations, x->key, uids, (uint32_t)plan->remove.n);
    struct creating c = {x, plan->create};
    struct err second = ERR_INIT;
    int rc = scaler_create(&s, create, pod_for, &c, &made, err);
    int rc_delete = scaler_delete(&s, &plan->remove, &second);
    if (!rc && rc_delete)
        *err = second;
    return rc ? rc : rc_delete;
}

static int write_status(struct daemon_run *x, struct err *err) {
    int64_t wait = 0;
    struct apps_daemon_set_status s = daemon_status(&x->v, &wait);
    const struct apps_daemon_set *before = x->object->body;
    if (wait && (!x->r->requeue_after_ns || wait < x->r->requeue_after_ns))
        x->r->requeue_after_ns = wait;
    if (api_equal(&builtin, TY_APPS_DAEMON_SET_STATUS, &s, &before->status))
        return 0;
    x->ds.status = s;
    return unless_gone(client_update_status(x->c->client, x->object->kind, &x->ds, NULL, err));
}

static int place_and_roll(struct daemon_run *x, struct err *err) {
    struct daemon_plan plan;
    daemon_plan_place(x->a, &x->v, may_retry, x, &plan);
    x->r->requeue_after_ns = plan.retry_ns;
    int rc = act(x, &plan, err);
    if (rc || plan.n_create || plan.remove.n)
        return rc; /* what comes of it brings the key back */
    if (str_eq(x->ds.spec.update_strategy.type, S("RollingUpdate"))) {
        rc = daemon_plan_roll(x->a, &x->v, &plan, err);
        if (!rc)
            rc = act(x, &plan, err);
    }
    return rc ? rc : drop_history(x, err);
}

static int look(struct daemon_run *x, struct err *err) {
    struct label_selector selector;
    int rc = label_selector_compile(x->a, x->ds.spec.selector, &selector, err);
    if (!rc)
        rc = sync_revisions(x, &selector, err);
    struct claim claim = {
        .controller = x->c, .r = x->r, .owner = x->object, .selector = &selector, .kind = KIND(CORE_POD)};
    if (!rc)
        rc = claim_objects(&claim, &x->pods, err);
    if (rc)
        return rc;
    x->v.ds = &x->ds;
    x->v.now_ns = now_ns(x->r);
    look_at_nodes(x);
    return 0;
}

static bool selects_all(const struct meta_label_selector *s) {
    return !s || (!s->match_labels.n && !s->match_expressions.n);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct daemon_run x = {.c = controller_in(r), .r = r, .a = r->arena, .key = key};
    x.self = x.c->state;
    x.object = world_get_key(&r->world, KIND(APPS_DAEMON_SET), key);
    if (!x.object) {
        expectations_forget(x.self->expectations, key);
        return 0;
    }
    x.ds = *(const struct apps_daemon_set *)x.object->body;
    if (selects_all(x.ds.spec.selector)) {
        event_record(x.c->events, x.object, "Warning", "SelectingAll",
                     "This daemon set is selecting all pods. A non-empty selector is required.");
        return 0;
    }
    if (meta_is_deleting(x.object->meta))
        return 0;
    bool may_act = expectations_met_in(x.self->expectations, key, r);
    int rc = look(&x, err);
    if (rc)
        return unless_gone(rc);
    if (may_act)
        rc = place_and_roll(&x, err);
    struct err second = ERR_INIT;
    int rc_status = write_status(&x, &second);
    if (!rc && rc_status)
        *err = second;
    return rc ? rc : rc_status;
}

/* -- events -- */

static bool selects(const struct object *o, struct str_map labels) {
    const struct meta_label_selector *s = ((const struct apps_daemon_set *)o->body)->spec.selector;
    return !selects_all(s) && label_selector_struct_matches(s, labels);
}

static void map_owned(struct reconciler *rc, const struct informer_event *e, void *arg) {
    claim_map_event(rc, e, arg);
}

/* Whether anything changed that decides about placement. */
static bool node_matters(const struct informer_event *e) {
    if (e->type != INFORMER_MODIFIED || !e->previous)
        return true;
    const struct core_node *a = e->previous->body, *b = e->object->body;
    return !str_map_equal(a->metadata.labels, b->metadata.labels) ||
           !api_equal_field(&builtin, TY_CORE_NODE_SPEC, &a->spec, &b->spec, S("taints"));
}

static void map_node(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct informer_snapshot s;
    struct cow_iter it;
    if (!node_matters(e))
        return;
    informer_snapshot(((struct daemonsets *)arg)->sets, &s);
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&s);
}

int daemonset_start(struct controller *c, struct err *err) {
    struct daemonsets *s = controller_state(c, sizeof *s);
    s->expectations = expectations_new(c->clock);
    int rc =
        informer_get(c->watcher, &(struct informer_options){.kind = KIND(APPS_DAEMON_SET)}, &s->sets, err);
    if (rc)
        return rc;
    s->pods = (struct claim_map){.controller = c,
                                 .owner_kind = KIND(APPS_DAEMON_SET),
                                 .owners = s->sets,
                                 .selects = selects,
                                 .expectations = s->expectations};
    const struct reconciler_watch watches[] = {
        WATCH_ALL(APPS_DAEMON_SET, map_self, NULL),
        WATCH_ALL(CORE_POD, map_owned, &s->pods),
        WATCH_ALL(CORE_NODE, map_node, s),
        WATCH_WRITTEN(APPS_CONTROLLER_REVISION),
    };
    return controller_add(
        c,
        &(struct reconciler_options){
            .watches = watches, .n_watches = 4, .reconcile = reconcile, .writer = c->client},
        NULL, err);
}

void daemonset_stop(struct controller *c) {
    struct daemonsets *s = c->state;
    map_foreach(e, &s->failed) free(e->value);
    map_fini(&s->failed);
    informer_unref(s->sets);
    expectations_free(s->expectations);
}
