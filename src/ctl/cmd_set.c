/* set: image, resources, selector, serviceaccount, subject. */
#include "api/quantity.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/set.h"

/* Arguments that say which objects, and key=value pairs. */
struct pairs {
    struct str *objects, *pairs;
    size_t n_objects, n_pairs;
};

static void split(struct ctl *c, struct pairs *ret) {
    const struct opts *o = &c->opts;
    ret->objects = arena_new_n(&c->arena, o->n_args + 1, struct str);
    ret->pairs = arena_new_n(&c->arena, o->n_args + 1, struct str);
    for (size_t i = 0; i < o->n_args; i++) {
        if (str_find_byte(o->args[i], '=') >= 0)
            ret->pairs[ret->n_pairs++] = o->args[i];
        else
            ret->objects[ret->n_objects++] = o->args[i];
    }
}

static bool names_objects(struct ctl *c, size_t n_objects) {
    return n_objects || opt_given(&c->opts, "filename") || opt_given(&c->opts, "kustomize");
}

/* -- image -- */

struct image {
    struct ctl *c;
    struct str image;
};

static int put_image(void *arg, struct jval *container, struct problem *p) {
    struct image *x = arg;
    (void)p;
    *container = jval_with(&x->c->arena, container, S("image"), jval_str(x->image));
    return 0;
}

static int change_image(struct setting *x, const struct target *t, struct jval *ret, struct problem *p) {
    const struct pairs *a = x->arg;
    for (size_t i = 0; i < a->n_pairs; i++) {
        struct image image = {.c = x->c};
        struct str name;
        size_t n;
        (void)str_split(a->pairs[i], '=', &name, &image.image);
        if (set_containers(x->c, t, name, put_image, &image, ret, &n, p))
            return CTL_PROBLEM;
        if (n == 0)
            return problem_set(x->c, p, "unable to find container named \"%.*s\"", STR_ARG(name));
    }
    return 0;
}

static int run_image(struct ctl *c) {
    struct pairs a = {0};
    split(c, &a);
    if (a.n_pairs == 0 && names_objects(c, a.n_objects))
        return ctl_error(c, "at least one image update is required");
    struct setting x = {.c = c, .done = "image updated", .change = change_image, .arg = &a};
    x.failure = "failed to patch image update to pod template:";
    return set_run(&x, a.objects, a.n_objects);
}

/* -- resources -- */

struct resources {
    struct ctl *c;
    struct str limits, requests;
};

