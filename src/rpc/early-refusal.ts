import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { createAsyncIterable, readAllBytes } from '@connectrpc/connect/protocol';
import { connectErrorOf } from './errors.ts';
import { SEND_MAX_BYTES } from './limits.ts';
import { undecodable } from './undecodable.ts';

/**
 * Connect refuses a request it cannot read (`"amount": 5`, a misspelt field) by itself, without details, and
 * calls broken binary messages INTERNAL. Gives such an answer what every other refusal of a field has.
 */
export async function completeEarlyRefusal(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  const isPlainJson = header?.get('content-type') === 'application/json' && !header.has('content-encoding');
  if (status < 400 || body === undefined || header === undefined || !isPlainJson) return response;
  const bytes = await readAllBytes(body, SEND_MAX_BYTES);
  const message = blameOfRequest(bytes);
  if (message === undefined) return { ...response, body: createAsyncIterable([bytes]) };
  const complete = withDetails(message);
  header.set('content-length', String(complete.byteLength));
  return { status: 400, header, body: createAsyncIterable([complete]) };
}

/** The sentence of an answer that says what is wrong with the request; undefined for any other. */
function blameOfRequest(bytes: Uint8Array): string | undefined {
  const { code, message } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  if (typeof message !== 'string') return undefined;
  return code === 'invalid_argument' || message.startsWith('parse binary: ') ? message : undefined;
}

function withDetails(message: string): Uint8Array {
  // protobuf-es writes: cannot decode field credit.v1.CreateGrantRequest.amount from JSON: …
  const field = /^cannot decode field \S*?\.?(\w+) from JSON/.exec(message)?.[1] ?? '';
  return errorToJsonBytes(connectErrorOf(undecodable(field, message)), undefined);
}
