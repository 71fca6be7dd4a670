/* runtime/containerd_events: containerd's own events, for versions whose CRI has none (before 1.7).
 *
 * CONFORMS: containerd's Events service: envelopes of a topic and a message. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define CONTAINERD_EVENTS_PATH "/containerd.services.events.v1.Events/Subscribe"

struct buf;

/* The request for the events that tell of containers. */
void containerd_events_request(struct buf *out);

/* The container of an envelope and what happened to it (CRI's ContainerEventType); false for what is of no
 * interest (other topics, further processes of a container) and for what is malformed. Borrows from the
 * message. */
bool containerd_event_parse(struct str message, struct str *ret_container, int32_t *ret_type);
