/* get: what there is. */
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/print.h"
#include "ctl/target.h"

static int run(struct ctl *c) {
    struct problem p;
    struct targets t = {0};
    struct printer *pr;
    struct select s = {
        .args = c->opts.args, .n_args = c->opts.n_args, .fetch = true, .all = true, .no_objects = true};
    if (printer_new(c, &pr, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (printer_print(pr, t.v[i].resource, &t.v[i].object, "", &p))
            return ctl_fail(c, &p);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_PRINT,         FLAGS_FILES("Files that say which objects."),
    FLAG_SELECTOR,       FLAG_FIELD_SELECTOR,
    FLAG_ALL_NAMESPACES, {0},
};

const struct command command_get = {
    .name = "get",
    .args = "(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]",
    .brief = "Show one or many objects",
    .flags = flags,
    .run = run,
};
