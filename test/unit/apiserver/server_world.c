/* See server_world.h. */
#include "server_world.h"

#include "api/convert.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/registry.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "codec/json.h"
#include "store/store.h"
#include "unit/unit.h"

static struct str masters[] = {STR_INIT("system:masters")};

void server_world_init(struct server_world *w) {
    struct err err = ERR_INIT;
    *w = (struct server_world){.sim = sim_new(unit_seed(), SERVER_WORLD_WALL_NS), .arena = ARENA_INIT};
    w->loop = sim_loop_new(w->sim, "server");
    w->server = (struct apiserver){
        .store = store_memory_new(true),
        .clock = sim_clock(w->sim),
        .rand = sim_rand(w->sim),
        .sim = w->sim,
    };
    assert_ok(cache_open(w->server.store, &w->server.cache, &err), &err);
    w->user = (struct user){.name = S("system:admin"), .groups = {masters, 1}};
    w->user_agent = S("unit/1");
}

void server_world_fini(struct server_world *w) {
    sim_settle(w->sim);
    arena_fini(&w->arena);
    cache_close(w->server.cache);
    store_close(w->server.store);
    loop_free(w->loop);
    sim_free(w->sim);
}

/* -- calls -- */

static enum http_verb verb_of(const char *method) {
    static const struct {
        const char *name;
        enum http_verb verb;
    } verbs[] = {{"GET", HTTP_VERB_GET},
                 {"POST", HTTP_VERB_POST},
                 {"PUT", HTTP_VERB_PUT},
                 {"PATCH", HTTP_VERB_PATCH},
                 {"DELETE", HTTP_VERB_DELETE}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, method) == 0)
            return verbs[i].verb;
    return HTTP_VERB_OTHER;
}

static void on_done(struct call *c) {
    bool *done = c->door;
    check(!*done);
    *done = true;
}

struct call *server_call(struct server_world *w, const char *method, const char *url) {
    struct call *c = arena_new(&w->arena, struct call);
    struct err err = ERR_INIT;
    struct str path, query;
    str_split(arena_str(&w->arena, str_from(url)), '?', &path, &query);
    *c = (struct call){
        .server = &w->server,
        .arena = &w->arena,
        .loop = w->loop,
        .user = w->user,
        .user_agent = w->user_agent,
        .media = MEDIA_JSON,
        .done = on_done,
        .door = arena_new(&w->arena, bool),
    };
    request_info_parse(&w->arena, verb_of(method), path, query, &c->info);
    c->info.access.user = &c->user;
    assert_ok(request_options_parse(&w->arena, query, &c->options, &err), &err);
    return c;
}

static void read_status(struct server_world *w, const struct status *st, struct buf *text,
                        struct server_answer *r) {
    (void)w;
    api_write_json(text, &builtin, TY_META_STATUS, &st->body);
    r->reason = st->body.reason;
    r->message = st->body.message;
}

static void read_object(struct server_world *w, const struct call *c, struct buf *text,
                        struct server_answer *r) {
    struct err err = ERR_INIT;
    arena_hold(&w->arena, object_release_any, c->object);
    r->object = c->object;
    r->rv = c->object->rv;
    if (c->info.kind == c->object->kind) {
        buf_str(text, object_form(c->object, FORM_JSON));
        return;
    }
    void *asked;
    assert_ok(api_convert(&w->arena, &builtin, c->object->kind->type, c->object->body, c->info.kind->type,
                          &asked, &err),
              &err);
    api_write_json(text, &builtin, c->info.kind->type, asked);
}

struct server_answer server_run(struct server_world *w, struct call *c) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct server_answer r = {0};
    registry_run(c);
    while (!*(bool *)c->door && sim_step(w->sim))
        ;
    assert_true(*(bool *)c->door);
    r.code = c->http_code;
    r.warnings = c->warnings.v;
    r.n_warnings = c->warnings.n;
    if (c->status)
        read_status(w, c->status, &text, &r);
    else if (c->object)
        read_object(w, c, &text, &r);
    else
        api_write_json(&text, &builtin, c->answer_type, c->answer);
    r.text = buf_to_arena(&text, &w->arena);
    assert_ok(json_parse(&w->arena, r.text, NULL, NULL, &r.tree, &err), &err);
    return r;
}

struct server_answer server_request(struct server_world *w, const char *method, const char *url,
                                    const char *type, struct str body) {
    struct call *c = server_call(w, method, url);
    c->media = body_media(str_from(type));
    c->body = arena_str(&w->arena, body);
    return server_run(w, c);
}

struct server_answer server_get(struct server_world *w, const char *url) {
    return server_request(w, "GET", url, NULL, STR_NONE);
}

struct server_answer server_post(struct server_world *w, const char *url, const char *json) {
    return server_request(w, "POST", url, NULL, str_from(json));
}

struct server_answer server_put(struct server_world *w, const char *url, const char *json) {
    return server_request(w, "PUT", url, NULL, str_from(json));
}

struct server_answer server_patch(struct server_world *w, const char *url, const char *type,
                                  const char *text) {
    const char *media = strcmp(type, "json") == 0    ? "application/json-patch+json"
                        : strcmp(type, "merge") == 0 ? "application/merge-patch+json"
                        : strcmp(type, "apply") == 0 ? "application/apply-patch+yaml"
                                                     : "application/strategic-merge-patch+json";
    return server_request(w, "PATCH", url, media, str_from(text));
}

struct server_answer server_delete(struct server_world *w, const char *url, const char *options) {
    return server_request(w, "DELETE", url, NULL, str_from(options));
}

/* -- looking at answers -- */

struct str server_field(struct server_world *w, const struct server_answer *r, const char *dotted) {
    const struct jval *v = &r->tree;
    struct str rest = str_from(dotted), step;
    while (v && rest.n) {
        uint64_t i;
        str_split(rest, '.', &step, &rest);
        if (v->kind == J_ARRAY)
            v = str_to_u64(step, &i) && i < v->n ? &v->items[i] : NULL;
        else
            v = jval_get(v, step);
    }
    if (!v)
        return STR_NONE;
    if (v->kind == J_STRING)
        return jval_as_str(v);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, v);
    return buf_to_arena(&text, &w->arena);
}
