/* Binds pods to the node that has the fewest, where no scheduler does it: for tests of other parts. */
#pragma once

struct client;
struct loop;
struct placer;
struct workers;

struct placer *placer_start(struct client *client, struct loop *loop, struct workers *workers);
void placer_stop(struct placer *p);
