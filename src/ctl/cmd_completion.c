/* completion: what a shell offers behind what was typed so far. The scripts ask this program itself
 * (__complete). */
#include <string.h>

#include "ctl/call.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

#define NAMES_MAX 500

static const char bash[] = "# completion of %1$s for bash: source <(%2$s completion bash)\n"
                           "_%1$s_complete() {\n"
                           "    local IFS=$'\\n' word=\"${COMP_WORDS[COMP_CWORD]}\"\n"
                           "    COMPREPLY=($(compgen -W \"$(%2$s __complete "
                           "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\" -- \"$word\"))\n"
                           "}\n"
                           "complete -o default -F _%1$s_complete %1$s\n";

static const char zsh[] = "#compdef %1$s\n"
                          "# completion of %1$s for zsh: source <(%2$s completion zsh)\n"
                          "_%1$s_complete() {\n"
                          "    local -a found\n"
                          "    found=(\"${(@f)$(%2$s __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
                          "    compadd -a found\n"
                          "}\n"
                          "(( $+functions[compdef] )) || { autoload -U compinit && compinit }\n"
                          "compdef _%1$s_complete %1$s\n";

static const char fish[] = "# completion of %1$s for fish: %2$s completion fish | source\n"
                           "function __%1$s_complete\n"
                           "    set -l words (commandline -opc) (commandline -ct)\n"
                           "    %2$s __complete $words[2..-1] 2>/dev/null\n"
                           "end\n"
                           "complete -c %1$s -f -a '(__%1$s_complete)'\n";

/* Of a script, with the name that is completed (%1$s) and the command that knows (%2$s). */
static void print_script(struct ctl *c, const char *script) {
    const char *program = c->setup->program;
    struct str rest = str_from(script), head;
    while (rest.n) {
        bool mark = str_has_prefix(rest, S("%1$s")) || str_has_prefix(rest, S("%2$s"));
        if (mark) {
            ctl_put(c, str_from(program));
            rest = str_from_byte(rest, 4);
            continue;
        }
        ptrdiff_t at = str_find_byte(str_from_byte(rest, 1), '%');
        head = at < 0 ? rest : str_cut(rest, (size_t)at + 1);
        ctl_put(c, head);
        rest = str_from_byte(rest, head.n);
    }
}

static int run(struct ctl *c) {
    static const struct {
        const char *name, *script;
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    if (c->opts.n_args == 0)
        return ctl_usage_error(c, "Shell not specified.");
    if (c->opts.n_args > 1)
        return ctl_usage_error(c, "Too many arguments. Expected only the shell type.");
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (str_eq(c->opts.args[0], str_from(shells[i].name)))
            return print_script(c, shells[i].script), 0;
    return ctl_usage_error(c, "Unsupported shell type \"%.*s\".", STR_ARG(c->opts.args[0]));
}

const struct command command_completion = {
    .name = "completion",
    .args = "SHELL [options]",
    .brief = "Output shell completion code for the specified shell (bash, zsh, fish)",
    .examples = "  # For this bash\n"
                "  source <(kubectl completion bash)\n",
    .run = run,
};

/* -- what could come next -- */

static void offer(struct ctl *c, struct str word, struct str candidate) {
    if (str_has_prefix(candidate, word))
        ctl_say(c, "%.*s\n", STR_ARG(candidate));
}

static void offer_commands(struct ctl *c, struct str word, const struct command *const *commands) {
    for (; commands && *commands; commands++)
        if (!(*commands)->hidden)
            offer(c, word, str_from((*commands)->name));
}

static void offer_flags(struct ctl *c, struct str word, const struct opt_row *rows) {
    for (const struct opt_row *r = rows; r && r->name; r++)
        if (!r->hidden)
            offer(c, word, arena_printf(&c->arena, "--%s", r->name));
}

static void offer_types(struct ctl *c, struct str word) {
    struct problem p;
    if (discovery_load(c, &p))
        return;
    for (size_t i = 0; i < c->discovery->n; i++) {
        const struct resource *r = &c->discovery->v[i];
        if (r->preferred && (resource_can(r, "get") || resource_can(r, "list")))
            offer(c, word,
                  r->group.n && str_find_byte(word, '.') >= 0 ? resource_full_name(c, r) : r->plural);
    }
}

static void offer_names(struct ctl *c, struct str word, struct str type, struct str prefix) {
    struct problem p;
    struct jval items;
    const struct resource *r;
    struct list_options o = {
        .limit = NAMES_MAX,
        .accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"};
    if (ctl_config(c, &p) || resource_find(c, type, &r, &p) ||
        object_list_all(c, r, r->namespaced ? c->ns : S(""), &o, &items, &p))
        return;
    for (uint32_t i = 0; i < items.n; i++)
        offer(c, word,
              arena_printf(&c->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(object_name(&items.items[i]))));
}

/* TYPE, TYPE NAME and TYPE/NAME, for commands that have these. */
static void offer_objects(struct ctl *c, struct str word, const struct command *command) {
    static const char *const of_pods[] = {"logs", "exec", "attach", "port-forward", "cp", NULL};
    struct str type, name;
    for (size_t i = 0; of_pods[i]; i++)
        if (str_eq(str_from(command->name), str_from(of_pods[i]))) {
            offer_names(c, word, S("pods"), S(""));
            return;
        }
    if (!command->args || (!strstr(command->args, "TYPE") && !strstr(command->args, "RESOURCE") &&
                           !strstr(command->args, "resource")))
        return;
    if (str_split(word, '/', &type, &name))
        offer_names(c, word, type, arena_printf(&c->arena, "%.*s/", STR_ARG(type)));
    else if (c->opts.n_args == 0)
        offer_types(c, word);
    else
        offer_names(c, word, c->opts.args[0], S(""));
}

static bool is_value_of(struct ctl *c, struct str before, const char *name, char letter) {
    struct str long_form = arena_printf(&c->arena, "--%s", name);
    return str_eq(before, long_form) || (before.n == 2 && before.p[0] == '-' && before.p[1] == letter);
}

int complete_words(struct ctl *c, struct str *words, size_t n) {
    struct err err = ERR_INIT;
    struct str word = n ? words[n - 1] : S(""), before = n > 1 ? words[n - 2] : S("");
    size_t n_before = n ? n - 1 : 0;
    const struct command *command = command_find_quietly(c, words, &n_before);
    if (command)
        opts_add(&c->opts, command->flags);
    opts_add(&c->opts, global_flags);
    (void)opts_parse(&c->opts, words, n_before, true, &err);
    if (is_value_of(c, before, "namespace", 'n')) {
        offer_names(c, word, S("namespaces"), S(""));
    } else if (str_has_prefix(word, S("-"))) {
        offer_flags(c, word, command ? command->flags : NULL);
        offer_flags(c, word, global_flags);
    } else if (!command) {
        for (const struct command_section *s = command_sections; s->title; s++)
            offer_commands(c, word, s->commands);
    } else {
        if (!c->opts.n_args)
            offer_commands(c, word, command->commands);
        offer_objects(c, word, command);
    }
    return 0;
}
