/* Files behind addresses. See url.h. */
#include "ctl/url.h"

#include "base/err.h"
#include "base/loop.h"
#include "base/workers.h"
#include "client/fetch.h"

bool url_is(struct str s) {
    return str_has_prefix(s, S("http://")) || str_has_prefix(s, S("https://"));
}

struct download {
    struct loop_msg msg;
    struct fetcher *fetcher;
    struct fetch_tls *tls;
    struct str url;
    struct buf *to;
    int code, http_code;
    struct err err;
    struct waiter done;
};

static int on_data(void *arg, struct str bytes) {
    struct download *d = arg;
    buf_str(d->to, bytes);
    return d->to->overflow;
}

static void on_done(void *arg, struct fetch *f, int code, const struct err *err) {
    struct download *d = arg;
    d->code = code;
    d->http_code = fetch_http_code(f);
    if (code && err)
        d->err = *err;
    waiter_signal(&d->done);
}

static void on_start(struct loop_msg *msg) {
    struct download *d = (struct download *)msg;
    struct fetch_request r = {
        .method = "GET",
        .url = d->url,
        .tls = d->tls,
        .on_data = on_data,
        .on_done = on_done,
        .arg = d,
        .compressed = true,
        .timeout_ms = 60000,
    };
    fetch_start(d->fetcher, &r, NULL);
}

static void on_quit(struct loop *l, void *arg) {
    (void)l;
    fetcher_free(((struct download *)arg)->fetcher);
}

static int run(struct download *d, struct err *err) {
    struct loop *loop;
    int rc =
        loop_start(&(struct loop_options){.name = "url", .on_quit = on_quit, .on_quit_arg = d}, &loop, err);
    if (rc)
        return rc;
    d->fetcher = fetcher_new(loop);
    d->msg.run = on_start;
    rc = loop_post(loop, &d->msg);
    if (rc == 0)
        waiter_wait(&d->done);
    loop_stop(loop);
    return rc;
}

int url_read(struct ctl *c, struct str url, size_t limit, struct buf *ret, struct problem *p) {
    struct download d = {.url = url, .to = ret};
    struct err err = ERR_INIT;
    ret->limit = limit;
    d.tls = fetch_tls_new(STR_NONE, STR_NONE, STR_NONE, STR_NONE, false);
    waiter_init(&d.done, NULL);
    int rc = run(&d, &err);
    waiter_fini(&d.done);
    fetch_tls_unref(d.tls);
    if (rc)
        return problem_of_err(c, p, &err);
    if (d.code)
        return problem_set(c, p, "unable to read URL \"%.*s\": %s", STR_ARG(url), d.err.msg);
    if (d.http_code != 200)
        return problem_set(c, p, "unable to read URL \"%.*s\", server reported %d, status code=%d",
                           STR_ARG(url), d.http_code, d.http_code);
    return 0;
}
