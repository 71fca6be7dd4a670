/* Random objects of every message type through protobuf; writing in particular; the envelope. */
#include "proto_test.h"

#include "api/equal.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "fill.h"

static const char *name_of(uint32_t type) {
    static char name[200];
    const struct ty_type *t = &builtin.types[type];
    snprintf(name, sizeof name, "%.*s %.*s", STR_ARG(ty_name(&builtin, builtin.gvs[t->gv].prefix)),
             STR_ARG(ty_name(&builtin, t->name)));
    return name;
}

/* Whether protobuf carries the whole type, as far as `depth` messages in: configuration and apiVersion and
 * kind of inner objects it does not. */
static bool carried(uint32_t type, unsigned depth) {
    const struct ty_field *rows = ty_fields(&builtin, type);
    for (uint32_t i = 0; i < builtin.types[type].n; i++) {
        if (rows[i].flags & FIELD_FLAT)
            continue;
        if (rows[i].number == 0 || rows[i].leaf == LEAF_ANY)
            return false;
        if (rows[i].leaf == LEAF_MESSAGE && depth && !carried(rows[i].type, depth - 1))
            return false;
    }
    return true;
}

/* Root objects carry apiVersion and kind in their envelope. */
static void copy_type_meta(uint32_t type, void *to, const void *from) {
    const char *const names[] = {"apiVersion", "kind"};
    for (int i = 0; i < 2; i++) {
        const struct ty_field *f = ty_find(&builtin, type, str_from(names[i]));
        if (f && f->flags & FIELD_FLAT && f->leaf == LEAF_STRING)
            *(struct str *)((char *)to + f->offset) = *(const struct str *)((const char *)from + f->offset);
    }
}

static bool carried_root(uint32_t type) {
    const struct ty_field *rows = ty_fields(&builtin, type);
    for (uint32_t i = 0; i < builtin.types[type].n; i++)
        if (!(rows[i].flags & (FIELD_FLAT | FIELD_INLINE)) &&
            (rows[i].number == 0 || (rows[i].leaf == LEAF_MESSAGE && !carried(rows[i].type, 5))))
            return false;
    return true;
}

/* Every type that is on the wire at all, filled in different ways. */
static unsigned each(const struct fill_options *fill, void (*check_one)(uint32_t type, const void *object)) {
    unsigned n = 0;
    for (uint32_t type = 1; type < builtin.n_types; type++) {
        if (builtin.types[type].n && builtin.wire_first[type] == builtin.wire_first[type + 1])
            continue;
        _cleanup_arena struct arena a = ARENA_INIT;
        struct fill_options options = *fill;
        options.seed = unit_seed() * 7919 + type;
        check_one(type, fill_object(&a, &builtin, type, &options));
        n++;
    }
    return n;
}

static void *again(struct arena *a, uint32_t type, const void *object, struct buf *bytes) {
    void *back = NULL;
    struct err err = ERR_INIT;
    api_write_proto(bytes, &builtin, type, object);
    if (api_read_proto(a, &builtin, type, buf_view(bytes), true, &back, &err))
        fail_msg("%s: %s", name_of(type), err.msg);
    return back;
}

static void comes_back_equal(uint32_t type, const void *object) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf bytes = BUF_INIT;
    if (!carried_root(type))
        return;
    void *back = again(&a, type, object, &bytes);
    copy_type_meta(type, back, object);
    if (!api_equal(&builtin, type, back, object))
        fail_msg("%s does not come back", name_of(type));
    assert_int_equal(api_proto_size(&builtin, type, object), bytes.n);
}

static void settles(uint32_t type, const void *object) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
    const void *back = again(&a, type, object, &first), *twice = again(&a, type, back, &second);
    if (!str_eq(buf_view(&first), buf_view(&second)))
        fail_msg("%s: the second writing differs", name_of(type));
    if (!api_equal(&builtin, type, back, twice))
        fail_msg("%s: the second reading differs", name_of(type));
}

TEST(test_proto_round_trip__full_objects_come_back_equal) {
    unsigned n = each(&(struct fill_options){.depth = 4, .presence = 1}, comes_back_equal);
    assert_true(n > 1000);
}

TEST(test_proto_round_trip__partial_objects_come_back_equal) {
    each(&(struct fill_options){.depth = 5, .presence = 0.5}, comes_back_equal);
    each(&(struct fill_options){.depth = 3, .presence = 0.1, .items_max = 20}, comes_back_equal);
}

TEST(test_proto_round_trip__objects_with_empty_parts_settle) {
    each(&(struct fill_options){.depth = 5, .presence = 1, .emptiness = 0.5}, settles);
    each(&(struct fill_options){.depth = 5, .presence = 0.5, .emptiness = 1}, settles);
}

static void bit_flips(uint32_t type, const void *object) {
    _cleanup_buf struct buf bytes = BUF_INIT;
    api_write_proto(&bytes, &builtin, type, object);
    for (size_t i = 0; i < bytes.n; i += 1 + bytes.n / 40) {
        _cleanup_arena struct arena a = ARENA_INIT;
        void *back;
        bytes.p[i] ^= (char)(1 << i % 8);
        if (!api_read_proto(&a, &builtin, type, buf_view(&bytes), true, &back, NULL)) {
            _cleanup_buf struct buf out = BUF_INIT;
            api_write_proto(&out, &builtin, type, back);
        }
        bytes.p[i] ^= (char)(1 << i % 8);
    }
}

