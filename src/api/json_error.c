/* What goes wrong when reading JSON into structs, in upstream's form; budgets; order of maps. See
 * json_priv.h. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json_priv.h"
#include "base/arena.h"
#include "base/err.h"

/* --- paths --- */

/* Points every step at the one below it instead of the one above; doing it twice restores them. */
static struct json_step *turn(struct json_step *s) {
    struct json_step *other = NULL;
    while (s) {
        struct json_step *next = s->up;
        s->up = other;
        other = s;
        s = next;
    }
    return other;
}

static void append_field(struct json_path *path, const struct ty_set *set, const struct json_step *s) {
    if (s->field && ty_field_name(set, s->field).n) /* fields without a name do not show in JSON */
        json_path_key(path, ty_field_name(set, s->field));
}

/* The path to the value at `last`; with fields only, as Go has it in type errors, or with keys and indexes.
 */
static void path_to(const struct reading *r, struct json_step *last, bool fields_only,
                    struct json_path *path) {
    struct json_step *root = turn(last);
    for (const struct json_step *s = root; s; s = s->up) {
        if (s->kind == STEP_FIELD)
            append_field(path, r->set, s);
        else if (s->kind == STEP_KEY && !fields_only)
            json_path_key(path, s->key);
        else if (s->kind == STEP_INDEX && !fields_only)
            json_path_index(path, s->index);
    }
    turn(root);
}

void reading_report(struct reading *r, const char *what, struct str key) {
    if (!r->strict || r->strict->n >= STRICT_MAX)
        return;
    struct json_path path = JSON_PATH_INIT;
    path_to(r, r->top->up, false, &path);
    json_path_key(&path, key);
    strict_add(r->strict, what, json_path_str(&path));
}

struct str reading_path(const struct reading *r) {
    struct json_path path = JSON_PATH_INIT;
    path_to(r, r->top, false, &path);
    return arena_str(r->arena, json_path_str(&path));
}

int reading_bad_value(struct reading *r) {
    struct json_path path = JSON_PATH_INIT;
    path_to(r, r->top, false, &path);
    r->wrong_type = true;
    return path.n ? err_wrap(r->err, "%.*s", STR_ARG(json_path_str(&path))) : ERR_INVALID;
}

/* --- types --- */

/* Go's name of a message or an enum: package and name. The package is the last part of the import path: the
 * version, or the name of the group where there is none. */
static void go_named(const struct ty_set *set, const struct ty_gv *gv, struct str name, char *out,
                     size_t size) {
    struct str version = ty_name(set, gv->version), prefix = ty_name(set, gv->prefix);
    if (str_eq(version, S("-")))
        version = prefix;
    snprintf(out, size, "%.*s.%.*s", STR_ARG(version), STR_ARG(name));
}

static const char *go_leaf(uint8_t leaf) {
    switch ((enum leaf)leaf) {
    case LEAF_STRING: return "string";
    case LEAF_BOOL:
    case LEAF_BOOL_VALUE: return "bool";
    case LEAF_I32:
    case LEAF_ENUM: return "int32";
    case LEAF_I64:
    case LEAF_INT64_VALUE: return "int64";
    case LEAF_U32: return "uint32";
    case LEAF_U64: return "uint64";
    case LEAF_F64: return "float64";
    case LEAF_BYTES: return "[]uint8";
    case LEAF_QUANTITY: return "resource.Quantity";
    case LEAF_TIME:
    case LEAF_TIMESTAMP: return "v1.Time";
    case LEAF_MICRO_TIME: return "v1.MicroTime";
    case LEAF_DURATION: return "v1.Duration";
    case LEAF_INT_OR_STRING: return "intstr.IntOrString";
    case LEAF_MESSAGE:
    case LEAF_RAW:
    case LEAF_FIELDS_V1:
    case LEAF_JSON:
    case LEAF_ANY:
    case LEAF_TREE: break;
    }
    return "interface {}";
}

/* Go's name of a field's type, or of the type of its items. */
static void go_type(const struct ty_set *set, uint32_t owner, const struct ty_field *f, enum json_want want,
                    char *out, size_t size) {
    const char *before = want == WANT_ITEM || f->shape < SHAPE_LIST ? ""
                         : f->shape == SHAPE_LIST                   ? "[]"
                                                                    : "map[string]";
    snprintf(out, size, "%s", before);
    size_t n = strlen(out);
    if (f->leaf == LEAF_MESSAGE)
        go_named(set, &set->gvs[set->types[f->type].gv], ty_name(set, set->types[f->type].name), out + n,
                 size - n);
    else if (f->leaf == LEAF_STRING && f->type)
        go_named(set, &set->gvs[set->types[owner].gv], ty_name(set, set->enums[f->type].name), out + n,
                 size - n);
    else
        snprintf(out + n, size - n, "%s", go_leaf(f->leaf));
}

