/* apiserver/respond: answers in every form: JSON, YAML and protobuf; objects, tables, metadata alone.
 *
 * Encodings of frozen objects are borrowed, not copied: the answer holds a reference to each object until it
 * is sent. Objects of another version than the hub are converted here. On the request's loop.
 *
 * CONFORMS: upstream's encodings byte for byte where clients see them: a line end after JSON, kind and
 * apiVersion left out of a list's items, the envelope around protobuf.
 */
#pragma once

#include "api/object.h"
#include "api/status.h"
#include "apiserver/request.h"
#include "net/http.h"

struct buf;
struct front_call;
struct list_result;

/* Reads the Accept header. False: nothing that is offered fits, and 406 was answered. */
bool respond_negotiate(struct front_call *f, bool transforms, bool watch);

/* Each ends the request. */
void respond_status(struct front_call *f, struct status *st);
/* type of `set`: packed, in the version it is sent in; its apiVersion and kind are filled in. */
void respond_packed(struct front_call *f, int code, uint16_t type, const void *body);
/* kind: the version that was asked for. Takes over nothing. */
void respond_object(struct front_call *f, int code, const struct kind *kind, const struct object *o);
/* Text of any type; copied unless it is static. Headers of documents that may be kept: etag. */
void respond_text(struct front_call *f, int code, struct str type, struct str text);

/* With chunks and headers besides the usual ones. */
void respond_chunks(struct front_call *f, int code, struct str type, const struct http_header *more,
                    size_t n_more, const struct http_chunk *chunks, size_t n_chunks);

/* Headers that every answer has, with room for `more`; in the call's arena. */
struct http_header *respond_headers(struct front_call *f, struct str type, size_t more, size_t *ret_n);

/* Objects are borrowed until the request has ended. */
void respond_list(struct front_call *f, const struct list_result *l);

/* -- pieces, for lists and watches -- */

/* The bytes of the object's JSON or of its protobuf message, in the version of `kind`; in the arena when they
 * had to be made. with_kind: apiVersion and kind stand in front (JSON), the envelope is around it (protobuf).
 */
struct str respond_form(struct arena *a, const struct kind *kind, const struct object *o,
                        enum media_type media, bool with_kind);

/* The JSON of metadata alone ({…}), and its protobuf message. */
struct str respond_metadata(const struct object *o, enum media_type media);

/* Appends {"cells":…,"object":…} of one object. include: of TableOptions. */
enum table_include { TABLE_NONE, TABLE_METADATA, TABLE_OBJECT };
void respond_table_row(struct buf *out, struct arena *a, const struct kind *kind, const struct object *o,
                       enum table_include include, int64_t now_ns);
/* Reads includeObject of the query; false: a text that is none. */
bool respond_table_include(struct front_call *f, enum table_include *ret);
