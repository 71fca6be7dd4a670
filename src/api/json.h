/* api/json: API objects as JSON, straight between text and packed structs.
 *
 * Reading: by descriptors, no intermediate tree. Field names match exactly (case-sensitive, as upstream's
 * strict readers). Unknown and duplicate fields are reported through `strict` when given, ignored otherwise;
 * a wrong JSON type is an error with the field's path in Go's wording shape. null leaves a field absent.
 * Writing: upstream's presence rules and order; byte-stable.
 * Any thread; the arena belongs to the caller.
 */
#pragma once

#include "api/schema.h"
#include "codec/json.h"

struct arena;
struct buf;
struct err;

/* Nesting of what is read into structs, so that every walk over an object fits a small stack; what is kept as
 * text (RawExtension, managed fields, unknown fields) may go on to JSON_DEPTH_MAX. */
#define API_DEPTH_MAX 400u

struct json_read_options {
    struct json_limits limits;    /* lower ones than JSON_SIZE_MAX, API_DEPTH_MAX */
    struct strict_errors *strict; /* NULL: lenient */
    bool borrow;                  /* strings without escapes point into the text, which outlives the object */
};

/* Reads `text` into a new struct of `type` in the arena; *ret_object is untouched on failure. options may be
 * NULL. Objects with their strings take about 1.3 bytes for each byte of compact text, 0.7 when borrowing. */
int api_read_json(struct arena *a, const struct ty_set *set, uint32_t type, struct str text,
                  const struct json_read_options *options, void **ret_object, struct err *err);

/* Appends the object's JSON; nothing, when it does not fit the buffer's limit (overflow is set then). */
void api_write_json(struct buf *out, const struct ty_set *set, uint32_t type, const void *object);

/* The apiVersion and kind of a JSON text, without reading the rest into anything; STR_NONE when not there. */
int api_peek_json(struct str text, struct str *ret_api_version, struct str *ret_kind, struct err *err);

/* Between packed structs and trees, with the same rules and reports as the text forms. An object made from a
 * tree shares nothing with it; a tree made from an object borrows its strings. */
int api_from_tree(struct arena *a, const struct ty_set *set, uint32_t type, const struct jval *tree,
                  struct strict_errors *strict, void **ret_object, struct err *err);
struct jval api_to_tree(struct arena *a, const struct ty_set *set, uint32_t type, const void *object);

/* Deep copy into an arena: the new object shares nothing with the old one. */
void *api_copy(struct arena *a, const struct ty_set *set, uint32_t type, const void *object);

/* The same, but for texts that lie in `from`: of these there is a copy at `to` already, into which they point
 * then. */
void *api_copy_onto(struct arena *a, const struct ty_set *set, uint32_t type, const void *object,
                    struct str from, const char *to);
