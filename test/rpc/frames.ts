/** Frames of HTTP/2 by hand, for requests that no client sends. All of them are of the first stream. */

const hex = (bytes: string) => Buffer.from(bytes.replaceAll(' ', ''), 'hex');

export const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  hex('000000 04 00 00000000'),
]);

const frame = (type: string, flags: string, payload: Buffer) =>
  Buffer.concat([hex('0000'), Buffer.from([payload.length]), hex(`${type} ${flags} 00000001`), payload]);

const literal = (name: string, value: string) =>
  Buffer.concat([
    hex('00'),
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);

/** The head of a POST: method (static 3), http (6), path and other headers as literals, and no end of the stream. */
export const headFrame = (path: string, headers: Readonly<Record<string, string>>) =>
  frame(
    '01',
    '04',
    Buffer.concat([
      hex('83 86'),
      literal(':path', path),
      literal(':authority', 'localhost'),
      ...Object.entries(headers).map(([name, value]) => literal(name, value)),
    ]),
  );

/** Some of a body, and no end of it. */
export const dataFrame = (bytes: Buffer) => frame('00', '00', bytes);

/** The stream is given up (CANCEL). */
export const RESET = frame('03', '00', hex('00000008'));
