/* WebSockets with channels: frames from a client. The first byte is for the world, two of its bits choose the
 * protocol: v4, v5, base64, or SPDY inside. */
#include "fuzz/channel_world.h"
#include "fuzz/fuzz.h"
#include "net/spdy.h"
#include "net/websocket.h"
#include "net/ws_channels.h"

static struct websocket *with_channels(uint8_t which) {
    static const struct str types[] = {STR_INIT("stdin"), STR_INIT("stdout"), STR_INIT("stderr")};
    static const struct channels_offer offer = {.types = types, .n_types = 3};
    static const struct str protocols[] = {STR_INIT("v4.channel.k8s.io"), STR_INIT("v5.channel.k8s.io"),
                                           STR_INIT("v4.base64.channel.k8s.io")};
    struct websocket *ws;
    struct channels *cs =
        ws_channels_new(&channel_world_ops, NULL, channel_world_transport(), protocols[which], &offer, &ws);
    (void)cs; /* opened by the first message */
    return ws;
}

static struct websocket *with_tunnel(void) {
    struct websocket *ws;
    struct ws_tunnel *t = ws_tunnel_new(&spdy_raw_ops, channel_world_transport(), &ws);
    ws_tunnel_set_user(t,
                       spdy_new(&channel_world_ops, NULL, ws_tunnel_transport(t), S("portforward.k8s.io")));
    return ws;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    uint8_t which = data[0] >> 2 & 3;
    channel_world_begin(data[0]);
    channel_world_run(&websocket_raw_ops, which == 3 ? with_tunnel() : with_channels(which), data + 1, n - 1);
    return 0;
}
