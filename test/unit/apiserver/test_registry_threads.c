/* The registry with real threads: many writers of one object, pages of lists and informers beside them. */
#include <stdatomic.h>
#include <stdio.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/client_local.h"
#include "apiserver/server_priv.h"
#include "apiserver/user.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/thread.h"
#include "client/client.h"
#include "store/store.h"
#include "unit/unit.h"

#define WRITERS 50
#define ROUNDS 8 /* of each writer */
#define LISTERS 2

struct threads {
    struct apiserver server;
    struct loop *loop;
    struct client *client;
    atomic_uint next, conflicts;
    atomic_bool done;
};

static const struct kind *map_kind(void) {
    return &kinds[KIND_CORE_CONFIG_MAP];
}

static uint64_t number(const struct object *o, struct str key) {
    uint64_t v = 0;
    struct str text = str_map_get(((const struct core_config_map *)o->body)->data, key);
    check(!text.p || str_to_u64(text, &v));
    return v;
}

/* Adds one to "count": reads, and writes with the version it read; again when others came first. */
static void count_by_put(struct threads *t, struct str mine) {
    for (;;) {
        struct object *o = NULL;
        char text[32];
        check(client_get(t->client, map_kind(), S("ns"), S("m"), &o, NULL) == 0);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number(o, S("count")) + 1);
        struct core_config_map body = *(const struct core_config_map *)o->body;
        struct arena a = ARENA_INIT;
        struct str_map data = str_map_with(&a, body.data, S("count"), str_from(text));
        body.data = str_map_with(&a, data, mine, S("0"));
        struct object *put = NULL;
        struct err err = ERR_INIT;
        int code = client_update(t->client, map_kind(), &body, &put, &err);
        object_unref(put);
        object_unref(o);
        arena_fini(&a);
        if (code == 0)
            return;
        check(code == ERR_CONFLICT);
        atomic_fetch_add(&t->conflicts, 1);
    }
}

/* Says which round it is in; no version, so it never conflicts. */
static void note_by_patch(struct threads *t, struct str mine, unsigned round) {
    char text[128];
    struct err err = ERR_INIT;
    (void)snprintf(text, sizeof text, "{\"data\":{\"%.*s-p\":\"%u\"}}", STR_ARG(mine), round);
    int code = client_patch(t->client, map_kind(), S("ns"), S("m"), S(""), CLIENT_PATCH_MERGE, str_from(text),
                            NULL, &err);
    if (code)
        panic("%s", err.msg);
}

static void write_much(void *arg) {
    struct threads *t = arg;
    char mine[32];
    (void)snprintf(mine, sizeof mine, "w%u", atomic_fetch_add(&t->next, 1));
    for (unsigned i = 1; i <= ROUNDS; i++) {
        count_by_put(t, str_from(mine));
        note_by_patch(t, str_from(mine), i);
    }
}

static void list_much(void *arg) {
    struct threads *t = arg;
    uint64_t last = 0;
    while (!atomic_load(&t->done)) {
        struct client_call call = {.verb = CLIENT_LIST, .kind = map_kind(), .ns = S("ns"), .limit = 1};
        struct client_answer a = CLIENT_ANSWER_INIT, b = CLIENT_ANSWER_INIT;
        struct err err = ERR_INIT;
        check(client_do(t->client, &call, &a, &err) == 0);
        check(a.n_items == 1 && number(a.items[0], S("count")) >= last && a.remaining == 1);
        last = number(a.items[0], S("count"));
        call.continue_token = a.continue_token;
        int code = client_do(t->client, &call, &b, &err);
        check(code == 0 && b.n_items == 1 && str_eq(b.resource_version, a.resource_version));
        client_answer_fini(&a);
        client_answer_fini(&b);
    }
}

static void start(struct threads *t) {
    static struct str masters[] = {STR_INIT("system:masters")};
    struct err err = ERR_INIT;
    struct user user = {.name = S("admin"), .uid = S(""), .groups = {masters, 1}};
    t->server =
        (struct apiserver){.store = store_memory_new(false), .clock = clock_system(), .rand = rand_system()};
    assert_ok(cache_open(t->server.store, &t->server.cache, &err), &err);
    assert_ok(loop_start(&(struct loop_options){.name = "calls"}, &t->loop, &err), &err);
    assert_ok(client_local_new(&t->server, &user, t->loop, &t->client, &err), &err);
    static const char *const names[] = {"m", "n"};
    for (size_t i = 0; i < 2; i++) {
        struct core_config_map m = {.metadata = {.name = str_from(names[i]), .namespace = S("ns")}};
        assert_ok(client_create(t->client, map_kind(), S("ns"), &m, NULL, &err), &err);
    }
}

static void stop(struct threads *t) {
    client_free(t->client);
    loop_stop(t->loop);
    cache_close(t->server.cache);
    store_close(t->server.store);
}

TEST(test_registry_threads__fifty_writers_of_one_object_lose_nothing) {
    static struct threads t;
    struct err err = ERR_INIT;
    struct thread writers[WRITERS], listers[LISTERS];
    start(&t);
    for (int i = 0; i < LISTERS; i++)
        assert_ok(thread_start(&listers[i], &(struct thread_options){.name = "lister"}, list_much, &t, &err),
                  &err);
    for (int i = 0; i < WRITERS; i++)
        assert_ok(thread_start(&writers[i], &(struct thread_options){.name = "writer"}, write_much, &t, &err),
                  &err);
    for (int i = 0; i < WRITERS; i++)
        thread_join(&writers[i]);
    atomic_store(&t.done, true);
    for (int i = 0; i < LISTERS; i++)
        thread_join(&listers[i]);
    struct object *o = NULL;
    assert_ok(client_get(t.client, map_kind(), S("ns"), S("m"), &o, &err), &err);
    assert_int_equal(number(o, S("count")), WRITERS * ROUNDS);
    for (unsigned i = 0; i < WRITERS; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "w%u-p", i);
        assert_int_equal(number(o, str_from(key)), ROUNDS);
    }
    object_unref(o);
    stop(&t);
}
