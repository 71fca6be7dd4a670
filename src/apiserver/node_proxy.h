/* apiserver/node_proxy: requests that go on to kubelets: logs, exec, attach, port-forward, and the proxies of
 * nodes, pods and services.
 *
 * Streams both ways with back-pressure, over TLS with the client certificate of kubelets' API. An upgrade
 * becomes a tunnel only when the backend has answered 101; any other answer is passed on as an answer. On the
 * request's loop.
 */
#pragma once

#include <stdbool.h>

#include "apiserver/request.h"

struct front_call;

/* Whether the request is one of these. */
bool node_proxy_wants(const struct request_info *i);

/* Answers: authorised already. */
void node_proxy_serve(struct front_call *f);
