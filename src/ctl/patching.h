/* ctl/patching: patches on this side: what the schema says of an object, and applying them. First thread. */
#pragma once

#include "api/kind.h"
#include "api/strategic.h"
#include "ctl/call.h"

/* The schema of an object's kind, as far as it is known here; else a pos without a set. */
struct pos patch_schema(const struct jval *object);
/* Strategic patches of unknown kinds are merge patches. */
int patch_locally(struct ctl *c, enum patch_type type, const struct jval *object, const struct jval *patch,
                  struct jval *ret, struct problem *p);
/* The difference between two states of an object as a patch, so that what others changed meanwhile stays. */
int patch_between(struct ctl *c, const struct jval *before, const struct jval *after,
                  enum patch_type *ret_type, struct str *ret_patch, struct problem *p);
