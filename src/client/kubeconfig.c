/* Kubeconfig files. See kubeconfig.h.
 *
 * Each file is kept as the tree it was read as, so that what we do not know survives a change; the merged
 * tree is made anew after each.
 */
#include "client/kubeconfig.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"
#include "codec/yaml.h"

struct kubefile {
    struct str path;
    struct jval tree; /* as in the file; null: empty */
};

struct kubeconfig {
    struct arena arena;
    VEC(struct kubefile) files;
    struct str default_path;
    struct jval merged;
};

static const struct {
    struct str list, body;
} sections[] = {
    [KUBECONFIG_CLUSTER] = {STR_INIT("clusters"), STR_INIT("cluster")},
    [KUBECONFIG_USER] = {STR_INIT("users"), STR_INIT("user")},
    [KUBECONFIG_CONTEXT] = {STR_INIT("contexts"), STR_INIT("context")},
};

/* -- entries of a tree -- */

static const struct jval *items_of(const struct jval *tree, enum kubeconfig_section s) {
    const struct jval *list = jval_get(tree, sections[s].list);
    return list && list->kind == J_ARRAY ? list : NULL;
}

static const struct jval *find(const struct jval *tree, enum kubeconfig_section s, struct str name) {
    const struct jval *list = items_of(tree, s);
    for (uint32_t i = 0; list && i < list->n; i++)
        if (str_eq(jval_get_str(&list->items[i], S("name")), name))
            return &list->items[i];
    return NULL;
}

static struct jval make_entry(struct arena *a, enum kubeconfig_section s, struct str name, struct jval body) {
    struct jobject o = {0};
    jobject_set(a, &o, S("name"), jval_str(arena_str(a, name)));
    jobject_set(a, &o, sections[s].body, body);
    return jobject_done(&o);
}

/* -- merging -- */

/* Paths in a file are relative to it. */
static struct jval resolve(struct arena *a, struct jval body, struct str key, struct str dir) {
    struct str path = jval_get_str(&body, key);
    if (!path.n || path.p[0] == '/')
        return body;
    return jval_with(a, &body, key, jval_str(arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(path))));
}

static struct jval resolve_paths(struct arena *a, const struct jval *body, struct str dir) {
    static const struct str keys[] = {STR_INIT("certificate-authority"), STR_INIT("client-certificate"),
                                      STR_INIT("client-key"), STR_INIT("tokenFile")};
    struct jval v = body ? *body : jval_null();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        v = resolve(a, v, keys[i], dir);
    const struct jval *exec = jval_get(&v, S("exec"));
    struct str command = jval_get_str(exec, S("command"));
    if (command.n && str_find_byte(command, '/') >= 0)
        v = jval_with(a, &v, S("exec"), resolve(a, *exec, S("command"), dir));
    return v;
}

static struct str dir_of(struct str path) {
    ptrdiff_t slash = str_rfind_byte(path, '/');
    return slash < 0 ? S(".") : slash == 0 ? S("/") : str_cut(path, (size_t)slash);
}

static struct jval merge_section(struct kubeconfig *k, enum kubeconfig_section s) {
    struct arena *a = &k->arena;
    VEC(struct jval) all = {0};
    vec_foreach (f, &k->files) {
        const struct jval *list = items_of(&f->tree, s);
        for (uint32_t i = 0; list && i < list->n; i++) {
            struct str name = jval_get_str(&list->items[i], S("name"));
            bool there = false;
            vec_foreach (v, &all)
                there = there || str_eq(jval_get_str(v, S("name")), name);
            if (there || !name.p)
                continue;
            struct jval body = resolve_paths(a, jval_get(&list->items[i], sections[s].body), dir_of(f->path));
            vec_push_in(a, &all, make_entry(a, s, name, body));
        }
    }
    return jval_array(all.v, all.n);
}

