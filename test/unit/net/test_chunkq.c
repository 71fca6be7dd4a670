/* Outgoing bytes: order, partial sends, releases. */
#include "net/chunkq.h"

#include "unit/unit.h"

static void count(void *arg) {
    ++*(unsigned *)arg;
}

static struct http_chunk chunk(const char *text, unsigned *released) {
    return (struct http_chunk){.bytes = str_from(text), .release = count, .arg = released};
}

TEST(test_chunkq__releases_a_chunk_when_its_last_byte_went) {
    struct chunkq q = {0};
    unsigned released = 0;
    chunkq_push(&q, chunk("abc", &released));
    chunkq_push(&q, chunk("def", &released));
    chunkq_consume(&q, 2);
    assert_int_equal(released, 0);
    chunkq_consume(&q, 2);
    assert_int_equal(released, 1);
    assert_int_equal(q.bytes, 2);
    chunkq_fini(&q);
    assert_int_equal(released, 2);
}

TEST(test_chunkq__empty_chunk_is_released_when_all_before_it_went) {
    struct chunkq q = {0};
    unsigned released = 0;
    chunkq_push(&q, chunk("", &released));
    assert_int_equal(released, 1);
    chunkq_push_copy(&q, "ab", 2);
    chunkq_push(&q, chunk("", &released));
    chunkq_consume(&q, 1);
    assert_int_equal(released, 1);
    chunkq_consume(&q, 1);
    assert_int_equal(released, 2);
    assert_true(chunkq_empty(&q));
    chunkq_fini(&q);
}

TEST(test_chunkq__peek_copies_over_chunk_borders) {
    struct chunkq q = {0};
    char out[8];
    chunkq_push_copy(&q, "abc", 3);
    chunkq_push_copy(&q, "def", 3);
    chunkq_consume(&q, 1);
    assert_int_equal(chunkq_peek(&q, out, sizeof out), 5);
    assert_memory_equal(out, "bcdef", 5);
    chunkq_fini(&q);
}

TEST(test_chunkq__moved_parts_release_once_when_the_last_goes) {
    struct chunkq from = {0}, to = {0};
    unsigned released = 0;
    chunkq_push(&from, chunk("abcdef", &released));
    chunkq_move(&from, &to, 2);
    chunkq_move(&from, &to, 1);
    chunkq_fini(&from); /* the stream was reset; its first bytes still wait to be sent */
    assert_int_equal(released, 0);
    assert_int_equal(to.bytes, 3);
    chunkq_consume(&to, 3);
    assert_int_equal(released, 1);
    chunkq_fini(&to);
}
