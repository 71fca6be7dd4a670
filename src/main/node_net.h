/* main/node_net: the pod network, services and DNS of a node. */
#pragma once

struct client;
struct err;
struct node_identity;
struct node_net;
struct node_options;

/* Before the runtime starts: the folders it looks into for its CNI plugin. */
int node_net_prepare(const struct node_options *o, const struct node_identity *id, struct err *err);

int node_net_start(const struct node_options *o, const struct node_identity *id, struct client *c,
                   struct node_net **ret, struct err *err);

/* Packets go on flowing. NULL is fine. */
void node_net_stop(struct node_net *n);

/* Takes links, routes and rules away, too. */
void node_net_remove(struct node_net *n);
