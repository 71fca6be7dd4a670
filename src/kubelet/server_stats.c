/* /stats/summary, /metrics/resource and /metrics/cadvisor: what is used, in the three forms that others read.
 *
 * CONFORMS: the names and labels that upstream's dashboards, metrics-server and alerts use.
 */
#include <stdlib.h>

#include "api/json.h"
#include "api/types/ids.h"
#include "api/types/stats.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "kubelet/node.h"
#include "kubelet/server_priv.h"
#include "kubelet/stats.h"

/* -- collected off the loop -- */

struct stats_job {
    struct work work;
    struct loop_msg msg;
    struct loop *loop;
    struct kreq *q; /* NULL: gone; the loop's */
    struct kubelet *k;
    struct arena arena;
    struct stats stats;
    void (*write)(struct stats_job *j);
    struct buf out;
    struct str content_type;
    struct err err;
    int rc;
};

static void job_free(struct stats_job *j) {
    arena_fini(&j->arena);
    buf_fini(&j->out);
    free(j);
}

static void on_back(struct loop_msg *m) {
    struct stats_job *j = (struct stats_job *)((char *)m - offsetof(struct stats_job, msg));
    if (j->q && j->rc < 0)
        server_text(j->q, 500, "%s\n", j->err.msg);
    else if (j->q)
        http_respond_text(j->q->r, 200, j->content_type, buf_view(&j->out));
    job_free(j);
}

static void collect(struct work *w) {
    struct stats_job *j = (struct stats_job *)((char *)w - offsetof(struct stats_job, work));
    j->rc = stats_collect(j->k, &j->arena, &j->stats, &j->err);
    if (j->rc == 0)
        j->write(j);
    if (loop_post(j->loop, &j->msg) < 0)
        job_free(j); /* the server has ended */
}

static void job_gone(void *user) {
    ((struct stats_job *)user)->q = NULL;
}

static void with_stats(struct kreq *q, struct str content_type, void (*write)(struct stats_job *j)) {
    struct stats_job *j = calloc(1, sizeof *j);
    if (!j)
        panic("out of memory");
    *j = (struct stats_job){.q = q,
                            .k = q->s->k,
                            .loop = http_request_loop(q->r),
                            .write = write,
                            .content_type = content_type,
                            .arena = ARENA_INIT};
    j->work.run = collect;
    j->msg.run = on_back;
    http_set_user(q->r, j, job_gone);
    if (workers_submit(q->s->k->pod_workers, &j->work) == 0)
        return;
    job_free(j);
    server_text(q, 429, "the node is busy; try again\n");
}

/* -- what a family has of an entry -- */

typedef double (*value_fn)(const struct stats_entry *e); /* < 0: nothing */

struct metric {
    const char *name;
    enum metric_type type;
    const char *help;
    value_fn value;
};

static double seconds(int64_t ns) {
    return ns < 0 ? -1 : (double)ns / 1e9;
}

static double cpu(const struct stats_entry *e) {
    return seconds(e->use.cpu_ns);
}
static double cpu_user(const struct stats_entry *e) {
    return seconds(e->use.cpu_user_ns);
}
static double cpu_system(const struct stats_entry *e) {
    return seconds(e->use.cpu_system_ns);
}
static double periods(const struct stats_entry *e) {
    return (double)e->use.cpu_periods;
}
static double throttled_periods(const struct stats_entry *e) {
    return (double)e->use.cpu_throttled_periods;
}
static double throttled(const struct stats_entry *e) {
    return seconds(e->use.cpu_throttled_ns);
}
static double memory(const struct stats_entry *e) {
    return (double)e->use.memory_bytes;
}
static double working_set(const struct stats_entry *e) {
    return (double)e->use.working_set_bytes;
}
static double rss(const struct stats_entry *e) {
    return (double)e->use.rss_bytes;
}
static double cache(const struct stats_entry *e) {
    return (double)e->use.cache_bytes;
}
/* CONFORMS: no limit is zero; version 1 writes "none" as a number near the largest. */
static double memory_limit(const struct stats_entry *e) {
    int64_t limit = e->use.memory_limit_bytes;
    return limit < 0 || limit > INT64_MAX / 2 ? 0 : (double)limit;
}
static double processes(const struct stats_entry *e) {
    return (double)e->use.pids;
}
static double started(const struct stats_entry *e) {
    return e->started_ns ? seconds(e->started_ns) : -1;
}
static double fs_usage(const struct stats_entry *e) {
    return (double)e->fs_bytes;
}
static double fs_inodes(const struct stats_entry *e) {
    return (double)e->fs_inodes;
}

