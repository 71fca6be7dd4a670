/* A folder of files in one compressed archive, with checksums. See backup_file.h. */
#include "main/backup_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "codec/json.h"

#define MANIFEST "manifest.json"
#define MANIFEST_BYTES_MAX (1u << 20)
#define FILES_MAX 4096u
#define BLOCK_BYTES 65536u

static int fail(struct archive *a, const char *what, const char *path, struct err *err) {
    const char *why = archive_error_string(a);
    return err_set(err, archive_errno(a) == ENOSPC ? ERR_NO_SPACE : ERR_CORRUPT, "%s %s: %s", what, path,
                   why ? why : "unknown error");
}

static int digest_of(const char *path, char ret_hex[SHA256_HEX_SIZE], struct err *err) {
    static const char digits[] = "0123456789abcdef";
    char block[BLOCK_BYTES];
    uint8_t digest[SHA256_BYTES];
    struct sha256 h;
    ssize_t n;
    _cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "open %s", path);
    sha256_init(&h);
    while ((n = read(fd, block, sizeof block)) > 0)
        sha256_add(&h, str_make(block, (size_t)n));
    if (n < 0) {
        sha256_fini(&h);
        return err_errno(err, errno, "read %s", path);
    }
    sha256_final(&h, digest);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[2 * SHA256_BYTES] = 0;
    return 0;
}

/* -- writing -- */

static int put_head(struct archive *a, struct str name, int64_t size, const char *path, struct err *err) {
    char z[4096];
    if (name.n >= sizeof z)
        return err_set(err, ERR_INVALID, "the name %.*s is too long", STR_ARG(name));
    (void)snprintf(z, sizeof z, "%.*s", STR_ARG(name));
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, z);
    archive_entry_set_size(e, size);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    int rc = archive_write_header(a, e);
    archive_entry_free(e);
    return rc == ARCHIVE_OK ? 0 : fail(a, "write", path, err);
}

static int put_file(struct archive *a, const struct archived *f, const char *to, struct err *err) {
    char block[BLOCK_BYTES];
    struct stat st;
    _cleanup_fd int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(err, errno, "open %s", f->path);
    int rc = put_head(a, f->name, st.st_size, to, err);
    for (int64_t left = st.st_size; rc == 0 && left > 0;) {
        ssize_t n = read(fd, block, left < (int64_t)sizeof block ? (size_t)left : sizeof block);
        if (n <= 0)
            return err_set(err, ERR_IO, "%s changed while it was read", f->path);
        if (archive_write_data(a, block, (size_t)n) != n)
            rc = fail(a, "write", to, err);
        left -= n;
    }
    return rc;
}

static int make_manifest(const struct archived *v, size_t n, struct str kubernetes, struct str ours,
                         struct str time, struct buf *out, struct err *err) {
    buf_printf(out, "{\"kubernetes\":\"%.*s\",\"coxswain\":\"%.*s\",\"time\":\"%.*s\",\"files\":{",
               STR_ARG(kubernetes), STR_ARG(ours), STR_ARG(time));
    for (size_t i = 0; i < n; i++) {
        char hex[SHA256_HEX_SIZE];
        if (digest_of(v[i].path, hex, err) < 0)
            return err->code;
        if (i)
            buf_byte(out, ',');
        json_write_string(out, v[i].name);
        buf_printf(out, ":\"%s\"", hex);
    }
    buf_lit(out, "}}\n");
    return 0;
}

static int put_all(struct archive *a, const struct archived *v, size_t n, struct str manifest, const char *to,
                   struct err *err) {
    int rc = put_head(a, S(MANIFEST), (int64_t)manifest.n, to, err);
    if (rc == 0 && archive_write_data(a, manifest.p, manifest.n) != (la_ssize_t)manifest.n)
        rc = fail(a, "write", to, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_file(a, &v[i], to, err);
    if (rc == 0 && archive_write_close(a) != ARCHIVE_OK)
        rc = fail(a, "write", to, err);
    return rc;
}

int backup_file_write(const char *path, const struct archived *v, size_t n, struct str kubernetes,
                      struct str ours, struct str time, struct err *err) {
    _cleanup_buf struct buf manifest = BUF_INIT;
    char part[4096];
    if (make_manifest(v, n, kubernetes, ours, time, &manifest, err) < 0)
        return err->code;
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return err_set(err, ERR_INVALID, "the path %s is too long", path);
    _cleanup_fd int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "create %s", part);
    struct archive *a = archive_write_new();
    (void)archive_write_add_filter_gzip(a);
    (void)archive_write_set_format_pax_restricted(a);
    int rc = archive_write_open_fd(a, fd) == ARCHIVE_OK ? 0 : fail(a, "create", part, err);
    if (rc == 0)
        rc = put_all(a, v, n, buf_view(&manifest), part, err);
    (void)archive_write_free(a);
    if (rc == 0 && (fsync(fd) < 0 || rename(part, path) < 0))
        rc = err_errno(err, errno, "write %s", path);
    if (rc < 0)
        (void)unlink(part);
    return rc;
}

