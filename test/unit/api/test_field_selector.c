/* api/field_selector */
#include "api/field_selector.h"

#include <stdio.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

static struct field_selector parse(struct arena *a, const char *text) {
    struct field_selector s = {0};
    struct err err = ERR_INIT;
    assert_ok(field_selector_parse(a, text_of(text), &s, &err), &err);
    return s;
}

TEST(test_field_selector__canonical_text) {
    static const char *const table[][2] = {
        {"", ""},
        {",", ""},
        {",,a=b,,", "a=b"},
        {"a=b", "a=b"},
        {"a==b", "a=b"},
        {"a!=b", "a!=b"},
        {"a=", "a="},
        {"=b", "=b"},
        {"=", "="},
        {"!=", "!="},
        {"b=1,a=2", "a=2,b=1"},
        {"a=b\\,c", "a=b\\,c"},
        {"a=b\\=c", "a=b\\=c"},
        {"a=b\\\\c", "a=b\\\\c"},
        {"a=b\\\\,c=d", "a=b\\\\,c=d"},
        {"a!==b", NULL},
        {" a = b ", " a = b "},
        {"spec.nodeName=n1,status.phase!=Failed", "spec.nodeName=n1,status.phase!=Failed"},
        {"a.b/c=d:e", "a.b/c=d:e"},
        {"a>b=c", "a>b=c"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct field_selector s;
        if (!table[i][1]) {
            assert_fails(field_selector_parse(&a, text_of(table[i][0]), &s, NULL), ERR_INVALID);
            continue;
        }
        s = parse(&a, table[i][0]);
        _cleanup_buf struct buf out = BUF_INIT;
        field_selector_write(&out, &s);
        assert_str(buf_view(&out), table[i][1]);
    }
}

TEST(test_field_selector__splits_terms) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s = parse(&a, "x!=\\=\\,\\\\,a.b==c");
    assert_int_equal(s.n, 2);
    assert_str(s.v[0].field, "a.b");
    assert_str(s.v[0].value, "c");
    assert_false(s.v[0].is_not);
    assert_str(s.v[1].field, "x");
    assert_str(s.v[1].value, "=,\\");
    assert_true(s.v[1].is_not);
}

TEST(test_field_selector__says_what_is_malformed) {
    static const char *const table[][2] = {
        {"a", "invalid selector: 'a'; can't understand 'a'"},
        {"a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"},
        {"a\\,b", "invalid selector: 'a\\,b'; can't understand 'a\\,b'"},
        {"a>b", "invalid selector: 'a>b'; can't understand 'a>b'"},
        {"a=b=c", "unescaped character in value: ="},
        {"a===b", "unescaped character in value: ="},
        {"a=b\\c", "invalid escape sequence: \\c"},
        {"a=b\\", "invalid escape sequence: \\"},
        {"a=\\\\\\", "invalid escape sequence: \\"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct field_selector s = {.n = 7};
        struct err err = ERR_INIT;
        assert_fails(field_selector_parse(&a, text_of(table[i][0]), &s, &err), ERR_INVALID);
        assert_string_equal(err.msg, table[i][1]);
        assert_int_equal(s.n, 7);
    }
}

TEST(test_field_selector__refuses_long_texts) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s;
    char *text = arena_bytes(&a, FIELD_SELECTOR_BYTES_MAX + 1);
    memset(text, ',', FIELD_SELECTOR_BYTES_MAX + 1);
    assert_fails(field_selector_parse(&a, str_make(text, FIELD_SELECTOR_BYTES_MAX + 1), &s, NULL),
                 ERR_TOO_LARGE);
    assert_ok(field_selector_parse(&a, str_make(text, FIELD_SELECTOR_BYTES_MAX), &s, NULL), NULL);
    assert_int_equal(s.n, 0);
}

static struct str value_of(void *ctx, const struct field_term *term) {
    return str_eq(term->field, S("name")) ? text_of(ctx) : STR_NONE;
}

TEST(test_field_selector__matches_through_a_callback) {
    static const struct {
        const char *selector, *name;
        bool matches;
    } table[] = {
        {"", "a", true},
        {"name=a", "a", true},
        {"name=a", "b", false},
        {"name!=a", "b", true},
        {"name!=a", "a", false},
        {"other=", "a", true},
        {"other!=", "a", false},
        {"other=x", "a", false},
        {"other!=x", "a", true},
        {"name=a,other=", "a", true},
        {"name=a,name=b", "a", false},
        {"name!=a,name!=b", "c", true},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct field_selector s = parse(&a, table[i].selector);
        char name[8];
        snprintf(name, sizeof name, "%s", table[i].name);
        assert_int_equal(field_selector_matches(&s, value_of, name), table[i].matches);
    }
}

static const struct kind *pods(void) {
    return &kinds[KIND_CORE_POD];
}

TEST(test_field_selector__resolves_labels_of_the_kind) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s = parse(&a, "spec.host=n1,metadata.name=x"), resolved;
    struct err err = ERR_INIT;
    assert_ok(field_selector_resolve(&a, &s, pods(), &resolved, &err), &err);
    assert_str(resolved.v[0].path, "metadata.name");
    assert_str(resolved.v[1].path, "spec.nodeName");
    struct str value = S("");
    assert_true(field_selector_requires(&resolved, S("spec.nodeName"), &value));
    assert_str(value, "n1");
}

