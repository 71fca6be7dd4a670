/* main/health: the small HTTP door of programs that have no other: /healthz, /livez, /readyz and /metrics.
 *
 * In the clear, so for loopback or a network of one's own. Start and stop: the first thread.
 */
#pragma once

#include <stdint.h>

struct err;
struct health;
struct metrics;

/* port 0: none, *ret is NULL then. m: borrowed until health_stop has returned. */
int health_start(const char *address, int64_t port, struct metrics *m, struct health **ret, struct err *err);
/* NULL is fine. */
void health_stop(struct health *h);
