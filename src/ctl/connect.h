/* ctl/connect: what of the connection other files need besides ctl.h. First thread. */
#pragma once

#include "ctl/ctl.h"

/* --request-timeout in milliseconds; an hour where the user wants none. */
int ctl_request_timeout(struct ctl *c, unsigned *ret_ms, struct problem *p);
/* For kubeconfig_load: which file, NULL for the usual ones. */
int ctl_kubeconfig_path(struct ctl *c, const char **ret, struct problem *p);
