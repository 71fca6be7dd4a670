/* The world of one object. See apply_world.h. */
#include "apply_world.h"

#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

void world_init(struct world *w, struct pos pos, const char *api_version) {
    *w = (struct world){.a = ARENA_INIT, .pos = pos, .now = 1000};
    w->req.api_version = str_from(api_version);
}

void world_fini(struct world *w) {
    arena_fini(&w->a);
}

static struct str double_quotes(struct arena *a, const char *text) {
    struct str s = arena_str(a, str_from(text));
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\'')
            ((char *)s.p)[i] = '"';
    return s;
}

const struct jval *world_parse(struct world *w, const char *text) {
    struct jval *v = arena_new(&w->a, struct jval);
    struct err err = ERR_INIT;
    assert_ok(json_parse(&w->a, double_quotes(&w->a, text), NULL, NULL, v, &err), &err);
    if (!jval_get(v, S("apiVersion")))
        *v = jval_with(&w->a, v, S("apiVersion"), jval_str(w->req.api_version));
    return v;
}

static void begin(struct world *w, const char *manager) {
    w->err = (struct err)ERR_INIT;
    w->last = (struct managed_result){0};
    w->req.manager = str_from(manager);
    w->req.now = (struct timestamp){.sec = w->now++, .set = true};
    w->req.before = ref_tree_at(w->pos, w->live);
}

static void store(struct world *w, const struct jval *object) {
    struct jval *v = arena_new(&w->a, struct jval);
    *v = w->last.entries.n || jval_path(object, "metadata.managedFields")
             ? managed_set_tree(&w->a, object, w->last.entries)
             : *object;
    w->live = v;
}

int world_apply_rc(struct world *w, const char *manager, const char *config, bool force) {
    const struct jval *v = world_parse(w, config);
    begin(w, manager);
    w->req.config = ref_tree_at(w->pos, v);
    w->req.force = force;
    int rc = managed_apply(&w->a, &w->req, &w->last, &w->err);
    if (rc == 0)
        store(w, &w->last.object);
    return rc;
}

int world_update_rc(struct world *w, const char *manager, const char *object) {
    const struct jval *v = world_parse(w, object);
    begin(w, manager);
    w->req.after = ref_tree_at(w->pos, v);
    int rc = managed_update(&w->a, &w->req, &w->last, &w->err);
    if (rc == 0)
        store(w, v);
    return rc;
}

void world_apply(struct world *w, const char *manager, const char *config) {
    assert_ok(world_apply_rc(w, manager, config, false), &w->err);
}

void world_force(struct world *w, const char *manager, const char *config) {
    assert_ok(world_apply_rc(w, manager, config, true), &w->err);
}

void world_update(struct world *w, const char *manager, const char *object) {
    assert_ok(world_update_rc(w, manager, object), &w->err);
}

void world_update_sub(struct world *w, const char *subresource, const char *manager, const char *object) {
    w->req.subresource = str_from(subresource);
    world_update(w, manager, object);
    w->req.subresource = STR_NONE;
}

void world_apply_sub(struct world *w, const char *subresource, const char *manager, const char *config) {
    w->req.subresource = str_from(subresource);
    world_apply(w, manager, config);
    w->req.subresource = STR_NONE;
}

void world_default(struct world *w, const char *object) {
    struct jval *v = arena_new(&w->a, struct jval);
    *v = managed_set_tree(&w->a, world_parse(w, object), world_entries(w));
    w->live = v;
}

void world_conflicts(struct world *w, const char *manager, const char *config, const char *expected) {
    assert_int_equal(world_apply_rc(w, manager, config, false), ERR_CONFLICT);
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < w->last.n_conflicts; i++) {
        if (i)
            buf_lit(&out, "; ");
        buf_str(&out, w->last.conflicts[i].manager);
        buf_byte(&out, ' ');
        buf_str(&out, w->last.conflicts[i].path);
    }
    assert_str(buf_view(&out), expected);
}

void world_refused(struct world *w, const char *manager, const char *config, const char *problem) {
    assert_int_equal(world_apply_rc(w, manager, config, false), ERR_INVALID);
    struct str text = w->last.problem.p ? w->last.problem : str_from(w->err.msg);
    if (str_find(text, str_from(problem)) < 0)
        assert_str(text, problem);
}

void assert_object(struct world *w, const char *expected) {
    _cleanup_buf struct buf out = BUF_INIT;
    const struct jval *meta = jval_get(w->live, S("metadata"));
    struct jval v = jval_without(&w->a, w->live, S("apiVersion"));
    if (meta) {
        struct jval rest = jval_without(&w->a, meta, S("managedFields"));
        v = rest.n || meta->n == 0 ? jval_with(&w->a, &v, S("metadata"), rest)
                                   : jval_without(&w->a, &v, S("metadata"));
    }
    json_write(&out, &v);
    assert_str_equal(buf_view(&out), double_quotes(&w->a, expected));
}

struct meta_managed_fields_entry_array world_entries(struct world *w) {
    struct meta_managed_fields_entry_array entries;
    assert_true(managed_of(&w->a, ref_tree_at(w->pos, w->live), &entries));
    return entries;
}

void assert_managers(struct world *w, const char *expected) {
    struct meta_managed_fields_entry_array entries = world_entries(w);
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < entries.n; i++) {
        const struct meta_managed_fields_entry *e = &entries.v[i];
        assert_str(e->fields_type, "FieldsV1");
        assert_true(e->time.set);
        buf_printf(&out, "%s%.*s %.*s %.*s%s%.*s %.*s", i ? "; " : "", STR_ARG(e->manager),
                   STR_ARG(e->operation), STR_ARG(e->api_version), e->subresource.n ? "/" : "",
                   STR_ARG(e->subresource), STR_ARG(e->fields_v1));
    }
    assert_str_equal(buf_view(&out), double_quotes(&w->a, expected));
}

const char *world_text(struct world *w, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    struct str s = arena_vprintf(&w->a, format, ap);
    va_end(ap);
    return s.p;
}

const char *world_entry(struct world *w, const char *manager, const char *fields) {
    return world_text(w,
                      "{'manager':'%s','operation':'Update','apiVersion':'x.io/v1','fieldsType':'FieldsV1',"
                      "'time':'2020-01-01T00:00:00Z','fieldsV1':%s}",
                      manager, fields);
}
