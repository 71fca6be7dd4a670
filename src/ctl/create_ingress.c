/* create ingress: rules as host/path=service:port[,tls[=secret]]. */
#include "ctl/create.h"
#include "ctl/object.h"

/* "name:port" as a backend. False: it is none. */
static bool backend(struct ctl *c, struct str text, struct jval *ret) {
    struct str name, port;
    int64_t number;
    if (!str_split(text, ':', &name, &port) || !name.n || !port.n)
        return false;
    bool is_number = str_to_i64(port, &number);
    struct jval p = is_number ? tree_of_pairs(c, "number", jval_int(number), NULL)
                              : tree_of_pairs(c, "name", jval_str(port), NULL);
    *ret = tree_of_pairs(c, "service", tree_of_pairs(c, "name", jval_str(name), "port", p, NULL), NULL);
    return true;
}

struct host {
    struct str name;
    struct jlist paths;
    bool tls;
    struct str secret;
};

struct hosts {
    struct host v[64];
    size_t n;
};

static struct host *host_named(struct hosts *h, struct str name) {
    for (size_t i = 0; i < h->n; i++)
        if (str_eq(h->v[i].name, name))
            return &h->v[i];
    if (h->n == sizeof h->v / sizeof *h->v)
        return NULL;
    h->v[h->n] = (struct host){.name = name};
    return &h->v[h->n++];
}

static int bad_rule(struct ctl *c, struct str rule) {
    return ctl_error(c,
                     "rule %.*s is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]",
                     STR_ARG(rule));
}

static int add_rule(struct ctl *c, struct hosts *hosts, struct str rule) {
    struct str left, right, name, path, to, tls, secret;
    struct jval service;
    if (!str_split(rule, '=', &left, &right) || !str_split(left, '/', &name, &path))
        return bad_rule(c, rule);
    bool has_tls = str_split(right, ',', &to, &tls);
    if (!backend(c, to, &service))
        return bad_rule(c, rule);
    bool has_secret = str_split(tls, '=', &tls, &secret);
    if (has_tls && !str_eq(tls, S("tls")))
        return bad_rule(c, rule);
    struct host *h = host_named(hosts, name);
    if (!h)
        return ctl_error(c, "too many hosts");
    bool prefix = path.n && path.p[path.n - 1] == '*';
    path = arena_printf(&c->arena, "/%.*s", STR_ARG(str_cut(path, path.n - prefix)));
    jlist_add(&c->arena, &h->paths,
              tree_of_pairs(c, "path", jval_str(path), "pathType",
                            jval_str(prefix ? S("Prefix") : S("Exact")), "backend", service, NULL));
    h->tls = h->tls || has_tls;
    if (has_secret)
        h->secret = secret;
    return 0;
}

static struct jval tls_of(struct ctl *c, const struct hosts *hosts) {
    struct jlist tls = {0};
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host *h = &hosts->v[i];
        struct jobject o = {0};
        if (!h->tls)
            continue;
        if (h->name.n)
            jobject_set(&c->arena, &o, S("hosts"), tree_of_texts(c, &h->name, 1));
        if (h->secret.n)
            jobject_set(&c->arena, &o, S("secretName"), jval_str(h->secret));
        jlist_add(&c->arena, &tls, jobject_done(&o));
    }
    return jlist_done(&tls);
}

static int add_rules(struct maker *m, const struct str *rules, size_t n) {
    struct ctl *c = m->c;
    struct hosts *hosts = arena_new(&c->arena, struct hosts);
    struct jlist list = {0};
    for (size_t i = 0; i < n; i++)
        if (add_rule(c, hosts, rules[i]))
            return 1;
    for (size_t i = 0; i < hosts->n; i++) {
        struct jval rule =
            tree_of_pairs(c, "http", tree_of_pairs(c, "paths", jlist_done(&hosts->v[i].paths), NULL), NULL);
        if (hosts->v[i].name.n)
            rule = jval_with(&c->arena, &rule, S("host"), jval_str(hosts->v[i].name));
        jlist_add(&c->arena, &list, rule);
    }
    if (list.n)
        maker_set(m, "spec.rules", jlist_done(&list));
    struct jval tls = tls_of(c, hosts);
    if (tls.n)
        maker_set(m, "spec.tls", tls);
    return 0;
}

static int run(struct ctl *c) {
    struct maker m;
    struct problem p;
    struct str name, fallback = opt_str(&c->opts, "default-backend"), key, value;
    size_t n, n_annotations;
    const struct str *rules = opt_list(&c->opts, "rule", &n);
    const struct str *annotations = opt_list(&c->opts, "annotation", &n_annotations);
    struct jval service;
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    if (!n && !fallback.n)
        return ctl_error(
            c, "not enough information provided: every ingress has to either specify a default-backend "
               "(which catches all traffic) or a list of rules (which catch specific paths)");
    maker_init(&m, c, "networking.k8s.io/v1", "Ingress", name);
    for (size_t i = 0; i < n_annotations; i++) {
        if (!str_split(annotations[i], '=', &key, &value))
            return ctl_error(c, "annotation %.*s is invalid and should be in format key=[value]",
                             STR_ARG(annotations[i]));
        maker_entry(&m, "metadata.annotations", key, jval_str(value));
    }
    maker_str(&m, "spec.ingressClassName", opt_str(&c->opts, "class"));
    if (fallback.n && !backend(c, fallback, &service))
        return ctl_error(c, "default-backend should be in format servicename:serviceport");
    if (fallback.n)
        maker_set(&m, "spec.defaultBackend", service);
    return add_rules(&m, rules, n) ? 1 : maker_run(&m, "failed to create ingress:");
}

static const struct opt_row flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"annotation", 0, OPT_ARRAY, .help = "An annotation, key=value; may be repeated."},
    {"class", 0, OPT_STRING, .help = "The class of the ingress."},
    {"default-backend", 0, OPT_STRING, .help = "Where everything else goes: service:port."},
    {"rule", 0, OPT_ARRAY,
     .help = "host/path=service:port[,tls[=secret]]; a path that ends in * is a prefix."},
    {0},
};

const struct command create_ingress = {
    .name = "ingress",
    .aliases = "ing",
    .args = "NAME --rule=host/path=service:port[,tls[=secret]] [options]",
    .brief = "Create an ingress with the specified name",
    .examples = "  # One host, one service\n"
                "  kubectl create ingress web --rule=\"example.com/*=web:80\"\n",
    .flags = flags,
    .run = run,
};
