/* Tests of ControllerRevisions: names, numbers, collisions, history. On the fake. */
#include "client/revision.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "client/reconciler_priv.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct client *client;
    struct object *parent;
    struct arena arena;
};

#define SET(image)                                                                                           \
    "{\"metadata\":{\"name\":\"web\",\"namespace\":\"x\",\"uid\":\"u1\"},\"spec\":{\"template\":{"           \
    "\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":"       \
    "\"" image "\"}]}}}}"

static void setup(struct scene *s) {
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
    s->client = fake_client(s->fake);
    fake_put(s->fake, KIND(APPS_STATEFUL_SET), SET("one"));
    s->parent = fake_get(s->fake, KIND(APPS_STATEFUL_SET), "x", "web");
    arena_init(&s->arena);
}

static void teardown(struct scene *s) {
    object_unref(s->parent);
    arena_fini(&s->arena);
    fake_free(s->fake);
    sim_free(s->sim);
}

static struct object *create(struct scene *s, const char *data, int64_t number) {
    struct err err = ERR_INIT;
    struct apps_controller_revision r;
    struct opt_i32 collisions = {0};
    struct object *o;
    revision_make(&s->arena, s->parent, (struct str_map){0}, str_from(data), number, collisions, &r);
    assert_ok(revision_create(s->client, &s->arena, s->parent, &r, &collisions, &o, &err), &err);
    return o;
}

TEST(test_revision__template_hash_depends_on_template_and_collisions) {
    struct scene s;
    setup(&s);
    const struct apps_stateful_set *set = s.parent->body;
    struct core_pod_template_spec t = set->spec.template;
    struct str one = pod_template_hash(&s.arena, &t, (struct opt_i32){0});
    assert_true(one.n >= 1 && one.n <= 10);
    assert_str_equal(pod_template_hash(&s.arena, &t, (struct opt_i32){0}), one);
    assert_false(str_eq(pod_template_hash(&s.arena, &t, (struct opt_i32){1, true}), one));
    t.spec.node_name = S("n");
    assert_false(str_eq(pod_template_hash(&s.arena, &t, (struct opt_i32){0}), one));
    teardown(&s);
}

TEST(test_revision__data_puts_the_template_back) {
    struct scene s;
    setup(&s);
    struct err err = ERR_INIT;
    struct str data = revision_data_of(&s.arena, s.parent);
    assert_true(str_find(data, S("\"$patch\":\"replace\"")) > 0);
    fake_put(s.fake, KIND(APPS_STATEFUL_SET), SET("two"));
    struct object *later = fake_get(s.fake, KIND(APPS_STATEFUL_SET), "x", "web");
    void *body;
    assert_ok(revision_apply(&s.arena, later, data, &body, &err), &err);
    const struct apps_stateful_set *set = body;
    assert_str(set->spec.template.spec.containers.v[0].image, "one");
    assert_int_equal(set->spec.template.spec.containers.n, 1);
    object_unref(later);
    teardown(&s);
}

TEST(test_revision__is_named_labelled_and_owned) {
    struct scene s;
    setup(&s);
    struct str_entry label = {S("app"), S("web")};
    struct apps_controller_revision r;
    revision_make(&s.arena, s.parent, (struct str_map){&label, 1}, S("{}"), 3, (struct opt_i32){0}, &r);
    struct str hash = str_map_get(r.metadata.labels, S(REVISION_HASH_LABEL));
    assert_true(hash.n > 0);
    assert_str(r.metadata.name, arena_printf(&s.arena, "web-%.*s", STR_ARG(hash)).p);
    assert_str(str_map_get(r.metadata.labels, S("app")), "web");
    assert_true(meta_is_controlled_by(&r.metadata, S("u1")));
    assert_int_equal(r.revision, 3);
    teardown(&s);
}

TEST(test_revision__creating_the_same_again_is_the_same) {
    struct scene s;
    setup(&s);
    struct object *one = create(&s, "{\"a\":1}", 1), *two = create(&s, "{\"a\":1}", 1);
    assert_str_equal(one->meta->uid, two->meta->uid);
    assert_int_equal(fake_count(s.fake, KIND(APPS_CONTROLLER_REVISION)), 1);
    object_unref(one);
    object_unref(two);
    teardown(&s);
}

