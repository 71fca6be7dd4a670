/* Table rows as kubectl get shows them; CONFORMS: test/facts/columns.tsv. */
#include "api/json.h"
#include "api/kind.h"
#include "api/table.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "unit/unit.h"

/* 2026-01-10T00:00:00Z */
#define NOW_NS (1768003200ll * NS_PER_SEC)

/* JSON escapes angle brackets; the expectations below show them plain. */
static void unescape(struct buf *b) {
    ptrdiff_t at;
    while ((at = str_find(buf_view(b), S("\\u003c"))) >= 0) {
        buf_remove(b, (size_t)at, 5);
        b->p[at] = '<';
    }
    while ((at = str_find(buf_view(b), S("\\u003e"))) >= 0) {
        buf_remove(b, (size_t)at, 5);
        b->p[at] = '>';
    }
}

static void assert_cells(int kind, const char *json, const char *expected) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    void *object = NULL;
    assert_ok(api_read_json(&a, &builtin, kinds[kind].hub->type, str_from(json), NULL, &object, &err), &err);
    table_cells(&out, &kinds[kind], object, NOW_NS);
    unescape(&out);
    assert_str(buf_view(&out), expected);
    buf_fini(&out);
    arena_fini(&a);
}

#define META                                                                                                 \
    "\"metadata\":{\"name\":\"x\",\"namespace\":\"n\",\"creationTimestamp\":\"2026-01-09T23:55:00Z\"}"

TEST(test_table__every_kind_prints_an_empty_object) {
    struct arena a = ARENA_INIT;
    for (uint32_t i = 0; i < n_kinds; i++) {
        struct buf out = BUF_INIT;
        void *object = arena_alloc(&a, builtin.types[kinds[i].hub->type].size);
        table_cells(&out, &kinds[i], object, NOW_NS);
        assert_true(out.n > 2);
        buf_clear(&out);
        table_columns(&out, &kinds[i]);
        assert_true(out.n > 2);
        buf_fini(&out);
    }
    arena_fini(&a);
}

TEST(test_table__kind_without_columns_shows_name_and_creation) {
    assert_cells(KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, "{" META "}",
                 "[\"x\",\"2026-01-09T23:55:00Z\"]");
}

TEST(test_table__columns_carry_type_format_and_priority) {
    struct buf out = BUF_INIT;
    table_columns(&out, &kinds[KIND_CORE_NAMESPACE]);
    assert_str(
        buf_view(&out),
        "[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"Name of the "
        "object.\",\"priority\":0},{\"name\":\"Status\",\"type\":\"string\",\"format\":\"\",\"description\":"
        "\"Whether the namespace is active or going "
        "away.\",\"priority\":0},{\"name\":\"Age\",\"type\":\"string\","
        "\"format\":\"\",\"description\":\"Time since the object was created.\",\"priority\":0}]");
    buf_fini(&out);
}

#define POD(spec, status) "{" META ",\"spec\":{" spec "},\"status\":{" status "}}"
#define RUNNING(name) "{\"name\":\"" name "\",\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}}"
#define TAIL "\"5m\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"

TEST(test_table_pod__running) {
    assert_cells(
        KIND_CORE_POD,
        POD("\"containers\":[{\"name\":\"c\"}],\"nodeName\":\"n1\"",
            "\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"10.0.0.1\"}],\"containerStatuses\":[" RUNNING(
                "c") "]"),
        "[\"x\",\"1/1\",\"Running\",\"0\",\"5m\",\"10.0.0.1\",\"n1\",\"<none>\",\"<none>\"]");
}

TEST(test_table_pod__waiting_reason_is_the_status) {
    assert_cells(
        KIND_CORE_POD,
        POD("\"containers\":[{\"name\":\"c\"},{\"name\":\"d\"}]",
            "\"phase\":\"Running\",\"containerStatuses\":[" RUNNING(
                "c") ",{\"name\":\"d\",\"ready\":false,\"restartCount\":3,\"lastState\":{\"terminated\":{"
                     "\"exitCode\":1,\"finishedAt\":\"2026-01-09T23:59:00Z\"}},\"state\":{\"waiting\":{"
                     "\"reason\":\"CrashLoopBackOff\"}}}]"),
        "[\"x\",\"1/2\",\"CrashLoopBackOff\",\"3 (60s ago)\"," TAIL);
}

