/* expose: services for what is there. */
#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
#include "ctl/object.h"
#include "ctl/patching.h"
#include "ctl/target.h"

struct exposing {
    struct ctl *c;
    const struct target *t;
    VEC(struct str) ports;
};

static int usage(struct ctl *c, struct problem *p, const char *text) {
    return problem_set(c, p, "%s\nSee '%.*s -h' for help and examples", text, STR_ARG(c->path));
}

/* -- what the object says -- */

static bool is_kind(const struct exposing *x, const char *kind) {
    return str_eq(object_kind(&x->t->object), str_from(kind));
}

static int check_kind(const struct exposing *x, struct problem *p) {
    if (is_kind(x, "ReplicationController") || is_kind(x, "Service") || is_kind(x, "Pod") ||
        is_kind(x, "Deployment") || is_kind(x, "ReplicaSet"))
        return 0;
    struct str group = x->t->resource->group;
    return problem_set(x->c, p, "cannot expose a %.*s%s%.*s", STR_ARG(x->t->resource->kind),
                       group.n ? "." : "", STR_ARG(group));
}

/* "a=b,c=d" as a map. */
static struct jval map_of(struct ctl *c, struct str text) {
    struct jobject map = {0};
    struct str item, key, value;
    for (bool more = text.n > 0; more;) {
        more = str_split(text, ',', &item, &text);
        (void)str_split(item, '=', &key, &value);
        jobject_set(&c->arena, &map, str_trim(key), jval_str(str_trim(value)));
    }
    return jobject_done(&map);
}

static int selector_of(struct exposing *x, struct jval *ret, struct problem *p) {
    struct ctl *c = x->c;
    const struct jval *o = &x->t->object, *found = NULL;
    const char *why = NULL;
    if (opt_given(&c->opts, "selector")) {
        *ret = map_of(c, opt_str(&c->opts, "selector"));
        return 0;
    }
    if (is_kind(x, "Pod")) {
        found = jval_path(o, "metadata.labels");
        why = "the pod has no labels and cannot be exposed";
    } else if (is_kind(x, "Service") || is_kind(x, "ReplicationController")) {
        found = jval_path(o, "spec.selector");
        why = "the service has no pod selector set";
    } else {
        const struct jval *expressions = object_array(o, "spec.selector.matchExpressions");
        found = jval_path(o, "spec.selector.matchLabels");
        why = "invalid deployment: no selectors, therefore cannot be exposed";
        if (expressions && expressions->n)
            return problem_set(c, p, "couldn't convert expressions - \"%.*s\" to map-based selector format",
                               STR_ARG(selector_text(&c->arena, jval_path(o, "spec.selector"))));
    }
    if (!found || found->kind != J_OBJECT || found->n == 0)
        return problem_set(c, p, "couldn't retrieve selectors via --selector flag or introspection: %s", why);
    *ret = *found;
    return 0;
}

/* Calls each for the ports of the object, with their protocols. */
static void each_port(const struct exposing *x, void (*each)(void *arg, int64_t port, struct str protocol),
                      void *arg) {
    const struct jval *o = &x->t->object;
    if (is_kind(x, "Service")) {
        const struct jval *ports = object_array(o, "spec.ports");
        for (uint32_t i = 0; ports && i < ports->n; i++)
            each(arg, object_int(&ports->items[i], "port", 0), object_str(&ports->items[i], "protocol"));
        return;
    }
    const struct jval *containers =
        object_array(o, is_kind(x, "Pod") ? "spec.containers" : "spec.template.spec.containers");
    for (uint32_t k = 0; containers && k < containers->n; k++) {
        const struct jval *ports = object_array(&containers->items[k], "ports");
        for (uint32_t i = 0; ports && i < ports->n; i++)
            each(arg, object_int(&ports->items[i], "containerPort", 0),
                 object_str(&ports->items[i], "protocol"));
    }
}

static void add_port(void *arg, int64_t port, struct str protocol) {
    struct exposing *x = arg;
    (void)protocol;
    vec_push_in(&x->c->arena, &x->ports, arena_printf(&x->c->arena, "%lld", (long long)port));
}

static int ports_of(struct exposing *x, struct problem *p) {
    struct str text = opt_str(&x->c->opts, "port"), one;
    for (bool more = text.n > 0; more;) {
        more = str_split(text, ',', &one, &text);
        vec_push_in(&x->c->arena, &x->ports, one);
    }
    if (x->ports.n == 0)
        each_port(x, add_port, x);
    return x->ports.n ? 0 : usage(x->c, p, "couldn't find port via --port flag or introspection");
}

struct looking {
    int64_t port;
    struct str protocol;
};

static void look(void *arg, int64_t port, struct str protocol) {
    struct looking *l = arg;
    if (port == l->port && protocol.n)
        l->protocol = protocol;
}

/* -- the service -- */

