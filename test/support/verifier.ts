import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import {
  FindingKind,
  type VerifyFinding,
  type VerifyResponse,
  type VerifySummary,
} from '#gen/ledger/v1/verify_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';
import { collect } from '../rpc/clients.ts';
import { nameOf } from '../../src/rpc/wire.ts';

/** Each protocol's way to call `Verify`. */
export const VERIFY_OVER = {
  gRPC: (baseUrl: string) => createClient(LedgerService, createGrpcTransport({ baseUrl })).verify,
  'gRPC-Web': (baseUrl: string) =>
    createClient(LedgerService, createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })).verify,
  Connect: (baseUrl: string) =>
    createClient(
      LedgerService,
      createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
    ).verify,
};

/** All that a verification says, in order. */
export type Verified = {
  readonly events: readonly VerifyResponse['event'][];
  readonly findings: readonly VerifyFinding[];
  /** The kinds found, without their prefix. */
  readonly kinds: readonly (string | null)[];
  readonly summary: VerifySummary;
};

export async function verified(
  url: string,
  request: { namespace?: string; customerId?: string },
): Promise<Verified> {
  const messages = await collect(VERIFY_OVER.Connect(url)(request));
  const events = messages.map(({ event }) => event);
  const findings = events.flatMap((event) => (event.case === 'finding' ? [event.value] : []));
  const last = events.at(-1);
  if (last?.case !== 'summary') throw new Error('the verification ended without a summary');
  return {
    events,
    findings,
    summary: last.value,
    kinds: findings.map(({ kind }) => nameOf(FindingKind, kind)),
  };
}
