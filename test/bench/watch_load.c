/* Watchers of one resource, and how long after a create they hear of it. For bench_api.py.
 *
 *   watch_load KUBECONFIG WATCHERS CREATES-PER-SECOND SECONDS
 *
 * Creates ConfigMaps in the namespace default at an even pace; prints "p50-ms p99-ms max-ms heard wanted".
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/vec.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/raw.h"
#include "client/remote.h"

#define MAPS "/api/v1/namespaces/default/configmaps"
#define MARK "\"name\":\"watched-"

struct watching {
    struct load *load;
    struct raw_stream *stream;
    struct buf line; /* what came after the last newline */
};

/* The transport's thread adds samples; sent_ns is written before the create is on its way. */
struct load {
    struct client *client;
    atomic_llong *sent_ns;
    unsigned creates;
    VEC(double) samples; /* ms */
    atomic_uint open, heard;
};

static void must(int rc, const struct err *err) {
    if (rc)
        panic("%s", err->msg);
}

static int64_t now_ns(void) {
    return clock_mono_ns(clock_system());
}

static void hear(struct load *l, struct str line, int64_t at) {
    const char *p = memmem(line.p, line.n, MARK, sizeof MARK - 1);
    if (!p)
        return;
    unsigned long i = strtoul(p + sizeof MARK - 1, NULL, 10);
    if (i >= l->creates)
        return;
    vec_push(&l->samples, (double)(at - atomic_load(&l->sent_ns[i])) / 1e6);
    atomic_fetch_add(&l->heard, 1);
}

static int on_data(void *arg, struct str bytes) {
    struct watching *w = arg;
    int64_t at = now_ns();
    struct str line, rest = bytes;
    while (str_find_byte(rest, '\n') >= 0) {
        size_t n = (size_t)str_find_byte(rest, '\n');
        line = str_make(rest.p, n);
        rest = str_from_byte(rest, n + 1);
        if (w->line.n) {
            buf_str(&w->line, line);
            line = buf_view(&w->line);
        }
        hear(w->load, line, at);
        buf_clear(&w->line);
    }
    buf_str(&w->line, rest);
    return 0;
}

static void on_head(void *arg, int http_code, struct str content_type) {
    struct watching *w = arg;
    (void)content_type;
    if (http_code != 200)
        panic("a watch was answered with %d", http_code);
    atomic_fetch_add(&w->load->open, 1);
}

static void on_done(void *arg, int code, const struct err *err) {
    (void)arg;
    (void)code;
    (void)err;
}

static struct str newest(struct load *l, struct arena *a) {
    struct raw_answer ret;
    struct err err = ERR_INIT;
    must(
        client_raw(l->client, &(struct raw_call){.method = "GET", .path = S(MAPS "?limit=1")}, a, &ret, &err),
        &err);
    const char *p = memmem(ret.body.p, ret.body.n, "\"resourceVersion\":\"", 19);
    if (!p)
        panic("no list: %.*s", STR_ARG(ret.body));
    return arena_printf(a, MAPS "?watch=1&resourceVersion=%llu&timeoutSeconds=3600",
                        strtoull(p + 19, NULL, 10));
}

static void watch(struct watching *w, struct str path) {
    struct err err = ERR_INIT;
    struct raw_sink sink = {.on_head = on_head, .on_data = on_data, .on_done = on_done, .arg = w};
    struct raw_call call = {.method = "GET", .path = path, .timeout_ms = RAW_FOREVER};
    must(client_raw_start(w->load->client, &call, &sink, &w->stream, &err), &err);
}

/* Until it counts to n, but not for ever: who compares afterwards sees what is missing. */
static void await_count(atomic_uint *count, unsigned n) {
    for (int i = 0; i < 1000 && atomic_load(count) < n; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
}

static void create(struct load *l, unsigned i) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct raw_answer ret;
    static const struct str headers[] = {STR_INIT("Content-Type: application/json")};
    struct raw_call call = {.method = "POST", .path = S(MAPS), .headers = headers, .n_headers = 1};
    call.body =
        arena_printf(&a, "{\"metadata\":{\"name\":\"watched-%u\"},\"data\":{\"a\":\"%0200u\"}}", i, i);
    atomic_store(&l->sent_ns[i], now_ns());
    must(client_raw(l->client, &call, &a, &ret, &err), &err);
    if (ret.http_code != 201)
        panic("a create was answered with %d: %.*s", ret.http_code, STR_ARG(ret.body));
}

static void create_all(struct load *l, unsigned per_second) {
    int64_t first = now_ns();
    for (unsigned i = 0; i < l->creates; i++) {
        int64_t due = first + (int64_t)i * 1000000000 / per_second, left = due - now_ns();
        if (left > 0)
            nanosleep(&(struct timespec){left / 1000000000, left % 1000000000}, NULL);
        create(l, i);
    }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static unsigned number(const char *text) {
    uint64_t n;
    if (!str_to_u64(str_from(text), &n) || n == 0 || n > 100000)
        panic("%s is no number up to 100000", text);
    return (unsigned)n;
}

int main(int argc, char **argv) {
    if (argc != 5)
        panic("watch_load KUBECONFIG WATCHERS CREATES-PER-SECOND SECONDS");
    unsigned watchers = number(argv[2]), rate = number(argv[3]);
    struct load l = {.creates = rate * number(argv[4])};
    struct client_config config = CLIENT_CONFIG_INIT;
    struct err err = ERR_INIT;
    must(client_config_load(argv[1], NULL, &config, &err), &err);
    must(client_remote_new(&config, S("watch-load"), &l.client, &err), &err);
    _cleanup_arena struct arena a = ARENA_INIT;
    l.sent_ns = arena_new_n(&a, l.creates, atomic_llong);
    struct watching *w = arena_new_n(&a, watchers, struct watching);
    struct str path = newest(&l, &a);
    for (unsigned i = 0; i < watchers; i++) {
        w[i].load = &l;
        watch(&w[i], path);
    }
    await_count(&l.open, watchers);
    create_all(&l, rate);
    unsigned wanted = watchers * l.creates;
    await_count(&l.heard, wanted);
    for (unsigned i = 0; i < watchers; i++) {
        raw_stream_free(w[i].stream);
        buf_fini(&w[i].line);
    }
    client_free(l.client);
    qsort(l.samples.v, l.samples.n, sizeof *l.samples.v, compare);
    size_t n = l.samples.n;
    if (n == 0)
        panic("nothing was heard");
    printf("%.2f %.2f %.2f %zu %u\n", l.samples.v[n / 2], l.samples.v[n * 99 / 100], l.samples.v[n - 1], n,
           wanted);
    vec_fini(&l.samples);
    return 0;
}
