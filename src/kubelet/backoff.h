/* kubelet/backoff: delays that double with each failure of the same thing: container restarts and image
 * pulls.
 *
 * CONFORMS: upstream's flowcontrol.Backoff: the first time there is no delay; 10 s doubling to 300 s;
 * forgotten after twice the longest delay without a failure. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#define BACKOFF_MIN_NS 10000000000ll
#define BACKOFF_MAX_NS 300000000000ll

/* Embed by value; one backoffs_init first. */
struct backoffs {
    struct mutex lock;
    struct map map;
    int64_t min_ns, max_ns;
};

void backoffs_init(struct backoffs *b, int64_t min_ns, int64_t max_ns);
void backoffs_fini(struct backoffs *b);

/* How long to wait yet after something that happened at event_ns; 0: go on. All times by the wall clock. */
int64_t backoff_remaining(struct backoffs *b, struct str key, int64_t event_ns, int64_t now_ns);

/* The same after the last try. */
int64_t backoff_remaining_since_try(struct backoffs *b, struct str key, int64_t now_ns);

/* The present delay of the key; 0: none. */
int64_t backoff_delay(struct backoffs *b, struct str key);

/* Notes a try after the event: the next one has to wait longer. */
void backoff_next(struct backoffs *b, struct str key, int64_t event_ns, int64_t now_ns);

void backoff_forget(struct backoffs *b, struct str key);

/* Drops entries that no longer mean anything. */
void backoff_collect(struct backoffs *b, int64_t now_ns);
