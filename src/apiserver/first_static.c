/* First objects that are always the same: namespaces, priority classes, priority levels and flow schemas. */
#include "api/json.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/first_objects_priv.h"
#include "base/buf.h"

/* -- in short form: kind, name, the rest of the object -- */

struct text_object {
    uint16_t kind;
    const char *name;
    const char *body; /* JSON members behind metadata */
};

#define LEVEL(name_, shares_, lend_, response_)                                                              \
    {                                                                                                        \
        KIND_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION, name_,                                                \
            "\"spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":" #shares_             \
            ",\"lendablePercent\":" #lend_ ",\"limitResponse\":" response_ "}}"                              \
    }
#define REJECT "{\"type\":\"Reject\"}"
#define QUEUE(queues_, hand_)                                                                                \
    "{\"type\":\"Queue\",\"queuing\":{\"queues\":" #queues_ ",\"handSize\":" #hand_                          \
    ",\"queueLengthLimit\":50}}"

#define FLOW(name_, level_, precedence_, by_, rules_)                                                        \
    {                                                                                                        \
        KIND_FLOWCONTROL_FLOW_SCHEMA, name_,                                                                 \
            "\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"" level_                                   \
            "\"},\"matchingPrecedence\":" #precedence_ by_ ",\"rules\":[" rules_                             \
            "]},\"status\":{\"conditions\":[{\"type\":\"Dangling\",\"status\":\"False\",\"reason\":"         \
            "\"Found\","                                                                                     \
            "\"message\":\"the priority level \\\"" level_ "\\\" exists\"}]}"                                \
    }
#define BY_USER ",\"distinguisherMethod\":{\"type\":\"ByUser\"}"
#define BY_NAMESPACE ",\"distinguisherMethod\":{\"type\":\"ByNamespace\"}"
#define RULE(subjects_, resources_, paths_)                                                                  \
    "{\"subjects\":[" subjects_ "],\"resourceRules\":[" resources_ "],\"nonResourceRules\":[" paths_ "]}"
#define GROUP(name_) "{\"kind\":\"Group\",\"group\":{\"name\":\"" name_ "\"}}"
#define USER(name_) "{\"kind\":\"User\",\"user\":{\"name\":\"" name_ "\"}}"
#define ACCOUNT(name_)                                                                                       \
    "{\"kind\":\"ServiceAccount\",\"serviceAccount\":{\"namespace\":\"kube-system\",\"name\":\"" name_ "\"}" \
    "}"
#define ALL_RESOURCES                                                                                        \
    "{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"clusterScope\":true,\"namespaces\":["  \
    "\"*\"]}"
#define ALL_PATHS "{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}"
#define HEALTH_PATHS "{\"verbs\":[\"get\"],\"nonResourceURLs\":[\"/healthz\",\"/readyz\",\"/livez\"]}"
#define LEASES                                                                                               \
    "{\"verbs\":[\"get\",\"create\",\"update\"],\"apiGroups\":[\"coordination.k8s.io\"],"                    \
    "\"resources\":[\"leases\"],\"namespaces\":[\"*\"]}"
#define ENDPOINTS                                                                                            \
    "{\"verbs\":[\"get\",\"update\"],\"apiGroups\":[\"\"],\"resources\":[\"endpoints\"],\"namespaces\":[\"*" \
    "\"]}"
#define NODES                                                                                                \
    "{\"verbs\":[\"*\"],\"apiGroups\":[\"\"],\"resources\":[\"nodes\",\"nodes/"                              \
    "status\"],\"clusterScope\":true,"                                                                       \
    "\"namespaces\":[\"*\"]},{\"verbs\":[\"*\"],\"apiGroups\":[\"coordination.k8s.io\"],"                    \
    "\"resources\":[\"leases\"],\"namespaces\":[\"*\"]}"
#define EVERYBODY GROUP("system:unauthenticated") "," GROUP("system:authenticated")

