/* main/node_identity: who the node is: its name, its address, its certificates, which renew themselves.
 *
 * Files in DIR/node: ca.crt, client.crt, client.key, serving.crt, serving.key. First thread; renewing has one
 * of its own.
 */
#pragma once

#include "api/value.h"
#include "base/str.h"

struct arena;
struct client;
struct err;
struct identity_renewal;
struct node_options;

struct node_identity {
    const char *dir;
    struct str name, ip;
    const char *ca, *client_cert, *client_key, *serving_cert, *serving_key; /* paths */
};

/* The name that was asked for, or the host's, in lower case; the address of this machine on the route to the
 * server (https://host:port); "key=value" texts, NULL-terminated (NULL: none), as labels. In the arena. */
struct str node_identity_name(const char *asked, struct arena *a);
struct str node_identity_address(const char *server, struct arena *a);
struct str_map node_identity_labels(const char *const *labels, struct arena *a);

/* Finds out, and joins when there is no certificate that is good for a while. Texts in the arena. */
int node_identity_make(const struct node_options *o, struct arena *a, struct node_identity *ret,
                       struct err *err);

/* A client as this node, whose certificate is read again when it changes. */
int node_identity_client(const struct node_options *o, const struct node_identity *id, struct client **ret,
                         struct err *err);

/* The serving certificate; as the node, which must be registered for that to be signed. */
int node_identity_serving(struct client *c, const struct node_identity *id, struct err *err);

/* Looks every hour whether two thirds of a certificate's life have passed, and gets a new one. */
int identity_renewal_start(struct client *c, const struct node_identity *id, struct identity_renewal **ret,
                           struct err *err);
void identity_renewal_stop(struct identity_renewal *r);
