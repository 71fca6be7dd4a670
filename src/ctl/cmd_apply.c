/* apply: objects become what manifests say, whether they are there or not. */
#include "base/vec.h"
#include "codec/json.h"
#include "ctl/apply.h"
#include "ctl/commands.h"
#include "ctl/manifest_run.h"
#include "ctl/object.h"

int apply_done(struct applying *x, const struct target *t, const struct jval *object, const char *done,
               struct problem *p) {
    struct applied a = {t->resource, *object};
    vec_push_in(&x->c->arena, x, a);
    return x->collect ? 0 : printer_print(x->printer, t->resource, object, done, p);
}

static int apply_one(void *arg, struct target *t, struct problem *p) {
    struct applying *x = arg;
    struct str generate = object_str(&t->object, "metadata.generateName");
    if (!t->name.n && generate.n)
        return problem_set(x->c, p, "from %.*s: cannot use generate name with apply", STR_ARG(generate));
    return x->server_side ? apply_server_side(x, t, p) : apply_client_side(x, t, p);
}

/* One document, or a list of all. */
static int print_collected(struct applying *x, struct problem *p) {
    struct ctl *c = x->c;
    struct jlist items = {0};
    if (x->n == 1)
        return printer_print(x->printer, x->v[0].resource, &x->v[0].object, "", p);
    for (size_t i = 0; i < x->n; i++)
        jlist_add(&c->arena, &items, x->v[i].object);
    struct jval list = tree_of_pairs(c, "apiVersion", jval_str(S("v1")), "kind", jval_str(S("List")),
                                     "metadata", jval_object(NULL, 0), "items", jlist_done(&items), NULL);
    return x->n ? printer_print_typed(x->printer, &list, "", p) : 0;
}

/* -- flags -- */

static int check_flags(struct ctl *c, const struct applying *x) {
    const struct opts *o = &c->opts;
    bool prune = opt_bool(o, "prune"), all = opt_bool(o, "all");
    if (opt_bool(o, "force-conflicts") && !x->server_side)
        return ctl_error(c, "--force-conflicts only works with --server-side");
    if (x->dry == DRY_RUN_CLIENT && x->server_side)
        return ctl_error(
            c, "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
    if (x->server_side && x->force)
        return ctl_error(c, "--force cannot be used with --server-side");
    if (x->dry == DRY_RUN_SERVER && x->force)
        return ctl_error(c, "--dry-run=server cannot be used with --force");
    if (opt_str(o, "subresource").n && !x->server_side)
        return ctl_error(c, "--subresource can only be used with --server-side");
    if (all && opt_str(o, "selector").n)
        return ctl_error(c, "cannot set --all and --selector at the same time");
    if (prune && !all && !opt_str(o, "selector").n)
        return ctl_error(
            c, "all resources selected for prune without explicitly passing --all. To prune all resources, "
               "pass the --all flag. If you did not mean to prune all resources, specify a label selector");
    return 0;
}

static int prepare(struct applying *x, struct problem *p) {
    struct ctl *c = x->c;
    const struct opts *o = &c->opts;
    x->server_side = opt_bool(o, "server-side");
    x->overwrite = opt_bool(o, "overwrite");
    x->force = opt_bool(o, "force");
    x->write.force = opt_bool(o, "force-conflicts");
    x->write.subresource = opt_str(o, "subresource");
    x->write.field_manager =
        opt_given(o, "field-manager") || !x->server_side ? opt_str(o, "field-manager") : S("kubectl");
    if (printer_new(c, &x->printer, p) || ctl_dry_run(c, &x->dry, p) ||
        ctl_validation(c, &x->write.validation, p))
        return CTL_PROBLEM;
    x->write.dry_run = x->dry == DRY_RUN_SERVER;
    x->collect = !printer_is_plain(x->printer);
    return 0;
}

static int run(struct ctl *c) {
    struct applying x = {.c = c};
    struct problem p;
    size_t n;
    int refused = manifests_check_args(c);
    if (refused)
        return refused;
    if (prepare(&x, &p))
        return ctl_fail(c, &p);
    if (check_flags(c, &x))
        return 1;
    if (apply_prune_check(c, &p))
        return ctl_fail(c, &p);
    if (manifests_run(c, apply_one, &x, &n, &p))
        return ctl_fail(c, &p);
    if (!n && !c->status)
        return ctl_error(c, "no objects passed to apply");
    if (x.collect && print_collected(&x, &p))
        return ctl_fail(c, &p);
    if (opt_bool(&c->opts, "prune") && !c->status && apply_prune(&x, &p))
        return ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAG_FIELD_MANAGER("kubectl-client-side-apply"),
    FLAG_VALIDATE,
    FLAGS_FILES("Files, folders or addresses with the objects."),
    FLAG_SELECTOR,
    FLAGS_DELETE,
    FLAG_ALL("With --prune: whatever labels objects have."),
    FLAG_SUBRESOURCE("With --server-side: apply this part of the object."),
    {"force-conflicts", 0, OPT_BOOL, .help = "With --server-side: take over fields that others own."},
    {"openapi-patch", 0, OPT_BOOL, "true", .help = "Accepted and not used."},
    {"overwrite", 0, OPT_BOOL, "true",
     .help = "Fields that others have changed become what the manifest says."},
    {"prune", 0, OPT_BOOL,
     .help = "Delete what was applied once and is in no manifest any more; with -l or --all."},
    {"prune-allowlist", 0, OPT_ARRAY,
     .help = "Only delete objects of this group/version/kind; may be repeated."},
    {"server-side", 0, OPT_BOOL, .help = "Let the server merge, and keep account of who owns which field."},
    {"wait", 0, OPT_BOOL, .help = "With --force: wait until old objects are gone."},
    {0},
};

static const struct command *const commands[] = {&apply_edit_last_applied, &apply_set_last_applied,
                                                 &apply_view_last_applied, NULL};

const struct command command_apply = {
    .name = "apply",
    .args = "(-f FILENAME | -k DIRECTORY) [options]",
    .brief = "Apply a configuration to a resource by file name or stdin",
    .about = "Bring objects to what manifests say: what is missing is created, what differs is changed, and "
             "fields that "
             "others set stay.\n\n"
             " What was applied is noted in an annotation, so that fields that leave the manifest leave the "
             "object, too.",
    .examples = "  # What a file says\n"
                "  kubectl apply -f ./deployment.yaml\n"
                "  \n"
                "  # All files of a folder and below\n"
                "  kubectl apply -R -f ./manifests\n"
                "  \n"
                "  # Merged by the server\n"
                "  kubectl apply --server-side -f ./deployment.yaml\n",
    .flags = flags,
    .commands = commands,
    .run = run,
};
