/* Objects as -o says. See print.h. */
#include "ctl/print.h"

#include "codec/json.h"
#include "codec/yaml.h"
#include "ctl/discovery.h"
#include "ctl/maker.h"
#include "ctl/object.h"

enum form { FORM_LINE, FORM_NAME, FORM_JSON, FORM_YAML };

struct printer {
    struct ctl *c;
    enum form form;
    bool managed_fields;
    const char *suffix; /* " (dry run)" */
    unsigned printed;
};

bool printer_is_plain(const struct printer *pr) {
    return pr->form == FORM_LINE || pr->form == FORM_NAME;
}

void printer_without_suffix(struct printer *pr) {
    pr->suffix = "";
}

static int form_of(struct ctl *c, struct str output, struct printer *pr, struct problem *p) {
    if (!output.n)
        pr->form = FORM_LINE;
    else if (str_eq(output, S("name")))
        pr->form = FORM_NAME;
    else if (str_eq(output, S("json")))
        pr->form = FORM_JSON;
    else if (str_eq(output, S("yaml")))
        pr->form = FORM_YAML;
    else
        return problem_set(
            c, p,
            "unable to match a printer suitable for the output format \"%.*s\", allowed formats "
            "are: json,name,yaml",
            STR_ARG(output));
    return 0;
}

int printer_for(struct ctl *c, struct str output, struct printer **ret, struct problem *p) {
    struct printer *pr = arena_new(&c->arena, struct printer);
    *pr = (struct printer){.c = c, .suffix = ""};
    pr->managed_fields =
        opt_known(&c->opts, "show-managed-fields") && opt_bool(&c->opts, "show-managed-fields");
    enum dry_run dry = DRY_RUN_NONE;
    if (opt_known(&c->opts, "dry-run") && ctl_dry_run(c, &dry, p))
        return CTL_PROBLEM;
    pr->suffix = dry == DRY_RUN_CLIENT ? " (dry run)" : dry == DRY_RUN_SERVER ? " (server dry run)" : "";
    if (form_of(c, output, pr, p))
        return CTL_PROBLEM;
    *ret = pr;
    return 0;
}

int printer_new(struct ctl *c, struct printer **ret, struct problem *p) {
    return printer_for(c, opt_str(&c->opts, "output"), ret, p);
}

static struct str kind_name_of(struct ctl *c, const struct jval *o) {
    struct str group, version, api_version = object_api_version(o);
    if (!str_split(api_version, '/', &group, &version))
        group = S("");
    struct resource r = {.group = group, .kind = object_kind(o)};
    return resource_kind_name(c, &r);
}

static void print_line(struct printer *pr, const struct resource *r, const struct jval *o, const char *done) {
    struct str name = object_name(o), kind = r ? resource_kind_name(pr->c, r) : kind_name_of(pr->c, o);
    ctl_say(pr->c, "%.*s/%.*s", STR_ARG(kind), STR_ARG(name));
    if (pr->form == FORM_LINE && *done)
        ctl_say(pr->c, " %s%s", done, pr->suffix);
    ctl_say(pr->c, "\n");
}

static struct jval without_managed_fields(struct ctl *c, const struct jval *o) {
    const struct jval *items = object_array(o, "items");
    struct jlist cleared = {0};
    if (!items || !str_has_suffix(object_kind(o), S("List")))
        return object_without(&c->arena, o, "metadata.managedFields");
    for (uint32_t i = 0; i < items->n; i++)
        jlist_add(&c->arena, &cleared, object_without(&c->arena, &items->items[i], "metadata.managedFields"));
    return jval_with(&c->arena, o, S("items"), jlist_done(&cleared));
}

static void print_names(struct printer *pr, const struct resource *r, const struct jval *o,
                        const char *done) {
    const struct jval *items = object_array(o, "items");
    if (!items || !str_eq(object_kind(o), S("List"))) {
        print_line(pr, r, o, done);
        return;
    }
    for (uint32_t i = 0; i < items->n; i++)
        print_line(pr, NULL, &items->items[i], done);
}

int printer_print(struct printer *pr, const struct resource *r, const struct jval *object, const char *done,
                  struct problem *p) {
    _cleanup_buf struct buf out = BUF_INIT;
    (void)p;
    struct jval o = pr->managed_fields ? *object : without_managed_fields(pr->c, object);
    switch (pr->form) {
    case FORM_LINE:
    case FORM_NAME: print_names(pr, r, &o, done); return 0;
    case FORM_JSON:
        json_write_indented(&out, &o, "    ");
        buf_byte(&out, '\n');
        break;
    case FORM_YAML:
        if (pr->printed)
            buf_lit(&out, "---\n");
        yaml_write(&out, &o);
        break;
    }
    pr->printed++;
    ctl_put(pr->c, buf_view(&out));
    return 0;
}

int printer_print_typed(struct printer *pr, const struct jval *object, const char *done, struct problem *p) {
    if (pr->form != FORM_JSON)
        return printer_print(pr, NULL, object, done, p);
    _cleanup_buf struct buf out = BUF_INIT;
    struct jval o = pr->managed_fields ? *object : without_managed_fields(pr->c, object);
    json_indent(&out, typed_json(pr->c, &o), "    ");
    buf_byte(&out, '\n');
    ctl_put(pr->c, buf_view(&out));
    return 0;
}
