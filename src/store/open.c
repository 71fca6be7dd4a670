/* Opening, restoring and the blocking commit: what store.h offers beyond one store's ops. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "store/ack_mark.h"
#include "store/engine.h"

#define HISTORY_KEEP_DEFAULT 10000
#define COPY_BYTES (1u << 20)

static int mark_path(const char *path, char *out, size_t size, struct err *err) {
    if (snprintf(out, size, "%s.acked", path) >= (int)size)
        return err_set(err, ERR_INVALID, "the path %s is too long", path);
    return 0;
}

int store_sqlite_open(const struct store_sqlite_options *options, struct store **ret_store, struct err *err) {
    char mark_file[4096];
    struct log *log;
    struct ack_mark *mark;
    uint64_t acked = 0;
    int r = mark_path(options->path, mark_file, sizeof mark_file, err);
    if (r == 0)
        r = log_sqlite_open(options->path, &log, err);
    if (r < 0)
        return r;
    r = ack_mark_open(mark_file, &mark, &acked, err);
    if (r < 0) {
        log->ops->close(log);
        return r;
    }
    struct engine_options eo = {
        .history_keep = options->history_keep ? options->history_keep : HISTORY_KEEP_DEFAULT,
        .soft_interval_ms = options->soft_interval_ms,
    };
    r = engine_open(log, mark, acked, &eo, ret_store, err);
    if (r < 0)
        (void)err_wrap(err, "%s", options->path);
    return r;
}

struct store *store_memory_new(bool inline_) {
    struct engine_options eo = {.inline_ = inline_, .history_keep = HISTORY_KEEP_DEFAULT};
    struct store *s;
    struct err err = ERR_INIT;
    if (engine_open(log_memory_new(), NULL, 0, &eo, &s, &err) < 0)
        panic("%s", err.msg);
    return s;
}

/* -- restore -- */

/* By read and write: the backup may lie in another file system. */
static int copy_file(const char *from, int to, struct err *err) {
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return err_errno(err, errno, "open %s", from);
    char *buffer = malloc(COPY_BYTES);
    if (!buffer)
        panic("out of memory");
    int r = 0;
    ssize_t n;
    while (r == 0 && (n = read(in, buffer, COPY_BYTES)) != 0) {
        if (n < 0)
            r = err_errno(err, errno, "read %s", from);
        for (ssize_t done = 0, part; r == 0 && done < n; done += part) {
            part = write(to, buffer + done, (size_t)(n - done));
            if (part < 0)
                r = err_errno(err, errno, "copy %s", from);
        }
    }
    free(buffer);
    fd_close(&in);
    return r;
}

/* A write-ahead log that was left beside the path would be replayed into the restored file. The mark of what
 * the former database acknowledged says nothing about this one. */
static int clear_place(const char *path, struct err *err) {
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s-wal", path) >= (int)sizeof beside)
        return err_set(err, ERR_INVALID, "the path %s is too long", path);
    if (access(beside, F_OK) == 0)
        return err_set(err, ERR_EXISTS, "%s is left of another database: move it away first", beside);
    int r = mark_path(path, beside, sizeof beside, err);
    if (r == 0 && unlink(beside) < 0 && errno != ENOENT)
        r = err_errno(err, errno, "remove %s", beside);
    return r;
}

static bool count_row(void *arg, const struct log_row *row) {
    *(uint64_t *)arg = row_revision(row->id);
    return true;
}

/* Clients may have seen revisions after the backup was made; going on far above keeps them from mixing both.
 */
#define RESTORE_JUMP 1000000

static int check_restored(const char *path, struct err *err) {
    struct log *log;
    uint64_t last = 0;
    int r = log_sqlite_open(path, &log, err);
    if (r < 0)
        return r;
    r = log->ops->scan(log, 0, true, count_row, &last, err);
    if (r == 0)
        r = log->ops->reserve(log, (last > log->marks.reserved ? last : log->marks.reserved) + RESTORE_JUMP,
                              err);
    log->ops->close(log);
    return r;
}

int store_sqlite_restore(const char *backup_path, const char *path, struct err *err) {
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        return err_errno(err, errno, "create %s", path);
    int r = clear_place(path, err);
    if (r == 0)
        r = copy_file(backup_path, out, err);
    if (r == 0 && fsync(out) < 0)
        r = err_errno(err, errno, "write %s", path);
    fd_close(&out);
    if (r == 0)
        r = check_restored(path, err);
    if (r < 0)
        (void)unlink(path);
    return r;
}

/* -- the blocking commit -- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
    int code;
    uint64_t revision;
    struct err *err;
};

static void waiter_done(void *arg, const struct store_result *result) {
    struct waiter *w = arg;
    pthread_mutex_lock(&w->lock);
    w->code = result->code;
    w->revision = result->revision;
    if (result->code && w->err)
        *w->err = *result->err;
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

int store_commit_wait(struct store *s, const struct store_op *ops, size_t n, uint64_t *ret_revision,
                      struct err *err) {
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .err = err};
    struct store_commit c = {.ops = ops, .n = n, .done = waiter_done, .arg = &w};
    int r = store_commit(s, &c, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&w.lock);
    while (!w.finished)
        pthread_cond_wait(&w.done, &w.lock);
    pthread_mutex_unlock(&w.lock);
    if (w.code == 0 && ret_revision)
        *ret_revision = w.revision;
    return w.code;
}
