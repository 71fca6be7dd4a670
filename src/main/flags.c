/* Command lines and configuration files. See flags.h. */
#include "main/flags.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "codec/yaml.h"

#define CONFIG_BYTES_MAX (1u << 20)
#define LIST_MAX 4096u
#define HELP_COLUMN 40

static const struct flag *find_flag(const struct flags *f, struct str name) {
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].type != FLAG_SECTION && str_eq(str_from(f->v[i].name), name))
            return &f->v[i];
    return NULL;
}

static const struct flag *find_letter(const struct flags *f, char letter) {
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].type != FLAG_SECTION && f->v[i].letter == letter && letter)
            return &f->v[i];
    return NULL;
}

static bool parse_bool(struct str s, bool *ret) {
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (str_eq(s, str_from(yes[i])))
            return *ret = true, true;
        if (str_eq(s, str_from(no[i])))
            return *ret = false, true;
    }
    return false;
}

static bool list_add(struct arena *a, struct flag_list *l, struct str item) {
    if (l->n == LIST_MAX)
        return false;
    const char **v = arena_new_n(a, l->n + 2, const char *);
    if (l->n)
        memcpy(v, l->v, l->n * sizeof *v);
    v[l->n] = arena_strz(a, item);
    *l = (struct flag_list){.v = v, .n = l->n + 1};
    return true;
}

static bool list_add_all(struct arena *a, struct flag_list *l, struct str text) {
    while (text.n) {
        struct str item;
        str_split(text, ',', &item, &text);
        if (!list_add(a, l, str_trim(item)))
            return false;
    }
    return true;
}

static int set(const struct flags *f, const struct flag *flag, struct str value, struct err *err) {
    bool fine = true;
    switch (flag->type) {
    case FLAG_STRING: *(const char **)flag->to = arena_strz(f->arena, value); break;
    case FLAG_BOOL: fine = parse_bool(value, flag->to); break;
    case FLAG_INT: fine = str_to_i64(value, flag->to); break;
    case FLAG_DURATION: fine = duration_parse(value, flag->to); break;
    case FLAG_LIST: fine = list_add_all(f->arena, flag->to, value); break;
    case FLAG_SECTION: fine = false; break;
    }
    if (fine)
        return 0;
    static const char *const wants[] = {
        [FLAG_STRING] = "a text",       [FLAG_BOOL] = "true or false", [FLAG_INT] = "a whole number",
        [FLAG_DURATION] = "a duration", [FLAG_LIST] = "a list",        [FLAG_SECTION] = "nothing",
    };
    return err_set(err, ERR_INVALID, "invalid value \"%.*s\" of --%s: %s is wanted", STR_ARG(value),
                   flag->name, wants[flag->type]);
}

/* -- the file -- */

static int set_from_value(const struct flags *f, const struct flag *flag, const struct jval *v,
                          struct err *err) {
    if (flag->type == FLAG_LIST && v->kind == J_ARRAY) {
        for (uint32_t i = 0; i < v->n; i++)
            if (v->items[i].kind != J_STRING || !list_add(f->arena, flag->to, jval_as_str(&v->items[i])))
                return err_set(err, ERR_INVALID, "%s: a list of texts is wanted", flag->name);
        return 0;
    }
    if (v->kind == J_STRING)
        return set(f, flag, jval_as_str(v), err);
    if (v->kind == J_NULL)
        return 0;
    if (v->kind == J_ARRAY || v->kind == J_OBJECT)
        return err_set(err, ERR_INVALID, "%s: one value is wanted", flag->name);
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, v);
    return set(f, flag, buf_to_arena(&text, f->arena), err);
}

static int read_config(const struct flags *f, const char *path, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct jval root;
    int r = file_read(path, CONFIG_BYTES_MAX, &text, err);
    if (r == 0)
        r = yaml_parse(f->arena, buf_view(&text), NULL, NULL, &root, err);
    if (r < 0)
        return err_wrap(err, "%s", path);
    if (root.kind != J_OBJECT && root.kind != J_NULL)
        return err_set(err, ERR_INVALID, "%s: a map from names of flags to their values is wanted", path);
    for (uint32_t i = 0; root.kind == J_OBJECT && i < root.n; i++) {
        const struct flag *flag = find_flag(f, root.members[i].key);
        if (!flag)
            return err_set(err, ERR_INVALID, "%s: unknown flag: %.*s", path, STR_ARG(root.members[i].key));
        r = set_from_value(f, flag, &root.members[i].value, err);
        if (r < 0)
            return err_wrap(err, "%s", path);
    }
    return 0;
}

/* -- the command line -- */

/* One flag as it stands there. */
struct given {
    const struct flag *flag;
    struct str value;
    bool has_value, help;
};

static int read_name(const struct flags *f, struct str arg, struct given *g, struct err *err) {
    struct str name;
    g->has_value = str_split(str_from_byte(arg, 2), '=', &name, &g->value);
    g->flag = find_flag(f, name);
    g->help = !g->flag && str_eq(name, S("help"));
    if (g->flag || g->help)
        return 0;
    return err_set(err, ERR_INVALID, "unknown flag: --%.*s", STR_ARG(name));
}

static int read_letter(const struct flags *f, struct str arg, struct given *g, struct err *err) {
    g->flag = find_letter(f, arg.p[1]);
    g->help = !g->flag && arg.p[1] == 'h';
    if (!g->flag && !g->help)
        return err_set(err, ERR_INVALID, "unknown shorthand flag: '%c' in %.*s", arg.p[1], STR_ARG(arg));
    g->value = str_from_byte(arg, 2);
    g->has_value = g->value.n > 0;
    if (g->has_value && g->value.p[0] == '=')
        g->value = str_from_byte(g->value, 1);
    return 0;
}

