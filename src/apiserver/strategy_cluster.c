/* Strategies of what belongs to the cluster: networking, storage, certificates, policies, extensions. See
 * strategy.h. CONFORMS: strategy.tsv. */
#include <stdlib.h>

#include "api/meta.h"
#include "api/types/admissionregistration.h"
#include "api/types/apiextensions.h"
#include "api/types/apiregistration.h"
#include "api/types/certificates.h"
#include "api/types/coordination.h"
#include "api/types/discovery.h"
#include "api/types/flowcontrol.h"
#include "api/types/networking.h"
#include "api/types/policy.h"
#include "api/types/resource.h"
#include "api/types/scheduling.h"
#include "api/types/storage.h"
#include "apiserver/strategy_priv.h"

STRATEGY_DROPS_STATUS(ingress_create, networking_ingress)
STRATEGY_DROPS_STATUS(service_cidr_create, networking_service_cidr)
STRATEGY_DROPS_STATUS(budget_create, policy_pod_disruption_budget)
STRATEGY_DROPS_STATUS(attachment_create, storage_volume_attachment)
STRATEGY_DROPS_STATUS(policy_create, admissionregistration_validating_admission_policy)
STRATEGY_DROPS_STATUS(flow_create, flowcontrol_flow_schema)
STRATEGY_DROPS_STATUS(level_create, flowcontrol_priority_level_configuration)
STRATEGY_DROPS_STATUS(claim_create, resource_resource_claim)
STRATEGY_RESTORES_META(service_cidr_status, networking_service_cidr)
STRATEGY_RESTORES_META(attachment_status, storage_volume_attachment)
STRATEGY_RESTORES_META(flow_status, flowcontrol_flow_schema)
STRATEGY_RESTORES_META(level_status, flowcontrol_priority_level_configuration)

/* -- networking -- */

static void ingress_warn(struct call *c, const void *object, const void *old) {
    const struct networking_ingress *i = object;
    if (!old && str_map_get(i->metadata.annotations, S("kubernetes.io/ingress.class")).p)
        call_warn(c, "annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
                     "'spec.ingressClassName' instead");
}

const struct strategy strategy_ingress = {
    .kind = KIND_NETWORKING_INGRESS,
    .spec_generation = true,
    .prepare_create = ingress_create,
    .warn = ingress_warn,
};

const struct strategy strategy_ingress_class = {
    .kind = KIND_NETWORKING_INGRESS_CLASS,
    .spec_generation = true,
};

const struct strategy strategy_network_policy = {
    .kind = KIND_NETWORKING_NETWORK_POLICY,
    .spec_generation = true,
};

const struct strategy strategy_service_cidr = {
    .kind = KIND_NETWORKING_SERVICE_CIDR,
    .prepare_create = service_cidr_create,
    .prepare_status = service_cidr_status,
};

/* -- endpoint slices: labels are generations of them, too -- */

static void drop_old_topology(struct discovery_endpoint_slice *s) {
    for (uint32_t i = 0; i < s->endpoints.n; i++)
        s->endpoints.v[i].deprecated_topology = (struct str_map){0};
}

static void slice_create(struct call *c, void *object) {
    (void)c;
    drop_old_topology(object);
}

static void slice_update(struct call *c, void *object, const void *old) {
    struct discovery_endpoint_slice *s = object;
    const struct discovery_endpoint_slice *from = old;
    (void)c;
    drop_old_topology(s);
    if (!str_map_equal(s->metadata.labels, from->metadata.labels))
        s->metadata.generation = from->metadata.generation + 1;
}

const struct strategy strategy_endpoint_slice = {
    .kind = KIND_DISCOVERY_ENDPOINT_SLICE,
    .spec_generation = true,
    .prepare_create = slice_create,
    .prepare_update = slice_update,
};

/* -- policy, scheduling, coordination -- */

const struct strategy strategy_disruption_budget = {
    .kind = KIND_POLICY_POD_DISRUPTION_BUDGET,
    .spec_generation = true,
    .prepare_create = budget_create,
};

