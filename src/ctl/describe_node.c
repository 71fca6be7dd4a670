/* Nodes and how full they are. See describe.h. */
#include "api/json.h"
#include "api/kind.h"
#include "api/pod_requests.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/vec.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"
#include "ctl/table_print.h"

#define ROLE_PREFIX "node-role.kubernetes.io/"

/* -- what it is -- */

static void put_roles(struct describing *d) {
    const struct jval *labels = jval_path(d->o, "metadata.labels");
    struct jlist roles = {0};
    for (uint32_t i = 0; labels && labels->kind == J_OBJECT && i < labels->n; i++) {
        struct str key = labels->members[i].key;
        if (str_has_prefix(key, S(ROLE_PREFIX)) && key.n > sizeof ROLE_PREFIX - 1)
            jlist_add(&d->c->arena, &roles, jval_str(str_from_byte(key, sizeof ROLE_PREFIX - 1)));
        else if (str_eq(key, S("kubernetes.io/role")))
            jlist_add(&d->c->arena, &roles, labels->members[i].value);
    }
    struct jval all = jlist_done(&roles);
    d_put(d, 0, "Roles:\t%.*s\n", STR_ARG(d_join(d, &all, ",")));
}

static void put_taints(struct describing *d) {
    const struct jval *all = object_array(d->o, "spec.taints");
    d_put(d, 0, "Taints:\t%s", all && all->n ? "" : "<none>\n");
    for (uint32_t i = 0; all && i < all->n; i++) {
        struct str value = object_str(&all->items[i], "value");
        d_put(d, 0, "%s%.*s%s%.*s:%.*s\n", i ? "\t" : "", STR_ARG(object_str(&all->items[i], "key")),
              value.n ? "=" : "", STR_ARG(value), STR_ARG(object_str(&all->items[i], "effect")));
    }
}

static void put_lease(struct describing *d) {
    struct str why = S("");
    struct jval lease =
        d_get(d, "coordination.k8s.io", "leases", S("kube-node-lease"), object_name(d->o), &why);
    if (lease.kind != J_OBJECT) {
        d_put(d, 0, "Lease:\tFailed to get lease: %.*s\n", STR_ARG(why));
        return;
    }
    struct str taken = object_str(&lease, "spec.acquireTime"), renewed = object_str(&lease, "spec.renewTime");
    d_put(d, 0, "Lease:\n");
    d_put(d, 1, "HolderIdentity:\t%.*s\n", STR_ARG(or_unset(object_str(&lease, "spec.holderIdentity"))));
    d_put(d, 1, "AcquireTime:\t%.*s\n", STR_ARG(taken.n ? d_time(d, taken) : S("<unset>")));
    d_put(d, 1, "RenewTime:\t%.*s\n", STR_ARG(renewed.n ? d_time(d, renewed) : S("<unset>")));
}

static void put_conditions(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n");
    d_put(d, 1, "----\t------\t-----------------\t------------------\t------\t-------\n");
    for (uint32_t i = 0; i < all->n; i++) {
        const struct jval *k = &all->items[i];
        d_put(d, 1, "%.*s \t%.*s \t%.*s \t%.*s \t%.*s \t%.*s\n", STR_ARG(object_str(k, "type")),
              STR_ARG(object_str(k, "status")), STR_ARG(d_time(d, object_str(k, "lastHeartbeatTime"))),
              STR_ARG(d_time(d, object_str(k, "lastTransitionTime"))), STR_ARG(object_str(k, "reason")),
              STR_ARG(object_str(k, "message")));
    }
}

