/* Table cells of workloads: apps, batch, autoscaling, pod templates, replication controllers, scheduling. */
#include "api/quantity.h"
#include "api/table_priv.h"
#include "api/types/apps.h"
#include "api/types/autoscaling.h"
#include "api/types/batch.h"
#include "api/types/core.h"
#include "api/types/scheduling.h"
#include "base/timefmt.h"

/* Containers and images of everything with a pod template. */
#define TEMPLATE_CELLS(name, type, template)                                                                 \
    static void cell_##name##_containers(struct cell *c) {                                                   \
        const struct type *o = c->object;                                                                    \
        cell_container_names(c, template);                                                                   \
    }                                                                                                        \
    static void cell_##name##_images(struct cell *c) {                                                       \
        const struct type *o = c->object;                                                                    \
        cell_container_images(c, template);                                                                  \
    }

static const struct core_pod_template_spec no_template;

TEMPLATE_CELLS(pod_template, core_pod_template, &o->template)
TEMPLATE_CELLS(rc, core_replication_controller, o->spec.template ? o->spec.template : &no_template)
TEMPLATE_CELLS(rs, apps_replica_set, &o->spec.template)
TEMPLATE_CELLS(ds, apps_daemon_set, &o->spec.template)
TEMPLATE_CELLS(deployment, apps_deployment, &o->spec.template)
TEMPLATE_CELLS(sts, apps_stateful_set, &o->spec.template)
TEMPLATE_CELLS(job, batch_job, &o->spec.template)
TEMPLATE_CELLS(cron_job, batch_cron_job, &o->spec.job_template.spec.template)

static void cell_pod_template_labels(struct cell *c) {
    cell_map(c, ((const struct core_pod_template *)c->object)->template.metadata.labels);
}

static void cell_rc_selector(struct cell *c) {
    cell_map(c, ((const struct core_replication_controller *)c->object)->spec.selector);
}

static void cell_rs_selector(struct cell *c) {
    cell_selector(c, ((const struct apps_replica_set *)c->object)->spec.selector, "<none>", "<error>");
}

static void cell_ds_selector(struct cell *c) {
    cell_selector(c, ((const struct apps_daemon_set *)c->object)->spec.selector, "<none>", "<error>");
}

static void cell_ds_node_selector(struct cell *c) {
    cell_map(c, ((const struct apps_daemon_set *)c->object)->spec.template.spec.node_selector);
}

static void cell_deployment_selector(struct cell *c) {
    cell_selector(c, ((const struct apps_deployment *)c->object)->spec.selector, "", "<invalid>");
}

static void cell_job_selector(struct cell *c) {
    cell_selector(c, ((const struct batch_job *)c->object)->spec.selector, "<none>", "<error>");
}

static void cell_cron_job_selector(struct cell *c) {
    cell_selector(c, ((const struct batch_cron_job *)c->object)->spec.job_template.spec.selector, "<none>",
                  "<error>");
}

static void cell_deployment_ready(struct cell *c) {
    const struct apps_deployment *d = c->object;
    buf_printf(c->text, "%d/%d", d->status.ready_replicas, d->spec.replicas.v);
}

static void cell_sts_ready(struct cell *c) {
    const struct apps_stateful_set *s = c->object;
    buf_printf(c->text, "%d/%d", s->status.ready_replicas, s->spec.replicas.v);
}

static void cell_revision_controller(struct cell *c) {
    const struct meta_owner_reference_array *owners =
        &((const struct apps_controller_revision *)c->object)->metadata.owner_references;
    for (uint32_t i = 0; i < owners->n; i++) {
        const struct meta_owner_reference *o = &owners->v[i];
        struct str group, version;
        if (!o->controller.v)
            continue;
        cell_lower(c, o->kind);
        if (str_split(o->api_version, '/', &group, &version))
            buf_printf(c->text, ".%.*s", STR_ARG(group));
        buf_printf(c->text, "/%.*s", STR_ARG(o->name));
        return;
    }
    cell_text(c, "<none>");
}

/* -- jobs -- */

/* Only the first condition of a type counts. */
static bool job_condition(const struct batch_job *j, struct str type) {
    for (uint32_t i = 0; i < j->status.conditions.n; i++)
        if (str_eq(j->status.conditions.v[i].type, type))
            return str_eq(j->status.conditions.v[i].status, S("True"));
    return false;
}

