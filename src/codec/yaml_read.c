/* YAML text to trees: libyaml's events, put together on stacks of our own. See yaml.h.
 *
 * Nothing recurses: open lists and maps are levels on one stack, their finished values slots on another. A
 * finished value weighs something (how many values it holds, how many bytes, how high it is); an alias shares
 * the tree of its anchor, but is charged with its weight, since whoever walks the result walks it again each
 * time. Considered and rejected: libyaml's own document trees, which know no bounds.
 */
#include "codec/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "codec/json_lex.h"
#include "codec/yaml_priv.h"

struct weight {
    size_t values, bytes;
    uint32_t height; /* 0 for scalars */
};

struct node {
    struct jval v;
    struct weight weight;
    uint32_t line; /* from 0 */
    bool alias;
};

struct anchor {
    struct jval v;
    struct weight weight;
    bool done; /* false while the value is still being read */
};

/* A finished item or member. */
struct slot {
    struct str key;
    struct jval v;
    uint32_t line;
    uint32_t place; /* among its siblings */
};

struct level {
    bool map;
    bool has_key; /* of a map: what comes next is a value */
    bool merge;   /* its key is << */
    struct str key;
    size_t first; /* of its slots */
    struct weight weight;
    uint32_t line;
    uint32_t anchor; /* index in anchors, from 1; 0: none */
};

struct duplicate {
    struct str key;
    uint32_t line;
};

struct builder {
    yaml_parser_t parser;
    struct arena *arena;
    struct err *err;
    bool strict;
    uint32_t depth_max;
    size_t values, alias_values, alias_bytes, alias_bytes_max;
    struct map anchor_names; /* to indexes as in level.anchor */
    VEC(struct anchor) anchors;
    VEC(struct level) levels;
    VEC(struct slot) slots;
    VEC(struct duplicate) duplicates;
    struct jval root;
    bool finished;
};

#define LONG_TAG "tag:yaml.org,2002:"

/* --- errors --- */

/* CONFORMS: go-yaml's choice of the line it names. */
static int syntax_error(const struct builder *b) {
    const yaml_parser_t *p = &b->parser;
    size_t line = p->problem_mark.line;
    if (p->error == YAML_MEMORY_ERROR)
        return err_set(b->err, ERR_TOO_LARGE, "yaml: the text needs too much memory");
    if (line)
        line += p->error == YAML_SCANNER_ERROR;
    else
        line = p->context_mark.line;
    const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";
    if (line)
        return err_set(b->err, ERR_INVALID, "yaml: line %zu: %s", line, problem);
    return err_set(b->err, ERR_INVALID, "yaml: %s", problem);
}

static int too_deep(const struct builder *b) {
    return err_set(b->err, ERR_TOO_LARGE, "yaml: exceeded max depth of %u", b->depth_max);
}

static int bad_merge(const struct builder *b) {
    return err_set(b->err, ERR_INVALID, "yaml: map merge requires map or sequence of maps as the value");
}

/* --- maps --- */

static int by_key_then_place(const void *a, const void *b) {
    const struct slot *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

/* The slots of a map as members: sorted, of equal keys the last. */
static struct jval map_of(struct builder *b, struct slot *slots, size_t n) {
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = str_cmp(slots[i - 1].key, slots[i].key) < 0;
    if (!sorted) {
        for (size_t i = 0; i < n; i++)
            slots[i].place = (uint32_t)i;
        qsort(slots, n, sizeof *slots, by_key_then_place);
    }
    struct jmember *members = arena_new_n(b->arena, n, struct jmember);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && str_eq(members[kept - 1].key, slots[i].key)) {
            struct duplicate d = {slots[i].key, slots[i].line};
            if (b->strict)
                vec_push(&b->duplicates, d);
            kept--;
        }
        members[kept++] = (struct jmember){slots[i].key, slots[i].v};
    }
    return jval_object(members, kept);
}

static void add_slot(struct builder *b, struct str key, struct jval v, uint32_t line) {
    struct slot s = {.key = key, .v = v, .line = line};
    vec_push(&b->slots, s);
}

static void merge_map(struct builder *b, const struct jval *map, uint32_t line) {
    for (uint32_t i = 0; i < map->n; i++)
        add_slot(b, map->members[i].key, map->members[i].value, line);
}

/* CONFORMS: go-yaml: of a list of maps the first counts most; what stands further down in the map that is
 * merged into counts more. */
static int merge(struct builder *b, const struct node *n) {
    if (n->v.kind == J_OBJECT) {
        merge_map(b, &n->v, n->line);
        return 0;
    }
    if (n->v.kind != J_ARRAY || n->alias)
        return bad_merge(b);
    for (uint32_t i = n->v.n; i-- > 0;) {
        if (n->v.items[i].kind != J_OBJECT)
            return bad_merge(b);
        merge_map(b, &n->v.items[i], n->line);
    }
    return 0;
}

