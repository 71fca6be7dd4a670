/* Reading and following logs. See log_file.h. */
#include "kubelet/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "kubelet/safe_open.h"

#define READ_STEP 65536
#define BLOCK 4096
#define FOLLOW_STEP_MS 1000

/* --- one line --- */

static bool take_word(struct str *rest, struct str *ret) {
    return str_split(*rest, ' ', ret, rest);
}

bool log_entry_parse(struct str line, struct log_entry *ret) {
    struct str time, stream, tags, tag, more;
    int64_t sec;
    int32_t nsec;
    if (!take_word(&line, &time) || !take_word(&line, &stream))
        return false;
    if (!take_word(&line, &tags)) { /* an empty text may lack its space */
        tags = line;
        line = S("");
    }
    if (!time_parse(time, TIME_NANO, &sec, &nsec))
        return false;
    bool out = str_eq(stream, S("stdout"));
    if (!out && !str_eq(stream, S("stderr")))
        return false;
    str_split(tags, ':', &tag, &more);
    bool partial = str_eq(tag, S("P"));
    if (!partial && !str_eq(tag, S("F")))
        return false;
    int64_t most = INT64_MAX / 1000000000 - 1; /* the year 2262 */
    sec = sec > most ? most : sec < -most ? -most : sec;
    *ret = (struct log_entry){.time = time,
                              .time_ns = sec * 1000000000 + nsec,
                              .stream = out ? LOG_STDOUT : LOG_STDERR,
                              .partial = partial,
                              .text = line};
    return true;
}

/* --- output --- */

struct reader {
    const struct log_query *q;
    int dir; /* of all logs */
    struct str path;
    int fd;
    int64_t left; /* bytes of output that may still come; -1: any */
    bool full;    /* nothing more may come */
    bool within;  /* of a line: the next part has no timestamp */
    struct buf in;
    struct err *err;
};

static int put(struct reader *r, enum log_stream stream, struct str text) {
    if (r->left >= 0 && (int64_t)text.n >= r->left) {
        text = str_cut(text, (size_t)r->left);
        r->full = true;
    }
    if (r->left >= 0)
        r->left -= (int64_t)text.n;
    return text.n ? r->q->write(r->q->arg, stream, text) : 0;
}

static int put_entry(struct reader *r, const struct log_entry *e) {
    int rc = 0;
    if (r->q->timestamps && !r->within) {
        rc = put(r, e->stream, e->time);
        if (rc == 0 && !r->full)
            rc = put(r, e->stream, S(" "));
    }
    if (rc == 0 && !r->full)
        rc = put(r, e->stream, e->text);
    if (rc == 0 && !r->full && !e->partial)
        rc = put(r, e->stream, S("\n"));
    r->within = e->partial;
    return rc;
}

static int take_line(struct reader *r, struct str line) {
    struct log_entry e;
    if (!log_entry_parse(line, &e) || e.time_ns < r->q->since_ns ||
        (r->q->streams && !(r->q->streams & (unsigned)e.stream)))
        return 0; /* a malformed line is passed over, as upstream does */
    return put_entry(r, &e);
}

static int take_lines(struct reader *r) {
    size_t from = 0;
    int rc = 0;
    while (rc == 0 && !r->full) {
        ptrdiff_t n = str_find_byte(str_from_byte(buf_view(&r->in), from), '\n');
        if (n < 0)
            break;
        rc = take_line(r, str_make(r->in.p + from, (size_t)n));
        from += (size_t)n + 1;
    }
    buf_remove(&r->in, 0, from);
    if (r->in.n > LOG_FILE_LINE_MAX)
        buf_clear(&r->in); /* no log of a runtime */
    return rc;
}

