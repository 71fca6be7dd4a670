/* cordon, uncordon, drain: taking nodes out of use. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/target.h"

#define RETRY_EVICTION_NS (5 * NS_PER_SEC)
#define POLL_NS NS_PER_SEC

/* -- nodes -- */

static const char *suffix(enum dry_run dry) {
    return dry == DRY_RUN_CLIENT ? " (dry run)" : dry == DRY_RUN_SERVER ? " (server dry run)" : "";
}

/* The nodes that arguments and --selector mean. The exit status, when that is not 0. */
static int select_nodes(struct ctl *c, struct targets *ret) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct str *args = arena_new_n(&c->arena, o->n_args + 1, struct str);
    if (o->n_args == 0 && !opt_given(o, "selector"))
        return ctl_error(c, "USAGE: %.*s [flags]\nSee '%.*s -h' for help and examples",
                         STR_ARG(arena_printf(&c->arena, "%s %s", c->command->name, c->command->args)),
                         STR_ARG(c->path));
    if (o->n_args && opt_given(o, "selector"))
        return ctl_error(
            c, "cannot specify both a node name and a --selector option\nSee '%.*s -h' for help and examples",
            STR_ARG(c->path));
    args[0] = S("nodes");
    for (size_t i = 0; i < o->n_args; i++)
        args[i + 1] = str_has_prefix(o->args[i], S("node/"))    ? str_from_byte(o->args[i], 5)
                      : str_has_prefix(o->args[i], S("nodes/")) ? str_from_byte(o->args[i], 6)
                                                                : o->args[i];
    struct select s = {.args = args, .n_args = o->n_args + 1, .fetch = true, .limit = 500};
    if (ctl_select(c, &s, ret, &p))
        return ctl_fail(c, &p);
    return c->status;
}

/* Says what became of it. */
static int cordon(struct ctl *c, const struct target *t, bool on, enum dry_run dry, struct problem *p) {
    bool is = object_bool(&t->object, "spec.unschedulable");
    struct jval patch = jval_null();
    struct write_options o = {.dry_run = dry == DRY_RUN_SERVER};
    patch = object_with(&c->arena, &patch, "spec.unschedulable", on ? jval_bool(true) : jval_null());
    if (is != on && dry != DRY_RUN_CLIENT &&
        object_patch(c, t->resource, S(""), t->name, PATCH_STRATEGIC, object_json(&c->arena, &patch), &o,
                     NULL, p))
        return CTL_PROBLEM;
    ctl_say(c, "node/%.*s %s%scordoned%s\n", STR_ARG(t->name), is == on ? "already " : "", on ? "" : "un",
            suffix(dry));
    return 0;
}

static int run_cordon(struct ctl *c, bool on) {
    struct targets t = {0};
    struct problem p;
    enum dry_run dry;
    if (ctl_dry_run(c, &dry, &p))
        return ctl_fail(c, &p);
    if (select_nodes(c, &t))
        return 1;
    for (size_t i = 0; i < t.n; i++)
        if (cordon(c, &t.v[i], on, dry, &p))
            (void)ctl_fail(c, &p);
    return c->status;
}

static int run_cordon_on(struct ctl *c) {
    return run_cordon(c, true);
}

static int run_cordon_off(struct ctl *c) {
    return run_cordon(c, false);
}

/* -- which pods go -- */

struct leaving {
    struct str ns, name, uid;
    enum { LEAVING_WAITS, LEAVING_EVICTED, LEAVING_GONE, LEAVING_FAILED } state;
    int64_t next_ns; /* when to look or to try again */
    struct str error;
};

/* Pods by the reason why they stay or go although something speaks against it. */
struct reason {
    struct str text, pods;
};
struct reasons {
    struct reason *v;
    size_t n, cap;
};

struct drain {
    struct ctl *c;
    const struct resource *pods;
    struct str node;
    enum dry_run dry;
    bool evict, force, ignore_daemon_sets, lose_data;
    int64_t grace, until_ns, skip_deleted_s;
    VEC(struct leaving) leaving;
    struct reasons refused, warned;
};

