/* Strategies of what makes pods. See strategy.h. CONFORMS: strategy.tsv. */
#include "api/equal.h"
#include "api/field_error.h"
#include "api/meta.h"
#include "api/types/apps.h"
#include "api/types/autoscaling.h"
#include "api/types/batch.h"
#include "api/types/core.h"
#include "apiserver/strategy_priv.h"

STRATEGY_DROPS_STATUS(deployment_new, apps_deployment)
STRATEGY_DROPS_STATUS(replica_set_new, apps_replica_set)
STRATEGY_DROPS_STATUS(controller_new, core_replication_controller)
STRATEGY_DROPS_STATUS(cron_job_new, batch_cron_job)
STRATEGY_DROPS_STATUS(autoscaler_new, autoscaling_horizontal_pod_autoscaler)
STRATEGY_RESTORES_LABELS(deployment_status, apps_deployment)

/* -- templates -- */

static void template_prepare(struct core_pod_template_spec *t, const struct core_pod_template_spec *old) {
    strategy_drop_pod_fields(&t->spec, old ? &old->spec : NULL);
}

static void template_warn(struct call *c, const struct field_path *path,
                          const struct core_pod_template_spec *t, const struct core_pod_template_spec *old) {
    if (old && api_equal(&builtin, TY_CORE_POD_TEMPLATE_SPEC, t, old))
        return;
    strategy_warn_pod(c, path, &t->spec, &t->metadata, old ? &old->spec : NULL);
}

#define TEMPLATE_PATH at_field(at_field(NULL, "spec"), "template")

/* Kinds whose template is spec.template and that have nothing else. */
#define WITH_TEMPLATE(name_, type_)                                                                          \
    static void name_##_create(struct call *c, void *object) {                                               \
        struct type_ *o = object;                                                                            \
        name_##_new(c, object);                                                                              \
        template_prepare(&o->spec.template, NULL);                                                           \
    }                                                                                                        \
    static void name_##_update(struct call *c, void *object, const void *old) {                              \
        struct type_ *o = object;                                                                            \
        const struct type_ *from = old;                                                                      \
        (void)c;                                                                                             \
        template_prepare(&o->spec.template, &from->spec.template);                                           \
    }                                                                                                        \
    static void name_##_warn(struct call *c, const void *object, const void *old) {                          \
        const struct type_ *o = object, *from = old;                                                         \
        template_warn(c, TEMPLATE_PATH, &o->spec.template, from ? &from->spec.template : NULL);              \
    }

WITH_TEMPLATE(replica_set, apps_replica_set)

/* -- deployments -- */

static void deployment_create(struct call *c, void *object) {
    deployment_new(c, object);
    template_prepare(&((struct apps_deployment *)object)->spec.template, NULL);
}

/* Annotations are generations of a deployment, too: its controller copies them. */
static void deployment_update(struct call *c, void *object, const void *old) {
    struct apps_deployment *d = object;
    const struct apps_deployment *from = old;
    (void)c;
    template_prepare(&d->spec.template, &from->spec.template);
    if (!str_map_equal(d->metadata.annotations, from->metadata.annotations))
        d->metadata.generation = from->metadata.generation + 1;
}

static void deployment_warn(struct call *c, const void *object, const void *old) {
    const struct apps_deployment *d = object, *from = old;
    template_warn(c, TEMPLATE_PATH, &d->spec.template, from ? &from->spec.template : NULL);
}

const struct strategy strategy_deployment = {
    .kind = KIND_APPS_DEPLOYMENT,
    .spec_generation = true,
    .prepare_create = deployment_create,
    .prepare_update = deployment_update,
    .prepare_status = deployment_status,
    .warn = deployment_warn,
};

const struct strategy strategy_replica_set = {
    .kind = KIND_APPS_REPLICA_SET,
    .spec_generation = true,
    .prepare_create = replica_set_create,
    .prepare_update = replica_set_update,
    .warn = replica_set_warn,
};

/* -- daemon sets: their template has a generation of its own, kept in an annotation -- */

#define TEMPLATE_GENERATION S("deprecated.daemonset.template.generation")

