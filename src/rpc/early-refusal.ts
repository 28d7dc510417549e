import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { createAsyncIterable, readAllBytes } from '@connectrpc/connect/protocol';
import { connectErrorOf } from './errors.ts';
import { SEND_MAX_BYTES } from './limits.ts';
import { undecodable } from './undecodable.ts';

/**
 * Connect refuses JSON it cannot read (`"amount": 5`, a misspelt field) by itself, without details.
 * Gives such an answer the ErrorInfo and BadRequest that every other refusal of a field has.
 */
export async function completeEarlyRefusal(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { header, body } = response;
  const isPlainJson = header?.get('content-type') === 'application/json' && !header.has('content-encoding');
  if (response.status !== 400 || body === undefined || header === undefined || !isPlainJson) return response;
  const bytes = await readAllBytes(body, SEND_MAX_BYTES);
  const message = unreadableField(bytes);
  const complete = message === undefined ? bytes : withDetails(message);
  header.set('content-length', String(complete.byteLength));
  return { ...response, header, body: createAsyncIterable([complete]) };
}

/** The sentence of an answer that blames the request; undefined for any other. */
function unreadableField(bytes: Uint8Array): string | undefined {
  const error = JSON.parse(new TextDecoder().decode(bytes)) as { code?: unknown; message?: unknown };
  return error.code === 'invalid_argument' && typeof error.message === 'string' ? error.message : undefined;
}

function withDetails(message: string): Uint8Array {
  // protobuf-es writes: cannot decode field credit.v1.CreateGrantRequest.amount from JSON: …
  const field = /^cannot decode field \S*?\.?(\w+) from JSON/.exec(message)?.[1] ?? '';
  return errorToJsonBytes(connectErrorOf(undecodable(field, message)), undefined);
}