TEST(test_field_selector__refuses_unknown_labels) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s = parse(&a, "spec.bogus=1"), resolved = {.n = 7};
    struct err err = ERR_INIT;
    assert_fails(field_selector_resolve(&a, &s, pods(), &resolved, &err), ERR_INVALID);
    assert_string_equal(err.msg, "field label not supported: spec.bogus");
    assert_int_equal(resolved.n, 7);
    assert_fails(field_selector_resolve(&a, &s, &kinds[KIND_CORE_CONFIG_MAP], &resolved, &err), ERR_INVALID);
    assert_string_equal(err.msg, "\"spec.bogus\" is not a known field selector: only \"metadata.name\", "
                                 "\"metadata.namespace\"");
    struct ty_set other = {0};
    struct kind custom = kinds[KIND_CORE_CONFIG_MAP];
    custom.set = &other;
    assert_fails(field_selector_resolve(&a, &s, &custom, &resolved, &err), ERR_INVALID);
    assert_string_equal(err.msg, "field label not supported: spec.bogus");
}

static struct str ip_of(void *ctx, const struct field_term *term) {
    (void)ctx;
    return str_eq(term->field, S("status.podIPs")) ? S("made by code") : STR_NONE;
}

TEST(test_field_selector__matches_objects) {
    static const struct {
        const char *selector;
        bool matches;
    } table[] = {
        {"", true},
        {"metadata.name=web,metadata.namespace=default", true},
        {"metadata.name=web2", false},
        {"spec.nodeName=n1", true},
        {"spec.host=n1", true},
        {"spec.nodeName!=", true},
        {"spec.nodeName=", false},
        {"status.phase=", true},
        {"status.phase!=Failed", true},
        {"status.phase=Failed", false},
        {"spec.hostNetwork=false", true},
        {"spec.hostNetwork=", false},
        {"spec.hostNetwork!=true", true},
        {"status.podIPs=made by code", true},
        {"status.podIPs=", false},
    };
    struct core_pod pod = {0};
    pod.metadata.name = S("web");
    pod.metadata.namespace = S("default");
    pod.spec.node_name = S("n1");
    struct ref ref = ref_packed(pods()->set, pods()->type, &pod);
    for (size_t i = 0; i < COUNT(table); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct field_selector s = parse(&a, table[i].selector), resolved;
        assert_ok(field_selector_resolve(&a, &s, pods(), &resolved, NULL), NULL);
        if (field_selector_matches_ref(&resolved, ref, ip_of, NULL, &a) != table[i].matches)
            fail_msg("'%s'", table[i].selector);
    }
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s = parse(&a, "status.podIPs="), resolved;
    assert_ok(field_selector_resolve(&a, &s, pods(), &resolved, NULL), NULL);
    assert_true(field_selector_matches_ref(&resolved, ref, NULL, NULL, &a));
}

TEST(test_field_selector__matches_numbers) {
    const struct kind *kind = &kinds[KIND_CORE_REPLICATION_CONTROLLER];
    struct core_replication_controller rc = {0};
    struct ref ref = ref_packed(kind->set, kind->type, &rc);
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector zero = parse(&a, "status.replicas=0"), three = parse(&a, "status.replicas=3");
    assert_ok(field_selector_resolve(&a, &zero, kind, &zero, NULL), NULL);
    assert_ok(field_selector_resolve(&a, &three, kind, &three, NULL), NULL);
    assert_true(field_selector_matches_ref(&zero, ref, NULL, NULL, &a));
    assert_false(field_selector_matches_ref(&three, ref, NULL, NULL, &a));
    rc.status.replicas = 3;
    assert_false(field_selector_matches_ref(&zero, ref, NULL, NULL, &a));
    assert_true(field_selector_matches_ref(&three, ref, NULL, NULL, &a));
}

TEST(test_field_selector__what_trees_lack_is_empty) {
    struct jmember spec_members[] = {{S("flag"), jval_bool(true)}, {S("size"), jval_int(5)}};
    struct jmember members[] = {{S("spec"), jval_object(spec_members, 2)}};
    struct jval tree = jval_object(members, 1);
    struct ref ref = ref_tree_at((struct pos){0}, &tree);
    struct field_term terms[] = {
        {.value = S("true"), .path = S("spec.flag")},
        {.value = S("5"), .path = S("spec.size")},
        {.value = S(""), .path = S("spec.other")},
        {.value = S(""), .path = S("status.other.deep")},
    };
    struct field_selector s = {.v = terms, .n = COUNT(terms)};
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_true(field_selector_matches_ref(&s, ref, NULL, NULL, &a));
}

TEST(test_field_selector__knows_what_it_requires) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_selector s = parse(&a, "a=1,b!=2");
    struct str value = S("untouched");
    assert_false(field_selector_requires(&s, S("b"), &value));
    assert_false(field_selector_requires(&s, S("c"), &value));
    assert_false(field_selector_requires(&s, S(""), &value));
    assert_str(value, "untouched");
    assert_true(field_selector_requires(&s, S("a"), &value));
    assert_str(value, "1");
}

TEST(test_field_selector__property_written_text_reads_back) {
    static const char chars[] = "ab.=,\\! ";
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 5000; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf out = BUF_INIT;
        char value[12];
        size_t n = rand_below(r, sizeof value);
        for (size_t k = 0; k < n; k++)
            value[k] = chars[rand_below(r, sizeof chars - 1)];
        struct field_term term = {
            .field = S("x"), .value = str_make(value, n), .is_not = rand_chance(r, 0.5)};
        field_selector_write(&out, &(struct field_selector){.v = &term, .n = 1});
        struct field_selector back = parse(&a, buf_cstr(&out));
        assert_int_equal(back.n, 1);
        assert_str_equal(back.v[0].field, term.field);
        assert_true(str_eq(back.v[0].value, term.value));
        assert_int_equal(back.v[0].is_not, term.is_not);
    }
}