/* -- /metrics/resource -- */

enum level { LEVEL_NODE, LEVEL_POD, LEVEL_CONTAINER };

static void resource_sample(struct buf *out, const struct metric *m, enum level level,
                            const struct stats_entry *e) {
    static const char *const labels[] = {"container", "namespace", "pod"};
    struct str values[] = {e->container, e->ns, e->pod};
    size_t skip = level == LEVEL_CONTAINER ? 0 : level == LEVEL_POD ? 1 : 3;
    double v = m->value(e);
    if (v >= 0)
        metrics_write_sample(out, m->name, labels + skip, values + skip, 3 - skip, v);
}

static void resource_family(struct stats_job *j, const struct metric *m, enum level level) {
    metrics_write_family(&j->out, m->name, m->type, m->help);
    if (level == LEVEL_NODE)
        resource_sample(&j->out, m, level, &j->stats.node);
    for (uint32_t i = 0; level != LEVEL_NODE && i < j->stats.n_pods; i++) {
        const struct stats_pod *p = &j->stats.pods[i];
        if (level == LEVEL_POD)
            resource_sample(&j->out, m, level, &p->self);
        for (uint32_t c = 0; level == LEVEL_CONTAINER && c < p->n_containers; c++)
            resource_sample(&j->out, m, level, &p->containers[c]);
    }
}

