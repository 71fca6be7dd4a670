/* controller/statefulset: pods with names, claims and an order. */
#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "base/vec.h"
#include "client/revision.h"
#include "controller/claim.h"
#include "controller/rows.h"
#include "controller/statefulset_priv.h"

#define PLACES_MORE 500   /* pods made in one run, with parallel management */
#define PLACES_MAX 100000 /* pods further up than that are left alone */

struct statefulsets {
    struct claim_map pods;
};

/* -- revisions -- */

static const struct object *revision_named(const struct set_run *x, struct str name) {
    for (size_t i = 0; i < x->revisions.n; i++)
        if (str_eq(x->revisions.v[i]->meta->name, name))
            return x->revisions.v[i];
    return NULL;
}

static int find_update(struct set_run *x, const struct object **ret, struct err *err) {
    struct apps_controller_revision *wanted = arena_new(x->a, struct apps_controller_revision);
    int64_t number = revisions_next(x->revisions.v, x->revisions.n);
    revision_make(x->a, x->object, x->set.spec.template.metadata.labels, revision_data_of(x->a, x->object),
                  number, x->set.status.collision_count, wanted);
    const struct object *found = revisions_find(x->revisions.v, x->revisions.n, wanted);
    struct object *written = NULL;
    int rc = 0;
    if (!found)
        rc = revision_create(x->c->client, x->a, x->object, wanted, &x->set.status.collision_count, &written,
                             err);
    else if (found != x->revisions.v[x->revisions.n - 1])
        rc = revision_renumber(x->c->client, x->a, found, number, &written, err);
    if (written)
        arena_hold(x->a, object_release_any, written);
    *ret = written ? written : found;
    return rc;
}

static int sync_revisions(struct set_run *x, const struct label_selector *selector, struct err *err) {
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->object,
                          .selector = selector,
                          .kind = KIND(APPS_CONTROLLER_REVISION)};
    const struct object *update = NULL;
    int rc = claim_objects(&claim, &x->revisions, err);
    if (rc)
        return rc;
    revisions_sort(x->revisions.v, x->revisions.n);
    rc = find_update(x, &update, err);
    if (rc)
        return rc;
    const struct object *current = revision_named(x, x->set.status.current_revision);
    if (!current)
        current = update;
    x->update = update->meta->name;
    x->current = current->meta->name;
    x->current_set = &x->set;
    if (current == update)
        return 0;
    void *body = NULL;
    rc = revision_apply(x->a, x->object, revision_of(current)->data, &body, err);
    if (!rc)
        x->current_set = body;
    return rc;
}

static int drop_history(struct set_run *x, struct err *err) {
    struct str *used = arena_new_n(x->a, x->pods.n + 2, struct str);
    size_t n = 0;
    used[n++] = x->current;
    used[n++] = x->update;
    for (size_t i = 0; i < x->pods.n; i++)
        used[n++] = str_map_get(x->pods.v[i]->meta->labels, S("controller-revision-hash"));
    int32_t limit = x->set.spec.revision_history_limit.set ? x->set.spec.revision_history_limit.v : 10;
    return revisions_truncate(x->c->client, x->revisions.v, x->revisions.n, used, n, limit, err);
}

/* -- places -- */

static bool pod_is_update(const struct set_run *x, const struct object *pod) {
    return str_eq(str_map_get(pod->meta->labels, S("controller-revision-hash")), x->update);
}

/* What a pod that is to be made here is of. */
static bool makes_update(const struct set_run *x, int32_t i) {
    const struct apps_rolling_update_stateful_set_strategy *ru = x->set.spec.update_strategy.rolling_update;
    if (str_eq(x->current, x->update))
        return true;
    if (str_eq(x->set.spec.update_strategy.type, S("OnDelete")))
        return true;
    return i >= (ru ? stateful_partition(&x->set) : x->set.status.current_replicas);
}

static int cmp_condemned(const void *a, const void *b) {
    int32_t x = ((const struct set_slot *)a)->ordinal, y = ((const struct set_slot *)b)->ordinal;
    return (x < y) - (x > y);
}

/* Places that can matter in this run: those with pods and some more; the number asked for may be anything. */
static int32_t places(const struct set_run *x, int32_t start, int32_t replicas) {
    int64_t end = (int64_t)start + replicas, last = start;
    for (size_t i = 0; i < x->pods.n; i++) {
        int64_t ordinal = stateful_ordinal(&x->set, x->pods.v[i]->meta->name);
        if (ordinal < end && ordinal >= last && ordinal - start < PLACES_MAX)
            last = ordinal + 1;
    }
    int64_t n = last - start + PLACES_MORE;
    n = n < (int64_t)INT32_MAX - start ? n : (int64_t)INT32_MAX - start;
    return n < replicas ? (int32_t)n : replicas;
}

