import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs the commands of a page as a reader would. */

/** Path of a `grpcurl`, where there is one. */
export const grpcurl = process.env['GRPCURL'];

export const hasCurl = (await printedBy('command -v curl', {})) !== '';

/** Where a service is, and its metrics, where there are any. */
type Places = { readonly port: number; readonly metricsUrl?: string | undefined };

/** A shell for which the service listens where the pages say; it answers what was printed, errors after the rest. */
export const shellFor =
  ({ port, metricsUrl = 'nowhere' }: Places, environment: Readonly<Record<string, string>> = {}) =>
  (script: string): Promise<string> => {
    const here = script
      .replaceAll('localhost:8484', `127.0.0.1:${port}`)
      .replaceAll('localhost:9464/metrics', metricsUrl);
    const program = grpcurl ?? `${process.execPath}' 'test/support/grpcurl-stand-in.ts`;
    return printedBy(`grpcurl() { '${program}' "$@"; }\n${here}`, environment);
  };

async function printedBy(script: string, environment: Readonly<Record<string, string>>): Promise<string> {
  // A refusal ends a command with a status of its own; what it printed is what the page shows.
  const run = await promisify(execFile)('sh', ['-c', script], {
    env: { ...process.env, ...environment },
  }).catch((error: unknown) => error as { stdout: string; stderr: string });
  return run.stdout + run.stderr;
}
