import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { StartError } from '../start-error.ts';

/** Whom Postgres runs as: commands put in front of it, or another user. Neither: whoever we are. */
export type RunAs = { prefix: readonly string[]; uid?: number; gid?: number };

type User = { uid: number; gid: number };

const nobody: User = { uid: 65534, gid: 65534 };

/**
 * Postgres refuses uid 0, and initdb a uid without a name, as containers are given. In a user namespace
 * either looks like nobody, while its files stay its own: that also works below directories nobody else may
 * enter.
 */
const inUserNamespace: RunAs = {
  prefix: ['unshare', '--user', `--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`, '--'],
};

/**
 * The ways worth trying, best first. An existing data directory decides by its owner, because Postgres
 * starts only as the user that owns it.
 * @throws if it is another user's, and we are not root.
 */
export function candidates(owner: User | undefined, uid = process.getuid?.()): RunAs[] {
  if (uid !== 0) {
    if (owner === undefined || owner.uid === uid) return [{ prefix: [] }, inUserNamespace];
    throw new StartError(
      `The data directory belongs to user ${owner.uid}, this is user ${uid}: start as its owner.`,
    );
  }
  if (owner === undefined) return [inUserNamespace, { prefix: [], ...nobody }];
  return owner.uid === 0 ? [inUserNamespace] : [{ prefix: [], uid: owner.uid, gid: owner.gid }];
}

/**
 * The first candidate that can enter `directory` and run Postgres there, and the major version that ran.
 * @throws if none can, with what each of them said.
 */
export async function chooseRunAs(
  tries: readonly RunAs[],
  postgres: string,
  directory: string,
): Promise<{ runAs: RunAs; major: string }> {
  const complaints: string[] = [];
  for (const runAs of tries) {
    try {
      // --version answers before Postgres looks at the user; that the user has a name is what id checks.
      const script = 'id -un >/dev/null && cd "$1" && exec "$2" --version';
      const version = await run(runAs, ['sh', '-c', script, 'sh', directory, postgres]);
      return { runAs, major: /(\d+)/.exec(version)?.[1] ?? version };
    } catch (error) {
      complaints.push(`${describe(runAs)}: ${(error as Error).message.trim()}`);
    }
  }
  throw new StartError(
    `The embedded Postgres cannot run here.\n  ${complaints.join('\n  ')}\n` +
      'Start the service as an ordinary user that may read its installation, or set DATABASE_URL.',
  );
}

/** Runs a program to its end and returns its standard output; its standard error is in what is thrown. */
export async function run(runAs: RunAs, command: readonly string[]): Promise<string> {
  const [program = '', ...args] = [...runAs.prefix, ...command];
  const { stdout } = await promisify(execFile)(program, args, { ...spawnOptions(runAs), timeout: 60_000 });
  return stdout;
}

/** What every Postgres program is spawned with. */
export function spawnOptions({ uid, gid }: RunAs) {
  return {
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
    // Postgres insists on a working directory it can enter.
    cwd: '/',
    // No PGPORT, PGDATA or locale of the caller's may change what we start.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
  };
}

function describe({ prefix, uid }: RunAs): string {
  if (prefix.length > 0) return 'in a user namespace (unshare)';
  return uid === undefined ? 'as the current user' : `as user ${uid}`;
}
