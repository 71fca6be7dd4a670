/* apiserver/front: the HTTP door: from a request to a call, and from its answer to a response.
 *
 *     http handler → request_info_parse → authn → impersonation → authz → paths of the server (path.h)
 *                                                                      → proxies (node_proxy.h)
 *                                                                      → lists and watches (list.h, watch.h)
 *                                                                      → registry_run → respond.h
 *
 * A request runs on the loop of its connection. It lives in a struct front_call (front_priv.h), which ends
 * when the answer is sent, or, when the peer has gone meanwhile, when what it waits for has come.
 */
#pragma once

#include <stdbool.h>

struct apiserver;
struct err;
struct front;
struct http_request;

struct front *front_new(struct apiserver *server);
/* After the HTTP server has stopped. NULL is fine. */
void front_free(struct front *f);

/* An http_handler_fn; arg: the front. */
void front_handle(void *arg, struct http_request *r);
