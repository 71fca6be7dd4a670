/* events: what happened to an object, told to its users as Event objects.
 *
 * A recorder belongs to one component. Recording never blocks and never fails the caller: events go through a
 * bounded queue; equal ones are counted on one Event (patch of count and lastTimestamp), many alike become
 * one "(combined from similar events)", and each source and object has a rate limit. Any thread.
 *
 * CONFORMS: upstream's event correlation: cache of 4,096, aggregation after 10 in 10 minutes, burst 25 and
 * one each 5 minutes a source and object.
 */
#pragma once

#include "base/str.h"

struct client;
struct core_object_reference;
struct err;
struct event_recorder;
struct kind;
struct loop;
struct meta_object_meta;
struct object;

/* component: source.component and reportingController ("deployment-controller"); host: source.host, "" for
 * none. */
int event_recorder_new(struct client *c, struct loop *loop, const char *component, struct str host,
                       struct event_recorder **ret, struct err *err);
/* Sends what waits (for at most a second), waits for the answer that is under way, then frees: the loop may
 * end afterwards. NULL is fine. */
void event_recorder_free(struct event_recorder *r);

/* The same queue under another component's name. */
struct event_recorder *event_recorder_as(struct event_recorder *r, const char *component);

/* type: "Normal" or "Warning". r NULL: nothing happens. */
void event_record(struct event_recorder *r, const struct object *about, const char *type, const char *reason,
                  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* About something that is no object at hand, or a part of one (fieldPath). */
void event_record_ref(struct event_recorder *r, const struct core_object_reference *about, const char *type,
                      const char *reason, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
