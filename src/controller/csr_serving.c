/* controller/csr_serving: approves the serving certificates of nodes, for names and addresses that are
 * theirs.
 *
 * Upstream leaves this to its users, because a kubelet could otherwise get a certificate for any address.
 * Here a request is approved only when it comes from a node and names nothing but what the Node object says
 * of that node; whoever wants none of it turns the controller off. Keys are requests.
 */
#include "api/types/core.h"
#include "controller/controller_priv.h"
#include "controller/csr_rules.h"
#include "controller/rows.h"
#include "net/pki.h"

#define SIGNER S("kubernetes.io/kubelet-serving")
#define NODE_USER S("system:node:")

typedef struct certificates_certificate_signing_request request;
typedef struct certificates_certificate_signing_request_condition condition;

static bool node_has(const struct core_node *n, struct str address, bool is_ip) {
    for (uint32_t i = 0; i < n->status.addresses.n; i++) {
        struct str type = n->status.addresses.v[i].type;
        bool ip = str_eq(type, S("InternalIP")) || str_eq(type, S("ExternalIP"));
        if (ip == is_ip && str_eq(n->status.addresses.v[i].address, address))
            return true;
    }
    return !is_ip && str_eq(n->metadata.name, address);
}

static bool all_of_node(const struct core_node *n, const struct pki_names *names) {
    for (uint32_t i = 0; i < names->dns.n; i++)
        if (!node_has(n, names->dns.v[i], false))
            return false;
    for (uint32_t i = 0; i < names->ips.n; i++)
        if (!node_has(n, names->ips.v[i], true))
            return false;
    return names->dns.n + names->ips.n > 0;
}

static int approve(struct reconcile *r, const struct object *o, struct err *err) {
    struct controller *c = r->arg;
    request csr = *(const request *)o->body;
    condition *v = arena_new_n(r->arena, csr.status.conditions.n + 1, condition);
    if (csr.status.conditions.n)
        memcpy(v, csr.status.conditions.v, csr.status.conditions.n * sizeof *v);
    v[csr.status.conditions.n] =
        (condition){.type = S("Approved"),
                    .status = S("True"),
                    .reason = S("AutoApproved"),
                    .message = S("The names and addresses are those of the node that asks."),
                    .last_update_time = now_stamp(r),
                    .last_transition_time = now_stamp(r)};
    csr.status.conditions.v = v;
    csr.status.conditions.n++;
    struct client_call call = {.verb = CLIENT_UPDATE,
                               .kind = o->kind,
                               .name = o->meta->name,
                               .subresource = S("approval"),
                               .body = &csr};
    return unless_gone(client_do(c->client, &call, NULL, err));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), key);
    const request *csr = o ? o->body : NULL;
    struct pki_names names;
    if (!csr || !str_eq(csr->spec.signer_name, SIGNER) || csr->status.certificate.n ||
        csr_condition(csr, "Approved") || csr_condition(csr, "Denied") ||
        !str_has_prefix(csr->spec.username, NODE_USER) ||
        pki_request_parse(csr->spec.request, r->arena, &names, NULL) < 0 ||
        csr_check(&csr->spec, &names, NULL) < 0)
        return 0;
    const struct object *node =
        world_get(&r->world, KIND(CORE_NODE), STR_NONE, str_from_byte(csr->spec.username, NODE_USER.n));
    return node && all_of_node(node->body, &names) ? approve(r, o, err) : 0;
}

/* The addresses of a node may come later than its request. */
static void map_node(struct reconciler *rc, const struct informer_event *e, void *arg) {
    struct controller *c = arg;
    (void)e;
    struct informer *requests = NULL;
    struct informer_options o = {.kind = KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST)};
    if (informer_get(c->client, &o, &requests, NULL) < 0)
        return;
    struct informer_snapshot snap;
    struct cow_iter it;
    informer_snapshot(requests, &snap);
    cow_foreach (item, &it, cow_prefix(&it, &snap.tree, S("")))
        if (!((const request *)((const struct object *)item->value)->body)->status.certificate.n)
            reconciler_enqueue(rc, item->key);
    informer_snapshot_fini(&snap);
    informer_unref(requests);
}

int csr_serving_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, map_self, NULL),
        WATCH_ALL(CORE_NODE, map_node, c),
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}
