/* Command lines as kubectl reads them. See options.h. */
#include "ctl/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "base/vec.h"

void opts_init(struct opts *o, struct arena *a) {
    *o = (struct opts){.arena = a};
}

static void push_text(struct opts *o, struct opt_value *v, struct str text) {
    struct {
        struct str *v;
        size_t n, cap;
    } list = {v->list, v->n_list, v->cap_list};
    vec_push_in(o->arena, &list, text);
    v->list = list.v;
    v->n_list = list.n;
    v->cap_list = list.cap;
}

/* One line of comma-separated values; a value may stand in quotes. */
static int push_csv(struct opts *o, struct opt_value *v, struct str text) {
    size_t i = 0;
    if (!text.n)
        return 0;
    for (;;) {
        size_t start = i;
        if (i < text.n && text.p[i] == '"') {
            char *to = arena_bytes(o->arena, text.n + 1);
            size_t n = 0;
            for (i++; i < text.n && (text.p[i] != '"' || (i + 1 < text.n && text.p[i + 1] == '"')); i++) {
                i += text.p[i] == '"';
                to[n++] = text.p[i];
            }
            if (i++ >= text.n || (i < text.n && text.p[i] != ','))
                return ERR_INVALID;
            push_text(o, v, str_make(to, n));
        } else {
            while (i < text.n && text.p[i] != ',')
                i++;
            struct str item = str_make(text.p + start, i - start);
            if (str_find_byte(item, '"') >= 0)
                return ERR_INVALID;
            push_text(o, v, item);
        }
        if (i >= text.n)
            return 0;
        i++; /* the comma */
    }
}

void opts_add(struct opts *o, const struct opt_row *rows) {
    for (const struct opt_row *r = rows; r && r->name; r++) {
        if (opts_find(o, str_from(r->name)))
            continue;
        struct opt_value v = {.row = r, .text = str_from(r->value ? r->value : "")};
        if (!r->value && r->kind == OPT_BOOL)
            v.text = S("false");
        if (!r->value && (r->kind == OPT_INT || r->kind == OPT_DURATION))
            v.text = S("0");
        if (r->value && (r->kind == OPT_LIST || r->kind == OPT_ARRAY))
            (void)push_csv(o, &v, v.text);
        vec_push_in(o->arena, o, v);
    }
}

struct opt_value *opts_find(const struct opts *o, struct str name) {
    for (size_t i = 0; i < o->n; i++)
        if (str_eq(str_from(o->v[i].row->name), name))
            return &o->v[i];
    return NULL;
}

struct opt_value *opts_find_letter(const struct opts *o, char letter) {
    for (size_t i = 0; i < o->n; i++)
        if (o->v[i].row->letter == letter && letter)
            return &o->v[i];
    return NULL;
}

/* -- values -- */

static bool parse_bool(struct str s, bool *ret) {
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (str_eq(s, str_from(yes[i])) || str_eq(s, str_from(no[i])))
            return *ret = str_eq(s, str_from(yes[i])), true;
    return false;
}

/* CONFORMS: strconv.ParseInt with base 0. */
static bool parse_int(struct arena *a, struct str s, int64_t *ret) {
    if (str_to_i64(s, ret) && !(s.n > 1 && s.p[0] == '0'))
        return true;
    if (!s.n || s.p[0] == ' ')
        return false;
    const char *z = arena_strz(a, s);
    size_t sign = z[0] == '-' || z[0] == '+';
    int base = z[sign] == '0' && (z[sign + 1] == 'o' || z[sign + 1] == 'O') ? 8 : 0;
    char *end = NULL;
    errno = 0;
    *ret = strtoll(base ? z + sign + 2 : z, &end, base);
    if (base && sign && z[0] == '-')
        *ret = -*ret;
    return errno == 0 && end && end != z && *end == '\0';
}

static const char *duration_problem(struct str s) {
    struct str digits = s;
    while (digits.n &&
           ((digits.p[0] >= '0' && digits.p[0] <= '9') || digits.p[0] == '.' || digits.p[0] == '-'))
        digits = str_from_byte(digits, 1);
    return s.n && !digits.n ? "missing unit in" : "invalid";
}

static int bad_value(const struct opt_row *r, struct str text, struct err *err, const char *why) {
    char letter[8] = "";
    if (r->letter)
        (void)snprintf(letter, sizeof letter, "-%c, ", r->letter);
    return err_set(err, ERR_INVALID, "invalid argument \"%.*s\" for \"%s--%s\" flag: %s", STR_ARG(text),
                   letter, r->name, why);
}

static int set_value(struct opts *o, struct opt_value *v, struct str text, struct err *err) {
    struct arena *a = o->arena;
    int64_t number;
    bool yes;
    switch (v->row->kind) {
    case OPT_BOOL:
        if (!parse_bool(text, &yes))
            return bad_value(
                v->row, text, err,
                arena_printf(a, "strconv.ParseBool: parsing \"%.*s\": invalid syntax", STR_ARG(text)).p);
        text = yes ? S("true") : S("false");
        break;
    case OPT_INT:
        if (!parse_int(a, text, &number))
            return bad_value(
                v->row, text, err,
                arena_printf(a, "strconv.ParseInt: parsing \"%.*s\": invalid syntax", STR_ARG(text)).p);
        break;
    case OPT_DURATION:
        if (!duration_parse(text, &number))
            return bad_value(
                v->row, text, err,
                arena_printf(a, "time: %s duration \"%.*s\"", duration_problem(text), STR_ARG(text)).p);
        break;
    case OPT_LIST:
    case OPT_ARRAY:
        if (!v->given)
            v->n_list = 0;
        if (v->row->kind == OPT_ARRAY)
            push_text(o, v, text);
        else if (push_csv(o, v, text))
            return bad_value(v->row, text, err, "parse error: bare or unclosed quotes");
        break;
    default: break;
    }
    v->text = text;
    v->given = true;
    return 0;
}