/* Of one generation for ever. */
static void priority_class_create(struct call *c, void *object) {
    (void)c;
    ((struct scheduling_priority_class *)object)->metadata.generation = 1;
}

const struct strategy strategy_priority_class = {
    .kind = KIND_SCHEDULING_PRIORITY_CLASS,
    .prepare_create = priority_class_create,
};

/* The coordinated election of leaders has a gate, which is off. */
static void lease_drop(struct coordination_lease *l, const struct coordination_lease *old) {
    if (!(old && old->spec.strategy.p))
        l->spec.strategy = STR_NONE;
    if (!(old && old->spec.preferred_holder.p))
        l->spec.preferred_holder = STR_NONE;
}

static void lease_create(struct call *c, void *object) {
    (void)c;
    lease_drop(object, NULL);
}

static void lease_update(struct call *c, void *object, const void *old) {
    (void)c;
    lease_drop(object, old);
}

const struct strategy strategy_lease = {
    .kind = KIND_COORDINATION_LEASE,
    .soft = true,
    .prepare_create = lease_create,
    .prepare_update = lease_update,
};

/* -- storage -- */

static void driver_drop(struct storage_csi_driver *d, const struct storage_csi_driver *old) {
    if (!(old && old->spec.prevent_pod_scheduling_if_missing.set))
        d->spec.prevent_pod_scheduling_if_missing = (struct opt_bool){0};
}

/* The first change is its first generation. */
static void driver_create(struct call *c, void *object) {
    (void)c;
    driver_drop(object, NULL);
    ((struct storage_csi_driver *)object)->metadata.generation = 0;
}

static void driver_update(struct call *c, void *object, const void *old) {
    (void)c;
    driver_drop(object, old);
}

const struct strategy strategy_csi_driver = {
    .kind = KIND_STORAGE_CSI_DRIVER,
    .spec_generation = true,
    .prepare_create = driver_create,
    .prepare_update = driver_update,
};

const struct strategy strategy_volume_attachment = {
    .kind = KIND_STORAGE_VOLUME_ATTACHMENT,
    .prepare_create = attachment_create,
    .prepare_status = attachment_status,
};

/* -- devices -- */

static bool is_allocated(const struct resource_resource_claim_status *s,
                         const struct resource_allocated_device_status *d) {
    for (uint32_t i = 0; s->allocation && i < s->allocation->devices.results.n; i++) {
        const struct resource_device_request_allocation_result *r = &s->allocation->devices.results.v[i];
        if (str_eq(r->driver, d->driver) && str_eq(r->pool, d->pool) && str_eq(r->device, d->device) &&
            str_eq(r->share_id, d->share_id))
            return true;
    }
    return false;
}

/* Devices that were given back have no status any more. */
static void claim_status(struct call *c, void *object, const void *old) {
    struct resource_resource_claim *o = object;
    const struct resource_resource_claim *from = old;
    (void)c;
    strategy_restore_meta(&o->metadata, &from->metadata);
    struct resource_resource_claim_status *s = &o->status;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->devices.n; i++)
        if (is_allocated(s, &s->devices.v[i]) || !is_allocated(&from->status, &s->devices.v[i]))
            s->devices.v[kept++] = s->devices.v[i];
    s->devices.n = kept;
}

const struct strategy strategy_resource_claim = {
    .kind = KIND_RESOURCE_RESOURCE_CLAIM,
    .prepare_create = claim_create,
    .prepare_status = claim_status,
};

const struct strategy strategy_resource_slice = {
    .kind = KIND_RESOURCE_RESOURCE_SLICE,
    .spec_generation = true,
};

const struct strategy strategy_device_class = {
    .kind = KIND_RESOURCE_DEVICE_CLASS,
    .spec_generation = true,
};

/* -- admission, fairness -- */

