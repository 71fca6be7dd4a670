/* kubelet/log_file: reading, following and rotating logs. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/thread.h"
#include "base/workers.h"
#include "kubelet/log_file.h"
#include "unit/unit.h"

#define T1 "2026-01-02T03:04:05.000000001Z"
#define T2 "2026-01-02T03:04:06.5Z"
#define T3 "2026-01-02T03:04:07+00:00"
#define T2_NS (1767323046500000000)

struct out {
    struct buf text;
    bool more;
    unsigned asked;
    struct waiter begun; /* signalled at the first piece */
    struct waiter seen;  /* signalled when `until` was written */
    const char *until;
    void (*on_ask)(struct out *o);
};

static int take(void *arg, enum log_stream stream, struct str text) {
    struct out *o = arg;
    (void)stream;
    if (o->text.n == 0 && o->until)
        waiter_signal(&o->begun);
    buf_str(&o->text, text);
    if (o->until && str_find(buf_view(&o->text), str_from(o->until)) >= 0) {
        o->until = NULL;
        waiter_signal(&o->seen);
    }
    return 0;
}

static bool still(void *arg) {
    struct out *o = arg;
    o->asked++;
    if (o->on_ask)
        o->on_ask(o);
    return o->more;
}

static const char *path(const char *name) {
    static char p[4][600];
    static unsigned next;
    snprintf(p[next % 4], sizeof p[0], "%s/%s", unit_tmpdir(), name);
    return p[next++ % 4];
}

static void append(const char *name, const char *text) {
    FILE *f = fopen(path(name), "ae");
    check(f);
    fputs(text, f);
    fclose(f);
}

static void expect(const char *log, struct log_query q, const char *text) {
    struct err err = ERR_INIT;
    struct out o = {0};
    q.write = take;
    q.arg = &o;
    unlink(path("l"));
    append("l", log);
    assert_ok(log_file_read(unit_tmpdir(), S("l"), &q, &err), &err);
    assert_str(buf_view(&o.text), text);
    buf_fini(&o.text);
}

#define QUERY(set_)                                                                                          \
    ({                                                                                                       \
        struct log_query it = LOG_QUERY_ALL;                                                                 \
        set_;                                                                                                \
        it;                                                                                                  \
    })
#define THREE T1 " stdout F one\n" T2 " stderr F two\n" T3 " stdout F three\n"

TEST(test_log_file__lines_lose_what_the_runtime_added) {
    expect(THREE, QUERY(it.timestamps = false), "one\ntwo\nthree\n");
    expect(THREE, QUERY(it.timestamps = true), T1 " one\n" T2 " two\n" T3 " three\n");
    expect("", QUERY(it.timestamps = false), "");
}

TEST(test_log_file__partial_lines_are_joined) {
    expect(T1 " stdout P one \n" T1 " stdout P two \n" T2 " stdout F three\n" T3 " stdout F \n",
           QUERY(it.timestamps = false), "one two three\n\n");
    expect(T1 " stdout P one \n" T2 " stdout F two\n" T3 " stdout F x\n", QUERY(it.timestamps = true),
           T1 " one two\n" T3 " x\n");
    expect(T1 " stdout P:more one\n" T2 " stdout F", QUERY(it.timestamps = false), "one");
}

TEST(test_log_file__malformed_lines_are_passed_over) {
    expect("x\n\n" T1 "\n" T1 " stdin F x\n" T1 " stdout X x\nyesterday stdout F x\n" T1 " stdout F ok\n" T1
           " stdout F cut",
           QUERY(it.timestamps = false), "ok\n");
}

TEST(test_log_file__tail) {
    expect(THREE, QUERY(it.tail_lines = 0), "");
    expect(THREE, QUERY(it.tail_lines = 1), "three\n");
    expect(THREE, QUERY(it.tail_lines = 2), "two\nthree\n");
    expect(THREE, QUERY(it.tail_lines = 3), "one\ntwo\nthree\n");
    expect(THREE, QUERY(it.tail_lines = 100), "one\ntwo\nthree\n");
    expect("", QUERY(it.tail_lines = 5), "");
    _cleanup_buf struct buf b = BUF_INIT;
    for (int i = 0; i < 3000; i++)
        buf_printf(&b, T1 " stdout F line %d\n", i);
    expect(buf_cstr(&b), QUERY(it.tail_lines = 2), "line 2998\nline 2999\n");
    struct err err = ERR_INIT;
    struct out o = {0};
    struct log_query q = QUERY(it.tail_lines = 2999; it.write = take; it.arg = &o);
    assert_ok(log_file_read(unit_tmpdir(), S("l"), &q, &err), &err);
    assert_true(str_has_prefix(buf_view(&o.text), S("line 1\nline 2\n")));
    buf_fini(&o.text);
}

