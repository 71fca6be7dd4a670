/* Objects as -o says. See print.h. */
#include "ctl/print.h"

#include "base/file.h"
#include "base/vec.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "ctl/discovery.h"
#include "ctl/jsonpath.h"
#include "ctl/kyaml.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/table_print.h"

#define TEMPLATE_BYTES_MAX ((size_t)1 << 20)

enum form {
    FORM_LINE,
    FORM_NAME,
    FORM_JSON,
    FORM_YAML,
    FORM_KYAML,
    FORM_JSONPATH,
    FORM_JSONPATH_JSON,
    FORM_COLUMNS,
};

struct column {
    struct str title;
    struct jsonpath *path;
};

struct printer {
    struct ctl *c;
    enum form form;
    bool managed_fields, missing_ok;
    const char *suffix; /* " (dry run)" */
    unsigned printed;
    struct str template;
    struct jsonpath *path;
    struct column *columns;
    size_t n_columns;
    struct columns table;
};

bool printer_is_plain(const struct printer *pr) {
    return pr->form == FORM_LINE || pr->form == FORM_NAME;
}

void printer_without_suffix(struct printer *pr) {
    pr->suffix = "";
}

/* -- templates -- */

static int read_file(struct ctl *c, struct str path, struct str *ret, struct problem *p) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    const char *z = arena_strz(&c->arena, path);
    if (!file_exists(z))
        return problem_set(c, p, "error reading template %s, open %s: no such file or directory", z, z);
    if (file_read(z, TEMPLATE_BYTES_MAX, &text, &err))
        return problem_set(c, p, "error reading template %s, %s", z, err.msg);
    *ret = buf_to_arena(&text, &c->arena);
    return 0;
}

static int read_jsonpath(struct printer *pr, struct str template, struct problem *p) {
    struct err err = ERR_INIT;
    if (!template.n)
        return problem_set(pr->c, p, "template format specified but no template given");
    pr->template = template;
    if (jsonpath_parse(&pr->c->arena, template, &pr->path, &err))
        return problem_set(pr->c, p, "error parsing jsonpath %.*s, %s", STR_ARG(template), err.msg);
    return 0;
}

/* -- columns -- */

static int read_column(struct printer *pr, struct str title, struct str path, struct column *ret,
                       struct problem *p) {
    struct err err = ERR_INIT;
    struct str template;
    ret->title = title;
    if (jsonpath_relaxed(&pr->c->arena, path, &template, &err) ||
        jsonpath_parse(&pr->c->arena, template, &ret->path, &err))
        return problem_of_err(pr->c, p, &err);
    return 0;
}

/* "TITLE:path,TITLE:path"; commas in brackets are a path's own. */
static int read_columns(struct printer *pr, struct str spec, struct problem *p) {
    struct ctl *c = pr->c;
    if (!spec.n)
        return problem_set(c, p, "custom-columns format specified but no custom columns given");
    pr->columns = arena_new_n(&c->arena, spec.n, struct column);
    for (bool more = true; more;) {
        struct str item, title, path;
        more = str_split(spec, ',', &item, &spec);
        if (!str_split(item, ':', &title, &path))
            return problem_set(c, p,
                               "unexpected custom-columns spec: %.*s, expected <header>:<json-path-expr>",
                               STR_ARG(item));
        if (read_column(pr, title, path, &pr->columns[pr->n_columns++], p))
            return CTL_PROBLEM;
    }
    return 0;
}

static size_t split_words(struct ctl *c, struct str line, struct str **ret) {
    VEC(struct str) words = {0};
    struct str word;
    while (line.n) {
        (void)str_split(line, ' ', &word, &line);
        if (word.n)
            vec_push_in(&c->arena, &words, word);
    }
    *ret = words.v;
    return words.n;
}

/* A line of titles and a line of paths. */
static int read_columns_file(struct printer *pr, struct str path, struct problem *p) {
    struct ctl *c = pr->c;
    struct str text, line, *titles, *paths;
    if (!path.n)
        return problem_set(c, p, "custom-columns format specified but no custom columns given");
    if (read_file(c, path, &text, p))
        return CTL_PROBLEM;
    (void)str_split(text, '\n', &line, &text);
    size_t n = split_words(c, line, &titles);
    (void)str_split(text, '\n', &line, &text);
    size_t n_paths = split_words(c, line, &paths);
    if (n != n_paths)
        return problem_set(c, p, "number of headers (%zu) and field specifications (%zu) don't match", n,
                           n_paths);
    pr->columns = arena_new_n(&c->arena, n + 1, struct column);
    for (size_t i = 0; i < n; i++)
        if (read_column(pr, titles[i], paths[i], &pr->columns[pr->n_columns++], p))
            return CTL_PROBLEM;
    return 0;
}