static void place_pods(struct set_run *x) {
    int32_t start = stateful_start(&x->set), replicas = places(x, start, stateful_replicas(&x->set));
    x->v = (struct stateful_view){.set = &x->set, .now_ns = now_ns(x->r), .n = (size_t)replicas};
    x->v.slots = arena_new_n(x->a, x->v.n + 1, struct set_slot);
    x->v.condemned = arena_new_n(x->a, x->pods.n + 1, struct set_slot);
    for (int32_t i = 0; i < replicas; i++)
        x->v.slots[i] = (struct set_slot){.ordinal = start + i, .is_update = makes_update(x, i)};
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct object *pod = x->pods.v[i];
        int32_t ordinal = stateful_ordinal(&x->set, pod->meta->name);
        struct set_slot slot = {.ordinal = ordinal, .pod = pod, .is_update = pod_is_update(x, pod)};
        int64_t place = (int64_t)ordinal - start;
        if (place >= 0 && place < replicas)
            x->v.slots[place] = slot;
        else if (place < 0 || place >= stateful_replicas(&x->set))
            x->v.condemned[x->v.n_condemned++] = slot;
    }
    if (x->v.n_condemned)
        qsort(x->v.condemned, x->v.n_condemned, sizeof *x->v.condemned, cmp_condemned);
}

/* -- acting -- */

static int delete_pod(struct set_run *x, const struct stateful_step *s, struct err *err) {
    const struct object *pod = s->slot->pod;
    if (s->kind == STEP_RECREATE) {
        bool failed = str_eq(pod_of(pod)->status.phase, S("Failed"));
        event_record(x->c->events, x->object, failed ? "Warning" : "Normal",
                     failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
                     "StatefulSet %.*s/%.*s is recreating %s Pod %.*s", STR_ARG(x->object->meta->namespace),
                     STR_ARG(x->object->meta->name), failed ? "failed" : "terminated",
                     STR_ARG(pod->meta->name));
    }
    int rc = delete_object(x->c->client, pod, STR_NONE, err);
    event_record(x->c->events, x->object, rc ? "Warning" : "Normal", rc ? "FailedDelete" : "SuccessfulDelete",
                 "delete Pod %.*s in StatefulSet %.*s %s%s", STR_ARG(pod->meta->name),
                 STR_ARG(x->object->meta->name), rc ? "failed error: " : "successful", rc ? err->msg : "");
    return rc;
}

static int retain_all(struct set_run *x, struct err *err) {
    int rc = 0;
    if (!x->set.spec.persistent_volume_claim_retention_policy || !x->set.spec.volume_claim_templates.n)
        return 0;
    for (size_t i = 0; i < x->v.n && !rc; i++)
        rc = set_retain_claims(x, &x->v.slots[i], false, err);
    for (size_t i = 0; i < x->v.n_condemned && !rc; i++)
        rc = set_retain_claims(x, &x->v.condemned[i], true, err);
    return rc;
}

static int act(struct set_run *x, struct err *err) {
    struct stateful_plan plan = stateful_plan_steps(x->a, &x->v);
    x->r->requeue_after_ns = plan.wait_ns;
    int rc = retain_all(x, err);
    for (size_t i = 0; i < plan.n && !rc; i++)
        rc = plan.v[i].kind == STEP_CREATE ? set_make_pod(x, plan.v[i].slot, err)
                                           : delete_pod(x, &plan.v[i], err);
    return rc ? rc : drop_history(x, err);
}

/* -- status -- */

static void count_pod(const struct set_run *x, const struct object *pod, struct apps_stateful_set_status *s) {
    const struct core_pod *p = pod_of(pod);
    bool going = meta_is_deleting(pod->meta);
    struct str revision = str_map_get(pod->meta->labels, S("controller-revision-hash"));
    s->replicas++;
    if (str_eq(p->status.phase, S("Running")) && pod_is_ready(p)) {
        s->ready_replicas++;
        s->available_replicas += pod_is_available(p, x->set.spec.min_ready_seconds, now_ns(x->r), NULL);
    }
    s->current_replicas += !going && str_eq(revision, x->current);
    s->updated_replicas += !going && str_eq(revision, x->update);
}

