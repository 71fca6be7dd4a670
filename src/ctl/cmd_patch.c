/* patch: single fields of objects. */
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "base/file.h"
#include "codec/yaml.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/patching.h"
#include "ctl/target.h"

struct patching {
    struct ctl *c;
    enum patch_type type;
    struct str text;   /* as given */
    struct jval patch; /* what it says; local patches only */
    struct printer *printer;
    enum dry_run dry;
    bool local;
};

static int read_type(struct ctl *c, enum patch_type *ret) {
    struct str s = opt_str(&c->opts, "type");
    if (str_eq_nocase(s, S("strategic")))
        *ret = PATCH_STRATEGIC;
    else if (str_eq_nocase(s, S("merge")))
        *ret = PATCH_MERGE_DOC;
    else if (str_eq_nocase(s, S("json")))
        *ret = PATCH_JSON;
    else
        return ctl_error(c, "--type must be one of [json merge strategic], not \"%.*s\"", STR_ARG(s));
    return 0;
}

/* The patch, from the flag or its file; YAML becomes JSON. */
static int read_patch(struct patching *x) {
    struct ctl *c = x->c;
    struct err err = ERR_INIT;
    struct str text = opt_str(&c->opts, "patch"), path = opt_str(&c->opts, "patch-file");
    _cleanup_buf struct buf file = BUF_INIT, json = BUF_INIT;
    if (text.n && path.n)
        return ctl_error(c, "cannot specify --patch and --patch-file together");
    if (!text.n && !path.n)
        return ctl_error(c, "must specify --patch or --patch-file containing the contents of the patch");
    if (path.n) {
        const char *z = arena_strz(&c->arena, path);
        if (!file_exists(z))
            return ctl_error(c, "unable to read patch file: open %s: no such file or directory", z);
        if (file_read(z, (size_t)16 << 20, &file, &err))
            return ctl_error(c, "unable to read patch file: %s", err.msg);
        text = buf_to_arena(&file, &c->arena);
    }
    x->text = text;
    struct str head = str_trim(text);
    if (!str_has_prefix(head, S("{")) && !str_has_prefix(head, S("["))) {
        if (yaml_to_json(&json, text, NULL, NULL, &err))
            return ctl_error(c, "unable to parse \"%.*s\": %s", STR_ARG(text), err.msg);
        x->text = buf_to_arena(&json, &c->arena);
    }
    return 0;
}

int patch_locally(struct ctl *c, enum patch_type type, const struct jval *object, const struct jval *patch,
                  struct jval *ret, struct problem *p) {
    struct err err = ERR_INIT;
    struct json_patch operations;
    int rc;
    if (type == PATCH_JSON) {
        rc = json_patch_read(&c->arena, patch, &operations, &err);
        if (rc == 0)
            rc = json_patch_apply(&c->arena, &operations, object, ret, &err);
    } else if (type == PATCH_STRATEGIC && patch_schema(object).set) {
        rc = strategic_apply(&c->arena, patch_schema(object), object, patch, ret, &err);
    } else {
        rc = merge_patch_apply(&c->arena, object, patch, ret, &err);
    }
    return rc ? problem_of_err(c, p, &err) : 0;
}

struct pos patch_schema(const struct jval *object) {
    struct str group, version;
    if (!api_version_split(object_api_version(object), &group, &version))
        return (struct pos){0};
    const struct kind *k = kind_find(group, version, object_kind(object));
    return k && k->type ? pos_type(k->set, k->type) : (struct pos){0};
}

int patch_between(struct ctl *c, const struct jval *before, const struct jval *after,
                  enum patch_type *ret_type, struct str *ret_patch, struct problem *p) {
    struct err err = ERR_INIT;
    struct jval patch;
    struct pos schema = patch_schema(before);
    int rc = schema.set ? strategic_create(&c->arena, schema, before, after, &patch, &err)
                        : merge_patch_create(&c->arena, before, after, &patch, &err);
    if (rc)
        return problem_of_err(c, p, &err);
    *ret_type = schema.set ? PATCH_STRATEGIC : PATCH_MERGE_DOC;
    *ret_patch = object_json(&c->arena, &patch);
    return 0;
}