static int64_t template_generation(const struct meta_object_meta *m) {
    int64_t n;
    return str_to_i64(str_map_get(m->annotations, TEMPLATE_GENERATION), &n) && n > 0 ? n : 0;
}

static void set_template_generation(struct call *c, struct meta_object_meta *m, int64_t n) {
    m->annotations = str_map_with(c->arena, m->annotations, TEMPLATE_GENERATION,
                                  arena_printf(c->arena, "%lld", (long long)n));
}

static void daemon_set_create(struct call *c, void *object) {
    struct apps_daemon_set *d = object;
    memset(&d->status, 0, sizeof d->status);
    template_prepare(&d->spec.template, NULL);
    int64_t n = template_generation(&d->metadata);
    set_template_generation(c, &d->metadata, n > 0 ? n : 1);
}

static void daemon_set_update(struct call *c, void *object, const void *old) {
    struct apps_daemon_set *d = object;
    const struct apps_daemon_set *from = old;
    template_prepare(&d->spec.template, &from->spec.template);
    int64_t n = template_generation(&from->metadata);
    if (!api_equal(&builtin, TY_CORE_POD_TEMPLATE_SPEC, &d->spec.template, &from->spec.template))
        n++;
    set_template_generation(c, &d->metadata, n);
}

static void daemon_set_warn(struct call *c, const void *object, const void *old) {
    const struct apps_daemon_set *d = object, *from = old;
    template_warn(c, TEMPLATE_PATH, &d->spec.template, from ? &from->spec.template : NULL);
}

const struct strategy strategy_daemon_set = {
    .kind = KIND_APPS_DAEMON_SET,
    .spec_generation = true,
    .prepare_create = daemon_set_create,
    .prepare_update = daemon_set_update,
    .warn = daemon_set_warn,
};

/* -- stateful sets -- */

/* maxUnavailable has a gate of its own, which is off. */
static void stateful_set_prepare(struct apps_stateful_set *s, const struct apps_stateful_set *old) {
    template_prepare(&s->spec.template, old ? &old->spec.template : NULL);
    struct apps_rolling_update_stateful_set_strategy *roll = s->spec.update_strategy.rolling_update;
    const struct apps_rolling_update_stateful_set_strategy *had =
        old ? old->spec.update_strategy.rolling_update : NULL;
    if (roll && !(had && had->max_unavailable.set))
        roll->max_unavailable = (struct int_or_string){.set = false};
}

static void stateful_set_create(struct call *c, void *object) {
    struct apps_stateful_set *s = object;
    (void)c;
    memset(&s->status, 0, sizeof s->status);
    stateful_set_prepare(s, NULL);
}

static void stateful_set_update(struct call *c, void *object, const void *old) {
    (void)c;
    stateful_set_prepare(object, old);
}

static void stateful_set_warn(struct call *c, const void *object, const void *old) {
    const struct apps_stateful_set *s = object, *from = old;
    template_warn(c, TEMPLATE_PATH, &s->spec.template, from ? &from->spec.template : NULL);
    if (s->spec.revision_history_limit.set && s->spec.revision_history_limit.v < 0)
        call_warn(c, "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value "
                     ">= 0 is recommended");
}

const struct strategy strategy_stateful_set = {
    .kind = KIND_APPS_STATEFUL_SET,
    .spec_generation = true,
    .prepare_create = stateful_set_create,
    .prepare_update = stateful_set_update,
    .warn = stateful_set_warn,
};

/* -- replication controllers -- */

static void controller_create(struct call *c, void *object) {
    struct core_replication_controller *r = object;
    controller_new(c, object);
    if (r->spec.template)
        template_prepare(r->spec.template, NULL);
}

static void controller_update(struct call *c, void *object, const void *old) {
    struct core_replication_controller *r = object;
    const struct core_replication_controller *from = old;
    (void)c;
    if (r->spec.template)
        template_prepare(r->spec.template, from->spec.template);
}

static void controller_warn(struct call *c, const void *object, const void *old) {
    const struct core_replication_controller *r = object, *from = old;
    if (r->spec.template)
        template_warn(c, TEMPLATE_PATH, r->spec.template, from ? from->spec.template : NULL);
}

