"""What the schema looks like in C: names of structs and members, C types, order, and descriptor rows."""
import model
import names

# scalar: (leaf, plain C type, C type when it may be absent, in a list, in a map)
LEAFS = {
    'string': ('STRING', 'struct str', 'struct str', 'str_array', 'str_map'),
    'bytes': ('BYTES', 'struct str', 'struct str', 'str_array', 'str_map'),
    'bool': ('BOOL', 'bool', 'struct opt_bool', 'bool_array', 'bool_map'),
    'i32': ('I32', 'int32_t', 'struct opt_i32', 'i32_array', 'i32_map'),
    'i64': ('I64', 'int64_t', 'struct opt_i64', 'i64_array', 'i64_map'),
    'u32': ('U32', 'uint32_t', 'struct opt_u32', 'u32_array', None),
    'u64': ('U64', 'uint64_t', 'struct opt_u64', 'u64_array', None),
    'f64': ('F64', 'double', 'struct opt_f64', 'f64_array', None),
    'enum': ('ENUM', 'int32_t', 'struct opt_i32', 'i32_array', None),
    'Quantity': ('QUANTITY', 'struct quantity', 'struct quantity', 'quantity_array', 'quantity_map'),
    'Time': ('TIME', 'struct timestamp', 'struct timestamp', 'timestamp_array', 'timestamp_map'),
    'MicroTime': ('MICRO_TIME', 'struct timestamp', 'struct timestamp', 'timestamp_array', None),
    'Duration': ('DURATION', 'struct duration', 'struct duration', None, None),
    'IntOrString': ('INT_OR_STRING', 'struct int_or_string', 'struct int_or_string', 'int_or_string_array', None),
    'RawExtension': ('RAW', 'struct str', 'struct str', 'str_array', 'str_map'),
    'FieldsV1': ('FIELDS_V1', 'struct str', 'struct str', 'str_array', 'str_map'),
    'JSON': ('JSON', 'struct str', 'struct str', 'str_array', 'str_map'),
    'any': ('ANY', 'struct str', 'struct str', 'str_array', 'str_map'),
    'Timestamp': ('TIMESTAMP', 'struct timestamp', 'struct timestamp', None, None),
    'Int64Value': ('INT64_VALUE', 'struct opt_i64', 'struct opt_i64', None, None),
    'BoolValue': ('BOOL_VALUE', 'struct opt_bool', 'struct opt_bool', None, None),
}


def is_message(f):
    return isinstance(f.type, model.Type)


def ctype(f):
    """C type of the member of a field."""
    if is_message(f):
        n = f.type.cname
        if f.shape != 'one':
            return f'struct {n}_{"array" if f.shape == "list" else "map"}'
        return f'struct {n} *' if f.pointer else f'struct {n}'
    _, plain, optional, in_list, in_map = LEAFS[f.type]
    if f.shape == 'one':
        return optional if f.pointer else plain
    array = in_list if f.shape == 'list' else in_map
    if array is None:
        raise model.SchemaError(f'{f.where}: no C type for a {f.shape} of {f.type}')
    return 'struct ' + array


def embedded(t):
    """Types that t holds by value."""
    return [f.type for f in t.fields if is_message(f) and f.shape == 'one' and not f.pointer]


class Row:
    """One descriptor row: a field as seen from the type it is reached through."""

    def __init__(self, f, path, flat):
        self.f, self.path, self.flat = f, path, flat


class Layout:
    """Every type that has a struct, in the order of its id; sets cname of types and member of fields."""

    def __init__(self, schema):
        self.schema = schema
        hub_names = {}
        for gv in schema.gvs:
            if gv.hub:
                hub_names.setdefault(gv.group, set()).update(gv.types)
        self.types = [t for gv in schema.gvs for t in gv.types.values() if 'leaf' not in t.attrs]
        seen = {}
        for t in self.types:
            t.cname = names.type_name(t, hub_names)
            if t.cname in seen:
                raise model.SchemaError(f'{t.full} and {seen[t.cname].full} are both struct {t.cname}')
            seen[t.cname] = t
            self.name_members(t)
        self.type_id = {t: i + 1 for i, t in enumerate(self.types)}  # types[0] is unused
        self.prefixes = list(dict.fromkeys(t.gv.prefix for t in self.types))

    @staticmethod
    def name_members(t):
        used = set()
        for f in t.fields:
            name = f.name or f.proto or names.snake(f.type.name if is_message(f) else f.type)
            f.member = names.member(name)
            while f.member in used:
                f.member += '_'
            used.add(f.member)

    def ordered(self):
        """Types so that what is embedded by value comes first."""
        done, out = set(), []

        def visit(t, trail):
            if t in done:
                return
            if t in trail:
                raise model.SchemaError(f'{t.full} embeds itself')
            for d in embedded(t):
                visit(d, trail | {t})
            done.add(t)
            out.append(t)
        for t in self.types:
            visit(t, frozenset())
        return out

    def rows_of(self, t):
        """Rows in JSON order; an inlined struct is followed by its own fields."""
        rows = []
        for f in t.fields:
            rows.append(Row(f, f.member, False))
            if f.inline:
                rows += [Row(r.f, f'{f.member}.{r.path}', True) for r in self.rows_of(f.type) if not r.f.inline]
        return rows
