/* Requests that are handed on: a client, a server that relays, and a backend that runs "commands" as a
 * container runtime does, over SPDY/3.1. Everything on loopback. */
#include "net/relay.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "client.h"
#include "net/channels.h"
#include "unit/unit.h"

#define BIG (3u * 1024 * 1024)

/* -- the backend -- */

struct command {
    struct channels *channels;
    struct channel *in, *out, *err, *status;
    size_t left; /* of /big */
    bool die, big, sink;
};

static atomic_uint commands, sunk;

static void succeed(struct command *c) {
    (void)channel_write(c->status, S("{\"status\":\"Success\"}"));
    channel_end(c->status);
    if (c->out)
        channel_end(c->out);
    if (c->err)
        channel_end(c->err);
    channels_finish(c->channels);
}

static void pour(struct command *c) {
    static char bytes[CHANNEL_WRITE_MAX];
    while (c->left) {
        int n = channel_write(c->out, str_make(bytes, c->left < sizeof bytes ? c->left : sizeof bytes));
        if (n <= 0)
            return;
        c->left -= (size_t)n;
    }
    succeed(c);
}

static bool command_open(void *user, struct channel *ch) {
    struct command *c = user;
    struct str type = channel_header(ch, S("streamtype"));
    struct channel **at = str_eq(type, S("stdin"))    ? &c->in
                          : str_eq(type, S("stdout")) ? &c->out
                          : str_eq(type, S("stderr")) ? &c->err
                          : str_eq(type, S("error"))  ? &c->status
                                                      : NULL;
    if (at)
        *at = ch;
    return true;
}

/* What comes on any stream goes to stdout, with the stream's name when that is not stdin. */
static void command_data(void *user, struct channel *ch, struct str bytes) {
    struct command *c = user;
    if (c->die) {
        channels_abort(c->channels, "killed");
    } else if (c->big) {
        pour(c);
    } else if (c->sink) {
        atomic_fetch_add(&sunk, (unsigned)bytes.n);
    } else {
        if (ch != c->in)
            (void)channel_write(c->out, channel_header(ch, S("streamtype")));
        (void)channel_write(c->out, bytes);
    }
}

static void command_end(void *user, struct channel *ch) {
    struct command *c = user;
    if (ch == c->in)
        succeed(c);
}

static void command_reset(void *user, struct channel *ch) {
    (void)user;
    (void)ch;
}

static void command_writable(void *user, struct channel *ch) {
    struct command *c = user;
    if (ch == c->out && c->left < BIG)
        pour(c);
}

static void command_close(void *user, const struct err *why) {
    (void)why;
    free(user);
    atomic_fetch_sub(&commands, 1);
}

static void backend_handle(void *arg, struct http_request *r) {
    static const struct str protocols[] = {STR_INIT("v4.channel.k8s.io"), STR_INIT("portforward.k8s.io")};
    static const struct channels_ops ops = {command_open,  command_data,     command_end,
                                            command_reset, command_writable, command_close};
    static const struct channels_offer offer = {.spdy = protocols, .n_spdy = 2};
    (void)arg;
    struct str path = http_in(r)->path;
    struct err err = ERR_INIT;
    if (str_eq(path, S("/missing"))) {
        http_respond_text(r, 404, S("text/plain"), S("no such container"));
        return;
    }
    struct command *c = calloc(1, sizeof *c);
    check(c != NULL);
    *c = (struct command){.left = BIG,
                          .die = str_eq(path, S("/die")),
                          .big = str_eq(path, S("/big")),
                          .sink = str_eq(path, S("/sink"))};
    if (channels_upgrade(r, &offer, &ops, c, &c->channels, &err) == 0)
        atomic_fetch_add(&commands, 1);
    else
        free(c);
}

/* -- what is between -- */

struct world {
    struct http_server *backend;
    struct test_server front;
    struct test_conn c;
    struct buf out;
};

static bool passes(struct str name, bool upgraded) {
    (void)upgraded;
    return !str_eq(name, S("content-length")) && !str_eq(name, S("date"));
}

static void stream_writable(void *relay) {
    if (relay)
        relay_writable(relay);
}

