/* One invocation: finding the command, running it, and what goes wrong. See ctl.h. */
#include "ctl/ctl.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "ctl/command.h"

/* -- what goes wrong -- */

static int put_problem(struct problem *p, struct str message, struct str text) {
    *p = (struct problem){.message = message, .text = text};
    return CTL_PROBLEM;
}

int problem_set(struct ctl *c, struct problem *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    bool has = str_has_prefix(message, S("error: "));
    return put_problem(p, message, has ? message : arena_printf(&c->arena, "error: %.*s", STR_ARG(message)));
}

int problem_say(struct ctl *c, struct problem *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    return put_problem(p, message, message);
}

int problem_of_err(struct ctl *c, struct problem *p, const struct err *err) {
    return problem_set(c, p, "%s", err->msg);
}

void problem_wrap(struct ctl *c, struct problem *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str what = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    if (!str_has_suffix(p->text, p->message) || str_eq(p->reason, S("Invalid")))
        return; /* a text of its own */
    struct str head = str_cut(p->text, p->text.n - p->message.n);
    p->message = arena_printf(&c->arena, "%.*s: %.*s", STR_ARG(what), STR_ARG(p->message));
    p->text = arena_printf(&c->arena, "%.*s%.*s", STR_ARG(head), STR_ARG(p->message));
}

static void print_text(struct ctl *c, struct str text) {
    (void)fflush(c->out);
    (void)fprintf(c->err, "%.*s%s", STR_ARG(text), str_has_suffix(text, S("\n")) ? "" : "\n");
}

int ctl_fail(struct ctl *c, const struct problem *p) {
    if (p->text.n) /* else it is said already */
        print_text(c, p->text);
    return c->status = 1;
}

int ctl_fail_item(struct ctl *c, const struct problem *p) {
    print_text(c, str_has_prefix(p->text, S("error: ")) ? str_from_byte(p->text, 7) : p->text);
    return c->status = 1;
}

int ctl_error(struct ctl *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    print_text(c, arena_printf(&c->arena, "error: %.*s", STR_ARG(message)));
    return c->status = 1;
}

int ctl_usage_error(struct ctl *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    return ctl_error(c, "%.*s\nSee '%.*s -h' for help and examples", STR_ARG(message), STR_ARG(c->path));
}

void ctl_warn(struct ctl *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str message = arena_vprintf(&c->arena, fmt, ap);
    va_end(ap);
    bool yellow = c->colour && isatty(fileno(c->err));
    print_text(c, arena_printf(&c->arena, "%sWarning:%s %.*s", yellow ? "\033[33;1m" : "",
                               yellow ? "\033[0m" : "", STR_ARG(message)));
}

void ctl_say(struct ctl *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    (void)vfprintf(c->out, fmt, ap);
    va_end(ap);
}

void ctl_put(struct ctl *c, struct str text) {
    if (text.n)
        (void)fwrite(text.p, 1, text.n, c->out);
}

int ctl_dry_run(struct ctl *c, enum dry_run *ret, struct problem *p) {
    struct str s = opt_str(&c->opts, "dry-run");
    *ret = DRY_RUN_NONE;
    if (str_eq(s, S("client")) || str_eq(s, S("unchanged")) || str_eq(s, S("true"))) {
        bool told = c->dry_run_told;
        c->dry_run_told = true;
        if (!str_eq(s, S("client")) && !told)
            ctl_warn(c, "--dry-run%s is deprecated and can be replaced with --dry-run=client.",
                     str_eq(s, S("true")) ? "=true" : "");
        *ret = DRY_RUN_CLIENT;
    } else if (str_eq(s, S("server"))) {
        *ret = DRY_RUN_SERVER;
    } else if (!str_eq(s, S("none")) && !str_eq(s, S("false"))) {
        return problem_set(c, p, "Invalid dry-run value (%.*s). Must be \"none\", \"server\", or \"client\".",
                           STR_ARG(s));
    }
    return 0;
}

bool ctl_confirm(struct ctl *c, const char *question) {
    char line[64] = "";
    (void)fflush(c->out);
    (void)fprintf(c->err, "%s", question);
    (void)fflush(c->err);
    if (!fgets(line, sizeof line, c->in))
        return false;
    struct str s = str_trim(str_from(line));
    return str_eq_nocase(s, S("y")) || str_eq_nocase(s, S("yes"));
}

/* -- running -- */

static bool missing_flags(struct ctl *c) {
    _cleanup_buf struct buf names = BUF_INIT;
    for (size_t i = 0; i < c->opts.n; i++)
        if (c->opts.v[i].row->required && !c->opts.v[i].given)
            buf_printf(&names, "%s\"%s\"", names.n ? ", " : "", c->opts.v[i].row->name);
    if (names.n)
        (void)ctl_error(c, "required flag(s) %.*s not set", STR_ARG(buf_view(&names)));
    return names.n > 0;
}

static int run_command(struct ctl *c, const struct command *command, const struct str *argv, size_t n) {
    struct err err = ERR_INIT;
    c->command = command;
    opts_add(&c->opts, command->flags);
    opts_add(&c->opts, global_flags);
    if (opts_parse(&c->opts, argv, n, !command->unmixed, &err)) {
        print_text(
            c, arena_printf(&c->arena, "error: %s\nSee '%.*s --help' for usage.", err.msg, STR_ARG(c->path)));
        return 1;
    }
    if (c->opts.help || (!command->run && c->opts.n_args == 0)) {
        help_print(c, command);
        return 0;
    }
    if (!command->run)
        return ctl_usage_error(c, "unknown command \"%.*s\"", STR_ARG(c->opts.args[0]));
    return missing_flags(c) ? 1 : command->run(c);
}

static int run(struct ctl *c, int argc, char **argv) {
    struct str *args = arena_new_n(&c->arena, (size_t)argc + 1, struct str);
    size_t n = 0;
    for (int i = 1; i < argc; i++)
        args[n++] = str_from(argv[i]);
    opts_init(&c->opts, &c->arena);
    if (n && str_eq(args[0], S("__complete")))
        return complete_words(c, args + 1, n - 1);
    const struct command *command = command_find(c, args, &n);
    return command ? run_command(c, command, args, n) : 1;
}

static void finish(struct ctl *c) {
    (void)fflush(c->out);
    (void)fflush(c->err);
    client_free(c->client);
    if (c->config)
        client_config_fini(c->config);
    arena_fini(&c->arena);
}

static bool shows_colours(void) {
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return term && strcmp(term, "dumb") != 0 && !(no && *no);
}

int ctl_main(const struct ctl_setup *setup, int argc, char **argv) {
    struct ctl c = {.arena = ARENA_INIT, .setup = setup, .in = stdin, .out = stdout, .err = stderr};
    (void)signal(SIGPIPE, SIG_IGN); /* of connections; that of standard output shows when writing fails */
    c.colour = isatty(STDERR_FILENO) && shows_colours();
    int status = run(&c, argc, argv);
    if (fflush(c.out) || ferror(c.out))
        status = status ? status : 1;
    if (c.status && !status)
        status = c.status;
    if (!status && c.n_warnings && opt_known(&c.opts, "warnings-as-errors") &&
        opt_bool(&c.opts, "warnings-as-errors"))
        status = ctl_error(&c, "%zu warning%s received", c.n_warnings, c.n_warnings == 1 ? "" : "s");
    finish(&c);
    return status;
}
