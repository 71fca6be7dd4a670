/* kubelet/last_words: what a container that has ended says about it: its termination message.
 *
 * CONFORMS: kubelet.tsv, termination message: at most 4,096 bytes of the file, the last ones; when that is
 * empty, the container failed and it asks for that, the end of its log: 80 lines, 2,048 bytes. Blocks;
 * workers. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct arena;

struct last_words {
    const char *file;     /* where the container may have written it */
    bool from_log;        /* else the log may speak for it */
    const char *logs_dir; /* of all logs */
    struct str log;       /* the container's, below it */
};

/* "" when there is none. In the arena. */
struct str last_words_read(const struct last_words *w, struct arena *a);