static int print_columns(struct printer *pr, const struct jval *o, struct problem *p) {
    struct ctl *c = pr->c;
    struct str *cells = arena_new_n(&c->arena, pr->n_columns + 1, struct str);
    struct err err = ERR_INIT;
    for (size_t i = 0; i < pr->n_columns; i++) {
        struct jsonpath_values found = {0};
        _cleanup_buf struct buf text = BUF_INIT;
        if (jsonpath_find(pr->columns[i].path, o, true, &c->arena, &found, &err))
            found.n = 0;
        for (size_t k = 0; k < found.n; k++) {
            if (k)
                buf_byte(&text, ',');
            if (found.v[k]->kind == J_NULL)
                buf_lit(&text, "<none>");
            else
                go_value(&text, found.v[k]);
        }
        cells[i] = found.n ? buf_to_arena(&text, &c->arena) : S("<none>");
    }
    (void)p;
    columns_row(&pr->table, cells, pr->n_columns);
    return 0;
}

static int print_all_columns(struct printer *pr, const struct jval *o, struct problem *p) {
    struct ctl *c = pr->c;
    const struct jval *items = object_array(o, "items");
    _cleanup_buf struct buf out = BUF_INIT;
    bool headers = !opt_known(&c->opts, "no-headers") || !opt_bool(&c->opts, "no-headers");
    bool list = items && str_has_suffix(object_kind(o), S("List"));
    if (headers && !pr->printed) {
        struct str *titles = arena_new_n(&c->arena, pr->n_columns + 1, struct str);
        for (size_t i = 0; i < pr->n_columns; i++)
            titles[i] = pr->columns[i].title;
        columns_row(&pr->table, titles, pr->n_columns);
    }
    if (!list && print_columns(pr, o, p))
        return CTL_PROBLEM;
    for (uint32_t i = 0; list && i < items->n; i++)
        if (print_columns(pr, &items->items[i], p))
            return CTL_PROBLEM;
    columns_flush(&pr->table, &out, true);
    ctl_put(c, buf_view(&out));
    return 0;
}

/* -- which form -- */

static int bad_form(struct ctl *c, struct str output, struct problem *p) {
    bool get = opt_known(&c->opts, "server-print");
    return problem_set(
        c, p,
        "unable to match a printer suitable for the output format \"%.*s\", allowed formats are: "
        "%sgo-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,"
        "template,templatefile,%syaml",
        STR_ARG(output), get ? "custom-columns,custom-columns-file," : "", get ? "wide," : "");
}

static bool is_go_template(struct str form) {
    return str_eq(form, S("go-template")) || str_eq(form, S("go-template-file")) ||
           str_eq(form, S("template")) || str_eq(form, S("templatefile"));
}

static int templated_form(struct ctl *c, struct str form, struct str value, struct printer *pr,
                          struct problem *p) {
    bool from_file = str_has_suffix(form, S("-file"));
    if (str_eq(form, S("custom-columns"))) {
        pr->form = FORM_COLUMNS;
        return read_columns(pr, value, p);
    }
    if (str_eq(form, S("custom-columns-file"))) {
        pr->form = FORM_COLUMNS;
        return read_columns_file(pr, value, p);
    }
    if (!value.n)
        return problem_set(c, p, "template format specified but no template given");
    if (is_go_template(form))
        return problem_set(c, p,
                           "templates of Go (-o %.*s) are not supported: use jsonpath or custom-columns",
                           STR_ARG(form));
    pr->form = str_eq(form, S("jsonpath-as-json")) ? FORM_JSONPATH_JSON : FORM_JSONPATH;
    if (from_file && read_file(c, value, &value, p))
        return CTL_PROBLEM;
    return read_jsonpath(pr, value, p);
}

static int form_of(struct ctl *c, struct str output, struct printer *pr, struct problem *p) {
    static const struct {
        const char *name;
        enum form form;
    } plain[] = {{"", FORM_LINE},
                 {"name", FORM_NAME},
                 {"json", FORM_JSON},
                 {"yaml", FORM_YAML},
                 {"kyaml", FORM_KYAML}};
    static const char *const templated[] = {"jsonpath",    "jsonpath-as-json", "jsonpath-file",
                                            "go-template", "go-template-file", "template",
                                            "templatefile"};
    struct str form, value;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (str_eq(output, str_from(plain[i].name)))
            return pr->form = plain[i].form, 0;
    if (!str_split(output, '=', &form, &value))
        value = opt_known(&c->opts, "template") ? opt_str(&c->opts, "template") : S("");
    for (size_t i = 0; i < sizeof templated / sizeof *templated; i++)
        if (str_eq(form, str_from(templated[i])))
            return templated_form(c, form, value, pr, p);
    if (opt_known(&c->opts, "server-print") && str_has_prefix(form, S("custom-columns")))
        return templated_form(c, form, value, pr, p);
    return bad_form(c, output, p);
}

