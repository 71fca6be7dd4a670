/* What the node tells of itself: its pods, what they use, metrics. */
#include <stdlib.h>

#include "api/json.h"
#include "api/types/core.h"
#include "api/types/cri.h"
#include "api/types/ids.h"
#include "api/types/stats.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "kubelet/cri_names.h"
#include "kubelet/node.h"
#include "kubelet/server_priv.h"
#include "runtime/runtime.h"

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

/* -- what containers use, asked of the runtime off the loop -- */

struct stats_job {
    struct work work;
    struct loop_msg msg;
    struct loop *loop;
    struct kreq *q; /* NULL: gone; the loop's */
    struct kubelet *k;
    struct arena arena;
    const struct cri_list_container_stats_response *stats;
    void (*write)(struct stats_job *j, struct buf *out);
    struct str content_type;
    struct err err;
    int rc;
};

static void job_free(struct stats_job *j) {
    arena_fini(&j->arena);
    free(j);
}

static void on_back(struct loop_msg *m) {
    struct stats_job *j = (struct stats_job *)((char *)m - offsetof(struct stats_job, msg));
    if (j->q && j->rc < 0) {
        server_text(j->q, 500, "%s\n", j->err.msg);
    } else if (j->q) {
        _cleanup_buf struct buf out = BUF_INIT;
        j->write(j, &out);
        http_respond_text(j->q->r, 200, j->content_type, buf_view(&out));
    }
    job_free(j);
}

static void ask(struct work *w) {
    struct stats_job *j = (struct stats_job *)((char *)w - offsetof(struct stats_job, work));
    struct runtime_call call = {.arena = &j->arena, .timeout_ms = 10000};
    j->rc = runtime_list_container_stats(j->k->o.runtime, &call,
                                         &(struct cri_list_container_stats_request){0}, &j->stats, &j->err);
    if (loop_post(j->loop, &j->msg) < 0)
        job_free(j); /* the server has ended */
}

static void job_gone(void *user) {
    ((struct stats_job *)user)->q = NULL;
}

static void with_stats(struct kreq *q, struct str content_type,
                       void (*write)(struct stats_job *j, struct buf *out)) {
    struct stats_job *j = calloc(1, sizeof *j);
    if (!j)
        panic("out of memory");
    *j = (struct stats_job){.q = q,
                            .k = q->s->k,
                            .loop = http_request_loop(q->r),
                            .write = write,
                            .content_type = content_type,
                            .arena = ARENA_INIT};
    j->work.run = ask;
    j->msg.run = on_back;
    http_set_user(q->r, j, job_gone);
    if (workers_submit(q->s->k->pod_workers, &j->work) == 0)
        return;
    job_free(j);
    server_text(q, 429, "the node is busy; try again\n");
}

static uint64_t value_of(const struct cri_u_int64_value *v) {
    return v ? v->value : 0;
}

static uint64_t cpu_ns(const struct cri_container_stats *s) {
    return s->cpu ? value_of(s->cpu->usage_core_nano_seconds) : 0;
}

static uint64_t memory_bytes(const struct cri_container_stats *s) {
    return s->memory ? value_of(s->memory->working_set_bytes) : 0;
}

/* -- Prometheus -- */

struct names {
    struct str container, ns, pod;
};

static struct names names_of(const struct cri_container_stats *s) {
    if (!s->attributes)
        return (struct names){0};
    return (struct names){str_map_get(s->attributes->labels, CRI_LABEL_CONTAINER_NAME),
                          str_map_get(s->attributes->labels, CRI_LABEL_POD_NAMESPACE),
                          str_map_get(s->attributes->labels, CRI_LABEL_POD_NAME)};
}

static void family(struct stats_job *j, struct buf *out, const char *name, enum metric_type type,
                   const char *help, double (*value)(const struct cri_container_stats *s)) {
    static const char *const labels[] = {"container", "namespace", "pod"};
    metrics_write_family(out, name, type, help);
    for (uint32_t i = 0; j->stats && i < j->stats->stats.n; i++) {
        struct names n = names_of(&j->stats->stats.v[i]);
        struct str values[] = {n.container, n.ns, n.pod};
        metrics_write_sample(out, name, labels, values, 3, value(&j->stats->stats.v[i]));
    }
}

