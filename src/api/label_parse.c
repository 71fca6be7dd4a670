/* The text form of label selectors. See label_selector.h.
 *
 *     selector    = [ requirement { "," requirement } ]
 *     requirement = key | "!" key | key ("=" | "==" | "!=") [ value ] | key (">" | "<") value
 *                 | key ("in" | "notin") "(" [ value ] { "," [ value ] } ")"
 *
 * White space may stand between the symbols. Keys and values are runs of anything else and are checked
 * afterwards; "in" and "notin" are keywords behind a key only. CONFORMS: the grammar and messages of
 * labels.Parse.
 */
#include "api/label_selector.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

#define FOUND_MAX 100 /* bytes of the text that a message shows */

enum symbol {
    SYM_END,
    SYM_WORD,
    SYM_IN,
    SYM_NOT_IN,
    SYM_NOT,
    SYM_EQUALS,
    SYM_DOUBLE_EQUALS,
    SYM_NOT_EQUALS,
    SYM_GREATER,
    SYM_LESS,
    SYM_OPEN,
    SYM_CLOSE,
    SYM_COMMA,
};

struct parser {
    struct arena *arena;
    struct str rest;    /* behind the current symbol */
    enum symbol symbol; /* the current one, not taken yet */
    struct str text;    /* its text */
    struct err *err;
};

