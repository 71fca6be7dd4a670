/* Trees to YAML. See yaml.h.
 *
 * CONFORMS: go-yaml v2's printer: block style with an indent of two, plain scalars where they read back as
 * the same string, double quotes where they would read as another value, single quotes where only the syntax
 * is in the way, literal blocks for texts of several lines, folding at the first space beyond column 80. The
 * printer knows where it is by the column and two flags: whether the last thing was white space, and whether
 * the line so far is nothing but indentation and list dashes.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/yaml.h"
#include "codec/yaml_priv.h"

#define INDENT 2
#define WIDTH 80
#define SIMPLE_KEY_MAX 128 /* bytes; longer keys are written behind a question mark */

struct printer {
    struct buf *out;
    int indent; /* -1 outside of everything */
    size_t column;
    bool whitespace;
    bool indention;
    VEC(const struct jmember *) order; /* of the maps being written, stacked */
    struct buf scratch;                /* a string made valid */
};

/* --- characters --- */

static size_t width(unsigned char c) {
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static uint32_t code_point(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    switch (width(u[0])) {
    case 1: return u[0];
    case 2: return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    case 3: return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    default: return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    }
}

static bool is_break(uint32_t c) {
    return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static bool is_blank(uint32_t c) {
    return c == ' ' || c == '\t' || c == 0 || is_break(c);
}

/* CONFORMS: go-yaml takes tabs and everything beyond the basic plane for unprintable. */
static bool is_printable(uint32_t c) {
    return c == '\n' || (c >= 0x20 && c <= 0x7e) ||
           (c >= 0xa0 && c <= 0xfffd && !(c >= 0xd800 && c < 0xe000) && c != 0xfeff);
}

static void put_char(struct printer *p, const char *at) {
    buf_put(p->out, at, width((unsigned char)*at));
    p->column++;
}

static void put_byte(struct printer *p, char c) {
    buf_byte(p->out, c);
    p->column++;
}

static void put_break(struct printer *p) {
    buf_byte(p->out, '\n');
    p->column = 0;
}

/* A line break that is part of a text. */
static void put_text_break(struct printer *p, const char *at) {
    buf_put(p->out, at, width((unsigned char)*at));
    p->column = 0;
}

/* To the indentation of a new line, unless the line is still nothing else. */
static void put_indent(struct printer *p) {
    size_t indent = p->indent < 0 ? 0 : (size_t)p->indent;
    if (!p->indention || p->column > indent || (p->column == indent && !p->whitespace))
        put_break(p);
    while (p->column < indent)
        put_byte(p, ' ');
    p->whitespace = true;
    p->indention = true;
}

/* Punctuation, with a space in front unless there is one. `keeps`: the line still counts as indentation. */
static void put_mark(struct printer *p, const char *mark, bool space, bool keeps) {
    if (space && !p->whitespace)
        put_byte(p, ' ');
    for (; *mark; mark++)
        put_byte(p, *mark);
    p->whitespace = false;
    p->indention = p->indention && keeps;
}

static int deeper(const struct printer *p, bool for_text) {
    return p->indent < 0 ? (for_text ? INDENT : 0) : p->indent + INDENT;
}

/* --- what a string allows --- */

struct traits {
    bool multiline;
    bool plain, single, block;
};

/* Whether a character makes a plain scalar impossible where it stands. */
static bool is_indicator(uint32_t c, bool first, bool after_blank, bool before_blank) {
    switch (c) {
    case '#': return first || after_blank;
    case ':': return before_blank;
    case '?':
    case '-': return first && before_blank;
    case ',':
    case '[':
    case ']':
    case '{':
    case '}':
    case '&':
    case '*':
    case '!':
    case '|':
    case '>':
    case '\'':
    case '"':
    case '%':
    case '@':
    case '`': return first;
    default: return false;
    }
}

static struct traits traits_of(struct str s) {
    bool indicators = str_has_prefix(s, S("---")) || str_has_prefix(s, S("..."));
    bool special = false, breaks = false, break_space = false, space_break = false;
    bool was_space = false, was_break = false, was_blank = true;
    uint32_t first = code_point(s.p), last = 0;
    for (size_t i = 0, w; i < s.n; i += w) {
        uint32_t c = code_point(s.p + i);
        w = width((unsigned char)s.p[i]);
        bool before_blank = i + w >= s.n || is_blank(code_point(s.p + i + w));
        indicators = indicators || is_indicator(c, i == 0, was_blank, before_blank);
        special = special || !is_printable(c);
        break_space = break_space || (c == ' ' && was_break);
        space_break = space_break || (is_break(c) && was_space);
        breaks = breaks || is_break(c);
        was_space = c == ' ';
        was_break = is_break(c);
        was_blank = is_blank(c);
        last = c;
    }
    bool blank_ends = first == ' ' || last == ' ' || is_break(first) || is_break(last);
    return (struct traits){
        .multiline = breaks,
        .plain = !blank_ends && !break_space && !space_break && !special && !breaks && !indicators,
        .single = !break_space && !space_break && !special,
        .block = last != ' ' && !space_break && !special,
    };
}

/* --- scalars --- */

/* Whether a long line is to be folded at the space at i. */
static bool folds(const struct printer *p, bool may_fold, bool was_space) {
    return may_fold && !was_space && p->column > WIDTH;
}

static void put_plain(struct printer *p, struct str s, bool may_fold) {
    if (!p->whitespace)
        put_byte(p, ' ');
    bool was_space = false;
    for (size_t i = 0; i < s.n; i += width((unsigned char)s.p[i])) {
        bool space = s.p[i] == ' ';
        if (space && folds(p, may_fold, was_space) && i + 1 < s.n && s.p[i + 1] != ' ')
            put_indent(p);
        else
            put_char(p, s.p + i);
        p->indention = p->indention && space;
        was_space = space;
    }
    p->whitespace = false;
    p->indention = false;
}

static void put_single(struct printer *p, struct str s, bool may_fold) {
    bool was_space = false, was_break = false;
    put_mark(p, "'", true, false);
    for (size_t i = 0; i < s.n; i += width((unsigned char)s.p[i])) {
        bool space = s.p[i] == ' ', line_break = is_break(code_point(s.p + i));
        if (line_break) {
            put_text_break(p, s.p + i);
            p->indention = true;
        } else if (space && folds(p, may_fold, was_space) && i > 0 && i + 1 < s.n && s.p[i + 1] != ' ') {
            put_indent(p);
        } else {
            if (was_break && !space)
                put_indent(p);
            if (s.p[i] == '\'')
                put_byte(p, '\'');
            put_char(p, s.p + i);
            p->indention = p->indention && space;
        }
        was_space = space;
        was_break = line_break || (was_break && space);
    }
    put_mark(p, "'", false, false);
}

static void put_escape(struct printer *p, uint32_t c) {
    static const struct {
        uint32_t c;
        char letter;
    } letters[] = {
        {0, '0'},     {'\a', 'a'}, {'\b', 'b'}, {'\t', 't'},   {'\n', 'n'},
        {'\v', 'v'},  {'\f', 'f'}, {'\r', 'r'}, {0x1b, 'e'},   {'"', '"'},
        {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
    };
    put_byte(p, '\\');
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        if (letters[i].c == c) {
            put_byte(p, letters[i].letter);
            return;
        }
    }
    unsigned digits = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
    put_byte(p, digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    while (digits-- > 0)
        put_byte(p, "0123456789ABCDEF"[c >> 4 * digits & 15]);
}

static void put_double(struct printer *p, struct str s, bool may_fold) {
    bool was_space = false;
    put_mark(p, "\"", true, false);
    for (size_t i = 0; i < s.n; i += width((unsigned char)s.p[i])) {
        uint32_t c = code_point(s.p + i);
        bool space = c == ' ';
        if (!is_printable(c) || is_break(c) || c == '"' || c == '\\') {
            put_escape(p, c);
        } else if (space && folds(p, may_fold, was_space) && i > 0 && i + 1 < s.n) {
            put_indent(p);
            if (s.p[i + 1] == ' ')
                put_byte(p, '\\');
        } else {
            put_char(p, s.p + i);
        }
        was_space = space;
    }
    put_mark(p, "\"", false, false);
}

/* "|", an indent when the text begins with white space, and what to do with the line breaks at its end. */
static void put_literal(struct printer *p, struct str s) {
    uint32_t first = code_point(s.p);
    char mark[4] = "|";
    size_t n = 1, last = s.n - 1;
    while (last > 0 && ((unsigned char)s.p[last] & 0xc0) == 0x80)
        last--;
    size_t before = last ? last - 1 : 0;
    while (before > 0 && ((unsigned char)s.p[before] & 0xc0) == 0x80)
        before--;
    if (first == ' ' || is_break(first))
        mark[n++] = '0' + INDENT;
    if (!is_break(code_point(s.p + last)))
        mark[n++] = '-';
    else if (last == 0 || is_break(code_point(s.p + before)))
        mark[n++] = '+';
    put_mark(p, mark, true, false);
    put_break(p);
    p->indention = true;
    p->whitespace = true;
    bool was_break = true;
    for (size_t i = 0; i < s.n; i += width((unsigned char)s.p[i])) {
        if (is_break(code_point(s.p + i))) {
            put_text_break(p, s.p + i);
            p->indention = true;
            was_break = true;
            continue;
        }
        if (was_break)
            put_indent(p);
        put_char(p, s.p + i);
        p->indention = false;
        was_break = false;
    }
}

/* Whether the string, written plainly, reads as the same string. */
static bool reads_as_string(struct str s) {
    return yaml_resolve(s).kind == YAML_STR && !yaml_is_base60(s);
}

static void put_string(struct printer *p, struct str s, bool simple_key) {
    if (s.n == 0) {
        put_double(p, s, false);
        return;
    }
    struct traits t = traits_of(s);
    int before = p->indent;
    bool may_fold = !simple_key;
    p->indent = deeper(p, true);
    if (memchr(s.p, '\n', s.n)) {
        if (t.block && !simple_key)
            put_literal(p, s);
        else
            put_double(p, s, may_fold);
    } else if (!reads_as_string(s)) {
        put_double(p, s, may_fold);
    } else if (t.plain) {
        put_plain(p, s, may_fold);
    } else if (t.single && !(simple_key && t.multiline)) {
        put_single(p, s, may_fold);
    } else {
        put_double(p, s, may_fold);
    }
    p->indent = before;
}

/* CONFORMS: encoding/json, which stands before the printer upstream, replaces what is not UTF-8. */
static struct str valid(struct printer *p, struct str s) {
    size_t n = utf8_valid_prefix(s);
    if (n == s.n)
        return s;
    buf_clear(&p->scratch);
    while (s.n) {
        buf_put(&p->scratch, s.p, n);
        if (n < s.n)
            buf_lit(&p->scratch, "\xef\xbf\xbd");
        s = str_from_byte(s, n + 1);
        n = utf8_valid_prefix(s);
    }
    return buf_view(&p->scratch);
}

static void put_word(struct printer *p, struct str word) {
    put_plain(p, word, false);
}

/* CONFORMS: a number is JSON text first, in which whole numbers below 1e21 have neither point nor exponent;
 * those that fit 64 bits stay as they are. */
static void put_number(struct printer *p, double d) {
    _cleanup_buf struct buf text = BUF_INIT;
    int64_t i;
    uint64_t u;
    json_write_double(&text, d);
    if (!str_to_i64(buf_view(&text), &i) && !str_to_u64(buf_view(&text), &u)) {
        buf_clear(&text);
        yaml_put_float(&text, d, false);
    }
    put_word(p, buf_view(&text));
}

/* --- order of keys --- */

static bool is_letter(uint32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_digit_at(struct str s, size_t i) {
    return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* The number that begins at i, and where it ends. `lead` counts as a digit before it. */
static uint64_t number_at(struct str s, size_t i, uint64_t lead, size_t *ret_end) {
    uint64_t v = lead;
    for (; is_digit_at(s, i); i++)
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    *ret_end = i;
    return v;
}

/* CONFORMS: go-yaml's order of keys: numbers within them count as numbers, letters come after all else.
 * Beyond ASCII everything is a letter here. */
static int compare_keys(struct str a, struct str b) {
    size_t i = 0;
    while (i < a.n && i < b.n && a.p[i] == b.p[i])
        i++;
    while (i > 0 && i < a.n && i < b.n && ((unsigned char)a.p[i] & 0xc0) == 0x80)
        i--; /* to the start of a character */
    if (i >= a.n || i >= b.n)
        return (a.n > b.n) - (a.n < b.n);
    uint32_t x = code_point(a.p + i), y = code_point(b.p + i);
    bool letter_a = is_letter(x), letter_b = is_letter(y);
    if (letter_a != letter_b)
        return letter_b ? -1 : 1;
    if (letter_a)
        return x < y ? -1 : x > y;
    uint64_t lead = 0;
    if (x == '0' || y == '0')
        for (size_t j = i; j > 0 && is_digit_at(a, j - 1) && !lead; j--)
            lead = a.p[j - 1] != '0';
    size_t end_a, end_b;
    int64_t number_a = (int64_t)number_at(a, i, lead, &end_a),
            number_b = (int64_t)number_at(b, i, lead, &end_b);
    if (number_a != number_b)
        return number_a < number_b ? -1 : 1;
    if (end_a != end_b)
        return end_a < end_b ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Merge sort: the order above need not be one for every triple of keys, so the sort must not rely on it. */
static void sort_keys(const struct jmember **v, const struct jmember **tmp, size_t n) {
    if (n < 2)
        return;
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_keys(v, tmp, half);
    sort_keys(v + half, tmp, n - half);
    while (i < half && j < n)
        tmp[k++] = compare_keys(v[i]->key, v[j]->key) <= 0 ? v[i++] : v[j++];
    while (i < half)
        tmp[k++] = v[i++];
    memcpy(v, tmp, k * sizeof *v);
}

/* Puts the members in order on the stack; returns where they begin. */
static size_t order_members(struct printer *p, const struct jval *map) {
    size_t first = p->order.n;
    vec_reserve(&p->order, 2 * (size_t)map->n); /* the second half is scratch */
    for (uint32_t i = 0; i < map->n; i++)
        p->order.v[p->order.n++] = &map->members[i];
    bool sorted = true;
    for (size_t i = first + 1; i < p->order.n && sorted; i++)
        sorted = compare_keys(p->order.v[i - 1]->key, p->order.v[i]->key) <= 0;
    if (!sorted)
        sort_keys(p->order.v + first, p->order.v + p->order.n, map->n);
    return first;
}

/* --- nodes --- */

static void put_value(struct printer *p, const struct jval *v, bool in_map);

static void put_key(struct printer *p, struct str key) {
    key = valid(p, key);
    if (key.n <= SIMPLE_KEY_MAX && !(key.n && traits_of(key).multiline)) {
        put_string(p, key, true);
        put_mark(p, ":", false, false);
        return;
    }
    put_mark(p, "?", true, true);
    put_string(p, key, false);
    put_indent(p);
    put_mark(p, ":", true, true);
}

static void put_map(struct printer *p, const struct jval *map) {
    int before = p->indent;
    size_t first = order_members(p, map);
    p->indent = deeper(p, false);
    for (uint32_t i = 0; i < map->n; i++) {
        const struct jmember *m = p->order.v[first + i];
        put_indent(p);
        put_key(p, m->key);
        put_value(p, &m->value, true);
    }
    p->order.n = first;
    p->indent = before;
}

static void put_list(struct printer *p, const struct jval *list, bool in_map) {
    int before = p->indent;
    if (p->indent < 0 || !in_map || p->indention)
        p->indent = deeper(p, false);
    for (uint32_t i = 0; i < list->n; i++) {
        put_indent(p);
        put_mark(p, "-", true, true);
        put_value(p, &list->items[i], false);
    }
    p->indent = before;
}

static void put_value(struct printer *p, const struct jval *v, bool in_map) {
    _cleanup_buf struct buf text = BUF_INIT;
    switch ((enum jkind)v->kind) {
    case J_NULL: put_word(p, S("null")); return;
    case J_BOOL: put_word(p, v->b ? S("true") : S("false")); return;
    case J_INT:
        buf_i64(&text, v->i);
        put_word(p, buf_view(&text));
        return;
    case J_DOUBLE: put_number(p, v->d); return;
    case J_STRING: put_string(p, valid(p, jval_as_str(v)), false); return;
    case J_ARRAY:
        if (v->n)
            put_list(p, v, in_map);
        else
            put_mark(p, "[]", true, false);
        return;
    case J_OBJECT:
        if (v->n)
            put_map(p, v);
        else
            put_mark(p, "{}", true, false);
        return;
    }
    panic("value of kind %u", v->kind);
}

void yaml_write(struct buf *out, const struct jval *v) {
    struct printer p = {.out = out, .indent = -1, .whitespace = true, .indention = true};
    put_value(&p, v, false);
    put_indent(&p);
    vec_fini(&p.order);
    buf_fini(&p.scratch);
}
