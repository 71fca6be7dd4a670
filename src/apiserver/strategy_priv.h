/* The rows of strategy.h, one per kind, and what they share. Inside src/apiserver/ only. */
#pragma once

#include "api/types/ids.h"
#include "apiserver/server_priv.h"
#include "apiserver/strategy.h"
#include "base/arena.h"

struct core_pod_spec;
struct core_pod_template_spec;
struct field_path;

extern const struct strategy strategy_pod, strategy_namespace, strategy_node, strategy_volume, strategy_claim,
    strategy_replication_controller, strategy_quota, strategy_secret, strategy_limit_range,
    strategy_service_account, strategy_pod_template, strategy_event, strategy_service, strategy_deployment,
    strategy_replica_set, strategy_daemon_set, strategy_stateful_set, strategy_job, strategy_cron_job,
    strategy_autoscaler, strategy_ingress, strategy_ingress_class, strategy_network_policy,
    strategy_service_cidr, strategy_disruption_budget, strategy_csi_driver, strategy_volume_attachment,
    strategy_priority_class, strategy_endpoint_slice, strategy_csr, strategy_mutating_webhooks,
    strategy_validating_webhooks, strategy_validating_policy, strategy_validating_binding,
    strategy_mutating_policy, strategy_mutating_binding, strategy_flow_schema, strategy_priority_level,
    strategy_api_service, strategy_crd, strategy_resource_claim, strategy_resource_slice,
    strategy_device_class, strategy_lease;

/* Drops what gates that are off by default would have to switch on. old: what is there already may stay;
 * NULL for creations. */
void strategy_drop_pod_fields(struct core_pod_spec *spec, const struct core_pod_spec *old);

/* Warnings about a pod template or a pod; path: where it is in the object. */
void strategy_warn_pod(struct call *c, const struct field_path *path, const struct core_pod_spec *spec,
                       const struct meta_object_meta *meta, const struct core_pod_spec *old);

/* metadata as it was, apart from managed fields and the version: for status updates that must not change it.
 */
void strategy_restore_meta(struct meta_object_meta *meta, const struct meta_object_meta *old);

struct timestamp strategy_now(const struct call *c);

/* Functions for kinds of which only the status is dropped at creation, or nothing. */
#define STRATEGY_DROPS_STATUS(name_, type_)                                                                  \
    static void name_(struct call *c, void *object) {                                                        \
        struct type_ *o = object;                                                                            \
        (void)c;                                                                                             \
        memset(&o->status, 0, sizeof o->status);                                                             \
    }

/* Status updates that leave metadata alone. */
#define STRATEGY_RESTORES_META(name_, type_)                                                                 \
    static void name_(struct call *c, void *object, const void *old) {                                       \
        struct type_ *o = object;                                                                            \
        const struct type_ *from = old;                                                                      \
        (void)c;                                                                                             \
        strategy_restore_meta(&o->metadata, &from->metadata);                                                \
    }

/* And those that leave labels alone. */
#define STRATEGY_RESTORES_LABELS(name_, type_)                                                               \
    static void name_(struct call *c, void *object, const void *old) {                                       \
        struct type_ *o = object;                                                                            \
        const struct type_ *from = old;                                                                      \
        (void)c;                                                                                             \
        o->metadata.labels = from->metadata.labels;                                                          \
    }
