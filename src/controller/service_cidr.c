/* controller/service_cidr: the networks of service addresses: condition Ready, and a finalizer that holds one
 * while addresses of it are in use. Keys are ServiceCIDRs.
 */
#include "api/equal.h"
#include "api/ip.h"
#include "api/meta.h"
#include "api/types/networking.h"
#include "base/timefmt.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define FINALIZER S("networking.k8s.io/service-cidr-finalizer")
#define LOOK_AGAIN_NS (10 * NS_PER_SEC)

static bool contains(const struct networking_service_cidr *s, struct ip ip) {
    for (uint32_t i = 0; i < s->spec.cidrs.n; i++) {
        struct cidr c;
        if (cidr_parse(s->spec.cidrs.v[i], IP_LEGACY, &c) && c.ip.family == ip.family &&
            ip_cmp(cidr_first(c), ip) <= 0 && ip_cmp(ip, cidr_last(c)) <= 0)
            return true;
    }
    return false;
}

/* Another network, not being deleted, has the address too. */
static bool has_other(struct reconcile *r, const struct object *self, struct ip ip) {
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(NETWORKING_SERVICE_CIDR), S(""))) {
        const struct object *o = item->value;
        if (!str_eq(o->meta->uid, self->meta->uid) && !meta_is_deleting(o->meta) && contains(o->body, ip))
            return true;
    }
    return false;
}

static bool is_used(struct reconcile *r, const struct object *o) {
    struct cow_iter it;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(NETWORKING_IP_ADDRESS), S(""))) {
        struct ip ip;
        if (ip_parse(item->key, IP_LEGACY, &ip) && contains(o->body, ip) && !has_other(r, o, ip))
            return true;
    }
    return false;
}

static int set_ready(struct reconcile *r, const struct object *o, bool ready, const char *reason,
                     const char *message, struct err *err) {
    struct controller *c = r->arg;
    struct networking_service_cidr s = *(const struct networking_service_cidr *)o->body;
    struct meta_condition wanted = {.type = S("Ready"),
                                    .status = ready ? S("True") : S("False"),
                                    .reason = str_from(reason),
                                    .message = str_from(message),
                                    .last_transition_time = now_stamp(r)};
    uint32_t n = s.status.conditions.n, at = 0;
    struct meta_condition *v = arena_new_n(r->arena, n + 1, struct meta_condition);
    if (n)
        memcpy(v, s.status.conditions.v, n * sizeof *v);
    while (at < n && !str_eq(v[at].type, wanted.type))
        at++;
    if (at < n && str_eq(v[at].status, wanted.status))
        return 0;
    v[at] = wanted;
    s.status.conditions = (struct meta_condition_array){v, n + (at == n)};
    return unless_gone(client_update_status(c->client, o->kind, &s, NULL, err));
}

static int set_finalizer(struct reconcile *r, const struct object *o, bool wanted, struct err *err) {
    struct controller *c = r->arg;
    struct networking_service_cidr s = *(const struct networking_service_cidr *)o->body;
    bool changed = wanted ? meta_add_finalizer(r->arena, &s.metadata, FINALIZER)
                          : meta_remove_finalizer(r->arena, &s.metadata, FINALIZER);
    return changed ? unless_gone(client_update(c->client, o->kind, &s, NULL, err)) : 0;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(NETWORKING_SERVICE_CIDR), key);
    if (!o)
        return 0;
    if (!meta_is_deleting(o->meta)) {
        if (!meta_has_finalizer(o->meta, FINALIZER))
            return set_finalizer(r, o, true, err); /* the change brings the key back */
        return set_ready(r, o, true, "", "Kubernetes Service CIDR is ready", err);
    }
    if (!is_used(r, o))
        return set_finalizer(r, o, false, err);
    r->requeue_after_ns = LOOK_AGAIN_NS;
    return set_ready(
        r, o, false, "Terminating",
        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new "
        "ServiceCIDR",
        err);
}

int service_cidr_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(NETWORKING_SERVICE_CIDR, map_self, NULL),
        WATCH_ALL(NETWORKING_IP_ADDRESS, NULL, NULL),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}
