/* See proxy_apply.h. */
#include "network/proxy_apply.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/err.h"
#include "base/vec.h"
#include "network/conntrack.h"
#include "network/proxy_sets.h"

int proxy_kernel_open(struct proxy_kernel *k, struct err *err) {
    *k = (struct proxy_kernel){.ipv6 = false};
    int rc = netlink_open(&k->nft, NETLINK_NETFILTER, err);
    return rc ? rc : netlink_open(&k->conntrack, NETLINK_NETFILTER, err);
}

void proxy_kernel_close(struct proxy_kernel *k) {
    netlink_close(&k->nft);
    netlink_close(&k->conntrack);
}

/* -- changes of one family -- */

static void put_element(struct nft_batch *b, const struct proxy_element *e, bool verdict, bool data) {
    struct nft_element x = {.key = e->bytes, .key_bytes = e->key_bytes};
    char chain[PROXY_CHAIN_NAME];
    if (e->has_end)
        x.key_end = e->bytes + e->key_bytes + e->data_bytes;
    if (verdict && e->set <= PROXY_STICKY_NODE_PORTS) {
        struct proxy_class c = proxy_element_class(e);
        proxy_class_name(&c, chain);
        x.chain = chain;
    } else if (verdict && e->bytes[e->key_bytes]) {
        x.drop = true;
    } else if (verdict) {
        x.chain = PROXY_REJECT;
    } else if (data) {
        x.data = e->bytes + e->key_bytes;
        x.data_bytes = e->data_bytes;
    }
    nft_element(b, &x);
}

static void put_elements(struct nft_batch *b, const struct packet_family *f, const struct proxy_element *v,
                         size_t n, bool add) {
    for (int set = 0; set < PROXY_SETS; set++) {
        struct nft_set_spec spec = proxy_set_spec(f, (enum proxy_set)set);
        nft_elements_begin(b, spec.name, add);
        for (size_t i = 0; i < n; i++) {
            const struct proxy_element *e = &v[i];
            if (e->family != f->number || e->set != set)
                continue;
            put_element(b, e, add && spec.verdicts, add);
        }
        nft_elements_end(b);
    }
}

static int apply_family(struct netlink *nl, const struct packet_family *f, const struct proxy_config *c,
                        const struct proxy_plan *plan, struct err *err) {
    _cleanup_nft struct nft_batch b;
    nft_begin(&b, f->nfproto, PROXY_TABLE);
    if (plan->full) {
        nft_table_add(&b); // so that there is one to delete
        nft_table_delete(&b);
        proxy_table_add(&b, f, c);
    }
    for (size_t i = 0; i < plan->chains_add.n; i++)
        if (plan->chains_add.v[i].family == f->number)
            proxy_class_add(&b, f, &plan->chains_add.v[i]);
    put_elements(&b, f, plan->remove.v, plan->remove.n, false);
    put_elements(&b, f, plan->add.v, plan->add.n, true);
    for (size_t i = 0; i < plan->chains_remove.n; i++)
        if (plan->chains_remove.v[i].family == f->number)
            proxy_class_remove(&b, &plan->chains_remove.v[i]);
    return nft_commit(&b, nl, err);
}

static bool needs_ipv6(const struct proxy_config *c, const struct proxy_plan *plan) {
    bool needs = false;
    for (unsigned i = 0; i < c->n_services; i++)
        needs |= c->services[i].ip.family == 6;
    for (unsigned i = 0; i < c->n_pods; i++)
        needs |= c->pods[i].ip.family == 6;
    for (size_t i = 0; i < plan->add.n && !needs; i++)
        needs = plan->add.v[i].family == 6;
    return needs;
}

static int clear_family(struct netlink *nl, const struct packet_family *f, struct err *err) {
    _cleanup_nft struct nft_batch b;
    nft_begin(&b, f->nfproto, PROXY_TABLE);
    nft_table_add(&b);
    nft_table_delete(&b);
    return nft_commit(&b, nl, err);
}

/* The table for IPv6 is made when the first plan needs it. */
static int apply_ipv6(struct proxy_kernel *k, const struct proxy_config *c, const struct proxy_plan *plan,
                      struct err *err) {
    struct err ignored = ERR_INIT;
    bool needs = needs_ipv6(c, plan);
    if (plan->full && !needs) {
        k->ipv6 = false;
        (void)clear_family(&k->nft, &packet_ipv6, &ignored);
        return 0;
    }
    if (!k->ipv6 && !plan->full && needs) {
        struct proxy_plan first = {.full = true, .chains_add = plan->chains_add, .add = plan->add};
        int rc = apply_family(&k->nft, &packet_ipv6, c, &first, err);
        k->ipv6 = rc == 0;
        return rc;
    }
    if (!k->ipv6 && !plan->full)
        return 0;
    int rc = apply_family(&k->nft, &packet_ipv6, c, plan, err);
    k->ipv6 |= rc == 0;
    return rc;
}

/* -- clients that stick to an endpoint that is gone -- */

struct stuck {
    const struct proxy_plan *plan;
    const struct packet_family *family;
    struct nft_batch *batch;
};

