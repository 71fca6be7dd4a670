/* The table of strategies, and what several of them share. See strategy.h. */
#include "apiserver/strategy.h"

#include "api/types/meta.h"
#include "apiserver/strategy_priv.h"
#include "base/clock.h"

static const struct strategy *const rows[KIND_RESOURCES] = {
    [KIND_CORE_POD] = &strategy_pod,
    [KIND_CORE_NAMESPACE] = &strategy_namespace,
    [KIND_CORE_NODE] = &strategy_node,
    [KIND_CORE_PERSISTENT_VOLUME] = &strategy_volume,
    [KIND_CORE_PERSISTENT_VOLUME_CLAIM] = &strategy_claim,
    [KIND_CORE_REPLICATION_CONTROLLER] = &strategy_replication_controller,
    [KIND_CORE_RESOURCE_QUOTA] = &strategy_quota,
    [KIND_CORE_SECRET] = &strategy_secret,
    [KIND_CORE_LIMIT_RANGE] = &strategy_limit_range,
    [KIND_CORE_SERVICE_ACCOUNT] = &strategy_service_account,
    [KIND_CORE_POD_TEMPLATE] = &strategy_pod_template,
    [KIND_CORE_EVENT] = &strategy_event,
    [KIND_CORE_SERVICE] = &strategy_service,
    [KIND_APPS_DEPLOYMENT] = &strategy_deployment,
    [KIND_APPS_REPLICA_SET] = &strategy_replica_set,
    [KIND_APPS_DAEMON_SET] = &strategy_daemon_set,
    [KIND_APPS_STATEFUL_SET] = &strategy_stateful_set,
    [KIND_BATCH_JOB] = &strategy_job,
    [KIND_BATCH_CRON_JOB] = &strategy_cron_job,
    [KIND_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER] = &strategy_autoscaler,
    [KIND_NETWORKING_INGRESS] = &strategy_ingress,
    [KIND_NETWORKING_INGRESS_CLASS] = &strategy_ingress_class,
    [KIND_NETWORKING_NETWORK_POLICY] = &strategy_network_policy,
    [KIND_NETWORKING_SERVICE_CIDR] = &strategy_service_cidr,
    [KIND_POLICY_POD_DISRUPTION_BUDGET] = &strategy_disruption_budget,
    [KIND_STORAGE_CSI_DRIVER] = &strategy_csi_driver,
    [KIND_STORAGE_VOLUME_ATTACHMENT] = &strategy_volume_attachment,
    [KIND_SCHEDULING_PRIORITY_CLASS] = &strategy_priority_class,
    [KIND_DISCOVERY_ENDPOINT_SLICE] = &strategy_endpoint_slice,
    [KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST] = &strategy_csr,
    [KIND_COORDINATION_LEASE] = &strategy_lease,
    [KIND_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION] = &strategy_mutating_webhooks,
    [KIND_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION] = &strategy_validating_webhooks,
    [KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY] = &strategy_validating_policy,
    [KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_BINDING] = &strategy_validating_binding,
    [KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY] = &strategy_mutating_policy,
    [KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING] = &strategy_mutating_binding,
    [KIND_FLOWCONTROL_FLOW_SCHEMA] = &strategy_flow_schema,
    [KIND_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION] = &strategy_priority_level,
    [KIND_APIREGISTRATION_API_SERVICE] = &strategy_api_service,
    [KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION] = &strategy_crd,
    [KIND_RESOURCE_RESOURCE_CLAIM] = &strategy_resource_claim,
    [KIND_RESOURCE_RESOURCE_SLICE] = &strategy_resource_slice,
    [KIND_RESOURCE_DEVICE_CLASS] = &strategy_device_class,
};

const struct strategy *strategy_of(const struct kind *hub) {
    return hub->index < KIND_RESOURCES ? rows[hub->index] : NULL;
}

void strategy_restore_meta(struct meta_object_meta *meta, const struct meta_object_meta *old) {
    struct meta_managed_fields_entry_array managed = meta->managed_fields;
    struct str version = meta->resource_version;
    *meta = *old;
    meta->managed_fields = managed;
    meta->resource_version = version;
}

struct timestamp strategy_now(const struct call *c) {
    return (struct timestamp){.sec = clock_wall_sec(c->server->clock), .set = true};
}
