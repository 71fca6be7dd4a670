/* The log in an SQLite file. See log.h.
 *
 * One table whose primary key is the row id: appends go to the last page, so a transaction writes few pages.
 * There is no index by key: the engine keeps one in memory. WAL with synchronous=FULL: COMMIT returns after
 * the fsync of the write-ahead log. Each row carries a checksum of its content, since SQLite itself does not
 * check its pages.
 *
 * Three connections: the writer (engine's thread), a reader (any thread, under a mutex) and the checkpointer
 * (its own thread), which copies the write-ahead log back while writes go on. Only when the log passes
 * WAL_LIMIT does the writer wait for a checkpoint, between two transactions; little is left to copy then.
 *
 * A commit that failed leaves no trace: the transaction is rolled back and the next one writes over its
 * frames.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "store/log.h"

#define FORMAT_VERSION 1
#define WAL_CHECKPOINT_PAGES 1000 /* the checkpointer is woken from here on */
#define WAL_LIMIT_PAGES 16000     /* 64 MiB: the writer waits for a checkpoint */
#define RESTART_WAIT_MS 500       /* that long; while readers hold the log, it grows by the limit again */
#define BUSY_TIMEOUT_MS 10000
#define BACKUP_STEP_PAGES 256

struct log_sqlite {
    struct log log;
    char *path;
    int lock_fd;
    sqlite3 *writer;
    sqlite3_stmt *begin, *commit, *rollback, *insert, *delete_, *set_mark;
    pthread_mutex_t read_lock; /* reader, select_ */
    sqlite3 *reader;
    sqlite3_stmt *select_;
    sqlite3 *checkpointer;
    pthread_t thread;
    pthread_mutex_t wake_lock; /* stop, wanted */
    pthread_cond_t wake;
    bool stop, wanted, thread_started;
    atomic_int wal_pages;
    int wal_limit; /* pages; writer's */
    atomic_ullong syncs;
};

static int code_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_FULL: return ERR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_AGAIN;
    default: return ERR_IO;
    }
}

static int fail(struct log_sqlite *l, sqlite3 *db, const char *what, struct err *err) {
    int rc = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    /* A write that the system refused for lack of space is reported as an input/output error. */
    int sys = db ? sqlite3_system_errno(db) : 0;
    int code = (rc & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT) ? ERR_NO_SPACE : code_of(rc);
    return err_set(err, code, "%s %s: %s", what, l->path, db ? sqlite3_errmsg(db) : "out of memory");
}

static uint32_t row_checksum(const struct log_row *r) {
    uint64_t numbers[4] = {r->id, r->prev_id, r->create_rev, r->value.p ? r->value.n + 1 : 0};
    uLong c = crc32(0, (const Bytef *)numbers, sizeof numbers);
    c = crc32_z(c, (const Bytef *)r->key.p, r->key.n);
    if (r->value.n)
        c = crc32_z(c, (const Bytef *)r->value.p, r->value.n);
    return (uint32_t)c;
}

static int exec(struct log_sqlite *l, sqlite3 *db, const char *sql, struct err *err) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(l, db, "set up", err);
}

static int prepare(struct log_sqlite *l, sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err *err) {
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
        return fail(l, db, "read", err);
    return 0;
}

/* Runs a statement that returns no rows. */
static int step_done(struct log_sqlite *l, sqlite3_stmt *st, const char *what, struct err *err) {
    int rc = sqlite3_step(st), r = 0;
    if (rc != SQLITE_DONE)
        r = fail(l, sqlite3_db_handle(st), what, err);
    sqlite3_reset(st);
    return r;
}

