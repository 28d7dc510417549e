import { makeSecret } from './secret.ts';

/** The tool behind `npm run secret`: a new secret, for the caller, and its hash, for the file of credentials. */
process.stdout.write(`${JSON.stringify(makeSecret(), null, 2)}\n`);
