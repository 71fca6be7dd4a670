#!/usr/bin/env python3
"""Tests of the schema's readers and generators, on small schemas.

    test/facts/test_generator.py ROOT [unittest arguments]
"""
import filecmp
import os
import shutil
import sys
import tempfile
import unittest

ROOT = sys.argv.pop(1)
sys.path.insert(0, os.path.join(ROOT, 'tools', 'schema'))
import annotations  # noqa: E402
import bootstrap  # noqa: E402
import gen_c  # noqa: E402
import gen_constants  # noqa: E402
import import_facts  # noqa: E402
import layout  # noqa: E402
import model  # noqa: E402
import names  # noqa: E402

META = """group meta.k8s.io version v1 prefix meta hub

type ListMeta {
    1 continue string omitempty
}

type ObjectMeta {
    1 name string omitempty
    2 labels map[string] omitempty
}
"""
BOATS = """group boats.example version v1 prefix boats served hub

known Colour red Dark Dark- ""

/// A boat.
type Boat root gvk {
    1 metadata meta.v1.ObjectMeta omitempty
    /// What is wanted.
    2 spec BoatSpec omitempty
}

type BoatList root list {
    1 metadata meta.v1.ListMeta omitempty
    2 items []Boat required
}

type BoatSpec {
    1 colour Colour omitempty ="red"
    2 oars []string omitempty set
    3 crew ?i32 omitempty
}
"""
KIND = 'kind Boat plural=boats short=bo namespaced verbs=* hash=x= put_creates {\n'


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.write('meta/v1.api', META)
        self.write('boats/v1.api', BOATS)

    def write(self, rel, text):
        path = os.path.join(self.dir.name, rel)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as fh:
            fh.write(text)

    def schema(self):
        return model.Schema(self.dir.name)

    def policy(self):
        return annotations.Policy(self.schema(), self.dir.name)

    def refused(self, make, where, text):
        with self.assertRaises(model.SchemaError) as e:
            make()
        self.assertIn(where, str(e.exception))
        self.assertIn(text, str(e.exception))


class Facts(Case):
    def test_reads_fields(self):
        spec = self.schema().by_ref['boats.v1.BoatSpec']
        colour, oars, crew = spec.fields
        self.assertEqual((colour.type, colour.default, colour.enum.closed), ('string', '"red"', False))
        self.assertEqual((oars.shape, oars.list_type), ('list', 'set'))
        self.assertEqual((crew.type, crew.pointer, crew.number), ('i32', True, 3))

    def test_refuses_unknown_type(self):
        self.write('boats/v1.api', BOATS.replace('[]string', '[]strng'))
        self.refused(self.schema, 'boats/v1.api:19', 'unknown type strng')

    def test_refuses_unknown_attribute(self):
        self.write('boats/v1.api', BOATS.replace('omitempty set', 'omitempty sett'))
        self.refused(self.schema, 'boats/v1.api:19', 'unknown attribute sett')

    def test_refuses_a_type_twice(self):
        self.write('boats/v1.api', BOATS + 'type Boat {}\n')
        self.refused(self.schema, 'boats/v1.api:22', 'twice')

    def test_refuses_a_field_twice(self):
        self.write('boats/v1.api', BOATS.replace('2 oars', '2 colour'))
        self.refused(self.schema, 'boats/v1.api:19', 'colour is there twice')
        self.write('boats/v1.api', BOATS.replace('2 oars', '1 oars'))
        self.refused(self.schema, 'boats/v1.api:19', 'number 1 is taken')

    def test_refuses_defaults_of_another_type(self):
        for bad in ('=red', '=3'):
            self.write('boats/v1.api', BOATS.replace('="red"', bad))
            self.refused(self.schema, 'boats/v1.api:18', 'default')

    def test_refuses_merge_keys_that_are_gone(self):
        for attr in ('map(name)', 'patch(merge:name)'):
            self.write('boats/v1.api', BOATS.replace('items []Boat required', 'items []Boat required ' + attr))
            self.refused(self.schema, 'boats/v1.api:14', 'no field name')

    def test_refuses_an_open_block(self):
        self.write('boats/v1.api', BOATS.rstrip().rstrip('}'))
        self.refused(self.schema, 'boats/v1.api', 'not closed')

    def test_versions_inherit_docs_of_the_hub(self):
        self.write('boats/v1beta1.api', BOATS.replace('v1 ', 'v1beta1 ').replace(' hub', '').replace('/// A boat.', ''))
        self.assertEqual(self.schema().by_ref['boats.v1beta1.Boat'].doc, 'A boat.')


