import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/credit/command.ts';
import { CreditService } from '#gen/credit/v1/credit_service_pb.ts';
import { LedgerService } from '#gen/ledger/v1/ledger_service_pb.ts';

test('a write is called as the RPC that asks for it; what time alone brings is nobody’s', () => {
  const rpcs = [...CreditService.methods, ...LedgerService.methods].map(({ name }) => name);
  const names = Object.values(COMMANDS).map(({ method }) => method);

  expect(names.filter((name) => !rpcs.includes(name))).toEqual(['BookDue']);
});
