/* Parsing templates. See jsonpath.h. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "ctl/jsonpath_priv.h"

#define JP_DEPTH_MAX 32

struct parser {
    struct arena *a;
    struct str s;
    size_t i;
    unsigned depth;
    struct err *err;
};

static int parse_path(struct parser *p, const char *until, struct jp_list *to);

static char peek(const struct parser *p) {
    return p->i < p->s.n ? p->s.p[p->i] : '\0';
}

static bool is_in(char ch, const char *set) {
    return ch && strchr(set, ch);
}

static bool is_digit(char ch) {
    return ch >= '0' && ch <= '9';
}

static void add(struct parser *p, struct jp_list *to, struct jp_node node) {
    vec_push_in(p->a, to, node);
}

static int bad(struct parser *p, const char *why) {
    return err_set(p->err, ERR_INVALID, "%s", why);
}

/* A quoted text, its escapes undone. */
static int parse_quoted(struct parser *p, struct str *ret) {
    char quote = p->s.p[p->i++];
    char *to = arena_bytes(p->a, p->s.n + 1);
    size_t n = 0;
    for (; peek(p) != quote; p->i++) {
        char ch = peek(p);
        if (p->i >= p->s.n)
            return bad(p, "unterminated quoted string");
        if (ch == '\\' && p->i + 1 < p->s.n) {
            ch = p->s.p[++p->i];
            ch = ch == 'n' ? '\n' : ch == 't' ? '\t' : ch == 'r' ? '\r' : ch;
        }
        to[n++] = ch;
    }
    p->i++;
    *ret = str_make(to, n);
    return 0;
}

/* A name up to what cannot be in one; a backslash makes the next character plain. */
static struct str parse_name(struct parser *p) {
    char *to = arena_bytes(p->a, p->s.n + 1);
    size_t n = 0;
    for (; p->i < p->s.n && !is_in(peek(p), " .[]{}(),=<>!|\t\n\r\"'"); p->i++) {
        if (peek(p) == '\\' && p->i + 1 < p->s.n)
            p->i++;
        to[n++] = peek(p);
    }
    return str_make(to, n);
}

static void add_field(struct parser *p, struct jp_list *to, struct str name) {
    if (str_eq(name, S("*")))
        add(p, to, (struct jp_node){.kind = JP_EVERY});
    else
        add(p, to, (struct jp_node){.kind = JP_FIELD, .name = name});
}

static struct jval number(struct parser *p, struct str s) {
    int64_t i;
    return str_to_i64(s, &i) ? jval_int(i) : jval_double(strtod(arena_strz(p->a, s), NULL));
}

/* -- [ … ] -- */

/* Up to the bracket that closes; the position is behind it. */
static int inside_brackets(struct parser *p, struct str *ret) {
    size_t from = ++p->i;
    int depth = 1;
    for (char quote = 0; p->i < p->s.n; p->i++) {
        char ch = peek(p);
        if (quote) {
            if (ch == '\\')
                p->i++;
            else if (ch == quote)
                quote = 0;
        } else if (ch == '"' || ch == '\'') {
            quote = ch;
        } else if (ch == '[') {
            depth++;
        } else if (ch == ']' && --depth == 0) {
            *ret = str_make(p->s.p + from, p->i++ - from);
            return 0;
        }
    }
    return bad(p, "unterminated array");
}

static bool parse_slice(struct str s, struct jp_node *ret) {
    struct jp_node n = {.kind = JP_SLICE, .part = {0, 0, 1}};
    struct str part;
    bool more = true;
    size_t k = 0;
    for (; more && k < 3; k++) {
        more = str_split(s, ':', &part, &s);
        part = str_trim(part);
        if (part.n && !str_to_i64(part, &n.part[k]))
            return false;
        n.has_end = n.has_end || (k == 1 && part.n);
        if (k == 0 && !more && !part.n)
            return false;
    }
    n.single = k == 1;
    if (more)
        return false;
    *ret = n;
    return true;
}

static int sub_path(struct parser *p, struct str s, struct jp_list *to) {
    struct parser inner = {p->a, s, 0, p->depth + 1, p->err};
    if (inner.depth > JP_DEPTH_MAX)
        return bad(p, "too deep");
    while (is_in(peek(&inner), " \t"))
        inner.i++;
    return parse_path(&inner, "", to);
}

