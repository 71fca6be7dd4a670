/* apply view-last-applied, set-last-applied, edit-last-applied: the note of what was applied. */
#include "codec/json.h"
#include "codec/yaml.h"
#include "ctl/applied.h"
#include "ctl/apply.h"
#include "ctl/editing.h"
#include "ctl/manifest_run.h"
#include "ctl/object.h"

/* -- view -- */

static int view_one(struct ctl *c, const struct target *t, bool json) {
    struct jval tree;
    struct err err = ERR_INIT;
    struct str note = applied_note(&t->object);
    _cleanup_buf struct buf out = BUF_INIT;
    if (!note.n)
        return 0;
    if (json_parse(&c->arena, note, NULL, NULL, &tree, &err))
        return ctl_error(c, "%s", err.msg);
    if (json) {
        json_write_indented(&out, &tree, "  ");
        buf_byte(&out, '\n');
    } else {
        yaml_write(&out, &tree);
    }
    ctl_put(c, buf_view(&out));
    return 0;
}

static int run_view(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    struct str output = opt_str(&c->opts, "output");
    struct select s = {
        .args = c->opts.args, .n_args = c->opts.n_args, .fetch = true, .all = true, .no_objects = true};
    if (!str_eq(output, S("yaml")) && !str_eq(output, S("json")))
        return ctl_usage_error(c,
                               "Unexpected -o output mode: %.*s, the flag 'output' must be one of yaml|json",
                               STR_ARG(output));
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (view_one(c, &t.v[i], str_eq(output, S("json"))))
            return 1;
    return c->status;
}

static const struct opt_row view_flags[] = {
    FLAGS_FILES("Files that say which objects."),
    FLAG_SELECTOR,
    FLAG_ALL("All objects of the type."),
    {"output", 'o', OPT_STRING, "yaml", .help = "yaml or json."},
    {0},
};

const struct command apply_view_last_applied = {
    .name = "view-last-applied",
    .args = "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME) [options]",
    .brief = "View the latest last-applied-configuration annotations of a resource/object",
    .examples = "  # What was applied last\n  kubectl apply view-last-applied deployment/web\n",
    .flags = view_flags,
    .run = run_view,
};

/* -- set -- */

struct setting {
    struct ctl *c;
    struct printer *printer;
    enum dry_run dry;
};

static int put_note(struct ctl *c, const struct target *t, struct str note, bool server_dry, struct jval *ret,
                    struct problem *p) {
    struct write_options o = {.dry_run = server_dry};
    struct jval patch = jval_object(NULL, 0);
    patch = object_with_annotation(&c->arena, &patch, S(APPLIED_ANNOTATION), note);
    return object_patch(c, t->resource, t->ns, t->name, PATCH_MERGE_DOC, object_json(&c->arena, &patch), &o,
                        ret, p);
}

static int set_one(void *arg, struct target *t, struct problem *p) {
    struct setting *x = arg;
    struct ctl *c = x->c;
    struct jval current;
    struct str note = applied_text(c, &t->object);
    if (object_get(c, t->resource, t->ns, t->name, &current, p))
        return CTL_PROBLEM;
    if (!applied_note(&current).p && !opt_bool(&c->opts, "create-annotation"))
        return problem_set(
            c, p,
            "no last-applied-configuration annotation found on resource: %.*s, to create the annotation, "
            "run the command with --create-annotation",
            STR_ARG(t->name));
    if (str_eq(applied_note(&current), note)) {
        ctl_say(c, "set-last-applied %.*s: no changes required.\n", STR_ARG(t->name));
        return 0;
    }
    if (x->dry == DRY_RUN_CLIENT)
        current = applied_noted(c, &current, note);
    else if (put_note(c, t, note, x->dry == DRY_RUN_SERVER, &current, p))
        return CTL_PROBLEM;
    return printer_print(x->printer, t->resource, &current, "configured", p);
}

static int run_set(struct ctl *c) {
    struct setting x = {.c = c};
    struct problem p;
    size_t n;
    (void)opt_list(&c->opts, "filename", &n);
    if (!n) {
        struct targets none = {0};
        (void)ctl_select(c, &(struct select){.n_args = 0}, &none, &p); /* says what is missing */
        return ctl_fail(c, &p);
    }
    if (printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p) || manifests_run(c, set_one, &x, &n, &p))
        return ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row set_flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAGS_FILES("Files with what was applied."),
    {"create-annotation", 0, OPT_BOOL, .help = "Also on objects that have no such annotation yet."},
    {0},
};

const struct command apply_set_last_applied = {
    .name = "set-last-applied",
    .args = "-f FILENAME [options]",
    .brief = "Set the last-applied-configuration annotation on a live object to match the contents of a file",
    .examples = "  # As if the file had been applied\n  kubectl apply set-last-applied -f deployment.yaml\n",
    .flags = set_flags,
    .run = run_set,
};

/* -- edit -- */

static int store_note(struct ctl *c, const struct target *t, const struct jval *edited, struct printer *pr,
                      struct problem *p) {
    struct jval current;
    struct str note = arena_printf(&c->arena, "%.*s\n", STR_ARG(object_json(&c->arena, edited)));
    if (put_note(c, t, note, false, &current, p))
        return CTL_PROBLEM;
    return printer_print(pr, t->resource, &current, "edited", p);
}

static int run_edit(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    struct printer *pr;
    struct select s = {.args = c->opts.args, .n_args = c->opts.n_args, .fetch = true, .no_objects = true};
    if (printer_new(c, &pr, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++) {
        struct err err = ERR_INIT;
        struct jval note;
        struct str text = applied_note(&t.v[i].object);
        if (!text.n)
            return ctl_error(c, "no last-applied-configuration annotation found on resource: %.*s",
                             STR_ARG(t.v[i].name));
        if (json_parse(&c->arena, text, NULL, NULL, &note, &err))
            return ctl_error(c, "%s", err.msg);
        if (edit_object(c, &t.v[i], &note, pr, store_note, &p))
            return ctl_fail(c, &p);
    }
    return c->status;
}

static const struct opt_row edit_flags[] = {
    FLAGS_PRINT,
    FLAGS_FILES("Files that say which objects."),
    FLAG_FIELD_MANAGER("kubectl-client-side-apply"),
    {"windows-line-endings", 0, OPT_BOOL, .help = "Accepted and not used.", .hidden = true},
    {0},
};

const struct command apply_edit_last_applied = {
    .name = "edit-last-applied",
    .args = "(RESOURCE/NAME | -f FILENAME) [options]",
    .brief = "Edit latest last-applied-configuration annotations of a resource/object",
    .examples = "  # In the editor\n  kubectl apply edit-last-applied deployment/web\n",
    .flags = edit_flags,
    .run = run_edit,
};
