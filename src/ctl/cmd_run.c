/* run: a pod with one container. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/pods.h"

static int usage(struct ctl *c, const char *text) {
    return ctl_error(c, "%s\nSee '%.*s -h' for help and examples", text, STR_ARG(c->path));
}

static struct jval list_of(struct ctl *c, struct jval one) {
    struct jlist list = {0};
    jlist_add(&c->arena, &list, one);
    return jlist_done(&list);
}

static bool attaches(const struct opts *o) {
    return opt_bool(o, "attach") || opt_bool(o, "stdin") || opt_bool(o, "tty");
}

static int check_flags(struct ctl *c, enum dry_run dry) {
    const struct opts *o = &c->opts;
    struct str restart = opt_str(o, "restart");
    if (o->n_args == 0)
        return usage(c, "NAME is required for run");
    if (!opt_str(o, "image").n)
        return ctl_error(c, "--image is required");
    if (opt_bool(o, "tty") && !opt_bool(o, "stdin"))
        return usage(c, "-i/--stdin is required for containers with -t/--tty=true");
    if (opt_bool(o, "expose") && !opt_str(o, "port").n)
        return usage(c, "--port must be set when exposing a service");
    if (!str_eq(restart, S("Always")) && !str_eq(restart, S("OnFailure")) && !str_eq(restart, S("Never")))
        return ctl_error(c, "invalid restart policy: %.*s\nSee '%.*s -h' for help and examples",
                         STR_ARG(restart), STR_ARG(c->path));
    if (opt_bool(o, "rm") && !attaches(o))
        return usage(c, "--rm should only be used for attached containers");
    if (attaches(o) && dry != DRY_RUN_NONE)
        return usage(
            c,
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or "
            "--tty)");
    return 0;
}

/* -- the pod -- */

static int add_environment(struct ctl *c, struct jval *container) {
    size_t n;
    const struct str *env = opt_list(&c->opts, "env", &n);
    struct jlist list = {0};
    for (size_t i = 0; i < n; i++) {
        struct str name, value;
        if (!str_split(env[i], '=', &name, &value) || !name.n)
            return ctl_error(c, "invalid env: %.*s", STR_ARG(env[i]));
        jlist_add(&c->arena, &list, tree_of_pairs(c, "name", jval_str(name), "value", jval_str(value), NULL));
    }
    if (list.n)
        *container = jval_with(&c->arena, container, S("env"), jlist_done(&list));
    return 0;
}

static int container(struct ctl *c, struct str name, struct jval *ret) {
    const struct opts *o = &c->opts;
    struct arena *a = &c->arena;
    int64_t port;
    struct jval k = tree_of_pairs(c, "name", jval_str(name), "image", jval_str(opt_str(o, "image")), NULL);
    if (o->n_args > 1)
        k = jval_with(a, &k, opt_bool(o, "command") ? S("command") : S("args"),
                      tree_of_texts(c, o->args + 1, o->n_args - 1));
    if (opt_str(o, "image-pull-policy").n)
        k = jval_with(a, &k, S("imagePullPolicy"), jval_str(opt_str(o, "image-pull-policy")));
    if (add_environment(c, &k))
        return 1;
    if (opt_str(o, "port").n) {
        if (!str_to_i64(opt_str(o, "port"), &port))
            return ctl_error(c, "strconv.Atoi: parsing \"%.*s\": invalid syntax",
                             STR_ARG(opt_str(o, "port")));
        struct jval one = tree_of_pairs(c, "containerPort", jval_int(port), NULL);
        k = jval_with(a, &k, S("ports"), list_of(c, one));
    }
    if (opt_bool(o, "privileged"))
        k = object_with(a, &k, "securityContext.privileged", jval_bool(true));
    if (opt_bool(o, "stdin")) {
        k = jval_with(a, &k, S("stdin"), jval_bool(true));
        if (!opt_bool(o, "leave-stdin-open"))
            k = jval_with(a, &k, S("stdinOnce"), jval_bool(true));
    }
    if (opt_bool(o, "tty"))
        k = jval_with(a, &k, S("tty"), jval_bool(true));
    *ret = k;
    return 0;
}

static struct jval labels_of(struct ctl *c, struct str name) {
    struct jobject map = {0};
    struct str text = opt_str(&c->opts, "labels"), item, key, value;
    if (!text.n)
        jobject_set(&c->arena, &map, S("run"), jval_str(name));
    for (bool more = text.n > 0; more;) {
        more = str_split(text, ',', &item, &text);
        (void)str_split(item, '=', &key, &value);
        jobject_set(&c->arena, &map, key, jval_str(value));
    }
    return jobject_done(&map);
}

