/* Table cells of everything else: networking, storage, rbac, admission, certificates, resources, scheduling.
 */
#include "api/table_priv.h"
#include "api/types/admissionregistration.h"
#include "api/types/apiregistration.h"
#include "api/types/apiserverinternal.h"
#include "api/types/certificates.h"
#include "api/types/discovery.h"
#include "api/types/flowcontrol.h"
#include "api/types/networking.h"
#include "api/types/rbac.h"
#include "api/types/resource.h"
#include "api/types/scheduling.h"
#include "api/types/storage.h"
#include "api/types/storagemigration.h"
#include "base/timefmt.h"

#define SHOWN_MAX 3 /* items of a list that are shown */

static const struct meta_condition *find_condition(const struct meta_condition_array *a, struct str type) {
    for (uint32_t i = 0; i < a->n; i++)
        if (str_eq(a->v[i].type, type))
            return &a->v[i];
    return NULL;
}

static bool is_true(const struct meta_condition *c) {
    return c && str_eq(c->status, S("True"));
}

static void cell_default_name(struct cell *c, const struct meta_object_meta *m, bool is_default) {
    cell_str(c, m->name);
    if (is_default)
        cell_text(c, " (default)");
}

static bool annotated(const struct meta_object_meta *m, struct str key) {
    return str_eq(str_map_get(m->annotations, key), S("true"));
}

/* -- networking, discovery -- */

static void cell_ingress_class_name(struct cell *c) {
    const struct networking_ingress_class *k = c->object;
    cell_default_name(c, &k->metadata,
                      annotated(&k->metadata, S("ingressclass.kubernetes.io/is-default-class")));
}

static void cell_ingress_class_parameters(struct cell *c) {
    const struct networking_ingress_class_parameters_reference *p =
        ((const struct networking_ingress_class *)c->object)->spec.parameters;
    if (!p) {
        cell_text(c, "<none>");
        return;
    }
    cell_str(c, p->kind);
    if (p->api_group.n)
        buf_printf(c->text, ".%.*s", STR_ARG(p->api_group));
    buf_printf(c->text, "/%.*s", STR_ARG(p->name));
}

static void cell_ingress_hosts(struct cell *c) {
    const struct networking_ingress_rule_array *rules =
        &((const struct networking_ingress *)c->object)->spec.rules;
    for (uint32_t i = 0; i < rules->n && i < SHOWN_MAX; i++)
        if (rules->v[i].host.n) {
            cell_sep(c, ",");
            cell_str(c, rules->v[i].host);
        }
    if (c->text->n == 0)
        cell_text(c, "*");
    if (rules->n > SHOWN_MAX)
        cell_more(c, rules->n - SHOWN_MAX);
}

static void cell_ingress_address(struct cell *c) {
    const struct networking_ingress_load_balancer_ingress_array *in =
        &((const struct networking_ingress *)c->object)->status.load_balancer.ingress;
    struct str all[256];
    size_t n = 0;
    for (uint32_t i = 0; i < in->n && n < 256; i++)
        if (in->v[i].ip.n || in->v[i].hostname.n)
            all[n++] = in->v[i].ip.n ? in->v[i].ip : in->v[i].hostname;
    cell_strs(c, all, n);
}

static void cell_ingress_ports(struct cell *c) {
    cell_text(c, ((const struct networking_ingress *)c->object)->spec.tls.n ? "80, 443" : "80");
}

static void cell_ip_address_parent(struct cell *c) {
    const struct networking_parent_reference *r =
        ((const struct networking_ip_address *)c->object)->spec.parent_ref;
    if (!r) {
        cell_text(c, "<none>");
        return;
    }
    cell_lower(c, r->resource);
    if (r->group.n) {
        buf_byte(c->text, '.');
        cell_lower(c, r->group);
    }
    if (r->namespace.n)
        buf_printf(c->text, "/%.*s", STR_ARG(r->namespace));
    buf_printf(c->text, "/%.*s", STR_ARG(r->name));
}

static void cell_network_policy_selector(struct cell *c) {
    cell_selector(c, &((const struct networking_network_policy *)c->object)->spec.pod_selector, "<none>",
                  "<error>");
}

