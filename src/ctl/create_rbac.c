/* create role, clusterrole, rolebinding, clusterrolebinding. */
#include "base/vec.h"
#include "ctl/create.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

#define RBAC "rbac.authorization.k8s.io"

struct texts {
    struct str *v;
    size_t n, cap;
};

static void add_once(struct ctl *c, struct texts *to, struct str s) {
    for (size_t i = 0; i < to->n; i++)
        if (str_eq(to->v[i], s))
            return;
    vec_push_in(&c->arena, to, s);
}

/* Resources of one group, in one rule. */
struct group {
    struct str name;
    struct texts resources;
};

struct groups {
    struct group *v;
    size_t n, cap;
};

static struct texts *resources_of(struct ctl *c, struct groups *g, struct str name) {
    for (size_t i = 0; i < g->n; i++)
        if (str_eq(g->v[i].name, name))
            return &g->v[i].resources;
    vec_push_in(&c->arena, g, ((struct group){.name = name}));
    return &g->v[g->n - 1].resources;
}

static bool is_known_verb(struct str verb) {
    static const char *const verbs[] = {
        "get",      "delete",   "list", "create",      "update", "patch",
        "watch",    "use",      "bind", "impersonate", "*",      "proxy",
        "redirect", "escalate", "sign", "approve",     "attest", "deletecollection"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq(verb, str_from(verbs[i])))
            return true;
    return false;
}

static int add_resource(struct ctl *c, struct groups *g, struct str text) {
    struct problem p;
    const struct resource *r;
    struct str name, sub;
    bool has_sub = str_split(text, '/', &name, &sub);
    if (!name.n)
        return ctl_error(c, "resource must be specified if apiGroup/subresource specified");
    if (str_eq(text, S("*")))
        return add_once(c, resources_of(c, g, S("*")), S("*")), 0;
    if (str_eq(name, S("*")))
        return add_once(c, resources_of(c, g, S("")), text), 0;
    if (resource_find(c, name, &r, &p))
        return ctl_fail_item(c, &p);
    struct str full =
        has_sub ? arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(r->plural), STR_ARG(sub)) : r->plural;
    add_once(c, resources_of(c, g, r->group), full);
    return 0;
}

struct role_flags {
    struct texts verbs, names, urls;
    struct groups groups;
};

static int read_role(struct ctl *c, struct role_flags *f) {
    size_t n;
    const struct str *v = opt_list(&c->opts, "verb", &n);
    for (size_t i = 0; i < n; i++)
        add_once(c, &f->verbs, v[i]);
    for (size_t i = 0; i < f->verbs.n; i++)
        if (str_eq(f->verbs.v[i], S("*")))
            f->verbs = (struct texts){&f->verbs.v[i], 1, 1};
    v = opt_list(&c->opts, "resource-name", &n);
    for (size_t i = 0; i < n; i++)
        add_once(c, &f->names, v[i]);
    if (opt_known(&c->opts, "non-resource-url")) {
        v = opt_list(&c->opts, "non-resource-url", &n);
        for (size_t i = 0; i < n; i++)
            add_once(c, &f->urls, v[i]);
    }
    return 0;
}

static int check_role(struct ctl *c, struct role_flags *f, bool cluster) {
    size_t n;
    const struct str *v = opt_list(&c->opts, "resource", &n);
    if (!f->verbs.n)
        return ctl_error(c, "at least one verb must be specified");
    if (!n && !f->urls.n)
        return ctl_error(c, cluster ? "one of resource or nonResourceURL must be specified"
                                    : "at least one resource must be specified");
    if (n && f->urls.n)
        return ctl_error(c, "--resource and --non-resource-url cannot be specified at the same time");
    if (!n && f->names.n)
        return ctl_error(c, "resource must be specified if resourceName specified");
    for (size_t i = 0; i < f->urls.n; i++) {
        struct str url = f->urls.v[i];
        if (!str_eq(url, S("*")) && !str_has_prefix(url, S("/")))
            return ctl_error(c, "nonResourceURL should start with /");
        if (str_find_byte(url, '*') >= 0 && str_find_byte(url, '*') != (ptrdiff_t)url.n - 1)
            return ctl_error(c, "nonResourceURL only supports wildcard matches when '*' is at the end");
    }
    for (size_t i = 0; i < f->verbs.n; i++)
        if (!f->urls.n && !is_known_verb(f->verbs.v[i]))
            ctl_warn(c, "'%.*s' is not a standard resource verb", STR_ARG(f->verbs.v[i]));
    for (size_t i = 0; i < n; i++)
        if (add_resource(c, &f->groups, v[i]))
            return 1;
    return 0;
}

