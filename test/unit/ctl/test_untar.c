/* Archives that come from containers, honest and hostile ones. */
#include "ctl/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "unit/unit.h"

struct member {
    const char *name, *content; /* content NULL: a folder, or a link */
    const char *hard, *soft;
    mode_t mode;
};

struct box {
    struct arena arena;
    const char *dir;
    struct untar u;
    char *said;
    size_t n_said;
};

static void pack(int fd, const struct member *m, size_t n) {
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
    assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_copy_pathname(e, m[i].name);
        archive_entry_set_filetype(e, m[i].soft ? AE_IFLNK : m[i].content || m[i].hard ? AE_IFREG : AE_IFDIR);
        archive_entry_set_perm(e, m[i].mode ? m[i].mode : 0755);
        archive_entry_set_uid(e, getuid());
        archive_entry_set_size(e, m[i].content ? (la_int64_t)strlen(m[i].content) : 0);
        if (m[i].hard)
            archive_entry_copy_hardlink(e, m[i].hard);
        if (m[i].soft)
            archive_entry_copy_symlink(e, m[i].soft);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        if (m[i].content)
            assert_true(archive_write_data(a, m[i].content, strlen(m[i].content)) >= 0);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_free(a), ARCHIVE_OK);
}

/* Unpacks into DIR/in/../to, so that the target itself may have "..". */
static void unpack(struct box *b, const struct member *m, size_t n, size_t cut) {
    *b = (struct box){.arena = ARENA_INIT};
    b->dir = unit_tmpdir();
    const char *path = arena_printf(&b->arena, "%s/a.tar", b->dir).p;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    pack(fd, m, n);
    assert_int_equal(mkdir(arena_printf(&b->arena, "%s/in", b->dir).p, 0700), 0);
    if (cut)
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    FILE *err = open_memstream(&b->said, &b->n_said);
    assert_non_null(err);
    b->u = (struct untar){.arena = &b->arena, .fd = fd, .from = S("/tmp/x"), .keep_modes = true, .err = err};
    b->u.to = arena_printf(&b->arena, "%s/in/../to", b->dir);
    untar(&b->u);
    assert_int_equal(fclose(err), 0);
    (void)close(fd);
}

static const char *at(struct box *b, const char *name) {
    return arena_printf(&b->arena, "%s/%s", b->dir, name).p;
}

static void assert_content(struct box *b, const char *name, const char *content) {
    char text[64] = "";
    FILE *f = fopen(at(b, name), "re");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    assert_string_equal(text, content);
}

static void finish(struct box *b) {
    free(b->said);
    arena_fini(&b->arena);
}

#define UNPACK(b, ...)                                                                                       \
    unpack(b, (const struct member[]){__VA_ARGS__},                                                          \
           sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member), 0)

TEST(test_untar__names_lose_the_source) {
    struct box b;
    UNPACK(&b, {"tmp/x/", 0}, {"tmp/x/a", "one"}, {"tmp/x/deep/b", "two"});
    assert_int_equal(b.u.why.n, 0);
    assert_content(&b, "to/a", "one");
    assert_content(&b, "to/deep/b", "two");
    finish(&b);
}

TEST(test_untar__a_second_name_is_the_same_file) {
    struct box b;
    UNPACK(&b, {"tmp/x/a", "one"}, {"tmp/x/b", 0, "tmp/x/a"});
    assert_int_equal(b.u.why.n, 0);
    assert_content(&b, "to/b", "one");
    finish(&b);
}

TEST(test_untar__nothing_leaves_the_target) {
    struct box b;
    UNPACK(&b, {"tmp/x/../../out", "bad"}, {"../out", "bad"}, {"tmp/x/l", 0, 0, "../out"},
           {"tmp/x/l/y", "good"}, {"tmp/x/h", 0, "tmp/x/../a.tar"}, {"tmp/x/z", "last"});
    assert_int_not_equal(access(at(&b, "out"), F_OK), 0);
    assert_int_not_equal(access(at(&b, "to/h"), F_OK), 0);
    assert_content(&b, "to/l/y", "good");
    assert_content(&b, "to/z", "last");
    assert_non_null(strstr(b.said, "\"../out\" is outside target destination"));
    assert_non_null(strstr(b.said, "skipping symlink"));
    finish(&b);
}

TEST(test_untar__no_rights_beyond_the_usual) {
    struct box b;
    struct stat st;
    UNPACK(&b, {"tmp/x/a", "one", .mode = 06755});
    assert_int_equal(stat(at(&b, "to/a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    finish(&b);
}

TEST(test_untar__an_archive_that_breaks_off_is_told) {
    struct box b;
    unpack(&b, (const struct member[]){{"tmp/x/a", "one and some more"}}, 1, 520);
    assert_int_not_equal(b.u.why.n, 0);
    finish(&b);
}
