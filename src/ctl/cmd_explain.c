/* explain: what fields objects have, from the server's OpenAPI documents. */
#include "ctl/call.h"
#include "ctl/commands.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

#define WIDTH 80
#define DEPTH_MAX 64
#define ENUM_SHOWN_MAX 4

struct explaining {
    struct ctl *c;
    const struct jval *schemas;         /* of the document */
    const struct jval *open[DEPTH_MAX]; /* types that are being listed, outermost first */
    unsigned depth;
};

/* -- schemas -- */

static struct str last_word(struct str ref) {
    ptrdiff_t at = str_rfind_byte(ref, '.'), slash = str_rfind_byte(ref, '/');
    at = at > slash ? at : slash;
    return str_from_byte(ref, at < 0 ? 0 : (size_t)at + 1);
}

/* What a property refers to, directly or in its only allOf; "" when it stands for itself. */
static struct str ref_of(const struct jval *schema) {
    struct str ref = object_str(schema, "$ref");
    const struct jval *all = object_array(schema, "allOf");
    if (!ref.n && all && all->n == 1)
        ref = object_str(&all->items[0], "$ref");
    return ref;
}

static const struct jval *resolve(const struct explaining *x, const struct jval *schema) {
    struct str ref = ref_of(schema), prefix = S("#/components/schemas/");
    if (!str_has_prefix(ref, prefix))
        return schema;
    const struct jval *to = jval_get(x->schemas, str_from_byte(ref, prefix.n));
    return to ? to : schema;
}

/* CONFORMS: a name for what is made of fields or of alternatives; times and the like are plain. */
static void put_type(const struct explaining *x, struct buf *out, const struct jval *schema, unsigned depth) {
    struct str ref = ref_of(schema), type = object_str(schema, "type");
    struct str behind = ref.n ? object_str(resolve(x, schema), "type") : S("");
    if (behind.n && !str_eq(behind, S("object")) && !str_eq(behind, S("array"))) {
        buf_str(out, behind);
        return;
    }
    const struct jval *items = jval_get(schema, S("items")),
                      *values = jval_get(schema, S("additionalProperties"));
    if (depth > DEPTH_MAX) {
        buf_lit(out, "Object");
    } else if (ref.n) {
        buf_str(out, last_word(ref));
    } else if (str_eq(type, S("array")) && items) {
        buf_lit(out, "[]");
        put_type(x, out, items, depth + 1);
    } else if (str_eq(type, S("object")) && values && values->kind == J_OBJECT) {
        buf_lit(out, "map[string]");
        put_type(x, out, values, depth + 1);
    } else if (object_bool(schema, "x-kubernetes-int-or-string")) {
        buf_lit(out, "IntOrString");
    } else if (!type.n || str_eq(type, S("object"))) {
        buf_lit(out, "Object");
    } else {
        buf_str(out, type);
    }
}

/* The schema whose properties a field of this schema has: behind lists, maps and references. */
static const struct jval *fields_of(const struct explaining *x, const struct jval *schema) {
    for (unsigned i = 0; i < DEPTH_MAX; i++) {
        schema = resolve(x, schema);
        const struct jval *items = jval_get(schema, S("items")),
                          *values = jval_get(schema, S("additionalProperties"));
        if (jval_get(schema, S("properties")))
            return schema;
        if (items)
            schema = items;
        else if (values && values->kind == J_OBJECT)
            schema = values;
        else
            break;
    }
    return schema;
}

static bool is_required(const struct jval *schema, struct str name) {
    const struct jval *list = object_array(schema, "required");
    for (uint32_t i = 0; list && i < list->n; i++)
        if (list->items[i].kind == J_STRING && str_eq(jval_as_str(&list->items[i]), name))
            return true;
    return false;
}

/* -- texts -- */

static void put_spaces(struct buf *out, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        buf_byte(out, ' ');
}

/* A paragraph in lines of at most WIDTH. */
static void put_wrapped(struct buf *out, struct str text, unsigned indent) {
    struct str line, word;
    do {
        bool more = str_split(text, '\n', &line, &text);
        size_t at = 0;
        if (!line.n && !more && !text.n)
            break;
        do {
            (void)str_split(line, ' ', &word, &line);
            if (at && at + 1 + word.n > WIDTH) {
                buf_byte(out, '\n');
                at = 0;
            }
            if (at) {
                buf_byte(out, ' ');
                at++;
            } else {
                put_spaces(out, indent);
                at = indent;
            }
            buf_str(out, word);
            at += word.n;
        } while (line.n);
        buf_byte(out, '\n');
    } while (text.n);
}

