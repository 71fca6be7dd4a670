/* Tar archives. See tar.h. */
#include "runtime/tar.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

#define BLOCK 512

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type, link[100], magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155],
        rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static void set_checksum(struct header *h) {
    unsigned sum = 0;
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < BLOCK; i++)
        sum += ((const unsigned char *)h)[i];
    snprintf(h->checksum, sizeof h->checksum, "%06o", sum);
}

static void pad(struct buf *out, size_t n) {
    static const char zero[BLOCK];
    if (n % BLOCK)
        buf_put(out, zero, BLOCK - n % BLOCK);
}

void tar_add(struct buf *out, struct str name, uint32_t mode, struct str content) {
    bool dir = str_has_suffix(name, S("/"));
    check(name.n <= TAR_NAME_MAX && content.n < UINT32_MAX && (!dir || content.n == 0));
    struct header h = {.type = dir ? '5' : '0', .magic = "ustar", .version = {'0', '0'}};
    memcpy(h.name, name.p, name.n);
    snprintf(h.mode, sizeof h.mode, "%07o", mode & 07777);
    snprintf(h.uid, sizeof h.uid, "%07o", 0);
    snprintf(h.gid, sizeof h.gid, "%07o", 0);
    snprintf(h.size, sizeof h.size, "%011o", (unsigned)content.n);
    snprintf(h.mtime, sizeof h.mtime, "%011o", 0);
    set_checksum(&h);
    buf_put(out, &h, sizeof h);
    buf_str(out, content);
    pad(out, content.n);
}

void tar_end(struct buf *out) {
    static const char zero[2 * BLOCK];
    buf_put(out, zero, sizeof zero);
}
