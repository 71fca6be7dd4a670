/* api/image_ref */
#include "api/image_ref.h"

#include "unit/unit.h"

static void parses(const char *text, const char *domain, const char *path, const char *tag,
                   const char *digest) {
    struct image_ref r;
    assert_true(image_ref_parse(str_from(text), &r));
    assert_str(r.domain, domain);
    assert_str(r.path, path);
    assert_str(r.tag, tag);
    assert_str(r.digest, digest);
}

static void refuses(const char *text) {
    struct image_ref r = {.path = S("untouched")};
    assert_false(image_ref_parse(str_from(text), &r));
    assert_str(r.path, "untouched");
}

static bool latest(const char *text) {
    struct image_ref r;
    assert_true(image_ref_parse(str_from(text), &r));
    return image_ref_is_latest(&r);
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(test_image_ref__short_names_have_no_domain) {
    parses("nginx", "", "nginx", "", "");
    parses("nginx:1.25", "", "nginx", "1.25", "");
    parses("library/nginx", "", "library/nginx", "", "");
}

TEST(test_image_ref__first_component_with_dot_colon_or_capital_is_a_domain) {
    parses("registry.example/pause:3.9", "registry.example", "pause", "3.9", "");
    parses("host:5000/a", "host:5000", "a", "", "");
    parses("localhost/a", "localhost", "a", "", "");
    parses("Host/a", "Host", "a", "", "");
    parses("[fe80::1]:5000/a", "[fe80::1]:5000", "a", "", "");
    parses("[fe80::1]/a:x", "[fe80::1]", "a", "x", "");
}

TEST(test_image_ref__digests) {
    parses("a@sha256:" HEX64, "", "a", "", "sha256:" HEX64);
    parses("r.io/a/b:t@sha256:" HEX64, "r.io", "a/b", "t", "sha256:" HEX64);
    parses("a@sha512:" HEX64 HEX64, "", "a", "", "sha512:" HEX64 HEX64);
    refuses("a@sha256:1234");
    refuses("a@md5:" HEX64);
    refuses("a@sha256:ABCDEF" HEX64);
    refuses("a@");
}

TEST(test_image_ref__path_components) {
    parses("a.b/c_d/e__f/g---h", "a.b", "c_d/e__f/g---h", "", "");
    refuses("a..b/c/..");
    refuses("x/a___b");
    refuses("x/-a");
    refuses("x/a-");
    refuses("x//a");
    refuses("x/");
    refuses("x/A");
    refuses("nginX");
    refuses("");
    refuses("/a");
    refuses(":a");
    refuses("a b");
}

TEST(test_image_ref__domains) {
    refuses("-a.b/c");
    refuses("a.b-/c");
    refuses("a.b:/c");
    refuses("a.b:x/c");
    refuses("[g::]/c");
}

TEST(test_image_ref__tags) {
    parses("a:_B.c-9", "", "a", "_B.c-9", "");
    refuses("a:");
    refuses("a:.x");
    refuses("a:-x");
    refuses("a:x:y");
    refuses("a:x/y");
}

TEST(test_image_ref__lengths) {
    char text[300];
    memset(text, 'a', sizeof text);
    struct image_ref r;
    assert_true(image_ref_parse(str_make(text, IMAGE_PATH_MAX), &r));
    assert_false(image_ref_parse(str_make(text, IMAGE_PATH_MAX + 1), &r));
    text[1] = ':';
    assert_true(image_ref_parse(str_make(text, 2 + 128), &r));
    assert_false(image_ref_parse(str_make(text, 2 + 129), &r));
}

TEST(test_image_ref__an_image_id_is_no_reference) {
    refuses(HEX64);
    parses(HEX64 ":x", "", HEX64, "x", "");
}

TEST(test_image_ref__latest_is_said_or_implied) {
    assert_true(latest("nginx"));
    assert_true(latest("nginx:latest"));
    assert_false(latest("nginx:1"));
    assert_false(latest("nginx@sha256:" HEX64));
    assert_true(latest("nginx:latest@sha256:" HEX64));
}
