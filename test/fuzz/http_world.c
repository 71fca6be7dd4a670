/* See http_world.h. */
#include "fuzz/http_world.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/thread.h"
#include "fuzz/fuzz.h"
#include "net/channels.h"
#include "net/server_priv.h"

#define TURNS_MAX 10000
#define OPEN_MAX 32
#define PIECES_MAX 64 /* more only cost time */

/* Requests that wait for an answer, or are streams. */
struct open_request {
    struct http_request *r;
    bool stream;
};

struct world {
    struct http_server server;
    struct server_loop loop;
    struct open_request open[OPEN_MAX];
    size_t n_open;
    bool writing; /* a handler is: nobody may be told meanwhile that the peer left */
    unsigned upgraded, closed;
};

static struct world *world;
static char bytes[100000];

/* -- what handlers do -- */

static void check_request(struct http_request *r) {
    const struct http_in *in = http_in(r);
    must(in->method_text.n > 0 && in->path.n > 0 && in->path.p[0] == '/');
    must(in->body.n <= world->server.o.body_bytes_max && in->n_headers <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < in->n_headers; i++) {
        struct str name = in->headers[i].name, value = in->headers[i].value;
        must(name.n > 0 && name.n + value.n <= HTTP_HEADER_BYTES_MAX);
        for (size_t k = 0; k < name.n; k++)
            must(name.p[k] > ' ' && !isupper((unsigned char)name.p[k]));
        must(str_find_byte(value, '\r') < 0 && str_find_byte(value, '\n') < 0 && str_find_byte(value, 0) < 0);
    }
}

static void forget(struct http_request *r) {
    for (size_t i = 0; i < world->n_open; i++)
        if (world->open[i].r == r)
            world->open[i] = world->open[--world->n_open];
}

static void on_gone(void *user) {
    must(!world->writing);
    forget(user);
}

static void keep(struct http_request *r, bool stream) {
    if (world->n_open == OPEN_MAX) {
        if (stream)
            http_stream_end(r);
        else
            http_respond(r, 503, NULL, 0, NULL, 0);
        return;
    }
    world->open[world->n_open++] = (struct open_request){r, stream};
    http_set_user(r, r, on_gone);
}

static void on_writable(void *user) {
    must(!world->writing);
    (void)user;
}

static void raw_data(void *user, struct str got) {
    struct http_request *r = user;
    struct http_chunk c = {.bytes = {bytes, got.n < sizeof bytes ? got.n : sizeof bytes}};
    if (got.n == 0)
        http_raw_shutdown(r);
    else if (got.p[0] == 'f')
        http_raw_finish(r);
    else if (got.p[0] == 'c')
        http_raw_close(r);
    else
        (void)http_raw_write(r, &c, 1);
}

static void raw_close(void *user, const struct err *why) {
    (void)user;
    (void)why;
    world->closed++;
}

static void upgrade(struct http_request *r) {
    static const struct http_raw_ops ops = {.on_data = raw_data, .on_close = raw_close};
    struct err err = ERR_INIT;
    if (http_upgrade(r, S("raw"), NULL, 0, &ops, r, &err) < 0)
        http_respond_text(r, 400, S("text/plain"), str_from(err.msg));
    else
        world->upgraded++;
}

static bool ch_open(void *user, struct channel *ch) {
    (void)user;
    return channel_write(ch, S("")) >= 0 && channel_header(ch, S("streamtype")).n != 1;
}

static void ch_data(void *user, struct channel *ch, struct str got) {
    (void)user;
    (void)channel_write(ch, got);
}

static void ch_end(void *user, struct channel *ch) {
    (void)user;
    channels_finish(channel_owner(ch));
}

static void ch_ignore(void *user, struct channel *ch) {
    (void)user;
    (void)ch;
}

static void open_channels(struct http_request *r) {
    static const struct str spdy[] = {STR_INIT("v4.channel.k8s.io"), STR_INIT("")};
    static const struct str ws[] = {STR_INIT("v5.channel.k8s.io"), STR_INIT("v4.base64.channel.k8s.io"),
                                    STR_INIT("SPDY/3.1+portforward.k8s.io"), STR_INIT("")};
    static const struct str types[] = {STR_INIT("stdin"), STR_INIT("stdout")};
    static const struct channels_offer offer = {spdy, ws, 2, 4, types, 2, NULL, NULL};
    static const struct channels_ops ops = {ch_open, ch_data, ch_end, ch_ignore, ch_ignore, raw_close};
    struct channels *cs;
    struct err err = ERR_INIT;
    if (channels_upgrade(r, &offer, &ops, NULL, &cs, &err) == 0)
        world->upgraded++;
}

