/* api/label_selector */
#include "api/label_selector.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/types/meta.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

static int cmp_entries(const void *x, const void *y) {
    const struct str_entry *a = x, *b = y;
    return str_cmp(a->key, b->key);
}

/* "a=1,b=2" as a map. */
static struct str_map labels_of(struct arena *a, const char *text) {
    struct str rest = text_of(text), pair;
    struct str_entry *v = arena_new_n(a, rest.n + 1, struct str_entry);
    uint32_t n = 0;
    bool more = rest.n > 0;
    while (more) {
        more = str_split(rest, ',', &pair, &rest);
        str_split(pair, '=', &v[n].key, &v[n].value);
        n++;
    }
    qsort(v, n, sizeof *v, cmp_entries);
    return (struct str_map){v, n};
}

static struct label_selector parse(struct arena *a, const char *text) {
    struct label_selector s = LABEL_NOTHING;
    struct err err = ERR_INIT;
    assert_ok(label_selector_parse(a, text_of(text), &s, &err), &err);
    return s;
}

static void assert_writes(const struct label_selector *s, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    label_selector_write(&out, s);
    assert_str(buf_view(&out), expected);
}

static const char *const canonical[][2] = {
    {"", ""},
    {"  \t\r\n ", ""},
    {"x", "x"},
    {"!x", "!x"},
    {" ! x ", "!x"},
    {"x=a", "x=a"},
    {"x==a", "x==a"},
    {"x!=a", "x!=a"},
    {" x = a ", "x=a"},
    {"x=", "x="},
    {"x= ", "x="},
    {"x!=", "x!="},
    {"x=,z= ", "x=,z="},
    {"x= ,z= ", "x=,z="},
    {"z=c,y=b,x=a", "x=a,y=b,z=c"},
    {"x>1", "x>1"},
    {"x<1", "x<1"},
    {"x > 1 , z<5", "x>1,z<5"},
    {"x>007", "x>007"},
    {"x in (a)", "x in (a)"},
    {"x in(b,a)", "x in (a,b)"},
    {"x notin ( b , a )", "x notin (a,b)"},
    {"x in (a,a,b,a)", "x in (a,b)"},
    {"x in (,)", "x in ()"},
    {"x in (a,)", "x in (,a)"},
    {"x in (,a)", "x in (,a)"},
    {"x in (a,,b)", "x in (,a,b)"},
    {"x in (,,,)", "x in ()"},
    {"x in (in,notin)", "x in (in,notin)"},
    {"in", "in"},
    {"!notin", "!notin"},
    {"in in (in)", "in in (in)"},
    {"notin notin (notin)", "notin notin (notin)"},
    {"in=in,notin!=notin", "in=in,notin!=notin"},
    {"x,y,!z,in", "in,x,y,!z"},
    {"y,x=1,x!=2,!x,x in (a)", "x=1,x!=2,x in (a),!x,y"},
    {"example.com/app=web", "example.com/app=web"},
    {"a.b_c-D=1.2_3-X", "a.b_c-D=1.2_3-X"},
    {"\nx\n=\na\n", "x=a"},
    {"x=a,x=a", "x=a,x=a"},
};

TEST(test_label_selector__canonical_text) {
    for (size_t i = 0; i < COUNT(canonical); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct label_selector s = parse(&a, canonical[i][0]);
        assert_writes(&s, canonical[i][1]);
        if (!strstr(canonical[i][1],
                    "()")) { /* the one text that does not read back: the empty value alone */
            s = parse(&a, canonical[i][1]);
            assert_writes(&s, canonical[i][1]);
        }
    }
}

