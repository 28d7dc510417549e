import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { testWorld } from '../support/world.ts';
import { HANGS_AFTER_MS } from '../support/until.ts';

/** The README's example with the real grpcurl, which learns the contract from the running service. */

const grpcurl = process.env['GRPCURL'] ?? '';
if (grpcurl === '')
  console.log('GRPCURL names no binary: the tests that call the service with grpcurl are left out.');

// Where every test is left out, nothing would take a database down again.
const { host } = new URL(grpcurl === '' ? 'http://nobody' : (await testWorld()).url);

type Said = { readonly code: number; readonly stdout: string; readonly stderr: string };

const run = (...args: string[]): Promise<Said> =>
  new Promise((resolve) => {
    execFile(grpcurl, args, { timeout: HANGS_AFTER_MS }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
const call = (rpc: string, request: object): Promise<Said> =>
  run('-plaintext', '-d', JSON.stringify(request), host, rpc);

describe.runIf(grpcurl !== '')('grpcurl', () => {
  test('lists the services', async () => {
    const { stdout } = await run('-plaintext', host, 'list');

    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(['credit.v1.CreditService', 'ledger.v1.LedgerService', 'grpc.health.v1.Health']),
    );
  });

  test('describes requests with the comments of their fields', async () => {
    const { stdout } = await run('-plaintext', host, 'describe', 'credit.v1.CreateGrantRequest');

    expect(stdout).toContain('string customer_id = 2');
    expect(stdout).toContain('// The caller');
  });

  test('grants credit and reads the balance', async () => {
    const grant = { customer_id: 'ada', name: 'Welcome', currency: 'USD', amount: '100' };
    const created = await call('credit.v1.CreditService/CreateGrant', grant);
    expect(created.stderr).toBe('');
    expect(JSON.parse(created.stdout)).toMatchObject({
      grant: { customerId: 'ada', status: 'GRANT_STATUS_ACTIVE', remainingAmount: '100' },
      version: '1',
    });

    const { stdout } = await call('credit.v1.CreditService/GetBalance', { customer_id: 'ada' });
    expect(JSON.parse(stdout)).toMatchObject({
      balances: [{ currency: 'USD', settled: '100', live: '100', pending: '0' }],
    });
  });

  test('shows a refusal with its reason and metadata', async () => {
    const spend = { customer_id: 'bob', currency: 'USD', amount: '30' };
    const { code, stderr } = await call('credit.v1.CreditService/ConsumeCredits', spend);

    expect(code).not.toBe(0);
    expect(stderr).toContain('Code: FailedPrecondition');
    expect(stderr).toContain('"reason": "INSUFFICIENT_CREDIT"');
    expect(stderr).toContain('"requested": "30"');
  });

  test('shows every wrong field', async () => {
    const { stderr } = await call('credit.v1.CreditService/CreateGrant', { customer_id: 'ada' });

    for (const field of ['name', 'currency', 'amount']) expect(stderr).toContain(`"field": "${field}"`);
  });
});
