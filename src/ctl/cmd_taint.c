/* taint: what keeps pods away from nodes. */
#include "api/name.h"
#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/print.h"
#include "ctl/target.h"

struct taint {
    struct str key, value, effect;
};

struct tainting {
    struct ctl *c;
    struct str *objects; /* arguments that say which */
    size_t n_objects;
    VEC(struct taint) add;
    VEC(struct taint) remove; /* effect "": any */
    struct printer *printer;
    enum dry_run dry;
};

/* -- arguments: nodes, then key=value:effect and key:effect- -- */

static bool is_change(struct str s) {
    return str_find_byte(s, '=') >= 0 || str_find_byte(s, ':') >= 0 || (s.n && s.p[s.n - 1] == '-');
}

static int check_effect(struct ctl *c, struct str effect, struct problem *p) {
    if (str_eq(effect, S("NoSchedule")) || str_eq(effect, S("PreferNoSchedule")) ||
        str_eq(effect, S("NoExecute")))
        return 0;
    return problem_set(
        c, p, "invalid taint effect: %.*s, unsupported taint effect\nSee '%.*s -h' for help and examples",
        STR_ARG(effect), STR_ARG(c->path));
}

static int invalid(struct ctl *c, struct str spec, const struct name_errors *why, struct problem *p) {
    _cleanup_buf struct buf text = BUF_INIT;
    for (uint32_t i = 0; why && i < why->n; i++)
        buf_printf(&text, "%s%.*s", i ? "; " : ", ", STR_ARG(why->v[i]));
    return problem_set(c, p, "invalid taint spec: %.*s%.*s\nSee '%.*s -h' for help and examples",
                       STR_ARG(spec), STR_ARG(buf_view(&text)), STR_ARG(c->path));
}

static int parse(struct ctl *c, struct str spec, struct taint *ret, struct problem *p) {
    struct str rest;
    bool has_effect = str_split(spec, ':', &rest, &ret->effect);
    bool has_value = str_split(rest, '=', &ret->key, &ret->value);
    struct name_errors why = NAME_ERRORS_INIT;
    if (has_value && !has_effect)
        return invalid(c, spec, NULL, p);
    if (has_effect && check_effect(c, ret->effect, p))
        return CTL_PROBLEM;
    if (name_check_qualified(ret->key, &why) < 0 ||
        (ret->value.n && name_check_label_value(ret->value, &why) < 0))
        return invalid(c, spec, &why, p);
    return 0;
}

static int add_change(struct tainting *x, struct str s, struct problem *p) {
    struct ctl *c = x->c;
    struct taint t = {0};
    bool removes = s.p[s.n - 1] == '-';
    if (parse(c, str_cut(s, s.n - removes), &t, p))
        return CTL_PROBLEM;
    if (removes) {
        vec_push_in(&c->arena, &x->remove, t);
        return 0;
    }
    if (!t.effect.n)
        return invalid(c, s, NULL, p);
    vec_foreach (e, &x->add)
        if (str_eq(e->key, t.key) && str_eq(e->effect, t.effect))
            return problem_set(
                c, p,
                "duplicated taints with the same key and effect: {%.*s %.*s %.*s <nil>}\nSee '%.*s -h' "
                "for help and examples",
                STR_ARG(t.key), STR_ARG(t.value), STR_ARG(t.effect), STR_ARG(c->path));
    vec_push_in(&c->arena, &x->add, t);
    return 0;
}

static int read_arguments(struct tainting *x, struct problem *p) {
    struct ctl *c = x->c;
    const struct opts *o = &c->opts;
    x->objects = arena_new_n(&c->arena, o->n_args + 1, struct str);
    for (size_t i = 0; i < o->n_args; i++) {
        bool change = is_change(o->args[i]);
        if (!change && (x->add.n || x->remove.n))
            return problem_set(c, p, "all resources must be specified before taint changes: %.*s",
                               STR_ARG(o->args[i]));
        if (change && add_change(x, o->args[i], p))
            return CTL_PROBLEM;
        if (!change)
            x->objects[x->n_objects++] = o->args[i];
    }
    if (x->n_objects == 0)
        return problem_set(c, p, "one or more resources must be specified as <resource> <name>");
    if (!x->add.n && !x->remove.n)
        return problem_set(c, p, "at least one taint update is required");
    return 0;
}

static int check_arguments(struct tainting *x, struct problem *p) {
    struct ctl *c = x->c;
    const struct resource *r;
    if (resource_find(c, x->objects[0], &r, p))
        return CTL_PROBLEM;
    if (!str_eq(r->kind, S("Node")) || r->group.n)
        return problem_set(c, p, "invalid resource type %.*s, only node types are supported",
                           STR_ARG(x->objects[0]));
    if (x->n_objects == 1 && !opt_bool(&c->opts, "all") && !opt_given(&c->opts, "selector"))
        return problem_set(c, p,
                           "at least one resource name must be specified since 'all' parameter is not set");
    if (opt_bool(&c->opts, "all"))
        x->n_objects = 1; /* CONFORMS: names do not count then */
    return 0;
}

/* -- one node -- */

static bool is_same(const struct jval *taint, const struct taint *t) {
    return str_eq(object_str(taint, "key"), t->key) &&
           (!t->effect.n || str_eq(object_str(taint, "effect"), t->effect));
}

