import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { StartError } from '../../start-error.ts';

/** Where to listen, as it is set. */
export type Address = { readonly host: string; readonly port: number };

/** The variables by which it is set begin so, and end in `_HOST` and `_PORT`. */
type SetBy = 'CREDIT_LEDGER' | 'CREDIT_LEDGER_METRICS';

const PROBLEMS: Readonly<Record<string, (setBy: SetBy) => string>> = {
  EADDRINUSE: (setBy) => `another process listens there: end it, or set ${setBy}_PORT`,
  EACCES: (setBy) => `this user may not listen there: set ${setBy}_PORT to 1024 or more`,
  EADDRNOTAVAIL: (setBy) => `this machine has no such address: correct ${setBy}_HOST`,
  ENOTFOUND: (setBy) => `nobody knows a host of that name: correct ${setBy}_HOST`,
  EAI_AGAIN: (setBy) => `its name cannot be looked up: correct ${setBy}_HOST`,
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

/** What somebody listens on, as a URL. */
export const urlOf = (scheme: 'http' | 'https', { family, address, port }: AddressInfo): string =>
  `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;

/** What listening fails with, as a sentence; anything else as it is. */
export function explainListening(
  error: unknown,
  { host, port }: Address,
  setBy: SetBy = 'CREDIT_LEDGER',
): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!Object.hasOwn(PROBLEMS, code)) return error;
  return new StartError(`${host}, port ${port}, cannot be listened on: ${PROBLEMS[code]!(setBy)}.`);
}