static int make_pod(struct ctl *c, struct str name, struct maker *m) {
    const struct opts *o = &c->opts;
    struct jval k;
    struct problem p;
    size_t n;
    const struct str *annotations = opt_list(o, "annotations", &n);
    maker_init(m, c, "v1", "Pod", name);
    maker_set(m, "metadata.labels", labels_of(c, name));
    for (size_t i = 0; i < n; i++) {
        struct str key, value;
        if (!str_split(annotations[i], '=', &key, &value))
            return ctl_error(c, "unexpected annotation: %.*s", STR_ARG(annotations[i]));
        maker_entry(m, "metadata.annotations", key, jval_str(value));
    }
    if (container(c, name, &k))
        return 1;
    maker_set(m, "spec.containers", list_of(c, k));
    maker_str(m, "spec.restartPolicy", opt_str(o, "restart"));
    maker_str(m, "spec.dnsPolicy", S("ClusterFirst"));
    return maker_override(m, &p) ? ctl_fail(c, &p) : 0;
}

/* --expose: a service that leads to it. */
static int make_service(struct ctl *c, struct str name) {
    struct maker m;
    int64_t port;
    if (!str_to_i64(opt_str(&c->opts, "port"), &port))
        return ctl_error(c, "strconv.Atoi: parsing \"%.*s\": invalid syntax",
                         STR_ARG(opt_str(&c->opts, "port")));
    struct jval one = tree_of_pairs(c, "port", jval_int(port), "protocol", jval_str(S("TCP")), "targetPort",
                                    jval_int(port), NULL);
    maker_init(&m, c, "v1", "Service", name);
    maker_set(&m, "spec.selector", labels_of(c, name));
    maker_set(&m, "spec.ports", list_of(c, one));
    int status = maker_run(&m, NULL);
    if (status == 0 && str_eq(opt_str(&c->opts, "output"), S("yaml")))
        ctl_say(c, "---\n");
    return status;
}

static int run(struct ctl *c) {
    struct maker m;
    struct problem p;
    enum dry_run dry;
    if (ctl_dry_run(c, &dry, &p))
        return ctl_fail(c, &p);
    if (check_flags(c, dry))
        return 1;
    struct str name = c->opts.args[0];
    if (make_pod(c, name, &m) || (opt_bool(&c->opts, "expose") && make_service(c, name)))
        return 1;
    m.quiet = attaches(&c->opts);
    int status = maker_run(&m, NULL);
    if (status || !attaches(&c->opts))
        return status;
    return run_attached(c, &m.object);
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-run"),
    FLAGS_OVERRIDE,
    {"annotations", 0, OPT_ARRAY, .help = "Annotations of the pod: key=value; may be repeated."},
    {"attach", 0, OPT_BOOL, .help = "Show what the container writes until it ends; -i means it, too."},
    {"command", 0, OPT_BOOL, .help = "What comes behind -- is the command, not its arguments."},
    {"env", 0, OPT_ARRAY, .help = "A variable of the container: KEY=VALUE; may be repeated."},
    {"expose", 0, OPT_BOOL, .help = "Make a service for --port, too."},
    {"image", 0, OPT_STRING, .help = "The image.", .required = true},
    {"image-pull-policy", 0, OPT_STRING, .help = "Always, IfNotPresent or Never."},
    {"labels", 'l', OPT_STRING, .help = "Labels of the pod: a=b,c=d."},
    {"leave-stdin-open", 0, OPT_BOOL, .help = "Standard input stays open when we are gone."},
    {"pod-running-timeout", 0, OPT_DURATION, "1m0s", .help = "How long to wait until it runs."},
    {"port", 0, OPT_STRING, .help = "A port of the container."},
    {"privileged", 0, OPT_BOOL, .help = "Run the container privileged."},
    {"quiet", 'q', OPT_BOOL, .help = "Say nothing of our own."},
    {"restart", 0, OPT_STRING, "Always", .help = "When it is started again: Always, OnFailure or Never."},
    {"rm", 0, OPT_BOOL, .help = "Delete the pod in the end; with -i or --attach."},
    {"stdin", 'i', OPT_BOOL, .help = "Send our standard input to the container."},
    {"tty", 't', OPT_BOOL, .help = "The container gets a terminal."},
    {0},
};

const struct command command_run = {
    .name = "run",
    .args = "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] "
            "[--overrides=inline-json] "
            "[--command] -- [COMMAND] [args...]",
    .brief = "Run a particular image on the cluster",
    .about = "Makes a pod with one container.",
    .examples = "  # A pod\n"
                "  kubectl run web --image=registry.local/web:1 --port=80\n"
                "  \n"
                "  # A shell, gone when it is left\n"
                "  kubectl run shell -it --rm --image=registry.local/busybox --restart=Never -- sh\n",
    .flags = flags,
    .run = run,
};
