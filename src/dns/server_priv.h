/* dns/server_priv: what the files of the server share. One thread: the loop's. */
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include "base/timer.h"
#include "dns/cache.h"
#include "dns/forward.h"
#include "dns/server.h"
#include "dns/wire.h"

struct counter;
struct histogram;

#define UDP_BATCH 64u

struct udp_socket {
    uv_poll_t poll;
    struct dns_server *server;
    int fd;
    bool open;
};

struct tcp_listener {
    uv_tcp_t tcp;
    struct dns_server *server;
    bool open;
};

struct tcp_connection {
    uv_tcp_t tcp;
    struct dns_server *server;
    struct tcp_connection *next, *previous;
    struct timer idle;
    unsigned n_asks, n_writes; /* questions and answers on their way */
    bool closing, paused;
    size_t in_bytes;
    uint8_t in[2 + DNS_UDP_BYTES_MAX];
};

/* Who asked, and what: a question that waits for others. */
struct ask {
    struct dns_waiter waiter;
    struct dns_server *server;
    struct dns_query query;
    uint8_t question[DNS_NAME_MAX + 4];
    bool alias; /* the query is for an ExternalName; what is asked for is where it leads to */
    struct dns_query target;
    uint8_t target_question[DNS_NAME_MAX + 4];
    /* UDP */
    struct udp_socket *udp;
    struct sockaddr_storage peer;
    socklen_t peer_bytes;
    /* TCP */
    struct tcp_connection *tcp;  /* NULL: UDP, or gone */
    struct ask *next, *previous; /* of the server */
};

struct server_metrics {
    struct counter *udp, *tcp, *rcode[16], *hits, *misses, *forwarded, *failed;
};

struct dns_server {
    struct dns_server_options options;
    struct udp_socket udp[DNS_ADDRESSES_MAX];
    struct tcp_listener tcp[DNS_ADDRESSES_MAX];
    struct tcp_connection *connections;
    unsigned n_connections;
    struct dns_cache *cache;
    struct dns_forward *forward;
    struct server_metrics metrics;
    uint16_t port;
    bool synced, closing;
    unsigned handles; /* open or closing; the last one frees */
    struct ask *asks;
    struct udp_batch *batch;
    uint8_t answer[DNS_MESSAGE_MAX];
};

/* Where a question came from. */
struct origin {
    struct udp_socket *udp;
    const struct sockaddr_storage *peer;
    socklen_t peer_bytes;
    struct tcp_connection *tcp;
};

/* The answer's length, 0: none, or later. */
size_t server_handle(struct dns_server *s, const struct origin *from, const uint8_t *p, size_t n,
                     uint8_t *out, size_t limit);
void server_count_rcode(struct dns_server *s, const uint8_t *answer);
void server_unref(struct dns_server *s);

int udp_open(struct udp_socket *u, struct dns_server *s, struct ip ip, uint16_t *port, struct err *err);
void udp_close(struct udp_socket *u);

int tcp_open(struct tcp_listener *l, struct dns_server *s, struct ip ip, uint16_t port, struct err *err);
void tcp_close(struct tcp_listener *l);
void tcp_close_connection(struct tcp_connection *c);
void tcp_write(struct tcp_connection *c, const uint8_t *p, size_t n);
/* A question of the connection is answered, or will never be. */
void tcp_answered(struct tcp_connection *c);
