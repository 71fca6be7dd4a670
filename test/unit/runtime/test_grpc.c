/* runtime/grpc against a server that does as it is told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "base/workers.h"
#include "grpc_server.h"
#include "runtime/grpc.h"
#include "unit/unit.h"

#define SOON_MS 20000

struct peer {
    char socket[300];
    struct grpc_server *server;
    struct grpc *grpc;
    struct grpc_reply reply; /* of every call, unless next is set */
    struct grpc_reply first; /* of the first so many calls */
    unsigned n_first;
    bool echo; /* the request comes back */
    char frame[1 << 16];
};

static void serve(void *arg, const char *path, struct str request, struct grpc_reply *reply) {
    struct peer *p = arg;
    (void)path;
    *reply = p->reply;
    if (p->n_first) {
        p->n_first--;
        *reply = p->first;
    } else if (p->echo) {
        reply->body = grpc_frame(p->frame, request);
    }
}

static void start(struct peer *p, const struct grpc_options *with) {
    struct err err = ERR_INIT;
    struct grpc_options o = with ? *with : (struct grpc_options){0};
    snprintf(p->socket, sizeof p->socket, "%s/s", unit_tmpdir());
    p->server =
        grpc_server_start(&(struct grpc_server_options){.socket = p->socket, .serve = serve, .arg = p});
    o.socket = p->socket;
    assert_ok(grpc_new(&o, &p->grpc, &err), &err);
}

static void stop(struct peer *p) {
    grpc_free(p->grpc);
    grpc_server_stop(p->server);
}

static int call_for(struct peer *p, int64_t timeout_ms, struct str request, struct buf *answer,
                    struct err *err) {
    struct grpc_call c = {.path = "/test.Service/Method", .request = request, .timeout_ms = timeout_ms};
    return grpc_unary(p->grpc, &c, answer, err);
}

