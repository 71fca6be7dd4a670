/* port-forward: ports of a pod as local ones. */
#include "base/timefmt.h"
#include "base/vec.h"
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/flags_common.h"
#include "ctl/object.h"
#include "ctl/pods.h"
#include "ctl/tunnel.h"

struct forwarding {
    struct ctl *c;
    struct target from, pod; /* what was named, and its pod */
    VEC(struct forward) all;
};

/* -- ports -- */

static bool parse_port(struct str s, uint16_t *ret) {
    uint64_t v;
    if (!str_to_u64(s, &v) || v > 65535)
        return false;
    *ret = (uint16_t)v;
    return true;
}

/* The number of a port of the pod by its name. */
static bool named_port(const struct jval *pod, struct str name, uint16_t *ret) {
    const struct jval *all = object_array(pod, "spec.containers");
    for (uint32_t k = 0; all && k < all->n; k++) {
        const struct jval *ports = object_array(&all->items[k], "ports");
        for (uint32_t i = 0; ports && i < ports->n; i++)
            if (str_eq(object_str(&ports->items[i], "name"), name)) {
                *ret = (uint16_t)object_int(&ports->items[i], "containerPort", 0);
                return true;
            }
    }
    return false;
}

/* A service's port, by number or name, as the pod's. */
static int through_service(struct forwarding *f, struct str text, uint16_t *ret, struct problem *p) {
    struct ctl *c = f->c;
    const struct jval *ports = object_array(&f->from.object, "spec.ports");
    uint16_t number = 0;
    bool numeric = parse_port(text, &number);
    for (uint32_t i = 0; ports && i < ports->n; i++) {
        const struct jval *s = &ports->items[i], *target = jval_get(s, S("targetPort"));
        if (numeric ? object_int(s, "port", 0) != number : !str_eq(object_str(s, "name"), text))
            continue;
        if (target && target->kind == J_STRING) {
            if (named_port(&f->pod.object, jval_as_str(target), ret))
                return 0;
            return problem_set(c, p, "Pod '%.*s' does not have a named port '%.*s'", STR_ARG(f->pod.name),
                               STR_ARG(jval_as_str(target)));
        }
        *ret = (uint16_t)object_int(s, "targetPort", object_int(s, "port", 0));
        return 0;
    }
    return problem_set(c, p, "Service %.*s does not have a %s %.*s", STR_ARG(f->from.name),
                       numeric ? "service port" : "named port", STR_ARG(text));
}

static int remote_port(struct forwarding *f, struct str text, uint16_t *ret, struct problem *p) {
    if (str_eq(object_kind(&f->from.object), S("Service")))
        return through_service(f, text, ret, p);
    if (parse_port(text, ret) && *ret)
        return 0;
    if (named_port(&f->pod.object, text, ret))
        return 0;
    return problem_set(f->c, p, "Pod '%.*s' does not have a named port '%.*s'", STR_ARG(f->pod.name),
                       STR_ARG(text));
}

/* "8080", "8080:80", ":80", "8080:http" on each address. */
static int add_port(struct forwarding *f, struct str text, struct problem *p) {
    struct ctl *c = f->c;
    struct str left, right;
    size_t n;
    const struct str *addresses = opt_list(&c->opts, "address", &n);
    struct forward one = {0};
    if (!str_split(text, ':', &left, &right))
        right = left;
    if (remote_port(f, right, &one.remote, p))
        return CTL_PROBLEM;
    if (str_find_byte(text, ':') < 0 && !parse_port(left, &one.local))
        one.local = one.remote; /* a name */
    else if (left.n && !parse_port(left, &one.local))
        return problem_set(
            c, p, "error parsing local port '%.*s': strconv.ParseUint: parsing \"%.*s\": invalid syntax",
            STR_ARG(left), STR_ARG(left));
    for (size_t i = 0; i < (n ? n : 1); i++) {
        struct str address = n ? addresses[i] : S("localhost");
        bool local = str_eq(address, S("localhost"));
        one.address = local ? S("127.0.0.1") : address;
        vec_push_in(&c->arena, &f->all, one);
        one.address = S("::1");
        if (local)
            vec_push_in(&c->arena, &f->all, one);
    }
    return 0;
}

/* -- the command -- */

static int find(struct forwarding *f, struct problem *p) {
    struct ctl *c = f->c;
    struct targets t = {0};
    struct str args[] = {S("pods"), c->opts.args[0]};
    bool typed = str_find_byte(args[1], '/') >= 0;
    struct select s = {.args = typed ? &args[1] : args, .n_args = typed ? 1 : 2, .fetch = true};
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    if (t.n == 0)
        return problem_say(c, p, "%s", "");
    f->from = t.v[0];
    if (pod_of(c, args[1], &(struct pod_wish){.timeout_ns = opt_ns(&c->opts, "pod-running-timeout")}, &f->pod,
               NULL, p))
        return CTL_PROBLEM;
    struct str phase = object_str(&f->pod.object, "status.phase");
    if (!str_eq(phase, S("Running")))
        return problem_set(c, p, "unable to forward port because pod is not running. Current status=%.*s",
                           STR_ARG(phase));
    return 0;
}

static int run(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct forwarding f = {.c = c};
    struct problem p;
    if (o->n_args < 2)
        return ctl_error(
            c,
            "TYPE/NAME and list of ports are required for port-forward\nSee '%.*s -h' for help and examples",
            STR_ARG(c->path));
    if (ctl_connect(c, &p) || find(&f, &p))
        return ctl_fail(c, &p);
    for (size_t i = 1; i < o->n_args; i++)
        if (add_port(&f, o->args[i], &p))
            return ctl_fail(c, &p);
    struct str path = resource_path(c, f.pod.resource, f.pod.ns, f.pod.name, S("portforward"));
    return tunnel_run(c, path, f.all.v, f.all.n, &p) ? ctl_fail(c, &p) : 0;
}

static const struct opt_row flags[] = {
    {"address", 0, OPT_LIST, .help = "Local addresses to listen on; localhost when none is given."},
    {"pod-running-timeout", 0, OPT_DURATION, "1m0s", .help = "How long to wait for a pod."},
    {0},
};

const struct command command_port_forward = {
    .name = "port-forward",
    .args = "TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    .brief = "Forward one or more local ports to a pod",
    .about = "Local connections lead to ports of a pod, of a workload's first pod, or of a service's. It "
             "ends with Ctrl-C, "
             "or when the pod does.",
    .examples = "  # Local port 8080 is port 80 of a service's pod\n"
                "  kubectl port-forward service/web 8080:80\n"
                "  \n"
                "  # Any free local port\n"
                "  kubectl port-forward pod/web-0 :5000\n",
    .flags = flags,
    .run = run,
};
