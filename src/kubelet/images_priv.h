/* What the files of images share. Locks: pulling (one pull at a time), lock (used). */
#pragma once

#include "base/map.h"
#include "base/thread.h"
#include "kubelet/backoff.h"
#include "kubelet/images.h"

struct images {
    struct runtime *runtime;
    struct clock *clock;
    struct backoffs backoffs;
    struct mutex pulling;
    struct mutex lock;
    struct map used; /* image id → wall time in ns when it was last asked for */
};

void image_used(struct images *i, struct str id);
