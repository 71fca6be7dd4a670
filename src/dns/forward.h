/* dns/forward: questions to the servers that the host asks.
 *
 * Every try has a socket of its own, so a port of the kernel's choosing, and a random id: whoever wants to
 * forge an answer must guess both. The socket is connected; only the server's own packets arrive. Equal
 * questions that are on their way are asked once. Servers are asked in order; one that did not answer comes
 * last for a while. An answer that was cut is asked for again over TCP.
 *
 * One thread: the loop's. All is bounded: questions on their way, and who waits for each.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dns/resolv.h"
#include "dns/wire.h"

struct dns_forward;
struct err;
struct loop;
struct rand;

#define DNS_FORWARD_MAX 1000u    /* questions on their way */
#define DNS_FORWARD_WAITERS 100u /* for one question */
#define DNS_FORWARD_TRIES 4u
#define DNS_FORWARD_TRY_MS 1500u
#define DNS_FORWARD_DOWN_MS 10000u

struct dns_forward_options {
    struct loop *loop;
    struct rand *rand; /* NULL: the system's */
    uint16_t port;     /* of the servers; 0: 53 */
    unsigned try_ms;   /* 0: DNS_FORWARD_TRY_MS */
};

struct dns_forward *dns_forward_new(const struct dns_forward_options *o);
/* On the loop, or when it has ended. Who waits is not told. */
void dns_forward_free(struct dns_forward *f);

/* May change at any time. */
void dns_forward_set(struct dns_forward *f, const struct resolv *servers);

/* Embedded by who asks. done: p is the answer, checked by dns_answer_check; NULL: there is none. Called once,
 * not from within dns_forward_ask. */
struct dns_waiter {
    void (*done)(struct dns_waiter *w, const uint8_t *p, size_t n);
    struct dns_waiter *next; /* private */
};
/* 0, or ERR_AGAIN when too many are on their way, ERR_NOT_FOUND when there are no servers. */
int dns_forward_ask(struct dns_forward *f, const struct dns_query *q, struct dns_waiter *w);

size_t dns_forward_pending(const struct dns_forward *f);
