/* apiserver/client_local: the in-process client (client/client.h): calls go straight to the registry,
 * informers read the cache. No copy of objects, no serialisation; authorisation and admission as for anybody.
 */
#pragma once

#include "client/client.h"

struct apiserver;
struct user;

/* loop: where calls go on after waiting for the store (NULL in a simulation: the simulation's). The user is
 * copied. Ends with client_free, before the server. */
int client_local_new(struct apiserver *server, const struct user *user, struct loop *loop,
                     struct client **ret, struct err *err);
