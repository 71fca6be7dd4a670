/* Tests of informers: who is told what, once and in order, also when watches are lost. On the fake. */
#include "client/informer.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/mirror.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct client *client;
    struct loop *loop;
    struct informer *nodes;
};

static void setup(struct scene *s, const struct informer_options *o) {
    struct err err = ERR_INIT;
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
    s->client = fake_client(s->fake);
    s->loop = sim_loop_new(s->sim, "test");
    assert_ok(informer_get(s->client, o, &s->nodes, &err), &err);
}

static void teardown(struct scene *s) {
    informer_unref(s->nodes);
    sim_settle(s->sim);
    loop_free(s->loop);
    fake_free(s->fake);
    sim_free(s->sim);
}

/* Writes down what it hears: "+a", "~a", "-a"; "!" for the first list. */
struct ear {
    struct informer_listener listener;
    struct buf heard;
    int stop_after; /* unlistens itself after so many events; 0: never */
    struct informer *informer;
};

static void on_event(struct informer_listener *l, const struct informer_event *e) {
    struct ear *ear = (struct ear *)l;
    buf_printf(&ear->heard, "%c%.*s ", "+~-"[e->type], STR_ARG(e->object->meta->name));
    assert_true((e->type == INFORMER_ADDED) == (e->previous == NULL));
    if (ear->stop_after && --ear->stop_after == 0)
        informer_unlisten(ear->informer, l);
}

static void on_synced(struct informer_listener *l) {
    buf_lit(&((struct ear *)l)->heard, "! ");
}

static void ear_start(struct ear *ear, struct scene *s) {
    *ear = (struct ear){
        .listener = {.loop = s->loop, .on_event = on_event, .on_synced = on_synced},
        .stop_after = ear->stop_after,
        .informer = s->nodes,
    };
    informer_listen(s->nodes, &ear->listener);
}

static void assert_heard(struct ear *ear, struct scene *s, const char *what) {
    sim_settle(s->sim);
    assert_string_equal(buf_cstr(&ear->heard), what);
    buf_clear(&ear->heard);
}

static void ear_end(struct ear *ear, struct scene *s) {
    informer_unlisten(s->nodes, &ear->listener);
    buf_fini(&ear->heard);
}

static void put(struct scene *s, const char *name, const char *label) {
    char json[256];
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\",\"labels\":{\"l\":\"%s\"}}}", name,
                   label);
    fake_put(s->fake, KIND(CORE_NODE), json);
}

static const struct informer_options all_nodes = {.kind = KIND(CORE_NODE)};

TEST(test_informer__tells_what_is_there_then_what_happens) {
    struct scene s;
    struct ear ear = {0};
    setup(&s, &all_nodes);
    put(&s, "a", "1");
    put(&s, "b", "1");
    ear_start(&ear, &s);
    assert_heard(&ear, &s, "+a +b ! ");
    put(&s, "c", "1");
    put(&s, "a", "2");
    fake_remove(s.fake, KIND(CORE_NODE), "", "b");
    assert_heard(&ear, &s, "+c ~a -b ");
    ear_end(&ear, &s);
    put(&s, "d", "1");
    teardown(&s);
}

TEST(test_informer__late_listeners_hear_everything_too) {
    struct scene s;
    struct ear one = {0}, two = {0};
    setup(&s, &all_nodes);
    ear_start(&one, &s);
    assert_heard(&one, &s, "! ");
    put(&s, "a", "1");
    put(&s, "b", "1");
    assert_heard(&one, &s, "+a +b ");
    fake_remove(s.fake, KIND(CORE_NODE), "", "a");
    sim_settle(s.sim);
    ear_start(&two, &s);
    assert_heard(&two, &s, "+b ! ");
    put(&s, "b", "2");
    assert_heard(&two, &s, "~b ");
    ear_end(&one, &s);
    ear_end(&two, &s);
    teardown(&s);
}

TEST(test_informer__same_options_are_shared) {
    struct scene s;
    struct err err = ERR_INIT;
    struct informer *again, *other;
    setup(&s, &all_nodes);
    assert_ok(informer_get(s.client, &all_nodes, &again, &err), &err);
    assert_ptr_equal(again, s.nodes);
    assert_ok(informer_get(s.client,
                           &(struct informer_options){.kind = KIND(CORE_NODE), .label_selector = S("l=1")},
                           &other, &err),
              &err);
    assert_ptr_not_equal(other, s.nodes);
    informer_unref(again);
    informer_unref(other);
    teardown(&s);
}

