/* scale: how many pods. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/delete.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/print.h"

struct scaling {
    struct ctl *c;
    struct printer *printer;
    enum dry_run dry;
    int64_t replicas, current;
    struct str version;
};

/* --current-replicas and --resource-version: only when it still is so. */
static int still_so(struct scaling *x, const struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct jval scale;
    struct get_options o = {.subresource = S("scale")};
    if (x->current < 0 && !x->version.n)
        return 0;
    if (object_get_as(c, t->resource, t->ns, t->name, &o, &scale, p))
        return CTL_PROBLEM;
    int64_t now = object_int(&scale, "spec.replicas", 0);
    struct str version = object_str(&scale, "metadata.resourceVersion");
    if (x->current >= 0 && now != x->current)
        return problem_set(c, p, "Expected replicas to be %lld, was %lld", (long long)x->current,
                           (long long)now);
    if (x->version.n && !str_eq(version, x->version))
        return problem_set(c, p, "Expected resource version to be %.*s, was %.*s", STR_ARG(x->version),
                           STR_ARG(version));
    return 0;
}

static int scale_one(struct scaling *x, struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct write_options o = {.dry_run = x->dry == DRY_RUN_SERVER, .subresource = S("scale")};
    struct jval patch =
        tree_of_pairs(c, "spec", tree_of_pairs(c, "replicas", jval_int(x->replicas), NULL), NULL);
    if (x->dry != DRY_RUN_CLIENT) {
        if (still_so(x, t, p) || object_patch(c, t->resource, t->ns, t->name, PATCH_MERGE_DOC,
                                              object_json(&c->arena, &patch), &o, NULL, p))
            return CTL_PROBLEM;
    }
    return printer_print(x->printer, t->resource, &t->object, "scaled", p);
}

static int replicas_are(void *arg, const struct jval *object, struct problem *p) {
    const struct scaling *x = arg;
    (void)p;
    return object && object_int(object, "status.replicas", 0) == x->replicas &&
           object_int(object, "status.observedGeneration", 0) >= object_int(object, "metadata.generation", 0);
}

/* --timeout: until there are so many. */
static int wait_for(struct scaling *x, const struct target *t, struct problem *p) {
    bool met;
    int64_t timeout = opt_ns(&x->c->opts, "timeout");
    if (!timeout || x->dry != DRY_RUN_NONE)
        return 0;
    if (wait_until(x->c, t->resource, t->ns, t->name, timeout, replicas_are, x, &met, p))
        return CTL_PROBLEM;
    return met ? 0 : problem_set(x->c, p, "timed out waiting for %.*s to be scaled", STR_ARG(t->name));
}

static int run(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    const struct opts *o = &c->opts;
    struct scaling x = {.c = c,
                        .replicas = opt_int(o, "replicas"),
                        .current = opt_int(o, "current-replicas"),
                        .version = opt_str(o, "resource-version")};
    if (x.replicas < 0)
        return ctl_error(
            c, "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    struct select s = {.args = o->args, .n_args = o->n_args, .fetch = true, .no_objects = true};
    if (printer_new(c, &x.printer, &p) || ctl_dry_run(c, &x.dry, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    if (t.n > 1 && x.version.n)
        return ctl_error(c, "cannot use --resource-version with multiple resources");
    for (size_t i = 0; i < t.n; i++)
        if (scale_one(&x, &t.v[i], &p) || wait_for(&x, &t.v[i], &p))
            (void)ctl_fail(c, &p);
    if (!t.n && !c->status)
        return ctl_error(c, "no objects passed to scale");
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAGS_FILES("Files, folders or addresses that say which objects."),
    FLAG_SELECTOR,
    FLAG_ALL("All objects of the type in the namespace."),
    {"current-replicas", 0, OPT_INT, "-1", .help = "Only when there are so many now."},
    {"replicas", 0, OPT_INT, .help = "How many there shall be.", .required = true},
    {"resource-version", 0, OPT_STRING, .help = "Only when the object still is of this version."},
    {"timeout", 0, OPT_DURATION, "0s", .help = "Wait until there are so many, for so long; 0 does not wait."},
    {0},
};

const struct command command_scale = {
    .name = "scale",
    .args =
        "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME) "
        "[options]",
    .brief = "Set a new size for a deployment, replica set, or replication controller",
    .examples = "  # Three pods\n"
                "  kubectl scale deployment/web --replicas=3\n",
    .flags = flags,
    .run = run,
};
