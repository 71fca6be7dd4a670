/* main/backup_file: what backup writes and restore reads: a folder of files in one compressed archive, with
 * checksums.
 *
 * CONFORMS to nothing but itself: a tar with gzip; the first entry, manifest.json, names every file with its
 * SHA-256. The first thread.
 */
#pragma once

#include "base/str.h"

struct arena;
struct err;

struct archived {
    struct str name;  /* in the archive: "server/state.db" */
    const char *path; /* of the file that is read */
};

/* Writes a new file with mode 0600, which is there whole or not at all. Texts of the manifest: versions and
 * the time. */
int backup_file_write(const char *path, const struct archived *v, size_t n, struct str kubernetes,
                      struct str ours, struct str time, struct err *err);

/* Unpacks below a new folder and compares checksums: ERR_CORRUPT when anything is missing, changed, or has no
 * business there. *ret_time: when it was made, in the arena. */
int backup_file_read(const char *path, const char *folder, struct arena *a, struct str *ret_time,
                     struct err *err);