static void merge(struct kubeconfig *k) {
    struct jobject o = {0};
    struct str current = S("");
    vec_foreach (f, &k->files)
        if (!current.n)
            current = jval_get_str(&f->tree, S("current-context"));
    jobject_set(&k->arena, &o, S("apiVersion"), jval_str(S("v1")));
    jobject_set(&k->arena, &o, S("kind"), jval_str(S("Config")));
    for (int s = 0; s <= KUBECONFIG_CONTEXT; s++)
        jobject_set(&k->arena, &o, sections[s].list, merge_section(k, (enum kubeconfig_section)s));
    jobject_set(&k->arena, &o, S("current-context"), jval_str(current));
    k->merged = jobject_done(&o);
}

/* -- reading -- */

static int check_tree(const struct jval *tree, const char *path, struct err *err) {
    if (tree->kind == J_NULL)
        return 0;
    struct str kind = jval_get_str(tree, S("kind"));
    if (tree->kind != J_OBJECT || (kind.n && !str_eq(kind, S("Config"))))
        return err_set(err, ERR_INVALID, "%s is no kubeconfig file", path);
    return 0;
}

static int add_file(struct kubeconfig *k, struct str path, bool must_exist, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct kubefile f = {.path = arena_str(&k->arena, path)};
    int rc = file_read(f.path.p, KUBECONFIG_BYTES_MAX, &text, err);
    if (rc == 0)
        rc = yaml_parse(&k->arena, buf_view(&text), NULL, NULL, &f.tree, err);
    else if (rc == ERR_NOT_FOUND && !must_exist)
        rc = 0;
    if (rc == 0)
        rc = check_tree(&f.tree, f.path.p, err);
    if (rc)
        return (void)err_wrap(err, "error loading config file \"%s\"", f.path.p), rc;
    vec_push(&k->files, f);
    return 0;
}

static struct str home_file(struct arena *a) {
    const char *home = getenv("HOME");
    return arena_printf(a, "%s/.kube/config", home && *home ? home : "");
}

/* CONFORMS: the first of the list that is there, else the last of the list. */
static void choose_default(struct kubeconfig *k) {
    vec_foreach (f, &k->files) {
        k->default_path = f->path;
        if (file_exists(f->path.p))
            return;
    }
}

