/* kubelet/atomic_writer: a folder of files that changes as a whole.
 *
 * What a reader in a container sees is either all of the old or all of the new content. CONFORMS: upstream's
 * layout: files lie in a folder "..<time>.<random>", the link "..data" names the present one and is replaced
 * by a rename, and each first part of a path is a link to "..data/<part>". Who holds a file open keeps its
 * content.
 *
 * Only the kubelet writes in such folders (containers have them read-only). Blocking; workers. One writer per
 * folder at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct clock;
struct err;
struct rand;

struct atomic_file {
    struct str path; /* relative, without ".." and not beginning with it */
    struct str content;
    mode_t mode;
    int64_t uid; /* -1: root */
};

struct atomic_options {
    int64_t gid; /* group of everything, which may read it; -1: none (fsGroup) */
    struct clock *clock;
    struct rand *rand;
};

/* Makes the folder hold just these files; nothing happens when it does already. *ret_changed may be NULL. Of
 * files with the same path the last counts. ERR_INVALID for a bad path. */
int atomic_write(const char *dir, const struct atomic_file *files, size_t n,
                 const struct atomic_options *options, bool *ret_changed, struct err *err);
