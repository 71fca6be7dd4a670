/* The acknowledged revision in a mapped file. See ack_mark.h. */
#include "store/ack_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#define MARK_BYTES 4096
#define MARK_MAGIC 0x6b72616d2d6b6361u /* "ack-mark", little-endian */

/* Two copies, written one after the other: a crash tears at most one. */
struct mark_page {
    uint64_t magic;
    struct {
        volatile uint64_t revision, complement;
    } copy[2];
};

struct ack_mark {
    struct mark_page *page;
};

static uint64_t page_revision(const struct mark_page *p) {
    uint64_t best = 0;
    if (p->magic != MARK_MAGIC)
        return 0;
    for (int i = 0; i < 2; i++) {
        uint64_t r = p->copy[i].revision;
        if (p->copy[i].complement == ~r && r > best)
            best = r;
    }
    return best;
}

static int map_page(const char *path, struct mark_page **ret_page, struct err *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "open %s", path);
    struct stat st;
    int e = fstat(fd, &st) < 0 ? errno : 0;
    if (!e && st.st_size < MARK_BYTES)
        e = posix_fallocate(fd, 0, MARK_BYTES);
    void *p = e ? MAP_FAILED : mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (!e && p == MAP_FAILED)
        e = errno;
    fd_close(&fd);
    if (e)
        return err_errno(err, e, "prepare %s", path);
    *ret_page = p;
    return 0;
}

int ack_mark_open(const char *path, struct ack_mark **ret_mark, uint64_t *ret_revision, struct err *err) {
    struct mark_page *page = NULL;
    int r = map_page(path, &page, err);
    if (r < 0)
        return r;
    *ret_revision = page_revision(page);
    page->magic = MARK_MAGIC;
    struct ack_mark *m = calloc(1, sizeof *m);
    if (!m)
        panic("out of memory");
    m->page = page;
    *ret_mark = m;
    return 0;
}

void ack_mark_set(struct ack_mark *m, uint64_t revision) {
    for (int i = 0; i < 2; i++) {
        m->page->copy[i].revision = revision;
        m->page->copy[i].complement = ~revision;
    }
}

void ack_mark_close(struct ack_mark *m) {
    if (!m)
        return;
    munmap(m->page, MARK_BYTES);
    free(m);
}
