/* options and version: what is the same for all commands, and what we are. */
#include "ctl/call.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "ctl/object.h"

static int run_options(struct ctl *c) {
    ctl_say(c, "The following options can be passed to any command:\n\n");
    help_print_flags(c, global_flags);
    return 0;
}

const struct command command_options = {
    .name = "options",
    .args = "[flags]",
    .brief = "List the flags that all commands have",
    .run = run_options,
    .hidden = true,
};

static int run_version(struct ctl *c) {
    struct problem p;
    struct answer answer;
    ctl_say(c, "Client Version: %s\n", c->setup->version);
    if (opt_bool(&c->opts, "client"))
        return 0;
    if (ctl_call(c, &(struct request){.path = S("/version")}, &answer, &p))
        return ctl_fail(c, &p);
    struct str version = object_str(&answer.tree, "gitVersion");
    ctl_say(c, "Server Version: %.*s\n", STR_ARG(version));
    return 0;
}

static const struct opt_row version_flags[] = {
    {"client", 0, OPT_BOOL, .help = "Only our own version; no server is needed."},
    {"output", 'o', OPT_STRING, .help = "json or yaml."},
    {0},
};

const struct command command_version = {
    .name = "version",
    .args = "[flags] [options]",
    .brief = "Print the versions of this program and of the server",
    .flags = version_flags,
    .run = run_version,
};
