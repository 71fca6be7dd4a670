/* Exec and attach over a WebSocket. See session.h. */
#include "ctl/session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "base/loop.h"
#include "client/wsclient.h"
#include "codec/json.h"
#include "ctl/object.h"

#define CHUNK_BYTES 32768

/* What ends us from outside; typed ones go to the other side. */
static const int end_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
#define N_ENDS (sizeof end_signals / sizeof *end_signals)

enum { CHANNEL_IN, CHANNEL_OUT, CHANNEL_ERR, CHANNEL_STATUS, CHANNEL_SIZE, CHANNEL_END = 255 };

struct running {
    struct session *s;
    struct loop *loop;
    struct wsclient *ws;
    bool half_close; /* v5 */
    uv_poll_t poll;
    uv_idle_t idle; /* of files, which cannot be polled */
    uv_signal_t winch, ends[N_ENDS];
    bool reads, is_file, in_ended;
    char held[CHUNK_BYTES]; /* read, and not taken by the connection yet */
    size_t n_held;
    struct termios before;
    bool raw;
    struct buf status; /* what channel 3 said */
    bool ended;
    struct str why; /* the connection broke off */
};

bool stream_is_terminal(FILE *f) {
    return isatty(fileno(f)) == 1;
}

/* -- the terminal -- */

static void make_raw(struct running *r) {
    struct termios t;
    if (tcgetattr(r->s->in_fd, &r->before) < 0)
        return;
    t = r->before;
    cfmakeraw(&t);
    r->raw = tcsetattr(r->s->in_fd, TCSADRAIN, &t) == 0;
}

static void restore(struct running *r) {
    if (r->raw)
        (void)tcsetattr(r->s->in_fd, TCSADRAIN, &r->before);
    r->raw = false;
}

static void send_size(struct running *r) {
    struct winsize w;
    char text[64], channel = CHANNEL_SIZE;
    if (ioctl(r->s->in_fd, TIOCGWINSZ, &w) < 0)
        return;
    int n = snprintf(text, sizeof text, "{\"Width\":%u,\"Height\":%u}", w.ws_col, w.ws_row);
    const struct str parts[] = {str_make(&channel, 1), str_make(text, (size_t)n)};
    (void)wsclient_send(r->ws, false, parts, 2);
}

static void on_winch(uv_signal_t *h, int signal) {
    (void)signal;
    send_size(h->data);
}

/* The terminal is given back before we go. */
static void on_end_signal(uv_signal_t *h, int signal) {
    struct running *r = h->data;
    restore(r);
    _exit(128 + signal);
}

/* -- standard input -- */

static void stop_reading(struct running *r) {
    if (!r->reads)
        return;
    r->reads = false;
    if (r->is_file)
        (void)uv_idle_stop(&r->idle);
    else
        (void)uv_poll_stop(&r->poll);
}

static void on_readable(uv_poll_t *h, int status, int events);
static void on_idle(uv_idle_t *h);

static void go_on_reading(struct running *r) {
    if (r->reads || r->in_ended || r->s->in_fd < 0)
        return;
    r->reads = true;
    if (r->is_file)
        (void)uv_idle_start(&r->idle, on_idle);
    else
        (void)uv_poll_start(&r->poll, UV_READABLE | UV_DISCONNECT, on_readable);
}

static void end_input(struct running *r) {
    char end[] = {(char)CHANNEL_END, CHANNEL_IN};
    const struct str part = str_make(end, 2);
    r->in_ended = true;
    stop_reading(r);
    if (r->half_close)
        (void)wsclient_send(r->ws, false, &part, 1);
}

/* False: the connection takes no more for now. */
static bool send_held(struct running *r) {
    char channel = CHANNEL_IN;
    const struct str parts[] = {str_make(&channel, 1), str_make(r->held, r->n_held)};
    if (r->n_held && wsclient_send(r->ws, false, parts, 2) == ERR_AGAIN)
        return false;
    r->n_held = 0;
    return true;
}

static void read_input(struct running *r) {
    ssize_t n = read(r->s->in_fd, r->held, sizeof r->held);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        end_input(r);
        return;
    }
    r->n_held = (size_t)n;
    if (!send_held(r))
        stop_reading(r);
}

static void on_readable(uv_poll_t *h, int status, int events) {
    (void)status;
    (void)events;
    read_input(h->data);
}

static void on_idle(uv_idle_t *h) {
    read_input(h->data);
}

static void on_writable(void *user) {
    struct running *r = user;
    if (send_held(r))
        go_on_reading(r);
}

/* -- what comes -- */

static void put(FILE *to, struct str bytes) {
    if (!to || !bytes.n)
        return;
    (void)fwrite(bytes.p, 1, bytes.n, to);
    (void)fflush(to);
}

