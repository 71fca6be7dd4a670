/* Any kind, by its fields. See describe.h. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ctl/describe.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

#define DEPTH_MAX 64

enum letter { LETTER_LOWER, LETTER_UPPER, LETTER_DASH, LETTER_OTHER };

static enum letter letter_of(char c) {
    return islower((unsigned char)c)   ? LETTER_LOWER
           : isupper((unsigned char)c) ? LETTER_UPPER
           : c == '-'                  ? LETTER_DASH
                                       : LETTER_OTHER;
}

/* Where the word that begins there ends: capitals go with the small letters behind the last of them. */
static size_t word_end(struct str s, size_t from) {
    enum letter first = letter_of(s.p[from]);
    size_t to = from + 1;
    while (to < s.n && letter_of(s.p[to]) == first)
        to++;
    if (first != LETTER_UPPER || to == s.n || letter_of(s.p[to]) != LETTER_LOWER)
        return to;
    if (to - from > 1)
        return to - 1;
    while (to < s.n && letter_of(s.p[to]) == LETTER_LOWER)
        to++;
    return to;
}

static void put_word(struct buf *out, struct str word) {
    static const char *const acronyms[] = {"API", "URL", "UID", "OSB", "GUID"};
    if (out->n)
        buf_byte(out, ' ');
    for (size_t i = 0; i < sizeof acronyms / sizeof *acronyms; i++)
        if (word.n == strlen(acronyms[i]) && strncasecmp(word.p, acronyms[i], word.n) == 0) {
            buf_str(out, str_from(acronyms[i]));
            return;
        }
    for (size_t i = 0; i < word.n; i++)
        buf_byte(out, (char)(i ? tolower((unsigned char)word.p[i]) : toupper((unsigned char)word.p[i])));
}

/* A field's name as words: "creationTimestamp" is "Creation Timestamp", "uid" is "UID". CONFORMS: names with
 * anything but letters and dashes stay. */
static struct str title(struct describing *d, struct str field) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (size_t i = 0; i < field.n; i++)
        if (letter_of(field.p[i]) == LETTER_OTHER)
            return field;
    for (size_t from = 0, to; from < field.n; from = to) {
        to = word_end(field, from);
        put_word(&b, str_make(field.p + from, to - from));
    }
    return buf_to_arena(&b, &d->c->arena);
}

static bool is_skipped(struct str path) {
    static const char *const skipped[] = {".metadata.name", ".metadata.namespace", ".metadata.labels",
                                          ".metadata.annotations", ".metadata.managedFields"};
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
        if (str_eq(path, str_from(skipped[i])))
            return true;
    return false;
}

static void put_fields(struct describing *d, unsigned level, const struct jval *o, struct str path);

static void put_items(struct describing *d, unsigned level, const struct jval *list, struct str path) {
    for (uint32_t i = 0; i < list->n; i++) {
        const struct jval *v = &list->items[i];
        if (v->kind == J_OBJECT)
            put_fields(d, level, v, path);
        else
            d_put(d, level, "%.*s\n", STR_ARG(d_value(d, v)));
    }
}

static void put_fields(struct describing *d, unsigned level, const struct jval *o, struct str path) {
    for (uint32_t i = 0; o->kind == J_OBJECT && i < o->n && level < DEPTH_MAX; i++) {
        const struct jval *v = &o->members[i].value;
        struct str at = arena_printf(&d->c->arena, "%.*s.%.*s", STR_ARG(path), STR_ARG(o->members[i].key));
        struct str name = title(d, o->members[i].key);
        if (is_skipped(at))
            continue;
        if (v->kind == J_OBJECT) {
            d_put(d, level, "%.*s:\n", STR_ARG(name));
            put_fields(d, level + 1, v, at);
        } else if (v->kind == J_ARRAY) {
            d_put(d, level, "%.*s:\n", STR_ARG(name));
            put_items(d, level + 1, v, at);
        } else {
            d_put(d, level, "%.*s:\t%.*s\n", STR_ARG(name), STR_ARG(d_value(d, v)));
        }
    }
}

void describe_any(struct describing *d) {
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(d->o)));
    d_put(d, 0, "Namespace:\t%.*s\n", STR_ARG(object_namespace(d->o)));
    d_labels(d, "", "Labels", jval_path(d->o, "metadata.labels"));
    d_annotations(d, "", jval_path(d->o, "metadata.annotations"));
    put_fields(d, 0, d->o, S(""));
    d_events(d);
}
