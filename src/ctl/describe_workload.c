/* What makes pods, and what watches over how many there are. See describe.h. */
#include "base/timefmt.h"
#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

static long long number(const struct jval *o, const char *dotted) {
    return (long long)object_int(o, dotted, 0);
}

static void put_created(struct describing *d) {
    d_put(d, 0, "CreationTimestamp:\t%.*s\n",
          STR_ARG(d_time(d, object_str(d->o, "metadata.creationTimestamp"))));
}

static void put_labels(struct describing *d) {
    d_labels(d, "", "Labels", jval_path(d->o, "metadata.labels"));
    d_annotations(d, "", jval_path(d->o, "metadata.annotations"));
}

static void put_selector(struct describing *d) {
    d_put(d, 0, "Selector:\t%.*s\n", STR_ARG(d_selector(d, jval_path(d->o, "spec.selector"), "<none>")));
}

static const struct jval *template_of(struct describing *d) {
    return jval_path(d->o, "spec.template");
}

/* -- deployments -- */

static bool controls(const struct jval *owner, const struct jval *o) {
    const struct jval *owners = object_array(o, "metadata.ownerReferences");
    for (uint32_t i = 0; owners && i < owners->n; i++)
        if (object_bool(&owners->items[i], "controller"))
            return str_eq(object_str(&owners->items[i], "uid"), object_str(owner, "metadata.uid"));
    return false;
}

/* A template without the label that tells replica sets apart. */
static struct jval plain_template(struct describing *d, const struct jval *o) {
    struct arena *a = &d->c->arena;
    const struct str keys[] = {S("metadata"), S("labels"), S("pod-template-hash")};
    return object_without_keys(a, jval_path(o, "spec.template"), keys, 3);
}

static struct str set_text(struct describing *d, const struct jval *set) {
    return arena_printf(&d->c->arena, "%.*s (%lld/%lld replicas created)", STR_ARG(object_name(set)),
                        number(set, "status.replicas"), number(set, "spec.replicas"));
}

static void put_sets(struct describing *d) {
    struct arena *a = &d->c->arena;
    struct jval sets = d_list(d, "apps", "replicasets", object_namespace(d->o),
                              d_selector(d, jval_path(d->o, "spec.selector"), ""), S(""));
    struct jval now = plain_template(d, d->o);
    struct jlist older = {0};
    struct str newest = {0}, newest_since = {0};
    if (sets.kind != J_ARRAY)
        return;
    bool any = false;
    for (uint32_t i = 0; i < sets.n; i++) {
        const struct jval *s = &sets.items[i];
        if (!controls(d->o, s))
            continue;
        struct jval its = plain_template(d, s);
        struct str since = object_str(s, "metadata.creationTimestamp");
        any = true;
        if (jval_equal(&its, &now) && (!newest.n || str_cmp(since, newest_since) < 0)) {
            newest = set_text(d, s);
            newest_since = since;
        } else {
            jlist_add(a, &older, jval_str(set_text(d, s)));
        }
    }
    if (!any)
        return;
    struct jval old = jlist_done(&older);
    d_put(d, 0, "OldReplicaSets:\t%.*s\n", STR_ARG(d_join(d, &old, ", ")));
    d_put(d, 0, "NewReplicaSet:\t%.*s\n", STR_ARG(or_none(newest)));
}

void describe_deployment(struct describing *d) {
    const struct jval *o = d->o, *rolling = jval_path(o, "spec.strategy.rollingUpdate");
    d_name(d);
    put_created(d);
    put_labels(d);
    put_selector(d);
    d_put(d, 0, "Replicas:\t%lld desired | %lld updated | %lld total | %lld available | %lld unavailable\n",
          number(o, "spec.replicas"), number(o, "status.updatedReplicas"), number(o, "status.replicas"),
          number(o, "status.availableReplicas"), number(o, "status.unavailableReplicas"));
    d_put(d, 0, "StrategyType:\t%.*s\n", D_STR(d, "spec.strategy.type"));
    d_put(d, 0, "MinReadySeconds:\t%lld\n", number(o, "spec.minReadySeconds"));
    if (rolling)
        d_put(d, 0, "RollingUpdateStrategy:\t%.*s max unavailable, %.*s max surge\n",
              STR_ARG(d_number(d, rolling, "maxUnavailable", "0")),
              STR_ARG(d_number(d, rolling, "maxSurge", "0")));
    describe_template(d, template_of(d));
    d_conditions_short(d);
    put_sets(d);
    d_events(d);
}