TEST(test_log_file__since_stream_and_limit) {
    expect(THREE, QUERY(it.since_ns = T2_NS), "two\nthree\n");
    expect(THREE, QUERY(it.since_ns = T2_NS + 1), "three\n");
    expect(THREE, QUERY(it.streams = LOG_STDERR), "two\n");
    expect(THREE, QUERY(it.streams = LOG_STDOUT), "one\nthree\n");
    expect(THREE, QUERY(it.limit_bytes = 0), "");
    expect(THREE, QUERY(it.limit_bytes = 6), "one\ntw");
    expect(THREE, QUERY(it.limit_bytes = 8), "one\ntwo\n");
    expect(THREE, QUERY(it.limit_bytes = 1000), "one\ntwo\nthree\n");
}

TEST(test_log_file__long_lines) {
    _cleanup_buf struct buf log = BUF_INIT, want = BUF_INIT;
    buf_lit(&log, T1 " stdout F ");
    for (int i = 0; i < 200000; i++)
        buf_byte(&want, (char)('a' + i % 26));
    buf_byte(&want, '\n');
    buf_str(&log, buf_view(&want));
    expect(buf_cstr(&log), QUERY(it.timestamps = false), buf_cstr(&want));
    /* one without end is no log: it is dropped, not gathered */
    buf_clear(&log);
    for (int i = 0; i < 3 << 20; i++)
        buf_byte(&log, 'x');
    buf_lit(&log, "\n" T1 " stdout F ok\n");
    expect(buf_cstr(&log), QUERY(it.timestamps = false), "ok\n");
}

TEST(test_log_file__only_files_below_the_folder_are_read) {
    struct err err = ERR_INIT;
    struct out o = {0};
    struct log_query q = QUERY(it.write = take; it.arg = &o);
    append("secret", THREE);
    assert_ok(file_mkdir_p(path("logs/c"), 0755, &err), &err);
    assert_int_equal(symlink(path("secret"), path("logs/c/0.log")), 0);
    assert_int_equal(symlink(unit_tmpdir(), path("logs/d")), 0);
    assert_int_not_equal(log_file_read(path("logs"), S("c/0.log"), &q, &err), 0);
    assert_int_not_equal(log_file_read(path("logs"), S("d/secret"), &q, &err), 0);
    assert_int_not_equal(log_file_read(path("logs"), S("../secret"), &q, &err), 0);
    assert_int_not_equal(log_file_read(path("logs"), S("c"), &q, &err), 0);
    assert_fails(log_file_read(path("logs"), S("c/1.log"), &q, &err), ERR_NOT_FOUND);
    assert_int_equal(mkfifo(path("logs/c/2.log"), 0600), 0);
    assert_fails(log_file_read(path("logs"), S("c/2.log"), &q, &err), ERR_INVALID);
    assert_int_equal(o.text.n, 0);
}

/* --- following --- */

struct follower {
    struct thread thread;
    struct out out;
    struct log_query q;
    int rc;
};

static void follow_main(void *arg) {
    struct follower *f = arg;
    f->rc = log_file_read(unit_tmpdir(), S("l"), &f->q, NULL);
}

static void follow(struct follower *f, const char *until, int64_t tail) {
    *f = (struct follower){.out = {.more = true, .until = until}};
    waiter_init(&f->out.begun, NULL);
    waiter_init(&f->out.seen, NULL);
    f->q = QUERY(it.tail_lines = tail; it.write = take; it.follow = still; it.arg = &f->out);
    f->q.stop_fd = eventfd(0, EFD_CLOEXEC);
    check(thread_start(&f->thread, &(struct thread_options){.name = "follower"}, follow_main, f, NULL) == 0);
}

static void unfollow(struct follower *f) {
    uint64_t one = 1;
    check(write(f->q.stop_fd, &one, sizeof one) == sizeof one);
    thread_join(&f->thread);
    close(f->q.stop_fd);
    waiter_fini(&f->out.begun);
    waiter_fini(&f->out.seen);
    buf_fini(&f->out.text);
}

TEST(test_log_file__follower_gets_what_comes) {
    struct follower f;
    append("l", T1 " stdout F old\n");
    follow(&f, "half a line\n", -1);
    append("l", T1 " stdout F new\n" T2 " stdout F half");
    append("l", " a line\n");
    waiter_wait(&f.out.seen);
    assert_str(buf_view(&f.out.text), "old\nnew\nhalf a line\n");
    unfollow(&f);
    assert_int_equal(f.rc, 0);
}

