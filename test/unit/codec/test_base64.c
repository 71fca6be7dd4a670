/* Base64 against the vectors of RFC 4648 and the leniency of upstream's decoder. */
#include "codec/base64.h"
#include "unit/unit.h"

static const struct {
    const char *plain, *std, *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

TEST(test_base64__encodes_the_vectors) {
    char to[16];
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct str plain = str_from(vectors[i].plain);
        size_t n = base64_encode(BASE64_STD, plain, to);
        assert_str(str_make(to, n), vectors[i].std);
        assert_int_equal(n, base64_encoded_len(plain.n, BASE64_STD));
        n = base64_encode(BASE64_URL, plain, to);
        assert_str(str_make(to, n), vectors[i].url);
        assert_int_equal(n, base64_encoded_len(plain.n, BASE64_URL));
    }
}

TEST(test_base64__decodes_the_vectors) {
    char to[16];
    size_t n;
    struct err err = ERR_INIT;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_ok(base64_decode(BASE64_STD, str_from(vectors[i].std), to, &n, &err), &err);
        assert_str(str_make(to, n), vectors[i].plain);
        assert_ok(base64_decode(BASE64_URL, str_from(vectors[i].url), to, &n, &err), &err);
        assert_str(str_make(to, n), vectors[i].plain);
    }
}

TEST(test_base64__skips_line_breaks) {
    char to[32];
    size_t n;
    struct err err = ERR_INIT;
    assert_ok(base64_decode(BASE64_STD, S("\r\nZm9v\nYg=\r\n=\n"), to, &n, &err), &err);
    assert_str(str_make(to, n), "foob");
}

TEST(test_base64__refuses_what_is_not_base64) {
    static const struct {
        enum base64_form form;
        const char *text, *message;
    } bad[] = {
        {BASE64_STD, "Z", "illegal base64 data at input byte 1"},
        {BASE64_STD, "Zg", "illegal base64 data at input byte 2"},
        {BASE64_STD, "Zg=", "illegal base64 data at input byte 3"},
        {BASE64_STD, "Zg===", "illegal base64 data at input byte 4"},
        {BASE64_STD, "Zg==Zg==", "illegal base64 data at input byte 4"},
        {BASE64_STD, "=", "illegal base64 data at input byte 0"},
        {BASE64_STD, "Zm9v=", "illegal base64 data at input byte 4"},
        {BASE64_STD, "Zm9 v", "illegal base64 data at input byte 3"},
        {BASE64_STD, "-_-_", "illegal base64 data at input byte 0"},
        {BASE64_URL, "Zg==", "illegal base64 data at input byte 2"},
        {BASE64_URL, "+//+", "illegal base64 data at input byte 0"},
        {BASE64_URL, "Zm9vY", "illegal base64 data at input byte 5"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char to[16];
        size_t n = 77;
        struct err err = ERR_INIT;
        assert_fails(base64_decode(bad[i].form, str_from(bad[i].text), to, &n, &err), ERR_INVALID);
        assert_string_equal(err.msg, bad[i].message);
        assert_int_equal(n, 77);
    }
}

TEST(test_base64__every_byte_value_comes_back) {
    char bytes[256], text[400], back[400];
    size_t n;
    struct err err = ERR_INIT;
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    for (size_t len = 0; len <= 256; len++) {
        for (int form = BASE64_STD; form <= BASE64_URL; form++) {
            size_t text_n = base64_encode(form, str_make(bytes, len), text);
            assert_ok(base64_decode(form, str_make(text, text_n), back, &n, &err), &err);
            assert_str_equal(str_make(back, n), str_make(bytes, len));
        }
    }
}