/* -- replica sets -- */

static void put_replicas(struct describing *d) {
    d_put(d, 0, "Replicas:\t%lld current / %lld desired\n", number(d->o, "status.replicas"),
          number(d->o, "spec.replicas"));
}

void describe_replica_set(struct describing *d) {
    d_name(d);
    put_selector(d);
    put_labels(d);
    d_controlled_by(d);
    put_replicas(d);
    describe_pod_counts(d, "Pods Status");
    describe_template(d, template_of(d));
    d_conditions_short(d);
    d_events(d);
}

void describe_replication_controller(struct describing *d) {
    d_name(d);
    d_put(d, 0, "Selector:\t%.*s\n", STR_ARG(d_map_inline(d, jval_path(d->o, "spec.selector"))));
    put_labels(d);
    put_replicas(d);
    describe_pod_counts(d, "Pods Status");
    describe_template(d, template_of(d));
    d_conditions_short(d);
    d_events(d);
}

/* -- stateful and daemon sets -- */

void describe_stateful_set(struct describing *d) {
    const struct jval *o = d->o, *partition = jval_path(o, "spec.updateStrategy.rollingUpdate.partition"),
                      *most = jval_path(o, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
                      *claims = object_array(o, "spec.volumeClaimTemplates");
    d_name(d);
    put_created(d);
    put_selector(d);
    put_labels(d);
    d_put(d, 0, "Replicas:\t%lld desired | %lld total\n", number(o, "spec.replicas"),
          number(o, "status.replicas"));
    d_put(d, 0, "Update Strategy:\t%.*s\n", D_STR(d, "spec.updateStrategy.type"));
    if (partition)
        d_put(d, 1, "Partition:\t%.*s\n", STR_ARG(d_value(d, partition)));
    if (most)
        d_put(d, 1, "MaxUnavailable:\t%.*s\n", STR_ARG(d_value(d, most)));
    describe_pod_counts(d, "Pods Status");
    describe_template(d, template_of(d));
    d_put(d, 0, "Volume Claims:%s\n", claims && claims->n ? "" : "\t<none>");
    for (uint32_t i = 0; claims && i < claims->n; i++)
        describe_claim_template(d, &claims->items[i], 1);
    d_events(d);
}

void describe_daemon_set(struct describing *d) {
    const struct jval *o = d->o;
    d_name(d);
    put_selector(d);
    d_put(d, 0, "Node-Selector:\t%.*s\n",
          STR_ARG(d_map_inline(d, jval_path(o, "spec.template.spec.nodeSelector"))));
    put_labels(d);
    d_put(d, 0, "Desired Number of Nodes Scheduled: %lld\n", number(o, "status.desiredNumberScheduled"));
    d_put(d, 0, "Current Number of Nodes Scheduled: %lld\n", number(o, "status.currentNumberScheduled"));
    d_put(d, 0, "Number of Nodes Scheduled with Up-to-date Pods: %lld\n",
          number(o, "status.updatedNumberScheduled"));
    d_put(d, 0, "Number of Nodes Scheduled with Available Pods: %lld\n", number(o, "status.numberAvailable"));
    d_put(d, 0, "Number of Nodes Misscheduled: %lld\n", number(o, "status.numberMisscheduled"));
    describe_pod_counts(d, "Pods Status");
    describe_template(d, template_of(d));
    d_events(d);
}

/* -- jobs -- */

static void put_job_times(struct describing *d) {
    const struct jval *o = d->o;
    struct str start = object_str(o, "status.startTime"), end = object_str(o, "status.completionTime");
    int64_t from, to;
    int32_t nsec;
    char text[DURATION_TEXT_SIZE];
    if (start.n)
        d_put(d, 0, "Start Time:\t%.*s\n", STR_ARG(d_time(d, start)));
    if (end.n)
        d_put(d, 0, "Completed At:\t%.*s\n", STR_ARG(d_time(d, end)));
    if (time_parse(start, TIME_NANO, &from, &nsec) && time_parse(end, TIME_NANO, &to, &nsec)) {
        (void)duration_format_human(text, (to - from) * NS_PER_SEC);
        d_put(d, 0, "Duration:\t%s\n", text);
    }
    if (jval_path(o, "spec.activeDeadlineSeconds"))
        d_put(d, 0, "Active Deadline Seconds:\t%llds\n", number(o, "spec.activeDeadlineSeconds"));
}

static void put_job_counts(struct describing *d) {
    const struct jval *o = d->o;
    d_put(d, 0, "Pods Statuses:\t%lld Active", number(o, "status.active"));
    if (jval_path(o, "status.ready"))
        d_put(d, 0, " (%lld Ready)", number(o, "status.ready"));
    d_put(d, 0, " / %lld Succeeded / %lld Failed\n", number(o, "status.succeeded"),
          number(o, "status.failed"));
    if (str_eq(object_str(o, "spec.completionMode"), S("Indexed"))) {
        struct str done = object_str(o, "status.completedIndexes");
        d_put(d, 0, "Completed Indexes:\t%.*s\n", STR_ARG(or_none(done)));
    }
}

static void put_set(struct describing *d, const char *title, const char *dotted) {
    d_put(d, 0, "%s:\t%.*s\n", title, STR_ARG(d_number(d, d->o, dotted, "<unset>")));
}

void describe_job(struct describing *d) {
    const struct jval *o = d->o;
    d_name(d);
    put_selector(d);
    put_labels(d);
    d_controlled_by(d);
    if (jval_path(o, "spec.parallelism"))
        put_set(d, "Parallelism", "spec.parallelism");
    put_set(d, "Completions", "spec.completions");
    if (object_str(o, "spec.completionMode").n)
        put_set(d, "Completion Mode", "spec.completionMode");
    if (jval_path(o, "spec.suspend"))
        put_set(d, "Suspend", "spec.suspend");
    if (jval_path(o, "spec.backoffLimit"))
        put_set(d, "Backoff Limit", "spec.backoffLimit");
    if (jval_path(o, "spec.ttlSecondsAfterFinished"))
        put_set(d, "TTL Seconds After Finished", "spec.ttlSecondsAfterFinished");
    put_job_times(d);
    put_job_counts(d);
    describe_template(d, template_of(d));
    d_events(d);
}

static void put_active(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.active");
    struct jlist names = {0};
    for (uint32_t i = 0; all && i < all->n; i++)
        jlist_add(&d->c->arena, &names, jval_str(object_str(&all->items[i], "name")));
    struct jval list = jlist_done(&names);
    d_put(d, 0, "Active Jobs:\t%.*s\n", STR_ARG(d_join(d, &list, ", ")));
}

void describe_cron_job(struct describing *d) {
    const struct jval *o = d->o;
    struct str last = object_str(o, "status.lastScheduleTime");
    d_name(d);
    put_labels(d);
    put_set(d, "Schedule", "spec.schedule");
    put_set(d, "Concurrency Policy", "spec.concurrencyPolicy");
    d_put(d, 0, "Suspend:\t%s\n", d_bool(object_bool(o, "spec.suspend")));
    put_set(d, "Successful Job History Limit", "spec.successfulJobsHistoryLimit");
    put_set(d, "Failed Job History Limit", "spec.failedJobsHistoryLimit");
    if (jval_path(o, "spec.startingDeadlineSeconds"))
        d_put(d, 0, "Starting Deadline Seconds:\t%llds\n", number(o, "spec.startingDeadlineSeconds"));
    else
        d_put(d, 0, "Starting Deadline Seconds:\t<unset>\n");
    d_put(d, 0, "Selector:\t%.*s\n",
          STR_ARG(d_selector(d, jval_path(o, "spec.jobTemplate.spec.selector"), "<unset>")));
    put_set(d, "Parallelism", "spec.jobTemplate.spec.parallelism");
    put_set(d, "Completions", "spec.jobTemplate.spec.completions");
    describe_template(d, jval_path(o, "spec.jobTemplate.spec.template"));
    d_put(d, 0, "Last Schedule Time:\t%.*s\n", STR_ARG(last.n ? d_time(d, last) : S("<unset>")));
    put_active(d);
    d_events(d);
}

/* -- autoscalers -- */

static struct str metric_value(struct describing *d, const struct jval *current, const char *part,
                               const char *field) {
    struct str s = object_str(jval_path(jval_get(current, str_from(part)), "current"), field);
    (void)d;
    return s.n ? s : S("<unknown>");
}

/* The value, its target and whether both are averages. */
static void put_value(struct describing *d, const struct jval *metric, const struct jval *current,
                      const char *part) {
    const struct jval *target = jval_get(jval_get(metric, str_from(part)), S("target"));
    bool average = object_str(target, "averageValue").n > 0;
    const char *field = average ? "averageValue" : "value";
    d_put(d, 0, "\t%.*s / %.*s\n", STR_ARG(metric_value(d, current, part, field)),
          STR_ARG(object_str(target, field)));
}

static void put_resource_metric(struct describing *d, const struct jval *metric, const struct jval *current,
                                const char *part) {
    const struct jval *m = jval_get(metric, str_from(part)), *target = jval_get(m, S("target")),
                      *now = jval_path(jval_get(current, str_from(part)), "current");
    struct str container = object_str(m, "container");
    d_put(d, 1, "resource %.*s ", STR_ARG(object_str(m, "name")));
    if (container.n)
        d_put(d, 0, "of container \"%.*s\" ", STR_ARG(container));
    d_put(d, 0, "on pods");
    if (object_str(target, "averageValue").n) {
        d_put(d, 0, ":");
        put_value(d, metric, current, part);
        return;
    }
    d_put(d, 0, "  (as a percentage of request):\t");
    if (jval_get(now, S("averageUtilization")))
        d_put(d, 0, "%lld%% (%.*s)", number(now, "averageUtilization"),
              STR_ARG(object_str(now, "averageValue")));
    else
        d_put(d, 0, "<unknown>");
    if (jval_get(target, S("averageUtilization")))
        d_put(d, 0, " / %lld%%\n", number(target, "averageUtilization"));
    else
        d_put(d, 0, " / <auto>\n");
}

static void put_metric(struct describing *d, const struct jval *metric, const struct jval *current) {
    struct str type = object_str(metric, "type");
    const struct jval *object = jval_get(metric, S("object"));
    if (str_eq(type, S("Resource"))) {
        put_resource_metric(d, metric, current, "resource");
    } else if (str_eq(type, S("ContainerResource"))) {
        put_resource_metric(d, metric, current, "containerResource");
    } else if (str_eq(type, S("Pods"))) {
        d_put(d, 1, "\"%.*s\" on pods:", STR_ARG(object_str(metric, "pods.metric.name")));
        put_value(d, metric, current, "pods");
    } else if (str_eq(type, S("Object"))) {
        d_put(d, 1, "\"%.*s\" on %.*s/%.*s (target %svalue):", STR_ARG(object_str(object, "metric.name")),
              STR_ARG(object_str(object, "describedObject.kind")),
              STR_ARG(object_str(object, "describedObject.name")),
              object_str(object, "target.averageValue").n ? "average " : "");
        put_value(d, metric, current, "object");
    } else if (str_eq(type, S("External"))) {
        d_put(d, 1, "\"%.*s\" (target %svalue):", STR_ARG(object_str(metric, "external.metric.name")),
              object_str(metric, "external.target.averageValue").n ? "average " : "");
        put_value(d, metric, current, "external");
    } else {
        d_put(d, 1, "<unknown metric type \"%.*s\">", STR_ARG(type));
    }
}

static void put_scaling(struct describing *d, const char *title, const struct jval *rules) {
    const struct jval *policies = object_array(rules, "policies");
    if (!rules)
        return;
    d_put(d, 1, "%s:\n", title);
    if (jval_get(rules, S("stabilizationWindowSeconds")))
        d_put(d, 2, "Stabilization Window: %lld seconds\n", number(rules, "stabilizationWindowSeconds"));
    else
        d_put(d, 2, "Stabilization Window: <unset>\n");
    struct str select = object_str(rules, "selectPolicy");
    d_put(d, 2, "Select Policy: %.*s\n", STR_ARG(or_unset(select)));
    d_put(d, 2, "Policies:%s\n", policies && policies->n ? "" : "\t<none>");
    for (uint32_t i = 0; policies && i < policies->n; i++)
        d_put(d, 3, "- Type: %.*s\tValue: %lld\tPeriod: %lld seconds\n",
              STR_ARG(object_str(&policies->items[i], "type")), number(&policies->items[i], "value"),
              number(&policies->items[i], "periodSeconds"));
}

static void put_autoscaler_conditions(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "Conditions:\n");
    d_put(d, 1, "Type\tStatus\tReason\tMessage\n");
    d_put(d, 1, "----\t------\t------\t-------\n");
    for (uint32_t i = 0; i < all->n; i++) {
        const struct jval *k = &all->items[i];
        d_put(d, 1, "%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(object_str(k, "type")),
              STR_ARG(object_str(k, "status")), STR_ARG(object_str(k, "reason")),
              STR_ARG(object_str(k, "message")));
    }
}

