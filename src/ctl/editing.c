/* Objects in the user's editor. See editing.h. */
#include "ctl/editing.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "ctl/object.h"

#define EDIT_BYTES_MAX ((size_t)16 << 20)

struct session {
    struct ctl *c;
    char path[96];
    bool json;
};

static const char head[] =
    "# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
    "# and an empty file will abort the edit. If an error occurs while saving this file will be\n"
    "# reopened with the relevant failures.\n"
    "#\n";

static int write_file(struct session *s, const struct jval *object, struct str complaint, struct problem *p) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct str line;
    buf_str(&out, str_from(head));
    while (complaint.n) {
        (void)str_split(complaint, '\n', &line, &complaint);
        buf_printf(&out, "# %.*s\n", STR_ARG(line));
    }
    if (s->json)
        json_write_indented(&out, object, "    ");
    else
        yaml_write(&out, object);
    if (file_write_atomic(s->path, buf_view(&out), 0600, &err))
        return problem_of_err(s->c, p, &err);
    return 0;
}

/* Through a shell, since editors may have arguments. */
static int run_editor(struct session *s, struct problem *p) {
    struct ctl *c = s->c;
    struct err err = ERR_INIT;
    struct process_end end;
    const char *editor = getenv("KUBE_EDITOR");
    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor)
        editor = "vi";
    const char *line = arena_printf(&c->arena, "%s \"$0\"", editor).p;
    struct process *process = NULL;
    struct process_options o = {
        .argv = (const char *const[]){"/bin/sh", "-c", line, s->path, NULL},
        .in = PROCESS_INHERIT,
        .out = PROCESS_INHERIT,
        .err = PROCESS_INHERIT,
    };
    int rc = process_start(&o, &process, &err);
    if (rc == 0)
        rc = process_wait(process, PROCESS_FOREVER, &end, &err);
    process_free(process);
    if (rc)
        return problem_of_err(c, p, &err);
    return process_end_ok(&end) ? 0 : problem_set(c, p, "there was a problem with the editor \"%s\"", editor);
}

static bool is_empty(struct str text) {
    struct str line;
    while (text.n) {
        (void)str_split(text, '\n', &line, &text);
        line = str_trim(line);
        if (line.n && line.p[0] != '#')
            return false;
    }
    return true;
}

static struct str without_comments(struct ctl *c, struct str text) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct str line;
    while (text.n) {
        (void)str_split(text, '\n', &line, &text);
        if (line.n && line.p[0] == '#')
            continue;
        buf_str(&out, line);
        buf_byte(&out, '\n');
    }
    return buf_to_arena(&out, &c->arena);
}

enum outcome { EDIT_AGAIN, EDIT_STORE, EDIT_NOTHING, EDIT_ABORT };

/* One round in the editor. */
static int one_round(struct session *s, const struct jval *shown, struct jval *ret, enum outcome *ret_outcome,
                     struct str *ret_complaint, struct problem *p) {
    struct ctl *c = s->c;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    if (run_editor(s, p))
        return CTL_PROBLEM;
    if (file_read(s->path, EDIT_BYTES_MAX, &text, &err))
        return problem_of_err(c, p, &err);
    *ret = *shown;
    if (is_empty(buf_view(&text))) {
        *ret_outcome = EDIT_ABORT;
        return 0;
    }
    struct str plain = without_comments(c, buf_view(&text));
    if (yaml_parse(&c->arena, plain, NULL, NULL, ret, &err)) {
        *ret = *shown;
        *ret_complaint = arena_printf(&c->arena, "The edited file had a syntax error: %s\n", err.msg);
        *ret_outcome = EDIT_AGAIN;
        return 0;
    }
    *ret_outcome = jval_equal(ret, shown) ? EDIT_NOTHING : EDIT_STORE;
    return 0;
}

static int cancelled(struct session *s, const char *why, bool tried, struct problem *p) {
    struct ctl *c = s->c;
    if (!tried) {
        (void)unlink(s->path);
        (void)fflush(c->out);
        (void)fprintf(c->err, "%s\n", why);
        return 0;
    }
    (void)fprintf(c->err, "A copy of your changes has been stored to \"%s\"\n", s->path);
    return problem_set(c, p, "Edit cancelled, no valid changes were saved.");
}

int edit_object(struct ctl *c, const struct target *t, const struct jval *object, struct printer *pr,
                int (*store)(struct ctl *c, const struct target *t, const struct jval *edited,
                             struct printer *pr, struct problem *p),
                struct problem *p) {
    struct session s = {.c = c, .json = str_eq(opt_str(&c->opts, "output"), S("json"))};
    struct jval shown = *object, edited;
    struct str complaint = S("");
    bool tried = false;
    const char *folder = getenv("TMPDIR");
    (void)snprintf(s.path, sizeof s.path, "%s/kubectl-edit-XXXXXX.%s", folder && *folder ? folder : "/tmp",
                   s.json ? "json" : "yaml");
    int fd = mkstemps(s.path, 5);
    if (fd < 0)
        return problem_set(c, p, "no file can be made in %s", folder && *folder ? folder : "/tmp");
    fd_close(&fd);
    for (;;) {
        enum outcome outcome;
        if (write_file(&s, &shown, complaint, p) || one_round(&s, &shown, &edited, &outcome, &complaint, p))
            return CTL_PROBLEM;
        if (outcome == EDIT_ABORT)
            return cancelled(&s, "Edit cancelled, saved file was empty.", tried, p);
        if (outcome == EDIT_NOTHING)
            return cancelled(&s, "Edit cancelled, no changes made.", tried, p);
        tried = true;
        if (outcome == EDIT_AGAIN)
            continue;
        if (store(c, t, &edited, pr, p) == 0) {
            (void)unlink(s.path);
            return 0;
        }
        if (!p->http_code)
            return CTL_PROBLEM;
        complaint = arena_printf(&c->arena, "%.*s\n", STR_ARG(p->text));
        (void)fprintf(c->err, "%.*s\n", STR_ARG(p->text));
        shown = edited;
    }
}
