/* edit: objects in the user's editor. */
#include "ctl/applied.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/editing.h"
#include "ctl/flags_common.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/patching.h"

/* The difference as a patch, so that what others changed meanwhile stays. */
static int store(struct ctl *c, const struct target *t, const struct jval *edited, struct printer *pr,
                 struct problem *p) {
    struct jval changed, before = object_without(&c->arena, &t->object, "metadata.managedFields");
    struct str patch;
    enum patch_type type;
    struct write_options o = {.field_manager = opt_str(&c->opts, "field-manager"),
                              .subresource = opt_str(&c->opts, "subresource")};
    if (!str_eq(object_name(edited), t->name) || !str_eq(object_kind(edited), object_kind(&t->object)))
        return problem_set(c, p, "At least one of apiVersion, kind and name was changed");
    struct jval noted = *edited;
    if (opt_bool(&c->opts, "save-config"))
        noted = applied_noted(c, edited, STR_NONE);
    if (patch_between(c, &before, &noted, &type, &patch, p) || ctl_validation(c, &o.validation, p) ||
        object_patch(c, t->resource, t->ns, t->name, type, patch, &o, &changed, p))
        return CTL_PROBLEM;
    return printer_print(pr, t->resource, &changed, "edited", p);
}

static int run(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    struct printer *pr;
    const struct opts *o = &c->opts;
    struct select s = {.args = o->args,
                       .n_args = o->n_args,
                       .fetch = true,
                       .no_objects = true,
                       .all = true,
                       .subresource = opt_str(o, "subresource")};
    if (printer_new(c, &pr, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    if (!t.n)
        return c->status ? 1 : ctl_error(c, "edit cancelled, no objects found");
    for (size_t i = 0; i < t.n; i++) {
        struct jval shown = object_without(&c->arena, &t.v[i].object, "metadata.managedFields");
        if (edit_object(c, &t.v[i], &shown, pr, store, &p))
            return ctl_fail(c, &p);
    }
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    FLAGS_FILES("Files, folders or addresses that say which objects."),
    FLAG_FIELD_MANAGER("kubectl-edit"),
    FLAG_VALIDATE,
    FLAG_SUBRESOURCE("Edit this part of the object."),
    {"save-config", 0, OPT_BOOL, .help = "Note the configuration in an annotation, for apply."},
    {"output-patch", 0, OPT_BOOL, .help = "Accepted and not used.", .hidden = true},
    {"windows-line-endings", 0, OPT_BOOL, .help = "Accepted and not used.", .hidden = true},
    {0},
};

const struct command command_edit = {
    .name = "edit",
    .args = "(RESOURCE/NAME | -f FILENAME) [options]",
    .brief = "Edit a resource on the server",
    .about = "Open objects in the editor of KUBE_EDITOR or EDITOR (else vi), and store what was changed.\n\n"
             " What the server refuses is shown in the file, which opens again.",
    .examples = "  # A service, with another editor\n"
                "  KUBE_EDITOR=nano kubectl edit service/web\n",
    .flags = flags,
    .run = run,
};
