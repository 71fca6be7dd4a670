/* client/remote: the client over HTTPS (client.h), for every process that is not the API server.
 *
 * One connection (HTTP/2) for all calls and watches, on a thread of its own; protobuf where we have structs,
 * JSON otherwise. Informers list in pages and then watch, resume where they were after a lost connection, and
 * list again when that is too long ago. Credentials in files are read again when they change; a server that
 * cannot be reached is replaced by the next one.
 */
#pragma once

#include "client/client.h"
#include "client/config.h"

/* Takes over the config (the caller's is empty afterwards, also on failure). Blocks: reads files, runs the
 * credential plugin; does not connect. name: of the user agent and field manager. */
int client_remote_new(struct client_config *config, struct str name, struct client **ret, struct err *err);
