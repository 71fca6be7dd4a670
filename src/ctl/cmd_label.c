/* label and annotate: small texts on objects. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/print.h"
#include "ctl/target.h"

struct marking {
    struct ctl *c;
    bool labels; /* else annotations */
    const char *what;
    struct str *objects; /* arguments that say which */
    size_t n_objects;
    struct jobject set; /* of strings, and null for what goes */
    size_t n_removed;
    struct printer *printer;
    enum dry_run dry;
};

static const char *path_of(const struct marking *m) {
    return m->labels ? "metadata.labels" : "metadata.annotations";
}

/* -- arguments: objects, then key=value and key- -- */

static bool is_change(struct str s) {
    return str_find_byte(s, '=') > 0 || (s.n > 1 && s.p[s.n - 1] == '-');
}

static int add_change(struct marking *m, struct str s, struct problem *p) {
    struct ctl *c = m->c;
    struct str key, value;
    bool sets = str_split(s, '=', &key, &value);
    if (!sets)
        key = str_cut(s, s.n - 1);
    if (m->labels && sets && (str_find_byte(value, '=') >= 0 || str_find_byte(value, ',') >= 0))
        return problem_set(c, p, "invalid label spec: %.*s", STR_ARG(s));
    for (size_t i = 0; i < m->set.n; i++)
        if (str_eq(m->set.v[i].key, key) && (m->set.v[i].value.kind == J_NULL) == sets)
            return problem_set(c, p, "can not both modify and remove %s %s in the same command",
                               m->labels ? "a" : "an", m->what);
    jobject_set(&c->arena, &m->set, key, sets ? jval_str(value) : jval_null());
    m->n_removed += !sets;
    return 0;
}

static int read_arguments(struct marking *m, struct problem *p) {
    struct ctl *c = m->c;
    const struct opts *o = &c->opts;
    m->objects = arena_new_n(&c->arena, o->n_args + 1, struct str);
    for (size_t i = 0; i < o->n_args; i++) {
        bool change = is_change(o->args[i]);
        if (!change && m->set.n)
            return problem_set(c, p, "all resources must be specified before %s changes: %.*s", m->what,
                               STR_ARG(o->args[i]));
        if (change && add_change(m, o->args[i], p))
            return CTL_PROBLEM;
        if (!change)
            m->objects[m->n_objects++] = o->args[i];
    }
    return 0;
}