static void stream_end(void *r) {
    http_set_user(r, NULL, NULL);
}

static void failed(void *user, const struct err *why) {
    struct http_request *r = user;
    http_set_user(r, NULL, NULL);
    http_respond_text(r, 502, S("text/plain"), str_from(why->msg));
}

static void client_gone(void *relay) {
    relay_free(relay);
}

static const struct relay_ops relay_ops = {
    .passes = passes, .on_stream_writable = stream_writable, .on_end = stream_end, .on_fail = failed};

static void front_handle(void *arg, struct http_request *r) {
    struct world *w = arg;
    struct err err = ERR_INIT;
    struct relay *relay;
    bool forward = str_eq(http_in(r)->path, S("/forward")), tty = http_query(r, S("tty")).p != NULL;
    _cleanup_buf struct buf head = BUF_INIT;
    struct relay_options o = {.r = r,
                              .upgrade = relay_upgrade_of(r, forward),
                              .streams = {.in = true, .out = true, .err = true, .tty = tty},
                              .ops = &relay_ops,
                              .user = r};
    buf_printf(&head, "POST %.*s HTTP/1.1\r\nhost: b\r\n", STR_ARG(http_in(r)->path));
    relay_put_upgrade(&head, o.upgrade);
    buf_lit(&head, "content-length: 0\r\n\r\n");
    o.backend = (struct backend_options){
        .address = S("127.0.0.1"), .port = http_server_port(w->backend), .head = buf_view(&head)};
    assert_int_equal(relay_open(&o, &relay, &err), 0);
    http_set_user(r, relay, client_gone);
}

static struct http_server *start(http_handler_fn handler, struct world *w) {
    struct http_server_options o = {.address = S("127.0.0.1"), .loops = 1, .handler = handler, .arg = w};
    struct http_server *s = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(http_server_start(&o, &s, &err), 0);
    return s;
}

/* -- the client -- */

#define ASK(protocol)                                                                                        \
    "Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " protocol "\r\n\r\n"

#define RELAY_TEST(name)                                                                                     \
    static void name##_with(struct world *w);                                                                \
    TEST(name) {                                                                                             \
        struct world w = {.out = BUF_INIT};                                                                  \
        w.backend = start(backend_handle, &w);                                                               \
        w.front.server = start(front_handle, &w);                                                            \
        test_connect(&w.c, &w.front, "http/1.1");                                                            \
        name##_with(&w);                                                                                     \
        test_disconnect(&w.c);                                                                               \
        http_server_stop(w.front.server, 2000);                                                              \
        http_server_stop(w.backend, 2000);                                                                   \
        buf_fini(&w.out);                                                                                    \
        assert_int_equal(atomic_load(&commands), 0);                                                         \
    }                                                                                                        \
    static void name##_with(struct world *w)

static void send_message(struct world *w, const char *p, size_t n) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_byte(&b, (char)0x82);
    buf_byte(&b, (char)(0x80 | (n < 126 ? n : 126)));
    if (n >= 126)
        buf_put(&b, (const char[]){(char)(n >> 8), (char)n}, 2);
    buf_put(&b, "\0\0\0\0", 4); /* the mask */
    buf_put(&b, p, n);
    test_send(&w->c, b.p, b.n);
}

static void ask(struct world *w, const char *path, const char *rest) {
    char line[300];
    snprintf(line, sizeof line, "GET %s HTTP/1.1\r\n", path);
    test_send_text(&w->c, line);
    test_send_text(&w->c, rest);
}

static void assert_holds(struct world *w, const char *part, size_t n) {
    if (str_find(buf_view(&w->out), str_make(part, n)) < 0)
        fail_msg("\"%s\" is not in %zu bytes: %.*s", part, w->out.n, (int)w->out.n, w->out.p);
}

