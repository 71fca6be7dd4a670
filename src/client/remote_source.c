/* Informer sources of the remote transport: list in pages, watch, resume. See remote_priv.h.
 *
 *     listing ──complete──▶ watching ──ended or broken off──▶ watching again from the last revision
 *        ▲  │ refused: later    │ 410, or what was sent cannot be read
 *        └──┴───────────────────┘
 *
 * All of it on the transport's loop. free() may come from any thread: it cuts the way to the informer under
 * the lock, and the rest goes on the loop. What is buffered is bounded: one page, one event.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/proto.h"
#include "api/types/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/timefmt.h"
#include "client/remote_priv.h"

#define PAGE 500
#define LIST_TIMEOUT_MS 60000u
#define WATCH_SECONDS 300 /* and up to as much more */
#define BACKOFF_FIRST_NS (800 * NS_PER_MS)
#define BACKOFF_MOST_NS (30 * NS_PER_SEC)

struct source {
    struct informer_source source;
    struct remote_client *client; /* counted */
    struct remote *remote;
    struct arena arena;
    struct informer_options options;
    struct mirror *mirror;
    struct mutex lock; /* between the mirror's news and free */
    struct loop_msg begin, end;

    struct fetch *fetch;
    struct timer retry;
    unsigned failures, tries;
    bool proto, watching, relist;
    int http_code;
    struct buf data; /* an answer, or the beginning of an event */
    VEC(struct mirror_item) items;
    struct buf token; /* of the next page */
    uint64_t revision, list_revision;
    int64_t started_ns;
};

static void go_on(struct source *s);

static void drop_items(struct source *s) {
    vec_foreach (i, &s->items)
        object_unref(i->object);
    s->items.n = 0;
    buf_clear(&s->token);
}

/* -- trying again -- */

static void later(struct source *s, int64_t at_least_ns) {
    int64_t ns = BACKOFF_FIRST_NS;
    for (unsigned i = 0; i < s->failures && ns < BACKOFF_MOST_NS; i++)
        ns *= 2;
    s->failures++;
    ns = rand_jitter(s->remote->rand, ns < BACKOFF_MOST_NS ? ns : BACKOFF_MOST_NS, 1.0);
    loop_timer_start(s->remote->loop, &s->retry, ns > at_least_ns ? ns : at_least_ns);
}

static void complain(struct source *s, const char *what, const struct err *err) {
    if (s->failures == 1 || log_every(60000))
        log_warn(what, kv("resource", s->options.kind->plural), kv("err", err));
    else
        log_v(2, what, kv("resource", s->options.kind->plural), kv("err", err));
}

static void start_over(struct source *s) {
    s->relist = true;
    drop_items(s);
}

static void on_retry(struct timer *t) {
    go_on((struct source *)((char *)t - offsetof(struct source, retry)));
}

/* What an answer with an error code means for us. */
static void refused(struct source *s, struct fetch *f) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    const struct meta_status *st = remote_read_status(&a, s->proto, buf_view(&s->data));
    int code = client_error(s->http_code, st, &err);
    int64_t seconds = 0;
    if (!str_to_i64(fetch_header(f, "retry-after", &a), &seconds) || seconds < 0 || seconds > 600)
        seconds = 0;
    if (code == ERR_EXPIRED) {
        start_over(s);
        if (s->failures == 0) { /* at once; when that does not help, later */
            s->failures++;
            go_on(s);
            return;
        }
    }
    if (code == ERR_UNAUTHORIZED)
        remote_auth_refresh(s->remote);
    later(s, seconds * NS_PER_SEC);
    complain(s, s->watching ? "watch was refused" : "list was refused", &err);
}

static void broken(struct source *s, const char *what, const struct err *err) {
    later(s, 0);
    complain(s, what, err);
}

/* -- one request -- */

static int on_data_of_error(struct source *s, struct str bytes) {
    if (s->data.n + bytes.n <= REMOTE_STATUS_MAX)
        buf_str(&s->data, bytes);
    return 0;
}

static void on_head(void *arg, struct fetch *f) {
    struct source *s = arg;
    _cleanup_arena struct arena a = ARENA_INIT;
    s->http_code = fetch_http_code(f);
    s->proto = remote_is_proto(fetch_header(f, "content-type", &a));
}

