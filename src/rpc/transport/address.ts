import { once } from 'node:events';
import { createServer } from 'node:net';
import { StartError } from '../../start-error.ts';

/** Where to listen, as it is set. */
export type Address = { readonly host: string; readonly port: number };

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there: end it, or set CREDIT_LEDGER_PORT',
  EACCES: 'this user may not listen there: set CREDIT_LEDGER_PORT to 1024 or more',
  EADDRNOTAVAIL: 'this machine has no such address: correct CREDIT_LEDGER_HOST',
  ENOTFOUND: 'nobody knows a host of that name: correct CREDIT_LEDGER_HOST',
  EAI_AGAIN: 'its name cannot be looked up: correct CREDIT_LEDGER_HOST',
};

/**
 * Listens for a moment, so that a start that cannot succeed ends before it has changed anything.
 * @throws StartError where nobody can listen there.
 */
export async function assertFree(address: Address): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(address.port, address.host);
    await once(probe, 'listening');
  } catch (error) {
    throw explainListening(error, address);
  }
  probe.close();
  await once(probe, 'close');
}

/** What listening fails with, as a sentence; anything else as it is. */
export function explainListening(error: unknown, { host, port }: Address): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!Object.hasOwn(PROBLEMS, code)) return error;
  return new StartError(`${host}, port ${port}, cannot be listened on: ${PROBLEMS[code]}.`);
}
