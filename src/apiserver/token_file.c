/* Records of CSV become digests and users; what is looked up is a sorted array. */
#include "apiserver/token_file.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/vec.h"

struct token_entry {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned line; /* later lines replace earlier ones */
    struct user user;
};

struct token_file {
    struct arena arena;
    struct token_entry *v; /* sorted by digest, each once */
    size_t n, cap;
};

/* Where reading stands. */
struct csv {
    struct str rest;
    unsigned line;
    struct arena *arena;
    struct str fields[TOKEN_FILE_COLUMNS_MAX];
    unsigned n;
};

/* Steps over the end of a line, LF or CRLF; false when there is none here. */
static bool csv_end_of_line(struct csv *c) {
    size_t n = str_has_prefix(c->rest, S("\r\n")) ? 2 : str_has_prefix(c->rest, S("\n")) ? 1 : 0;
    c->rest = str_from_byte(c->rest, n);
    c->line += n > 0;
    return n > 0;
}

/* CONFORMS: RFC 4180: within quotes everything stands for itself, a doubled quote for one. */
static int csv_quoted(struct csv *c, struct str *ret_field, struct err *err) {
    unsigned first_line = c->line;
    _cleanup_buf struct buf text = BUF_INIT;
    for (size_t i = 1; i < c->rest.n; i++) {
        char b = c->rest.p[i];
        if (b == '"') {
            if (i + 1 == c->rest.n || c->rest.p[i + 1] != '"') {
                c->rest = str_from_byte(c->rest, i + 1);
                *ret_field = buf_to_arena(&text, c->arena);
                return 0;
            }
            i++;
        }
        c->line += b == '\n';
        buf_byte(&text, b);
    }
    return err_set(err, ERR_INVALID, "line %u: a quote is not closed", first_line);
}

static int csv_plain(struct csv *c, struct str *ret_field, struct err *err) {
    size_t n = 0;
    while (n < c->rest.n && c->rest.p[n] != ',' && c->rest.p[n] != '\n') {
        if (c->rest.p[n] == '"')
            return err_set(err, ERR_INVALID, "line %u: a quote within a plain field", c->line);
        n++;
    }
    bool crlf = n > 0 && n < c->rest.n && c->rest.p[n] == '\n' && c->rest.p[n - 1] == '\r';
    n -= crlf;
    *ret_field = arena_str(c->arena, str_make(c->rest.p, n));
    c->rest = str_from_byte(c->rest, n);
    return 0;
}

/* The fields of the next record; none at the end of the text. Empty lines are no records. */
static int csv_record(struct csv *c, struct err *err) {
    c->n = 0;
    while (csv_end_of_line(c))
        ;
    if (c->rest.n == 0)
        return 0;
    for (;; c->rest = str_from_byte(c->rest, 1)) { /* over a comma */
        if (c->n == TOKEN_FILE_COLUMNS_MAX)
            return err_set(err, ERR_TOO_LARGE, "line %u: more than %u columns", c->line,
                           TOKEN_FILE_COLUMNS_MAX);
        bool quoted = c->rest.n > 0 && c->rest.p[0] == '"';
        int r = quoted ? csv_quoted(c, &c->fields[c->n], err) : csv_plain(c, &c->fields[c->n], err);
        if (r < 0)
            return r;
        c->n++;
        if (c->rest.n == 0 || csv_end_of_line(c))
            return 0;
        if (c->rest.p[0] != ',')
            return err_set(err, ERR_INVALID, "line %u: text behind a closing quote", c->line);
    }
}

static struct str_array split_groups(struct arena *a, struct str text) {
    struct {
        struct str *v;
        size_t n, cap;
    } groups = {0};
    struct str head;
    while (text.n > 0) {
        str_split(text, ',', &head, &text);
        if (head.n > 0)
            vec_push_in(a, &groups, head);
    }
    return (struct str_array){groups.v, (uint32_t)groups.n};
}

static int add_record(struct token_file *f, const struct csv *c, unsigned line, struct err *err) {
    if (c->n < 3)
        return err_set(err, ERR_INVALID, "line %u: a token, a user and a uid are needed", line);
    if (c->fields[0].n == 0)
        return 0;
    if (c->fields[1].n == 0)
        return err_set(err, ERR_INVALID, "line %u: the user's name is empty", line);
    if (f->n == TOKEN_FILE_RECORDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "line %u: more than %u tokens", line, TOKEN_FILE_RECORDS_MAX);
    struct token_entry e = {.line = line, .user = {.name = c->fields[1], .uid = c->fields[2]}};
    if (c->n > 3)
        e.user.groups = split_groups(&f->arena, c->fields[3]);
    SHA256((const unsigned char *)c->fields[0].p, c->fields[0].n, e.digest);
    OPENSSL_cleanse((void *)(uintptr_t)c->fields[0].p, c->fields[0].n);
    vec_push(f, e);
    return 0;
}

static int by_digest(const void *a, const void *b) {
    const struct token_entry *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, sizeof x->digest);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void sort_entries(struct token_file *f) {
    if (f->n == 0)
        return;
    qsort(f->v, f->n, sizeof *f->v, by_digest);
    size_t kept = 0;
    for (size_t i = 1; i < f->n; i++) {
        kept += memcmp(f->v[kept].digest, f->v[i].digest, sizeof f->v[i].digest) != 0;
        f->v[kept] = f->v[i];
    }
    f->n = kept + 1;
}

static int read_records(struct token_file *f, struct str text, struct err *err) {
    struct csv c = {.rest = text, .line = 1, .arena = &f->arena};
    while (c.rest.n > 0) {
        int r = csv_record(&c, err);
        if (r < 0)
            return r;
        r = c.n > 0 ? add_record(f, &c, c.line, err) : 0;
        if (r < 0)
            return r;
    }
    sort_entries(f);
    return 0;
}

int token_file_parse(struct str text, struct token_file **ret_file, struct err *err) {
    if (text.n > TOKEN_FILE_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %u bytes of tokens", TOKEN_FILE_BYTES_MAX);
    struct token_file *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    arena_init(&f->arena);
    int r = read_records(f, text, err);
    if (r < 0) {
        token_file_free(f);
        return r;
    }
    *ret_file = f;
    return 0;
}

int token_file_load(const char *path, struct token_file **ret_file, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    int r = file_read(path, TOKEN_FILE_BYTES_MAX, &text, err);
    if (r < 0)
        return r;
    r = token_file_parse(buf_view(&text), ret_file, err);
    OPENSSL_cleanse(text.p, text.n);
    if (r < 0)
        (void)err_wrap(err, "%s", path);
    return r;
}

void token_file_free(struct token_file *f) {
    if (!f)
        return;
    vec_fini(f);
    arena_fini(&f->arena);
    free(f);
}

bool token_file_find(const struct token_file *f, struct str token, struct user *ret_user) {
    if (token.n == 0 || f->n == 0)
        return false;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token.p, token.n, digest);
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(digest, f->v[middle].digest, sizeof digest);
        if (order == 0) {
            *ret_user = f->v[middle].user;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

size_t token_file_count(const struct token_file *f) {
    return f->n;
}