static void request(struct source *s, struct str path, unsigned timeout_ms,
                    int (*on_data)(void *, struct str),
                    void (*on_done)(void *, struct fetch *, int, const struct err *)) {
    const struct str proto = S("Accept: " REMOTE_PROTO "," REMOTE_JSON), json = S("Accept: " REMOTE_JSON);
    struct remote_request q = {
        .method = "GET",
        .path = path,
        .headers = remote_speaks_proto(s->options.kind) ? &proto : &json,
        .n_headers = 1,
        .timeout_ms = timeout_ms,
        .compressed = !s->watching,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = on_done,
        .arg = s,
    };
    s->http_code = 0;
    buf_clear(&s->data);
    s->started_ns = clock_mono_ns(s->remote->clock);
    remote_fetch(s->client, &q, &s->fetch);
}

static void path_of(const struct source *s, struct buf *out, bool *first) {
    const struct informer_options *o = &s->options;
    *first = true;
    remote_path(out, o->kind, o->ns, S(""), S(""));
    remote_query(out, first, "labelSelector", o->label_selector);
    remote_query(out, first, "fieldSelector", o->field_selector);
}

/* -- listing -- */

static int on_item(void *arg, const struct mirror_item *item) {
    struct source *s = arg;
    vec_push(&s->items, *item);
    return 0;
}

static int read_page(struct source *s, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct remote_list_meta meta;
    int rc =
        remote_read_list(&a, s->options.kind, s->proto, true, buf_view(&s->data), &meta, on_item, s, err);
    if (rc == 0)
        rc = rv_parse(meta.resource_version, &s->list_revision, err);
    if (rc)
        return rc;
    buf_clear(&s->token);
    buf_str(&s->token, meta.continue_token);
    return 0;
}

static void list_complete(struct source *s) {
    s->revision = s->list_revision;
    s->relist = false;
    s->failures = s->tries = 0;
    mutex_lock(&s->lock);
    mirror_replace(s->mirror, s->items.v, s->items.n, s->revision);
    mutex_unlock(&s->lock);
    vec_fini(&s->items);
    buf_fini(&s->token);
    buf_fini(&s->data);
}

static int on_list_data(void *arg, struct str bytes) {
    struct source *s = arg;
    if (s->http_code >= 400)
        return on_data_of_error(s, bytes);
    if (s->data.n + bytes.n > REMOTE_ANSWER_MAX)
        return 1;
    buf_str(&s->data, bytes);
    return 0;
}

static void on_listed(void *arg, struct fetch *f, int code, const struct err *err) {
    struct source *s = arg;
    struct err mine = ERR_INIT;
    s->fetch = NULL;
    if (s->remote->closing)
        return;
    if (code && remote_fail_over(s->remote, f, &s->tries)) {
        go_on(s);
    } else if (code) {
        broken(s, "list failed", err);
    } else if (s->http_code >= 400) {
        refused(s, f);
    } else if (read_page(s, &mine)) {
        drop_items(s);
        broken(s, "list cannot be read", &mine);
    } else {
        if (!s->token.n)
            list_complete(s);
        go_on(s);
    }
}

static void list(struct source *s) {
    _cleanup_buf struct buf path = BUF_INIT;
    bool first;
    s->watching = false;
    path_of(s, &path, &first);
    char limit[16];
    (void)snprintf(limit, sizeof limit, "%d", PAGE);
    remote_query(&path, &first, "limit", str_from(limit));
    remote_query(&path, &first, "continue", buf_view(&s->token));
    request(s, buf_view(&path), LIST_TIMEOUT_MS, on_list_data, on_listed);
}

/* -- watching -- */

/* A bookmark: only its revision counts. */
static int on_bookmark(struct source *s, struct str bytes, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct kind *k = s->options.kind;
    struct proto_envelope e;
    void *body;
    int rc;
    if (s->proto) {
        rc = proto_envelope_read(bytes, &e, err);
        rc = rc ? rc : api_read_proto(&a, k->set, k->type, e.raw, true, &body, err);
    } else {
        rc = api_read_json(&a, k->set, k->type, bytes, NULL, &body, err);
    }
    uint64_t revision;
    if (rc == 0)
        rc = rv_parse(object_meta_in(k, body)->resource_version, &revision, err);
    if (rc)
        return rc;
    s->revision = revision > s->revision ? revision : s->revision;
    mirror_reached(s->mirror, s->revision);
    return 0;
}

