/* References over upstream's vectors: a packed object and the tree of its JSON look the same. */
#include "unit/unit.h"

#include "api/equal.h"
#include "api/fieldset.h"
#include "api/json.h"
#include "api/managed.h"
#include "base/arena.h"
#include "base/buf.h"
#include "golden/golden.h"

struct both {
    const char *name;
    struct ref packed, tree;
};

/* Object i of each vector whose type is in the schema, filled or empty. */
static bool load(struct arena *a, const struct golden *v, bool filled, struct both *ret) {
    void *object;
    struct str text = filled ? v->json : S("{}");
    struct err err = ERR_INIT;
    if (!v->own)
        return false;
    assert_ok(api_read_json(a, &builtin, v->type, text, NULL, &object, &err), &err);
    _cleanup_buf struct buf out = BUF_INIT;
    api_write_json(&out, &builtin, v->type, object);
    struct jval *tree = arena_new(a, struct jval);
    assert_ok(json_parse(a, buf_to_arena(&out, a), NULL, NULL, tree, &err), &err);
    *ret = (struct both){v->name, ref_packed(&builtin, v->type, object),
                         ref_tree_at(pos_type(&builtin, v->type), tree)};
    return true;
}

/* Calls check on each, filled and empty. */
static void each(void (*check_one)(struct arena *a, const struct both *b)) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all), seen = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        struct both b;
        if (!load(&a, &all[i / 2], i % 2, &b))
            continue;
        check_one(&a, &b);
        seen++;
    }
    assert_true(seen > 200);
}

static void look_alike(struct arena *a, const struct both *b) {
    struct jval v = ref_tree(b->packed, a);
    if (!jval_equal(&v, b->tree.p)) {
        _cleanup_buf struct buf out = BUF_INIT;
        json_write(&out, &v);
        fail_msg("%s: %.*s", b->name, STR_ARG(buf_view(&out)));
    }
    assert_true(ref_equal(b->packed, b->tree) && ref_equal(b->tree, b->packed));
}

TEST(test_golden_ref__packed_looks_like_its_json) {
    each(look_alike);
}

static void same_fields(struct arena *a, const struct both *b) {
    struct fieldset x = fieldset_of(a, b->packed), y = fieldset_of(a, b->tree), back;
    if (!fieldset_equal(&x, &y))
        fail_msg("%s: other fields", b->name);
    struct fieldset_diff d = fieldset_compare(a, b->packed, b->tree);
    if (!fieldset_diff_empty(&d))
        fail_msg("%s: differs from itself", b->name);
    _cleanup_buf struct buf out = BUF_INIT;
    fieldset_write(&out, &x);
    assert_ok(fieldset_read(a, buf_view(&out), &back, NULL), NULL);
    if (!fieldset_equal(&x, &back))
        fail_msg("%s: its fields do not come back", b->name);
}

TEST(test_golden_ref__same_fields_in_both_forms) {
    each(same_fields);
}

static void all_is_added(struct arena *a, const struct both *b) {
    struct jval empty = jval_object(NULL, 0);
    struct fieldset_diff x = fieldset_compare(a, ref_tree_at(b->tree.pos, &empty), b->packed);
    struct fieldset_diff y = fieldset_compare(a, b->tree, ref_tree_at(b->tree.pos, &empty));
    struct fieldset all = fieldset_of(a, b->packed);
    if (!fieldset_covers(&x.added, &all) || !fieldset_equal(&x.added, &y.removed))
        fail_msg("%s: not all of it is added", b->name);
    assert_true(fieldset_empty(&x.removed) && fieldset_empty(&x.modified) && fieldset_empty(&y.added));
}

TEST(test_golden_ref__all_of_a_new_object_is_added) {
    each(all_is_added);
}

static void copies_are_equal(struct arena *a, const struct both *b) {
    const struct ty_set *set = b->packed.pos.set;
    uint32_t type = b->packed.pos.type;
    const void *copy = api_copy(a, set, type, b->packed.p);
    assert_true(api_equal(set, type, b->packed.p, copy));
    assert_true(api_hash(set, type, b->packed.p) == api_hash(set, type, copy));
    struct ref r = ref_packed(set, type, copy);
    assert_true(ref_same(&b->packed, &r));
}

TEST(test_golden_ref__copies_are_equal) {
    each(copies_are_equal);
}

/* Identity, which nobody owns, stays. */
static struct fieldset without_untracked_fields(struct arena *a, const struct fieldset *set) {
    static const char *const untracked[] = {"apiVersion",
                                            "kind",
                                            "metadata.name",
                                            "metadata.namespace",
                                            "metadata.uid",
                                            "metadata.creationTimestamp",
                                            "metadata.selfLink",
                                            "metadata.generation",
                                            "metadata.resourceVersion"};
    struct fieldset names = {0};
    for (size_t i = 0; i < sizeof untracked / sizeof *untracked; i++)
        fieldset_insert_names(a, &names, untracked[i]);
    return fieldset_difference(a, set, &names);
}

static void applied_and_given_up(struct arena *a, const struct both *b) {
    struct jval config = managed_set_tree(a, b->tree.p, (struct meta_managed_fields_entry_array){0});
    struct managed_request req = {.manager = S("m"), .api_version = jval_get_str(&config, S("apiVersion"))};
    struct managed_result first, second, last;
    struct err err = ERR_INIT;
    if (str_empty(req.api_version) || !ty_find(b->tree.pos.set, b->tree.pos.type, S("metadata")))
        return;
    req.config = ref_tree_at(b->tree.pos, &config);
    if (managed_apply(a, &req, &first, &err) < 0)
        fail_msg("%s: %s", b->name, err.msg);
    assert_true(jval_equal(&first.object, &config));

    struct jval live = managed_set_tree(a, &first.object, first.entries);
    req.before = ref_tree_at(b->tree.pos, &live);
    assert_ok(managed_apply(a, &req, &second, &err), &err);
    assert_true(!second.object_changed && !second.entries_changed);

    struct jval nothing = jval_with(a, NULL, S("apiVersion"), *jval_get(&config, S("apiVersion")));
    req.config = ref_tree_at(b->tree.pos, &nothing);
    assert_ok(managed_apply(a, &req, &last, &err), &err);
    assert_int_equal(last.entries.n, 0);
    struct fieldset left = fieldset_of(a, ref_tree_at(b->tree.pos, &last.object));
    left = without_untracked_fields(a, &left);
    if (!fieldset_empty(&left))
        fail_msg("%s: something is left", b->name);
}

TEST(test_golden_ref__applied_and_given_up) {
    each(applied_and_given_up);
}
