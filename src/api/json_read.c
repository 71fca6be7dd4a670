/* JSON text straight into packed structs. See json.h.
 *
 * One recursive walk over text and descriptors together; every container counts against the depth limit.
 * Fields mostly come in the order of their declaration, so the next row is tried before the look-up by hash.
 * Items of lists and maps wait in a scratch stack until their number is known, and are copied once into an
 * exact array.
 *
 * Considered and rejected: counting items before reading them (nested lists are scanned once for each level),
 * a tree in between (twice the memory, three times the time).
 */
#include "api/json_priv.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/json_scratch.h"

struct reader {
    struct reading r;
    struct json_lex lex;
    struct json_scratch scratch;
    uint32_t text_depth_max; /* where the text is only skipped */
    bool borrow;
};

#define ROWS_MAX 128 /* of one type */

static int read_message(struct reader *rd, uint32_t type, char *out);
static int read_list(struct reader *rd, const struct ty_field *f, struct any_array *out);

/* --- leaves --- */

/* The value under the cursor is of a kind that the field cannot hold. */
__attribute__((cold)) static int wrong_kind(struct reader *rd, const struct ty_field *f, enum json_want want,
                                            char c) {
    const char *kind = json_kind_of(c);
    if (!kind)
        return json_fail(&rd->lex, "a value");
    return reading_wrong_type(&rd->r, f, want, str_from(kind));
}

static inline struct str take_string(struct reader *rd, struct json_span span) {
    if (rd->borrow && !span.escaped)
        return (struct str){span.p, span.n};
    return json_span_str(rd->r.arena, span, true);
}

/* The cursor stands at the opening quote. */
static inline int read_string(struct reader *rd, const struct ty_field *f, enum json_want want, char *at) {
    struct json_span span;
    rd->lex.p++;
    int rc = json_string(&rd->lex, &span);
    if (rc)
        return rc;
    if (f->leaf == LEAF_STRING) {
        *(struct str *)at = take_string(rd, span);
        return 0;
    }
    bool keeps = f->leaf == LEAF_INT_OR_STRING;
    struct str s = keeps ? take_string(rd, span) : json_span_str(rd->r.arena, span, false);
    return json_leaf_from_string(&rd->r, f, want, s, at);
}

/* Goes behind a value that does not matter. */
static int skip(struct reader *rd, bool *ret_compact) {
    int rc = json_skip(&rd->lex, rd->text_depth_max - rd->r.depth, ret_compact);
    return rc == ERR_TOO_LARGE ? json_fail_depth(&rd->lex, rd->text_depth_max) : rc;
}

/* A value that is kept as text, without white space. What a tree could not hold is refused here, since a
 * patch of the object would lose it. */
static int read_raw(struct reader *rd, struct str *out) {
    const char *start = rd->lex.p;
    bool compact;
    rd->lex.too_large = STR_NONE;
    int rc = skip(rd, &compact);
    if (rc)
        return rc;
    if (rd->lex.too_large.p) {
        (void)json_fail_number(rd->r.err, rd->lex.too_large);
        return reading_bad_value(&rd->r);
    }
    struct str text = {start, (size_t)(rd->lex.p - start)};
    if (compact) {
        *out = rd->borrow ? text : arena_str(rd->r.arena, text);
        return 0;
    }
    char *to = arena_bytes(rd->r.arena, text.n);
    *out = (struct str){to, json_squeeze(to, text)};
    return 0;
}

static int read_tree(struct reader *rd, struct jval *out) {
    struct strict_errors *strict = rd->r.strict;
    struct str text, outer = strict ? strict->prefix : STR_NONE;
    int rc = read_raw(rd, &text);
    if (rc)
        return rc;
    if (strict)
        strict->prefix = reading_path(&rd->r);
    struct json_limits limits = {.depth = rd->text_depth_max - rd->r.depth};
    rc = json_parse(rd->r.arena, text, &limits, strict, out, rd->r.err);
    if (strict)
        strict->prefix = outer;
    return rc;
}

/* One value that is no list or map; null leaves it as it is. */
static int read_one(struct reader *rd, const struct ty_field *f, enum json_want want, char *at) {
    char c = json_peek(&rd->lex);
    if (c == '"' && !json_leaf_is_raw(f->leaf) && f->leaf != LEAF_TREE)
        return read_string(rd, f, want, at);
    if (c == 'n')
        return json_literal(&rd->lex);
    if (f->leaf == LEAF_MESSAGE)
        return read_message(rd, f->type, at);
    if (json_leaf_is_raw(f->leaf))
        return read_raw(rd, (struct str *)at);
    if (f->leaf == LEAF_TREE)
        return read_tree(rd, (struct jval *)at);
    if (c == 't' || c == 'f') {
        int rc = json_literal(&rd->lex);
        return rc ? rc : json_leaf_from_bool(&rd->r, f, want, c == 't', at);
    }
    if (c != '-' && (c < '0' || c > '9'))
        return wrong_kind(rd, f, want, c);
    struct json_number number;
    int rc = json_number(&rd->lex, &number);
    return rc ? rc : json_leaf_from_number(&rd->r, f, want, &number, at);
}

