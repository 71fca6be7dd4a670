/* The unit test frame. See unit.h.
 *
 * Tests are collected by constructors into a list, sorted by name (link order must not matter), filtered by
 * the command line and handed to cmocka as one group, so that output and summary are cmocka's.
 */
#include "unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTS_MAX 8192
#define EXIT_SURVIVED 97

static struct unit_test *first_test;
static char tmpdir[256];
static pid_t fork_pid;

/* cmocka installs its own handlers for crashes; the sanitizers' reports are better. Leaked memory is a
 * failure. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "handle_segv=2:handle_sigbus=2:handle_sigill=2:handle_sigfpe=2:detect_stack_use_after_return=1:"
           "strict_string_checks=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) {
    return "print_stacktrace=1:halt_on_error=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "handle_segv=2:halt_on_error=1:second_deadlock_stack=1";
}

void unit_register(struct unit_test *test) {
    test->next = first_test;
    first_test = test;
}

uint64_t unit_seed(void) {
    const char *text = getenv("UNIT_SEED");
    return text ? strtoull(text, NULL, 0) : 1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

const char *unit_tmpdir(void) {
    if (!tmpdir[0]) {
        const char *parent = getenv("TMPDIR");
        snprintf(tmpdir, sizeof tmpdir, "%s/coxswain-unit-XXXXXX", parent ? parent : "/tmp");
        if (!mkdtemp(tmpdir))
            panic("mkdtemp %s failed", tmpdir);
    }
    return tmpdir;
}

static int after_test(void **state) {
    (void)state;
    if (tmpdir[0])
        (void)nftw(tmpdir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    tmpdir[0] = 0;
    return 0;
}

void unit_assert_str_equal(struct str actual, struct str expected, const char *file, int line) {
    if (!actual.p == !expected.p && str_eq(actual, expected))
        return;
    print_error("\"%.*s\"%s != \"%.*s\"%s\n", STR_ARG(actual), actual.p ? "" : " (absent)", STR_ARG(expected),
                expected.p ? "" : " (absent)");
    _fail(file, line);
}

void unit_assert_str(struct str actual, const char *expected, const char *file, int line) {
    unit_assert_str_equal(actual, str_from(expected), file, line);
}

void unit_assert_ok(int rc, const struct err *err, const char *call, const char *file, int line) {
    if (rc == 0)
        return;
    print_error("%s returned %d (%s): %s\n", call, rc, err_code_text(rc), err ? err->msg : "");
    _fail(file, line);
}

void unit_assert_fails(int rc, int code, const char *call, const char *file, int line) {
    if (rc == code)
        return;
    print_error("%s returned %d (%s), expected %d (%s)\n", call, rc, err_code_text(rc), code,
                err_code_text(code));
    _fail(file, line);
}

bool unit_fork_begin(void) {
    (void)fflush(NULL);
    fork_pid = fork();
    if (fork_pid < 0)
        panic("fork failed");
    if (fork_pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0) {
            (void)dup2(null, STDERR_FILENO);
            (void)dup2(null, STDOUT_FILENO);
        }
    }
    return fork_pid == 0;
}

void unit_fork_child_survived(void) {
    _exit(EXIT_SURVIVED);
}

void unit_fork_end(const char *statement, const char *file, int line) {
    int status;
    if (waitpid(fork_pid, &status, 0) != fork_pid)
        panic("waitpid failed");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        return;
    print_error("%s did not abort (wait status %#x)\n", statement, (unsigned)status);
    _fail(file, line);
}

static bool is_selected(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strncmp(name, argv[i], strlen(argv[i])) == 0)
            return true;
    return argc < 2;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

static size_t collect(struct CMUnitTest *tests, int argc, char **argv) {
    size_t n = 0;
    for (const struct unit_test *t = first_test; t; t = t->next) {
        if (!is_selected(t->name, argc, argv))
            continue;
        if (n == TESTS_MAX)
            panic("more than %d tests", TESTS_MAX);
        tests[n++] = (struct CMUnitTest){.name = t->name, .test_func = t->run, .teardown_func = after_test};
    }
    qsort(tests, n, sizeof *tests, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(tests[i - 1].name, tests[i].name) == 0)
            panic("two tests are named %s", tests[i].name);
    return n;
}

int main(int argc, char **argv) {
    static struct CMUnitTest tests[TESTS_MAX];
    bool list = argc == 2 && (strcmp(argv[1], "list") == 0 || strcmp(argv[1], "-l") == 0);
    size_t n = collect(tests, list ? 1 : argc, argv);
    if (list) {
        for (size_t i = 0; i < n; i++)
            puts(tests[i].name);
        return 0;
    }
    if (n == 0) {
        fprintf(stderr, "no test has that name; `%s list` prints them\n", argv[0]);
        return 2;
    }
    const char *slash = strrchr(argv[0], '/');
    return _cmocka_run_group_tests(slash ? slash + 1 : argv[0], tests, n, NULL, NULL) ? 1 : 0;
}
