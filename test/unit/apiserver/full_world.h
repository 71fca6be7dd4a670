/* A server_world with everything that admission and strategies need: authorisers, the chain, addresses
 * 10.96.0.0/24, ports 30000-30063, and a namespace "default" with its account. */
#pragma once

#include "server_world.h"

void full_world_init(struct server_world *w);
void full_world_fini(struct server_world *w);

/* Ends what calls so far hold (reservations): forgets all answers. */
void full_world_end_calls(struct server_world *w);

/* What is posted must succeed with 201. */
struct server_answer full_world_make(struct server_world *w, const char *url, const char *json);

/* Who asks from now on: groups with a comma between them. */
void full_world_be(struct server_world *w, const char *name, const char *groups);

/* Simulated time passes; what is due happens. */
void full_world_pass(struct server_world *w, int64_t seconds);