/* --- containers --- */

/* Goes into a container; the cursor stands at its bracket. leave() is for success only: an error ends the
 * walk. */
static inline int enter(struct reader *rd) {
    if (rd->r.depth == rd->r.depth_max)
        return json_fail_depth(&rd->lex, rd->r.depth_max);
    rd->r.depth++;
    rd->lex.p++;
    return 0;
}

static inline void leave(struct reader *rd, struct json_step *step) {
    rd->r.depth--;
    rd->r.top = step->up;
}

/* Behind an item: goes behind the comma, or behind the bracket (*ret_end). */
static inline int next_item(struct reader *rd, char bracket, bool *ret_end) {
    char c = json_peek(&rd->lex);
    if (c != ',' && c != bracket)
        return json_fail(&rd->lex, bracket == ']' ? "',' or ']'" : "',' or '}'");
    rd->lex.p++;
    *ret_end = c == bracket;
    return 0;
}

/* Whether the container just entered ends at once; then goes behind its bracket. */
static inline bool is_empty(struct reader *rd, char bracket) {
    if (json_peek(&rd->lex) != bracket)
        return false;
    rd->lex.p++;
    return true;
}

/* Takes what was pushed since the mark off the scratch stack: a list or map of n values of that size. */
static struct any_array collect(struct reader *rd, struct scratch_mark mark, uint32_t n, size_t size) {
    struct any_array list = {arena_array(rd->r.arena, n, size), n};
    json_scratch_pop(&rd->scratch, mark, list.v);
    return list;
}

static int read_items(struct reader *rd, const struct ty_field *f, struct any_array *out) {
    size_t size = ty_item_size(rd->r.set, f);
    struct scratch_mark mark = json_scratch_mark(&rd->scratch);
    struct json_step step = {.up = rd->r.top, .kind = STEP_INDEX};
    rd->r.top = &step;
    for (bool end = false; !end; step.index++) {
        int rc = reading_spend(&rd->r, size);
        if (rc)
            return rc;
        char *item = memset(json_scratch_push(&rd->scratch, size), 0, size);
        rc = read_one(rd, f, WANT_ITEM, item);
        if (rc == 0)
            rc = next_item(rd, ']', &end);
        if (rc)
            return rc;
    }
    *out = collect(rd, mark, (uint32_t)step.index, size);
    leave(rd, &step);
    return 0;
}

static int read_list(struct reader *rd, const struct ty_field *f, struct any_array *out) {
    char c = json_peek(&rd->lex);
    if (c == 'n')
        return json_literal(&rd->lex);
    if (c != '[')
        return wrong_kind(rd, f, WANT_FIELD, c);
    int rc = enter(rd);
    if (rc)
        return rc;
    if (!is_empty(rd, ']'))
        return read_items(rd, f, out);
    rd->r.depth--;
    *out = (struct any_array){(void *)json_empty, 0};
    return 0;
}

static int read_entries(struct reader *rd, const struct ty_field *f, struct any_array *out) {
    size_t size = ty_entry_size(rd->r.set, f);
    struct scratch_mark mark = json_scratch_mark(&rd->scratch);
    struct json_step step = {.up = rd->r.top, .kind = STEP_KEY};
    rd->r.top = &step;
    bool sorted = true;
    uint32_t n = 0;
    for (bool end = false; !end; n++) {
        struct json_span key;
        int rc = reading_spend(&rd->r, size);
        if (rc == 0)
            rc = json_key(&rd->lex, &key);
        if (rc)
            return rc;
        struct str *entry = memset(json_scratch_push(&rd->scratch, size), 0, size);
        *entry = take_string(rd, key);
        sorted = sorted && (n == 0 || str_cmp(step.key, *entry) < 0);
        step.key = *entry;
        rc = read_one(rd, f, WANT_ITEM, (char *)(entry + 1));
        if (rc == 0)
            rc = next_item(rd, '}', &end);
        if (rc)
            return rc;
    }
    *out = collect(rd, mark, n, size);
    if (!sorted)
        out->n = reading_sort_entries(&rd->r, out->v, n, size);
    leave(rd, &step);
    return 0;
}

