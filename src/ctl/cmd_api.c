/* api-resources and api-versions: what the server has. */
#include <stdlib.h>

#include "api/json.h"
#include "api/types/ids.h"
#include "base/vec.h"
#include "ctl/commands.h"
#include "ctl/discovery.h"
#include "ctl/maker.h"
#include "ctl/object.h"

static bool has(const struct str *v, size_t n, struct str s) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i], s))
            return true;
    return false;
}

static bool has_all(const struct str *v, size_t n, const struct str *wanted, size_t n_wanted) {
    for (size_t i = 0; i < n_wanted; i++)
        if (!has(v, n, wanted[i]))
            return false;
    return true;
}

struct rows {
    const struct resource **v;
    size_t n, cap;
};

static void collect(struct ctl *c, struct rows *to) {
    const struct opts *o = &c->opts;
    size_t n_verbs, n_categories;
    const struct str *verbs = opt_list(o, "verbs", &n_verbs),
                     *categories = opt_list(o, "categories", &n_categories);
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        if (!r->preferred || !r->n_verbs ||
            (opt_given(o, "api-group") && !str_eq(r->group, opt_str(o, "api-group"))) ||
            (opt_given(o, "namespaced") && r->namespaced != opt_bool(o, "namespaced")) ||
            !has_all(r->verbs, r->n_verbs, verbs, n_verbs) ||
            !has_all(r->categories, r->n_categories, categories, n_categories))
            continue;
        vec_push_in(&c->arena, to, r);
    }
}

static int by_group(const void *a, const void *b) {
    const struct resource *x = *(const struct resource *const *)a, *y = *(const struct resource *const *)b;
    int c = str_cmp(x->group, y->group);
    return c ? c : str_cmp(x->plural, y->plural);
}

static int by_name(const void *a, const void *b) {
    const struct resource *x = *(const struct resource *const *)a, *y = *(const struct resource *const *)b;
    int c = str_cmp(x->plural, y->plural);
    return c ? c : str_cmp(x->group, y->group);
}

static int by_kind(const void *a, const void *b) {
    const struct resource *x = *(const struct resource *const *)a, *y = *(const struct resource *const *)b;
    return str_cmp(x->kind, y->kind);
}

static void print_table(struct ctl *c, const struct rows *r, bool wide) {
    struct columns t;
    _cleanup_buf struct buf out = BUF_INIT;
    columns_init(&t, &c->arena, 6, 3);
    if (!opt_bool(&c->opts, "no-headers"))
        columns_text(&t, "NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND%s",
                     wide ? "\tVERBS\tCATEGORIES" : "");
    for (size_t i = 0; i < r->n; i++) {
        const struct resource *x = r->v[i];
        struct str *cells = arena_new_n(&c->arena, 7, struct str);
        cells[0] = x->plural;
        cells[1] = arena_join(&c->arena, x->short_names, x->n_short_names, S(","));
        cells[2] = x->api_version;
        cells[3] = x->namespaced ? S("true") : S("false");
        cells[4] = x->kind;
        cells[5] = arena_join(&c->arena, x->verbs, x->n_verbs, S(","));
        cells[6] = arena_join(&c->arena, x->categories, x->n_categories, S(","));
        columns_row(&t, cells, wide ? 7 : 5);
    }
    columns_flush(&t, &out, false);
    ctl_put(c, buf_view(&out));
}

static struct jval resource_tree(struct ctl *c, const struct resource *r) {
    struct jval o =
        tree_of_pairs(c, "name", jval_str(r->plural), "singularName", jval_str(r->singular), "namespaced",
                      jval_bool(r->namespaced), "version", jval_str(r->version), "kind", jval_str(r->kind),
                      "verbs", tree_of_texts(c, r->verbs, r->n_verbs), NULL);
    if (r->group.n)
        o = jval_with(&c->arena, &o, S("group"), jval_str(r->group));
    if (r->n_short_names)
        o = jval_with(&c->arena, &o, S("shortNames"), tree_of_texts(c, r->short_names, r->n_short_names));
    if (r->n_categories)
        o = jval_with(&c->arena, &o, S("categories"), tree_of_texts(c, r->categories, r->n_categories));
    return o;
}

/* In the order of the type's fields. */
static void put_json(struct ctl *c, const struct jval *o) {
    void *packed;
    _cleanup_buf struct buf text = BUF_INIT, out = BUF_INIT;
    if (api_from_tree(&c->arena, &builtin, TY_META_API_RESOURCE_LIST, o, NULL, &packed, NULL))
        return;
    api_write_json(&text, &builtin, TY_META_API_RESOURCE_LIST, packed);
    json_indent(&out, buf_view(&text), "    ");
    buf_byte(&out, '\n');
    ctl_put(c, buf_view(&out));
}

