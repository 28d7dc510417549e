import { afterAll, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#gen/grpc/health/v1/health_pb.ts';
import { failureOf } from '../rpc/clients.ts';
import { callerOf } from '../support/caller.ts';
import { dataDirectory, type ServiceProcess } from '../support/child.ts';
import { grpcCaller } from '../support/grpc-caller.ts';
import { grantRequest } from '../support/requests.ts';
import { HANGS_AFTER_MS, until } from '../support/until.ts';

/** What callers and load balancers see of an instance that is told to end. */

const MINUTES = 2 * HANGS_AFTER_MS;
/** Longer than any test waits: whatever ends sooner has not waited for it. */
const FOR_EVER = { CREDIT_LEDGER_DRAIN_MS: '600000' };
const directory = dataDirectory();
afterAll(() => directory.remove(), MINUTES);

const readyz = async ({ url }: ServiceProcess) => {
  const response = await fetch(`${url}/readyz`);
  return [response.status, (await response.json()) as object] as const;
};

const shuttingDown = [
  503,
  { ready: false, reason: 'SHUTTING_DOWN', message: 'this instance is shutting down' },
];

/** Says it again and again: what comes within a second of the first is the same wish. */
async function insist({ pid, ended }: ServiceProcess, signal: NodeJS.Signals) {
  let exit: number | NodeJS.Signals | undefined;
  void ended().then((code) => (exit = code));
  return until('it has ended', () => {
    if (exit === undefined) process.kill(pid, signal);
    return exit;
  });
}

test(
  'after SIGTERM it is not ready but serves on, until the delay is over or somebody asks again',
  async () => {
    const service = await directory.start(FOR_EVER);
    const client = grpcCaller(service.url);
    const watch = client.follow(Health.method.watch, {});
    const told = async () => (await watch.next()).value?.status;
    expect(await told()).toBe(Status.SERVING);
    expect(await readyz(service)).toEqual([200, { ready: true }]);

    // Twice, as npm and whoever signals a whole group do.
    process.kill(service.pid, 'SIGTERM');
    process.kill(service.pid, 'SIGTERM');

    expect(await told()).toBe(Status.NOT_SERVING);
    expect(await readyz(service)).toEqual(shuttingDown);
    await callerOf(service).answer('CreateGrant', grantRequest());
    const last = failureOf(watch.next());
    expect(await insist(service, 'SIGTERM')).toBe(0);
    expect(await last).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
    client.close();
  },
  MINUTES,
);

test(
  'SIGINT is of a person who waits: there is no delay, and who watches the health is told all the same',
  async () => {
    const service = await directory.start(FOR_EVER);
    const client = grpcCaller(service.url);
    const watch = client.follow(Health.method.watch, {});
    await watch.next();
    const told = watch.next();

    expect(await service.end('SIGINT')).toBe(0);
    expect((await told).value?.status).toBe(Status.NOT_SERVING);
    client.close();
  },
  MINUTES,
);
