/* base/process */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/process.h"
#include "unit/unit.h"

#define SH(script) ((const char *const[]){"sh", "-c", (script), NULL})
#define LONG_MS 20000

static struct process_end run(const char *script, struct str in, struct buf *out, struct buf *err_out) {
    struct err err = ERR_INIT;
    struct process_end end = {0};
    struct process_io io = {.in = in, .out = out, .err = err_out, .timeout_ms = LONG_MS};
    assert_ok(process_run(&(struct process_options){.argv = SH(script)}, &io, &end, &err), &err);
    return end;
}

static struct process *start(const char *script) {
    struct err err = ERR_INIT;
    struct process *p;
    assert_ok(process_start(&(struct process_options){.argv = SH(script)}, &p, &err), &err);
    return p;
}

TEST(test_process__output_and_status_come_back) {
    _cleanup_buf struct buf out = BUF_INIT, error = BUF_INIT;
    struct process_end end = run("echo out; echo error >&2; exit 3", S(""), &out, &error);
    assert_str(buf_view(&out), "out\n");
    assert_str(buf_view(&error), "error\n");
    assert_true(end.known);
    assert_int_equal(end.code, 3);
    assert_int_equal(end.signal, 0);
    assert_false(process_end_ok(&end));
}

TEST(test_process__both_streams_into_one_buffer_keep_their_order) {
    _cleanup_buf struct buf both = BUF_INIT;
    struct process_end end = run("echo a; echo b >&2; echo c", S(""), &both, &both);
    assert_true(process_end_ok(&end));
    assert_str(buf_view(&both), "a\nb\nc\n");
}

TEST(test_process__large_input_goes_in_and_out) {
    _cleanup_buf struct buf in = BUF_INIT, out = BUF_INIT;
    for (int i = 0; i < 100000; i++)
        buf_printf(&in, "%d\n", i);
    struct process_end end = run("cat", buf_view(&in), &out, NULL);
    assert_true(process_end_ok(&end));
    assert_str_equal(buf_view(&out), buf_view(&in));
}

TEST(test_process__input_nobody_reads_is_no_error) {
    _cleanup_buf struct buf in = BUF_INIT;
    for (int i = 0; i < 100000; i++)
        buf_lit(&in, "0123456789");
    struct process_end end = run("exit 0", buf_view(&in), NULL, NULL);
    assert_true(process_end_ok(&end));
}

TEST(test_process__output_beyond_the_limit_is_dropped) {
    _cleanup_buf struct buf out = {.limit = 10000};
    struct process_end end = run("head -c 1000000 /dev/zero; exit 1", S(""), &out, NULL);
    assert_int_equal(end.code, 1);
    assert_true(out.overflow);
    assert_true(out.n <= 10000);
}

TEST(test_process__no_descriptors_and_no_blocked_signals_are_inherited) {
    int leaked = open("/dev/null", O_RDONLY); /* not close-on-exec */
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    _cleanup_buf struct buf out = BUF_INIT;
    run("for f in /proc/self/fd/*; do test ! -e $f || echo ${f##*/}; done; grep SigBlk /proc/self/status",
        S("x"), &out, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(leaked);
    assert_str(buf_view(&out), "0\n1\n2\nSigBlk:\t0000000000000000\n");
}

TEST(test_process__ignored_signals_are_not_inherited) {
    void (*handler)(int) = signal(SIGUSR1, SIG_IGN);
    struct process_end end = run("kill -USR1 $$; exit 0", S(""), NULL, NULL);
    signal(SIGUSR1, handler);
    assert_int_equal(end.signal, SIGUSR1);
}

TEST(test_process__streams_that_are_standard_streams_may_be_swapped) {
    char path[600];
    snprintf(path, sizeof path, "%s/out", unit_tmpdir());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int saved = dup(1);
    check(dup2(fd, 1) == 1);
    struct err err = ERR_INIT;
    struct process *p;
    struct process_options o = {.argv = SH("echo to-error >&2; echo to-out"), .out = 2, .err = 1};
    o.out = fd;
    int rc = process_start(&o, &p, &err);
    dup2(saved, 1);
    close(saved);
    close(fd);
    assert_ok(rc, &err);
    assert_ok(process_wait(p, LONG_MS, NULL, &err), &err);
    process_free(p);
    _cleanup_buf struct buf text = BUF_INIT;
    assert_ok(file_read(path, 1000, &text, &err), &err);
    assert_str(buf_view(&text), "to-error\nto-out\n");
}

TEST(test_process__environment_and_folder_are_the_callers_choice) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct process_options o = {.argv = (const char *const[]){"/bin/sh", "-c", "pwd; echo $A$HOME", NULL},
                                .env = (const char *const[]){"A=b", NULL},
                                .dir = "/usr"};
    assert_ok(process_run_ok(&o, &(struct process_io){.out = &out}, &err), &err);
    assert_str(buf_view(&out), "/usr\nb\n");
}

TEST(test_process__session_is_its_own) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct process_options o = {.argv = SH("cut -d' ' -f6 /proc/$$/stat; echo $$"), .session = true};
    assert_ok(process_run_ok(&o, &(struct process_io){.out = &out}, &err), &err);
    struct str sid, pid;
    str_split(str_trim(buf_view(&out)), '\n', &sid, &pid);
    assert_str_equal(sid, pid);
}