/* -- the line -- */

struct line {
    const struct str *argv;
    size_t n, i;
};

static const char *bare_value(const struct opt_row *r) {
    return r->bare ? r->bare : r->kind == OPT_BOOL ? "true" : NULL;
}

/* CONFORMS: kubectl takes an underscore for a hyphen. */
static struct str normal_name(struct arena *a, struct str name) {
    if (str_find_byte(name, '_') < 0)
        return name;
    char *to = arena_strz(a, name);
    for (size_t i = 0; i < name.n; i++)
        if (to[i] == '_')
            to[i] = '-';
    return str_make(to, name.n);
}

static int parse_long(struct opts *o, struct line *l, struct str arg, struct err *err) {
    struct str name = str_from_byte(arg, 2), value = STR_NONE;
    if (name.p[0] == '-' || name.p[0] == '=')
        return err_set(err, ERR_INVALID, "bad flag syntax: %.*s", STR_ARG(arg));
    bool has_value = str_split(name, '=', &name, &value);
    struct opt_value *v = opts_find(o, normal_name(o->arena, name));
    if (!v && str_eq(name, S("help")))
        return o->help = true, 0;
    if (!v)
        return err_set(err, ERR_INVALID, "unknown flag: --%.*s", STR_ARG(name));
    const char *bare = bare_value(v->row);
    if (!has_value && bare)
        value = str_from(bare);
    else if (!has_value && l->i < l->n)
        value = l->argv[l->i++];
    else if (!has_value)
        return err_set(err, ERR_INVALID, "flag needs an argument: --%.*s", STR_ARG(name));
    return set_value(o, v, value, err);
}

static int parse_short(struct opts *o, struct line *l, struct str arg, struct err *err) {
    struct str rest = str_from_byte(arg, 1);
    while (rest.n) {
        char letter = rest.p[0];
        struct opt_value *v = opts_find_letter(o, letter);
        if (!v && letter == 'h')
            return o->help = true, 0;
        if (!v)
            return err_set(err, ERR_INVALID, "unknown shorthand flag: '%c' in -%.*s", letter, STR_ARG(rest));
        const char *bare = bare_value(v->row);
        struct str value, left = STR_NONE;
        if (rest.n > 2 && rest.p[1] == '=') {
            value = str_from_byte(rest, 2);
        } else if (bare) {
            value = str_from(bare);
            left = str_from_byte(rest, 1);
        } else if (rest.n > 1) {
            value = str_from_byte(rest, 1);
        } else if (l->i < l->n) {
            value = l->argv[l->i++];
        } else {
            return err_set(err, ERR_INVALID, "flag needs an argument: '%c' in -%.*s", letter, STR_ARG(rest));
        }
        int rc = set_value(o, v, value, err);
        if (rc)
            return rc;
        rest = left;
    }
    return 0;
}

static void push_arg(struct opts *o, struct str arg) {
    struct {
        struct str *v;
        size_t n, cap;
    } list = {o->args, o->n_args, o->cap_args};
    vec_push_in(o->arena, &list, arg);
    o->args = list.v;
    o->n_args = list.n;
    o->cap_args = list.cap;
}

int opts_parse(struct opts *o, const struct str *argv, size_t n, bool mixed, struct err *err) {
    struct line l = {argv, n, 0};
    bool only_args = false;
    int rc = 0;
    while (l.i < l.n && rc == 0 && !o->help) {
        struct str arg = l.argv[l.i++];
        if (only_args || arg.n < 2 || arg.p[0] != '-') {
            push_arg(o, arg);
            only_args = only_args || !mixed;
        } else if (str_eq(arg, S("--"))) {
            if (!o->dash)
                o->n_before_dash = o->n_args;
            o->dash = only_args = true;
        } else {
            rc = arg.p[1] == '-' ? parse_long(o, &l, arg, err) : parse_short(o, &l, arg, err);
        }
    }
    if (!o->dash)
        o->n_before_dash = o->n_args;
    return rc;
}

/* -- asking -- */

static const struct opt_value *need(const struct opts *o, const char *name) {
    const struct opt_value *v = opts_find(o, str_from(name));
    check(v != NULL);
    return v;
}

bool opt_known(const struct opts *o, const char *name) {
    return opts_find(o, str_from(name)) != NULL;
}

bool opt_given(const struct opts *o, const char *name) {
    const struct opt_value *v = opts_find(o, str_from(name));
    return v && v->given;
}

struct str opt_str(const struct opts *o, const char *name) {
    return need(o, name)->text;
}

bool opt_bool(const struct opts *o, const char *name) {
    return str_eq(need(o, name)->text, S("true"));
}

int64_t opt_int(const struct opts *o, const char *name) {
    int64_t v = 0;
    check(parse_int(o->arena, need(o, name)->text, &v));
    return v;
}

int64_t opt_ns(const struct opts *o, const char *name) {
    int64_t v = 0;
    check(duration_parse(need(o, name)->text, &v));
    return v;
}

const struct str *opt_list(const struct opts *o, const char *name, size_t *ret_n) {
    const struct opt_value *v = need(o, name);
    *ret_n = v->n_list;
    return v->list;
}
