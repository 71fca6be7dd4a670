/* Every kind, filled at random: struct → tree → YAML → tree → struct without loss. */
#include "api/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/yaml.h"
#include "fill.h"
#include "unit/unit.h"

static void round_trip(uint32_t type, const struct fill_options *options) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    void *back = NULL;
    struct jval read;
    const void *object = fill_object(&a, &builtin, type, options);
    struct jval tree = api_to_tree(&a, &builtin, type, object);
    yaml_write(&text, &tree);
    assert_ok(yaml_parse(&a, buf_view(&text), NULL, NULL, &read, &err), &err);
    if (!jval_equal(&tree, &read))
        fail_msg("%.*s: the tree differs", STR_ARG(ty_name(&builtin, builtin.types[type].name)));
    assert_ok(api_from_tree(&a, &builtin, type, &read, NULL, &back, &err), &err);
    struct jval again = api_to_tree(&a, &builtin, type, back);
    if (!jval_equal(&tree, &again))
        fail_msg("%.*s: the object differs", STR_ARG(ty_name(&builtin, builtin.types[type].name)));
}

TEST(test_yaml_round_trip__every_kind_comes_back) {
    for (uint32_t type = 1; type < builtin.n_types; type++) {
        if (!(builtin.types[type].flags & TYPE_ROOT))
            continue;
        for (uint64_t seed = 1; seed <= 2; seed++)
            round_trip(type, &(struct fill_options){.depth = 4,
                                                    .presence = seed == 1 ? 1 : 0.5,
                                                    .seed = unit_seed() * 1000 + seed * 7 + type});
    }
}
