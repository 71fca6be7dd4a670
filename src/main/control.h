/* main/control: the control plane in one process: the API server, and the controllers and the scheduler as
 * clients within it, which share its objects.
 *
 * Start and stop from the process's first thread. Options are borrowed until control_stop has returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/server.h"
#include "base/str.h"

struct control;
struct err;

struct control_options {
    struct apiserver_options api;
    const char *cluster_cidr;      /* addresses of pods; NULL: 10.244.0.0/16 */
    bool leader_elect;             /* several servers on one store */
    int64_t node_monitor_grace_ns; /* a node that says nothing for so long is not ready; 0: 50 s */
    const char *node_token_file;   /* a token for the node of this machine is kept there; NULL: none */
};

int control_start(const struct control_options *o, struct control **ret, struct err *err);
void control_stop(struct control *c, unsigned drain_ms);
struct apiserver *control_apiserver(struct control *c);
