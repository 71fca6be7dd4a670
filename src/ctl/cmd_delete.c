/* delete: objects by name, by selector, or what files say. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/object.h"
#include "ctl/print.h"

#define DAY_NS (24 * NS_PER_HOUR)

int deletion_cascade(struct ctl *c, struct str *ret, struct problem *p) {
    struct str s = opt_str(&c->opts, "cascade");
    bool old = str_eq(s, S("true")) || str_eq(s, S("false"));
    if (old)
        (void)fprintf(c->err,
                      "warning: --cascade=%.*s is deprecated (boolean value) and can be replaced with "
                      "--cascade=%s.\n",
                      STR_ARG(s), str_eq(s, S("true")) ? "background" : "orphan");
    if (str_eq(s, S("background")) || str_eq(s, S("true")))
        *ret = S("Background");
    else if (str_eq(s, S("orphan")) || str_eq(s, S("false")))
        *ret = S("Orphan");
    else if (str_eq(s, S("foreground")))
        *ret = S("Foreground");
    else
        return problem_set(
            c, p, "invalid cascade value (%.*s). Must be \"background\", \"foreground\", or \"orphan\"",
            STR_ARG(s));
    return 0;
}

static int read_grace(struct ctl *c, struct deletion *d, struct problem *p) {
    const struct opts *o = &c->opts;
    int64_t grace = opt_int(o, "grace-period");
    bool now = opt_known(o, "now") && opt_bool(o, "now");
    d->force = opt_bool(o, "force");
    if (now && grace != -1)
        return problem_set(c, p, "--now and --grace-period cannot be specified together");
    if (d->force && grace > 0)
        return problem_set(c, p, "--force and --grace-period greater than 0 cannot be specified together");
    if (now)
        grace = 1;
    if (grace == 0 && !d->force) { /* CONFORMS: only --force lets go of what may still run */
        grace = 1;
        d->wait = true;
    }
    if (d->force && grace < 0)
        grace = 0;
    d->options.grace_seconds = grace;
    return 0;
}

int deletion_flags(struct ctl *c, struct deletion *ret, struct problem *p) {
    const struct opts *o = &c->opts;
    struct deletion d = {.c = c};
    if (deletion_cascade(c, &d.options.propagation, p) || read_grace(c, &d, p))
        return CTL_PROBLEM;
    if (opt_known(o, "dry-run") && ctl_dry_run(c, &d.dry, p))
        return CTL_PROBLEM;
    d.options.dry_run = d.dry == DRY_RUN_SERVER;
    d.timeout_ns = opt_ns(o, "timeout");
    d.wait = d.wait || (opt_known(o, "wait") && opt_bool(o, "wait"));
    *ret = d;
    return 0;
}

static void say_deleted(struct deletion *d, const struct target *t) {
    struct ctl *c = d->c;
    struct str kind = resource_kind_name(c, t->resource);
    if (d->name_only) {
        ctl_say(c, "%.*s/%.*s\n", STR_ARG(kind), STR_ARG(t->name));
        return;
    }
    ctl_say(c, "%.*s \"%.*s\" %sdeleted", STR_ARG(kind), STR_ARG(t->name), d->force ? "force " : "");
    if (t->resource->namespaced && t->ns.n)
        ctl_say(c, " from %.*s namespace", STR_ARG(t->ns));
    ctl_say(c, "%s\n",
            d->dry == DRY_RUN_CLIENT   ? " (dry run)"
            : d->dry == DRY_RUN_SERVER ? " (server dry run)"
                                       : "");
}

/* The UID of what was deleted, from the object or from the Status. */
static struct str uid_of(const struct jval *answer) {
    struct str uid = object_str(answer, "metadata.uid");
    return uid.n ? uid : object_str(answer, "details.uid");
}

int deletion_one(struct deletion *d, const struct target *t, struct problem *p) {
    struct ctl *c = d->c;
    struct jval answer = {0};
    if (!t->name.n)
        return problem_set(c, p, "resource name may not be empty");
    if (d->dry != DRY_RUN_CLIENT && object_delete(c, t->resource, t->ns, t->name, &d->options, &answer, p))
        return CTL_PROBLEM;
    say_deleted(d, t);
    struct gone g = {t->resource, t->ns, t->name, uid_of(&answer)};
    if (d->dry == DRY_RUN_NONE)
        vec_push_in(&c->arena, d, g);
    return 0;
}

