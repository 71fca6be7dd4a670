/* api/name */
#include "api/name.h"

#include <regex.h>
#include <stdio.h>

#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

struct format {
    const char *name;
    name_check_fn check_;
    size_t max;          /* bytes, 0: no limit */
    const char *pattern; /* extended regular expression of the whole text; NULL: not regular */
    const char *quoted;  /* what the message quotes; NULL: nothing */
};

#define LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define UNDERSCORE_LABEL "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN LABEL "(\\." LABEL ")*"
#define QUALIFIED "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define SYSCTL "([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
#define REASON "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
#define FEATURE "[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*"

static const struct format formats[] = {
    {"dns1123-label", name_check_dns1123_label, 63, LABEL, "'" LABEL "'"},
    {"dns1123-subdomain", name_check_dns1123_subdomain, 253, SUBDOMAIN, "'" SUBDOMAIN "'"},
    {"underscore", name_check_dns1123_subdomain_underscore, 253,
     UNDERSCORE_LABEL "(\\." UNDERSCORE_LABEL ")*", "'" UNDERSCORE_LABEL "(\\." UNDERSCORE_LABEL ")*'"},
    {"dns1035-label", name_check_dns1035_label, 63, "[a-z]([-a-z0-9]*[a-z0-9])?",
     "'[a-z]([-a-z0-9]*[a-z0-9])?'"},
    {"wildcard", name_check_wildcard_dns1123_subdomain, 253, "\\*\\." SUBDOMAIN, "'\\*\\." SUBDOMAIN "'"},
    {"label-value", name_check_label_value, 63, "(" QUALIFIED ")?", "'(" QUALIFIED ")?'"},
    {"label-key", name_check_qualified, 0, NULL, "'" QUALIFIED "'"},
    {"path-segment", name_check_path_segment, 0, NULL, NULL},
    {"port-name", name_check_port_name, 15, NULL, NULL},
    {"percent", name_check_percent, 0, "[0-9]+%", "'[0-9]+%'"},
    {"env-name", name_check_env_name, 0, "[ -<>-~]+", NULL},
    {"env-name-strict", name_check_env_name_strict, 0, NULL, "'[-._a-zA-Z][-._a-zA-Z0-9]*'"},
    {"config-key", name_check_config_key, 253, NULL, "'[-._a-zA-Z0-9]+'"},
    {"http-header", name_check_http_header, 0, "[-A-Za-z0-9]+", "'[-A-Za-z0-9]+'"},
    {"c-identifier", name_check_c_identifier, 0, "[A-Za-z_][A-Za-z0-9_]*", "'[A-Za-z_][A-Za-z0-9_]*'"},
    {"cel-identifier", name_check_cel_identifier, 0, NULL, "'[_a-zA-Z][_a-zA-Z0-9]*'"},
    {"sysctl", name_check_sysctl, 253, SYSCTL,
     "'([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?'"},
    {"reason", name_check_condition_reason, 1024, REASON, "'" REASON "'"},
    {"feature", name_check_node_feature, 253, FEATURE, "'[A-Z][a-zA-Z0-9]*(\\/[a-zA-Z][a-zA-Z0-9]*)*'"},
    {"iscsi", name_check_iscsi_name, 0,
     "iqn\\.[0-9]{4}-[0-9]{2}\\.[-.A-Za-z0-9]+:[^],;*&$| \t\n\f\r]+|eui\\.[A-Za-z0-9]{16}|"
     "naa\\.[A-Za-z0-9]{32}",
     NULL},
};

struct verdict {
    name_check_fn check_;
    const char *good[12], *bad[16];
};

