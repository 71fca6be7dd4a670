/* Rules of core/v1 Endpoints and Event (also as events.k8s.io/v1). */
#include "api/ip.h"
#include "api/types/core.h"
#include "api/validation/addresses.h"
#include "api/validation/validation.h"

#define EVENT_WORD_BYTES_MAX 128
#define EVENT_MESSAGE_BYTES_MAX 1024

/* ---- Endpoints ---- */

static void check_address(struct field_errors *e, const struct field_path *p,
                          const struct core_endpoint_address *a) {
    check_ip(e, at_field(p, "ip"), a->ip);
    check_optional_format(e, at_field(p, "hostname"), a->hostname, name_check_dns1123_label);
    if (a->node_name.p)
        check_dns_subdomain(e, at_field(p, "nodeName"), a->node_name);
    check_endpoint_ip(e, at_field(p, "ip"), a->ip);
}

static void check_ports(struct field_errors *e, const struct field_path *p,
                        const struct core_endpoint_port_array *ports) {
    static const struct str protocols[] = {STR_INIT("SCTP"), STR_INIT("TCP"), STR_INIT("UDP")};
    for (uint32_t i = 0; i < ports->n; i++) {
        const struct core_endpoint_port *port = &ports->v[i];
        const struct field_path *at = at_index(p, i);
        if (!str_empty(port->name))
            check_dns_label(e, at_field(at, "name"), port->name);
        else if (ports->n > 1)
            field_required(e, at_field(at, "name"));
        check_port(e, at_field(at, "port"), port->port);
        check_enum(e, at_field(at, "protocol"), port->protocol, STR_SET(protocols));
        if (port->app_protocol.p)
            check_label_key(e, at_field(at, "appProtocol"), port->app_protocol);
    }
}

static void create_endpoints(struct validation *v, const void *object) {
    const struct core_endpoint_subset_array *subsets = &((const struct core_endpoints *)object)->subsets;
    const struct field_path *p = at_field(NULL, "subsets");
    for (uint32_t i = 0; i < subsets->n; i++) {
        const struct core_endpoint_subset *s = &subsets->v[i];
        const struct field_path *at = at_index(p, i);
        if (s->addresses.n == 0 && s->not_ready_addresses.n == 0)
            field_required_because(v->errors, at, "must specify `addresses` or `notReadyAddresses`");
        for (uint32_t k = 0; k < s->addresses.n; k++)
            check_address(v->errors, at_index(at_field(at, "addresses"), k), &s->addresses.v[k]);
        for (uint32_t k = 0; k < s->not_ready_addresses.n; k++)
            check_address(v->errors, at_index(at_field(at, "notReadyAddresses"), k),
                          &s->not_ready_addresses.v[k]);
        check_ports(v->errors, at_field(at, "ports"), &s->ports);
    }
}

/* What is stored stays acceptable as a whole. */
static void update_endpoints(struct validation *v, const void *object, const void *old) {
    if (!api_equal_field(&builtin, TY_CORE_ENDPOINTS, object, old, S("subsets")))
        create_endpoints(v, object);
}

const struct validator validator_core_endpoints = {.type = TY_CORE_ENDPOINTS,
                                                   .name = name_check_dns1123_subdomain,
                                                   .create = create_endpoints,
                                                   .update = update_endpoints};

/* ---- Event ---- */

static bool is_new_api(const struct validation *v) {
    return str_eq(v->kind->group, S("events.k8s.io"));
}

static void check_word(struct field_errors *e, const struct field_path *p, struct str word, size_t max) {
    if (word.n > max)
        field_invalid(e, p, bad(S("")), "can have at most %zu characters", max);
}

/* CONFORMS: the namespace of what the event is about is that of the event. Cluster-wide objects have their
 * events in "default"; those of old may have none, those with a time may be in "kube-system". */
static void check_involved_namespace(struct field_errors *e, const struct core_event *ev) {
    struct str ns = ev->metadata.namespace, involved = ev->involved_object.namespace;
    bool timed = ev->event_time.set, fine;
    if (!str_empty(involved))
        fine = timed || str_eq(ns, involved);
    else
        fine = str_eq(ns, S("default")) || (timed ? str_eq(ns, S("kube-system")) : str_empty(ns));
    if (!fine)
        field_invalid(e, at_field(NULL, "involvedObject.namespace"), bad(involved),
                      "does not match event.namespace");
}