static void cell_service_cidrs(struct cell *c) {
    cell_list(c, ((const struct networking_service_cidr *)c->object)->spec.cidrs, ",", "");
}

static void cell_slice_ports(struct cell *c) {
    const struct discovery_endpoint_port_array *ports =
        &((const struct discovery_endpoint_slice *)c->object)->ports;
    for (uint32_t i = 0; i < ports->n && i < SHOWN_MAX; i++) {
        const struct discovery_endpoint_port *p = &ports->v[i];
        cell_sep(c, ",");
        if (p->port.set)
            buf_i64(c->text, p->port.v);
        else
            cell_or(c, p->name, "*");
    }
    if (ports->n == 0)
        cell_text(c, "<unset>");
    if (ports->n > SHOWN_MAX)
        cell_more(c, ports->n - SHOWN_MAX);
}

static void cell_slice_endpoints(struct cell *c) {
    const struct discovery_endpoint_array *e =
        &((const struct discovery_endpoint_slice *)c->object)->endpoints;
    uint32_t total = 0;
    for (uint32_t i = 0; i < e->n; i++)
        for (uint32_t k = 0; k < e->v[i].addresses.n; k++)
            if (total++ < SHOWN_MAX) {
                cell_sep(c, ",");
                cell_str(c, e->v[i].addresses.v[k]);
            }
    if (e->n == 0)
        cell_text(c, "<unset>");
    if (total > SHOWN_MAX)
        cell_more(c, total - SHOWN_MAX);
}

/* -- storage -- */

static void cell_storage_class_name(struct cell *c) {
    const struct storage_storage_class *k = c->object;
    cell_default_name(c, &k->metadata,
                      annotated(&k->metadata, S("storageclass.kubernetes.io/is-default-class")) ||
                          annotated(&k->metadata, S("storageclass.beta.kubernetes.io/is-default-class")));
}

static void cell_csi_driver_attach(struct cell *c) {
    struct opt_bool v = ((const struct storage_csi_driver *)c->object)->spec.attach_required;
    cell_bool(c, !v.set || v.v);
}

static void cell_csi_driver_modes(struct cell *c) {
    cell_list(c, ((const struct storage_csi_driver *)c->object)->spec.volume_lifecycle_modes, ",", "<none>");
}

static void cell_csi_driver_tokens(struct cell *c) {
    const struct storage_token_request_array *t =
        &((const struct storage_csi_driver *)c->object)->spec.token_requests;
    for (uint32_t i = 0; i < t->n; i++) {
        if (i)
            buf_byte(c->text, ',');
        cell_str(c, t->v[i].audience);
    }
    if (!t->v)
        cell_text(c, "<unset>");
}

static void cell_csi_node_drivers(struct cell *c) {
    cell_int(c, ((const struct storage_csi_node *)c->object)->spec.drivers.n);
}

/* -- rbac -- */

static void put_role(struct cell *c, const struct rbac_role_ref *r) {
    buf_printf(c->text, "%.*s/%.*s", STR_ARG(r->kind), STR_ARG(r->name));
}

static void put_subjects(struct cell *c, const struct rbac_subject_array *a, struct str kind,
                         bool with_namespace) {
    bool first = true;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct rbac_subject *s = &a->v[i];
        if (!str_eq(s->kind, kind))
            continue;
        if (!first)
            cell_text(c, ", ");
        first = false;
        if (with_namespace)
            buf_printf(c->text, "%.*s/", STR_ARG(s->namespace));
        cell_str(c, s->name);
    }
}

