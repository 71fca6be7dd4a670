/* Objects that commands make from flags. See maker.h. */
#include "ctl/maker.h"

#include "api/json.h"
#include "api/kind.h"
#include "codec/json.h"
#include "ctl/applied.h"
#include "ctl/call.h"
#include "ctl/discovery.h"
#include "ctl/object.h"
#include "ctl/patching.h"

int maker_name(struct ctl *c, struct str *ret, struct problem *p) {
    size_t n = c->opts.n_before_dash;
    if (n != 1)
        return problem_set(c, p, "exactly one NAME is required, got %zu\nSee '%.*s -h' for help and examples",
                           n, STR_ARG(c->path));
    *ret = c->opts.args[0];
    return 0;
}

struct jval maker_command(struct ctl *c) {
    size_t from = c->opts.n_before_dash;
    return tree_of_texts(c, c->opts.args + from, c->opts.n_args - from);
}

void maker_init(struct maker *m, struct ctl *c, const char *api_version, const char *kind, struct str name) {
    *m = (struct maker){.c = c};
    maker_str(m, "apiVersion", str_from(api_version));
    maker_str(m, "kind", str_from(kind));
    maker_str(m, "metadata.name", name);
}

void maker_set(struct maker *m, const char *dotted, struct jval value) {
    m->object = object_with(&m->c->arena, &m->object, dotted, value);
}

void maker_str(struct maker *m, const char *dotted, struct str value) {
    if (value.n)
        maker_set(m, dotted, jval_str(value));
}

void maker_int(struct maker *m, const char *dotted, int64_t value) {
    maker_set(m, dotted, jval_int(value));
}

void maker_entry(struct maker *m, const char *dotted, struct str key, struct jval value) {
    const struct jval *map = jval_path(&m->object, dotted);
    struct jval none = jval_null();
    maker_set(m, dotted, jval_with(&m->c->arena, map ? map : &none, key, value));
}

struct jval tree_of_pairs(struct ctl *c, const char *key, ...) {
    struct jobject o = {0};
    va_list ap;
    va_start(ap, key);
    for (; key; key = va_arg(ap, const char *))
        jobject_set(&c->arena, &o, str_from(key), va_arg(ap, struct jval));
    va_end(ap);
    return jobject_done(&o);
}

struct jval tree_of_texts(struct ctl *c, const struct str *v, size_t n) {
    struct jlist list = {0};
    for (size_t i = 0; i < n; i++)
        jlist_add(&c->arena, &list, jval_str(v[i]));
    return jlist_done(&list);
}

int maker_override(struct maker *m, struct problem *p) {
    struct ctl *c = m->c;
    struct str text = opt_str(&c->opts, "overrides"), how = opt_str(&c->opts, "override-type");
    struct err err = ERR_INIT;
    struct jval patch;
    if (!text.n)
        return 0;
    if (!str_eq(how, S("json")) && !str_eq(how, S("merge")) && !str_eq(how, S("strategic")))
        return problem_set(c, p, "invalid override type: %.*s", STR_ARG(how));
    if (json_parse(&c->arena, text, NULL, NULL, &patch, &err))
        return problem_set(c, p, "Invalid JSON Patch: %s", err.msg);
    enum patch_type type = str_eq(how, S("json"))        ? PATCH_JSON
                           : str_eq(how, S("strategic")) ? PATCH_STRATEGIC
                                                         : PATCH_MERGE_DOC;
    struct jval whole = typed_form(c, &m->object);
    return patch_locally(c, type, &whole, &patch, &m->object, p);
}

/* -- forms -- */

static void *typed(struct ctl *c, const struct jval *object, const struct kind **ret_kind) {
    struct str group, version;
    void *packed;
    if (!api_version_split(object_api_version(object), &group, &version))
        return NULL;
    const struct kind *k = *ret_kind = kind_find(group, version, object_kind(object));
    if (!k || !k->type || api_from_tree(&c->arena, k->set, k->type, object, NULL, &packed, NULL))
        return NULL;
    return packed;
}

