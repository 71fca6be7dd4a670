/* The objects of -f, one after the other. See manifest_run.h. */
#include "ctl/manifest_run.h"

#include "api/label_selector.h"
#include "base/file.h"
#include "ctl/call.h"
#include "ctl/object.h"

static struct str_map labels_of(struct ctl *c, const struct jval *o) {
    const struct jval *labels = jval_path(o, "metadata.labels");
    struct str_map m = {0};
    if (!labels || labels->kind != J_OBJECT)
        return m;
    m.v = arena_new_n(&c->arena, labels->n + 1, struct str_entry);
    for (uint32_t i = 0; i < labels->n; i++)
        if (labels->members[i].value.kind == J_STRING)
            m.v[m.n++] = (struct str_entry){labels->members[i].key, jval_as_str(&labels->members[i].value)};
    return m;
}

/* What a kind or version that is not there is complained of with: all complaints in one. */
static int check_heads(struct ctl *c, const struct manifest *m, bool strict, struct problem *p) {
    const char *missing[2];
    size_t n = 0;
    if (!object_api_version(&m->object).n)
        missing[n++] = "apiVersion not set";
    if (!object_kind(&m->object).n)
        missing[n++] = "kind not set";
    if (!n || !strict)
        return 0;
    return problem_set(
        c, p,
        "error validating \"%.*s\": error validating data: %s%s%s%s%s; if you choose to ignore these "
        "errors, turn validation off with --validate=false",
        STR_ARG(m->source), n > 1 ? "[" : "", missing[0], n > 1 ? ", " : "", n > 1 ? missing[1] : "",
        n > 1 ? "]" : "");
}

int manifest_text(struct ctl *c, struct str file, struct str *ret, struct problem *p) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    int rc = str_eq(file, S("-")) ? fd_read_all(fileno(c->in), (size_t)64 << 20, &text, &err)
                                  : file_read(arena_strz(&c->arena, file), (size_t)64 << 20, &text, &err);
    if (rc)
        return problem_of_err(c, p, &err);
    *ret = buf_to_arena(&text, &c->arena);
    return 0;
}

struct running {
    struct ctl *c;
    struct label_selector labels;
    bool strict;
    int (*each)(void *arg, struct target *t, struct problem *p);
    void *arg;
    size_t n;
};

static int run_one(struct running *r, const struct manifest *m, struct problem *p) {
    struct target t;
    struct ctl *c = r->c;
    if (check_heads(c, m, r->strict, p) || manifest_target(c, m, false, &t, p))
        return CTL_PROBLEM;
    if (!label_selector_matches(&r->labels, labels_of(c, &t.object)))
        return 0;
    r->n++;
    return r->each(r->arg, &t, p);
}

static int read_selector(struct ctl *c, struct label_selector *ret, struct problem *p) {
    struct err err = ERR_INIT;
    struct str text = opt_known(&c->opts, "selector") ? opt_str(&c->opts, "selector") : S("");
    if (label_selector_parse(&c->arena, text, ret, &err))
        return problem_of_err(c, p, &err);
    return 0;
}

int manifests_run(struct ctl *c, int (*each)(void *arg, struct target *t, struct problem *p), void *arg,
                  size_t *ret_n, struct problem *p) {
    struct running r = {.c = c, .each = each, .arg = arg, .strict = true};
    struct manifests m = {0};
    size_t n;
    const struct str *files = opt_list(&c->opts, "filename", &n);
    if (opt_known(&c->opts, "validate")) {
        struct str v = opt_str(&c->opts, "validate");
        r.strict = !str_eq(v, S("false")) && !str_eq(v, S("ignore"));
    }
    if (opt_str(&c->opts, "kustomize").n)
        return problem_set(
            c, p,
            n ? "only one of -f or -k can be specified"
              : "kustomizations (-k) are not supported: build the manifests with the kustomize "
                "program and apply them with -f -");
    if (ctl_config(c, p) || read_selector(c, &r.labels, p))
        return CTL_PROBLEM;
    bool recursive = opt_bool(&c->opts, "recursive");
    int broken = manifests_read(c, files, n, recursive, &m, p);
    if (broken && !m.n)
        return CTL_PROBLEM;
    struct problem *failed = arena_new_n(&c->arena, m.n + 1, struct problem);
    size_t n_failed = 0;
    if (broken)
        failed[n_failed++] = *p;
    for (size_t i = 0; i < m.n; i++) {
        bool head = object_kind(&m.v[i].object).n && object_api_version(&m.v[i].object).n;
        n_failed += run_one(&r, &m.v[i], &failed[n_failed]) != 0;
        /* CONFORMS: behind what is no object nothing more of the file is looked at */
        while (!head && i + 1 < m.n && str_eq(m.v[i + 1].source, m.v[i].source))
            i++;
    }
    /* CONFORMS: alone it is an error; among others it is one of several */
    for (size_t i = 0; i < n_failed; i++)
        (void)(n_failed == 1 ? ctl_fail(c, &failed[i]) : ctl_fail_item(c, &failed[i]));
    *ret_n = r.n;
    return 0;
}

int manifests_check_args(struct ctl *c) {
    size_t n;
    (void)opt_list(&c->opts, "filename", &n);
    if (c->opts.n_args)
        return ctl_usage_error(c, "Unexpected args: [%.*s]",
                               STR_ARG(arena_join(&c->arena, c->opts.args, c->opts.n_args, S(" "))));
    if (!n && !opt_str(&c->opts, "kustomize").n)
        return ctl_error(c, "must specify one of -f and -k");
    return 0;
}

int manifest_send_raw(struct ctl *c, const char *method) {
    struct problem p;
    size_t n;
    const struct str *files = opt_list(&c->opts, "filename", &n);
    struct answer answer;
    struct str text;
    if (n != 1)
        return ctl_usage_error(c, "--raw can only use a single local file or stdin");
    if (manifest_text(c, files[0], &text, &p) ||
        ctl_call(c,
                 &(struct request){.method = method,
                                   .path = opt_str(&c->opts, "raw"),
                                   .content_type = "application/json",
                                   .body = text},
                 &answer, &p))
        return ctl_fail(c, &p);
    ctl_put(c, answer.body);
    return 0;
}
