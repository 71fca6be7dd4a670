/* Finding commands. See command.h. */
#include "ctl/command.h"

#include "base/vec.h"

static bool has_alias(const struct command *x, struct str name) {
    struct str rest = str_from(x->aliases ? x->aliases : ""), alias;
    while (rest.n) {
        (void)str_split(rest, ' ', &alias, &rest);
        if (str_eq(alias, name))
            return true;
    }
    return false;
}

const struct command *command_named(const struct command *const *commands, struct str name) {
    for (; commands && *commands; commands++)
        if (str_eq(str_from((*commands)->name), name) || has_alias(*commands, name))
            return *commands;
    return NULL;
}

const struct command *command_top(struct str name) {
    for (const struct command_section *s = command_sections; s->title; s++) {
        const struct command *found = command_named(s->commands, name);
        if (found)
            return found;
    }
    return NULL;
}

/* Index of the first argument that is no flag and no flag's value; n when there is none. */
static size_t first_word(const struct opts *known, const struct str *args, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct str s = args[i];
        if (str_eq(s, S("--")))
            break;
        if (s.n == 0 || s.p[0] != '-')
            return s.n ? i : n;
        if (str_find_byte(s, '=') >= 0)
            continue;
        const struct opt_value *v = NULL;
        bool is_long = str_has_prefix(s, S("--"));
        if (is_long)
            v = opts_find(known, str_from_byte(s, 2));
        else if (s.n == 2)
            v = opts_find_letter(known, s.p[1]);
        else
            continue;
        bool help = str_eq(s, S("--help")) || str_eq(s, S("-h"));
        if (!(v && (v->row->kind == OPT_BOOL || v->row->bare)) && !help)
            i++; /* its value */
    }
    return n;
}

static void take_out(struct str *args, size_t *n, size_t at) {
    for (size_t i = at; i + 1 < *n; i++)
        args[i] = args[i + 1];
    (*n)--;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* How many letters differ. */
static unsigned distance(struct str a, struct str b) {
    enum { MAX = 32 };
    unsigned row[MAX + 1], before;
    if (a.n > MAX || b.n > MAX)
        return MAX;
    for (unsigned k = 0; k <= b.n; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        before = row[0];
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= b.n; k++) {
            unsigned same = (a.p[i - 1] | 0x20) == (b.p[k - 1] | 0x20) ? 0 : 1, was = row[k];
            row[k] = min3(row[k] + 1, row[k - 1] + 1, before + same);
            before = was;
        }
    }
    return row[b.n];
}

static void suggest(struct ctl *c, struct str word) {
    _cleanup_buf struct buf text = BUF_INIT;
    for (const struct command_section *s = command_sections; s->title; s++)
        for (const struct command *const *x = s->commands; *x; x++) {
            struct str name = str_from((*x)->name);
            if (!(*x)->hidden && (distance(word, name) <= 2 || str_has_prefix(name, word)))
                buf_printf(&text, "\t%s\n", (*x)->name);
        }
    if (text.n)
        (void)fprintf(c->err, "\nDid you mean this?\n%.*s", STR_ARG(buf_view(&text)));
}

static const struct command *find(struct ctl *c, struct str *args, size_t *n, struct str *ret_unknown) {
    struct opts known;
    const struct command *command = NULL;
    c->path = str_from(c->setup->program);
    *ret_unknown = STR_NONE;
    for (;;) {
        opts_init(&known, &c->arena);
        if (command)
            opts_add(&known, command->flags);
        opts_add(&known, global_flags);
        size_t at = first_word(&known, args, *n);
        const struct command *next = at == *n  ? NULL
                                     : command ? command_named(command->commands, args[at])
                                               : command_top(args[at]);
        if (!next) {
            if (!command && at < *n)
                *ret_unknown = args[at];
            return command;
        }
        take_out(args, n, at);
        command = next;
        c->path = arena_printf(&c->arena, "%.*s %s", STR_ARG(c->path), command->name);
    }
}

const struct command *command_find_quietly(struct ctl *c, struct str *args, size_t *n) {
    struct str unknown;
    return find(c, args, n, &unknown);
}

const struct command *command_find(struct ctl *c, struct str *args, size_t *n) {
    static const struct command top = {.name = ""};
    struct str unknown;
    const struct command *command = find(c, args, n, &unknown);
    if (!unknown.p)
        return command ? command : &top;
    (void)ctl_error(c, "unknown command \"%.*s\" for \"%s\"", STR_ARG(unknown), c->setup->program);
    suggest(c, unknown);
    return NULL;
}