static int read_map(struct reader *rd, const struct ty_field *f, struct any_array *out) {
    char c = json_peek(&rd->lex);
    if (c == 'n')
        return json_literal(&rd->lex);
    if (c != '{')
        return wrong_kind(rd, f, WANT_FIELD, c);
    int rc = enter(rd);
    if (rc)
        return rc;
    if (!is_empty(rd, '}'))
        return read_entries(rd, f, out);
    rd->r.depth--;
    *out = (struct any_array){(void *)json_empty, 0};
    return 0;
}

static int read_optional(struct reader *rd, const struct ty_field *f, char *at) {
    if (json_peek(&rd->lex) == 'n')
        return json_literal(&rd->lex);
    if (f->leaf != LEAF_MESSAGE) {
        int rc = read_one(rd, f, WANT_FIELD, at);
        if (rc == 0)
            leaf_mark_set(f->leaf, at);
        return rc;
    }
    void *message = NULL;
    int rc = reading_new(&rd->r, f->type, &message);
    if (rc == 0)
        rc = read_message(rd, f->type, message);
    if (rc == 0)
        *(void **)at = message;
    return rc;
}

static inline int read_field(struct reader *rd, const struct ty_field *f, char *at) {
    switch ((enum shape)f->shape) {
    case SHAPE_ONE: return read_one(rd, f, WANT_FIELD, at);
    case SHAPE_OPT: return read_optional(rd, f, at);
    case SHAPE_LIST: return read_list(rd, f, (struct any_array *)at);
    case SHAPE_MAP: return read_map(rd, f, (struct any_array *)at);
    }
    panic("shape %u", f->shape);
}

/* --- messages --- */

/* Whether the text behind an opening quote is the name of this row, with its quote and colon. */
static inline bool stands_here(const struct reader *rd, const struct ty_field *f) {
    const struct ty_name *name = &rd->r.set->names[f->name];
    const char *want = rd->r.set->pool + name->offset, *p = rd->lex.p;
    size_t n = name->n + 2u, left = (size_t)(rd->lex.end - p);
#ifdef __SSE2__
    if (n <= 16 && left >= 16) {
        __m128i same =
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)want), _mm_loadu_si128((const __m128i *)p));
        return (~(unsigned)_mm_movemask_epi8(same) & ((1u << n) - 1)) == 0;
    }
#endif
    return left >= n && memcmp(p, want, n) == 0;
}

/* The row of the member whose key the cursor stands at, NULL when it is unknown (*ret_key then is its name);
 * goes behind the colon. `next`: the row after the last one. */
static inline int read_name(struct reader *rd, uint32_t type, uint32_t next, const struct ty_field **ret,
                            struct str *ret_key) {
    const struct ty_type *t = &rd->r.set->types[type];
    const struct ty_field *f = rd->r.set->fields + t->first + next, *behind = f - next + t->n;
    while (f < behind && (f->flags & FIELD_INLINE))
        f++;
    if (f < behind && f->name && json_peek(&rd->lex) == '"') {
        rd->lex.p++;
        if (stands_here(rd, f)) {
            rd->lex.p += rd->r.set->names[f->name].n + 2;
            *ret = f;
            return 0;
        }
        rd->lex.p--;
    }
    struct json_span key;
    int rc = json_key(&rd->lex, &key);
    if (rc)
        return rc;
    *ret_key = json_span_str(rd->r.arena, key, false);
    *ret = ty_find(rd->r.set, type, *ret_key);
    return 0;
}

/* A field that is there again: the last one wins. */
__attribute__((cold)) static void repeat(struct reader *rd, const struct ty_field *f, char *at) {
    reading_report(&rd->r, "duplicate field", ty_field_name(rd->r.set, f));
    memset(at, 0, json_field_size(rd->r.set, f));
}

static int skip_unknown(struct reader *rd, struct str key) {
    reading_report(&rd->r, "unknown field", key);
    return skip(rd, NULL);
}

static int read_fields(struct reader *rd, uint32_t type, char *out) {
    const struct ty_field *fields = ty_fields(rd->r.set, type);
    uint64_t seen[ROWS_MAX / 64] = {0};
    uint32_t next = 0;
    struct json_step step = {.up = rd->r.top, .kind = STEP_FIELD, .type = (uint16_t)type};
    rd->r.top = &step;
    for (bool end = false; !end;) {
        const struct ty_field *f;
        struct str key;
        int rc = read_name(rd, type, next, &f, &key);
        if (rc)
            return rc;
        if (f) {
            uint32_t row = (uint32_t)(f - fields);
            uint64_t bit = (uint64_t)1 << row % 64;
            if (seen[row / 64] & bit)
                repeat(rd, f, out + f->offset);
            seen[row / 64] |= bit;
            next = row + 1;
            step.field = f;
            rc = read_field(rd, f, out + f->offset);
        } else {
            rc = skip_unknown(rd, key);
        }
        if (rc == 0)
            rc = next_item(rd, '}', &end);
        if (rc)
            return rc;
    }
    leave(rd, &step);
    return 0;
}

