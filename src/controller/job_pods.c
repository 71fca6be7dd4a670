/* controller/job_pods: the pods of a job: how many, which indexes, when. */
#include <stdlib.h>

#include "api/meta.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "client/expect.h"
#include "controller/job_priv.h"
#include "controller/scaler.h"

static struct scaler scaler_of(struct job_run *x) {
    return (struct scaler){
        .c = x->c, .a = x->a, .owner = x->object, .expectations = x->self->pods, .key = x->key};
}

int job_delete_pods(struct job_run *x, const struct objects *pods, struct err *err) {
    if (!pods->n)
        return 0;
    struct scaler s = scaler_of(x);
    struct str *uids = arena_new_n(x->a, pods->n, struct str);
    for (size_t i = 0; i < pods->n; i++)
        uids[i] = pods->v[i]->meta->uid;
    expect_deletions(x->self->pods, x->key, uids, (uint32_t)pods->n);
    return scaler_delete(&s, pods, err);
}

/* -- which pods are too many -- */

static bool index_is_wanted(const struct job_run *x, int32_t index) {
    return index >= 0 && index < x->job.spec.completions.v && !indexes_has(&x->done, index) &&
           !indexes_has(&x->lost, index);
}

static int cmp_pod_index(const void *pa, const void *pb) {
    const struct core_pod *a = pod_of(*(const struct object *const *)pa);
    const struct core_pod *b = pod_of(*(const struct object *const *)pb);
    int32_t x = job_pod_index(a), y = job_pod_index(b);
    return x != y ? (x < y ? -1 : 1) : str_cmp(a->metadata.name, b->metadata.name);
}

/* Pods without a use of their own (double or done indexes) first, then as many others as needed. */
static struct objects superfluous(struct job_run *x, size_t at_least) {
    struct objects out = {.n = 0}, rest = {.n = 0};
    struct objects sorted = {.n = 0};
    for (size_t i = 0; i < x->active.n; i++)
        vec_push_in(x->a, &sorted, x->active.v[i]);
    bool indexed = job_is_indexed(&x->job);
    if (indexed && sorted.n)
        qsort(sorted.v, sorted.n, sizeof *sorted.v, cmp_pod_index);
    int32_t last = -1;
    for (size_t i = 0; i < sorted.n; i++) {
        int32_t index = job_pod_index(pod_of(sorted.v[i]));
        if (indexed && (!index_is_wanted(x, index) || index == last))
            vec_push_in(x->a, &out, sorted.v[i]);
        else
            vec_push_in(x->a, &rest, sorted.v[i]);
        last = index;
    }
    if (out.n < at_least)
        pods_rank(&rest, &rest, now_ns(x->r), x->a);
    for (size_t i = 0; i < rest.n && out.n < at_least; i++)
        vec_push_in(x->a, &out, rest.v[i]);
    if (out.n > JOB_PODS_AT_ONCE)
        out.n = JOB_PODS_AT_ONCE;
    return out;
}

static int delete_some(struct job_run *x, struct objects *some, struct err *err) {
    int rc = job_delete_pods(x, some, err);
    struct objects left = {.n = 0};
    for (size_t i = 0; i < x->active.n; i++) {
        bool gone = false;
        for (size_t k = 0; k < some->n && !gone; k++)
            gone = some->v[k] == x->active.v[i];
        if (!gone)
            vec_push_in(x->a, &left, x->active.v[i]);
    }
    if (!rc)
        x->active = left;
    return rc;
}

/* -- which indexes come next -- */

const struct object *job_delayed_pod(const struct job_run *x, int32_t index) {
    const struct object *latest = NULL;
    int64_t latest_ns = INT64_MIN;
    if (!x->job.spec.backoff_limit_per_index.set || job_has_goal(x) || !index_is_wanted(x, index))
        return NULL;
    for (size_t i = 0; i < x->active.n; i++)
        if (job_pod_index(pod_of(x->active.v[i])) == index)
            return NULL;
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct core_pod *p = pod_of(x->pods.v[i]);
        if (!job_pod_is_tracked(x->pods.v[i]) || job_pod_index(p) != index || !job_pod_failed(&x->job, p))
            continue;
        int64_t ns = job_pod_finish_ns(p, now_ns(x->r));
        if (ns > latest_ns) {
            latest_ns = ns;
            latest = x->pods.v[i];
        }
    }
    return latest;
}

