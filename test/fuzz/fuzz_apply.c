/* Field sets and server-side apply: an object with managed fields and a configuration that is applied to it.
 *
 * The input is text in parts, between lines of "---": the type (d Deployment, p Pod, s Service, anything else
 * an untyped custom resource), the live object, FieldsV1 of an applier, FieldsV1 of an updater, the
 * configuration.
 */
#include "api/json.h"
#include "api/managed.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"

#define PARTS 5

static void split(struct str text, struct str parts[PARTS]) {
    for (size_t i = 0; i < PARTS; i++) {
        ptrdiff_t at = i + 1 < PARTS ? str_find(text, S("\n---\n")) : -1;
        parts[i] = at < 0 ? text : str_cut(text, (size_t)at);
        text = at < 0 ? S("") : str_from_byte(text, (size_t)at + 5);
    }
}

static bool parse(struct arena *a, struct str text, struct jval *ret) {
    static const struct json_limits limits = {.depth = MANAGED_DEPTH_MAX, .size_bytes = 64 * 1024};
    return json_parse(a, text, &limits, NULL, ret, NULL) == 0 && ret->kind == J_OBJECT;
}

static struct pos type_of(struct str name) {
    if (str_eq(name, S("d")))
        return pos_type(&builtin, TY_APPS_DEPLOYMENT);
    if (str_eq(name, S("p")))
        return pos_type(&builtin, TY_CORE_POD);
    if (str_eq(name, S("s")))
        return pos_type(&builtin, TY_CORE_SERVICE);
    return (struct pos){0};
}

/* What is written reads back as the same set, and operations keep their laws. */
static void fuzz_sets(struct arena *a, struct str x_text, struct str y_text) {
    struct fieldset x = {0}, y = {0}, back;
    if (fieldset_read(a, x_text, &x, NULL) < 0 || fieldset_read(a, y_text, &y, NULL) < 0)
        return;
    _cleanup_buf struct buf text = BUF_INIT;
    fieldset_write(&text, &x);
    must(fieldset_read(a, buf_view(&text), &back, NULL) == 0);
    must(fieldset_equal(&x, &back));
    struct fieldset both = fieldset_union(a, &x, &y), common = fieldset_intersection(a, &x, &y);
    struct fieldset only_x = fieldset_difference(a, &x, &y), only_y = fieldset_difference(a, &y, &x);
    must(fieldset_covers(&both, &x) && fieldset_covers(&both, &y) && fieldset_covers(&x, &common));
    must(!fieldset_overlaps(&only_x, &y) && fieldset_overlaps(&x, &y) == !fieldset_empty(&common));
    must(fieldset_size(&both) == fieldset_size(&only_x) + fieldset_size(&only_y) + fieldset_size(&common));
    struct fieldset again = fieldset_union(a, &only_x, &common);
    must(fieldset_equal(&again, &x));
    struct fieldset below = fieldset_difference_below(a, &x, &y), within = fieldset_below(a, &x, &y);
    must(fieldset_size(&below) + fieldset_size(&within) == fieldset_size(&x));
}

static void add_entry(struct meta_managed_fields_entry_array *e, struct str operation, struct str fields) {
    e->v[e->n++] = (struct meta_managed_fields_entry){.manager = S("m"),
                                                      .operation = operation,
                                                      .api_version = S("v1"),
                                                      .fields_type = S("FieldsV1"),
                                                      .fields_v1 = fields};
}

/* The fields must be JSON to stand in an object. */
static bool add_fields(struct arena *a, struct meta_managed_fields_entry_array *e, struct str operation,
                       struct str fields) {
    struct fieldset set;
    if (fields.n && fieldset_read(a, fields, &set, NULL) == 0)
        add_entry(e, operation, fields);
    return e->n > 0;
}

/* Applying the same once more changes nothing. But when the last owner went, the object is one that nobody
 * tracked, and the next apply gives what is there to "before-first-apply". */
static void apply_again(struct arena *a, struct managed_request req, const struct managed_result *first) {
    if (first->entries.n == 0)
        return;
    struct jval live = managed_set_tree(a, &first->object, first->entries);
    req.before = ref_tree_at(req.config.pos, &live);
    struct managed_result second;
    must(managed_apply(a, &req, &second, NULL) == 0);
    must(!second.object_changed && !second.entries_changed);
}

static void check_entries(struct arena *a, const struct managed_result *result) {
    for (uint32_t i = 0; i < result->entries.n; i++) {
        struct fieldset set;
        must(fieldset_read(a, result->entries.v[i].fields_v1, &set, NULL) == 0);
        must(!fieldset_empty(&set));
    }
}

static void apply(struct arena *a, struct managed_request req) {
    struct managed_result result = {0}, forced = {0};
    int rc = managed_apply(a, &req, &result, NULL);
    must(rc == 0 || rc == ERR_CONFLICT || rc == ERR_INVALID || rc == ERR_CORRUPT || rc == ERR_TOO_LARGE);
    must((rc == ERR_CONFLICT) == (result.n_conflicts > 0));
    req.force = true;
    int rc_forced = managed_apply(a, &req, &forced, NULL);
    must(rc == ERR_CONFLICT ? rc_forced == 0 : rc_forced == rc);
    if (rc == 0) {
        must(jval_equal(&result.object, &forced.object) && managed_same(result.entries, forced.entries));
        apply_again(a, req, &result);
    } else if (rc_forced == 0) {
        apply_again(a, req, &forced);
    }
    if (rc_forced == 0)
        check_entries(a, &forced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str parts[PARTS];
    split(fuzz_text(data, n), parts);
    fuzz_sets(&a, parts[2], parts[3]);

    struct jval live, config;
    struct meta_managed_fields_entry entries[2];
    struct meta_managed_fields_entry_array managed = {entries, 0};
    struct pos p = type_of(parts[0]);
    if (!parse(&a, parts[1], &live) || !parse(&a, parts[4], &config))
        return 0;
    (void)add_fields(&a, &managed, S("Apply"), parts[2]);
    if (add_fields(&a, &managed, S("Update"), parts[3]))
        live = managed_set_tree(&a, &live, managed);
    config = jval_with(&a, &config, S("apiVersion"), jval_str(S("v1")));
    struct managed_request req = {.manager = S("m"),
                                  .api_version = S("v1"),
                                  .before = ref_tree_at(p, &live),
                                  .after = ref_tree_at(p, &config),
                                  .config = ref_tree_at(p, &config)};
    apply(&a, req);
    struct managed_result result;
    must(managed_update(&a, &req, &result, NULL) == 0);
    check_entries(&a, &result);
    req.before.rep = REP_NONE;
    apply(&a, req);
    return 0;
}
