/* base/log: structured log lines.
 *
 *     log_info("pod started", kv("pod", name), kv("restarts", n), kv_duration("took", ns));
 *     log_error("cannot write status", kv_ref("pod", namespace, name), kv("err", &err));
 *     log_v(4, "sync", kv("key", key));
 *     if (log_every(10000)) log_warn("queue is full", kv("queue", S("events")));
 *
 * A line has a severity, a fixed message (what happened, no data in it) and typed key=value pairs. kv() picks
 * the type of its value; a value of an unknown type does not compile. Text looks like klog's, JSON like
 * upstream's
 * --logging-format=json. Lines are built on the stack, at most LOG_LINE_MAX bytes (what does not fit is cut,
 * visibly), and written by one write(2) to standard error or to the sink that was set.
 *
 * Libraries return errors, roles and request boundaries log them, once. Any thread; log_setup only while no
 * other thread logs.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct clock;
struct err;

#define LOG_LINE_MAX 4096u  /* PIPE_BUF: a pipe takes it as a whole */
#define LOG_VALUE_MAX 1024u /* bytes of one text value */

enum log_severity { LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_options {
    enum log_format format;
    int verbosity;           /* log_v(n) shows when n <= verbosity */
    enum log_severity least; /* less severe lines are dropped */
    struct clock *clock;     /* NULL: the system's */
    /* Takes a whole line with its newline; called by many threads at once. NULL: standard error. */
    void (*sink)(void *arg, struct str line);
    void *sink_arg;
};

/* NULL: text to standard error, verbosity 0. */
void log_setup(const struct log_options *options);

/* May be called at any time. */
void log_set_verbosity(int verbosity);

/* -- values -- */

enum log_kind {
    LOG_KIND_STR,
    LOG_KIND_I64,
    LOG_KIND_U64,
    LOG_KIND_F64,
    LOG_KIND_BOOL,
    LOG_KIND_DURATION,
    LOG_KIND_REF
};

struct log_kv {
    const char *key; /* lower camel case; NULL ends a list */
    enum log_kind kind;
    union {
        struct {
            struct str text;      /* borrowed until the line is written */
            struct str namespace; /* of LOG_KIND_REF */
        };
        int64_t i64;
        uint64_t u64;
        double f64;
        bool boolean;
    };
};

static inline struct log_kv kv_str(const char *key, struct str v) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_STR, .text = v};
}
static inline struct log_kv kv_text(const char *key, const char *v) {
    return kv_str(key, str_from(v));
}
static inline struct log_kv kv_i64(const char *key, int64_t v) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_I64, .i64 = v};
}
static inline struct log_kv kv_u64(const char *key, uint64_t v) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_U64, .u64 = v};
}
static inline struct log_kv kv_f64(const char *key, double v) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_F64, .f64 = v};
}
static inline struct log_kv kv_bool(const char *key, bool v) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_BOOL, .boolean = v};
}
/* Nanoseconds, shown as "1.5s". */
static inline struct log_kv kv_duration(const char *key, int64_t ns) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_DURATION, .i64 = ns};
}
/* An object: "namespace/name", without a namespace just "name". */
static inline struct log_kv kv_ref(const char *key, struct str namespace, struct str name) {
    return (struct log_kv){.key = key, .kind = LOG_KIND_REF, .text = name, .namespace = namespace};
}
struct log_kv kv_err(const char *key, const struct err *err);

#define kv(key, value)                                                                                       \
    _Generic((value),                                                                                        \
        struct str: kv_str,                                                                                  \
        char *: kv_text,                                                                                     \
        const char *: kv_text,                                                                               \
        bool: kv_bool,                                                                                       \
        signed char: kv_i64,                                                                                 \
        short: kv_i64,                                                                                       \
        int: kv_i64,                                                                                         \
        long: kv_i64,                                                                                        \
        long long: kv_i64,                                                                                   \
        unsigned char: kv_u64,                                                                               \
        unsigned short: kv_u64,                                                                              \
        unsigned: kv_u64,                                                                                    \
        unsigned long: kv_u64,                                                                               \
        unsigned long long: kv_u64,                                                                          \
        double: kv_f64,                                                                                      \
        struct err *: kv_err,                                                                                \
        const struct err *: kv_err)((key), (value))

/* -- lines -- */

extern _Atomic(int) log_verbosity;

static inline bool log_enabled(int v) {
    return v <= atomic_load_explicit(&log_verbosity, memory_order_relaxed);
}

struct log_site {
    enum log_severity severity;
    int v;
    const char *file;
    int line;
};

/* kvs end with a NULL key. Use the macros. */
void log_line(const struct log_site *site, const char *msg, const struct log_kv *kvs);
void log_line_fatal(const struct log_site *site, const char *msg, const struct log_kv *kvs)
    __attribute__((noreturn));

#define LOG_SITE_(severity_, v_)                                                                             \
    (&(const struct log_site){.severity = (severity_), .v = (v_), .file = __FILE_NAME__, .line = __LINE__})
#define LOG_KVS_(...) ((const struct log_kv[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

#define log_info(msg, ...) log_line(LOG_SITE_(LOG_INFO, 0), (msg), LOG_KVS_(__VA_ARGS__))
#define log_warn(msg, ...) log_line(LOG_SITE_(LOG_WARN, 0), (msg), LOG_KVS_(__VA_ARGS__))
#define log_error(msg, ...) log_line(LOG_SITE_(LOG_ERROR, 0), (msg), LOG_KVS_(__VA_ARGS__))

/* Writes the line and ends the process with status 255, as klog does. */
#define log_fatal(msg, ...) log_line_fatal(LOG_SITE_(LOG_FATAL, 0), (msg), LOG_KVS_(__VA_ARGS__))

/* Arguments are not evaluated when the verbosity is lower. */
#define log_v(v, msg, ...)                                                                                   \
    do {                                                                                                     \
        if (log_enabled(v))                                                                                  \
            log_line(LOG_SITE_(LOG_INFO, (v)), (msg), LOG_KVS_(__VA_ARGS__));                                \
    } while (0)

/* -- rate limit -- */

struct log_limit {
    _Atomic(int64_t) next_ns; /* monotonic; 0: never used */
};

/* True at most once per interval; one thread of those that ask at once. */
bool log_limit_pass(struct log_limit *l, int64_t interval_ms);

/* The same with a limit of its own for each place in the source. */
#define log_every(interval_ms)                                                                               \
    ({                                                                                                       \
        static struct log_limit log_limit_here_;                                                             \
        log_limit_pass(&log_limit_here_, (interval_ms));                                                     \
    })
