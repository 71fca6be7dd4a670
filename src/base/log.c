/* Log lines. See log.h.
 *
 * A line is built by a writer that stops taking text when the buffer, less a reserve for what closes the
 * line, is full; so a cut line is still a whole line, in JSON a valid one.
 */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"

#define RESERVE 64u /* closing quotes and braces, the mark of a cut line */

_Atomic(int) log_verbosity;
static struct log_options options;

struct writer {
    char text[LOG_LINE_MAX];
    size_t n;
    bool cut;
};

void log_setup(const struct log_options *o) {
    options = o ? *o : (struct log_options){.format = LOG_TEXT};
    log_set_verbosity(options.verbosity);
}

void log_set_verbosity(int verbosity) {
    atomic_store_explicit(&log_verbosity, verbosity, memory_order_relaxed);
}

static struct clock *the_clock(void) {
    return options.clock ? options.clock : clock_system();
}

struct log_kv kv_err(const char *key, const struct err *err) {
    return kv_str(key, err ? str_from(err->msg) : STR_NONE);
}

/* -- the writer -- */

static size_t room(const struct writer *w) {
    return w->n < LOG_LINE_MAX - RESERVE ? LOG_LINE_MAX - RESERVE - w->n : 0;
}

static bool put(struct writer *w, struct str s) {
    if (w->cut || s.n > room(w)) {
        w->cut = true;
        return false;
    }
    memcpy(w->text + w->n, s.p, s.n);
    w->n += s.n;
    return true;
}

/* Into the reserve. */
static void put_closing(struct writer *w, struct str s) {
    check(s.n <= LOG_LINE_MAX - w->n);
    memcpy(w->text + w->n, s.p, s.n);
    w->n += s.n;
}

static void put_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(struct writer *w, const char *format, ...) {
    char tmp[128];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(tmp, sizeof tmp, format, ap);
    va_end(ap);
    check(n >= 0);
    (void)put(w, str_make(tmp, (size_t)n < sizeof tmp ? (size_t)n : sizeof tmp - 1));
}

/* The escape of one byte, for JSON and, being readable, for text too. */
static struct str escape(unsigned char c, char tmp[8]) {
    switch (c) {
    case '"': return S("\\\"");
    case '\\': return S("\\\\");
    case '\n': return S("\\n");
    case '\r': return S("\\r");
    case '\t': return S("\\t");
    default: return str_make(tmp, (size_t)snprintf(tmp, 8, "\\u%04x", c));
    }
}

