/* What the files of the in-process client share. Inside apiserver/client_local*.c only.
 *
 * client_local.c         calls
 * client_local_source.c  where informers take their state and events from
 */
#pragma once

#include "apiserver/client_local.h"
#include "apiserver/server_priv.h"
#include "apiserver/user.h"
#include "base/arena.h"
#include "base/thread.h"

struct local {
    struct client client; /* first */
    struct apiserver *server;
    struct loop *loop;
    struct loop *own_loop; /* of a simulation; freed with the client */
    struct user user;
    struct arena arena; /* the user's texts */

    struct mutex lock; /* all that follows */
    struct cond idle;
    unsigned in_flight;
    bool closed;
};

int local_open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                      struct err *err);
