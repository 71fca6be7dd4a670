/* Tests of the WebSocket client against our own WebSocket server. */
#include "client/wsclient.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/remote.h"
#include "net/websocket.h"
#include "scripted.h"
#include "unit/unit.h"

/* -- a server that sends back what comes -- */

struct echo {
    struct websocket *ws;
    struct buf message;
};

static void echo_piece(void *user, const struct websocket_piece *p) {
    struct echo *e = user;
    buf_str(&e->message, p->bytes);
    if (!p->last)
        return;
    struct str whole = buf_view(&e->message);
    if (str_eq(whole, S("break"))) {
        websocket_abort(e->ws); /* e is gone */
        return;
    }
    if (str_eq(whole, S("bye")))
        websocket_close(e->ws, WEBSOCKET_NORMAL, S(""));
    else
        (void)websocket_send(e->ws, p->text, &whole, 1);
    buf_clear(&e->message);
}

static void echo_close(void *user, const struct err *why) {
    struct echo *e = user;
    (void)why;
    buf_fini(&e->message);
    free(e);
}

static void echo_writable(void *user) {
    (void)user;
}

static const struct websocket_ops echo_ops = {echo_piece, echo_writable, echo_close};

static void serve(struct scripted *s, struct http_request *r, unsigned n) {
    static const struct str ours[] = {STR_INIT("v5.channel.k8s.io")};
    (void)s;
    (void)n;
    if (!websocket_asked(r) || str_eq(http_in(r)->path, S("/no"))) {
        reply_status(r, 403, "Forbidden");
        return;
    }
    struct echo *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->ws = websocket_new(
        &(struct websocket_options){.ops = &echo_ops, .user = e, .transport = http_transport(r)});
    if (websocket_accept(r, websocket_choose(r, ours, 1), e->ws, NULL))
        free(e);
}

/* -- the client's side -- */

struct end {
    struct wsclient *ws;
    struct waiter got, closed;
    struct buf heard;
    size_t wanted;
    int code;
};

static void on_message(void *user, bool text, struct str bytes) {
    struct end *e = user;
    buf_printf(&e->heard, "%c", text ? 't' : 'b');
    buf_str(&e->heard, bytes);
    if (e->heard.n >= e->wanted)
        waiter_signal(&e->got);
}

static void on_close(void *user, const struct err *why) {
    struct end *e = user;
    e->code = why ? why->code : 0;
    waiter_signal(&e->closed);
}

static const struct wsclient_ops ops = {.on_message = on_message, .on_close = on_close};

struct scene {
    struct scripted server;
    struct client *client;
    struct loop *loop;
    struct end end;
};

static void setup(struct scene *s) {
    struct err err = ERR_INIT;
    *s = (struct scene){0};
    scripted_start(&s->server, serve, NULL);
    s->client = scripted_client(&s->server, false, NULL);
    assert_ok(loop_start(&(struct loop_options){.name = "test"}, &s->loop, &err), &err);
    waiter_init(&s->end.got, NULL);
    waiter_init(&s->end.closed, NULL);
}

static void teardown(struct scene *s) {
    loop_stop(s->loop);
    client_free(s->client);
    scripted_stop(&s->server);
    waiter_fini(&s->end.got);
    waiter_fini(&s->end.closed);
    buf_fini(&s->end.heard);
}

static int open_(struct scene *s, const char *path, const char *protocol, struct err *err) {
    const struct str protocols[] = {str_from(protocol)};
    return wsclient_open(
        &(struct wsclient_options){
            .client = s->client,
            .loop = s->loop,
            .path = str_from(path),
            .protocols = protocols,
            .n_protocols = 1,
            .ops = &ops,
            .user = &s->end,
        },
        &s->end.ws, err);
}

static void say(void *arg) {
    struct scene *s = arg;
    const struct str parts[] = {S("\1"), S("hello")};
    assert_int_equal(wsclient_send(s->end.ws, false, parts, 2), 0);
    assert_int_equal(wsclient_send(s->end.ws, true, &S("text"), 1), 0);
}

static void close_it(void *arg) {
    wsclient_close(((struct scene *)arg)->end.ws);
}

TEST(test_wsclient__messages_go_both_ways) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    s.end.wanted = 12;
    assert_ok(open_(&s, "/exec", "v5.channel.k8s.io", &err), &err);
    assert_str(wsclient_protocol(s.end.ws), "v5.channel.k8s.io");
    assert_ok(loop_call(s.loop, say, &s), &err);
    waiter_wait(&s.end.got);
    assert_str(buf_view(&s.end.heard), "b\1hellottext");
    assert_ok(loop_call(s.loop, close_it, &s), &err);
    waiter_wait(&s.end.closed);
    assert_int_equal(s.end.code, 0);
    teardown(&s);
}

#define MUCH 300000

static void say_much(void *arg) {
    struct scene *s = arg;
    static char bytes[MUCH];
    memset(bytes, 'x', sizeof bytes);
    struct str part = {bytes, sizeof bytes};
    int sent = 0;
    while (wsclient_send(s->end.ws, false, &part, 1) == 0)
        sent++;
    assert_true(sent >= 3 && sent <= 5); /* the queue is bounded */
    wsclient_pause(s->end.ws, true);
    wsclient_pause(s->end.ws, false);
}

TEST(test_wsclient__large_messages_come_whole) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    s.end.wanted = 3 * (MUCH + 1);
    assert_ok(open_(&s, "/exec", "v5.channel.k8s.io", &err), &err);
    assert_ok(loop_call(s.loop, say_much, &s), &err);
    waiter_wait(&s.end.got);
    assert_ok(loop_call(s.loop, close_it, &s), &err);
    waiter_wait(&s.end.closed);
    teardown(&s);
}

static void say_bye(void *arg) {
    (void)wsclient_send(((struct scene *)arg)->end.ws, true, &S("bye"), 1);
}

static void say_break(void *arg) {
    (void)wsclient_send(((struct scene *)arg)->end.ws, true, &S("break"), 1);
}

TEST(test_wsclient__the_server_may_end_it) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    assert_ok(open_(&s, "/exec", "v5.channel.k8s.io", &err), &err);
    assert_ok(loop_call(s.loop, say_bye, &s), &err);
    waiter_wait(&s.end.closed);
    assert_int_equal(s.end.code, 0);
    teardown(&s);
}

TEST(test_wsclient__broken_connections_are_told) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    assert_ok(open_(&s, "/exec", "v5.channel.k8s.io", &err), &err);
    assert_ok(loop_call(s.loop, say_break, &s), &err);
    waiter_wait(&s.end.closed);
    assert_int_equal(s.end.code, ERR_CLOSED);
    teardown(&s);
}

TEST(test_wsclient__refusals_are_statuses) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s);
    assert_fails(open_(&s, "/no", "v5.channel.k8s.io", &err), ERR_FORBIDDEN);
    assert_string_equal(err.msg, "because of Forbidden");
    assert_int_not_equal(open_(&s, "/exec", "other", &err), 0);
    teardown(&s);
}
