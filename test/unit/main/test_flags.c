/* main/flags */
#include "base/arena.h"
#include "base/file.h"
#include "main/flags.h"
#include "unit/unit.h"

struct world {
    struct arena arena;
    const char *config, *name;
    bool quiet;
    int64_t port, wait;
    struct flag_list names, args;
    struct err err;
};

static int parse(struct world *w, int n, char **argv) {
    struct flag table[] = {
        {"config", 0, FLAG_STRING, &w->config, "file"}, {"name", 'n', FLAG_STRING, &w->name, "name"},
        {"quiet", 'q', FLAG_BOOL, &w->quiet, "less"},   {"port", 0, FLAG_INT, &w->port, "port"},
        {"wait", 0, FLAG_DURATION, &w->wait, "time"},   {"names", 0, FLAG_LIST, &w->names, "names"},
    };
    struct flags f = {.program = "thing",
                      .about = "A thing.",
                      .arguments = "[FILE]",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &w->arena};
    return flags_parse(&f, n, argv, &w->args, &w->err);
}

#define PARSE(w, ...)                                                                                        \
    parse((w), sizeof((char *[]){"thing", __VA_ARGS__}) / sizeof(char *), (char *[]){"thing", __VA_ARGS__})
#define WORLD                                                                                                \
    { .arena = ARENA_INIT, .err = ERR_INIT }

TEST(test_flags__are_written_in_every_way) {
    struct world w = WORLD;
    assert_int_equal(PARSE(&w, "--name=a", "--port", "70", "-q", "--wait=1m30s", "x", "--", "--y"),
                     FLAGS_RUN);
    assert_string_equal(w.name, "a");
    assert_int_equal(w.port, 70);
    assert_true(w.quiet);
    assert_int_equal(w.wait, 90000000000ll);
    assert_int_equal(w.args.n, 2);
    assert_string_equal(w.args.v[1], "--y");
    assert_int_equal(PARSE(&w, "--quiet=false", "-nb"), FLAGS_RUN);
    assert_false(w.quiet);
    assert_string_equal(w.name, "b");
    assert_int_equal(PARSE(&w, "-n", "c"), FLAGS_RUN);
    assert_string_equal(w.name, "c");
    assert_int_equal(PARSE(&w, "-n=d"), FLAGS_RUN);
    assert_string_equal(w.name, "d");
    arena_fini(&w.arena);
}

TEST(test_flags__lists_add_up) {
    struct world w = WORLD;
    assert_int_equal(PARSE(&w, "--names=a,b", "--names", "c"), FLAGS_RUN);
    assert_int_equal(w.names.n, 3);
    assert_string_equal(w.names.v[2], "c");
    assert_null(w.names.v[3]);
    arena_fini(&w.arena);
}

static void refused(struct world *w, int r, const char *message) {
    assert_fails(r, ERR_INVALID);
    assert_string_equal(w->err.msg, message);
    arena_fini(&w->arena);
}

TEST(test_flags__what_is_wrong_is_named) {
    struct world w = WORLD;
    refused(&w, PARSE(&w, "--nope"), "unknown flag: --nope");
    refused(&w, PARSE(&w, "-z"), "unknown shorthand flag: 'z' in -z");
    refused(&w, PARSE(&w, "--name"), "flag needs an argument: --name");
    refused(&w, PARSE(&w, "--port=x"), "invalid value \"x\" of --port: a whole number is wanted");
    refused(&w, PARSE(&w, "--quiet=perhaps"),
            "invalid value \"perhaps\" of --quiet: true or false is wanted");
}

TEST(test_flags__help_is_no_error) {
    struct world w = WORLD;
    assert_int_equal(PARSE(&w, "--name=a", "--help"), FLAGS_HELP);
    assert_int_equal(PARSE(&w, "-h"), FLAGS_HELP);
    arena_fini(&w.arena);
}

TEST(test_flags__the_command_line_wins_over_the_file) {
    struct world w = WORLD;
    char *path = arena_strz(&w.arena, arena_printf(&w.arena, "%s/c.yaml", unit_tmpdir()));
    struct err err = ERR_INIT;
    assert_ok(
        file_write_atomic(path, S("name: file\nport: 5\nquiet: true\nnames: [a, b]\nwait: 2s\n"), 0600, &err),
        &err);
    assert_int_equal(PARSE(&w, "--config", path, "--port=6", "--names=z"), FLAGS_RUN);
    assert_string_equal(w.name, "file");
    assert_int_equal(w.port, 6);
    assert_true(w.quiet);
    assert_int_equal(w.wait, 2000000000);
    assert_int_equal(w.names.n, 1);
    assert_string_equal(w.names.v[0], "z");
    assert_ok(file_write_atomic(path, S("nope: 1\n"), 0600, &err), &err);
    assert_fails(PARSE(&w, "--config", path), ERR_INVALID);
    assert_non_null(strstr(w.err.msg, "unknown flag: nope"));
    arena_fini(&w.arena);
}
