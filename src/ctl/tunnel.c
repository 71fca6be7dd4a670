/* Ports of a pod as local ones. See tunnel.h. */
#include "ctl/tunnel.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "base/loop.h"
#include "base/vec.h"
#include "client/wsclient.h"
#include "net/channels.h"
#include "net/spdy.h"

#define READ_BYTES 32768u
#define PENDING_MAX (256u << 10) /* bytes that wait for a slow local reader */

struct tunnel;

struct listener {
    uv_tcp_t tcp;
    struct tunnel *tunnel;
    struct forward *forward;
};

/* One local connection and its two streams. */
struct link {
    uv_tcp_t tcp;
    struct tunnel *tunnel;
    struct link *prev, *next;
    struct channel *data, *error; /* NULL: have ended */
    uint16_t local, remote;
    char bytes[READ_BYTES]; /* read, not taken yet */
    size_t at, n;
    bool reading, read_ended, write_ended, closing;
    struct buf complaint;
};

struct tunnel {
    struct ctl *c;
    struct loop *loop;
    struct wsclient *ws;       /* NULL: has ended */
    struct channels *channels; /* NULL: have ended */
    struct channels *session;  /* the same, until it is freed */
    struct listener *listeners;
    size_t n_listeners;
    struct link *links;
    uv_signal_t interrupt, term;
    unsigned requests;
    bool ended;
    struct str why;
};

/* -- the end -- */

static void close_handle(uv_handle_t *h, void (*closed)(uv_handle_t *h)) {
    if (h->loop && !uv_is_closing(h))
        uv_close(h, closed);
}

static void link_free(uv_handle_t *h) {
    struct link *l = h->data;
    buf_fini(&l->complaint);
    free(l);
}

static void link_close(struct link *l) {
    if (l->closing)
        return;
    l->closing = true;
    if (l->data)
        channel_reset(l->data);
    if (l->error)
        channel_reset(l->error);
    l->data = l->error = NULL;
    if (l->prev)
        l->prev->next = l->next;
    else
        l->tunnel->links = l->next;
    if (l->next)
        l->next->prev = l->prev;
    uv_close((uv_handle_t *)&l->tcp, link_free);
}

/* The loop ends once all handles are closed, those of the WebSocket too. */
static void end(struct tunnel *t, const struct err *why) {
    if (t->ended)
        return;
    t->ended = true;
    if (why)
        t->why = arena_str(&t->c->arena, str_from(why->msg));
    for (size_t i = 0; i < t->n_listeners; i++)
        close_handle((uv_handle_t *)&t->listeners[i].tcp, NULL);
    close_handle((uv_handle_t *)&t->interrupt, NULL);
    close_handle((uv_handle_t *)&t->term, NULL);
    for (struct link *l = t->links, *next; l; l = next) {
        next = l->next;
        if (!t->session)
            l->data = l->error = NULL; /* are gone already */
        link_close(l);
    }
    if (t->ws)
        wsclient_close(t->ws);
    else
        loop_quit(t->loop);
}

/* Both ways are done. */
static void link_check(struct link *l) {
    if (l->write_ended && l->read_ended && !l->n && l->tcp.write_queue_size == 0)
        link_close(l);
}

/* -- from here to the pod -- */

static void on_room(uv_handle_t *h, size_t hint, uv_buf_t *ret) {
    struct link *l = h->data;
    (void)hint;
    *ret = uv_buf_init(l->bytes, sizeof l->bytes);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *room);

static void read_on(struct link *l) {
    if (!l->reading && !l->read_ended && !l->closing)
        l->reading = uv_read_start((uv_stream_t *)&l->tcp, on_room, on_read) == 0;
}

/* Hands over what was read; reads on once all of it is taken. */
static void pass(struct link *l) {
    while (l->n && l->data) {
        int n = channel_write(
            l->data, str_make(l->bytes + l->at, l->n < CHANNEL_WRITE_MAX ? l->n : CHANNEL_WRITE_MAX));
        if (n < 0)
            break;
        l->at += (size_t)n;
        l->n -= (size_t)n;
        if (n == 0)
            return;
    }
    l->n = 0;
    if (l->read_ended && l->data)
        channel_end(l->data);
    else
        read_on(l);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *room) {
    struct link *l = s->data;
    (void)room;
    if (n == 0)
        return;
    (void)uv_read_stop(s);
    l->reading = false;
    l->read_ended = n < 0;
    l->at = 0;
    l->n = n < 0 ? 0 : (size_t)n;
    pass(l);
    link_check(l);
}

/* -- from the pod to here -- */

struct writing {
    uv_write_t request;
    struct link *link;
    char bytes[];
};

static void on_written(uv_write_t *request, int status) {
    struct writing *w = (struct writing *)request;
    struct link *l = w->link;
    free(w);
    if (l->closing)
        return;
    if (status < 0) {
        link_close(l);
        return;
    }
    if (l->data && l->tcp.write_queue_size < PENDING_MAX / 2)
        channel_pause(l->data, false);
    link_check(l);
}

