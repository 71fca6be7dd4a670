/* base/file: whole files and descriptors.
 *
 * Blocking calls: for start-up, workers and helpers, never on a loop's thread. Any thread; nothing is kept.
 * Descriptors are opened close-on-exec.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

struct buf;
struct err;

/* Appends the content to *ret. ERR_TOO_LARGE when it has more than limit bytes; on failure *ret is as it was.
 * Works for files of unknown size (/proc, pipes). */
int file_read(const char *path, size_t limit, struct buf *ret, struct err *err);

/* The same from an open descriptor, from its current position to the end. */
int fd_read_all(int fd, size_t limit, struct buf *ret, struct err *err);

/* Writes everything, across short writes and EINTR. */
int fd_write_all(int fd, struct str data, struct err *err);

/* Replaces the file's content as a whole: after a crash or power loss there is either the old or the new
 * content. The file gets exactly this mode (no umask). Writes a temporary file beside it, syncs it, renames
 * it, syncs the directory. A symbolic link at path is replaced, not followed. */
int file_write_atomic(const char *path, struct str data, mode_t mode, struct err *err);

/* Makes the directory and its missing parents with this mode (less umask); fine when it exists. */
int file_mkdir_p(const char *path, mode_t mode, struct err *err);

/* Removes a file; fine when there is none. */
int file_remove(const char *path, struct err *err);

/* Makes names created, renamed or removed in the directory durable. */
int file_sync_dir(const char *path, struct err *err);

bool file_exists(const char *path);

/* `_cleanup_fd int fd = -1;` closes at scope end; fd_take gives it away. */
void fd_close(int *fd);
#define _cleanup_fd __attribute__((cleanup(fd_close)))

static inline int fd_take(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}
