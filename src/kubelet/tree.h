/* kubelet/tree: whole folders that others may write to meanwhile: removing them, giving them to a group.
 *
 * Everything goes through descriptors, symbolic links are never followed, and file systems are never crossed:
 * what is mounted inside a folder is somebody else's data. Blocking; workers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

#define TREE_DEPTH_MAX 256

/* Removes what lies at dir_fd/name, a folder with its content or anything else; fine when there is nothing.
 * ERR_CONFLICT when something is mounted inside: nothing of that is touched. */
int tree_remove_at(int dir_fd, const char *name, struct err *err);
int tree_remove(const char *path, struct err *err);

/* Regular files in it, at any depth. */
unsigned long tree_count_files(int dir_fd);

/* What it takes on the disk, other file systems inside it left out. 0: it is not there. */
uint64_t tree_bytes(const char *path);

/* Everything below and including path belongs to the group then, which may read it, write it unless
 * read_only, and enter folders; new files inherit the group (setgid). CONFORMS: fsGroup. */
int tree_give_to_group(const char *path, int64_t gid, bool read_only, struct err *err);

/* Whether the folder itself is the group's already, with the right mode (fsGroupChangePolicy OnRootMismatch).
 */
bool tree_root_is_of_group(const char *path, int64_t gid, bool read_only);