static void handle(void *arg, struct http_request *r) {
    struct http_chunk all = {.bytes = {bytes, sizeof bytes}};
    (void)arg;
    check_request(r);
    switch (http_in(r)->path.n > 1 ? http_in(r)->path.p[1] : 0) {
    case 'b': http_respond(r, 200, NULL, 0, &all, 1); return;
    case 'n': keep(r, false); return;
    case 's':
        http_stream_begin(r, 200, NULL, 0, on_writable);
        keep(r, true);
        return;
    case 'u': upgrade(r); return;
    case 'c': open_channels(r); return;
    default: http_respond_text(r, 200, S("text/plain"), http_in(r)->body); return;
    }
}

/* As from timers and messages: each stream writes, each second time one of them ends. */
static void write_all(void) {
    struct http_chunk c = {.bytes = {bytes, 10000}};
    world->writing = true;
    for (size_t i = 0; i < world->n_open; i++)
        for (int k = 0; k < 8 && world->open[i].stream; k++)
            if (http_stream_write(world->open[i].r, &c, 1) < 0)
                break;
    if (world->n_open > 1) {
        struct open_request o = world->open[--world->n_open];
        http_set_user(o.r, o.r, NULL);
        if (o.stream)
            http_stream_end(o.r);
        else
            http_respond(o.r, 200, NULL, 0, &c, 1);
    }
    world->writing = false;
}

/* -- the world -- */

static void begin(void) {
    struct err err = ERR_INIT;
    world = calloc(1, sizeof *world);
    check(world != NULL);
    world->server.o = (struct http_server_options){
        .body_bytes_max = 20000,
        .header_timeout_ms = 1000000,
        .body_timeout_ms = 1000000,
        .idle_timeout_ms = 1000000,
        .handler = handle,
    };
    world->loop.server = &world->server;
    world->loop.read_buffer = malloc(CONN_READ_BYTES);
    check(world->loop.read_buffer != NULL);
    must(loop_new(&(struct loop_options){.name = "fuzz"}, &world->loop.loop, &err) == 0);
}

static void turn(void) {
    (void)uv_run(loop_uv(world->loop.loop), UV_RUN_NOWAIT);
}

static void drain(int fd) {
    char sink[65536];
    while (recv(fd, sink, sizeof sink, MSG_DONTWAIT) > 0)
        turn();
}

/* Gives up when the server reads no more. */
static bool send_all(int fd, const void *p, size_t n, bool reading) {
    for (int turns = 0; n && turns < 100; turns++) {
        ssize_t r = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (r < 0 && errno != EAGAIN)
            return false;
        if (r > 0) {
            p = (const char *)p + r;
            n -= (size_t)r;
        }
        turn();
        if (reading)
            drain(fd);
    }
    return n == 0;
}

void http_world_run(const char *first, size_t n_first, const uint8_t *data, size_t n, uint8_t how) {
    int pair[2], small = 32768;
    if (!world)
        begin();
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    conn_accept(&world->loop, pair[1]);
    size_t piece = (size_t)1 << (how & 15), least = n / PIECES_MAX + 1;
    piece = piece < least ? least : piece;
    bool reading = !(how & (16 | 64)), alive = send_all(pair[0], first, n_first, true);
    for (size_t at = 0; at < n && alive; at += piece) {
        alive = send_all(pair[0], data + at, n - at < piece ? n - at : piece, reading);
        char sink[65536];
        while (how & 64 && recv(pair[0], sink, sizeof sink, MSG_DONTWAIT) > 0)
            continue; /* the server sees the room only when a handler writes */
        if (how & 32)
            write_all();
    }
    turn();
    if (reading)
        drain(pair[0]);
    close(pair[0]);
    for (int turns = 0; world->loop.conns && turns < TURNS_MAX; turns++)
        turn();
    must(!world->loop.conns && world->n_open == 0 && world->upgraded == world->closed);
    must(atomic_load(&world->server.connections) == 0);
    world->upgraded = world->closed = 0;
}