/* Position of an operator outside of quotes and brackets. */
static size_t find_op(struct str s, struct str *ret_op) {
    static const struct str ops[] = {STR_INIT("=="), STR_INIT("!="), STR_INIT("<="),
                                     STR_INIT(">="), STR_INIT("<"),  STR_INIT(">")};
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (quote)
            quote = ch == quote ? 0 : quote;
        else if (ch == '"' || ch == '\'')
            quote = ch;
        else if (ch == '[' || ch == '(')
            depth++;
        else if (ch == ']' || ch == ')')
            depth--;
        for (size_t k = 0; !quote && depth == 0 && k < 6; k++)
            if (str_has_prefix(str_from_byte(s, i), ops[k])) {
                *ret_op = ops[k];
                return i;
            }
    }
    *ret_op = S("exists");
    return s.n;
}

static int parse_filter(struct parser *p, struct str s, struct jp_list *to) {
    struct jp_node n = {.kind = JP_FILTER};
    s = str_trim(str_make(s.p + 2, s.n - 3)); /* ?( … ) */
    size_t at = find_op(s, &n.op);
    n.parts = arena_new_n(p->a, 2, struct jp_list);
    int rc = sub_path(p, str_trim(str_cut(s, at)), &n.parts[0]);
    if (rc == 0 && at < s.n)
        rc = sub_path(p, str_trim(str_from_byte(s, at + n.op.n)), &n.parts[1]);
    if (rc == 0)
        add(p, to, n);
    return rc;
}

static bool is_quoted(struct str s) {
    return s.n >= 2 && (s.p[0] == '\'' || s.p[0] == '"') && s.p[s.n - 1] == s.p[0] &&
           str_find_byte(str_make(s.p + 1, s.n - 2), s.p[0]) < 0;
}

/* One of a list of names and indexes. */
static int parse_member(struct parser *p, struct str s, struct jp_list *to) {
    struct jp_node n;
    s = str_trim(s);
    if (is_quoted(s)) /* CONFORMS: a path, too: 'a.b' is b of a */
        return sub_path(p, arena_printf(p->a, ".%.*s", STR_ARG(str_make(s.p + 1, s.n - 2))), to);
    if (parse_slice(s, &n))
        return add(p, to, n), 0;
    return sub_path(p, s, to);
}

static size_t count_commas(struct str s) {
    size_t n = 0;
    char quote = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (quote)
            quote = s.p[i] == quote ? 0 : quote;
        else if (s.p[i] == '"' || s.p[i] == '\'')
            quote = s.p[i];
        else
            n += s.p[i] == ',';
    }
    return n;
}

static struct str next_member(struct str *rest) {
    char quote = 0;
    size_t i = 0;
    for (; i < rest->n && (quote || rest->p[i] != ','); i++) {
        if (quote)
            quote = rest->p[i] == quote ? 0 : quote;
        else if (rest->p[i] == '"' || rest->p[i] == '\'')
            quote = rest->p[i];
    }
    struct str member = str_cut(*rest, i);
    *rest = str_from_byte(*rest, i + 1);
    return member;
}

static int parse_brackets(struct parser *p, struct jp_list *to) {
    struct str s;
    int rc = inside_brackets(p, &s);
    if (rc)
        return rc;
    s = str_trim(s);
    if (str_eq(s, S("*")))
        return add(p, to, (struct jp_node){.kind = JP_EVERY}), 0;
    if (str_has_prefix(s, S("?(")) && str_has_suffix(s, S(")")))
        return parse_filter(p, s, to);
    size_t commas = count_commas(s);
    if (!commas && !is_quoted(s)) {
        struct jp_node n;
        if (!parse_slice(s, &n))
            return err_set(p->err, ERR_INVALID, "invalid array index %.*s", STR_ARG(s));
        return add(p, to, n), 0;
    }
    if (!commas)
        return parse_member(p, s, to);
    struct jp_node n = {.kind = JP_UNION, .n_parts = commas + 1};
    n.parts = arena_new_n(p->a, n.n_parts, struct jp_list);
    for (size_t i = 0; i < n.n_parts && rc == 0; i++)
        rc = parse_member(p, next_member(&s), &n.parts[i]);
    if (rc == 0)
        add(p, to, n);
    return rc;
}

/* -- paths -- */

