/** Variables by name; an empty value counts as not set, because compose files pass unset ones that way. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One entry of `CREDIT_LEDGER_TOKENS`. `write` includes `read`; `name` stands in the log for the token. */
export type AccessToken = { name: string; permission: 'read' | 'write'; token: string };

/** The files of TLS, all in PEM, by path. */
export type TlsFiles = {
  /** The certificate, and after it those it is signed by. */
  readonly cert: string;
  readonly key: string;
  /** The authorities whose certificates clients may show; without, none is asked for. */
  readonly clientCa?: string;
  readonly clientCertificates: 'required' | 'optional';
};

const prefix = 'CREDIT_LEDGER_';

/**
 * Reads variables one by one and collects what is wrong instead of throwing at the first. What was never
 * asked for is unknown, so the list of known variables cannot fall out of step with what is read.
 */
export function createReader(env: Environment) {
  const problems: string[] = [];
  const warnings: string[] = [];
  const known = new Set<string>();
  const isServiceLink = serviceLinksOf(env);

  function raw(name: string): string | undefined {
    known.add(name);
    if (!isServiceLink(name)) return env[name] === '' ? undefined : env[name];
    warnings.push(
      `${name} is "${env[name]}", which Kubernetes sets for a Service of that name: it is left alone and the ` +
        'default taken. To set it name the Service otherwise, or give the pod enableServiceLinks: false',
    );
    return undefined;
  }

  /** `or`: what else it may be, for whoever is told that it is neither. */
  function whole(name: string, min: number, max: number, fallback: number, or = ''): number {
    const text = raw(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    problems.push(`${name} is "${text}": it must be a whole number from ${min} to ${max}${or}`);
    return fallback;
  }

  function oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const text = raw(name);
    if (text === undefined) return fallback;
    const value = values.find((candidate) => candidate === text);
    if (value !== undefined) return value;
    problems.push(`${name} is "${text}": it must be one of ${values.join(', ')}`);
    return fallback;
  }

  // Neither quoted nor parsed: it holds a password, and socket URLs have no host, which URL refuses.
  function databaseUrl(name: string): string | undefined {
    const url = raw(name);
    if (url !== undefined && !/^postgres(ql)?:\/\//.test(url)) {
      problems.push(`${name} must start with postgres:// or postgresql://`);
    }
    return url;
  }

  function unknownVariables(): string[] {
    const names = Object.keys(env).filter(
      (name) => name.startsWith(prefix) && !known.has(name) && !isServiceLink(name),
    );
    return names.map(
      (name) => `${name} is not a variable of this service: did you mean ${nearest(name, known)}?`,
    );
  }

  return {
    problems,
    warnings,
    text: (name: string, fallback: string) => raw(name) ?? fallback,
    whole,
    oneOf,
    databaseUrl,
    origins: (name: string) => parseOrigins(raw(name) ?? '', (problem) => problems.push(`${name}${problem}`)),
    tokens: (name: string) => parseTokens(raw(name) ?? '', (problem) => problems.push(`${name}${problem}`)),
    unknownVariables,
  };
}

/** What {@link createReader} makes. */
export type Reader = ReturnType<typeof createReader>;

const LINK_ADDRESS = /^(tcp|udp|sctp):\/\//;

/**
 * Tells the variables by which Kubernetes describes the Services of a namespace to every pod in it: for one called
 * `credit-ledger` or `credit-ledger-db` they begin like ours, and say nothing to this process.
 */
function serviceLinksOf(env: Environment): (name: string) => boolean {
  const linked = Object.keys(env).flatMap(
    (name) => /^(CREDIT_LEDGER\w*?)_SERVICE_HOST$/.exec(name)?.[1] ?? [],
  );
  return (name) =>
    // An address is never a value of ours, whoever set it.
    (/^CREDIT_LEDGER\w*?_PORT$/.test(name) && LINK_ADDRESS.test(env[name] ?? '')) ||
    linked.some(
      (service) =>
        name.startsWith(`${service}_`) &&
        /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(
          name.slice(service.length + 1),
        ),
    );
}

function parseTokens(text: string, report: (problem: string) => void): AccessToken[] {
  const tokens = new Map<string, AccessToken>();
  if (text === '') return [];
  for (const [index, entry] of text.split(',').entries()) {
    const [, name, permission, token] = /^([\w.-]+):(read|write):(\S+)$/.exec(entry.trim()) ?? [];
    if (name === undefined || token === undefined) {
      report(`, entry ${index + 1}, must be name:read:token or name:write:token`);
    } else if (tokens.has(token)) {
      report(` gives ${name} a token that another entry has already`);
    } else {
      tokens.set(token, { name, permission: permission === 'write' ? 'write' : 'read', token });
    }
  }
  return [...tokens.values()];
}

// An origin is what a browser says of a page, to the letter: no path, no slash at the end.
function parseOrigins(text: string, report: (problem: string) => void): readonly string[] {
  const all = text.split(',').flatMap((origin) => origin.trim() || []);
  const wrong = all.find((origin) => !/^https?:/.test(origin) || URL.parse(origin)?.origin !== origin);
  if (wrong !== undefined)
    report(` has "${wrong}": an origin is such as https://app.example.com, without a path`);
  return all;
}

/** Whether only this machine can reach what listens there. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

function nearest(name: string, candidates: Iterable<string>): string {
  const ranked = [...candidates].map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
  return ranked.toSorted((a, b) => a.distance - b.distance)[0]?.candidate ?? '';
}

/** How many characters have to be inserted, removed or replaced to turn one into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Every problem of the environment at once, so that one restart is enough. Never quotes a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is refused:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}
