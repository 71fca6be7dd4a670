/* wait: until objects are there, gone, or in a condition. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/jsonpath.h"
#include "ctl/object.h"
#include "ctl/print.h"
#include "ctl/table_print.h"

#define WEEK_NS (7 * 24 * NS_PER_HOUR)
#define RETRY_NS (500 * NS_PER_MS)

enum goal { GOAL_DELETE, GOAL_CREATE, GOAL_CONDITION, GOAL_JSONPATH };

struct waiting {
    struct ctl *c;
    enum goal goal;
    struct str condition, value; /* value absent: any, of paths */
    struct jsonpath *path;
    struct printer *printer;
    int64_t timeout_ns, end_ns;
    struct jval last; /* the object that met it */
};

/* -- goals -- */

static struct str unquoted(struct str s) {
    if (s.n >= 2 && (s.p[0] == '\'' || s.p[0] == '"') && s.p[s.n - 1] == s.p[0])
        return str_make(s.p + 1, s.n - 2);
    return s;
}

/* "{.status.phase}=Running": what is behind the last brace. */
static int read_jsonpath(struct waiting *w, struct str text, struct problem *p) {
    struct err err = ERR_INIT;
    struct str path = text, template;
    ptrdiff_t brace = str_rfind_byte(text, '}');
    struct str behind = brace < 0 ? S("") : str_from_byte(text, (size_t)brace + 1);
    if (str_has_prefix(behind, S("'")))
        behind = str_from_byte(behind, 1);
    w->value = STR_NONE;
    if (str_has_prefix(behind, S("="))) {
        path = str_cut(text, (size_t)brace + 1);
        w->value = unquoted(str_from_byte(behind, 1));
        if (!w->value.n)
            return problem_set(w->c, p,
                               "jsonpath wait has to have a value after equal sign, like "
                               "--for=jsonpath='{.status.readyReplicas}'=3");
    }
    if (jsonpath_relaxed(&w->c->arena, unquoted(path), &template, &err) ||
        jsonpath_parse(&w->c->arena, template, &w->path, &err))
        return problem_of_err(w->c, p, &err);
    return 0;
}

static int read_goal(struct waiting *w, struct problem *p) {
    struct str s = opt_str(&w->c->opts, "for"), value;
    if (str_eq_nocase(s, S("delete"))) {
        w->goal = GOAL_DELETE;
    } else if (str_eq_nocase(s, S("create"))) {
        w->goal = GOAL_CREATE;
    } else if (str_has_prefix(s, S("condition="))) {
        w->goal = GOAL_CONDITION;
        w->value = S("true");
        if (str_split(str_from_byte(s, 10), '=', &w->condition, &value))
            w->value = value;
    } else if (str_has_prefix(s, S("jsonpath="))) {
        w->goal = GOAL_JSONPATH;
        return read_jsonpath(w, str_from_byte(s, 9), p);
    } else {
        return problem_set(w->c, p, "unrecognized condition: \"%.*s\"", STR_ARG(s));
    }
    return 0;
}

static bool condition_met(const struct waiting *w, const struct jval *object) {
    const struct jval *list = object_array(object, "status.conditions");
    int64_t generation = object_int(object, "metadata.generation", 0);
    for (uint32_t i = 0; list && i < list->n; i++) {
        const struct jval *x = &list->items[i];
        if (!str_eq_nocase(object_str(x, "type"), w->condition))
            continue;
        /* what was observed of an older form of the object does not count */
        if (object_int(x, "observedGeneration", generation) < generation ||
            object_int(object, "status.observedGeneration", generation) < generation)
            return false;
        return str_eq_nocase(object_str(x, "status"), w->value);
    }
    return false;
}

static bool path_met(const struct waiting *w, const struct jval *object) {
    struct jsonpath_values found = {0};
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    if (jsonpath_find(w->path, object, true, &a, &found, NULL) || !found.n)
        return false;
    if (!w->value.p)
        return true;
    if (found.n > 1 || found.v[0]->kind == J_ARRAY || found.v[0]->kind == J_OBJECT)
        return false;
    go_value(&text, found.v[0]);
    return str_eq(buf_view(&text), w->value);
}

static int is_met(void *arg, const struct jval *object, struct problem *p) {
    struct waiting *w = arg;
    bool met = false;
    if (!object)
        return w->goal == GOAL_DELETE   ? 1
               : w->goal == GOAL_CREATE ? 0
               : problem_not_found(p)   ? CTL_PROBLEM
                                        : 0;
    if (w->goal == GOAL_CONDITION)
        met = condition_met(w, object);
    else if (w->goal == GOAL_JSONPATH)
        met = path_met(w, object);
    else
        met = w->goal == GOAL_CREATE;
    if (met)
        w->last = jval_copy(&w->c->arena, object);
    return met;
}

