/* Pieces of answers: an object in a version and a form, its metadata alone. See respond.h.
 *
 * Encodings of objects begin with kind, apiVersion and metadata, in this order (api_write_json), and in
 * protobuf with field 1, the metadata. So all pieces are parts of the encoding that the object keeps.
 */
#include "api/convert.h"
#include "api/json.h"
#include "api/proto.h"
#include "api/types/meta.h"
#include "apiserver/respond.h"
#include "base/buf.h"
#include "base/err.h"

/* -- JSON -- */

/* Bytes of {"kind":"Pod","apiVersion":"v1", */
static size_t head_bytes(const struct kind *k) {
    return sizeof "{\"kind\":\"\",\"apiVersion\":\"\"," - 1 + k->name.n + k->api_version.n;
}

/* Without kind and apiVersion, and without the bracket before them. */
static struct str json_inner(const struct kind *k, struct str json) {
    size_t n = head_bytes(k);
    check(json.n > n && json.p[n] == '"' && json.p[n - 1] == ',');
    return str_from_byte(json, n);
}

/* -- protobuf -- */

static struct str proto_inner(struct str envelope) {
    struct proto_envelope e;
    check(proto_envelope_read(envelope, &e, NULL) == 0); /* we wrote it */
    return e.raw;
}

static struct str proto_metadata(struct str message) {
    size_t n = 0;
    unsigned shift = 0, i = 1;
    check(message.n > 1 && message.p[0] == (1 << 3 | 2)); /* field 1, with a length */
    for (;; shift += 7) {
        unsigned char c = (unsigned char)message.p[i++];
        n |= (size_t)(c & 0x7f) << shift;
        if (c < 0x80)
            break;
    }
    check(n <= message.n - i);
    return str_cut(str_from_byte(message, i), n);
}

/* -- the object's own encodings -- */

static struct str hub_form(const struct object *o, enum media_type media, bool with_kind) {
    if (media == MEDIA_PROTO) {
        struct str bytes = object_form(o, FORM_PROTO);
        return with_kind ? bytes : proto_inner(bytes);
    }
    struct str bytes = object_form(o, FORM_JSON);
    return with_kind ? bytes : json_inner(o->kind, bytes);
}

static void write_form(struct buf *out, const struct kind *kind, const void *body, enum media_type media,
                       bool with_kind) {
    if (media != MEDIA_PROTO)
        api_write_json(out, kind->set, kind->type, body);
    else if (with_kind)
        api_write_envelope(out, kind->set, kind->type, body, kind->api_version, kind->name);
    else
        api_write_proto(out, kind->set, kind->type, body);
}

struct str respond_form(struct arena *a, const struct kind *kind, const struct object *o,
                        enum media_type media, bool with_kind) {
    if (kind == o->kind)
        return hub_form(o, media, with_kind);
    _cleanup_buf struct buf out = BUF_INIT;
    void *body;
    struct err err = ERR_INIT;
    if (api_convert(a, kind->set, o->kind->type, o->body, kind->type, &body, &err) < 0)
        return hub_form(o, media,
                        with_kind); /* nested too deeply: the stored version is better than nothing */
    write_form(&out, kind, body, media, with_kind);
    struct str text = buf_to_arena(&out, a);
    return media == MEDIA_PROTO || with_kind ? text : json_inner(kind, text);
}

struct str respond_metadata(const struct object *o, enum media_type media) {
    if (media == MEDIA_PROTO)
        return proto_metadata(proto_inner(object_form(o, FORM_PROTO)));
    return object_metadata_json(o);
}
