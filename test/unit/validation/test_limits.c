/* api/validation: how long lists and texts may be, of all kinds in one table. */
#include "base/arena.h"
#include "base/buf.h"
#include "valid.h"

#define TEMPLATE                                                                                             \
    "'selector':{'matchLabels':{'a':'b'}},'manualSelector':true,'template':{'metadata':{'labels':{'a':'b'}}" \
    ","                                                                                                      \
    "'spec':{'restartPolicy':'Never','dnsPolicy':'ClusterFirst','terminationGracePeriodSeconds':30,"         \
    "'containers':[{'name':'c','image':'i','imagePullPolicy':'Always','terminationMessagePolicy':'File'}]}}"
#define JOB(spec) "{'metadata':{'name':'n','namespace':'ns'},'spec':{" spec "," TEMPLATE "}}"
#define CLAIM(devices) "{'metadata':{'name':'n','namespace':'ns'},'spec':{'devices':{" devices "}}}"
#define REQUEST "'requests':[{'name':'r','exactly':{'deviceClassName':'c','allocationMode':'All'}}]"
#define SLICE(rest)                                                                                          \
    "{'metadata':{'name':'n'},'spec':{'driver':'a.b','pool':{'name':'p','generation':0,'resourceSliceCount'" \
    ":1},"                                                                                                   \
    "'nodeName':'n'," rest "}}"
#define HOOK(rest)                                                                                           \
    "{'metadata':{'name':'n'},'webhooks':[{'name':'a.b.c','clientConfig':{'url':'https://a'},'sideEffects':" \
    "'None','admissionReviewVersions':['v1']," rest "}]}"

/* In the JSON, @ stands for so many of the item (with # for its number), separated by commas, or, of an item
 * of one byte, for that many bytes. */
struct limit {
    uint32_t kind;
    const char *json, *item;
    int max;
    const char *error; /* how its line begins */
    bool status;       /* of a status update, from the same object */
};