static void on_shut(uv_shutdown_t *request, int status) {
    (void)status;
    free(request);
}

static void write_here(struct link *l, struct str bytes) {
    struct writing *w = malloc(sizeof *w + bytes.n);
    if (!w)
        panic("out of memory");
    w->link = l;
    memcpy(w->bytes, bytes.p, bytes.n);
    uv_buf_t b = uv_buf_init(w->bytes, (unsigned)bytes.n);
    if (uv_write(&w->request, (uv_stream_t *)&l->tcp, &b, 1, on_written) < 0) {
        free(w);
        link_close(l);
    } else if (l->data && l->tcp.write_queue_size > PENDING_MAX) {
        channel_pause(l->data, true);
    }
}

static void say_complaint(struct link *l) {
    if (!l->complaint.n)
        return;
    (void)fprintf(l->tunnel->c->err, "error: an error occurred forwarding %u -> %u: %.*s\n", l->local,
                  l->remote, STR_ARG(str_trim(buf_view(&l->complaint))));
    buf_clear(&l->complaint);
    link_close(l);
}

static void on_data(void *user, struct channel *ch, struct str bytes) {
    struct link *l = channel_user(ch);
    (void)user;
    if (!l || l->closing)
        return;
    if (ch == l->error)
        buf_str(&l->complaint, bytes);
    else if (bytes.n)
        write_here(l, bytes);
}

static void on_end(void *user, struct channel *ch) {
    struct link *l = channel_user(ch);
    (void)user;
    if (!l || l->closing)
        return;
    if (ch == l->error) {
        l->error = NULL;
        say_complaint(l);
        return;
    }
    l->write_ended = true;
    uv_shutdown_t *shut = malloc(sizeof *shut);
    if (!shut)
        panic("out of memory");
    if (uv_shutdown(shut, (uv_stream_t *)&l->tcp, on_shut) < 0)
        free(shut);
    link_check(l);
}

static void on_reset(void *user, struct channel *ch) {
    struct link *l = channel_user(ch);
    (void)user;
    if (!l)
        return;
    if (ch == l->error)
        l->error = NULL;
    else
        l->data = NULL;
    link_close(l);
}

static void on_writable(void *user, struct channel *ch) {
    struct link *l = channel_user(ch);
    (void)user;
    if (l && !l->closing && ch == l->data)
        pass(l);
}

static bool on_open(void *user, struct channel *ch) {
    (void)user;
    (void)ch;
    return false;
}

static void on_channels_close(void *user, const struct err *why) {
    struct tunnel *t = user;
    t->channels = t->session = NULL;
    end(t, why);
}

static const struct channels_ops channel_ops = {on_open,  on_data,     on_end,
                                                on_reset, on_writable, on_channels_close};

/* -- connections -- */

static struct channel *open_stream(struct link *l, const char *type) {
    char port[16], id[16];
    (void)snprintf(port, sizeof port, "%u", l->remote);
    (void)snprintf(id, sizeof id, "%u", l->tunnel->requests);
    const struct http_header headers[] = {
        {S("streamtype"), str_from(type)}, {S("port"), str_from(port)}, {S("requestid"), str_from(id)}};
    struct channel *ch = l->tunnel->channels ? spdy_open(l->tunnel->channels, headers, 3) : NULL;
    if (ch)
        channel_set_user(ch, l);
    return ch;
}

static void on_connection(uv_stream_t *s, int status) {
    struct listener *from = s->data;
    struct tunnel *t = from->tunnel;
    if (status < 0)
        return;
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        panic("out of memory");
    l->tunnel = t;
    l->next = t->links;
    if (t->links)
        t->links->prev = l;
    t->links = l;
    l->local = from->forward->local;
    l->remote = from->forward->remote;
    (void)uv_tcp_init(loop_uv(t->loop), &l->tcp);
    l->tcp.data = l;
    if (uv_accept(s, (uv_stream_t *)&l->tcp) < 0) {
        link_close(l);
        return;
    }
    ctl_say(t->c, "Handling connection for %u\n", l->local);
    (void)fflush(t->c->out);
    l->error = open_stream(l, "error");
    if (l->error)
        channel_end(l->error); /* we only listen to it */
    l->data = open_stream(l, "data");
    t->requests++;
    if (!l->error || !l->data)
        link_close(l);
    else
        read_on(l);
}

static int listen_on(struct tunnel *t, struct listener *l, struct problem *p) {
    struct sockaddr_storage a;
    int n = sizeof a;
    const char *address = arena_strz(&t->c->arena, l->forward->address);
    bool v6 = str_find_byte(l->forward->address, ':') >= 0;
    int e = v6 ? uv_ip6_addr(address, l->forward->local, (struct sockaddr_in6 *)&a)
               : uv_ip4_addr(address, l->forward->local, (struct sockaddr_in *)&a);
    (void)uv_tcp_init(loop_uv(t->loop), &l->tcp);
    l->tcp.data = l;
    if (e == 0)
        e = uv_tcp_bind(&l->tcp, (struct sockaddr *)&a, 0);
    if (e == 0)
        e = uv_listen((uv_stream_t *)&l->tcp, 128, on_connection);
    if (e == 0)
        e = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&a, &n);
    if (e < 0)
        return problem_set(t->c, p, "unable to listen on port %u: %s", l->forward->local, uv_strerror(e));
    l->forward->local =
        ntohs(v6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
    ctl_say(t->c, "Forwarding from %s%s%s:%u -> %u\n", v6 ? "[" : "", address, v6 ? "]" : "",
            l->forward->local, l->forward->remote);
    return 0;
}

