/* test/golden: upstream's own vectors: every kind of the API with all fields filled, as protobuf in its
 * envelope and as JSON. Two files a kind: <group>.<version>.<Kind>.pb and .json; the core group is "core". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

#define GOLDEN_MAX 256

struct golden {
    const char *name; /* file name without its ending */
    uint32_t type;    /* of `builtin`: the kind itself or a version of the same wire format; 0: retired */
    bool own;         /* the kind itself, so that field names are the same as well */
    struct str pb;    /* the file */
    struct str json;  /* the file, compact */
};

/* All vectors by name, in the arena. Returns how many. */
size_t golden_load(struct arena *a, struct golden out[GOLDEN_MAX]);
