/* ctl/editing: objects in the user's editor. First thread. */
#pragma once

#include "ctl/print.h"
#include "ctl/target.h"

/* Opens what is to be edited as YAML (or JSON with -o json), again and again until store takes it or nothing
 * is changed any more; the server's refusals stand in the file as comments. Says what became of it. */
int edit_object(struct ctl *c, const struct target *t, const struct jval *object, struct printer *pr,
                int (*store)(struct ctl *c, const struct target *t, const struct jval *edited,
                             struct printer *pr, struct problem *p),
                struct problem *p);
