// plan_ops.h out of the compiled plan table: a C struct and a decoder for each operation, and the switch that dispatches them.
const cType = { u32: 'uint32_t ', u64: 'uint64_t ', flag: 'uint32_t ', string: 'const char *', bytes: 'struct bytes ', strings: 'struct strings ' };
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const struct = (name, kinds) => {
  const members = Object.entries(kinds).map(([member, kind]) => `\t${cType[kind]}${snake(member)};\n`);
  return `struct ${name} {\n${members.length ? members.join('') : '\tchar none;\n'}};\n`;
};
const decoder = (name, kinds) => {
  const takes = Object.entries(kinds).map(([member, kind]) => `take_${kind}(from, &to->${snake(member)})`);
  const body = takes.length ? `\treturn ${takes.join('\n\t    && ')};\n` : '\t(void)from;\n\tto->none = 0;\n\treturn true;\n';
  return `static bool decode_${name}(struct cursor *from, struct ${name} *to)\n{\n${body}}\n`;
};

/** @returns {string} the text of plan_ops.h */
export function generateHeader({ OPERATIONS, SETTINGS, PLAN_VERSION, ACTOR_CODES }) {
  const operations = Object.entries(OPERATIONS);
  return [
    '/* Generated from domain/plan/plan-table.ts. Included by plan.h; PLAN_DECODERS is defined by decode.c alone. */\n',
    `enum { PLAN_VERSION = ${PLAN_VERSION} };\n`,
    `enum actor { ${Object.entries(ACTOR_CODES).map(([name, code]) => `ACTOR_${name.toUpperCase()} = ${code}`).join(', ')} };\n`,
    struct('plan_settings', SETTINGS),
    ...operations.map(([name, { operands }]) => `${struct(`op_${name}`, operands)}int do_${name}(struct context *at, const struct op_${name} *op);\n`),
    '#ifdef PLAN_DECODERS\n',
    decoder('plan_settings', SETTINGS),
    ...operations.map(([name, { operands }]) => decoder(`op_${name}`, operands)),
    '/* at == NULL: only whether it can be decoded. */\nstatic int dispatch(uint16_t code, struct cursor *from, struct context *at)\n{\n\tswitch (code) {\n',
    ...operations.map(
      ([name, { code }]) =>
        `\tcase ${code}: {\n\t\tstruct op_${name} op;\n\t\tif (!decode_op_${name}(from, &op) || from->at != from->end)\n\t\t\treturn -EBADMSG;\n\t\treturn at ? do_${name}(at, &op) : 0;\n\t}\n`,
    ),
    '\t}\n\treturn -ENOSYS;\n}\n#endif\n',
  ].join('');
}