static int on_object(struct source *s, bool deleted, struct str bytes, struct err *err) {
    struct mirror_item item;
    int rc = remote_read_object(s->options.kind, s->proto, true, bytes, &item, err);
    if (rc)
        return rc;
    if (item.object->rv > s->revision)
        s->revision = item.object->rv;
    mutex_lock(&s->lock);
    if (deleted)
        mirror_remove(s->mirror, item.object);
    else
        mirror_put(s->mirror, &item);
    mutex_unlock(&s->lock);
    return 0;
}

static int on_error_event(struct source *s, struct str bytes, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct meta_status *st = remote_read_status(&a, s->proto, bytes);
    int code = client_error(st ? st->code : 500, st, err);
    if (code == ERR_EXPIRED)
        start_over(s);
    return code ? code : err_set(err, ERR_INVALID, "the watch ended with an error");
}

static int on_frame(struct source *s, struct str frame, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct remote_event e;
    int rc = remote_read_event(&a, s->proto, frame, &e, err);
    if (rc)
        return rc;
    s->failures = 0;
    if (str_eq(e.type, S("ADDED")) || str_eq(e.type, S("MODIFIED")))
        return on_object(s, false, e.object, err);
    if (str_eq(e.type, S("DELETED")))
        return on_object(s, true, e.object, err);
    if (str_eq(e.type, S("BOOKMARK")))
        return on_bookmark(s, e.object, err);
    if (str_eq(e.type, S("ERROR")))
        return on_error_event(s, e.object, err);
    return err_set(err, ERR_INVALID, "a watch event of type %.*s", STR_ARG(e.type));
}

/* The next whole frame at the beginning of the bytes; false: not there yet. */
static bool take_frame(struct source *s, struct str *rest, struct str *ret_frame, struct err *err,
                       int *ret_code) {
    size_t head = 0, n;
    *ret_code = 0;
    if (s->proto) {
        if (rest->n < 4)
            return false;
        const unsigned char *p = (const unsigned char *)rest->p;
        head = 4;
        n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    } else {
        ptrdiff_t end = str_find_byte(*rest, '\n');
        n = end < 0 ? SIZE_MAX : (size_t)end;
        if (end < 0 && rest->n <= REMOTE_FRAME_MAX)
            return false;
    }
    if (n > REMOTE_FRAME_MAX) {
        *ret_code = err_set(err, ERR_TOO_LARGE, "a watch event of more than %zu bytes", REMOTE_FRAME_MAX);
        return false;
    }
    if (rest->n < head + n)
        return false;
    *ret_frame = str_make(rest->p + head, n);
    *rest = str_from_byte(*rest, head + n + (s->proto ? 0 : 1));
    return true;
}

static int read_frames(struct source *s, struct str *rest, struct err *err) {
    struct str frame;
    int code;
    while (take_frame(s, rest, &frame, err, &code)) {
        code = str_trim(frame).n ? on_frame(s, frame, err) : 0;
        if (code)
            return code;
    }
    return code;
}

/* Events that are there as a whole are read from where they are; only what is left is kept. */
static int on_watch_data(void *arg, struct str bytes) {
    struct source *s = arg;
    struct err err = ERR_INIT;
    if (s->http_code >= 400)
        return on_data_of_error(s, bytes);
    bool kept = s->data.n > 0;
    if (kept)
        buf_str(&s->data, bytes);
    struct str rest = kept ? buf_view(&s->data) : bytes;
    int code = read_frames(s, &rest, &err);
    if (code) {
        complain(s, "watch ended", &err);
        if (code != ERR_EXPIRED)
            s->relist = s->relist || code == ERR_INVALID || code == ERR_TOO_LARGE;
        return 1;
    }
    if (kept)
        buf_remove(&s->data, 0, s->data.n - rest.n);
    else
        buf_str(&s->data, rest);
    if (s->data.n == 0)
        buf_fini(&s->data);
    return 0;
}

