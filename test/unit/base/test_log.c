/* base/log */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "unit/unit.h"

static struct buf lines;
static struct clock_sim sim;

static void sink(void *arg, struct str line) {
    buf_str(arg, line);
}

static void capture(enum log_format format, int verbosity) {
    buf_clear(&lines);
    clock_sim_init(&sim, 1700000000123456789); /* 2023-11-14T22:13:20.123456789Z */
    log_setup(&(struct log_options){
        .format = format, .verbosity = verbosity, .clock = &sim.clock, .sink = sink, .sink_arg = &lines});
}

/* What was logged, from the closing of the header on; ends the capture. */
static struct str captured(const char *behind) {
    log_setup(NULL);
    struct str all = buf_view(&lines);
    ptrdiff_t at = str_find(all, str_from(behind));
    assert_true(at >= 0);
    return str_from_byte(all, (size_t)at + strlen(behind));
}

static void done(void) {
    log_setup(NULL);
    buf_fini(&lines);
}

TEST(test_log__text_has_header_and_typed_pairs) {
    capture(LOG_TEXT, 0);
    struct err err;
    (void)err_set(&err, ERR_IO, "disk \"a\"");
    bool yes = true;
    log_warn("pod started", kv("pod", "web-0"), kv("name", S("n")), kv("n", -3), kv("big", UINT64_MAX),
             kv("ok", yes), kv("ratio", 0.25), kv("err", &err), kv_duration("took", 1500000000),
             kv_ref("ref", S("default"), S("x")), kv_ref("node", STR_NONE, S("node-1")),
             kv("none", STR_NONE));
    struct str all = buf_view(&lines);
    assert_true(str_has_prefix(all, S("W1114 22:13:20.123456 ")));
    assert_true(str_find(all, S(" test_log.c:")) > 0);
    assert_str(captured("] "),
               "\"pod started\" pod=\"web-0\" name=\"n\" n=-3 big=18446744073709551615 ok=true ratio=0.25 "
               "err=\"disk \\\"a\\\"\" took=\"1.5s\" ref=\"default/x\" node=\"node-1\" none=<none>\n");
    done();
}

TEST(test_log__json_is_one_object_per_line) {
    capture(LOG_JSON, 2);
    log_info("hello\n", kv("s", S("\x01\x7f\t\\")), kv_ref("pod", S("ns"), S("p")), kv("none", STR_NONE),
             kv("f", 1e300));
    log_v(2, "detail");
    log_error("failed", kv("err", "x"));
    struct str all = buf_view(&lines);
    assert_true(str_has_prefix(all, S("{\"ts\":1700000000123.456,\"caller\":\"test_log.c:")));
    struct str first, rest, second, third;
    assert_true(str_split(captured("\"msg\":"), '\n', &first, &rest));
    assert_str(
        first,
        "\"hello\\n\",\"v\":0,\"s\":\"\\u0001\\u007f\\t\\\\\",\"pod\":{\"name\":\"p\",\"namespace\":\"ns\"},"
        "\"none\":null,\"f\":1e+300}");
    assert_true(str_split(rest, '\n', &second, &third));
    assert_true(str_has_suffix(second, S(",\"msg\":\"detail\",\"v\":2}")));
    assert_true(str_has_suffix(third, S(",\"msg\":\"failed\",\"severity\":\"error\",\"err\":\"x\"}\n")));
    done();
}

TEST(test_log__json_of_numbers_that_json_lacks) {
    capture(LOG_JSON, 0);
    log_info("m", kv("a", 1.0 / 0.0), kv("b", -1.0 / 0.0), kv("c", 0.0 / 0.0));
    struct str got = captured("\"v\":0");
    assert_true(str_has_prefix(got, S(",\"a\":\"+Inf\",\"b\":\"-Inf\",\"c\":\"")));
    done();
}

TEST(test_log__bytes_that_are_no_utf8_are_replaced) {
    capture(LOG_TEXT, 0);
    log_info("m", kv("k", S("a\xff\xc3z\xc3\xa9")));
    assert_str(captured("] "), "\"m\" k=\"a\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa9\"\n");
    done();
}

static int evaluated;
static int count_evaluation(void) {
    return ++evaluated;
}

TEST(test_log__verbosity_gates_lines_and_their_arguments) {
    capture(LOG_TEXT, 3);
    evaluated = 0;
    log_v(4, "hidden", kv("n", count_evaluation()));
    assert_int_equal(evaluated, 0);
    assert_int_equal(lines.n, 0);
    assert_true(log_enabled(3));
    log_v(3, "shown", kv("n", count_evaluation()));
    assert_int_equal(evaluated, 1);
    log_set_verbosity(4);
    log_v(4, "shown too");
    struct str got = captured("\"shown\" n=1\n");
    assert_true(str_has_suffix(got, S("\"shown too\"\n")));
    done();
}