TEST(test_proto_round_trip__survives_flipped_bits) {
    each(&(struct fill_options){.depth = 2, .presence = 0.5}, bit_flips);
}

/* --- writing --- */

TEST(test_proto_write__plain_fields_are_there_even_when_zero) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port port = {0};
    proto_same_bytes(TY_CORE_CONTAINER_PORT, &port, proto_hex(&a, "0a00 1000 1800 2200 2a00"));
    struct core_config_map map = {0};
    proto_same_bytes(TY_CORE_CONFIG_MAP, &map, proto_hex(&a, "0a10 0a00 1200 1a00 2200 2a00 3200 3800 4200"));
}

TEST(test_proto_write__negative_int32_takes_ten_bytes) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port port = {.container_port = -1};
    proto_same_bytes(TY_CORE_CONTAINER_PORT, &port,
                     proto_hex(&a, "0a00 1000 18ffffffffffffffffff01 2200 2a00"));
}

TEST(test_proto_write__zero_time_and_no_time_are_empty) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map map = {.metadata.creation_timestamp = {.sec = -62135596800, .set = true}};
    struct str bytes = proto_hex(&a, "0a10 0a00 1200 1a00 2200 2a00 3200 3800 4200");
    proto_same_bytes(TY_CORE_CONFIG_MAP, &map, bytes);
    map.metadata.creation_timestamp = (struct timestamp){.sec = 1, .nsec = 999, .set = true};
    proto_same_bytes(TY_CORE_CONFIG_MAP, &map,
                     proto_hex(&a, "0a14 0a00 1200 1a00 2200 2a00 3200 3800 4204 0801 1000"));
}

TEST(test_proto_write__bytes_in_maps_tell_absent_from_empty) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str_entry entries[] = {{S("a"), STR_NONE}, {S("b"), S("")}};
    struct core_config_map map = {.binary_data = {entries, 2}};
    proto_same_bytes(
        TY_CORE_CONFIG_MAP, &map,
        proto_hex(&a, "0a10 0a00 1200 1a00 2200 2a00 3200 3800 4200 1a03 0a0161 1a05 0a0162 1200"));
}

TEST(test_proto_write__appends) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct core_container_port port = {.container_port = 80};
    for (int i = 0; i < 3; i++)
        api_write_proto(&b, &builtin, TY_CORE_CONTAINER_PORT, &port);
    assert_int_equal(b.n, 30);
    assert_memory_equal(b.p, b.p + 20, 10);
}

TEST(test_proto_write__respects_the_limit) {
    struct core_container_port port = {.container_port = 80};
    for (size_t limit = 1; limit < 14; limit++) {
        _cleanup_buf struct buf b = {.limit = limit};
        buf_byte(&b, '>');
        api_write_proto(&b, &builtin, TY_CORE_CONTAINER_PORT, &port);
        assert_int_equal(b.overflow, limit < 11);
        assert_int_equal(b.n, limit < 11 ? 1 : 11);
    }
}

/* --- envelope --- */

TEST(test_proto_envelope__round_trip) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct core_container_port port = {.container_port = 80};
    struct proto_envelope e;
    struct err err = ERR_INIT;
    api_write_envelope(&b, &builtin, TY_CORE_CONTAINER_PORT, &port, S("v1"), S("Port"));
    assert_str_equal(
        buf_view(&b),
        proto_hex(&a, "6b387300 0a0a 0a027631 1204506f7274 120a 0a00100018502200 2a00 1a00 2200"));
    assert_ok(proto_envelope_read(buf_view(&b), &e, &err), &err);
    assert_str(e.api_version, "v1");
    assert_str(e.kind, "Port");
    assert_str(e.content_type, "");
    assert_str(e.content_encoding, "");
    assert_int_equal(e.raw.n, 10);
}

TEST(test_proto_envelope__reads_any_order_and_skips_unknown) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct proto_envelope e;
    assert_ok(proto_envelope_read(
                  proto_hex(&a, "6b387300 22 01 74 3801 120161 1a0165 0a08 120158 1a00 0a0179"), &e, NULL),
              NULL);
    assert_str(e.api_version, "y");
    assert_str(e.kind, "X");
    assert_str(e.raw, "a");
    assert_str(e.content_type, "t");
    assert_str(e.content_encoding, "e");
    assert_ok(proto_envelope_read(S("k8s\0"), &e, NULL), NULL);
    assert_str(e.kind, NULL);
    assert_str(e.raw, NULL);
}

TEST(test_proto_envelope__refuses_what_is_none) {
    static const char *const bad[] = {
        "",
        "6b3873",
        "6b387301",
        "7b7d",
        "6b387300 0a",
        "6b387300 0a05 00",
        "6b387300 1001",
        "6b387300 0a02 0801",
        "6b387300 00",
        "6b387300 0a01 ff",
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proto_envelope e = {.kind = S("untouched")};
        struct err err = ERR_INIT;
        assert_fails(proto_envelope_read(proto_hex(&a, bad[i]), &e, &err), ERR_INVALID);
        assert_str(e.kind, "untouched");
        assert_true(str_has_prefix(str_from(err.msg), S("protobuf envelope: ")));
    }
}
