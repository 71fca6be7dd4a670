/* base/file */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "unit/unit.h"

/* A path in the test's directory; one at a time. */
static const char *path(const char *name) {
    static char out[4][600];
    static unsigned next;
    char *p = out[next++ % 4];
    snprintf(p, sizeof out[0], "%s/%s", unit_tmpdir(), name);
    return p;
}

static void expect_content(const char *file, const char *text) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    assert_ok(file_read(file, 1 << 20, &b, &err), &err);
    assert_str(buf_view(&b), text);
}

static unsigned entries_in(const char *dir) {
    DIR *d = opendir(dir);
    check(d);
    unsigned n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2; /* . and .. */
}

TEST(test_file__atomic_write_creates_and_replaces) {
    struct err err = ERR_INIT;
    assert_ok(file_write_atomic(path("a"), S("one"), 0640, &err), &err);
    expect_content(path("a"), "one");
    assert_ok(file_write_atomic(path("a"), S("two, longer"), 0600, &err), &err);
    expect_content(path("a"), "two, longer");
    struct stat st;
    assert_int_equal(stat(path("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(entries_in(unit_tmpdir()), 1);
}

TEST(test_file__atomic_write_ignores_umask) {
    struct err err = ERR_INIT;
    mode_t before = umask(077);
    assert_ok(file_write_atomic(path("a"), S(""), 0644, &err), &err);
    umask(before);
    struct stat st;
    assert_int_equal(stat(path("a"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    expect_content(path("a"), "");
}

TEST(test_file__failed_atomic_write_leaves_nothing_behind) {
    struct err err = ERR_INIT;
    assert_int_equal(mkdir(path("dir"), 0700), 0);
    assert_ok(file_write_atomic(path("dir/inside"), S("x"), 0600, &err), &err);
    assert_int_not_equal(file_write_atomic(path("dir"), S("text"), 0600, &err),
                         0); /* cannot replace a directory */
    assert_non_null(strstr(err.msg, "/dir"));
    assert_int_equal(entries_in(unit_tmpdir()), 1);
    assert_fails(file_write_atomic(path("none/a"), S("x"), 0600, &err), ERR_NOT_FOUND);
    assert_fails(file_write_atomic(path("none/a"), S("x"), 0600, NULL), ERR_NOT_FOUND);
}

TEST(test_file__atomic_write_replaces_a_link_itself) {
    struct err err = ERR_INIT;
    assert_ok(file_write_atomic(path("target"), S("kept"), 0600, &err), &err);
    assert_int_equal(symlink(path("target"), path("link")), 0);
    assert_ok(file_write_atomic(path("link"), S("new"), 0600, &err), &err);
    expect_content(path("target"), "kept");
    expect_content(path("link"), "new");
}

TEST(test_file__read_appends_and_obeys_its_limit) {
    struct err err = ERR_INIT;
    assert_ok(file_write_atomic(path("a"), S("12345"), 0600, &err), &err);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, ">");
    assert_ok(file_read(path("a"), 5, &b, &err), &err);
    assert_str(buf_view(&b), ">12345");
    assert_fails(file_read(path("a"), 4, &b, &err), ERR_TOO_LARGE);
    assert_str(buf_view(&b), ">12345");
    assert_fails(file_read(path("a"), 0, &b, NULL), ERR_TOO_LARGE);
}

TEST(test_file__reads_large_and_unsized_files) {
    struct err err = ERR_INIT;
    size_t n = 100001;
    char *text = malloc(n);
    check(text);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + i % 26);
    assert_ok(file_write_atomic(path("big"), str_make(text, n), 0600, &err), &err);
    _cleanup_buf struct buf b = BUF_INIT;
    assert_ok(file_read(path("big"), n, &b, &err), &err);
    assert_true(str_eq(buf_view(&b), str_make(text, n)));
    free(text);
    buf_clear(&b);
    assert_ok(file_read("/proc/self/status", 1 << 20, &b, &err), &err);
    assert_true(b.n > 100);
}

TEST(test_file__missing_file_is_not_found) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    assert_fails(file_read(path("none"), 10, &b, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "none"));
    assert_false(file_exists(path("none")));
    assert_ok(file_remove(path("none"), &err), &err);
}

TEST(test_file__mkdir_p_makes_parents_and_is_idempotent) {
    struct err err = ERR_INIT;
    assert_ok(file_mkdir_p(path("x/y//z/"), 0755, &err), &err);
    assert_ok(file_mkdir_p(path("x/y/z"), 0755, &err), &err);
    assert_true(file_exists(path("x/y/z")));
    assert_ok(file_write_atomic(path("f"), S(""), 0600, &err), &err);
    assert_int_not_equal(file_mkdir_p(path("f/g"), 0755, &err), 0);
    assert_int_not_equal(file_mkdir_p(path("f"), 0755, &err), 0);
    assert_fails(file_mkdir_p("", 0755, &err), ERR_INVALID);
}

TEST(test_file__fd_is_closed_at_scope_end_unless_taken) {
    int kept, closed;
    {
        _cleanup_fd int a = open("/dev/null", O_RDONLY | O_CLOEXEC),
                        b = open("/dev/null", O_RDONLY | O_CLOEXEC);
        check(a >= 0 && b >= 0);
        closed = a;
        kept = fd_take(&b);
        assert_int_equal(b, -1);
    }
    assert_int_equal(fcntl(closed, F_GETFD), -1);
    assert_int_not_equal(fcntl(kept, F_GETFD), -1);
    fd_close(&kept);
    fd_close(&kept);
}