TEST(test_informer__waits_for_the_first_list) {
    struct scene s;
    struct err err = ERR_INIT;
    setup(&s, &all_nodes);
    put(&s, "a", "1");
    fake_watch_stop(s.fake);
    assert_false(informer_synced(s.nodes));
    assert_fails(informer_wait_synced(s.nodes, NS_PER_SEC, &err), ERR_TIMEOUT);
    fake_watch_resume(s.fake);
    assert_ok(informer_wait_synced(s.nodes, NS_PER_SEC, &err), &err);
    struct object *o = informer_find(s.nodes, S(""), S("a"));
    assert_non_null(o);
    object_unref(o);
    assert_null(informer_find(s.nodes, S(""), S("b")));
    teardown(&s);
}

TEST(test_informer__a_lost_watch_is_told_as_its_difference) {
    struct scene s;
    struct ear ear = {0};
    setup(&s, &all_nodes);
    put(&s, "a", "1");
    put(&s, "b", "1");
    put(&s, "c", "1");
    ear_start(&ear, &s);
    assert_heard(&ear, &s, "+a +b +c ! ");
    fake_watch_stop(s.fake);
    fake_remove(s.fake, KIND(CORE_NODE), "", "a");
    put(&s, "b", "2");
    put(&s, "b", "3");
    put(&s, "d", "1");
    assert_heard(&ear, &s, "");
    fake_watch_resume(s.fake);
    assert_heard(&ear, &s, "-a ~b +d ");
    ear_end(&ear, &s);
    teardown(&s);
}

TEST(test_informer__selected_part_loses_what_no_longer_matches) {
    struct scene s;
    struct ear ear = {0};
    setup(&s, &(struct informer_options){.kind = KIND(CORE_NODE), .label_selector = S("l=1")});
    put(&s, "a", "1");
    put(&s, "b", "2");
    ear_start(&ear, &s);
    assert_heard(&ear, &s, "+a ! ");
    put(&s, "a", "2");
    put(&s, "b", "1");
    assert_heard(&ear, &s, "-a +b ");
    ear_end(&ear, &s);
    teardown(&s);
}

TEST(test_informer__listeners_may_leave_while_they_are_told) {
    struct scene s;
    struct ear ear = {.stop_after = 2};
    setup(&s, &all_nodes);
    put(&s, "a", "1");
    put(&s, "b", "1");
    put(&s, "c", "1");
    ear_start(&ear, &s);
    assert_heard(&ear, &s, "+a +b ");
    buf_fini(&ear.heard);
    teardown(&s);
}

TEST(test_informer__indexes_follow_nodes_and_owners) {
    struct scene s;
    setup(&s, &(struct informer_options){.kind = KIND(CORE_POD)});
    fake_put(s.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\",\"ownerReferences\":[{\"apiVersion\":\"v1\","
             "\"kind\":\"K\",\"name\":\"k\",\"uid\":\"u1\",\"controller\":true}]}}");
    sim_settle(s.sim);
    struct informer_snapshot before, after;
    informer_snapshot(s.nodes, &before);
    fake_put(s.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p\",\"namespace\":\"x\"},\"spec\":{\"nodeName\":\"n1\"}}");
    sim_settle(s.sim);
    informer_snapshot(s.nodes, &after);
    assert_non_null(cow_get(&before.by_node, S("/x/p")));
    assert_non_null(cow_get(&before.by_owner, S("u1/x/p")));
    assert_int_equal(cow_count(&after.by_owner), 0);
    assert_int_equal(cow_count(&after.by_node), 1);
    assert_non_null(cow_get(&after.by_node, S("n1/x/p")));
    assert_true(after.revision > before.revision);
    informer_snapshot_fini(&before);
    informer_snapshot_fini(&after);
    teardown(&s);
}

/* -- a source that forgets quickly -- */

struct forgetful {
    struct client client;
    struct informer_source source;
    struct mirror *mirror;
    uint64_t rv;
};