static int port_tree(struct exposing *x, size_t i, struct jval *ret, struct problem *p) {
    struct ctl *c = x->c;
    int64_t number, target;
    struct str to = opt_str(&c->opts, "target-port"), protocol = opt_str(&c->opts, "protocol");
    if (!str_to_i64(x->ports.v[i], &number))
        return problem_set(c, p, "strconv.Atoi: parsing \"%.*s\": invalid syntax", STR_ARG(x->ports.v[i]));
    struct looking l = {number, S("TCP")};
    each_port(x, look, &l);
    struct jval port =
        tree_of_pairs(c, "port", jval_int(number), "protocol", jval_str(protocol.n ? protocol : l.protocol),
                      "targetPort", jval_int(number), NULL);
    if (to.n)
        port = jval_with(&c->arena, &port, S("targetPort"),
                         str_to_i64(to, &target) ? jval_int(target) : jval_str(to));
    if (x->ports.n > 1)
        port = jval_with(&c->arena, &port, S("name"), jval_str(arena_printf(&c->arena, "port-%zu", i + 1)));
    *ret = port;
    return 0;
}

static int fill(struct exposing *x, struct maker *m, struct problem *p) {
    struct ctl *c = x->c;
    const struct opts *o = &c->opts;
    struct jval selector;
    struct jlist ports = {0};
    const struct jval *labels = jval_path(&x->t->object, "metadata.labels");
    if (selector_of(x, &selector, p) || ports_of(x, p))
        return CTL_PROBLEM;
    for (size_t i = 0; i < x->ports.n; i++) {
        struct jval port;
        if (port_tree(x, i, &port, p))
            return CTL_PROBLEM;
        jlist_add(&c->arena, &ports, port);
    }
    if (opt_given(o, "labels"))
        maker_set(m, "metadata.labels", map_of(c, opt_str(o, "labels")));
    else if (labels && labels->n)
        maker_set(m, "metadata.labels", *labels);
    maker_set(m, "spec.selector", selector);
    maker_set(m, "spec.ports", jlist_done(&ports));
    maker_str(m, "spec.type", opt_str(o, "type"));
    maker_str(m, "spec.loadBalancerIP", opt_str(o, "load-balancer-ip"));
    maker_str(m, "spec.sessionAffinity", opt_str(o, "session-affinity"));
    maker_str(m, "spec.clusterIP", opt_str(o, "cluster-ip"));
    struct str external = opt_str(o, "external-ip");
    if (external.n)
        maker_set(m, "spec.externalIPs", tree_of_texts(c, &external, 1));
    return maker_override(m, p);
}

static int expose(struct ctl *c, const struct target *t) {
    struct exposing x = {.c = c, .t = t};
    struct problem p;
    struct maker m;
    struct str name = opt_str(&c->opts, "name");
    maker_init(&m, c, "v1", "Service", name.n ? name : str_cut(t->name, 63));
    m.done = "exposed";
    if (t->ns.n && !str_eq(t->ns, c->ns))
        maker_str(&m, "metadata.namespace", t->ns);
    if (check_kind(&x, &p) || fill(&x, &m, &p))
        return ctl_fail(c, &p);
    return maker_run(&m, NULL);
}

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct problem p;
    struct targets t = {0};
    struct select s = {.args = o->args, .n_args = o->n_args, .fetch = true};
    s.no_objects = true;
    if (ctl_select(c, &s, &t, &p))
        return ctl_fail(c, &p);
    for (size_t i = 0; i < t.n; i++)
        if (expose(c, &t.v[i]))
            c->status = 1;
    return c->status;
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-expose"),
    FLAGS_OVERRIDE,
    FLAGS_FILES("Files that say what is exposed."),
    {"cluster-ip", 0, OPT_STRING, .help = "The service's address; None for a service without one."},
    {"external-ip", 0, OPT_STRING, .help = "Another address that leads to the service."},
    {"labels", 'l', OPT_STRING, .help = "Labels of the service instead of the object's."},
    {"load-balancer-ip", 0, OPT_STRING, .help = "Which address the load balancer shall have."},
    {"name", 0, OPT_STRING, .help = "Name of the service instead of the object's."},
    {"port", 0, OPT_STRING, .help = "Ports of the service instead of the object's."},
    {"protocol", 0, OPT_STRING, .help = "Protocol of the ports instead of the object's."},
    {"selector", 0, OPT_STRING, .help = "Which pods the service leads to, instead of the object's."},
    {"session-affinity", 0, OPT_STRING, .help = "None or ClientIP."},
    {"target-port", 0, OPT_STRING, .help = "Port (or its name) of the containers."},
    {"type", 0, OPT_STRING, .help = "ClusterIP, NodePort, LoadBalancer or ExternalName."},
    {0},
};

const struct command command_expose = {
    .name = "expose",
    .args =
        "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] "
        "[--name=name] [--external-ip=external-ip-of-service] [--type=type]",
    .brief =
        "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    .about = "Makes a service that leads to the pods of a deployment, replica set, replication controller, "
             "another "
             "service, or to a pod.",
    .examples = "  # Port 80 leads to port 8080 of the pods\n"
                "  kubectl expose deployment web --port=80 --target-port=8080\n",
    .flags = flags,
    .run = run,
};