/* Reads argv[*i] and, when the value stands there, the next one. */
static int read_flag(const struct flags *f, int argc, char **argv, int *i, struct given *g, struct err *err) {
    struct str arg = str_from(argv[*i]);
    *g = (struct given){.flag = NULL};
    int r = str_has_prefix(arg, S("--")) ? read_name(f, arg, g, err) : read_letter(f, arg, g, err);
    if (r < 0 || g->help || g->has_value)
        return r;
    if (g->flag->type == FLAG_BOOL) {
        g->value = S("true");
    } else if (*i + 1 < argc) {
        g->value = str_from(argv[++*i]);
    } else {
        return err_set(err, ERR_INVALID, "flag needs an argument: --%s", g->flag->name);
    }
    return 0;
}

/* only: the one flag that is wanted; else all are set but this one is passed over when `skip` is set. */
static int walk(const struct flags *f, int argc, char **argv, const struct flag *config, bool only_config,
                struct flag_list *args, struct err *err) {
    bool flags_over = false;
    for (int i = 1; i < argc; i++) {
        struct str arg = str_from(argv[i]);
        if (flags_over || arg.n < 2 || arg.p[0] != '-') {
            if (!list_add(f->arena, args, arg))
                return err_set(err, ERR_TOO_LARGE, "too many arguments");
            continue;
        }
        if (str_eq(arg, S("--"))) {
            flags_over = true;
            continue;
        }
        struct given g;
        int r = read_flag(f, argc, argv, &i, &g, err);
        if (r < 0 || g.help)
            return r < 0 ? r : FLAGS_HELP;
        if ((g.flag == config) == only_config)
            r = set(f, g.flag, g.value, err);
        if (r < 0)
            return r;
    }
    return FLAGS_RUN;
}

/* Lists of the command line replace those of the file. */
static void forget_lists(const struct flags *f, int argc, char **argv) {
    for (int i = 1; i < argc && !str_eq(str_from(argv[i]), S("--")); i++) {
        struct str name, value;
        if (!str_has_prefix(str_from(argv[i]), S("--")))
            continue;
        str_split(str_from_byte(str_from(argv[i]), 2), '=', &name, &value);
        const struct flag *flag = find_flag(f, name);
        if (flag && flag->type == FLAG_LIST)
            *(struct flag_list *)flag->to = (struct flag_list){.v = NULL};
    }
}

int flags_parse(const struct flags *f, int argc, char **argv, struct flag_list *ret_args, struct err *err) {
    const struct flag *config = f->own_config ? NULL : find_flag(f, S("config"));
    struct flag_list args = {.v = NULL};
    int r = walk(f, argc, argv, config, true, &args, err);
    if (r != FLAGS_RUN)
        return r;
    const char *path = config ? *(const char **)config->to : NULL;
    if (path && *path && (r = read_config(f, path, err)) < 0)
        return r;
    forget_lists(f, argc, argv);
    args = (struct flag_list){.v = NULL};
    r = walk(f, argc, argv, config, false, &args, err);
    if (r < 0)
        return r;
    if (args.n && !f->arguments)
        return err_set(err, ERR_INVALID, "unexpected argument: \"%s\"", args.v[0]);
    *ret_args = args;
    return r;
}

/* -- the usage -- */

static void print_default(const struct flag *flag, FILE *to) {
    char text[DURATION_TEXT_SIZE];
    if (flag->type == FLAG_STRING && *(const char **)flag->to && **(const char **)flag->to)
        fprintf(to, " (default \"%s\")", *(const char **)flag->to);
    else if (flag->type == FLAG_INT && *(int64_t *)flag->to)
        fprintf(to, " (default %lld)", (long long)*(int64_t *)flag->to);
    else if (flag->type == FLAG_BOOL && *(bool *)flag->to)
        fputs(" (default true)", to);
    else if (flag->type == FLAG_DURATION && *(int64_t *)flag->to &&
             duration_format(text, *(int64_t *)flag->to))
        fprintf(to, " (default %s)", text);
}

static void print_flag(const struct flag *flag, FILE *to) {
    static const char *const kinds[] = {
        [FLAG_STRING] = " string",     [FLAG_BOOL] = "",         [FLAG_INT] = " int",
        [FLAG_DURATION] = " duration", [FLAG_LIST] = " strings",
    };
    char letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    int n = fprintf(to, "  %s--%s%s", letter, flag->name, kinds[flag->type]);
    fprintf(to, "%*s%s", n < HELP_COLUMN ? HELP_COLUMN - n : 2, "", flag->help);
    print_default(flag, to);
    fputc('\n', to);
}

void flags_usage(const struct flags *f, FILE *to) {
    fprintf(to, "%s\n\nUsage:\n  %s [flags]%s%s\n", f->about, f->program, f->arguments ? " " : "",
            f->arguments ? f->arguments : "");
    if (f->n && f->v[0].type != FLAG_SECTION)
        fputs("\nFlags:\n", to);
    for (size_t i = 0; i < f->n; i++) {
        if (f->v[i].type == FLAG_SECTION)
            fprintf(to, "\n%s:\n", f->v[i].help);
        else if (f->v[i].help)
            print_flag(&f->v[i], to);
    }
}

bool flags_parse_or_end(const struct flags *f, int argc, char **argv, struct flag_list *ret_args,
                        int *ret_status) {
    struct err err = ERR_INIT;
    int r = flags_parse(f, argc, argv, ret_args, &err);
    if (r == FLAGS_RUN)
        return true;
    if (r == FLAGS_HELP) {
        flags_usage(f, stdout);
        *ret_status = 0;
        return false;
    }
    fprintf(stderr, "%s: %s\nSee '%s --help' for its flags.\n", f->program, err.msg, f->program);
    *ret_status = 1;
    return false;
}