static double cpu_seconds(const struct cri_container_stats *s) {
    return (double)cpu_ns(s) / 1e9;
}

static double working_set(const struct cri_container_stats *s) {
    return (double)memory_bytes(s);
}

static void write_resource(struct stats_job *j, struct buf *out) {
    family(j, out, "container_cpu_usage_seconds_total", METRIC_COUNTER,
           "Cumulative cpu time consumed by the container in core-seconds", cpu_seconds);
    family(j, out, "container_memory_working_set_bytes", METRIC_GAUGE,
           "Current working set of the container in bytes", working_set);
    struct node_free f;
    const struct node_facts *facts = kubelet_node_facts(j->k->node);
    node_free_read(arena_strz(&j->arena, j->k->o.root_dir), facts, &f);
    metrics_write_family(out, "node_memory_working_set_bytes", METRIC_GAUGE,
                         "Current working set of the node in bytes");
    metrics_write_sample(out, "node_memory_working_set_bytes", NULL, NULL, 0,
                         (double)(facts->memory_bytes - f.memory_bytes));
}

void serve_resource_metrics(struct kreq *q) {
    with_stats(q, S(METRICS_CONTENT_TYPE), write_resource);
}

void serve_cadvisor(struct kreq *q) {
    with_stats(q, S(METRICS_CONTENT_TYPE), write_resource);
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

/* -- /stats/summary -- */

static struct timestamp now_of(const struct kubelet *k) {
    return (struct timestamp){.sec = clock_wall_sec(k->clock), .set = true};
}

static void fill_container(struct stats_job *j, const struct cri_container_stats *s,
                           struct stats_container_stats *to) {
    struct timestamp now = now_of(j->k);
    to->name = names_of(s).container;
    to->start_time = now;
    to->cpu = arena_new(&j->arena, struct stats_cpu_stats);
    to->cpu->time = now;
    to->cpu->usage_core_nano_seconds = (struct opt_u64){cpu_ns(s), true};
    to->memory = arena_new(&j->arena, struct stats_memory_stats);
    to->memory->time = now;
    to->memory->working_set_bytes = (struct opt_u64){memory_bytes(s), true};
}

static struct stats_pod_stats *pod_of(struct stats_summary *sum, const struct cri_container_stats *s) {
    struct str uid = s->attributes ? str_map_get(s->attributes->labels, CRI_LABEL_POD_UID) : STR_NONE;
    for (uint32_t i = 0; i < sum->pods.n; i++)
        if (str_eq(sum->pods.v[i].pod_ref.uid, uid))
            return &sum->pods.v[i];
    struct stats_pod_stats *p = &sum->pods.v[sum->pods.n++];
    struct names n = names_of(s);
    p->pod_ref = (struct stats_pod_reference){.name = n.pod, .namespace = n.ns, .uid = uid};
    return p;
}

static void write_summary(struct stats_job *j, struct buf *out) {
    uint32_t n = j->stats ? j->stats->stats.n : 0;
    struct stats_summary *sum = arena_new(&j->arena, struct stats_summary);
    struct timestamp now = now_of(j->k);
    sum->node.node_name = j->k->o.node_name;
    sum->node.start_time = now;
    struct node_free f;
    const struct node_facts *facts = kubelet_node_facts(j->k->node);
    node_free_read(arena_strz(&j->arena, j->k->o.root_dir), facts, &f);
    sum->node.memory = arena_new(&j->arena, struct stats_memory_stats);
    sum->node.memory->time = now;
    sum->node.memory->available_bytes = (struct opt_u64){f.memory_bytes, true};
    sum->node.memory->working_set_bytes = (struct opt_u64){facts->memory_bytes - f.memory_bytes, true};
    sum->pods.v = arena_new_n(&j->arena, n, struct stats_pod_stats);
    for (uint32_t i = 0; i < n; i++) {
        struct stats_pod_stats *p = pod_of(sum, &j->stats->stats.v[i]);
        if (!p->containers.v)
            p->containers.v = arena_new_n(&j->arena, n, struct stats_container_stats);
        fill_container(j, &j->stats->stats.v[i], &p->containers.v[p->containers.n++]);
    }
    api_write_json(out, &builtin, TY_STATS_SUMMARY, sum);
}

void serve_summary(struct kreq *q) {
    with_stats(q, S("application/json"), write_summary);
}