/* -- objects -- */

static int64_t left_ns(const struct waiting *w) {
    int64_t left = w->end_ns - clock_mono_ns(clock_system());
    return left > 0 ? left : 0;
}

static int wait_one(struct waiting *w, const struct target *t, struct problem *p) {
    struct ctl *c = w->c;
    bool met = false;
    int rc;
    *p = (struct problem){0};
    w->last = t->object;
    if (w->goal == GOAL_DELETE)
        rc = wait_gone(c, t->resource, t->ns, t->name, object_str(&t->object, "metadata.uid"), left_ns(w),
                       &met, p);
    else
        rc = wait_until(c, t->resource, t->ns, t->name, left_ns(w), is_met, w, &met, p);
    if (rc)
        return CTL_PROBLEM;
    if (!met)
        return problem_set(c, p, "%s %.*s/%.*s",
                           w->timeout_ns ? "timed out waiting for the condition on" : "condition not met for",
                           STR_ARG(resource_full_name(c, t->resource)), STR_ARG(t->name));
    return printer_print(w->printer, t->resource, &w->last, "condition met", p);
}

/* Until what is named, or something with the labels, is there. */
static int wait_for_objects(struct waiting *w, struct select *s, struct targets *t, struct problem *p) {
    struct ctl *c = w->c;
    for (;;) {
        *t = (struct targets){0};
        s->ignore_not_found = true;
        if (ctl_select(c, s, t, p))
            return CTL_PROBLEM;
        if (t->n && (t->lists || t->n >= c->opts.n_args || t->one))
            return 0;
        if (!left_ns(w))
            return problem_set(c, p, "timed out waiting for the condition");
        clock_sleep_ns(clock_system(), RETRY_NS < left_ns(w) ? RETRY_NS : left_ns(w));
    }
}

static int find_objects(struct waiting *w, struct targets *t, struct problem *p) {
    struct ctl *c = w->c;
    struct select s = {.args = c->opts.args,
                       .n_args = c->opts.n_args,
                       .fetch = true,
                       .no_objects = true,
                       .any_namespace = true,
                       .ignore_not_found = w->goal == GOAL_DELETE};
    if (w->goal == GOAL_CREATE)
        return wait_for_objects(w, &s, t, p);
    if (ctl_select(c, &s, t, p))
        return CTL_PROBLEM;
    if (!t->n && w->goal != GOAL_DELETE && !c->status)
        return problem_set(c, p, "no matching resources found");
    return 0;
}

static int run(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    struct waiting w = {.c = c, .timeout_ns = opt_ns(&c->opts, "timeout")};
    if (printer_new(c, &w.printer, &p) || read_goal(&w, &p))
        return ctl_fail(c, &p);
    if (w.timeout_ns < 0)
        w.timeout_ns = WEEK_NS;
    w.end_ns = clock_mono_ns(clock_system()) + w.timeout_ns;
    if (find_objects(&w, &t, &p))
        return ctl_fail(c, &p);
    struct problem *failed = arena_new_n(&c->arena, t.n + 1, struct problem);
    size_t n_failed = 0;
    for (size_t i = 0; i < t.n; i++)
        n_failed += wait_one(&w, &t.v[i], &failed[n_failed]) != 0;
    for (size_t i = 0; i < n_failed; i++)
        (void)(n_failed == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    {"filename", 'f', OPT_LIST, .help = "Files, folders or addresses that say which objects."},
    {"recursive", 'R', OPT_BOOL, "true", .help = "Look for files in the folders below, too."},
    FLAG_SELECTOR,
    FLAG_FIELD_SELECTOR,
    FLAG_ALL_NAMESPACES,
    FLAG_ALL("All objects of the types in the namespace."),
    FLAG_LOCAL,
    {"for", 0, OPT_STRING,
     .help = "create, delete, condition=NAME[=VALUE] (true without one), or jsonpath='{PATH}'[=VALUE]."},
    {"timeout", 0, OPT_DURATION, "30s", .help = "How long; 0 looks once, below 0 is a week."},
    {0},
};

const struct command command_wait = {
    .name = "wait",
    .args =
        "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|"
        "--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]",
    .brief = "Wait for a specific condition on one or many resources",
    .examples = "  # Until a pod is ready\n"
                "  kubectl wait --for=condition=Ready pod/web-0\n"
                "  \n"
                "  # Until it is gone, for a minute at most\n"
                "  kubectl wait --for=delete pod/web-0 --timeout=60s\n"
                "  \n"
                "  # Until a field has a value\n"
                "  kubectl wait --for=jsonpath='{.status.phase}'=Running pod/web-0\n",
    .flags = flags,
    .run = run,
};