TEST(test_log_file__follower_survives_rotation) {
    struct follower f;
    append("l", T1 " stdout F 1\n");
    follow(&f, "4\n", -1);
    waiter_wait(&f.out.begun);
    append("l", T1 " stdout F 2\n");
    assert_int_equal(rename(path("l"), path("l.20260102-030405")), 0);
    append("l.20260102-030405", T1 " stdout F 3\n"); /* the runtime has not reopened it yet */
    append("l", T1 " stdout F 4\n");
    waiter_wait(&f.out.seen);
    assert_str(buf_view(&f.out.text), "1\n2\n3\n4\n");
    unfollow(&f);
}

static void write_last(struct out *o) {
    if (o->asked == 1)
        append("l", T1 " stdout F last\n");
    o->more = false;
}

TEST(test_log_file__follower_reads_to_the_end_of_a_container) {
    struct err err = ERR_INIT;
    struct out o = {.more = true, .on_ask = write_last};
    struct log_query q = QUERY(it.write = take; it.follow = still; it.arg = &o);
    append("l", T1 " stdout F first\n");
    assert_ok(log_file_read(unit_tmpdir(), S("l"), &q, &err), &err);
    assert_str(buf_view(&o.text), "first\nlast\n");
    buf_fini(&o.text);
}

/* --- rotating --- */

static int reopen_rc;
static int reopen(void *arg, struct err *err) {
    (void)arg;
    if (reopen_rc)
        return err_set(err, reopen_rc, "no runtime");
    append("0.log", "");
    return 0;
}

static bool rotate(struct clock_sim *clock, int *ret_code) {
    struct err err = ERR_INIT;
    bool rotated = false;
    char p[600];
    snprintf(p, sizeof p, "%s", path("0.log"));
    struct log_rotation r = {
        .path = p, .max_bytes = 10, .max_files = 3, .clock = &clock->clock, .reopen = reopen};
    int rc = log_file_rotate(&r, &rotated, &err);
    if (ret_code)
        *ret_code = rc;
    else
        assert_ok(rc, &err);
    return rotated;
}

TEST(test_log_file__rotation_keeps_so_many_and_packs_the_old) {
    struct clock_sim clock;
    clock_sim_init(&clock, 1767323045000000000);
    reopen_rc = 0;
    append("0.log", "short\n");
    assert_false(rotate(&clock, NULL));
    append("0.log", "first is long enough\n");
    append("0.log.20200101-000000.tmp", "leaving");
    append("0.log.other", "not ours");
    assert_true(rotate(&clock, NULL));
    assert_true(file_exists(path("0.log.20260102-030405")));
    assert_false(file_exists(path("0.log.20200101-000000.tmp")));
    for (int i = 0; i < 3; i++) {
        clock_sim_advance(&clock, 1000000000);
        append("0.log", "another one, long enough\n");
        assert_true(rotate(&clock, NULL));
    }
    assert_false(file_exists(path("0.log.20260102-030405")));
    assert_false(file_exists(path("0.log.20260102-030405.gz")));
    assert_true(file_exists(path("0.log.20260102-030407.gz")));
    assert_true(file_exists(path("0.log.20260102-030408")));
    assert_true(file_exists(path("0.log.other")));
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    struct process_options o = {
        .argv = (const char *const[]){"gzip", "-dc", path("0.log.20260102-030407.gz"), NULL}};
    assert_ok(process_run_ok(&o, &(struct process_io){.out = &b}, &err), &err);
    assert_str(buf_view(&b), "another one, long enough\n");
    char p[600];
    snprintf(p, sizeof p, "%s", path("0.log"));
    assert_ok(log_file_remove(p, &err), &err);
    assert_false(file_exists(path("0.log.20260102-030407.gz")));
    assert_false(file_exists(p));
    assert_true(file_exists(path("0.log.other")));
}

TEST(test_log_file__rotation_is_undone_when_the_runtime_does_not_reopen) {
    struct clock_sim clock;
    int rc;
    clock_sim_init(&clock, 1767323045000000000);
    append("0.log", "this is long enough\n");
    reopen_rc = ERR_CLOSED;
    assert_false(rotate(&clock, &rc));
    assert_fails(rc, ERR_CLOSED);
    assert_true(file_exists(path("0.log")));
    assert_false(file_exists(path("0.log.20260102-030405")));
}
