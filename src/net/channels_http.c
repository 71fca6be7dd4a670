/* From a request to channels. See channels.h. */
#include "net/channels_priv.h"
#include "net/spdy.h"
#include "net/websocket.h"
#include "net/ws_channels.h"

#define TUNNEL "SPDY/3.1+"

static bool spdy_asked(struct http_request *r) {
    return http_list_has(http_header(r, S("connection")), S("upgrade")) &&
           http_list_has(http_header(r, S("upgrade")), S("SPDY/3.1"));
}

bool channels_asked(struct http_request *r) {
    return http_in(r)->version == 1 && (spdy_asked(r) || websocket_asked(r));
}

static struct str names(struct http_request *r, const struct str *v, size_t n) {
    return arena_join(http_arena(r), v, n, S(", "));
}

/* CONFORMS: 403 with what would be accepted, as clients of upstream expect. */
static int refuse(struct http_request *r, struct str asked, const struct str *ours, size_t n,
                  struct err *err) {
    struct http_header h[] = {{S("content-type"), S("text/plain; charset=utf-8")},
                              {S("x-accepted-stream-protocol-versions"), names(r, ours, n)}};
    struct str text = arena_printf(http_arena(r),
                                   "unable to upgrade: unable to negotiate protocol: client supports [%.*s], "
                                   "server accepts [%.*s]",
                                   STR_ARG(asked), STR_ARG(h[1].value));
    int rc = err_set(err, ERR_UNSUPPORTED, "%.*s", STR_ARG(text));
    struct http_chunk body = {.bytes = text};
    http_respond(r, 403, h, 2, &body, 1);
    return rc;
}

static int upgrade_spdy(struct http_request *r, const struct channels_offer *offer,
                        const struct channels_ops *ops, void *user, struct channels **ret, struct err *err) {
    struct str name = S("x-stream-protocol-version");
    struct str protocol = http_choose(r, name, offer->spdy, offer->n_spdy);
    if (!protocol.p)
        return refuse(r, http_header(r, name), offer->spdy, offer->n_spdy, err);
    struct http_header h = {name, protocol};
    *ret = spdy_new(ops, user, http_transport(r), protocol);
    return http_upgrade(r, S("SPDY/3.1"), &h, protocol.n ? 1 : 0, &spdy_raw_ops, *ret, err);
}

/* SPDY within a WebSocket. */
static int upgrade_tunnel(struct http_request *r, struct str protocol, const struct channels_ops *ops,
                          void *user, struct channels **ret, struct err *err) {
    struct websocket *ws;
    struct ws_tunnel *tunnel = ws_tunnel_new(&spdy_raw_ops, http_transport(r), &ws);
    struct str inner = str_from_byte(protocol, sizeof TUNNEL - 1);
    struct channels *cs = spdy_new(ops, user, ws_tunnel_transport(tunnel), inner);
    ws_tunnel_set_user(tunnel, cs);
    *ret = cs;
    int rc = websocket_accept(r, protocol, ws, err);
    if (rc < 0) {
        ws_tunnel_discard(tunnel);
        cs->impl->free(cs);
        *ret = NULL;
    }
    return rc;
}

static int upgrade_websocket(struct http_request *r, const struct channels_offer *offer,
                             const struct channels_ops *ops, void *user, struct channels **ret,
                             struct err *err) {
    struct str name = S("sec-websocket-protocol");
    struct str protocol = websocket_choose(r, offer->websocket, offer->n_websocket);
    struct websocket *ws;
    if (!protocol.p)
        return refuse(r, http_header(r, name), offer->websocket, offer->n_websocket, err);
    if (str_has_prefix(protocol, S(TUNNEL)))
        return upgrade_tunnel(r, protocol, ops, user, ret, err);
    struct channels *cs = ws_channels_new(ops, user, http_transport(r), protocol, offer, &ws);
    *ret = cs;
    channels_enter(cs); /* it may end amid the upgrade */
    int rc = websocket_accept(r, protocol, ws, err);
    if (rc == 0)
        ws_channels_start(cs);
    channels_leave(cs);
    if (rc < 0) {
        ws_channels_discard(cs);
        *ret = NULL;
    }
    return rc;
}

int channels_upgrade(struct http_request *r, const struct channels_offer *offer,
                     const struct channels_ops *ops, void *user, struct channels **ret_channels,
                     struct err *err) {
    struct str why = S("unable to upgrade: the request asks neither for SPDY/3.1 nor for a WebSocket");
    if (channels_asked(r) && spdy_asked(r))
        return upgrade_spdy(r, offer, ops, user, ret_channels, err);
    if (channels_asked(r))
        return upgrade_websocket(r, offer, ops, user, ret_channels, err);
    http_respond_text(r, 400, S("text/plain; charset=utf-8"), why);
    return err_set(err, ERR_INVALID, "%.*s", STR_ARG(why));
}
