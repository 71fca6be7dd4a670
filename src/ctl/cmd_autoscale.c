/* autoscale: as many pods as are needed, between two numbers. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/target.h"

/* "70%" of what is asked for, or an amount. */
static int add_metric(struct ctl *c, struct jlist *metrics, const char *name, struct str target) {
    int64_t percent;
    struct jval to;
    if (!target.n)
        return 0;
    if (target.p[target.n - 1] == '%') {
        if (!str_to_i64(str_cut(target, target.n - 1), &percent) || percent <= 0)
            return ctl_error(c, "invalid %s value: %.*s", name, STR_ARG(target));
        to = tree_of_pairs(c, "type", jval_str(S("Utilization")), "averageUtilization", jval_int(percent),
                           NULL);
    } else {
        to = tree_of_pairs(c, "type", jval_str(S("AverageValue")), "averageValue", jval_str(target), NULL);
    }
    struct jval resource = tree_of_pairs(c, "name", jval_str(str_from(name)), "target", to, NULL);
    jlist_add(&c->arena, metrics,
              tree_of_pairs(c, "type", jval_str(S("Resource")), "resource", resource, NULL));
    return 0;
}

static int autoscale(struct ctl *c, const struct target *t, const struct jlist *metrics) {
    const struct resource *r = t->resource;
    const struct opts *o = &c->opts;
    struct maker m;
    struct str name = opt_str(o, "name");
    if (!resource_has_sub(r, S("scale")))
        return ctl_error(
            c,
            "cannot autoscale a %.*s: could not find scale subresource for %.*s/%.*s, Resource=%.*s in "
            "discovery information",
            STR_ARG(r->kind), STR_ARG(r->group), STR_ARG(r->version), STR_ARG(r->plural));
    maker_init(&m, c, "autoscaling/v2", "HorizontalPodAutoscaler", name.n ? name : t->name);
    m.done = "autoscaled";
    maker_str(&m, "spec.scaleTargetRef.apiVersion", r->api_version);
    maker_str(&m, "spec.scaleTargetRef.kind", r->kind);
    maker_str(&m, "spec.scaleTargetRef.name", t->name);
    maker_int(&m, "spec.maxReplicas", opt_int(o, "max"));
    if (opt_int(o, "min") > 0)
        maker_int(&m, "spec.minReplicas", opt_int(o, "min"));
    if (metrics->n)
        maker_set(&m, "spec.metrics", jlist_done(metrics));
    return maker_run(&m, NULL);
}

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct targets t = {0};
    struct jlist metrics = {0};
    struct str cpu = opt_str(o, "cpu");
    int64_t percent = opt_int(o, "cpu-percent");
    struct select s = {.args = o->args, .n_args = o->n_args, .fetch = true, .no_objects = true};
    if (opt_given(o, "cpu-percent"))
        (void)fprintf(
            c->err, "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity "
                    "format (e.g., '70%%' for utilization or '500m' for milliCPU).\n");
    if (opt_int(o, "max") < 1)
        return ctl_error(c, "--max=MAXPODS is required and must be at least 1, max: %lld",
                         (long long)opt_int(o, "max"));
    if (opt_int(o, "max") < opt_int(o, "min"))
        return ctl_error(c, "--max=MAXPODS must be larger or equal to --min=MINPODS, max: %lld, min: %lld",
                         (long long)opt_int(o, "max"), (long long)opt_int(o, "min"));
    if (percent > 0 && !cpu.n)
        cpu = arena_printf(&c->arena, "%lld%%", (long long)percent);
    if (add_metric(c, &metrics, "cpu", cpu) || add_metric(c, &metrics, "memory", opt_str(o, "memory")))
        return 1;
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (autoscale(c, &t.v[i], &metrics))
            c->status = 1;
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-autoscale"),
    FLAGS_FILES("Files that say what is scaled."),
    {"cpu", 0, OPT_STRING, .help = "CPU that pods shall use: 70% of what they ask for, or an amount (500m)."},
    {"cpu-percent", 0, OPT_INT, "-1", .help = "Deprecated: --cpu=N%.", .hidden = true},
    {"max", 0, OPT_INT, "-1", .help = "How many pods at most.", .required = true},
    {"memory", 0, OPT_STRING,
     .help = "Memory that pods shall use: 60% of what they ask for, or an amount (200Mi)."},
    {"min", 0, OPT_INT, "-1", .help = "How many pods at least; the server's default when it is not given."},
    {"name", 0, OPT_STRING, .help = "Name of the autoscaler instead of the object's."},
    {0},
};

const struct command command_autoscale = {
    .name = "autoscale",
    .args = "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] "
            "[--memory=MEMORY] [flags]",
    .brief = "Auto-scale a deployment, replica set, stateful set, or replication controller",
    .examples = "  # Between two and ten pods\n"
                "  kubectl autoscale deployment web --min=2 --max=10 --cpu=70%\n",
    .flags = flags,
    .run = run,
};
