/* client/event_correlate: which events are worth sending, and which only count on one that was sent.
 *
 * Keeps what it has seen of the latest EVENT_CACHE_MAX kinds of events: equal ones become a higher count of
 * the first; many that differ in the message alone become one; of one source about one object only some pass.
 * One thread.
 *
 * CONFORMS: upstream's event correlator.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct core_event;
struct event_correlator;

#define EVENT_CACHE_MAX 4096u
#define EVENT_SIMILAR_MAX 10u     /* different messages until they are combined */
#define EVENT_SIMILAR_SECONDS 600 /* in so long */
#define EVENT_BURST 25u           /* of one source about one object */
#define EVENT_REFILL_SECONDS 300  /* and one more each */

struct event_correlator *event_correlator_new(void);
void event_correlator_free(struct event_correlator *c);

enum event_fate {
    EVENT_CREATE, /* as it is now */
    EVENT_PATCH,  /* name, count, message and times are those to patch into the one that was sent */
    EVENT_DROP,
};

/* Changes the event's name, message, count and first time as needed (new texts in the arena). *ret_key: for
 * event_correlator_sent. */
enum event_fate event_correlate(struct event_correlator *c, struct core_event *e, int64_t now_ns,
                                struct arena *a, uint64_t *ret_key);

/* It is on the server under this name. */
void event_correlator_sent(struct event_correlator *c, uint64_t key, const struct core_event *e);
