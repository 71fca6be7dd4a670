/* Validation: hostile objects of every kind, created, updated, and updated through subresources.
 *
 * The input is text in parts, between lines of "---": the kind ("apps/v1 Deployment"), the object, what it
 * replaces (may be missing). Objects get their defaults when the kind is followed by " d".
 */
#include "api/default.h"
#include "api/json.h"
#include "api/validate.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "fuzz/fuzz.h"

#define PARTS 3
#define INPUT_BYTES_MAX (256u * 1024)

static void split(struct str text, struct str parts[PARTS]) {
    for (size_t i = 0; i < PARTS; i++) {
        ptrdiff_t at = i + 1 < PARTS ? str_find(text, S("\n---\n")) : -1;
        parts[i] = at < 0 ? text : str_cut(text, (size_t)at);
        text = at < 0 ? S("") : str_from_byte(text, (size_t)at + 5);
    }
}

static void *read_object(struct arena *a, const struct kind *kind, struct str text, bool defaulted) {
    void *object = NULL;
    if (api_read_json(a, &builtin, kind->hub->type, text, NULL, &object, NULL) != 0)
        return NULL;
    if (defaulted)
        api_default(a, &builtin, kind->hub->type, object, clock_system());
    return object;
}

/* What was found is bounded, printable and has a place. */
static void check_errors(struct field_errors *e) {
    must(e->n <= FIELD_ERRORS_MAX);
    for (uint32_t i = 0; i < e->n; i++) {
        must(e->v[i].body.n > 0 && e->v[i].body.n < 16 * FIELD_TEXT_MAX);
        must(e->v[i].field.n <= FIELD_TEXT_MAX + 3);
    }
    _cleanup_buf struct buf text = BUF_INIT;
    field_errors_text(&text, e);
    e->n = e->dropped = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct str parts[PARTS];
    struct str api_version, name, group, version, option;
    if (n > INPUT_BYTES_MAX)
        return 0;
    split(fuzz_text(data, n), parts);
    if (!str_split(parts[0], ' ', &api_version, &name) || !api_version_split(api_version, &group, &version))
        return 0;
    bool defaulted = str_split(name, ' ', &name, &option);
    const struct kind *kind = kind_find(group, version, name);
    if (!kind)
        return 0;
    struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    const void *object = read_object(&a, kind, parts[1], defaulted);
    const void *old = object ? read_object(&a, kind, parts[2], defaulted) : NULL;
    if (object) {
        validate_create(NULL, kind, object, &e);
        check_errors(&e);
    }
    if (old) {
        validate_update(NULL, kind, object, old, &e);
        check_errors(&e);
        validate_status_update(NULL, kind, object, old, &e);
        check_errors(&e);
        for (uint32_t i = 0; i < kind->n_subresources; i++) {
            validate_subresource_update(NULL, kind, kind->subresources[i].name, object, old, &e);
            check_errors(&e);
        }
    }
    arena_fini(&a);
    return 0;
}
