/* rollout: how far it is, stopping and going on, starting anew. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/rollout.h"

#define RESTARTED_AT "kubectl.kubernetes.io/restartedAt"

/* -- what all of them do -- */

enum rolled rolled_kind(const struct resource *r) {
    if (!str_eq(r->group, S("apps")))
        return ROLLED_NOT;
    return str_eq(r->kind, S("Deployment"))    ? ROLLED_DEPLOYMENT
           : str_eq(r->kind, S("DaemonSet"))   ? ROLLED_DAEMON_SET
           : str_eq(r->kind, S("StatefulSet")) ? ROLLED_STATEFUL_SET
                                               : ROLLED_NOT;
}

int rollout_select(struct ctl *c, struct targets *ret) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct select s = {.args = o->args, .n_args = o->n_args, .fetch = true, .all = true, .no_objects = true};
    if (o->n_args == 0 && !opt_given(o, "filename") && !opt_given(o, "kustomize"))
        return ctl_error(c, "required resource not specified");
    return ctl_select(c, &s, ret, &p) ? ctl_fail(c, &p) : 0;
}

int rollout_failed(struct ctl *c, const struct problem *failed, size_t n) {
    for (size_t i = 0; i < n; i++)
        (void)(n == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
    return c->status;
}

/* -- status -- */

struct watching_rollout {
    struct ctl *c;
    enum rolled kind;
    int64_t revision;
};

static int see(void *arg, const struct jval *object, struct problem *p) {
    struct watching_rollout *w = arg;
    struct str text;
    bool done;
    if (!object)
        return problem_set(w->c, p, "object has been deleted");
    if (rollout_state(w->c, w->kind, object, w->revision, &text, &done, p))
        return CTL_PROBLEM;
    ctl_put(w->c, text);
    (void)fflush(w->c->out);
    return done;
}

static int status_of(struct ctl *c, const struct target *t, struct problem *p) {
    struct watching_rollout w = {c, rolled_kind(t->resource), opt_int(&c->opts, "revision")};
    int64_t timeout = opt_ns(&c->opts, "timeout");
    bool done = false;
    if (w.kind == ROLLED_NOT)
        return problem_set(c, p, "no status viewer has been implemented for %.*s%s%.*s",
                           STR_ARG(t->resource->kind), t->resource->group.n ? "." : "",
                           STR_ARG(t->resource->group));
    if (!opt_bool(&c->opts, "watch"))
        return see(&w, &t->object, p) < 0 ? CTL_PROBLEM : 0;
    if (wait_until(c, t->resource, t->ns, t->name, timeout ? timeout : -1, see, &w, &done, p))
        return CTL_PROBLEM;
    return done ? 0 : problem_set(c, p, "timed out waiting for the condition");
}

static int run_status(struct ctl *c) {
    struct targets t = {0};
    struct problem p;
    if (opt_int(&c->opts, "revision") < 0)
        return ctl_error(c, "revision must be a positive integer: %lld",
                         (long long)opt_int(&c->opts, "revision"));
    if (rollout_select(c, &t))
        return 1;
    for (size_t i = 0; i < t.n; i++)
        if (status_of(c, &t.v[i], &p))
            return ctl_fail(c, &p);
    return c->status;
}

/* -- pause, resume, restart -- */

struct changing {
    struct ctl *c;
    struct printer *printer;
    const char *done; /* "paused" */
    bool several;
};

static int refuse(struct changing *x, const struct target *t, struct problem *p, const char *why) {
    return problem_set(x->c, p, "%.*s \"%.*s\" %s", STR_ARG(resource_full_name(x->c, t->resource)),
                       STR_ARG(t->name), why);
}

static int change(struct changing *x, const struct target *t, const char *dotted, struct jval value,
                  struct problem *p) {
    struct ctl *c = x->c;
    struct jval patch = jval_null(), result;
    struct write_options o = {.field_manager = opt_str(&c->opts, "field-manager")};
    patch = object_with(&c->arena, &patch, dotted, value);
    if (object_patch(c, t->resource, t->ns, t->name, PATCH_STRATEGIC, object_json(&c->arena, &patch), &o,
                     &result, p))
        return CTL_PROBLEM;
    return printer_print(x->printer, t->resource, &result, x->done, p);
}

static int set_paused(struct changing *x, const struct target *t, bool pause, struct problem *p) {
    if (rolled_kind(t->resource) != ROLLED_DEPLOYMENT)
        return refuse(x, t, p, pause ? "pausing is not supported" : "resuming is not supported");
    if (object_bool(&t->object, "spec.paused") == pause)
        return refuse(x, t, p, pause ? "is already paused" : "is not paused");
    return change(x, t, "spec.paused", pause ? jval_bool(true) : jval_null(), p);
}

static int restart(struct changing *x, const struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    char now[TIME_TEXT_SIZE];
    int64_t sec;
    int32_t nsec;
    if (rolled_kind(t->resource) == ROLLED_NOT)
        return refuse(x, t, p, "restarting is not supported");
    if (object_bool(&t->object, "spec.paused"))
        return refuse(x, t, p, "can't restart paused deployment (run rollout resume first)");
    time_split_ns(clock_wall_ns(clock_system()), &sec, &nsec);
    struct str text = arena_str(&c->arena, str_make(now, time_format(now, sec, 0, TIME_SECONDS)));
    const struct jval *annotations = jval_path(&t->object, "spec.template.metadata.annotations");
    if (str_eq(jval_get_str(annotations, S(RESTARTED_AT)), text))
        return problem_say(
            c, p,
            "failed to create patch for %.*s: if restart has already been triggered within the past "
            "second, please wait before attempting to trigger another",
            STR_ARG(t->name));
    struct jval one = jval_null();
    one = jval_with(&c->arena, &one, S(RESTARTED_AT), jval_str(text));
    return change(x, t, "spec.template.metadata.annotations", one, p);
}

static int run_change(struct ctl *c, struct changing *x,
                      int (*one)(struct changing *x, const struct target *t, struct problem *p)) {
    struct targets t = {0};
    struct problem p;
    if (printer_new(c, &x->printer, &p))
        return ctl_fail(c, &p);
    if (rollout_select(c, &t))
        return 1;
    struct problem *failed = arena_new_n(&c->arena, t.n + 1, struct problem);
    size_t n = 0;
    x->several = t.n > 1;
    for (size_t i = 0; i < t.n; i++)
        n += one(x, &t.v[i], &failed[n]) != 0;
    for (size_t i = 0; i < n; i++)
        (void)ctl_fail(c, &failed[i]);
    return c->status;
}

static int pause_one(struct changing *x, const struct target *t, struct problem *p) {
    return set_paused(x, t, true, p);
}

static int resume_one(struct changing *x, const struct target *t, struct problem *p) {
    return set_paused(x, t, false, p);
}

static int run_pause(struct ctl *c) {
    return run_change(c, &(struct changing){.c = c, .done = "paused"}, pause_one);
}

static int run_resume(struct ctl *c) {
    return run_change(c, &(struct changing){.c = c, .done = "resumed"}, resume_one);
}

static int run_restart(struct ctl *c) {
    return run_change(c, &(struct changing){.c = c, .done = "restarted"}, restart);
}

/* -- rows -- */

static const struct opt_row status_flags[] = {
    FLAGS_ROLLOUT("Files that say which objects."),
    {"revision", 0, OPT_INT, .help = "Fail when another revision is rolled out; 0 is any."},
    {"timeout", 0, OPT_DURATION, "0s", .help = "How long to wait; 0 is for ever."},
    {"watch", 'w', OPT_BOOL, "true", .help = "Follow it until it is done."},
    {0},
};
static const struct command rollout_status = {
    .name = "status",
    .args = "(TYPE NAME | TYPE/NAME) [flags]",
    .brief = "Show the status of the rollout",
    .about = "Says how far the newest rollout is and follows it until it is done.",
    .examples = "  # Until the deployment web is rolled out\n"
                "  kubectl rollout status deployment/web\n",
    .flags = status_flags,
    .run = run_status,
};

static const struct opt_row change_flags[] = {
    FLAGS_PRINT, FLAGS_ROLLOUT("Files that say which objects."), FLAG_FIELD_MANAGER("kubectl-rollout"), {0}};

static const struct command rollout_pause = {
    .name = "pause",
    .args = "RESOURCE",
    .brief = "Mark the provided resource as paused",
    .about = "A paused deployment changes no pods when its template changes, until it is resumed.",
    .examples = "  # Several changes that shall be one rollout\n"
                "  kubectl rollout pause deployment/web\n",
    .flags = change_flags,
    .run = run_pause,
};
static const struct command rollout_resume = {
    .name = "resume",
    .args = "RESOURCE",
    .brief = "Resume a paused resource",
    .examples = "  # What changed is rolled out now\n"
                "  kubectl rollout resume deployment/web\n",
    .flags = change_flags,
    .run = run_resume,
};
static const struct command rollout_restart = {
    .name = "restart",
    .args = "RESOURCE",
    .brief = "Restart a resource",
    .about = "Replaces all pods as a rolling update would.",
    .examples = "  # New pods for the deployment web\n"
                "  kubectl rollout restart deployment/web\n",
    .flags = change_flags,
    .run = run_restart,
};

static const struct command *const commands[] = {&rollout_history,
                                                 &rollout_pause,
                                                 &rollout_restart,
                                                 &rollout_resume,
                                                 &rollout_status,
                                                 &rollout_undo,
                                                 NULL};

const struct command command_rollout = {
    .name = "rollout",
    .args = "SUBCOMMAND",
    .brief = "Manage the rollout of a resource",
    .about = "Manage the rollout of one or many deployments, daemon sets or stateful sets.",
    .examples = "  # Back to what was before\n"
                "  kubectl rollout undo deployment/web\n"
                "  \n"
                "  # Wait until it is done\n"
                "  kubectl rollout status deployment/web\n",
    .commands = commands,
};
