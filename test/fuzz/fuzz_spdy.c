/* SPDY/3.1: frames from a client, or (& 8) from a server. The first byte is for the world. */
#include "fuzz/channel_world.h"
#include "fuzz/fuzz.h"
#include "net/spdy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    channel_world_begin(data[0]);
    struct transport t = channel_world_transport();
    struct str protocol = S("v4.channel.k8s.io");
    struct channels *cs = data[0] & 8 ? spdy_client_new(&channel_world_ops, NULL, t, protocol)
                                      : spdy_new(&channel_world_ops, NULL, t, protocol);
    struct http_header h = {S("streamtype"), S("stdin")};
    for (int i = 0; i < 3 && data[0] & 8; i++)
        (void)spdy_open(cs, &h, 1);
    channel_world_run(&spdy_raw_ops, cs, data + 1, n - 1);
    return 0;
}