static const char *const malformed[][2] = {
    {"=", "found '=', expected: !, identifier, or 'end of string'"},
    {"(", "found '(', expected: !, identifier, or 'end of string'"},
    {",", "found ',', expected: !, identifier, or 'end of string'"},
    {",x", "found ',', expected: !, identifier, or 'end of string'"},
    {"x,", "found '', expected: identifier after ','"},
    {"x,,y", "found ',', expected: identifier after ','"},
    {"x=a,", "found '', expected: identifier after ','"},
    {"!", "unable to parse requirement: found '', expected: identifier"},
    {"!!x", "unable to parse requirement: found '!', expected: identifier"},
    {"!=a", "found '!=', expected: !, identifier, or 'end of string'"},
    {"!x=a", "found '=', expected: ',' or 'end of string'"},
    {"!x in (a)", "found 'in', expected: ',' or 'end of string'"},
    {"x y", "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"},
    {"x(a)", "unable to parse requirement: found '(', expected: in, notin, =, ==, !=, gt, lt"},
    {"x!y", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt"},
    {"x=a y", "found 'y', expected: ',' or 'end of string'"},
    {"x=a=b", "found '=', expected: ',' or 'end of string'"},
    {"x==a==b", "found '==', expected: ',' or 'end of string'"},
    {"x===a", "unable to parse requirement: found '=', expected: identifier"},
    {"x=!a", "unable to parse requirement: found '!', expected: identifier"},
    {"x=(a)", "unable to parse requirement: found '(', expected: identifier"},
    {"x in a", "unable to parse requirement: found 'a', expected: '('"},
    {"x in", "unable to parse requirement: found '', expected: '('"},
    {"x in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"},
    {"x in (a", "unable to parse requirement: found '', expected: ',' or ')'"},
    {"x in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"},
    {"x in (a,", "unable to parse requirement: found '', expected: ',', or identifier"},
    {"x in (a,,)", "unable to parse requirement: found ')', expected: ',', or identifier"},
    {"x in ((a))", "unable to parse requirement: found '(', expected: ',', ')' or identifier"},
    {"x in (a=b)", "unable to parse requirement: found '=', expected: ',' or ')'"},
    {"x in (a))", "found ')', expected: ',' or 'end of string'"},
    {"x in ()", "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values "
                "set can't be empty"},
    {"x>a", "unable to parse requirement: values[0]: Invalid value: for 'Gt', 'Lt' operators, the value must "
            "be an integer"},
    {"x>", "unable to parse requirement: values[0]: Invalid value: for 'Gt', 'Lt' operators, the value must "
           "be an integer"},
    {"x>1.5",
     "unable to parse requirement: values[0]: Invalid value: for 'Gt', 'Lt' operators, the value must "
     "be an integer"},
    {"x<99999999999999999999", "unable to parse requirement: values[0]: Invalid value: for 'Gt', 'Lt' "
                               "operators, the value must be an integer"},
};

TEST(test_label_selector__says_what_is_malformed) {
    for (size_t i = 0; i < COUNT(malformed); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct label_selector s = LABEL_EVERYTHING;
        struct err err = ERR_INIT;
        if (label_selector_parse(&a, text_of(malformed[i][0]), &s, &err) != ERR_INVALID)
            fail_msg("'%s' was accepted", malformed[i][0]);
        assert_string_equal(err.msg, malformed[i][1]);
        assert_int_equal(label_selector_parse(&a, text_of(malformed[i][0]), &s, NULL), ERR_INVALID);
        assert_true(label_selector_is_everything(&s));
    }
}

TEST(test_label_selector__checks_keys_and_values) {
    static const char *const bad[][2] = {
        {"-a", "unable to parse requirement: key: Invalid value: \"-a\": name part must consist of "},
        {"a/b/c=d", "unable to parse requirement: key: Invalid value: \"a/b/c\": a qualified name must "},
        {"A.com/b/=d", "unable to parse requirement: key: Invalid value: \"A.com/b/\": "},
        {"x=a b", NULL},
        {"x=-a", "unable to parse requirement: values[0][x]: Invalid value: \"-a\": a valid label must "},
        {"x in (a,b*)",
         "unable to parse requirement: values[1][x]: Invalid value: \"b*\": a valid label must "},
        {"x=a|", "unable to parse requirement: values[0][x]: Invalid value: \"a|\": a valid label must "},
        {"x=\"a\"",
         "unable to parse requirement: values[0][x]: Invalid value: \"\\\"a\\\"\": a valid label "},
        {"x>-5", "unable to parse requirement: values[0][x]: Invalid value: \"-5\": a valid label must "},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct label_selector s;
        struct err err = ERR_INIT;
        assert_fails(label_selector_parse(&a, text_of(bad[i][0]), &s, &err), ERR_INVALID);
        if (bad[i][1] && strncmp(err.msg, bad[i][1], strlen(bad[i][1])) != 0)
            fail_msg("'%s': %s", bad[i][0], err.msg);
    }
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector s;
    assert_fails(label_selector_parse(&a, S("a\0b"), &s, NULL), ERR_INVALID);
    assert_fails(label_selector_parse(&a, S("a=\0"), &s, NULL), ERR_INVALID);
}

TEST(test_label_selector__refuses_long_texts) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector s;
    size_t n = LABEL_SELECTOR_BYTES_MAX + 1;
    char *text = arena_bytes(&a, n);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? ',' : 'a';
    assert_fails(label_selector_parse(&a, str_make(text, n), &s, NULL), ERR_TOO_LARGE);
    struct err err = ERR_INIT;
    assert_ok(label_selector_parse(&a, str_make(text, n - 2), &s, &err), &err);
    assert_int_equal(s.n, LABEL_SELECTOR_BYTES_MAX / 2);
    memset(text, 'a', n);
    assert_fails(label_selector_parse(&a, str_make(text, n - 1), &s, &err), ERR_INVALID);
}

