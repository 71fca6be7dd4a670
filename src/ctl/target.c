/* The objects that a command line means. See target.h. */
#include "ctl/target.h"

#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/object.h"

struct finding {
    struct ctl *c;
    const struct select *s;
    struct str labels, fields;
    bool all, all_namespaces, local;
    struct targets *to;
    /* of single objects */
    struct problem *failed;
    size_t n_failed, cap_failed;
};

static struct str str_flag(const struct opts *o, const char *name) {
    return opt_known(o, name) ? opt_str(o, name) : S("");
}

static bool bool_flag(const struct opts *o, const char *name) {
    return opt_known(o, name) && opt_bool(o, name);
}

static void add_failure(struct finding *f, struct problem p) {
    struct {
        struct problem *v;
        size_t n, cap;
    } list = {f->failed, f->n_failed, f->cap_failed};
    vec_push_in(&f->c->arena, &list, p);
    f->failed = list.v;
    f->n_failed = list.n;
    f->cap_failed = list.cap;
}

static void add(struct finding *f, struct target t) {
    vec_push_in(&f->c->arena, f->to, t);
}

int target_fetch(struct ctl *c, struct target *t, struct problem *p) {
    struct jval object;
    if (object_get(c, t->resource, t->ns, t->name, &object, p))
        return CTL_PROBLEM;
    t->object = object;
    return 0;
}

static int fetch_as(struct finding *f, struct target *t, struct problem *p) {
    struct get_options o = {f->s->accept, f->s->include_object, f->s->subresource};
    return object_get_as(f->c, t->resource, t->ns, t->name, &o, &t->object, p);
}

/* One by name. A failure is the object's own. */
static void add_named(struct finding *f, const struct resource *r, struct str name) {
    struct problem p;
    struct target t = {.resource = r, .name = name, .ns = r->namespaced ? f->c->ns : S("")};
    if (f->s->fetch && fetch_as(f, &t, &p)) {
        if (!(problem_not_found(&p) && f->s->ignore_not_found))
            add_failure(f, p);
        return;
    }
    add(f, t);
}

/* -- lists -- */

static struct jval with_kind(struct ctl *c, const struct jval *item, const struct resource *r) {
    struct jval o = *item;
    if (!object_kind(&o).n)
        o = jval_with(&c->arena, &o, S("kind"), jval_str(r->kind));
    if (!object_api_version(&o).n)
        o = jval_with(&c->arena, &o, S("apiVersion"), jval_str(r->api_version));
    return o;
}

struct adding {
    struct finding *f;
    const struct resource *r;
};

static int add_page(void *arg, const struct jval *page) {
    struct adding *x = arg;
    struct ctl *c = x->f->c;
    const struct jval *items = object_array(page, "items");
    if (x->f->s->whole_lists) {
        add(x->f, (struct target){.resource = x->r, .object = *page});
        return 0;
    }
    for (uint32_t i = 0; items && i < items->n; i++) {
        struct jval object = with_kind(c, &items->items[i], x->r);
        struct target t = {.resource = x->r,
                           .ns = object_namespace(&object),
                           .name = object_name(&object),
                           .object = object};
        add(x->f, t);
    }
    return 0;
}

static int add_list(struct finding *f, const struct resource *r, struct problem *p) {
    const struct select *s = f->s;
    struct list_options o = {
        .label_selector = f->labels,
        .field_selector = f->fields,
        .accept = s->accept,
        .include_object = s->include_object,
        .limit = s->limit ? s->limit : 500,
    };
    struct adding x = {f, r};
    struct str ns = f->all_namespaces ? S("") : f->c->ns;
    if (object_list(f->c, r, ns, &o, add_page, &x, p) == 0)
        return 0;
    problem_of_list(f->c, p, r, f->labels, f->fields);
    return CTL_PROBLEM;
}

void problem_of_list(struct ctl *c, struct problem *p, const struct resource *r, struct str labels,
                     struct str fields) {
    if (p->http_code == 400 && (labels.n || fields.n))
        problem_wrap(
            c, p,
            "Unable to find \"%.*s/%.*s, Resource=%.*s\" that match label selector \"%.*s\", field selector "
            "\"%.*s\"",
            STR_ARG(r->group), STR_ARG(r->version), STR_ARG(r->plural), STR_ARG(labels), STR_ARG(fields));
}

/* -- types and names -- */

struct resources {
    const struct resource **v;
    size_t n, cap;
};

