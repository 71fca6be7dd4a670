#!/usr/bin/env python3
"""Makes a C source of a file's bytes: embed.py FILE NAME OUTPUT."""
import sys


def main():
    data = open(sys.argv[1], 'rb').read()
    name = sys.argv[2]
    lines = [','.join(map(str, data[i:i + 32])) + ',' for i in range(0, len(data), 32)]
    with open(sys.argv[3], 'w', encoding='ascii') as out:
        out.write(f'/* Made by tools/embed.py. */\n#include <stddef.h>\n\n'
                  f'extern const unsigned char {name}_bytes[];\nextern const size_t {name}_size;\n\n'
                  f'const unsigned char {name}_bytes[] = {{\n' + '\n'.join(lines) + '\n};\n'
                  f'const size_t {name}_size = {len(data)};\n')


if __name__ == '__main__':
    main()
