/* Pods for benchmarks. See pods.h. */
#include "bench/pods.h"

static void uid(struct buf *out, unsigned i, unsigned what) {
    unsigned long long a = (i * 2654435761ull + what) * 0x9e3779b97f4a7c15ull,
                       b = a * 0xbf58476d1ce4e5b9ull + i;
    buf_printf(out, "%08llx-%04llx-4%03llx-a%03llx-%012llx", a >> 32, a & 0xffff, a >> 16 & 0xfff, b >> 52,
               b & 0xffffffffffff);
}

static void time_of(struct buf *out, unsigned i, unsigned seconds) {
    unsigned s = i * 7 + seconds;
    buf_printf(out, "\"2026-03-%02uT%02u:%02u:%02uZ\"", 1 + s / 86400 % 28, s / 3600 % 24, s / 60 % 60,
               s % 60);
}

static void managed_by_controllers(struct buf *out, unsigned i) {
    buf_lit(
        out,
        "{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":");
    time_of(out, i, 0);
    buf_lit(
        out,
        ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"
        "\"f:prometheus.io/port\":{},\"f:prometheus.io/"
        "scrape\":{}},\"f:generateName\":{},\"f:labels\":{\".\":{},"
        "\"f:app.kubernetes.io/component\":{},\"f:app.kubernetes.io/name\":{},\"f:pod-template-hash\":{}},"
        "\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"");
    uid(out, i / 10, 2);
    buf_lit(
        out,
        "\\\"}\":{}}},\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"server\\\"}\":{\".\":{},"
        "\"f:args\":{},\"f:env\":{\".\":{},\"k:{\\\"name\\\":\\\"LOG_LEVEL\\\"}\":{\".\":{},\"f:name\":{},"
        "\"f:value\":{}},\"k:{\\\"name\\\":\\\"POD_IP\\\"}\":{\".\":{},\"f:name\":{},\"f:valueFrom\":{\".\":{"
        "},"
        "\"f:fieldRef\":{}}}},\"f:image\":{},\"f:imagePullPolicy\":{},\"f:livenessProbe\":{\".\":{},"
        "\"f:failureThreshold\":{},\"f:httpGet\":{\".\":{},\"f:path\":{},\"f:port\":{},\"f:scheme\":{}},"
        "\"f:periodSeconds\":{},\"f:successThreshold\":{},\"f:timeoutSeconds\":{}},\"f:name\":{},"
        "\"f:ports\":{\".\":{},\"k:{\\\"containerPort\\\":8080,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},"
        "\"f:containerPort\":{},\"f:name\":{},\"f:protocol\":{}}},\"f:resources\":{\".\":{},\"f:limits\":{\"."
        "\":{},"
        "\"f:memory\":{}},\"f:requests\":{\".\":{},\"f:cpu\":{},\"f:memory\":{}}},"
        "\"f:terminationMessagePath\":{},\"f:terminationMessagePolicy\":{}}},\"f:dnsPolicy\":{},"
        "\"f:enableServiceLinks\":{},\"f:restartPolicy\":{},\"f:schedulerName\":{},\"f:securityContext\":{},"
        "\"f:serviceAccount\":{},\"f:serviceAccountName\":{},\"f:terminationGracePeriodSeconds\":{}}}}");
}

static void managed_by_kubelet(struct buf *out, unsigned i) {
    static const char *const conditions[] = {"ContainersReady", "Initialized", "PodReadyToStartContainers",
                                             "Ready"};
    buf_lit(out, "{\"manager\":\"kubelet\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":");
    time_of(out, i, 9);
    buf_lit(out, ",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{");
    for (size_t k = 0; k < sizeof conditions / sizeof *conditions; k++)
        buf_printf(
            out,
            "\"k:{\\\"type\\\":\\\"%s\\\"}\":{\".\":{},\"f:lastProbeTime\":{},\"f:lastTransitionTime\":{},"
            "\"f:observedGeneration\":{},\"f:status\":{},\"f:type\":{}}%s",
            conditions[k], k < 3 ? "," : "");
    buf_lit(out, "},\"f:containerStatuses\":{},\"f:hostIP\":{},\"f:hostIPs\":{},\"f:observedGeneration\":{},"
                 "\"f:phase\":{},\"f:podIP\":{},\"f:podIPs\":{\".\":{},\"k:{\\\"ip\\\":\\\"");
    buf_printf(out,
               "10.244.%u.%u\\\"}\":{\".\":{},\"f:ip\":{}}},\"f:startTime\":{}}},\"subresource\":\"status\"}",
               i / 200 % 256, i % 200 + 2);
}

static void metadata(struct buf *out, unsigned i) {
    buf_printf(out, "\"metadata\":{\"name\":\"web-frontend-%u-7d9f8b6c5-x%04u\",", i / 10, i);
    buf_printf(out, "\"generateName\":\"web-frontend-%u-7d9f8b6c5-\",\"namespace\":\"team-%u\",\"uid\":\"",
               i / 10, i % 50);
    uid(out, i, 1);
    buf_printf(out, "\",\"resourceVersion\":\"%u\",\"generation\":1,\"creationTimestamp\":", 1000000 + i * 3);
    time_of(out, i, 0);
    buf_printf(
        out,
        ",\"labels\":{\"app.kubernetes.io/component\":\"frontend\",\"app.kubernetes.io/name\":\"web-%u\","
        "\"pod-template-hash\":\"7d9f8b6c5\"},\"annotations\":{\"prometheus.io/port\":\"8080\","
        "\"prometheus.io/scrape\":\"true\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
        "\"kind\":\"ReplicaSet\",\"name\":\"web-frontend-%u-7d9f8b6c5\",\"uid\":\"",
        i / 10, i / 10);
    uid(out, i / 10, 2);
    buf_lit(out, "\",\"controller\":true,\"blockOwnerDeletion\":true}],\"managedFields\":[");
    managed_by_controllers(out, i);
    buf_byte(out, ',');
    managed_by_kubelet(out, i);
    buf_lit(out, "]},");
}

static void volumes(struct buf *out, unsigned i) {
    buf_printf(
        out,
        "\"volumes\":[{\"name\":\"kube-api-access-%05u\",\"projected\":{\"sources\":[{"
        "\"serviceAccountToken\":"
        "{\"expirationSeconds\":3607,\"path\":\"token\"}},{\"configMap\":{\"name\":\"kube-root-ca.crt\","
        "\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]}},{\"downwardAPI\":{\"items\":[{\"path\":"
        "\"namespace\",\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"}}]}}],"
        "\"defaultMode\":420}}],",
        i);
}

