/* Events go after a while, unless they are seen again. */
#include "apiserver/event_expiry.h"
#include "base/sim.h"
#include "full_world.h"
#include "unit/unit.h"

#define EVENTS "/api/v1/namespaces/default/events"

static void make_event(struct server_world *w, const char *name, const char *last) {
    struct str body =
        arena_printf(&w->arena,
                     "{\"metadata\":{\"name\":\"%s\"},\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":"
                     "\"default\",\"name\":\"p\"},\"lastTimestamp\":\"%s\"}",
                     name, last);
    full_world_make(w, EVENTS, body.p);
}

TEST(test_event_expiry__removes_what_is_old) {
    struct server_world w;
    full_world_init(&w);
    make_event(&w, "a", "2026-01-01T00:00:00Z");
    make_event(&w, "b", "2026-01-01T00:30:00Z");
    make_event(&w, "c", "2026-01-01T00:00:00Z");
    make_event(&w, "ahead", "2030-01-01T00:00:00Z");
    full_world_pass(&w, 3600);
    assert_int_equal(event_expiry_run(&w.server, EVENT_TTL_SEC), 0);
    full_world_pass(&w, 1);
    assert_answer(
        server_patch(&w, EVENTS "/c", "merge", "{\"count\":2,\"lastTimestamp\":\"2026-01-01T01:00:00Z\"}"),
        200);
    assert_int_equal(event_expiry_run(&w.server, EVENT_TTL_SEC), 2);
    sim_settle(w.sim);
    assert_answer(server_get(&w, EVENTS "/a"), 404);
    assert_answer(server_get(&w, EVENTS "/ahead"), 404);
    assert_answer(server_get(&w, EVENTS "/b"), 200);
    assert_answer(server_get(&w, EVENTS "/c"), 200);
    full_world_fini(&w);
}
