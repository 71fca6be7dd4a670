/* api/managed: what holds for any sequence of writes by any managers. */
#include "apply_world.h"
#include "thing.h"

#include "api/apply.h"
#include "base/buf.h"
#include "base/rand.h"
#include "codec/json.h"
#include "unit/unit.h"

#define ROUNDS 60
#define WRITES 12

static struct rand_seeded seeded;
static struct rand *r;
static bool wild; /* nulls and empty values, too */

static uint32_t below(uint32_t n) {
    return (uint32_t)rand_below(r, n);
}

static void put(struct arena *a, struct jobject *o, const char *key, struct jval v) {
    jobject_set(a, o, str_from(key), v);
}

static struct jval small_map(struct arena *a) {
    static const char *const keys[] = {"p", "q", "s", "t"};
    struct jobject o = {0};
    for (size_t i = 0; i < 4; i++)
        if (below(2))
            put(a, &o, keys[i], jval_str(below(3) ? S("1") : S("2")));
    if (!o.n)
        put(a, &o, "p", jval_str(S("1")));
    return jobject_done(&o);
}

static struct jval sub(struct arena *a) {
    struct jobject o = {0};
    put(a, &o, "x", jval_int(below(2)));
    if (below(2))
        put(a, &o, "y", jval_int(below(2)));
    return jobject_done(&o);
}

/* A list of distinct numbers in any order. */
static struct jval tags(struct arena *a) {
    struct jval *items = arena_new_n(a, 5, struct jval);
    uint32_t n = 0, start = below(5), step = 1 + below(4);
    for (uint32_t i = 0; i < 5; i++)
        if (below(2) || !n)
            items[n++] = jval_int((start + i * step) % 5);
    return jval_array(items, n);
}

static struct jval items(struct arena *a) {
    static const char *const names[] = {"i", "j", "k", "l"};
    struct jval *v = arena_new_n(a, 4, struct jval);
    uint32_t n = 0, start = below(4);
    for (uint32_t i = 0; i < 4; i++) {
        if (below(2) && n)
            continue;
        struct jobject o = {0};
        put(a, &o, "name", jval_str(str_from(names[(start + i) % 4])));
        if (below(2))
            put(a, &o, "value", jval_int(below(2)));
        if (below(3) == 0)
            put(a, &o, "sub", sub(a));
        v[n++] = jobject_done(&o);
    }
    return jval_array(v, n);
}

static struct jval ports(struct arena *a) {
    struct jval *v = arena_new_n(a, 2, struct jval);
    for (uint32_t i = 0; i < 2; i++) {
        struct jobject o = {0};
        put(a, &o, "port", jval_int(80 + i));
        if (below(2))
            put(a, &o, "protocol", jval_str(S("TCP")));
        if (below(2))
            put(a, &o, "name", jval_str(below(2) ? S("a") : S("b")));
        v[i] = jobject_done(&o);
    }
    return jval_array(v, 1 + below(2));
}

/* Puts null, {} or [] where something else could stand. */
static void go_wild(struct arena *a, struct jobject *o) {
    static const char *const maps[] = {"labels", "options", "struct", "free", "frozen", "subs"};
    static const char *const lists[] = {"tags", "order", "items", "ports"};
    if (below(3) == 0)
        put(a, o, maps[below(6)], below(2) ? jval_null() : jval_object(NULL, 0));
    if (below(3) == 0)
        put(a, o, lists[below(4)], below(2) ? jval_null() : jval_array(NULL, 0));
    if (below(6) == 0)
        put(a, o, below(2) ? "number" : "text", jval_null());
}

static struct jval spec(struct arena *a) {
    struct jobject o = {0};
    put(a, &o, "number", jval_int(below(2)));
    if (below(2))
        put(a, &o, "text", jval_str(below(2) ? S("a") : S("b")));
    if (below(2))
        put(a, &o, "labels", small_map(a));
    if (below(3) == 0)
        put(a, &o, "options", small_map(a));
    if (below(2))
        put(a, &o, "struct", sub(a));
    if (below(2))
        put(a, &o, "tags", tags(a));
    if (below(3) == 0)
        put(a, &o, "order", tags(a));
    if (below(2))
        put(a, &o, "items", items(a));
    if (below(3) == 0)
        put(a, &o, "ports", ports(a));
    if (below(3) == 0)
        put(a, &o, "free", sub(a));
    if (wild)
        go_wild(a, &o);
    return jobject_done(&o);
}

