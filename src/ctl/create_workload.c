/* create deployment, job, cronjob. */
#include "ctl/call.h"
#include "ctl/create.h"
#include "ctl/object.h"
#include "ctl/target.h"

/* "registry/path/nginx:1@sha256:…" becomes "nginx". */
static struct str image_name(struct ctl *c, struct str image) {
    ptrdiff_t slash = str_rfind_byte(image, '/');
    struct str name = str_from_byte(image, slash < 0 ? 0 : (size_t)slash + 1), rest;
    (void)str_split(name, ':', &name, &rest);
    (void)str_split(name, '@', &name, &rest);
    char *p = arena_strz(&c->arena, name);
    for (size_t i = 0; i < name.n; i++) {
        bool fine = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '-';
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
        else if (!fine)
            p[i] = '-';
    }
    return str_make(p, name.n);
}

static struct jval container(struct ctl *c, struct str name, struct str image, struct jval command) {
    struct jval o = tree_of_pairs(c, "name", jval_str(name), "image", jval_str(image), NULL);
    return command.n ? jval_with(&c->arena, &o, S("command"), command) : o;
}

/* -- deployment -- */

static int add_images(struct maker *m) {
    struct ctl *c = m->c;
    size_t n;
    const struct str *images = opt_list(&c->opts, "image", &n);
    struct jval command = maker_command(c);
    struct jlist containers = {0};
    if (n > 1 && command.n)
        return ctl_error(c, "cannot specify multiple --image options and command");
    for (size_t i = 0; i < n; i++) {
        struct str name = image_name(c, images[i]);
        for (size_t k = 0; k < i; k++)
            if (str_eq(object_str(&containers.v[k], "name"), name))
                name = arena_printf(&c->arena, "%.*s-%zu", STR_ARG(name), i + 1);
        jlist_add(&c->arena, &containers, container(c, name, images[i], command));
    }
    int64_t port = opt_int(&c->opts, "port");
    if (port >= 0 && containers.n) {
        struct jlist ports = {0};
        jlist_add(&c->arena, &ports, tree_of_pairs(c, "containerPort", jval_int(port), NULL));
        containers.v[0] = jval_with(&c->arena, &containers.v[0], S("ports"), jlist_done(&ports));
    }
    maker_set(m, "spec.template.spec.containers", jlist_done(&containers));
    return 0;
}

static int run_deployment(struct ctl *c) {
    struct maker m;
    struct problem p;
    struct str name;
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    maker_init(&m, c, "apps/v1", "Deployment", name);
    maker_str(&m, "metadata.labels.app", name);
    maker_int(&m, "spec.replicas", opt_int(&c->opts, "replicas"));
    maker_str(&m, "spec.selector.matchLabels.app", name);
    maker_str(&m, "spec.template.metadata.labels.app", name);
    return add_images(&m) ? 1 : maker_run(&m, "failed to create deployment:");
}

/* -- job -- */

static int from_cronjob(struct maker *m, struct str from, struct problem *p) {
    struct ctl *c = m->c;
    struct targets t = {0};
    struct select s = {.args = &from, .n_args = 1, .fetch = true, .one_type = true};
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    if (!t.n)
        return problem_say(c, p, "%s", ""), CTL_PROBLEM;
    const struct jval *cj = &t.v[0].object;
    if (!str_eq(object_kind(cj), S("CronJob")))
        return problem_set(c, p, "from must be an existing cronjob");
    struct str manual = S("cronjob.kubernetes.io/instantiate");
    const struct jval *template = jval_path(cj, "spec.jobTemplate");
    const struct jval *labels = jval_path(template, "metadata.labels"),
                      *annotations = jval_path(template, "metadata.annotations"),
                      *spec = jval_path(template, "spec");
    struct jlist owners = {0};
    jlist_add(&c->arena, &owners,
              tree_of_pairs(c, "apiVersion", jval_str(S("batch/v1")), "kind", jval_str(S("CronJob")), "name",
                            jval_str(object_name(cj)), "uid", jval_str(object_str(cj, "metadata.uid")),
                            "controller", jval_bool(true), NULL));
    if (annotations)
        maker_set(m, "metadata.annotations", *annotations);
    maker_entry(m, "metadata.annotations", manual, jval_str(S("manual")));
    if (labels)
        maker_set(m, "metadata.labels", *labels);
    maker_set(m, "metadata.ownerReferences", jlist_done(&owners));
    if (spec)
        maker_set(m, "spec", *spec);
    return 0;
}

