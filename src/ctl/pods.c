/* Which pod and container a command means. See pods.h. */
#include "ctl/pods.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/object.h"
#include "ctl/session.h"

#define LOOK_AGAIN_NS (250 * NS_PER_MS)

/* -- pods -- */

/* The higher the sooner it is taken. CONFORMS: assigned before not, running before pending, ready before not.
 */
static unsigned rank(const struct jval *pod) {
    const struct jval *all = object_array(pod, "status.conditions");
    struct str phase = object_str(pod, "status.phase");
    unsigned r = object_str(pod, "spec.nodeName").n ? 8 : 0;
    r += str_eq(phase, S("Running")) ? 4 : str_eq(phase, S("Pending")) ? 2 : 0;
    for (uint32_t i = 0; all && i < all->n; i++)
        r += str_eq(object_str(&all->items[i], "type"), S("Ready")) &&
             str_eq(object_str(&all->items[i], "status"), S("True"));
    return r;
}

static int by_rank(const void *a, const void *b) {
    unsigned x = rank(a), y = rank(b);
    if (x != y)
        return x > y ? -1 : 1;
    return str_cmp(object_str(a, "metadata.creationTimestamp"), object_str(b, "metadata.creationTimestamp"));
}

/* "a=b,c=d" of a map. */
static struct str map_selector(struct ctl *c, const struct jval *map) {
    struct jval whole = jval_null();
    whole = jval_with(&c->arena, &whole, S("matchLabels"), map ? *map : jval_null());
    return selector_text(&c->arena, &whole);
}

int pods_of(struct ctl *c, const struct target *t, struct jval *ret_items, struct problem *p) {
    struct str kind = object_kind(&t->object);
    const struct jval *selector = jval_path(&t->object, "spec.selector");
    const struct resource *pods = resource_get(c, S(""), S(""), S("pods"));
    bool plain = str_eq(kind, S("Service")) || str_eq(kind, S("ReplicationController"));
    struct str labels = plain ? map_selector(c, selector) : selector_text(&c->arena, selector);
    struct list_options o = {.label_selector = labels, .limit = 500};
    if (!pods || !labels.n)
        return problem_set(c, p, "cannot attach to *v1.%.*s: selector for *v1.%.*s not implemented",
                           STR_ARG(kind), STR_ARG(kind));
    if (object_list_all(c, pods, t->ns, &o, ret_items, p))
        return CTL_PROBLEM;
    struct jval *sorted = arena_new_n(&c->arena, ret_items->n + 1, struct jval);
    for (uint32_t i = 0; i < ret_items->n; i++)
        sorted[i] = ret_items->items[i];
    qsort(sorted, ret_items->n, sizeof *sorted, by_rank);
    *ret_items = jval_array(sorted, ret_items->n);
    return 0;
}

int pod_of(struct ctl *c, struct str what, int64_t timeout_ns, struct target *ret, size_t *ret_found,
           struct problem *p) {
    struct targets t = {0};
    struct select s = {.args = &what, .n_args = what.n ? 1 : 0, .fetch = true, .no_objects = true};
    int64_t until = clock_mono_ns(clock_system()) + timeout_ns;
    if (ret_found)
        *ret_found = 1;
    if (what.n && str_find_byte(what, '/') < 0) {
        *ret = (struct target){.ns = c->ns, .name = what};
        return resource_of_kind(c, S("v1"), S("Pod"), &ret->resource, p) || target_fetch(c, ret, p)
                   ? CTL_PROBLEM
                   : 0;
    }
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    if (t.n == 0)
        return problem_say(c, p, "%s", "");
    *ret = t.v[0];
    if (str_eq(object_kind(&ret->object), S("Pod")))
        return 0;
    for (;;) {
        struct jval items;
        if (pods_of(c, &t.v[0], &items, p))
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

static bool has_container(const struct jval *pod, struct str name) {
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
