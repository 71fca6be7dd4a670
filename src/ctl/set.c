/* Selecting objects, changing them, saying so. See set.h. */
#include "ctl/set.h"

#include "ctl/call.h"
#include "ctl/object.h"
#include "ctl/patching.h"

static int set_one(struct setting *x, const struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct jval changed = t->object;
    struct str patch;
    enum patch_type type;
    struct write_options o = {
        .dry_run = x->dry == DRY_RUN_SERVER,
        .field_manager = opt_known(&c->opts, "field-manager") ? opt_str(&c->opts, "field-manager") : S("")};
    if (x->change(x, t, &changed, p))
        return CTL_PROBLEM;
    if (!x->always && jval_equal(&changed, &t->object))
        return 0;
    if (!x->local && x->dry != DRY_RUN_CLIENT) {
        if (patch_between(c, &t->object, &changed, &type, &patch, p))
            return CTL_PROBLEM;
        if (object_patch(c, t->resource, t->ns, t->name, type, patch, &o, &changed, p))
            return x->failure ? problem_set(c, p, "%s %.*s", x->failure, STR_ARG(p->message)) : CTL_PROBLEM;
    }
    return printer_print(x->printer, t->resource, &changed, x->done, p);
}

int set_run(struct setting *x, const struct str *args, size_t n_args) {
    struct ctl *c = x->c;
    struct problem p;
    struct targets t = {0};
    struct select s = {.args = args, .n_args = n_args, .fetch = true};
    x->local = opt_known(&c->opts, "local") && opt_bool(&c->opts, "local");
    s.no_objects = !x->local;
    if (x->local && !opt_given(&c->opts, "filename") && !opt_given(&c->opts, "kustomize"))
        return ctl_error(
            c, "you must specify resources by --filename when --local is set.\n"
               "Example resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'");
    if (printer_new(c, &x->printer, &p) || ctl_dry_run(c, &x->dry, &p) || ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (set_one(x, &t.v[i], &p))
            (void)ctl_fail(c, &p);
    return c->status;
}

int set_pod_path(struct ctl *c, const struct target *t, const char **ret, struct problem *p) {
    struct str kind = object_kind(&t->object);
    if (str_eq(kind, S("Pod")))
        *ret = "spec";
    else if (str_eq(kind, S("CronJob")))
        *ret = "spec.jobTemplate.spec.template.spec";
    else if (jval_path(&t->object, "spec.template.spec"))
        *ret = "spec.template.spec";
    else
        return problem_set(c, p,
                           "%.*s/%.*s the object is not a pod or does not have a pod template: *v1.%.*s",
                           STR_ARG(t->resource->plural), STR_ARG(t->name), STR_ARG(kind));
    return 0;
}

int set_containers(struct ctl *c, const struct target *t, struct str wanted,
                   int (*change)(void *arg, struct jval *container, struct problem *p), void *arg,
                   struct jval *object, size_t *ret_n, struct problem *p) {
    static const char *const lists[] = {"containers", "initContainers"};
    const char *path;
    *ret_n = 0;
    if (set_pod_path(c, t, &path, p))
        return CTL_PROBLEM;
    for (size_t k = 0; k < 2; k++) {
        struct jlist now = {0};
        struct str at = arena_printf(&c->arena, "%s.%s", path, lists[k]);
        const struct jval *all = object_array(object, at.p);
        for (uint32_t i = 0; all && i < all->n; i++) {
            struct jval container = all->items[i];
            if (str_eq(wanted, S("*")) || str_eq(object_str(&container, "name"), wanted)) {
                (*ret_n)++;
                if (change(arg, &container, p))
                    return CTL_PROBLEM;
            }
            jlist_add(&c->arena, &now, container);
        }
        if (all)
            *object = object_with(&c->arena, object, at.p, jlist_done(&now));
    }
    return 0;
}
