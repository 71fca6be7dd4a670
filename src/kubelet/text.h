/* kubelet/text: texts that outlive the arena they came from. Any thread. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* A copy with a NUL, for free(). Aborts when there is no memory. */
static inline char *text_copy(struct str s) {
    char *p = malloc(s.n + 1);
    if (!p)
        panic("out of memory");
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}
