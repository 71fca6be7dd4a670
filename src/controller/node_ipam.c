/* controller/node_ipam: gives every node a range of addresses for its pods. Keys are nodes; one runs at a
 * time.
 */
#include "api/ip.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "base/map.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define POOLS_MAX 2u

/* The ranges of one family: number i is [base + i * size, …). */
struct cidr_pool {
    struct cidr cluster, service; /* service.ip.family 0: none */
    uint8_t mask;
    uint64_t count;
    uint64_t next; /* where to look first */
};

struct node_ipam {
    struct cidr_pool pools[POOLS_MAX];
    uint32_t n;
    struct map given[POOLS_MAX]; /* node → number + 1, of nodes that the cache may not show with it yet */
};

/* -- arithmetic -- */

static unsigned width(const struct cidr_pool *p) {
    return p->cluster.ip.family == 6 ? 128 : 32;
}

static struct cidr range_of(const struct cidr_pool *p, uint64_t i) {
    unsigned shift = width(p) - p->mask;
    struct ip ip = cidr_first(p->cluster);
    if (shift >= 64) {
        ip.hi += i << (shift - 64);
    } else {
        uint64_t low = ip.lo;
        ip.lo += i << shift;
        ip.hi += shift ? i >> (64 - shift) : 0;
        ip.hi += ip.lo < low && ip.family == 6;
    }
    return (struct cidr){.ip = ip, .bits = p->mask};
}

static bool overlaps(const struct cidr *a, const struct cidr *b) {
    return b->ip.family == a->ip.family && ip_cmp(cidr_first(*a), cidr_last(*b)) <= 0 &&
           ip_cmp(cidr_first(*b), cidr_last(*a)) <= 0;
}

/* -- which are taken -- */

struct taken {
    struct cidr *v;
    size_t n;
};

static struct taken taken_now(struct reconcile *r, struct node_ipam *s, uint32_t pool) {
    struct cow_iter it;
    size_t max = s->given[pool].n + 1;
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S("")))
        max += ((const struct core_node *)((const struct object *)item->value)->body)->spec.pod_cidrs.n;
    struct taken t = {arena_new_n(r->arena, max, struct cidr), 0};
    cow_foreach (item, &it, world_in(&r->world, &it, KIND(CORE_NODE), S(""))) {
        const struct core_node *n = ((const struct object *)item->value)->body;
        for (uint32_t i = 0; i < n->spec.pod_cidrs.n; i++)
            t.n += cidr_parse(n->spec.pod_cidrs.v[i], IP_LEGACY, &t.v[t.n]);
        if (n->spec.pod_cidrs.n)
            (void)map_remove(&s->given[pool], item->key);
    }
    map_foreach(e, &s->given[pool]) t.v[t.n++] = range_of(&s->pools[pool], e->u64 - 1);
    return t;
}

static bool is_free(const struct cidr_pool *p, const struct taken *t, uint64_t i) {
    struct cidr c = range_of(p, i);
    if (p->service.ip.family && overlaps(&c, &p->service))
        return false;
    for (size_t k = 0; k < t->n; k++)
        if (overlaps(&c, &t->v[k]))
            return false;
    return true;
}

static bool take(struct reconcile *r, struct node_ipam *s, uint32_t pool, struct str node, struct str *ret) {
    struct cidr_pool *p = &s->pools[pool];
    struct taken t = taken_now(r, s, pool);
    /* more than are taken need not be tried */
    uint64_t tries = p->count < t.n + 65536 ? p->count : t.n + 65536;
    for (uint64_t k = 0; k < tries; k++) {
        uint64_t i = (p->next + k) % p->count;
        char text[CIDR_TEXT_MAX];
        if (!is_free(p, &t, i))
            continue;
        map_put_u64(&s->given[pool], node, i + 1);
        p->next = i + 1;
        *ret = arena_str(r->arena, str_make(text, cidr_format(range_of(p, i), text)));
        return true;
    }
    return false;
}