static int set_mark(struct log_sqlite *l, const char *name, uint64_t value, struct err *err) {
    sqlite3_bind_text(l->set_mark, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(l->set_mark, 2, (sqlite3_int64)value);
    return step_done(l, l->set_mark, "write", err);
}

static void roll_back(struct log_sqlite *l) {
    if (!sqlite3_get_autocommit(l->writer)) {
        sqlite3_step(l->rollback);
        sqlite3_reset(l->rollback);
    }
}

/* -- checkpoints -- */

static void *checkpoint_thread(void *arg) {
    struct log_sqlite *l = arg;
    pthread_mutex_lock(&l->wake_lock);
    while (!l->stop) {
        if (!l->wanted) {
            pthread_cond_wait(&l->wake, &l->wake_lock);
            continue;
        }
        l->wanted = false;
        pthread_mutex_unlock(&l->wake_lock);
        /* A failure (a full disk) leaves the log longer; the next one tries again. */
        (void)sqlite3_wal_checkpoint_v2(l->checkpointer, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        pthread_mutex_lock(&l->wake_lock);
    }
    pthread_mutex_unlock(&l->wake_lock);
    return NULL;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
    struct log_sqlite *l = arg;
    (void)db;
    (void)name;
    atomic_store(&l->wal_pages, pages);
    if (pages < WAL_CHECKPOINT_PAGES)
        return SQLITE_OK;
    pthread_mutex_lock(&l->wake_lock);
    l->wanted = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->wake_lock);
    return SQLITE_OK;
}

/* -- transactions -- */

/* A long reader (a backup) holds the log: waiting for it before each transaction would stop all writes. */
static void restart_wal(struct log_sqlite *l) {
    sqlite3_busy_timeout(l->writer, RESTART_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(l->writer, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    sqlite3_busy_timeout(l->writer, BUSY_TIMEOUT_MS);
    if (rc == SQLITE_OK)
        atomic_store(&l->wal_pages, 0);
    l->wal_limit = atomic_load(&l->wal_pages) + WAL_LIMIT_PAGES;
}

static int begin(struct log_sqlite *l, struct err *err) {
    if (atomic_load(&l->wal_pages) > l->wal_limit)
        restart_wal(l);
    return step_done(l, l->begin, "begin in", err);
}

static int commit(struct log_sqlite *l, struct err *err) {
    int r = step_done(l, l->commit, "commit to", err);
    if (r == 0)
        atomic_fetch_add(&l->syncs, 1);
    if (r < 0)
        roll_back(l);
    return r;
}

static int insert_row(struct log_sqlite *l, const struct log_row *row, struct err *err) {
    sqlite3_stmt *st = l->insert;
    sqlite3_bind_int64(st, 1, (sqlite3_int64)row->id);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)row->prev_id);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)row->create_rev);
    sqlite3_bind_int64(st, 4, row_checksum(row));
    sqlite3_bind_blob64(st, 5, row->key.p, row->key.n, SQLITE_STATIC);
    if (row->value.p)
        sqlite3_bind_blob64(st, 6, row->value.p, row->value.n, SQLITE_STATIC);
    else
        sqlite3_bind_null(st, 6);
    return step_done(l, st, "write", err);
}

static int sqlite_append(struct log *log, const struct log_row *rows, size_t n, struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    int r = begin(l, err);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = insert_row(l, &rows[i], err);
    if (r < 0) {
        roll_back(l);
        return r;
    }
    return commit(l, err);
}

static int sqlite_drop(struct log *log, const uint64_t *ids, size_t n, uint64_t compacted, struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    int r = begin(l, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        sqlite3_bind_int64(l->delete_, 1, (sqlite3_int64)ids[i]);
        r = step_done(l, l->delete_, "compact", err);
    }
    if (r == 0)
        r = set_mark(l, "compacted", compacted, err);
    if (r < 0) {
        roll_back(l);
        return r;
    }
    r = commit(l, err);
    if (r == 0)
        log->marks.compacted = compacted;
    return r;
}

static int sqlite_reserve(struct log *log, uint64_t revision, struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    int r = begin(l, err);
    if (r == 0)
        r = set_mark(l, "reserved", revision, err);
    if (r < 0) {
        roll_back(l);
        return r;
    }
    r = commit(l, err);
    if (r == 0)
        log->marks.reserved = revision;
    return r;
}