RELAY_TEST(test_relay__channels_of_a_websocket_become_streams) {
    ask(w, "/cat", ASK("v5.channel.k8s.io, v4.channel.k8s.io"));
    test_receive(&w->c, &w->out, "\r\n\r\n\x82\x01\x01"); /* the greeting on stdout */
    assert_holds(w, "sec-websocket-protocol: v5.channel.k8s.io\r\n", 43);
    send_message(w, "\0hello", 6);
    test_receive(&w->c, &w->out, "\x82\x06\x01hello");
    send_message(w, "\1not mine", 9); /* clients write to stdin and resize only */
    send_message(w, "\xff\0", 2);     /* stdin ends */
    test_receive(&w->c, &w->out, NULL);
    assert_holds(w, "\x82\x15\x03{\"status\":\"Success\"}\x88\x02\x03\xe8", 27);
    assert_true(str_find(buf_view(&w->out), S("not mine")) < 0);
}

RELAY_TEST(test_relay__sizes_of_the_terminal_go_through) {
    ask(w, "/cat?tty=1", ASK("v4.channel.k8s.io"));
    send_message(w, "\4{\"Width\":80}", 13);
    test_receive(&w->c, &w->out, "{\"Width\":80}");
    assert_holds(w, "resize", 6);
}

/* Much more than all buffers between hold: nothing is lost, and the status comes last. */
RELAY_TEST(test_relay__slow_clients_get_all_of_it) {
    ask(w, "/big", ASK("v5.channel.k8s.io"));
    send_message(w, "\0go", 3);
    test_receive(&w->c, &w->out, NULL);
    assert_true(w->out.n > BIG);
    assert_true(str_has_suffix(buf_view(&w->out), str_make("{\"status\":\"Success\"}\x88\x02\x03\xe8", 24)));
}

RELAY_TEST(test_relay__much_input_goes_through) {
    static char message[60001];
    atomic_store(&sunk, 0);
    ask(w, "/sink", ASK("v5.channel.k8s.io"));
    for (int i = 0; i < 50; i++)
        send_message(w, message, sizeof message);
    send_message(w, "\xff\0", 2);
    test_receive(&w->c, &w->out, NULL);
    assert_int_equal(atomic_load(&sunk), 3000000);
}

RELAY_TEST(test_relay__an_end_without_a_status_becomes_one) {
    ask(w, "/die", ASK("v4.channel.k8s.io"));
    send_message(w, "\0x", 2);
    test_receive(&w->c, &w->out, NULL);
    assert_holds(w, "\"status\":\"Failure\"", 18);
    assert_holds(w, "ended before the command did", 28);
}

RELAY_TEST(test_relay__answers_of_the_backend_are_passed_on) {
    ask(w, "/missing", ASK("v5.channel.k8s.io"));
    test_receive(&w->c, &w->out, "no such container");
    assert_holds(w, "HTTP/1.1 404 ", 13);
}

RELAY_TEST(test_relay__bytes_of_spdy_go_in_messages) {
    ask(w, "/forward", ASK("SPDY/3.1+portforward.k8s.io"));
    send_message(w, "\x80\x03\0\6\0\0\0\4\0\0\0\7", 12); /* a ping */
    while (w->out.n < 14 ||
           memcmp(w->out.p + w->out.n - 14, "\x82\x0c\x80\x03\0\6\0\0\0\4\0\0\0\7", 14) != 0) {
        char bytes[100];
        size_t n = test_read(&w->c, bytes, sizeof bytes);
        assert_true(n > 0);
        buf_put(&w->out, bytes, n);
    }
    assert_holds(w, "sec-websocket-protocol: SPDY/3.1+portforward.k8s.io\r\n", 53);
}

RELAY_TEST(test_relay__clients_that_leave_end_the_command) {
    ask(w, "/cat", ASK("v5.channel.k8s.io"));
    send_message(w, "\0hello", 6);
    test_receive(&w->c, &w->out, "hello");
    /* the frame of these tests sees that no command is left */
}

RELAY_TEST(test_relay__clients_that_break_the_protocol_end_the_command) {
    ask(w, "/cat", ASK("v5.channel.k8s.io"));
    send_message(w, "\0hello", 6);
    test_receive(&w->c, &w->out, "hello");
    test_send(&w->c, "\x82\x03\0hi", 5); /* not masked */
    test_receive(&w->c, &w->out, NULL);
}
