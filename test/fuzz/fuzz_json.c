/* JSON text to trees and back, compact and indented: all ways agree on what JSON is and what it says. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"

static struct jval parse(struct arena *a, const struct buf *text) {
    struct jval v;
    check(json_parse(a, buf_view(text), NULL, NULL, &v, NULL) == 0);
    return v;
}

static void check_tree(struct arena *a, struct str text, const struct jval *tree) {
    _cleanup_buf struct buf written = BUF_INIT, again = BUF_INIT, wide = BUF_INIT, wide_too = BUF_INIT,
                            compact = BUF_INIT;
    json_write(&written, tree);
    struct jval back = parse(a, &written);
    check(jval_equal(tree, &back));
    json_write(&again, &back);
    /* As upstream, -0.0 is written as -0, which reads as the integer 0. */
    check(str_eq(buf_view(&again), buf_view(&written)) || memmem(written.p, written.n, "-0", 2));

    json_write_indented(&wide, tree, " ");
    json_indent(&wide_too, buf_view(&written), " ");
    check(str_eq(buf_view(&wide), buf_view(&wide_too)));

    check(json_compact(&compact, text, NULL, NULL) == 0);
    back = parse(a, &compact);
    check(jval_equal(tree, &back));
    struct jval copy = jval_copy(a, tree);
    check(jval_equal(tree, &copy));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf compact = BUF_INIT;
    struct str text = {(const char *)data, n};
    struct strict_errors strict = {.arena = &a};
    struct err err = ERR_INIT;
    struct jval tree;
    int rc = json_parse(&a, text, NULL, &strict, &tree, &err);
    if (rc == 0)
        check_tree(&a, text, &tree);
    else /* a number may be too large for a tree and yet be JSON */
        check(json_compact(&compact, text, NULL, NULL) != 0 || strstr(err.msg, "cannot unmarshal number"));
    return 0;
}
