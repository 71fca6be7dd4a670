/* create namespace, serviceaccount, quota, priorityclass, poddisruptionbudget, token. */
#include "api/quantity.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/create.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

static int begin(struct ctl *c, struct maker *m, const char *api_version, const char *kind) {
    struct problem p;
    struct str name;
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    maker_init(m, c, api_version, kind, name);
    return 0;
}

static int run_namespace(struct ctl *c) {
    struct maker m;
    return begin(c, &m, "v1", "Namespace") ? 1 : maker_run(&m, NULL);
}

static int run_serviceaccount(struct ctl *c) {
    struct maker m;
    return begin(c, &m, "v1", "ServiceAccount") ? 1 : maker_run(&m, "failed to create serviceaccount:");
}

/* -- quota -- */

/* "cpu=1,memory=1Gi" into spec.hard. */
static int add_hard(struct maker *m, struct str list) {
    bool more = list.n > 0;
    while (more) {
        struct str item, name, amount;
        struct quantity q;
        more = str_split(list, ',', &item, &list);
        if (!str_split(item, '=', &name, &amount) || str_find_byte(amount, '=') >= 0)
            return ctl_error(m->c, "Invalid argument syntax %.*s, expected <resource>=<value>",
                             STR_ARG(item));
        if (quantity_parse(amount, &q, NULL))
            return ctl_error(m->c, "quantities must match the regular expression "
                                   "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        maker_entry(m, "spec.hard", name, jval_str(amount));
    }
    return 0;
}

static int run_quota(struct ctl *c) {
    struct maker m;
    struct jlist scopes = {0};
    struct str rest = opt_str(&c->opts, "scopes"), scope;
    if (begin(c, &m, "v1", "ResourceQuota") || add_hard(&m, opt_str(&c->opts, "hard")))
        return 1;
    for (bool more = rest.n > 0; more;) {
        more = str_split(rest, ',', &scope, &rest);
        jlist_add(&c->arena, &scopes, jval_str(scope));
    }
    if (scopes.n)
        maker_set(&m, "spec.scopes", jlist_done(&scopes));
    return maker_run(&m, "failed to create quota:");
}

/* -- priorityclass -- */

static int run_priorityclass(struct ctl *c) {
    struct maker m;
    if (begin(c, &m, "scheduling.k8s.io/v1", "PriorityClass"))
        return 1;
    maker_int(&m, "value", opt_int(&c->opts, "value"));
    if (opt_bool(&c->opts, "global-default"))
        maker_set(&m, "globalDefault", jval_bool(true));
    maker_str(&m, "description", opt_str(&c->opts, "description"));
    maker_str(&m, "preemptionPolicy", opt_str(&c->opts, "preemption-policy"));
    return maker_run(&m, "failed to create priorityclass:");
}

/* -- poddisruptionbudget -- */

static struct jval int_or_str(struct str s) {
    int64_t n;
    return str_to_i64(s, &n) ? jval_int(n) : jval_str(s);
}

static int add_selector(struct maker *m, struct str text) {
    bool more = text.n > 0;
    while (more) {
        struct str item, key, value;
        more = str_split(text, ',', &item, &text);
        if (!str_split(item, '=', &key, &value))
            return ctl_error(m->c,
                             "couldn't convert selector into a list of labels: \"%.*s\" is not key=value",
                             STR_ARG(item));
        if (str_has_prefix(value, S("=")))
            value = str_from_byte(value, 1);
        maker_entry(m, "spec.selector.matchLabels", str_trim(key), jval_str(str_trim(value)));
    }
    return 0;
}

static int run_pdb(struct ctl *c) {
    struct maker m;
    struct str selector = opt_str(&c->opts, "selector"), least = opt_str(&c->opts, "min-available"),
               most = opt_str(&c->opts, "max-unavailable");
    if (begin(c, &m, "policy/v1", "PodDisruptionBudget"))
        return 1;
    if (!selector.n)
        return ctl_error(c, "a selector must be specified");
    if (!least.n && !most.n)
        return ctl_error(c, "one of min-available or max-unavailable must be specified");
    if (least.n && most.n)
        return ctl_error(c, "min-available and max-unavailable cannot be both specified");
    if (add_selector(&m, selector))
        return 1;
    maker_set(&m, least.n ? "spec.minAvailable" : "spec.maxUnavailable", int_or_str(least.n ? least : most));
    return maker_run(&m, "failed to create poddisruptionbudgets:");
}

/* -- token -- */

static int token_request(struct ctl *c, struct maker *m) {
    const struct opts *o = &c->opts;
    size_t n;
    const struct str *audiences = opt_list(o, "audience", &n);
    int64_t seconds = opt_ns(o, "duration") / NS_PER_SEC;
    if (opt_ns(o, "duration") < 0)
        return ctl_error(c, "duration must be positive");
    if (opt_ns(o, "duration") % NS_PER_SEC)
        return ctl_error(c, "duration cannot be expressed in units less than seconds");
    if (n)
        maker_set(m, "spec.audiences", tree_of_texts(c, audiences, n));
    if (seconds)
        maker_int(m, "spec.expirationSeconds", seconds);
    struct str kind = opt_str(o, "bound-object-kind"), name = opt_str(o, "bound-object-name");
    if (!kind.n && (name.n || opt_str(o, "bound-object-uid").n))
        return ctl_error(c, "--bound-object-%s can only be set if --bound-object-kind is provided",
                         name.n ? "name" : "uid");
    if (kind.n && !name.n)
        return ctl_error(c, "--bound-object-name is required if --bound-object-kind is provided");
    if (kind.n && !str_eq(kind, S("Pod")) && !str_eq(kind, S("Secret")) && !str_eq(kind, S("Node")))
        return ctl_error(c, "supported --bound-object-kind values are Node, Pod, Secret");
    if (kind.n) {
        maker_str(m, "spec.boundObjectRef.kind", kind);
        maker_str(m, "spec.boundObjectRef.apiVersion", S("v1"));
        maker_str(m, "spec.boundObjectRef.name", name);
        maker_str(m, "spec.boundObjectRef.uid", opt_str(o, "bound-object-uid"));
    }
    return 0;
}

static int run_token(struct ctl *c) {
    struct maker m;
    struct problem p;
    struct printer *pr;
    struct jval answer;
    const struct resource *r;
    struct str name;
    if (maker_name(c, &name, &p) || printer_new(c, &pr, &p) || ctl_config(c, &p))
        return ctl_fail(c, &p);
    maker_init(&m, c, "authentication.k8s.io/v1", "TokenRequest", S(""));
    if (token_request(c, &m))
        return 1;
    if (resource_find(c, S("serviceaccounts"), &r, &p))
        return ctl_fail(c, &p);
    maker_str(&m, "metadata.name", name);
    m.object = typed_form(c, &m.object);
    struct write_options o = {.subresource = S("token")};
    if (object_create(c, r, c->ns, &m.object, &o, &answer, &p))
        return p.http_code ? ctl_error(c, "failed to create token: %.*s", STR_ARG(p.message))
                           : ctl_fail(c, &p);
    if (opt_str(&c->opts, "output").n)
        return printer_print_typed(pr, &answer, "created", &p) ? ctl_fail(c, &p) : 0;
    struct str token = object_str(&answer, "status.token");
    if (!token.n)
        return ctl_error(c, "failed to create token: no token in server response");
    ctl_say(c, "%.*s%s", STR_ARG(token), "\n");
    return 0;
}

/* -- rows -- */

static const struct opt_row plain_flags[] = {FLAGS_MAKE("kubectl-create"), {0}};

const struct command create_namespace = {
    .name = "namespace",
    .aliases = "ns",
    .args = "NAME [--dry-run=server|client|none] [options]",
    .brief = "Create a namespace with the specified name",
    .examples = "  # A namespace\n  kubectl create namespace my-namespace\n",
    .flags = plain_flags,
    .run = run_namespace,
};

const struct command create_serviceaccount = {
    .name = "serviceaccount",
    .aliases = "sa",
    .args = "NAME [--dry-run=server|client|none] [options]",
    .brief = "Create a service account with the specified name",
    .examples = "  # An account for programs in pods\n  kubectl create serviceaccount my-account\n",
    .flags = plain_flags,
    .run = run_serviceaccount,
};

static const struct opt_row quota_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"hard", 0, OPT_STRING, .help = "Limits: resource=amount, with commas between."},
    {"scopes", 0, OPT_STRING, .help = "What the quota counts: scopes with commas between."},
    {0},
};

