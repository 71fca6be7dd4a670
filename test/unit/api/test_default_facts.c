/* api/default against test/facts/defaults.tsv: every row is tried, or says why not. */
#include "base/file.h"
#include "unit/api/default_test.h"

/* One row of the table of facts, in its order. */
struct fact {
    const char *group, *kind, *path; /* as in the table */
    const char *reason;              /* not NULL: api_default does nothing here, because … */
    uint32_t type;
    const char *input, *pointer, *expected;
    const char *other, *other_expected; /* where the condition does not hold, or the field is set */
};

#define ROW(group_, kind_, path_, ty_, ...) {group_, kind_, path_, NULL, TY_##ty_, __VA_ARGS__},
#define NOT(group_, kind_, path_, reason_) {group_, kind_, path_, reason_},
static const struct fact facts[] = {
#include "unit/api/default_facts.h"
};
#undef ROW
#undef NOT

static void check_case(const struct fact *f, const char *input, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval out = with_defaults(&a, f->type, input);
    const struct jval *v = pointed(&a, &out, str_from(f->pointer));
    struct jval want = expected ? tree(&a, expected) : jval_null();
    if (!v != !expected || (v && !jval_equal(v, &want))) {
        struct buf text = BUF_INIT;
        if (v)
            json_write(&text, v);
        struct str have = buf_to_arena(&text, &a);
        buf_fini(&text);
        fail_msg("%s %s of %s: %s is %.*s, expected %s", f->kind, f->path, input, f->pointer, STR_ARG(have),
                 expected ? expected : "nothing");
    }
}

TEST(test_default_facts__rows_are_tried_or_say_why_not) {
    _cleanup_buf struct buf file = BUF_INIT;
    struct err err = ERR_INIT;
    assert_ok(file_read(UNIT_SOURCE_ROOT "/test/facts/defaults.tsv", 1 << 20, &file, &err), &err);
    struct str rest = buf_view(&file), line;
    str_split(rest, '\n', &line, &rest); /* the header */
    size_t n = sizeof facts / sizeof *facts, i = 0;
    for (; rest.n; i++) {
        struct str group, version, kind, path;
        str_split(rest, '\n', &line, &rest);
        str_split(line, '\t', &group, &line);
        str_split(line, '\t', &version, &line);
        str_split(line, '\t', &kind, &line);
        str_split(line, '\t', &path, &line);
        assert_true(i < n);
        assert_str(group, facts[i].group);
        assert_str(kind, facts[i].kind);
        assert_str(path, facts[i].path);
    }
    assert_int_equal(i, n);
    for (i = 0; i < n; i++) {
        const struct fact *f = &facts[i];
        if (f->reason)
            continue;
        check_case(f, f->input, f->expected);
        if (f->other)
            check_case(f, f->other, f->other_expected);
    }
}
