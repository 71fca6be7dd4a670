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

struct err;
struct front_call;
struct node_proxy;

/* cert and key: paths, of what is shown to kubelets; read again when they change. ca: a file with the
 * authorities of kubelets' serving certificates, which must name the address that is asked; NULL: they are
 * not verified. Paths are borrowed. */
int node_proxy_new(const char *cert, const char *key, const char *ca, struct node_proxy **ret,
                   struct err *err);
void node_proxy_free(struct node_proxy *p);

/* Whether the request is one of these. */
bool node_proxy_wants(const struct request_info *i);

/* Answers: authorised already. */
void node_proxy_serve(struct front_call *f);