static void add_resource(struct ctl *c, struct resources *to, const struct resource *r) {
    for (size_t i = 0; i < to->n; i++)
        if (to->v[i] == r)
            return;
    vec_push_in(&c->arena, to, r);
}

/* "pods,svc,all". */
static int read_types(struct ctl *c, struct str list, struct resources *to, struct problem *p) {
    bool more = true;
    while (more) {
        struct str name;
        more = str_split(list, ',', &name, &list);
        if (discovery_load(c, p))
            return CTL_PROBLEM;
        size_t n;
        const struct resource *const *in = resource_category(c, name, &n);
        for (size_t i = 0; i < n; i++)
            if (resource_can(in[i], "get") || resource_can(in[i], "list"))
                add_resource(c, to, in[i]);
        const struct resource *r;
        if (!n && resource_find(c, name, &r, p))
            return CTL_PROBLEM;
        if (!n)
            add_resource(c, to, r);
    }
    return 0;
}

int select_types(struct ctl *c, struct str list, const struct resource *const **ret, size_t *ret_n,
                 struct problem *p) {
    struct resources types = {0};
    if (read_types(c, list, &types, p))
        return CTL_PROBLEM;
    *ret = types.v;
    *ret_n = types.n;
    return 0;
}

static int by_types(struct finding *f, struct str list, const struct str *names, size_t n,
                    struct problem *p) {
    struct resources types = {0};
    if (read_types(f->c, list, &types, p))
        return CTL_PROBLEM;
    if (f->s->one_type && types.n > 1)
        return problem_set(f->c, p, "you may only specify a single resource type");
    bool whole = f->labels.n || f->fields.n || f->all;
    if (n && (f->labels.n || f->fields.n || (f->all && !f->s->all)))
        return problem_set(f->c, p, "name cannot be provided when a selector is specified");
    if (!n && !whole)
        return problem_set(f->c, p, "resource(s) were provided, but no name was specified");
    if (n && f->all_namespaces)
        return problem_set(f->c, p, "a resource cannot be retrieved by name across all namespaces");
    if (!n && f->s->subresource.n)
        return problem_set(f->c, p, "subresource cannot be used when bulk resources are specified");
    f->to->one = n == 1 && types.n == 1;
    f->to->lists = n == 0;
    for (size_t i = 0; i < types.n; i++) {
        if (!n && add_list(f, types.v[i], p)) {
            if (types.n == 1)
                return CTL_PROBLEM;
            add_failure(f, *p);
        }
        for (size_t k = 0; k < n; k++)
            add_named(f, types.v[i], names[k]);
    }
    return 0;
}

/* -- TYPE/NAME -- */

static int check_slashes(struct finding *f, bool *ret_slashes, struct problem *p) {
    struct ctl *c = f->c;
    const struct select *s = f->s;
    size_t with = 0;
    for (size_t i = 0; i < s->n_args; i++) {
        struct str type, name;
        if (!str_split(s->args[i], '/', &type, &name))
            continue;
        with++;
        if (str_find_byte(name, '/') >= 0)
            return problem_set(c, p, "arguments in resource/name form may not have more than one slash");
        if (!type.n || !name.n)
            return problem_set(c, p, "arguments in resource/name form must have a single resource and name");
    }
    const char *program = c->setup->program;
    if (with && with != s->n_args)
        return problem_set(
            c, p,
            "there is no need to specify a resource type as a separate argument when passing "
            "arguments in resource/name form (e.g. '%s get resource/<resource_name>' instead of '%s "
            "get resource resource/<resource_name>'",
            program, program);
    *ret_slashes = with > 0;
    return 0;
}

static struct str after_slash(struct str arg) {
    struct str type, name;
    (void)str_split(arg, '/', &type, &name);
    return name;
}

static int slash_type(struct finding *f, struct str arg, const struct resource **ret, struct problem *p) {
    struct str type, name;
    struct resources types = {0};
    (void)str_split(arg, '/', &type, &name);
    if (read_types(f->c, type, &types, p))
        return CTL_PROBLEM;
    if (types.n != 1)
        return problem_set(f->c, p, "arguments in resource/name form must have a single resource and name");
    if (f->all_namespaces && types.v[0]->namespaced)
        return problem_set(f->c, p, "a resource cannot be retrieved by name across all namespaces");
    *ret = types.v[0];
    return 0;
}

