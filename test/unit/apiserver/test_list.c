/* Lists: selectors, pages, resource versions; and deletions of many. */
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache_priv.h"
#include "apiserver/list.h"
#include "server_world.h"
#include "store/store.h"
#include "unit/unit.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

static void make(struct server_world *w, const char *ns, const char *name, const char *label) {
    struct str url = arena_printf(&w->arena, "/api/v1/namespaces/%s/configmaps", ns);
    struct str body =
        arena_printf(&w->arena, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"l\":\"%s\"}}}", name, label);
    assert_answer(server_post(w, url.p, body.p), 201);
}

/* Names of what is listed, with the rest of the answer in *ret. */
static const char *names(struct server_world *w, const char *url, struct list_result *ret) {
    struct call *c = server_call(w, "GET", url);
    struct status *failure = NULL;
    if (list_run(c, ret, &failure) < 0)
        return arena_printf(&w->arena, "%d %.*s", (int)failure->body.code, STR_ARG(failure->body.message)).p;
    struct str all = S("");
    for (size_t i = 0; i < ret->n; i++)
        all = arena_printf(&w->arena, "%.*s%s%.*s", STR_ARG(all), i ? " " : "",
                           STR_ARG(ret->items[i]->meta->name));
    return all.p;
}

static const char *page(struct server_world *w, const char *url, struct list_result *r) {
    struct str next = arena_printf(&w->arena, "%s&continue=%.*s", url, STR_ARG(r->continue_token));
    return names(w, next.p, r);
}

static void world(struct server_world *w) {
    server_world_init(w);
    make(w, "default", "a", "1");
    make(w, "default", "b", "2");
    make(w, "default", "c", "1");
    make(w, "default-2", "z", "1");
    make(w, "other", "d", "1");
}

TEST(test_list__selects) {
    struct server_world w;
    struct list_result r;
    world(&w);
    assert_string_equal(names(&w, MAPS, &r), "a b c");
    assert_int_equal(r.revision, 5);
    assert_string_equal(names(&w, "/api/v1/configmaps", &r), "z a b c d");
    assert_string_equal(names(&w, MAPS "?labelSelector=l%3D1", &r), "a c");
    assert_string_equal(names(&w, MAPS "?fieldSelector=metadata.name%3Db", &r), "b");
    assert_string_equal(names(&w, MAPS "?fieldSelector=metadata.name%3Db&labelSelector=l%3D1", &r), "");
    assert_string_equal(names(&w, "/api/v1/configmaps?fieldSelector=metadata.namespace%3Dother", &r), "d");
    assert_true(strncmp(names(&w, MAPS "?fieldSelector=spec.x%3Db", &r), "400 ", 4) == 0);
    assert_true(strncmp(names(&w, MAPS "?labelSelector=%25", &r), "400 ", 4) == 0);
    server_world_fini(&w);
}