const struct strategy strategy_mutating_webhooks = {
    .kind = KIND_ADMISSIONREGISTRATION_MUTATING_WEBHOOK_CONFIGURATION,
    .spec_generation = true,
};

const struct strategy strategy_validating_webhooks = {
    .kind = KIND_ADMISSIONREGISTRATION_VALIDATING_WEBHOOK_CONFIGURATION,
    .spec_generation = true,
};

const struct strategy strategy_validating_policy = {
    .kind = KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY,
    .spec_generation = true,
    .prepare_create = policy_create,
};

const struct strategy strategy_validating_binding = {
    .kind = KIND_ADMISSIONREGISTRATION_VALIDATING_ADMISSION_POLICY_BINDING,
    .spec_generation = true,
};

const struct strategy strategy_mutating_policy = {
    .kind = KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY,
    .spec_generation = true,
};

const struct strategy strategy_mutating_binding = {
    .kind = KIND_ADMISSIONREGISTRATION_MUTATING_ADMISSION_POLICY_BINDING,
    .spec_generation = true,
};

const struct strategy strategy_flow_schema = {
    .kind = KIND_FLOWCONTROL_FLOW_SCHEMA,
    .spec_generation = true,
    .prepare_create = flow_create,
    .prepare_status = flow_status,
};

const struct strategy strategy_priority_level = {
    .kind = KIND_FLOWCONTROL_PRIORITY_LEVEL_CONFIGURATION,
    .spec_generation = true,
    .prepare_create = level_create,
    .prepare_status = level_status,
};

/* -- extensions -- */

/* What this server answers itself is available from the start. */
static void api_service_create(struct call *c, void *object) {
    struct apiregistration_api_service *s = object;
    memset(&s->status, 0, sizeof s->status);
    if (s->spec.service)
        return;
    struct apiregistration_api_service_condition *v =
        arena_new(c->arena, struct apiregistration_api_service_condition);
    *v = (struct apiregistration_api_service_condition){
        .type = S("Available"),
        .status = S("True"),
        .last_transition_time = strategy_now(c),
        .reason = S("Local"),
        .message = S("Local APIServices are always available"),
    };
    s->status.conditions.v = v;
    s->status.conditions.n = 1;
}

const struct strategy strategy_api_service = {
    .kind = KIND_APIREGISTRATION_API_SERVICE,
    .prepare_create = api_service_create,
};

static struct str storage_version(const struct apiextensions_custom_resource_definition *d) {
    for (uint32_t i = 0; i < d->spec.versions.n; i++)
        if (d->spec.versions.v[i].storage)
            return d->spec.versions.v[i].name;
    return STR_NONE;
}

/* Every version that objects may have been stored in is remembered. */
static void remember_version(struct call *c, struct apiextensions_custom_resource_definition *d) {
    struct str version = storage_version(d);
    struct str_array *stored = &d->status.stored_versions;
    for (uint32_t i = 0; i < stored->n; i++)
        if (str_eq(stored->v[i], version))
            return;
    if (str_empty(version))
        return;
    struct str *v = arena_new_n(c->arena, stored->n + 1u, struct str);
    if (stored->n)
        memcpy(v, stored->v, stored->n * sizeof *v);
    v[stored->n] = version;
    *stored = (struct str_array){v, stored->n + 1};
}

static void crd_create(struct call *c, void *object) {
    struct apiextensions_custom_resource_definition *d = object;
    memset(&d->status, 0, sizeof d->status);
    remember_version(c, d);
}

static void crd_update(struct call *c, void *object, const void *old) {
    (void)old;
    remember_version(c, object);
}

const struct strategy strategy_crd = {
    .kind = KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
    .spec_generation = true,
    .prepare_create = crd_create,
    .prepare_update = crd_update,
};

/* -- certificates -- */