const struct command create_quota = {
    .name = "quota",
    .aliases = "resourcequota",
    .args = "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none] "
            "[options]",
    .brief = "Create a quota with the specified name",
    .examples = "  # At most one CPU and two pods\n  kubectl create quota my-quota --hard=cpu=1,pods=2\n",
    .flags = quota_flags,
    .run = run_quota,
};

static const struct opt_row priority_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"value", 0, OPT_INT, .help = "The priority."},
    {"global-default", 0, OPT_BOOL, .help = "Pods that name no class get this one."},
    {"description", 0, OPT_STRING, .help = "When to use it."},
    {"preemption-policy", 0, OPT_STRING, "PreemptLowerPriority", .help = "PreemptLowerPriority or Never."},
    {0},
};

const struct command create_priorityclass = {
    .name = "priorityclass",
    .aliases = "pc",
    .args = "NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none] [options]",
    .brief = "Create a priority class with the specified name",
    .examples = "  # Pods that go before others\n"
                "  kubectl create priorityclass high --value=1000 --description=\"goes first\"\n",
    .flags = priority_flags,
    .run = run_priorityclass,
};

static const struct opt_row pdb_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    {"min-available", 0, OPT_STRING, .help = "How many pods (or how many percent) must always run."},
    {"max-unavailable", 0, OPT_STRING, .help = "How many pods (or how many percent) may be away."},
    {"selector", 0, OPT_STRING, .help = "Labels of the pods: key=value, with commas between."},
    {0},
};

const struct command create_poddisruptionbudget = {
    .name = "poddisruptionbudget",
    .aliases = "pdb",
    .args = "NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none] [options]",
    .brief = "Create a pod disruption budget with the specified name",
    .examples = "  # Half of the pods stay\n"
                "  kubectl create pdb web --selector=app=web --min-available=50%\n",
    .flags = pdb_flags,
    .run = run_pdb,
};

static const struct opt_row token_flags[] = {
    FLAGS_PRINT,
    {"audience", 0, OPT_ARRAY, .help = "For whom the token is; may be repeated."},
    {"duration", 0, OPT_DURATION, "0s", .help = "How long it shall be valid; the server decides."},
    {"bound-object-kind", 0, OPT_STRING, .help = "The token ends with this object: Pod, Secret or Node."},
    {"bound-object-name", 0, OPT_STRING, .help = "Its name."},
    {"bound-object-uid", 0, OPT_STRING, .help = "Its UID."},
    {0},
};

const struct command create_token = {
    .name = "token",
    .args = "SERVICE_ACCOUNT_NAME [options]",
    .brief = "Request a service account token",
    .examples = "  # A token of an account, for ten minutes\n"
                "  kubectl create token my-account --duration 10m\n",
    .flags = token_flags,
    .run = run_token,
};
