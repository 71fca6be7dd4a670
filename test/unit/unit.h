/* test/unit: the frame of every unit test executable.
 *
 *     #include "unit/unit.h"
 *
 *     TEST(test_str__splits_at_first_byte) {
 *         struct str head, tail;
 *         assert_true(str_split(S("a=b=c"), '=', &head, &tail));
 *         assert_str(head, "a");
 *     }
 *
 * A test registers itself before main and is a cmocka test: use cmocka's assert_* macros and those below, on
 * the thread that runs the test only (other threads use check()). Names: test_<thing>__<behaviour>. Tests run
 * in order of their names and must not depend on each other. A test is deterministic: it takes its seed from
 * unit_seed().
 *
 *     build/asan/test/unit/base/unit_base                     runs all
 *     build/asan/test/unit/base/unit_base list                prints the names
 *     build/asan/test/unit/base/unit_base test_str__ test_vec runs those that begin so (a full name: just
 * one)
 *
 * UNIT_SEED=<number> in the environment changes the seed, to explore.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

/* Filled in by TEST; linked into the list of tests for the life of the process. */
struct unit_test {
    const char *name;
    void (*run)(void **state);
    struct unit_test *next;
};

void unit_register(struct unit_test *test);

#define TEST(name_)                                                                                          \
    static void name_(void **unit_state);                                                                    \
    __attribute__((constructor)) static void unit_register_##name_(void) {                                   \
        static struct unit_test test = {.name = #name_, .run = name_};                                       \
        unit_register(&test);                                                                                \
    }                                                                                                        \
    static void name_(void **unit_state __attribute__((unused)))

/* The seed of this run: 1 unless UNIT_SEED says otherwise. */
uint64_t unit_seed(void);

/* A fresh empty directory for the running test, deleted with its content when the test ends. Valid until
 * then. */
const char *unit_tmpdir(void);

/* Actual text against a literal or other NUL-terminated text; NULL expects absent. */
#define assert_str(actual, expected) unit_assert_str((actual), (expected), __FILE__, __LINE__)

/* Actual against another struct str; absent differs from empty. */
#define assert_str_equal(actual, expected) unit_assert_str_equal((actual), (expected), __FILE__, __LINE__)

/* A call must have returned 0; prints the error's message otherwise. `err` may be NULL. */
#define assert_ok(rc, err) unit_assert_ok((rc), (err), #rc, __FILE__, __LINE__)

/* A call must have failed with this code (an enum err_code). */
#define assert_fails(rc, code) unit_assert_fails((rc), (code), #rc, __FILE__, __LINE__)

/* The statement must abort the process (a check() or panic()). It runs in a forked child: only for tests that
 * have no other threads. */
#define assert_aborts(statement)                                                                             \
    do {                                                                                                     \
        if (unit_fork_begin()) {                                                                             \
            statement;                                                                                       \
            unit_fork_child_survived();                                                                      \
        }                                                                                                    \
        unit_fork_end(#statement, __FILE__, __LINE__);                                                       \
    } while (0)

void unit_assert_str(struct str actual, const char *expected, const char *file, int line);
void unit_assert_str_equal(struct str actual, struct str expected, const char *file, int line);
void unit_assert_ok(int rc, const struct err *err, const char *call, const char *file, int line);
void unit_assert_fails(int rc, int code, const char *call, const char *file, int line);
bool unit_fork_begin(void);
void unit_fork_child_survived(void) __attribute__((noreturn));
void unit_fork_end(const char *statement, const char *file, int line);