/* CONFORMS: an address that this machine does not have is no error as long as another one is there. */
static int listen_on_all(struct tunnel *t, struct forward *v, size_t n, struct problem *p) {
    size_t good = 0;
    t->listeners = arena_new_n(&t->c->arena, n + 1, struct listener);
    t->n_listeners = n;
    for (size_t i = 0; i < n; i++) {
        t->listeners[i].tunnel = t;
        t->listeners[i].forward = &v[i];
        if (i && v[i].local == 0 && v[i].remote == v[i - 1].remote) /* the same port of the next address */
            v[i].local = v[i - 1].local;
        good += listen_on(t, &t->listeners[i], p) == 0;
    }
    (void)fflush(t->c->out);
    return good ? 0 : CTL_PROBLEM;
}

/* -- the transport: messages of the WebSocket -- */

static int t_write(void *user, const struct http_chunk *chunks, size_t n) {
    struct tunnel *t = user;
    struct str *parts = arena_new_n(&t->c->arena, n, struct str);
    for (size_t i = 0; i < n; i++)
        parts[i] = chunks[i].bytes;
    int code = t->ws ? wsclient_send(t->ws, false, parts, n) : ERR_CLOSED;
    if (code)
        return code;
    for (size_t i = 0; i < n; i++)
        if (chunks[i].release)
            chunks[i].release(chunks[i].arg);
    return 0;
}

static size_t t_queued(void *user) {
    (void)user; /* wsclient_send says when it is too much */
    return 0;
}

static void t_pause(void *user, bool pause) {
    struct tunnel *t = user;
    if (t->ws)
        wsclient_pause(t->ws, pause);
}

static void t_close(void *user) {
    struct tunnel *t = user;
    if (t->ws)
        wsclient_close(t->ws);
}

static const struct transport_ops transport_ops = {t_write, t_queued, t_pause, t_close, t_close};

static void ws_message(void *user, bool text, struct str bytes) {
    struct tunnel *t = user;
    (void)text;
    if (t->session && bytes.n)
        spdy_raw_ops.on_data(t->session, bytes);
}

static void ws_writable(void *user) {
    struct tunnel *t = user;
    if (t->session)
        spdy_raw_ops.on_writable(t->session);
}

static void ws_close(void *user, const struct err *why) {
    struct tunnel *t = user;
    t->ws = NULL;
    if (t->session)
        spdy_raw_ops.on_close(t->session, why);
    if (t->ended)
        loop_quit(t->loop);
    else
        end(t, why);
}

static const struct wsclient_ops ws_ops = {ws_message, ws_writable, ws_close};

/* -- running -- */

static void on_signal(uv_signal_t *h, int signal) {
    (void)signal;
    end(h->data, NULL);
}

static void catch (struct tunnel *t, uv_signal_t *h, int signal) {
    (void)uv_signal_init(loop_uv(t->loop), h);
    h->data = t;
    (void)uv_signal_start(h, on_signal, signal);
}

static int open_all(struct tunnel *t, struct str path, struct forward *v, size_t n, struct problem *p) {
    static const struct str protocols[] = {STR_INIT("SPDY/3.1+portforward.k8s.io")};
    struct err err = ERR_INIT;
    struct wsclient_options o = {
        .client = t->c->client, .loop = t->loop, .path = path, .protocols = protocols};
    o.n_protocols = 1;
    o.ops = &ws_ops;
    o.user = t;
    if (wsclient_open(&o, &t->ws, &err) < 0)
        return problem_set(t->c, p, "%s", err.msg);
    t->channels = t->session =
        spdy_client_new(&channel_ops, t, (struct transport){&transport_ops, t}, S("portforward.k8s.io"));
    return listen_on_all(t, v, n, p);
}

int tunnel_run(struct ctl *c, struct str path, struct forward *v, size_t n, struct problem *p) {
    struct tunnel t = {.c = c};
    struct err err = ERR_INIT;
    if (loop_new(&(struct loop_options){.name = "forward"}, &t.loop, &err) < 0)
        return problem_of_err(c, p, &err);
    int rc = open_all(&t, path, v, n, p);
    if (rc == 0) {
        catch (&t, &t.interrupt, SIGINT);
        catch (&t, &t.term, SIGTERM);
        loop_run(t.loop);
        loop_free(t.loop);
        if (t.why.n)
            rc = problem_set(c, p, "lost connection to pod");
    }
    return rc; /* where it failed the program ends now, and with it what is still open */
}