static void add_pod(struct maker *m, const char *path, struct str name, struct str restart) {
    struct ctl *c = m->c;
    struct jlist containers = {0};
    jlist_add(&c->arena, &containers, container(c, name, opt_str(&c->opts, "image"), maker_command(c)));
    maker_set(
        m, path,
        tree_of_pairs(c, "containers", jlist_done(&containers), "restartPolicy", jval_str(restart), NULL));
}

static int run_job(struct ctl *c) {
    struct maker m;
    struct problem p;
    struct str name, image = opt_str(&c->opts, "image"), from = opt_str(&c->opts, "from");
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    if (!image.n == !from.n)
        return ctl_error(c, "either --image or --from must be specified");
    if (from.n && maker_command(c).n)
        return ctl_error(c, "cannot specify --from and command");
    maker_init(&m, c, "batch/v1", "Job", name);
    if (image.n)
        add_pod(&m, "spec.template.spec", name, S("Never"));
    else if (from_cronjob(&m, from, &p))
        return c->status ? 1 : ctl_fail(c, &p);
    return maker_run(&m, "failed to create job:");
}

/* -- cronjob -- */

static int run_cronjob(struct ctl *c) {
    struct maker m;
    struct problem p;
    struct str name, restart = opt_str(&c->opts, "restart");
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    maker_init(&m, c, "batch/v1", "CronJob", name);
    maker_str(&m, "spec.schedule", opt_str(&c->opts, "schedule"));
    maker_str(&m, "spec.jobTemplate.metadata.name", name);
    add_pod(&m, "spec.jobTemplate.spec.template.spec", name, restart.n ? restart : S("OnFailure"));
    return maker_run(&m, "failed to create cronjob:");
}

static const struct opt_row deployment_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"image", 0, OPT_LIST, .help = "Image of a container; may be repeated.", .required = true},
    {"port", 0, OPT_INT, "-1", .help = "Port that the first container listens on."},
    {"replicas", 'r', OPT_INT, "1", .help = "How many pods."},
    {0},
};

const struct command create_deployment = {
    .name = "deployment",
    .aliases = "deploy",
    .args = "NAME --image=image -- [COMMAND] [args...] [options]",
    .brief = "Create a deployment with the specified name",
    .examples = "  # Three pods of an image\n"
                "  kubectl create deployment web --image=nginx --replicas=3\n"
                "  \n"
                "  # With a command of its own\n"
                "  kubectl create deployment box --image=busybox -- sleep 3600\n",
    .flags = deployment_flags,
    .run = run_deployment,
};

static const struct opt_row job_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"image", 0, OPT_STRING, .help = "Image of the container."},
    {"from", 0, OPT_STRING, .help = "Take the job of this cron job: cronjob/NAME"},
    {0},
};

const struct command create_job = {
    .name = "job",
    .args = "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...] [options]",
    .brief = "Create a job with the specified name",
    .examples = "  # A job with a command\n"
                "  kubectl create job say --image=busybox -- date\n"
                "  \n"
                "  # A cron job's job, now\n"
                "  kubectl create job test --from=cronjob/nightly\n",
    .flags = job_flags,
    .run = run_job,
};

static const struct opt_row cronjob_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"image", 0, OPT_STRING, .help = "Image of the container.", .required = true},
    {"schedule", 0, OPT_STRING, .help = "When: five fields as cron has them.", .required = true},
    {"restart", 0, OPT_STRING, .help = "OnFailure or Never."},
    {0},
};

const struct command create_cronjob = {
    .name = "cronjob",
    .aliases = "cj",
    .args = "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags] [options]",
    .brief = "Create a cron job with the specified name",
    .examples = "  # Every five minutes\n"
                "  kubectl create cronjob say --image=busybox --schedule=\"*/5 * * * *\" -- date\n",
    .flags = cronjob_flags,
    .run = run_cronjob,
};
