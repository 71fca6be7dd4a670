/* See netlink.h. */
#include "network/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

#define ANSWER_BYTES (32u * 1024)

int netlink_open(struct netlink *nl, int protocol, struct err *err) {
    nl->socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
    if (!nl->socket)
        return err_errno(err, errno, "cannot open a netlink socket");
    int on = 1;
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int e = errno;
        netlink_close(nl);
        return err_errno(err, e, "cannot bind a netlink socket");
    }
    return 0;
}

void netlink_close(struct netlink *nl) {
    if (nl->socket)
        (void)mnl_socket_close(nl->socket);
    nl->socket = NULL;
}

struct nlmsghdr *netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags) {
    struct nlmsghdr *h = mnl_nlmsg_put_header(nl->request);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
        h->nlmsg_flags |= NLM_F_ACK;
    h->nlmsg_seq = ++nl->seq;
    return h;
}

void *netlink_extra(struct nlmsghdr *h, size_t n) {
    return mnl_nlmsg_put_extra_header(h, n);
}

int netlink_error(struct err *err, int errno_value, const char *detail) {
    int code = ERR_IO;
    switch (errno_value) {
    case ENOENT:
    case ENODEV:
    case ESRCH:
    case EADDRNOTAVAIL: code = ERR_NOT_FOUND; break;
    case EEXIST: code = ERR_EXISTS; break;
    case EAGAIN:
    case EINTR:
    case ENOBUFS: code = ERR_AGAIN; break;
    default: break;
    }
    if (detail && *detail)
        return err_set(err, code, "%s (%s)", detail, strerror(errno_value));
    return err_set(err, code, "%s", strerror(errno_value));
}

/* libmnl's own loops compute with long. */
#define for_each_attr(a, from, to)                                                                           \
    for (const struct nlattr *a = (const void *)(from);                                                      \
         mnl_attr_ok(a, (int)((const char *)(to) - (const char *)a)); a = mnl_attr_next(a))

/* The kernel's own explanation in an error message, "" when there is none. */
static void error_detail(const struct nlmsghdr *h, char *ret, size_t size) {
    *ret = '\0';
    size_t fixed = sizeof(struct nlmsgerr);
    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || h->nlmsg_len < NLMSG_HDRLEN + fixed)
        return;
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
    if (!(h->nlmsg_flags & NLM_F_CAPPED)) // the whole request follows, then the attributes
        fixed += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
    for_each_attr (a, mnl_nlmsg_get_payload_offset(h, fixed), mnl_nlmsg_get_payload_tail(h)) {
        if (mnl_attr_get_type(a) != NLMSGERR_ATTR_MSG)
            continue;
        size_t n = mnl_attr_get_payload_len(a);
        n = n < size - 1 ? n : size - 1;
        memcpy(ret, mnl_attr_get_payload(a), n);
        ret[n] = '\0';
    }
}

/* 1: more to come, 0: the answer is complete, negative: it is an error. */
static int take_message(const struct nlmsghdr *h, netlink_each_fn each, void *arg, struct err *err) {
    if (h->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
        if (!e->error)
            return 0;
        char detail[160];
        error_detail(h, detail, sizeof detail);
        return netlink_error(err, -e->error, detail);
    }
    if (h->nlmsg_flags & NLM_F_DUMP_INTR)
        return err_set(err, ERR_AGAIN, "the kernel's table changed while it was read");
    if (h->nlmsg_type == NLMSG_DONE)
        return 0;
    if (each && h->nlmsg_type >= NLMSG_MIN_TYPE)
        each(h, arg);
    return 1;
}

int netlink_call(struct netlink *nl, const struct nlmsghdr *h, netlink_each_fn each, void *arg,
                 struct err *err) {
    uint32_t seq = h->nlmsg_seq;
    if (mnl_socket_sendto(nl->socket, h, h->nlmsg_len) < 0)
        return err_errno(err, errno, "netlink");
    char answer[ANSWER_BYTES] __attribute__((aligned(8)));
    for (;;) {
        ssize_t got = mnl_socket_recvfrom(nl->socket, answer, sizeof answer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "netlink");
        int left = (int)got;
        for (const struct nlmsghdr *m = (const void *)answer; mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_seq != seq)
                continue; // late words about an earlier request
            int rc = take_message(m, each, arg, err);
            if (rc <= 0)
                return rc;
        }
    }
}

static void collect(const struct nlattr *a, const struct nlattr **ret, uint16_t max) {
    uint16_t type = mnl_attr_get_type(a);
    if (type <= max)
        ret[type] = a;
}

void netlink_attrs(const struct nlmsghdr *h, size_t extra, const struct nlattr **ret, uint16_t max) {
    memset(ret, 0, sizeof *ret * ((size_t)max + 1));
    for_each_attr (a, mnl_nlmsg_get_payload_offset(h, extra), mnl_nlmsg_get_payload_tail(h))
        collect(a, ret, max);
}

void netlink_nested(const struct nlattr *nest, const struct nlattr **ret, uint16_t max) {
    memset(ret, 0, sizeof *ret * ((size_t)max + 1));
    const char *from = mnl_attr_get_payload(nest);
    for_each_attr (a, from, from + mnl_attr_get_payload_len(nest))
        collect(a, ret, max);
}
