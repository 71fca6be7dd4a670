/* Field selectors. See field_selector.h.
 *
 *     selector = [ term { "," term } ]
 *     term     = field ("=" | "==" | "!=") value
 *
 * The field is what stands before the first operator. Empty terms are skipped.
 */
#include "api/field_selector.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define SHOWN_MAX 100 /* bytes of a text that a message shows */

/* The first unescaped comma, or the end. */
static size_t term_len(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == ',')
            return i;
    }
    return text.n;
}

static bool split_term(struct str part, struct field_term *ret, struct str *ret_escaped) {
    for (size_t i = 0; i < part.n; i++) {
        struct str rest = str_from_byte(part, i);
        bool is_not = str_has_prefix(rest, S("!="));
        if (!is_not && rest.p[0] != '=')
            continue;
        ret->field = str_cut(part, i);
        ret->is_not = is_not;
        *ret_escaped = str_from_byte(rest, is_not || str_has_prefix(rest, S("==")) ? 2 : 1);
        return true;
    }
    return false;
}

static bool is_special(char c) {
    return c == '\\' || c == ',' || c == '=';
}

static int unescape(struct arena *a, struct str escaped, struct str *ret, struct err *err) {
    char *p = arena_bytes(a, escaped.n);
    size_t n = 0;
    for (size_t i = 0; i < escaped.n; i++) {
        char c = escaped.p[i];
        if (c == '\\') {
            if (i + 1 == escaped.n || !is_special(escaped.p[i + 1]))
                return err_set(err, ERR_INVALID, "invalid escape sequence: %.*s",
                               STR_ARG(str_cut(str_from_byte(escaped, i), 2)));
            c = escaped.p[++i];
        } else if (is_special(c)) {
            return err_set(err, ERR_INVALID, "unescaped character in value: %c", c);
        }
        p[n++] = c;
    }
    *ret = str_make(p, n);
    return 0;
}

int field_selector_parse(struct arena *a, struct str text, struct field_selector *ret, struct err *err) {
    if (text.n > FIELD_SELECTOR_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a field selector may have %u bytes, this one has %zu",
                       FIELD_SELECTOR_BYTES_MAX, text.n);
    text = arena_str(a, text);
    VEC(struct str) parts = {0};
    for (struct str rest = text; rest.n;) {
        size_t n = term_len(rest);
        if (n)
            vec_push_in(a, &parts, str_cut(rest, n));
        rest = str_from_byte(rest, n + 1);
    }
    if (parts.n > 1)
        qsort(parts.v, parts.n, sizeof *parts.v, str_cmp_qsort);
    struct field_term *v = arena_new_n(a, parts.n, struct field_term);
    for (size_t i = 0; i < parts.n; i++) {
        struct str escaped;
        if (!split_term(parts.v[i], &v[i], &escaped))
            return err_set(err, ERR_INVALID, "invalid selector: '%.*s'; can't understand '%.*s'",
                           STR_ARG(str_cut(text, SHOWN_MAX)), STR_ARG(str_cut(parts.v[i], SHOWN_MAX)));
        int rc = unescape(a, escaped, &v[i].value, err);
        if (rc)
            return rc;
    }
    *ret = (struct field_selector){.v = v, .n = (uint32_t)parts.n};
    return 0;
}

void field_selector_write(struct buf *out, const struct field_selector *s) {
    for (uint32_t i = 0; i < s->n; i++) {
        const struct field_term *t = &s->v[i];
        if (i)
            buf_byte(out, ',');
        buf_str(out, t->field);
        buf_put(out, t->is_not ? "!=" : "=", t->is_not ? 2 : 1);
        for (size_t k = 0; k < t->value.n; k++) {
            if (is_special(t->value.p[k]))
                buf_byte(out, '\\');
            buf_byte(out, t->value.p[k]);
        }
    }
}

static const struct kind_selector *find_label(const struct kind *kind, struct str label) {
    for (uint32_t i = 0; i < kind->n_selectors; i++)
        if (str_eq(kind->selectors[i].label, label))
            return &kind->selectors[i];
    return NULL;
}

static bool has_common_labels_only(const struct kind *kind) {
    for (uint32_t i = 0; i < kind->n_selectors; i++)
        if (!str_has_prefix(kind->selectors[i].label, S("metadata.")))
            return false;
    return true;
}

/* CONFORMS: built-in kinds with the two common labels only answer with these. */
static int unknown_label(const struct kind *kind, struct str label, struct err *err) {
    label = str_cut(label, SHOWN_MAX);
    if (kind->set != &builtin || !has_common_labels_only(kind))
        return err_set(err, ERR_INVALID, "field label not supported: %.*s", STR_ARG(label));
    return err_set(err, ERR_INVALID,
                   "\"%.*s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                   STR_ARG(label));
}

int field_selector_resolve(struct arena *a, const struct field_selector *s, const struct kind *kind,
                           struct field_selector *ret, struct err *err) {
    struct field_term *v = arena_new_n(a, s->n, struct field_term);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct kind_selector *known = find_label(kind, s->v[i].field);
        if (!known)
            return unknown_label(kind, s->v[i].field, err);
        v[i] = s->v[i];
        v[i].path = known->path;
    }
    *ret = (struct field_selector){.v = v, .n = s->n};
    return 0;
}

bool field_selector_matches(const struct field_selector *s, field_value_fn value, void *ctx) {
    for (uint32_t i = 0; i < s->n; i++)
        if (str_eq(value(ctx, &s->v[i]), s->v[i].value) == s->v[i].is_not)
            return false;
    return true;
}

#define NUMBER_MAX 24

/* CONFORMS: a boolean or number that was left out of an object with a fixed schema is false or 0. */
static struct str absent_text(struct ref object, struct ref r) {
    if (object.rep != REP_PACKED || r.pos.shape != SHAPE_ONE || !r.pos.field)
        return S("");
    switch ((enum leaf)r.pos.leaf) {
    case LEAF_BOOL: return S("false");
    case LEAF_I32:
    case LEAF_I64:
    case LEAF_U32:
    case LEAF_U64: return S("0");
    default: return S("");
    }
}

static struct str text_at(struct ref object, struct str path, char number[NUMBER_MAX],
                          struct arena *scratch) {
    struct ref r = ref_path(object, path);
    switch (ref_kind(r)) {
    case REF_STRING: return ref_str(r, scratch);
    case REF_BOOL: return ref_bool(r) ? S("true") : S("false");
    case REF_INT: return str_make(number, (size_t)snprintf(number, NUMBER_MAX, "%" PRId64, ref_int(r)));
    case REF_ABSENT: return absent_text(object, r);
    default: return S("");
    }
}

bool field_selector_matches_ref(const struct field_selector *s, struct ref object, field_value_fn value,
                                void *ctx, struct arena *scratch) {
    for (uint32_t i = 0; i < s->n; i++) {
        const struct field_term *t = &s->v[i];
        char number[NUMBER_MAX];
        struct str actual = S("");
        if (t->path.n)
            actual = text_at(object, t->path, number, scratch);
        else if (value)
            actual = value(ctx, t);
        if (str_eq(actual, t->value) == t->is_not)
            return false;
    }
    return true;
}

bool field_selector_requires(const struct field_selector *s, struct str field, struct str *ret_value) {
    for (uint32_t i = 0; i < s->n; i++) {
        const struct field_term *t = &s->v[i];
        if (!t->is_not && (str_eq(t->field, field) || (t->path.n && str_eq(t->path, field)))) {
            *ret_value = t->value;
            return true;
        }
    }
    return false;
}
