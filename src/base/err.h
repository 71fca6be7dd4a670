/* base/err: the error of a call that can fail.
 *
 * A function that can fail returns int: 0, or one of the negative codes below, and fills the caller's
 * `struct err` (on the caller's stack, never allocated, never thread-local). Each layer on the way up may add
 * context with err_wrap(). What an API client is told is a `struct status` (api/status.h), made from this.
 *
 * Used by everything. Any thread; one struct err belongs to one call chain.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* name, number, short text. Numbers are stable: they are printed in logs. */
#define ERR_CODES(X)                                                                                         \
    X(ERR_INVALID, -1, "invalid")     /* the input is malformed or breaks a rule */                          \
    X(ERR_TOO_LARGE, -2, "too large") /* a limit on size, depth or count was hit */                          \
    X(ERR_NOT_FOUND, -3, "not found")                                                                        \
    X(ERR_EXISTS, -4, "already exists")                                                                      \
    X(ERR_CONFLICT, -5, "conflict") /* a precondition (version, owner) does not hold */                      \
    X(ERR_EXPIRED, -6, "expired")   /* compacted revision, ended token */                                    \
    X(ERR_FORBIDDEN, -7, "forbidden")                                                                        \
    X(ERR_UNAUTHORIZED, -8, "unauthorized")                                                                  \
    X(ERR_UNSUPPORTED, -9, "unsupported")                                                                    \
    X(ERR_TIMEOUT, -10, "timed out")                                                                         \
    X(ERR_CANCELLED, -11, "cancelled")                                                                       \
    X(ERR_AGAIN, -12, "try again")       /* overload or a passing state; the caller may retry */             \
    X(ERR_IO, -13, "input/output error") /* the system said no: file, socket, process */                     \
    X(ERR_NO_SPACE, -14, "no space left")                                                                    \
    X(ERR_CORRUPT, -15, "corrupt data")    /* stored data fails its own checks */                            \
    X(ERR_CLOSED, -16, "closed")           /* the peer or the object is gone */                              \
    X(ERR_INTERNAL, -17, "internal error") /* a bug of ours, reported instead of hidden */

enum err_code {
    ERR_OK = 0,
#define X(name, number, text) name = number,
    ERR_CODES(X)
#undef X
};

#define ERR_MESSAGE_MAX 512

struct err {
    int code;                  /* ERR_OK or one of the codes above */
    char msg[ERR_MESSAGE_MAX]; /* NUL-terminated, cut with "…" when longer */
};

#define ERR_INIT                                                                                             \
    { .code = ERR_OK }

/* Sets code and message, returns code, so that a caller can write `return err_set(err, ERR_INVALID, …)`.
 * `err` may be NULL when the caller only wants the code. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_vset(struct err *err, int code, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* Sets code ERR_IO (ERR_NO_SPACE for ENOSPC and EDQUOT, ERR_NOT_FOUND for ENOENT, ERR_EXISTS for EEXIST) with
 * the message followed by strerror(errno_value); returns the code. */
int err_errno(struct err *err, int errno_value, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "text: " in front of the message; keeps and returns the code. Without an err there is no code to
 * return (ERR_INTERNAL): where err may be NULL, return your own. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Short text of a code, "unknown" for a number that is none. */
const char *err_code_text(int code);

/* Prints to standard error and aborts; for out of memory and broken invariants. Never for what a peer sent.
 */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn, cold));

/* An invariant of ours that stays checked in release builds. */
#define check(cond)                                                                                          \
    do {                                                                                                     \
        if (__builtin_expect(!(cond), 0))                                                                    \
            panic("%s:%d: check failed: %s", __FILE__, __LINE__, #cond);                                     \
    } while (0)
