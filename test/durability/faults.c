/* Loaded before the C library's calls (LD_PRELOAD): lets the writing of chosen files fail, and writes down
 * what was written and synced, in order, so that a test can tell what a power loss would have left of them.
 *
 *     FAULTS_FILES    the chosen files: whose path begins with this
 *     FAULTS_CONTROL  a file of struct control, mapped: the test changes it while the program runs
 *     FAULTS_TRACE    where the records go
 *
 * One mutex around each call and its record: the order of records is the order in which things happened.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Chances in a thousand; the test writes them, powerloss.py knows the layout. */
struct control {
    volatile uint32_t sync_fails, write_fails, write_is_short, disk_is_full;
    volatile uint64_t seed, injected;
};

enum record_type { WROTE = 1, SYNCED, SYNC_FAILED, TRUNCATED, UNLINKED };

/* Followed by the file's path and, for WROTE, by the bytes. */
struct record {
    uint32_t type, path_bytes;
    uint64_t offset, bytes;
};

#define FDS 4096
#define PATH_BYTES 512

static struct {
    pthread_once_t once;
    pthread_mutex_t lock;
    const char *prefix;
    struct control *control;
    int trace;
    char *paths[FDS]; /* of the chosen ones; NULL: another file, or not known yet */
    bool known[FDS];
} world = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1};

/* The C library's own function of that name. */
#define REAL(ret, name, ...) ((ret(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

static void start(void) {
    const char *control = getenv("FAULTS_CONTROL"), *trace = getenv("FAULTS_TRACE");
    world.prefix = getenv("FAULTS_FILES");
    if (!world.prefix || !control || !trace)
        return;
    int fd = open(control, O_RDWR | O_CLOEXEC);
    void *p =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    world.trace = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (p == MAP_FAILED || world.trace < 0) {
        perror("faults");
        abort();
    }
    world.control = p;
}

static bool chosen(const char *path) {
    return world.prefix && strncmp(path, world.prefix, strlen(world.prefix)) == 0;
}

/* The path of a chosen file, or NULL. */
static const char *path_of(int fd) {
    char link[64], path[PATH_BYTES];
    pthread_once(&world.once, start);
    if (fd < 0 || fd >= FDS || !world.control)
        return NULL;
    if (world.known[fd])
        return world.paths[fd];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    world.known[fd] = true;
    world.paths[fd] = chosen(path) ? strdup(path) : NULL;
    return world.paths[fd];
}

static void forget(int fd) {
    if (fd < 0 || fd >= FDS)
        return;
    free(world.paths[fd]);
    world.paths[fd] = NULL;
    world.known[fd] = false;
}

/* True so many times in a thousand. */
static bool chance(uint32_t per_mille) {
    uint64_t x = world.control->seed;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    world.control->seed = x;
    bool yes = x % 1000 < per_mille;
    world.control->injected += yes;
    return yes;
}

static void put(const void *p, size_t n) {
    ssize_t (*real)(int, const void *, size_t) = REAL(ssize_t, write, int, const void *, size_t);
    for (const char *at = p; n;) {
        ssize_t done = real(world.trace, at, n);
        if (done <= 0)
            abort();
        at += done;
        n -= (size_t)done;
    }
}

static void note(enum record_type type, const char *path, uint64_t offset, const void *bytes, size_t n) {
    struct record r = {(uint32_t)type, (uint32_t)strlen(path), offset, n};
    char head[sizeof r + PATH_BYTES];
    memcpy(head, &r, sizeof r);
    memcpy(head + sizeof r, path, r.path_bytes);
    put(head, sizeof r + r.path_bytes);
    if (bytes)
        put(bytes, n);
}

static ssize_t write_at(int fd, const void *bytes, size_t n, int64_t offset, const char *path) {
    ssize_t (*real)(int, const void *, size_t, int64_t) =
        REAL(ssize_t, pwrite64, int, const void *, size_t, int64_t);
    const struct control *c = world.control;
    pthread_mutex_lock(&world.lock);
    ssize_t done = -1;
    if (c->disk_is_full && chance(c->disk_is_full))
        errno = ENOSPC;
    else if (c->write_fails && chance(c->write_fails))
        errno = EIO;
    else
        done = real(fd, bytes, n > 1 && c->write_is_short && chance(c->write_is_short) ? n / 2 : n, offset);
    int kept = errno;
    if (done > 0)
        note(WROTE, path, (uint64_t)offset, bytes, (size_t)done);
    pthread_mutex_unlock(&world.lock);
    errno = kept;
    return done;
}

static int sync_file(int fd, const char *path, int (*real)(int)) {
    const struct control *c = world.control;
    pthread_mutex_lock(&world.lock);
    int r = 0;
    if (c->sync_fails && chance(c->sync_fails)) {
        r = -1;
        errno = EIO;
    } else {
        r = real(fd);
    }
    int kept = errno;
    note(r == 0 ? SYNCED : SYNC_FAILED, path, 0, NULL, 0);
    pthread_mutex_unlock(&world.lock);
    errno = kept;
    return r;
}

/* -- the calls -- */

ssize_t pwrite64(int fd, const void *bytes, size_t n, int64_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t n, int64_t offset) {
    const char *path = path_of(fd);
    return path ? write_at(fd, bytes, n, offset, path)
                : REAL(ssize_t, pwrite64, int, const void *, size_t, int64_t)(fd, bytes, n, offset);
}

ssize_t write(int fd, const void *bytes, size_t n) {
    const char *path = path_of(fd);
    if (!path)
        return REAL(ssize_t, write, int, const void *, size_t)(fd, bytes, n);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t done = write_at(fd, bytes, n, at, path);
    if (done > 0)
        (void)lseek(fd, at + done, SEEK_SET);
    return done;
}

int fsync(int fd) {
    const char *path = path_of(fd);
    int (*real)(int) = REAL(int, fsync, int);
    return path ? sync_file(fd, path, real) : real(fd);
}

int fdatasync(int fd) {
    const char *path = path_of(fd);
    int (*real)(int) = REAL(int, fdatasync, int);
    return path ? sync_file(fd, path, real) : real(fd);
}

int ftruncate64(int fd, int64_t size);
int ftruncate64(int fd, int64_t size) {
    const char *path = path_of(fd);
    pthread_mutex_lock(&world.lock);
    int r = REAL(int, ftruncate64, int, int64_t)(fd, size);
    if (r == 0 && path)
        note(TRUNCATED, path, (uint64_t)size, NULL, 0);
    pthread_mutex_unlock(&world.lock);
    return r;
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

int unlink(const char *path) {
    pthread_once(&world.once, start);
    pthread_mutex_lock(&world.lock);
    int r = REAL(int, unlink, const char *)(path);
    if (r == 0 && world.control && chosen(path))
        note(UNLINKED, path, 0, NULL, 0);
    pthread_mutex_unlock(&world.lock);
    return r;
}

int close(int fd) {
    forget(fd);
    return REAL(int, close, int)(fd);
}

/* A number that the library closed within itself is met again here. */
static int opened(int fd) {
    forget(fd);
    return fd;
}

static mode_t mode_from(int flags, va_list list) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(list, unsigned) : 0;
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_from(flags, list);
    va_end(list);
    return opened(REAL(int, open, const char *, int, ...)(path, flags, mode));
}

int open64(const char *path, int flags, ...);
int open64(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = mode_from(flags, list);
    va_end(list);
    return opened(REAL(int, open64, const char *, int, ...)(path, flags, mode));
}
