/* controller/service_pods: which pods are behind a service. */
#include "controller/service_pods.h"

#include "api/intstr.h"
#include "api/ip.h"
#include "api/label_selector.h"
#include "api/meta.h"

#define GATHER_FROM 500u
#define GATHER_NS 20000 /* for each pod */
#define GATHER_MAX_NS 1000000000

bool service_selects(const struct core_service *s) {
    return s->spec.selector.n && !str_eq(s->spec.type, S("ExternalName"));
}

bool service_is_headless(const struct core_service *s) {
    return str_eq(s->spec.cluster_ip, S("None"));
}

int family_of_text(struct str text) {
    struct ip ip;
    return ip_parse(text, IP_LEGACY, &ip) ? ip.family : 0;
}

struct str pod_ip_of(const struct core_pod *p, int family) {
    for (uint32_t i = 0; i < p->status.pod_ips.n; i++)
        if (family_of_text(p->status.pod_ips.v[i].ip) == family)
            return p->status.pod_ips.v[i].ip;
    return family_of_text(p->status.pod_ip) == family ? p->status.pod_ip : STR_NONE;
}

bool pod_serves(const struct core_pod *p, bool ending_too) {
    return (p->status.pod_ip.n || p->status.pod_ips.n) && !pod_is_finished(p) &&
           (ending_too || !meta_is_deleting(&p->metadata));
}

static bool find_in(const struct core_container_array *containers, bool sidecars_only,
                    const struct core_service_port *port, int32_t *ret) {
    for (uint32_t i = 0; i < containers->n; i++) {
        const struct core_container *c = &containers->v[i];
        if (sidecars_only && !str_eq(c->restart_policy, S("Always")))
            continue;
        for (uint32_t j = 0; j < c->ports.n; j++) {
            const struct core_container_port *p = &c->ports.v[j];
            if (str_eq(p->name, port->target_port.s) && str_eq(p->protocol, port->protocol)) {
                *ret = p->container_port;
                return true;
            }
        }
    }
    return false;
}

bool pod_find_port(const struct core_pod *p, const struct core_service_port *port, int32_t *ret) {
    if (!port->target_port.is_str) {
        *ret = port->target_port.set && port->target_port.i ? port->target_port.i : port->port;
        return true;
    }
    return find_in(&p->spec.containers, false, port, ret) ||
           find_in(&p->spec.init_containers, true, port, ret);
}

struct str pod_hostname_in(const struct core_pod *p, const struct core_service *s) {
    bool below = p->spec.hostname.n && str_eq(p->spec.subdomain, s->metadata.name) &&
                 str_eq(p->metadata.namespace, s->metadata.namespace);
    return below ? p->spec.hostname : STR_NONE;
}

/* -- events -- */

static bool same_for_services(const struct core_pod *a, const struct core_pod *b) {
    return str_map_equal(a->metadata.labels, b->metadata.labels) && pod_is_ready(a) == pod_is_ready(b) &&
           meta_is_deleting(&a->metadata) == meta_is_deleting(&b->metadata) &&
           str_eq(a->status.phase, b->status.phase) && str_eq(a->status.pod_ip, b->status.pod_ip) &&
           a->status.pod_ips.n == b->status.pod_ips.n && str_eq(a->spec.node_name, b->spec.node_name) &&
           str_eq(a->spec.hostname, b->spec.hostname) && str_eq(a->spec.subdomain, b->spec.subdomain);
}

static bool wants(const struct core_service *s, const struct object *pod) {
    return pod && label_map_matches(s->spec.selector, pod->meta->labels);
}

int service_map_init(struct service_map *m, struct controller *c, struct err *err) {
    m->delay_ns = c->options->endpoint_updates_batch_ns;
    int rc =
        informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_SERVICE)}, &m->services, err);
    return rc ? rc
              : informer_get(c->watcher, &(struct informer_options){.kind = KIND(CORE_POD)}, &m->pods, err);
}

void service_map_fini(struct service_map *m) {
    informer_unref(m->services);
    informer_unref(m->pods);
}

/* A run looks at all pods of the namespace, so the more there are, the longer changes are gathered: at once
 * for a few hundred, a second at most. */
static int64_t gather_ns(const struct service_map *m) {
    struct informer_snapshot s;
    informer_snapshot(m->pods, &s);
    uint64_t n = cow_count(&s.tree);
    informer_snapshot_fini(&s);
    int64_t ns = n < GATHER_FROM ? 0 : n > GATHER_MAX_NS / GATHER_NS ? GATHER_MAX_NS : (int64_t)n * GATHER_NS;
    return ns > m->delay_ns ? ns : m->delay_ns;
}

void service_map_pod(struct reconciler *rc, const struct informer_event *e, void *arg) {
    const struct service_map *m = arg;
    if (e->previous && e->type == INFORMER_MODIFIED &&
        same_for_services(pod_of(e->previous), pod_of(e->object)))
        return;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    informer_snapshot(m->services, &s);
    struct cow_iter it;
    struct str prefix = arena_printf(&a, "%.*s/", STR_ARG(e->object->meta->namespace));
    cow_foreach (item, &it, cow_prefix(&it, &s.tree, prefix)) {
        const struct core_service *service = ((const struct object *)item->value)->body;
        if (!service_selects(service) || (!wants(service, e->object) && !wants(service, e->previous)))
            continue;
        int64_t delay = gather_ns(m);
        if (delay)
            reconciler_enqueue_after(rc, item->key, delay);
        else
            reconciler_enqueue(rc, item->key);
    }
    informer_snapshot_fini(&s);
}
