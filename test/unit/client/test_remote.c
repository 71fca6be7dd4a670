/* Tests of the remote transport against answers that are written here: calls, errors, watches that end. */
#include "client/remote.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/informer.h"
#include "client/raw.h"
#include "client/reconciler.h"
#include "scripted.h"
#include "unit/unit.h"

#define MAP(name, rv)                                                                                        \
    "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name                           \
    "\",\"namespace\":\"x\",\"uid\":\"u-" name "\",\"resourceVersion\":\"" rv "\"}}"

static void answer_map(struct scripted *s, struct http_request *r, unsigned n) {
    (void)s;
    (void)n;
    reply_json(r, 200, MAP("a", "7"));
}

TEST(test_remote__reads_an_object) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, answer_map, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct object *o;
    assert_ok(client_get(c, KIND(CORE_CONFIG_MAP), S("x"), S("a"), &o, &err), &err);
    assert_str(o->meta->name, "a");
    assert_int_equal(o->rv, 7);
    object_unref(o);
    assert_string_equal(scripted_log(&s), "GET /api/v1/namespaces/x/configmaps/a\n");
    client_free(c);
    scripted_stop(&s);
}

TEST(test_remote__paths_and_parameters) {
    struct scripted s;
    scripted_start(&s, answer_map, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct client_call list = {.verb = CLIENT_LIST,
                               .kind = KIND(APPS_DEPLOYMENT),
                               .label_selector = S("a=b,c in (d)"),
                               .field_selector = S("metadata.name=x"),
                               .limit = 3,
                               .resource_version = S("0")};
    (void)client_do(c, &list, NULL, NULL);
    struct client_call apply = {.verb = CLIENT_PATCH,
                                .kind = KIND(CORE_NODE),
                                .name = S("n/1"),
                                .subresource = S("status"),
                                .patch = CLIENT_PATCH_APPLY,
                                .patch_text = S("{}"),
                                .force = true,
                                .dry_run = true,
                                .field_manager = S("me & you")};
    (void)client_do(c, &apply, NULL, NULL);
    struct core_config_map cm = {.metadata = {.name = S("m"), .namespace = S("x")}};
    (void)client_create(c, KIND(CORE_CONFIG_MAP), S("x"), &cm, NULL, NULL);
    (void)client_update(c, KIND(CORE_CONFIG_MAP), &cm, NULL, NULL);
    (void)client_delete(c, KIND(CORE_CONFIG_MAP), S("x"), S("m"), NULL, NULL);
    assert_string_equal(scripted_log(&s),
                        "GET /apis/apps/v1/deployments?labelSelector=a%3Db%2Cc%20in%20%28d%29&"
                        "fieldSelector=metadata.name%3Dx&resourceVersion=0&limit=3\n"
                        "PATCH /api/v1/nodes/n/1/status?fieldManager=me%20%26%20you&dryRun=All&force=true\n"
                        "POST /api/v1/namespaces/x/configmaps\n"
                        "PUT /api/v1/namespaces/x/configmaps/m\n"
                        "DELETE /api/v1/namespaces/x/configmaps/m\n");
    client_free(c);
    scripted_stop(&s);
}

static void answer_errors(struct scripted *s, struct http_request *r, unsigned n) {
    (void)s;
    switch (n) {
    case 0: reply_status(r, 409, "AlreadyExists"); break;
    case 1: reply_status(r, 409, "Conflict"); break;
    case 2: http_respond_text(r, 502, S("text/plain"), S("bad gateway\n")); break;
    case 3: reply_json(r, 200, "{\"kind\":"); break;
    default: reply_json(r, 200, "{\"kind\":\"Pod\",\"apiVersion\":\"v2\"}"); break;
    }
}

TEST(test_remote__errors_have_codes_and_texts) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, answer_errors, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    assert_fails(client_get(c, KIND(CORE_NODE), S(""), S("n"), NULL, &err), ERR_EXISTS);
    assert_string_equal(err.msg, "because of AlreadyExists");
    assert_fails(client_get(c, KIND(CORE_NODE), S(""), S("n"), NULL, &err), ERR_CONFLICT);
    assert_fails(client_get(c, KIND(CORE_NODE), S(""), S("n"), NULL, &err), ERR_INTERNAL);
    assert_string_equal(err.msg, "the server answered with code 502: bad gateway");
    assert_fails(client_get(c, KIND(CORE_NODE), S(""), S("n"), NULL, &err), ERR_INVALID);
    assert_fails(client_get(c, KIND(CORE_NODE), S(""), S("n"), NULL, &err), ERR_INVALID);
    client_free(c);
    scripted_stop(&s);
}

