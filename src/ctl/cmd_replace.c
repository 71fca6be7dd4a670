/* replace: objects become what files say. */
#include "base/timefmt.h"
#include "ctl/applied.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/maker.h"
#include "ctl/manifest_run.h"
#include "ctl/object.h"

struct replacing {
    struct ctl *c;
    struct printer *printer;
    enum dry_run dry;
    struct write_options write;
    struct deletion deletion;
};

static int replace_one(void *arg, struct target *t, struct problem *p) {
    struct replacing *x = arg;
    struct ctl *c = x->c;
    if (opt_bool(&c->opts, "save-config") || applied_note(&t->object).p)
        t->object = applied_noted(c, &t->object, STR_NONE);
    if (x->dry != DRY_RUN_CLIENT &&
        object_replace(c, t->resource, t->ns, t->name, &t->object, &x->write, &t->object, p)) {
        problem_wrap(c, p, "error when replacing \"%.*s\"", STR_ARG(t->source));
        return CTL_PROBLEM;
    }
    return printer_print(x->printer, t->resource, &t->object, "replaced", p);
}

static int delete_one(void *arg, struct target *t, struct problem *p) {
    struct replacing *x = arg;
    return deletion_one(&x->deletion, t, p) && !problem_not_found(p) ? CTL_PROBLEM : 0;
}

static int create_one(void *arg, struct target *t, struct problem *p) {
    struct replacing *x = arg;
    struct ctl *c = x->c;
    if (opt_bool(&c->opts, "save-config"))
        t->object = applied_noted(c, &t->object, STR_NONE);
    t->object = object_without(&c->arena, &t->object, "metadata.resourceVersion");
    if (object_create(c, t->resource, t->ns, &t->object, &x->write, &t->object, p))
        return CTL_PROBLEM;
    return printer_print(x->printer, t->resource, &t->object, "replaced", p);
}

/* Deletes, waits, makes anew. */
static int replace_by_force(struct replacing *x) {
    struct ctl *c = x->c;
    struct problem p;
    size_t n;
    if (x->dry != DRY_RUN_NONE)
        return ctl_error(c, "--dry-run can not be used when --force is set");
    x->deletion = (struct deletion){.c = c, .timeout_ns = opt_ns(&c->opts, "timeout")};
    x->deletion.options.grace_seconds = opt_int(&c->opts, "grace-period");
    if (deletion_cascade(c, &x->deletion.options.propagation, &p))
        return ctl_fail(c, &p);
    if (!x->deletion.timeout_ns)
        x->deletion.timeout_ns = 5 * NS_PER_MIN;
    if (manifests_run(c, delete_one, x, &n, &p))
        return ctl_fail(c, &p);
    deletion_wait(&x->deletion);
    if (c->status)
        return 1;
    if (manifests_run(c, create_one, x, &n, &p))
        return ctl_fail(c, &p);
    return n || c->status ? c->status : ctl_error(c, "no objects passed to replace");
}

static int run(struct ctl *c) {
    struct replacing x = {.c = c};
    struct problem p;
    size_t n;
    const struct opts *o = &c->opts;
    (void)opt_list(o, "filename", &n);
    bool force = opt_bool(o, "force");
    if (opt_str(o, "raw").n)
        return manifest_send_raw(c, "PUT");
    if (!n && !opt_str(o, "kustomize").n)
        return ctl_error(c, "must specify one of -f and -k");
    if (opt_int(o, "grace-period") >= 0 && !force)
        return ctl_error(c, "--grace-period must have --force specified");
    if (opt_ns(o, "timeout") && !force)
        return ctl_error(c, "--timeout must have --force specified");
    if (printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p) ||
        ctl_validation(c, &x.write.validation, &p))
        return ctl_fail(c, &p);
    x.write.field_manager = opt_str(o, "field-manager");
    x.write.dry_run = x.dry == DRY_RUN_SERVER;
    if (force)
        return replace_by_force(&x);
    x.write.subresource = opt_str(o, "subresource");
    if (manifests_run(c, replace_one, &x, &n, &p))
        return ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-replace"),
    FLAGS_FILES("Files, folders or addresses with the objects."),
    FLAGS_DELETE,
    FLAG_SUBRESOURCE("Replace this part of the object: status, scale."),
    {"raw", 0, OPT_STRING, .help = "Put the file to this path as it is."},
    {"wait", 0, OPT_BOOL, .help = "With --force: wait until the objects are gone."},
    {0},
};

const struct command command_replace = {
    .name = "replace",
    .args = "-f FILENAME [options]",
    .brief = "Replace a resource by file name or stdin",
    .about = "Replace objects by what files say: completely, so that files must have everything.\n\n"
             " With --force they are deleted and made anew.",
    .examples = "  # What a file says\n"
                "  kubectl replace -f ./pod.yaml\n"
                "  \n"
                "  # Deleted and made anew\n"
                "  kubectl replace --force -f ./pod.yaml\n",
    .flags = flags,
    .run = run,
};
