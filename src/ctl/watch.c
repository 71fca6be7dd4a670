/* Watches: lines that come on the client's thread, read on ours. See call.h. */
#include <stdlib.h>

#include "base/chan.h"
#include "base/clock.h"
#include "client/raw.h"
#include "codec/json.h"
#include "ctl/call.h"
#include "ctl/connect.h"
#include "ctl/object.h"

#define WATCH_LINES_MAX 65536 /* a reader that is further behind loses the watch */
#define WATCH_LINE_BYTES_MAX ((size_t)64 << 20)

struct line {
    char *p; /* owned; NULL: the end, with the code */
    size_t n;
    int code; /* HTTP code of the head, or of the error */
};

struct watch {
    struct ctl *c;
    struct raw_stream *stream;
    struct chan lines;
    struct buf rest; /* of the transport's thread: what has no line end yet */
    int http_code;
    bool over;
    struct err err;
};

static void on_head(void *arg, int http_code, struct str content_type) {
    (void)content_type;
    ((struct watch *)arg)->http_code = http_code;
}

static int send_line(struct watch *w, struct str text) {
    struct line line = {malloc(text.n + 1), text.n, 0};
    if (!line.p)
        panic("out of memory");
    memcpy(line.p, text.p, text.n);
    if (chan_try_send(&w->lines, &line)) {
        free(line.p);
        return -1;
    }
    return 0;
}

/* Must not wait for the reader, who may himself be waiting for an answer on the same connection. */
static int on_data(void *arg, struct str bytes) {
    struct watch *w = arg;
    if (w->http_code >= 400) {
        buf_str(&w->rest, bytes);
        return w->rest.overflow;
    }
    struct str line;
    while (str_find_byte(bytes, '\n') >= 0) {
        (void)str_split(bytes, '\n', &line, &bytes);
        buf_str(&w->rest, line);
        if (w->rest.overflow || (w->rest.n && send_line(w, buf_view(&w->rest))))
            return -1;
        buf_clear(&w->rest);
    }
    buf_str(&w->rest, bytes);
    return w->rest.overflow;
}

static void on_done(void *arg, int code, const struct err *err) {
    struct watch *w = arg;
    if (code && err)
        w->err = *err;
    chan_close(&w->lines);
}

static struct str watch_path(struct ctl *c, const struct resource *r, struct str ns,
                             const struct watch_options *o) {
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, resource_path(c, r, ns, S(""), S("")));
    query_add(&path, "watch", S("true"));
    query_add(&path, "labelSelector", o->label_selector);
    query_add(&path, "fieldSelector", o->field_selector);
    query_add(&path, "resourceVersion", o->resource_version);
    query_add(&path, "includeObject", o->include_object ? S("Object") : S(""));
    query_add(&path, "allowWatchBookmarks", o->bookmarks ? S("true") : S(""));
    return buf_to_arena(&path, &c->arena);
}

int watch_open(struct ctl *c, const struct resource *r, struct str ns, const struct watch_options *o,
               struct watch **ret, struct problem *p) {
    struct err err = ERR_INIT;
    unsigned timeout_ms = RAW_FOREVER;
    if (ctl_connect(c, p))
        return CTL_PROBLEM;
    if (!str_eq(opt_str(&c->opts, "request-timeout"), S("0")) && ctl_request_timeout(c, &timeout_ms, p))
        return CTL_PROBLEM;
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        panic("out of memory");
    w->c = c;
    w->rest.limit = WATCH_LINE_BYTES_MAX;
    chan_init(&w->lines, sizeof(struct line), WATCH_LINES_MAX);
    struct str accept = arena_printf(&c->arena, "Accept: %s", o->accept ? o->accept : "application/json");
    struct raw_call call = {
        .path = watch_path(c, r, ns, o), .headers = &accept, .n_headers = 1, .timeout_ms = timeout_ms};
    struct raw_sink sink = {on_head, on_data, on_done, w};
    if (client_raw_start(c->client, &call, &sink, &w->stream, &err)) {
        watch_free(w);
        return problem_of_err(c, p, &err);
    }
    *ret = w;
    return 0;
}

/* It ended: the server said no, the connection broke, or it was time. */
static int ended(struct watch *w, struct str *ret_type, struct problem *p) {
    struct jval status;
    struct err err = ERR_INIT;
    if (w->http_code >= 400) {
        struct str text = buf_to_arena(&w->rest, &w->c->arena);
        bool is_status = json_parse(&w->c->arena, text, NULL, NULL, &status, &err) == 0;
        return is_status ? problem_of_status(w->c, p, w->http_code, &status)
                         : problem_of_code(w->c, p, w->http_code, STR_NONE);
    }
    if (w->err.code && w->http_code == 0 && w->err.code != ERR_TIMEOUT)
        return problem_of_connection(w->c, p, &w->err);
    *ret_type = STR_NONE;
    return 0;
}

int watch_next(struct watch *w, struct arena *a, int64_t timeout_ms, struct str *ret_type,
               struct jval *ret_object, struct problem *p) {
    struct line line;
    struct jval event;
    struct err err = ERR_INIT;
    int64_t until = timeout_ms < 0 ? CHAN_FOREVER : clock_mono_ns(clock_system()) + timeout_ms * 1000000;
    int rc = timeout_ms < 0 ? chan_recv(&w->lines, &line) : chan_recv_until(&w->lines, &line, until);
    if (rc == ERR_TIMEOUT)
        return *ret_type = S(""), 0;
    if (rc)
        return ended(w, ret_type, p);
    struct str text = arena_str(a, str_make(line.p, line.n));
    free(line.p);
    if (json_parse(a, text, NULL, NULL, &event, &err))
        return problem_set(w->c, p, "unable to decode an event from the watch stream: %s", err.msg);
    const struct jval *object = jval_get(&event, S("object"));
    *ret_type = object_str(&event, "type");
    *ret_object = object ? *object : jval_null();
    if (str_eq(*ret_type, S("ERROR")))
        return problem_of_status(w->c, p, 0, ret_object);
    return 0;
}

void watch_free(struct watch *w) {
    struct line line;
    if (!w)
        return;
    chan_close(&w->lines);
    raw_stream_free(w->stream);
    while (chan_try_recv(&w->lines, &line) == 0)
        free(line.p);
    chan_fini(&w->lines);
    buf_fini(&w->rest);
    free(w);
}

void watch_cleanup(struct watch **w) {
    watch_free(*w);
}
