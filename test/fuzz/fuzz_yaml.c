/* YAML to trees, printed and read again. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/yaml.h"
#include "fuzz/fuzz.h"

static void check_tree(struct arena *a, const struct jval *v) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval back;
    yaml_write(&text, v);
    if (yaml_parse(a, buf_view(&text), NULL, NULL, &back, &err))
        panic("%s in %.*s", err.msg, STR_ARG(buf_view(&text)));
    must(jval_equal(&back, v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str text = fuzz_text(data, n);
    struct strict_errors strict = {.arena = &a};
    struct json_limits limits = {.depth = 100};
    struct err err = ERR_INIT;
    struct yaml_reader r;
    struct jval v;
    bool found = true;
    if (yaml_parse(&a, text, &limits, &strict, &v, &err))
        must(err.code != ERR_OK && err.msg[0]);
    else
        check_tree(&a, &v);
    yaml_reader_init(&r, text, &limits);
    while (found)
        if (yaml_reader_next(&r, &a, &strict, &v, &found, &err))
            found = false;
    return 0;
}