static int read_message(struct reader *rd, uint32_t type, char *out) {
    const struct ty_type *t = &rd->r.set->types[type];
    char c = json_peek(&rd->lex);
    if (c == 'n')
        return json_literal(&rd->lex);
    if (t->flags & TYPE_AS_FIELD) {
        const struct ty_field *f = json_read_as(rd->r.set, type, c, out);
        return read_field(rd, f, out + f->offset);
    }
    if (c != '{')
        return json_kind_of(c) ? reading_wrong_message(&rd->r, type, json_kind_of(c))
                               : json_fail(&rd->lex, "a value");
    int rc = enter(rd);
    if (rc)
        return rc;
    if (!is_empty(rd, '}'))
        return read_fields(rd, type, out);
    rd->r.depth--;
    return 0;
}

/* --- the whole --- */

/* CONFORMS: upstream checks the syntax of the whole text before it looks at any value, so that is what it
 * complains about first. */
__attribute__((cold)) static int syntax_first(struct str text, uint32_t depth_max, int rc, struct err *err) {
    struct err other = ERR_INIT;
    struct json_lex lex = json_lex_init(text, &other);
    int bad = json_skip(&lex, depth_max, NULL);
    if (bad == 0)
        bad = json_end(&lex);
    if (bad == 0)
        return rc;
    *err = other;
    return bad;
}

int api_read_json(struct arena *a, const struct ty_set *set, uint32_t type, struct str text,
                  const struct json_read_options *options, void **ret_object, struct err *err) {
    static const struct json_read_options defaults;
    struct err mine = ERR_INIT;
    options = options ? options : &defaults;
    err = err ? err : &mine;
    size_t size_max = options->limits.size_bytes ? options->limits.size_bytes : JSON_SIZE_MAX;
    if (text.n > size_max)
        return err_set(err, ERR_TOO_LARGE, "JSON of %zu bytes; at most %zu are accepted", text.n, size_max);
    uint32_t depth = options->limits.depth ? options->limits.depth : JSON_DEPTH_MAX;
    struct reader rd = {.lex = json_lex_init(text, err), .text_depth_max = depth, .borrow = options->borrow};
    rd.r = (struct reading){.set = set,
                            .arena = a,
                            .strict = options->strict,
                            .err = err,
                            .depth_max = depth < API_DEPTH_MAX ? depth : API_DEPTH_MAX,
                            .budget = reading_budget(text.n)};
    json_scratch_init(&rd.scratch);
    void *object = arena_alloc(a, set->types[type].size);
    int rc = read_message(&rd, type, object);
    if (rc == 0)
        rc = json_end(&rd.lex);
    json_scratch_fini(&rd.scratch);
    if (rc && rd.r.wrong_type)
        rc = syntax_first(text, depth, rc, err);
    if (rc == 0)
        *ret_object = object;
    return rc;
}

int api_peek_json(struct str text, struct str *ret_api_version, struct str *ret_kind, struct err *err) {
    struct err mine = ERR_INIT;
    struct json_lex lex = json_lex_init(text, err ? err : &mine);
    struct str found[2] = {STR_NONE, STR_NONE};
    if (json_peek(&lex) != '{')
        return json_fail(&lex, "an object");
    lex.p++;
    bool end = json_peek(&lex) == '}';
    while (!end && !(found[0].p && found[1].p)) {
        struct json_span key, value;
        int rc = json_key(&lex, &key);
        if (rc)
            return rc;
        struct str name = {key.p, key.n};
        int which = str_eq(name, S("apiVersion")) ? 0 : str_eq(name, S("kind")) ? 1 : -1;
        if (which >= 0 && json_peek(&lex) == '"') {
            lex.p++;
            rc = json_string(&lex, &value);
            found[which] = (struct str){value.p, value.n};
        } else {
            rc = json_skip(&lex, JSON_DEPTH_MAX, NULL);
        }
        if (rc)
            return rc;
        char c = json_peek(&lex);
        if (c != ',' && c != '}')
            return json_fail(&lex, "',' or '}'");
        lex.p++;
        end = c == '}';
    }
    *ret_api_version = found[0];
    *ret_kind = found[1];
    return 0;
}