struct jval typed_form(struct ctl *c, const struct jval *object) {
    const struct kind *k;
    const void *packed = typed(c, object, &k);
    return packed ? api_to_tree(&c->arena, k->set, k->type, packed) : *object;
}

/* CONFORMS: v1.List, which has no place among the types of objects. */
static void write_list(struct ctl *c, struct buf *out, const struct jval *list) {
    const struct jval *items = object_array(list, "items");
    buf_lit(out, "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[");
    for (uint32_t i = 0; items && i < items->n; i++) {
        if (i)
            buf_byte(out, ',');
        buf_str(out, object_json(&c->arena, &items->items[i]));
    }
    buf_lit(out, "]}");
}

struct str typed_json(struct ctl *c, const struct jval *object) {
    const struct kind *k;
    _cleanup_buf struct buf out = BUF_INIT;
    const void *packed = typed(c, object, &k);
    if (packed)
        api_write_json(&out, k->set, k->type, packed);
    else if (str_eq(object_kind(object), S("List")))
        write_list(c, &out, object);
    else
        json_write(&out, object);
    return buf_to_arena(&out, &c->arena);
}

/* -- creating -- */

int ctl_validation(struct ctl *c, struct str *ret, struct problem *p) {
    struct str s = opt_str(&c->opts, "validate");
    if (str_eq(s, S("true")) || str_eq(s, S("strict")))
        *ret = S("Strict");
    else if (str_eq(s, S("warn")))
        *ret = S("Warn");
    else if (str_eq(s, S("false")) || str_eq(s, S("ignore")))
        *ret = S("Ignore");
    else
        return problem_set(
            c, p,
            "invalid - validate option \"%.*s\"; must be one of: strict (or true), warn, ignore "
            "(or false)",
            STR_ARG(s));
    return 0;
}

/* "failed to create x: " and what the server said, as an error of ours. */
static int fail(struct ctl *c, struct problem *p, const char *failure) {
    if (!failure || !p->http_code)
        return ctl_fail(c, p);
    return ctl_error(c, "%s %.*s", failure, STR_ARG(p->message));
}

static int create(struct maker *m, enum dry_run dry, struct problem *p, bool *ret_refused) {
    struct ctl *c = m->c;
    const struct resource *r;
    struct write_options o = {.dry_run = dry == DRY_RUN_SERVER,
                              .field_manager = opt_str(&c->opts, "field-manager")};
    if (ctl_validation(c, &o.validation, p) ||
        resource_of_kind(c, object_api_version(&m->object), object_kind(&m->object), &r, p))
        return CTL_PROBLEM;
    *ret_refused = true;
    struct str ns = object_namespace(&m->object);
    if (object_create(c, r, ns.n ? ns : c->ns, &m->object, &o, &m->object, p))
        return CTL_PROBLEM;
    *ret_refused = false;
    return 0;
}

int maker_run(struct maker *m, const char *failure) {
    struct ctl *c = m->c;
    struct problem p;
    struct printer *pr;
    enum dry_run dry;
    bool refused = false;
    if (printer_new(c, &pr, &p) || ctl_dry_run(c, &dry, &p) || ctl_config(c, &p))
        return ctl_fail(c, &p);
    const struct kind *k;
    bool known = typed(c, &m->object, &k) != NULL;
    if (c->ns_said && known && k->namespaced && !object_namespace(&m->object).n)
        maker_str(m, "metadata.namespace", c->ns);
    m->object = typed_form(c, &m->object);
    if (opt_bool(&c->opts, "save-config"))
        m->object = applied_noted(c, &m->object,
                                  arena_printf(&c->arena, "%.*s\n", STR_ARG(typed_json(c, &m->object))));
    if (dry != DRY_RUN_CLIENT && create(m, dry, &p, &refused))
        return refused ? fail(c, &p, failure) : ctl_fail(c, &p);
    if (m->quiet)
        return 0;
    return printer_print_typed(pr, &m->object, m->done ? m->done : "created", &p) ? ctl_fail(c, &p) : 0;
}