static const struct jval *enum_of(const struct explaining *x, const struct jval *schema) {
    const struct jval *list = object_array(schema, "enum");
    return list ? list : object_array(resolve(x, schema), "enum");
}

static void put_enum_line(struct buf *out, const struct jval *list, unsigned indent) {
    put_spaces(out, indent);
    buf_lit(out, "enum: ");
    for (uint32_t i = 0; i < list->n && i < ENUM_SHOWN_MAX; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "",
                   STR_ARG(list->items[i].n ? jval_as_str(&list->items[i]) : S("\"\"")));
    if (list->n > ENUM_SHOWN_MAX)
        buf_lit(out, ", ....");
    buf_byte(out, '\n');
}

static void put_head(struct explaining *x, struct buf *out, struct str name, const struct jval *schema,
                     bool required, unsigned indent) {
    const struct jval *list = enum_of(x, schema);
    put_spaces(out, indent);
    buf_str(out, name);
    buf_lit(out, "\t<");
    put_type(x, out, schema, 0);
    buf_str(out, required ? S("> -required-\n") : S(">\n"));
    if (list && list->n)
        put_enum_line(out, list, indent);
}

static void put_fields(struct explaining *x, struct buf *out, const struct jval *schema, bool recursive,
                       unsigned indent) {
    const struct jval *properties = jval_get(schema, S("properties"));
    for (unsigned i = 0; i < x->depth; i++)
        if (x->open[i] == schema)
            return; /* a type inside itself */
    if (!properties || properties->kind != J_OBJECT || x->depth == DEPTH_MAX)
        return;
    x->open[x->depth++] = schema;
    for (uint32_t i = 0; i < properties->n; i++) {
        struct str name = properties->members[i].key;
        const struct jval *field = &properties->members[i].value;
        put_head(x, out, name, field, is_required(schema, name), indent);
        if (recursive) {
            put_fields(x, out, fields_of(x, field), true, indent + 2);
            continue;
        }
        struct str text = object_str(field, "description");
        put_wrapped(out, text.n ? text : S("<no description>"), indent + 2);
        buf_byte(out, '\n');
    }
    x->depth--;
}

static void put_description(struct explaining *x, struct buf *out, const struct jval *field) {
    struct str own = object_str(field, "description");
    const struct jval *type = field, *items = jval_get(field, S("items")),
                      *values = jval_get(field, S("additionalProperties"));
    if (!ref_of(field).n && items)
        type = items;
    else if (!ref_of(field).n && values && values->kind == J_OBJECT)
        type = values;
    struct str its = type != field || ref_of(field).n ? object_str(resolve(x, type), "description") : S("");
    buf_lit(out, "DESCRIPTION:\n");
    put_wrapped(out, own.n || its.n ? own : S("<empty>"), 4);
    put_wrapped(out, its, 4);
    buf_lit(out, "    \n");
}

/* -- finding -- */

/* The document of a group version, and the schema of the kind. */
static int load(struct explaining *x, const struct resource *r, const struct jval **ret, struct problem *p) {
    struct ctl *c = x->c;
    struct answer answer;
    struct str path =
        arena_printf(&c->arena, "/openapi/v3/%s/%.*s", r->group.n ? "apis" : "api", STR_ARG(r->api_version));
    if (ctl_call(c, &(struct request){.path = path}, &answer, p))
        return CTL_PROBLEM;
    struct jval *document = arena_new(&c->arena, struct jval);
    *document = answer.tree;
    x->schemas = jval_path(document, "components.schemas");
    for (uint32_t i = 0; x->schemas && x->schemas->kind == J_OBJECT && i < x->schemas->n; i++) {
        const struct jval *schema = &x->schemas->members[i].value;
        const struct jval *kinds = object_array(schema, "x-kubernetes-group-version-kind");
        for (uint32_t k = 0; kinds && k < kinds->n; k++) {
            const struct jval *g = &kinds->items[k];
            if (str_eq(object_str(g, "group"), r->group) && str_eq(object_str(g, "version"), r->version) &&
                str_eq(object_str(g, "kind"), r->kind))
                return *ret = schema, 0;
        }
    }
    return problem_set(c, p, "GVR (%.*s, Resource=%.*s) not found in OpenAPI schema", STR_ARG(r->api_version),
                       STR_ARG(r->plural));
}

