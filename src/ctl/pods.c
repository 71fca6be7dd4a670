/* Which pod and container a command means. See pods.h. */
#include "ctl/pods.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/object.h"
#include "ctl/session.h"

#define LOOK_AGAIN_NS (250 * NS_PER_MS)

/* -- selectors -- */

static bool is_kind(const struct jval *o, const char *api_version, const char *kind) {
    return str_eq(object_kind(o), str_from(kind)) && str_eq(object_api_version(o), str_from(api_version));
}

/* "*v1.ConfigMap" */
static struct str type_name(struct ctl *c, const struct jval *o) {
    struct str version = object_api_version(o), group, rest;
    if (str_split(version, '/', &group, &rest))
        version = rest;
    return arena_printf(&c->arena, "*%.*s.%.*s", STR_ARG(version), STR_ARG(object_kind(o)));
}

static int selector_of(struct ctl *c, const struct jval *object, const char *doing, struct str *ret,
                       struct problem *p) {
    static const char *const workloads[][2] = {{"apps/v1", "Deployment"},
                                               {"apps/v1", "ReplicaSet"},
                                               {"apps/v1", "StatefulSet"},
                                               {"apps/v1", "DaemonSet"},
                                               {"batch/v1", "Job"}};
    const struct jval *selector = jval_path(object, "spec.selector");
    struct jval none = jval_null();
    if (is_kind(object, "v1", "Service") && !(selector && selector->n))
        return problem_set(c, p,
                           "%s *v1.Service: invalid service '%.*s': Service is defined without a selector",
                           doing, STR_ARG(object_name(object)));
    if (is_kind(object, "v1", "Service") || is_kind(object, "v1", "ReplicationController")) {
        struct jval labels = selector ? *selector : jval_null();
        struct jval wrapped = object_with(&c->arena, &none, "matchLabels", labels);
        *ret = selector_text(&c->arena, &wrapped);
        return 0;
    }
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (is_kind(object, workloads[i][0], workloads[i][1])) {
            *ret = selector_text(&c->arena, selector ? selector : &none);
            return 0;
        }
    struct str type = type_name(c, object);
    return problem_set(c, p, "%s %.*s: selector for %.*s not implemented", doing, STR_ARG(type),
                       STR_ARG(type));
}

/* -- the best of several -- */

static struct str ready_since(const struct jval *pod) {
    const struct jval *conditions = object_array(pod, "status.conditions");
    for (uint32_t i = 0; conditions && i < conditions->n; i++) {
        const struct jval *x = &conditions->items[i];
        if (str_eq(jval_get_str(x, S("type")), S("Ready")) && str_eq(jval_get_str(x, S("status")), S("True")))
            return jval_get_str(x, S("lastTransitionTime"));
    }
    return STR_NONE;
}

static int phase_rank(const struct jval *pod, bool for_logs) {
    struct str phase = object_str(pod, "status.phase");
    if (str_eq(phase, S("Unknown")))
        return 1;
    if (str_eq(phase, S("Running")))
        return 0;
    return for_logs && !str_eq(phase, S("Pending")) ? 0 : 2;
}

static int64_t restarts(const struct jval *pod) {
    const struct jval *statuses = object_array(pod, "status.containerStatuses");
    int64_t most = 0;
    for (uint32_t i = 0; statuses && i < statuses->n; i++) {
        int64_t n = object_int(&statuses->items[i], "restartCount", 0);
        most = n > most ? n : most;
    }
    return most;
}

/* < 0: a is the better one. CONFORMS: as clients of upstream choose. */
static int order_of(const struct jval *a, const struct jval *b, bool for_logs) {
    int unassigned_a = object_str(a, "spec.nodeName").n == 0,
        unassigned_b = !object_str(b, "spec.nodeName").n;
    struct str since_a = ready_since(a), since_b = ready_since(b);
    int64_t more = restarts(a) - restarts(b);
    if (unassigned_a != unassigned_b)
        return unassigned_a - unassigned_b;
    bool a_ends = object_str(a, "metadata.deletionTimestamp").n,
         b_ends = object_str(b, "metadata.deletionTimestamp").n;
    if (a_ends != b_ends) /* what is being deleted comes last, unlike kubectl: it may be gone in a moment */
        return a_ends ? 1 : -1;
    int phase = phase_rank(a, for_logs) - phase_rank(b, for_logs);
    if (phase)
        return phase;
    if (!since_a.p != !since_b.p)
        return since_a.p ? -1 : 1;
    if (since_a.p && !str_eq(since_a, since_b))
        return str_cmp(since_a, since_b); /* all times have one form */
    if (more)
        return (more > 0) == (for_logs) ? -1 : 1;
    return str_cmp(object_str(a, "metadata.creationTimestamp"), object_str(b, "metadata.creationTimestamp"));
}

static int by_worth_for_logs(const void *a, const void *b) {
    return order_of(a, b, true);
}

static int by_worth(const void *a, const void *b) {
    return order_of(a, b, false);
}

/* -- of an object -- */

