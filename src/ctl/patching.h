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