/* What is there up to the end of the file. */
static int read_available(struct reader *r) {
    for (;;) {
        char *to = buf_reserve(&r->in, READ_STEP);
        ssize_t n = read(r->fd, to, READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(r->err, errno, "read log %.*s", STR_ARG(r->path));
        if (n == 0)
            return 0;
        r->in.n += (size_t)n;
        int rc = take_lines(r);
        if (rc || r->full)
            return rc;
    }
}

/* --- where to begin --- */

/* Goes to the beginning of the last n lines. */
static int seek_tail(struct reader *r, int64_t lines) {
    char block[BLOCK];
    off_t end = lseek(r->fd, 0, SEEK_END), at = end;
    int64_t seen = 0;
    while (at > 0) {
        size_t n = at < BLOCK ? (size_t)at : BLOCK;
        if (pread(r->fd, block, n, at - (off_t)n) != (ssize_t)n)
            return err_errno(r->err, errno, "read log %.*s", STR_ARG(r->path));
        for (size_t i = n; i-- > 0;) {
            off_t here = at - (off_t)n + (off_t)i;
            if (block[i] != '\n' || here == end - 1)
                continue;
            if (++seen == lines)
                return lseek(r->fd, here + 1, SEEK_SET) < 0 ? err_errno(r->err, errno, "seek") : 0;
        }
        at -= (off_t)n;
    }
    return lseek(r->fd, 0, SEEK_SET) < 0 ? err_errno(r->err, errno, "seek") : 0;
}

static int open_log(struct reader *r, int *ret_fd) {
    struct stat st;
    int fd = -1;
    int rc = safe_open_in(r->dir, r->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, SAFE_LINKS_NONE, &fd, r->err);
    if (rc)
        return rc;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fd_close(&fd);
        return err_set(r->err, ERR_INVALID, "log %.*s is no regular file", STR_ARG(r->path));
    }
    *ret_fd = fd;
    return 0;
}

static int begin(struct reader *r) {
    int rc = open_log(r, &r->fd);
    if (rc || r->q->tail_lines < 0)
        return rc;
    if (r->q->tail_lines == 0)
        return lseek(r->fd, 0, SEEK_END) < 0 ? err_errno(r->err, errno, "seek") : 0;
    return seek_tail(r, r->q->tail_lines);
}

/* --- following --- */

/* 1 when path is another file than the one that is open, which then has been read; 0 else. */
static int take_rotated(struct reader *r) {
    struct stat now, mine;
    int fd = -1;
    struct err *err = r->err;
    r->err = NULL; /* between the renaming and the new file there is none */
    int rc = open_log(r, &fd);
    r->err = err;
    if (rc)
        return 0;
    if (fstat(fd, &now) == 0 && fstat(r->fd, &mine) == 0 && now.st_ino == mine.st_ino &&
        now.st_dev == mine.st_dev) {
        off_t at = lseek(r->fd, 0, SEEK_CUR);
        if (at > mine.st_size) /* truncated in place */
            (void)lseek(r->fd, 0, SEEK_SET);
        fd_close(&fd);
        return at > mine.st_size;
    }
    rc = read_available(r); /* what came between the last reading and the renaming */
    fd_close(&r->fd);
    r->fd = fd;
    return rc ? rc : 1;
}

static int open_watch(const struct reader *r) {
    char proc[64];
    ptrdiff_t slash = str_rfind_byte(r->path, '/');
    _cleanup_fd int dir = -1;
    if (safe_open_in(r->dir, str_cut(r->path, slash > 0 ? (size_t)slash : 0), O_PATH | O_DIRECTORY, 0,
                     SAFE_LINKS_NONE, &dir, NULL))
        return -1;
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", dir);
    if (watch >= 0)
        (void)inotify_add_watch(watch, proc, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE);
    return watch;
}

/* False when it was told to stop. */
static bool wait_for_more(struct reader *r, int watch) {
    char drop[4096];
    struct pollfd fds[2] = {{.fd = watch, .events = POLLIN}, {.fd = r->q->stop_fd, .events = POLLIN}};
    (void)poll(fds, 2, FOLLOW_STEP_MS);
    while (watch >= 0 && read(watch, drop, sizeof drop) > 0)
        continue;
    return !fds[1].revents;
}

static int follow(struct reader *r) {
    _cleanup_fd int watch = open_watch(r);
    for (;;) {
        bool more = r->q->follow(r->q->arg); /* asked before reading, so that the last lines are not missed */
        int rc = read_available(r);
        if (rc || r->full)
            return rc;
        rc = take_rotated(r);
        if (rc < 0)
            return rc;
        if (rc == 1)
            continue;
        if (!more || !wait_for_more(r, watch))
            return 0;
    }
}

int log_file_read(const char *logs_dir, struct str path, const struct log_query *q, struct err *err) {
    struct reader r = {
        .q = q, .path = path, .fd = -1, .left = q->limit_bytes, .full = q->limit_bytes == 0, .err = err};
    r.dir = open(logs_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r.dir < 0)
        return err_errno(err, errno, "open %s", logs_dir);
    int rc = begin(&r);
    if (rc == 0 && !r.full)
        rc = q->follow ? follow(&r) : read_available(&r);
    fd_close(&r.fd);
    fd_close(&r.dir);
    buf_fini(&r.in);
    return rc;
}