static int give_up(struct reconcile *r, struct node_ipam *s, const struct object *node, struct err *err) {
    struct controller *c = r->arg;
    for (uint32_t i = 0; i < s->n; i++)
        (void)map_remove(&s->given[i], node->meta->name);
    event_record(c->events, node, "Normal", "CIDRNotAvailable", "Node %.*s status is now: CIDRNotAvailable",
                 STR_ARG(node->meta->name));
    return err_set(err, ERR_NO_SPACE, "no pod address range is left for the node %.*s",
                   STR_ARG(node->meta->name));
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    struct node_ipam *s = c->state;
    const struct object *o = world_get_key(&r->world, KIND(CORE_NODE), key);
    struct str cidrs[POOLS_MAX];
    if (!o) {
        for (uint32_t i = 0; i < s->n; i++)
            (void)map_remove(&s->given[i], key);
        return 0;
    }
    if (((const struct core_node *)o->body)->spec.pod_cidrs.n || meta_is_deleting(o->meta))
        return 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (!take(r, s, i, key, &cidrs[i]))
            return give_up(r, s, o, err);
    struct str patch = arena_printf(
        r->arena, "{\"spec\":{\"podCIDR\":\"%.*s\",\"podCIDRs\":[\"%.*s\"%s%.*s%s]}}", STR_ARG(cidrs[0]),
        STR_ARG(cidrs[0]), s->n > 1 ? ",\"" : "", STR_ARG(s->n > 1 ? cidrs[1] : S("")), s->n > 1 ? "\"" : "");
    int rc = client_patch(c->client, o->kind, S(""), key, STR_NONE, CLIENT_PATCH_STRATEGIC, patch, NULL, err);
    for (uint32_t i = 0; rc && i < s->n; i++)
        (void)map_remove(&s->given[i], key);
    return unless_gone(rc);
}

/* -- the pools -- */

static int add_pool(struct node_ipam *s, struct str text, const struct controllers_options *o,
                    struct err *err) {
    struct cidr_pool p = {.next = 0};
    if (s->n == POOLS_MAX || !cidr_parse(text, IP_LEGACY, &p.cluster))
        return err_set(err, ERR_INVALID, "the cluster CIDR \"%.*s\" is no network", STR_ARG(text));
    p.mask = (uint8_t)(p.cluster.ip.family == 6 ? o->node_cidr_mask_v6 : o->node_cidr_mask_v4);
    if (p.mask < p.cluster.bits || p.mask > width(&p))
        return err_set(err, ERR_INVALID, "node ranges of /%d do not fit the cluster CIDR %.*s", p.mask,
                       STR_ARG(text));
    unsigned bits = (unsigned)(p.mask - p.cluster.bits);
    p.count = 1ull << (bits < 32 ? bits : 32);
    struct str rest = o->service_cidrs, head;
    for (bool more = rest.n > 0; more;) {
        struct cidr c;
        more = str_split(rest, ',', &head, &rest);
        if (cidr_parse(head, IP_LEGACY, &c) && c.ip.family == p.cluster.ip.family)
            p.service = c;
    }
    s->given[s->n] = (struct map)MAP_INIT_OWNING;
    s->pools[s->n++] = p;
    return 0;
}

int node_ipam_start(struct controller *c, struct err *err) {
    if (!c->options->allocate_node_cidrs)
        return 0;
    struct node_ipam *s = controller_state(c, sizeof *s);
    struct str rest = c->options->cluster_cidrs, head;
    for (bool more = true; more;) {
        more = str_split(rest, ',', &head, &rest);
        int rc = add_pool(s, head, c->options, err);
        if (rc)
            return rc;
    }
    const struct reconciler_watch watches[] = {WATCH_ALL(CORE_NODE, map_self, NULL)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}

void node_ipam_stop(struct controller *c) {
    struct node_ipam *s = c->state;
    for (uint32_t i = 0; i < s->n; i++)
        map_fini(&s->given[i]);
}
