/* get: what there is, as tables, names, documents or by templates. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/get.h"
#include "ctl/object.h"
#include "ctl/sort.h"

/* -- tables -- */

/* Whether there are objects of several types: then rows say which they are of. */
static bool several_types(const struct targets *t) {
    for (size_t i = 1; i < t->n; i++)
        if (t->v[i].resource != t->v[0].resource)
            return true;
    return false;
}

void get_print_tables(struct get *g, const struct targets *t) {
    struct table_printer printer;
    struct table_style style = g->style;
    const struct resource *last = NULL;
    bool any = false, namespaces = false;
    table_printer_init(&printer, g->c);
    for (size_t i = 0; i < t->n; i++) {
        const struct target *x = &t->v[i];
        const struct jval *rows = object_array(&x->object, table_is(&x->object) ? "rows" : "items");
        if (rows && !rows->n)
            continue;
        if (x->resource != last) {
            table_flush(&printer);
            table_begin(&printer);
            if (any && !style.no_headers)
                ctl_say(g->c, "\n");
            namespaces = namespaces || (g->style.namespaces && x->resource->namespaced);
        }
        style.namespaces = namespaces;
        last = x->resource;
        any = true;
        table_print(&printer, &x->object, x->resource, &style);
    }
    table_flush(&printer);
    table_printer_fini(&printer);
}

static void say_nothing_found(struct get *g, const struct targets *t) {
    struct ctl *c = g->c;
    bool namespaced = t->n == 0;
    for (size_t i = 0; i < t->n; i++)
        namespaced = namespaced || t->v[i].resource->namespaced;
    (void)fflush(c->out);
    if (g->ignore_not_found || c->status)
        return;
    if (namespaced && !g->style.namespaces)
        (void)fprintf(c->err, "No resources found in %.*s namespace.\n", STR_ARG(c->ns));
    else
        (void)fprintf(c->err, "No resources found\n");
}

static bool has_rows(const struct targets *t) {
    for (size_t i = 0; i < t->n; i++) {
        const struct jval *o = &t->v[i].object;
        const struct jval *rows = object_array(o, table_is(o) ? "rows" : "items");
        if (!rows || rows->n)
            return true;
    }
    return false;
}

static int get_tables(struct get *g, const struct select *s) {
    struct ctl *c = g->c;
    struct problem p;
    struct targets t = {0};
    struct select select = *s;
    select.accept = opt_bool(&c->opts, "server-print") ? ACCEPT_TABLE : NULL;
    select.include_object = g->sort_by.n > 0;
    select.whole_lists = true;
    if (g->sort_by.n)
        select.limit = -1;
    if (ctl_select(c, &select, &t, &p))
        return ctl_fail(c, &p);
    g->style.kinds = g->style.kinds || several_types(&t);
    for (size_t i = 0; g->sort_by.n && i < t.n; i++)
        if (sort_table(c, &t.v[i].object, g->sort_by, &p))
            return ctl_fail(c, &p);
    if (has_rows(&t))
        get_print_tables(g, &t);
    else
        say_nothing_found(g, &t);
    return c->status;
}

/* -- documents -- */

static struct jval as_list(struct ctl *c, const struct targets *t) {
    struct jlist items = {0};
    struct jobject list = {0}, meta = {0};
    for (size_t i = 0; i < t->n; i++)
        jlist_add(&c->arena, &items, t->v[i].object);
    jobject_set(&c->arena, &meta, S("resourceVersion"), jval_str(S("")));
    jobject_set(&c->arena, &list, S("apiVersion"), jval_str(S("v1")));
    jobject_set(&c->arena, &list, S("items"), jlist_done(&items));
    jobject_set(&c->arena, &list, S("kind"), jval_str(S("List")));
    jobject_set(&c->arena, &list, S("metadata"), jobject_done(&meta));
    return jobject_done(&list);
}

static int get_documents(struct get *g, const struct select *s) {
    struct ctl *c = g->c;
    struct problem p;
    struct targets t = {0};
    if (ctl_select(c, s, &t, &p))
        return ctl_fail(c, &p);
    if (t.n == 0 && (t.one || (g->ignore_not_found && !t.lists)))
        return c->status;
    if (g->sort_by.n && sort_targets(c, &t, g->sort_by, &p))
        return ctl_fail(c, &p);
    struct jval list = as_list(c, &t);
    bool one = t.one && t.n == 1;
    if (printer_print(g->printer, one ? t.v[0].resource : NULL, one ? &t.v[0].object : &list, "", &p))
        return ctl_fail(c, &p);
    return c->status;
}

/* -- --raw -- */

static int get_raw(struct ctl *c) {
    struct problem p;
    struct answer answer;
    struct str path = opt_str(&c->opts, "raw");
    if (c->opts.n_args)
        return ctl_error(c, "arguments may not be passed when --raw is specified");
    if (!str_has_prefix(path, S("/")))
        return ctl_error(c, "--raw must be a valid URL path: \"%.*s\" does not begin with /", STR_ARG(path));
    if (ctl_call(c, &(struct request){.path = path}, &answer, &p))
        return ctl_fail(c, &p);
    ctl_put(c, answer.body);
    return 0;
}

/* -- the command -- */

static int no_type(struct ctl *c) {
    (void)fprintf(
        c->err,
        "You must specify the type of resource to get. Use \"%s api-resources\" for a complete list of "
        "supported resources.\n\n",
        c->setup->program);
    return ctl_usage_error(c,
                           "Required resource not specified.\nUse \"%s explain <resource>\" for a detailed "
                           "description of that resource (e.g. %s explain pods).",
                           c->setup->program, c->setup->program);
}