static int parse_step(struct parser *p, struct jp_list *to) {
    char ch = peek(p);
    struct str text;
    if (ch == '$' || ch == '@')
        return p->i++, 0;
    if (ch == '"' || ch == '\'') {
        int rc = parse_quoted(p, &text);
        if (rc == 0)
            add(p, to, (struct jp_node){.kind = JP_LITERAL, .value = jval_str(text)});
        return rc;
    }
    if (ch == '[')
        return parse_brackets(p, to);
    if (ch == '.' && p->i + 1 < p->s.n && p->s.p[p->i + 1] == '.') {
        p->i += 2;
        add(p, to, (struct jp_node){.kind = JP_RECURSIVE});
        if (!is_in(peek(p), ".["))
            add_field(p, to, parse_name(p));
        return 0;
    }
    if (ch == '.') {
        p->i++;
        text = parse_name(p);
        if (text.n)
            add_field(p, to, text);
        return 0;
    }
    if (is_digit(ch) || ((ch == '-' || ch == '+') && p->i + 1 < p->s.n && is_digit(p->s.p[p->i + 1]))) {
        size_t from = p->i++;
        while (is_digit(peek(p)) || is_in(peek(p), ".eE"))
            p->i++;
        add(p, to,
            (struct jp_node){.kind = JP_LITERAL, .value = number(p, str_make(p->s.p + from, p->i - from))});
        return 0;
    }
    text = parse_name(p);
    if (!text.n)
        return err_set(p->err, ERR_INVALID, "unrecognized character in action: U+%04X '%c'",
                       (unsigned)(unsigned char)ch, ch);
    if (str_eq(text, S("true")) || str_eq(text, S("false"))) {
        add(p, to, (struct jp_node){.kind = JP_LITERAL, .value = jval_bool(text.p[0] == 't')});
        return 0;
    }
    return err_set(p->err, ERR_INVALID, "unrecognized identifier %.*s", STR_ARG(text));
}

static int parse_path(struct parser *p, const char *until, struct jp_list *to) {
    int rc = 0;
    while (rc == 0 && p->i < p->s.n && !is_in(peek(p), until) && !is_in(peek(p), " \t"))
        rc = parse_step(p, to);
    return rc;
}

/* -- templates -- */

static void skip_blanks(struct parser *p) {
    while (is_in(peek(p), " \t\n\r"))
        p->i++;
}

static bool take_word(struct parser *p, const char *word) {
    struct str rest = str_from_byte(p->s, p->i);
    size_t n = strlen(word);
    if (!str_has_prefix(rest, str_from(word)) || (rest.n > n && !is_in(rest.p[n], " }\t")))
        return false;
    p->i += n;
    skip_blanks(p);
    return true;
}

/* { … }: one or more paths and texts. */
static int parse_braces(struct parser *p, struct jsonpath *j) {
    int rc = 0;
    p->i++;
    skip_blanks(p);
    while (rc == 0 && p->i < p->s.n && peek(p) != '}') {
        struct jp_action x = {.kind = JP_PATH};
        if (take_word(p, "range"))
            x.kind = JP_RANGE;
        else if (take_word(p, "end"))
            x.kind = JP_END;
        if (x.kind != JP_END)
            rc = parse_path(p, "}", &x.path);
        vec_push_in(p->a, j, x);
        skip_blanks(p);
    }
    if (rc == 0 && peek(p) != '}')
        return bad(p, "unclosed action");
    p->i++;
    return rc;
}

int jsonpath_parse(struct arena *a, struct str text, struct jsonpath **ret, struct err *err) {
    struct parser p = {a, arena_str(a, text), 0, 0, err};
    struct jsonpath *j = arena_new(a, struct jsonpath);
    while (p.i < p.s.n) {
        size_t from = p.i;
        while (p.i < p.s.n && peek(&p) != '{')
            p.i++;
        if (p.i > from) {
            struct jp_action x = {.kind = JP_TEXT, .text = str_make(p.s.p + from, p.i - from)};
            vec_push_in(a, j, x);
        }
        int rc = p.i < p.s.n ? parse_braces(&p, j) : 0;
        if (rc)
            return rc;
    }
    *ret = j;
    return 0;
}

int jsonpath_relaxed(struct arena *a, struct str text, struct str *ret, struct err *err) {
    struct str inner = text;
    bool open = str_has_prefix(text, S("{")), closed = str_has_suffix(text, S("}"));
    if (open && closed)
        inner = str_make(text.p + 1, text.n - 2);
    if (open != closed || !inner.n || (str_find_byte(inner, ' ') >= 0 && str_find_byte(inner, '?') < 0))
        return err_set(
            err, ERR_INVALID,
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or "
            "'{.name1.name2}'");
    bool dotted = inner.p[0] == '.' || inner.p[0] == '$' || inner.p[0] == '[';
    *ret = arena_printf(a, "{%s%.*s}", dotted ? "" : ".", STR_ARG(inner));
    return 0;
}