TEST(test_list__selects_pods_by_node) {
    static const char pod[] = "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"nodeName\":\"%s\",\"containers\":["
                              "{\"name\":\"c\",\"image\":\"i\"}]}}";
    struct server_world w;
    struct list_result r;
    server_world_init(&w);
    static const char *const pods[][2] = {{"p", "n1"}, {"q", "n2"}, {"r", "n1"}, {"s", "n"}, {"t", "n1"}};
    for (size_t i = 0; i < sizeof pods / sizeof *pods; i++)
        assert_answer(server_post(&w, "/api/v1/namespaces/default/pods",
                                  arena_printf(&w.arena, pod, pods[i][0], pods[i][1]).p),
                      201);
    assert_string_equal(names(&w, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", &r), "p r t");
    const char *paged = "/api/v1/namespaces/default/pods?limit=1&fieldSelector=spec.nodeName%3Dn1";
    assert_string_equal(names(&w, paged, &r), "p");
    assert_int_equal(r.remaining, 0);
    assert_string_equal(page(&w, paged, &r), "r");
    assert_string_equal(page(&w, paged, &r), "t");
    assert_str(r.continue_token, "");
    server_world_fini(&w);
}

TEST(test_list__pages_show_one_state) {
    struct server_world w;
    struct list_result r;
    world(&w);
    assert_string_equal(names(&w, MAPS "?limit=1", &r), "a");
    assert_int_equal(r.remaining, 2);
    assert_answer(server_delete(&w, MAPS "/c", NULL), 200);
    make(&w, "default", "bb", "1");
    assert_string_equal(page(&w, MAPS "?limit=1", &r), "b");
    assert_int_equal(r.revision, 5);
    assert_int_equal(r.remaining, 1);
    assert_string_equal(page(&w, MAPS "?limit=7", &r), "c");
    assert_str(r.continue_token, "");
    assert_string_equal(names(&w, "/api/v1/configmaps?limit=2", &r), "z a");
    assert_int_equal(r.remaining, 3);
    assert_string_equal(page(&w, "/api/v1/configmaps?limit=2", &r), "b bb");
    assert_string_equal(page(&w, "/api/v1/configmaps?limit=2", &r), "d");
    server_world_fini(&w);
}

TEST(test_list__an_old_page_may_go_on_at_the_newest_state) {
    struct server_world w;
    struct list_result r;
    world(&w);
    assert_string_equal(names(&w, MAPS "?limit=1", &r), "a");
    for (unsigned i = 0; i < 20000; i++) {
        struct str json = arena_printf(&w.arena, "{\"data\":{\"i\":\"%u\"}}", i);
        assert_answer(server_patch(&w, MAPS "/c", "merge", json.p), 200);
    }
    assert_ok(w.server.store->ops->compact(w.server.store, 10000, NULL), NULL);
    struct call *c = server_call(
        &w, "GET", arena_printf(&w.arena, MAPS "?limit=1&continue=%.*s", STR_ARG(r.continue_token)).p);
    struct status *failure = NULL;
    int code = list_run(c, &r, &failure);
    assert_true(code < 0);
    assert_int_equal(failure->body.code, 410);
    assert_str(failure->body.reason, "Expired");
    r.continue_token = failure->body.metadata.continue_;
    assert_string_equal(page(&w, MAPS "?limit=1", &r), "b");
    assert_int_equal(r.revision, 20005);
    server_world_fini(&w);
}

/* A commit publishes a resource's state before the cache's revision. */
TEST(test_list__what_a_list_said_is_never_still_to_come) {
    struct server_world w;
    struct list_result r;
    world(&w);
    cache_publish(cache_of(w.server.cache, &kinds[KIND_CORE_CONFIG_MAP]), 6);
    assert_string_equal(names(&w, MAPS "?limit=1", &r), "a");
    assert_int_equal(r.revision, 6);
    assert_string_equal(page(&w, MAPS "?limit=1", &r), "b");
    assert_string_equal(names(&w, MAPS "?resourceVersion=6", &r), "a b c");
    assert_answer(server_get(&w, MAPS "/a?resourceVersion=6"), 200);
    assert_answer(server_get(&w, MAPS "/a?resourceVersion=7"), 504);
    server_world_fini(&w);
}

TEST(test_list__honours_resource_versions) {
    struct server_world w;
    struct list_result r;
    world(&w);
    assert_string_equal(names(&w, MAPS "?resourceVersion=0&limit=1", &r), "a b c");
    assert_string_equal(names(&w, MAPS "?resourceVersion=1", &r), "a b c");
    assert_string_equal(names(&w, MAPS "?resourceVersion=2&resourceVersionMatch=Exact", &r), "a b");
    assert_int_equal(r.revision, 2);
    assert_string_equal(names(&w, MAPS "?resourceVersion=2&resourceVersionMatch=NotOlderThan", &r), "a b c");
    assert_string_equal(names(&w, MAPS "?resourceVersion=2&limit=5", &r), "a b");
    assert_string_equal(names(&w, MAPS "?resourceVersion=99", &r),
                        "504 Too large resource version: 99, current: 5");
    assert_string_equal(names(&w, MAPS "?resourceVersionMatch=Exact", &r),
                        "422 ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                        "resourceVersionMatch is forbidden unless resourceVersion is provided");
    assert_string_equal(names(&w, MAPS "?resourceVersion=1&continue=x", &r),
                        "400 specifying resource version is not allowed when using continue");
    assert_true(strncmp(names(&w, MAPS "?continue=x", &r), "400 continue key is not valid", 29) == 0);
    assert_true(strncmp(names(&w, MAPS "?resourceVersion=x", &r), "400 ", 4) == 0);
    server_world_fini(&w);
}

TEST(test_registry_delete_collection__deletes_what_a_list_would_show) {
    struct server_world w;
    struct list_result r;
    world(&w);
    struct server_answer a = server_delete(&w, MAPS "?labelSelector=l%3D1", NULL);
    assert_answer(a, 200);
    assert_field(a, "kind", "ConfigMapList");
    assert_field(a, "items.0.metadata.name", "a");
    assert_field(a, "items.1.metadata.name", "c");
    assert_field(a, "items.2", NULL);
    assert_string_equal(names(&w, "/api/v1/configmaps", &r), "z b d");
    for (unsigned i = 0; i < 50; i++)
        make(&w, "many", arena_printf(&w.arena, "m%u", i).p, "x");
    assert_answer(server_delete(&w, "/api/v1/namespaces/many/configmaps", "{\"dryRun\":[\"All\"]}"), 200);
    (void)names(&w, "/api/v1/namespaces/many/configmaps", &r);
    assert_int_equal(r.n, 50);
    assert_answer(server_delete(&w, "/api/v1/namespaces/many/configmaps", NULL), 200);
    assert_string_equal(names(&w, "/api/v1/namespaces/many/configmaps", &r), "");
    server_world_fini(&w);
}