static bool is_replaced(const struct tainting *x, const struct jval *taint) {
    vec_foreach (t, &x->add)
        if (is_same(taint, t))
            return true;
    return false;
}

static int refuse_overwriting(struct tainting *x, struct str node, const struct jval *all,
                              struct problem *p) {
    _cleanup_buf struct buf keys = BUF_INIT;
    if (opt_bool(&x->c->opts, "overwrite"))
        return 0;
    vec_foreach (t, &x->add)
        for (uint32_t i = 0; all && i < all->n; i++)
            if (is_same(&all->items[i], t))
                buf_printf(&keys, "%s%.*s", keys.n ? "," : "", STR_ARG(t->key));
    if (!keys.n)
        return 0;
    return problem_set(x->c, p,
                       "node %.*s already has %.*s taint(s) with same effect(s) and --overwrite is false",
                       STR_ARG(node), STR_ARG(buf_view(&keys)));
}

static int check_removed(struct tainting *x, const struct jval *all, struct problem *p) {
    _cleanup_buf struct buf missing = BUF_INIT;
    vec_foreach (t, &x->remove) {
        bool found = false;
        for (uint32_t i = 0; all && i < all->n; i++)
            found |= is_same(&all->items[i], t);
        if (!found)
            buf_printf(&missing, "%staint \"%.*s%s%.*s\" not found", missing.n ? "\n" : "", STR_ARG(t->key),
                       t->effect.n ? ":" : "", STR_ARG(t->effect));
    }
    if (!missing.n)
        return 0;
    struct str text = buf_view(&missing);
    return str_find_byte(text, '\n') < 0 ? problem_set(x->c, p, "%.*s", STR_ARG(text))
                                         : problem_say(x->c, p, "%.*s", STR_ARG(text));
}

static bool is_removed(const struct tainting *x, const struct jval *taint) {
    vec_foreach (t, &x->remove)
        if (is_same(taint, t))
            return true;
    return false;
}

/* What the node's list would be: new ones first. */
static struct jval changed(struct tainting *x, const struct jval *all, const char **ret_done) {
    struct ctl *c = x->c;
    struct jlist now = {0};
    bool replaces = false, removes = false;
    vec_foreach (t, &x->add) {
        struct jval v = tree_of_pairs(c, "key", jval_str(t->key), "effect", jval_str(t->effect), NULL);
        if (t->value.n)
            v = jval_with(&c->arena, &v, S("value"), jval_str(t->value));
        jlist_add(&c->arena, &now, v);
    }
    for (uint32_t i = 0; all && i < all->n; i++) {
        bool replaced = is_replaced(x, &all->items[i]), removed = is_removed(x, &all->items[i]);
        replaces |= replaced;
        removes |= removed;
        if (!replaced && !removed)
            jlist_add(&c->arena, &now, all->items[i]);
    }
    *ret_done = replaces || (x->add.n && removes) ? "modified" : x->add.n ? "tainted" : "untainted";
    return jlist_done(&now);
}

static int taint_one(struct tainting *x, const struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    const struct jval *all = object_array(&t->object, "spec.taints");
    const char *done;
    if (refuse_overwriting(x, t->name, all, p) || check_removed(x, all, p))
        return CTL_PROBLEM;
    struct jval now = changed(x, all, &done), patch = jval_null();
    struct jval result = object_with(&c->arena, &t->object, "spec.taints", now);
    struct write_options o = {.dry_run = x->dry == DRY_RUN_SERVER,
                              .field_manager = opt_str(&c->opts, "field-manager")};
    patch = object_with(&c->arena, &patch, "spec.taints", now.n ? now : jval_null());
    if (x->dry != DRY_RUN_CLIENT && object_patch(c, t->resource, t->ns, t->name, PATCH_MERGE_DOC,
                                                 object_json(&c->arena, &patch), &o, &result, p))
        return CTL_PROBLEM;
    return printer_print(x->printer, t->resource, &result, done, p);
}

static int run(struct ctl *c) {
    struct tainting x = {.c = c};
    struct problem p;
    struct targets t = {0};
    if (read_arguments(&x, &p) || ctl_connect(c, &p) || check_arguments(&x, &p) ||
        printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p))
        return ctl_fail(c, &p);
    printer_without_suffix(x.printer);
    struct select s = {.args = x.objects, .n_args = x.n_objects, .fetch = true, .all = true};
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (taint_one(&x, &t.v[i], &p))
            (void)ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAG_SELECTOR,
    FLAG_ALL("All nodes."),
    FLAG_VALIDATE,
    FLAG_FIELD_MANAGER("kubectl-taint"),
    {"overwrite", 0, OPT_BOOL, .help = "Change what has another value already."},
    {0},
};

const struct command command_taint = {
    .name = "taint",
    .args = "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]",
    .brief = "Update the taints on one or more nodes",
    .about = "Taints keep pods away from nodes that do not tolerate them. Effects are NoSchedule, "
             "PreferNoSchedule and "
             "NoExecute; KEY- and KEY:EFFECT- take taints away.",
    .examples = "  # Only pods that tolerate dedicated=batch\n"
                "  kubectl taint nodes worker-1 dedicated=batch:NoSchedule\n"
                "  \n"
                "  # Taken away again\n"
                "  kubectl taint nodes worker-1 dedicated-\n",
    .flags = flags,
    .run = run,
};