static bool is_plain(unsigned char c) {
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

/* Text without its quotes; bytes that are no UTF-8 become U+FFFD. */
static bool put_escaped(struct writer *w, struct str s) {
    while (s.n) {
        size_t valid = utf8_valid_prefix(s), n = 0;
        while (n < valid && is_plain((unsigned char)s.p[n]))
            n++;
        char tmp[8];
        struct str piece = n ? str_cut(s, n) : valid ? escape((unsigned char)s.p[0], tmp) : S("\xef\xbf\xbd");
        if (!put(w, piece))
            return false;
        s = str_from_byte(s, n ? n : 1);
    }
    return true;
}

/* Never splits a UTF-8 sequence. */
static struct str cut_text(struct str s, size_t max) {
    if (s.n <= max)
        return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return str_cut(s, max);
}

/* In quotes; too long a text is cut, with an ellipsis. */
static void put_quoted(struct writer *w, struct str s) {
    size_t half = room(w) / 2;
    struct str shown = cut_text(s, LOG_VALUE_MAX < half ? LOG_VALUE_MAX : half);
    if (!put(w, S("\"")))
        return;
    bool whole = put_escaped(w, shown) && shown.n == s.n;
    put_closing(w, whole ? S("\"") : S("…\""));
}

static void put_f64(struct writer *w, double v, bool json) {
    if (isfinite(v))
        put_format(w, "%.15g", v);
    else
        put_format(w, json ? "\"%s\"" : "%s", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
}

static void put_duration(struct writer *w, int64_t ns) {
    char text[DURATION_TEXT_SIZE];
    put_quoted(w, str_make(text, duration_format(text, ns)));
}

static void put_ref(struct writer *w, const struct log_kv *v, bool json) {
    if (json) {
        (void)put(w, S("{\"name\":"));
        put_quoted(w, v->text);
        if (v->namespace.n) {
            (void)put(w, S(",\"namespace\":"));
            put_quoted(w, v->namespace);
        }
        (void)put(w, S("}"));
        return;
    }
    (void)put(w, S("\""));
    (void)put_escaped(w, cut_text(v->namespace, 253));
    if (v->namespace.n)
        (void)put(w, S("/"));
    (void)put_escaped(w, cut_text(v->text, 253));
    (void)put(w, S("\""));
}

static void put_value(struct writer *w, const struct log_kv *v, bool json) {
    switch (v->kind) {
    case LOG_KIND_STR:
        if (v->text.p)
            put_quoted(w, v->text);
        else
            (void)put(w, json ? S("null") : S("<none>"));
        break;
    case LOG_KIND_I64: put_format(w, "%lld", (long long)v->i64); break;
    case LOG_KIND_U64: put_format(w, "%llu", (unsigned long long)v->u64); break;
    case LOG_KIND_F64: put_f64(w, v->f64, json); break;
    case LOG_KIND_BOOL: (void)put(w, v->boolean ? S("true") : S("false")); break;
    case LOG_KIND_DURATION: put_duration(w, v->i64); break;
    case LOG_KIND_REF: put_ref(w, v, json); break;
    }
}

/* All pairs that fit as a whole; the first that does not ends the line. */
static void put_pairs(struct writer *w, const struct log_kv *kvs, bool json) {
    for (; kvs->key && !w->cut; kvs++) {
        size_t before = w->n;
        put_format(w, json ? ",\"%s\":" : " %s=", kvs->key);
        put_value(w, kvs, json);
        if (w->cut)
            w->n = before;
    }
}

static void build_text(struct writer *w, const struct log_site *site, const char *msg,
                       const struct log_kv *kvs) {
    static __thread int thread_id;
    if (!thread_id)
        thread_id = (int)gettid();
    int64_t sec;
    int32_t nsec;
    time_split_ns(clock_wall_ns(the_clock()), &sec, &nsec);
    struct civil c = time_to_civil(sec);
    put_format(w, "%c%02d%02d %02d:%02d:%02d.%06d %7d %s:%d] ", "IWEF"[site->severity], c.month, c.day,
               c.hour, c.minute, c.second, (int)(nsec / 1000), thread_id, site->file, site->line);
    put_quoted(w, str_from(msg));
    put_pairs(w, kvs, false);
    put_closing(w, w->cut ? S(" …\n") : S("\n"));
}

static void build_json(struct writer *w, const struct log_site *site, const char *msg,
                       const struct log_kv *kvs) {
    static const char *const names[] = {"info", "warning", "error", "fatal"};
    int64_t us = clock_wall_ns(the_clock()) / 1000;
    put_format(w, "{\"ts\":%lld.%03d,\"caller\":\"%s:%d\",\"msg\":", (long long)(us / 1000), (int)(us % 1000),
               site->file, site->line);
    put_quoted(w, str_from(msg));
    if (site->severity == LOG_INFO)
        put_format(w, ",\"v\":%d", site->v);
    else
        put_format(w, ",\"severity\":\"%s\"", names[site->severity]);
    put_pairs(w, kvs, true);
    put_closing(w, w->cut ? S(",\"truncated\":true}\n") : S("}\n"));
}

/* A line that cannot be written is lost: there is nobody to tell. */
static void write_line(struct str line) {
    while (line.n) {
        ssize_t n = write(STDERR_FILENO, line.p, line.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line = str_from_byte(line, (size_t)n);
    }
}

void log_line(const struct log_site *site, const char *msg, const struct log_kv *kvs) {
    if (site->severity < options.least)
        return;
    int saved = errno;
    struct writer w;
    w.n = 0;
    w.cut = false;
    if (options.format == LOG_JSON)
        build_json(&w, site, msg, kvs);
    else
        build_text(&w, site, msg, kvs);
    if (options.sink)
        options.sink(options.sink_arg, str_make(w.text, w.n));
    else
        write_line(str_make(w.text, w.n));
    errno = saved;
}

void log_line_fatal(const struct log_site *site, const char *msg, const struct log_kv *kvs) {
    log_line(site, msg, kvs);
    _exit(255);
}

bool log_limit_pass(struct log_limit *l, int64_t interval_ms) {
    int64_t now = clock_mono_ns(the_clock());
    int64_t next = atomic_load_explicit(&l->next_ns, memory_order_relaxed);
    if (next && now < next)
        return false;
    return atomic_compare_exchange_strong(&l->next_ns, &next, now + interval_ms * NS_PER_MS);
}