/* One call with this reply must fail so. */
static void expect_failure(struct grpc_reply reply, int code, const char *text) {
    struct peer p = {.reply = reply};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    int rc = call_for(&p, SOON_MS, S("x"), &answer, &err);
    stop(&p);
    assert_fails(rc, code);
    assert_int_equal(err.code, code);
    assert_int_equal(answer.n, 0);
    if (!strstr(err.msg, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err.msg);
}

TEST(test_grpc__messages_go_there_and_back) {
    struct peer p = {.echo = true};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_ok(call_for(&p, 0, S("hello"), &answer, &err), &err);
    assert_str(buf_view(&answer), "hello");
    assert_string_equal(grpc_server_timeout(p.server), "");
    assert_ok(call_for(&p, 1500, S(""), &answer, &err), &err);
    assert_str(buf_view(&answer), "hello");
    assert_string_equal(grpc_server_timeout(p.server), "1500m");
    assert_int_equal(grpc_server_accepted(p.server), 1);
    stop(&p);
}

TEST(test_grpc__large_messages_go_there_and_back) {
    struct peer p = {.echo = false};
    size_t n = 3 << 20;
    char *big = malloc(n + 5), *in = calloc(1, n);
    check(big && in);
    for (size_t i = 0; i < n; i++)
        in[i] = (char)(i * 7 >> 3);
    p.reply.body = grpc_frame(big, str_make(in, n));
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_ok(call_for(&p, SOON_MS, str_make(in, n), &answer, &err), &err);
    assert_int_equal(answer.n, n);
    assert_memory_equal(answer.p, in, n);
    stop(&p);
    free(big);
    free(in);
}

struct caller {
    struct thread thread;
    struct peer *peer;
    unsigned id, wrong;
};

static void call_many(void *arg) {
    struct caller *c = arg;
    for (unsigned i = 0; i < 200; i++) {
        char text[32];
        struct str request = {text, (size_t)snprintf(text, sizeof text, "%u-%u", c->id, i)};
        struct buf answer = BUF_INIT;
        if (call_for(c->peer, SOON_MS, request, &answer, NULL) || !str_eq(buf_view(&answer), request))
            c->wrong++;
        buf_fini(&answer);
    }
}

static void serve_own(void *arg, const char *path, struct str request, struct grpc_reply *reply) {
    static char frames[4096][64];
    static unsigned next;
    (void)arg;
    (void)path;
    reply->body = grpc_frame(frames[next++ % 4096], request);
}

TEST(test_grpc__many_threads_share_one_connection) {
    struct peer p = {0};
    struct err err = ERR_INIT;
    snprintf(p.socket, sizeof p.socket, "%s/s", unit_tmpdir());
    p.server = grpc_server_start(&(struct grpc_server_options){.socket = p.socket, .serve = serve_own});
    assert_ok(grpc_new(&(struct grpc_options){.socket = p.socket}, &p.grpc, &err), &err);
    struct caller callers[8] = {0};
    for (unsigned i = 0; i < 8; i++) {
        callers[i].peer = &p;
        callers[i].id = i;
        check(thread_start(&callers[i].thread, &(struct thread_options){.name = "caller"}, call_many,
                           &callers[i], NULL) == 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        thread_join(&callers[i].thread);
        assert_int_equal(callers[i].wrong, 0);
    }
    assert_int_equal(grpc_server_accepted(p.server), 1);
    stop(&p);
}

TEST(test_grpc__status_becomes_code_and_message) {
    expect_failure((struct grpc_reply){.status = 5, .message = "no container \"x\""}, ERR_NOT_FOUND,
                   "no container \"x\"");
    expect_failure(
        (struct grpc_reply){.status = 2, .message = "caf%C3%A9 100%25 50% %zz", .trailers_only = true},
        ERR_INTERNAL, "caf\xc3\xa9 100% 50% %zz");
    expect_failure((struct grpc_reply){.status = 12}, ERR_UNSUPPORTED, "gRPC status 12");
    expect_failure((struct grpc_reply){.status = 14, .message = "later"}, ERR_AGAIN, "later");
    expect_failure((struct grpc_reply){.status = 4, .message = "late"}, ERR_TIMEOUT, "late");
    expect_failure((struct grpc_reply){.status = 6, .message = "there"}, ERR_EXISTS, "there");
    expect_failure((struct grpc_reply){.status = 99, .message = "new"}, ERR_INTERNAL, "new");
}

TEST(test_grpc__what_is_not_grpc_is_refused) {
    expect_failure((struct grpc_reply){.http_status = 404}, ERR_UNSUPPORTED, "HTTP status 404");
    expect_failure((struct grpc_reply){.http_status = 503, .body = S("<html>")}, ERR_AGAIN,
                   "HTTP status 503");
    expect_failure((struct grpc_reply){.content_type = "text/html", .body = S("<html>")}, ERR_CORRUPT,
                   "not gRPC");
    expect_failure((struct grpc_reply){.body = S("\0\0\0\0\1x"), .status = -1}, ERR_CORRUPT, "not gRPC");
}

TEST(test_grpc__malformed_answers_are_refused) {
    expect_failure((struct grpc_reply){.body = S("")}, ERR_CORRUPT, "no answer");
    expect_failure((struct grpc_reply){.body = S("\0\0\0")}, ERR_CORRUPT, "cut");
    expect_failure((struct grpc_reply){.body = S("\0\0\0\0\5abc")}, ERR_CORRUPT, "cut");
    expect_failure((struct grpc_reply){.body = S("\0\0\0\0\1x\0\0\0\0\1y")}, ERR_CORRUPT, "more than one");
    expect_failure((struct grpc_reply){.body = S("\1\0\0\0\1x")}, ERR_UNSUPPORTED, "compressed");
    expect_failure((struct grpc_reply){.body = S("\0\xff\xff\xff\xffx")}, ERR_TOO_LARGE, "too large");
    expect_failure((struct grpc_reply){.body = S("\0\0\0\0\1x"), .padding = 40}, ERR_TOO_LARGE, "headers");
    expect_failure((struct grpc_reply){.body = S("\0\0\0\0\1x"), .reset = true}, ERR_CLOSED,
                   "ended the call");
}

TEST(test_grpc__answers_are_limited_as_told) {
    struct peer p = {.echo = true};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, &(struct grpc_options){.answer_max = 8});
    assert_ok(call_for(&p, SOON_MS, S("12345678"), &answer, &err), &err);
    assert_fails(call_for(&p, SOON_MS, S("123456789"), &answer, &err), ERR_TOO_LARGE);
    assert_ok(call_for(&p, SOON_MS, S("x"), &answer, &err), &err);
    assert_int_equal(grpc_server_accepted(p.server), 1);
    stop(&p);
}

TEST(test_grpc__deadline_ends_the_call_and_tells_the_server) {
    struct peer p = {.echo = true, .n_first = 1, .first = {.silent = true}};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_fails(call_for(&p, 50, S("x"), &answer, &err), ERR_TIMEOUT);
    assert_ok(call_for(&p, SOON_MS, S("y"), &answer, &err), &err);
    assert_int_equal(grpc_server_cancelled(p.server), 1);
    stop(&p);
}

TEST(test_grpc__lost_connection_fails_the_call_and_the_next_one_connects) {
    struct peer p = {.echo = true, .n_first = 1, .first = {.drop = true}};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_fails(call_for(&p, SOON_MS, S("x"), &answer, &err), ERR_CLOSED);
    assert_non_null(strstr(err.msg, p.socket));
    assert_ok(call_for(&p, SOON_MS, S("y"), &answer, &err), &err);
    assert_int_equal(grpc_server_accepted(p.server), 2);
    stop(&p);
}

TEST(test_grpc__call_that_was_refused_is_sent_again_once) {
    struct peer p = {.echo = true, .n_first = 1, .first = {.refuse = true}};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_ok(call_for(&p, SOON_MS, S("x"), &answer, &err), &err);
    assert_str(buf_view(&answer), "x");
    p.n_first = 2;
    assert_fails(call_for(&p, SOON_MS, S("x"), &answer, &err), ERR_CLOSED);
    stop(&p);
}

TEST(test_grpc__server_that_goes_away_is_left) {
    struct peer p = {.echo = true, .n_first = 1, .first = {.refuse = true, .go_away = true}};
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    assert_ok(call_for(&p, SOON_MS, S("x"), &answer, &err), &err);
    assert_int_equal(grpc_server_accepted(p.server), 2);
    p.reply.go_away = true;
    assert_ok(call_for(&p, SOON_MS, S("y"), &answer, &err), &err);
    p.reply.go_away = false;
    assert_ok(call_for(&p, SOON_MS, S("z"), &answer, &err), &err);
    assert_str(buf_view(&answer), "xyz");
    assert_int_equal(grpc_server_accepted(p.server), 3);
    stop(&p);
}

TEST(test_grpc__nobody_listens) {
    struct err err = ERR_INIT;
    struct grpc *g;
    char path[300];
    snprintf(path, sizeof path, "%s/none", unit_tmpdir());
    assert_ok(grpc_new(&(struct grpc_options){.socket = path}, &g, &err), &err);
    struct grpc_call c = {.path = "/test.Service/Method", .request = S("x"), .timeout_ms = SOON_MS};
    _cleanup_buf struct buf answer = BUF_INIT;
    assert_fails(grpc_unary(g, &c, &answer, &err), ERR_CLOSED);
    assert_non_null(strstr(err.msg, path));
    grpc_free(g);
    assert_ok(grpc_new(&(struct grpc_options){.address = "127.0.0.1", .port = 1}, &g, &err), &err);
    assert_fails(grpc_unary(g, &c, &answer, &err), ERR_CLOSED);
    grpc_free(g);
    assert_ok(grpc_new(&(struct grpc_options){.address = "no address", .port = 1}, &g, &err), &err);
    assert_fails(grpc_unary(g, &c, &answer, &err), ERR_CLOSED);
    grpc_free(g);
}

TEST(test_grpc__other_protocols_end_the_connection) {
    struct err err = ERR_INIT;
    struct grpc *g;
    char path[300];
    snprintf(path, sizeof path, "%s/s", unit_tmpdir());
    struct grpc_server *s = grpc_server_start(
        &(struct grpc_server_options){.socket = path,
                                      .serve = serve_own,
                                      .garbage = S("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")});
    assert_ok(grpc_new(&(struct grpc_options){.socket = path}, &g, &err), &err);
    struct grpc_call c = {.path = "/test.Service/Method", .request = S("x"), .timeout_ms = SOON_MS};
    _cleanup_buf struct buf answer = BUF_INIT;
    int rc = grpc_unary(g, &c, &answer, &err);
    assert_true(rc == ERR_CORRUPT || rc == ERR_CLOSED);
    grpc_free(g);
    grpc_server_stop(s);
}

TEST(test_grpc__paths_that_do_not_fit_are_refused) {
    struct err err = ERR_INIT;
    struct grpc *g;
    char path[200];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    assert_fails(grpc_new(&(struct grpc_options){.socket = path}, &g, &err), ERR_INVALID);
    assert_fails(grpc_new(&(struct grpc_options){0}, &g, &err), ERR_INVALID);
}

/* --- streams --- */

struct follower {
    struct buf got;
    unsigned messages, wanted;
    struct waiter enough, over;
    int code;
};

static void on_message(void *arg, struct str message) {
    struct follower *f = arg;
    buf_str(&f->got, message);
    buf_byte(&f->got, '|');
    if (++f->messages == f->wanted)
        waiter_signal(&f->enough);
}

static void on_end(void *arg, int code, const struct err *err) {
    struct follower *f = arg;
    (void)err;
    f->code = code;
    waiter_signal(&f->over);
}

static struct grpc_stream *follow(struct peer *p, struct follower *f, unsigned wanted) {
    struct err err = ERR_INIT;
    struct grpc_stream *s;
    *f = (struct follower){.wanted = wanted};
    waiter_init(&f->enough, NULL);
    waiter_init(&f->over, NULL);
    struct grpc_stream_options o = {.on_message = on_message, .on_end = on_end, .arg = f};
    struct grpc_call c = {.path = "/test.Service/Follow", .request = S("x")};
    assert_ok(grpc_stream_start(p->grpc, &c, &o, &s, &err), &err);
    return s;
}

static void unfollow(struct follower *f, struct grpc_stream *s) {
    grpc_stream_stop(s);
    waiter_fini(&f->enough);
    waiter_fini(&f->over);
    buf_fini(&f->got);
}

TEST(test_grpc__stream_delivers_messages_in_order_until_its_end) {
    struct peer p = {.reply = {.body = S("\0\0\0\0\1a\0\0\0\0\0\0\0\0\0\3bcd")}};
    struct follower f;
    start(&p, NULL);
    struct grpc_stream *s = follow(&p, &f, 3);
    waiter_wait(&f.over);
    assert_int_equal(f.code, 0);
    assert_str(buf_view(&f.got), "a||bcd|");
    unfollow(&f, s);
    stop(&p);
}

TEST(test_grpc__stream_is_cancelled) {
    struct peer p = {.reply = {.body = S("\0\0\0\0\1a\0\0\0\0\1b"), .hang = true}};
    struct follower f;
    start(&p, NULL);
    struct grpc_stream *s = follow(&p, &f, 2);
    waiter_wait(&f.enough);
    grpc_stream_stop(s);
    assert_int_equal(f.code, ERR_CANCELLED);
    assert_str(buf_view(&f.got), "a|b|");
    waiter_fini(&f.enough);
    waiter_fini(&f.over);
    buf_fini(&f.got);
    stop(&p);
}

TEST(test_grpc__stream_ends_with_its_connection) {
    struct peer p = {
        .n_first = 1, .first = {.body = S("\0\0\0\0\1a"), .hang = true}, .reply = {.drop = true}};
    struct follower f;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf answer = BUF_INIT;
    start(&p, NULL);
    struct grpc_stream *s = follow(&p, &f, 1);
    waiter_wait(&f.enough);
    assert_fails(call_for(&p, SOON_MS, S("x"), &answer, &err), ERR_CLOSED);
    waiter_wait(&f.over);
    assert_int_equal(f.code, ERR_CLOSED);
    unfollow(&f, s);
    stop(&p);
}

TEST(test_grpc__stream_that_is_not_known_ends_so) {
    struct peer p = {.reply = {.status = 12, .message = "unknown method", .trailers_only = true}};
    struct follower f;
    start(&p, NULL);
    struct grpc_stream *s = follow(&p, &f, 1);
    waiter_wait(&f.over);
    assert_int_equal(f.code, ERR_UNSUPPORTED);
    unfollow(&f, s);
    stop(&p);
}
