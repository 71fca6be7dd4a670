/* Rules of the status of resource.k8s.io/v1 ResourceClaim. */
#include "api/ip.h"
#include "api/validation/meta.h"
#include "api/validation/node_selector.h"
#include "api/validation/resource.h"

#define RESERVED_MAX 256
#define ALLOCATION_CONFIG_MAX 64
#define STATUS_CONDITIONS_MAX 8
#define STATUS_IPS_MAX 16
#define INTERFACE_BYTES_MAX 256
#define HARDWARE_BYTES_MAX 128

#define STATUS at_field(NULL, "status")

/* ---- reservedFor ---- */

static void check_reserved(struct field_errors *e, const struct resource_resource_claim *c,
                           const struct resource_resource_claim *old) {
    const struct field_path *p = at_field(STATUS, "reservedFor");
    const struct resource_resource_claim_consumer_reference_array *now = &c->status.reserved_for,
                                                                  *then = &old->status.reserved_for;
    SEEN(uids);
    SEEN(before);
    check_max_items(e, p, now->n, RESERVED_MAX);
    for (uint32_t i = 0; i < now->n; i++) {
        const struct field_path *at = at_index(p, i);
        check_required(e, at_field(at, "resource"), now->v[i].resource);
        check_required(e, at_field(at, "name"), now->v[i].name);
        check_required(e, at_field(at, "uid"), now->v[i].uid);
        if (seen_before(&uids, now->v[i].uid))
            field_duplicate(e, at, bad(now->v[i].uid));
    }
    if (now->n && !c->status.allocation)
        field_forbidden(e, p, "may not be specified when `allocated` is not set");
    if (!c->metadata.deletion_timestamp.set)
        return;
    for (uint32_t i = 0; i < then->n; i++)
        (void)seen_before(&before, then->v[i].uid);
    for (uint32_t i = 0; i < now->n; i++)
        if (!seen_has(&before, (struct seen_key){{now->v[i].uid}})) {
            field_forbidden(e, p, "new entries may not be added while `deletionTimestamp` is set");
            return;
        }
}

/* ---- allocation ---- */

static bool is_uuid(struct str s) {
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f');
        if (dash ? s.p[i] != '-' : !hex)
            return false;
    }
    return true;
}

static void check_share(struct field_errors *e, const struct field_path *p, struct str share) {
    if (share.p && !is_uuid(share))
        field_invalid(e, p, bad(share), "must be a UUID in lower case");
}

static void check_result(struct field_errors *e, const struct field_path *p,
                         const struct resource_device_request_allocation_result *r,
                         const struct seen *names) {
    if (!request_names_has(names, r->request))
        field_invalid(e, at_field(p, "request"), bad(r->request),
                      "must be a request or sub-request of the claim");
    check_device_driver(e, at_field(p, "driver"), r->driver);
    check_device_pool(e, at_field(p, "pool"), r->pool);
    check_required_format(e, at_field(p, "device"), r->device, name_check_dns1123_label);
    check_binding_conditions(e, p, &r->binding_conditions, &r->binding_failure_conditions);
    check_share(e, at_field(p, "shareID"), r->share_id);
}

static void check_allocation(struct field_errors *e, const struct field_path *p,
                             const struct resource_allocation_result *a, const struct seen *names,
                             bool stored) {
    static const struct str sources[] = {STR_INIT("FromClaim"), STR_INIT("FromClass")};
    const struct field_path *results = at_field(p, "devices.results"),
                            *config = at_field(p, "devices.config");
    check_max_items(e, results, a->devices.results.n, DEVICE_NAMES_MAX);
    for (uint32_t i = 0; i < a->devices.results.n; i++)
        check_result(e, at_index(results, i), &a->devices.results.v[i], names);
    check_max_items(e, config, a->devices.config.n, ALLOCATION_CONFIG_MAX);
    for (uint32_t i = 0; i < a->devices.config.n; i++) {
        const struct resource_device_allocation_configuration *c = &a->devices.config.v[i];
        check_enum(e, at_field(at_index(config, i), "source"), c->source, STR_SET(sources));
        check_request_refs(e, at_field(at_index(config, i), "requests"), &c->requests, names);
        check_device_configuration(e, at_index(config, i), &c->device_configuration, stored);
    }
    if (a->node_selector)
        check_node_selector(e, at_field(p, "nodeSelector"), a->node_selector, stored);
}