static void on_watched(void *arg, struct fetch *f, int code, const struct err *err) {
    struct source *s = arg;
    s->fetch = NULL;
    if (s->remote->closing)
        return;
    bool lasted = clock_mono_ns(s->remote->clock) - s->started_ns > NS_PER_SEC;
    if (code && remote_fail_over(s->remote, f, &s->tries))
        go_on(s);
    else if (s->http_code >= 400)
        refused(s, f);
    else if (s->relist || (s->http_code == 200 && lasted && s->failures == 0))
        s->failures == 0 ? go_on(s) : later(s, 0);
    else if (code && s->http_code == 0)
        broken(s, "watch failed", err);
    else
        later(s, 0);
}

static void watch(struct source *s) {
    _cleanup_buf struct buf path = BUF_INIT;
    bool first;
    char text[32];
    s->watching = true;
    path_of(s, &path, &first);
    remote_query(&path, &first, "watch", S("true"));
    remote_query(&path, &first, "allowWatchBookmarks", S("true"));
    (void)rv_format(s->revision, text);
    remote_query(&path, &first, "resourceVersion", str_from(text));
    int64_t seconds = rand_range(s->remote->rand, WATCH_SECONDS, 2 * WATCH_SECONDS);
    (void)snprintf(text, sizeof text, "%d", (int)seconds);
    remote_query(&path, &first, "timeoutSeconds", str_from(text));
    request(s, buf_view(&path), (unsigned)(seconds + 30) * 1000, on_watch_data, on_watched);
}

static void go_on(struct source *s) {
    if (s->remote->closing)
        return;
    if (!mirror_synced(s->mirror) || s->relist)
        list(s);
    else
        watch(s);
}

/* -- what informers call -- */

static void on_begin(struct loop_msg *msg) {
    go_on((struct source *)((char *)msg - offsetof(struct source, begin)));
}

static int start(struct informer_source *source, void (*wake)(void *arg), void *arg, struct err *err) {
    struct source *s = (struct source *)source;
    mirror_set_wake(s->mirror, wake, arg);
    if (loop_post(s->remote->loop, &s->begin))
        return err_set(err, ERR_CLOSED, "the client has ended");
    return 0;
}

static bool synced(const struct informer_source *source) {
    return mirror_synced(((const struct source *)source)->mirror);
}

static void snapshot(struct informer_source *source, struct informer_snapshot *ret) {
    mirror_snapshot(((struct source *)source)->mirror, ret);
}

static int cursor_open(struct informer_source *source, struct loop *loop, void (*wake)(void *arg), void *arg,
                       struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err) {
    (void)loop;
    (void)err;
    *ret_cursor = mirror_cursor_open(((struct source *)source)->mirror, wake, arg, ret_snapshot);
    return 0;
}

static void free_source(struct source *s) {
    drop_items(s);
    vec_fini(&s->items);
    buf_fini(&s->token);
    buf_fini(&s->data);
    mirror_free(s->mirror);
    mutex_fini(&s->lock);
    arena_fini(&s->arena);
    remote_client_unref(s->client);
    free(s);
}

static void on_end(struct loop_msg *msg) {
    struct source *s = (struct source *)((char *)msg - offsetof(struct source, end));
    loop_timer_stop(s->remote->loop, &s->retry);
    if (s->fetch)
        fetch_cancel(s->fetch);
    free_source(s);
}

static void free_(struct informer_source *source) {
    struct source *s = (struct source *)source;
    mutex_lock(&s->lock);
    mirror_set_wake(s->mirror, NULL, NULL);
    mutex_unlock(&s->lock);
    if (loop_post(s->remote->loop, &s->end))
        free_source(s);
}

int remote_source_open(struct remote_client *c, const struct informer_options *o,
                       struct informer_source **ret) {
    static const struct informer_source_ops source_ops = {
        start, synced, snapshot, cursor_open, mirror_cursor_next, mirror_cursor_close, free_};
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->source.ops = &source_ops;
    s->client = remote_client_ref(c);
    s->remote = c->remote;
    arena_init(&s->arena);
    s->options = (struct informer_options){
        .kind = o->kind->hub,
        .ns = arena_str(&s->arena, o->ns),
        .label_selector = arena_str(&s->arena, o->label_selector),
        .field_selector = arena_str(&s->arena, o->field_selector),
    };
    s->mirror = mirror_new(o->kind->hub, 0);
    mutex_init(&s->lock);
    s->retry.fire = on_retry;
    s->begin.run = on_begin;
    s->end.run = on_end;
    *ret = &s->source;
    return 0;
}
