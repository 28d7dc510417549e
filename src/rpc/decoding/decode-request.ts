import { fromBinary, fromJson, type DescMessage, type JsonValue, type Message } from '@bufbuild/protobuf';
import { refuseFields } from '../../refusal.ts';
import { repeatedKeys } from './repeated-keys.ts';
import { unreadableFields } from './unreadable-binary.ts';
import { lookAt, UNREADABLE } from './unreadable-json.ts';

/** Either of protobuf's formats. */
export type MessageCodec = 'json' | 'proto';

/**
 * The message that bytes are.
 * @throws RefusalError INVALID_FIELD where they are none, or name a field nobody knows.
 */
export function decodeRequest(schema: DescMessage, codec: MessageCodec, bytes: Uint8Array): Message {
  return codec === 'proto' ? decodeBinary(schema, bytes) : decodeJson(schema, bytes);
}

function decodeBinary(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes);
  } catch {
    const message = 'is no value of its type in protobuf’s binary format';
    const violations = unreadableFields(schema, bytes).map((field) => ({ field, rule: UNREADABLE, message }));
    if (violations.length > 0) refuseFields(violations);
    return refuseRequest(`the request is not a ${schema.typeName} in protobuf's binary format`);
  }
}

/** Tells everything in the request that cannot be read at once. */
function decodeJson(schema: DescMessage, bytes: Uint8Array): Message {
  const text = textOf(bytes);
  const json = parse(text);
  const { violations, keys } = lookAt(schema, json);
  const all = [...violations, ...repeatedKeys(schema, text, keys)];
  if (all.length > 0) refuseFields(all);
  try {
    return fromJson(schema, json);
  } catch {
    return refuseRequest(`the request is not a ${schema.typeName} in protobuf's JSON format`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

// Kindly read, every wrong byte would become U+FFFD, and two ids one.
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return refuseRequest('the request is not UTF-8');
  }
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error))?.[0];
    return refuseRequest(`the request is not JSON${place === undefined ? '' : `: look ${place}`}`);
  }
}

function refuseRequest(message: string): never {
  return refuseFields([{ field: '', rule: UNREADABLE, message }]);
}
