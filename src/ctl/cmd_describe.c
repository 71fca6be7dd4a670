/* describe: objects as paragraphs for people, with what happened to them. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/describe.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/target.h"

struct describer {
    const char *group, *kind;
    void (*run)(struct describing *d);
};

static const struct describer describers[] = {
    {"", "Pod", describe_pod},
    {"", "Node", describe_node},
    {"", "Namespace", describe_namespace},
    {"", "Service", describe_service},
    {"", "Endpoints", describe_endpoints},
    {"", "ConfigMap", describe_config_map},
    {"", "Secret", describe_secret},
    {"", "ServiceAccount", describe_service_account},
    {"", "ReplicationController", describe_replication_controller},
    {"", "PersistentVolume", describe_volume},
    {"", "PersistentVolumeClaim", describe_claim},
    {"", "ResourceQuota", describe_quota},
    {"", "LimitRange", describe_limit_range},
    {"apps", "Deployment", describe_deployment},
    {"apps", "ReplicaSet", describe_replica_set},
    {"apps", "StatefulSet", describe_stateful_set},
    {"apps", "DaemonSet", describe_daemon_set},
    {"batch", "Job", describe_job},
    {"batch", "CronJob", describe_cron_job},
    {"autoscaling", "HorizontalPodAutoscaler", describe_autoscaler},
    {"policy", "PodDisruptionBudget", describe_disruption_budget},
    {"discovery.k8s.io", "EndpointSlice", describe_endpoint_slice},
    {"networking.k8s.io", "Ingress", describe_ingress},
    {"networking.k8s.io", "IngressClass", describe_ingress_class},
    {"networking.k8s.io", "NetworkPolicy", describe_network_policy},
    {"networking.k8s.io", "ServiceCIDR", describe_service_cidr},
    {"networking.k8s.io", "IPAddress", describe_ip_address},
    {"storage.k8s.io", "StorageClass", describe_storage_class},
    {"scheduling.k8s.io", "PriorityClass", describe_priority_class},
    {"rbac.authorization.k8s.io", "Role", describe_role},
    {"rbac.authorization.k8s.io", "ClusterRole", describe_role},
    {"rbac.authorization.k8s.io", "RoleBinding", describe_binding},
    {"rbac.authorization.k8s.io", "ClusterRoleBinding", describe_binding},
    {"certificates.k8s.io", "CertificateSigningRequest", describe_csr},
};

static void (*describer_of(const struct resource *r))(struct describing *d) {
    for (size_t i = 0; i < sizeof describers / sizeof *describers; i++)
        if (str_eq(r->group, str_from(describers[i].group)) && str_eq(r->kind, str_from(describers[i].kind)))
            return describers[i].run;
    return describe_any;
}

/* Prints one object, apart from the one before. */
static void describe(struct ctl *c, const struct target *t, bool first) {
    struct describing d = {.c = c, .resource = t->resource, .o = &t->object};
    d.events = opt_bool(&c->opts, "show-events");
    d.raw = d.out = (struct buf)BUF_INIT;
    describer_of(t->resource)(&d);
    d_flush(&d);
    if (!first)
        ctl_say(c, "\n\n");
    ctl_put(c, buf_view(&d.out));
    buf_fini(&d.raw);
    buf_fini(&d.out);
}

/* Every object whose name begins so. False: there is none. */
static bool describe_matching(struct ctl *c, const struct resource *r, struct str ns, struct str prefix) {
    struct jval items;
    struct problem p;
    struct list_options o = {.limit = 500};
    bool any = false;
    if (object_list_all(c, r, ns, &o, &items, &p))
        return false;
    for (uint32_t i = 0; i < items.n; i++) {
        struct target t = {.resource = r, .object = items.items[i]};
        if (!str_has_prefix(object_name(&t.object), prefix))
            continue;
        describe(c, &t, true);
        ctl_say(c, "\n");
        any = true;
    }
    return any;
}

/* TYPE NAME, where the name may be the beginning of one. */
static int describe_named(struct ctl *c, struct str type, struct str name) {
    struct target t = {0};
    struct problem p;
    if (resource_find(c, type, &t.resource, &p))
        return ctl_fail(c, &p);
    struct str ns = t.resource->namespaced ? c->ns : S("");
    if (object_get(c, t.resource, ns, name, &t.object, &p) == 0) {
        describe(c, &t, true);
        return 0;
    }
    if (problem_not_found(&p) && describe_matching(c, t.resource, ns, name))
        return 0;
    return ctl_fail(c, &p);
}

static void describe_all(struct ctl *c, const struct targets *t) {
    for (size_t i = 0; i < t->n; i++)
        describe(c, &t->v[i], i == 0);
    if (t->n || !t->lists || c->status)
        return;
    if (opt_bool(&c->opts, "all-namespaces"))
        (void)fprintf(c->err, "No resources found\n");
    else
        (void)fprintf(c->err, "No resources found in %.*s namespace.\n", STR_ARG(c->ns));
}

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct targets t = {0};
    bool files = opt_given(o, "filename") || opt_given(o, "kustomize");
    struct select s = {.args = o->args, .n_args = o->n_args, .fetch = true, .all = true, .no_objects = files};
    s.limit = opt_int(o, "chunk-size") ? opt_int(o, "chunk-size") : -1;
    if (o->n_args == 0 && !files)
        return ctl_error(c,
                         "You must specify the type of resource to describe. Use \"%s api-resources\" for a "
                         "complete list of supported resources.",
                         c->setup->program);
    if (ctl_connect(c, &p))
        return ctl_fail(c, &p);
    if (!files && o->n_args == 2 && str_find_byte(o->args[0], ',') < 0 &&
        str_find_byte(o->args[0], '/') < 0 && str_find_byte(o->args[1], '/') < 0 && !opt_given(o, "selector"))
        return describe_named(c, o->args[0], o->args[1]);
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    describe_all(c, &t);
    return c->status;
}

static const struct opt_row flags[] = {
    FLAG_ALL_NAMESPACES,
    {"chunk-size", 0, OPT_INT, "500", .help = "How many objects one page of a list has; 0 is all of them."},
    FLAGS_FILES("Files, folders or URLs that name the objects."),
    FLAG_SELECTOR,
    {"show-events", 0, OPT_BOOL, "true", .help = "Tell what happened to the objects, too."},
    {0},
};

const struct command command_describe = {
    .name = "describe",
    .args = "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [flags]",
    .brief = "Show everything about objects and what happened to them",
    .about = "Shows objects as paragraphs: what they are, what they are made of, their state, and the newest "
             "events "
             "about them.\n\nWhere no object has the name, all whose names begin with it are shown.",
    .examples = "  # A node\n"
                "  kubectl describe nodes worker-1\n\n"
                "  # All pods with a label\n"
                "  kubectl describe pods -l app=web\n\n"
                "  # Pods whose names begin with web-\n"
                "  kubectl describe pods web-\n",
    .flags = flags,
    .run = run,
};