/* "cpu=1,memory=1Gi" into a map; quantities in their usual form. */
static int put_amounts(struct ctl *c, struct str list, const char *field, struct jval *container,
                       struct problem *p) {
    struct str item, name, amount;
    for (bool more = list.n > 0; more;) {
        struct quantity q;
        char text[QUANTITY_TEXT_MAX];
        more = str_split(list, ',', &item, &list);
        if (!str_split(item, '=', &name, &amount) || str_find_byte(amount, '=') >= 0)
            return problem_set(c, p, "Invalid argument syntax %.*s, expected <resource>=<value>",
                               STR_ARG(item));
        if (quantity_parse(amount, &q, NULL) < 0)
            return problem_set(c, p,
                               "quantities must match the regular expression "
                               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        struct str usual = arena_str(&c->arena, str_make(text, quantity_format(&q, text)));
        const struct str keys[] = {S("resources"), str_from(field), name};
        *container = object_with_keys(&c->arena, container, keys, 3, jval_str(usual));
    }
    return 0;
}

static int put_resources(void *arg, struct jval *container, struct problem *p) {
    struct resources *x = arg;
    return put_amounts(x->c, x->limits, "limits", container, p) ||
                   put_amounts(x->c, x->requests, "requests", container, p)
               ? CTL_PROBLEM
               : 0;
}

static int change_resources(struct setting *x, const struct target *t, struct jval *ret, struct problem *p) {
    struct str wanted = opt_str(&x->c->opts, "containers");
    size_t n;
    if (set_containers(x->c, t, wanted, put_resources, x->arg, ret, &n, p))
        return CTL_PROBLEM;
    return n ? 0 : problem_set(x->c, p, "unable to find container named %.*s", STR_ARG(wanted));
}

static int run_resources(struct ctl *c) {
    struct resources r = {c, opt_str(&c->opts, "limits"), opt_str(&c->opts, "requests")};
    struct setting x = {
        .c = c, .done = "resource requirements updated", .change = change_resources, .arg = &r};
    struct jval scratch = jval_null();
    struct problem p;
    x.failure = "failed to patch resources update to pod template";
    if (!r.limits.n && !r.requests.n)
        return ctl_error(
            c, "you must specify an update to requests or limits (in the form of --requests/--limits)");
    if (put_resources(&r, &scratch, &p))
        return ctl_fail(c, &p);
    return set_run(&x, c->opts.args, c->opts.n_args);
}

/* -- selector, serviceaccount: the last argument is the value -- */

static int change_selector(struct setting *x, const struct target *t, struct jval *ret, struct problem *p) {
    struct ctl *c = x->c;
    struct str rest = *(const struct str *)x->arg, item, key, value;
    struct jobject map = {0};
    if (!str_eq(object_kind(&t->object), S("Service")))
        return problem_set(c, p, "setting a selector is only supported for Services");
    for (bool more = rest.n > 0; more;) {
        more = str_split(rest, ',', &item, &rest);
        if (!str_split(item, '=', &key, &value) || str_find_byte(key, '!') >= 0)
            return problem_set(c, p, "match expression %.*s not supported on this object", STR_ARG(item));
        if (value.n && value.p[0] == '=')
            value = str_from_byte(value, 1);
        jobject_set(&c->arena, &map, str_trim(key), jval_str(str_trim(value)));
    }
    *ret = object_with(&c->arena, ret, "spec.selector", jobject_done(&map));
    return 0;
}

static int run_selector(struct ctl *c) {
    const struct opts *o = &c->opts;
    if (o->n_args == 0)
        return ctl_error(c,
                         "one or more resources must be specified as <resource> <name> or <resource>/<name>");
    struct str value = o->args[o->n_args - 1];
    struct setting x = {
        .c = c, .done = "selector updated", .always = true, .change = change_selector, .arg = &value};
    return set_run(&x, o->args, o->n_args - 1);
}

static int change_account(struct setting *x, const struct target *t, struct jval *ret, struct problem *p) {
    const char *path;
    struct ctl *c = x->c;
    if (set_pod_path(c, t, &path, p))
        return CTL_PROBLEM;
    *ret = object_with(&c->arena, ret, arena_printf(&c->arena, "%s.serviceAccountName", path).p,
                       jval_str(*(const struct str *)x->arg));
    return 0;
}

static int run_account(struct ctl *c) {
    const struct opts *o = &c->opts;
    if (o->n_args == 0)
        return ctl_error(c, "serviceaccount is required");
    struct str name = o->args[o->n_args - 1];
    struct setting x = {
        .c = c, .done = "serviceaccount updated", .always = true, .change = change_account, .arg = &name};
    x.failure = "failed to patch ServiceAccountName";
    return set_run(&x, o->args, o->n_args - 1);
}

/* -- subject -- */

static void add_subject(struct ctl *c, struct jlist *list, struct jval subject) {
    for (size_t i = 0; i < list->n; i++)
        if (jval_equal(&list->v[i], &subject))
            return;
    jlist_add(&c->arena, list, subject);
}

static void add_named(struct ctl *c, struct jlist *list, const char *kind, const char *flag) {
    size_t n;
    const struct str *names = opt_list(&c->opts, flag, &n);
    for (size_t i = 0; i < n; i++)
        add_subject(c, list,
                    tree_of_pairs(c, "kind", jval_str(str_from(kind)), "apiGroup",
                                  jval_str(S("rbac.authorization.k8s.io")), "name", jval_str(names[i]),
                                  NULL));
}

static int change_subjects(struct setting *x, const struct target *t, struct jval *ret, struct problem *p) {
    struct ctl *c = x->c;
    struct jlist list = {0};
    struct str kind = object_kind(&t->object);
    size_t n;
    const struct str *accounts = opt_list(&c->opts, "serviceaccount", &n);
    const struct jval *old = object_array(&t->object, "subjects");
    if (!str_eq(kind, S("RoleBinding")) && !str_eq(kind, S("ClusterRoleBinding")))
        return problem_set(c, p,
                           "%.*s/%.*s setting subjects is only supported for RoleBinding/ClusterRoleBinding",
                           STR_ARG(t->resource->plural), STR_ARG(t->name));
    for (uint32_t i = 0; old && i < old->n; i++)
        jlist_add(&c->arena, &list, old->items[i]);
    add_named(c, &list, "User", "user");
    add_named(c, &list, "Group", "group");
    for (size_t i = 0; i < n; i++) {
        struct str ns, name;
        (void)str_split(accounts[i], ':', &ns, &name);
        add_subject(c, &list,
                    tree_of_pairs(c, "kind", jval_str(S("ServiceAccount")), "namespace", jval_str(ns), "name",
                                  jval_str(name), NULL));
    }
    *ret = object_with(&c->arena, ret, "subjects", jlist_done(&list));
    return 0;
}

static int run_subject(struct ctl *c) {
    const struct opts *o = &c->opts;
    size_t n;
    const struct str *accounts = opt_list(o, "serviceaccount", &n);
    if (!opt_given(o, "user") && !opt_given(o, "group") && n == 0)
        return ctl_error(c, "you must specify at least one value of user, group or serviceaccount");
    for (size_t i = 0; i < n; i++) {
        struct str ns, name;
        if (!str_split(accounts[i], ':', &ns, &name) || !ns.n || !name.n || str_find_byte(name, ':') >= 0)
            return ctl_error(c, "serviceaccount must be <namespace>:<name>");
    }
    struct setting x = {.c = c, .done = "subjects updated", .change = change_subjects};
    x.failure = "failed to patch subjects to rolebinding:";
    return set_run(&x, o->args, o->n_args);
}

/* -- rows -- */

static const struct opt_row image_flags[] = {FLAGS_SET("kubectl-set"), {0}};
static const struct command set_image = {
    .name = "image",
    .args =
        "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
    .brief = "Update the image of a pod template",
    .about = "Changes the images of containers, by their names; * is all of them.",
    .examples = "  # Another image for the container app\n"
                "  kubectl set image deployment/web app=registry.local/web:2\n",
    .flags = image_flags,
    .run = run_image,
};

static const struct opt_row resources_flags[] = {
    FLAGS_SET("kubectl-set"),
    {"containers", 'c', OPT_STRING, "*", .help = "Which container; * is all of them."},
    {"limits", 0, OPT_STRING, .help = "What containers may use: cpu=200m,memory=512Mi."},
    {"requests", 0, OPT_STRING, .help = "What containers are given: cpu=100m,memory=256Mi."},
    {0},
};
static const struct command set_resources = {
    .name = "resources",
    .args = "(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
    .brief = "Update resource requests/limits on objects with pod templates",
    .examples = "  # At most half a CPU for each container\n"
                "  kubectl set resources deployment web --limits=cpu=500m\n",
    .flags = resources_flags,
    .run = run_resources,
};

static const struct opt_row selector_flags[] = {
    FLAGS_PRINT,
    FLAG_DRY_RUN,
    FLAGS_FILES("Files that say which objects."),
    FLAG_ALL("All services in the namespace."),
    FLAG_LOCAL,
    FLAG_FIELD_MANAGER("kubectl-set"),
    {"resource-version", 0, OPT_STRING, .help = "Only when the object still is of this version."},
    {0},
};
static const struct command set_selector = {
    .name = "selector",
    .args = "(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
    .brief = "Set the selector on a resource",
    .examples = "  # The service leads to other pods\n"
                "  kubectl set selector service web app=web,tier=front\n",
    .flags = selector_flags,
    .run = run_selector,
};

static const struct opt_row account_flags[] = {FLAGS_SET("kubectl-set"), FLAG_RECORD, {0}};
static const struct command set_account = {
    .name = "serviceaccount",
    .aliases = "sa",
    .args = "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
    .brief = "Update the service account of a resource",
    .examples = "  # Pods run as reader\n"
                "  kubectl set serviceaccount deployment web reader\n",
    .flags = account_flags,
    .run = run_account,
};

static const struct opt_row subject_flags[] = {
    FLAGS_SET("kubectl-set"),
    {"group", 0, OPT_LIST, .help = "Groups that are bound, too."},
    {"serviceaccount", 0, OPT_LIST, .help = "Service accounts that are bound, too: namespace:name."},
    {"user", 0, OPT_LIST, .help = "Users that are bound, too."},
    {0},
};
static const struct command set_subject = {
    .name = "subject",
    .args = "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] "
            "[--serviceaccount=namespace:serviceaccountname]",
    .brief = "Update the user, group, or service account in a role binding or cluster role binding",
    .examples = "  # Another user of the role\n"
                "  kubectl set subject rolebinding readers --user=jane\n",
    .flags = subject_flags,
    .run = run_subject,
};

static const struct command *const commands[] = {
    &set_env, &set_image, &set_resources, &set_selector, &set_account, &set_subject, NULL};

const struct command command_set = {
    .name = "set",
    .args = "SUBCOMMAND",
    .brief = "Set specific features on objects",
    .about = "Small changes to what is there.",
    .commands = commands,
};
