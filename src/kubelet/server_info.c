/* What the node tells of itself: its pods, its settings, its own metrics. */
#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "kubelet/server_priv.h"

void serve_pods(struct kreq *q) {
    struct pods_item *all;
    uint32_t n = pods_all(q->s->k, q->arena, &all);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_byte(&b, ',');
        api_write_json(&b, &builtin, TY_CORE_POD, all[i].object->body);
    }
    buf_lit(&b, "]}");
    server_json(q, buf_view(&b));
}

void serve_configz(struct kreq *q) {
    _cleanup_buf struct buf out = BUF_INIT;
    kubelet_config_write(&q->s->k->o.config, &out);
    server_json(q, buf_view(&out));
}

void serve_metrics(struct kreq *q) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct kubelet *k = q->s->k;
    if (k->o.metrics)
        metrics_write(k->o.metrics, &out);
    struct pods_item *all;
    uint32_t n = pods_all(k, q->arena, &all);
    metrics_write_family(&out, "kubelet_running_pods", METRIC_GAUGE,
                         "Number of pods that have a running pod sandbox");
    metrics_write_sample(&out, "kubelet_running_pods", NULL, NULL, 0, n);
    http_respond_text(q->r, 200, S(METRICS_CONTENT_TYPE), buf_view(&out));
}