static struct mirror *mirror_of(const struct informer_source *s) {
    return ((const struct forgetful *)((const char *)s - offsetof(struct forgetful, source)))->mirror;
}

static int f_start(struct informer_source *s, void (*wake)(void *arg), void *arg, struct err *err) {
    (void)err;
    mirror_set_wake(mirror_of(s), wake, arg);
    mirror_replace(mirror_of(s), NULL, 0, 0);
    return 0;
}
static bool f_synced(const struct informer_source *s) {
    return mirror_synced(mirror_of(s));
}
static void f_snapshot(struct informer_source *s, struct informer_snapshot *ret) {
    mirror_snapshot(mirror_of(s), ret);
}
static int f_open(struct informer_source *s, struct loop *loop, void (*wake)(void *arg), void *arg,
                  struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err) {
    (void)loop;
    (void)err;
    *ret_cursor = mirror_cursor_open(mirror_of(s), wake, arg, ret_snapshot);
    return 0;
}
static void f_free(struct informer_source *s) {
    (void)s;
}
static int f_open_source(struct client *c, const struct informer_options *o, struct informer_source **ret,
                         struct err *err) {
    (void)o;
    (void)err;
    *ret = &((struct forgetful *)c)->source;
    return 0;
}
static void f_client_free(struct client *c) {
    (void)c;
}

/* What a listener believes is there: name -> revision it was told last. */
struct believer {
    struct informer_listener listener;
    struct map names;
};

static void on_belief(struct informer_listener *l, const struct informer_event *e) {
    struct believer *b = (struct believer *)l;
    struct map_entry *had = map_find(&b->names, e->object->meta->name);
    switch (e->type) {
    case INFORMER_ADDED: assert_null(had); break;
    case INFORMER_MODIFIED: assert_true(had && had->u64 < e->object->rv); break;
    case INFORMER_DELETED:
        assert_non_null(had);
        map_remove_entry(&b->names, had);
        return;
    }
    map_put_u64(&b->names, e->object->meta->name, e->object->rv);
}

static void change(struct forgetful *f, const char *name, bool remove) {
    struct arena a = ARENA_INIT;
    char rv[32], json[128];
    (void)snprintf(rv, sizeof rv, "%llu", (unsigned long long)++f->rv);
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\",\"resourceVersion\":\"%s\"}}", name,
                   rv);
    void *body;
    assert_ok(api_read_json(&a, &builtin, KIND(CORE_NODE)->type, str_from(json), NULL, &body, NULL), NULL);
    struct arena own = ARENA_INIT;
    body = api_copy(&own, &builtin, KIND(CORE_NODE)->type, body);
    arena_fini(&a);
    struct mirror_item item = mirror_freeze(KIND(CORE_NODE), body, &own);
    if (remove)
        mirror_remove(f->mirror, item.object);
    else
        mirror_put(f->mirror, &item);
}

static void assert_belief(const struct believer *b, struct forgetful *f) {
    struct informer_snapshot s;
    mirror_snapshot(f->mirror, &s);
    assert_int_equal(map_count(&b->names), cow_count(&s.tree));
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree)) {
        const struct map_entry *e = map_find(&b->names, item->key);
        assert_true(e && e->u64 == ((const struct object *)item->value)->rv);
    }
    informer_snapshot_fini(&s);
}

/* Events come faster than the ring keeps them; the believer still ends up with what is there, and is never
 * told of an addition of what it knows or a deletion of what it does not. */
