/* See door.h. */
#include "apiserver/door.h"

#include "api/kind.h"
#include "api/types/apps.h"
#include "api/types/batch.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"

/* serviceAccount is an older name of serviceAccountName, and always says the same. */
static void pod(struct core_pod_spec *s) {
    if (!s->service_account_name.n)
        s->service_account_name = s->service_account;
    s->service_account = s->service_account_name;
}

/* podIP is the first of podIPs; where they differ, the client knows only the older field. */
static void pod_ips(struct arena *a, struct core_pod_status *s) {
    if (s->pod_ip.n && !(s->pod_ips.n && str_eq(s->pod_ips.v[0].ip, s->pod_ip))) {
        s->pod_ips.v = arena_new(a, struct core_pod_ip);
        s->pod_ips.v[0].ip = s->pod_ip;
        s->pod_ips.n = 1;
    }
    if (s->pod_ips.n)
        s->pod_ip = s->pod_ips.v[0].ip;
}

/* The same for podCIDR and podCIDRs. */
static void pod_cidrs(struct arena *a, struct core_node_spec *s) {
    if (s->pod_cidr.n && !(s->pod_cidrs.n && str_eq(s->pod_cidrs.v[0], s->pod_cidr))) {
        s->pod_cidrs.v = arena_new(a, struct str);
        s->pod_cidrs.v[0] = s->pod_cidr;
        s->pod_cidrs.n = 1;
    }
    if (s->pod_cidrs.n)
        s->pod_cidr = s->pod_cidrs.v[0];
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

void door_normalise(struct arena *a, const struct kind *hub, void *object) {
    struct core_pod_spec *spec = pod_spec_of(hub, object);
    if (spec)
        pod(spec);
    if (hub->index == KIND_CORE_POD)
        pod_ips(a, &((struct core_pod *)object)->status);
    if (hub->index == KIND_CORE_NODE)
        pod_cidrs(a, &((struct core_node *)object)->spec);
    if (hub->index == KIND_APPS_STATEFUL_SET)
        claim_templates(object);
}
