/* api/default: values that the API server fills in where a client left fields out.
 *
 * Called on an object that was just read, before it is checked and stored; objects that have all their
 * defaults stay as they are. Works on a packed object in the caller's arena, which it edits in place; memory
 * is taken only for what is added. Any thread, as long as nobody else sees the object yet.
 */
#pragma once

#include "api/schema.h"

struct arena;
struct clock;

/* type is one of the built-in set. Names and namespaces are not filled in here: they come from the request.
 * The clock gives the time where "now" is a default. */
void api_default(struct arena *a, const struct ty_set *set, uint32_t type, void *object,
                 const struct clock *clock);