static const struct text_object objects[] = {
    {KIND_CORE_NAMESPACE, "default",
     "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}"},
    {KIND_CORE_NAMESPACE, "kube-system",
     "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}"},
    {KIND_CORE_NAMESPACE, "kube-public",
     "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}"},
    {KIND_CORE_NAMESPACE, "kube-node-lease",
     "\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}"},

    {KIND_SCHEDULING_PRIORITY_CLASS, "system-node-critical",
     "\"value\":2000001000,\"description\":\"For pods without which their node does not work; they are never "
     "moved.\""},
    {KIND_SCHEDULING_PRIORITY_CLASS, "system-cluster-critical",
     "\"value\":2000000000,\"description\":\"For pods without which the cluster does not work; they may be "
     "moved.\""},

    {KIND_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION, "exempt",
     "\"spec\":{\"type\":\"Exempt\",\"exempt\":{\"nominalConcurrencyShares\":0,\"lendablePercent\":0}}"},
    LEVEL("catch-all", 5, 0, REJECT),
    LEVEL("system", 30, 33, QUEUE(64, 6)),
    LEVEL("node-high", 40, 25, QUEUE(64, 6)),
    LEVEL("leader-election", 10, 0, QUEUE(16, 4)),
    LEVEL("workload-high", 40, 50, QUEUE(128, 6)),
    LEVEL("workload-low", 100, 90, QUEUE(128, 6)),
    LEVEL("global-default", 20, 50, QUEUE(128, 6)),

    FLOW("exempt", "exempt", 1, "", RULE(GROUP("system:masters"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("probes", "exempt", 2, "", RULE(EVERYBODY, "", HEALTH_PATHS)),
    FLOW("system-leader-election", "leader-election", 100, BY_USER,
         RULE(USER("system:kube-controller-manager") "," USER("system:kube-scheduler") "," ACCOUNT("*"),
              LEASES, "")),
    FLOW("endpoint-controller", "workload-high", 150, BY_USER,
         RULE(USER("system:kube-controller-manager") "," ACCOUNT("endpoint-controller"), ENDPOINTS, "")),
    FLOW("workload-leader-election", "leader-election", 200, BY_USER, RULE(ACCOUNT("*"), LEASES, "")),
    FLOW("system-node-high", "node-high", 400, BY_USER, RULE(GROUP("system:nodes"), NODES, "")),
    FLOW("system-nodes", "system", 500, BY_USER, RULE(GROUP("system:nodes"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("kube-controller-manager", "workload-high", 800, BY_NAMESPACE,
         RULE(USER("system:kube-controller-manager"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("kube-scheduler", "workload-high", 800, BY_NAMESPACE,
         RULE(USER("system:kube-scheduler"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("kube-system-service-accounts", "workload-high", 900, BY_NAMESPACE,
         RULE(ACCOUNT("*"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("service-accounts", "workload-low", 9000, BY_USER,
         RULE(GROUP("system:serviceaccounts"), ALL_RESOURCES, ALL_PATHS)),
    FLOW("global-default", "global-default", 9900, BY_USER, RULE(EVERYBODY, ALL_RESOURCES, ALL_PATHS)),
    FLOW("catch-all", "catch-all", 10000, BY_USER, RULE(EVERYBODY, ALL_RESOURCES, ALL_PATHS)),
};

static struct str metadata_of(const struct text_object *o) {
    if (o->kind == KIND_CORE_NAMESPACE)
        return S("\"labels\":{\"kubernetes.io/metadata.name\":");
    if (o->kind == KIND_SCHEDULING_PRIORITY_CLASS)
        return S("");
    return S("\"annotations\":{\"apf.kubernetes.io/autoupdate-spec\":");
}

static void write_object(const struct text_object *o, struct buf *out) {
    struct str more = metadata_of(o);
    buf_printf(out, "{\"metadata\":{\"name\":\"%s\"", o->name);
    if (more.n) {
        buf_printf(out, ",%.*s\"%s\"}", STR_ARG(more), o->kind == KIND_CORE_NAMESPACE ? o->name : "true");
    }
    buf_printf(out, "},%s}", o->body);
}

void first_static(struct first_batch *b) {
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const struct kind *k = &kinds[objects[i].kind];
        struct object *there = first_find(b->server, k, S(""), str_from(objects[i].name));
        if (there) {
            object_unref(there);
            continue;
        }
        _cleanup_buf struct buf text = BUF_INIT;
        struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *body;
        write_object(&objects[i], &text);
        if (api_read_json(&a, k->set, k->type, buf_view(&text), NULL, &body, &err) < 0)
            panic("first object %s: %s", objects[i].name, err.msg);
        object_meta_in(k, body)->generation = objects[i].kind == KIND_CORE_NAMESPACE ? 0 : 1;
        first_write(b, k, body, &a, NULL);
    }
}