static void write_resource(struct stats_job *j) {
    static const struct {
        struct metric m;
        enum level level;
    } all[] = {
        {{"container_cpu_usage_seconds_total", METRIC_COUNTER,
          "Cumulative cpu time consumed by the container in core-seconds", cpu},
         LEVEL_CONTAINER},
        {{"container_memory_working_set_bytes", METRIC_GAUGE, "Current working set of the container in bytes",
          working_set},
         LEVEL_CONTAINER},
        {{"container_start_time_seconds", METRIC_GAUGE,
          "Start time of the container since unix epoch in seconds", started},
         LEVEL_CONTAINER},
        {{"node_cpu_usage_seconds_total", METRIC_COUNTER,
          "Cumulative cpu time consumed by the node in core-seconds", cpu},
         LEVEL_NODE},
        {{"node_memory_working_set_bytes", METRIC_GAUGE, "Current working set of the node in bytes",
          working_set},
         LEVEL_NODE},
        {{"pod_cpu_usage_seconds_total", METRIC_COUNTER,
          "Cumulative cpu time consumed by the pod in core-seconds", cpu},
         LEVEL_POD},
        {{"pod_memory_working_set_bytes", METRIC_GAUGE, "Current working set of the pod in bytes",
          working_set},
         LEVEL_POD},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        resource_family(j, &all[i].m, all[i].level);
    metrics_write_family(&j->out, "resource_scrape_error", METRIC_GAUGE,
                         "1 if there was an error while getting container metrics, 0 otherwise");
    metrics_write_sample(&j->out, "resource_scrape_error", NULL, NULL, 0, 0);
}

void serve_resource_metrics(struct kreq *q) {
    with_stats(q, S(METRICS_CONTENT_TYPE), write_resource);
}

/* -- /metrics/cadvisor -- */

#define CADVISOR_LABELS 6

/* An entry's labels, and up to two of the family's own in front. */
static void cadvisor_sample(struct buf *out, const char *name, const struct stats_entry *e,
                            const char *const *more, const struct str *more_values, size_t n_more,
                            double value) {
    static const char *const labels[CADVISOR_LABELS] = {"container", "id",        "image",
                                                        "name",      "namespace", "pod"};
    const struct str values[CADVISOR_LABELS] = {e->container, e->cgroup, e->image, e->id, e->ns, e->pod};
    const char *l[CADVISOR_LABELS + 2];
    struct str v[CADVISOR_LABELS + 2];
    check(n_more <= 2);
    if (value < 0)
        return;
    for (size_t i = 0; i < CADVISOR_LABELS; i++) {
        l[i] = labels[i];
        v[i] = values[i];
    }
    for (size_t i = 0; i < n_more; i++) {
        l[CADVISOR_LABELS + i] = more[i];
        v[CADVISOR_LABELS + i] = more_values[i];
    }
    metrics_write_sample(out, name, l, v, CADVISOR_LABELS + n_more, value);
}

static void each_entry(struct stats_job *j,
                       void (*fn)(struct stats_job *j, const struct stats_entry *e, const void *arg),
                       const void *arg) {
    fn(j, &j->stats.node, arg);
    for (uint32_t i = 0; i < j->stats.n_pods; i++) {
        const struct stats_pod *p = &j->stats.pods[i];
        fn(j, &p->self, arg);
        for (uint32_t c = 0; c < p->n_containers; c++)
            fn(j, &p->containers[c], arg);
    }
}

static void put_value(struct stats_job *j, const struct stats_entry *e, const void *arg) {
    static const char *const label = "cpu";
    const struct metric *m = arg;
    struct str total = S("total");
    cadvisor_sample(&j->out, m->name, e, &label, &total, m->value == cpu ? 1 : 0, m->value(e));
}

static void put_failures(struct stats_job *j, const struct stats_entry *e, const void *arg) {
    static const char *const labels[] = {"failure_type", "scope"};
    const struct str minor[] = {S("pgfault"), S("container")}, major[] = {S("pgmajfault"), S("container")};
    cadvisor_sample(&j->out, arg, e, labels, minor, 2, (double)e->use.page_faults);
    cadvisor_sample(&j->out, arg, e, labels, major, 2, (double)e->use.major_page_faults);
}

static void put_seen(struct stats_job *j, const struct stats_entry *e, const void *arg) {
    cadvisor_sample(&j->out, arg, e, NULL, NULL, 0, (double)(j->stats.now_ns / 1000000000));
}

struct net_metric {
    const char *name, *help;
    bool sent;
    size_t which;
};

static void put_net(struct stats_job *j, const struct stats_entry *e, const void *arg) {
    static const char *const label = "interface";
    const struct net_metric *m = arg;
    for (uint32_t i = 0; i < e->net.n; i++) {
        const struct stats_interface *f = &e->net.v[i];
        cadvisor_sample(&j->out, m->name, e, &label, &f->name, 1,
                        (double)(m->sent ? f->tx : f->rx)[m->which]);
    }
}

static void write_network(struct stats_job *j) {
    static const struct net_metric all[] = {
        {"container_network_receive_bytes_total", "Cumulative count of bytes received", false, 0},
        {"container_network_receive_errors_total", "Cumulative count of errors encountered while receiving",
         false, 2},
        {"container_network_receive_packets_dropped_total",
         "Cumulative count of packets dropped while receiving", false, 3},
        {"container_network_receive_packets_total", "Cumulative count of packets received", false, 1},
        {"container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", true, 0},
        {"container_network_transmit_errors_total",
         "Cumulative count of errors encountered while transmitting", true, 2},
        {"container_network_transmit_packets_dropped_total",
         "Cumulative count of packets dropped while transmitting", true, 3},
        {"container_network_transmit_packets_total", "Cumulative count of packets transmitted", true, 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        metrics_write_family(&j->out, all[i].name, METRIC_COUNTER, all[i].help);
        each_entry(j, put_net, &all[i]);
    }
}

static void write_machine(struct stats_job *j) {
    const struct {
        const char *name, *help;
        double value;
    } all[] = {{"machine_cpu_cores", "Number of logical CPU cores", j->stats.facts->cpus},
               {"machine_memory_bytes", "Amount of memory installed on the machine",
                (double)j->stats.facts->memory_bytes}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        metrics_write_family(&j->out, all[i].name, METRIC_GAUGE, all[i].help);
        metrics_write_sample(&j->out, all[i].name, NULL, NULL, 0, all[i].value);
    }
}

static void write_cadvisor(struct stats_job *j) {
    static const struct metric all[] = {
        {"container_cpu_cfs_periods_total", METRIC_COUNTER, "Number of elapsed enforcement period intervals",
         periods},
        {"container_cpu_cfs_throttled_periods_total", METRIC_COUNTER, "Number of throttled period intervals",
         throttled_periods},
        {"container_cpu_cfs_throttled_seconds_total", METRIC_COUNTER,
         "Total time duration the container has been throttled", throttled},
        {"container_cpu_system_seconds_total", METRIC_COUNTER,
         "Cumulative system cpu time consumed in seconds", cpu_system},
        {"container_cpu_usage_seconds_total", METRIC_COUNTER, "Cumulative cpu time consumed in seconds", cpu},
        {"container_cpu_user_seconds_total", METRIC_COUNTER, "Cumulative user cpu time consumed in seconds",
         cpu_user},
        {"container_fs_inodes_used", METRIC_GAUGE, "Number of inodes in use by the writable layer",
         fs_inodes},
        {"container_fs_usage_bytes", METRIC_GAUGE, "Number of bytes in use by the writable layer", fs_usage},
        {"container_memory_cache", METRIC_GAUGE, "Number of bytes of page cache memory", cache},
        {"container_memory_rss", METRIC_GAUGE, "Size of RSS in bytes", rss},
        {"container_memory_usage_bytes", METRIC_GAUGE, "Current memory usage in bytes, with all caches",
         memory},
        {"container_memory_working_set_bytes", METRIC_GAUGE, "Current working set in bytes", working_set},
        {"container_processes", METRIC_GAUGE, "Number of processes running", processes},
        {"container_spec_memory_limit_bytes", METRIC_GAUGE, "Memory limit; 0: none", memory_limit},
        {"container_start_time_seconds", METRIC_GAUGE, "Start time since unix epoch in seconds", started},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        metrics_write_family(&j->out, all[i].name, all[i].type, all[i].help);
        each_entry(j, put_value, &all[i]);
    }
    metrics_write_family(&j->out, "container_last_seen", METRIC_GAUGE, "Last time it was seen");
    each_entry(j, put_seen, "container_last_seen");
    metrics_write_family(&j->out, "container_memory_failures_total", METRIC_COUNTER,
                         "Cumulative count of memory allocation failures");
    each_entry(j, put_failures, "container_memory_failures_total");
    write_network(j);
    write_machine(j);
}

void serve_cadvisor(struct kreq *q) {
    with_stats(q, S(METRICS_CONTENT_TYPE), write_cadvisor);
}

/* -- /stats/summary -- */

static struct timestamp time_of(int64_t ns) {
    return (struct timestamp){.sec = ns / 1000000000, .set = ns > 0};
}

static struct opt_u64 known(int64_t v) {
    return (struct opt_u64){.v = v < 0 ? 0 : (uint64_t)v, .set = v >= 0};
}

static struct stats_cpu_stats *cpu_of(struct stats_job *j, const struct stats_entry *e) {
    struct stats_cpu_stats *c = arena_new(&j->arena, struct stats_cpu_stats);
    c->time = time_of(j->stats.now_ns);
    c->usage_core_nano_seconds = known(e->use.cpu_ns);
    int64_t age_ns = j->stats.now_ns - e->started_ns;
    if (e->use.cpu_ns >= 0 && e->started_ns && age_ns > 0) /* on average since it started */
        c->usage_nano_cores = known((int64_t)((double)e->use.cpu_ns / ((double)age_ns / 1e9)));
    return c;
}

static struct stats_memory_stats *memory_of(struct stats_job *j, const struct stats_entry *e) {
    struct stats_memory_stats *m = arena_new(&j->arena, struct stats_memory_stats);
    m->time = time_of(j->stats.now_ns);
    m->usage_bytes = known(e->use.memory_bytes);
    m->working_set_bytes = known(e->use.working_set_bytes);
    m->rss_bytes = known(e->use.rss_bytes);
    m->page_faults = known(e->use.page_faults);
    m->major_page_faults = known(e->use.major_page_faults);
    int64_t limit = (int64_t)memory_limit(e);
    if (limit > 0 && e->use.working_set_bytes >= 0)
        m->available_bytes = known(limit > e->use.working_set_bytes ? limit - e->use.working_set_bytes : 0);
    return m;
}

static struct stats_interface_stats interface_of(const struct stats_interface *f) {
    return (struct stats_interface_stats){.name = f->name,
                                          .rx_bytes = known((int64_t)f->rx[0]),
                                          .rx_errors = known((int64_t)f->rx[2]),
                                          .tx_bytes = known((int64_t)f->tx[0]),
                                          .tx_errors = known((int64_t)f->tx[2])};
}

/* CONFORMS: eth0, or else the first, stands for all; all are there as well. */
static struct stats_network_stats *network_of(struct stats_job *j, const struct stats_entry *e) {
    if (!e->net.n)
        return NULL;
    struct stats_network_stats *n = arena_new(&j->arena, struct stats_network_stats);
    n->time = time_of(j->stats.now_ns);
    n->interfaces.v = arena_new_n(&j->arena, e->net.n, struct stats_interface_stats);
    n->interface_stats = interface_of(&e->net.v[0]);
    for (uint32_t i = 0; i < e->net.n; i++) {
        n->interfaces.v[n->interfaces.n++] = interface_of(&e->net.v[i]);
        if (str_eq(e->net.v[i].name, S("eth0")))
            n->interface_stats = interface_of(&e->net.v[i]);
    }
    return n;
}

/* The node's file system, and what of it is used by somebody; < 0: by all. */
static struct stats_fs_stats *fs_of(struct stats_job *j, int64_t used, int64_t inodes) {
    const struct stats *s = &j->stats;
    struct stats_fs_stats *f = arena_new(&j->arena, struct stats_fs_stats);
    f->time = time_of(s->now_ns);
    f->available_bytes = known((int64_t)s->free.disk_bytes);
    f->capacity_bytes = known((int64_t)s->facts->disk_bytes);
    f->used_bytes = known(used >= 0 ? used : (int64_t)(s->facts->disk_bytes - s->free.disk_bytes));
    f->inodes = known((int64_t)s->free.disk_inodes_total);
    f->inodes_free = known((int64_t)s->free.disk_inodes);
    f->inodes_used = known(inodes >= 0 ? inodes : (int64_t)(s->free.disk_inodes_total - s->free.disk_inodes));
    return f;
}

static struct stats_container_stats container_of(struct stats_job *j, const struct stats_entry *e) {
    struct stats_container_stats c = {.name = e->container,
                                      .start_time = time_of(e->started_ns),
                                      .cpu = cpu_of(j, e),
                                      .memory = memory_of(j, e)};
    if (e->fs_bytes >= 0)
        c.rootfs = fs_of(j, e->fs_bytes, e->fs_inodes);
    return c;
}

static struct stats_pod_stats pod_of(struct stats_job *j, const struct stats_pod *p) {
    struct stats_pod_stats to = {
        .pod_ref = {.name = p->self.pod, .namespace = p->self.ns, .uid = p->self.uid},
        .start_time = time_of(p->self.started_ns),
        .cpu = cpu_of(j, &p->self),
        .memory = memory_of(j, &p->self),
        .network = network_of(j, &p->self)};
    int64_t used = 0, inodes = 0;
    to.containers.v = arena_new_n(&j->arena, p->n_containers + 1, struct stats_container_stats);
    for (uint32_t i = 0; i < p->n_containers; i++) {
        const struct stats_entry *c = &p->containers[i];
        to.containers.v[to.containers.n++] = container_of(j, c);
        used += c->fs_bytes > 0 ? c->fs_bytes : 0;
        inodes += c->fs_inodes > 0 ? c->fs_inodes : 0;
    }
    to.ephemeral_storage = fs_of(j, used, inodes);
    to.process_stats = arena_new(&j->arena, struct stats_process_stats);
    to.process_stats->process_count = known(p->self.use.pids);
    return to;
}

static void write_summary(struct stats_job *j) {
    const struct stats *s = &j->stats;
    struct stats_summary *sum = arena_new(&j->arena, struct stats_summary);
    sum->node.node_name = j->k->o.node_name;
    sum->node.start_time = time_of(s->node.started_ns);
    sum->node.cpu = cpu_of(j, &s->node);
    sum->node.memory = memory_of(j, &s->node);
    sum->node.memory->available_bytes = known((int64_t)s->free.memory_bytes);
    sum->node.network = network_of(j, &s->node);
    sum->node.fs = fs_of(j, -1, -1);
    sum->node.runtime = arena_new(&j->arena, struct stats_runtime_stats);
    sum->node.runtime->image_fs = fs_of(j, -1, -1);
    sum->pods.v = arena_new_n(&j->arena, s->n_pods + 1, struct stats_pod_stats);
    for (uint32_t i = 0; i < s->n_pods; i++)
        sum->pods.v[sum->pods.n++] = pod_of(j, &s->pods[i]);
    api_write_json(&j->out, &builtin, TY_STATS_SUMMARY, sum);
}

void serve_summary(struct kreq *q) {
    with_stats(q, S("application/json"), write_summary);
}