static const struct {
    const char *selector, *labels;
    bool matches;
} matching[] = {
    {"", "", true},
    {"", "x=a", true},
    {"x=a", "x=a", true},
    {"x=a", "x=b", false},
    {"x=a", "", false},
    {"x=a", "y=a", false},
    {"x==a", "x=a,y=b", true},
    {"x=a,y=b", "x=a,y=b", true},
    {"x=a,y=b", "x=a", false},
    {"x=", "x=", true},
    {"x=", "", false},
    {"x!=a", "x=b", true},
    {"x!=a", "x=a", false},
    {"x!=a", "", true},
    {"x!=", "", true},
    {"x!=", "x=", false},
    {"x", "x=", true},
    {"x", "x=a", true},
    {"x", "xx=a", false},
    {"!x", "", true},
    {"!x", "y=a", true},
    {"!x", "x=", false},
    {"x in (a,b)", "x=b", true},
    {"x in (a,b)", "x=c", false},
    {"x in (a,b)", "", false},
    {"x in (a,)", "x=", true},
    {"x notin (a,b)", "x=c", true},
    {"x notin (a,b)", "x=a", false},
    {"x notin (a,b)", "", true},
    {"x>5", "x=6", true},
    {"x>5", "x=5", false},
    {"x>5", "x=10", true},
    {"x>5", "x=a", false},
    {"x>5", "x=", false},
    {"x>5", "", false},
    {"x<5", "x=4", true},
    {"x<5", "x=-4", true},
    {"x<5", "x=5", false},
    {"x<5", "", false},
    {"x>5,x<9", "x=7", true},
    {"x>5,x<9", "x=9", false},
    {"x=a,x=b", "x=a", false},
    {"x,y in (a),!z", "x=1,y=a", true},
    {"x,y in (a),!z", "x=1,y=a,z=", false},
    {"example.com/a=b", "example.com/a=b", true},
    {"m=13", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11,l=12,m=13,n=14,o=15", true},
    {"!m", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11,l=12,m=,n=14,o=15", false},
    {"q", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10,k=11,l=12,m=13,n=14,o=15", false},
    {"x in (a,b,c,d,e,f,g,h,i,j,k,l,m,n,o)", "x=n", true},
    {"x in (a,b,c,d,e,f,g,h,i,j,k,l,m,n,o)", "x=p", false},
};

TEST(test_label_selector__matches) {
    for (size_t i = 0; i < COUNT(matching); i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct label_selector s = parse(&a, matching[i].selector);
        if (label_selector_matches(&s, labels_of(&a, matching[i].labels)) != matching[i].matches)
            fail_msg("'%s' against '%s'", matching[i].selector, matching[i].labels);
    }
}

TEST(test_label_selector__nothing_and_everything) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector nothing = LABEL_NOTHING, everything = LABEL_EVERYTHING;
    struct str_map labels = labels_of(&a, "x=a");
    assert_false(label_selector_matches(&nothing, labels));
    assert_true(label_selector_matches(&everything, labels));
    assert_true(label_selector_is_everything(&everything));
    assert_false(label_selector_is_everything(&nothing));
    assert_writes(&nothing, "");
}

/* A LabelSelector out of one label and some requirements. */
struct struct_row {
    const char *match_labels;
    struct {
        const char *key, *op, *values;
    } expressions[3];
    const char *shown; /* "<error>": does not compile */
    const char *labels;
    bool matches;
};

static const struct struct_row struct_rows[] = {
    {"", {{0}}, "<none>", "x=a", true},
    {"x=a", {{0}}, "x=a", "x=a", true},
    {"x=a,b=", {{0}}, "b=,x=a", "x=a", false},
    {"x=a", {{"y", "In", "c,b"}}, "x=a,y in (b,c)", "x=a,y=b", true},
    {"x=a", {{"y", "In", "c,b"}}, "x=a,y in (b,c)", "x=a,y=a", false},
    {"x=a", {{"a", "Exists", ""}, {"z", "DoesNotExist", ""}}, "a,x=a,!z", "a=,x=a", true},
    {"", {{"a", "NotIn", "b"}}, "a notin (b)", "", true},
    {"", {{"a", "NotIn", "b"}}, "a notin (b)", "a=b", false},
    {"", {{"a", "In", ""}}, "<error>", "a=", false},
    {"", {{"a", "NotIn", ""}}, "<error>", "a=", false},
    {"", {{"a", "Exists", "b"}}, "<error>", "a=b", false},
    {"", {{"a", "DoesNotExist", "b"}}, "<error>", "", false},
    {"", {{"a", "in", "b"}}, "<error>", "a=b", false},
    {"", {{"a", "Gt", "1"}}, "<error>", "a=5", false},
    {"", {{"a", "", "1"}}, "<error>", "a=1", false},
};

static struct meta_label_selector struct_of(struct arena *a, const struct struct_row *row) {
    struct meta_label_selector s = {.match_labels = labels_of(a, row->match_labels)};
    s.match_expressions.v = arena_new_n(a, 3, struct meta_label_selector_requirement);
    for (size_t i = 0; i < 3 && row->expressions[i].key; i++) {
        struct meta_label_selector_requirement *r = &s.match_expressions.v[s.match_expressions.n++];
        r->key = text_of(row->expressions[i].key);
        r->operator= text_of(row->expressions[i].op);
        struct str rest = text_of(row->expressions[i].values);
        r->values.v = arena_new_n(a, rest.n + 1, struct str);
        bool more = rest.n > 0;
        while (more)
            more = str_split(rest, ',', &r->values.v[r->values.n++], &rest);
    }
    return s;
}

TEST(test_label_selector__from_structs) {
    for (size_t i = 0; i < COUNT(struct_rows); i++) {
        const struct struct_row *row = &struct_rows[i];
        _cleanup_arena struct arena a = ARENA_INIT;
        struct meta_label_selector s = struct_of(&a, row);
        struct str_map labels = labels_of(&a, row->labels);
        _cleanup_buf struct buf out = BUF_INIT;
        label_selector_show(&out, &s);
        assert_str(buf_view(&out), row->shown);
        assert_int_equal(label_selector_struct_matches(&s, labels), row->matches);
        struct label_selector compiled = LABEL_NOTHING;
        int rc = label_selector_compile(&a, &s, &compiled, NULL);
        assert_int_equal(rc != 0, strcmp(row->shown, "<error>") == 0);
        assert_int_equal(label_selector_matches(&compiled, labels), row->matches);
    }
}

TEST(test_label_selector__absent_struct_is_nothing) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector s = LABEL_EVERYTHING;
    assert_ok(label_selector_compile(&a, NULL, &s, NULL), NULL);
    assert_true(s.nothing);
    assert_false(label_selector_struct_matches(NULL, labels_of(&a, "")));
    _cleanup_buf struct buf out = BUF_INIT;
    label_selector_show(&out, NULL);
    assert_str(buf_view(&out), "<none>");
}

TEST(test_label_selector__struct_errors) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct struct_row row = {"", {{"a", "Bogus", "1"}}, "", "", false};
    struct meta_label_selector s = struct_of(&a, &row);
    struct label_selector compiled;
    struct err err = ERR_INIT;
    assert_fails(label_selector_compile(&a, &s, &compiled, &err), ERR_INVALID);
    assert_string_equal(err.msg, "\"Bogus\" is not a valid label selector operator");
    row = (struct struct_row){"a b=c", {{0}}, "", "", false};
    s = struct_of(&a, &row);
    assert_fails(label_selector_compile(&a, &s, &compiled, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "key: Invalid value: \"a b\": name part must consist of"));
}

