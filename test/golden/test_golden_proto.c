/* Upstream's protobuf, read and written back, byte for byte. */
#include "unit/unit.h"

#include "api/json.h"
#include "api/proto.h"
#include "base/arena.h"
#include "base/buf.h"
#include "golden/golden.h"

TEST(test_golden_proto__has_every_vector) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all), retired = 0;
    for (size_t i = 0; i < n; i++)
        retired += all[i].type == 0;
    assert_int_equal(n, 185);
    assert_int_equal(retired, 10);
}

TEST(test_golden_proto__round_trips_byte_for_byte) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].type)
            continue;
        _cleanup_buf struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        struct proto_envelope e;
        void *object;
        assert_ok(proto_envelope_read(all[i].pb, &e, &err), &err);
        assert_ok(api_read_proto(&a, &builtin, all[i].type, e.raw, i % 2, &object, &err), &err);
        assert_int_equal(api_proto_size(&builtin, all[i].type, object), e.raw.n);
        api_write_envelope(&out, &builtin, all[i].type, object, e.api_version, e.kind);
        if (!str_eq(buf_view(&out), all[i].pb))
            fail_msg("%s differs", all[i].name);
    }
}

/* Protobuf has apiVersion and kind in the envelope only. */
static void set_type_meta(uint32_t type, void *object, struct str api_version, struct str kind) {
    const struct ty_field *f = ty_find(&builtin, type, S("apiVersion"));
    if (f && api_version.n)
        *(struct str *)((char *)object + f->offset) = api_version;
    f = ty_find(&builtin, type, S("kind"));
    if (f && kind.n)
        *(struct str *)((char *)object + f->offset) = kind;
}

TEST(test_golden_proto__reads_what_json_says) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].own)
            continue;
        _cleanup_buf struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        struct proto_envelope e;
        void *object;
        assert_ok(proto_envelope_read(all[i].pb, &e, &err), &err);
        assert_ok(api_read_proto(&a, &builtin, all[i].type, e.raw, i % 2, &object, &err), &err);
        set_type_meta(all[i].type, object, e.api_version, e.kind);
        api_write_json(&out, &builtin, all[i].type, object);
        if (!str_eq(buf_view(&out), all[i].json))
            fail_msg("%s: %.*s", all[i].name, STR_ARG(buf_view(&out)));
    }
}

TEST(test_golden_proto__writes_what_json_says) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&a, all);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].own)
            continue;
        _cleanup_buf struct buf out = BUF_INIT;
        struct err err = ERR_INIT;
        struct proto_envelope e;
        void *object;
        assert_ok(proto_envelope_read(all[i].pb, &e, &err), &err);
        assert_ok(api_read_json(&a, &builtin, all[i].type, all[i].json, NULL, &object, &err), &err);
        api_write_envelope(&out, &builtin, all[i].type, object, e.api_version, e.kind);
        if (!str_eq(buf_view(&out), all[i].pb))
            fail_msg("%s differs", all[i].name);
    }
}

/* Cut anywhere, a message is either refused or ends between two fields: never read past, never a crash. */
TEST(test_golden_proto__survives_truncation_at_every_byte) {
    _cleanup_arena struct arena keep = ARENA_INIT;
    struct golden all[GOLDEN_MAX];
    size_t n = golden_load(&keep, all);
    for (size_t i = 0; i < n; i++) {
        struct proto_envelope e;
        if (!all[i].type || proto_envelope_read(all[i].pb, &e, NULL))
            continue;
        for (size_t cut = 0; cut < e.raw.n; cut += 1 + e.raw.n / 2000) {
            _cleanup_arena struct arena a = ARENA_INIT;
            struct err err = ERR_INIT;
            void *object;
            char *exact = arena_bytes(&a, cut);
            memcpy(exact, e.raw.p, cut);
            int rc = api_read_proto(&a, &builtin, all[i].type, str_make(exact, cut), true, &object, &err);
            if (rc) {
                assert_int_equal(rc, ERR_INVALID);
                assert_int_not_equal(err.msg[0], 0);
            }
        }
    }
}
