/* JSON text to objects and back. The first byte of the input chooses the type and how it is read. */
#include "api/equal.h"
#include "api/json.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "fuzz/fuzz.h"

static const uint16_t types[] = {TY_CORE_POD,        TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
                                 TY_META_STATUS,     TY_CORE_SECRET,
                                 TY_CORE_SERVICE,    TY_COORDINATION_LEASE,
                                 TY_APPS_DEPLOYMENT, TY_POLICY_POD_DISRUPTION_BUDGET};

/* What was read can be written, and what was written reads as the same. */
static void check_object(struct arena *a, uint32_t type, const void *object) {
    _cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT, third = BUF_INIT;
    struct err err = ERR_INIT;
    void *back;
    api_write_json(&text, &builtin, type, object);
    if (api_read_json(a, &builtin, type, buf_view(&text), NULL, &back, &err))
        panic("%s", err.msg);
    api_write_json(&again, &builtin, type, back);
    /* Quantities and empty unions may take one turn to settle. */
    if (api_read_json(a, &builtin, type, buf_view(&again), NULL, &back, &err))
        panic("%s", err.msg);
    api_write_json(&third, &builtin, type, back);
    check(str_eq(buf_view(&third), buf_view(&again)));

    void *copy = api_copy(a, &builtin, type, back);
    check(api_equal(&builtin, type, copy, back));
    struct jval tree = api_to_tree(a, &builtin, type, copy);
    if (api_from_tree(a, &builtin, type, &tree, NULL, &back, &err))
        panic("%s", err.msg);
    struct jval tree_again = api_to_tree(a, &builtin, type, back); /* raw values come out of a tree sorted */
    check(jval_equal(&tree, &tree_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str text = {(const char *)data + 1, n - 1};
    struct strict_errors strict = {.arena = &a};
    struct json_read_options options = {.strict = data[0] & 8 ? &strict : NULL, .borrow = data[0] & 16};
    uint32_t type = types[data[0] & 7];
    struct err err = ERR_INIT;
    struct str api_version, kind;
    void *object;
    int peeked = api_peek_json(text, &api_version, &kind, NULL);
    if (api_read_json(&a, &builtin, type, text, &options, &object, &err)) {
        check(err.code != ERR_OK && err.msg[0]);
        return 0;
    }
    check(peeked == 0 || memchr(text.p, 0x6e, text.n)); /* "null" is an empty object, but has no head */
    check_object(&a, type, object);
    return 0;
}