/* -- reading -- */

static struct str column_bytes(sqlite3_stmt *st, int i) {
    const char *p = sqlite3_column_blob(st, i);
    size_t n = (size_t)sqlite3_column_bytes(st, i);
    if (!p && sqlite3_column_type(st, i) != SQLITE_NULL)
        p = "";
    return (struct str){p, n};
}

/* Columns as SELECT_ROW lists them; the checksum is only checked when the value is there. */
#define SELECT_ROW "SELECT id, prev_id, create_rev, checksum, key, value FROM log "
#define SELECT_ROW_NO_VALUE "SELECT id, prev_id, create_rev, value IS NULL, key FROM log "

static int take_row(struct log_sqlite *l, sqlite3_stmt *st, bool with_value, struct log_row *ret,
                    struct err *err) {
    struct log_row r = {
        .id = (uint64_t)sqlite3_column_int64(st, 0),
        .prev_id = (uint64_t)sqlite3_column_int64(st, 1),
        .create_rev = (uint64_t)sqlite3_column_int64(st, 2),
        .key = column_bytes(st, 4),
    };
    if (with_value) {
        r.value = column_bytes(st, 5);
        if (row_checksum(&r) != (uint32_t)sqlite3_column_int64(st, 3))
            return err_set(err, ERR_CORRUPT, "%s: row of revision %llu fails its checksum", l->path,
                           (unsigned long long)row_revision(r.id));
    } else {
        r.value = sqlite3_column_int(st, 3) ? STR_NONE : S("");
    }
    *ret = r;
    return 0;
}

static int sqlite_read(struct log *log, uint64_t id, struct arena *a, struct log_row *ret_row,
                       struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    struct log_row row;
    pthread_mutex_lock(&l->read_lock);
    sqlite3_bind_int64(l->select_, 1, (sqlite3_int64)id);
    int rc = sqlite3_step(l->select_), r;
    if (rc == SQLITE_ROW) {
        r = take_row(l, l->select_, true, &row, err);
        if (r == 0) {
            row.key = arena_str(a, row.key);
            row.value = arena_str(a, row.value);
            *ret_row = row;
        }
    } else if (rc == SQLITE_DONE) {
        r = err_set(err, ERR_NOT_FOUND, "%s: no row of revision %llu", l->path,
                    (unsigned long long)row_revision(id));
    } else {
        r = fail(l, l->reader, "read", err);
    }
    sqlite3_reset(l->select_);
    pthread_mutex_unlock(&l->read_lock);
    return r;
}

static int sqlite_scan(struct log *log, uint64_t after_id, bool with_values, log_row_fn fn, void *arg,
                       struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    sqlite3 *db;
    sqlite3_stmt *st = NULL;
    int r = 0, rc = SQLITE_DONE;
    if (sqlite3_open_v2(l->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        r = fail(l, db, "open", err);
        sqlite3_close_v2(db);
        return r;
    }
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    const char *sql = with_values ? SELECT_ROW "WHERE id > ?1 ORDER BY id"
                                  : SELECT_ROW_NO_VALUE "WHERE id > ?1 ORDER BY id";
    r = prepare(l, db, sql, &st, err);
    if (r == 0)
        sqlite3_bind_int64(st, 1, (sqlite3_int64)after_id);
    while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct log_row row;
        r = take_row(l, st, with_values, &row, err);
        if (r == 0 && !fn(arg, &row))
            break;
    }
    if (r == 0 && rc != SQLITE_ROW && rc != SQLITE_DONE)
        r = fail(l, db, "read", err);
    sqlite3_finalize(st);
    sqlite3_close_v2(db);
    return r;
}

/* -- backup -- */

