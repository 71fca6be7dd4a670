/* options and version: what is the same for all commands, and what we are. */
#include "codec/json.h"
#include "codec/yaml.h"
#include "ctl/call.h"
#include "ctl/command.h"
#include "ctl/commands.h"
#include "ctl/maker.h"
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

/* "v1.36.2" as the server tells of itself. */
static struct jval own_version(struct ctl *c) {
    struct str v = str_from(c->setup->version), major, rest, minor, patch;
    (void)str_split(str_from_byte(v, 1), '.', &major, &rest);
    (void)str_split(rest, '.', &minor, &patch);
    return tree_of_pairs(c, "major", jval_str(major), "minor", jval_str(minor), "gitVersion", jval_str(v),
                         "gitCommit", jval_str(S("")), "gitTreeState", jval_str(S("clean")), "buildDate",
                         jval_str(S("1970-01-01T00:00:00Z")), "goVersion", jval_str(S("")), "compiler",
                         jval_str(S("gcc")), "platform", jval_str(S("linux/amd64")), NULL);
}

static void print_versions(struct ctl *c, const struct jval *both, struct str output) {
    _cleanup_buf struct buf out = BUF_INIT;
    if (str_eq(output, S("json"))) {
        json_write_indented(&out, both, "  ");
        buf_byte(&out, '\n');
    } else if (output.n) {
        yaml_write(&out, both);
    } else {
        struct str server = object_str(both, "serverVersion.gitVersion");
        buf_printf(&out, "Client Version: %s\n", c->setup->version);
        if (server.n)
            buf_printf(&out, "Server Version: %.*s\n", STR_ARG(server));
    }
    ctl_put(c, buf_view(&out));
}

static int run_version(struct ctl *c) {
    struct problem p = {0};
    struct answer answer = {0};
    struct str output = opt_str(&c->opts, "output");
    if (c->opts.n_args)
        return ctl_error(c, "extra arguments: [%.*s]",
                         STR_ARG(arena_join(&c->arena, c->opts.args, c->opts.n_args, S(" "))));
    if (output.n && !str_eq(output, S("json")) && !str_eq(output, S("yaml")))
        return ctl_error(c, "--output must be 'yaml' or 'json'");
    struct jval both = tree_of_pairs(c, "clientVersion", own_version(c), NULL);
    bool ask = !opt_bool(&c->opts, "client");
    int rc = ask ? ctl_call(c, &(struct request){.path = S("/version")}, &answer, &p) : 0;
    if (ask && rc == 0)
        both = jval_with(&c->arena, &both, S("serverVersion"), answer.tree);
    print_versions(c, &both, output);
    return rc ? ctl_fail(c, &p) : 0;
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
