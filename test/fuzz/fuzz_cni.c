/* What container runtimes pass to the CNI plugin, and its own state file: the first byte says which. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "network/cni_priv.h"

static void fuzz_config(struct str text) {
    struct arena a = ARENA_INIT;
    struct cni_config c;
    enum cni_code code;
    struct err err = ERR_INIT;
    (void)cni_config_read(&a, text, &c, &code, &err);
    arena_fini(&a);
}

/* What can be read is written and read the same way. */
static void fuzz_state(struct str text) {
    struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1, .path = "x"}, t = s;
    struct buf out = BUF_INIT, again = BUF_INIT;
    if (cni_state_parse(&s, text, NULL) == 0) {
        cni_state_print(&s, &out);
        check(cni_state_parse(&t, buf_view(&out), NULL) == 0);
        cni_state_print(&t, &again);
        check(str_eq(buf_view(&out), buf_view(&again)));
    }
    buf_fini(&out);
    buf_fini(&again);
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = size ? str_make((const char *)data + 1, size - 1) : S("");
    if (size && data[0] == 's')
        fuzz_state(text);
    else
        fuzz_config(text);
    return 0;
}