static void answer_busy_once(struct scripted *s, struct http_request *r, unsigned n) {
    (void)s;
    const struct http_header h = {S("retry-after"), S("1")};
    if (n == 0)
        http_respond(r, 429, &h, 1, NULL, 0);
    else
        reply_json(r, 201, MAP("a", "7"));
}

TEST(test_remote__busy_servers_are_asked_again) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, answer_busy_once, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct core_config_map cm = {.metadata = {.name = S("a"), .namespace = S("x")}};
    assert_ok(client_create(c, KIND(CORE_CONFIG_MAP), S("x"), &cm, NULL, &err), &err);
    assert_int_equal(s.n, 2);
    client_free(c);
    scripted_stop(&s);
}

TEST(test_remote__the_next_server_is_tried) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, answer_map, NULL);
    struct client *c = scripted_client(&s, true, NULL);
    struct core_config_map cm = {.metadata = {.name = S("a"), .namespace = S("x")}};
    assert_ok(client_create(c, KIND(CORE_CONFIG_MAP), S("x"), &cm, NULL, &err), &err);
    assert_ok(client_get(c, KIND(CORE_CONFIG_MAP), S("x"), S("a"), NULL, &err), &err);
    client_free(c);
    scripted_stop(&s);
}

TEST(test_remote__nobody_answers) {
    struct client_config config = CLIENT_CONFIG_INIT;
    struct str server = S("http://127.0.0.1:1");
    config.servers = (struct str_array){&server, 1};
    struct err err = ERR_INIT;
    struct client *c;
    assert_ok(client_remote_new(&config, S("t"), &c, &err), &err);
    struct core_config_map cm = {.metadata = {.name = S("a"), .namespace = S("x")}};
    assert_fails(client_create(c, KIND(CORE_CONFIG_MAP), S("x"), &cm, NULL, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "127.0.0.1"));
    client_free(c);
    assert_fails(client_remote_new(&config, S("t"), &c, &err), ERR_INVALID);
}

static void never_answer(struct scripted *s, struct http_request *r, unsigned n) {
    (void)n;
    reply_events(s, r, "", true);
}

TEST(test_remote__time_is_limited) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, never_answer, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct client_call call = {
        .verb = CLIENT_DELETE, .kind = KIND(CORE_NODE), .name = S("n"), .timeout_ms = 50};
    assert_fails(client_do(c, &call, NULL, &err), ERR_TIMEOUT);
    client_free(c);
    scripted_stop(&s);
}

struct in_flight {
    struct waiter done;
    int code;
};

static void on_flown(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct in_flight *f = arg;
    (void)answer;
    (void)err;
    f->code = code;
    waiter_signal(&f->done);
}

