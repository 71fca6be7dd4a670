/* Tables of the server as text, the order of fields, and documents in other clothes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/json.h"
#include "ctl/discovery.h"
#include "ctl/kyaml.h"
#include "ctl/sort.h"
#include "ctl/table_print.h"
#include "unit/unit.h"

static const char pods[] =
    "{\"kind\":\"Table\",\"columnDefinitions\":[{\"name\":\"Name\",\"format\":\"name\",\"priority\":0},"
    "{\"name\":\"Ready\",\"priority\":0},{\"name\":\"Node\",\"priority\":1}],\"rows\":["
    "{\"cells\":[\"web-10\",\"1/"
    "1\",\"n1\"],\"object\":{\"metadata\":{\"name\":\"web-10\",\"namespace\":\"a\","
    "\"labels\":{\"x/app\":\"web\",\"z\":\"1\"}},\"spec\":{\"n\":2}}},"
    "{\"cells\":[\"web-9\",\"two\\nlines\",null],\"object\":{\"metadata\":{\"name\":\"web-9\",\"namespace\":"
    "\"a\"}}}"
    "]}";

struct output {
    struct ctl ctl;
    char *text;
    size_t n;
    struct jval table;
};

static void begin(struct output *o) {
    struct err err = ERR_INIT;
    *o = (struct output){.ctl = {.arena = ARENA_INIT}};
    o->ctl.out = open_memstream(&o->text, &o->n);
    assert_non_null(o->ctl.out);
    assert_ok(json_parse(&o->ctl.arena, str_from(pods), NULL, NULL, &o->table, &err), &err);
}

static void finish(struct output *o, const char *expected) {
    assert_int_equal(fclose(o->ctl.out), 0);
    assert_string_equal(o->text, expected);
    free(o->text);
    arena_fini(&o->ctl.arena);
}

static void print(struct output *o, const struct table_style *style) {
    struct table_printer printer;
    struct resource pod = {.kind = S("Pod"), .plural = S("pods")};
    table_printer_init(&printer, &o->ctl);
    table_print(&printer, &o->table, &pod, style);
    table_flush(&printer);
    table_printer_fini(&printer);
}

TEST(test_table__shows_columns_by_priority) {
    struct output o;
    begin(&o);
    print(&o, &(struct table_style){0});
    finish(&o, "NAME     READY\nweb-10   1/1\nweb-9    two...\n");
    begin(&o);
    print(&o, &(struct table_style){.wide = true});
    finish(&o, "NAME     READY    NODE\nweb-10   1/1      n1\nweb-9    two...   \n");
}

TEST(test_table__adds_namespaces_kinds_and_labels) {
    struct output o;
    struct str label = S("x/app");
    begin(&o);
    print(&o, &(struct table_style){
                  .namespaces = true, .kinds = true, .label_columns = &label, .n_label_columns = 1});
    finish(&o, "NAMESPACE   NAME         READY    APP\n"
               "a           pod/web-10   1/1      web\n"
               "a           pod/web-9    two...   \n");
    begin(&o);
    print(&o, &(struct table_style){.show_labels = true, .no_headers = true});
    finish(&o, "web-10   1/1      x/app=web,z=1\nweb-9    two...   <none>\n");
}

TEST(test_table__rows_of_a_watch_stand_below_each_other) {
    struct output o;
    struct table_printer printer;
    struct jval row = {0};
    struct err err = ERR_INIT;
    begin(&o);
    table_printer_init(&printer, &o.ctl);
    table_print(&printer, &o.table, NULL, &(struct table_style){0});
    table_flush(&printer);
    struct str later =
        S("{\"kind\":\"Table\",\"columnDefinitions\":[],\"rows\":[{\"cells\":[\"x\",\"0/1\",\"n2\"]}]}");
    assert_ok(json_parse(&o.ctl.arena, later, NULL, NULL, &row, &err), &err);
    table_print(&printer, &row, NULL, &(struct table_style){0});
    table_flush(&printer);
    table_printer_fini(&printer);
    finish(&o, "NAME     READY\nweb-10   1/1\nweb-9    two...\nx        0/1\n");
}

TEST(test_table__escapes_what_terminals_obey) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct jval cell = jval_str(S("a\x1b[31mb"));
    table_cell(&out, &cell);
    assert_str(buf_view(&out), "a^[[31mb");
}

TEST(test_table__values_as_the_other_language_prints_them) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    assert_ok(json_parse(&a, S("{\"b\":[1,\"x\",true],\"a\":{\"c\":null},\"d\":1.5}"), NULL, NULL, &v, &err),
              &err);
    go_value(&out, &v);
    assert_str(buf_view(&out), "map[a:map[c:<nil>] b:[1 x true] d:1.5]");
}

TEST(test_sort__names_with_numbers_and_missing_fields) {
    struct output o;
    struct problem p;
    begin(&o);
    assert_int_equal(sort_table(&o.ctl, &o.table, S(".metadata.name"), &p), 0);
    print(&o, &(struct table_style){.no_headers = true});
    finish(&o, "web-9    two...\nweb-10   1/1\n");
    begin(&o);
    assert_int_equal(sort_table(&o.ctl, &o.table, S("{.spec.n}"), &p), 0);
    print(&o, &(struct table_style){.no_headers = true});
    finish(&o, "web-9    two...\nweb-10   1/1\n");
}

TEST(test_sort__refuses_what_has_no_order) {
    struct output o;
    struct problem p;
    begin(&o);
    assert_int_not_equal(sort_table(&o.ctl, &o.table, S(".metadata.labels"), &p), 0);
    assert_int_not_equal(sort_table(&o.ctl, &o.table, S("{.metadata"), &p), 0);
    finish(&o, "");
}

TEST(test_kyaml__braces_quotes_and_lines) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval v;
    struct str text = S("{\"a\":[{\"x\":1}],\"b\":[\"p\"],\"c\":{},\"no\":true,\"t\":\"one\\ntwo\\n\"}");
    assert_ok(json_parse(&a, text, NULL, NULL, &v, &err), &err);
    kyaml_write(&out, &v);
    assert_str(buf_view(&out), "{\n"
                               "  a: [{\n"
                               "    x: 1,\n"
                               "  }],\n"
                               "  b: [\n"
                               "    \"p\",\n"
                               "  ],\n"
                               "  c: {},\n"
                               "  \"no\": true,\n"
                               "  \"t\": \"\\\n"
                               "     one\\n\\\n"
                               "     two\\n\\\n"
                               "    \",\n"
                               "}\n");
}
