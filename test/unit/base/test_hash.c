/* base/hash */
#include <stdio.h>

#include "base/hash.h"
#include "unit/unit.h"

TEST(test_hash__fnv1a_published_vectors) {
    assert_int_equal(hash_fnv1a_32(S("")), 0x811c9dc5u);
    assert_int_equal(hash_fnv1a_32(S("a")), 0xe40c292cu);
    assert_int_equal(hash_fnv1a_32(S("foobar")), 0xbf9cf968u);
    assert_true(hash_fnv1a_64(S("")) == 0xcbf29ce484222325u);
    assert_true(hash_fnv1a_64(S("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(hash_fnv1a_64(S("foobar")) == 0x85944171f73967e8u);
}

TEST(test_hash__fnv1a_continues_over_pieces) {
    uint32_t h = hash_fnv1a_32_add(hash_fnv1a_32_add(HASH_FNV1A_32_INIT, S("foo")), S("bar"));
    assert_int_equal(h, hash_fnv1a_32(S("foobar")));
}

TEST(test_hash__safe_encode_maps_each_byte_into_the_alphabet) {
    char out[16] = {0};
    hash_safe_encode(S("0123456789"), out);
    assert_string_equal(out, "456789bcdf");
    assert_int_equal(hash_safe_encode_u32(0, out), 1);
    assert_string_equal(out, "4");
    assert_int_equal(hash_safe_encode_u32(4294967295u, out), 10);
    assert_string_equal(out, "86f8fbc6f9");
}

TEST(test_hash__sha256_published_vectors) {
    char hex[SHA256_HEX_SIZE];
    sha256_hex(S(""), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex(S("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(test_hash__sha256_streams) {
    _cleanup_sha256 struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, S("a"));
    sha256_add(&h, STR_NONE);
    sha256_add(&h, S("bc"));
    uint8_t streamed[SHA256_BYTES], whole[SHA256_BYTES];
    sha256_final(&h, streamed);
    sha256(S("abc"), whole);
    assert_memory_equal(streamed, whole, SHA256_BYTES);
}

TEST(test_hash__hex_reads_back) {
    static const uint8_t bytes[] = {0x00, 0x7f, 0xff, 0xa5};
    char text[9];
    uint8_t back[4];
    hex_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "007fffa5");
    assert_true(hex_decode(S("007FffA5"), back));
    assert_memory_equal(bytes, back, 4);
    assert_false(hex_decode(S("007"), back));
    assert_false(hex_decode(S("0g"), back));
    assert_false(hex_decode(S("0:"), back));
}

/* Random words, as the process draws them. */
static const struct hash_key key_1 = {
    {0x8b2b5d1c4a0f3e67, 0x1f83d9abfb41bd6b, 0xc2b2ae3d27d4eb4f, 0x27d4eb2f165667c5}};
static const struct hash_key key_2 = {
    {0x8b2b5d1c4a0f3e67, 0x1f83d9abfb41bd6b, 0xc2b2ae3d27d4eb4f, 0x27d4eb2f165667c4}};

/* All lengths around the pieces in which it reads; every byte counts, and so does the length. */
TEST(test_hash__table_hash_depends_on_every_byte_and_on_the_key) {
    char text[70] = {0};
    for (size_t n = 0; n <= 65; n++) {
        uint64_t h = hash_bytes_keyed(&key_1, str_make(text, n));
        assert_true(h != hash_bytes_keyed(&key_2, str_make(text, n)));
        assert_true(h != hash_bytes_keyed(&key_1, str_make(text, n + 1)));
        for (size_t i = 0; i < n; i++) {
            text[i] = 1;
            assert_true(h != hash_bytes_keyed(&key_1, str_make(text, n)));
            text[i] = 0;
        }
    }
}

/* Sequential names spread evenly: no bucket of 256 gets more than half again of its share. */
TEST(test_hash__table_hash_spreads_sequential_keys) {
    static unsigned low[256], high[256], number[256];
    for (unsigned i = 0; i < 256 * 1000; i++) {
        char text[32];
        struct str s = str_make(text, (size_t)snprintf(text, sizeof text, "default/pod-%u", i));
        uint64_t h = hash_bytes_keyed(&key_1, s);
        low[h & 255]++;
        high[h >> 56]++;
        number[hash_u64_keyed(&key_1, i) >> 56]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        assert_in_range(low[i], 500, 1500);
        assert_in_range(high[i], 500, 1500);
        assert_in_range(number[i], 500, 1500);
    }
}

TEST(test_hash__process_key_is_set) {
    assert_true(hash_process_key->word[0] != 0 || hash_process_key->word[1] != 0);
    assert_true(hash_bytes(S("a")) == hash_bytes_keyed(hash_process_key, S("a")));
}