/* Key: client . address . protocol . port; data: endpoint . port. */
static bool is_stale(const struct stuck *s, const uint8_t *key, const uint8_t *data) {
    size_t address = s->family->address_bytes;
    for (size_t i = 0; i < s->plan->clients.n; i++) {
        const struct proxy_stale *c = &s->plan->clients.v[i];
        struct packet_key front = {.n = 0}, to = {.n = 0};
        packet_key_proto(&front, c->protocol);
        packet_key_port(&front, c->port);
        packet_key_ip(&to, c->endpoint);
        packet_key_port(&to, c->endpoint_port);
        if (c->endpoint.family == s->family->number && memcmp(front.bytes, key + 2 * address, front.n) == 0 &&
            memcmp(to.bytes, data, to.n) == 0)
            return true;
    }
    return false;
}

static const uint8_t *element_bytes(const struct nlattr *a, size_t n) {
    const struct nlattr *v[NFTA_DATA_VALUE + 1];
    if (!a)
        return NULL;
    netlink_nested(a, v, NFTA_DATA_VALUE);
    return v[NFTA_DATA_VALUE] && mnl_attr_get_payload_len(v[NFTA_DATA_VALUE]) >= n
               ? mnl_attr_get_payload(v[NFTA_DATA_VALUE])
               : NULL;
}

static void look_at(const struct nlattr *element, struct stuck *s) {
    const struct nlattr *a[NFTA_SET_ELEM_DATA + 1];
    netlink_nested(element, a, NFTA_SET_ELEM_DATA);
    size_t key_bytes = 2 * s->family->address_bytes + 8, data_bytes = s->family->address_bytes + 4;
    const uint8_t *key = element_bytes(a[NFTA_SET_ELEM_KEY], key_bytes);
    const uint8_t *data = element_bytes(a[NFTA_SET_ELEM_DATA], data_bytes);
    if (key && data && is_stale(s, key, data))
        nft_element(s->batch, &(struct nft_element){key, key_bytes});
}

static void look_at_message(const struct nlmsghdr *h, void *arg) {
    const struct nlattr *a[NFTA_SET_ELEM_LIST_ELEMENTS + 1];
    netlink_attrs(h, sizeof(struct nfgenmsg), a, NFTA_SET_ELEM_LIST_ELEMENTS);
    const struct nlattr *list = a[NFTA_SET_ELEM_LIST_ELEMENTS];
    if (!list)
        return;
    const char *end = (const char *)mnl_attr_get_payload(list) + mnl_attr_get_payload_len(list);
    for (const struct nlattr *e = mnl_attr_get_payload(list); mnl_attr_ok(e, (int)(end - (const char *)e));
         e = mnl_attr_next(e))
        look_at(e, arg);
}

static int forget_clients(struct netlink *nl, const struct packet_family *f, const struct proxy_plan *plan,
                          struct err *err) {
    _cleanup_nft struct nft_batch b;
    nft_begin(&b, f->nfproto, PROXY_TABLE);
    struct stuck s = {.plan = plan, .family = f, .batch = &b};
    struct nlmsghdr *h = netlink_begin(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP);
    struct nfgenmsg *g = netlink_extra(h, sizeof *g);
    g->nfgen_family = f->nfproto;
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, PROXY_TABLE);
    mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, PROXY_AFFINITY);
    nft_elements_begin(&b, PROXY_AFFINITY, false);
    int rc = netlink_call(nl, h, look_at_message, &s, err);
    nft_elements_end(&b);
    if (!rc)
        rc = nft_commit(&b, nl, err);
    return rc == ERR_NOT_FOUND ? 0 : rc; // one timed out meanwhile
}

/* -- all -- */

int proxy_apply(struct proxy_kernel *k, const struct proxy_config *c, const struct proxy_plan *plan,
                struct err *err) {
    int rc = apply_family(&k->nft, &packet_ipv4, c, plan, err);
    if (!rc)
        rc = apply_ipv6(k, c, plan, err);
    if (rc)
        return err_wrap(err, "cannot program services"), rc;
    if (plan->clients.n) {
        rc = forget_clients(&k->nft, &packet_ipv4, plan, err);
        if (!rc && k->ipv6)
            rc = forget_clients(&k->nft, &packet_ipv6, plan, err);
    }
    if (!rc && plan->flows.n)
        rc = conntrack_forget(&k->conntrack, plan->flows.v, plan->flows.n, err);
    return rc;
}

bool proxy_kernel_present(struct proxy_kernel *k) {
    struct nlmsghdr *h = netlink_begin(&k->nft, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
    struct nfgenmsg *g = netlink_extra(h, sizeof *g);
    struct err ignored = ERR_INIT;
    g->nfgen_family = packet_ipv4.nfproto;
    mnl_attr_put_strz(h, NFTA_TABLE_NAME, PROXY_TABLE);
    return netlink_call(&k->nft, h, NULL, NULL, &ignored) != ERR_NOT_FOUND;
}

int proxy_kernel_clear(struct proxy_kernel *k, struct err *err) {
    int rc = clear_family(&k->nft, &packet_ipv4, err);
    if (!rc && k->ipv6)
        rc = clear_family(&k->nft, &packet_ipv6, err);
    return rc;
}
