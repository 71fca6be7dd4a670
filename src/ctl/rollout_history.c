/* What was before: history and undo. See rollout.h. */
#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/describe.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/patching.h"
#include "ctl/rollout.h"

#define REVISION "deployment.kubernetes.io/revision"
#define CAUSE "kubernetes.io/change-cause"

/* One state that was: a replica set or a controller revision. */
struct past {
    int64_t revision;
    struct str cause;
    struct jval object, template;
    struct jval then; /* what is printed of it: the replica set, or the object as it was */
};

struct history {
    struct ctl *c;
    const struct target *of;
    enum rolled kind;
    const struct resource *resource; /* of the objects that keep it */
    VEC(struct past) all;            /* oldest first */
};

static bool is_owned(const struct jval *o, struct str uid) {
    const struct jval *owners = object_array(o, "metadata.ownerReferences");
    for (uint32_t i = 0; owners && i < owners->n; i++)
        if (object_bool(&owners->items[i], "controller") && str_eq(object_str(&owners->items[i], "uid"), uid))
            return true;
    return false;
}

static int by_revision(const void *a, const void *b) {
    const struct past *x = a, *y = b;
    return x->revision < y->revision ? -1 : x->revision > y->revision;
}

/* The template as it was: of a replica set, or of the object with a revision's patch. */
static int template_of(struct history *h, struct past *x, struct problem *p) {
    const struct jval *data = jval_get(&x->object, S("data"));
    x->then = x->object;
    if (h->kind != ROLLED_DEPLOYMENT && data &&
        patch_locally(h->c, PATCH_STRATEGIC, &h->of->object, data, &x->then, p))
        return CTL_PROBLEM;
    const struct jval *t = jval_path(&x->then, "spec.template");
    x->template = t ? *t : jval_null();
    return 0;
}

static int add_past(struct history *h, const struct jval *o, struct problem *p) {
    struct arena *a = &h->c->arena;
    struct past x = {.object = *o, .cause = object_annotation(o, S(CAUSE))};
    x.object =
        jval_with(a, &x.object, S("apiVersion"), jval_str(h->resource->api_version)); /* lists leave it out */
    x.object = jval_with(a, &x.object, S("kind"), jval_str(h->resource->kind));
    if (h->kind == ROLLED_DEPLOYMENT)
        (void)str_to_i64(object_annotation(o, S(REVISION)), &x.revision);
    else
        x.revision = object_int(o, "revision", 0);
    if (template_of(h, &x, p))
        return CTL_PROBLEM;
    vec_push_in(&h->c->arena, &h->all, x);
    return 0;
}

static int history_read(struct ctl *c, const struct target *t, struct history *ret, struct problem *p) {
    struct history h = {.c = c, .of = t, .kind = rolled_kind(t->resource)};
    struct jval items;
    const char *plural = h.kind == ROLLED_DEPLOYMENT ? "replicasets" : "controllerrevisions";
    struct list_options o = {
        .label_selector = selector_text(&c->arena, jval_path(&t->object, "spec.selector")), .limit = 500};
    h.resource = resource_get(c, S("apps"), S(""), str_from(plural));
    if (!h.resource)
        return problem_set(c, p, "the server doesn't have a resource type \"%s\"", plural);
    if (object_list_all(c, h.resource, t->ns, &o, &items, p))
        return CTL_PROBLEM;
    for (uint32_t i = 0; i < items.n; i++)
        if (is_owned(&items.items[i], object_str(&t->object, "metadata.uid")) &&
            add_past(&h, &items.items[i], p))
            return CTL_PROBLEM;
    if (h.all.n)
        qsort(h.all.v, h.all.n, sizeof *h.all.v, by_revision);
    *ret = h;
    return 0;
}

static const struct past *past_at(const struct history *h, int64_t revision) {
    vec_foreach (x, &h->all)
        if (x->revision == revision)
            return x;
    return NULL;
}

/* "Pod Template:" and the lines of it, with tabs as they are. */
static struct str template_text(struct history *h, const struct past *x, bool cause) {
    struct describing d = {
        .c = h->c, .resource = h->resource, .o = &x->object, .raw = BUF_INIT, .out = BUF_INIT};
    struct jval t = x->template;
    if (cause && x->cause.n)
        t = object_with_annotation(&h->c->arena, &t, S(CAUSE), x->cause);
    describe_template(&d, &t);
    struct str text = buf_to_arena(&d.raw, &h->c->arena);
    buf_fini(&d.raw);
    return text;
}

/* -- history -- */

