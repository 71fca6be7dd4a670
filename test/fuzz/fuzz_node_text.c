/* Texts that come to a node from containers, its own files and its runtime: lines of logs, resolver files,
 * files of variables, references in commands, events of containerd. Whatever they are, what comes out lies
 * inside them. */
#include "api/types/cri.h"
#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "kubelet/env.h"
#include "kubelet/log_file.h"
#include "kubelet/resolv_conf.h"
#include "runtime/containerd_events.h"

static bool is_inside(struct str part, struct str whole) {
    return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void fuzz_log(struct str text) {
    struct log_entry e;
    if (!log_entry_parse(text, &e))
        return;
    must(e.stream == LOG_STDOUT || e.stream == LOG_STDERR);
    must(is_inside(e.time, text) && is_inside(e.text, text));
    must(e.time.n > 0 && str_find_byte(e.time, ' ') < 0);
}

static void fuzz_resolv_conf(struct str text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct dns_config c = resolv_conf_read(text, &a);
    const struct str_array *lists[] = {&c.servers, &c.searches, &c.options};
    for (int l = 0; l < 3; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            struct str word = lists[l]->v[i];
            must(word.n > 0 && str_find_byte(word, ' ') < 0 && str_find_byte(word, '\n') < 0);
        }
}

static void fuzz_expand(struct str text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cri_key_value pair = {S("A"), S("")};
    struct cri_key_value_array none = {0}, one = {&pair, 1};
    struct str missing;
    struct str same = env_expand_with(text, &none, &a, &missing);
    must(same.n <= text.n); /* only $$ makes it shorter */
    must(str_find(text, S("$$")) >= 0 || str_eq(same, text));
    must(env_expand_with(text, &one, &a, NULL).n <= text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str text = fuzz_text(data, n), id;
    int32_t type;
    fuzz_log(text);
    fuzz_resolv_conf(text);
    fuzz_expand(text);
    struct str value = env_file_get(text, S("A"), &a);
    must(value.n <= text.n);
    if (containerd_event_parse(text, &id, &type))
        must(id.n > 0 && is_inside(id, text) && type >= 0 && type <= 3);
    return 0;
}