static int copy_pages(struct log_sqlite *l, sqlite3 *from, sqlite3 *to, struct err *err) {
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return fail(l, to, "back up", err);
    int rc;
    do {
        rc = sqlite3_backup_step(b, BACKUP_STEP_PAGES);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            sqlite3_sleep(5);
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    (void)sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? 0 : fail(l, to, "back up", err);
}

/* A reader's transaction pins one state, so the copy never starts over while writes go on. */
static int sqlite_backup(struct log *log, const char *path, struct err *err) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    sqlite3 *from = NULL, *to = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "create %s", path);
    fd_close(&fd);
    int r = 0;
    if (sqlite3_open_v2(l->path, &from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        r = fail(l, from, "open", err);
    else if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        r = fail(l, to, "open the copy of", err);
    if (r == 0)
        r = exec(l, from, "BEGIN; SELECT id FROM log LIMIT 1", err);
    if (r == 0)
        r = copy_pages(l, from, to, err);
    if (r == 0)
        r = exec(l, to, "PRAGMA journal_mode=DELETE", err);
    sqlite3_close_v2(from);
    sqlite3_close_v2(to);
    if (r < 0)
        (void)unlink(path);
    return r;
}

int store_sqlite_copy(const char *path, const char *to, struct err *err) {
    struct log_sqlite l = {.path = (char *)path};
    return access(path, F_OK) < 0 ? err_errno(err, errno, "open %s", path) : sqlite_backup(&l.log, to, err);
}

static uint64_t sqlite_size(struct log *log) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    struct stat st;
    return stat(l->path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t sqlite_fsyncs(struct log *log) {
    return atomic_load(&((struct log_sqlite *)log)->syncs);
}

/* -- opening and closing -- */

static void stop_checkpointer(struct log_sqlite *l) {
    if (!l->thread_started)
        return;
    pthread_mutex_lock(&l->wake_lock);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->wake_lock);
    pthread_join(l->thread, NULL);
}

static void sqlite_close(struct log *log) {
    struct log_sqlite *l = (struct log_sqlite *)log;
    stop_checkpointer(l);
    sqlite3_stmt *statements[] = {l->begin,   l->commit,   l->rollback, l->insert,
                                  l->delete_, l->set_mark, l->select_};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sqlite3_finalize(statements[i]);
    sqlite3_close_v2(l->reader);
    sqlite3_close_v2(l->checkpointer);
    sqlite3_close_v2(l->writer); /* last: SQLite checkpoints and removes the write-ahead log */
    fd_close(&l->lock_fd);
    pthread_mutex_destroy(&l->read_lock);
    pthread_mutex_destroy(&l->wake_lock);
    pthread_cond_destroy(&l->wake);
    free(l->path);
    free(l);
}

static const struct log_ops sqlite_ops = {
    .append = sqlite_append,
    .read = sqlite_read,
    .scan = sqlite_scan,
    .drop = sqlite_drop,
    .reserve = sqlite_reserve,
    .backup = sqlite_backup,
    .size_bytes = sqlite_size,
    .fsyncs = sqlite_fsyncs,
    .close = sqlite_close,
};

/* One process a database: SQLite's own locks are held only during transactions. */
static int take_lock(struct log_sqlite *l, struct err *err) {
    char lock_path[4096];
    if (snprintf(lock_path, sizeof lock_path, "%s.lock", l->path) >= (int)sizeof lock_path)
        return err_set(err, ERR_INVALID, "the path %s is too long", l->path);
    l->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->lock_fd < 0)
        return err_errno(err, errno, "open %s", lock_path);
    if (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_AGAIN, "%s is in use by another process", l->path);
    return 0;
}

static int open_connection(struct log_sqlite *l, sqlite3 **ret, struct err *err) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(l->path, ret, flags, NULL) != SQLITE_OK)
        return fail(l, *ret, "open", err);
    sqlite3_busy_timeout(*ret, BUSY_TIMEOUT_MS);
    return exec(l, *ret,
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
                "PRAGMA cache_size=-1024; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864",
                err);
}

