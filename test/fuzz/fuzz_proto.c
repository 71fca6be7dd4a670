/* Protobuf to objects and back. The first byte of the input chooses the type and whether there is an
 * envelope. */
#include "api/equal.h"
#include "api/json.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"

static const uint16_t types[] = {
    TY_CORE_POD,
    TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
    TY_CORE_POD_LIST,
    TY_AUTHENTICATION_TOKEN_REVIEW,
    TY_META_WATCH_EVENT,
    TY_COORDINATION_LEASE,
    TY_APPS_DEPLOYMENT,
    TY_CORE_RESOURCE_QUOTA,
    TY_CORE_CONFIG_MAP,
    TY_CORE_SERVICE,
    TY_META_API_RESOURCE,
    TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
    TY_CRI_RUN_POD_SANDBOX_REQUEST,
    TY_CRI_CONTAINER_STATS,
    TY_ETCD_TXN_REQUEST,
    TY_CSI_LIST_SNAPSHOTS_RESPONSE,
};

#define ENVELOPE 0x10
#define BORROW 0x20

/* What was read can be written in the size foretold, and what was written reads as the same. */
static void check_object(struct arena *a, uint32_t type, const void *object) {
    _cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
    struct err err = ERR_INIT;
    void *back;
    api_write_proto(&first, &builtin, type, object);
    must(api_proto_size(&builtin, type, object) == first.n);
    if (api_read_proto(a, &builtin, type, buf_view(&first), true, &back, &err))
        panic("%s", err.msg);
    api_write_proto(&second, &builtin, type, back);
    must(str_eq(buf_view(&first), buf_view(&second)));
}

/* JSON of it is JSON, whatever bytes its strings hold. */
static void check_json(struct arena *a, uint32_t type, const void *object) {
    _cleanup_buf struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    api_write_json(&text, &builtin, type, object);
    if (json_parse(a, buf_view(&text), NULL, NULL, &v, &err))
        panic("%s", err.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0)
        return 0;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = fuzz_text(data + 1, n - 1);
    uint32_t type = types[data[0] & 15];
    struct err err = ERR_INIT;
    void *object;
    if (data[0] & ENVELOPE) {
        struct proto_envelope e;
        if (proto_envelope_read(bytes, &e, &err)) {
            must(err.code == ERR_INVALID && err.msg[0]);
            return 0;
        }
        bytes = e.raw;
    }
    if (api_read_proto(&a, &builtin, type, bytes, data[0] & BORROW, &object, &err)) {
        must(err.code != ERR_OK && err.msg[0]);
        return 0;
    }
    check_object(&a, type, object);
    if (type != TY_META_WATCH_EVENT) /* its object may be protobuf */
        check_json(&a, type, object);
    return 0;
}
