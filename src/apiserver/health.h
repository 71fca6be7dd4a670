/* apiserver/health: whether the server is alive and ready, check by check. Any thread.
 *
 * CONFORMS: /livez, /readyz, /healthz with ?verbose, ?exclude and a path for each check.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct apiserver;
struct front_call;

/* path: "livez", "readyz" or "healthz", and the name of a check behind it. False: there is no such thing. */
bool health_serve(struct front_call *f, struct str path);

/* Whether all checks of readyz pass. */
bool health_ready(struct apiserver *s);
