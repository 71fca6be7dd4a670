/* See door.h. */
#include "apiserver/door.h"

#include "api/kind.h"
#include "api/types/apps.h"
#include "api/types/batch.h"
#include "api/types/core.h"
#include "api/types/ids.h"

/* serviceAccount is an older name of serviceAccountName, and always says the same. */
static void pod(struct core_pod_spec *s) {
    if (!s->service_account_name.n)
        s->service_account_name = s->service_account;
    s->service_account = s->service_account_name;
}

static void claim_templates(struct apps_stateful_set *s) {
    for (uint32_t i = 0; i < s->spec.volume_claim_templates.n; i++)
        s->spec.volume_claim_templates.v[i].type_meta =
            (struct meta_type_meta){.kind = S("PersistentVolumeClaim"), .api_version = S("v1")};
}

static struct core_pod_spec *pod_spec_of(const struct kind *hub, void *object) {
    switch (hub->index) {
    case KIND_CORE_POD: return &((struct core_pod *)object)->spec;
    case KIND_CORE_POD_TEMPLATE: return &((struct core_pod_template *)object)->template.spec;
    case KIND_APPS_DEPLOYMENT: return &((struct apps_deployment *)object)->spec.template.spec;
    case KIND_APPS_REPLICA_SET: return &((struct apps_replica_set *)object)->spec.template.spec;
    case KIND_APPS_DAEMON_SET: return &((struct apps_daemon_set *)object)->spec.template.spec;
    case KIND_APPS_STATEFUL_SET: return &((struct apps_stateful_set *)object)->spec.template.spec;
    case KIND_BATCH_JOB: return &((struct batch_job *)object)->spec.template.spec;
    case KIND_BATCH_CRON_JOB: return &((struct batch_cron_job *)object)->spec.job_template.spec.template.spec;
    case KIND_CORE_REPLICATION_CONTROLLER: {
        struct core_pod_template_spec *t = ((struct core_replication_controller *)object)->spec.template;
        return t ? &t->spec : NULL;
    }
    default: return NULL;
    }
}

void door_normalise(const struct kind *hub, void *object) {
    struct core_pod_spec *spec = pod_spec_of(hub, object);
    if (spec)
        pod(spec);
    if (hub->index == KIND_APPS_STATEFUL_SET)
        claim_templates(object);
}
