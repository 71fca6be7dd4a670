/* Raw requests over the remote transport. See raw.h. */
#include "client/raw.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "client/remote_priv.h"

struct raw_stream {
    struct loop_msg start, cancel;
    struct remote_client *client; /* counted */
    struct arena arena;
    struct remote_request request;
    struct raw_sink sink;
    struct fetch *fetch;
    unsigned tries;
    bool told, over;
    struct raw_answer *answer; /* of client_raw: head and body go here */
    struct buf body;
    struct waiter ended; /* nothing is called any more */
};

static void read_head(struct raw_answer *to, struct fetch *f) {
    int64_t seconds;
    to->http_code = fetch_http_code(f);
    to->content_type = fetch_header(f, "content-type", to->arena);
    to->warning = fetch_header_all(f, "warning", to->arena);
    to->etag = fetch_header(f, "etag", to->arena);
    if (str_to_i64(fetch_header(f, "retry-after", to->arena), &seconds) && seconds > 0 && seconds < INT32_MAX)
        to->retry_after_seconds = (int)seconds;
}

static void on_head(void *arg, struct fetch *f) {
    struct raw_stream *s = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    if (s->answer)
        read_head(s->answer, f);
    if (s->sink.on_head && !s->told)
        s->sink.on_head(s->sink.arg, fetch_http_code(f), fetch_header(f, "content-type", &a));
    s->told = true;
}

static int on_data(void *arg, struct str bytes) {
    struct raw_stream *s = arg;
    if (s->answer) {
        buf_str(&s->body, bytes);
        return s->body.overflow;
    }
    return s->sink.on_data ? s->sink.on_data(s->sink.arg, bytes) : 0;
}

static void begin(struct raw_stream *s);

static void end(struct raw_stream *s) {
    s->over = true;
    s->fetch = NULL;
}

static void on_done(void *arg, struct fetch *f, int code, const struct err *err) {
    struct raw_stream *s = arg;
    if (code && remote_fail_over(s->client->remote, f, &s->tries)) {
        buf_clear(&s->body);
        begin(s);
        return;
    }
    if (s->sink.on_done)
        s->sink.on_done(s->sink.arg, code, err);
    end(s);
}

static void begin(struct raw_stream *s) {
    struct err err = ERR_INIT;
    if (s->client->remote->closing) {
        (void)err_set(&err, ERR_CLOSED, "the client has ended");
        if (s->sink.on_done)
            s->sink.on_done(s->sink.arg, ERR_CLOSED, &err);
        end(s);
        return;
    }
    remote_fetch(s->client, &s->request, &s->fetch);
}

static void on_start(struct loop_msg *msg) {
    begin((struct raw_stream *)msg);
}

static void on_cancel(struct loop_msg *msg) {
    struct raw_stream *s = (struct raw_stream *)((char *)msg - offsetof(struct raw_stream, cancel));
    if (s->fetch && !s->over)
        fetch_cancel(s->fetch);
    waiter_signal(&s->ended); /* it may be gone now */
}

static void copy_request(struct raw_stream *s, const struct raw_call *call) {
    struct arena *a = &s->arena;
    struct str *headers = arena_new_n(a, call->n_headers + 1, struct str);
    for (size_t i = 0; i < call->n_headers; i++)
        headers[i] = arena_str(a, call->headers[i]);
    s->request = (struct remote_request){
        .method = call->method ? arena_strz(a, str_from(call->method)) : "GET",
        .path = arena_str(a, call->path),
        .headers = headers,
        .n_headers = call->n_headers,
        .body = arena_str(a, call->body),
        .timeout_ms = call->timeout_ms == RAW_FOREVER ? 0
                      : call->timeout_ms              ? call->timeout_ms
                                                      : CLIENT_TIMEOUT_MS,
        .compressed = call->timeout_ms != RAW_FOREVER,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = on_done,
        .arg = s,
    };
}

static void free_stream(struct raw_stream *s) {
    remote_client_unref(s->client);
    waiter_fini(&s->ended);
    buf_fini(&s->body);
    arena_fini(&s->arena);
    free(s);
}

static int start(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
                 struct raw_answer *answer, struct raw_stream **ret, struct err *err) {
    struct remote_client *rc = remote_client_of(c);
    if (!rc)
        return err_set(err, ERR_UNSUPPORTED, "raw requests need a connection to the server");
    struct raw_stream *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    arena_init(&s->arena);
    waiter_init(&s->ended, NULL);
    s->client = remote_client_ref(rc);
    s->sink = *sink;
    s->answer = answer;
    s->body.limit = call->answer_max ? call->answer_max : REMOTE_ANSWER_MAX;
    s->start.run = on_start;
    s->cancel.run = on_cancel;
    copy_request(s, call);
    if (loop_post(rc->remote->loop, &s->start)) {
        free_stream(s);
        return err_set(err, ERR_CLOSED, "the client has ended");
    }
    *ret = s;
    return 0;
}

int client_raw_start(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
                     struct raw_stream **ret, struct err *err) {
    return start(c, call, sink, NULL, ret, err);
}

void raw_stream_free(struct raw_stream *s) {
    if (!s)
        return;
    if (loop_post(s->client->remote->loop, &s->cancel) == 0)
        waiter_wait(&s->ended);
    free_stream(s);
}

/* -- waiting -- */

struct waiting {
    struct raw_sink sink;
    struct waiter done;
    int code;
    struct err *err;
};

static void wait_head(void *arg, int http_code, struct str content_type) {
    struct waiting *w = arg;
    if (w->sink.on_head)
        w->sink.on_head(w->sink.arg, http_code, content_type);
}

static int wait_data(void *arg, struct str bytes) {
    struct waiting *w = arg;
    return w->sink.on_data ? w->sink.on_data(w->sink.arg, bytes) : 0;
}

static void wait_done(void *arg, int code, const struct err *err) {
    struct waiting *w = arg;
    w->code = code;
    if (code && w->err)
        *w->err = *err;
    if (w->sink.on_done)
        w->sink.on_done(w->sink.arg, code, err);
    waiter_signal(&w->done);
}

static int run(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
               struct raw_answer *answer, struct arena *a, struct err *err) {
    struct waiting w = {.sink = *sink, .err = err};
    struct raw_stream *s;
    waiter_init(&w.done, NULL);
    int rc = start(c, call, &(struct raw_sink){wait_head, wait_data, wait_done, &w}, answer, &s, err);
    if (rc == 0) {
        waiter_wait(&w.done);
        if (answer && w.code == 0)
            answer->body = buf_to_arena(&s->body, a);
        raw_stream_free(s);
        rc = w.code;
    }
    waiter_fini(&w.done);
    return rc;
}

int client_raw_stream(struct client *c, const struct raw_call *call, const struct raw_sink *sink,
                      struct err *err) {
    return run(c, call, sink, NULL, NULL, err);
}

int client_raw(struct client *c, const struct raw_call *call, struct arena *a, struct raw_answer *ret,
               struct err *err) {
    struct raw_answer answer = {.arena = a};
    int rc = run(c, call, &(struct raw_sink){0}, &answer, a, err);
    if (rc == 0)
        *ret = answer;
    return rc;
}