static int prepare(struct get *g, struct problem *p) {
    struct ctl *c = g->c;
    const struct opts *o = &c->opts;
    struct str output = opt_str(o, "output");
    g->table = !output.n || str_eq(output, S("wide"));
    if (opt_str(o, "template").n && !output.n)
        g->table = false;
    g->style = (struct table_style){
        .no_headers = opt_bool(o, "no-headers"),
        .wide = str_eq(output, S("wide")),
        .show_labels = opt_bool(o, "show-labels"),
        .namespaces = opt_bool(o, "all-namespaces"),
        .kinds = opt_bool(o, "show-kind"),
    };
    g->style.label_columns = opt_list(o, "label-columns", &g->style.n_label_columns);
    g->ignore_not_found = opt_bool(o, "ignore-not-found");
    g->events = opt_bool(o, "output-watch-events");
    g->subresource = opt_str(o, "subresource");
    g->sort_by = opt_str(o, "sort-by");
    if (!g->table && printer_new(c, &g->printer, p))
        return CTL_PROBLEM;
    return ctl_config(c, p);
}

static int run(struct ctl *c) {
    struct problem p;
    struct get g = {.c = c};
    const struct opts *o = &c->opts;
    size_t n_files;
    (void)opt_list(o, "filename", &n_files);
    if (opt_str(o, "raw").n)
        return get_raw(c);
    bool watch = opt_bool(o, "watch") || opt_bool(o, "watch-only");
    if (!o->n_args && !n_files && !opt_str(o, "kustomize").n)
        return no_type(c);
    if (prepare(&g, &p))
        return ctl_fail(c, &p);
    if (g.events && !watch)
        return ctl_error(c, "--output-watch-events option can only be used with --watch or --watch-only");
    if (watch)
        return get_watch(&g);
    struct select s = {
        .args = o->args,
        .n_args = o->n_args,
        .fetch = true,
        .all = true,
        .no_objects = true,
        .any_namespace = true,
        .items = true,
        .ignore_not_found = g.ignore_not_found,
        .limit = opt_int(o, "chunk-size") > 0 ? opt_int(o, "chunk-size") : -1,
        .subresource = g.subresource,
    };
    return g.table ? get_tables(&g, &s) : get_documents(&g, &s);
}

static const struct opt_row flags[] = {
    {"output", 'o', OPT_STRING,
     .help = "Format of the output: one of (" OUTPUT_FORMATS ", custom-columns, custom-columns-file, wide)."},
    {"template", 0, OPT_STRING, .help = "The template of -o template, or its file."},
    {"allow-missing-template-keys", 0, OPT_BOOL, "true",
     .help = "Fields that a template asks for and objects lack are no errors."},
    {"show-managed-fields", 0, OPT_BOOL, .help = "Print metadata.managedFields too."},
    FLAGS_FILES("Files, folders or addresses that say which objects."),
    FLAG_SELECTOR,
    FLAG_FIELD_SELECTOR,
    FLAG_ALL_NAMESPACES,
    FLAG_SUBRESOURCE("Show this part of the object: status, scale, …"),
    {"chunk-size", 0, OPT_INT, "500", .help = "How many objects one request asks for; 0 is all of them."},
    {"ignore-not-found", 0, OPT_BOOL, .help = "Objects that are not there are no errors."},
    {"label-columns", 'L', OPT_LIST, .help = "Labels that get a column of their own; may be repeated."},
    {"no-headers", 0, OPT_BOOL, .help = "Leave the titles of columns out."},
    {"output-watch-events", 0, OPT_BOOL, .help = "With --watch: say what happened to each object."},
    {"raw", 0, OPT_STRING, .help = "Ask the server for this path and print its answer as it is."},
    {"server-print", 0, OPT_BOOL, "true", .help = "Let the server make the table."},
    {"show-kind", 0, OPT_BOOL, .help = "Put the kind before names."},
    {"show-labels", 0, OPT_BOOL, .help = "Show all labels in the last column."},
    {"sort-by", 0, OPT_STRING, .help = "Sort by this field, a JSONPath: .metadata.name"},
    {"watch", 'w', OPT_BOOL, .help = "After listing, go on to show what changes."},
    {"watch-only", 0, OPT_BOOL, .help = "Show only what changes."},
    {0},
};

const struct command command_get = {
    .name = "get",
    .args = "[(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|"
            "jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] "
            "[NAME | "
            "-l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]",
    .brief = "Display one or many resources",
    .about = "Show one or many objects.\n\n"
             " Without -o there is a table of what matters most. Objects of namespaces are looked for in the "
             "current "
             "namespace, unless -n or -A says otherwise.",
    .examples = "  # All pods of the namespace, with more columns\n"
                "  kubectl get pods -o wide\n"
                "  \n"
                "  # One deployment as YAML\n"
                "  kubectl get deployment web -o yaml\n"
                "  \n"
                "  # Pods of all namespaces with a label, and what changes\n"
                "  kubectl get pods -A -l app=web -w\n"
                "  \n"
                "  # One field of many objects\n"
                "  kubectl get pods -o jsonpath='{.items[*].status.podIP}'\n"
                "  \n"
                "  # Columns of your own\n"
                "  kubectl get pods -o custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image\n",
    .flags = flags,
    .run = run,
};
