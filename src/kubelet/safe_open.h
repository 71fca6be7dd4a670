/* kubelet/safe_open: opening paths that a pod has a hand in, without leaving their folder.
 *
 * A container can replace any part of a path in its volumes by a symbolic link at any moment. openat2(2)
 * resolves the path inside the folder in one step, so there is no moment in between: links that lead out end
 * at the folder (RESOLVE_IN_ROOT) or fail. What was opened is then used through its descriptor
 * (/proc/self/fd), never by name again. Any thread; descriptors are close-on-exec and the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

struct buf;
struct err;

enum safe_links {
    SAFE_LINKS_INSIDE, /* symbolic links are followed as if the folder were the root */
    SAFE_LINKS_NONE,   /* any symbolic link is an error */
};

/* Opens path (relative, "" and "." are the folder itself) below the folder. flags as of open(2); O_PATH for
 * mounting. ERR_INVALID for absolute paths and "..". */
int safe_open_in(int dir_fd, struct str path, int flags, mode_t mode, enum safe_links links, int *ret_fd,
                 struct err *err);

/* Makes the folders of path that are missing, and opens the last with O_PATH. */
int safe_mkdir_in(int dir_fd, struct str path, mode_t mode, int *ret_fd, struct err *err);

/* Appends a regular file's content; a device, a pipe or a socket is ERR_INVALID. */
int safe_read_in(const char *dir, struct str path, size_t limit, struct buf *ret, struct err *err);

/* Relative, and without "..", empty parts and NUL bytes. */
bool safe_path_is_local(struct str path);
