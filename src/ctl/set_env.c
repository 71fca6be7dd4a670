/* set env: the environment of containers. See set.h. */
#include <ctype.h>

#include "api/name.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "ctl/call.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/set.h"

struct env {
    struct ctl *c;
    struct str *objects; /* arguments that say which */
    size_t n_objects;
    struct jlist add;       /* as in containers */
    VEC(struct str) remove; /* names */
    bool overwrite;
};

/* -- arguments -- */

static bool is_change(struct str s) {
    return str_find_byte(s, '=') >= 0 || (s.n > 1 && s.p[s.n - 1] == '-') || str_eq(s, S("-"));
}

static int add_one(struct env *x, struct str s, struct problem *p) {
    struct ctl *c = x->c;
    struct str name, value;
    struct name_errors why = NAME_ERRORS_INIT;
    if (!str_split(s, '=', &name, &value)) {
        vec_push_in(&c->arena, &x->remove, str_cut(s, s.n - 1));
        return 0;
    }
    if (name_check_env_name_strict(name, &why) < 0)
        return problem_set(c, p, "\"%.*s\" is not a valid key name: %.*s", STR_ARG(name), STR_ARG(why.v[0]));
    jlist_add(&c->arena, &x->add, tree_of_pairs(c, "name", jval_str(name), "value", jval_str(value), NULL));
    return 0;
}

/* Lines of standard input. */
static int add_lines(struct env *x, struct problem *p) {
    _cleanup_buf struct buf text = BUF_INIT;
    char part[4096];
    struct str rest, line;
    for (size_t n; (n = fread(part, 1, sizeof part, x->c->in)) > 0;)
        buf_put(&text, part, n);
    rest = buf_to_arena(&text, &x->c->arena);
    while (rest.n) {
        (void)str_split(rest, '\n', &line, &rest);
        line = str_trim(line);
        if (line.n && line.p[0] != '#' && str_find_byte(line, '=') > 0 && add_one(x, line, p))
            return CTL_PROBLEM;
    }
    return 0;
}

static int read_arguments(struct env *x, struct problem *p) {
    struct ctl *c = x->c;
    const struct opts *o = &c->opts;
    size_t n;
    const struct str *more = opt_list(o, "env", &n);
    x->objects = arena_new_n(&c->arena, o->n_args + 1, struct str);
    for (size_t i = 0; i < o->n_args; i++) {
        if (!is_change(o->args[i]))
            x->objects[x->n_objects++] = o->args[i];
        else if (str_eq(o->args[i], S("-")) ? add_lines(x, p) : add_one(x, o->args[i], p))
            return CTL_PROBLEM;
    }
    for (size_t i = 0; i < n; i++)
        if (is_change(more[i]) && add_one(x, more[i], p))
            return CTL_PROBLEM;
    vec_foreach (name, &x->remove)
        for (size_t i = 0; i < x->add.n; i++)
            if (str_eq(object_str(&x->add.v[i], "name"), *name))
                return problem_set(
                    c, p, "can not both modify and remove the same environment variable in the same command");
    return 0;
}

/* -- --from -- */

static bool is_wanted(struct ctl *c, struct str key) {
    size_t n;
    const struct str *keys = opt_list(&c->opts, "keys", &n);
    for (size_t i = 0; i < n; i++)
        if (str_eq(keys[i], key))
            return true;
    return n == 0;
}

/* A key as the name of a variable: capitals and underscores. */
static struct str env_name(struct ctl *c, struct str key) {
    char *name = arena_alloc(&c->arena, key.n + 1);
    for (size_t i = 0; i < key.n; i++)
        name[i] = isalnum((unsigned char)key.p[i]) ? (char)toupper((unsigned char)key.p[i]) : '_';
    return str_make(name, key.n);
}

static int add_from(struct env *x, struct problem *p) {
    struct ctl *c = x->c;
    struct str from = opt_str(&c->opts, "from"), prefix = opt_str(&c->opts, "prefix");
    struct targets t = {0};
    if (!from.n)
        return 0;
    struct select s = {.args = &from, .n_args = 1, .fetch = true};
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    for (size_t i = 0; i < t.n; i++) {
        bool secret = str_eq(object_kind(&t.v[i].object), S("Secret"));
        const struct jval *data = jval_get(&t.v[i].object, S("data"));
        if (!secret && !str_eq(object_kind(&t.v[i].object), S("ConfigMap")))
            return problem_set(c, p, "unsupported resource specified in --from");
        for (uint32_t k = 0; data && data->kind == J_OBJECT && k < data->n; k++) {
            struct str key = data->members[k].key, name = env_name(c, key);
            if (!is_wanted(c, key))
                continue;
            if (!str_eq(name, key))
                ctl_warn(c, "key %.*s transferred to %.*s", STR_ARG(key), STR_ARG(name));
            struct jval ref = tree_of_pairs(c, "name", jval_str(t.v[i].name), "key", jval_str(key), NULL);
            struct jval value = tree_of_pairs(c, secret ? "secretKeyRef" : "configMapKeyRef", ref, NULL);
            name = arena_printf(&c->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(name));
            jlist_add(&c->arena, &x->add, tree_of_pairs(c, "name", jval_str(name), "valueFrom", value, NULL));
        }
    }
    return 0;
}

