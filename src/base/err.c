/* Error values. See err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Marks a message that did not fit. */
static void mark_cut(struct err *err, int wanted) {
    static const char ellipsis[] = "…";
    if (wanted >= (int)sizeof err->msg)
        memcpy(err->msg + sizeof err->msg - sizeof ellipsis, ellipsis, sizeof ellipsis);
}

int err_vset(struct err *err, int code, const char *fmt, va_list ap) {
    if (err) {
        err->code = code;
        mark_cut(err, vsnprintf(err->msg, sizeof err->msg, fmt, ap));
    }
    return code;
}

int err_set(struct err *err, int code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    err_vset(err, code, fmt, ap);
    va_end(ap);
    return code;
}

static int code_of_errno(int e) {
    switch (e) {
    case ENOSPC:
    case EDQUOT: return ERR_NO_SPACE;
    case ENOENT: return ERR_NOT_FOUND;
    case EEXIST: return ERR_EXISTS;
    default: return ERR_IO;
    }
}

int err_errno(struct err *err, int errno_value, const char *fmt, ...) {
    int code = code_of_errno(errno_value);
    if (!err)
        return code;
    va_list ap;
    va_start(ap, fmt);
    err_vset(err, code, fmt, ap);
    va_end(ap);
    char reason[128];
    const char *text = strerror_r(errno_value, reason, sizeof reason);
    size_t n = strlen(err->msg);
    mark_cut(err, (int)n + snprintf(err->msg + n, sizeof err->msg - n, ": %s", text));
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...) {
    if (!err)
        return ERR_INTERNAL;
    char inner[ERR_MESSAGE_MAX];
    memcpy(inner, err->msg, sizeof inner);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if ((size_t)n < sizeof err->msg)
        n += snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", inner);
    mark_cut(err, n);
    return err->code;
}

const char *err_code_text(int code) {
    switch (code) {
    case ERR_OK: return "ok";
#define X(name, number, text)                                                                                \
    case name: return text;
        ERR_CODES(X)
#undef X
    default: return "unknown";
    }
}

void panic(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fputs("coxswain: fatal: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}