static void put_system(struct describing *d) {
    static const struct {
        const char *title, *field;
    } lines[] = {{"Machine ID", "machineID"},
                 {"System UUID", "systemUUID"},
                 {"Boot ID", "bootID"},
                 {"Kernel Version", "kernelVersion"},
                 {"OS Image", "osImage"},
                 {"Operating System", "operatingSystem"},
                 {"Architecture", "architecture"},
                 {"Container Runtime Version", "containerRuntimeVersion"},
                 {"Kubelet Version", "kubeletVersion"},
                 {"Kube-Proxy Version", "kubeProxyVersion"}};
    const struct jval *info = jval_path(d->o, "status.nodeInfo");
    d_put(d, 0, "System Info:\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        d_put(d, 1, "%s:\t%.*s\n", lines[i].title, STR_ARG(object_str(info, lines[i].field)));
    if (object_str(d->o, "spec.podCIDR").n)
        d_put(d, 0, "PodCIDR:\t%.*s\n", D_STR(d, "spec.podCIDR"));
    const struct jval *cidrs = object_array(d->o, "spec.podCIDRs");
    if (cidrs && cidrs->n)
        d_put(d, 0, "PodCIDRs:\t%.*s\n", STR_ARG(d_join(d, cidrs, ",")));
    if (object_str(d->o, "spec.providerID").n)
        d_put(d, 0, "ProviderID:\t%.*s\n", D_STR(d, "spec.providerID"));
}

/* -- how full it is -- */

struct asked {
    struct quantity_map requests, limits;
};

static struct quantity amount(const struct quantity_map *m, struct str name) {
    for (uint32_t i = 0; i < m->n; i++)
        if (str_eq(m->v[i].key, name))
            return m->v[i].value;
    return quantity_from_int(0, QUANTITY_DECIMAL_SI);
}

static struct quantity allocatable(struct describing *d, struct str name) {
    struct quantity q = quantity_from_int(0, QUANTITY_DECIMAL_SI);
    const struct jval *map = jval_path(d->o, "status.allocatable");
    struct str text = jval_get_str(map, name);
    if (!text.n)
        text = jval_get_str(jval_path(d->o, "status.capacity"), name);
    if (text.n)
        (void)quantity_parse(text, &q, NULL);
    return q;
}

static struct str quantity_text(struct describing *d, struct quantity q) {
    char text[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(&q, text);
    return arena_str(&d->c->arena, str_make(text, n));
}

/* "100m (3%)". */
static struct str share(struct describing *d, const struct quantity_map *m, struct str name) {
    struct quantity q = amount(m, name), all = allocatable(d, name);
    double of = quantity_as_double(&all), part = of > 0 ? quantity_as_double(&q) / of * 100 : 0;
    return arena_printf(&d->c->arena, "%.*s (%lld%%)", STR_ARG(quantity_text(d, q)), (long long)part);
}

static bool is_over(const struct jval *pod) {
    struct str phase = object_str(pod, "status.phase");
    return str_eq(phase, S("Succeeded")) || str_eq(phase, S("Failed"));
}

static struct asked asks(struct describing *d, const struct jval *pod) {
    struct arena *a = &d->c->arena;
    struct err err = ERR_INIT;
    void *body;
    const struct kind *k = &kinds[KIND_CORE_POD];
    if (api_read_json(a, k->set, k->type, object_json(a, pod), NULL, &body, &err) < 0)
        return (struct asked){0};
    const struct core_pod *p = body;
    return (struct asked){pod_requests(&p->spec, a), pod_limits(&p->spec, a)};
}

static void put_pods(struct describing *d, const struct jval *pods, struct asked *total) {
    static const struct str cpu = STR_INIT("cpu"), memory = STR_INIT("memory");
    uint32_t n = 0;
    for (uint32_t i = 0; i < pods->n; i++)
        n += !is_over(&pods->items[i]);
    d_put(d, 0, "Non-terminated Pods:\t(%u in total)\n", n);
    d_put(d, 1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n");
    d_put(d, 1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n");
    for (uint32_t i = 0; i < pods->n; i++) {
        const struct jval *pod = &pods->items[i];
        if (is_over(pod))
            continue;
        struct asked its = asks(d, pod);
        d_put(d, 1, "%.*s\t%.*s\t\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(object_namespace(pod)),
              STR_ARG(object_name(pod)), STR_ARG(share(d, &its.requests, cpu)),
              STR_ARG(share(d, &its.limits, cpu)), STR_ARG(share(d, &its.requests, memory)),
              STR_ARG(share(d, &its.limits, memory)),
              STR_ARG(age_text(d->c, object_str(pod, "metadata.creationTimestamp"))));
        total->requests = quantity_map_add(total->requests, its.requests, &d->c->arena);
        total->limits = quantity_map_add(total->limits, its.limits, &d->c->arena);
    }
}

static void put_total(struct describing *d, const struct asked *total) {
    static const struct str always[] = {STR_INIT("cpu"), STR_INIT("memory"), STR_INIT("ephemeral-storage")};
    const struct jval *all = jval_path(d->o, "status.allocatable");
    d_put(d, 0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
    d_put(d, 1, "Resource\tRequests\tLimits\n");
    d_put(d, 1, "--------\t--------\t------\n");
    for (size_t i = 0; i < 3; i++)
        d_put(d, 1, "%.*s\t%.*s\t%.*s\n", STR_ARG(always[i]), STR_ARG(share(d, &total->requests, always[i])),
              STR_ARG(share(d, &total->limits, always[i])));
    for (uint32_t i = 0; all && all->kind == J_OBJECT && i < all->n; i++) {
        struct str name = all->members[i].key;
        bool huge = str_has_prefix(name, S("hugepages-"));
        if (str_eq(name, S("pods")) || str_eq(name, always[0]) || str_eq(name, always[1]) ||
            str_eq(name, always[2]))
            continue;
        d_put(
            d, 1, "%.*s\t%.*s\t%.*s\n", STR_ARG(name),
            STR_ARG(huge ? share(d, &total->requests, name)
                         : quantity_text(d, amount(&total->requests, name))),
            STR_ARG(huge ? share(d, &total->limits, name) : quantity_text(d, amount(&total->limits, name))));
    }
}

static void put_fullness(struct describing *d) {
    struct asked total = {0};
    struct str on =
        arena_printf(&d->c->arena, "spec.nodeName=%.*s,status.phase!=Failed,status.phase!=Succeeded",
                     STR_ARG(object_name(d->o)));
    struct jval pods = d_list(d, "", "pods", S(""), S(""), on);
    if (pods.kind != J_ARRAY) {
        d_put(d, 0, "Pods:\tnot authorized\n");
        return;
    }
    put_pods(d, &pods, &total);
    put_total(d, &total);
}

void describe_node(struct describing *d) {
    const struct jval *o = d->o, *addresses = object_array(o, "status.addresses");
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(o)));
    put_roles(d);
    d_labels(d, "", "Labels", jval_path(o, "metadata.labels"));
    d_annotations(d, "", jval_path(o, "metadata.annotations"));
    d_put(d, 0, "CreationTimestamp:\t%.*s\n",
          STR_ARG(d_time(d, object_str(o, "metadata.creationTimestamp"))));
    put_taints(d);
    d_put(d, 0, "Unschedulable:\t%s\n", object_bool(o, "spec.unschedulable") ? "true" : "false");
    put_lease(d);
    put_conditions(d);
    d_put(d, 0, "Addresses:\n");
    for (uint32_t i = 0; addresses && i < addresses->n; i++)
        d_put(d, 1, "%.*s:\t%.*s\n", STR_ARG(object_str(&addresses->items[i], "type")),
              STR_ARG(object_str(&addresses->items[i], "address")));
    d_quantities(d, 0, "Capacity", jval_path(o, "status.capacity"));
    d_quantities(d, 0, "Allocatable", jval_path(o, "status.allocatable"));
    put_system(d);
    put_fullness(d);
    d_events(d);
}