static struct jval rules_of(struct ctl *c, const struct role_flags *f) {
    struct jlist rules = {0};
    struct jval verbs = tree_of_texts(c, f->verbs.v, f->verbs.n);
    for (size_t i = 0; i < f->groups.n; i++) {
        const struct group *g = &f->groups.v[i];
        struct jval rule =
            tree_of_pairs(c, "apiGroups", tree_of_texts(c, &g->name, 1), "resources",
                          tree_of_texts(c, g->resources.v, g->resources.n), "verbs", verbs, NULL);
        if (f->names.n)
            rule = jval_with(&c->arena, &rule, S("resourceNames"), tree_of_texts(c, f->names.v, f->names.n));
        jlist_add(&c->arena, &rules, rule);
    }
    if (f->urls.n)
        jlist_add(&c->arena, &rules,
                  tree_of_pairs(c, "nonResourceURLs", tree_of_texts(c, f->urls.v, f->urls.n), "verbs", verbs,
                                NULL));
    return jlist_done(&rules);
}

/* "a=b,c=d". */
static int add_aggregation(struct maker *m, const struct str *v, size_t n) {
    struct ctl *c = m->c;
    struct jobject labels = {0};
    for (size_t i = 0; i < n; i++) {
        struct str key, value;
        if (!str_split(v[i], '=', &key, &value))
            return ctl_error(c, "\"%.*s\" must be formatted as key=value", STR_ARG(v[i]));
        jobject_set(&c->arena, &labels, key, jval_str(value));
    }
    struct jlist selectors = {0};
    jlist_add(&c->arena, &selectors, tree_of_pairs(c, "matchLabels", jobject_done(&labels), NULL));
    maker_set(m, "aggregationRule.clusterRoleSelectors", jlist_done(&selectors));
    return 0;
}

static int run_any_role(struct ctl *c, bool cluster) {
    struct maker m;
    struct problem p;
    struct str name;
    struct role_flags f = {0};
    size_t n = 0;
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    const struct str *aggregation = cluster ? opt_list(&c->opts, "aggregation-rule", &n) : NULL;
    maker_init(&m, c, RBAC "/v1", cluster ? "ClusterRole" : "Role", name);
    (void)read_role(c, &f);
    if (n && (f.verbs.n || f.names.n || f.urls.n))
        return ctl_error(
            c, "aggregation rule must be specified without nonResourceURLs, resourceNames or verbs");
    if (n)
        return add_aggregation(&m, aggregation, n) ? 1 : maker_run(&m, NULL);
    if (check_role(c, &f, cluster))
        return 1;
    maker_set(&m, "rules", rules_of(c, &f));
    return maker_run(&m, NULL);
}

static int run_role(struct ctl *c) {
    return run_any_role(c, false);
}

static int run_clusterrole(struct ctl *c) {
    return run_any_role(c, true);
}

/* -- bindings -- */

static void add_subjects(struct ctl *c, struct jlist *to, const char *flag, const char *kind) {
    size_t n;
    const struct str *v = opt_list(&c->opts, flag, &n);
    struct texts once = {0};
    for (size_t i = 0; i < n; i++)
        add_once(c, &once, v[i]);
    for (size_t i = 0; i < once.n; i++)
        jlist_add(&c->arena, to,
                  tree_of_pairs(c, "apiGroup", jval_str(S(RBAC)), "kind", jval_str(str_from(kind)), "name",
                                jval_str(once.v[i]), NULL));
}

static int add_accounts(struct ctl *c, struct jlist *to) {
    size_t n;
    const struct str *v = opt_list(&c->opts, "serviceaccount", &n);
    for (size_t i = 0; i < n; i++) {
        struct str ns, name;
        if (!str_split(v[i], ':', &ns, &name) || !ns.n || !name.n || str_find_byte(name, ':') >= 0)
            return ctl_error(c, "serviceaccount must be <namespace>:<name>");
        jlist_add(&c->arena, to,
                  tree_of_pairs(c, "kind", jval_str(S("ServiceAccount")), "name", jval_str(name), "namespace",
                                jval_str(ns), NULL));
    }
    return 0;
}