static int read_mark(struct log_sqlite *l, const char *name, uint64_t *ret, struct err *err) {
    sqlite3_stmt *st;
    int r = prepare(l, l->writer, "SELECT value FROM marks WHERE name = ?1", &st, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = (uint64_t)sqlite3_column_int64(st, 0);
    else if (rc != SQLITE_DONE)
        r = fail(l, l->writer, "read", err);
    sqlite3_finalize(st);
    return r;
}

static int check_format(struct log_sqlite *l, struct err *err) {
    uint64_t format = 0;
    int r = read_mark(l, "format", &format, err);
    if (r < 0)
        return r;
    if (format == 0)
        return set_mark(l, "format", FORMAT_VERSION, err);
    if (format != FORMAT_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "%s has format %llu, this program reads %d", l->path,
                       (unsigned long long)format, FORMAT_VERSION);
    return 0;
}

static int prepare_all(struct log_sqlite *l, struct err *err) {
    const struct {
        sqlite3 *db;
        sqlite3_stmt **st;
        const char *sql;
    } statements[] = {
        {l->writer, &l->begin, "BEGIN IMMEDIATE"},
        {l->writer, &l->commit, "COMMIT"},
        {l->writer, &l->rollback, "ROLLBACK"},
        {l->writer, &l->insert, "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {l->writer, &l->delete_, "DELETE FROM log WHERE id = ?1"},
        {l->writer, &l->set_mark, "INSERT INTO marks VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2"},
        {l->reader, &l->select_, SELECT_ROW "WHERE id = ?1"},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof statements / sizeof *statements; i++)
        r = prepare(l, statements[i].db, statements[i].sql, statements[i].st, err);
    return r;
}

/* What an earlier process left in the write-ahead log goes into the database before anything is added. A sync
 * that failed may have left pages of the log that are in memory only and count as written; frames that
 * followed them would be lost with the power, however well they were synced. Copying writes everything anew.
 */
static int settle_wal(struct log_sqlite *l, struct err *err) {
    int rc = sqlite3_wal_checkpoint_v2(l->writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? 0 : fail(l, l->writer, "settle the log of", err);
}

static int set_up(struct log_sqlite *l, struct err *err) {
    int r = open_connection(l, &l->writer, err);
    if (r == 0)
        r = settle_wal(l, err);
    if (r == 0)
        r = exec(
            l, l->writer,
            "CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, prev_id INTEGER NOT NULL,"
            " create_rev INTEGER NOT NULL, checksum INTEGER NOT NULL, key BLOB NOT NULL, value BLOB);"
            "CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
            err);
    if (r == 0)
        r = open_connection(l, &l->reader, err);
    if (r == 0)
        r = open_connection(l, &l->checkpointer, err);
    if (r == 0)
        r = prepare_all(l, err);
    if (r == 0)
        r = check_format(l, err);
    if (r == 0)
        r = read_mark(l, "reserved", &l->log.marks.reserved, err);
    if (r == 0)
        r = read_mark(l, "compacted", &l->log.marks.compacted, err);
    return r;
}

int log_sqlite_open(const char *path, struct log **ret_log, struct err *err) {
    struct log_sqlite *l = calloc(1, sizeof *l);
    if (!l || !(l->path = strdup(path)))
        panic("out of memory");
    l->log.ops = &sqlite_ops;
    l->lock_fd = -1;
    l->wal_limit = WAL_LIMIT_PAGES;
    pthread_mutex_init(&l->read_lock, NULL);
    pthread_mutex_init(&l->wake_lock, NULL);
    pthread_cond_init(&l->wake, NULL);
    int r = take_lock(l, err);
    mode_t mask = umask(0077);
    if (r == 0)
        r = set_up(l, err);
    (void)umask(mask);
    if (r == 0 && pthread_create(&l->thread, NULL, checkpoint_thread, l) != 0)
        r = err_set(err, ERR_IO, "cannot start a thread");
    else if (r == 0)
        l->thread_started = true;
    if (r < 0) {
        sqlite_close(&l->log);
        return r;
    }
    sqlite3_wal_hook(l->writer, on_wal, l);
    *ret_log = &l->log;
    return 0;
}