TEST(test_log__less_severe_lines_can_be_dropped) {
    capture(LOG_TEXT, 0);
    log_setup(
        &(struct log_options){.least = LOG_ERROR, .clock = &sim.clock, .sink = sink, .sink_arg = &lines});
    log_info("a");
    log_warn("b");
    assert_int_equal(lines.n, 0);
    log_error("c");
    assert_str(captured("] "), "\"c\"\n");
    done();
}

/* Whatever comes, a line is at most LOG_LINE_MAX bytes, ends with a newline, and says that it was cut. */
TEST(test_log__too_long_lines_are_cut_visibly) {
    static char text[10000];
    for (int format = LOG_TEXT; format <= LOG_JSON; format++)
        for (size_t n = 0; n < sizeof text; n += 17) {
            capture(format, 0);
            memset(text, n % 2 ? '\n' : 'x', n);
            struct str s = str_make(text, n);
            log_info("m", kv("a", s), kv("b", s), kv("c", s), kv("d", s), kv("e", s), kv_ref("f", s, s));
            struct str got = buf_view(&lines);
            assert_true(got.n <= LOG_LINE_MAX && got.p[got.n - 1] == '\n');
            assert_int_equal(str_find_byte(got, '\n'), got.n - 1);
            if (n > LOG_VALUE_MAX)
                assert_true(str_find(got, S("…")) > 0);
            if (format == LOG_JSON)
                assert_true(str_has_suffix(got, S("}\n")));
        }
    text[sizeof text - 1] = 0;
    capture(LOG_JSON, 0);
    log_info(text, kv("a", "b"));
    assert_true(str_find(buf_view(&lines), S("…\"")) > 0);
    done();
}

TEST(test_log__long_values_are_cut_between_characters) {
    capture(LOG_TEXT, 0);
    static char text[1100];
    memset(text, 'x', sizeof text);
    memcpy(text + LOG_VALUE_MAX - 1, "\xe2\x82\xac", 3); /* crosses the limit */
    log_info("m", kv("k", str_make(text, sizeof text)));
    struct str got = captured("k=\"");
    assert_int_equal(str_find(got, S("…")), LOG_VALUE_MAX - 1);
    done();
}

TEST(test_log__every_passes_once_per_interval) {
    capture(LOG_TEXT, 0);
    unsigned passed = 0;
    for (int i = 0; i < 100; i++) {
        if (log_every(1000))
            passed++;
        clock_sim_advance(&sim, 100000000);
    }
    assert_int_equal(passed, 10);
    static struct log_limit a, b;
    assert_true(log_limit_pass(&a, 1000));
    assert_false(log_limit_pass(&a, 1000));
    assert_true(log_limit_pass(&b, 1000));
    done();
}

/* Lines of many threads come whole: through a pipe, as to a container's log. */
static void *log_many(void *arg) {
    for (int i = 0; i < 300; i++)
        log_info("line of a thread", kv("thread", (uint64_t)(uintptr_t)arg), kv("i", i));
    return NULL;
}

static void log_to_pipe(int fd) {
    int saved = dup(STDERR_FILENO);
    check(dup2(fd, STDERR_FILENO) >= 0);
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        check(pthread_create(&threads[i], NULL, log_many, (void *)i) == 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    check(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

TEST(test_log__lines_of_threads_do_not_mix) {
    log_setup(NULL);
    int fds[2];
    check(pipe2(fds, O_CLOEXEC) == 0);
    check(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0);
    log_to_pipe(fds[1]);
    close(fds[1]);
    FILE *f = fdopen(fds[0], "r");
    char line[LOG_LINE_MAX];
    unsigned n = 0;
    for (; fgets(line, sizeof line, f); n++) {
        assert_int_equal(line[0], 'I');
        assert_non_null(strstr(line, "] \"line of a thread\" thread="));
    }
    assert_int_equal(n, 1200);
    fclose(f);
}

TEST(test_log__fatal_ends_the_process_with_255) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        log_fatal("the end", kv("n", 1));
    }
    int status;
    check(waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 255);
}

TEST(test_log__keeps_errno) {
    capture(LOG_TEXT, 0);
    errno = 42;
    log_info("m");
    assert_int_equal(errno, 42);
    done();
}