const struct strategy strategy_replication_controller = {
    .kind = KIND_CORE_REPLICATION_CONTROLLER,
    .spec_generation = true,
    .prepare_create = controller_create,
    .prepare_update = controller_update,
    .warn = controller_warn,
    .propagation_default = "orphan",
};

/* -- jobs: their pods are told apart by the job's uid -- */

static void add_label(struct call *c, struct str_map *labels, struct str key, struct str value) {
    if (!str_map_get(*labels, key).p)
        *labels = str_map_with(c->arena, *labels, key, value);
}

#define CONTROLLER_UID S("batch.kubernetes.io/controller-uid")

static void generate_selector(struct call *c, struct batch_job *j) {
    struct str_map *labels = &j->spec.template.metadata.labels;
    add_label(c, labels, S("job-name"), j->metadata.name);
    add_label(c, labels, S("batch.kubernetes.io/job-name"), j->metadata.name);
    add_label(c, labels, S("controller-uid"), j->metadata.uid);
    add_label(c, labels, CONTROLLER_UID, j->metadata.uid);
    if (!j->spec.selector)
        j->spec.selector = arena_new(c->arena, struct meta_label_selector);
    add_label(c, &j->spec.selector->match_labels, CONTROLLER_UID, j->metadata.uid);
}

static void job_create(struct call *c, void *object) {
    struct batch_job *j = object;
    memset(&j->status, 0, sizeof j->status);
    template_prepare(&j->spec.template, NULL);
    if (!(j->spec.manual_selector.set && j->spec.manual_selector.v))
        generate_selector(c, j);
}

static void job_update(struct call *c, void *object, const void *old) {
    (void)c;
    template_prepare(&((struct batch_job *)object)->spec.template,
                     &((const struct batch_job *)old)->spec.template);
}

/* The name becomes pods' hostnames when they are numbered. */
static void job_warn(struct call *c, const void *object, const void *old) {
    const struct batch_job *j = object, *from = old;
    if (!from && j->metadata.name.n > 63)
        call_warn(c, "metadata.name: this is used in Pod names and hostnames, which can result in surprising "
                     "behavior; a DNS label is recommended: [must be no more than 63 characters]");
    template_warn(c, TEMPLATE_PATH, &j->spec.template, from ? &from->spec.template : NULL);
}

const struct strategy strategy_job = {
    .kind = KIND_BATCH_JOB,
    .spec_generation = true,
    .prepare_create = job_create,
    .prepare_update = job_update,
    .warn = job_warn,
    .propagation_default = "orphan",
};

/* -- cron jobs -- */

static void cron_job_create(struct call *c, void *object) {
    cron_job_new(c, object);
    template_prepare(&((struct batch_cron_job *)object)->spec.job_template.spec.template, NULL);
}

static void cron_job_update(struct call *c, void *object, const void *old) {
    (void)c;
    template_prepare(&((struct batch_cron_job *)object)->spec.job_template.spec.template,
                     &((const struct batch_cron_job *)old)->spec.job_template.spec.template);
}

static void cron_job_warn(struct call *c, const void *object, const void *old) {
    const struct batch_cron_job *j = object, *from = old;
    template_warn(c, at_field(at_field(NULL, "spec.jobTemplate.spec"), "template"),
                  &j->spec.job_template.spec.template, from ? &from->spec.job_template.spec.template : NULL);
    if (str_find(j->spec.schedule, S("TZ")) >= 0)
        call_warn(c, "spec.schedule: use timeZone, setting TZ or CRON_TZ in the schedule is not officially "
                     "supported and may be removed");
}

const struct strategy strategy_cron_job = {
    .kind = KIND_BATCH_CRON_JOB,
    .spec_generation = true,
    .prepare_create = cron_job_create,
    .prepare_update = cron_job_update,
    .warn = cron_job_warn,
};

/* Autoscalers have no generation. */
const struct strategy strategy_autoscaler = {
    .kind = KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
    .prepare_create = autoscaler_new,
};