class Constants(Case):
    def test_values(self):
        self.write('boats/v1.const', 'MaxOars int = 2 * 010\nRed Colour = "red"\nTopColour = Red\nFloats = true\n')
        c = self.schema().gvs[0].constants
        self.assertEqual([c[n].value for n in ('MaxOars', 'Red', 'TopColour', 'Floats')], [16, 'red', 'red', True])

    def test_refuses_unknown_names_and_circles(self):
        self.write('boats/v1.const', 'A = B\n')
        self.refused(self.schema, 'boats/v1.const:1', 'there is no constant B')
        self.write('boats/v1.const', 'A = B\nB = A\n')
        self.refused(self.schema, 'boats/v1.const', 'there is no constant')

    def test_c_names(self):
        self.write('boats/v1.const', 'MaxOars int = 8\n')
        lines = gen_constants.constants(self.schema())
        self.assertIn('#define BOATS_MAX_OARS 8', lines)
        self.assertIn('#define BOATS_COLOUR_RED S("red")', lines)
        self.assertIn('#define BOATS_COLOUR_DARK S("Dark")', lines)
        self.assertIn('#define BOATS_COLOUR_DARK_DASH S("Dark-")', lines)
        self.assertIn('#define BOATS_COLOUR_EMPTY S("")', lines)

    def test_refuses_two_values_for_a_name(self):
        self.write('boats/v1.const', 'ColourRed = "rouge"\n')
        self.refused(lambda: gen_constants.constants(self.schema()), 'boats/v1.api', 'BOATS_COLOUR_RED would be both')


class Annotations(Case):
    def test_reads_a_kind(self):
        self.write('boats/v1.ann', 'order group=17 version=15 place=2\n\n' + KIND +
                   '    sub status Boat get,update\n'
                   '    column "Main Colour" string wide .spec.colour else=<none> "Colour of the hull."\n'
                   '    select spec.colour\n    select spec.hue .spec.colour\n    select length code\n}\n')
        p = self.policy()
        k = p.resources[0]
        self.assertEqual((k.plural, k.singular, k.short, k.namespaced), ('boats', 'boat', ['bo'], True))
        self.assertEqual(len(k.verbs), 8)
        c = p.columns_of(k)[0]
        self.assertEqual((c.name, c.path, c.absent, c.priority), ('Main Colour', 'spec.colour', '<none>', 1))
        self.assertEqual([(s.label, s.path) for s in p.selectors_of(k)],
                         [('spec.colour', 'spec.colour'), ('spec.hue', 'spec.colour'), ('length', '')])
        self.assertEqual(p.preferred('boats.example').version, 'v1')

    def test_kinds_without_selectors_have_name_and_namespace(self):
        self.write('boats/v1.ann', KIND + '}\n')
        p = self.policy()
        self.assertEqual([s.label for s in p.selectors_of(p.resources[0])], ['metadata.name', 'metadata.namespace'])

    def test_marks_secrets(self):
        self.write('boats/v1.ann', 'secret BoatSpec.crew\n')
        p = self.policy()
        self.assertEqual([f.confidential for f in p.schema.by_ref['boats.v1.BoatSpec'].fields], [False, False, True])
        self.write('boats/v1.ann', 'secret BoatSpec.cargo\n')
        self.refused(self.policy, 'boats/v1.ann:1', 'no field BoatSpec.cargo')

    def test_refuses_what_is_gone(self):
        for line, text in (('column X string .spec.color "x"', 'no field color'),
                           ('column X string .spec "x"', 'ends at a message'),
                           ('column X string .spec.oars.x "x"', 'leads through a list'),
                           ('select spec.color', 'no field color'),
                           ('sub status Ship get', 'no type Ship'),
                           ('sub status Boat fetch', 'unknown verb fetch'),
                           ('column X text "x"', 'unknown column type text'),
                           ('rudder', 'cannot read rudder')):
            self.write('boats/v1.ann', KIND + '    ' + line + '\n}\n')
            self.refused(self.policy, 'boats/v1.ann:2', text)

    def test_refuses_unknown_kinds_and_words(self):
        for text, error in ((KIND.replace('Boat', 'Ship'), 'no type Ship'),
                            (KIND.replace('short', 'shirt'), 'unknown word shirt'),
                            (KIND.replace('namespaced', ''), 'either namespaced or cluster'),
                            (KIND, 'not closed')):
            self.write('boats/v1.ann', text)
            self.refused(self.policy, 'boats/v1.ann:1', error)

    def test_other_versions_follow_the_hub(self):
        beta = BOATS.replace('v1 ', 'v1beta1 ').replace(' hub', '')
        self.write('boats/v1beta1.api', beta)
        self.write('boats/v1.ann', KIND + '    column X string .spec.colour "x"\n}\n')
        self.write('boats/v1beta1.ann', 'kind Boat plural=boats namespaced verbs=get {}\n')
        p = self.policy()
        hub, other = p.resources
        self.assertIs(other.hub, hub)
        self.assertTrue(other.put_creates)
        self.assertEqual(p.columns_of(other), p.columns_of(hub))
        self.write('boats/v1beta1.ann', 'kind Boat plural=boats namespaced verbs=get put_creates {}\n')
        self.refused(self.policy, 'boats/v1beta1.ann:1', 'is the stored version')

    def test_refuses_annotations_without_facts(self):
        self.write('ships/v1.ann', '')
        self.refused(self.policy, 'ships/v1.ann', 'no .api file')


