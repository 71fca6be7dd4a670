/* create service: clusterip, nodeport, loadbalancer, externalname. */
#include "ctl/create.h"
#include "ctl/object.h"

static bool parse_port(struct ctl *c, struct str s, int64_t *ret) {
    uint64_t v;
    bool digits = s.n > 0;
    for (size_t i = 0; i < s.n; i++)
        digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
    if (!digits || !str_to_u64(s, &v) || v > 65535) {
        (void)ctl_error(c, "strconv.ParseUint: parsing \"%.*s\": %s", STR_ARG(s),
                        digits ? "value out of range" : "invalid syntax");
        return false;
    }
    *ret = (int64_t)v;
    return true;
}

/* "80", "80:8080", "80:http". */
static int add_port(struct ctl *c, struct jlist *ports, struct str text) {
    struct str first, second;
    int64_t port, target;
    bool two = str_split(text, ':', &first, &second);
    if (!parse_port(c, first, &port))
        return 1;
    struct str name = two ? arena_printf(&c->arena, "%.*s-%.*s", STR_ARG(first), STR_ARG(second)) : first;
    struct jval to = jval_int(port);
    if (two) {
        bool number = str_to_i64(second, &target);
        to = number ? jval_int(target) : jval_str(second);
        if (number && (target < 1 || target > 65535))
            return ctl_error(c, "must be between 1 and 65535, inclusive");
    }
    jlist_add(&c->arena, ports,
              tree_of_pairs(c, "name", jval_str(name), "port", jval_int(port), "protocol", jval_str(S("TCP")),
                            "targetPort", to, NULL));
    return 0;
}

static int run_service(struct ctl *c, const char *type, const char *failure) {
    struct maker m;
    struct problem p;
    struct str name;
    size_t n;
    const struct str *tcp = opt_list(&c->opts, "tcp", &n);
    struct jlist ports = {0};
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    bool external = str_eq(str_from(type), S("ExternalName")),
         cluster = str_eq(str_from(type), S("ClusterIP"));
    bool headless = cluster && str_eq(opt_str(&c->opts, "clusterip"), S("None"));
    if (cluster && opt_str(&c->opts, "clusterip").n && !headless && !n)
        return ctl_error(c, "at least one tcp port specifier must be provided");
    if (!n && !headless && !external)
        return ctl_error(c, "at least one tcp port specifier must be provided");
    for (size_t i = 0; i < n; i++)
        if (add_port(c, &ports, tcp[i]))
            return 1;
    int64_t node_port = opt_known(&c->opts, "node-port") ? opt_int(&c->opts, "node-port") : 0;
    for (size_t i = 0; i < ports.n && node_port; i++)
        ports.v[i] = jval_with(&c->arena, &ports.v[i], S("nodePort"), jval_int(node_port));
    maker_init(&m, c, "v1", "Service", name);
    maker_str(&m, "metadata.labels.app", name);
    if (ports.n)
        maker_set(&m, "spec.ports", jlist_done(&ports));
    maker_str(&m, "spec.selector.app", name);
    maker_str(&m, "spec.type", str_from(type));
    if (cluster)
        maker_str(&m, "spec.clusterIP", opt_str(&c->opts, "clusterip"));
    if (external)
        maker_str(&m, "spec.externalName", opt_str(&c->opts, "external-name"));
    return maker_run(&m, failure);
}

static int run_clusterip(struct ctl *c) {
    return run_service(c, "ClusterIP", "failed to create ClusterIP service:");
}

static int run_nodeport(struct ctl *c) {
    return run_service(c, "NodePort", "failed to create NodePort service:");
}

static int run_loadbalancer(struct ctl *c) {
    return run_service(c, "LoadBalancer", "failed to create LoadBalancer service:");
}

static int run_externalname(struct ctl *c) {
    return run_service(c, "ExternalName", "failed to create ExternalName service:");
}

#define FLAG_TCP                                                                                             \
    { "tcp", 0, OPT_LIST, .help = "A port as port[:targetPort]; may be repeated." }

static const struct opt_row clusterip_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAG_TCP,
    {"clusterip", 0, OPT_STRING, .help = "The address; None for a service without one."},
    {0},
};
static const struct command service_clusterip = {
    .name = "clusterip",
    .args = "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none] [options]",
    .brief = "Create a ClusterIP service",
    .examples = "  # Port 80 of the service leads to 8080 of the pods\n"
                "  kubectl create service clusterip web --tcp=80:8080\n",
    .flags = clusterip_flags,
    .run = run_clusterip,
};

static const struct opt_row nodeport_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAG_TCP,
    {"node-port", 0, OPT_INT, .help = "The port of the nodes."},
    {0},
};
static const struct command service_nodeport = {
    .name = "nodeport",
    .args = "NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]",
    .brief = "Create a NodePort service",
    .examples = "  # On a port of every node\n"
                "  kubectl create service nodeport web --tcp=80:8080\n",
    .flags = nodeport_flags,
    .run = run_nodeport,
};

static const struct opt_row loadbalancer_flags[] = {FLAGS_MAKE("kubectl-create"), FLAG_TCP, {0}};
static const struct command service_loadbalancer = {
    .name = "loadbalancer",
    .args = "NAME [--tcp=port:targetPort] [--dry-run=server|client|none] [options]",
    .brief = "Create a LoadBalancer service",
    .examples = "  # Behind a load balancer\n"
                "  kubectl create service loadbalancer web --tcp=80:8080\n",
    .flags = loadbalancer_flags,
    .run = run_loadbalancer,
};

static const struct opt_row externalname_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAG_TCP,
    {"external-name", 0, OPT_STRING, .help = "Name that the service stands for.", .required = true},
    {0},
};
static const struct command service_externalname = {
    .name = "externalname",
    .args = "NAME --external-name external.name [--dry-run=server|client|none] [options]",
    .brief = "Create an ExternalName service",
    .examples = "  # Another name for a host outside\n"
                "  kubectl create service externalname db --external-name db.example\n",
    .flags = externalname_flags,
    .run = run_externalname,
};

static const struct command *const service_commands[] = {&service_clusterip, &service_externalname,
                                                         &service_loadbalancer, &service_nodeport, NULL};

const struct command create_service = {
    .name = "service",
    .aliases = "svc",
    .brief = "Create a service using a specified subcommand",
    .commands = service_commands,
};
