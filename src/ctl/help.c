/* The help of commands. See command.h. */
#include <stdlib.h>
#include <string.h>

#include "ctl/command.h"

static int by_name(const void *a, const void *b) {
    const struct opt_row *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static const char *value_text(struct ctl *c, const struct opt_row *r) {
    const char *v = r->value;
    switch (r->kind) {
    case OPT_STRING: return arena_printf(&c->arena, "='%s'", v ? v : "").p;
    case OPT_LIST:
    case OPT_ARRAY: return arena_printf(&c->arena, "=[%s]", v ? v : "").p;
    case OPT_BOOL: return arena_printf(&c->arena, "=%s", v ? v : "false").p;
    case OPT_DURATION: return arena_printf(&c->arena, "=%s", v ? v : "0s").p;
    default: return arena_printf(&c->arena, "=%s", v ? v : "0").p;
    }
}

void help_print_flags(struct ctl *c, const struct opt_row *rows) {
    size_t n = 0;
    for (const struct opt_row *r = rows; r && r->name; r++)
        n++;
    const struct opt_row **sorted = arena_new_n(&c->arena, n + 1, const struct opt_row *);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &rows[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 0; i < n; i++) {
        if (sorted[i]->hidden)
            continue;
        ctl_say(c, "    ");
        if (sorted[i]->letter)
            ctl_say(c, "-%c, ", sorted[i]->letter);
        ctl_say(c, "--%s%s:\n\t%s\n\n", sorted[i]->name, value_text(c, sorted[i]), sorted[i]->help);
    }
}

static void print_commands(struct ctl *c, const struct command *const *commands) {
    for (; *commands; commands++)
        if (!(*commands)->hidden)
            ctl_say(c, "  %-15s %s\n", (*commands)->name, (*commands)->brief);
}

void help_print_top(struct ctl *c) {
    const char *program = c->setup->program;
    ctl_say(c, "%s works on the objects of a Kubernetes cluster.\n\n", program);
    for (const struct command_section *s = command_sections; s->title; s++) {
        if (!s->commands[0])
            continue;
        ctl_say(c, "%s\n", s->title);
        print_commands(c, s->commands);
        ctl_say(c, "\n");
    }
    ctl_say(c,
            "Usage:\n  %s [flags] [options]\n\n"
            "Use \"%s <command> --help\" for more about a command.\n"
            "Use \"%s options\" for the flags that all commands have.\n",
            program, program, program);
}

/* Examples say kubectl; users may have called us by another name. */
static void print_examples(struct ctl *c, const char *text) {
    struct str rest = str_from(text), name = S("kubectl");
    ctl_say(c, "Examples:\n");
    for (ptrdiff_t at; (at = str_find(rest, name)) >= 0; rest = str_from_byte(rest, (size_t)at + name.n)) {
        ctl_put(c, str_cut(rest, (size_t)at));
        ctl_put(c, str_from(c->setup->program));
    }
    ctl_put(c, rest);
    ctl_say(c, "\n");
}

void help_print(struct ctl *c, const struct command *command) {
    if (!*command->name) {
        help_print_top(c);
        return;
    }
    ctl_say(c, "%s\n\n", command->about ? command->about : command->brief);
    if (command->aliases)
        ctl_say(c, "Aliases:\n%s %s\n\n", command->name, command->aliases);
    if (command->examples)
        print_examples(c, command->examples);
    if (command->commands && command->commands[0]) {
        ctl_say(c, "Available Commands:\n");
        print_commands(c, command->commands);
        ctl_say(c, "\n");
    }
    if (command->flags && command->flags[0].name) {
        ctl_say(c, "Options:\n");
        help_print_flags(c, command->flags);
    }
    ctl_say(c, "Usage:\n  %.*s %s\n\n", STR_ARG(c->path),
            command->args ? command->args : "[flags] [options]");
    if (command->commands && command->commands[0])
        ctl_say(c, "Use \"%.*s <command> --help\" for more about a command.\n", STR_ARG(c->path));
    ctl_say(c, "Use \"%s options\" for the flags that all commands have.\n", c->setup->program);
}
