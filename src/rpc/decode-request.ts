import { fromBinary, fromJsonString, type DescMessage, type Message } from '@bufbuild/protobuf';
import { RefusalError } from '../refusal.ts';
import type { Format } from './dialect.ts';
import { undecodable } from './undecodable.ts';

/**
 * The message that bytes are, in either of protobuf's formats.
 * @throws RefusalError INVALID_FIELD where they are none, or name a field nobody knows.
 */
export function decodeRequest(schema: DescMessage, format: Format, bytes: Uint8Array): Message {
  return format === 'proto' ? decodeBinary(schema, bytes) : decodeJson(schema, bytes);
}

function decodeBinary(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes);
  } catch {
    const message = `the request is not a ${schema.typeName} in protobuf's binary format`;
    throw new RefusalError(undecodable('', message));
  }
}

function decodeJson(schema: DescMessage, bytes: Uint8Array): Message {
  try {
    // A misspelt `expires_at` must not create credit that never expires.
    return fromJsonString(schema, new TextDecoder().decode(bytes), { ignoreUnknownFields: false });
  } catch (error) {
    const message = (error as Error).message;
    // protobuf-es writes: cannot decode field credit.v1.CreateGrantRequest.amount from JSON: …
    const field = /^cannot decode field \S*?\.?(\w+) from JSON/.exec(message)?.[1] ?? '';
    throw new RefusalError(undecodable(field, message));
  }
}