/* --- values --- */

static void add_weight(struct weight *w, const struct weight *more) {
    w->values += more->values;
    w->bytes += more->bytes;
    if (more->height > w->height)
        w->height = more->height;
}

/* CONFORMS: keys are rounded to float. */
static struct str float_key(struct arena *a, double d) {
    _cleanup_buf struct buf text = BUF_INIT;
    if (isinf((float)d))
        return d < 0 ? S("-.inf") : S(".inf");
    yaml_put_float(&text, d, true);
    return buf_to_arena(&text, a);
}

static int key_of(const struct builder *b, const struct node *n, struct str *ret) {
    switch ((enum jkind)n->v.kind) {
    case J_STRING: *ret = jval_as_str(&n->v); return 0;
    case J_BOOL: *ret = n->v.b ? S("true") : S("false"); return 0;
    case J_INT: *ret = arena_printf(b->arena, "%lld", (long long)n->v.i); return 0;
    case J_DOUBLE: *ret = float_key(b->arena, n->v.d); return 0;
    case J_NULL: return err_set(b->err, ERR_INVALID, "yaml: line %u: null is no map key", n->line + 1);
    case J_ARRAY:
    case J_OBJECT: break;
    }
    return err_set(b->err, ERR_INVALID, "yaml: line %u: invalid map key: a %s", n->line + 1,
                   n->v.kind == J_ARRAY ? "list" : "map");
}

/* A finished value goes where it belongs. */
static int put(struct builder *b, const struct node *n) {
    if (b->levels.n == 0) {
        b->root = n->v;
        b->finished = true;
        return 0;
    }
    struct level *l = &b->levels.v[b->levels.n - 1];
    int rc = 0;
    add_weight(&l->weight, &n->weight);
    if (!l->map) {
        add_slot(b, STR_NONE, n->v, n->line);
    } else if (!l->has_key) {
        l->has_key = true;
        l->merge = false;
        rc = key_of(b, n, &l->key);
    } else {
        l->has_key = false;
        if (l->merge)
            rc = merge(b, n);
        else
            add_slot(b, l->key, n->v, n->line);
    }
    return rc;
}

static int count_value(struct builder *b) {
    if (++b->values > JSON_MEMBERS_MAX)
        return err_set(b->err, ERR_TOO_LARGE, "yaml: more than %u values", JSON_MEMBERS_MAX);
    return 0;
}

/* --- anchors and aliases --- */

static uint32_t open_anchor(struct builder *b, const yaml_char_t *name) {
    if (!name)
        return 0;
    struct anchor a = {.done = false};
    vec_push(&b->anchors, a);
    struct str text = arena_str(b->arena, str_from((const char *)name));
    map_put_u64(&b->anchor_names, text, b->anchors.n);
    return (uint32_t)b->anchors.n;
}

static void close_anchor(struct builder *b, uint32_t anchor, const struct node *n) {
    if (anchor)
        b->anchors.v[anchor - 1] = (struct anchor){n->v, n->weight, true};
}

/* CONFORMS: go-yaml's bound on how much of a document may come from aliases. */
static bool is_excessive(const struct builder *b) {
    const double low = 400000, high = 4000000, all = (double)b->values + (double)b->alias_values;
    if (b->alias_values <= 100 || all <= 1000)
        return false;
    double allowed = all <= low ? 0.99 : all >= high ? 0.10 : 0.99 - 0.89 * ((all - low) / (high - low));
    return (double)b->alias_values / all > allowed;
}

static int take_alias(struct builder *b, const yaml_event_t *e) {
    const char *name = (const char *)e->data.alias.anchor;
    const struct map_entry *entry = map_find(&b->anchor_names, str_from(name));
    if (!entry)
        return err_set(b->err, ERR_INVALID, "yaml: unknown anchor '%s' referenced", name);
    const struct anchor *a = &b->anchors.v[entry->u64 - 1];
    if (!a->done)
        return err_set(b->err, ERR_INVALID, "yaml: anchor '%s' value contains itself", name);
    if (b->levels.n + a->weight.height > b->depth_max)
        return too_deep(b);
    b->alias_values += a->weight.values;
    b->alias_bytes += a->weight.bytes;
    if (is_excessive(b) || b->alias_bytes > b->alias_bytes_max)
        return err_set(b->err, ERR_TOO_LARGE, "yaml: document contains excessive aliasing");
    struct node n = {a->v, a->weight, (uint32_t)e->start_mark.line, true};
    return put(b, &n);
}

/* --- scalars --- */

/* A double as JSON text brings it back: whole numbers below 1e21 are written without a point, and what fits
 * int64 is read as such. */
static struct jval number_of(double d) {
    _cleanup_buf struct buf text = BUF_INIT;
    int64_t i;
    json_write_double(&text, d);
    return str_to_i64(buf_view(&text), &i) ? jval_int(i) : jval_double(d);
}