TEST(test_revision__another_with_its_name_makes_it_take_the_next) {
    struct scene s;
    setup(&s);
    struct err err = ERR_INIT;
    struct apps_controller_revision r;
    struct opt_i32 collisions = {0};
    revision_make(&s.arena, s.parent, (struct str_map){0}, S("{\"a\":1}"), 1, collisions, &r);
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%.*s\",\"namespace\":\"x\"},\"data\":{\"b\":1}}",
                   STR_ARG(r.metadata.name));
    fake_put(s.fake, KIND(APPS_CONTROLLER_REVISION), json);
    struct object *o;
    assert_ok(revision_create(s.client, &s.arena, s.parent, &r, &collisions, &o, &err), &err);
    assert_true(collisions.set && collisions.v == 1);
    assert_int_equal(fake_count(s.fake, KIND(APPS_CONTROLLER_REVISION)), 2);
    object_unref(o);
    teardown(&s);
}

TEST(test_revision__history_is_sorted_numbered_and_searched) {
    struct scene s;
    setup(&s);
    struct object *made[] = {create(&s, "{\"a\":3}", 3), create(&s, "{\"a\":1}", 1),
                             create(&s, "{\"a\":2}", 2)};
    const struct object *v[] = {made[0], made[1], made[2]};
    assert_int_equal(revisions_next(v, 0), 1);
    revisions_sort(v, 3);
    assert_int_equal(revision_of(v[0])->revision, 1);
    assert_int_equal(revisions_next(v, 3), 4);
    assert_ptr_equal(revisions_find(v, 3, revision_of(made[2])), made[2]);
    struct apps_controller_revision other = *revision_of(made[2]);
    other.data = S("{}");
    assert_null(revisions_find(v, 3, &other));
    for (int i = 0; i < 3; i++)
        object_unref(made[i]);
    teardown(&s);
}

TEST(test_revision__renumber_writes_only_what_differs) {
    struct scene s;
    setup(&s);
    struct err err = ERR_INIT;
    struct object *one = create(&s, "{\"a\":1}", 1), *same, *other;
    fake_calls_clear(s.fake);
    assert_ok(revision_renumber(s.client, &s.arena, one, 1, &same, &err), &err);
    assert_string_equal(fake_calls(s.fake), "");
    assert_ok(revision_renumber(s.client, &s.arena, one, 7, &other, &err), &err);
    assert_int_equal(revision_of(other)->revision, 7);
    object_unref(one);
    object_unref(same);
    object_unref(other);
    teardown(&s);
}

TEST(test_revision__oldest_unused_are_deleted) {
    struct scene s;
    setup(&s);
    struct err err = ERR_INIT;
    struct object *made[5];
    const struct object *v[5];
    for (int i = 0; i < 5; i++) {
        char data[32];
        (void)snprintf(data, sizeof data, "{\"a\":%d}", i);
        v[i] = made[i] = create(&s, data, i + 1);
    }
    const struct str in_use[] = {v[0]->meta->name, str_map_get(v[4]->meta->labels, S(REVISION_HASH_LABEL))};
    assert_ok(revisions_truncate(s.client, v, 5, in_use, 2, 1, &err), &err);
    assert_int_equal(fake_count(s.fake, KIND(APPS_CONTROLLER_REVISION)), 3);
    for (int i = 0; i < 5; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(v[i]->meta->name));
        struct object *o = fake_get(s.fake, KIND(APPS_CONTROLLER_REVISION), "x", name);
        assert_true((o != NULL) == (i == 0 || i == 3 || i == 4));
        object_unref(o);
        object_unref(made[i]);
    }
    teardown(&s);
}

TEST(test_revision__world_shows_those_of_a_parent) {
    struct scene s;
    setup(&s);
    struct err err = ERR_INIT;
    object_unref(create(&s, "{\"a\":2}", 2));
    object_unref(create(&s, "{\"a\":1}", 1));
    fake_put(s.fake, KIND(APPS_CONTROLLER_REVISION),
             "{\"metadata\":{\"name\":\"alien\",\"namespace\":\"x\"}}");
    struct informer *i;
    assert_ok(
        informer_get(s.client, &(struct informer_options){.kind = KIND(APPS_CONTROLLER_REVISION)}, &i, &err),
        &err);
    assert_ok(informer_wait_synced(i, NS_PER_SEC, &err), &err);
    struct world w;
    world_init(&w, &i, 1, &s.arena);
    const struct object **v;
    assert_int_equal(revisions_owned(&s.arena, &w, s.parent, &v), 2);
    assert_int_equal(revision_of(v[0])->revision, 1);
    world_fini(&w);
    informer_unref(i);
    teardown(&s);
}