static int print_documents(struct ctl *c, const struct rows *r, struct str output) {
    struct problem p;
    struct printer *pr;
    struct jlist list = {0};
    for (size_t i = 0; i < r->n; i++)
        jlist_add(&c->arena, &list, resource_tree(c, r->v[i]));
    struct jval o = tree_of_pairs(c, "apiVersion", jval_str(S("v1")), "kind", jval_str(S("APIResourceList")),
                                  "groupVersion", jval_str(S("")), "resources", jlist_done(&list), NULL);
    if (str_eq(output, S("json"))) {
        put_json(c, &o);
        return 0;
    }
    if (printer_for(c, output, &pr, &p) || printer_print_typed(pr, &o, "", &p))
        return ctl_fail(c, &p);
    return 0;
}

static int run_resources(struct ctl *c) {
    struct problem p;
    struct rows r = {0};
    struct str output = opt_str(&c->opts, "output"), by = opt_str(&c->opts, "sort-by");
    static const char *const forms[] = {"", "wide", "name", "json", "yaml", "kyaml"};
    bool known = false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        known = known || str_eq(output, str_from(forms[i]));
    if (c->opts.n_args)
        return ctl_usage_error(c, "unexpected arguments: [%.*s]",
                               STR_ARG(arena_join(&c->arena, c->opts.args, c->opts.n_args, S(" "))));
    if (by.n && !str_eq(by, S("name")) && !str_eq(by, S("kind")))
        return ctl_error(c, "--sort-by accepts only name or kind");
    if (!known)
        return ctl_error(
            c,
            "unable to match a printer suitable for the output format \"%.*s\", allowed formats are: "
            "json,kyaml,name,wide,yaml",
            STR_ARG(output));
    if (discovery_load(c, &p))
        return ctl_fail(c, &p);
    collect(c, &r);
    if (r.n)
        qsort(r.v, r.n, sizeof *r.v,
              str_eq(by, S("name"))   ? by_name
              : str_eq(by, S("kind")) ? by_kind
                                      : by_group);
    if (!output.n || str_eq(output, S("wide"))) {
        print_table(c, &r, output.n > 0);
        return 0;
    }
    if (!str_eq(output, S("name")))
        return print_documents(c, &r, output);
    for (size_t i = 0; i < r.n; i++)
        ctl_say(c, "%.*s\n", STR_ARG(resource_full_name(c, r.v[i])));
    return 0;
}

static const struct opt_row flags[] = {
    {"api-group", 0, OPT_STRING, .help = "Only resources of this group."},
    {"cached", 0, OPT_BOOL, .help = "Accepted and not used: nothing is cached."},
    {"categories", 0, OPT_LIST, .help = "Only resources of these categories."},
    {"namespaced", 0, OPT_BOOL, "true",
     .help = "Only resources that are in namespaces, or that are not (false)."},
    {"no-headers", 0, OPT_BOOL, .help = "Leave the titles of columns out."},
    {"output", 'o', OPT_STRING, .help = "json, yaml, kyaml, name or wide."},
    {"show-managed-fields", 0, OPT_BOOL, .help = "Accepted and not used.", .hidden = true},
    {"sort-by", 0, OPT_STRING, .help = "name or kind."},
    {"verbs", 0, OPT_LIST, .help = "Only resources with these verbs."},
    {0},
};

const struct command command_api_resources = {
    .name = "api-resources",
    .args = "[flags] [options]",
    .brief = "Print the supported API resources on the server",
    .examples = "  # What can be listed in a namespace\n"
                "  kubectl api-resources --verbs=list --namespaced\n",
    .flags = flags,
    .run = run_resources,
};

static int run_versions(struct ctl *c) {
    struct problem p;
    if (c->opts.n_args)
        return ctl_usage_error(c, "unexpected arguments: [%.*s]",
                               STR_ARG(arena_join(&c->arena, c->opts.args, c->opts.n_args, S(" "))));
    if (discovery_load(c, &p))
        return ctl_fail(c, &p);
    struct discovery *d = c->discovery;
    if (d->n_group_versions)
        qsort(d->group_versions, d->n_group_versions, sizeof *d->group_versions, str_cmp_qsort);
    for (size_t i = 0; i < d->n_group_versions; i++)
        ctl_say(c, "%.*s\n", STR_ARG(d->group_versions[i]));
    return 0;
}

const struct command command_api_versions = {
    .name = "api-versions",
    .args = "[flags]",
    .brief = "Print the supported API versions on the server, in the form of \"group/version\"",
    .run = run_versions,
};