static int check_arguments(struct marking *m) {
    struct ctl *c = m->c;
    size_t n_files;
    (void)opt_list(&c->opts, "filename", &n_files);
    if (!m->n_objects && !n_files && !opt_str(&c->opts, "kustomize").n)
        return ctl_error(c,
                         "one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (!m->set.n && !opt_bool(&c->opts, "list"))
        return ctl_error(c, "at least one %s update is required", m->what);
    return 0;
}

/* -- one object -- */

static void list(struct marking *m, const struct target *t, bool several) {
    struct ctl *c = m->c;
    const struct jval *all = jval_path(&t->object, path_of(m));
    if (several)
        ctl_say(c, "Listing %ss for %.*s.%.*s/%.*s:\n", m->what, STR_ARG(t->resource->kind),
                STR_ARG(t->resource->group), STR_ARG(t->name));
    for (uint32_t i = 0; all && all->kind == J_OBJECT && i < all->n; i++)
        ctl_say(c, "%s%.*s=%.*s\n", several ? " " : "", STR_ARG(all->members[i].key),
                STR_ARG(jval_as_str(&all->members[i].value)));
}

static int refuse_overwriting(struct marking *m, const struct jval *all, struct problem *p) {
    struct ctl *c = m->c;
    _cleanup_buf struct buf text = BUF_INIT;
    if (opt_bool(&c->opts, "overwrite"))
        return 0;
    for (size_t i = 0; i < m->set.n; i++) {
        struct str old = jval_get_str(all, m->set.v[i].key);
        const struct jval *new = &m->set.v[i].value;
        if (!old.p || new->kind != J_STRING || str_eq(old, jval_as_str(new)))
            continue;
        buf_printf(&text, "%s'%.*s' already has a value (%.*s)%s", text.n ? "; " : "",
                   STR_ARG(m->set.v[i].key), STR_ARG(old), m->labels ? ", and --overwrite is false" : "");
    }
    if (!text.n)
        return 0;
    return problem_set(c, p, "%s%.*s",
                       m->labels ? ""
                                 : "--overwrite is false but found the following declared annotation(s): ",
                       STR_ARG(buf_view(&text)));
}

/* What the object would have. */
static struct jval changed(struct marking *m, const struct jval *all) {
    struct ctl *c = m->c;
    struct jval now = all && all->kind == J_OBJECT ? *all : jval_object(NULL, 0);
    for (size_t i = 0; i < m->set.n; i++) {
        struct str key = m->set.v[i].key;
        bool there = jval_get(&now, key) != NULL;
        if (m->set.v[i].value.kind == J_STRING)
            now = jval_with(&c->arena, &now, key, m->set.v[i].value);
        else if (there)
            now = jval_without(&c->arena, &now, key);
        else if (m->labels)
            ctl_say(c, "label \"%.*s\" not found.\n", STR_ARG(key));
    }
    return now;
}

static const char *done_text(const struct marking *m, const struct jval *all, const struct jval *now) {
    if (!m->labels)
        return "annotated";
    if (all && jval_equal(all, now))
        return "not labeled";
    return all && now->n < all->n && !opt_bool(&m->c->opts, "overwrite") ? "unlabeled" : "labeled";
}

static int mark_one(struct marking *m, struct target *t, struct problem *p) {
    struct ctl *c = m->c;
    const struct jval *all = jval_path(&t->object, path_of(m));
    if (refuse_overwriting(m, all, p))
        return CTL_PROBLEM;
    struct jval now = changed(m, all), patch = jval_object(NULL, 0), result;
    const char *done = done_text(m, all, &now);
    struct str version = opt_str(&c->opts, "resource-version");
    result = object_with(&c->arena, &t->object, path_of(m), now);
    if (m->dry != DRY_RUN_CLIENT && !opt_bool(&c->opts, "local")) {
        struct write_options o = {.dry_run = m->dry == DRY_RUN_SERVER,
                                  .field_manager = opt_str(&c->opts, "field-manager")};
        struct jobject set = m->set;
        patch = object_with(&c->arena, &patch, path_of(m), jobject_done(&set));
        if (version.n)
            patch = object_with(&c->arena, &patch, "metadata.resourceVersion", jval_str(version));
        if (object_patch(c, t->resource, t->ns, t->name, PATCH_MERGE_DOC, object_json(&c->arena, &patch), &o,
                         &result, p))
            return CTL_PROBLEM;
    }
    return printer_print(m->printer, t->resource, &result, done, p);
}

static int run(struct ctl *c, bool labels) {
    struct marking m = {.c = c, .labels = labels, .what = labels ? "label" : "annotation"};
    struct problem p;
    struct targets t = {0};
    if (read_arguments(&m, &p))
        return ctl_fail(c, &p);
    if (check_arguments(&m))
        return 1;
    struct select s = {.args = m.objects, .n_args = m.n_objects, .fetch = true, .no_objects = true};
    if (printer_new(c, &m.printer, &p) || ctl_dry_run(c, &m.dry, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    if (t.n > 1 && opt_str(&c->opts, "resource-version").n)
        return ctl_error(c, "--resource-version may only be used with a single resource");
    struct problem *failed = arena_new_n(&c->arena, t.n + 1, struct problem);
    size_t n_failed = 0;
    for (size_t i = 0; i < t.n; i++) {
        if (m.set.n)
            n_failed += mark_one(&m, &t.v[i], &failed[n_failed]) != 0;
        if (opt_bool(&c->opts, "list"))
            list(&m, &t.v[i], t.n > 1);
    }
    for (size_t i = 0; i < n_failed; i++)
        (void)(n_failed == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
    return c->status;
}

static int run_label(struct ctl *c) {
    return run(c, true);
}

static int run_annotate(struct ctl *c) {
    return run(c, false);
}

#define FLAGS_MARK                                                                                           \
    FLAGS_PRINT, FLAG_DRY_RUN, FLAGS_FILES("Files, folders or addresses that say which objects."),           \
        FLAG_SELECTOR, FLAG_FIELD_SELECTOR, FLAG_ALL_NAMESPACES,                                             \
        FLAG_ALL("All objects of the types in the namespace."), FLAG_LOCAL,                                  \
        {"list", 0, OPT_BOOL, .help = "Print what there is."},                                               \
        {"overwrite", 0, OPT_BOOL, .help = "Change what has another value already."}, {                      \
        "resource-version", 0, OPT_STRING, .help = "Only when the object still is of this version."          \
    }

static const struct opt_row label_flags[] = {FLAGS_MARK, FLAG_FIELD_MANAGER("kubectl-label"), {0}};
static const struct opt_row annotate_flags[] = {FLAGS_MARK, FLAG_FIELD_MANAGER("kubectl-annotate"), {0}};

const struct command command_label = {
    .name = "label",
    .args = "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N "
            "[--resource-version=version] [options]",
    .brief = "Update the labels on a resource",
    .about = "Put labels on objects, by which selectors find them; KEY- takes one away.",
    .examples = "  # A label\n"
                "  kubectl label pods web-0 tier=front\n"
                "  \n"
                "  # Taken away from all pods\n"
                "  kubectl label pods --all tier-\n",
    .flags = label_flags,
    .run = run_label,
};

const struct command command_annotate = {
    .name = "annotate",
    .args = "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N "
            "[--resource-version=version] [options]",
    .brief = "Update the annotations on a resource",
    .about = "Put annotations on objects: texts for people and programs; KEY- takes one away.",
    .examples = "  # A note\n"
                "  kubectl annotate deployment web owner='the web people'\n",
    .flags = annotate_flags,
    .run = run_annotate,
};