static void note(struct drain *d, struct reasons *reasons, struct str text, const struct jval *pod) {
    struct arena *a = &d->c->arena;
    struct str name = arena_printf(a, "%.*s/%.*s", STR_ARG(object_namespace(pod)), STR_ARG(object_name(pod)));
    vec_foreach (r, reasons)
        if (str_eq(r->text, text)) {
            r->pods = arena_printf(a, "%.*s, %.*s", STR_ARG(r->pods), STR_ARG(name));
            return;
        }
    struct reason one = {text, name};
    vec_push_in(a, reasons, one);
}

static bool has_local_data(const struct jval *pod) {
    const struct jval *volumes = object_array(pod, "spec.volumes");
    for (uint32_t i = 0; volumes && i < volumes->n; i++)
        if (jval_get(&volumes->items[i], S("emptyDir")))
            return true;
    return false;
}

static const struct jval *controller_of(const struct jval *pod) {
    const struct jval *owners = object_array(pod, "metadata.ownerReferences");
    for (uint32_t i = 0; owners && i < owners->n; i++)
        if (object_bool(&owners->items[i], "controller"))
            return &owners->items[i];
    return NULL;
}

static bool was_deleted_long_ago(const struct drain *d, const struct jval *pod) {
    int64_t sec;
    int32_t nsec;
    if (d->skip_deleted_s <= 0 ||
        !time_parse(object_str(pod, "metadata.deletionTimestamp"), TIME_NANO, &sec, &nsec))
        return false;
    return clock_wall_ns(clock_system()) / NS_PER_SEC - sec > d->skip_deleted_s;
}

/* A pod of a daemon set, which would put it back at once. */
static bool goes_from_daemon_set(struct drain *d, const struct jval *pod, struct str set) {
    struct str why = S("daemonsets.apps not found");
    struct jval object;
    struct problem p = {.message = why};
    const struct resource *sets = resource_get(d->c, S("apps"), S(""), S("daemonsets"));
    if (!sets || object_get(d->c, sets, object_namespace(pod), set, &object, &p)) {
        if (p.http_code == 404 && d->force)
            return true;
        note(d, &d->refused, p.message, pod);
        return false;
    }
    if (d->ignore_daemon_sets)
        note(d, &d->warned, S("ignoring DaemonSet-managed Pods"), pod);
    else
        note(d, &d->refused, S("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)"), pod);
    return false;
}

/* Whether it is to go; refusals and warnings are noted. CONFORMS: the order of kubectl's filters. */
static bool goes(struct drain *d, const struct jval *pod) {
    struct str phase = object_str(pod, "status.phase");
    bool over = str_eq(phase, S("Succeeded")) || str_eq(phase, S("Failed"));
    const struct jval *controller = controller_of(pod);
    if (was_deleted_long_ago(d, pod))
        return false;
    if (!over && controller && str_eq(object_str(controller, "kind"), S("DaemonSet")) &&
        !goes_from_daemon_set(d, pod, object_str(controller, "name")))
        return false;
    if (object_annotation(pod, S("kubernetes.io/config.mirror")).p)
        return false;
    if (!over && has_local_data(pod) && !d->lose_data) {
        note(d, &d->refused, S("Pods with local storage (use --delete-emptydir-data to override)"), pod);
        return false;
    }
    if (!over && !controller && d->force)
        note(d, &d->warned, S("deleting Pods that declare no controller"), pod);
    else if (!over && !controller) /* CONFORMS: "cannot delete" is said twice */
        note(d, &d->refused, S("cannot delete Pods that declare no controller (use --force to override)"),
             pod);
    return over || controller || d->force;
}

/* What stands against it, a text for each reason. */
static void refusals(struct drain *d, struct jlist *ret) {
    vec_foreach (r, &d->refused)
        jlist_add(&d->c->arena, ret,
                  jval_str(arena_printf(&d->c->arena, "cannot delete %.*s: %.*s", STR_ARG(r->text),
                                        STR_ARG(r->pods))));
}

static void warn(struct drain *d) {
    vec_foreach (r, &d->warned)
        (void)fprintf(d->c->err, "%s%.*s: %.*s", r == d->warned.v ? "Warning: " : "; ", STR_ARG(r->text),
                      STR_ARG(r->pods));
    if (d->warned.n)
        (void)fprintf(d->c->err, "\n");
}

/* -- making them go -- */

