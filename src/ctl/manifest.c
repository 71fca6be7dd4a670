/* Files with objects. See target.h. */
#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/vec.h"
#include "codec/yaml.h"
#include "ctl/object.h"
#include "ctl/target.h"
#include "ctl/url.h"

#define MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define FOLDER_DEPTH_MAX 64

struct names {
    struct str *v;
    size_t n, cap;
};

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_manifest_name(struct str name) {
    return str_has_suffix(name, S(".json")) || str_has_suffix(name, S(".yaml")) ||
           str_has_suffix(name, S(".yml"));
}

/* In the order of their names, as a walk through the folder meets them. */
static int add_folder(struct ctl *c, struct str path, bool recursive, unsigned depth, struct names *to,
                      struct problem *p) {
    struct names inside = {0};
    DIR *dir = opendir(arena_strz(&c->arena, path));
    if (!dir || depth > FOLDER_DEPTH_MAX) {
        if (dir)
            (void)closedir(dir);
        return problem_set(c, p, "the folder \"%.*s\" cannot be read", STR_ARG(path));
    }
    for (const struct dirent *e; (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            vec_push_in(&c->arena, &inside, arena_str(&c->arena, str_from(e->d_name)));
    (void)closedir(dir);
    if (inside.n)
        qsort(inside.v, inside.n, sizeof *inside.v, by_text);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    for (size_t i = 0; i < inside.n; i++) {
        struct str full = str_eq(path, S("."))
                              ? inside.v[i]
                              : arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(inside.v[i]));
        bool folder = is_folder(full.p);
        if (folder && recursive && add_folder(c, full, true, depth + 1, to, p))
            return CTL_PROBLEM;
        if (!folder && is_manifest_name(full))
            vec_push_in(&c->arena, to, full);
    }
    return 0;
}

static int add_path(struct ctl *c, struct str path, bool recursive, struct names *to, struct problem *p) {
    const char *z = arena_strz(&c->arena, path);
    size_t before = to->n;
    if (!is_folder(z)) {
        vec_push_in(&c->arena, to, path);
        return 0;
    }
    if (add_folder(c, path, recursive, 0, to, p))
        return CTL_PROBLEM;
    if (to->n == before)
        return problem_set(c, p, "error reading [%s]: recognized file extensions are [.json .yaml .yml]", z);
    return 0;
}

static int add_pattern(struct ctl *c, struct str path, bool recursive, struct names *to, struct problem *p) {
    glob_t found = {0};
    const char *z = arena_strz(&c->arena, path);
    int rc = 0;
    if (glob(z, 0, NULL, &found) || found.gl_pathc == 0) {
        globfree(&found);
        return problem_set(c, p, "the path \"%s\" does not exist", z);
    }
    for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
        rc = add_path(c, arena_str(&c->arena, str_from(found.gl_pathv[i])), recursive, to, p);
    globfree(&found);
    return rc;
}

int manifest_files(struct ctl *c, const struct str *files, size_t n, bool recursive, struct str **ret,
                   size_t *ret_n, struct problem *p) {
    struct names to = {0};
    for (size_t i = 0; i < n; i++) {
        struct str f = files[i];
        if (str_eq(f, S("-")) || url_is(f)) {
            vec_push_in(&c->arena, &to, f);
        } else if (file_exists(arena_strz(&c->arena, f))) {
            if (add_path(c, f, recursive, &to, p))
                return CTL_PROBLEM;
        } else if (add_pattern(c, f, recursive, &to, p)) {
            return CTL_PROBLEM;
        }
    }
    *ret = to.v;
    *ret_n = to.n;
    return 0;
}

/* -- documents -- */

static bool is_list(const struct jval *o) {
    return str_has_suffix(object_kind(o), S("List")) && object_array(o, "items");
}

static void add_object(struct ctl *c, const struct jval *o, struct str source, struct manifests *to) {
    if (is_list(o)) {
        const struct jval *items = object_array(o, "items");
        for (uint32_t i = 0; i < items->n; i++)
            add_object(c, &items->items[i], source, to);
        return;
    }
    struct manifest m = {*o, source};
    vec_push_in(&c->arena, to, m);
}

int manifests_parse(struct ctl *c, struct str text, struct str source, struct manifests *ret,
                    struct problem *p) {
    struct yaml_reader reader;
    struct jval document;
    bool found = true;
    struct err err = ERR_INIT;
    yaml_reader_init(&reader, text, NULL);
    while (found) {
        if (yaml_reader_next(&reader, &c->arena, NULL, &document, &found, &err)) {
            bool yaml = str_has_prefix(str_from(err.msg), S("yaml: "));
            return problem_set(c, p, "error parsing %.*s: %s%s", STR_ARG(source),
                               yaml ? "error converting YAML to JSON: " : "", err.msg);
        }
        if (found)
            add_object(c, &document, source, ret);
    }
    return 0;
}

static int read_text(struct ctl *c, struct str file, struct buf *text, struct problem *p) {
    struct err err = ERR_INIT;
    int rc;
    if (url_is(file))
        return url_read(c, file, MANIFEST_BYTES_MAX, text, p);
    if (str_eq(file, S("-")))
        rc = fd_read_all(fileno(c->in), MANIFEST_BYTES_MAX, text, &err);
    else
        rc = file_read(arena_strz(&c->arena, file), MANIFEST_BYTES_MAX, text, &err);
    return rc ? problem_of_err(c, p, &err) : 0;
}

int manifests_read(struct ctl *c, const struct str *files, size_t n, bool recursive, struct manifests *ret,
                   struct problem *p) {
    struct str *all;
    size_t n_all;
    if (manifest_files(c, files, n, recursive, &all, &n_all, p))
        return CTL_PROBLEM;
    for (size_t i = 0; i < n_all; i++) {
        _cleanup_buf struct buf text = BUF_INIT;
        if (read_text(c, all[i], &text, p))
            return CTL_PROBLEM;
        struct str source = str_eq(all[i], S("-")) ? S("STDIN") : all[i];
        if (manifests_parse(c, buf_to_arena(&text, &c->arena), source, ret, p))
            return CTL_PROBLEM;
    }
    return 0;
}

static int check_head(struct ctl *c, const struct manifest *m, struct problem *p) {
    const char *missing = !object_kind(&m->object).n          ? "Kind"
                          : !object_api_version(&m->object).n ? "apiVersion"
                                                              : NULL;
    if (!missing)
        return 0;
    return problem_set(c, p, "unable to decode \"%.*s\": Object '%s' is missing in '%.*s'",
                       STR_ARG(m->source), missing, STR_ARG(object_json(&c->arena, &m->object)));
}

int manifest_target(struct ctl *c, const struct manifest *m, bool any_namespace, struct target *ret,
                    struct problem *p) {
    const struct jval *o = &m->object;
    struct target t = {.object = *o, .source = m->source, .name = object_name(o), .ns = object_namespace(o)};
    if (check_head(c, m, p) || ctl_config(c, p))
        return CTL_PROBLEM;
    if (resource_of_kind(c, object_api_version(o), object_kind(o), &t.resource, p)) {
        if (c->discovery)
            return problem_set(
                c, p,
                "resource mapping not found for name: \"%.*s\" namespace: \"%.*s\" from \"%.*s\": "
                "%.*s\nensure CRDs are installed first",
                STR_ARG(t.name), STR_ARG(t.ns), STR_ARG(m->source), STR_ARG(p->message));
        return CTL_PROBLEM;
    }
    if (t.resource->namespaced && t.ns.n && c->ns_said && !any_namespace && !str_eq(t.ns, c->ns))
        return problem_set(
            c, p,
            "the namespace from the provided object \"%.*s\" does not match the namespace \"%.*s\". "
            "You must pass '--namespace=%.*s' to perform this operation.",
            STR_ARG(t.ns), STR_ARG(c->ns), STR_ARG(t.ns));
    if (t.resource->namespaced && !t.ns.n) {
        t.ns = c->ns;
        if (!opt_known(&c->opts, "local") || !opt_bool(&c->opts, "local"))
            t.object = object_with(&c->arena, o, "metadata.namespace", jval_str(t.ns));
    }
    *ret = t;
    return 0;
}