TEST(test_process__missing_program_is_not_found) {
    struct err err = ERR_INIT;
    struct process *p;
    struct process_options o = {.argv = (const char *const[]){"/nonexistent/program", NULL}};
    assert_fails(process_start(&o, &p, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nonexistent/program"));
    o.argv = (const char *const[]){"no-such-program-anywhere", NULL};
    assert_fails(process_start(&o, &p, &err), ERR_NOT_FOUND);
}

TEST(test_process__failure_quotes_the_last_error_line) {
    struct err err = ERR_INIT;
    struct process_options o = {.argv = SH("echo first >&2; echo second >&2; exit 4")};
    assert_fails(process_run_ok(&o, &(struct process_io){0}, &err), ERR_IO);
    assert_string_equal(err.msg, "sh: exit status 4: second");
}

TEST(test_process__time_limit_kills) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct process_options o = {.argv = SH("echo $$; exec sleep 1000")};
    struct process_io io = {.out = &out, .timeout_ms = 100};
    assert_fails(process_run(&o, &io, NULL, &err), ERR_TIMEOUT);
    int64_t pid;
    assert_true(str_to_i64(str_trim(buf_view(&out)), &pid));
    assert_int_equal(kill((pid_t)pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

TEST(test_process__grandchild_that_keeps_the_pipe_is_not_awaited) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct process_end end = run("sleep 1000 & echo $!", S(""), &out, NULL);
    assert_true(process_end_ok(&end));
    int64_t pid;
    assert_true(str_to_i64(str_trim(buf_view(&out)), &pid));
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

TEST(test_process__kill_is_told_as_a_signal) {
    struct err err = ERR_INIT;
    struct process *p = start("exec sleep 1000");
    assert_fails(process_wait(p, 0, NULL, &err), ERR_TIMEOUT);
    assert_ok(process_kill(p, SIGKILL, &err), &err);
    struct process_end end;
    assert_ok(process_wait(p, LONG_MS, &end, &err), &err);
    assert_int_equal(end.signal, SIGKILL);
    char text[PROCESS_END_TEXT_SIZE];
    assert_string_equal(process_end_text(&end, text), "signal: Killed");
    assert_ok(process_wait(p, 0, &end, &err), &err);
    assert_ok(process_kill(p, SIGKILL, &err), &err);
    process_free(p);
}

TEST(test_process__stop_asks_first_and_then_kills) {
    struct err err = ERR_INIT;
    struct process_end end;
    struct process *p = start("exec sleep 1000");
    assert_ok(process_stop(p, LONG_MS, &end, &err), &err);
    assert_int_equal(end.signal, SIGTERM);
    process_free(p);

    int ready[2];
    check(pipe2(ready, O_CLOEXEC) == 0);
    int silent[2];
    check(pipe2(silent, O_CLOEXEC) == 0);
    struct process_options o = {
        .argv = SH("trap '' TERM; echo; read line"), .in = silent[0], .out = ready[1]};
    assert_ok(process_start(&o, &p, &err), &err);
    char c;
    check(read(ready[0], &c, 1) == 1);
    assert_ok(process_stop(p, 50, &end, &err), &err);
    assert_int_equal(end.signal, SIGKILL);
    process_free(p);
    close(silent[0]);
    close(silent[1]);
    close(ready[0]);
    close(ready[1]);
}

TEST(test_process__descriptor_becomes_readable_at_the_end) {
    struct process *p = start("exit 0");
    struct pollfd fd = {.fd = process_fd(p), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, LONG_MS), 1);
    process_free(p);
}

TEST(test_process__free_kills_and_leaves_no_zombie) {
    struct process *p = start("exec sleep 1000");
    pid_t pid = process_pid(p);
    process_free(p);
    assert_int_equal(waitpid(pid, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
    process_free(NULL);
}

TEST(test_process__adopted_process_is_watched_and_stopped) {
    struct err err = ERR_INIT;
    struct process *child = start("exec sleep 1000");
    struct process *p;
    assert_ok(process_adopt(process_pid(child), &p, &err), &err);
    assert_fails(process_wait(p, 0, NULL, &err), ERR_TIMEOUT);
    struct process_end end;
    assert_ok(process_stop(p, LONG_MS, &end, &err), &err);
    assert_false(end.known);
    process_free(p);
    assert_ok(process_wait(child, LONG_MS, &end, &err), &err);
    assert_int_equal(end.signal, SIGTERM);
    pid_t pid = process_pid(child);
    process_free(child);
    assert_fails(process_adopt(pid, &p, &err), ERR_NOT_FOUND);
    assert_fails(process_adopt(0, &p, &err), ERR_INVALID);
}

TEST(test_process__command_is_told_by_the_system) {
    struct err err = ERR_INIT;
    struct process *p;
    int ready[2];
    check(pipe2(ready, O_CLOEXEC) == 0);
    struct process_options o = {.argv = SH("echo; sleep 1000; true"), .out = ready[1], .session = true};
    assert_ok(process_start(&o, &p, &err), &err);
    char c;
    check(read(ready[0], &c, 1) == 1); /* the system knows them only once the program runs */
    _cleanup_buf struct buf out = BUF_INIT;
    assert_ok(process_command(process_pid(p), &out, &err), &err);
    assert_memory_equal(out.p, "sh\0-c\0echo; sleep", 17);
    kill(-process_pid(p), SIGKILL);
    process_free(p);
    close(ready[0]);
    close(ready[1]);
}