void deletion_wait(struct deletion *d) {
    struct ctl *c = d->c;
    struct problem *failed = arena_new_n(&c->arena, d->n + 1, struct problem);
    size_t n_failed = 0;
    int64_t timeout = d->timeout_ns ? d->timeout_ns : 7 * DAY_NS;
    int64_t end = clock_mono_ns(clock_system()) + timeout;
    (void)fflush(c->out);
    for (size_t i = 0; i < d->n; i++) {
        const struct gone *g = &d->v[i];
        bool gone = false;
        int64_t left = end - clock_mono_ns(clock_system());
        if (wait_gone(c, g->resource, g->ns, g->name, g->uid, left > 0 ? left : 0, &gone,
                      &failed[n_failed])) {
            /* CONFORMS: who may delete but not look need not wait */
            n_failed += failed[n_failed].http_code != 403 && failed[n_failed].http_code != 405;
        } else if (!gone) {
            (void)problem_set(c, &failed[n_failed++], "timed out waiting for the condition on %.*s/%.*s",
                              STR_ARG(resource_full_name(c, g->resource)), STR_ARG(g->name));
        }
    }
    for (size_t i = 0; i < n_failed; i++)
        (void)(n_failed == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
}

/* -- the command -- */

static void warn(struct ctl *c, const struct deletion *d, const struct targets *t) {
    bool cluster = false;
    if (d->options.grace_seconds == 0 && d->force)
        ctl_warn(c, "Immediate deletion does not wait for confirmation that the running resource has been "
                    "terminated. "
                    "The resource may continue to run on the cluster indefinitely.");
    for (size_t i = 0; i < t->n; i++)
        cluster = cluster || !t->v[i].resource->namespaced;
    if (cluster && c->ns_said)
        ctl_warn(c, "deleting cluster-scoped resources, not scoped to the provided namespace");
}

static bool asked(struct ctl *c, const struct targets *t) {
    if (!opt_bool(&c->opts, "interactive") || !t->n)
        return true;
    ctl_say(c, "You are about to delete the following %zu resource(s):\n", t->n);
    for (size_t i = 0; i < t->n; i++)
        ctl_say(c, "%.*s/%.*s\n", STR_ARG(resource_kind_name(c, t->v[i].resource)), STR_ARG(t->v[i].name));
    ctl_say(c, "Do you want to continue? (y/N): ");
    return ctl_confirm(c, "");
}

static int delete_all(struct deletion *d, const struct targets *t) {
    struct ctl *c = d->c;
    struct problem *failed = arena_new_n(&c->arena, t->n + 1, struct problem);
    size_t n_failed = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct problem *p = &failed[n_failed];
        if (deletion_one(d, &t->v[i], p) == 0 || (problem_not_found(p) && d->quiet))
            continue;
        if (t->v[i].source.n)
            problem_wrap(c, p, "error when deleting \"%.*s\"", STR_ARG(t->v[i].source));
        n_failed++;
    }
    for (size_t i = 0; i < n_failed; i++)
        (void)(n_failed == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
    return c->status;
}

static int delete_raw(struct ctl *c) {
    struct problem p;
    struct answer answer;
    if (ctl_call(c, &(struct request){.method = "DELETE", .path = opt_str(&c->opts, "raw")}, &answer, &p))
        return ctl_fail(c, &p);
    ctl_put(c, answer.body);
    return 0;
}

static int run(struct ctl *c) {
    struct problem p;
    struct deletion d;
    struct targets t = {0};
    const struct opts *o = &c->opts;
    struct str output = opt_str(o, "output");
    if (opt_str(o, "raw").n)
        return delete_raw(c);
    if (deletion_flags(c, &d, &p))
        return ctl_fail(c, &p);
    if (output.n && !str_eq(output, S("name")))
        return ctl_error(c, "unexpected -o output mode: %.*s. We only support '-o name'", STR_ARG(output));
    d.name_only = output.n > 0;
    struct select s = {.args = o->args, .n_args = o->n_args};
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    bool broken = c->status != 0;
    d.quiet = opt_bool(o, "ignore-not-found") || t.lists;
    warn(c, &d, &t);
    if (!asked(c, &t)) {
        ctl_say(c, "deletion is cancelled\n");
        return 0;
    }
    if (delete_all(&d, &t) && !d.n)
        return 1;
    if (!t.n && !broken)
        ctl_say(c, "No resources found\n");
    if (d.wait)
        deletion_wait(&d);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_DELETE,
    FLAGS_FILES("Files, folders or addresses that say which objects."),
    FLAG_SELECTOR,
    FLAG_FIELD_SELECTOR,
    FLAG_ALL_NAMESPACES,
    FLAG_ALL("All objects of the types in the namespace."),
    FLAG_DRY_RUN,
    {"ignore-not-found", 0, OPT_BOOL, .help = "Objects that are not there are no errors."},
    {"interactive", 'i', OPT_BOOL, .help = "Ask first."},
    {"now", 0, OPT_BOOL, .help = "The same as --grace-period=1."},
    {"output", 'o', OPT_STRING, .help = "name, for names alone."},
    {"raw", 0, OPT_STRING, .help = "Delete this path as it is."},
    {"wait", 0, OPT_BOOL, "true", .help = "Wait until the objects are gone."},
    {0},
};

const struct command command_delete = {
    .name = "delete",
    .args = "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]",
    .brief = "Delete resources by file names, stdin, resources and names, or by resources and label selector",
    .about = "Delete objects by name, by labels, or those of files.\n\n"
             " Pods have time to end before they are gone; the command waits for that. --force does not: the "
             "containers "
             "may go on for a while on a node that cannot be reached.",
    .examples = "  # What a file says\n"
                "  kubectl delete -f ./pod.yaml\n"
                "  \n"
                "  # Two pods\n"
                "  kubectl delete pod web-0 web-1\n"
                "  \n"
                "  # Everything with a label\n"
                "  kubectl delete pods,services -l app=web\n",
    .flags = flags,
    .run = run,
};
