/* create configmap, secret: data from literals, files and env files. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "ctl/create.h"
#include "ctl/object.h"

#define SOURCE_BYTES_MAX ((size_t)8 << 20)

struct data {
    struct maker *m;
    bool secret; /* everything is base64 */
};

static struct str base64(struct ctl *c, struct str bytes) {
    char *to = arena_bytes(&c->arena, base64_encoded_len(bytes.n, BASE64_STD) + 1);
    return str_make(to, base64_encode(BASE64_STD, bytes, to));
}

static bool is_key(struct str key) {
    if (!key.n || key.n > 253 || str_eq(key, S(".")) || str_has_prefix(key, S("..")))
        return false;
    for (size_t i = 0; i < key.n; i++) {
        char ch = key.p[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
              ch == '_' || ch == '.'))
            return false;
    }
    return true;
}

static int add(struct data *d, struct str key, struct str value) {
    struct ctl *c = d->m->c;
    const struct jval *o = &d->m->object;
    if (!is_key(key))
        return ctl_error(
            c,
            "\"%.*s\" is not a valid key name for a %s: a valid config key must consist of alphanumeric "
            "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used "
            "for validation is '[-._a-zA-Z0-9]+')",
            STR_ARG(key), d->secret ? "Secret" : "ConfigMap");
    if (jval_get(jval_get(o, S("data")), key) || jval_get(jval_get(o, S("binaryData")), key)) {
        if (d->secret)
            return ctl_error(c, "cannot add key %.*s, another key by that name already exists", STR_ARG(key));
        return ctl_error(
            c,
            "cannot add key \"%.*s\", another key by that name already exists in Data for ConfigMap "
            "\"%.*s\"",
            STR_ARG(key), STR_ARG(object_name(o)));
    }
    key = arena_str(&c->arena, key);
    value = arena_str(&c->arena, value);
    if (d->secret)
        maker_entry(d->m, "data", key, jval_str(base64(c, value)));
    else if (utf8_valid_prefix(value) == value.n)
        maker_entry(d->m, "data", key, jval_str(value));
    else
        maker_entry(d->m, "binaryData", key, jval_str(base64(c, value)));
    return 0;
}

/* -- literals -- */

static int add_literal(struct data *d, struct str text) {
    struct str key, value;
    if (!str_split(text, '=', &key, &value) || !key.n)
        return ctl_error(d->m->c, "invalid literal source %.*s, expected key=value", STR_ARG(text));
    return add(d, key, value);
}

/* -- files -- */

static int add_one_file(struct data *d, struct str key, struct str path) {
    struct err err = ERR_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    if (file_read(arena_strz(&d->m->c->arena, path), SOURCE_BYTES_MAX, &text, &err))
        return ctl_error(d->m->c, "%s", err.msg);
    return add(d, key, buf_view(&text));
}

