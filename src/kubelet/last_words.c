/* See last_words.h. */
#include "kubelet/last_words.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "kubelet/log_file.h"

#define FILE_MAX 4096
#define LOG_MAX 2048
#define LOG_LINES_MAX 80

static struct str end_of_file(const char *path, struct arena *a) {
    _cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
        return STR_NONE;
    char *text = arena_bytes(a, FILE_MAX);
    ssize_t n = pread(fd, text, FILE_MAX, st.st_size > FILE_MAX ? st.st_size - FILE_MAX : 0);
    return n > 0 ? str_make(text, (size_t)n) : STR_NONE;
}

/* The end of what was written so far. */
struct end {
    char bytes[LOG_MAX];
    size_t n;
};

static int keep_end(void *arg, enum log_stream stream, struct str text) {
    struct end *e = arg;
    (void)stream;
    if (text.n > LOG_MAX)
        text = str_from_byte(text, text.n - LOG_MAX);
    size_t over = e->n + text.n > LOG_MAX ? e->n + text.n - LOG_MAX : 0;
    memmove(e->bytes, e->bytes + over, e->n - over);
    memcpy(e->bytes + e->n - over, text.p, text.n);
    e->n += text.n - over;
    return 0;
}

static struct str end_of_log(const struct last_words *w, struct arena *a) {
    struct end e = {.n = 0};
    struct log_query q = LOG_QUERY_ALL;
    q.tail_lines = LOG_LINES_MAX;
    q.write = keep_end;
    q.arg = &e;
    return log_file_read(w->logs_dir, w->log, &q, NULL) < 0 ? STR_NONE : arena_str(a, str_make(e.bytes, e.n));
}

struct str last_words_read(const struct last_words *w, struct arena *a) {
    struct str text = end_of_file(w->file, a);
    return text.n || !w->from_log ? text : end_of_log(w, a);
}
