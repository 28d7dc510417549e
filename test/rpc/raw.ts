import { expect } from 'vitest';
import type { JsonValue } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import { trailerParse } from '@connectrpc/connect/protocol-grpc-web';
import * as grpc from '@grpc/grpc-js';
import { grpcFailure, jsonFailure, WireFailure } from './clients.ts';

/** Why a request was refused, as its caller sees it; 'taken' if it was not. */
export type Seen = Readonly<Record<string, unknown>> | 'taken';

/** Sends the bytes of a request to an RPC such as `credit.v1.CreditService/GetBalance`, whatever they are. */
export type Send = (url: string, rpc: string, bytes: Uint8Array) => Promise<Seen>;

/** Field and rule of every violation; fails on a message that is the decoder's. */
export function told(seen: Seen): readonly (readonly [field: string, rule: string])[] {
  if (seen === 'taken') return [];
  const violations = seen['violations'] as [string, string, string][];
  expect(seen).toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: 'INVALID_FIELD',
    metadata: { field: violations[0]![0], rule: violations[0]![1] },
  });
  expect(seen['message']).not.toMatch(/decode|google\.protobuf|credit\.v1\.\w+\.|Unexpected|expected/);
  return violations.map(([field, rule]) => [field, rule]);
}

const frame = (message: Uint8Array) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

async function jsonAnswer(response: Response): Promise<Seen> {
  const json = (await response.json()) as JsonValue;
  return response.ok ? 'taken' : jsonFailure(json).seen;
}

const connectPost =
  (contentType: string): Send =>
  async (url, rpc, bytes) => {
    const headers = { 'content-type': contentType };
    const response = await fetch(`${url}/${rpc}`, { method: 'POST', body: Buffer.from(bytes), headers });
    if (!response.ok) return jsonAnswer(response);
    await response.body?.cancel();
    return 'taken';
  };

const connectGet =
  (encoding: string, message: (bytes: Uint8Array) => string): Send =>
  async (url, rpc, bytes) => {
    const response = await fetch(`${url}/${rpc}?connect=v1&encoding=${encoding}&message=${message(bytes)}`);
    if (!response.ok) return jsonAnswer(response);
    await response.body?.cancel();
    return 'taken';
  };

const percents = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const base64 = (bytes: Uint8Array) => `${Buffer.from(bytes).toString('base64url')}&base64=1`;

const grpcWeb =
  (format: string): Send =>
  async (url, rpc, bytes) => {
    const headers = { 'content-type': `application/grpc-web+${format}` };
    const response = await fetch(`${url}/${rpc}`, { method: 'POST', body: frame(bytes), headers });
    const answer = Buffer.from(await response.arrayBuffer());
    const isTrailer = answer.length > 0 && answer[0] === 0x80;
    if (answer.length > 0 && !isTrailer) return 'taken';
    const trailers = isTrailer ? trailerParse(answer.subarray(5)) : response.headers;
    return new WireFailure(findTrailerError(trailers) ?? new ConnectError('no error', Code.Unknown)).seen;
  };

const plainGrpc: Send = async (url, rpc, bytes) => {
  const client = new grpc.Client(new URL(url).host, grpc.credentials.createInsecure());
  const asIs = (value: Buffer) => value;
  const seen = await new Promise<Seen>((resolve) => {
    client.makeUnaryRequest(`/${rpc}`, asIs, asIs, Buffer.from(bytes), (error) =>
      resolve(error === null ? 'taken' : grpcFailure(error).seen),
    );
  });
  client.close();
  return seen;
};

/** Everything that takes a request in protobuf's binary format. */
export const BINARY: Readonly<Record<string, Send>> = {
  gRPC: plainGrpc,
  'gRPC-Web': grpcWeb('proto'),
  Connect: connectPost('application/proto'),
  'Connect GET': connectGet('proto', base64),
};

/** Everything that takes a request in JSON, first what takes writes too. */
export const JSON_POST: Readonly<Record<string, Send>> = {
  'Connect JSON': connectPost('application/json'),
  'gRPC-Web JSON': grpcWeb('json'),
};
export const JSON_ALL: Readonly<Record<string, Send>> = {
  ...JSON_POST,
  'Connect GET': connectGet('json', percents),
  'Connect GET in base64': connectGet('json', base64),
};
