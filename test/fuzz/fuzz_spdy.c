/* SPDY/3.1: frames from a client. The first byte is for the world. */
#include "fuzz/channel_world.h"
#include "fuzz/fuzz.h"
#include "net/spdy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    channel_world_begin(data[0]);
    struct channels *cs =
        spdy_new(&channel_world_ops, NULL, channel_world_transport(), S("v4.channel.k8s.io"));
    channel_world_run(&spdy_raw_ops, cs, data + 1, n - 1);
    return 0;
}
