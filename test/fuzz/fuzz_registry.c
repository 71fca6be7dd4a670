/* Requests as they come to the registry, on a server with a few objects.
 *
 * The first line is method, URL and content type; the rest is the body. Whatever comes: the call ends once,
 * with a code, and what it answers with can be written; lists go on where their tokens say. Kinds that need
 * parts which are not here (services, reviews, tokens) are left out.
 */
#include "api/convert.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/list.h"
#include "apiserver/registry.h"
#include "apiserver/server_priv.h"
#include "apiserver/subresource.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "fuzz/fuzz.h"
#include "store/store.h"

#define NS "/api/v1/namespaces/default"
#define APPS "/apis/apps/v1/namespaces/default"

struct world {
    struct apiserver server;
    struct clock_sim clock;
    struct rand_seeded rand;
};

static const struct {
    const char *url, *body;
} objects[] = {
    {NS "/configmaps", "{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"1\"}},\"data\":{\"k\":\"v\"}}"},
    {NS "/configmaps",
     "{\"metadata\":{\"name\":\"b\",\"finalizers\":[\"example.com/f\"]},\"data\":{\"k\":\"v\"}}"},
    {NS "/pods", "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":"
                 "\"c\",\"image\":\"i\","
                 "\"env\":[{\"name\":\"E\",\"value\":\"1\"}]}]}}"},
    {APPS "/deployments",
     "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
     "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\","
     "\"image\":\"i\"}]}}}}"},
    {"/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
     "{\"metadata\":{\"name\":\"h\"},\"spec\":{\"maxReplicas\":3,\"targetCPUUtilizationPercentage\":50,"
     "\"scaleTargetRef\":{"
     "\"kind\":\"Deployment\",\"name\":\"d\"}}}"},
};

static void on_done(struct call *c) {
    unsigned *ends = c->door;
    (*ends)++;
}

/* What the client would get. */
static void look(struct call *c) {
    struct buf text = BUF_INIT;
    void *asked;
    must(c->http_code >= 200 && c->http_code < 600);
    if (c->status)
        api_write_json(&text, &builtin, TY_META_STATUS, &c->status->body);
    else if (c->answer)
        api_write_json(&text, &builtin, c->answer_type, c->answer);
    else
        must(c->object && object_form(c->object, FORM_JSON).n && object_form(c->object, FORM_PROTO).n);
    if (c->object && c->info.kind->set)
        must(api_convert(c->arena, &builtin, c->object->kind->type, c->object->body, c->info.kind->type,
                         &asked, NULL) == 0);
    buf_fini(&text);
}

static void list(struct call *c) {
    struct list_result r, next;
    struct status *failure = NULL;
    if (list_run(c, &r, &failure) < 0) {
        must(failure && failure->body.code >= 400);
        return;
    }
    c->options.continue_token = r.continue_token;
    c->options.resource_version = c->options.resource_version_match = STR_NONE;
    if (r.continue_token.n)
        must(list_run(c, &next, &failure) == 0 && next.n > 0 && next.revision == r.revision);
}

static bool is_left_out(const struct call *c) {
    const struct kind *k = c->info.kind;
    if (!k || k->hub->virtual_ || k->hub->index == KIND_CORE_SERVICE)
        return true;
    const struct subresource_row *row = subresource_find(k, c->info.access.subresource);
    return row && !str_eq(c->info.access.subresource, S("scale"));
}

static void request(struct world *w, enum http_verb method, struct str url, struct str type,
                    struct str body) {
    struct arena a = ARENA_INIT;
    unsigned ends = 0;
    struct str path, query;
    struct call c = {
        .server = &w->server,
        .arena = &a,
        .user = {.name = S("fuzz")},
        .user_agent = S("fuzz/1"),
        .media = body_media(type),
        .body = body,
        .done = on_done,
        .door = &ends,
    };
    (void)str_split(url, '?', &path, &query);
    request_info_parse(&a, method, path, query, &c.info);
    c.info.access.user = &c.user;
    if (request_options_parse(&a, query, &c.options, NULL) == 0 && c.info.access.is_resource &&
        !is_left_out(&c)) {
        bool lists = str_eq(c.info.access.verb, S("list"));
        if (lists) {
            list(&c);
        } else if (!str_eq(c.info.access.verb, S("watch"))) {
            registry_run(&c);
            must(ends == 1);
            look(&c);
        }
    }
    call_fini(&c);
    arena_fini(&a);
}

static enum http_verb verb_of(struct str s) {
    static const struct {
        struct str name;
        enum http_verb verb;
    } verbs[] = {
        {STR_INIT("GET"), HTTP_VERB_GET},       {STR_INIT("POST"), HTTP_VERB_POST},
        {STR_INIT("PUT"), HTTP_VERB_PUT},       {STR_INIT("PATCH"), HTTP_VERB_PATCH},
        {STR_INIT("DELETE"), HTTP_VERB_DELETE},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq(verbs[i].name, s))
            return verbs[i].verb;
    return HTTP_VERB_OTHER;
}

static void open_world(struct world *w) {
    *w = (struct world){.server = {.store = store_memory_new(true)}};
    w->server.clock = clock_sim_init(&w->clock, INT64_C(1767225600000000000));
    w->server.rand = rand_seeded_init(&w->rand, 1);
    must(cache_open(w->server.store, &w->server.cache, NULL) == 0);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        request(w, HTTP_VERB_POST, str_from(objects[i].url), S(""), str_from(objects[i].body));
    must(cache_revision(w->server.cache) == sizeof objects / sizeof *objects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str line, body, method, url, type, rest;
    if (n > (1u << 20))
        return 0;
    (void)str_split(fuzz_text(data, n), '\n', &line, &body);
    (void)str_split(line, ' ', &method, &rest);
    (void)str_split(rest, ' ', &url, &type);
    struct world w;
    open_world(&w);
    request(&w, verb_of(method), url, type, body);
    cache_close(w.server.cache);
    store_close(w.server.store);
    return 0;
}