/* What is not UTF-8 becomes replacement characters, one for each byte. */
static struct str clean_utf8(struct arena *a, struct str s) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (;;) {
        size_t n = utf8_valid_prefix(s);
        buf_put(&b, s.p, n);
        if (n == s.n)
            return buf_to_arena(&b, a);
        buf_lit(&b, "\xef\xbf\xbd");
        s = str_from_byte(s, n + 1);
    }
}

static int binary_of(const struct builder *b, struct str text, struct jval *ret) {
    char *bytes = arena_bytes(b->arena, base64_decoded_max(text.n));
    size_t n;
    if (base64_decode(BASE64_STD, text, bytes, &n, NULL))
        return err_set(b->err, ERR_INVALID, "yaml: !!binary value contains invalid base64 data");
    *ret = jval_str(clean_utf8(b->arena, str_make(bytes, n)));
    return 0;
}

/* By enum yaml_kind. */
static const char *const tag_names[] = {"null", "bool", "int", "int", "float", "timestamp", "merge", "str"};

/* A tag of the core schema must fit what the text looks like; `*kind` is what that is. Integers may be
 * floats. */
static int check_tag(const struct builder *b, const char *tag, struct str text, struct yaml_scalar *s) {
    const char *looks = tag_names[s->kind];
    if (strcmp(tag, looks) == 0)
        return 0;
    if (strcmp(tag, "float") == 0 && s->kind == YAML_INT) {
        *s = (struct yaml_scalar){.kind = YAML_FLOAT, .d = (double)s->i};
        return 0;
    }
    return err_set(b->err, ERR_INVALID, "yaml: cannot decode !!%s `%.*s` as a !!%s", looks, STR_ARG(text),
                   tag);
}

/* The tag without its long prefix when it is one that scalars are resolved by, else NULL. */
static const char *resolvable(const char *tag) {
    static const char *const names[] = {"str", "bool", "int", "float", "null", "timestamp"};
    if (!tag || strncmp(tag, LONG_TAG, strlen(LONG_TAG)) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(tag + strlen(LONG_TAG), names[i]) == 0)
            return names[i];
    return NULL;
}

/* The value of a scalar; its text, when it is a string, lies in the arena. */
static int scalar_value(const struct builder *b, const yaml_event_t *e, struct str text, struct jval *ret) {
    const char *tag = (const char *)e->data.scalar.tag, *name = resolvable(tag);
    if (tag && strcmp(tag, LONG_TAG "binary") == 0)
        return binary_of(b, text, ret);
    struct yaml_scalar s = {.kind = YAML_STR};
    if (name ? strcmp(name, "str") != 0 : !tag && e->data.scalar.plain_implicit) {
        s = yaml_resolve(text);
        if (s.kind == YAML_TIME && name && strcmp(name, "timestamp") != 0)
            s.kind = YAML_STR;
        int rc = name ? check_tag(b, name, text, &s) : 0;
        if (rc)
            return rc;
    }
    switch (s.kind) {
    case YAML_NULL: *ret = jval_null(); return 0;
    case YAML_BOOL: *ret = jval_bool(s.b); return 0;
    case YAML_INT: *ret = jval_int(s.i); return 0;
    case YAML_UINT: *ret = jval_double((double)s.u); return 0;
    case YAML_FLOAT:
        if (!isfinite(s.d))
            return err_set(b->err, ERR_INVALID, "json: unsupported value: %s",
                           isnan(s.d) ? "NaN"
                           : s.d < 0  ? "-Inf"
                                      : "+Inf");
        *ret = number_of(s.d);
        return 0;
    case YAML_TIME:
    case YAML_MERGE:
    case YAML_STR: *ret = jval_str(arena_str(b->arena, text)); return 0;
    }
    panic("scalar of kind %d", s.kind);
}

static bool is_merge_key(const yaml_event_t *e, struct str text) {
    const char *tag = (const char *)e->data.scalar.tag;
    return str_eq(text, S("<<")) &&
           (e->data.scalar.plain_implicit || (tag && strcmp(tag, LONG_TAG "merge") == 0));
}

static int take_scalar(struct builder *b, const yaml_event_t *e) {
    struct str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    struct level *l = b->levels.n ? &b->levels.v[b->levels.n - 1] : NULL;
    uint32_t anchor = open_anchor(b, e->data.scalar.anchor);
    struct node n = {.weight = {1, text.n, 0}, .line = (uint32_t)e->start_mark.line};
    int rc = count_value(b);
    if (!rc)
        rc = scalar_value(b, e, text, &n.v);
    if (rc)
        return rc;
    close_anchor(b, anchor, &n);
    bool is_merge = l && l->map && !l->has_key && is_merge_key(e, text);
    rc = put(b, &n);
    if (is_merge)
        l->merge = true;
    return rc;
}