static const struct verdict verdicts[] = {
    {name_check_dns1123_label,
     {"a", "0", "a-b", "a--b", "0-0", "web-0"},
     {"", "-", "-a", "a-", "A", "a.b", "a_b", "a b", " a", "a\n", "ä", "*", "a/b"}},
    {name_check_dns1123_subdomain,
     {"a", "a.b", "a-b.c-d", "0.1.2.3", "web-0.example.com"},
     {"", ".", "a.", ".a", "a..b", "a.-b", "a-.b", "A.b", "a_b.c", "*.a", "a.b/c"}},
    {name_check_dns1123_subdomain_underscore,
     {"a", "_a", "_tcp.example.com", "a_b.c-d", "x._udp.y"},
     {"", "_", "__a", "a_", "_.a", "a._", "A", "a..b"}},
    {name_check_dns1035_label, {"a", "a0", "a-0", "svc"}, {"", "0", "0a", "-a", "a-", "A", "a.b", "a_b"}},
    {name_check_wildcard_dns1123_subdomain,
     {"*.a", "*.example.com"},
     {"", "*", "*.", "*.*.a", "a.b", "x*.a", "*a", "**.a", "*.A"}},
    {name_check_path_segment,
     {"", "a", "system:node", "...", "a b", "A.B", "ä"},
     {".", "..", "/", "a/b", "a%b", "%2f"}},
    {name_check_fully_qualified_name,
     {"a.b.c", "hook.example.com"},
     {"", "a", "a.b", "a.b.", "a..c", "A.b.c"}},
    {name_check_fully_qualified_domain,
     {"a.b", "example.com", "example.com."},
     {"", ".", "a", "a.", "a..b", "a.b..", "A.b"}},
    {name_check_domain_prefixed_path,
     {"acme.io/foo", "a/b", "a/b/c", "a/%2f", "acme.io/~x!$&'()*+,;=:"},
     {"", "/", "a", "a/", "/b", "A/b", "a/b c", "a/b?c", "a/b#c", "a/ä"}},
    {name_check_qualified,
     {"a", "A", "a.b_c-D", "0", "example.com/a", "a/A.b", "kubernetes.io/metadata.name"},
     {"", "/", "a/", "/a", "a/b/c", "A/b", "-a", "a-", ".a", "a.", "_a", "a b", "a=b", "ex_ample/a", "a//b",
      "ä"}},
    {name_check_label_value,
     {"", "a", "A.b_c-0", "0", "v1.2"},
     {"-", "-a", "a-", ".", "_", "a b", "a/b", "a,b", "ä", "a\n"}},
    {name_check_annotation_key,
     {"a", "Example.COM/A", "kubectl.kubernetes.io/last-applied-configuration"},
     {"", "/", "EX_AMPLE/a", "a/b/c", "a/", "-a"}},
    {name_check_env_name,
     {"A", "a b", "1", "-", ".", "..", "a.b", "\"", "~"},
     {"", "=", "a=b", "ä", "\t", "a\x7f"}},
    {name_check_env_name_strict,
     {"A", "_a", "-a", ".a", "a.b-c_9"},
     {"", ".", "..", "..a", "1", "1a", "a b", "a=b", "a/b"}},
    {name_check_config_key,
     {"a", "A.b", "-", "_", "0", ".a", "a..b"},
     {"", ".", "..", "..a", "...", "a/b", "a b", "ä"}},
    {name_check_port_name,
     {"http", "a", "1a", "a-b", "123456789012a45"},
     {"", "1", "1-2", "-a", "a-", "a--b", "A", "a_b", "a.b", "1234567890123456", "abcdefghijklmnop"}},
    {name_check_http_header, {"X-A", "a", "-", "0"}, {"", "a b", "a_b", "a:", "ä"}},
    {name_check_percent,
     {"0%", "100%", "007%", "123456789%"},
     {"", "%", "1", "-1%", "1.5%", "1%%", "a%", " 1%"}},
    {name_check_c_identifier, {"a", "_", "A_9"}, {"", "9", "a-b", "a.b", "ä"}},
    {name_check_cel_identifier,
     {"a", "_", "trueish", "self", "True"},
     {"", "9", "true", "in", "while", "a-b"}},
    {name_check_sysctl,
     {"a", "kernel.shm_rmid_forced", "net/ipv4/conf/eth0.1/forwarding", "a-b.c_d", "a--b"},
     {"", ".", "a.", ".a", "a..b", "a./b", "_a", "a_", "A", "a b", "a,b"}},
    {name_check_condition_reason,
     {"A", "aB", "A_", "A:B", "A,B", "A_9"},
     {"", "9", "_A", "A:", "A,", "A-B", "A B", ":A"}},
    {name_check_node_feature,
     {"A", "Guest/os", "A1/b/C2"},
     {"", "a", "1A", "A/", "/A", "A//B", "A/1", "A-B", "A.B"}},
    {name_check_iscsi_name,
     {"iqn.2001-04.com.example:storage.disk", "iqn.2001-04.a:b:c", "eui.02004567A425678D",
      "naa.60004567BA64678D0123456789ABCDEF"},
     {"", "iqn", "iqn.2001-04.a", "iqn.2001-04.a:", "iqn.2001-04.:b", "iqn.201-04.a:b", "iqn.2001-04.a:b c",
      "iqn.2001-04.a_b:c", "eui.02004567A425678", "eui.02004567A425678G_", "naa.6000", "eui.", "xyz.a"}},
    {name_check_absolute_path, {"/", "/a/../b"}, {"", "a", "./a"}},
    {name_check_no_backsteps,
     {"", "/", "a..b", "...", "a/b", "/a/b/"},
     {"..", "a/..", "../a", "/..", "a/../b"}},
    {name_check_local_path, {"", "a", "a/b", "./a"}, {"/a", "..", "a/..", "/.."}},
};

