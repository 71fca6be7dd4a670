/* ctl/tunnel: ports of a pod as local ones: connections as pairs of streams in one WebSocket.
 *
 * CONFORMS: portforward.k8s.io in SPDY/3.1 within a WebSocket (KEP-4006). Runs on one loop, the first
 * thread's.
 */
#pragma once

#include "ctl/ctl.h"

struct forward {
    struct str address; /* an IP */
    uint16_t local;     /* 0: any; which it became, afterwards */
    uint16_t remote;
};

/* Listens on all of them, says so, and forwards until the connection to the server ends or a signal comes. */
int tunnel_run(struct ctl *c, struct str path, struct forward *v, size_t n, struct problem *p);
