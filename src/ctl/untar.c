/* Archives from containers. See untar.h. */
#include "ctl/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "base/arena.h"

#define BLOCK_BYTES 10240

static void note(struct untar *u, struct str what, const char *why) {
    if (!u->why.n)
        u->why = arena_printf(u->arena, "%.*s: %s", STR_ARG(what), why ? why : "unknown error");
}

static struct str without_slashes(struct str path) {
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

/* The source as tar names it. */
static struct str prefix_of(const struct untar *u) {
    struct str prefix = u->from;
    while (str_has_prefix(prefix, S("/")) || str_has_prefix(prefix, S("./")))
        prefix = str_from_byte(prefix, prefix.p[0] == '/' ? 1 : 2);
    return without_slashes(prefix);
}

/* Where an entry goes; "" when it would leave the target. CONFORMS: names lose the source's path. */
static struct str landing_place(struct untar *u, struct str name) {
    struct str prefix = prefix_of(u), rest, step, left;
    while (str_has_prefix(name, S("/")))
        name = str_from_byte(name, 1);
    rest = str_has_prefix(name, prefix) ? str_from_byte(name, prefix.n) : name;
    while (str_has_prefix(rest, S("/")))
        rest = str_from_byte(rest, 1);
    left = rest;
    while (left.n) {
        (void)str_split(left, '/', &step, &left);
        if (str_eq(step, S("..")))
            return S("");
    }
    return rest.n ? arena_printf(u->arena, "%.*s/%.*s", STR_ARG(u->to), STR_ARG(without_slashes(rest)))
                  : u->to;
}

static void say_outside(struct untar *u, struct str name) {
    (void)fprintf(u->err, "warning: file \"%.*s\" is outside target destination, skipping\n", STR_ARG(name));
}

static void say_link(struct untar *u, struct str to, const char *target) {
    (void)fprintf(u->err, "warning: skipping symlink: \"%.*s\" -> \"%s\" (consider using \"%.*s\")\n",
                  STR_ARG(to), target ? target : "", STR_ARG(u->again));
}

/* A second name of a file that has landed. False: it leads out of the target. */
static bool keep_hard_link(struct untar *u, struct archive_entry *e, const char *link) {
    struct str to = landing_place(u, str_from(link));
    if (to.n)
        archive_entry_copy_hardlink(e, arena_strz(u->arena, to));
    return to.n > 0;
}

static void write_data(struct untar *u, struct archive *a, struct archive *disk, struct str to) {
    const void *block;
    size_t n;
    la_int64_t offset;
    int rc;
    while ((rc = archive_read_data_block(a, &block, &n, &offset)) == ARCHIVE_OK)
        if (archive_write_data_block(disk, block, n, offset) < ARCHIVE_WARN) {
            note(u, to, archive_error_string(disk));
            return;
        }
    if (rc != ARCHIVE_EOF)
        note(u, to, archive_error_string(a));
}

static void unpack_one(struct untar *u, struct archive *a, struct archive *disk, struct archive_entry *e) {
    const char *raw = archive_entry_pathname(e), *link = archive_entry_hardlink(e);
    struct str name = arena_str(u->arena, str_from(raw ? raw : "..")), to = landing_place(u, name);
    mode_t type = archive_entry_filetype(e);
    if (!to.n || (link && !keep_hard_link(u, e, link))) {
        say_outside(u, name);
        return;
    }
    if (!link && type != AE_IFREG && type != AE_IFDIR) {
        say_link(u, to, archive_entry_symlink(e));
        return;
    }
    archive_entry_copy_pathname(e, arena_strz(u->arena, to));
    archive_entry_set_perm(e, archive_entry_perm(e) & 0777);
    if (archive_write_header(disk, e) < ARCHIVE_WARN) {
        note(u, to, archive_error_string(disk));
        return;
    }
    if (type == AE_IFREG && archive_entry_size(e) > 0)
        write_data(u, a, disk, to);
    if (archive_write_finish_entry(disk) < ARCHIVE_WARN)
        note(u, to, archive_error_string(disk));
}

void untar(struct untar *u) {
    struct archive *a = archive_read_new(), *disk = archive_write_disk_new();
    struct archive_entry *e;
    int rc;
    char rest[4096];
    (void)archive_write_disk_set_options(disk,
                                         ARCHIVE_EXTRACT_UNLINK | (u->keep_modes ? ARCHIVE_EXTRACT_PERM : 0));
    (void)archive_read_support_format_tar(a);
    rc = archive_read_open_fd(a, u->fd, BLOCK_BYTES);
    while (rc >= ARCHIVE_WARN && (rc = archive_read_next_header(a, &e)) >= ARCHIVE_WARN && rc != ARCHIVE_EOF)
        unpack_one(u, a, disk, e);
    if (rc != ARCHIVE_EOF)
        note(u, u->from, archive_error_string(a));
    while (read(u->fd, rest, sizeof rest) > 0) { /* so that who writes never waits for us */
    }
    (void)archive_read_free(a);
    if (archive_write_free(disk) < ARCHIVE_WARN)
        note(u, u->to, "could not be finished");
}
