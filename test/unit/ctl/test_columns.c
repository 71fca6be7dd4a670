/* Tables of text: padding as kubectl's. */
#include "base/arena.h"
#include "ctl/print.h"
#include "unit/unit.h"

struct table {
    struct arena arena;
    struct columns columns;
    struct buf out;
};

static void begin(struct table *t, unsigned min, unsigned padding) {
    *t = (struct table){.arena = ARENA_INIT};
    columns_init(&t->columns, &t->arena, min, padding);
}

static void finish(struct table *t) {
    buf_fini(&t->out);
    arena_fini(&t->arena);
}

TEST(test_columns__pads_to_the_widest_cell) {
    struct table t;
    begin(&t, 6, 3);
    columns_text(&t.columns, "NAME\tAGE");
    columns_text(&t.columns, "kube-system\t5m");
    columns_flush(&t.columns, &t.out, true);
    assert_str(buf_view(&t.out), "NAME          AGE\nkube-system   5m\n");
    finish(&t);
}

TEST(test_columns__has_a_smallest_width) {
    struct table t;
    begin(&t, 6, 3);
    columns_text(&t.columns, "A\tB");
    columns_flush(&t.columns, &t.out, true);
    assert_str(buf_view(&t.out), "A     B\n");
    finish(&t);
}

TEST(test_columns__the_last_cell_is_not_padded_but_an_empty_one_leaves_blanks) {
    struct table t;
    begin(&t, 0, 2);
    columns_text(&t.columns, "a\tbb\t");
    columns_text(&t.columns, "a\tb\tlong");
    columns_flush(&t.columns, &t.out, true);
    assert_str(buf_view(&t.out), "a  bb  \na  b   long\n");
    finish(&t);
}

TEST(test_columns__a_line_without_a_cell_ends_the_column) {
    struct table t;
    begin(&t, 0, 2);
    columns_text(&t.columns, "wide-cell\tx");
    columns_text(&t.columns, "nothing here");
    columns_text(&t.columns, "a\tx");
    columns_flush(&t.columns, &t.out, false);
    assert_str(buf_view(&t.out), "wide-cell  x\nnothing here\na  x\n");
    finish(&t);
}

TEST(test_columns__later_rows_stand_below_earlier_ones) {
    struct table t;
    begin(&t, 6, 3);
    columns_text(&t.columns, "long-name-here\tx");
    columns_flush(&t.columns, &t.out, true);
    buf_clear(&t.out);
    columns_text(&t.columns, "a\ty");
    columns_flush(&t.columns, &t.out, true);
    assert_str(buf_view(&t.out), "a                y\n");
    finish(&t);
}

TEST(test_columns__counts_characters_not_bytes) {
    struct table t;
    begin(&t, 0, 1);
    columns_text(&t.columns, "\xc3\xa4\xc3\xa4\tx");
    columns_text(&t.columns, "abc\tx");
    columns_flush(&t.columns, &t.out, false);
    assert_str(buf_view(&t.out), "\xc3\xa4\xc3\xa4  x\nabc x\n");
    finish(&t);
}