TEST(test_name__tells_good_from_bad) {
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        const struct verdict *v = &verdicts[i];
        for (size_t j = 0; j < COUNT(v->good) && v->good[j]; j++) {
            struct name_errors errors = NAME_ERRORS_INIT;
            if (v->check_(text_of(v->good[j]), &errors))
                fail_msg("row %zu: '%s' was refused: %.*s", i, v->good[j], STR_ARG(errors.v[0]));
            assert_int_equal(errors.n, 0);
        }
        for (size_t j = 0; j < COUNT(v->bad) && v->bad[j]; j++) {
            struct name_errors errors = NAME_ERRORS_INIT;
            if (v->check_(text_of(v->bad[j]), &errors) != ERR_INVALID || !errors.n)
                fail_msg("row %zu: '%s' was accepted", i, v->bad[j]);
            assert_int_equal(v->check_(text_of(v->bad[j]), NULL), ERR_INVALID);
        }
        (void)v->check_(STR_NONE, NULL);
        struct name_errors errors = NAME_ERRORS_INIT;
        (void)v->check_(S("a\0b"), &errors);
        assert_int_equal(errors.n > 0, v->check_ != name_check_path_segment &&
                                           v->check_ != name_check_no_backsteps &&
                                           v->check_ != name_check_local_path);
    }
}

/* A text of n bytes that all formats with a limit accept but for its length; reason and feature want it to
 * begin with an upper case letter, a wildcard with "*.". */
static void fill(const struct format *f, char *out, size_t n) {
    memset(out, 'a', n);
    if (f->check_ == name_check_condition_reason || f->check_ == name_check_node_feature)
        out[0] = 'A';
    if (f->check_ == name_check_wildcard_dns1123_subdomain)
        memcpy(out, "*.", 2);
}

TEST(test_name__limits_are_exact) {
    char text[1100];
    for (size_t i = 0; i < COUNT(formats); i++) {
        const struct format *f = &formats[i];
        if (!f->max)
            continue;
        struct name_errors errors = NAME_ERRORS_INIT;
        fill(f, text, f->max + 1);
        assert_int_equal(f->check_(str_make(text, f->max), &errors), 0);
        assert_int_equal(f->check_(str_make(text, f->max + 1), &errors), ERR_INVALID);
        assert_int_equal(errors.n, 1);
        char expected[64];
        snprintf(expected, sizeof expected, "must be no more than %zu bytes", f->max);
        assert_str(errors.v[0], expected);
    }
}