static int write_status(struct set_run *x, struct err *err) {
    const struct apps_stateful_set *before = x->object->body;
    struct apps_stateful_set_status s = {.observed_generation = x->object->meta->generation,
                                         .current_revision = x->current,
                                         .update_revision = x->update,
                                         .collision_count = {x->set.status.collision_count.v, true},
                                         .conditions = x->set.status.conditions};
    for (size_t i = 0; i < x->pods.n; i++)
        count_pod(x, x->pods.v[i], &s);
    int32_t wanted = stateful_replicas(&x->set);
    if (!str_eq(x->set.spec.update_strategy.type, S("OnDelete")) && s.updated_replicas == wanted &&
        s.ready_replicas == wanted && s.replicas == wanted) {
        s.current_replicas = s.updated_replicas;
        s.current_revision = x->update;
    }
    if (api_equal(&builtin, TY_APPS_STATEFUL_SET_STATUS, &s, &before->status))
        return 0;
    x->set.status = s;
    return unless_gone(client_update_status(x->c->client, x->object->kind, &x->set, NULL, err));
}

/* -- one run -- */

static bool selects_all(const struct meta_label_selector *s) {
    return !s || (!s->match_labels.n && !s->match_expressions.n);
}

/* By name: other pods that the selector happens to match are left alone. */
static bool is_member(const struct claim *c, const struct object *pod) {
    return stateful_ordinal(c->owner->body, pod->meta->name) >= 0;
}

static int look(struct set_run *x, struct err *err) {
    struct label_selector selector;
    struct objects claimed;
    int rc = label_selector_compile(x->a, x->set.spec.selector, &selector, err);
    if (!rc)
        rc = sync_revisions(x, &selector, err);
    struct claim claim = {.controller = x->c,
                          .r = x->r,
                          .owner = x->object,
                          .selector = &selector,
                          .kind = KIND(CORE_POD),
                          .wants = is_member};
    if (!rc)
        rc = claim_objects(&claim, &claimed, err);
    for (size_t i = 0; !rc && i < claimed.n; i++)
        if (stateful_ordinal(&x->set, claimed.v[i]->meta->name) >= 0)
            vec_push_in(x->a, &x->pods, claimed.v[i]);
    if (!rc)
        place_pods(x);
    return rc;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct set_run x = {.c = controller_in(r), .r = r, .a = r->arena};
    x.object = world_get_key(&r->world, KIND(APPS_STATEFUL_SET), key);
    if (!x.object)
        return 0;
    x.set = *(const struct apps_stateful_set *)x.object->body;
    if (selects_all(x.set.spec.selector))
        return 0;
    int rc = look(&x, err);
    if (rc)
        return unless_gone(rc);
    if (!meta_is_deleting(x.object->meta))
        rc = act(&x, err);
    struct err second = ERR_INIT;
    int rc_status = write_status(&x, &second);
    if (!rc && rc_status)
        *err = second;
    return rc ? rc : rc_status;
}

/* -- events -- */

static bool selects(const struct object *o, struct str_map labels) {
    const struct meta_label_selector *s = ((const struct apps_stateful_set *)o->body)->spec.selector;
    return !selects_all(s) && label_selector_struct_matches(s, labels);
}

static void map_owned(struct reconciler *rc, const struct informer_event *e, void *arg) {
    claim_map_event(rc, e, arg);
}

int statefulset_start(struct controller *c, struct err *err) {
    struct statefulsets *s = controller_state(c, sizeof *s);
    s->pods = (struct claim_map){.controller = c, .owner_kind = KIND(APPS_STATEFUL_SET), .selects = selects};
    int rc = informer_get(c->watcher, &(struct informer_options){.kind = KIND(APPS_STATEFUL_SET)},
                          &s->pods.owners, err);
    if (rc)
        return rc;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(APPS_STATEFUL_SET, map_self, NULL),
        WATCH_ALL(CORE_POD, map_owned, &s->pods),
        WATCH_WRITTEN(CORE_PERSISTENT_VOLUME_CLAIM),
        WATCH_WRITTEN(APPS_CONTROLLER_REVISION),
    };
    return controller_add(c,
                          &(struct reconciler_options){.watches = watches,
                                                       .n_watches = 4,
                                                       .reconcile = reconcile,
                                                       .writer = c->client,
                                                       .concurrency = 5},
                          NULL, err);
}

void statefulset_stop(struct controller *c) {
    informer_unref(((struct statefulsets *)c->state)->pods.owners);
}
