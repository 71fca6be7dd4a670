/* The validators of all kinds, by type. See validation.h. */
#include "api/validation/validation.h"

/* One line per kind, in order of the type ids (that is: by the type's name in api/types/ids.h). */
#define VALIDATORS(X)                                                                                        \
    X(admissionregistration_mutating_admission_policy)                                                       \
    X(admissionregistration_mutating_admission_policy_binding)                                               \
    X(admissionregistration_mutating_webhook_configuration)                                                  \
    X(admissionregistration_validating_admission_policy)                                                     \
    X(admissionregistration_validating_admission_policy_binding)                                             \
    X(admissionregistration_validating_webhook_configuration)                                                \
    X(apiextensions_custom_resource_definition)                                                              \
    X(apiregistration_api_service)                                                                           \
    X(apps_controller_revision)                                                                              \
    X(apps_daemon_set)                                                                                       \
    X(apps_deployment)                                                                                       \
    X(apps_replica_set)                                                                                      \
    X(apps_stateful_set)                                                                                     \
    X(authentication_token_request)                                                                          \
    X(authorization_local_subject_access_review)                                                             \
    X(authorization_self_subject_access_review)                                                              \
    X(authorization_subject_access_review)                                                                   \
    X(autoscaling_scale)                                                                                     \
    X(autoscaling_horizontal_pod_autoscaler)                                                                 \
    X(batch_cron_job)                                                                                        \
    X(batch_job)                                                                                             \
    X(certificates_certificate_signing_request)                                                              \
    X(certificates_v1beta1_cluster_trust_bundle)                                                             \
    X(certificates_v1beta1_pod_certificate_request)                                                          \
    X(coordination_lease)                                                                                    \
    X(core_binding)                                                                                          \
    X(core_config_map)                                                                                       \
    X(core_endpoints)                                                                                        \
    X(core_event)                                                                                            \
    X(core_limit_range)                                                                                      \
    X(core_namespace)                                                                                        \
    X(core_node)                                                                                             \
    X(core_persistent_volume)                                                                                \
    X(core_persistent_volume_claim)                                                                          \
    X(core_pod)                                                                                              \
    X(core_pod_template)                                                                                     \
    X(core_replication_controller)                                                                           \
    X(core_resource_quota)                                                                                   \
    X(core_secret)                                                                                           \
    X(core_service)                                                                                          \
    X(core_service_account)                                                                                  \
    X(discovery_endpoint_slice)                                                                              \
    X(flowcontrol_flow_schema)                                                                               \
    X(flowcontrol_priority_level_configuration)                                                              \
    X(networking_ip_address)                                                                                 \
    X(networking_ingress)                                                                                    \
    X(networking_ingress_class)                                                                              \
    X(networking_network_policy)                                                                             \
    X(networking_service_cidr)                                                                               \
    X(node_runtime_class)                                                                                    \
    X(policy_pod_disruption_budget)                                                                          \
    X(rbac_cluster_role)                                                                                     \
    X(rbac_cluster_role_binding)                                                                             \
    X(rbac_role)                                                                                             \
    X(rbac_role_binding)                                                                                     \
    X(resource_device_class)                                                                                 \
    X(resource_resource_claim)                                                                               \
    X(resource_resource_claim_template)                                                                      \
    X(resource_resource_slice)                                                                               \
    X(scheduling_priority_class)                                                                             \
    X(scheduling_v1alpha2_pod_group)                                                                         \
    X(scheduling_v1alpha2_workload)                                                                          \
    X(storage_csi_driver)                                                                                    \
    X(storage_csi_node)                                                                                      \
    X(storage_csi_storage_capacity)                                                                          \
    X(storage_storage_class)                                                                                 \
    X(storage_volume_attachment)                                                                             \
    X(storage_volume_attributes_class)

#define X(name) extern const struct validator validator_##name;
VALIDATORS(X)
#undef X

#define X(name) &validator_##name,
const struct validator *const validators[] = {VALIDATORS(X)};
#undef X
const uint32_t n_validators = sizeof validators / sizeof validators[0];

const struct validator *validator_find(uint32_t type) {
    uint32_t low = 0, high = n_validators;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (validators[mid]->type == type)
            return validators[mid];
        if (validators[mid]->type < type)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
