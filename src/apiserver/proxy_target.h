/* apiserver/proxy_target: where a proxied request goes: to which address, port and path. Reads the cache;
 * does not block; any thread.
 *
 * CONFORMS: the kubelet's paths (/exec, /attach, /portForward, /containerLogs), names of the form
 * scheme:name:port, the containers that may be left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/request.h"
#include "net/translate.h"

struct apiserver;
struct arena;
struct status;

struct proxy_target {
    struct str address;
    uint16_t port;
    bool tls;
    bool kubelet;       /* our client certificate is shown */
    struct str path;    /* with the query, encoded */
    bool must_upgrade;  /* of no use without an upgrade */
    bool streams_named; /* exec and attach: */
    struct translate_streams streams;
};

/* 0, or negative with *ret_status. query: raw. */
int proxy_target_find(struct apiserver *s, const struct request_info *i, struct str query, struct arena *a,
                      struct proxy_target *ret, struct status **ret_status);
