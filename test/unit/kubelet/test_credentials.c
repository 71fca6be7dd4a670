/* Pull secrets, and which of their credentials fit an image. */
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/err.h"
#include "kubelet/images.h"
#include "unit/unit.h"

struct world {
    struct arena a;
    struct image_credentials all;
    struct err err;
};

static void add(struct world *w, const char *json, bool legacy) {
    assert_ok(credentials_read(str_from(json), legacy, &w->a, &w->all, &w->err), &w->err);
}

/* Users of the credentials that fit, in their order. */
static void assert_users(struct world *w, const char *image, const char *users) {
    const struct cri_auth_config **v;
    uint32_t n = credentials_for(&w->all, str_from(image), &w->a, &v);
    struct str *names = arena_new_n(&w->a, n + 1, struct str);
    for (uint32_t i = 0; i < n; i++)
        names[i] = v[i]->username;
    assert_str(n ? arena_join(&w->a, names, n, S(" ")) : S(""), users);
}

TEST(test_credentials__auth_is_user_and_password) {
    struct world w = {.a = ARENA_INIT};
    add(&w, "{\"auths\":{\"https://r.example:5000/v1/\":{\"auth\":\"dXNlcjpwYTpzcw==\"}}}", false);
    assert_int_equal(w.all.n, 1);
    assert_str(w.all.v[0].username, "user");
    assert_str(w.all.v[0].password, "pa:ss");
    assert_str(w.all.v[0].server_address, "r.example:5000");
    arena_fini(&w.a);
}

TEST(test_credentials__old_files_are_the_inner_map) {
    struct world w = {.a = ARENA_INIT};
    add(&w, "{\"r.example\":{\"username\":\"u\",\"password\":\"p\"}}", true);
    assert_users(&w, "r.example/a:1", "u");
    arena_fini(&w.a);
}

TEST(test_credentials__the_longest_fit_comes_first) {
    struct world w = {.a = ARENA_INIT};
    add(&w,
        "{\"auths\":{\"r.example\":{\"username\":\"host\"},\"r.example/team\":{\"username\":\"path\"},"
        "\"*.example\":{\"username\":\"star\"},\"other\":{\"username\":\"no\"}}}",
        false);
    assert_users(&w, "r.example/team/app:1", "path star host");
    assert_users(&w, "r.example/else:1", "star host");
    assert_users(&w, "s.example/x:1", "star");
    assert_users(&w, "a.b.example/x:1", "");
    assert_users(&w, "example/x:1", "");
    arena_fini(&w.a);
}

TEST(test_credentials__what_is_no_secret_is_refused) {
    struct world w = {.a = ARENA_INIT};
    assert_fails(credentials_read(S("{\"auth\":{}}"), false, &w.a, &w.all, &w.err), ERR_INVALID);
    assert_true(credentials_read(S("no json"), false, &w.a, &w.all, &w.err) < 0);
    add(&w, "{\"auths\":{\"r\":3,\"s\":{\"auth\":\"%%%\"}}}", false);
    assert_int_equal(w.all.n, 1); /* without a user */
    assert_false(w.all.v[0].username.n);
    arena_fini(&w.a);
}