void describe_autoscaler(struct describing *d) {
    const struct jval *o = d->o, *metrics = object_array(o, "spec.metrics"),
                      *current = object_array(o, "status.currentMetrics"),
                      *behavior = jval_path(o, "spec.behavior");
    d_head(d);
    put_created(d);
    d_put(d, 0, "Reference:\t%.*s/%.*s\n", D_STR(d, "spec.scaleTargetRef.kind"),
          D_STR(d, "spec.scaleTargetRef.name"));
    d_put(d, 0, "Metrics:\t( current / target )\n");
    for (uint32_t i = 0; metrics && i < metrics->n; i++)
        put_metric(d, &metrics->items[i], current && i < current->n ? &current->items[i] : NULL);
    d_put(d, 0, "Min replicas:\t%.*s\n", STR_ARG(d_number(d, o, "spec.minReplicas", "<unset>")));
    d_put(d, 0, "Max replicas:\t%lld\n", number(o, "spec.maxReplicas"));
    if (behavior) {
        d_put(d, 0, "Behavior:\n");
        put_scaling(d, "Scale Up", jval_get(behavior, S("scaleUp")));
        put_scaling(d, "Scale Down", jval_get(behavior, S("scaleDown")));
    }
    d_put(d, 0, "%.*s pods:\t", D_STR(d, "spec.scaleTargetRef.kind"));
    d_put(d, 0, "%lld current / %lld desired\n", number(o, "status.currentReplicas"),
          number(o, "status.desiredReplicas"));
    put_autoscaler_conditions(d);
    d_events(d);
}

void describe_disruption_budget(struct describing *d) {
    const struct jval *o = d->o, *least = jval_path(o, "spec.minAvailable"),
                      *most = jval_path(o, "spec.maxUnavailable");
    d_name(d);
    if (least)
        d_put(d, 0, "Min available:\t%.*s\n", STR_ARG(d_value(d, least)));
    else if (most)
        d_put(d, 0, "Max unavailable:\t%.*s\n", STR_ARG(d_value(d, most)));
    if (jval_path(o, "spec.selector"))
        put_selector(d);
    else
        d_put(d, 0, "Selector:\t<unset>\n");
    d_put(d, 0, "Status:\n");
    d_put(d, 2, "Allowed disruptions:\t%lld\n", number(o, "status.disruptionsAllowed"));
    d_put(d, 2, "Current:\t%lld\n", number(o, "status.currentHealthy"));
    d_put(d, 2, "Desired:\t%lld\n", number(o, "status.desiredHealthy"));
    d_put(d, 2, "Total:\t%lld\n", number(o, "status.expectedPods"));
    d_events(d);
}
