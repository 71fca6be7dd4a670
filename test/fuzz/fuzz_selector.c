/* Label and field selectors: the text that is printed reads back as the same selector, which matches the
 * same. */
#include "api/field_selector.h"
#include "api/label_selector.h"
#include "base/arena.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"

/* Labels that a selector may meet: its own keys with one of its values, every second one. */
static struct str_map some_labels(struct arena *a, const struct label_selector *s) {
    struct str_map m = {arena_new_n(a, s->n, struct str_entry), 0};
    for (uint32_t i = 0; i < s->n; i += 2) {
        struct str value = s->v[i].n ? s->v[i].values[0] : S("");
        if (m.n == 0 || !str_eq(m.v[m.n - 1].key, s->v[i].key))
            m.v[m.n++] = (struct str_entry){s->v[i].key, value};
    }
    return m;
}

static bool has_lone_empty_set(const struct label_selector *s) {
    for (uint32_t i = 0; i < s->n; i++)
        if ((s->v[i].op == LABEL_IN || s->v[i].op == LABEL_NOT_IN) && s->v[i].n == 1 && !s->v[i].values[0].n)
            return true;
    return false;
}

static void fuzz_labels(struct str text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
    struct label_selector s, back;
    if (label_selector_parse(&a, text, &s, NULL))
        return;
    for (uint32_t i = 1; i < s.n; i++)
        must(str_cmp(s.v[i - 1].key, s.v[i].key) <= 0);
    label_selector_write(&first, &s);
    if (has_lone_empty_set(&s)) /* "()", which is refused on the way in */
        return;
    must(label_selector_parse(&a, buf_view(&first), &back, NULL) == 0);
    label_selector_write(&second, &back);
    must(str_eq(buf_view(&first), buf_view(&second)));
    struct str_map labels = some_labels(&a, &s);
    must(label_selector_matches(&s, labels) == label_selector_matches(&back, labels));
}

static void fuzz_fields(struct str text) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct field_selector s, back;
    if (field_selector_parse(&a, text, &s, NULL))
        return;
    field_selector_write(&out, &s);
    must(field_selector_parse(&a, buf_view(&out), &back, NULL) == 0);
    must(back.n == s.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_labels(fuzz_text(data, n));
    fuzz_fields(fuzz_text(data, n));
    return 0;
}