/* --- lists and maps --- */

static int open_level(struct builder *b, bool map, const yaml_char_t *anchor, const yaml_event_t *e) {
    if (b->levels.n >= b->depth_max)
        return too_deep(b);
    struct level l = {.map = map,
                      .first = b->slots.n,
                      .line = (uint32_t)e->start_mark.line,
                      .anchor = open_anchor(b, anchor)};
    vec_push(&b->levels, l);
    return count_value(b);
}

static int close_level(struct builder *b) {
    struct level l = b->levels.v[--b->levels.n];
    size_t count = b->slots.n - l.first;
    struct slot *slots = count ? b->slots.v + l.first : NULL;
    struct node n = {.weight = l.weight, .line = l.line};
    n.weight.values++;
    n.weight.height++;
    if (l.map) {
        n.v = map_of(b, slots, count);
    } else {
        struct jval *items = arena_new_n(b->arena, count, struct jval);
        for (size_t i = 0; i < count; i++)
            items[i] = slots[i].v;
        n.v = jval_array(items, count);
    }
    b->slots.n = l.first;
    close_anchor(b, l.anchor, &n);
    return put(b, &n);
}

static int take_event(struct builder *b, const yaml_event_t *e) {
    switch (e->type) {
    case YAML_ALIAS_EVENT: {
        int rc = count_value(b);
        return rc ? rc : take_alias(b, e);
    }
    case YAML_SCALAR_EVENT: return take_scalar(b, e);
    case YAML_SEQUENCE_START_EVENT: return open_level(b, false, e->data.sequence_start.anchor, e);
    case YAML_MAPPING_START_EVENT: return open_level(b, true, e->data.mapping_start.anchor, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_level(b);
    case YAML_STREAM_END_EVENT: b->finished = true; return 0;
    default: return 0;
    }
}

/* --- the whole --- */

static int run(struct builder *b) {
    int rc = 0;
    while (!rc && !b->finished) {
        yaml_event_t e;
        if (!yaml_parser_parse(&b->parser, &e))
            return syntax_error(b);
        rc = take_event(b, &e);
        yaml_event_delete(&e);
    }
    return rc;
}

static int by_line(const void *a, const void *b) {
    const struct duplicate *x = a, *y = b;
    return x->line != y->line ? (x->line < y->line ? -1 : 1) : str_cmp(x->key, y->key);
}

/* CONFORMS: go-yaml: one complaint with a line for each key. */
static void report_duplicates(struct builder *b, struct strict_errors *strict) {
    if (!strict || !b->duplicates.n || strict->n >= STRICT_MAX)
        return;
    _cleanup_buf struct buf text = BUF_INIT;
    qsort(b->duplicates.v, b->duplicates.n, sizeof *b->duplicates.v, by_line);
    buf_lit(&text, "yaml: unmarshal errors:");
    for (size_t i = 0; i < b->duplicates.n && i < STRICT_MAX; i++) {
        buf_printf(&text, "\n  line %u: key ", b->duplicates.v[i].line + 1);
        json_write_string(&text, b->duplicates.v[i].key);
        buf_lit(&text, " already set in map");
    }
    struct str all = buf_to_arena(&text, strict->arena);
    vec_push_in(strict->arena, strict, all);
}

int yaml_parse(struct arena *a, struct str text, const struct json_limits *limits,
               struct strict_errors *strict, struct jval *ret_value, struct err *err) {
    size_t size_max = limits && limits->size_bytes ? limits->size_bytes : JSON_SIZE_MAX;
    if (text.n > size_max)
        return err_set(err, ERR_TOO_LARGE, "YAML of %zu bytes; at most %zu are accepted", text.n, size_max);
    struct builder b = {
        .arena = a,
        .err = err,
        .strict = strict != NULL,
        .depth_max = limits && limits->depth ? limits->depth : JSON_DEPTH_MAX,
        .alias_bytes_max = YAML_ALIAS_BYTES_MIN + text.n * YAML_ALIAS_GROWTH_MAX,
    };
    if (!yaml_parser_initialize(&b.parser))
        panic("out of memory reading YAML");
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int rc = run(&b);
    if (!rc) {
        report_duplicates(&b, strict);
        *ret_value = b.root;
    }
    yaml_parser_delete(&b.parser);
    map_fini(&b.anchor_names);
    vec_fini(&b.anchors);
    vec_fini(&b.levels);
    vec_fini(&b.slots);
    vec_fini(&b.duplicates);
    return rc;
}

int yaml_to_json(struct buf *out, struct str text, const struct json_limits *limits,
                 struct strict_errors *strict, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v;
    int rc = yaml_parse(&a, text, limits, strict, &v, err);
    if (!rc)
        json_write(out, &v);
    return rc;
}
