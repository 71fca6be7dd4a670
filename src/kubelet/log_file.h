/* kubelet/log_file: logs of containers as the runtime writes them: reading, following, rotating.
 *
 * CONFORMS: CRI's format, a line "<RFC 3339 time> <stdout|stderr> <tags> <text>" each, where tag P says that
 * the line goes on; upstream's rotation (kubelet.tsv: log). A follower goes on reading a file that was
 * rotated away to its end and then takes the new one.
 *
 * Paths are relative to the folder of all logs and are opened without following links: who can write to a log
 * folder cannot make the kubelet read something else. Blocking; workers. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct clock;
struct err;

#define LOG_FILE_LINE_MAX (1u << 20)

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

struct log_entry {
    struct str time; /* as it is written */
    int64_t time_ns; /* since 1970 */
    enum log_stream stream;
    bool partial; /* goes on in the next entry of the stream */
    struct str text;
};

/* A line without its newline. False when it is malformed. */
bool log_entry_parse(struct str line, struct log_entry *ret);

struct log_query {
    int64_t tail_lines;  /* only so many from the end; -1: all */
    int64_t since_ns;    /* only from this wall time on; INT64_MIN: all */
    int64_t limit_bytes; /* of output; -1: none */
    bool timestamps;
    unsigned streams; /* enum log_stream; 0: both */
    /* Gets the output piece by piece, borrowed for the call. A code ends the reading and is returned. */
    int (*write)(void *arg, enum log_stream stream, struct str text);
    void *arg;
    /* Not NULL: at the end, waits for more as long as this is true (asked about once a second and after each
     * change); what was written before is still read. */
    bool (*follow)(void *arg);
    int stop_fd; /* readable: ends following; -1: none */
};
#define LOG_QUERY_ALL                                                                                        \
    { .tail_lines = -1, .since_ns = INT64_MIN, .limit_bytes = -1, .stop_fd = -1 }

/* ERR_NOT_FOUND when there is no such log. */
int log_file_read(const char *logs_dir, struct str path, const struct log_query *q, struct err *err);

struct log_rotation {
    const char *path; /* of the log, absolute */
    int64_t max_bytes;
    unsigned max_files; /* with the present one, at least 2 */
    struct clock *clock;
    /* Makes the runtime write to path anew (ReopenContainerLog). When it fails, the file goes back. */
    int (*reopen)(void *arg, struct err *err);
    void *arg;
};

/* Rotates when the log is larger than max_bytes: <path>.<time>; older ones are compressed and the oldest
 * removed. */
int log_file_rotate(const struct log_rotation *r, bool *ret_rotated, struct err *err);

/* Removes the log, its rotated files and leavings. */
int log_file_remove(const char *path, struct err *err);