static int run_any_binding(struct ctl *c, bool cluster) {
    struct maker m;
    struct problem p;
    struct str name, to = opt_str(&c->opts, "clusterrole"),
                     role = cluster ? S("") : opt_str(&c->opts, "role");
    struct jlist subjects = {0};
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    if (!cluster && !to.n == !role.n)
        return ctl_error(c, "exactly one of clusterrole or role must be specified");
    maker_init(&m, c, RBAC "/v1", cluster ? "ClusterRoleBinding" : "RoleBinding", name);
    maker_str(&m, "roleRef.apiGroup", S(RBAC));
    maker_str(&m, "roleRef.kind", role.n ? S("Role") : S("ClusterRole"));
    maker_str(&m, "roleRef.name", role.n ? role : to);
    add_subjects(c, &subjects, "user", "User");
    add_subjects(c, &subjects, "group", "Group");
    if (add_accounts(c, &subjects))
        return 1;
    if (subjects.n)
        maker_set(&m, "subjects", jlist_done(&subjects));
    return maker_run(&m, cluster ? "failed to create clusterrolebinding:" : "failed to create rolebinding:");
}

static int run_rolebinding(struct ctl *c) {
    return run_any_binding(c, false);
}

static int run_clusterrolebinding(struct ctl *c) {
    return run_any_binding(c, true);
}

#define FLAGS_ROLE                                                                                           \
    {"verb", 0, OPT_LIST, .help = "What is allowed: get, list, …; may be repeated."},                        \
        {"resource", 0, OPT_LIST,                                                                            \
         .help = "On which resources: pods, deployments.apps, pods/log; may be repeated."},                  \
    {                                                                                                        \
        "resource-name", 0, OPT_ARRAY, .help = "Only on objects of this name; may be repeated."              \
    }

static const struct opt_row role_flags[] = {FLAGS_MAKE("kubectl-create"), FLAGS_ROLE, {0}};

const struct command create_role = {
    .name = "role",
    .args = "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] "
            "[--dry-run=server|client|none] [options]",
    .brief = "Create a role with single rule",
    .examples = "  # Who has this role may look at pods\n"
                "  kubectl create role look --verb=get,list,watch --resource=pods\n",
    .flags = role_flags,
    .run = run_role,
};

static const struct opt_row clusterrole_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAGS_ROLE,
    {"non-resource-url", 0, OPT_LIST, .help = "On a path that is no resource; may be repeated."},
    {"aggregation-rule", 0, OPT_LIST, .help = "Made up of the cluster roles with these labels."},
    {0},
};

const struct command create_clusterrole = {
    .name = "clusterrole",
    .args = "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] "
            "[--dry-run=server|client|none] [options]",
    .brief = "Create a cluster role",
    .examples = "  # The same for the whole cluster\n"
                "  kubectl create clusterrole look --verb=get,list,watch --resource=pods\n",
    .flags = clusterrole_flags,
    .run = run_clusterrole,
};

#define FLAGS_SUBJECTS                                                                                       \
    {"user", 0, OPT_ARRAY, .help = "A user who gets the role; may be repeated."},                            \
        {"group", 0, OPT_ARRAY, .help = "A group that gets the role; may be repeated."}, {                   \
        "serviceaccount", 0, OPT_ARRAY, .help = "An account as namespace:name; may be repeated."             \
    }

static const struct opt_row rolebinding_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAGS_SUBJECTS,
    {"role", 0, OPT_STRING, .help = "The role of the namespace."},
    {"clusterrole", 0, OPT_STRING, .help = "Or the cluster role."},
    {0},
};

const struct command create_rolebinding = {
    .name = "rolebinding",
    .args = "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] "
            "[--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]",
    .brief = "Create a role binding for a particular role or cluster role",
    .examples = "  # An account that may look at pods\n"
                "  kubectl create rolebinding look --role=look --serviceaccount=default:my-account\n",
    .flags = rolebinding_flags,
    .run = run_rolebinding,
};

static const struct opt_row clusterrolebinding_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAGS_SUBJECTS,
    {"clusterrole", 0, OPT_STRING, .help = "The cluster role.", .required = true},
    {0},
};

const struct command create_clusterrolebinding = {
    .name = "clusterrolebinding",
    .args = "NAME --clusterrole=NAME [--user=username] [--group=groupname] "
            "[--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]",
    .brief = "Create a cluster role binding for a particular cluster role",
    .examples = "  # A user who may do everything\n"
                "  kubectl create clusterrolebinding boss --clusterrole=cluster-admin --user=me\n",
    .flags = clusterrolebinding_flags,
    .run = run_clusterrolebinding,
};