static int print_history(struct ctl *c, struct history *h, struct str title) {
    struct columns t;
    _cleanup_buf struct buf out = BUF_INIT;
    if (h->all.n == 0) {
        ctl_say(c, "%.*s \nNo rollout history found.\n", STR_ARG(title));
        return 0;
    }
    columns_init(&t, &c->arena, 0, 2);
    columns_text(&t, "REVISION\tCHANGE-CAUSE");
    vec_foreach (x, &h->all)
        columns_text(&t, "%lld\t%.*s", (long long)x->revision, STR_ARG(x->cause.n ? x->cause : S("<none>")));
    columns_flush(&t, &out, false);
    ctl_say(c, "%.*s \n", STR_ARG(title));
    ctl_put(c, buf_view(&out));
    ctl_say(c, "\n");
    return 0;
}

static int show_history(struct ctl *c, const struct target *t, struct printer *printer, struct problem *p) {
    struct history h;
    int64_t revision = opt_int(&c->opts, "revision");
    struct str title =
        arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(resource_kind_name(c, t->resource)), STR_ARG(t->name));
    if (rolled_kind(t->resource) == ROLLED_NOT)
        return problem_set(c, p, "no history viewer has been implemented for \"%.*s%s%.*s\"",
                           STR_ARG(t->resource->kind), t->resource->group.n ? "." : "",
                           STR_ARG(t->resource->group));
    if (history_read(c, t, &h, p))
        return CTL_PROBLEM;
    const struct past *one = revision ? past_at(&h, revision) : NULL;
    if (revision && !one)
        return problem_set(c, p, "unable to find the specified revision");
    if (opt_given(&c->opts, "output")) {
        vec_foreach (x, &h.all)
            if ((!one || x == one) && printer_print_typed(printer, &x->then, "", p))
                return CTL_PROBLEM;
        return 0;
    }
    if (!one)
        return print_history(c, &h, title);
    ctl_say(c, "%.*s with revision #%lld\n", STR_ARG(title), (long long)revision);
    ctl_put(c, template_text(&h, one, h.kind == ROLLED_DEPLOYMENT));
    ctl_say(c, "\n");
    return 0;
}

static int run_history(struct ctl *c) {
    struct targets t = {0};
    struct problem p;
    struct printer *printer;
    if (opt_int(&c->opts, "revision") < 0)
        return ctl_error(c, "revision must be a positive integer: %lld",
                         (long long)opt_int(&c->opts, "revision"));
    if (printer_new(c, &printer, &p))
        return ctl_fail(c, &p);
    if (rollout_select(c, &t))
        return 1;
    for (size_t i = 0; i < t.n; i++)
        if (show_history(c, &t.v[i], printer, &p))
            return ctl_fail(c, &p);
    return c->status;
}

/* -- undo -- */

/* CONFORMS: these stay as they are; all other annotations come back with the template. */
static bool stays(struct str key) {
    static const char *const keys[] = {"kubectl.kubernetes.io/last-applied-configuration",
                                       REVISION,
                                       "deployment.kubernetes.io/revision-history",
                                       "deployment.kubernetes.io/desired-replicas",
                                       "deployment.kubernetes.io/max-replicas",
                                       "deprecated.deployment.rollback.to"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_eq(key, str_from(keys[i])))
            return true;
    return false;
}

static void keep(struct ctl *c, struct jobject *to, const struct jval *from, bool staying) {
    for (uint32_t i = 0; from && from->kind == J_OBJECT && i < from->n; i++)
        if (stays(from->members[i].key) == staying)
            jobject_set(&c->arena, to, from->members[i].key, from->members[i].value);
}

static struct jval plain(struct ctl *c, const struct jval *template) {
    const struct str keys[] = {S("metadata"), S("labels"), S("pod-template-hash")};
    return object_without_keys(&c->arena, template, keys, 3);
}

static struct jval replacement(struct ctl *c, const char *path, struct jval value) {
    struct jval op = jval_null();
    op = jval_with(&c->arena, &op, S("op"), jval_str(S("add"))); /* replaces what is there */
    op = jval_with(&c->arena, &op, S("path"), jval_str(str_from(path)));
    return jval_with(&c->arena, &op, S("value"), value);
}

static int roll_back(struct history *h, const struct past *x, bool dry, struct jval *ret, struct problem *p) {
    struct ctl *c = h->c;
    const struct target *t = h->of;
    struct write_options o = {.dry_run = dry, .field_manager = opt_str(&c->opts, "field-manager")};
    struct jobject annotations = {0};
    struct jlist patch = {0};
    if (h->kind != ROLLED_DEPLOYMENT)
        return object_patch(c, t->resource, t->ns, t->name, PATCH_STRATEGIC,
                            object_json(&c->arena, jval_get(&x->object, S("data"))), &o, ret, p);
    keep(c, &annotations, jval_path(&t->object, "metadata.annotations"), true);
    keep(c, &annotations, jval_path(&x->object, "metadata.annotations"), false);
    jlist_add(&c->arena, &patch, replacement(c, "/spec/template", plain(c, &x->template)));
    jlist_add(&c->arena, &patch, replacement(c, "/metadata/annotations", jobject_done(&annotations)));
    struct jval list = jlist_done(&patch);
    return object_patch(c, t->resource, t->ns, t->name, PATCH_JSON, object_json(&c->arena, &list), &o, ret,
                        p);
}

