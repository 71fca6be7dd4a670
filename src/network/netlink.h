/* network/netlink: requests to the kernel over netlink, and their answers.
 *
 *     _cleanup_netlink struct netlink nl = NETLINK_INIT;
 *     netlink_open(&nl, NETLINK_ROUTE, &err);
 *     struct nlmsghdr *h = netlink_begin(&nl, RTM_GETLINK, NLM_F_DUMP);
 *     … mnl_attr_put_…(h, …)
 *     netlink_call(&nl, h, each, arg, &err);
 *
 * A socket talks to the network namespace in which it was opened. It belongs to one thread at a time; a call
 * blocks until the kernel has answered, which it does at once. One request at a time lies in the socket's own
 * buffer, so nothing is allocated.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

struct err;

#define NETLINK_REQUEST_MAX 4096u

struct netlink {
    struct mnl_socket *socket; /* NULL: closed */
    uint32_t seq;
    char request[NETLINK_REQUEST_MAX] __attribute__((aligned(8)));
};

#define NETLINK_INIT                                                                                         \
    { .socket = NULL }

int netlink_open(struct netlink *nl, int protocol, struct err *err);
void netlink_close(struct netlink *nl);
#define _cleanup_netlink __attribute__((cleanup(netlink_close)))

/* The head of a request in the socket's buffer; flags are added to NLM_F_REQUEST | NLM_F_ACK (dumps get no
 * acknowledgement). */
struct nlmsghdr *netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags);

/* Sends it and reads until the answer is complete. each (may be NULL) is called for every message of the
 * answer. What the kernel refuses comes back as ERR_NOT_FOUND (ENOENT, ENODEV, ESRCH, EADDRNOTAVAIL),
 * ERR_EXISTS, or ERR_IO, with the kernel's own words where it has some. */
typedef void (*netlink_each_fn)(const struct nlmsghdr *h, void *arg);
int netlink_call(struct netlink *nl, const struct nlmsghdr *h, netlink_each_fn each, void *arg,
                 struct err *err);

/* Opens a request's structure behind the head, zeroed. */
void *netlink_extra(struct nlmsghdr *h, size_t n);

/* What an errno of the kernel means, see netlink_call. */
int netlink_error(struct err *err, int errno_value, const char *detail);

/* The attributes behind the fixed part of `extra` bytes: ret[type] for type <= max; others are skipped. */
void netlink_attrs(const struct nlmsghdr *h, size_t extra, const struct nlattr **ret, uint16_t max);
void netlink_nested(const struct nlattr *nest, const struct nlattr **ret, uint16_t max);
