/* See conntrack.h. The table is read once for all that is stale, whose number is small; what matches is
 * deleted by its original tuple and id. */
#include "network/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "network/netlink.h"

struct tuple {
    struct ip source, destination;
    uint8_t protocol;
    uint16_t source_port, destination_port;
};

/* What deleting a flow needs: attributes as the kernel gave them. */
struct doomed {
    const void *tuple;
    uint16_t tuple_bytes;
    uint32_t id;
    uint8_t family;
};

struct search {
    struct arena *arena;
    const struct proxy_stale *stale;
    size_t n_stale;
    struct {
        struct doomed *v;
        size_t n, cap;
    } doomed;
};

static struct ip ip_attr(const struct nlattr *a) {
    size_t n = a ? mnl_attr_get_payload_len(a) : 0;
    return n == 4 || n == 16 ? ip_from_bytes(mnl_attr_get_payload(a), n) : (struct ip){.family = 0};
}

static uint16_t port_attr(const struct nlattr *a) {
    return a && mnl_attr_get_payload_len(a) == 2 ? __builtin_bswap16(mnl_attr_get_u16(a)) : 0;
}

static struct tuple read_tuple(const struct nlattr *nest) {
    const struct nlattr *t[CTA_TUPLE_PROTO + 1], *a[CTA_IP_V6_DST + 1];
    struct tuple ret = {.protocol = 0};
    netlink_nested(nest, t, CTA_TUPLE_PROTO);
    if (t[CTA_TUPLE_IP]) {
        netlink_nested(t[CTA_TUPLE_IP], a, CTA_IP_V6_DST);
        ret.source = ip_attr(a[CTA_IP_V4_SRC] ? a[CTA_IP_V4_SRC] : a[CTA_IP_V6_SRC]);
        ret.destination = ip_attr(a[CTA_IP_V4_DST] ? a[CTA_IP_V4_DST] : a[CTA_IP_V6_DST]);
    }
    if (t[CTA_TUPLE_PROTO]) {
        netlink_nested(t[CTA_TUPLE_PROTO], a, CTA_IP_V6_DST);
        if (a[CTA_PROTO_NUM])
            ret.protocol = mnl_attr_get_u8(a[CTA_PROTO_NUM]);
        ret.source_port = port_attr(a[CTA_PROTO_SRC_PORT]);
        ret.destination_port = port_attr(a[CTA_PROTO_DST_PORT]);
    }
    return ret;
}

static bool matches(const struct proxy_stale *s, const struct tuple *orig, const struct tuple *reply) {
    if (orig->protocol != s->protocol || orig->destination_port != s->port)
        return false;
    if (s->frontend.family && !ip_equal(orig->destination, s->frontend))
        return false;
    bool translated = !ip_equal(orig->destination, reply->source);
    if (!s->endpoint.family)
        return !translated;
    return translated && ip_equal(reply->source, s->endpoint) && reply->source_port == s->endpoint_port;
}

static void look_at(const struct nlmsghdr *h, void *arg) {
    struct search *s = arg;
    const struct nlattr *a[CTA_ID + 1];
    netlink_attrs(h, sizeof(struct nfgenmsg), a, CTA_ID);
    if (!a[CTA_TUPLE_ORIG] || !a[CTA_TUPLE_REPLY] || !a[CTA_ID])
        return;
    struct tuple orig = read_tuple(a[CTA_TUPLE_ORIG]), reply = read_tuple(a[CTA_TUPLE_REPLY]);
    for (size_t i = 0; i < s->n_stale; i++) {
        if (!matches(&s->stale[i], &orig, &reply))
            continue;
        uint16_t n = (uint16_t)mnl_attr_get_payload_len(a[CTA_TUPLE_ORIG]);
        struct doomed d = {.tuple =
                               memcpy(arena_alloc(s->arena, n), mnl_attr_get_payload(a[CTA_TUPLE_ORIG]), n),
                           .tuple_bytes = n,
                           .id = mnl_attr_get_u32(a[CTA_ID]),
                           .family = orig.destination.family == 4 ? AF_INET : AF_INET6};
        vec_push_in(s->arena, &s->doomed, d);
        return;
    }
}

static struct nlmsghdr *begin(struct netlink *nl, unsigned type, uint16_t flags, uint8_t family) {
    struct nlmsghdr *h = netlink_begin(nl, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags);
    struct nfgenmsg *g = netlink_extra(h, sizeof *g);
    g->nfgen_family = family;
    return h;
}

static int forget(struct netlink *nl, const struct doomed *d, struct err *err) {
    struct nlmsghdr *h = begin(nl, IPCTNL_MSG_CT_DELETE, 0, d->family);
    mnl_attr_put(h, CTA_TUPLE_ORIG | NLA_F_NESTED, d->tuple_bytes, d->tuple);
    mnl_attr_put_u32(h, CTA_ID, d->id);
    int rc = netlink_call(nl, h, NULL, NULL, err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int conntrack_forget(struct netlink *nl, const struct proxy_stale *stale, size_t n, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct search s = {.arena = &a, .stale = stale, .n_stale = n};
    int rc = netlink_call(nl, begin(nl, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC), look_at, &s, err);
    for (size_t i = 0; !rc && i < s.doomed.n; i++)
        rc = forget(nl, &s.doomed.v[i], err);
    return rc ? (err_wrap(err, "cannot forget flows"), rc) : 0;
}
