/* main/admin: a client as the administrator, by the kubeconfig file of this machine's cluster. Blocks. */
#pragma once

struct arena;
struct client;
struct err;
struct layout;
struct str;

int admin_client(const struct layout *l, struct client **ret, struct err *err);

/* The cluster's authority, out of the same file. */
int admin_ca(const struct layout *l, struct arena *a, struct str *ret_pem, struct err *err);
