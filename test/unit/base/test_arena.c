/* base/arena, base/buf, base/vec, base/err */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "unit/unit.h"

TEST(test_arena__memory_is_zeroed_and_aligned) {
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t n = 0; n < 3000; n += 13) {
        char *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 8, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xaa, n);
    }
}

TEST(test_arena__reset_gives_zeroed_memory_again) {
    _cleanup_arena struct arena a = ARENA_INIT;
    for (int round = 0; round < 3; round++) {
        char *p = arena_alloc(&a, 100);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xaa, 100);
        (void)arena_alloc(&a, 100000);
        arena_reset(&a);
    }
    assert_true(arena_total_bytes(&a) < 1000);
}

TEST(test_arena__large_requests_do_not_waste_the_chunk) {
    _cleanup_arena struct arena a = ARENA_INIT;
    (void)arena_alloc(&a, 16);
    char *next = a.next;
    memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
    assert_ptr_equal(a.next, next);
    assert_true(arena_total_bytes(&a) < (1 << 20) + 4096);
}

TEST(test_arena__copies_keep_absent_apart_from_empty) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_str(arena_str(&a, STR_NONE), NULL);
    assert_str(arena_str(&a, S("")), "");
    assert_string_equal(arena_strz(&a, S("text")), "text");
    assert_str(arena_printf(&a, "%s-%d", "pod", 7), "pod-7");
    struct str parts[] = {S("a"), STR_NONE, S("c")};
    assert_str(arena_join(&a, parts, 3, S(", ")), "a, , c");
    assert_str(arena_join(&a, NULL, 0, S(", ")), "");
}

TEST(test_arena__first_chunk_size_is_a_clamped_hint) {
    struct arena a;
    arena_init_sized(&a, 10000);
    assert_int_equal(arena_total_bytes(&a), 0);
    (void)arena_alloc(&a, 8);
    assert_in_range(arena_total_bytes(&a), 10000, 10016);
    arena_fini(&a);
    arena_init_sized(&a, SIZE_MAX);
    (void)arena_alloc(&a, 8);
    assert_int_equal(arena_total_bytes(&a), ARENA_CHUNK_MAX);
    arena_reset(&a);
    arena_fini(&a);
    arena_reset(&a);
}

static int released[4];
static size_t n_released;

static void release(void *thing) {
    released[n_released++] = *(int *)thing;
}

TEST(test_arena__releases_holds_latest_first) {
    int one = 1, two = 2;
    struct arena a = ARENA_INIT;
    n_released = 0;
    arena_hold(&a, release, &one);
    arena_hold(&a, release, &two);
    arena_fini(&a);
    assert_int_equal(n_released, 2);
    assert_int_equal(released[0], 2);
    assert_int_equal(released[1], 1);
    arena_fini(&a);
    assert_int_equal(n_released, 2);
}

TEST(test_arena__refuses_overflowing_arrays) {
    struct arena a = ARENA_INIT;
    assert_aborts((void)arena_array(&a, SIZE_MAX / 2, 3));
    volatile size_t huge = SIZE_MAX - 8;
    assert_aborts((void)arena_alloc(&a, huge));
}

TEST(test_buf__builds_text) {
    _cleanup_buf struct buf b = BUF_INIT;
    assert_str(buf_view(&b), "");
    buf_lit(&b, "a=");
    buf_i64(&b, INT64_MIN);
    buf_byte(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_printf(&b, " %05d", 42);
    buf_str(&b, STR_NONE);
    assert_str(buf_view(&b), "a=-9223372036854775808 18446744073709551615 00042");
    assert_string_equal(buf_cstr(&b), "a=-9223372036854775808 18446744073709551615 00042");
}

TEST(test_buf__drops_what_exceeds_its_limit) {
    _cleanup_buf struct buf b = {.limit = 4};
    buf_lit(&b, "abc");
    buf_lit(&b, "de");
    assert_true(b.overflow);
    assert_str(buf_view(&b), "abc");
    buf_byte(&b, 'd');
    assert_str(buf_view(&b), "abcd");
    buf_clear(&b);
    assert_false(b.overflow);
}

TEST(test_buf__inserts_and_removes) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "held");
    buf_insert(&b, 3, "lo wor", 6);
    assert_str(buf_view(&b), "hello word");
    buf_insert(&b, 9, "l", 1);
    buf_remove(&b, 0, 6);
    assert_str(buf_view(&b), "world");
    assert_aborts(buf_remove(&b, 4, 2));
}

TEST(test_buf__copies_into_an_arena) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "text");
    struct str copy = buf_to_arena(&b, &a);
    buf_clear(&b);
    buf_lit(&b, "gone");
    assert_str(copy, "text");
}

TEST(test_vec__pushes_removes_iterates) {
    VEC(int) v = {0};
    vec_foreach (item, &v)
        fail();
    for (int i = 0; i < 100; i++)
        vec_push(&v, i);
    vec_remove(&v, 0);
    vec_remove(&v, 98);
    assert_int_equal(v.n, 98);
    int expect = 1;
    vec_foreach (item, &v)
        assert_int_equal(*item, expect++);
    vec_fini(&v);
    assert_null(v.v);
}

TEST(test_vec__grows_in_an_arena) {
    _cleanup_arena struct arena a = ARENA_INIT;
    VEC(struct str) v = {0};
    for (int i = 0; i < 50; i++)
        vec_push_in(&a, &v, S("x"));
    assert_int_equal(v.n, 50);
    assert_str(v.v[49], "x");
}

TEST(test_err__sets_wraps_and_keeps_the_code) {
    struct err err = ERR_INIT;
    assert_int_equal(err_set(&err, ERR_INVALID, "field %s", "spec"), ERR_INVALID);
    assert_int_equal(err_wrap(&err, "pod %d", 7), ERR_INVALID);
    assert_string_equal(err.msg, "pod 7: field spec");
    assert_int_equal(err_set(NULL, ERR_CONFLICT, "x"), ERR_CONFLICT);
    assert_int_equal(err_errno(&err, ENOENT, "open %s", "a"), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "open a: No such file or directory");
    assert_string_equal(err_code_text(ERR_CONFLICT), "conflict");
    assert_string_equal(err_code_text(77), "unknown");
}

TEST(test_err__cuts_long_messages_visibly) {
    struct err err = ERR_INIT;
    char text[2 * ERR_MESSAGE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    (void)err_set(&err, ERR_INTERNAL, "%s", text);
    assert_int_equal(strlen(err.msg), ERR_MESSAGE_MAX - 1);
    assert_true(str_has_suffix(str_from(err.msg), S("…")));
    (void)err_wrap(&err, "%s", text);
    assert_true(str_has_suffix(str_from(err.msg), S("…")));
}

TEST(test_unit__tmpdir_is_fresh_and_stays_for_the_test) {
    const char *dir = unit_tmpdir();
    assert_ptr_equal(dir, unit_tmpdir());
    assert_true(str_has_prefix(str_from(dir), S("/")));
}
