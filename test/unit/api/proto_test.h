/* What the protobuf tests share: bytes given as hex digits, reading that must succeed or fail. */
#pragma once

#include <stdio.h>

#include "unit/unit.h"

#include "api/proto.h"
#include "base/arena.h"
#include "base/buf.h"

/* "0a 03 61 62 63", white space ignored, as bytes in the arena. */
static inline struct str proto_hex(struct arena *a, const char *hex) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (const char *p = hex; *p;) {
        unsigned byte;
        int n = 0;
        while (*p == ' ')
            p++;
        if (!*p)
            break;
        assert_int_equal(sscanf(p, "%2x%n", &byte, &n), 1);
        assert_int_equal(n, 2);
        buf_byte(&b, (char)byte);
        p += n;
    }
    return buf_to_arena(&b, a);
}

static inline void *proto_read(struct arena *a, uint32_t type, struct str bytes) {
    struct err err = ERR_INIT;
    void *object = NULL;
    assert_ok(api_read_proto(a, &builtin, type, bytes, true, &object, &err), &err);
    return object;
}

/* Reading must fail; returns the message, in the arena. */
static inline const char *proto_refusal(struct arena *a, uint32_t type, struct str bytes, int code) {
    struct err err = ERR_INIT;
    void *object = a;
    assert_fails(api_read_proto(a, &builtin, type, bytes, true, &object, &err), code);
    assert_ptr_equal(object, a);
    assert_int_equal(err.code, code);
    return arena_strz(a, str_from(err.msg));
}

static inline void proto_same_bytes(uint32_t type, const void *object, struct str expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    api_write_proto(&b, &builtin, type, object);
    if (!str_eq(buf_view(&b), expected))
        for (size_t i = 0; i < b.n || i < expected.n; i++)
            print_error("%s%02x/%02x", i ? " " : "", i < b.n ? (unsigned char)b.p[i] : 0u,
                        i < expected.n ? (unsigned char)expected.p[i] : 0u);
    assert_true(str_eq(buf_view(&b), expected));
    assert_int_equal(api_proto_size(&builtin, type, object), expected.n);
}
