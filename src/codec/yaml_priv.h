/* codec/yaml_priv: what reading and writing YAML share: what a scalar stands for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct buf;

enum yaml_kind {
    YAML_NULL,
    YAML_BOOL,
    YAML_INT,
    YAML_UINT, /* an integer beyond int64 */
    YAML_FLOAT,
    YAML_TIME, /* looks like a time; still a string in JSON */
    YAML_MERGE,
    YAML_STR,
};

struct yaml_scalar {
    enum yaml_kind kind;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double d; /* may be infinite or NaN */
    };
};

/* What a plain scalar stands for. CONFORMS: go-yaml v2. */
struct yaml_scalar yaml_resolve(struct str s);

/* Whether an old reader would take the text for a number to base 60: "1:30". */
bool yaml_is_base60(struct str s);

/* A finite double in Go's %g form with the fewest digits that read back: "1e+06", "0.5". `single` rounds to
 * float first. */
void yaml_put_float(struct buf *out, double d, bool single);