static void check_event(struct validation *v, const struct core_event *ev) {
    struct field_errors *e = v->errors;
    check_involved_namespace(e, ev);
    if (ev->event_time.set) {
        const struct field_path *component =
            at_name(NULL, is_new_api(v) ? S("reportingController") : S("reportingComponent"));
        check_required(e, component, ev->reporting_component);
        check_label_key(e, component, ev->reporting_component);
        check_required(e, at_field(NULL, "reportingInstance"), ev->reporting_instance);
        check_word(e, at_field(NULL, "reportingInstance"), ev->reporting_instance, EVENT_WORD_BYTES_MAX);
        check_required(e, at_field(NULL, "action"), ev->action);
        check_word(e, at_field(NULL, "action"), ev->action, EVENT_WORD_BYTES_MAX);
        check_required(e, at_field(NULL, "reason"), ev->reason);
        check_word(e, at_field(NULL, "reason"), ev->reason, EVENT_WORD_BYTES_MAX);
        check_word(e, at_field(NULL, "message"), ev->message, EVENT_MESSAGE_BYTES_MAX);
    }
    check_dns_subdomain(e, at_field(NULL, "namespace"), ev->metadata.namespace);
}

static void check_series(struct field_errors *e, const struct core_event_series *series) {
    if (!series)
        return;
    if (series->count < 2)
        field_invalid(e, at_field(NULL, "series.count"), bad(S("")), "should be at least 2");
    if (!series->last_observed_time.set)
        field_required(e, at_field(NULL, "series.lastObservedTime"));
}

/* What the old form of events had and the new one must not. */
static void check_no_old_fields(struct field_errors *e, const struct core_event *ev) {
    static const char *const unset = "needs to be unset";
    if (ev->first_timestamp.set)
        field_invalid(e, at_field(NULL, "firstTimestamp"), bad(S("")), "%s", unset);
    if (ev->last_timestamp.set)
        field_invalid(e, at_field(NULL, "lastTimestamp"), bad(S("")), "%s", unset);
    if (ev->count != 0)
        field_invalid(e, at_field(NULL, "count"), bad(S("")), "%s", unset);
    if (!str_empty(ev->source.component) || !str_empty(ev->source.host))
        field_invalid(e, at_field(NULL, "source"), bad(S("")), "%s", unset);
}

static void create_event(struct validation *v, const void *object) {
    const struct core_event *ev = object;
    struct field_errors *e = v->errors;
    check_event(v, ev);
    if (!is_new_api(v))
        return;
    if (!str_empty(ev->metadata.name))
        check_dns_subdomain(e, at_field(NULL, "metadata.name"), ev->metadata.name);
    check_series(e, ev->series);
    if (!ev->event_time.set)
        field_required(e, at_field(NULL, "eventTime"));
    if (!str_eq(ev->type, S("Normal")) && !str_eq(ev->type, S("Warning")))
        field_invalid(e, at_field(NULL, "type"), bad(S("")), "has invalid value: %.*s", STR_ARG(ev->type));
    check_no_old_fields(e, ev);
}

static void update_event(struct validation *v, const void *object, const void *old_object) {
    static const struct str fixed[] = {STR_INIT("involvedObject"),
                                       STR_INIT("reason"),
                                       STR_INIT("source"),
                                       STR_INIT("firstTimestamp"),
                                       STR_INIT("lastTimestamp"),
                                       STR_INIT("count"),
                                       STR_INIT("type"),
                                       STR_INIT("eventTime"),
                                       STR_INIT("action"),
                                       STR_INIT("related"),
                                       STR_INIT("message"),
                                       STR_INIT("reportingComponent"),
                                       STR_INIT("reportingInstance")};
    const struct core_event *ev = object, *old = old_object;
    check_event(v, ev);
    if (!is_new_api(v))
        return;
    if (!api_equal_field(&builtin, TY_CORE_EVENT, ev, old, S("series")))
        check_series(v->errors, ev->series);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        check_immutable(v->errors, at_name(NULL, fixed[i]), TY_CORE_EVENT, fixed[i], ev, old);
}

const struct validator validator_core_event = {
    .type = TY_CORE_EVENT, .name = name_check_path_segment, .create = create_event, .update = update_event};
