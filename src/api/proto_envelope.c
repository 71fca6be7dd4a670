/* Taking the envelope off: four bytes, then runtime.Unknown. See proto.h. */
#include "api/proto.h"

#include "api/proto_priv.h"
#include "base/err.h"
#include "codec/pbwire.h"

static int fail(struct err *err, enum pb_fault fault) {
    return err_set(err, ERR_INVALID, "protobuf envelope: %s", pb_fault_text(fault));
}

/* Reads a message of string fields: the text of field n goes to fields[n - 1], where that is not NULL. */
static enum pb_fault read_strings(struct pb_in in, struct str **fields, uint32_t n) {
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece;
        enum pb_fault fault = pb_get_tag(&in, &tag);
        if (fault)
            return fault;
        if (tag.number > n) {
            fault = pb_skip(&in, tag);
        } else {
            fault = tag.wire == PB_LEN ? pb_get_piece(&in, &piece) : PB_BAD_WIRE;
            if (!fault)
                *fields[tag.number - 1] = pb_rest(&piece);
        }
        if (fault)
            return fault;
    }
    return PB_OK;
}

int proto_envelope_read(struct str bytes, struct proto_envelope *ret_envelope, struct err *err) {
    struct proto_envelope e = {0};
    struct str type_meta = STR_NONE;
    if (!str_has_prefix(bytes, proto_magic))
        return err_set(err, ERR_INVALID,
                       "protobuf envelope: it does not begin with the four bytes \"k8s\\0\"");
    struct str *unknown[] = {&type_meta, &e.raw, &e.content_encoding, &e.content_type};
    enum pb_fault fault =
        read_strings(pb_in_init(str_from_byte(bytes, proto_magic.n)), unknown, UNKNOWN_TYPE);
    if (fault)
        return fail(err, fault);
    struct str *names[] = {&e.api_version, &e.kind};
    fault = read_strings(pb_in_init(type_meta), names, TYPE_META_KIND);
    if (fault)
        return fail(err, fault);
    *ret_envelope = e;
    return 0;
}