/* -- reading -- */

/* Relative, below server/, without steps up. */
static bool is_good_name(struct str name) {
    struct str step, rest = name;
    if (!str_has_prefix(name, S("server/")) || name.n > 1024)
        return false;
    for (bool more = true; more;) {
        more = str_split(rest, '/', &step, &rest);
        if (!step.n || str_eq(step, S(".")) || str_eq(step, S("..")))
            return false;
    }
    return true;
}

static int make_folders(const char *path, struct err *err) {
    char dir[4096];
    (void)snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    check(slash);
    *slash = 0;
    return file_mkdir_p(dir, 0700, err);
}

static int take_file(struct archive *a, const char *path, const char *from, struct err *err) {
    char block[BLOCK_BYTES];
    la_ssize_t n;
    if (make_folders(path, err) < 0)
        return err->code;
    _cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, errno, "create %s", path);
    while ((n = archive_read_data(a, block, sizeof block)) > 0)
        for (la_ssize_t done = 0, part; done < n; done += part)
            if ((part = write(fd, block + done, (size_t)(n - done))) < 0)
                return err_errno(err, errno, "write %s", path);
    if (n < 0)
        return fail(a, "read", from, err);
    return fsync(fd) < 0 ? err_errno(err, errno, "write %s", path) : 0;
}

static int take_manifest(struct archive *a, const char *from, struct arena *arena, struct jval *ret,
                         struct err *err) {
    struct archive_entry *e;
    struct str text;
    if (archive_read_next_header(a, &e) != ARCHIVE_OK)
        return fail(a, "read", from, err);
    const char *name = archive_entry_pathname(e);
    if (!name || strcmp(name, MANIFEST) != 0 || archive_entry_size(e) > MANIFEST_BYTES_MAX)
        return err_set(err, ERR_CORRUPT, "%s is no backup: it does not begin with %s", from, MANIFEST);
    char *p = arena_alloc(arena, MANIFEST_BYTES_MAX);
    la_ssize_t n = archive_read_data(a, p, MANIFEST_BYTES_MAX);
    if (n < 0)
        return fail(a, "read", from, err);
    text = str_make(p, (size_t)n);
    if (json_parse(arena, text, NULL, NULL, ret, err) < 0 || !jval_get(ret, S("files")) ||
        jval_get(ret, S("files"))->kind != J_OBJECT)
        return err_set(err, ERR_CORRUPT, "%s: its %s cannot be read", from, MANIFEST);
    return 0;
}

static int take_all(struct archive *a, const char *from, const char *folder, const struct jval *files,
                    struct arena *arena, struct err *err) {
    struct archive_entry *e;
    uint32_t n = 0;
    int rc;
    while ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
        struct str name = str_from(archive_entry_pathname(e) ? archive_entry_pathname(e) : "");
        struct str digest = jval_get_str(files, name);
        char hex[SHA256_HEX_SIZE];
        if (!is_good_name(name) || archive_entry_filetype(e) != AE_IFREG || !digest.p || ++n > FILES_MAX)
            return err_set(err, ERR_CORRUPT, "%s: \"%.*s\" has no business there", from, STR_ARG(name));
        struct str path = arena_printf(arena, "%s/%.*s", folder, STR_ARG(name));
        if (take_file(a, path.p, from, err) < 0 || digest_of(path.p, hex, err) < 0)
            return err->code;
        if (!str_eq(digest, str_from(hex)))
            return err_set(err, ERR_CORRUPT, "%s: %.*s is not what was backed up", from, STR_ARG(name));
    }
    if (rc != ARCHIVE_EOF)
        return fail(a, "read", from, err);
    return n == files->n ? 0 : err_set(err, ERR_CORRUPT, "%s: files are missing", from);
}

int backup_file_read(const char *path, const char *folder, struct arena *a, struct str *ret_time,
                     struct err *err) {
    struct jval manifest;
    struct archive *in = archive_read_new();
    (void)archive_read_support_filter_gzip(in);
    (void)archive_read_support_format_tar(in);
    int rc =
        archive_read_open_filename(in, path, BLOCK_BYTES) == ARCHIVE_OK ? 0 : fail(in, "open", path, err);
    if (rc == 0)
        rc = take_manifest(in, path, a, &manifest, err);
    if (rc == 0)
        rc = take_all(in, path, folder, jval_get(&manifest, S("files")), a, err);
    (void)archive_read_free(in);
    if (rc == 0)
        *ret_time = jval_get_str(&manifest, S("time"));
    return rc;
}
