/* test/fuzz/channel_world: an owner of channels on a transport in memory, who does by the bytes he gets what
 * owners do, at the worst of times. */
#pragma once

#include <stdint.h>

#include "net/channels.h"
#include "net/transport.h"

/* how: the transport fills up after some writes (& 1); pieces of 2^(how >> 4). */
void channel_world_begin(uint8_t how);
extern const struct channels_ops channel_world_ops;
struct transport channel_world_transport(void);

/* Feeds all of it, ends the transport, and checks that the owner was told once. */
void channel_world_run(const struct http_raw_ops *up, void *user, const uint8_t *data, size_t n);