static int64_t now_ns(void) {
    return clock_mono_ns(clock_system());
}

static int evict(struct drain *d, const struct leaving *l, struct problem *p) {
    struct ctl *c = d->c;
    struct maker m;
    maker_init(&m, c, "policy/v1", "Eviction", l->name);
    maker_str(&m, "metadata.namespace", l->ns);
    if (d->grace >= 0)
        maker_int(&m, "deleteOptions.gracePeriodSeconds", d->grace);
    struct write_options o = {.subresource = S("eviction"), .dry_run = d->dry == DRY_RUN_SERVER};
    return object_create(c, d->pods, l->ns, &m.object, &o, NULL, p);
}

static int delete (struct drain *d, const struct leaving *l, struct problem *p) {
    struct delete_options o = {.grace_seconds = d->grace, .dry_run = d->dry == DRY_RUN_SERVER};
    return object_delete(d->c, d->pods, l->ns, l->name, &o, NULL, p);
}

static void fail(struct drain *d, struct leaving *l, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void fail(struct drain *d, struct leaving *l, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    l->error = arena_vprintf(&d->c->arena, fmt, ap);
    va_end(ap);
    l->state = LEAVING_FAILED;
}

static void send_away(struct drain *d, struct leaving *l) {
    struct problem p;
    int rc = d->dry == DRY_RUN_CLIENT ? 0 : d->evict ? evict(d, l, &p) : delete (d, l, &p);
    if (rc == 0) {
        l->state = d->dry == DRY_RUN_NONE ? LEAVING_EVICTED : LEAVING_GONE;
        l->next_ns = now_ns();
    } else if (problem_not_found(&p)) {
        l->state = LEAVING_GONE;
    } else if (p.http_code == 429 && d->evict) {
        (void)fprintf(d->c->err,
                      "error when evicting pods/\"%.*s\" -n \"%.*s\" (will retry after 5s): %.*s\n",
                      STR_ARG(l->name), STR_ARG(l->ns), STR_ARG(p.message));
        l->next_ns = now_ns() + RETRY_EVICTION_NS;
    } else {
        fail(d, l, "error when %s pods/\"%.*s\" -n \"%.*s\": %.*s", d->evict ? "evicting" : "deleting",
             STR_ARG(l->name), STR_ARG(l->ns), STR_ARG(p.message));
    }
}

static void look_after(struct drain *d, struct leaving *l) {
    struct jval pod;
    struct problem p;
    int rc = object_get(d->c, d->pods, l->ns, l->name, &pod, &p);
    l->next_ns = now_ns() + POLL_NS;
    if (rc && !problem_not_found(&p)) {
        fail(d, l, "error when waiting for pod \"%.*s\" in namespace \"%.*s\" to terminate: %.*s",
             STR_ARG(l->name), STR_ARG(l->ns), STR_ARG(p.message));
        return;
    }
    if (rc == 0 && str_eq(object_str(&pod, "metadata.uid"), l->uid))
        return;
    l->state = LEAVING_GONE;
    ctl_say(d->c, "pod/%.*s %s\n", STR_ARG(l->name), d->evict ? "evicted" : "deleted");
}

static void say_leaving(struct drain *d, const struct leaving *l) {
    ctl_say(d->c, "%s pod %.*s/%.*s%s\n", d->evict ? "evicting" : "deleting", STR_ARG(l->ns),
            STR_ARG(l->name), suffix(d->dry));
    (void)fflush(d->c->out);
}

static void time_is_up(struct drain *d, struct leaving *l) {
    if (l->state == LEAVING_EVICTED)
        fail(d, l,
             "error when waiting for pod \"%.*s\" in namespace \"%.*s\" to terminate: context deadline "
             "exceeded",
             STR_ARG(l->name), STR_ARG(l->ns));
    else
        fail(d, l, "error when evicting pods/\"%.*s\" -n \"%.*s\": global timeout reached: %lldns",
             STR_ARG(l->name), STR_ARG(l->ns), (long long)opt_ns(&d->c->opts, "timeout"));
}

/* One step for each pod whose time has come. Returns when the next one has; INT64_MAX: all are done. */
static int64_t step(struct drain *d) {
    int64_t next = INT64_MAX;
    vec_foreach (l, &d->leaving) {
        bool open = l->state == LEAVING_WAITS || l->state == LEAVING_EVICTED;
        if (open && now_ns() >= d->until_ns)
            time_is_up(d, l);
        else if (open && l->next_ns <= now_ns())
            l->state == LEAVING_WAITS ? send_away(d, l) : look_after(d, l);
        if ((l->state == LEAVING_WAITS || l->state == LEAVING_EVICTED) && l->next_ns < next)
            next = l->next_ns;
    }
    return next;
}

/* Until all pods are gone or have failed; what failed is added to *ret. */
static void send_all_away(struct drain *d, struct jlist *ret) {
    vec_foreach (l, &d->leaving)
        say_leaving(d, l);
    for (int64_t next = step(d); next != INT64_MAX; next = step(d)) {
        int64_t until = next < d->until_ns ? next : d->until_ns, left = until - now_ns();
        if (left > 0)
            clock_sleep_ns(clock_system(), left);
    }
    vec_foreach (l, &d->leaving)
        if (l->state == LEAVING_FAILED)
            jlist_add(&d->c->arena, ret, jval_str(l->error));
}

/* -- a node -- */

static int read_pods(struct drain *d, struct problem *p) {
    struct ctl *c = d->c;
    struct jval items;
    struct list_options o = {.label_selector = opt_str(&c->opts, "pod-selector"), .limit = 500};
    o.field_selector = arena_printf(&c->arena, "spec.nodeName=%.*s", STR_ARG(d->node));
    if (object_list_all(c, d->pods, S(""), &o, &items, p))
        return CTL_PROBLEM;
    for (uint32_t i = 0; i < items.n; i++) {
        const struct jval *pod = &items.items[i];
        struct leaving l = {
            .ns = object_namespace(pod), .name = object_name(pod), .uid = object_str(pod, "metadata.uid")};
        if (goes(d, pod))
            vec_push_in(&c->arena, &d->leaving, l);
    }
    return 0;
}

static struct str joined(struct ctl *c, const struct jlist *all) {
    _cleanup_buf struct buf b = BUF_INIT;
    if (all->n == 1)
        return jval_as_str(&all->v[0]);
    for (size_t i = 0; i < all->n; i++)
        buf_printf(&b, "%s%.*s", i ? ", " : "[", STR_ARG(jval_as_str(&all->v[i])));
    buf_byte(&b, ']');
    return buf_to_arena(&b, &c->arena);
}

static void say_pending(struct drain *d, const struct jlist *errors) {
    (void)fprintf(d->c->err, "There are pending pods in node \"%.*s\" when an error occurred: %.*s\n",
                  STR_ARG(d->node), STR_ARG(joined(d->c, errors)));
    vec_foreach (l, &d->leaving)
        if (l->state != LEAVING_GONE)
            (void)fprintf(d->c->err, "pod/%.*s\n", STR_ARG(l->name));
}

/* What stands against it or failed is added to *errors. */
static void drain_node(struct drain *d, struct jlist *errors) {
    struct problem p;
    if (read_pods(d, &p)) {
        jlist_add(&d->c->arena, errors, jval_str(p.message));
        return;
    }
    refusals(d, errors);
    if (errors->n == 0) {
        warn(d);
        send_all_away(d, errors);
        if (errors->n)
            say_pending(d, errors);
    }
}

static struct drain drain_of(struct ctl *c, struct str node, enum dry_run dry) {
    const struct opts *o = &c->opts;
    struct drain d = {.c = c,
                      .node = node,
                      .dry = dry,
                      .force = opt_bool(o, "force"),
                      .ignore_daemon_sets = opt_bool(o, "ignore-daemonsets"),
                      .lose_data = opt_bool(o, "delete-emptydir-data") || opt_bool(o, "delete-local-data"),
                      .grace = opt_int(o, "grace-period"),
                      .skip_deleted_s = opt_int(o, "skip-wait-for-delete-timeout"),
                      .until_ns = INT64_MAX};
    d.pods = resource_get(c, S(""), S("v1"), S("pods"));
    d.evict = d.pods && !opt_bool(o, "disable-eviction") && resource_has_sub(d.pods, S("eviction"));
    if (opt_ns(o, "timeout") > 0)
        d.until_ns = now_ns() + opt_ns(o, "timeout");
    return d;
}

static int run_drain(struct ctl *c) {
    struct targets t = {0};
    struct problem p;
    enum dry_run dry;
    struct jlist errors = {0};
    _cleanup_buf struct buf pending = BUF_INIT;
    if (ctl_dry_run(c, &dry, &p))
        return ctl_fail(c, &p);
    if (select_nodes(c, &t))
        return 1;
    for (size_t i = 0; i < t.n; i++)
        if (cordon(c, &t.v[i], true, dry, &p))
            return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++) {
        struct drain d = drain_of(c, t.v[i].name, dry);
        struct jlist its = {0};
        (void)fflush(c->out);
        drain_node(&d, &its);
        if (its.n == 0) {
            ctl_say(c, "node/%.*s drained%s\n", STR_ARG(t.v[i].name), suffix(dry));
            continue;
        }
        buf_printf(&pending, " %.*s\n", STR_ARG(t.v[i].name));
        (void)fprintf(c->err,
                      "error: unable to drain node \"%.*s\" due to error: %.*s, continuing command...\n",
                      STR_ARG(t.v[i].name), STR_ARG(joined(c, &its)));
        for (size_t k = 0; k < its.n; k++)
            jlist_add(&c->arena, &errors, its.v[k]);
    }
    if (errors.n == 0)
        return c->status;
    (void)fprintf(c->err, "There are pending nodes to be drained:\n%.*s", STR_ARG(buf_view(&pending)));
    for (size_t i = 0; i < errors.n; i++)
        (void)fprintf(c->err, "%.*s\n", STR_ARG(jval_as_str(&errors.v[i])));
    return 1;
}

