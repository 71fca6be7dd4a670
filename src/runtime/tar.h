/* runtime/tar: a tar archive built in memory, for small images. CONFORMS: POSIX ustar. Any thread; the buffer
 * belongs to the caller. Times are zero, owners root, so that equal content gives equal bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct buf;

#define TAR_NAME_MAX 99u

/* A file, or with a name that ends with '/' a directory. The name must not be longer than TAR_NAME_MAX. */
void tar_add(struct buf *out, struct str name, uint32_t mode, struct str content);

/* The end of the archive. */
void tar_end(struct buf *out);