/* The innermost message that a named field is being read of. */
static const struct json_step *field_step(const struct reading *r) {
    const struct json_step *s = r->top;
    while (s && !(s->kind == STEP_FIELD && s->field && ty_field_name(r->set, s->field).n))
        s = s->up;
    return s;
}

int reading_wrong_type(struct reading *r, const struct ty_field *f, enum json_want want, struct str got) {
    char type[160];
    const struct json_step *s = field_step(r);
    r->wrong_type = true;
    go_type(r->set, s ? s->type : 0, f, want, type, sizeof type);
    got = str_cut(got, 64);
    if (!s)
        return err_set(r->err, ERR_INVALID, "json: cannot unmarshal %.*s into Go value of type %s",
                       STR_ARG(got), type);
    struct json_path path = JSON_PATH_INIT;
    path_to(r, r->top, true, &path);
    return err_set(r->err, ERR_INVALID,
                   "json: cannot unmarshal %.*s into Go struct field %.*s.%.*s of type %s", STR_ARG(got),
                   STR_ARG(ty_name(r->set, r->set->types[s->type].name)), STR_ARG(json_path_str(&path)),
                   type);
}

int reading_wrong_message(struct reading *r, uint32_t type, const char *got) {
    struct ty_field f = {.leaf = LEAF_MESSAGE, .shape = SHAPE_ONE, .type = (uint16_t)type};
    return reading_wrong_type(r, &f, WANT_FIELD, str_from(got));
}

/* --- memory --- */

const uint64_t json_empty[1];

size_t reading_budget(size_t text_bytes) {
    size_t more =
        text_bytes > READ_BUDGET_MAX / READ_BUDGET_FACTOR ? READ_BUDGET_MAX : text_bytes * READ_BUDGET_FACTOR;
    return READ_BUDGET_BASE + more;
}

int reading_spend_slow(struct reading *r) {
    r->wrong_type = true;
    return err_set(r->err, ERR_TOO_LARGE, "the object would take too much memory for its size");
}

int reading_new(struct reading *r, uint32_t type, void **ret) {
    size_t size = r->set->types[type].size;
    int rc = reading_spend(r, size);
    if (rc == 0)
        *ret = arena_alloc(r->arena, size);
    return rc;
}

/* Bytes of an optional value, of which some have a flag behind them. */
static size_t optional_size(const struct ty_set *set, const struct ty_field *f) {
    switch ((enum leaf)f->leaf) {
    case LEAF_MESSAGE: return sizeof(void *);
    case LEAF_BOOL: return sizeof(struct opt_bool);
    case LEAF_I32:
    case LEAF_U32:
    case LEAF_ENUM: return sizeof(struct opt_i32);
    case LEAF_I64:
    case LEAF_U64:
    case LEAF_F64: return sizeof(struct opt_i64);
    default: return ty_item_size(set, f);
    }
}

size_t json_field_size(const struct ty_set *set, const struct ty_field *f) {
    if (f->shape == SHAPE_LIST || f->shape == SHAPE_MAP)
        return sizeof(struct any_array);
    return f->shape == SHAPE_OPT ? optional_size(set, f) : ty_item_size(set, f);
}

/* --- maps --- */

struct entry_key {
    struct str key;
    uint32_t i; /* which entry */
};

static int compare_keys(const void *a, const void *b) {
    const struct entry_key *x = a, *y = b;
    int c = str_cmp(x->key, y->key);
    return c ? c : (x->i > y->i) - (x->i < y->i);
}

static void *allocate(size_t n) {
    void *p = malloc(n);
    if (!p)
        panic("out of memory (%zu bytes)", n);
    return p;
}

uint32_t reading_sort_entries(struct reading *r, char *entries, uint32_t n, size_t entry_size) {
    struct entry_key *keys = allocate(n * sizeof *keys);
    char *old = allocate(n * entry_size);
    memcpy(old, entries, n * entry_size);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (struct entry_key){*(const struct str *)(old + i * entry_size), i};
    qsort(keys, n, sizeof *keys, compare_keys);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i + 1 < n && str_eq(keys[i].key, keys[i + 1].key)) {
            if (i == 0 || !str_eq(keys[i - 1].key, keys[i].key))
                reading_report(r, "duplicate field", keys[i].key);
            continue;
        }
        memcpy(entries + kept++ * entry_size, old + keys[i].i * entry_size, entry_size);
    }
    free(old);
    free(keys);
    return kept;
}