/* -- changing -- */

static bool is_removed(const struct env *x, struct str name) {
    vec_foreach (r, &x->remove)
        if (str_eq(*r, name))
            return true;
    return false;
}

static const struct jval *added(const struct env *x, struct str name) {
    const struct jval *found = NULL; /* the last one counts */
    for (size_t i = 0; i < x->add.n; i++)
        if (str_eq(object_str(&x->add.v[i], "name"), name))
            found = &x->add.v[i];
    return found;
}

static bool has(const struct jlist *list, struct str name) {
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(object_str(&list->v[i], "name"), name))
            return true;
    return false;
}

static int refuse_overwriting(struct env *x, const struct jval *env, struct problem *p) {
    for (uint32_t i = 0; env && i < env->n && !x->overwrite; i++) {
        const struct jval *new = added(x, object_str(&env->items[i], "name"));
        if (new && !str_eq(object_str(new, "value"), object_str(&env->items[i], "value")))
            return problem_set(x->c, p, "'%.*s' already has a value (%.*s), and --overwrite is false",
                               STR_ARG(object_str(new, "name")),
                               STR_ARG(object_str(&env->items[i], "value")));
    }
    return 0;
}

static int put_env(void *arg, struct jval *container, struct problem *p) {
    struct env *x = arg;
    struct arena *a = &x->c->arena;
    const struct jval *env = object_array(container, "env");
    struct jlist now = {0};
    if (refuse_overwriting(x, env, p))
        return CTL_PROBLEM;
    for (uint32_t i = 0; env && i < env->n; i++) {
        struct str name = object_str(&env->items[i], "name");
        const struct jval *new = added(x, name);
        if (!is_removed(x, name))
            jlist_add(a, &now, new ? *new : env->items[i]);
    }
    for (size_t i = 0; i < x->add.n; i++) {
        struct str name = object_str(&x->add.v[i], "name");
        if (!has(&now, name))
            jlist_add(a, &now, *added(x, name));
    }
    *container =
        now.n ? jval_with(a, container, S("env"), jlist_done(&now)) : jval_without(a, container, S("env"));
    return 0;
}

static void warn_unmatched(struct ctl *c, const struct target *t) {
    (void)fprintf(c->err, "Warning: %.*s/%.*s does not have any containers matching \"%.*s\"\n",
                  STR_ARG(object_kind(&t->object)), STR_ARG(t->name),
                  STR_ARG(opt_str(&c->opts, "containers")));
}

static int change_env(struct setting *s, const struct target *t, struct jval *ret, struct problem *p) {
    struct env *x = s->arg;
    struct ctl *c = s->c;
    size_t n;
    if (set_containers(c, t, opt_str(&c->opts, "containers"), put_env, x, ret, &n, p))
        return str_has_prefix(p->message, S("'"))
                   ? problem_set(c, p, "%.*s/%.*s %.*s", STR_ARG(t->resource->plural), STR_ARG(t->name),
                                 STR_ARG(p->message))
                   : CTL_PROBLEM;
    if (n == 0)
        warn_unmatched(c, t);
    return 0;
}

/* -- listing -- */

struct listing {
    struct ctl *c;
    const struct target *t;
};

/* The value that a reference stands for; absent when it cannot be had. */
static struct str resolved(struct listing *l, const struct jval *ref, bool secret) {
    struct ctl *c = l->c;
    struct jval o;
    struct problem p;
    const struct resource *r = resource_get(c, S(""), S(""), secret ? S("secrets") : S("configmaps"));
    if (!r || object_get(c, r, l->t->ns, object_str(ref, "name"), &o, &p))
        return STR_NONE;
    struct str value = jval_get_str(jval_get(&o, S("data")), object_str(ref, "key"));
    if (!secret || !value.p)
        return value;
    size_t n;
    char *to = arena_alloc(&c->arena, base64_decoded_max(value.n) + 1);
    return base64_decode(BASE64_STD, value, to, &n, NULL) < 0 ? STR_NONE : str_make(to, n);
}

