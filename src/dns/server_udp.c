/* See server.h: UDP, in batches. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/loop.h"
#include "dns/server_priv.h"
#include "dns/sockaddr.h"

#define ROUNDS_MAX 8u /* of one turn of the loop, so that others get theirs */
#define SOCKET_BYTES (4 << 20)

/* Shared by all sockets of the server: they are served one after the other. */
struct udp_batch {
    struct mmsghdr in_head[UDP_BATCH], out_head[UDP_BATCH];
    struct iovec in_vec[UDP_BATCH], out_vec[UDP_BATCH];
    struct sockaddr_storage peer[UDP_BATCH];
    uint8_t in[UDP_BATCH][DNS_UDP_BYTES], out[UDP_BATCH][DNS_UDP_BYTES_MAX];
};

static struct udp_batch *get_batch(struct dns_server *s) {
    if (s->batch)
        return s->batch;
    struct udp_batch *b = calloc(1, sizeof *b);
    check(b != NULL);
    s->batch = b;
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        b->in_vec[i] = (struct iovec){b->in[i], sizeof b->in[i]};
        b->in_head[i].msg_hdr =
            (struct msghdr){.msg_name = &b->peer[i], .msg_iov = &b->in_vec[i], .msg_iovlen = 1};
        b->out_head[i].msg_hdr = (struct msghdr){.msg_iov = &b->out_vec[i], .msg_iovlen = 1};
    }
    return b;
}

static unsigned answer_all(struct udp_socket *u, struct udp_batch *b, unsigned n) {
    unsigned out = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct msghdr *h = &b->in_head[i].msg_hdr;
        struct origin from = {.udp = u, .peer = &b->peer[i], .peer_bytes = h->msg_namelen};
        if (h->msg_flags & MSG_TRUNC)
            continue; // no query is that long
        size_t len =
            server_handle(u->server, &from, b->in[i], b->in_head[i].msg_len, b->out[out], sizeof b->out[out]);
        if (!len)
            continue;
        b->out_vec[out] = (struct iovec){b->out[out], len};
        b->out_head[out].msg_hdr.msg_name = &b->peer[i];
        b->out_head[out].msg_hdr.msg_namelen = h->msg_namelen;
        out++;
    }
    return out;
}

/* What the socket does not take is lost, as with UDP things are. */
static void send_all(struct udp_socket *u, struct udp_batch *b, unsigned n) {
    for (unsigned sent = 0; sent < n;) {
        int rc = sendmmsg(u->fd, b->out_head + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (rc < 0 && errno == EINTR)
            continue;
        sent += rc > 0 ? (unsigned)rc : 1; // who cannot be reached is passed over
        if (rc < 0 && (errno == EAGAIN || errno == ENOBUFS))
            return;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    struct udp_socket *u = poll->data;
    struct udp_batch *b = get_batch(u->server);
    if (status < 0)
        return;
    for (unsigned round = 0; round < ROUNDS_MAX && u->open; round++) {
        for (unsigned i = 0; i < UDP_BATCH; i++)
            b->in_head[i].msg_hdr.msg_namelen = sizeof b->peer[i];
        int n = recvmmsg(u->fd, b->in_head, UDP_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return;
        send_all(u, b, answer_all(u, b, (unsigned)n));
        if ((unsigned)n < UDP_BATCH)
            return;
    }
}

static int bind_udp(struct udp_socket *u, struct ip ip, uint16_t *port, struct err *err) {
    struct sockaddr_storage a;
    socklen_t n = dns_sockaddr(ip, *port, &a);
    char text[IP_TEXT_MAX];
    (void)ip_format(ip, text);
    int bytes = SOCKET_BYTES, on = 1;
    u->fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (u->fd < 0)
        return err_errno(err, errno, "cannot open a socket for DNS");
    (void)setsockopt(u->fd, SOL_IP, IP_FREEBIND, &on, sizeof on); // the address may come later
    (void)setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    (void)setsockopt(u->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (bind(u->fd, (struct sockaddr *)&a, n) < 0 || getsockname(u->fd, (struct sockaddr *)&a, &n) < 0)
        return err_errno(err, errno, "cannot listen for DNS on %s port %u", text, *port);
    *port = dns_sockaddr_port(&a);
    return 0;
}

int udp_open(struct udp_socket *u, struct dns_server *s, struct ip ip, uint16_t *port, struct err *err) {
    u->server = s;
    u->fd = -1;
    int rc = bind_udp(u, ip, port, err);
    if (!rc && uv_poll_init(loop_uv(s->options.loop), &u->poll, u->fd))
        rc = err_set(err, ERR_IO, "cannot watch a socket for DNS");
    if (rc) {
        if (u->fd >= 0)
            (void)close(u->fd);
        return rc;
    }
    u->open = true;
    u->poll.data = u;
    s->handles++;
    check(uv_poll_start(&u->poll, UV_READABLE, on_readable) == 0);
    return 0;
}

static void on_closed(uv_handle_t *h) {
    struct udp_socket *u = h->data;
    (void)close(u->fd);
    server_unref(u->server);
}

void udp_close(struct udp_socket *u) {
    if (u->open)
        uv_close((uv_handle_t *)&u->poll, on_closed);
    u->open = false;
}
