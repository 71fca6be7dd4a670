/* ctl/command: the tree of commands: finding one, and its help. First thread. */
#pragma once

#include "ctl/ctl.h"

/* Takes the command's names out of the arguments and makes c->path. NULL when there is no such command, which
 * it has said then. */
const struct command *command_find(struct ctl *c, struct str *args, size_t *n);
/* The same without a word; NULL: none yet, or an unknown one. */
const struct command *command_find_quietly(struct ctl *c, struct str *args, size_t *n);
/* Prints what could stand for the last word, a line each: for shells. */
int complete_words(struct ctl *c, struct str *words, size_t n);
/* The command of that name or alias among some (NULL-terminated), or NULL. */
const struct command *command_named(const struct command *const *commands, struct str name);
/* At the top. */
const struct command *command_top(struct str name);

void help_print(struct ctl *c, const struct command *command);
void help_print_top(struct ctl *c);
void help_print_flags(struct ctl *c, const struct opt_row *rows);