struct values {
    struct str *v;
    size_t n, cap;
    bool closed; /* the closing parenthesis is the current symbol */
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum symbol special(char c) {
    switch (c) {
    case '=': return SYM_EQUALS;
    case '!': return SYM_NOT;
    case '(': return SYM_OPEN;
    case ')': return SYM_CLOSE;
    case ',': return SYM_COMMA;
    case '>': return SYM_GREATER;
    case '<': return SYM_LESS;
    default: return SYM_END;
    }
}

static size_t scan(struct parser *p) {
    if (!p->rest.n) {
        p->symbol = SYM_END;
        return 0;
    }
    p->symbol = special(p->rest.p[0]);
    if (p->symbol != SYM_END) {
        bool double_ = p->rest.n > 1 && p->rest.p[1] == '=';
        if (double_ && (p->symbol == SYM_EQUALS || p->symbol == SYM_NOT)) {
            p->symbol = p->symbol == SYM_NOT ? SYM_NOT_EQUALS : SYM_DOUBLE_EQUALS;
            return 2;
        }
        return 1;
    }
    size_t n = 1;
    while (n < p->rest.n && !is_space(p->rest.p[n]) && special(p->rest.p[n]) == SYM_END)
        n++;
    struct str word = str_cut(p->rest, n);
    p->symbol = str_eq(word, S("in")) ? SYM_IN : str_eq(word, S("notin")) ? SYM_NOT_IN : SYM_WORD;
    return n;
}

static void next(struct parser *p) {
    while (p->rest.n && is_space(p->rest.p[0]))
        p->rest = str_from_byte(p->rest, 1);
    size_t n = scan(p);
    p->text = str_cut(p->rest, n);
    p->rest = str_from_byte(p->rest, n);
}

/* The current symbol where keywords are words. */
static enum symbol peek(const struct parser *p) {
    return p->symbol == SYM_IN || p->symbol == SYM_NOT_IN ? SYM_WORD : p->symbol;
}

static int unexpected(struct parser *p, const char *expected) {
    return err_set(p->err, ERR_INVALID, "found '%.*s', expected: %s", STR_ARG(str_cut(p->text, FOUND_MAX)),
                   expected);
}

static int parse_operator(struct parser *p, enum label_op *ret) {
    switch (p->symbol) {
    case SYM_IN: *ret = LABEL_IN; break;
    case SYM_NOT_IN: *ret = LABEL_NOT_IN; break;
    case SYM_EQUALS: *ret = LABEL_EQUALS; break;
    case SYM_DOUBLE_EQUALS: *ret = LABEL_DOUBLE_EQUALS; break;
    case SYM_NOT_EQUALS: *ret = LABEL_NOT_EQUALS; break;
    case SYM_GREATER: *ret = LABEL_GREATER; break;
    case SYM_LESS: *ret = LABEL_LESS; break;
    default: return unexpected(p, "in, notin, =, ==, !=, gt, lt");
    }
    next(p);
    return 0;
}

/* Takes a comma: an empty value stands before it when nothing does, and between it and one that follows at
 * once, which is taken too. CONFORMS: so that "(,)" and "(a,)" are values and "(a,,)" is an error. */
static void parse_comma(struct parser *p, struct values *values) {
    next(p);
    if (values->n == 0)
        vec_push_in(p->arena, values, S(""));
    if (p->symbol != SYM_CLOSE && p->symbol != SYM_COMMA)
        return;
    vec_push_in(p->arena, values, S(""));
    if (p->symbol == SYM_COMMA)
        next(p);
    else
        values->closed = true;
}

static int parse_values(struct parser *p, struct values *values) {
    if (p->symbol != SYM_OPEN)
        return unexpected(p, "'('");
    next(p);
    values->closed = p->symbol == SYM_CLOSE;
    while (!values->closed) {
        if (p->symbol == SYM_COMMA) {
            parse_comma(p, values);
            continue;
        }
        if (peek(p) != SYM_WORD)
            return unexpected(p, values->n ? "',', or identifier" : "',', ')' or identifier");
        vec_push_in(p->arena, values, p->text);
        next(p);
        values->closed = p->symbol == SYM_CLOSE;
        if (!values->closed && p->symbol != SYM_COMMA)
            return unexpected(p, "',' or ')'");
    }
    next(p);
    return 0;
}

/* CONFORMS: nothing behind the operator is the empty value. */
static int parse_value(struct parser *p, struct values *values) {
    if (peek(p) == SYM_WORD) {
        vec_push_in(p->arena, values, p->text);
        next(p);
        return 0;
    }
    if (p->symbol != SYM_END && p->symbol != SYM_COMMA)
        return unexpected(p, "identifier");
    vec_push_in(p->arena, values, S(""));
    return 0;
}

static int parse_requirement(struct parser *p, struct label_requirement *ret) {
    bool negated = p->symbol == SYM_NOT;
    if (negated)
        next(p);
    if (peek(p) != SYM_WORD)
        return unexpected(p, "identifier");
    struct str key = p->text;
    struct values values = {0};
    next(p);
    enum label_op op = negated ? LABEL_NOT_EXISTS : LABEL_EXISTS;
    int rc = 0;
    if (!negated && p->symbol != SYM_END && p->symbol != SYM_COMMA) {
        rc = parse_operator(p, &op);
        if (!rc)
            rc = op == LABEL_IN || op == LABEL_NOT_IN ? parse_values(p, &values) : parse_value(p, &values);
    }
    if (rc)
        return rc;
    return label_requirement_make(p->arena, key, op, values.v, (uint32_t)values.n, ret, p->err);
}

int label_selector_parse(struct arena *a, struct str text, struct label_selector *ret, struct err *err) {
    if (text.n > LABEL_SELECTOR_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a label selector may have %u bytes, this one has %zu",
                       LABEL_SELECTOR_BYTES_MAX, text.n);
    VEC(struct label_requirement) requirements = {0};
    struct parser p = {.arena = a, .rest = arena_str(a, text), .err = err};
    next(&p);
    while (p.symbol != SYM_END) {
        if (requirements.n == 0 && peek(&p) != SYM_WORD && p.symbol != SYM_NOT)
            return unexpected(&p, "!, identifier, or 'end of string'");
        struct label_requirement r;
        int rc = parse_requirement(&p, &r);
        if (rc) {
            (void)err_wrap(err, "unable to parse requirement");
            return rc;
        }
        vec_push_in(a, &requirements, r);
        if (p.symbol == SYM_END)
            break;
        if (p.symbol != SYM_COMMA)
            return unexpected(&p, "',' or 'end of string'");
        next(&p);
        if (peek(&p) != SYM_WORD && p.symbol != SYM_NOT)
            return unexpected(&p, "identifier after ','");
    }
    *ret = label_selector_of(requirements.v, (uint32_t)requirements.n);
    return 0;
}
