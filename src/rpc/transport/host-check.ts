import { refuse } from '../../refusal.ts';
import { quoted } from './timeout-header.ts';

/** Refuses a call by a name this service does not go by; of no effect where callers show who they are. */
export type CheckHost = (authority: string | undefined) => void;

/**
 * A web page can let its own name mean this machine (DNS rebinding), and its visitor's browser then calls what listens
 * on loopback. Where that asks for no token, it answers to the names of this machine and to the `host` it listens on.
 */
export function createHostCheck(host: string): CheckHost {
  const own = new Set(['localhost', '[::1]', host.toLowerCase(), `[${host.toLowerCase()}]`]);
  return (authority) => {
    // Browsers always say whom they call; what does not is none.
    if (authority === undefined) return;
    const name = authority.replace(/:\d*$/, '').toLowerCase();
    if (own.has(name) || /^127(\.\d{1,3}){3}$/.test(name)) return;
    refuse(
      'FOREIGN_HOST',
      `this service asks for no token and answers to the names of its machine alone, not to ${quoted(name)}: ` +
        'call it as localhost, or set CREDIT_LEDGER_TOKENS, or CREDIT_LEDGER_ALLOW_ANONYMOUS=true',
      { host: name.slice(0, 256) },
    );
  };
}
