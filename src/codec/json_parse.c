/* JSON text to trees. See json.h.
 *
 * Iterative, so that nesting costs heap and not stack. Values of open containers wait in a scratch stack; a
 * container that closes takes its items off into one exact array in the arena.
 */
#include "codec/json.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/json_lex.h"
#include "codec/json_path.h"
#include "codec/json_scratch.h"

/* An open container. */
struct open {
    struct scratch_mark mark;
    struct jmember *member; /* objects: the one being read */
    uint32_t n;             /* items so far, without the one being read */
    bool object;
};

struct parser {
    struct json_lex lex;
    struct arena *arena;
    struct strict_errors *strict;
    struct json_scratch scratch;
    VEC(struct open) open;
    uint32_t depth_max;
    uint32_t values; /* read so far */
};

static void report_duplicate(struct parser *p, struct str key) {
    struct json_path path = JSON_PATH_INIT;
    for (size_t i = 0; i + 1 < p->open.n; i++) {
        if (p->open.v[i].object)
            json_path_key(&path, p->open.v[i].member->key);
        else
            json_path_index(&path, p->open.v[i].n);
    }
    json_path_key(&path, key);
    strict_add(p->strict, "duplicate field", json_path_str(&path));
}

/* Sorts the members unless they are; of equal keys the last one stays. */
static struct jval object_of(struct parser *p, struct jmember *v, uint32_t n) {
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++)
        sorted = str_cmp(v[i - 1].key, v[i].key) < 0;
    if (sorted)
        return jval_object(v, n);
    jmember_sort(v, n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (kept && str_eq(v[kept - 1].key, v[i].key)) {
            if (p->strict)
                report_duplicate(p, v[i].key);
            kept--;
        }
        v[kept++] = v[i];
    }
    return jval_object(v, kept);
}

static struct jval close_container(struct parser *p) {
    const struct open *o = &p->open.v[p->open.n - 1];
    uint32_t n = o->n;
    struct jval value;
    if (o->object) {
        struct jmember *v = arena_new_n(p->arena, n, struct jmember);
        json_scratch_pop(&p->scratch, o->mark, v);
        value = object_of(p, v, n);
    } else {
        struct jval *v = arena_new_n(p->arena, n, struct jval);
        json_scratch_pop(&p->scratch, o->mark, v);
        value = jval_array(v, n);
    }
    p->open.n--;
    return value;
}

static int open_container(struct parser *p, bool object) {
    if (p->open.n >= p->depth_max)
        return json_fail_depth(&p->lex, p->depth_max);
    struct open o = {.mark = json_scratch_mark(&p->scratch), .object = object};
    vec_push(&p->open, o);
    p->lex.p++;
    return 0;
}

/* `"key":`, the cursor at the opening quote. */
static int read_key(struct parser *p) {
    struct json_span key;
    int rc = json_key(&p->lex, &key);
    if (rc)
        return rc;
    struct jmember *m = json_scratch_push(&p->scratch, sizeof *m);
    m->key = json_span_str(p->arena, key, false);
    p->open.v[p->open.n - 1].member = m;
    return 0;
}

static int read_number(struct parser *p, struct jval *ret) {
    struct json_number number;
    int rc = json_number(&p->lex, &number);
    if (rc)
        return rc;
    double d;
    if (number.is_int) {
        *ret = jval_int(number.i);
    } else if (json_number_double((struct str){number.p, number.n}, &d)) {
        *ret = jval_double(d);
    } else {
        return json_fail_number(p->lex.err, (struct str){number.p, number.n});
    }
    return 0;
}

static int read_scalar(struct parser *p, char c, struct jval *ret) {
    struct json_span span;
    int rc;
    switch (c) {
    case '"':
        p->lex.p++;
        rc = json_string(&p->lex, &span);
        if (rc == 0)
            *ret = jval_str(json_span_str(p->arena, span, false));
        return rc;
    case 't':
    case 'f': *ret = jval_bool(c == 't'); return json_literal(&p->lex);
    case 'n': *ret = jval_null(); return json_literal(&p->lex);
    default: return json_kind_of(c) ? read_number(p, ret) : json_fail(&p->lex, "a value");
    }
}

/* Puts a value into the container that is open; closes containers as long as they end, each being a value of
 * the next. With nothing open any more *value is the whole. */
static int place(struct parser *p, struct jval *value) {
    while (p->open.n) {
        struct open *o = &p->open.v[p->open.n - 1];
        if (o->object)
            o->member->value = *value;
        else
            *(struct jval *)json_scratch_push(&p->scratch, sizeof *value) = *value;
        o->n++;
        char c = json_peek(&p->lex);
        if (c == ',') {
            p->lex.p++;
            return o->object ? read_key(p) : 0;
        }
        if (c != (o->object ? '}' : ']'))
            return json_fail(&p->lex, o->object ? "',' or '}'" : "',' or ']'");
        p->lex.p++;
        *value = close_container(p);
    }
    return 0;
}

static int read_value(struct parser *p, struct jval *ret) {
    int rc;
    do {
        char c = json_peek(&p->lex);
        if (++p->values > JSON_MEMBERS_MAX)
            return err_set(p->lex.err, ERR_TOO_LARGE, "JSON has more than %u values", JSON_MEMBERS_MAX);
        if (c == '{' || c == '[') {
            rc = open_container(p, c == '{');
            if (rc)
                return rc;
            if (json_peek(&p->lex) != (c == '{' ? '}' : ']')) {
                rc = c == '{' ? read_key(p) : 0;
                if (rc)
                    return rc;
                continue;
            }
            p->lex.p++;
            *ret = close_container(p);
        } else {
            rc = read_scalar(p, c, ret);
            if (rc)
                return rc;
        }
        rc = place(p, ret);
        if (rc)
            return rc;
    } while (p->open.n);
    return 0;
}

int json_parse(struct arena *a, struct str text, const struct json_limits *limits,
               struct strict_errors *strict, struct jval *ret_value, struct err *err) {
    static const struct json_limits none;
    limits = limits ? limits : &none;
    size_t size_max = limits->size_bytes ? limits->size_bytes : JSON_SIZE_MAX;
    if (text.n > size_max)
        return err_set(err, ERR_TOO_LARGE, "JSON of %zu bytes; at most %zu are accepted", text.n, size_max);
    struct parser p = {.lex = json_lex_init(text, err), .arena = a, .strict = strict};
    p.depth_max = limits->depth ? limits->depth : JSON_DEPTH_MAX;
    json_scratch_init(&p.scratch);
    struct jval value = jval_null();
    int rc = read_value(&p, &value);
    if (rc == 0)
        rc = json_end(&p.lex);
    json_scratch_fini(&p.scratch);
    vec_fini(&p.open);
    if (rc == 0)
        *ret_value = value;
    return rc;
}
