/* apiserver/list_token: where a list goes on: the continue token. CONFORMS: upstream's form. Any thread. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

struct list_token {
    int64_t revision; /* of the state; -1: the newest */
    struct str after; /* key of the last item, without the list's namespace */
};

struct str list_token_write(struct arena *a, const struct list_token *t);
/* ERR_INVALID. */
int list_token_read(struct arena *a, struct str text, struct list_token *ret, struct err *err);
