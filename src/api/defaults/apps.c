/* Defaults of the apps group. See defaults_priv.h. */
#include "api/types/apps.h"
#include "api/defaults/defaults_priv.h"

#define HISTORY_LIMIT 10

DEFAULTER(deployment, apps_deployment, d) {
    struct apps_deployment_spec *s = &d->spec;
    default_i32(&s->replicas, 1);
    default_empty(&s->strategy.type, APPS_ROLLING_UPDATE_DEPLOYMENT_STRATEGY_TYPE);
    if (str_eq(s->strategy.type, APPS_ROLLING_UPDATE_DEPLOYMENT_STRATEGY_TYPE)) {
        default_new(a, s->strategy.rolling_update);
        default_int_or_string(&s->strategy.rolling_update->max_unavailable, string_value(S("25%")));
        default_int_or_string(&s->strategy.rolling_update->max_surge, string_value(S("25%")));
    }
    default_i32(&s->revision_history_limit, HISTORY_LIMIT);
    default_i32(&s->progress_deadline_seconds, 600);
}

DEFAULTER(replica_set, apps_replica_set, r) {
    default_i32(&r->spec.replicas, 1);
}

DEFAULTER(daemon_set, apps_daemon_set, d) {
    struct apps_daemon_set_update_strategy *u = &d->spec.update_strategy;
    default_empty(&u->type, APPS_ROLLING_UPDATE_DAEMON_SET_STRATEGY_TYPE);
    if (str_eq(u->type, APPS_ROLLING_UPDATE_DAEMON_SET_STRATEGY_TYPE)) {
        default_new(a, u->rolling_update);
        default_int_or_string(&u->rolling_update->max_unavailable, int_value(1));
        default_int_or_string(&u->rolling_update->max_surge, int_value(0));
    }
    default_i32(&d->spec.revision_history_limit, HISTORY_LIMIT);
}

/* A rolling update without its settings stays so when the type was spelled out. */
static void stateful_set_update(struct arena *a, struct apps_stateful_set_update_strategy *u) {
    if (!u->type.n) {
        u->type = APPS_ROLLING_UPDATE_STATEFUL_SET_STRATEGY_TYPE;
        default_new(a, u->rolling_update);
    }
    if (str_eq(u->type, APPS_ROLLING_UPDATE_STATEFUL_SET_STRATEGY_TYPE) && u->rolling_update)
        default_i32(&u->rolling_update->partition, 0);
}

DEFAULTER(stateful_set, apps_stateful_set, set) {
    struct apps_stateful_set_spec *s = &set->spec;
    default_empty(&s->pod_management_policy, APPS_ORDERED_READY_POD_MANAGEMENT);
    stateful_set_update(a, &s->update_strategy);
    default_new(a, s->persistent_volume_claim_retention_policy);
    default_empty(&s->persistent_volume_claim_retention_policy->when_deleted,
                  APPS_RETAIN_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY_TYPE);
    default_empty(&s->persistent_volume_claim_retention_policy->when_scaled,
                  APPS_RETAIN_PERSISTENT_VOLUME_CLAIM_RETENTION_POLICY_TYPE);
    default_i32(&s->replicas, 1);
    default_i32(&s->revision_history_limit, HISTORY_LIMIT);
}

static const struct default_rule table[] = {
    {TY_APPS_DAEMON_SET, daemon_set},
    {TY_APPS_DEPLOYMENT, deployment},
    {TY_APPS_REPLICA_SET, replica_set},
    {TY_APPS_STATEFUL_SET, stateful_set},
};
DEFAULT_RULES(apps_defaults, table);