TEST(test_table_pod__exit_codes_and_signals_without_reason) {
    assert_cells(KIND_CORE_POD,
                 POD("\"containers\":[{\"name\":\"c\"}]",
                     "\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":{"
                     "\"exitCode\":3}}}]"),
                 "[\"x\",\"0/1\",\"ExitCode:3\",\"0\"," TAIL);
    assert_cells(KIND_CORE_POD,
                 POD("\"containers\":[{\"name\":\"c\"}]",
                     "\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":{"
                     "\"exitCode\":137,\"signal\":9}}}]"),
                 "[\"x\",\"0/1\",\"Signal:9\",\"0\"," TAIL);
}

TEST(test_table_pod__init_containers_show_progress) {
    assert_cells(
        KIND_CORE_POD,
        POD("\"initContainers\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"containers\":[{\"name\":\"c\"}]",
            "\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"state\":{\"terminated\":{"
            "\"exitCode\":0}}},{\"name\":\"b\",\"state\":{\"running\":{}}}]"),
        "[\"x\",\"0/1\",\"Init:1/2\",\"0\"," TAIL);
    assert_cells(
        KIND_CORE_POD,
        POD("\"initContainers\":[{\"name\":\"a\"}],\"containers\":[{\"name\":\"c\"}]",
            "\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"a\",\"restartCount\":2,\"state\":{"
            "\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}}]"),
        "[\"x\",\"0/1\",\"Init:Error\",\"2\"," TAIL);
}

TEST(test_table_pod__started_sidecar_counts_as_ready) {
    assert_cells(
        KIND_CORE_POD,
        POD("\"initContainers\":[{\"name\":\"s\",\"restartPolicy\":\"Always\"}],\"containers\":[{\"name\":"
            "\"c\"}]",
            "\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"s\",\"ready\":true,\"started\":"
            "true,"
            "\"state\":{\"running\":{}}}],\"containerStatuses\":[" RUNNING("c") "]"),
        "[\"x\",\"2/2\",\"Running\",\"0\"," TAIL);
}

TEST(test_table_pod__completed_beside_running_is_not_ready) {
    assert_cells(
        KIND_CORE_POD,
        POD("\"containers\":[{\"name\":\"c\"},{\"name\":\"d\"}]",
            "\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"terminated\":{"
            "\"exitCode\":0,\"reason\":\"Completed\"}}}," RUNNING("d") "]"),
        "[\"x\",\"1/2\",\"NotReady\",\"0\"," TAIL);
}

TEST(test_table_pod__being_deleted_is_terminating) {
    assert_cells(
        KIND_CORE_POD,
        "{\"metadata\":{\"name\":\"x\",\"creationTimestamp\":\"2026-01-09T23:55:00Z\",\"deletionTimestamp\":"
        "\"2026-01-09T23:59:00Z\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]},\"status\":{\"phase\":"
        "\"Running\"}}",
        "[\"x\",\"0/1\",\"Terminating\",\"0\"," TAIL);
}

TEST(test_table_pod__gates_and_scheduling_gates) {
    assert_cells(KIND_CORE_POD,
                 POD("\"containers\":[{\"name\":\"c\"}],\"readinessGates\":[{\"conditionType\":\"a\"},{"
                     "\"conditionType\":"
                     "\"b\"}]",
                     "\"phase\":\"Pending\",\"conditions\":[{\"type\":\"a\",\"status\":\"True\"},{\"type\":"
                     "\"PodScheduled\",\"status\":\"False\",\"reason\":\"SchedulingGated\"}]"),
                 "[\"x\",\"0/1\",\"SchedulingGated\",\"0\",\"5m\",\"<none>\",\"<none>\",\"<none>\",\"1/2\"]");
}

TEST(test_table_pod__ended_row_has_a_condition) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    void *pod;
    assert_ok(
        api_read_json(&a, &builtin, TY_CORE_POD, S("{\"status\":{\"phase\":\"Failed\"}}"), NULL, &pod, &err),
        &err);
    table_row_conditions(&out, &kinds[KIND_CORE_POD], pod);
    assert_true(
        str_find(buf_view(&out), S("\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"Failed\"")) > 0);
    buf_fini(&out);
    arena_fini(&a);
}

TEST(test_table__deployment) {
    assert_cells(
        KIND_APPS_DEPLOYMENT,
        "{" META ",\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"b\":\"2\",\"a\":\"1\"}},"
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"},{\"name\":\"d\",\"image\":"
        "\"j\"}]}}},\"status\":{\"readyReplicas\":2,\"updatedReplicas\":3}}",
        "[\"x\",\"2/3\",3,0,\"5m\",\"c,d\",\"i,j\",\"a=1,b=2\"]");
}

TEST(test_table__service_types_and_ports) {
    assert_cells(
        KIND_CORE_SERVICE,
        "{" META ",\"spec\":{\"type\":\"NodePort\",\"clusterIPs\":[\"10.0.0.1\"],\"ports\":[{\"port\":80,"
        "\"protocol\":\"TCP\",\"nodePort\":30080},{\"port\":53,\"protocol\":\"UDP\"}],\"selector\":{\"a\":"
        "\"b\"}}}",
        "[\"x\",\"NodePort\",\"10.0.0.1\",\"<none>\",\"80:30080/TCP,53/UDP\",\"5m\",\"a=b\"]");
    assert_cells(KIND_CORE_SERVICE,
                 "{" META ",\"spec\":{\"type\":\"LoadBalancer\",\"clusterIPs\":[\"10.0.0.1\"]}}",
                 "[\"x\",\"LoadBalancer\",\"10.0.0.1\",\"<pending>\",\"<none>\",\"5m\",\"<none>\"]");
    assert_cells(KIND_CORE_SERVICE,
                 "{" META ",\"spec\":{\"type\":\"ExternalName\",\"externalName\":\"example.com\"}}",
                 "[\"x\",\"ExternalName\",\"<none>\",\"example.com\",\"<none>\",\"5m\",\"<none>\"]");
}

TEST(test_table__node) {
    assert_cells(
        KIND_CORE_NODE,
        "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"node-role.kubernetes.io/worker\":\"\",\"node-role."
        "kubernetes.io/control-plane\":\"\"},\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{"
        "\"unschedulable\":true},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
        "\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.1.1.1\"}],\"nodeInfo\":{\"kubeletVersion\":"
        "\"v1.36.2\",\"osImage\":\"Debian\",\"kernelVersion\":\"6.1\",\"architecture\":\"amd64\"}}}",
        "[\"n1\",\"Ready,SchedulingDisabled\",\"control-plane,worker\",\"9d\",\"v1.36.2\",\"10.1.1.1\","
        "\"<none>\",\"Debian\",\"6.1 (amd64)\",\"<unknown>\"]");
}

TEST(test_table__event_falls_back_through_its_times) {
    assert_cells(
        KIND_CORE_EVENT,
        "{\"metadata\":{\"name\":\"e\"},\"eventTime\":\"2026-01-09T23:58:00.000000Z\",\"type\":\"Normal\","
        "\"reason\":\"Started\",\"message\":\" hello "
        "\\n\",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\"},"
        "\"reportingComponent\":\"kubelet\",\"reportingInstance\":\"n1\"}",
        "[\"2m\",\"Normal\",\"Started\",\"pod/p\",\"\",\"kubelet, n1\",\"hello\",\"2m\",\"1\",\"e\"]");
}

TEST(test_table__job_status_and_completions) {
    assert_cells(
        KIND_BATCH_JOB,
        "{" META ",\"spec\":{\"completions\":3,\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{"
        "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}},\"status\":{\"succeeded\":3,"
        "\"startTime\":\"2026-01-09T23:55:00Z\",\"completionTime\":\"2026-01-09T23:55:42Z\",\"conditions\":[{"
        "\"type\":\"Complete\",\"status\":\"True\"}]}}",
        "[\"x\",\"Complete\",\"3/3\",\"42s\",\"5m\",\"c\",\"i\",\"a=b\"]");
}

TEST(test_table__autoscaler_targets) {
    assert_cells(
        KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
        "{" META ",\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"web\"},\"maxReplicas\":5,"
        "\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
        "\"Utilization\","
        "\"averageUtilization\":80}}},{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"q\"},\"target\":{"
        "\"type\":"
        "\"AverageValue\",\"averageValue\":\"10\"}}},{\"type\":\"Pods\",\"pods\":{\"metric\":{\"name\":\"r\"}"
        ","
        "\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"1\"}}}]},\"status\":{\"currentReplicas\":2,"
        "\"currentMetrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"current\":{"
        "\"averageUtilization\":40}}}]}}",
        "[\"x\",\"Deployment/web\",\"cpu: 40%/80%, <unknown>/10 + 1 more...\",\"<unset>\",5,2,\"5m\"]");
}

TEST(test_table__volume_claim_shows_storage_once_bound) {
    assert_cells(
        KIND_CORE_PERSISTENT_VOLUME_CLAIM,
        "{" META
        ",\"spec\":{\"volumeName\":\"pv1\",\"storageClassName\":\"fast\",\"volumeMode\":\"Filesystem\"},"
        "\"status\":{\"phase\":\"Bound\",\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":["
        "\"ReadWriteMany\","
        "\"ReadWriteOnce\"]}}",
        "[\"x\",\"Bound\",\"pv1\",\"1Gi\",\"RWO,RWX\",\"fast\",\"<unset>\",\"5m\",\"Filesystem\"]");
}

TEST(test_table__default_classes_are_marked) {
    assert_cells(
        KIND_STORAGE_STORAGE_CLASS,
        "{\"metadata\":{\"name\":\"fast\",\"annotations\":{\"storageclass.kubernetes.io/is-default-class\":"
        "\"true\"}},\"provisioner\":\"p\"}",
        "[\"fast (default)\",\"p\",\"Delete\",\"Immediate\",false,\"<unknown>\"]");
}

TEST(test_table__quota_splits_requests_and_limits) {
    assert_cells(KIND_CORE_RESOURCE_QUOTA,
                 "{" META
                 ",\"status\":{\"hard\":{\"limits.cpu\":\"2\",\"pods\":\"10\"},\"used\":{\"pods\":\"3\"}}}",
                 "[\"x\",\"pods: 3/10\",\"limits.cpu: 0/2\",\"5m\"]");
}

TEST(test_table__binding_lists_its_subjects) {
    assert_cells(
        KIND_RBAC_ROLE_BINDING,
        "{" META
        ",\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"a\"},"
        "{\"kind\":\"ServiceAccount\",\"name\":\"s\",\"namespace\":\"n\"},{\"kind\":\"User\",\"name\":\"b\"}]"
        "}",
        "[\"x\",\"Role/r\",\"5m\",\"a, b\",\"\",\"n/s\"]");
}

TEST(test_table__signing_request_condition) {
    assert_cells(KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST,
                 "{" META
                 ",\"spec\":{\"signerName\":\"s\",\"username\":\"u\",\"expirationSeconds\":3600},\"status\":{"
                 "\"certificate\":\"YQ==\",\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}]}}",
                 "[\"x\",\"5m\",\"s\",\"u\",\"60m\",\"Approved,Issued\"]");
}

TEST(test_table__endpoint_slice_shows_three) {
    assert_cells(KIND_DISCOVERY_ENDPOINT_SLICE,
                 "{" META
                 ",\"addressType\":\"IPv4\",\"ports\":[{\"port\":80},{\"name\":\"a\"},{}],\"endpoints\":[{"
                 "\"addresses\":[\"10.0.0.1\",\"10.0.0.2\"]},{\"addresses\":[\"10.0.0.3\",\"10.0.0.4\"]}]}",
                 "[\"x\",\"IPv4\",\"80,a,*\",\"10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...\",\"5m\"]");
}