TEST(test_name__messages_quote_the_pattern) {
    for (size_t i = 0; i < COUNT(formats); i++) {
        const struct format *f = &formats[i];
        if (!f->quoted)
            continue;
        struct name_errors errors = NAME_ERRORS_INIT;
        assert_int_equal(f->check_(S(" "), &errors), ERR_INVALID);
        assert_true(str_find(errors.v[0], S("regex used for validation is ")) > 0);
        if (str_find(errors.v[0], text_of(f->quoted)) < 0)
            fail_msg("%s: %.*s", f->name, STR_ARG(errors.v[0]));
    }
}

TEST(test_name__all_that_is_wrong_is_told) {
    struct name_errors errors = NAME_ERRORS_INIT;
    char text[300];
    memset(text, '-', sizeof text);
    assert_int_equal(name_check_dns1123_label(str_make(text, 64), &errors), ERR_INVALID);
    assert_int_equal(errors.n, 2);
    assert_str(errors.v[0], "must be no more than 63 bytes");
    assert_true(str_has_prefix(errors.v[1], S("a lowercase RFC 1123 label must consist of ")));

    errors.n = 0;
    assert_int_equal(name_check_port_name(S("--------------------"), &errors), ERR_INVALID);
    assert_int_equal(errors.n, 4);

    errors.n = 0;
    text[254] = '/';
    assert_int_equal(name_check_qualified(str_make(text, sizeof text), &errors), ERR_INVALID);
    assert_int_equal(errors.n, 3);
    assert_str(errors.v[0], "prefix part must be no more than 253 bytes");
    assert_true(str_has_prefix(errors.v[1], S("prefix part a lowercase RFC 1123 subdomain must")));
    assert_true(str_has_prefix(errors.v[2], S("name part must consist of ")));

    errors.n = 0;
    assert_int_equal(name_check_qualified(S("a/b/c"), &errors), ERR_INVALID);
    assert_int_equal(errors.n, 1);
    assert_true(str_has_prefix(errors.v[0], S("a qualified name must consist of ")));

    errors.n = 0;
    assert_int_equal(name_check_qualified(S("/"), &errors), ERR_INVALID);
    assert_str(errors.v[0], "prefix part must be non-empty");
    assert_str(errors.v[1], "name part must be non-empty");
}

TEST(test_name__messages_never_overflow_the_list) {
    struct name_errors errors = NAME_ERRORS_INIT;
    for (int i = 0; i < 20; i++)
        assert_int_equal(name_check_dns1123_label(S("-"), &errors), ERR_INVALID);
    assert_int_equal(errors.n, NAME_ERRORS_MAX);
}

TEST(test_name__sizes_of_qualified_names) {
    char text[400];
    memset(text, 'a', sizeof text);
    assert_int_equal(name_check_qualified(str_make(text, 63), NULL), 0);
    assert_int_equal(name_check_qualified(str_make(text, 64), NULL), ERR_INVALID);
    text[253] = '/';
    assert_int_equal(name_check_qualified(str_make(text, 254 + 63), NULL), 0);
    assert_int_equal(name_check_annotation_key(str_make(text, 254 + 63), NULL), 0);
    assert_int_equal(name_check_qualified(str_make(text, 254 + 64), NULL), ERR_INVALID);
    text[253] = 'a';
    text[254] = '/';
    assert_int_equal(name_check_qualified(str_make(text, 255 + 5), NULL), ERR_INVALID);
    char huge[5000];
    memset(huge, 'A', sizeof huge);
    assert_int_equal(name_check_annotation_key(str_make(huge, sizeof huge), NULL), ERR_INVALID);
    huge[300] = '/';
    assert_int_equal(name_check_annotation_key(str_make(huge, sizeof huge), NULL), ERR_INVALID);
}

TEST(test_name__labels_of_a_full_domain_are_limited) {
    char text[80] = "a.";
    memset(text + 2, 'b', 64);
    assert_int_equal(name_check_fully_qualified_domain(str_make(text, 65), NULL), 0);
    assert_int_equal(name_check_fully_qualified_domain(str_make(text, 66), NULL), ERR_INVALID);
}