/* ---- devices ---- */

static int check_interface_address(struct str s, struct name_errors *errors) {
    return cidr_check(s, IP_INTERFACE, errors);
}

static void check_network(struct field_errors *e, const struct field_path *p,
                          const struct resource_network_device_data *n) {
    const struct field_path *ips = at_field(p, "ips");
    SEEN(seen);
    check_max_bytes(e, at_field(p, "interfaceName"), n->interface_name, INTERFACE_BYTES_MAX);
    check_max_bytes(e, at_field(p, "hardwareAddress"), n->hardware_address, HARDWARE_BYTES_MAX);
    check_max_items(e, ips, n->ips.n, STATUS_IPS_MAX);
    for (uint32_t i = 0; i < n->ips.n; i++) {
        check_format(e, at_index(ips, i), n->ips.v[i], check_interface_address);
        if (seen_before(&seen, n->ips.v[i]))
            field_duplicate(e, at_index(ips, i), bad(n->ips.v[i]));
    }
}

/* The place of the device among the results, -1 when it is not allocated. Results past the limit are refused
 * anyway. */
static int allocated_index(const struct resource_allocation_result *a,
                           const struct resource_allocated_device_status *d) {
    for (uint32_t i = 0; a && i < a->devices.results.n && i < DEVICE_NAMES_MAX; i++) {
        const struct resource_device_request_allocation_result *r = &a->devices.results.v[i];
        if (str_eq(r->driver, d->driver) && str_eq(r->pool, d->pool) && str_eq(r->device, d->device) &&
            str_eq(r->share_id, d->share_id))
            return (int)i;
    }
    return -1;
}

static void check_device_statuses(struct field_errors *e, const struct resource_resource_claim *c) {
    const struct resource_allocated_device_status_array *list = &c->status.devices;
    const struct field_path *p = at_field(STATUS, "devices");
    uint32_t seen = 0; /* bit per result */
    for (uint32_t i = 0; i < list->n; i++) {
        const struct resource_allocated_device_status *d = &list->v[i];
        const struct field_path *at = at_index(p, i), *conditions = at_field(at, "conditions");
        check_device_driver(e, at_field(at, "driver"), d->driver);
        check_device_pool(e, at_field(at, "pool"), d->pool);
        check_required_format(e, at_field(at, "device"), d->device, name_check_dns1123_label);
        check_share(e, at_field(at, "shareID"), d->share_id);
        int place = allocated_index(c->status.allocation, d);
        if (place < 0)
            field_invalid(e, at, bad(d->device), "must be an allocated device in the claim");
        else if (seen >> place & 1)
            field_duplicate(e, at, bad(d->device));
        else
            seen |= UINT32_C(1) << place;
        check_max_items(e, conditions, d->conditions.n, STATUS_CONDITIONS_MAX);
        check_conditions(e, conditions, &d->conditions);
        if (d->data.p)
            check_device_json(e, at_field(at, "data"), d->data, false);
        if (d->network_data)
            check_network(e, at_field(at, "networkData"), d->network_data);
    }
}

void status_resource_claim(struct validation *v, const void *object, const void *old_object) {
    const struct resource_resource_claim *c = object, *old = old_object;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(STATUS, "allocation");
    const struct resource_allocation_result *now = c->status.allocation, *then = old->status.allocation;
    SEEN(names);
    collect_request_names(&names, &c->spec.devices);
    check_reserved(e, c, old);
    bool same = now && then && api_equal(&builtin, TY_RESOURCE_ALLOCATION_RESULT, now, then);
    if (now)
        check_allocation(e, p, now, &names, same);
    if (now && then && !same)
        field_invalid(e, p, bad_object(e, TY_RESOURCE_ALLOCATION_RESULT, now), IMMUTABLE_TEXT);
    check_device_statuses(e, c);
}