/* -- rows -- */

static const struct opt_row cordon_flags[] = {FLAG_DRY_RUN, FLAG_SELECTOR, {0}};

const struct command command_cordon = {
    .name = "cordon",
    .args = "NODE",
    .brief = "Mark node as unschedulable",
    .examples = "  # No new pods on worker-1\n"
                "  kubectl cordon worker-1\n",
    .flags = cordon_flags,
    .run = run_cordon_on,
};
const struct command command_uncordon = {
    .name = "uncordon",
    .args = "NODE",
    .brief = "Mark node as schedulable",
    .examples = "  # New pods again\n"
                "  kubectl uncordon worker-1\n",
    .flags = cordon_flags,
    .run = run_cordon_off,
};

static const struct opt_row drain_flags[] = {
    FLAG_DRY_RUN,
    FLAG_SELECTOR,
    {"chunk-size", 0, OPT_INT, "500", .help = "How many pods one page of a list has."},
    {"delete-emptydir-data", 0, OPT_BOOL, .help = "Also pods that lose what they keep in emptyDir volumes."},
    {"delete-local-data", 0, OPT_BOOL, .help = "The old name of --delete-emptydir-data.", .hidden = true},
    {"disable-eviction", 0, OPT_BOOL, .help = "Delete pods without asking disruption budgets."},
    {"force", 0, OPT_BOOL, .help = "Also pods that nothing will make anew elsewhere."},
    {"grace-period", 0, OPT_INT, "-1", .help = "Seconds that pods have to end; below 0: their own."},
    {"ignore-daemonsets", 0, OPT_BOOL, .help = "Leave pods of daemon sets where they are."},
    {"pod-selector", 0, OPT_STRING, .help = "Only pods with these labels."},
    {"skip-wait-for-delete-timeout", 0, OPT_INT,
     .help = "Do not wait for pods that were deleted so many seconds ago; 0: wait for all."},
    {"timeout", 0, OPT_DURATION, "0s", .help = "How long to try; 0 is for ever."},
    {0},
};
const struct command command_drain = {
    .name = "drain",
    .args = "NODE",
    .brief = "Drain node in preparation for maintenance",
    .about = "Marks the node as unschedulable and evicts its pods, as far as their disruption budgets allow, "
             "until none is "
             "left but those of daemon sets and static ones.",
    .examples = "  # All pods away, also those nobody manages\n"
                "  kubectl drain worker-1 --ignore-daemonsets --force\n",
    .flags = drain_flags,
    .run = run_drain,
};
