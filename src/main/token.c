/* coxswain token: makes, lists and deletes the tokens by which machines join. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "client/client.h"
#include "main/admin.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/layout.h"
#include "main/tokens.h"

struct settings {
    const char *data_dir, *description;
    int64_t ttl_ns;
};

static int create(struct client *c, const struct settings *s, const struct layout *l, struct arena *a,
                  struct err *err) {
    struct str ca, text;
    struct token_options o = {.description = str_from(s->description), .ttl_sec = s->ttl_ns / NS_PER_SEC};
    int rc = admin_ca(l, a, &ca, err);
    if (rc == 0)
        rc = token_create(c, &o, ca, a, &text, err);
    if (rc == 0)
        printf("%.*s\n", STR_ARG(text));
    return rc;
}

static int list(struct client *c, struct arena *a, struct err *err) {
    struct token_info *v;
    uint32_t n;
    int rc = token_list(c, a, &v, &n, err);
    if (rc < 0)
        return rc;
    printf("%-8s  %-10s  %s\n", "ID", "ENDS", "DESCRIPTION");
    int64_t now = clock_wall_sec(clock_system());
    for (uint32_t i = 0; i < n; i++) {
        char text[DURATION_TEXT_SIZE] = "never";
        if (v[i].expires_sec)
            (void)duration_format_human(text, (v[i].expires_sec - now) * NS_PER_SEC);
        printf("%-8.*s  %-10s  %.*s\n", STR_ARG(v[i].id), text, STR_ARG(v[i].description));
    }
    return 0;
}

static int act(const struct settings *s, const struct flag_list *args, struct arena *a, struct err *err) {
    struct layout l;
    struct client *c = NULL;
    layout_make(s->data_dir, a, &l);
    int rc = admin_client(&l, &c, err);
    if (rc < 0)
        return err_wrap(err, "the cluster of %s", s->data_dir);
    const char *verb = args->v[0];
    if (strcmp(verb, "create") == 0)
        rc = create(c, s, &l, a, err);
    else if (strcmp(verb, "list") == 0)
        rc = list(c, a, err);
    else if (strcmp(verb, "delete") == 0 && args->n == 2)
        rc = token_delete(c, str_from(args->v[1]), err);
    else
        rc = err_set(err, ERR_INVALID, "say one of: create, list, delete TOKEN");
    client_free(c);
    return rc;
}

int applet_token(int argc, char **argv) {
    struct settings s = {.data_dir = LAYOUT_DATA_DIR, .ttl_ns = 24 * 3600 * NS_PER_SEC};
    const struct flag table[] = {
        {"data-dir", 0, FLAG_STRING, &s.data_dir, "where the cluster of this machine is kept"},
        {"ttl", 0, FLAG_DURATION, &s.ttl_ns, "how long a new token is good for; 0: for ever"},
        {"description", 0, FLAG_STRING, &s.description, "what a new token is for"},
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    struct flags f = {.program = "coxswain token",
                      .about = "Makes, lists and deletes the tokens by which machines join.",
                      .arguments = "create | list | delete TOKEN",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &a};
    struct flag_list args;
    struct err err = ERR_INIT;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (!args.n) {
        flags_usage(&f, stderr);
        return 2;
    }
    if (act(&s, &args, &a, &err) == 0)
        return 0;
    fprintf(stderr, "coxswain token: %s\n", err.msg);
    return 1;
}
