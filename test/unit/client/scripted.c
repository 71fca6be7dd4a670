/* See scripted.h. */
#include "scripted.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/timefmt.h"
#include "client/remote.h"
#include "unit/unit.h"

static void handle(void *arg, struct http_request *r) {
    struct scripted *s = arg;
    const struct http_in *in = http_in(r);
    mutex_lock(&s->lock);
    unsigned n = s->n++;
    buf_printf(&s->log, "%.*s %.*s%s%.*s\n", STR_ARG(in->method_text), STR_ARG(in->path),
               in->query.n ? "?" : "", STR_ARG(in->query));
    mutex_unlock(&s->lock);
    s->answer(s, r, n);
}

static void drain(void *arg, struct loop *l) {
    struct scripted *s = arg;
    (void)l;
    if (s->held)
        http_stream_end(s->held);
    s->held = NULL;
}

void scripted_start(struct scripted *s, scripted_fn answer, void *arg) {
    *s = (struct scripted){.answer = answer, .arg = arg};
    mutex_init(&s->lock);
    struct err err = ERR_INIT;
    struct http_server_options o = {
        .address = S("127.0.0.1"), .loops = 1, .handler = handle, .arg = s, .on_drain = drain};
    assert_ok(http_server_start(&o, &s->server, &err), &err);
}

void scripted_stop(struct scripted *s) {
    http_server_stop(s->server, 100);
    buf_fini(&s->log);
    buf_fini(&s->shown);
    mutex_fini(&s->lock);
}

const char *scripted_log(struct scripted *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    buf_clear(&s->shown);
    buf_str(&s->shown, buf_view(&s->log));
    return buf_cstr(&s->shown);
}

void scripted_await(struct scripted *s, unsigned n) {
    for (int i = 0; i < 20000; i++) {
        mutex_lock(&s->lock);
        bool there = s->n >= n;
        mutex_unlock(&s->lock);
        if (there)
            return;
        clock_sleep_ns(clock_system(), NS_PER_MS);
    }
    fail_msg("not %u requests but\n%s", n, scripted_log(s));
}

void reply_json(struct http_request *r, int code, const char *text) {
    http_respond_text(r, code, S("application/json"), str_from(text));
}

void reply_status(struct http_request *r, int code, const char *reason) {
    char text[256];
    (void)snprintf(
        text, sizeof text,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"because of %s\","
        "\"reason\":\"%s\",\"code\":%d}",
        reason, reason, code);
    reply_json(r, code, text);
}

static void on_gone(void *user) {
    ((struct scripted *)user)->held = NULL;
}

void reply_events(struct scripted *s, struct http_request *r, const char *events, bool hold) {
    const struct http_header type = {S("content-type"), S("application/json")};
    http_set_user(r, s, on_gone);
    s->held = hold ? r : NULL;
    http_stream_begin(r, 200, &type, 1, NULL);
    if (*events)
        (void)http_stream_write(r, &(struct http_chunk){.bytes = str_from(events)}, 1);
    if (!hold)
        http_stream_end(r);
}

struct client *scripted_client(const struct scripted *s, bool with_dead, const char *token_path) {
    struct client_config c = CLIENT_CONFIG_INIT;
    struct err err = ERR_INIT;
    struct client *client;
    c.servers.v = arena_new_n(&c.arena, 2, struct str);
    if (with_dead)
        c.servers.v[c.servers.n++] = S("http://127.0.0.1:1");
    c.servers.v[c.servers.n++] =
        arena_printf(&c.arena, "http://127.0.0.1:%u", (unsigned)http_server_port(s->server));
    if (token_path)
        c.token_path = arena_str(&c.arena, str_from(token_path));
    assert_ok(client_remote_new(&c, S("tester"), &client, &err), &err);
    return client;
}