TEST(test_informer__falling_behind_is_told_as_the_difference) {
    static const struct informer_source_ops ops = {
        f_start, f_synced, f_snapshot, f_open, mirror_cursor_next, mirror_cursor_close, f_free};
    static const struct client_ops client_ops = {.open_source = f_open_source, .free = f_client_free};
    struct sim *sim = sim_new(unit_seed(), 0);
    struct rand *r = sim_rand(sim);
    struct forgetful f = {.source = {.ops = &ops}, .mirror = mirror_new(KIND(CORE_NODE), 16)};
    client_init(&f.client, &client_ops, sim);
    struct informer *i;
    struct err err = ERR_INIT;
    assert_ok(informer_get(&f.client, &all_nodes, &i, &err), &err);
    struct loop *loop = sim_loop_new(sim, "test");
    struct believer b = {.listener = {.loop = loop, .on_event = on_belief}, .names = MAP_INIT_OWNING};
    informer_listen(i, &b.listener);
    for (int round = 0; round < 400; round++) {
        uint64_t n = rand_below(r, 30);
        for (uint64_t k = 0; k < n; k++) {
            char name[8];
            (void)snprintf(name, sizeof name, "n%d", (int)rand_below(r, 20));
            change(&f, name, rand_chance(r, 0.4));
            if (rand_chance(r, 0.2))
                (void)sim_step(sim);
        }
        if (rand_chance(r, 0.6)) {
            sim_settle(sim);
            assert_belief(&b, &f);
        }
    }
    sim_settle(sim);
    assert_belief(&b, &f);
    informer_unlisten(i, &b.listener);
    informer_unref(i);
    client_free(&f.client);
    mirror_free(f.mirror);
    map_fini(&b.names);
    loop_free(loop);
    sim_free(sim);
}

/* The same with the fake's faults: delayed events and lost watches. */
TEST(test_informer__ends_up_right_in_spite_of_faults) {
    struct scene s;
    setup(&s, &all_nodes);
    fake_set_faults(s.fake, &(struct fake_faults){.watch_delay_ns = NS_PER_SEC, .watch_cut = 0.1});
    struct believer b = {.listener = {.loop = s.loop, .on_event = on_belief}, .names = MAP_INIT_OWNING};
    informer_listen(s.nodes, &b.listener);
    struct rand *r = sim_rand(s.sim);
    for (int k = 0; k < 1000; k++) {
        char name[8];
        (void)snprintf(name, sizeof name, "n%d", (int)rand_below(r, 20));
        if (rand_chance(r, 0.4))
            fake_remove(s.fake, KIND(CORE_NODE), "", name);
        else
            put(&s, name, "1");
        if (rand_chance(r, 0.1))
            sim_run_ns(s.sim, 300 * NS_PER_MS);
    }
    sim_run_ns(s.sim, 2 * NS_PER_SEC);
    assert_int_equal(map_count(&b.names), fake_count(s.fake, KIND(CORE_NODE)));
    informer_unlisten(s.nodes, &b.listener);
    map_fini(&b.names);
    teardown(&s);
}

/* -- threads -- */

struct counter_ear {
    struct informer_listener listener;
    struct waiter done;
    int wanted;
    struct informer *informer;
};

static void on_count(struct informer_listener *l, const struct informer_event *e) {
    struct counter_ear *c = (struct counter_ear *)l;
    if (e->type == INFORMER_ADDED && --c->wanted == 0)
        waiter_signal(&c->done);
}

static void listen_there(void *arg) {
    struct counter_ear *c = arg;
    informer_listen(c->informer, &c->listener);
}

static void unlisten_there(void *arg) {
    struct counter_ear *c = arg;
    informer_unlisten(c->informer, &c->listener);
    waiter_signal(&c->done);
}

TEST(test_informer__works_between_threads) {
    struct fake *f = fake_new(NULL);
    struct err err = ERR_INIT;
    struct loop *loop;
    assert_ok(loop_start(&(struct loop_options){.name = "test"}, &loop, &err), &err);
    struct counter_ear c = {.listener = {.loop = loop, .on_event = on_count}, .wanted = 500};
    waiter_init(&c.done, NULL);
    assert_ok(informer_get(fake_client(f), &all_nodes, &c.informer, &err), &err);
    assert_ok(loop_call(loop, listen_there, &c), &err);
    for (int i = 0; i < 500; i++) {
        char json[64];
        (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"n%d\"}}", i);
        fake_put(f, KIND(CORE_NODE), json);
    }
    assert_true(waiter_wait_ns(&c.done, 60 * NS_PER_SEC));
    assert_ok(informer_wait_synced(c.informer, 60 * NS_PER_SEC, &err), &err);
    waiter_fini(&c.done);
    waiter_init(&c.done, NULL);
    assert_ok(loop_call(loop, unlisten_there, &c), &err);
    waiter_wait(&c.done);
    waiter_fini(&c.done);
    informer_unref(c.informer);
    loop_stop(loop);
    fake_free(f);
}