static int64_t index_wait_ns(const struct job_run *x, int32_t index) {
    const struct object *before = job_delayed_pod(x, index);
    if (!before)
        return 0;
    const struct core_pod *p = pod_of(before);
    int64_t failures = (int64_t)job_index_failures(p) + 1;
    int64_t left = job_pod_finish_ns(p, now_ns(x->r)) + job_backoff_ns(failures) - now_ns(x->r);
    return left > 0 ? left : 0;
}

static bool is_taken(const struct job_run *x, int32_t index, struct index_set *active) {
    return indexes_has(active, index) || indexes_has(&x->done, index) || indexes_has(&x->lost, index);
}

/* Indexes that have a pod now (or, when only ended pods are replaced, one that is ending). */
static struct index_set busy_indexes(const struct job_run *x) {
    int32_t *v = arena_new_n(x->a, x->pods.n + 1, int32_t);
    size_t n = 0;
    for (size_t i = 0; i < x->pods.n; i++) {
        const struct core_pod *p = pod_of(x->pods.v[i]);
        bool ending =
            job_replaces_failed_only(&x->job) && meta_is_deleting(&p->metadata) && !pod_is_finished(p);
        if (job_pod_index(p) >= 0 && (pod_is_active(p) || ending))
            v[n++] = job_pod_index(p);
    }
    struct index_set none = {.n = 0};
    return indexes_with(x->a, &none, v, n);
}

static int32_t *next_indexes(struct job_run *x, uint32_t max, uint32_t *ret_n) {
    int32_t *v = arena_new_n(x->a, max + 1, int32_t);
    uint32_t n = 0;
    int64_t wait_least = 0;
    struct index_set busy = busy_indexes(x);
    for (int32_t i = 0; i < x->job.spec.completions.v && n < max; i++) {
        if (is_taken(x, i, &busy))
            continue;
        int64_t wait = x->job.spec.backoff_limit_per_index.set ? index_wait_ns(x, i) : 0;
        if (!wait)
            v[n++] = i;
        else if (!wait_least || wait < wait_least)
            wait_least = wait;
    }
    if (wait_least && (!x->r->requeue_after_ns || wait_least < x->r->requeue_after_ns))
        x->r->requeue_after_ns = wait_least;
    *ret_n = n;
    return v;
}

/* -- the pod of an index -- */

static struct core_env_var_array with_index_env(struct arena *a, const struct core_env_var_array *from) {
    for (uint32_t i = 0; i < from->n; i++)
        if (str_eq(from->v[i].name, S("JOB_COMPLETION_INDEX")))
            return *from;
    struct core_env_var *v = arena_new_n(a, from->n + 1, struct core_env_var);
    struct core_env_var_source *source = arena_new(a, struct core_env_var_source);
    source->field_ref = arena_new(a, struct core_object_field_selector);
    source->field_ref->field_path = S("metadata.labels['batch.kubernetes.io/job-completion-index']");
    if (from->n)
        memcpy(v, from->v, from->n * sizeof *v);
    v[from->n] = (struct core_env_var){.name = S("JOB_COMPLETION_INDEX"), .value_from = source};
    return (struct core_env_var_array){v, from->n + 1};
}

static struct core_container_array with_env(struct arena *a, const struct core_container_array *from) {
    struct core_container_array out = {arena_new_n(a, from->n + 1, struct core_container), from->n};
    for (uint32_t i = 0; i < from->n; i++) {
        out.v[i] = from->v[i];
        out.v[i].env = with_index_env(a, &from->v[i].env);
    }
    return out;
}