class Roles(Case):
    def read(self, text):
        self.write('rbac/bootstrap.roles', text)
        return bootstrap.read(self.dir.name)

    def test_reads_roles_and_bindings(self):
        role, small, bind = self.read("""
            clusterrole sail for=admin {
                allow get,list on boats in core,boats.example named one
                allow get at /boats
                allow get on oars in boats.example served
            }
            role dock in harbour {}
            bind sail as sailing to user:ann,account:harbour/bob
        """)
        self.assertEqual((role.kind, role.to, small.kind, small.namespace),
                         ('ClusterRole', 'admin', 'Role', 'harbour'))
        self.assertEqual([r.groups for r in role.rules], [['', 'boats.example'], [], ['boats.example']])
        self.assertEqual([r.served for r in role.rules], [False, False, True])
        self.assertEqual((bind.name, bind.role), ('sailing', 'sail'))
        self.assertEqual(bind.subjects, [('User', '', 'ann'), ('ServiceAccount', 'harbour', 'bob')])

    def test_refuses_what_it_cannot_read(self):
        for text, error in (('clusterrole a {\nallow get boats\n}', ':2: cannot read'),
                            ('clusterrole a {', 'a is not closed'),
                            ('clusterrole a in b {}', ':1: a role has a namespace'),
                            ('clusterrole a {}\nclusterrole a {}', ':2: a is there twice'),
                            ('bind a to user:ann', ':1: there is no role a'),
                            ('clusterrole a {}\nbind a to ann', ':2: unknown subject ann')):
            self.refused(lambda text=text: self.read(text), 'bootstrap.roles', error)


class Import(unittest.TestCase):
    def test_the_schema_is_what_its_tables_and_words_make(self):
        """Importing once more changes nothing: facts are in the tables, words in the schema, and nothing else is."""
        with tempfile.TemporaryDirectory() as d:
            old, new = os.path.join(ROOT, 'schema'), os.path.join(d, 'schema')
            shutil.copytree(old, new)
            importer = import_facts.Importer(os.path.join(ROOT, 'test', 'facts'), new, [])
            for base, _, files in os.walk(new):
                for n in files:
                    if n.endswith(('.api', '.const')):
                        os.remove(os.path.join(base, n))
            importer.types()
            importer.constants()
            importer.rpc()
            self.same(filecmp.dircmp(old, new))

    def same(self, c):
        self.assertEqual((c.left_only, c.right_only, c.diff_files), ([], [], []))
        for sub in c.subdirs.values():
            self.same(sub)

    def test_takes_words_from_tables(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'docs.tsv')
            with open(path, 'w', encoding='utf-8') as fh:
                fh.write('boats\tBoat\t\tA boat.\nboats\tBoat\toars\tIts oars.\n')
            docs = import_facts.Docs(d, [path])
            self.assertEqual(docs.lines('boats', 'v1', 'Boat', 'oars', '  '), ['  /// Its oars.'])
            self.assertEqual(docs.lines('boats', 'v1', 'Boat', 'mast', ''), [])


class Names(unittest.TestCase):
    def test_snake(self):
        for name, want in (('PodIPs', 'pod_ips'), ('podIP', 'pod_ip'), ('CSIDriver', 'csi_driver'),
                           ('HTTPGetAction', 'http_get_action'), ('x-kubernetes-int-or-string',
                                                                  'x_kubernetes_int_or_string')):
            self.assertEqual(names.snake(name), want)

    def test_members_are_no_keywords(self):
        self.assertEqual(names.member('default'), 'default_')
        self.assertEqual(names.member('linux'), 'linux_')


class Generator(Case):
    def test_output_only_changes_with_its_input(self):
        out = os.path.join(self.dir.name, 'out')
        gen_c.generate(self.dir.name, out)
        before = {n: os.stat(os.path.join(out, n)).st_mtime_ns for n in os.listdir(out)}
        self.assertEqual(sorted(before), sorted(gen_c.outputs(self.dir.name)))
        gen_c.generate(self.dir.name, out)
        self.assertEqual(before, {n: os.stat(os.path.join(out, n)).st_mtime_ns for n in os.listdir(out)})

    def test_refuses_a_struct_that_embeds_itself(self):
        self.write('boats/v1.api', BOATS.replace('3 crew ?i32', '3 tender BoatSpec'))
        self.refused(lambda: layout.Layout(self.schema()).ordered(), 'boats.v1.BoatSpec', 'embeds itself')


if __name__ == '__main__':
    unittest.main()