TEST(test_name__a_prefix_may_end_in_a_dash) {
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("web-"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("web"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("a--"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_subdomain, S("web.-"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("-"), NULL), ERR_INVALID);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("a---"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("-a-"), NULL), ERR_INVALID);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("A-"), NULL), 0);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, S("Ab-"), NULL), ERR_INVALID);
    char text[1000];
    memset(text, 'a', sizeof text);
    text[64] = '-';
    assert_int_equal(name_check_prefix(name_check_dns1123_label, str_make(text, 65), NULL), ERR_INVALID);
    assert_int_equal(name_check_prefix(name_check_dns1123_label, str_make(text, 64), NULL), ERR_INVALID);
    text[64] = 'a';
    text[999] = '-';
    assert_int_equal(name_check_prefix(name_check_dns1123_subdomain, str_make(text, 1000), NULL),
                     ERR_INVALID);
    assert_int_equal(name_check_prefix(name_check_path_segment, str_make(text, 1000), NULL), 0);
    text[900] = '/';
    assert_int_equal(name_check_prefix(name_check_path_segment, str_make(text, 1000), NULL), ERR_INVALID);
}

TEST(test_name__numbers) {
    assert_int_equal(name_check_port_number(1, NULL), 0);
    assert_int_equal(name_check_port_number(65535, NULL), 0);
    assert_int_equal(name_check_port_number(0, NULL), ERR_INVALID);
    assert_int_equal(name_check_port_number(65536, NULL), ERR_INVALID);
    struct name_errors errors = NAME_ERRORS_INIT;
    assert_int_equal(name_check_port_number(-1, &errors), ERR_INVALID);
    assert_str(errors.v[0], "must be between 1 and 65535, inclusive");
    assert_int_equal(name_check_user_id(0, NULL), 0);
    assert_int_equal(name_check_user_id(INT32_MAX, NULL), 0);
    assert_int_equal(name_check_user_id(-1, NULL), ERR_INVALID);
    assert_int_equal(name_check_user_id((int64_t)INT32_MAX + 1, NULL), ERR_INVALID);
}

/* Texts made of what the formats distinguish, mostly of what they accept. */
static size_t random_text(struct rand *r, char *out, size_t cap) {
    static const char chars[] = "aaaazbAZ0099--..__/%:,*= ~\n\xc3";
    size_t n = rand_below(r, cap);
    bool tame = rand_chance(r, 0.7);
    for (size_t i = 0; i < n; i++)
        out[i] = chars[rand_below(r, tame ? 16 : sizeof chars - 1)];
    if (rand_chance(r, 0.1) && n > 2)
        memcpy(out, "*.", 2);
    if (rand_chance(r, 0.1) && n)
        out[n - 1] = '%';
    out[n] = '\0';
    return n;
}

/* A good one with at most one character changed. */
static size_t random_iscsi_name(struct rand *r, char *out) {
    static const char *const names[] = {"iqn.2001-04.com.a:b", "eui.02004567A425678D",
                                        "naa.60004567BA64678D0123456789ABCDEF"};
    const char *name = names[rand_below(r, COUNT(names))];
    size_t n = strlen(name);
    memcpy(out, name, n + 1);
    if (rand_chance(r, 0.7))
        out[rand_below(r, n)] = "a0-.:, _"[rand_below(r, 8)];
    return n;
}

TEST(test_name__property_agrees_with_the_patterns) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (size_t i = 0; i < COUNT(formats); i++) {
        const struct format *f = &formats[i];
        if (!f->pattern)
            continue;
        char pattern[512], text[40];
        regex_t regex;
        snprintf(pattern, sizeof pattern, "^(%s)$", f->pattern);
        assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
        unsigned matches = 0;
        for (int k = 0; k < 4000; k++) {
            size_t n =
                f->check_ == name_check_iscsi_name ? random_iscsi_name(r, text) : random_text(r, text, 12);
            bool match = regexec(&regex, text, 0, NULL, 0) == 0;
            matches += match;
            if (match != (f->check_(str_make(text, n), NULL) == 0))
                fail_msg("%s: '%s' %s the pattern", f->name, text, match ? "matches" : "does not match");
        }
        assert_true(matches > 0 && matches < 4000);
        regfree(&regex);
    }
}