int printer_for(struct ctl *c, struct str output, struct printer **ret, struct problem *p) {
    struct printer *pr = arena_new(&c->arena, struct printer);
    const struct opts *o = &c->opts;
    *pr = (struct printer){.c = c, .suffix = "", .missing_ok = true};
    columns_init(&pr->table, &c->arena, 6, 3);
    pr->managed_fields = opt_known(o, "show-managed-fields") && opt_bool(o, "show-managed-fields");
    if (opt_known(o, "allow-missing-template-keys"))
        pr->missing_ok = opt_bool(o, "allow-missing-template-keys");
    enum dry_run dry = DRY_RUN_NONE;
    if (opt_known(o, "dry-run") && ctl_dry_run(c, &dry, p))
        return CTL_PROBLEM;
    pr->suffix = dry == DRY_RUN_CLIENT ? " (dry run)" : dry == DRY_RUN_SERVER ? " (server dry run)" : "";
    if (!output.n && opt_known(o, "template") && opt_str(o, "template").n)
        output = S("go-template");
    if (form_of(c, output, pr, p))
        return CTL_PROBLEM;
    *ret = pr;
    return 0;
}

int printer_new(struct ctl *c, struct printer **ret, struct problem *p) {
    return printer_for(c, opt_str(&c->opts, "output"), ret, p);
}

/* -- lines -- */

static struct str kind_name_of(struct ctl *c, const struct jval *o) {
    struct str group, version, api_version = object_api_version(o);
    if (!str_split(api_version, '/', &group, &version))
        group = S("");
    struct resource r = {.group = group, .kind = object_kind(o)};
    return resource_kind_name(c, &r);
}

static void print_line(struct printer *pr, const struct resource *r, const struct jval *o, const char *done) {
    struct str name = object_name(o), kind = r ? resource_kind_name(pr->c, r) : kind_name_of(pr->c, o);
    ctl_say(pr->c, "%.*s/%.*s", STR_ARG(kind), STR_ARG(name));
    if (pr->form == FORM_LINE && *done)
        ctl_say(pr->c, " %s%s", done, pr->suffix);
    ctl_say(pr->c, "\n");
}

static void print_names(struct printer *pr, const struct resource *r, const struct jval *o,
                        const char *done) {
    const struct jval *items = object_array(o, "items");
    if (!items || !str_eq(object_kind(o), S("List"))) {
        print_line(pr, r, o, done);
        return;
    }
    for (uint32_t i = 0; i < items->n; i++)
        print_line(pr, NULL, &items->items[i], done);
}

/* -- documents -- */

static struct jval without_managed_fields(struct ctl *c, const struct jval *o) {
    const struct jval *items = object_array(o, "items");
    struct jlist cleared = {0};
    if (!items || !str_has_suffix(object_kind(o), S("List")))
        return object_without(&c->arena, o, "metadata.managedFields");
    for (uint32_t i = 0; i < items->n; i++)
        jlist_add(&c->arena, &cleared, object_without(&c->arena, &items->items[i], "metadata.managedFields"));
    return jval_with(&c->arena, o, S("items"), jlist_done(&cleared));
}

static int print_path(struct printer *pr, const struct jval *o, struct problem *p) {
    struct ctl *c = pr->c;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    int rc = pr->form == FORM_JSONPATH_JSON ? jsonpath_print_json(pr->path, o, pr->missing_ok, &out, &err)
                                            : jsonpath_print(pr->path, o, pr->missing_ok, &out, &err);
    if (rc)
        return problem_set(
            c, p,
            "error executing jsonpath \"%.*s\": Error executing template: %s. Printing more information "
            "for debugging the template:\n\ttemplate was:\n\t\t%.*s\n\tobject given to jsonpath engine "
            "was:\n\t\t%.*s\n\n",
            STR_ARG(pr->template), err.msg, STR_ARG(pr->template), STR_ARG(object_json(&c->arena, o)));
    ctl_put(c, buf_view(&out));
    return 0;
}

static int print_document(struct printer *pr, const struct jval *object) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct jval o = pr->managed_fields ? *object : without_managed_fields(pr->c, object);
    if (pr->form == FORM_JSON) {
        json_write_indented(&out, &o, "    ");
        buf_byte(&out, '\n');
    } else if (pr->form == FORM_KYAML) {
        buf_lit(&out, "---\n");
        kyaml_write(&out, &o);
    } else {
        if (pr->printed)
            buf_lit(&out, "---\n");
        yaml_write(&out, &o);
    }
    ctl_put(pr->c, buf_view(&out));
    return 0;
}

int printer_print(struct printer *pr, const struct resource *r, const struct jval *object, const char *done,
                  struct problem *p) {
    int rc;
    switch (pr->form) {
    case FORM_LINE:
    case FORM_NAME: print_names(pr, r, object, done); return 0;
    case FORM_JSONPATH:
    case FORM_JSONPATH_JSON: rc = print_path(pr, object, p); break;
    case FORM_COLUMNS: rc = print_all_columns(pr, object, p); break;
    default: rc = print_document(pr, object); break;
    }
    pr->printed++;
    return rc;
}

int printer_print_typed(struct printer *pr, const struct jval *object, const char *done, struct problem *p) {
    if (pr->form != FORM_JSON)
        return printer_print(pr, NULL, object, done, p);
    _cleanup_buf struct buf out = BUF_INIT;
    struct jval o = pr->managed_fields ? *object : without_managed_fields(pr->c, object);
    json_indent(&out, typed_json(pr->c, &o), "    ");
    buf_byte(&out, '\n');
    ctl_put(pr->c, buf_view(&out));
    return 0;
}
