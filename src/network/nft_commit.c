/* See nft.h: sending a batch, and what the kernel says about it. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "network/netlink.h"
#include "network/nft_priv.h"

#define RECEIVE_BYTES (1 << 20)

static const char *message_name(unsigned type) {
    switch (type & 0xff) {
    case NFT_MSG_NEWTABLE: return "adding the table";
    case NFT_MSG_DELTABLE: return "removing the table";
    case NFT_MSG_NEWCHAIN: return "adding a chain";
    case NFT_MSG_DELCHAIN: return "removing a chain";
    case NFT_MSG_NEWRULE: return "adding a rule";
    case NFT_MSG_DELRULE: return "removing rules";
    case NFT_MSG_NEWSET: return "adding a set";
    case NFT_MSG_NEWSETELEM: return "adding elements";
    case NFT_MSG_DELSETELEM: return "removing elements";
    default: return "a change";
    }
}

/* The name of the set or chain a message of the batch is about, for the message to people. */
static void subject_of(const struct nft_batch *b, uint32_t seq, char *out, size_t size) {
    *out = '\0';
    int left = (int)b->bytes.n;
    for (const struct nlmsghdr *h = (const void *)b->bytes.p; mnl_nlmsg_ok(h, left);
         h = mnl_nlmsg_next(h, &left)) {
        if (h->nlmsg_seq != seq)
            continue;
        const struct nlattr *a[3];
        netlink_attrs(h, sizeof(struct nfgenmsg), a, 2); // 1 is the table's name everywhere, 2 what is in it
        const char *name = a[2] && mnl_attr_get_payload_len(a[2]) ? mnl_attr_get_payload(a[2]) : "";
        (void)snprintf(out, size, "%s %.64s", message_name(h->nlmsg_type), name);
        return;
    }
}

static int take_errors(const struct nft_batch *b, const char *answer, size_t n, struct err *err) {
    int left = (int)n;
    for (const struct nlmsghdr *h = (const void *)answer; mnl_nlmsg_ok(h, left);
         h = mnl_nlmsg_next(h, &left)) {
        if (h->nlmsg_type != NLMSG_ERROR)
            continue;
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
        if (!e->error)
            continue;
        char what[128];
        subject_of(b, h->nlmsg_seq, what, sizeof what);
        return netlink_error(err, -e->error, what);
    }
    return 0;
}

/* The kernel works on a batch while it is sent; what it complains of is there when sending returns. */
static int read_errors(const struct nft_batch *b, int fd, struct err *err) {
    char answer[16384] __attribute__((aligned(8)));
    int result = 0;
    for (;;) {
        ssize_t got = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return result;
        if (got < 0)
            return result ? result : err_errno(err, errno, "nftables");
        if (!result) // further errors are mostly consequences of the first
            result = take_errors(b, answer, (size_t)got, err);
    }
}

int nft_commit(struct nft_batch *b, struct netlink *nl, struct err *err) {
    if (nft_empty(b))
        return 0;
    nft_message_begin(b, NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES);
    nft_message_end(b);
    int fd = mnl_socket_get_fd(nl->socket);
    int room = (int)(b->bytes.n + (b->bytes.n >> 1) + 65536);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    room = RECEIVE_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    ssize_t sent;
    do
        sent = mnl_socket_sendto(nl->socket, b->bytes.p, b->bytes.n);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return err_errno(err, errno, "cannot send changes to nftables");
    int rc = read_errors(b, fd, err);
    return rc ? (err_wrap(err, "nftables refused"), rc) : 0;
}