static void list_variable(struct listing *l, const struct jval *e) {
    struct ctl *c = l->c;
    const struct jval *from = jval_get(e, S("valueFrom")), *secret = jval_get(from, S("secretKeyRef")),
                      *map = jval_get(from, S("configMapKeyRef")), *ref = secret ? secret : map;
    struct str name = object_str(e, "name"), value = STR_NONE;
    if (!from)
        value = object_str(e, "value");
    else if (ref && opt_bool(&c->opts, "resolve"))
        value = resolved(l, ref, secret != NULL);
    if (value.p)
        ctl_say(c, "%.*s=%.*s\n", STR_ARG(name), STR_ARG(value));
    else if (ref)
        ctl_say(c, "# %.*s from %s %.*s, key %.*s\n", STR_ARG(name), secret ? "secret" : "configmap",
                STR_ARG(object_str(ref, "name")), STR_ARG(object_str(ref, "key")));
    else if (jval_get(from, S("fieldRef")))
        ctl_say(c, "# %.*s from field path %.*s\n", STR_ARG(name),
                STR_ARG(object_str(from, "fieldRef.fieldPath")));
    else
        ctl_say(c, "# %.*s from resource field %.*s\n", STR_ARG(name),
                STR_ARG(object_str(from, "resourceFieldRef.resource")));
}

static int list_container(void *arg, struct jval *container, struct problem *p) {
    struct listing *l = arg;
    const struct jval *env = object_array(container, "env");
    (void)p;
    ctl_say(l->c, "# %.*s %.*s, container %.*s\n", STR_ARG(object_kind(&l->t->object)), STR_ARG(l->t->name),
            STR_ARG(object_str(container, "name")));
    for (uint32_t i = 0; env && i < env->n; i++)
        list_variable(l, &env->items[i]);
    return 0;
}

static int list(struct setting *s, const struct target *t, struct jval *ret, struct problem *p) {
    struct listing l = {s->c, t};
    struct jval scratch = *ret;
    size_t n;
    if (set_containers(s->c, t, opt_str(&s->c->opts, "containers"), list_container, &l, &scratch, &n, p))
        return CTL_PROBLEM;
    if (n == 0)
        warn_unmatched(s->c, t);
    return 0;
}

static int run(struct ctl *c) {
    struct env x = {.c = c, .overwrite = opt_bool(&c->opts, "overwrite")};
    struct setting s = {.c = c, .done = "env updated", .change = change_env, .arg = &x};
    struct problem p;
    s.failure = "failed to patch env update to pod template:";
    if (read_arguments(&x, &p))
        return ctl_fail(c, &p);
    if (x.n_objects == 0 && !opt_given(&c->opts, "filename") && !opt_given(&c->opts, "kustomize"))
        return ctl_error(c,
                         "one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (opt_bool(&c->opts, "list"))
        s.change = list;
    else if (opt_str(&c->opts, "from").n && (ctl_connect(c, &p) || add_from(&x, &p)))
        return ctl_fail(c, &p);
    return set_run(&s, x.objects, x.n_objects);
}

static const struct opt_row flags[] = {
    FLAGS_SET("kubectl-set"),
    {"containers", 'c', OPT_STRING, "*", .help = "Which container; * is all of them."},
    {"env", 'e', OPT_ARRAY, .help = "A variable as KEY=VALUE; may be repeated."},
    {"from", 0, OPT_STRING,
     .help = "Take the keys of this config map or secret: configmap/NAME, secret/NAME."},
    {"keys", 0, OPT_LIST, .help = "Only these keys of --from."},
    {"list", 0, OPT_BOOL, .help = "Print what there is."},
    {"overwrite", 0, OPT_BOOL, "true", .help = "Change what has another value already."},
    {"prefix", 0, OPT_STRING, .help = "What stands before the names of --from."},
    {"resolve", 0, OPT_BOOL, .help = "With --list: print values instead of where they come from."},
    {0},
};

const struct command set_env = {
    .name = "env",
    .args = "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
    .brief = "Update environment variables on a pod template",
    .about = "Sets variables of containers; KEY- takes one away.",
    .examples = "  # A variable for all containers\n"
                "  kubectl set env deployment/web STAGE=test\n"
                "  \n"
                "  # What there is\n"
                "  kubectl set env deployment/web --list\n",
    .flags = flags,
    .run = run,
};