static void containers(struct buf *out, unsigned i) {
    buf_printf(
        out,
        "\"containers\":[{\"name\":\"server\",\"image\":\"registry.example.com/web/"
        "frontend:v1.%u.3\",\"args\":"
        "[\"--listen=:8080\",\"--log-format=json\"],\"ports\":[{\"name\":\"http\",\"containerPort\":8080,"
        "\"protocol\":\"TCP\"}],\"env\":[{\"name\":\"LOG_LEVEL\",\"value\":\"info\"},{\"name\":\"POD_IP\","
        "\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"status.podIP\"}}}],\"resources\":"
        "{\"limits\":{\"memory\":\"512Mi\"},\"requests\":{\"cpu\":\"%um\",\"memory\":\"256Mi\"}},",
        i % 40, 100 + i % 9 * 50);
    buf_printf(
        out,
        "\"volumeMounts\":[{\"name\":\"kube-api-access-%05u\",\"readOnly\":true,\"mountPath\":"
        "\"/var/run/secrets/kubernetes.io/serviceaccount\"}],\"livenessProbe\":{\"httpGet\":{\"path\":"
        "\"/healthz\",\"port\":8080,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":10,"
        "\"successThreshold\":1,\"failureThreshold\":3},\"terminationMessagePath\":\"/dev/termination-log\","
        "\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}],",
        i);
}

static void spec(struct buf *out, unsigned i) {
    buf_lit(out, "\"spec\":{");
    volumes(out, i);
    containers(out, i);
    buf_printf(
        out,
        "\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\","
        "\"serviceAccountName\":\"frontend\",\"serviceAccount\":\"frontend\",\"nodeName\":\"node-%03u\","
        "\"securityContext\":{},\"schedulerName\":\"default-scheduler\",\"tolerations\":[{\"key\":"
        "\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
        "\"tolerationSeconds\":300},{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\","
        "\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],\"priority\":0,\"enableServiceLinks\":true,"
        "\"preemptionPolicy\":\"PreemptLowerPriority\"},",
        i % 200);
}

static void conditions(struct buf *out, unsigned i) {
    static const char *const types[] = {"PodReadyToStartContainers", "Initialized", "Ready",
                                        "ContainersReady", "PodScheduled"};
    buf_lit(out, "\"conditions\":[");
    for (unsigned k = 0; k < sizeof types / sizeof *types; k++) {
        buf_printf(out,
                   "%s{\"type\":\"%s\",\"observedGeneration\":1,\"status\":\"True\",\"lastProbeTime\":null,"
                   "\"lastTransitionTime\":",
                   k ? "," : "", types[k]);
        time_of(out, i, k);
        buf_byte(out, '}');
    }
    buf_lit(out, "],");
}

static void status(struct buf *out, unsigned i) {
    buf_lit(out, "\"status\":{\"observedGeneration\":1,\"phase\":\"Running\",");
    conditions(out, i);
    buf_printf(
        out,
        "\"hostIP\":\"192.168.1.%u\",\"hostIPs\":[{\"ip\":\"192.168.1.%u\"}],\"podIP\":\"10.244.%u.%u\","
        "\"podIPs\":[{\"ip\":\"10.244.%u.%u\"}],\"startTime\":",
        i % 200, i % 200, i / 200 % 256, i % 200 + 2, i / 200 % 256, i % 200 + 2);
    time_of(out, i, 1);
    buf_lit(out, ",\"containerStatuses\":[{\"name\":\"server\",\"state\":{\"running\":{\"startedAt\":");
    time_of(out, i, 8);
    buf_printf(
        out,
        "}},\"lastState\":{},\"ready\":true,\"restartCount\":0,\"image\":"
        "\"registry.example.com/web/frontend:v1.%u.3\",\"imageID\":\"registry.example.com/web/"
        "frontend@sha256:"
        "%064x\",\"containerID\":\"containerd://%064x\",\"started\":true}],\"qosClass\":\"Burstable\"}}",
        i % 40, i % 40 + 0x4000, i + 0x40000);
}

static void body(struct buf *out, unsigned i) {
    metadata(out, i);
    spec(out, i);
    status(out, i);
}

void pods_write_one(struct buf *out, unsigned i) {
    buf_lit(out, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",");
    body(out, i);
}

void pods_write_list(struct buf *out, unsigned n) {
    buf_lit(out, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1234567\"},"
                 "\"items\":[");
    for (unsigned i = 0; i < n; i++) {
        buf_str(out, i ? S(",{") : S("{"));
        body(out, i);
    }
    buf_lit(out, "]}");
}