TEST(test_remote__the_end_ends_calls) {
    struct scripted s;
    struct err err = ERR_INIT;
    struct in_flight f = {0};
    scripted_start(&s, never_answer, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    waiter_init(&f.done, NULL);
    struct client_call call = {.verb = CLIENT_GET, .kind = KIND(CORE_NODE), .name = S("n")};
    assert_ok(client_submit(c, &call, NULL, on_flown, &f, &err), &err);
    scripted_await(&s, 1);
    client_free(c);
    waiter_wait(&f.done);
    waiter_fini(&f.done);
    assert_int_equal(f.code, ERR_CLOSED);
    scripted_stop(&s);
}

/* -- who we are -- */

static void answer_headers(struct scripted *s, struct http_request *r, unsigned n) {
    struct buf *seen = s->arg;
    (void)n;
    const struct http_in *in = http_in(r);
    for (size_t i = 0; i < in->n_headers; i++)
        if (str_has_prefix(in->headers[i].name, S("impersonate")) ||
            str_eq(in->headers[i].name, S("user-agent")))
            buf_printf(seen, "%.*s=%.*s\n", STR_ARG(in->headers[i].name), STR_ARG(in->headers[i].value));
    reply_json(r, 200, MAP("a", "7"));
}

TEST(test_remote__acts_as_somebody_else) {
    struct scripted s;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf seen = BUF_INIT;
    scripted_start(&s, answer_headers, &seen);
    struct client *c = scripted_client(&s, false, NULL), *other;
    const struct str groups[] = {S("g1"), S("g2")}, bad[] = {S("g\r\nx: y")};
    assert_fails(client_as(c, S("jo"), bad, 1, &other, &err), ERR_INVALID);
    assert_ok(client_as(c, S("jo"), groups, 2, &other, &err), &err);
    assert_ok(client_get(other, KIND(CORE_CONFIG_MAP), S("x"), S("a"), NULL, &err), &err);
    client_free(other);
    assert_ok(client_get(c, KIND(CORE_CONFIG_MAP), S("x"), S("a"), NULL, &err), &err);
    assert_string_equal(
        buf_cstr(&seen),
        "impersonate-user=jo\nimpersonate-group=g1\nimpersonate-group=g2\n"
        "user-agent=tester/v1.36.0 (linux) coxswain\nuser-agent=tester/v1.36.0 (linux) coxswain\n");
    client_free(c);
    scripted_stop(&s);
}

static void answer_new_token(struct scripted *s, struct http_request *r, unsigned n) {
    (void)s;
    (void)n;
    if (str_eq(http_header(r, S("authorization")), S("Bearer new")))
        reply_json(r, 200, MAP("a", "7"));
    else
        reply_status(r, 401, "Unauthorized");
}

TEST(test_remote__tokens_are_read_again) {
    struct scripted s;
    struct err err = ERR_INIT;
    char path[300];
    (void)snprintf(path, sizeof path, "%s/token", unit_tmpdir());
    assert_ok(file_write_atomic(path, S("old\n"), 0600, &err), &err);
    scripted_start(&s, answer_new_token, NULL);
    struct client *c = scripted_client(&s, false, path);
    assert_fails(client_get(c, KIND(CORE_CONFIG_MAP), S("x"), S("a"), NULL, &err), ERR_UNAUTHORIZED);
    assert_int_equal(s.n, 2); /* once more with what is in the file */
    assert_ok(file_write_atomic(path, S("new\n"), 0600, &err), &err);
    assert_ok(client_get(c, KIND(CORE_CONFIG_MAP), S("x"), S("a"), NULL, &err), &err);
    assert_int_equal(s.n, 4);
    client_free(c);
    scripted_stop(&s);
}

/* -- informers -- */

#define LIST(rv, more, items)                                                                                \
    "{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" rv "\"" more    \
    "},\"items\":[" items "]}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

static bool is_watch(struct http_request *r) {
    return http_query(r, S("watch")).n > 0;
}

static void assert_state(struct informer *i, const char *wanted) {
    char text[256];
    for (int tries = 0; tries < 20000; tries++) {
        struct informer_snapshot s;
        struct cow_iter it;
        size_t n = 0;
        informer_snapshot(i, &s);
        text[0] = '\0';
        cow_foreach (item, &it, cow_all(&it, &s.tree))
            n += (size_t)snprintf(text + n, sizeof text - n, "%.*s@%llu ", STR_ARG(item->key),
                                  (unsigned long long)((const struct object *)item->value)->rv);
        informer_snapshot_fini(&s);
        if (strcmp(text, wanted) == 0)
            return;
        clock_sleep_ns(clock_system(), NS_PER_MS);
    }
    fail_msg("state is %s, not %s", text, wanted);
}

static struct informer *follow(struct client *c) {
    struct informer *i;
    struct err err = ERR_INIT;
    assert_ok(informer_get(c, &(struct informer_options){.kind = KIND(CORE_CONFIG_MAP)}, &i, &err), &err);
    return i;
}

static void finish(struct scripted *s, struct client *c, struct informer *i) {
    informer_unref(i);
    client_free(c);
    scripted_stop(s);
}

/* The log's line n. */
static struct str line(const char *log, int n) {
    struct str rest = str_from(log), one = S("");
    for (; n >= 0; n--)
        (void)str_split(rest, '\n', &one, &rest);
    return one;
}

static void answer_pages(struct scripted *s, struct http_request *r, unsigned n) {
    (void)n;
    if (is_watch(r))
        reply_events(s, r,
                     EVENT("ADDED", MAP("d", "11")) EVENT("MODIFIED", MAP("a", "12"))
                         EVENT("DELETED", MAP("b", "13")),
                     true);
    else if (http_query(r, S("continue")).n)
        reply_json(r, 200, LIST("10", "", MAP("c", "3")));
    else
        reply_json(r, 200, LIST("10", ",\"continue\":\"next/1\"", MAP("a", "1") "," MAP("b", "2")));
}

TEST(test_remote__informers_list_pages_and_watch) {
    struct scripted s;
    scripted_start(&s, answer_pages, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct informer *i = follow(c);
    assert_state(i, "x/a@12 x/c@3 x/d@11 ");
    assert_true(informer_synced(i));
    const char *log = scripted_log(&s);
    assert_str(line(log, 0), "GET /api/v1/configmaps?limit=500");
    assert_str(line(log, 1), "GET /api/v1/configmaps?limit=500&continue=next%2F1");
    assert_true(str_has_prefix(line(log, 2), S("GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&"
                                               "resourceVersion=10&timeoutSeconds=")));
    finish(&s, c, i);
}

static void answer_cut(struct scripted *s, struct http_request *r, unsigned n) {
    switch (n) {
    case 0: reply_json(r, 200, LIST("10", "", MAP("a", "1"))); break;
    case 1: /* ends in the middle of an event */
        reply_events(s, r, EVENT("ADDED", MAP("b", "11")) "{\"type\":\"ADDED\",\"obj", false);
        break;
    case 2:
        reply_events(s, r,
                     EVENT("BOOKMARK", "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"
                                       "\"resourceVersion\":\"20\"}}"),
                     false);
        break;
    default: reply_events(s, r, EVENT("ADDED", MAP("c", "21")), true); break;
    }
}

TEST(test_remote__cut_watches_resume_where_they_were) {
    struct scripted s;
    scripted_start(&s, answer_cut, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct informer *i = follow(c);
    assert_state(i, "x/a@1 x/b@11 x/c@21 ");
    const char *log = scripted_log(&s);
    assert_true(str_find(line(log, 2), S("resourceVersion=11&")) > 0);
    assert_true(str_find(line(log, 3), S("resourceVersion=20&")) > 0);
    finish(&s, c, i);
}

static void answer_expired(struct scripted *s, struct http_request *r, unsigned n) {
    switch (n) {
    case 0: reply_json(r, 200, LIST("10", "", MAP("a", "1") "," MAP("b", "2"))); break;
    case 1: reply_status(r, 410, "Expired"); break;
    case 2: reply_json(r, 200, LIST("30", "", MAP("b", "25") "," MAP("c", "26"))); break;
    case 3:
        reply_events(
            s, r,
            EVENT("ERROR", "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":410,\"reason\":\"Expired\"}"),
            false);
        break;
    case 4: reply_json(r, 200, LIST("40", "", MAP("c", "26"))); break;
    default: reply_events(s, r, "", true); break;
    }
}

TEST(test_remote__too_old_revisions_are_listed_again) {
    struct scripted s;
    scripted_start(&s, answer_expired, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct informer *i = follow(c);
    scripted_await(&s, 6);
    assert_state(i, "x/c@26 ");
    assert_true(str_find(line(scripted_log(&s), 5), S("resourceVersion=40&")) > 0);
    finish(&s, c, i);
}

static void answer_garbage(struct scripted *s, struct http_request *r, unsigned n) {
    const struct http_header proto = {S("content-type"), S("application/vnd.kubernetes.protobuf")};
    static const struct http_chunk short_list = {.bytes = STR_INIT("k8s\0\x12\x7fxx")};
    static const struct http_chunk endless = {.bytes = STR_INIT("\xff\xff\xff\xff")};
    switch (n) {
    case 0: http_respond(r, 200, &proto, 1, &short_list, 1); break;
    case 1: reply_status(r, 500, "InternalError"); break;
    case 2: reply_json(r, 200, LIST("10", "", MAP("a", "1"))); break;
    case 3: http_respond(r, 200, &proto, 1, &endless, 1); break;
    case 4: reply_json(r, 200, LIST("11", "", MAP("b", "2"))); break;
    default: reply_events(s, r, "", true); break;
    }
}

TEST(test_remote__garbage_is_survived) {
    struct scripted s;
    scripted_start(&s, answer_garbage, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct informer *i = follow(c);
    scripted_await(&s, 6);
    assert_state(i, "x/b@2 ");
    finish(&s, c, i);
}

TEST(test_remote__informers_may_go_while_they_list) {
    struct scripted s;
    scripted_start(&s, never_answer, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct informer *i = follow(c);
    scripted_await(&s, 1);
    assert_false(informer_synced(i));
    finish(&s, c, i);
}

/* -- raw requests -- */

static void answer_raw(struct scripted *s, struct http_request *r, unsigned n) {
    (void)s;
    (void)n;
    const struct http_header headers[] = {{S("content-type"), S("text/plain")},
                                          {S("warning"), S("299 - \"old\"")}};
    http_respond(r, 418, headers, 2, &(struct http_chunk){.bytes = S("short and stout")}, 1);
}

TEST(test_remote__raw_answers_are_what_was_sent) {
    struct scripted s;
    struct err err = ERR_INIT;
    _cleanup_arena struct arena a = ARENA_INIT;
    scripted_start(&s, answer_raw, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct raw_answer answer;
    assert_ok(client_raw(c, &(struct raw_call){.method = "POST", .path = S("/x?y=z"), .body = S("b")}, &a,
                         &answer, &err),
              &err);
    assert_int_equal(answer.http_code, 418);
    assert_str(answer.body, "short and stout");
    assert_str(answer.content_type, "text/plain");
    assert_str(answer.warning, "299 - \"old\"");
    assert_fails(client_raw(c, &(struct raw_call){.path = S("/x"), .answer_max = 3}, &a, &answer, &err),
                 ERR_TOO_LARGE);
    client_free(c);
    scripted_stop(&s);
}

static int count_bytes(void *arg, struct str bytes) {
    size_t *n = arg;
    *n += bytes.n;
    return *n >= 4; /* enough */
}

TEST(test_remote__raw_streams_end_when_they_are_told_to) {
    struct scripted s;
    struct err err = ERR_INIT;
    size_t n = 0;
    scripted_start(&s, answer_raw, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct raw_sink sink = {.on_data = count_bytes, .arg = &n};
    assert_fails(client_raw_stream(c, &(struct raw_call){.path = S("/x")}, &sink, &err), ERR_TOO_LARGE);
    assert_true(n >= 4);
    client_free(c);
    scripted_stop(&s);
}

TEST(test_remote__raw_streams_may_be_left) {
    struct scripted s;
    struct err err = ERR_INIT;
    scripted_start(&s, never_answer, NULL);
    struct client *c = scripted_client(&s, false, NULL);
    struct raw_stream *stream;
    assert_ok(client_raw_start(c, &(struct raw_call){.path = S("/x"), .timeout_ms = RAW_FOREVER},
                               &(struct raw_sink){0}, &stream, &err),
              &err);
    scripted_await(&s, 1);
    raw_stream_free(stream);
    client_free(c);
    scripted_stop(&s);
}