/* Which state is meant: that of a revision, or the one before the newest. */
static int choose(struct history *h, int64_t revision, const struct past **ret, struct problem *p) {
    struct ctl *c = h->c;
    *ret = revision ? past_at(h, revision) : h->all.n > 1 ? &h->all.v[h->all.n - 2] : NULL;
    if (*ret)
        return 0;
    if (revision)
        return problem_set(c, p, "unable to find specified revision %lld in history", (long long)revision);
    if (h->kind == ROLLED_DEPLOYMENT)
        return problem_set(c, p, "no rollout history found for deployment \"%.*s\"", STR_ARG(h->of->name));
    return problem_set(c, p, "no last revision to roll back to");
}

static int undo(struct ctl *c, const struct target *t, struct printer *printer, enum dry_run dry,
                struct problem *p) {
    struct history h;
    const struct past *x;
    struct jval result = t->object;
    int64_t revision = opt_int(&c->opts, "to-revision");
    if (rolled_kind(t->resource) == ROLLED_NOT)
        return problem_set(c, p, "no rollbacker has been implemented for \"%.*s%s%.*s\"",
                           STR_ARG(t->resource->kind), t->resource->group.n ? "." : "",
                           STR_ARG(t->resource->group));
    if (history_read(c, t, &h, p) || choose(&h, revision, &x, p))
        return CTL_PROBLEM;
    if (dry == DRY_RUN_CLIENT) {
        struct str text =
            arena_printf(&c->arena, "%s%.*s", h.kind == ROLLED_DEPLOYMENT ? "" : "will roll back to ",
                         STR_ARG(template_text(&h, x, false)));
        return printer_print(printer, t->resource, &result, text.p, p);
    }
    if (object_bool(&t->object, "spec.paused"))
        return problem_set(
            c, p,
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' "
            "and try again");
    const struct jval *now = jval_path(&t->object, "spec.template");
    struct jval then = plain(c, &x->template), same = plain(c, now ? now : &then);
    if (jval_equal(&then, &same)) {
        struct str text =
            arena_printf(&c->arena, "skipped rollback (current template already matches revision %lld)",
                         (long long)revision);
        printer_without_suffix(printer);
        return printer_print(printer, t->resource, &result, text.p, p);
    }
    if (roll_back(&h, x, dry == DRY_RUN_SERVER, &result, p))
        return CTL_PROBLEM;
    return printer_print(printer, t->resource, &result, "rolled back", p);
}

static int run_undo(struct ctl *c) {
    struct targets t = {0};
    struct problem p;
    struct printer *printer;
    enum dry_run dry;
    if (printer_new(c, &printer, &p) || ctl_dry_run(c, &dry, &p))
        return ctl_fail(c, &p);
    if (rollout_select(c, &t))
        return 1;
    struct problem *failed = arena_new_n(&c->arena, t.n + 1, struct problem);
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        n += undo(c, &t.v[i], printer, dry, &failed[n]) != 0;
    return rollout_failed(c, failed, n);
}

/* -- rows -- */

static const struct opt_row history_flags[] = {
    FLAGS_PRINT,
    FLAGS_ROLLOUT("Files that say which objects."),
    {"revision", 0, OPT_INT, .help = "Show everything about this revision."},
    {0},
};
const struct command rollout_history = {
    .name = "history",
    .args = "(TYPE NAME | TYPE/NAME) [flags]",
    .brief = "View rollout history",
    .examples = "  # The revisions of the deployment web\n"
                "  kubectl rollout history deployment/web\n"
                "  \n"
                "  # The template of one\n"
                "  kubectl rollout history deployment/web --revision=3\n",
    .flags = history_flags,
    .run = run_history,
};

static const struct opt_row undo_flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAGS_ROLLOUT("Files that say which objects."),
    FLAG_FIELD_MANAGER("kubectl-rollout"),
    {"to-revision", 0, OPT_INT, .help = "Which revision; 0 is the one before the newest."},
    {0},
};
const struct command rollout_undo = {
    .name = "undo",
    .args = "(TYPE NAME | TYPE/NAME) [flags]",
    .brief = "Undo a previous rollout",
    .examples = "  # Back to what was before\n"
                "  kubectl rollout undo deployment/web\n"
                "  \n"
                "  # Back to a revision of the history\n"
                "  kubectl rollout undo daemonset/agent --to-revision=3\n",
    .flags = undo_flags,
    .run = run_undo,
};
