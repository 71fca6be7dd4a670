/* apiserver/token_file */
#include <stdlib.h>

#include "apiserver/token_file.h"
#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

static struct token_file *parsed(const char *text) {
    struct token_file *f = NULL;
    struct err err = ERR_INIT;
    assert_ok(token_file_parse(str_from(text), &f, &err), &err);
    return f;
}

static void refused(const char *text, int code) {
    struct token_file *f = NULL;
    struct err err = ERR_INIT;
    assert_fails(token_file_parse(str_from(text), &f, &err), code);
    assert_null(f);
}

TEST(test_token_file__reads_users_and_groups) {
    struct token_file *f = parsed("t1,alice,u1,\"dev,ops\"\r\n\n\"t\"\"2\",bob,u2\nt3,\"c,d\",,one,more\n");
    assert_int_equal(token_file_count(f), 3);
    struct user u;
    assert_true(token_file_find(f, S("t1"), &u));
    assert_str(u.name, "alice");
    assert_str(u.uid, "u1");
    assert_int_equal(u.groups.n, 2);
    assert_str(u.groups.v[0], "dev");
    assert_str(u.groups.v[1], "ops");
    assert_true(token_file_find(f, S("t\"2"), &u));
    assert_str(u.name, "bob");
    assert_int_equal(u.groups.n, 0);
    assert_true(token_file_find(f, S("t3"), &u));
    assert_str(u.name, "c,d");
    assert_int_equal(u.groups.n, 1);
    token_file_free(f);
}

TEST(test_token_file__finds_whole_tokens_only) {
    struct token_file *f = parsed("secret,alice,1\n,nobody,2\n");
    struct user u;
    assert_false(token_file_find(f, S("secre"), &u));
    assert_false(token_file_find(f, S("secret1"), &u));
    assert_false(token_file_find(f, S("Secret"), &u));
    assert_false(token_file_find(f, S(""), &u));
    assert_false(token_file_find(f, STR_NONE, &u));
    assert_int_equal(token_file_count(f), 1);
    token_file_free(f);
    f = parsed("");
    assert_false(token_file_find(f, S("secret"), &u));
    token_file_free(f);
}

TEST(test_token_file__last_of_equal_tokens_counts) {
    struct token_file *f = parsed("a,one,1\nb,two,2\na,three,3");
    struct user u;
    assert_int_equal(token_file_count(f), 2);
    assert_true(token_file_find(f, S("a"), &u));
    assert_str(u.name, "three");
    assert_true(token_file_find(f, S("b"), &u));
    assert_str(u.name, "two");
    token_file_free(f);
}

TEST(test_token_file__refuses_broken_records) {
    refused("a,b", ERR_INVALID);
    refused("a,,c", ERR_INVALID);
    refused("a,\"b,c", ERR_INVALID);
    refused("a,\"b\"c,d", ERR_INVALID);
    refused("a,b\"c,d", ERR_INVALID);
    _cleanup_buf struct buf wide = BUF_INIT;
    for (unsigned i = 0; i < TOKEN_FILE_COLUMNS_MAX + 1; i++)
        buf_lit(&wide, "x,");
    refused(buf_cstr(&wide), ERR_TOO_LARGE);
}

TEST(test_token_file__messages_hold_no_token) {
    struct token_file *f = NULL;
    struct err err = ERR_INIT;
    assert_fails(token_file_parse(S("ok,a,b\n\nverysecret,b\n"), &f, &err), ERR_INVALID);
    assert_null(strstr(err.msg, "verysecret"));
}

TEST(test_token_file__survives_every_truncation) {
    static const char text[] = "t1,alice,u1,\"dev,ops\"\r\n\"t\"\"2\",bob,u2\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = malloc(n + 1); /* exact, so that reading past the end shows */
        check(copy);
        memcpy(copy, text, n);
        struct token_file *f = NULL;
        int r = token_file_parse(str_make(copy, n), &f, NULL);
        assert_true(r == 0 || r == ERR_INVALID);
        token_file_free(f);
        free(copy);
    }
}

TEST(test_token_file__limits_size_and_records) {
    _cleanup_buf struct buf text = BUF_INIT;
    for (unsigned i = 0; i < TOKEN_FILE_RECORDS_MAX; i++)
        buf_printf(&text, "token%u,user%u,%u\n", i, i, i);
    struct token_file *f = parsed(buf_cstr(&text));
    struct user u;
    assert_true(token_file_find(f, S("token777"), &u));
    assert_str(u.name, "user777");
    assert_int_equal(token_file_count(f), TOKEN_FILE_RECORDS_MAX);
    token_file_free(f);
    buf_lit(&text, "more,user,1\n");
    refused(buf_cstr(&text), ERR_TOO_LARGE);
    while (text.n <= TOKEN_FILE_BYTES_MAX)
        buf_lit(&text, "\n\n\n\n\n\n\n\n");
    refused(buf_cstr(&text), ERR_TOO_LARGE);
}

TEST(test_token_file__names_a_missing_file) {
    struct token_file *f = NULL;
    struct err err = ERR_INIT;
    assert_fails(token_file_load("/does/not/exist", &f, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/does/not/exist"));
}