/* "deployments.apps.spec": the resource with its group, and the rest; else the first word and the rest. */
static int split_name(struct ctl *c, struct str text, const struct resource **ret, struct str *ret_fields,
                      struct problem *p) {
    struct str name, rest;
    if (discovery_load(c, p))
        return CTL_PROBLEM;
    (void)str_split(text, '.', &name, &rest);
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        bool called = str_eq(r->plural, name) || str_eq(r->singular, name);
        if (!r->preferred || !r->group.n || !called || !str_has_prefix(rest, r->group))
            continue;
        struct str behind = str_from_byte(rest, r->group.n);
        if (behind.n && behind.p[0] != '.')
            continue;
        *ret = r;
        *ret_fields = str_from_byte(behind, 1);
        return 0;
    }
    *ret_fields = rest;
    return resource_find(c, name, ret, p);
}

static int with_version(struct ctl *c, const struct resource **r, struct problem *p) {
    struct str version = opt_str(&c->opts, "api-version"), group, v;
    if (!version.n)
        return 0;
    if (!str_split(version, '/', &group, &v)) {
        v = version;
        group = S("");
    }
    const struct resource *other = resource_get(c, group, v, (*r)->plural);
    if (!other)
        return problem_set(c, p, "couldn't find resource for \"%.*s/%.*s, Resource=%.*s\"", STR_ARG(group),
                           STR_ARG(v), STR_ARG((*r)->plural));
    *r = other;
    return 0;
}

/* -- the command -- */

static int put_field(struct explaining *x, struct buf *out, const struct jval *root, struct str path,
                     struct problem *p) {
    const struct jval *field = root;
    struct str name = S("");
    while (path.n) {
        (void)str_split(path, '.', &name, &path);
        field = jval_get(jval_get(fields_of(x, field), S("properties")), name);
        if (!field)
            return problem_set(x->c, p, "field \"%.*s\" does not exist", STR_ARG(name));
    }
    if (name.n) {
        const struct jval *list = enum_of(x, field);
        buf_printf(out, "FIELD: %.*s <", STR_ARG(name));
        put_type(x, out, field, 0);
        buf_str(out, list && list->n ? S(">\nENUM:\n") : S(">\n\n"));
        for (uint32_t i = 0; list && i < list->n; i++)
            buf_printf(out, "    %.*s\n", STR_ARG(jval_as_str(&list->items[i])));
        buf_byte(out, '\n');
    }
    put_description(x, out, field);
    const struct jval *fields = fields_of(x, field);
    if (jval_get(fields, S("properties"))) {
        buf_lit(out, "FIELDS:\n");
        put_fields(x, out, fields, opt_bool(&x->c->opts, "recursive"), 2);
    }
    buf_byte(out, '\n');
    return 0;
}

static int run(struct ctl *c) {
    struct problem p;
    struct explaining x = {.c = c};
    const struct resource *r;
    const struct jval *schema = NULL;
    struct str fields;
    _cleanup_buf struct buf out = BUF_INIT;
    if (!c->opts.n_args)
        return ctl_error(
            c,
            "You must specify the type of resource to explain. Use \"%s api-resources\" for a complete list "
            "of supported resources.",
            c->setup->program);
    if (c->opts.n_args > 1)
        return ctl_error(c, "We accept only this format: explain RESOURCE");
    if (split_name(c, c->opts.args[0], &r, &fields, &p))
        return p.http_code ? ctl_fail(c, &p) : ctl_fail_item(c, &p);
    if (with_version(c, &r, &p) || load(&x, r, &schema, &p))
        return ctl_fail(c, &p);
    if (r->group.n)
        buf_printf(&out, "GROUP:      %.*s\n", STR_ARG(r->group));
    buf_printf(&out, "KIND:       %.*s\nVERSION:    %.*s\n\n", STR_ARG(r->kind), STR_ARG(r->version));
    int rc = put_field(&x, &out, schema, fields, &p);
    ctl_put(c, buf_view(&out));
    return rc ? ctl_fail(c, &p) : 0;
}

static const struct opt_row flags[] = {
    {"api-version", 0, OPT_STRING, .help = "Of this version: group/version."},
    {"output", 'o', OPT_STRING, "plaintext", .help = "plaintext."},
    {"recursive", 0, OPT_BOOL, .help = "List the fields of fields, too."},
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .args = "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] "
            "[-o|--output=plaintext|plaintext-openapiv2] [options]",
    .brief = "Get documentation for a resource",
    .about = "Say what fields objects of a type have and what they mean, as the server knows them.",
    .examples = "  # Of pods\n"
                "  kubectl explain pods\n"
                "  \n"
                "  # One field, and what it is made of\n"
                "  kubectl explain pods.spec.containers\n",
    .flags = flags,
    .run = run,
};