static int patch_here(struct patching *x, struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct jval patch, changed;
    struct err err = ERR_INIT;
    if (json_parse(&c->arena, x->text, NULL, NULL, &patch, &err))
        return problem_set(c, p, "unable to parse \"%.*s\": %s", STR_ARG(x->text), err.msg);
    if (patch_locally(c, x->type, &t->object, &patch, &changed, p))
        return CTL_PROBLEM;
    bool same = jval_equal(&changed, &t->object);
    t->object = changed;
    return printer_print(x->printer, t->resource, &t->object, same ? "patched (no change)" : "patched", p);
}

static int patch_one(struct patching *x, struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct jval changed;
    struct write_options o = {
        .dry_run = x->dry == DRY_RUN_SERVER,
        .field_manager = opt_str(&c->opts, "field-manager"),
        .subresource = opt_str(&c->opts, "subresource"),
    };
    if (x->local || x->dry == DRY_RUN_CLIENT)
        return patch_here(x, t, p);
    if (object_patch(c, t->resource, t->ns, t->name, x->type, x->text, &o, &changed, p))
        return CTL_PROBLEM;
    bool same = jval_equal(&changed, &t->object);
    return printer_print(x->printer, NULL, &changed, same ? "patched (no change)" : "patched", p);
}

static int run(struct ctl *c) {
    struct patching x = {.c = c};
    struct problem p;
    struct targets t = {0};
    const struct opts *o = &c->opts;
    x.local = opt_bool(o, "local");
    if (opt_given(o, "patch") == opt_given(o, "patch-file") && opt_given(o, "patch"))
        return ctl_error(c, "cannot specify --patch and --patch-file together");
    if (!opt_given(o, "patch") && !opt_given(o, "patch-file"))
        return ctl_error(c, "must specify --patch or --patch-file containing the contents of the patch");
    if (read_type(c, &x.type) || read_patch(&x))
        return 1;
    if (printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p))
        return ctl_fail(c, &p);
    printer_without_suffix(x.printer);
    struct select s = {
        .args = o->args,
        .n_args = o->n_args,
        .fetch = true,
        .no_objects = true,
        .subresource = opt_str(o, "subresource"),
    };
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    size_t n_failed = 0;
    for (size_t i = 0; i < t.n; i++)
        if (patch_one(&x, &t.v[i], &p)) {
            (void)(t.n == 1 ? ctl_fail(c, &p) : ctl_fail_item(c, &p));
            n_failed++;
        }
    if (!t.n && !c->status)
        return ctl_error(c, "no objects passed to patch");
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAG_FIELD_MANAGER("kubectl-patch"),
    FLAGS_FILES("Files, folders or addresses that say which objects."),
    FLAG_LOCAL,
    FLAG_SUBRESOURCE("Patch this part of the object: status, scale."),
    {"patch", 'p', OPT_STRING, .help = "The patch, JSON or YAML."},
    {"patch-file", 0, OPT_STRING, .help = "A file with the patch."},
    {"type", 0, OPT_STRING, "strategic",
     .help =
         "strategic (lists are merged by key), merge (lists are replaced) or json (a list of operations)."},
    {0},
};

const struct command command_patch = {
    .name = "patch",
    .args = "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]",
    .brief = "Update fields of a resource",
    .about = "Change single fields of objects, by a patch in JSON or YAML.",
    .examples =
        "  # A field\n"
        "  kubectl patch node n1 -p '{\"spec\":{\"unschedulable\":true}}'\n"
        "  \n"
        "  # The image of one container, found by its name\n"
        "  kubectl patch deployment web -p "
        "'{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx:2\"}]}}}}'\n"
        "  \n"
        "  # By operations\n"
        "  kubectl patch pod web --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/labels/old\"}]'\n",
    .flags = flags,
    .run = run,
};
