/* api/validation: which addresses may be ends of connections. */
#pragma once

#include <stdbool.h>

#include "api/field_error.h"

/* Not unspecified, loopback or link-local. What is no address at all is left to others. */
bool check_endpoint_ip(struct field_errors *e, const struct field_path *p, struct str ip);
