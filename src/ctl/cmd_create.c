/* create: objects from files. */
#include "api/label_selector.h"
#include "ctl/applied.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/create.h"
#include "ctl/manifest_run.h"
#include "ctl/object.h"

struct creating {
    struct ctl *c;
    struct printer *printer;
    enum dry_run dry;
    struct write_options write;
};

static int create_one(void *arg, struct target *t, struct problem *p) {
    struct creating *x = arg;
    struct ctl *c = x->c;
    if (opt_bool(&c->opts, "save-config"))
        t->object = applied_noted(c, &t->object, STR_NONE);
    if (x->dry != DRY_RUN_CLIENT &&
        object_create(c, t->resource, t->ns, &t->object, &x->write, &t->object, p)) {
        problem_wrap(c, p, "error when creating \"%.*s\"", STR_ARG(t->source));
        return CTL_PROBLEM;
    }
    return printer_print(x->printer, t->resource, &t->object, "created", p);
}

static int run(struct ctl *c) {
    struct creating x = {.c = c};
    struct problem p;
    size_t n;
    int refused = manifests_check_args(c);
    if (refused)
        return refused;
    if (opt_str(&c->opts, "raw").n)
        return manifest_send_raw(c, "POST");
    if (printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p) ||
        ctl_validation(c, &x.write.validation, &p))
        return ctl_fail(c, &p);
    x.write.field_manager = opt_str(&c->opts, "field-manager");
    x.write.dry_run = x.dry == DRY_RUN_SERVER;
    if (manifests_run(c, create_one, &x, &n, &p))
        return ctl_fail(c, &p);
    if (!n && !c->status)
        return ctl_error(c, "no objects passed to create");
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAGS_FILES("Files, folders or addresses with the objects."),
    FLAG_SELECTOR,
    {"edit", 0, OPT_BOOL, .help = "Edit the objects before they are created.", .hidden = true},
    {"raw", 0, OPT_STRING, .help = "Post the file to this path as it is."},
    {"windows-line-endings", 0, OPT_BOOL, .help = "Accepted and not used.", .hidden = true},
    {0},
};

static const struct command *const commands[] = {
    &create_clusterrole,
    &create_clusterrolebinding,
    &create_configmap,
    &create_cronjob,
    &create_deployment,
    &create_ingress,
    &create_job,
    &create_namespace,
    &create_poddisruptionbudget,
    &create_priorityclass,
    &create_quota,
    &create_role,
    &create_rolebinding,
    &create_secret,
    &create_service,
    &create_serviceaccount,
    &create_token,
    NULL,
};

const struct command command_create = {
    .name = "create",
    .args = "-f FILENAME [options]",
    .brief = "Create a resource from a file or from stdin",
    .about =
        "Create objects from files (JSON or YAML) or from standard input, or by one of the commands below.",
    .examples = "  # What a file says\n"
                "  kubectl create -f ./pod.yaml\n"
                "  \n"
                "  # What comes through a pipe\n"
                "  cat pod.yaml | kubectl create -f -\n",
    .flags = flags,
    .commands = commands,
    .run = run,
};