static const struct limit limits[] = {
    {KIND_BATCH_JOB,
     JOB("'podFailurePolicy':{'rules':[{'action':'Ignore','onExitCodes':{'operator':'NotIn','values':[@]}}]"
         "}"),
     "#", 255, "spec.podFailurePolicy.rules[0].onExitCodes.values: Too many: 256", false},
    {KIND_BATCH_JOB, JOB("'podFailurePolicy':{'rules':[{'action':'Ignore','onPodConditions':[@]}]}"),
     "{'type':'a','status':'True'}", 20, "spec.podFailurePolicy.rules[0].onPodConditions: Too many: 21",
     false},
    {KIND_BATCH_JOB, JOB("'completionMode':'Indexed','completions':9,'successPolicy':{'rules':[@]}"),
     "{'succeededCount':1}", 20, "spec.successPolicy.rules: Too many: 21", false},
    {KIND_NETWORKING_INGRESS_CLASS, "{'metadata':{'name':'n'},'spec':{'controller':'a.b/@'}}", "x", 246,
     "spec.controller: Too long", false},
    {KIND_STORAGE_STORAGE_CLASS,
     "{'metadata':{'name':'n'},'provisioner':'p','reclaimPolicy':'Delete','volumeBindingMode':'Immediate',"
     "'parameters':{@}}",
     "'k#':''", 512, "parameters: Too long: may not be more than 512", false},
    {KIND_STORAGE_STORAGE_CLASS,
     "{'metadata':{'name':'n'},'provisioner':'p','reclaimPolicy':'Delete','volumeBindingMode':'Immediate',"
     "'parameters':{'k':'@'}}",
     "x", 256 * 1024 - 1, "parameters: Too long: may not be more than 262144", false},
    {KIND_STORAGE_VOLUME_ATTRIBUTES_CLASS, "{'metadata':{'name':'n'},'driverName':'p','parameters':{@}}",
     "'k#':''", 512, "parameters: Too long", false},
    {KIND_STORAGE_VOLUME_ATTACHMENT,
     "{'metadata':{'name':'n'},'spec':{'attacher':'a.b','source':{'persistentVolumeName':'v'},'nodeName':'n'}"
     ","
     "'status':{'attached':true,'attachmentMetadata':{'k':'@'}}}",
     "x", 256 * 1024 - 1, "status.attachmentMetadata: Too long", true},
    {KIND_STORAGE_VOLUME_ATTACHMENT,
     "{'metadata':{'name':'n'},'spec':{'attacher':'@','source':{'persistentVolumeName':'v'},'nodeName':'n'}}",
     "x", 63, "spec.attacher: Too long", false},
    {KIND_STORAGE_CSI_NODE,
     "{'metadata':{'name':'n'},'spec':{'drivers':[{'name':'a.b','nodeID':'@','topologyKeys':[]}]}}", "x", 256,
     "spec.drivers[0].nodeID: Invalid value", false},
    {KIND_STORAGE_CSI_NODE,
     "{'metadata':{'name':'n'},'spec':{'drivers':[{'name':'@','nodeID':'i','topologyKeys':[]}]}}", "x", 63,
     "spec.drivers[0].name: Too long", false},
    {KIND_DISCOVERY_ENDPOINT_SLICE,
     "{'metadata':{'name':'n','namespace':'ns'},'addressType':'IPv4','endpoints':[{'addresses':[@]}]}",
     "'10.0.0.1'", 100, "endpoints[0].addresses: Too many: 101", false},
    {KIND_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION, HOOK("'matchConditions':[@]"),
     "{'name':'n#','expression':'true'}", 64, "webhooks[0].matchConditions: Too many: 65", false},
    {KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY,
     "{'metadata':{'name':'n'},'spec':{'failurePolicy':'Fail','matchConstraints':{'matchPolicy':'Exact',"
     "'namespaceSelector':{},'objectSelector':{},'resourceRules':[{'operations':['*'],'apiGroups':[''],"
     "'apiVersions':['*'],'resources':['pods']}]},'auditAnnotations':[@]}}",
     "{'key':'n#','valueExpression':'true'}", 20, "spec.auditAnnotations: Invalid value: 21", false},
    {KIND_RESOURCE_RESOURCE_CLAIM,
     CLAIM(REQUEST ",'constraints':[{'requests':[@],'matchAttribute':'a.b/c'}]"), "'r'", 32,
     "spec.devices.constraints[0].requests: Too many: 33", false},
    {KIND_RESOURCE_RESOURCE_CLAIM,
     CLAIM(REQUEST ",'config':[{'requests':[@],'opaque':{'driver':'a.b','parameters':{}}}]"), "'r'", 32,
     "spec.devices.config[0].requests: Too many: 33", false},
    {KIND_RESOURCE_RESOURCE_CLAIM, CLAIM(REQUEST ",'config':[{'opaque':{'driver':'@','parameters':{}}}]"),
     "x", 63, "spec.devices.config[0].opaque.driver: Too long", false},
    {KIND_RESOURCE_RESOURCE_CLAIM,
     CLAIM(REQUEST ",'config':[{'opaque':{'driver':'a.b','parameters':{'k':'@'}}}]"), "x", 10240 - 8,
     "spec.devices.config[0].opaque.parameters: Too long", false},
    {KIND_RESOURCE_RESOURCE_CLAIM,
     "{'metadata':{'name':'n','namespace':'ns'},'spec':{'devices':{}},'status':{'allocation':{},'reservedFor'"
     ":[@]}}",
     "{'resource':'pods','name':'n','uid':'#'}", 256, "status.reservedFor: Too many: 257", true},
    {KIND_RESOURCE_RESOURCE_CLAIM,
     "{'metadata':{'name':'n','namespace':'ns'},'spec':{'devices':{" REQUEST
     "}},'status':{'allocation':{'devices':{"
     "'results':[{'request':'r','driver':'a.b','pool':'p','device':'d'}]}},'devices':[{'driver':'a.b','pool':"
     "'p',"
     "'device':'d','data':{'k':'@'}}]}}",
     "x", 10240 - 8, "status.devices[0].data: Too long", true},
    {KIND_RESOURCE_RESOURCE_SLICE,
     "{'metadata':{'name':'n'},'spec':{'driver':'@','pool':{'name':'p','generation':0,'resourceSliceCount':1}"
     ","
     "'nodeName':'n'}}",
     "x", 63, "spec.driver: Too long", false},
    {KIND_RESOURCE_RESOURCE_SLICE,
     "{'metadata':{'name':'n'},'spec':{'driver':'a.b','pool':{'name':'@','generation':0,'resourceSliceCount':"
     "1},"
     "'nodeName':'n'}}",
     "x", 253, "spec.pool.name: Too long", false},
    {KIND_CERTIFICATES_V1BETA1_CLUSTER_TRUST_BUNDLE, "{'metadata':{'name':'n'},'spec':{'trustBundle':'@'}}",
     "x", 1024 * 1024, "spec.trustBundle: Too long", false},
    {KIND_RESOURCE_RESOURCE_SLICE, SLICE("'sharedCounters':[@]"),
     "{'name':'n#','counters':{'a':{'value':'1'}}}", 8, "spec.sharedCounters: Too many: 9", false},
    {KIND_RESOURCE_RESOURCE_SLICE, SLICE("'sharedCounters':[{'name':'n','counters':{@}}]"),
     "'k#':{'value':'1'}", 32, "spec.sharedCounters[0].counters: Too many: 33", false},
    {KIND_RESOURCE_RESOURCE_SLICE,
     SLICE("'devices':[{'name':'d','consumesCounters':[{'counterSet':'n','counters':{@}}]}]"),
     "'k#':{'value':'1'}", 32, "spec.devices[0].consumesCounters[0].counters: Too many: 33", false},
    {KIND_RESOURCE_RESOURCE_SLICE,
     SLICE("'devices':[{'name':'d','bindingConditions':['x'],'bindingFailureConditions':[@]}]"), "'k#'", 4,
     "spec.devices[0].bindingFailureConditions: Too many: 5", false},
};