TEST(test_label_selector__of_maps) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector s = label_selector_of_map(&a, labels_of(&a, "y=b,x=a"));
    assert_writes(&s, "x=a,y=b");
    assert_true(label_selector_matches(&s, labels_of(&a, "x=a,y=b,z=c")));
    s = label_selector_of_map(&a, labels_of(&a, ""));
    assert_true(label_selector_is_everything(&s));
    assert_true(label_map_matches(labels_of(&a, ""), labels_of(&a, "")));
    assert_true(label_map_matches(labels_of(&a, "x=a"), labels_of(&a, "w=1,x=a")));
    assert_false(label_map_matches(labels_of(&a, "x=a"), labels_of(&a, "x=b")));
    assert_false(label_map_matches(labels_of(&a, "x=a,y=b"), labels_of(&a, "x=a")));
    assert_true(label_map_matches(labels_of(&a, "x="), labels_of(&a, "x=")));
    assert_false(label_map_matches(labels_of(&a, "x="), labels_of(&a, "y=")));
}

TEST(test_label_selector__knows_what_it_requires) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector s = parse(&a, "a=1,b==2,c in (3),d in (4,5),e!=6,f,a!=9");
    struct str value = S("untouched");
    assert_true(label_selector_requires(&s, S("a"), &value));
    assert_str(value, "1");
    assert_true(label_selector_requires(&s, S("b"), &value));
    assert_str(value, "2");
    assert_true(label_selector_requires(&s, S("c"), &value));
    assert_str(value, "3");
    for (const char *key = "defg"; *key; key++)
        assert_false(label_selector_requires(&s, str_make(key, 1), &value));
    assert_str(value, "3");
}