static struct str base_name(struct str path) {
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    ptrdiff_t slash = str_rfind_byte(path, '/');
    return str_from_byte(path, slash < 0 ? 0 : (size_t)slash + 1);
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Plain files of the folder, not of those below. */
static int add_folder(struct data *d, struct str path) {
    struct ctl *c = d->m->c;
    VEC(struct str) names = {0};
    DIR *dir = opendir(arena_strz(&c->arena, path));
    if (!dir)
        return ctl_error(c, "error reading %.*s", STR_ARG(path));
    for (const struct dirent *e; (e = readdir(dir));) {
        struct str full = arena_printf(&c->arena, "%.*s/%s", STR_ARG(path), e->d_name);
        struct stat st;
        if (lstat(full.p, &st) == 0 && S_ISREG(st.st_mode))
            vec_push_in(&c->arena, &names, full);
    }
    (void)closedir(dir);
    if (names.n)
        qsort(names.v, names.n, sizeof *names.v, by_text);
    for (size_t i = 0; i < names.n; i++)
        if (add_one_file(d, base_name(names.v[i]), names.v[i]))
            return 1;
    return 0;
}

/* "[key=]path". */
static int add_file(struct data *d, struct str source) {
    struct ctl *c = d->m->c;
    struct str key = S(""), path = source;
    struct stat st;
    bool named = str_split(source, '=', &key, &path);
    if (named && str_find_byte(path, '=') >= 0)
        return ctl_error(c, "key names or file paths cannot contain '='");
    if (named && !key.n)
        return ctl_error(c, "key name for file path %.*s missing", STR_ARG(path));
    if (named && !path.n)
        return ctl_error(c, "file path for key name %.*s missing", STR_ARG(key));
    if (!named)
        path = source;
    if (stat(arena_strz(&c->arena, path), &st))
        return ctl_error(c, "error reading %.*s: no such file or directory", STR_ARG(path));
    if (!S_ISDIR(st.st_mode))
        return add_one_file(d, named ? key : base_name(path), path);
    if (named)
        return ctl_error(c, "cannot give a key name for a directory path");
    return add_folder(d, path);
}

/* -- env files -- */

static int add_env_line(struct data *d, struct str line, const char *file, unsigned number) {
    struct ctl *c = d->m->c;
    struct str key, value;
    while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
        line = str_from_byte(line, 1);
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
        line.n--;
    if (!line.n || line.p[0] == '#')
        return 0;
    bool has = str_split(line, '=', &key, &value);
    if (utf8_valid_prefix(line) != line.n)
        return ctl_error(c, "env file %s contains invalid utf8 bytes at line %u: %.*s", file, number,
                         STR_ARG(line));
    if (!is_key(key))
        return ctl_error(c, "\"%.*s\" is not a valid key name", STR_ARG(key));
    if (!has) { /* CONFORMS: the environment's value */
        const char *own = getenv(arena_strz(&c->arena, key));
        value = str_from(own ? own : "");
    }
    return add(d, key, value);
}

static int add_env_file(struct data *d, struct str path) {
    struct ctl *c = d->m->c;
    struct err err = ERR_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    const char *z = arena_strz(&c->arena, path);
    if (file_read(z, SOURCE_BYTES_MAX, &text, &err))
        return ctl_error(c, "error reading %s: %s", z, err.msg);
    struct str rest = buf_view(&text), line;
    if (str_has_prefix(rest, S("\xef\xbb\xbf")))
        rest = str_from_byte(rest, 3);
    for (unsigned number = 1; rest.n; number++) {
        (void)str_split(rest, '\n', &line, &rest);
        if (add_env_line(d, line, z, number))
            return 1;
    }
    return 0;
}

static int add_each(struct data *d, const char *flag, int (*each)(struct data *d, struct str text)) {
    size_t n;
    const struct str *v = opt_list(&d->m->c->opts, flag, &n);
    for (size_t i = 0; i < n; i++)
        if (each(d, v[i]))
            return 1;
    return 0;
}

static int add_sources(struct data *d) {
    const struct opts *o = &d->m->c->opts;
    if (opt_given(o, "from-env-file") && (opt_given(o, "from-file") || opt_given(o, "from-literal")))
        return ctl_error(d->m->c, "from-env-file cannot be combined with from-file or from-literal");
    return add_each(d, "from-file", add_file) || add_each(d, "from-literal", add_literal) ||
           add_each(d, "from-env-file", add_env_file);
}

/* -- hash of the content, as a suffix -- */

static struct str content_hash(struct ctl *c, const struct jval *o, bool secret) {
    static const char hex[] = "0123456789abcdef";
    struct jobject part = {0};
    struct jval none = jval_object(NULL, 0);
    const struct jval *data = jval_get(o, S("data")), *binary = jval_get(o, S("binaryData"));
    unsigned char sum[SHA256_BYTES];
    char text[11];
    jobject_set(&c->arena, &part, S("kind"), jval_str(object_kind(o)));
    jobject_set(&c->arena, &part, S("name"), jval_str(object_name(o)));
    jobject_set(&c->arena, &part, S("data"), data ? *data : none);
    if (binary)
        jobject_set(&c->arena, &part, S("binaryData"), *binary);
    if (secret)
        jobject_set(&c->arena, &part, S("type"), jval_str(object_str(o, "type")));
    struct jval tree = jobject_done(&part);
    sha256(object_json(&c->arena, &tree), sum);
    for (size_t i = 0; i < 10; i++) {
        char ch = hex[i % 2 ? sum[i / 2] & 15 : sum[i / 2] >> 4];
        text[i] = ch == '0'   ? 'g'
                  : ch == '1' ? 'h'
                  : ch == '3' ? 'k'
                  : ch == 'a' ? 'm'
                  : ch == 'e' ? 't'
                              : ch;
    }
    return arena_str(&c->arena, str_make(text, 10));
}

static int finish(struct data *d, const char *failure) {
    struct maker *m = d->m;
    if (opt_bool(&m->c->opts, "append-hash"))
        maker_str(m, "metadata.name",
                  arena_printf(&m->c->arena, "%.*s-%.*s", STR_ARG(object_name(&m->object)),
                               STR_ARG(content_hash(m->c, &m->object, d->secret))));
    return maker_run(m, failure);
}

static int begin(struct ctl *c, struct maker *m, const char *kind) {
    struct problem p;
    struct str name;
    if (maker_name(c, &name, &p))
        return ctl_fail(c, &p);
    maker_init(m, c, "v1", kind, name);
    return 0;
}

static int run_configmap(struct ctl *c) {
    struct maker m;
    struct data d = {&m, false};
    return begin(c, &m, "ConfigMap") || add_sources(&d) ? 1 : finish(&d, "failed to create configmap:");
}

static int run_generic(struct ctl *c) {
    struct maker m;
    struct data d = {&m, true};
    if (begin(c, &m, "Secret"))
        return 1;
    maker_str(&m, "type", opt_str(&c->opts, "type"));
    return add_sources(&d) ? 1 : finish(&d, "failed to create secret");
}

/* -- secrets of a form -- */

static int run_tls(struct ctl *c) {
    struct maker m;
    struct data d = {&m, true};
    struct str files[2] = {opt_str(&c->opts, "cert"), opt_str(&c->opts, "key")};
    if (begin(c, &m, "Secret"))
        return 1;
    if (!files[0].n || !files[1].n)
        return ctl_error(c, "key and cert must be specified");
    maker_str(&m, "type", S("kubernetes.io/tls"));
    for (size_t i = 0; i < 2; i++) {
        const char *path = arena_strz(&c->arena, files[i]);
        if (!file_exists(path))
            return ctl_error(c, "Cannot read file %s, open %s: no such file or directory", path, path);
        if (add_one_file(&d, i ? S("tls.key") : S("tls.crt"), files[i]))
            return 1;
    }
    return finish(&d, "failed to create secret");
}

static struct str docker_config(struct ctl *c) {
    const struct opts *o = &c->opts;
    struct str user = opt_str(o, "docker-username"), password = opt_str(o, "docker-password"),
               email = opt_str(o, "docker-email");
    _cleanup_buf struct buf out = BUF_INIT;
    buf_lit(&out, "{\"auths\":{");
    json_write_string(&out, opt_str(o, "docker-server"));
    buf_lit(&out, ":{\"username\":");
    json_write_string(&out, user);
    buf_lit(&out, ",\"password\":");
    json_write_string(&out, password);
    if (email.n) {
        buf_lit(&out, ",\"email\":");
        json_write_string(&out, email);
    }
    buf_lit(&out, ",\"auth\":");
    json_write_string(&out,
                      base64(c, arena_printf(&c->arena, "%.*s:%.*s", STR_ARG(user), STR_ARG(password))));
    buf_lit(&out, "}}}");
    return buf_to_arena(&out, &c->arena);
}

static int run_docker(struct ctl *c) {
    struct maker m;
    struct data d = {&m, true};
    const struct opts *o = &c->opts;
    size_t n_files;
    const struct str *files = opt_list(o, "from-file", &n_files);
    if (begin(c, &m, "Secret"))
        return 1;
    if (!n_files && (!opt_str(o, "docker-username").n || !opt_str(o, "docker-password").n ||
                     !opt_str(o, "docker-server").n))
        return ctl_error(c,
                         "either --from-file or the combination of --docker-username, --docker-password and "
                         "--docker-server is required");
    maker_str(&m, "type", S("kubernetes.io/dockerconfigjson"));
    for (size_t i = 0; i < n_files; i++) {
        struct str key, path;
        bool named = str_split(files[i], '=', &key, &path);
        if (add_one_file(&d, named ? key : S(".dockerconfigjson"), named ? path : files[i]))
            return 1;
    }
    if (!n_files && add(&d, S(".dockerconfigjson"), docker_config(c)))
        return 1;
    return finish(&d, "failed to create secret");
}

#define FLAGS_SOURCES                                                                                        \
    {"from-file", 0, OPT_ARRAY, .help = "A file as [key=]path, or a folder of files; may be repeated."},     \
        {"from-literal", 0, OPT_ARRAY, .help = "key=value; may be repeated."}, {                             \
        "from-env-file", 0, OPT_LIST, .help = "A file of key=value lines; may be repeated."                  \
    }
#define FLAG_APPEND_HASH                                                                                     \
    { "append-hash", 0, OPT_BOOL, .help = "Put a hash of the content behind the name." }

static const struct opt_row configmap_flags[] = {
    FLAGS_MAKE("kubectl-create"), FLAGS_SOURCES, FLAG_APPEND_HASH, {0}};

const struct command create_configmap = {
    .name = "configmap",
    .aliases = "cm",
    .args = "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] "
            "[options]",
    .brief = "Create a config map from a local file, directory or literal value",
    .examples = "  # From the files of a folder\n"
                "  kubectl create configmap conf --from-file=conf.d\n"
                "  \n"
                "  # From values\n"
                "  kubectl create configmap conf --from-literal=level=debug\n",
    .flags = configmap_flags,
    .run = run_configmap,
};

static const struct opt_row generic_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAGS_SOURCES,
    FLAG_APPEND_HASH,
    {"type", 0, OPT_STRING, .help = "The secret's type."},
    {0},
};
static const struct command secret_generic = {
    .name = "generic",
    .args = "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] "
            "[--dry-run=server|client|none] [options]",
    .brief = "Create a secret from a local file, directory, or literal value",
    .examples = "  # From values\n"
                "  kubectl create secret generic db --from-literal=password=secret\n",
    .flags = generic_flags,
    .run = run_generic,
};