static int by_slashes(struct finding *f, struct problem *p) {
    struct ctl *c = f->c;
    const struct select *s = f->s;
    if (f->labels.n || f->fields.n || (f->all && !s->all))
        return problem_set(c, p,
                           "selectors and the all flag cannot be used when passing resource/name arguments");
    f->to->one = s->n_args == 1;
    const struct resource **types = arena_new_n(&c->arena, s->n_args, const struct resource *);
    for (size_t i = 0; i < s->n_args; i++)
        if (slash_type(f, s->args[i], &types[i], p))
            return CTL_PROBLEM;
    for (size_t i = 0; i < s->n_args; i++)
        add_named(f, types[i], after_slash(s->args[i]));
    return 0;
}

/* -- files -- */

static int add_manifest(struct finding *f, const struct manifest *m, struct problem *p) {
    struct target t;
    struct ctl *c = f->c;
    if (manifest_target(c, m, f->s->any_namespace, &t, p))
        return CTL_PROBLEM;
    if (f->s->fetch && f->s->no_objects && !f->local && !t.name.n)
        return add_list(f, t.resource, p);
    if (f->s->fetch && f->s->no_objects && !f->local && fetch_as(f, &t, p)) {
        if (problem_not_found(p) && f->s->ignore_not_found)
            return 0;
        return CTL_PROBLEM;
    }
    add(f, t);
    return 0;
}

static int by_files(struct finding *f, const struct str *files, size_t n, struct problem *p) {
    struct ctl *c = f->c;
    struct manifests m = {0};
    if (f->s->n_args)
        return problem_set(c, p,
                           "when paths, URLs, or stdin is provided as input, you may not specify resource "
                           "arguments as well");
    if (manifests_read(c, files, n, bool_flag(&c->opts, "recursive"), &m, p)) {
        if (!f->s->items || !str_has_prefix(p->message, S("error parsing")))
            return CTL_PROBLEM;
        add_failure(f, *p);
    }
    if (!m.n)
        return 0;
    f->to->one = m.n == 1;
    for (size_t i = 0; i < m.n; i++)
        if (add_manifest(f, &m.v[i], p))
            add_failure(f, *p);
    return 0;
}

/* -- all of it -- */

static int nothing_said(struct ctl *c, struct problem *p) {
    return problem_set(c, p,
                       "You must provide one or more resources by argument or filename.\n"
                       "Example resource specifications include:\n"
                       "   '-f rsrc.yaml'\n"
                       "   '--filename=rsrc.json'\n"
                       "   '<resource> <name>'\n"
                       "   '<resource>'");
}

int ctl_select(struct ctl *c, const struct select *s, struct targets *ret, struct problem *p) {
    const struct opts *o = &c->opts;
    size_t n_files = 0;
    const struct str *files = opt_known(o, "filename") ? opt_list(o, "filename", &n_files) : NULL;
    bool slashes = false, all_flag = bool_flag(o, "all");
    struct finding f = {
        .c = c,
        .s = s,
        .labels = str_trim(str_flag(o, "selector")),
        .fields = str_flag(o, "field-selector"),
        .all = s->all || all_flag,
        .all_namespaces = bool_flag(o, "all-namespaces"),
        .local = bool_flag(o, "local"),
        .to = ret,
    };
    if (ctl_config(c, p))
        return CTL_PROBLEM;
    if (str_flag(o, "kustomize").n)
        return problem_set(c, p,
                           n_files ? "only one of -f or -k can be specified"
                                   : "kustomizations (-k) are not supported: build the manifests with the "
                                     "kustomize program and apply them with -f -");
    if (all_flag && (f.labels.n || f.fields.n))
        return problem_set(c, p, "setting 'all' parameter but found a non empty selector. ");
    int rc;
    if (n_files)
        rc = by_files(&f, files, n_files, p);
    else if (!s->n_args)
        rc = nothing_said(c, p);
    else if (check_slashes(&f, &slashes, p))
        rc = CTL_PROBLEM;
    else
        rc = slashes ? by_slashes(&f, p) : by_types(&f, s->args[0], s->args + 1, s->n_args - 1, p);
    /* CONFORMS: alone it is an error; among others it is one of several */
    for (size_t i = 0; i < f.n_failed; i++)
        (void)(f.n_failed == 1 && !s->items ? ctl_fail(c, &f.failed[i]) : ctl_fail_item(c, &f.failed[i]));
    return rc;
}