static int add_listed(struct kubeconfig *k, struct str list, struct err *err) {
    struct str one;
    bool more = true;
    while (more) {
        more = str_split(list, ':', &one, &list);
        bool seen = false;
        vec_foreach (f, &k->files)
            seen = seen || str_eq(f->path, one);
        int rc = one.n && !seen ? add_file(k, one, false, err) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

int kubeconfig_load(const char *path, struct kubeconfig **ret, struct err *err) {
    struct kubeconfig *k = calloc(1, sizeof *k);
    if (!k)
        panic("out of memory");
    arena_init(&k->arena);
    const char *list = getenv("KUBECONFIG");
    int rc;
    if (path && *path)
        rc = add_file(k, str_from(path), true, err);
    else if (list && *list)
        rc = add_listed(k, str_from(list), err);
    else
        rc = add_file(k, home_file(&k->arena), false, err);
    if (rc) {
        kubeconfig_free(k);
        return rc;
    }
    choose_default(k);
    merge(k);
    *ret = k;
    return 0;
}

void kubeconfig_free(struct kubeconfig *k) {
    if (!k)
        return;
    vec_fini(&k->files);
    arena_fini(&k->arena);
    free(k);
}

/* -- looking -- */

bool kubeconfig_empty(const struct kubeconfig *k) {
    for (int s = 0; s <= KUBECONFIG_CONTEXT; s++)
        if (items_of(&k->merged, (enum kubeconfig_section)s)->n)
            return false;
    return kubeconfig_current(k).n == 0;
}

const struct jval *kubeconfig_tree(const struct kubeconfig *k) {
    return &k->merged;
}

const struct jval *kubeconfig_get(const struct kubeconfig *k, enum kubeconfig_section s, struct str name) {
    const struct jval *entry = find(&k->merged, s, name);
    return entry ? jval_get(entry, sections[s].body) : NULL;
}

struct str kubeconfig_current(const struct kubeconfig *k) {
    return jval_get_str(&k->merged, S("current-context"));
}

size_t kubeconfig_names(const struct kubeconfig *k, enum kubeconfig_section s, struct arena *a,
                        struct str **ret) {
    const struct jval *list = items_of(&k->merged, s);
    struct str *v = arena_new_n(a, list->n + 1, struct str);
    for (uint32_t i = 0; i < list->n; i++)
        v[i] = arena_str(a, jval_get_str(&list->items[i], S("name")));
    if (list->n)
        qsort(v, list->n, sizeof *v, str_cmp_qsort);
    *ret = v;
    return list->n;
}

struct str kubeconfig_default_path(const struct kubeconfig *k) {
    return k->default_path;
}

/* -- changing -- */

static int write_file(struct kubeconfig *k, struct kubefile *f, struct err *err) {
    if (f->tree.kind == J_NULL) {
        struct jval none = jval_null();
        f->tree = jval_with(&k->arena, &none, S("kind"), jval_str(S("Config")));
    }
    f->tree = jval_with(&k->arena, &f->tree, S("apiVersion"), jval_str(S("v1")));
    f->tree = jval_with(&k->arena, &f->tree, S("kind"), jval_str(S("Config")));
    _cleanup_buf struct buf text = BUF_INIT;
    yaml_write(&text, &f->tree);
    struct str dir = dir_of(f->path);
    int rc = file_mkdir_p(arena_strz(&k->arena, dir), 0755, err);
    if (rc == 0)
        rc = file_write_atomic(f->path.p, buf_view(&text), 0600, err);
    merge(k);
    return rc;
}

static struct kubefile *default_file(struct kubeconfig *k) {
    vec_foreach (f, &k->files)
        if (str_eq(f->path, k->default_path))
            return f;
    panic("kubeconfig: no files");
}

/* The list with the entry in its place, at its end, or without it. */
static struct jval edit_list(struct arena *a, const struct jval *list, enum kubeconfig_section s,
                             struct str name, const struct jval *body) {
    uint32_t n = list ? list->n : 0, used = 0;
    struct jval *v = arena_new_n(a, n + 1, struct jval);
    bool placed = body == NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (!str_eq(jval_get_str(&list->items[i], S("name")), name)) {
            v[used++] = list->items[i];
        } else if (!placed) {
            placed = true;
            v[used++] = jval_with(a, &list->items[i], sections[s].body, jval_copy(a, body));
        }
    }
    if (!placed)
        v[used++] = make_entry(a, s, name, jval_copy(a, body));
    return jval_array(v, used);
}

int kubeconfig_put(struct kubeconfig *k, enum kubeconfig_section s, struct str name, const struct jval *body,
                   bool *ret_was_there, struct err *err) {
    struct kubefile *to = NULL;
    vec_foreach (f, &k->files)
        if (!to && find(&f->tree, s, name))
            to = f;
    if (ret_was_there)
        *ret_was_there = to != NULL;
    if (!to && !body)
        return 0;
    if (!to)
        to = default_file(k);
    struct jval list = edit_list(&k->arena, items_of(&to->tree, s), s, name, body);
    to->tree = jval_with(&k->arena, &to->tree, sections[s].list, list);
    return write_file(k, to, err);
}

int kubeconfig_set_current(struct kubeconfig *k, struct str name, struct err *err) {
    struct kubefile *to = NULL;
    vec_foreach (f, &k->files)
        if (!to && jval_get_str(&f->tree, S("current-context")).n)
            to = f;
    if (!to)
        to = default_file(k);
    to->tree = jval_with(&k->arena, &to->tree, S("current-context"), jval_str(arena_str(&k->arena, name)));
    return write_file(k, to, err);
}