static void cell_job_status(struct cell *c) {
    const struct batch_job *j = c->object;
    static const char *const later[] = {"Suspended", "FailureTarget", "SuccessCriteriaMet"};
    const char *text = "Running";
    for (int i = 2; i >= 0; i--)
        if (job_condition(j, str_from(later[i])))
            text = later[i];
    if (job_condition(j, S("Complete")))
        text = "Complete";
    else if (job_condition(j, S("Failed")))
        text = "Failed";
    else if (j->metadata.deletion_timestamp.set)
        text = "Terminating";
    cell_text(c, text);
}

static void cell_job_completions(struct cell *c) {
    const struct batch_job *j = c->object;
    if (j->spec.completions.set)
        buf_printf(c->text, "%d/%d", j->status.succeeded, j->spec.completions.v);
    else if (j->spec.parallelism.v > 1)
        buf_printf(c->text, "%d/1 of %d", j->status.succeeded, j->spec.parallelism.v);
    else
        buf_printf(c->text, "%d/1", j->status.succeeded);
}

static void cell_job_duration(struct cell *c) {
    const struct batch_job_status *s = &((const struct batch_job *)c->object)->status;
    if (s->start_time.set && s->completion_time.set)
        cell_human(c, (s->completion_time.sec - s->start_time.sec) * NS_PER_SEC);
    else
        cell_since(c, s->start_time, "");
}

static void cell_cron_job_suspend(struct cell *c) {
    struct opt_bool s = ((const struct batch_cron_job *)c->object)->spec.suspend;
    cell_text(c, !s.set ? "<unset>" : s.v ? "True" : "False");
}

static void cell_cron_job_active(struct cell *c) {
    cell_int(c, ((const struct batch_cron_job *)c->object)->status.active.n);
}

static void cell_cron_job_last(struct cell *c) {
    cell_since(c, ((const struct batch_cron_job *)c->object)->status.last_schedule_time, "<none>");
}

/* -- autoscalers -- */

static void cell_hpa_reference(struct cell *c) {
    const struct autoscaling_cross_version_object_reference *r =
        &((const struct autoscaling_horizontal_pod_autoscaler *)c->object)->spec.scale_target_ref;
    buf_printf(c->text, "%.*s/%.*s", STR_ARG(r->kind), STR_ARG(r->name));
}

static void put_quantity(struct cell *c, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    if (q && q->set)
        cell_str(c, str_make(text, quantity_format(q, text)));
    else
        cell_text(c, "<unknown>");
}

static void put_average(struct cell *c, const struct autoscaling_metric_value_status *now,
                        const struct autoscaling_metric_target *target, const char *tail) {
    put_quantity(c, now ? &now->average_value : NULL);
    buf_byte(c->text, '/');
    put_quantity(c, &target->average_value);
    cell_text(c, tail);
}

static void put_value(struct cell *c, const struct autoscaling_metric_value_status *now,
                      const struct autoscaling_metric_target *target) {
    if (target->average_value.set) {
        put_average(c, now, target, " (avg)");
        return;
    }
    put_quantity(c, now ? &now->value : NULL);
    buf_byte(c->text, '/');
    put_quantity(c, &target->value);
}

static void put_resource(struct cell *c, struct str name, const struct autoscaling_metric_value_status *now,
                         const struct autoscaling_metric_target *target) {
    buf_printf(c->text, "%.*s: ", STR_ARG(name));
    if (target->average_value.set) {
        put_average(c, now, target, "");
        return;
    }
    if (now && now->average_utilization.set)
        buf_printf(c->text, "%d%%", now->average_utilization.v);
    else
        cell_text(c, "<unknown>");
    if (target->average_utilization.set)
        buf_printf(c->text, "/%d%%", target->average_utilization.v);
    else
        cell_text(c, "/<auto>");
}