/* The JSON with n of the items. */
static void fill_in(struct buf *out, const struct limit *l, int n) {
    for (const char *p = l->json; *p; p++) {
        if (*p != '@') {
            buf_byte(out, *p);
            continue;
        }
        bool byte = l->item[1] == '\0' && l->item[0] != '#';
        for (int i = 0; i < n; i++) {
            if (i && !byte)
                buf_byte(out, ',');
            for (const char *q = l->item; *q; q++) {
                if (*q == '#')
                    buf_i64(out, i + 1);
                else
                    buf_byte(out, *q);
            }
        }
    }
}

static bool has_error(const struct limit *l, int n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf json = BUF_INIT, text = BUF_INIT;
    const struct kind *kind = &kinds[l->kind];
    struct field_errors errors = FIELD_ERRORS_INIT(&a);
    fill_in(&json, l, n);
    const void *object = valid_read(&a, kind->hub->type, buf_cstr(&json));
    if (l->status)
        validate_status_update(NULL, kind, object, object, &errors);
    else
        validate_create(NULL, kind, object, &errors);
    for (uint32_t i = 0; i < errors.n; i++) {
        buf_clear(&text);
        field_error_text(&text, &errors.v[i]);
        if (str_has_prefix(buf_view(&text), str_from(l->error)))
            return true;
    }
    return false;
}

TEST(test_limits__are_exact) {
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (has_error(&limits[i], limits[i].max))
            fail_msg("too early: %s", limits[i].error);
        if (!has_error(&limits[i], limits[i].max + 1))
            fail_msg("not refused: %s", limits[i].error);
    }
}
