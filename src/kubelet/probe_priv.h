/* What the files of probe_run share. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct err;

/* Connects by TCP within so long. ret_fd NULL: closes again. ERR_IO with the system's word. */
int probe_connect(struct str host, uint16_t port, int64_t timeout_ms, int *ret_fd, struct err *err);

/* grpc.health.v1.Health/Check; 0 when it says SERVING. */
int probe_grpc_check(struct str host, uint16_t port, struct str service, int64_t timeout_ms, struct err *err);