static struct jval thing(struct arena *a) {
    struct jobject o = {0};
    put(a, &o, "apiVersion", jval_str(S("x.io/v1")));
    struct jval s = spec(a);
    if (below(3))
        s = jval_without(a, &s, S("number"));
    if (s.n)
        put(a, &o, "spec", s);
    if (below(3) == 0) {
        struct jval labels = small_map(a);
        struct jval meta = jval_with(a, NULL, S("labels"), labels);
        put(a, &o, "metadata", meta);
    }
    return jobject_done(&o);
}

static const char *text_of(struct world *w, const struct jval *v) {
    _cleanup_buf struct buf out = BUF_INIT;
    json_write(&out, v);
    return buf_to_arena(&out, &w->a).p;
}

static const char *const managers[] = {"a", "b", "c"};

static void start(struct world *w, uint64_t round) {
    wild = false;
    world_init(w, thing_pos(), "x.io/v1");
    r = rand_seeded_init(&seeded, unit_seed() * 1000 + round);
}

static bool random_apply(struct world *w, bool force, const struct jval **ret_config) {
    struct jval *config = arena_new(&w->a, struct jval);
    *config = thing(&w->a);
    *ret_config = config;
    int rc = world_apply_rc(w, managers[below(3)], text_of(w, config), force);
    assert_true(rc == 0 || (rc == ERR_CONFLICT && !force));
    return rc == 0;
}

static void random_update(struct world *w) {
    struct jval object = thing(&w->a);
    if (w->live && jval_path(w->live, "metadata.managedFields"))
        object = managed_set_tree(&w->a, &object, world_entries(w));
    world_update(w, below(2) ? "u" : "v", text_of(w, &object));
}

static void random_write(struct world *w) {
    const struct jval *config;
    if (below(3) == 0)
        random_update(w);
    else
        random_apply(w, below(2), &config);
}

static struct ref live_ref(struct world *w) {
    return ref_tree_at(w->pos, w->live);
}

/* Every path there is in the object. */
static struct fieldset all_paths(struct world *w) {
    struct jval empty = jval_object(NULL, 0);
    return fieldset_compare(&w->a, ref_tree_at(w->pos, &empty), live_ref(w)).added;
}

static struct fieldset set_of(struct world *w, const struct meta_managed_fields_entry *e) {
    struct fieldset set;
    assert_ok(fieldset_read(&w->a, e->fields_v1, &set, NULL), NULL);
    return set;
}

static void apply_again(bool with_nulls) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w;
        start(&w, round);
        wild = with_nulls;
        for (int i = 0; i < WRITES; i++) {
            const struct jval *config;
            random_write(&w);
            if (!random_apply(&w, below(2), &config))
                continue;
            struct str manager = w.req.manager;
            struct meta_managed_fields_entry_array before = world_entries(&w);
            const struct jval *live = w.live;
            world_apply(&w, manager.p, text_of(&w, config));
            assert_false(w.last.object_changed);
            assert_false(w.last.entries_changed);
            assert_true(jval_equal(live, w.live));
            assert_true(managed_same(before, world_entries(&w)));
        }
        world_fini(&w);
    }
}

TEST(test_apply_property__applying_again_changes_nothing) {
    apply_again(false);
}

TEST(test_apply_property__applying_nulls_again_changes_nothing) {
    apply_again(true);
}

TEST(test_apply_property__what_is_applied_is_there_and_owned) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w;
        start(&w, round);
        for (int i = 0; i < WRITES; i++) {
            const struct jval *config;
            random_write(&w);
            if (!random_apply(&w, below(2), &config))
                continue;
            struct ref applied = ref_tree_at(w.pos, config);
            struct jval merged = apply_merge(&w.a, live_ref(&w), applied);
            assert_true(ref_equal(ref_tree_at(w.pos, &merged), live_ref(&w)));
            struct fieldset wanted = fieldset_of(&w.a, applied), version = {0};
            fieldset_insert_names(&w.a, &version, "apiVersion");
            wanted = fieldset_difference(&w.a, &wanted, &version);
            struct meta_managed_fields_entry_array e = world_entries(&w);
            bool found = fieldset_empty(&wanted);
            for (uint32_t k = 0; k < e.n; k++) {
                if (!str_eq(e.v[k].manager, w.req.manager) || !str_eq(e.v[k].operation, S("Apply")))
                    continue;
                struct fieldset set = set_of(&w, &e.v[k]);
                assert_true(fieldset_equal(&set, &wanted));
                found = true;
            }
            assert_true(found);
        }
        world_fini(&w);
    }
}

