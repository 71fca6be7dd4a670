/* service_pods: which pods are behind a service, by which ports and addresses.
 *
 * Shared by the controllers of Endpoints and EndpointSlices. Pure functions; any thread.
 */
#pragma once

#include "controller/controller_priv.h"
#include "controller/pods.h"

/* The service has endpoints of ours: a selector, and no external name. */
bool service_selects(const struct core_service *s);
bool service_is_headless(const struct core_service *s);

/* An address of that family (4, 6), STR_NONE when the pod has none. */
struct str pod_ip_of(const struct core_pod *p, int family);

/* Has an address and has not finished; pods that are ending only when asked for. */
bool pod_serves(const struct core_pod *p, bool ending_too);

/* The number of a service's target port at a pod; false: the pod has no port of that name. */
bool pod_find_port(const struct core_pod *p, const struct core_service_port *port, int32_t *ret_number);

/* The name of a pod below its headless service, or STR_NONE. */
struct str pod_hostname_in(const struct core_pod *p, const struct core_service *s);

/* Follows pods on behalf of services: enqueues the services that select what changed. arg of the map. */
struct service_map {
    struct informer *services, *pods;
    int64_t delay_ns;
};
/* Takes the informers; delay_ns is what the options say. */
int service_map_init(struct service_map *m, struct controller *c, struct err *err);
void service_map_fini(struct service_map *m);
void service_map_pod(struct reconciler *rc, const struct informer_event *e, void *arg);

/* Family of an address type or text: 4 or 6; 0: none. */
int family_of_text(struct str ip);