static void put_metric(struct cell *c, const struct autoscaling_metric_spec *m,
                       const struct autoscaling_metric_status *s) {
    if (str_eq(m->type, S("External")) && m->external)
        put_value(c, s && s->external ? &s->external->current : NULL, &m->external->target);
    else if (str_eq(m->type, S("Object")) && m->object)
        put_value(c, s && s->object ? &s->object->current : NULL, &m->object->target);
    else if (str_eq(m->type, S("Pods")) && m->pods)
        put_average(c, s && s->pods ? &s->pods->current : NULL, &m->pods->target, "");
    else if (str_eq(m->type, S("Resource")) && m->resource)
        put_resource(c, m->resource->name, s && s->resource ? &s->resource->current : NULL,
                     &m->resource->target);
    else if (str_eq(m->type, S("ContainerResource")) && m->container_resource)
        put_resource(c, m->container_resource->name,
                     s && s->container_resource ? &s->container_resource->current : NULL,
                     &m->container_resource->target);
    else
        cell_text(c, "<unknown type>");
}

static void cell_hpa_targets(struct cell *c) {
    const struct autoscaling_horizontal_pod_autoscaler *h = c->object;
    uint32_t n = h->spec.metrics.n;
    for (uint32_t i = 0; i < n && i < 2; i++) {
        cell_sep(c, ", ");
        put_metric(c, &h->spec.metrics.v[i],
                   i < h->status.current_metrics.n ? &h->status.current_metrics.v[i] : NULL);
    }
    if (n == 0)
        cell_text(c, "<none>");
    if (n > 2)
        cell_more(c, n - 2);
}

const struct cell_row cells_workload[] = {
    {TY_CORE_POD_TEMPLATE, "Containers", cell_pod_template_containers},
    {TY_CORE_POD_TEMPLATE, "Images", cell_pod_template_images},
    {TY_CORE_POD_TEMPLATE, "Pod Labels", cell_pod_template_labels},
    {TY_CORE_REPLICATION_CONTROLLER, "Containers", cell_rc_containers},
    {TY_CORE_REPLICATION_CONTROLLER, "Images", cell_rc_images},
    {TY_CORE_REPLICATION_CONTROLLER, "Selector", cell_rc_selector},
    {TY_APPS_REPLICA_SET, "Containers", cell_rs_containers},
    {TY_APPS_REPLICA_SET, "Images", cell_rs_images},
    {TY_APPS_REPLICA_SET, "Selector", cell_rs_selector},
    {TY_APPS_DAEMON_SET, "Node Selector", cell_ds_node_selector},
    {TY_APPS_DAEMON_SET, "Containers", cell_ds_containers},
    {TY_APPS_DAEMON_SET, "Images", cell_ds_images},
    {TY_APPS_DAEMON_SET, "Selector", cell_ds_selector},
    {TY_APPS_DEPLOYMENT, "Ready", cell_deployment_ready},
    {TY_APPS_DEPLOYMENT, "Containers", cell_deployment_containers},
    {TY_APPS_DEPLOYMENT, "Images", cell_deployment_images},
    {TY_APPS_DEPLOYMENT, "Selector", cell_deployment_selector},
    {TY_APPS_STATEFUL_SET, "Ready", cell_sts_ready},
    {TY_APPS_STATEFUL_SET, "Containers", cell_sts_containers},
    {TY_APPS_STATEFUL_SET, "Images", cell_sts_images},
    {TY_APPS_CONTROLLER_REVISION, "Controller", cell_revision_controller},
    {TY_BATCH_JOB, "Status", cell_job_status},
    {TY_BATCH_JOB, "Completions", cell_job_completions},
    {TY_BATCH_JOB, "Duration", cell_job_duration},
    {TY_BATCH_JOB, "Containers", cell_job_containers},
    {TY_BATCH_JOB, "Images", cell_job_images},
    {TY_BATCH_JOB, "Selector", cell_job_selector},
    {TY_BATCH_CRON_JOB, "Suspend", cell_cron_job_suspend},
    {TY_BATCH_CRON_JOB, "Active", cell_cron_job_active},
    {TY_BATCH_CRON_JOB, "Last Schedule", cell_cron_job_last},
    {TY_BATCH_CRON_JOB, "Containers", cell_cron_job_containers},
    {TY_BATCH_CRON_JOB, "Images", cell_cron_job_images},
    {TY_BATCH_CRON_JOB, "Selector", cell_cron_job_selector},
    {TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, "Reference", cell_hpa_reference},
    {TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER, "Targets", cell_hpa_targets},
    {0, NULL, NULL},
};
