/* kubelet/last_words: what is taken for a termination message. */
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "kubelet/last_words.h"
#include "unit/unit.h"

struct world {
    struct arena a;
    struct err err;
    struct last_words w;
};

static struct world start(void) {
    struct world x = {.a = ARENA_INIT, .err = ERR_INIT};
    x.w = (struct last_words){.file = arena_printf(&x.a, "%s/words", unit_tmpdir()).p,
                              .logs_dir = unit_tmpdir(),
                              .log = S("0.log")};
    return x;
}

static void put(struct world *x, const char *path, struct str text) {
    assert_ok(file_write_atomic(path, text, 0644, &x->err), &x->err);
}

static void put_log(struct world *x, int lines) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (int i = 0; i < lines; i++)
        buf_printf(&b, "2026-01-02T03:04:05Z stdout F line %03d\n", i);
    put(x, arena_printf(&x->a, "%s/0.log", unit_tmpdir()).p, buf_view(&b));
}

static struct str many(struct world *x, char c, size_t n) {
    char *p = arena_bytes(&x->a, n);
    memset(p, c, n);
    return str_make(p, n);
}

TEST(test_last_words__are_what_the_container_wrote) {
    struct world x = start();
    put(&x, x.w.file, S("done"));
    put_log(&x, 1);
    x.w.from_log = true;
    assert_str(last_words_read(&x.w, &x.a), "done");
    arena_fini(&x.a);
}

TEST(test_last_words__are_the_end_of_a_long_file) {
    struct world x = start();
    struct str text = arena_printf(&x.a, "begin%.*send", 9000, many(&x, 'a', 9000).p);
    put(&x, x.w.file, text);
    struct str got = last_words_read(&x.w, &x.a);
    assert_int_equal(got.n, 4096);
    assert_true(str_has_suffix(got, S("aend")));
    arena_fini(&x.a);
}

TEST(test_last_words__come_from_the_log_only_when_asked_for) {
    struct world x = start();
    put(&x, x.w.file, S(""));
    put_log(&x, 2);
    assert_int_equal(last_words_read(&x.w, &x.a).n, 0);
    x.w.from_log = true;
    assert_str(last_words_read(&x.w, &x.a), "line 000\nline 001\n");
    arena_fini(&x.a);
}

TEST(test_last_words__take_the_end_of_a_log) {
    struct world x = start();
    x.w.from_log = true;
    put_log(&x, 100);
    struct str got = last_words_read(&x.w, &x.a);
    assert_true(str_has_prefix(got, S("line 020\n")) && str_has_suffix(got, S("line 099\n")));
    put(&x, arena_printf(&x.a, "%s/0.log", unit_tmpdir()).p,
        arena_printf(&x.a, "2026-01-02T03:04:05Z stdout F %.*s!\n", 5000, many(&x, 'b', 5000).p));
    got = last_words_read(&x.w, &x.a);
    assert_int_equal(got.n, 2048);
    assert_true(str_has_suffix(got, S("b!\n")));
    arena_fini(&x.a);
}

TEST(test_last_words__of_nothing_and_of_links_are_none) {
    struct world x = start();
    x.w.from_log = true;
    (void)unlink(x.w.file);
    (void)unlink(arena_printf(&x.a, "%s/0.log", unit_tmpdir()).p);
    assert_int_equal(last_words_read(&x.w, &x.a).n, 0);
    assert_int_equal(symlink("/etc/passwd", x.w.file), 0);
    assert_int_equal(last_words_read(&x.w, &x.a).n, 0);
    arena_fini(&x.a);
}