#define BINDING_CELLS(name)                                                                                  \
    static void cell_##name##_role(struct cell *c) {                                                         \
        put_role(c, &((const struct rbac_##name *)c->object)->role_ref);                                     \
    }                                                                                                        \
    static void cell_##name##_users(struct cell *c) {                                                        \
        put_subjects(c, &((const struct rbac_##name *)c->object)->subjects, S("User"), false);               \
    }                                                                                                        \
    static void cell_##name##_groups(struct cell *c) {                                                       \
        put_subjects(c, &((const struct rbac_##name *)c->object)->subjects, S("Group"), false);              \
    }                                                                                                        \
    static void cell_##name##_accounts(struct cell *c) {                                                     \
        put_subjects(c, &((const struct rbac_##name *)c->object)->subjects, S("ServiceAccount"), true);      \
    }

BINDING_CELLS(role_binding)
BINDING_CELLS(cluster_role_binding)

/* -- admission, flow control, aggregation -- */

static void put_param_kind(struct cell *c, const struct admissionregistration_param_kind *k) {
    if (k)
        buf_printf(c->text, "%.*s/%.*s", STR_ARG(k->api_version), STR_ARG(k->kind));
    else
        cell_text(c, "<unset>");
}

static void put_param_ref(struct cell *c, const struct admissionregistration_param_ref *r) {
    if (!r)
        cell_text(c, "<unset>");
    else if (r->name.n)
        buf_printf(c->text, "%.*s/%.*s", STR_ARG(r->namespace.n ? r->namespace : S("*")), STR_ARG(r->name));
    else
        cell_selector(c, r->selector, "", "<invalid>");
}

static void cell_vap_validations(struct cell *c) {
    cell_int(
        c, ((const struct admissionregistration_validating_admission_policy *)c->object)->spec.validations.n);
}

static void cell_vap_param_kind(struct cell *c) {
    put_param_kind(
        c, ((const struct admissionregistration_validating_admission_policy *)c->object)->spec.param_kind);
}

static void cell_vap_param_ref(struct cell *c) {
    put_param_ref(c, ((const struct admissionregistration_validating_admission_policy_binding *)c->object)
                         ->spec.param_ref);
}

static void cell_map_mutations(struct cell *c) {
    cell_int(c,
             ((const struct admissionregistration_mutating_admission_policy *)c->object)->spec.mutations.n);
}

static void cell_map_param_kind(struct cell *c) {
    put_param_kind(
        c, ((const struct admissionregistration_mutating_admission_policy *)c->object)->spec.param_kind);
}

static void cell_map_param_ref(struct cell *c) {
    put_param_ref(
        c,
        ((const struct admissionregistration_mutating_admission_policy_binding *)c->object)->spec.param_ref);
}

static void cell_mutating_webhooks(struct cell *c) {
    cell_int(c, ((const struct admissionregistration_mutating_webhook_configuration *)c->object)->webhooks.n);
}

static void cell_validating_webhooks(struct cell *c) {
    cell_int(c,
             ((const struct admissionregistration_validating_webhook_configuration *)c->object)->webhooks.n);
}

static void cell_flow_schema_missing(struct cell *c) {
    const struct flowcontrol_flow_schema_condition_array *a =
        &((const struct flowcontrol_flow_schema *)c->object)->status.conditions;
    for (uint32_t i = 0; i < a->n; i++)
        if (str_eq(a->v[i].type, S("Dangling"))) {
            cell_str(c, a->v[i].status);
            return;
        }
    cell_text(c, "?");
}

static void cell_api_service_service(struct cell *c) {
    const struct apiregistration_service_reference *s =
        ((const struct apiregistration_api_service *)c->object)->spec.service;
    if (s)
        buf_printf(c->text, "%.*s/%.*s", STR_ARG(s->namespace), STR_ARG(s->name));
    else
        cell_text(c, "Local");
}

static void cell_api_service_available(struct cell *c) {
    const struct apiregistration_api_service_condition_array *a =
        &((const struct apiregistration_api_service *)c->object)->status.conditions;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!str_eq(a->v[i].type, S("Available")))
            continue;
        cell_str(c, a->v[i].status);
        if (!str_eq(a->v[i].status, S("True")) && a->v[i].reason.n)
            buf_printf(c->text, " (%.*s)", STR_ARG(a->v[i].reason));
        return;
    }
    cell_text(c, "Unknown");
}

static void cell_storage_versions(struct cell *c) {
    const struct apiserverinternal_server_storage_version_array *a =
        &((const struct apiserverinternal_storage_version *)c->object)->status.storage_versions;
    for (uint32_t i = 0; i < a->n && i < SHOWN_MAX; i++)
        buf_printf(c->text, "%s%.*s=%.*s", i ? "," : "", STR_ARG(a->v[i].api_server_id),
                   STR_ARG(a->v[i].encoding_version));
    if (a->n == 0)
        cell_text(c, "<unset>");
    if (a->n > SHOWN_MAX)
        cell_more(c, a->n - SHOWN_MAX);
}

static void cell_migration_resource(struct cell *c) {
    const struct meta_group_resource *r =
        &((const struct storagemigration_storage_version_migration *)c->object)->spec.resource;
    cell_str(c, r->resource);
    if (r->group.n)
        buf_printf(c->text, ".%.*s", STR_ARG(r->group));
}

static void cell_migration_status(struct cell *c) {
    const struct meta_condition_array *a =
        &((const struct storagemigration_storage_version_migration *)c->object)->status.conditions;
    struct str text = S("Unknown");
    for (uint32_t i = 0; i < a->n; i++) {
        struct str type = a->v[i].type;
        bool shown = str_eq(type, S("Running")) || str_eq(type, S("Failed")) || str_eq(type, S("Succeeded"));
        if (shown && is_true(&a->v[i]))
            text = type;
    }
    cell_str(c, text);
}

/* -- certificates -- */

static void cell_csr_duration(struct cell *c) {
    struct opt_i32 s =
        ((const struct certificates_certificate_signing_request *)c->object)->spec.expiration_seconds;
    if (s.set)
        cell_human(c, s.v * NS_PER_SEC);
    else
        cell_text(c, "<none>");
}

static void cell_csr_condition(struct cell *c) {
    const struct certificates_certificate_signing_request_status *s =
        &((const struct certificates_certificate_signing_request *)c->object)->status;
    bool approved = false, denied = false, failed = false;
    for (uint32_t i = 0; i < s->conditions.n; i++) {
        struct str type = s->conditions.v[i].type;
        approved |= str_eq(type, S("Approved"));
        denied |= str_eq(type, S("Denied"));
        failed |= str_eq(type, S("Failed"));
    }
    cell_text(c, denied ? "Denied" : approved ? "Approved" : "Pending");
    if (failed)
        cell_text(c, ",Failed");
    if (s->certificate.n)
        cell_text(c, ",Issued");
}

static void cell_pod_certificate_state(struct cell *c) {
    const struct meta_condition_array *a =
        &((const struct certificates_v1beta1_pod_certificate_request *)c->object)->status.conditions;
    struct str state = S("Pending");
    for (uint32_t i = 0; i < a->n; i++) {
        struct str type = a->v[i].type;
        if (str_eq(type, S("Issued")) || str_eq(type, S("Denied")) || str_eq(type, S("Failed")))
            state = type;
    }
    cell_str(c, state);
}

static void cell_pod_certificate_annotations(struct cell *c) {
    cell_map(c, ((const struct certificates_v1beta1_pod_certificate_request *)c->object)
                    ->spec.unverified_user_annotations);
}

/* -- dynamic resources -- */

static void cell_claim_state(struct cell *c) {
    const struct resource_resource_claim *r = c->object;
    bool deleted = r->metadata.deletion_timestamp.set;
    if (deleted)
        cell_text(c, "deleted");
    if (!r->status.allocation) {
        if (!deleted)
            cell_text(c, "pending");
        return;
    }
    cell_sep(c, ",");
    cell_text(c, "allocated");
    if (r->status.reserved_for.n)
        cell_text(c, ",reserved");
}

static void cell_taint_added(struct cell *c) {
    cell_since(c, ((const struct resource_v1beta2_device_taint_rule *)c->object)->spec.taint.time_added, "");
}

typedef const struct resource_v1alpha3_resource_pool_status_request pool_request;

static bool pools_known(pool_request *r) {
    return r->status && !is_true(find_condition(&r->status->conditions, S("Failed")));
}

/* A sum over all pools of the number at `offset`. */
static void put_pool_sum(struct cell *c, size_t offset) {
    pool_request *r = c->object;
    int64_t sum = 0;
    if (!pools_known(r)) {
        cell_text(c, "-");
        return;
    }
    for (uint32_t i = 0; i < r->status->pools.n; i++)
        sum += ((const struct opt_i32 *)((const char *)&r->status->pools.v[i] + offset))->v;
    buf_i64(c->text, sum);
}

#define POOL_SUM(name)                                                                                       \
    static void cell_pool_##name(struct cell *c) {                                                           \
        put_pool_sum(c, offsetof(struct resource_v1alpha3_pool_status, name##_devices));                     \
    }

POOL_SUM(total)
POOL_SUM(available)
POOL_SUM(allocated)
POOL_SUM(unavailable)

static void cell_pool_errors(struct cell *c) {
    pool_request *r = c->object;
    uint32_t n = 0;
    if (!pools_known(r)) {
        cell_text(c, "-");
        return;
    }
    for (uint32_t i = 0; i < r->status->pools.n; i++)
        n += r->status->pools.v[i].validation_error.n > 0;
    buf_i64(c->text, n);
}

static void cell_pool_status(struct cell *c) {
    pool_request *r = c->object;
    struct str text = S("Pending");
    for (uint32_t i = 0; r->status && i < r->status->conditions.n; i++) {
        const struct meta_condition *m = &r->status->conditions.v[i];
        if (is_true(m) && (str_eq(m->type, S("Complete")) || str_eq(m->type, S("Failed")))) {
            text = m->type;
            break;
        }
    }
    cell_str(c, text);
    if (str_eq(text, S("Complete")) && r->status->pool_count.set &&
        (int64_t)r->status->pools.n < r->status->pool_count.v)
        buf_printf(c->text, " (%u/%d pools)", r->status->pools.n, r->status->pool_count.v);
}

static void cell_pool_completed(struct cell *c) {
    pool_request *r = c->object;
    const struct meta_condition *m = r->status ? find_condition(&r->status->conditions, S("Complete")) : NULL;
    cell_since(c, m ? m->last_transition_time : (struct timestamp){0}, "<none>");
}

/* -- scheduling -- */

static void cell_pod_group_policy(struct cell *c) {
    cell_text(c, ((const struct scheduling_v1alpha2_pod_group *)c->object)->spec.scheduling_policy.gang
                     ? "Gang"
                     : "Basic");
}

static void cell_pod_group_workload(struct cell *c) {
    const struct scheduling_v1alpha2_pod_group_template_reference *r =
        ((const struct scheduling_v1alpha2_pod_group *)c->object)->spec.pod_group_template_ref;
    cell_or(c, r && r->workload ? r->workload->workload_name : STR_NONE, "<none>");
}

static void cell_pod_group_status(struct cell *c) {
    const struct meta_condition_array *a =
        &((const struct scheduling_v1alpha2_pod_group *)c->object)->status.conditions;
    const struct meta_condition *disrupted = find_condition(a, S("DisruptionTarget"));
    const struct meta_condition *scheduled = find_condition(a, S("PodGroupScheduled"));
    if (is_true(disrupted))
        cell_str(c, disrupted->reason);
    else
        cell_text(c, !scheduled ? "Pending" : is_true(scheduled) ? "Scheduled" : "Unschedulable");
}

const struct cell_row cells_policy[] = {
    {TY_NETWORKING_INGRESS_CLASS, "Name", cell_ingress_class_name},
    {TY_NETWORKING_INGRESS_CLASS, "Parameters", cell_ingress_class_parameters},
    {TY_NETWORKING_INGRESS, "Hosts", cell_ingress_hosts},
    {TY_NETWORKING_INGRESS, "Address", cell_ingress_address},
    {TY_NETWORKING_INGRESS, "Ports", cell_ingress_ports},
    {TY_NETWORKING_IP_ADDRESS, "ParentRef", cell_ip_address_parent},
    {TY_NETWORKING_NETWORK_POLICY, "Pod-Selector", cell_network_policy_selector},
    {TY_NETWORKING_SERVICE_CIDR, "CIDRs", cell_service_cidrs},
    {TY_DISCOVERY_ENDPOINT_SLICE, "Ports", cell_slice_ports},
    {TY_DISCOVERY_ENDPOINT_SLICE, "Endpoints", cell_slice_endpoints},
    {TY_STORAGE_STORAGE_CLASS, "Name", cell_storage_class_name},
    {TY_STORAGE_CSI_DRIVER, "AttachRequired", cell_csi_driver_attach},
    {TY_STORAGE_CSI_DRIVER, "TokenRequests", cell_csi_driver_tokens},
    {TY_STORAGE_CSI_DRIVER, "Modes", cell_csi_driver_modes},
    {TY_STORAGE_CSI_NODE, "Drivers", cell_csi_node_drivers},
    {TY_RBAC_ROLE_BINDING, "Role", cell_role_binding_role},
    {TY_RBAC_ROLE_BINDING, "Users", cell_role_binding_users},
    {TY_RBAC_ROLE_BINDING, "Groups", cell_role_binding_groups},
    {TY_RBAC_ROLE_BINDING, "ServiceAccounts", cell_role_binding_accounts},
    {TY_RBAC_CLUSTER_ROLE_BINDING, "Role", cell_cluster_role_binding_role},
    {TY_RBAC_CLUSTER_ROLE_BINDING, "Users", cell_cluster_role_binding_users},
    {TY_RBAC_CLUSTER_ROLE_BINDING, "Groups", cell_cluster_role_binding_groups},
    {TY_RBAC_CLUSTER_ROLE_BINDING, "ServiceAccounts", cell_cluster_role_binding_accounts},
    {TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, "Validations", cell_vap_validations},
    {TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY, "ParamKind", cell_vap_param_kind},
    {TY_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_BINDING, "ParamRef", cell_vap_param_ref},
    {TY_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY, "Mutations", cell_map_mutations},
    {TY_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY, "ParamKind", cell_map_param_kind},
    {TY_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING, "ParamRef", cell_map_param_ref},
    {TY_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION, "Webhooks", cell_mutating_webhooks},
    {TY_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION, "Webhooks", cell_validating_webhooks},
    {TY_FLOWCONTROL_FLOW_SCHEMA, "MissingPL", cell_flow_schema_missing},
    {TY_APIREGISTRATION_API_SERVICE, "Service", cell_api_service_service},
    {TY_APIREGISTRATION_API_SERVICE, "Available", cell_api_service_available},
    {TY_APISERVERINTERNAL_STORAGE_VERSION, "StorageVersions", cell_storage_versions},
    {TY_STORAGEMIGRATION_STORAGE_VERSION_MIGRATION, "Resource", cell_migration_resource},
    {TY_STORAGEMIGRATION_STORAGE_VERSION_MIGRATION, "Status", cell_migration_status},
    {TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, "RequestedDuration", cell_csr_duration},
    {TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, "Condition", cell_csr_condition},
    {TY_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST, "State", cell_pod_certificate_state},
    {TY_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST, "UnverifiedUserAnnotations",
     cell_pod_certificate_annotations},
    {TY_RESOURCE_RESOURCE_CLAIM, "State", cell_claim_state},
    {TY_RESOURCE_V1BETA2_DEVICE_TAINT_RULE, "TimeAdded", cell_taint_added},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Total", cell_pool_total},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Available", cell_pool_available},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Allocated", cell_pool_allocated},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Unavailable", cell_pool_unavailable},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Errors", cell_pool_errors},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Status", cell_pool_status},
    {TY_RESOURCE_V1ALPHA3_RESOURCE_POOL_STATUS_REQUEST, "Completed", cell_pool_completed},
    {TY_SCHEDULING_V1ALPHA2_POD_GROUP, "Policy", cell_pod_group_policy},
    {TY_SCHEDULING_V1ALPHA2_POD_GROUP, "Workload", cell_pod_group_workload},
    {TY_SCHEDULING_V1ALPHA2_POD_GROUP, "Status", cell_pod_group_status},
    {0, NULL, NULL},
};
