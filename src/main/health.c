/* Health and metrics over HTTP. See health.h. */
#include "main/health.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/metrics.h"
#include "net/http.h"

#define DRAIN_MS 1000u

struct health {
    struct http_server *http;
    struct metrics *metrics;
};

static void on_request(void *arg, struct http_request *r) {
    struct health *h = arg;
    struct str path = http_in(r)->path;
    if (str_eq(path, S("/healthz")) || str_eq(path, S("/livez")) || str_eq(path, S("/readyz"))) {
        http_respond_text(r, 200, S("text/plain; charset=utf-8"), S("ok"));
    } else if (str_eq(path, S("/metrics"))) {
        _cleanup_buf struct buf text = BUF_INIT;
        metrics_write(h->metrics, &text);
        http_respond_text(r, 200, S("text/plain; version=0.0.4; charset=utf-8"), buf_view(&text));
    } else {
        http_respond_text(r, 404, S("text/plain; charset=utf-8"), S("404 page not found\n"));
    }
}

int health_start(const char *address, int64_t port, struct metrics *m, struct health **ret, struct err *err) {
    *ret = NULL;
    if (port < 0 || port > 65535)
        return err_set(err, ERR_INVALID, "the port of health and metrics is a number up to 65535");
    if (port == 0)
        return 0;
    struct health *h = calloc(1, sizeof *h);
    if (!h)
        panic("out of memory");
    h->metrics = m;
    struct http_server_options o = {.address = str_from(address),
                                    .port = (uint16_t)port,
                                    .loops = 1,
                                    .connections_max = 64,
                                    .handler = on_request,
                                    .arg = h};
    int r = http_server_start(&o, &h->http, err);
    if (r < 0)
        free(h);
    else
        *ret = h;
    return r;
}

void health_stop(struct health *h) {
    if (!h)
        return;
    http_server_stop(h->http, DRAIN_MS);
    free(h);
}