static void count_failures(struct job_run *x, struct core_pod *p, int32_t index) {
    const struct object *before = job_delayed_pod(x, index);
    int32_t failures = 0;
    if (!x->job.spec.backoff_limit_per_index.set)
        return;
    if (before) {
        bool ignored = job_failure_action(&x->job, pod_of(before), x->a, NULL) == FAILURE_IGNORED;
        failures = job_index_failures(pod_of(before)) + !ignored;
    }
    p->metadata.annotations =
        str_map_with(x->a, p->metadata.annotations, JOB_INDEX_FAILURES, arena_printf(x->a, "%d", failures));
}

struct creating {
    struct job_run *x;
    struct core_pod *base;
    const int32_t *indexes; /* NULL: not indexed */
};

static struct core_pod *pod_number(void *arg, uint32_t i) {
    const struct creating *c = arg;
    if (!c->indexes)
        return c->base;
    struct arena *a = c->x->a;
    struct core_pod *p = arena_new(a, struct core_pod);
    *p = *c->base;
    struct str index = arena_printf(a, "%d", c->indexes[i]);
    p->metadata.annotations = str_map_with(a, p->metadata.annotations, JOB_INDEX_KEY, index);
    p->metadata.labels = str_map_with(a, p->metadata.labels, JOB_INDEX_KEY, index);
    p->metadata.generate_name =
        arena_printf(a, "%.*s-%.*s-", STR_ARG(c->x->object->meta->name), STR_ARG(index));
    if (!p->spec.hostname.n)
        p->spec.hostname = arena_printf(a, "%.*s-%.*s", STR_ARG(c->x->object->meta->name), STR_ARG(index));
    count_failures(c->x, p, c->indexes[i]);
    return p;
}

static struct core_pod *base_pod(struct job_run *x) {
    struct core_pod *p = pod_from_template(x->a, &x->job.spec.template, x->object);
    (void)meta_add_finalizer(x->a, &p->metadata, JOB_TRACKING);
    if (job_is_indexed(&x->job)) {
        p->spec.containers = with_env(x->a, &p->spec.containers);
        p->spec.init_containers = with_env(x->a, &p->spec.init_containers);
    }
    return p;
}

static int create_some(struct job_run *x, uint32_t n, struct err *err) {
    struct creating c = {.x = x, .base = base_pod(x)};
    struct scaler s = scaler_of(x);
    uint32_t made = 0;
    if (job_is_indexed(&x->job))
        c.indexes = next_indexes(x, n, &n);
    if (!n)
        return 0;
    expect_creations(x->self->pods, x->key, n);
    int rc = scaler_create(&s, n, pod_number, &c, &made, err);
    x->made = made;
    return rc;
}

/* -- how many -- */

static int64_t wanted_active(const struct job_run *x) {
    int64_t parallelism = x->job.spec.parallelism.set ? x->job.spec.parallelism.v : 1;
    if (!x->job.spec.completions.set)
        return x->succeeded > 0 ? (int64_t)x->active.n : parallelism;
    int64_t missing = (int64_t)x->job.spec.completions.v - x->succeeded;
    if (job_is_indexed(&x->job))
        missing -= indexes_count(&x->lost);
    return missing < 0 ? 0 : missing < parallelism ? missing : parallelism;
}

int job_manage(struct job_run *x, struct err *err) {
    bool suspended = x->job.spec.suspend.v;
    int64_t wanted = suspended ? 0 : wanted_active(x), active = (int64_t)x->active.n;
    struct objects too_many = superfluous(x, active > wanted ? (size_t)(active - wanted) : 0);
    if (too_many.n)
        return delete_some(x, &too_many, err);
    int64_t terminating = job_replaces_failed_only(&x->job) ? x->terminating : 0;
    int64_t missing = wanted - terminating - active;
    if (suspended || missing <= 0)
        return 0;
    if (!x->job.spec.backoff_limit_per_index.set) {
        int64_t wait = job_backoff_left_ns(&x->job, &x->pods, now_ns(x->r));
        if (wait) {
            x->r->requeue_after_ns = wait;
            return 0;
        }
    }
    return create_some(x, (uint32_t)(missing < JOB_PODS_AT_ONCE ? missing : JOB_PODS_AT_ONCE), err);
}
