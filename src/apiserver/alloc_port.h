/* apiserver/alloc_port: NodePorts: which ports services have on every node.
 *
 * The truth is what is stored: service_ports_repair reads all services at start (and now and then). Ports
 * that clients do not choose come from the upper part of the range first; the lower part (16 to 128 ports) is
 * left for those who do. CONFORMS: KEP-3668.
 *
 * Any thread; decisions are made under one lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct apiserver;
struct err;
struct service_ports;

/* range: "30000-32767". */
int service_ports_new(struct apiserver *server, struct str range, struct service_ports **ret,
                      struct err *err);
void service_ports_free(struct service_ports *s);

/* Takes a port for a call, until service_ports_drop or service_ports_stored. holder: anything that names the
 * call; what it holds already it may take again. ERR_EXISTS, ERR_INVALID, ERR_NO_SPACE with upstream's texts.
 */
int service_ports_take(struct service_ports *s, int port, const void *holder, struct err *err);
int service_ports_take_any(struct service_ports *s, const void *holder, int *ret_port, struct err *err);

/* Forgets what the call has taken and was not stored. */
void service_ports_drop(struct service_ports *s, const void *holder);

/* A service has the port now, or no longer. */
void service_ports_stored(struct service_ports *s, int port);
void service_ports_released(struct service_ports *s, int port);

/* Reads all services; ports that none has are free again. */
void service_ports_repair(struct service_ports *s);

unsigned service_ports_count(struct service_ports *s);