static const struct opt_row tls_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAG_APPEND_HASH,
    {"cert", 0, OPT_STRING, .help = "File with the certificate, PEM."},
    {"key", 0, OPT_STRING, .help = "File with its key."},
    {0},
};
static const struct command secret_tls = {
    .name = "tls",
    .args = "NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none] [options]",
    .brief = "Create a TLS secret",
    .examples = "  # From a certificate and its key\n"
                "  kubectl create secret tls web --cert=web.crt --key=web.key\n",
    .flags = tls_flags,
    .run = run_tls,
};

static const struct opt_row docker_flags[] = {
    FLAGS_MAKE("kubectl-create"),
    FLAG_APPEND_HASH,
    {"docker-email", 0, OPT_STRING, .help = "Mail address."},
    {"docker-password", 0, OPT_STRING, .help = "Password at the registry."},
    /* tidy: host because it is the default of kubectl's flag */
    {"docker-server", 0, OPT_STRING, "https://index.docker.io/v1/", .help = "Address of the registry."},
    {"docker-username", 0, OPT_STRING, .help = "User name at the registry."},
    {"from-file", 0, OPT_ARRAY, .help = "The configuration itself, as [key=]path."},
    {0},
};
static const struct command secret_docker = {
    .name = "docker-registry",
    .args = "NAME --docker-username=user --docker-password=password --docker-email=email "
            "[--docker-server=string] "
            "[--dry-run=server|client|none] [options]",
    .brief = "Create a secret for use with a Docker registry",
    .examples =
        "  # Credentials for pulling images\n"
        "  kubectl create secret docker-registry pull --docker-server=registry.example --docker-username=me "
        "--docker-password=secret\n",
    .flags = docker_flags,
    .run = run_docker,
};

static const struct command *const secret_commands[] = {&secret_docker, &secret_generic, &secret_tls, NULL};

const struct command create_secret = {
    .name = "secret",
    .args = "(docker-registry | generic | tls) [options]",
    .brief = "Create a secret using a specified subcommand",
    .commands = secret_commands,
};