static void owned_is_there(bool with_nulls) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w;
        start(&w, round);
        wild = with_nulls;
        for (int i = 0; i < WRITES; i++) {
            random_write(&w);
            if (!w.live)
                continue;
            struct fieldset there = all_paths(&w);
            struct meta_managed_fields_entry_array e = world_entries(&w);
            for (uint32_t k = 0; k < e.n; k++) {
                struct fieldset set = set_of(&w, &e.v[k]);
                assert_false(fieldset_empty(&set));
                assert_true(fieldset_covers(&there, &set));
            }
        }
        world_fini(&w);
    }
}

TEST(test_apply_property__what_is_owned_is_there) {
    owned_is_there(false);
}

TEST(test_apply_property__what_is_owned_is_there_with_nulls) {
    owned_is_there(true);
}

/* All leaves came from somebody, so somebody owns each of them. */
TEST(test_apply_property__what_is_there_is_owned) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w;
        start(&w, round);
        for (int i = 0; i < WRITES; i++) {
            random_write(&w);
            if (!w.live || !world_entries(&w).n)
                continue;
            struct fieldset leaves = fieldset_of(&w.a, live_ref(&w)), owned = {0};
            struct meta_managed_fields_entry_array e = world_entries(&w);
            for (uint32_t k = 0; k < e.n; k++) {
                struct fieldset set = set_of(&w, &e.v[k]);
                owned = fieldset_union(&w.a, &owned, &set);
            }
            fieldset_insert_names(&w.a, &owned, "apiVersion");
            struct fieldset managed = {0};
            fieldset_insert_names(&w.a, &managed, "metadata.managedFields");
            leaves = fieldset_difference(&w.a, &leaves, &managed);
            leaves = fieldset_leaves(&w.a, &leaves);
            struct fieldset lost = fieldset_difference(&w.a, &leaves, &owned);
            _cleanup_buf struct buf text = BUF_INIT;
            fieldset_write(&text, &lost);
            assert_str(buf_view(&text), "{}");
        }
        world_fini(&w);
    }
}

TEST(test_apply_property__others_lose_nothing_without_force) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w;
        start(&w, round);
        for (int i = 0; i < WRITES; i++) {
            const struct jval *config;
            /* Appliers only: an updater may own a field of an item that an applier owns, and lose it with it.
             */
            if (!w.live || below(3))
                if (!random_apply(&w, false, &config))
                    continue;
            struct meta_managed_fields_entry_array before = world_entries(&w);
            struct ref old = live_ref(&w);
            if (!random_apply(&w, false, &config))
                continue;
            struct fieldset_diff d = fieldset_compare(&w.a, old, live_ref(&w));
            struct fieldset changed = fieldset_union(&w.a, &d.removed, &d.modified);
            for (uint32_t k = 0; k < before.n; k++) {
                if (str_eq(before.v[k].manager, w.req.manager))
                    continue;
                struct fieldset set = set_of(&w, &before.v[k]);
                assert_false(fieldset_overlaps(&set, &changed));
            }
        }
        world_fini(&w);
    }
}

TEST(test_apply_property__applying_and_giving_up_leaves_no_trace) {
    for (uint64_t round = 0; round < ROUNDS * 4; round++) {
        struct world w;
        start(&w, round);
        for (int i = 0; i < 4; i++)
            random_write(&w);
        if (w.live) {
            struct meta_managed_fields_entry_array before = world_entries(&w);
            const struct jval *live = w.live;
            struct jval config = thing(&w.a);
            if (before.n && world_apply_rc(&w, "passer-by", text_of(&w, &config), false) == 0) {
                world_apply(&w, "passer-by", "{}");
                struct fieldset_diff d = fieldset_compare(&w.a, ref_tree_at(w.pos, live), live_ref(&w));
                assert_true(fieldset_diff_empty(&d));
                assert_true(managed_same(before, world_entries(&w)));
            }
        }
        world_fini(&w);
    }
}