static int by_key(const void *a, const void *b) {
    const struct certificates_extra_value_entry *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

static void set_requester(struct call *c, struct certificates_certificate_signing_request_spec *s) {
    s->username = c->user.name;
    s->uid = c->user.uid;
    s->groups = c->user.groups;
    s->extra.n = 0;
    s->extra.v = NULL;
    if (!c->user.n_extra)
        return;
    s->extra.v = arena_array(c->arena, c->user.n_extra, sizeof *s->extra.v);
    for (uint32_t i = 0; i < c->user.n_extra; i++) {
        s->extra.v[i].key = c->user.extra[i].key;
        s->extra.v[i].value.items = c->user.extra[i].values;
    }
    s->extra.n = c->user.n_extra;
    qsort(s->extra.v, s->extra.n, sizeof *s->extra.v, by_key);
}

static void csr_create(struct call *c, void *object) {
    struct certificates_certificate_signing_request *r = object;
    set_requester(c, &r->spec);
    memset(&r->status, 0, sizeof r->status);
}

/* Nothing but metadata can be changed. */
static void csr_update(struct call *c, void *object, const void *old) {
    struct certificates_certificate_signing_request *r = object;
    const struct certificates_certificate_signing_request *from = old;
    (void)c;
    r->spec = from->spec;
    r->status = from->status;
}

typedef struct certificates_certificate_signing_request_condition condition;

static const condition *find_condition(const struct certificates_certificate_signing_request_status *s,
                                       struct str type, struct str status, struct str reason) {
    for (uint32_t i = 0; i < s->conditions.n; i++) {
        const condition *v = &s->conditions.v[i];
        if (str_eq(v->type, type) && str_eq(v->status, status) && str_eq(v->reason, reason))
            return v;
    }
    return NULL;
}

/* Times that the client left out. */
static void fill_times(struct call *c, struct certificates_certificate_signing_request_status *s,
                       const struct certificates_certificate_signing_request_status *old) {
    for (uint32_t i = 0; i < s->conditions.n; i++) {
        condition *v = &s->conditions.v[i];
        const condition *same = find_condition(old, v->type, v->status, v->reason);
        if (!v->last_update_time.set)
            v->last_update_time =
                same && str_eq(same->message, v->message) ? same->last_update_time : strategy_now(c);
        if (!v->last_transition_time.set)
            v->last_transition_time = same ? same->last_transition_time : strategy_now(c);
    }
}

static bool is_decision(const condition *v) {
    return str_eq(v->type, S("Approved")) || str_eq(v->type, S("Denied"));
}

/* Who signs does not decide: decisions stay as they were. */
static void keep_decisions(struct call *c, struct certificates_certificate_signing_request_status *s,
                           const struct certificates_certificate_signing_request_status *old) {
    condition *v = arena_array(c->arena, (size_t)s->conditions.n + old->conditions.n + 1, sizeof *v);
    uint32_t n = 0;
    for (uint32_t i = 0; i < old->conditions.n; i++)
        if (is_decision(&old->conditions.v[i]))
            v[n++] = old->conditions.v[i];
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (!is_decision(&s->conditions.v[i]))
            v[n++] = s->conditions.v[i];
    s->conditions.v = v;
    s->conditions.n = n;
}

static void csr_status(struct call *c, void *object, const void *old) {
    struct certificates_certificate_signing_request *r = object;
    const struct certificates_certificate_signing_request *from = old;
    r->spec = from->spec;
    keep_decisions(c, &r->status, &from->status);
    fill_times(c, &r->status, &from->status);
}

static void csr_subresource(struct call *c, struct str subresource, void *object, const void *old) {
    struct certificates_certificate_signing_request *r = object;
    const struct certificates_certificate_signing_request *from = old;
    if (!str_eq(subresource, S("approval")))
        return;
    strategy_restore_meta(&r->metadata, &from->metadata);
    r->spec = from->spec;
    r->status.certificate = from->status.certificate;
    fill_times(c, &r->status, &from->status);
}

const struct strategy strategy_csr = {
    .kind = KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST,
    .prepare_create = csr_create,
    .prepare_update = csr_update,
    .prepare_status = csr_status,
    .prepare_subresource = csr_subresource,
};
