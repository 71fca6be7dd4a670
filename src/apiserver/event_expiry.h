/* apiserver/event_expiry: events go an hour after they were last seen. CONFORMS: --event-ttl of upstream.
 *
 * Called now and then, from one thread that is no loop's; deletions are queued.
 */
#pragma once

#include <stdint.h>

struct apiserver;

#define EVENT_TTL_SEC 3600

/* Deletes what is older; -> how many deletions were queued. When the store is busy the rest waits for the
 * next time. */
unsigned event_expiry_run(struct apiserver *server, int64_t ttl_sec);
