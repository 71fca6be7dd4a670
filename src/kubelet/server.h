/* kubelet/server: port 10250: logs, exec, attach, port-forward, statistics, metrics; and health on 10248.
 *
 * TLS with client certificates; bearer tokens are reviewed by the API server, and so is what a client may do
 * (cached: allowed 5 minutes, refused 30 s). CONFORMS: kubelet.tsv, server.
 *
 * Handlers run on the server's loops; what blocks goes to the pods' workers.
 */
#pragma once

struct err;
struct kubelet;
struct kubelet_server;

int kubelet_server_start(struct kubelet *k, struct kubelet_server **ret, struct err *err);

/* Streams under way are ended. NULL is fine. */
void kubelet_server_stop(struct kubelet_server *s);
