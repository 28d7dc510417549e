import { toBinary, type DescMessage, type Message } from '@bufbuild/protobuf';

const encoded = new WeakMap<Message, Uint8Array>();

/**
 * A message in protobuf's binary format. The first answer to a key is stored and sent, and what many streams share is
 * sent to each: all as the same bytes, made once. The message must not be changed afterwards.
 */
export function encodeOnce(schema: DescMessage, message: Message): Uint8Array {
  const known = encoded.get(message);
  if (known !== undefined) return known;
  const bytes = toBinary(schema, message);
  encoded.set(message, bytes);
  return bytes;
}