static void on_message(void *user, bool text, struct str bytes) {
    struct running *r = user;
    (void)text;
    if (!bytes.n)
        return;
    struct str rest = str_from_byte(bytes, 1);
    switch ((unsigned char)bytes.p[0]) {
    case CHANNEL_OUT: put(r->s->out, rest); break;
    case CHANNEL_ERR: put(r->s->err, rest); break;
    case CHANNEL_STATUS: buf_str(&r->status, rest); break; /* what others still say may come later */
    default: break;
    }
}

static void close_handles(struct running *r) {
    uv_handle_t *handles[] = {(uv_handle_t *)&r->poll, (uv_handle_t *)&r->idle, (uv_handle_t *)&r->winch};
    stop_reading(r);
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        if (handles[i]->loop && !uv_is_closing(handles[i]))
            uv_close(handles[i], NULL);
    for (size_t i = 0; i < N_ENDS; i++)
        if (r->ends[i].loop)
            uv_close((uv_handle_t *)&r->ends[i], NULL);
}

static void on_close(void *user, const struct err *why) {
    struct running *r = user;
    r->ended = true;
    if (why)
        r->why = arena_str(&r->s->c->arena, str_from(why->msg));
    close_handles(r);
    loop_quit(r->loop);
}

static const struct wsclient_ops ops = {on_message, on_writable, on_close};

/* -- running -- */

static void watch_signals(struct running *r) {
    uv_loop_t *uv = loop_uv(r->loop);
    if (!r->s->tty)
        return;
    (void)uv_signal_init(uv, &r->winch);
    r->winch.data = r;
    (void)uv_signal_start(&r->winch, on_winch, SIGWINCH);
    for (size_t i = 0; i < N_ENDS; i++) {
        (void)uv_signal_init(uv, &r->ends[i]);
        r->ends[i].data = r;
        (void)uv_signal_start(&r->ends[i], on_end_signal, end_signals[i]);
    }
    make_raw(r);
    send_size(r);
}

static void watch_input(struct running *r) {
    struct stat st;
    uv_loop_t *uv = loop_uv(r->loop);
    if (r->s->in_fd < 0)
        return;
    r->is_file = fstat(r->s->in_fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    if (!r->is_file && uv_poll_init(uv, &r->poll, r->s->in_fd) < 0)
        r->is_file = true; /* /dev/null and its like */
    r->poll.data = r->idle.data = r;
    if (r->is_file)
        (void)uv_idle_init(uv, &r->idle);
    go_on_reading(r);
}

/* What channel 3 said: how the command ended, or why it could not run. Everything has come by now. */
static int judge(struct running *r, struct problem *p) {
    struct ctl *c = r->s->c;
    struct jval status;
    struct err err = ERR_INIT;
    int64_t code = 0;
    if (!r->status.n)
        return r->why.n ? problem_set(c, p, "%.*s", STR_ARG(r->why)) : 0;
    struct str text = buf_to_arena(&r->status, &c->arena);
    if (json_parse(&c->arena, text, NULL, NULL, &status, &err) < 0)
        return problem_set(c, p, "error stream protocol error: unknown error");
    if (str_eq(object_str(&status, "status"), S("Success")))
        return 0;
    const struct jval *causes = object_array(&status, "details.causes");
    for (uint32_t i = 0; causes && i < causes->n; i++)
        if (str_eq(object_str(&causes->items[i], "reason"), S("ExitCode")) &&
            str_to_i64(object_str(&causes->items[i], "message"), &code)) {
            r->s->code = (int)code;
            return 0;
        }
    return problem_set(c, p, "%.*s", STR_ARG(object_str(&status, "message")));
}

int session_run(struct session *s, struct problem *p) {
    static const struct str protocols[] = {STR_INIT("v5.channel.k8s.io"), STR_INIT("v4.channel.k8s.io")};
    struct ctl *c = s->c;
    struct running r = {.s = s, .status = BUF_INIT};
    struct err err = ERR_INIT;
    s->code = 0;
    r.status.limit = (size_t)1 << 20;
    if (loop_new(&(struct loop_options){.name = "session"}, &r.loop, &err) < 0)
        return problem_of_err(c, p, &err);
    struct wsclient_options o = {
        .client = c->client, .loop = r.loop, .path = s->path, .protocols = protocols};
    o.n_protocols = 2;
    o.ops = &ops;
    o.user = &r;
    if (wsclient_open(&o, &r.ws, &err) < 0) {
        loop_free(r.loop);
        return problem_set(c, p, "%s", err.msg);
    }
    r.half_close = str_has_prefix(wsclient_protocol(r.ws), S("v5."));
    (void)fflush(c->out);
    watch_signals(&r);
    watch_input(&r);
    loop_run(r.loop);
    restore(&r);
    loop_free(r.loop);
    int rc = judge(&r, p);
    buf_fini(&r.status);
    return rc;
}
