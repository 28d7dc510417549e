import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { afterAll } from 'vitest';

/** Beside a file of tests that mutants are tried with: writes down which marks of the sources it has run. */
afterAll(() => writeFileSync(process.env['MARKS_RUN']!, JSON.stringify([...(globalThis.marksRun ?? [])])));

// A mutant may loop without ever letting go of the process, and so no timer of its own would end it.
new Worker(`setTimeout(() => process.kill(${process.pid}, 'SIGKILL'), ${process.env['ENDS_AFTER_MS']})`, {
  eval: true,
}).unref();