int pods_of(struct ctl *c, const struct target *t, bool for_logs, struct jval *ret_items, struct problem *p) {
    const struct resource *pods;
    struct list_options o = {.limit = 500};
    if (selector_of(c, &t->object, for_logs ? "cannot get the logs from" : "cannot attach to",
                    &o.label_selector, p) ||
        resource_of_kind(c, S("v1"), S("Pod"), &pods, p) || object_list_all(c, pods, t->ns, &o, ret_items, p))
        return CTL_PROBLEM;
    struct jval *sorted = arena_new_n(&c->arena, ret_items->n + 1, struct jval);
    for (uint32_t i = 0; i < ret_items->n; i++)
        sorted[i] = ret_items->items[i];
    qsort(sorted, ret_items->n, sizeof *sorted, for_logs ? by_worth_for_logs : by_worth);
    *ret_items = jval_array(sorted, ret_items->n);
    return 0;
}

int object_of(struct ctl *c, struct str what, struct target *ret, struct problem *p) {
    struct targets t = {0};
    struct select s = {.args = &what, .n_args = what.n ? 1 : 0, .no_objects = true};
    if (what.n && str_find_byte(what, '/') < 0) {
        *ret = (struct target){.ns = c->ns, .name = what};
        return resource_of_kind(c, S("v1"), S("Pod"), &ret->resource, p) || target_fetch(c, ret, p)
                   ? CTL_PROBLEM
                   : 0;
    }
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    if (t.n != 1)
        return problem_set(c, p, "expected a resource");
    *ret = t.v[0];
    return target_fetch(c, ret, p);
}

int pod_of(struct ctl *c, struct str what, const struct pod_wish *wish, struct target *ret, size_t *ret_found,
           struct problem *p) {
    struct target named;
    int64_t until = clock_mono_ns(clock_system()) + wish->timeout_ns;
    if (ret_found)
        *ret_found = 1;
    if (object_of(c, what, &named, p))
        return CTL_PROBLEM;
    *ret = named;
    if (is_kind(&named.object, "v1", "Pod"))
        return 0;
    for (;;) {
        struct jval items;
        if (pods_of(c, &named, wish->for_logs, &items, p))
            return CTL_PROBLEM;
        if (items.n) {
            ret->resource = resource_get(c, S(""), S(""), S("pods"));
            ret->object = items.items[0];
            ret->name = object_name(&ret->object);
            if (ret_found)
                *ret_found = items.n;
            return 0;
        }
        if (clock_mono_ns(clock_system()) >= until)
            return problem_set(c, p, "timed out waiting for the condition");
        clock_sleep_ns(clock_system(), LOOK_AGAIN_NS);
    }
}

/* -- containers -- */

static const char *const lists[] = {"spec.containers", "spec.initContainers", "spec.ephemeralContainers"};

bool has_container(const struct jval *pod, struct str name) {
    for (size_t k = 0; k < 3; k++) {
        const struct jval *all = object_array(pod, lists[k]);
        for (uint32_t i = 0; all && i < all->n; i++)
            if (str_eq(object_str(&all->items[i], "name"), name))
                return true;
    }
    return false;
}

/* "a, b, c (init)". */
static struct str all_names(struct ctl *c, const struct jval *pod) {
    static const char *const marks[] = {"", " (init)", " (ephem)"};
    static const size_t order[] = {0, 2, 1};
    _cleanup_buf struct buf b = BUF_INIT;
    for (size_t k = 0; k < 3; k++) {
        const struct jval *all = object_array(pod, lists[order[k]]);
        for (uint32_t i = 0; all && i < all->n; i++)
            buf_printf(&b, "%s%.*s%s", b.n ? ", " : "", STR_ARG(object_str(&all->items[i], "name")),
                       marks[order[k]]);
    }
    return buf_to_arena(&b, &c->arena);
}

int container_of_pod(struct ctl *c, const struct jval *pod, struct str name, bool quiet, struct str *ret,
                     struct problem *p) {
    const struct jval *all = object_array(pod, lists[0]);
    struct str marked = object_annotation(pod, S("kubectl.kubernetes.io/default-container"));
    *ret = name;
    if (name.n && !has_container(pod, name))
        return problem_set(c, p, "container %.*s not found in pod %.*s", STR_ARG(name),
                           STR_ARG(object_name(pod)));
    if (name.n)
        return 0;
    if (marked.n && has_container(pod, marked)) {
        *ret = marked;
        return 0;
    }
    if (!all || all->n == 0)
        return problem_set(c, p, "pod %.*s does not have any containers", STR_ARG(object_name(pod)));
    *ret = object_str(&all->items[0], "name");
    struct str names = all_names(c, pod);
    if (!quiet && str_find_byte(names, ',') >= 0)
        (void)fprintf(c->err, "Defaulted container \"%.*s\" out of: %.*s\n", STR_ARG(*ret), STR_ARG(names));
    return 0;
}

/* -- streams -- */

int pod_streams_run(struct ctl *c, const struct pod_streams *s) {
    struct problem p;
    struct session session = {.c = c, .path = s->path, .in_fd = s->in ? fileno(c->in) : -1, .tty = s->tty};
    session.out = c->out;
    session.err = c->err;
    if (session_run(&session, &p))
        return ctl_fail(c, &p);
    if (session.code)
        (void)fprintf(c->err, "command terminated with exit code %d\n", session.code);
    return session.code;
}