TEST(test_label_selector__requirement_counts_values) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str values[] = {S("2"), S("1")};
    struct label_requirement r;
    static const struct {
        enum label_op op;
        bool ok[3]; /* with none, one, two values */
    } table[] = {
        {LABEL_EQUALS, {false, true, false}},     {LABEL_DOUBLE_EQUALS, {false, true, false}},
        {LABEL_NOT_EQUALS, {false, true, false}}, {LABEL_IN, {false, true, true}},
        {LABEL_NOT_IN, {false, true, true}},      {LABEL_EXISTS, {true, false, false}},
        {LABEL_NOT_EXISTS, {true, false, false}}, {LABEL_GREATER, {false, true, false}},
        {LABEL_LESS, {false, true, false}},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        for (uint32_t n = 0; n < 3; n++)
            assert_int_equal(label_requirement_make(&a, S("k"), table[i].op, values, n, &r, NULL) == 0,
                             table[i].ok[n]);
    assert_ok(label_requirement_make(&a, S("k"), LABEL_IN, values, 2, &r, NULL), NULL);
    assert_str(r.values[0], "1");
    assert_str(values[0], "2");
}

/* A text that the grammar makes, of few letters, so that it often matches. */
static void random_selector(struct rand *r, struct buf *out) {
    static const char *const ops[] = {"=", "==", "!=", ">", "<", " in ", " notin "};
    uint64_t n = rand_below(r, 5);
    for (uint64_t i = 0; i < n; i++) {
        if (i)
            buf_byte(out, ',');
        if (rand_chance(r, 0.2)) {
            buf_printf(out, "%s%c", rand_chance(r, 0.5) ? "!" : "", (char)('a' + rand_below(r, 4)));
            continue;
        }
        uint64_t op = rand_below(r, COUNT(ops));
        buf_printf(out, "%c%s%s", (char)('a' + rand_below(r, 4)), ops[op], op > 4 ? "(" : "");
        uint64_t values = op > 4 ? 1 + rand_below(r, 3) : 1;
        for (uint64_t k = 0; k < values; k++)
            buf_printf(out, "%s%c", k ? "," : "", (char)('0' + rand_below(r, 4)));
        if (op > 4)
            buf_byte(out, ')');
    }
}

TEST(test_label_selector__property_canonical_text_means_the_same) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    int matches = 0;
    for (int i = 0; i < 5000; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf text = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
        random_selector(r, &text);
        struct label_selector s = parse(&a, buf_cstr(&text));
        label_selector_write(&first, &s);
        struct label_selector again = parse(&a, buf_cstr(&first));
        label_selector_write(&second, &again);
        assert_str_equal(buf_view(&first), buf_view(&second));
        char labels[40];
        snprintf(labels, sizeof labels, "%c=%d,%c=%d,d=%d", rand_chance(r, 0.5) ? 'a' : 'e',
                 (int)rand_below(r, 4), rand_chance(r, 0.5) ? 'b' : 'c', (int)rand_below(r, 4),
                 (int)rand_below(r, 4));
        struct str_map map = labels_of(&a, labels);
        bool match = label_selector_matches(&s, map);
        assert_int_equal(match, label_selector_matches(&again, map));
        bool all = true;
        for (uint32_t k = 0; k < s.n; k++)
            all = all && label_requirement_matches(&s.v[k], map);
        assert_int_equal(match, all);
        matches += match;
    }
    assert_true(matches > 100 && matches < 4900);
}
